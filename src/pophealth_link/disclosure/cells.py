"""The cells of one released count column as arrays, and what readers know of them at the start."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pophealth_link.disclosure.additive import KEYS, Relations
from pophealth_link.disclosure.policies import DECIMALS, Policy
from pophealth_link.disclosure.ranges import (
    Flags,
    Floats,
    Ranges,
    Terms,
    Whole,
    hidden_range,
    propagate,
    shown_range,
)
from pophealth_link.disclosure.suppression import SUPPRESSED

# Relations are tested against the true counts with this tolerance, for sums of rounded shares.
_HOLDS = 0.01


@dataclass(frozen=True)
class Cells:
    """One count column: the rows of the frame, then the slivers, which no row shows.

    Fields:
        policy, terms: the policy, and the terms of the relations between the cells.
        truth: the true count.
        rounded, released: the number that the policy gives it, and the one released (NaN: none).
        hidden, small, whole: withheld; one of the policy's small counts; a whole number.
        order: place for settling ties.
        headline: withheld last, where there is a choice.
        few: withheld whatever its size, for those who are behind it.
        earlier: what an earlier release tells of it.
        set_aside: number of relations that were not used.
    """

    policy: Policy
    terms: Terms
    truth: Floats
    rounded: Floats
    released: Floats
    hidden: Flags
    small: Flags
    whole: Flags
    order: Whole
    headline: Flags
    few: Flags
    earlier: Ranges
    set_aside: int

    @property
    def shown(self) -> Flags:
        """Cells whose released number says more than zero."""
        result: Flags = ~self.hidden & (np.nan_to_num(self.released) > 0)
        return result

    @property
    def untold(self) -> Flags:
        """Shown cells that withholding would hide: no earlier release tells their number."""
        result: Flags = self.shown & np.isinf(self.earlier.high)
        return result

    @property
    def unlisted(self) -> Flags:
        """Slivers: cells that no row shows."""
        result: Flags = ~self.hidden & np.isnan(self.released)
        return result

    def within(self, cells: Flags) -> Cells:
        """Return the marked cells alone: whole connected groups, renumbered."""
        arrays = ("truth", "rounded", "released", "hidden", "small", "whole", "order")
        return replace(
            self,
            terms=self.terms.within(cells),
            earlier=self.earlier.within(cells),
            **{name: getattr(self, name)[cells] for name in (*arrays, "headline", "few")},
        )

    def with_few(self) -> Cells:
        """Return the cells with those marked as few that are withheld and not small.

        For a release of which nothing was withheld yet to protect others.
        """
        return replace(self, few=self.hidden & ~self.small)

    def also_hidden(self, more: Flags) -> Cells:
        """Return the cells with these withheld as well."""
        return self._hide(self.hidden | more)

    def shown_again(self, those: Flags) -> Cells:
        """Return the cells with these shown again, at the number that the policy gives them."""
        return self._hide(self.hidden & ~those)

    def _hide(self, hidden: Flags) -> Cells:
        return replace(self, hidden=hidden, released=np.where(hidden, np.nan, self.rounded))

    def unshown(self) -> Ranges:
        """Return what each cell may be once withheld, for one who knows which are small."""
        hidden = hidden_range(self.policy, self.small, self.whole)
        return Ranges(np.where(self.unlisted, 0.0, hidden.low), hidden.high).both(self.earlier)

    def informed(self) -> Ranges:
        """Return what each cell may be for one who knows which withheld counts are small."""
        seen = shown_range(self.policy, np.nan_to_num(self.released), self.whole)
        hidden = hidden_range(self.policy, self.small, self.whole)
        return self._with_slivers(seen, hidden).both(self.earlier)

    def uninformed(self) -> Ranges:
        """Return the same for one who cannot tell why a count was withheld."""
        seen = shown_range(self.policy, np.nan_to_num(self.released), self.whole)
        return self._with_slivers(seen, self.anything()).both(self.earlier)

    def anything(self) -> Ranges:
        """Return what a cell may be of which nothing is known but that it is withheld."""
        whole = self.whole & ~self.unlisted
        least = np.where(whole, float(self.policy.smallest_suppressed), 0.0)
        return Ranges(least, np.full(len(least), np.inf)).both(self.earlier)

    def marks(self) -> Ranges:
        """Return what the marks alone tell: zero, small, or shown whatever its number."""
        number = hidden_range(self.policy, np.zeros_like(self.small), self.whole)
        zero = shown_range(self.policy, np.zeros_like(self.released), self.whole)
        seen = Ranges(
            np.where(self.released > 0, number.low, zero.low),
            np.where(self.released > 0, number.high, zero.high),
        )
        return self._with_slivers(seen, hidden_range(self.policy, self.small, self.whole))

    def _with_slivers(self, seen: Ranges, hidden: Ranges) -> Ranges:
        low = np.where(self.hidden, hidden.low, np.where(self.unlisted, 0.0, seen.low))
        high = np.where(self.hidden, hidden.high, np.where(self.unlisted, np.inf, seen.high))
        return Ranges(low, high)


def read_cells(
    released: pl.DataFrame,
    policy: Policy,
    relations: Relations,
    name: str,
    *,
    truth: pl.DataFrame | None,
    previous: pl.DataFrame | None = None,
) -> Cells:
    """Return the cells of count column `name`; without `truth` withheld counts are small ones."""
    numbers = _numbers(released, name)
    true = numbers if truth is None else _numbers(truth, name)
    withheld = np.isnan(numbers) & (released["status"] == SUPPRESSED).to_numpy()
    hidden = withheld if truth is None else withheld & ~np.isnan(true)
    small, whole = _kinds(released, policy, name, truth=truth, hidden=hidden)
    here = ~np.isnan(true) | hidden
    terms, aside = _holding(relations, np.where(hidden & np.isnan(true), 0.0, true), here,
                            compare=truth is not None)  # fmt: skip
    more = relations.slivers
    earlier = _earlier(released, previous, policy, name, true=true, whole=whole, more=more)
    terms, earlier = _without_zeros(terms, earlier, _zeros(policy, numbers, hidden, whole))
    earlier = earlier if previous is None else _of_equals(terms, earlier)
    return Cells(
        policy=policy,
        terms=terms,
        truth=np.append(true, np.full(more, np.nan)),
        rounded=np.append(numbers, np.full(more, np.nan)),
        released=np.append(numbers, np.full(more, np.nan)),
        hidden=np.append(hidden, np.zeros(more, dtype=np.bool_)),
        small=np.append(small, np.zeros(more, dtype=np.bool_)),
        whole=np.append(whole, np.ones(more, dtype=np.bool_)),
        order=np.append(relations.order.to_numpy(), np.arange(more) + relations.rows),
        headline=np.append(relations.headline.to_numpy(), np.zeros(more, dtype=np.bool_)),
        few=np.zeros(len(hidden) + more, dtype=np.bool_),
        earlier=earlier,
        set_aside=aside,
    )


def _numbers(frame: pl.DataFrame, name: str) -> Floats:
    column = frame[name].cast(pl.Float64).round(DECIMALS)
    numbers: Floats = column.fill_null(float("nan")).to_numpy().astype(np.float64)
    return numbers


def _kinds(
    released: pl.DataFrame, policy: Policy, name: str, *, truth: pl.DataFrame | None, hidden: Flags
) -> tuple[Flags, Flags]:
    """Say which withheld counts are small, and which counts are whole numbers."""
    if truth is None:
        return hidden, (released["status"] != "estimated").to_numpy()
    numbers = _numbers(truth, name)
    small = truth.select(policy.suppressed(name)).to_series().to_numpy()
    return hidden & small, np.isnan(numbers) | (np.abs(numbers - np.rint(numbers)) == 0)


def _holding(
    relations: Relations, true: Floats, here: Flags, *, compare: bool
) -> tuple[Terms, int]:
    """Keep the relations whose cells all have a count and that the counts, where known, bear out.

    Slivers have no count: a relation with some holds where they need not be negative, and where
    all relations together leave them a value.
    """
    terms = Terms.of(relations.terms)
    if not len(terms.cell):
        return terms, 0
    row = terms.cell < relations.rows
    at = np.where(row, terms.cell, 0)
    absent = row & ~here[at]
    keep = np.add.reduceat(absent.astype(np.int64), terms.start) == 0
    if compare:
        value = np.where(row, terms.sign * np.nan_to_num(true[at]), 0.0)
        sums = np.add.reduceat(value, terms.start)
        adds = np.add.reduceat((~row & (terms.sign > 0)).astype(np.int64), terms.start) > 0
        takes = np.add.reduceat((~row & (terms.sign < 0)).astype(np.int64), terms.start) > 0
        keep &= (takes | (sums <= _HOLDS)) & (adds | (sums >= -_HOLDS))
    kept = terms.keep(keep)
    if compare:
        kept = _consistent(kept, relations, true)
    return kept, len(terms.start) - len(kept.start)


def _zeros(policy: Policy, released: Floats, hidden: Flags, whole: Flags) -> Flags:
    """Return the rows that are shown as zero where the policy releases nothing but zero so."""
    shown = np.nan_to_num(released, nan=1.0) == 0
    most = shown_range(policy, np.zeros_like(released), whole).high
    result: Flags = shown & ~hidden & (most <= 0)
    return result


def _without_zeros(terms: Terms, earlier: Ranges, zeros: Flags) -> tuple[Terms, Ranges]:
    """Return the relations without what everybody knows to be zero, as most cells of a release are.

    A zero adds nothing to a sum. Where slivers alone are left in a relation, and all of one sign,
    they are zeros in turn; that is kept in what is known of them from elsewhere.
    """
    size = len(earlier.low)
    rows, known = len(zeros), np.append(zeros, np.zeros(size - len(zeros), dtype=np.bool_))
    fresh = known.copy()
    while fresh.any():
        terms = terms.without(fresh)
        fresh = np.zeros(size, dtype=np.bool_)
        if len(terms.start):
            has_row = np.add.reduceat((terms.cell < rows).astype(np.int64), terms.start) > 0
            empty = terms.of_one_sign() & ~has_row
            fresh[terms.cell[empty[terms.relation]]] = True
        known |= fresh
    known[:rows] = False
    return terms, Ranges(earlier.low, np.where(known, 0.0, earlier.high))


def _consistent(terms: Terms, relations: Relations, true: Floats) -> Terms:
    """Drop the relations of slivers that no value can meet, given the true counts."""
    blank = np.full(relations.slivers, np.nan)
    known = np.append(true, blank)
    start = Ranges(
        np.where(np.isnan(known), 0.0, known - _HOLDS),
        np.where(np.isnan(known), np.inf, known + _HOLDS),
    )
    while len(terms.start):
        wrong = propagate(terms, start).contradictory
        with_sliver = np.add.reduceat(terms.cell >= relations.rows, terms.start) > 0
        drop = terms.touching(wrong) & with_sliver
        if not drop.any():
            break
        terms = terms.keep(~drop)
    return terms


def _of_equals(terms: Terms, told: Ranges) -> Ranges:
    """Return what is told of each cell, or of one that relations make equal to it."""
    kind = terms.alike(len(told.low))
    low, high = np.zeros(len(kind)), np.full(len(kind), np.inf)
    np.maximum.at(low, kind, told.low)
    np.minimum.at(high, kind, told.high)
    return Ranges(low[kind], high[kind])


def _earlier(
    released: pl.DataFrame,
    previous: pl.DataFrame | None,
    policy: Policy,
    name: str,
    *,
    true: Floats,
    whole: Flags,
    more: int,
) -> Ranges:
    """Return what an earlier release tells of the same counts: key and period agree.

    An earlier number that the true count contradicts was of another count, and is left aside.
    """
    size = len(true) + more
    low, high = np.zeros(size), np.full(size, np.inf)
    if previous is None or name not in previous.columns:
        return Ranges(low, high)
    on = [*KEYS, *(["period"] if {"period"} <= {*released.columns} & {*previous.columns} else [])]
    before = previous.select(*on, pl.col(name).cast(pl.Float64).alias("before")).unique(on)
    found = released.select(on).join(
        before, on=on, how="left", nulls_equal=True, maintain_order="left"
    )
    numbers = _numbers(found, "before")
    told = shown_range(policy, np.nan_to_num(numbers), whole)
    same = ~np.isnan(numbers) & ~((true < told.low) | (true > told.high))
    low[: len(true)][same] = told.low[same]
    high[: len(true)][same] = told.high[same]
    return Ranges(low, high)
