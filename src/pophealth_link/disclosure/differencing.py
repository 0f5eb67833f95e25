"""Differencing: what subtraction tells of the cells that a release withholds, and the remedy.

Who could subtract, and what they may learn, is set out in :mod:`pophealth_link.disclosure.readers`.
Ranges are those of interval propagation: exact where the relations form a tree, and wider than the
exact ones where they form a grid, such as footprints by strata. Slivers are looked at once more by
linear programme, which is exact, see :mod:`pophealth_link.disclosure.exact`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import polars as pl

from pophealth_link.disclosure.additive import KEYS, Relations
from pophealth_link.disclosure.cells import Cells, read_cells
from pophealth_link.disclosure.exact import exactly_small, left_out, protected_exactly
from pophealth_link.disclosure.policies import Policy
from pophealth_link.disclosure.ranges import Flags, propagate
from pophealth_link.disclosure.readers import both_readers, marks_alone
from pophealth_link.disclosure.secondary import protected_cells
from pophealth_link.disclosure.suppression import SUPPRESSED, apply, require_counts
from pophealth_link.errors import DisclosureError, Problem, raise_problems


@dataclass(frozen=True)
class Check:
    """What a differencing check found, in numbers of cells; a cell is one count of one row.

    Fields:
        narrowed: withheld counts that the release gives away more closely than it may.
        slivers: differences of nested areas known to be small.
        fixed: rounded counts known exactly.
        contradictory: cells that no count satisfies (the relations cannot all be right).
        withheld: withheld counts looked at.
        relations: relations used.
        set_aside: relations not used, because counts are missing or do not bear them out.
        left_out: slivers that may be small and lie in blocks too large for linear programmes, so
            that propagation alone has looked at them.
    """

    narrowed: int = 0
    slivers: int = 0
    fixed: int = 0
    contradictory: int = 0
    withheld: int = 0
    relations: int = 0
    set_aside: int = 0
    left_out: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not (self.narrowed or self.slivers or self.fixed or self.contradictory)

    def __add__(self, other: Check) -> Check:
        return Check(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Check)))

    def require(self) -> None:
        """Raise :class:`DisclosureError` with the counts by kind, unless the check passed."""
        found = {
            "withheld counts": (self.narrowed, "can be told more closely than the policy allows."),
            "slivers": (self.slivers, "differences of nested areas are known to be small."),
            "rounded counts": (self.fixed, "are known exactly."),
            "relations": (self.contradictory, "cells have no possible count: they contradict."),
        }
        fix = "use disclosure.protect, or release fewer strata or footprint types."
        problems = [
            Problem(DisclosureError, where, f"{many:,} {what}", fix)
            for where, (many, what) in found.items()
            if many
        ]
        raise_problems("The release, open to subtraction,", problems)


@dataclass(frozen=True)
class Protected:
    """A release that passes the check.

    Fields: the released frame; by count column how many counts the policy suppressed, and how
    many more were withheld to protect them; the check of the frame.
    """

    frame: pl.DataFrame = field(repr=False)
    suppressed: Mapping[str, int]
    secondary: Mapping[str, int]
    check: Check


def check(
    released: pl.DataFrame,
    policy: Policy,
    *,
    relations: Relations,
    counts: Sequence[str],
    truth: pl.DataFrame | None = None,
    previous: pl.DataFrame | None = None,
) -> Check:
    """Say whether subtraction would undo the suppression of a released frame.

    `released` has the rows that `relations` was made from, in that order, and `status`. `truth`,
    the same rows before release, says which withheld counts are small and which counts are whole
    numbers, and sets aside relations that do not hold; without it every withheld count is taken
    for a small one. `previous` is an earlier release under the same policy: where key and
    `period` agree and the true count could have been released as the earlier number, readers are
    taken to know both.

    Errors: :class:`DisclosureError` where frame and relations do not fit each other.
    """
    require_counts(released, counts, ["status", *(KEYS if previous is not None else ())])
    _require_fit(released, relations)
    cells = [
        read_cells(released, policy, relations, name, truth=truth, previous=previous)
        for name in counts
    ]
    return sum((_check(each, exactly_small(each)) for each in cells), Check())


def protect(
    frame: pl.DataFrame,
    policy: Policy,
    *,
    relations: Relations,
    counts: Sequence[str],
    derived: Sequence[str] = (),
    withhold: str | None = None,
    previous: pl.DataFrame | None = None,
) -> Protected:
    """Apply the policy, then withhold further counts until subtraction undoes none of it.

    Takes true counts and the arguments of :func:`apply`. In each relation that gives too much
    away, the smallest count that helps is withheld, ties by key: the outcome depends neither on
    chance nor on row order. Zeros that the policy shows stay shown. The row of a withheld count
    becomes `suppressed` and loses its derived columns.

    Errors: :class:`DisclosureError` where withholding cannot help, as where an earlier release
    has given the numbers already.
    """
    require_counts(frame, counts, KEYS if previous is not None else ())
    _require_fit(frame, relations)
    first = apply(frame, policy, counts=counts, derived=derived, withhold=withhold)
    before = {
        name: read_cells(first, policy, relations, name, truth=frame, previous=previous).with_few()
        for name in counts
    }
    after = {
        name: protected_exactly(protected_cells(cells), protected_cells)
        for name, cells in before.items()
    }
    found = sum((_check(cells, left) for cells, left in after.values()), Check())
    found.require()
    hidden = {name: cells.hidden[: frame.height] for name, (cells, _) in after.items()}
    suppressed = {name: int(cells.hidden.sum()) for name, cells in before.items()}
    return Protected(
        frame=_withhold(first, hidden, derived),
        suppressed=suppressed,
        secondary={name: int(hidden[name].sum()) - suppressed[name] for name in counts},
        check=found,
    )


def feasible_ranges(
    released: pl.DataFrame,
    policy: Policy,
    *,
    relations: Relations,
    count: str,
    truth: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `low` and `high` per cell, rows first, then slivers: what a reader can work out.

    The reader is the one who knows which withheld counts are small. For use inside the secure
    environment only: the table is as telling as the numbers that it bounds.
    """
    require_counts(released, [count], ["status"])
    _require_fit(released, relations)
    cells = read_cells(released, policy, relations, count, truth=truth)
    found = propagate(cells.terms, cells.informed())
    return pl.DataFrame({"low": found.low, "high": found.high})


def _require_fit(frame: pl.DataFrame, relations: Relations) -> None:
    if frame.height != relations.rows:
        raise DisclosureError(
            "the relations are of another frame.",
            f"They were made from {relations.rows:,} rows; the frame has {frame.height:,}.",
        )


def _check(cells: Cells, small_slivers: Flags) -> Check:
    readers = both_readers(cells, marks_alone(cells))
    contradictory = int(readers.informed.ranges.contradictory.sum())
    failed = readers.failed | small_slivers
    return Check(
        narrowed=int((failed & cells.hidden).sum()),
        slivers=int((failed & cells.unlisted).sum()),
        fixed=int((failed & cells.shown).sum()),
        contradictory=contradictory,
        withheld=int(cells.hidden.sum()),
        relations=len(cells.terms.start),
        set_aside=cells.set_aside,
        left_out=left_out(cells),
    )


def _withhold(
    frame: pl.DataFrame, hidden: Mapping[str, Flags], derived: Sequence[str]
) -> pl.DataFrame:
    marks = {name: pl.Series(name, flags) for name, flags in hidden.items()}
    touched = pl.Series(np.logical_or.reduce(list(hidden.values())))
    return frame.with_columns(
        *(pl.when(~mark).then(pl.col(name)).alias(name) for name, mark in marks.items()),
        *(pl.when(~touched).then(pl.col(name)).alias(name) for name in derived),
        pl.when(touched).then(pl.lit(SUPPRESSED)).otherwise(pl.col("status")).alias("status"),
    )
