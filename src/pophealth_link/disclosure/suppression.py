"""Apply a policy to a frame of counts: suppress, round, and withhold what follows from them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.disclosure.policies import Policy
from pophealth_link.errors import DisclosureError, Problem, nearest, raise_problems

SUPPRESSED = "suppressed"


def apply(
    frame: pl.DataFrame,
    policy: Policy,
    *,
    counts: Sequence[str],
    derived: Sequence[str] = (),
    withhold: str | None = None,
) -> pl.DataFrame:
    """Return the frame with its counts as the policy releases them.

    `counts` are rounded, or null where the policy suppresses them. `derived` columns (values,
    limits, ranks) are null in every row that has a suppressed count; compute those that remain
    from the released counts, never from the true ones. `withhold` names a true/false column of
    rows whose counts above zero must be suppressed whatever their size, such as many bed days of
    few people. Column `status`, added where absent, becomes `suppressed` in rows with a suppressed
    count; elsewhere it keeps what it said, or says `ok`. A missing count stays missing and
    leaves its row's status alone. Whole-number columns stay whole numbers. Row order is kept.

    Errors: :class:`DisclosureError` where a column is absent, not a number, or has negative
    counts. Source: see :class:`Policy`.

    >>> from pophealth_link.disclosure import policy
    >>> apply(pl.DataFrame({"n": [0, 7, 13]}), policy("hes"), counts=["n"])["n"].to_list()
    [0, None, 15]
    """
    require_counts(frame, counts, [*derived, *([withhold] if withhold else [])])
    forced = pl.col(withhold).fill_null(value=True) if withhold else pl.lit(value=False)
    hidden = {
        name: policy.suppressed(name) | (forced & (pl.col(name) > 0).fill_null(value=False))
        for name in counts
    }
    touched = pl.any_horizontal(pl.lit(value=False), *hidden.values())
    before = pl.col("status") if "status" in frame.columns else pl.lit(None, pl.String)
    return frame.with_columns(
        *(
            pl.when(~hidden[name]).then(policy.released(name)).cast(frame.schema[name]).alias(name)
            for name in counts
        ),
        *(pl.when(~touched).then(pl.col(name)).alias(name) for name in derived),
        pl.when(touched).then(pl.lit(SUPPRESSED)).otherwise(before.fill_null("ok")).alias("status"),
    )


def totals(frame: pl.DataFrame, *, by: Sequence[str], counts: Sequence[str]) -> pl.DataFrame:
    """Return the sums of released counts by group, suppressed ones left out; sorted by `by`.

    Such a total says nothing that its parts do not say. OpenSAFELY asks for totals of this kind.

    >>> totals(pl.DataFrame({"g": "x", "n": [None, 10, 15]}), by=["g"], counts=["n"])["n"].item()
    25
    """
    return frame.group_by(by).agg(pl.col(name).sum() for name in counts).sort(by)


def flag_extremes(frame: pl.DataFrame, *, numerator: str, denominator: str) -> pl.DataFrame:
    """Add column `flag`: `all` where a released numerator equals its denominator, `none` at zero.

    In a sensitive group such a cell says something of every member of the group, so somebody has
    to look at it before release. Computed from released counts, the flag itself tells nothing
    new: nearly everybody (98 of 100) is flagged as well. Elsewhere the flag is null.

    >>> frame = pl.DataFrame({"x": [20, 0, 10], "n": [20, 20, 20]})
    >>> flag_extremes(frame, numerator="x", denominator="n")["flag"].to_list()
    ['all', 'none', None]
    """
    require_counts(frame, [numerator, denominator], [])
    some = pl.col(denominator) > 0
    return frame.with_columns(
        pl.when(some & (pl.col(numerator) == pl.col(denominator)))
        .then(pl.lit("all"))
        .when(some & (pl.col(numerator) == 0))
        .then(pl.lit("none"))
        .alias("flag")
    )


def dominance(
    frame: pl.DataFrame, policy: Policy, *, by: Sequence[str], value: str
) -> pl.DataFrame:
    """Return one row per group with `dominated`: whether few contributors make up its total.

    `frame` has one row per contributor (person or organisation) and group; `value` is what each
    gives to the total, not negative. A group is dominated where its `dominance_n` largest values
    are more than `dominance_share` of the total, or where all but the two largest give less than
    `p_ratio` of the largest. A policy without these rules finds no group dominated. Sorted by `by`.

    Source: (n, k) and p-ratio rules with ACRO's published defaults.

    >>> from pophealth_link.disclosure import policy
    >>> days = pl.DataFrame({"area": "A", "days": [90, 5, 5, 1]})
    >>> dominance(days, policy("acro"), by=["area"], value="days")["dominated"].item()
    True
    """
    require_counts(frame, [value], by)
    ordered = pl.col(value).fill_null(0).sort(descending=True)
    total, rest = ordered.sum(), ordered.slice(2).sum()
    rules = [pl.lit(value=False)]
    if policy.dominance_n is not None and policy.dominance_share is not None:
        rules.append(ordered.head(policy.dominance_n).sum() > policy.dominance_share * total)
    if policy.p_ratio is not None:
        rules.append(rest < policy.p_ratio * ordered.first())
    grouped = frame.group_by(by).agg(
        pl.any_horizontal(*rules).fill_null(value=False).alias("dominated")
    )
    return grouped.sort(by)


def require_released(
    frame: pl.DataFrame, policy: Policy, *, counts: Sequence[str], derived: Sequence[str] = ()
) -> None:
    """Refuse a frame that the policy has not been applied to; the last look before release.

    Errors: :class:`DisclosureError` with the number of rows whose counts are not values that the
    policy releases, and of rows that give a derived number beside a suppressed count.

    >>> from pophealth_link.disclosure import policy
    >>> require_released(pl.DataFrame({"n": [10], "status": "ok"}), policy("hes"), counts=["n"])
    """
    require_counts(frame, counts, [*derived, "status"])
    problems = []
    for name in counts:
        same = policy.released(name) == pl.col(name).cast(pl.Float64)
        off = frame.filter(~same.fill_null(value=False) & pl.col(name).is_not_null()).height
        if off:
            problems.append(_problem(name, f"{off:,} rows hold a count that is not released."))
    gone = pl.col("status") == SUPPRESSED
    for name in derived:
        kept = frame.filter(gone & pl.col(name).is_not_null()).height
        if kept:
            problems.append(_problem(name, f"{kept:,} suppressed rows still give it."))
    raise_problems(f"A release under the policy `{policy.name}`", problems)


def _problem(where: str, what: str) -> Problem:
    return Problem(DisclosureError, where, what)


def require_counts(frame: pl.DataFrame, counts: Sequence[str], others: Sequence[str]) -> None:
    """Refuse absent columns, and counts that are not numbers or are negative.

    Errors: :class:`DisclosureError` with all that is wrong, in names and numbers of values.
    """
    problems = [
        _problem(name, f"there is no such column.{nearest(name, frame.columns)}")
        for name in (*counts, *others)
        if name not in frame.columns
    ]
    here = [name for name in counts if name in frame.columns]
    problems += [
        _problem(name, f"must hold numbers, and holds {frame.schema[name]}.")
        for name in here
        if not frame.schema[name].is_numeric() and frame.schema[name] != pl.Null()
    ]
    raise_problems("The frame of counts", problems)
    bad = frame.select(
        ((pl.col(name) < 0) | ~pl.col(name).cast(pl.Float64).is_finite()).sum() for name in here
    )
    counted = [(name, int(bad[name].item() or 0)) for name in here]
    raise_problems(
        "The frame of counts",
        [
            _problem(n, f"{many:,} values are negative or not finite.")
            for n, many in counted
            if many
        ],
    )
