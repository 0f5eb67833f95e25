"""Feasible ranges: how closely the cells of a release can be told from each other.

Each cell starts from the interval that its release gives away; every additive relation then
narrows each of its cells by what the others allow, until nothing changes. Bounds are closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from pophealth_link.disclosure.policies import Policy

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Changes below this many people are not followed: shares make fractions, and halves of halves
# would go on for ever.
TOLERANCE = 1e-3
# A relation of every block, as bits.
EVERY_BLOCK = 2**62 - 1
_MAXIMUM_STEPS = 1_000


@dataclass(frozen=True)
class Terms:
    """The terms of relations as arrays, sorted by relation.

    Fields: `cell` and `sign` per term; `relation` per term, numbered from 0 without gaps;
    `start` per relation, the position of its first term; `block` per relation, the blocks that it
    belongs to as bits (see `additive.Relations`).
    """

    cell: Whole
    sign: Floats
    relation: Whole
    start: Whole
    block: Whole

    @classmethod
    def of(cls, terms: pl.DataFrame) -> Terms:
        """Return the terms of a frame with `relation`, `cell` and `sign`, sorted by relation."""
        number = terms["relation"].to_numpy()
        every = np.full(len(number), EVERY_BLOCK, dtype=np.int64)
        block = terms["block"].to_numpy() if "block" in terms.columns else every
        return cls._numbered(
            terms["cell"].to_numpy().astype(np.int64),
            terms["sign"].to_numpy().astype(np.float64),
            number,
            block.astype(np.int64),
        )

    @classmethod
    def _numbered(cls, cell: Whole, sign: Floats, number: Whole, block: Whole) -> Terms:
        """Return the terms with relations numbered on; `block` is told of every term."""
        first = np.flatnonzero(np.diff(number, prepend=number[:1] - 1)) if len(number) else number
        first = first.astype(np.int64)
        relation = np.repeat(np.arange(len(first)), np.diff(first, append=len(number)))
        return cls(cell, sign, relation.astype(np.int64), first, block[first])

    def keep(self, relations: Flags) -> Terms:
        """Return the terms of the relations that are marked."""
        mark = relations[self.relation]
        kept = self.relation[mark]
        return self._numbered(self.cell[mark], self.sign[mark], kept, self.block[kept])

    def within(self, cells: Flags) -> Terms:
        """Return the terms of the relations that have a marked cell, marked cells renumbered.

        Relations are taken to lie wholly inside the marked cells or wholly outside.
        """
        kept = self.keep(self.touching(cells))
        place = np.cumsum(cells) - 1
        return Terms(place[kept.cell], kept.sign, kept.relation, kept.start, kept.block)

    def without(self, cells: Flags) -> Terms:
        """Return the terms of the cells that are not marked; relations of none are gone."""
        kept = ~cells[self.cell]
        number = self.relation[kept]
        return self._numbered(self.cell[kept], self.sign[kept], number, self.block[number])

    def of_one_sign(self) -> Flags:
        """Return, per relation, whether its terms have all the same sign."""
        sums = np.add.reduceat(self.sign, self.start)
        result: Flags = np.abs(sums) == np.diff(self.start, append=len(self.cell))
        return result

    def touching(self, cells: Flags) -> Flags:
        """Return, per relation, whether it has a marked cell."""
        marked = np.zeros(len(self.start), dtype=np.bool_)
        marked[self.relation[cells[self.cell]]] = True
        return marked

    def components(self, cells: int) -> Whole:
        """Return, per cell, the number of the connected group of relations that it is in."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        size = cells + len(self.start)
        links = coo_array(
            (np.ones(len(self.cell), dtype=np.int8), (self.cell, self.relation + cells)),
            shape=(size, size),
        )
        labels: Whole = connected_components(links, directed=False)[1].astype(np.int64)
        return labels[:cells]

    def alike(self, cells: int) -> Whole:
        """Return, per cell, the number of the group of cells that relations make equal to it."""
        pair = np.diff(self.start, append=len(self.cell)) == 2
        if pair.any():
            pair &= np.add.reduceat(self.sign, self.start) == 0
        return self.keep(pair).components(cells)


@dataclass(frozen=True)
class Ranges:
    """Lowest and highest feasible count of every cell; both are closed bounds."""

    low: Floats
    high: Floats

    @property
    def contradictory(self) -> Flags:
        """Cells that no count satisfies: the relations cannot all hold."""
        return self.low > self.high + TOLERANCE

    def within(self, cells: Flags) -> Ranges:
        """Return the ranges of the marked cells."""
        return Ranges(self.low[cells], self.high[cells])

    def both(self, other: Ranges) -> Ranges:
        """Return what lies in both ranges."""
        return Ranges(np.maximum(self.low, other.low), np.minimum(self.high, other.high))

    def mixed(self, keep: Flags, other: Ranges) -> Ranges:
        """Return these ranges where marked, the other ones elsewhere."""
        return Ranges(np.where(keep, self.low, other.low), np.where(keep, self.high, other.high))


def implied(terms: Terms, ranges: Ranges) -> Ranges:
    """Return, per term, the range that the other cells of its relation leave to its cell.

    A relation is Σ sign·cell = 0, so sign·cell lies between minus the largest and minus the
    smallest sum of the others.
    """
    plus = terms.sign > 0
    low = np.where(plus, ranges.low[terms.cell], -ranges.high[terms.cell])
    high = np.where(plus, ranges.high[terms.cell], -ranges.low[terms.cell])
    least, most = _others(terms, low, -np.inf), _others(terms, high, np.inf)
    return Ranges(np.where(plus, -most, least), np.where(plus, -least, most))


def _others(terms: Terms, values: Floats, unbounded: float) -> Floats:
    """Return, per term, the sum over the other terms of its relation; infinities are counted."""
    if not len(values):
        return values
    open_ended = np.isinf(values)
    finite = np.where(open_ended, 0.0, values)
    sums = np.add.reduceat(finite, terms.start)[terms.relation] - finite
    counts = np.add.reduceat(open_ended.astype(np.int64), terms.start)[terms.relation]
    return np.where(counts > open_ended, unbounded, sums)


def propagate(terms: Terms, start: Ranges, changed: Flags | None = None) -> Ranges:
    """Narrow the ranges by the relations to a fixed point.

    Where only the cells marked as `changed` are narrower than at an earlier fixed point, the
    work begins with their relations. Where relations contradict each other it stops, and the
    ranges say so.
    """
    ranges = Ranges(start.low.copy(), start.high.copy())
    current = terms if changed is None else terms.keep(terms.touching(changed))
    for _ in range(_MAXIMUM_STEPS):
        changed = _narrow(current, ranges)
        if not changed.any() or ranges.contradictory.any():
            break
        current = terms.keep(terms.touching(changed))
    return ranges


def _narrow(terms: Terms, ranges: Ranges) -> Flags:
    """Narrow `ranges` in place once, and say which cells changed."""
    new = implied(terms, ranges)
    low, high = ranges.low.copy(), ranges.high.copy()
    np.maximum.at(low, terms.cell, new.low)
    np.minimum.at(high, terms.cell, new.high)
    rises = low > ranges.low + TOLERANCE
    falls = high < ranges.high - TOLERANCE
    ranges.low[rises] = low[rises]
    ranges.high[falls] = high[falls]
    changed: Flags = rises | falls
    return changed


def shown_range(policy: Policy, released: Floats, whole: Flags) -> Ranges:
    """Return the counts that each released number may stand for.

    `whole` marks counts known to be whole numbers; a count split by shares may lie between.
    """
    half, shown = policy.base / 2, float(policy.first_shown)
    if policy.rounding == "midpoint":
        low, high = released - half + whole, released + half
    else:
        low = np.where(whole, np.ceil(released - half), released - half)
        high = np.where(whole, np.ceil(released + half) - 1, released + half)
    zero = released == 0
    only_zero = zero & ((policy.rounding == "midpoint") | (high < shown))
    least = np.where(whole | policy.suppresses, shown, 0.0)
    return Ranges(np.where(zero, 0.0, np.maximum(low, least)), np.where(only_zero, 0.0, high))


def hidden_range(policy: Policy, small: Flags, whole: Flags) -> Ranges:
    """Return what a withheld count may be for a reader who knows which ones are small.

    Small ones lie among the counts that the policy suppresses; the others were withheld to
    protect them, and may be any count that the policy would have shown.
    """
    first, last = policy.small_counts
    above = np.where(whole | policy.suppresses, float(policy.first_shown), 0.0)
    least = np.where(whole, float(first), 0.0)
    most = np.where(whole, float(last), float(policy.first_shown))
    return Ranges(np.where(small, least, above), np.where(small, most, np.inf))
