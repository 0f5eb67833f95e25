"""Proportions, crude rates and means."""

from __future__ import annotations

import polars as pl

from pophealth_link.stats.frames import (
    MISSING,
    NO_DENOMINATOR,
    RESULTS,
    By,
    FrameT,
    Reason,
    Rule,
    any_null,
    check_columns,
    check_rows,
    check_settings,
    counts,
    finite,
    group_names,
    group_totals,
    number,
    ordered,
    part_of,
    per_group,
    same_type,
    whole_or_float,
    with_results,
)
from pophealth_link.stats.intervals import on_distinct, poisson_limits, poisson_method, wilson


def proportion(
    frame: FrameT,
    numerator: str,
    denominator: str,
    *,
    by: By = None,
    confidence: float = 0.95,
    multiplier: float = 1,
) -> FrameT:
    """Add each row's proportion with Wilson score limits, or return one row per group.

    value = x/n·k; limits = (2x + z² ∓ z√(z² + 4x(1 − x/n))) / (2(n + z²))·k. `numerator` (x) and
    `denominator` (n) name columns of people; `multiplier` (k) is 100 for a percentage. `by` adds
    both up by group first; the groups come sorted. Adds `value`, `lower`, `upper`, `method`.
    A null count gives null results, and so does n = 0; `method` says why.

    Raises DataError where a column is absent or not numeric; a count is negative or above its
    denominator. UserError where confidence or multiplier is out of range.

    Source: Wilson, J Am Stat Assoc 1927;22:209–212; APHO Technical Briefing 3.

    >>> proportion(pl.DataFrame({"x": [1], "n": [100]}), "x", "n", multiplier=100)["value"].item()
    1.0
    """
    check_settings(confidence, multiplier)
    rules = [part_of(numerator, denominator)]
    totals = _totals(frame, "proportion", [numerator, denominator], by, rules)
    x, n = number(numerator), number(denominator)
    lower, upper = wilson(x, n, confidence)
    result = with_results(
        totals,
        value=x / n * multiplier,
        limits=(lower * multiplier, upper * multiplier),
        method=pl.lit("Wilson"),
        reasons=_no_ratio(numerator, denominator),
    )
    return same_type(frame, result)


def rate(
    frame: FrameT,
    numerator: str,
    denominator: str,
    *,
    by: By = None,
    confidence: float = 0.95,
    multiplier: float = 100_000,
) -> FrameT:
    """Add each row's crude rate with Byar or exact Poisson limits, or return one row per group.

    value = x/n·k; the limits of x are Byar's from ten events and exact Poisson (χ²) below, then
    divided by n and multiplied by k. `numerator` (x) names a column of events, `denominator` (n)
    one of people or person-years, so that x may exceed n. `by` adds both up by group first; the
    groups come sorted. Adds `value`, `lower`, `upper`, `method`. A null count gives null results,
    and so does n = 0; `method` says why. Repeat events of the same people are not Poisson: their
    interval is too narrow here.

    Raises DataError where a column is absent or not numeric; a count is negative. UserError where
    confidence or multiplier is out of range.

    Source: APHO Technical Briefing 3; Breslow and Day, IARC 1987 (Byar); Armitage and Berry (exact)

    >>> rate(pl.DataFrame({"x": [1], "n": [100]}), "x", "n", multiplier=100)["method"].item()
    'exact Poisson'
    """
    check_settings(confidence, multiplier)
    totals = _totals(frame, "rate", [numerator, denominator], by, [])
    x, n = number(numerator), number(denominator)
    lower, upper = poisson_limits(x, confidence)
    result = with_results(
        totals,
        value=x / n * multiplier,
        limits=(lower / n * multiplier, upper / n * multiplier),
        method=poisson_method(x),
        reasons=_no_ratio(numerator, denominator),
    )
    return same_type(frame, result)


def mean(frame: FrameT, value: str, *, by: By, confidence: float = 0.95) -> FrameT:
    """Return each group's mean with Student t limits.

    value = x̄; limits = x̄ ± t(1 − α/2; n − 1)·s/√n, in the unit of the column. One row per group,
    sorted, or one in all where `by` is None: the group, `count` (n), `value`, `lower`, `upper`,
    `method`. A null among a group's values gives null results: leave such rows out knowingly. One
    value has a mean and no limits.

    Raises DataError where a column is absent or not numeric, or holds a value that is not finite.
    UserError where confidence is out of range.

    Source: APHO Technical Briefing 3.

    >>> mean(pl.DataFrame({"days": [1.0, 2.0, 3.0]}), "days", by=None)["value"].item()
    2.0
    """
    groups = group_names(by)
    added = ("count", *RESULTS)
    check_settings(confidence)
    check_columns(frame, "mean", [value], groups, added=added)
    check_rows(frame, "mean", finite(value))
    values = pl.col(value)
    moments = [
        pl.len().cast(pl.Int64).alias("count"),
        ordered(values).list.mean().alias("__mean"),
        ordered(values).list.std().alias("__deviation"),
        values.null_count().alias("__nulls"),
    ]
    summary = per_group(whole_or_float(frame.lazy(), [value]), groups, moments)
    result = _student(summary, confidence).select(*groups, *added)
    return same_type(frame, result)


def _student(summary: pl.LazyFrame, confidence: float) -> pl.LazyFrame:
    n, middle, upper_tail = number("count"), pl.col("__mean"), 1 - (1 - confidence) / 2
    quantile = on_distinct(n - 1, lambda special, df: special.stdtrit(df, upper_tail))
    reach = pl.when(n > 1).then(quantile * pl.col("__deviation") / n.sqrt())
    method = pl.when(n > 1).then(pl.lit("Student t")).otherwise(pl.lit("one value: no interval"))
    return with_results(
        summary,
        value=middle,
        limits=(middle - reach, middle + reach),
        method=method,
        reasons=[
            Reason("not calculated: no values", n == 0),
            Reason(MISSING, pl.col("__nulls") > 0),
        ],
    )


def _totals(
    frame: pl.DataFrame | pl.LazyFrame, function: str, columns: list[str], by: By, rules: list[Rule]
) -> pl.LazyFrame:
    """Return the checked rows, or the sums of their counts by group."""
    groups = group_names(by)
    check_columns(frame, function, columns, groups, added=RESULTS, kept=columns)
    check_rows(frame, function, [*counts(*columns), *rules])
    return group_totals(frame.lazy(), groups, columns) if groups else frame.lazy()


def _no_ratio(numerator: str, denominator: str) -> list[Reason]:
    return [
        Reason(MISSING, any_null(numerator, denominator)),
        Reason(NO_DENOMINATOR, pl.col(denominator) == 0),
    ]
