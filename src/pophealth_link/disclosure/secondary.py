"""Secondary suppression: withhold more until no reader knows too much, then give back."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from pophealth_link.disclosure.readers import (
    Reader,
    Readers,
    both_readers,
    marks_alone,
    narrowed_readers,
)

# How many relations away from a cell that is known too closely a remedy is looked for.
_REACH = 8
# How many cells of a connected group are tried to be shown again, the largest, which matter most:
# the second number unless so many cells were looked at by then.
_TRIES, _MOST_TRIES, _LOOKED_AT = 100, 1_000, 3_000_000


@dataclass(frozen=True)
class _Group:
    """Connected groups of cells that are worked on, apart from those that are done.

    Fields: the cells; what the marks alone tell; each cell's group; its number among all cells;
    the number of those that relations make equal to it.
    """

    cells: Cells
    marks: Ranges
    group: Whole
    number: Whole
    alike: Whole

    @classmethod
    def of(cls, cells: Cells) -> _Group:
        """Return the groups of all the cells."""
        size, terms = len(cells.hidden), cells.terms
        numbers = terms.components(size), np.arange(size), terms.alike(size)
        return cls(cells, marks_alone(cells), *numbers)

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
        numbers = (each[marked] for each in (self.group, self.number, self.alike))
        return _Group(cells.within(marked), self.marks.within(marked), *numbers)

    def alike_to(self, marked: Flags) -> Flags:
        """Return the marked cells, and those that relations make equal to one of them."""
        has = np.zeros(int(self.alike.max(initial=-1)) + 1, dtype=np.bool_)
        has[self.alike[marked]] = True
        result: Flags = has[self.alike]
        return result


def protected_cells(cells: Cells) -> Cells:
    """Return the cells with as many more withheld as it takes, and few that it does not take.

    Where nothing more would help, cells remain that a reader knows too closely.
    """
    whole = _Group.of(cells)
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

    One cell of each connected group is tried at a time, with those that are equal to it (shown
    alone it would give them away), and not more than `_TRIES` of a group.
    """
    given = np.zeros(len(chosen), dtype=np.bool_)
    cells, marks = group.cells.also_hidden(chosen), group.marks
    readers = both_readers(cells, marks)
    waiting = chosen & ~group.groups_of(readers.failed)
    looked_at = 0
    for tried in range(_MOST_TRIES):
        if not waiting.any() or (tried >= _TRIES and looked_at > _LOOKED_AT):
            break
        looked_at += len(waiting)
        busy = group.groups_of(waiting)
        group, waiting, readers = group.within(busy, cells), waiting[busy], readers.within(busy)
        trial = waiting & group.alike_to(_first(group, np.flatnonzero(waiting), largest=True))
        after = narrowed_readers(group.cells.shown_again(trial), group.marks, readers, trial)
        good = ~group.groups_of(after.failed)
        given[group.number[trial & good]] = True
        cells, readers = group.cells.shown_again(trial & good), after.mixed(good, readers)
        waiting = waiting & ~trial
    return given


def _first(group: _Group, at: Whole, *, largest: bool) -> Flags:
    """Mark of each group the largest or the smallest count among the cells given.

    Headlines are the first of the largest and the last of the smallest.
    """
    sign = -1 if largest else 1
    late, truth = sign * group.cells.headline[at], sign * group.cells.truth[at]
    best = at[np.lexsort((group.cells.order[at], truth, late, group.group[at]))]
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

    Where no shown cell of a relation would, its withheld cells are held fast by relations of
    their own, and what is lacking is asked of those in turn.
    """
    chosen = np.zeros(len(cells.hidden), dtype=np.bool_)
    for _ in range(_REACH):
        need = _needs(cells, reader)
        others = _Others.of(cells.terms, need, reader)
        picked = _smallest_helpful(cells, need, others)
        chosen |= picked
        met = np.zeros(len(need.lack), dtype=np.bool_)
        met[others.need[picked[others.cell]]] = True
        unmet = ~met[others.need] & ~cells.untold[others.cell] & (others.gain > TOLERANCE)
        if not unmet.any():
            break
        reader = _asked_of(reader, others, unmet, need.lack)
    return chosen


@dataclass(frozen=True)
class _Others:
    """The other terms of pressing relations: cell, which need, gain, and whether its low falls.

    `gain`: by how much the sum of the other cells widens if nothing but its mark is known of it.
    """

    cell: Whole
    need: Whole
    gain: Floats
    falls: Flags

    @classmethod
    def of(cls, terms: Terms, need: _Needs, reader: Reader) -> _Others:
        """Return the terms beside the one that each need is about."""
        wanted = np.full(len(terms.start), -1, dtype=np.int64)
        wanted[need.relation] = np.arange(len(need.lack))
        at = np.flatnonzero(wanted[terms.relation] >= 0)
        at = at[at != need.term[wanted[terms.relation[at]]]]
        cell, of = terms.cell[at], wanted[terms.relation[at]]
        falls = need.lower[of] == (terms.sign[at] > 0)
        down = reader.ranges.low[cell] - reader.unshown.low[cell]
        # Of two open ends neither can be opened further.
        up = np.where(
            np.isinf(reader.ranges.high[cell]),
            0.0,
            reader.unshown.high[cell] - np.nan_to_num(reader.ranges.high[cell], posinf=0.0),
        )
        return cls(cell, of, np.where(falls, down, up), falls)


def _smallest_helpful(cells: Cells, need: _Needs, others: _Others) -> Flags:
    """Choose for each need the smallest shown cell that gives all that lacks, else that helps.

    A headline is chosen where nothing else helps.
    """
    at = np.flatnonzero(cells.untold[others.cell] & (others.gain > TOLERANCE))
    cell, of = others.cell[at], others.need[at]
    partial = others.gain[at] < need.lack[of] - TOLERANCE
    best = np.lexsort((cells.order[cell], cells.truth[cell], partial, cells.headline[cell], of))
    first = np.flatnonzero(np.diff(of[best], prepend=-1))
    return _marked(cell[best][first], len(cells.hidden))


def _asked_of(reader: Reader, others: _Others, unmet: Flags, lack: Floats) -> Reader:
    """Return the reader with what is lacking owed to the cells of the unmet needs instead."""
    size = len(reader.ranges.low)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    falls, rises = unmet & others.falls, unmet & ~others.falls
    down, up = others.cell[falls], others.cell[rises]
    np.minimum.at(low, down, reader.ranges.low[down] - lack[others.need[falls]])
    np.maximum.at(high, up, reader.ranges.high[up] + lack[others.need[rises]])
    owed = Ranges(
        np.where(np.isinf(low), low, np.maximum(low, reader.unshown.low)),
        np.minimum(high, reader.unshown.high),
    )
    return replace(reader, owed=owed)


def _choose_near(group: _Group, failed: Flags) -> Flags:
    """Choose of each failing group the smallest shown cell of the nearest relations that have one.

    Called for groups where no single cell of a pressing relation helps, because its withheld
    cells are held fast by their own relations in turn.
    """
    cells, terms = group.cells, group.cells.terms
    now, free = cells.informed(), cells.unshown()
    wider = (free.low < now.low - TOLERANCE) | (free.high > now.high + TOLERANCE)
    can, near = cells.untold & wider, terms.touching(failed)
    chosen = np.zeros_like(failed)
    while near.any():
        reached = _marked(terms.cell[near[terms.relation]], len(failed))
        chosen |= _first(group, np.flatnonzero(reached & can), largest=False)
        wide = terms.touching(reached & ~cells.untold & ~group.groups_of(chosen))
        near = wide if (wide & ~near).any() else np.zeros_like(near)
    return chosen
