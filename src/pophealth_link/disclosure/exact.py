"""Exact ranges of slivers by linear programme, where propagation of intervals is too wide.

Propagation takes one relation at a time, so where footprints of several types overlap and strata
cut across them it may find a sliver safe that all relations together show to be small. Here each
connected group of cells is one linear programme; what it says is what a reader can work out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pophealth_link.disclosure.cells import Cells
from pophealth_link.disclosure.ranges import TOLERANCE, Flags, Floats, Ranges, Whole, propagate
from pophealth_link.disclosure.readers import marks_alone

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult
    from scipy.sparse import csr_array

# Beyond this many cells in a connected group programmes take too long; propagation has to do.
_LARGEST_GROUP = 2_000
# How many programmes look at all slivers of a group at once before they are looked at one by one.
_AT_ONCE = 8


@dataclass(frozen=True)
class _Optimum:
    """Value of the goal, the counts that reach it, and by cell whether its bounds hold it back."""

    value: float
    counts: Floats | None
    low_binds: Flags
    high_binds: Flags


@dataclass(frozen=True)
class _Programme:
    """The relations of a connected group as equations; cells that are equal share a column.

    Fields: the cells and what each may be; by cell its column, in the order of the keys; the
    equations; the range of each column.
    """

    cells: Cells
    ranges: Ranges
    column: Whole
    equations: csr_array
    bounds: Ranges

    @classmethod
    def of(cls, cells: Cells, ranges: Ranges) -> _Programme:
        """Return the programme of a connected group whose cells have these ranges."""
        from scipy.sparse import csr_array

        terms, column = cells.terms, _columns(cells)
        low, high = np.full(int(column.max()) + 1, -np.inf), np.full(int(column.max()) + 1, np.inf)
        np.maximum.at(low, column, ranges.low)
        np.minimum.at(high, column, ranges.high)
        shape = (len(terms.start), len(low))
        matrix = csr_array((terms.sign, (terms.relation, column[terms.cell])), shape=shape)
        matrix.eliminate_zeros()
        matrix = matrix[np.diff(matrix.indptr) > 0]
        matrix.sort_indices()
        return cls(cells, ranges, column, matrix, Ranges(low, high))

    def maximum(self, goal: Floats, caps: Floats | None = None) -> _Optimum | None:
        """Return the largest goal·counts; with `caps`, no count gains beyond its own.

        A goal below zero asks for the least. None: there is no solution.
        """
        from scipy.optimize import linprog
        from scipy.sparse import csr_array, hstack

        size = len(self.bounds.low)
        own = np.zeros(size)
        np.add.at(own, self.column, goal)
        bounds = np.column_stack([self.bounds.low, self.bounds.high])
        rows, equations = {}, self.equations
        if caps is not None:
            wanted = np.flatnonzero(goal)
            gains = np.column_stack([np.full(len(wanted), -np.inf), caps[wanted]])
            own, bounds = np.append(own * 0, goal[wanted]), np.concatenate([bounds, gains])
            rows = {
                "A_ub": _no_more_than(self.column[wanted], size),
                "b_ub": np.zeros(len(wanted)),
            }
            blank = csr_array((equations.shape[0], len(wanted)))
            equations = hstack([equations, blank], format="csr")
        zeros = np.zeros(equations.shape[0])
        found = linprog(-own, A_eq=equations, b_eq=zeros, bounds=bounds, method="highs", **rows)
        return self._read(found)

    def _read(self, found: OptimizeResult) -> _Optimum | None:
        none = np.zeros(len(self.column), dtype=np.bool_)
        if found.status == 3:
            return _Optimum(np.inf, None, none, none)
        if found.status != 0:
            return None
        low, high = found.lower.marginals[self.column], found.upper.marginals[self.column]
        tightest = self.bounds
        return _Optimum(
            float(-found.fun),
            found.x[self.column],
            (np.abs(low) > TOLERANCE) & (self.ranges.low >= tightest.low[self.column] - TOLERANCE),
            (np.abs(high) > TOLERANCE)
            & (self.ranges.high <= tightest.high[self.column] + TOLERANCE),
        )


def _columns(cells: Cells) -> Whole:
    """Return a column number per cell: one for cells that relations make equal, ordered by key."""
    terms, size = cells.terms, len(cells.hidden)
    pair = np.diff(terms.start, append=len(terms.cell)) == 2
    pair &= np.add.reduceat(terms.sign, terms.start) == 0
    group = terms.keep(pair).components(size)
    first = np.full(int(group.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, group, cells.order)
    result: Whole = np.unique(first[group], return_inverse=True)[1].astype(np.int64)
    return result


def _no_more_than(aim: Whole, size: int) -> csr_array:
    """Return the rows gain − count ≤ 0."""
    from scipy.sparse import csr_array

    at = np.arange(len(aim))
    values = np.concatenate([np.ones(len(aim)), -np.ones(len(aim))])
    columns = np.concatenate([size + at, aim])
    return csr_array((values, (np.tile(at, 2), columns)), shape=(len(aim), size + len(aim)))


def exactly_small(cells: Cells) -> Flags:
    """Return the slivers that the informed reader knows to be small, by all relations together."""
    found = np.zeros(len(cells.hidden), dtype=np.bool_)
    for marked in _groups(cells):
        found[np.flatnonzero(marked)[list(_known(cells.within(marked)))]] = True
    return found


def protected_exactly(cells: Cells, protect: Callable[[Cells], Cells]) -> tuple[Cells, Flags]:
    """Return the cells with more withheld until no sliver is known to be small, and those left.

    Of the released numbers that hold a sliver's range back the smallest is withheld, ties by key;
    `protect` then withholds what that one asks for in turn. Slivers are left where nothing helps.
    """
    hidden, left = cells.hidden.copy(), np.zeros(len(cells.hidden), dtype=np.bool_)
    for marked in _groups(cells):
        group, known = _mended(cells.within(marked), protect)
        hidden[marked] = group.hidden
        left[np.flatnonzero(marked)[known]] = True
    return cells.also_hidden(hidden), left


def _mended(group: Cells, protect: Callable[[Cells], Cells]) -> tuple[Cells, list[int]]:
    known = _known(group)
    while known:
        picks = [pick for each in known.values() if (pick := _smallest(group, each)) is not None]
        if not picks:
            break
        more = np.zeros(len(group.hidden), dtype=np.bool_)
        more[picks] = True
        group = protect(group.also_hidden(more))
        known = _known(group)
    return group, list(known)


def _smallest(group: Cells, optimum: _Optimum) -> int | None:
    """Return the smallest released number that holds the optimum back and would not if withheld."""
    now, free = group.informed(), group.unshown()
    down = optimum.low_binds & (free.low < now.low - TOLERANCE)
    up = optimum.high_binds & (free.high > now.high + TOLERANCE)
    at = np.flatnonzero(group.shown & (down | up))
    return int(at[np.lexsort((group.order[at], group.truth[at]))[0]]) if len(at) else None


def _groups(cells: Cells) -> list[Flags]:
    """Return the cells of each connected group that has slivers and is not too large."""
    group = cells.terms.components(len(cells.hidden))
    size = np.bincount(group)
    inside = np.zeros(len(cells.hidden), dtype=np.bool_)
    inside[cells.terms.cell] = True
    numbers = np.unique(group[cells.unlisted & inside])
    return [group == each for each in numbers if size[each] <= _LARGEST_GROUP]


def _known(group: Cells) -> dict[int, _Optimum]:
    """Return the slivers of a connected group that are known to be small, and why.

    A sliver may be known where its range lies beyond the small counts or below them, where it is
    wide enough, and where the marks alone tell as much.
    """
    start = group.informed()
    wide = propagate(group.terms, start)
    first, last = group.policy.small_counts
    asked = group.unlisted & (wide.high > max(first, 1) - TOLERANCE) & (wide.low < last + TOLERANCE)
    if wide.contradictory.any() or not asked.any():
        return {}
    programme, told = _Programme.of(group, start), marks_alone(group).high
    seen = _seen_at_once(programme, asked, told)
    known = {}
    for sliver in np.flatnonzero(asked):
        if _enough(group, seen, told)[sliver]:
            continue
        optimum = _one_by_one(programme, int(sliver), seen)
        if optimum is not None and not _told_by_marks(group, int(sliver), optimum.value):
            known[int(sliver)] = optimum
    return known


def _owed(cells: Cells, low: Floats) -> Floats:
    """Return how high a range that begins at `low` must reach."""
    first, last = cells.policy.small_counts
    wide_enough: Floats = low + (last - first)
    result: Floats = np.maximum(last + 1.0, wide_enough)
    return result if cells.policy.suppresses else wide_enough


def _enough(cells: Cells, seen: Ranges, told: Floats) -> Flags:
    """Return where the counts seen show a range to reach far enough; `told`: by the marks."""
    result: Flags = seen.high > np.minimum(_owed(cells, seen.low), told) - TOLERANCE
    return result


def _seen_at_once(programme: _Programme, asked: Flags, told: Floats) -> Ranges:
    """Return lowest and highest counts of possible tables that suit many slivers at once."""
    seen = Ranges(np.zeros(len(asked)), np.full(len(asked), -np.inf))
    least = programme.maximum(-asked.astype(np.float64))
    if least is None or least.counts is None:
        return seen
    seen = Ranges(least.counts.copy(), least.counts.copy())
    for _ in range(_AT_ONCE):
        still = asked & ~_enough(programme.cells, seen, told)
        if still.sum() <= 1:
            break
        caps = np.minimum(_owed(programme.cells, seen.low), told)
        _see(seen, programme.maximum(still.astype(np.float64), caps))
        if not (still & _enough(programme.cells, seen, told)).any():
            break
    return seen


def _see(seen: Ranges, optimum: _Optimum | None) -> None:
    if optimum is not None and optimum.counts is not None:
        np.minimum(seen.low, optimum.counts, out=seen.low)
        np.maximum(seen.high, optimum.counts, out=seen.high)


def _one_by_one(programme: _Programme, sliver: int, seen: Ranges) -> _Optimum | None:
    """Return the sliver's greatest count where it is less than it must be, else nothing."""
    goal = np.zeros(len(seen.low))
    goal[sliver] = 1.0
    most = programme.maximum(goal)
    first, last = programme.cells.policy.small_counts
    if most is None or most.value < max(first, 1) - TOLERANCE:
        return None
    _see(seen, most)
    if most.value > _owed(programme.cells, seen.low)[sliver] - TOLERANCE:
        return None
    least = programme.maximum(-goal)
    if least is None or -least.value > last + TOLERANCE:
        return None
    _see(seen, least)
    return most if most.value < _owed(programme.cells, seen.low)[sliver] - TOLERANCE else None


def _told_by_marks(group: Cells, sliver: int, high: float) -> bool:
    goal = np.zeros(len(group.hidden))
    goal[sliver] = 1.0
    marks = _Programme.of(group, group.marks()).maximum(goal)
    return marks is not None and high > marks.value - TOLERANCE
