"""Secondary suppression: withhold more until no reader knows too much, then no more than needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pophealth_link.disclosure.cells import Cells
from pophealth_link.disclosure.ranges import TOLERANCE, Flags, Floats, Terms, Whole, implied
from pophealth_link.disclosure.readers import Reader, both_readers


def protected_cells(cells: Cells) -> Cells:
    """Return the cells with as many more withheld as it takes, and none that it does not take.

    Where nothing more would help, cells remain that a reader knows too closely.
    """
    component = cells.terms.components(len(cells.hidden))
    return _give_back(cells, _withhold_more(cells, component), component)


def _withhold_more(cells: Cells, component: Whole) -> Cells:
    terms = cells.terms
    while True:
        readers = both_readers(cells, terms)
        failed = readers.failed
        if not failed.any() or readers.informed.ranges.contradictory.any():
            return cells
        more = _choose(cells, terms, readers.informed) | _choose(cells, terms, readers.other)
        if not more.any():
            more = _choose_near(cells, terms, failed)
        if not more.any():
            return cells
        cells = cells.also_hidden(more)
        terms = terms.keep(terms.touching(np.isin(component, component[failed])))


def _give_back(before: Cells, cells: Cells, component: Whole) -> Cells:
    """Show again, largest first, what later suppression has made needless.

    One cell of each connected group is tried at a time.
    """
    waiting = np.flatnonzero(cells.hidden & ~before.hidden)
    waiting = waiting[np.lexsort((cells.order[waiting], -cells.truth[waiting]))]
    if both_readers(cells, cells.terms).failed.any():
        return cells
    terms = cells.terms
    while len(waiting):
        terms = terms.keep(terms.touching(np.isin(component, component[waiting])))
        first = np.unique(component[waiting], return_index=True)[1]
        trial = _marked(waiting[first], cells)
        shown = cells.shown_again(trial)
        failed = both_readers(shown, terms).failed
        cells = cells.shown_again(trial & ~np.isin(component, component[failed]))
        waiting = np.delete(waiting, first)
    return cells


def _marked(at: Whole, cells: Cells) -> Flags:
    marks = np.zeros(len(cells.hidden), dtype=np.bool_)
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


def _needs(cells: Cells, terms: Terms, reader: Reader) -> _Needs:
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


def _choose(cells: Cells, terms: Terms, reader: Reader) -> Flags:
    """Choose in each relation that tells too much the smallest shown cell that would mend it.

    A cell mends it when withholding it widens the sum of the others, on the side that presses,
    by what is lacking; failing that, the smallest that widens it at all.
    """
    need = _needs(cells, terms, reader)
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
    return _marked(cell[best][first], cells)


def _gain(terms: Terms, reader: Reader, at: Whole, lower: Flags) -> Floats:
    """Return by how much withholding the cell of each term would widen the sum it is in."""
    cell = terms.cell[at]
    falls = lower == (terms.sign[at] > 0)
    down = reader.ranges.low[cell] - reader.unshown.low[cell]
    up = reader.unshown.high[cell] - reader.ranges.high[cell]
    gain: Floats = np.where(falls, down, up)
    return gain


def _choose_near(cells: Cells, terms: Terms, failed: Flags) -> Flags:
    """Choose the smallest shown cell of the nearest relations that has one to give.

    Called where no single cell of a pressing relation helps, because its withheld cells are held
    fast by their own relations in turn.
    """
    now, free = cells.informed(), cells.unshown()
    wider = (free.low < now.low - TOLERANCE) | (free.high > now.high + TOLERANCE)
    can = cells.shown & wider
    near = terms.touching(failed)
    while True:
        reached = _marked(terms.cell[near[terms.relation]], cells)
        able = np.flatnonzero(reached & can)
        if len(able):
            return _marked(able[np.lexsort((cells.order[able], cells.truth[able]))[:1]], cells)
        wide = terms.touching(reached & ~cells.shown)
        if not (wide & ~near).any():
            return _marked(able, cells)
        near = near | wide
