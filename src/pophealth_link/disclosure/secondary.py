"""Secondary suppression: withhold more until no reader knows too much, then no more than needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pophealth_link.disclosure.cells import Cells
from pophealth_link.disclosure.ranges import (
    TOLERANCE,
    Flags,
    Floats,
    Ranges,
    Terms,
    Whole,
    implied,
)
from pophealth_link.disclosure.readers import Reader, Readers, both_readers, marks_alone


@dataclass(frozen=True)
class _Group:
    """Connected groups of cells that are worked on, apart from those that are done.

    Fields: the cells; what the marks alone tell; each cell's group; its number among all cells.
    """

    cells: Cells
    marks: Ranges
    group: Whole
    number: Whole

    @property
    def readers(self) -> Readers:
        """Both readers of the cells."""
        return both_readers(self.cells, self.marks)

    def groups_of(self, marked: Flags) -> Flags:
        """Return the cells of every group that has a marked cell."""
        has = np.zeros(int(self.group.max(initial=-1)) + 1, dtype=np.bool_)
        has[self.group[marked]] = True
        result: Flags = has[self.group]
        return result

    def within(self, marked: Flags, cells: Cells) -> _Group:
        """Return the marked groups, of `cells` in place of the present ones."""
        return _Group(
            cells.within(marked), self.marks.within(marked), self.group[marked], self.number[marked]
        )


def protected_cells(cells: Cells) -> Cells:
    """Return the cells with as many more withheld as it takes, and none that it does not take.

    Where nothing more would help, cells remain that a reader knows too closely.
    """
    size = len(cells.hidden)
    whole = _Group(cells, marks_alone(cells), cells.terms.components(size), np.arange(size))
    more = _withhold_more(whole)
    return cells.also_hidden(more & ~_give_back(whole, more))


def _withhold_more(group: _Group) -> Flags:
    """Return the cells to withhold besides those that the policy suppresses."""
    chosen = np.zeros(len(group.number), dtype=np.bool_)
    while len(group.number):
        readers = group.readers
        failed = readers.failed & ~group.groups_of(readers.informed.ranges.contradictory)
        more = _choose(group.cells, readers.informed) | _choose(group.cells, readers.other)
        more |= _choose_near(group, failed & ~group.groups_of(more))
        chosen[group.number[more]] = True
        going_on = group.groups_of(failed) & group.groups_of(more)
        group = group.within(going_on, group.cells.also_hidden(more))
    return chosen


def _give_back(group: _Group, chosen: Flags) -> Flags:
    """Return those of the chosen cells that later ones made needless, tried largest first.

    One cell of each connected group is tried at a time.
    """
    given = np.zeros(len(chosen), dtype=np.bool_)
    hidden = group.cells.also_hidden(chosen)
    waiting = chosen & ~group.groups_of(both_readers(hidden, group.marks).failed)
    while waiting.any():
        busy = group.groups_of(waiting)
        group, waiting = group.within(busy, hidden), waiting[busy]
        trial = _first(group, np.flatnonzero(waiting), largest=True)
        shown = group.cells.shown_again(trial)
        failed = both_readers(shown, group.marks).failed
        good = trial & ~group.groups_of(failed)
        given[group.number[good]] = True
        hidden, waiting = group.cells.shown_again(good), waiting & ~trial
    return given


def _first(group: _Group, at: Whole, *, largest: bool) -> Flags:
    """Mark of each group the largest or the smallest count among the cells given."""
    truth = group.cells.truth[at] * (-1 if largest else 1)
    best = at[np.lexsort((group.cells.order[at], truth, group.group[at]))]
    first = np.flatnonzero(np.diff(group.group[best], prepend=-1))
    return _marked(best[first], len(group.number))


def _marked(at: Whole, size: int) -> Flags:
    marks = np.zeros(size, dtype=np.bool_)
    marks[at] = True
    return marks


@dataclass(frozen=True)
class _Needs:
    """Per pressing relation its tightest term, what it lacks, and on which side.

    `lower`: the least sum of the other cells must fall; else their greatest must rise.
    """

    relation: Whole
    term: Whole
    lack: Floats
    lower: Flags


def _needs(cells: Cells, reader: Reader) -> _Needs:
    terms = cells.terms
    told = implied(terms, reader.ranges)
    above = reader.owed.high[terms.cell] - told.high
    below = told.low - reader.owed.low[terms.cell]
    lack = np.concatenate([above, below])
    is_above = np.repeat([True, False], len(above))
    term = np.tile(np.arange(len(above), dtype=np.int64), 2)
    at = np.flatnonzero(lack > TOLERANCE)
    ties = cells.order[terms.cell[term[at]]]
    at = at[np.lexsort((is_above[at], ties, -lack[at], terms.relation[term[at]]))]
    at = at[np.flatnonzero(np.diff(terms.relation[term[at]], prepend=-1))]
    lower = is_above[at] == (terms.sign[term[at]] > 0)
    return _Needs(terms.relation[term[at]], term[at], lack[at], lower)


def _choose(cells: Cells, reader: Reader) -> Flags:
    """Choose in each relation that tells too much the smallest shown cell that would mend it.

    A cell mends it when withholding it widens the sum of the others, on the side that presses,
    by what is lacking; failing that, the smallest that widens it at all.
    """
    terms, need = cells.terms, _needs(cells, reader)
    wanted = np.full(len(terms.start), -1, dtype=np.int64)
    wanted[need.relation] = np.arange(len(need.lack))
    demand = wanted[terms.relation]
    at = np.flatnonzero((demand >= 0) & cells.shown[terms.cell])
    at = at[at != need.term[demand[at]]]
    gain = _gain(terms, reader, at, need.lower[demand[at]])
    at, gain = at[gain > TOLERANCE], gain[gain > TOLERANCE]
    cell, of = terms.cell[at], demand[at]
    partial = gain < need.lack[of] - TOLERANCE
    best = np.lexsort((cells.order[cell], cells.truth[cell], partial, of))
    first = np.flatnonzero(np.diff(of[best], prepend=-1))
    return _marked(cell[best][first], len(cells.hidden))


def _gain(terms: Terms, reader: Reader, at: Whole, lower: Flags) -> Floats:
    """Return by how much withholding the cell of each term would widen the sum it is in."""
    cell = terms.cell[at]
    falls = lower == (terms.sign[at] > 0)
    down = reader.ranges.low[cell] - reader.unshown.low[cell]
    up = reader.unshown.high[cell] - reader.ranges.high[cell]
    gain: Floats = np.where(falls, down, up)
    return gain


def _choose_near(group: _Group, failed: Flags) -> Flags:
    """Choose of each failing group the smallest shown cell of the nearest relations that have one.

    Called for groups where no single cell of a pressing relation helps, because its withheld
    cells are held fast by their own relations in turn.
    """
    cells, terms = group.cells, group.cells.terms
    now, free = cells.informed(), cells.unshown()
    wider = (free.low < now.low - TOLERANCE) | (free.high > now.high + TOLERANCE)
    can, near = cells.shown & wider, terms.touching(failed)
    chosen = np.zeros_like(failed)
    while near.any():
        reached = _marked(terms.cell[near[terms.relation]], len(failed))
        chosen |= _first(group, np.flatnonzero(reached & can), largest=False)
        wide = terms.touching(reached & ~cells.shown & ~group.groups_of(chosen))
        near = wide if (wide & ~near).any() else np.zeros_like(near)
    return chosen
