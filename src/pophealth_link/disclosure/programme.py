"""Linear programmes over the relations of cells: the largest or least that a sum of them can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pophealth_link.disclosure.cells import Cells
from pophealth_link.disclosure.ranges import TOLERANCE, Flags, Floats, Ranges, Whole

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Optimum:
    """Value of the goal, the counts that reach it, and by cell whether its bounds hold it back."""

    value: float
    counts: Floats | None
    low_binds: Flags
    high_binds: Flags

    def spread(self, at: Whole, size: int) -> Optimum:
        """Return the same for `size` cells, of which these are `at`: nothing else holds it back."""
        flags = []
        for own in (self.low_binds, self.high_binds):
            every = np.zeros(size, dtype=np.bool_)
            every[at] = own
            flags.append(every)
        return Optimum(self.value, None, *flags)


@dataclass(frozen=True)
class Programme:
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
    def of(cls, cells: Cells, ranges: Ranges) -> Programme:
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

    def maximum(self, goal: Floats, caps: Floats | None = None) -> Optimum | None:
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

    def _read(self, found: OptimizeResult) -> Optimum | None:
        none = np.zeros(len(self.column), dtype=np.bool_)
        if found.status == 3:
            return Optimum(np.inf, None, none, none)
        if found.status != 0:
            return None
        low, high = found.lower.marginals[self.column], found.upper.marginals[self.column]
        tightest = self.bounds
        return Optimum(
            float(-found.fun),
            found.x[self.column],
            (np.abs(low) > TOLERANCE) & (self.ranges.low >= tightest.low[self.column] - TOLERANCE),
            (np.abs(high) > TOLERANCE)
            & (self.ranges.high <= tightest.high[self.column] + TOLERANCE),
        )


def _columns(cells: Cells) -> Whole:
    """Return a column number per cell: one for cells that relations make equal, ordered by key."""
    group = cells.terms.alike(len(cells.hidden))
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
