"""Differences and ratios of two estimates that have limits of their own."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link.errors import UserError
from pophealth_link.stats.frames import (
    MISSING,
    RESULTS,
    FrameT,
    Reason,
    Rule,
    any_null,
    check_columns,
    check_rows,
    counts,
    finite,
    number,
    same_type,
    with_results,
)


def difference(
    frame: FrameT,
    first: Sequence[str],
    second: Sequence[str],
    *,
    correlation: str | None = None,
) -> FrameT:
    """Add each row's first estimate less its second, with limits recovered from theirs.

    `first` and `second` each name three columns: value, lower and upper, of one confidence, which
    the result has too. With values a and b, limits l, u and correlation r,
    lower = a − b − √((a − l₁)² + (u₂ − b)² − 2r(a − l₁)(u₂ − b)) and
    upper = a − b + √((u₁ − a)² + (b − l₂)² − 2r(u₁ − a)(b − l₂)). From Wilson limits this is
    Newcombe's hybrid score interval. Without `correlation` (a column) the two are independent.
    Adds `value`, `lower`, `upper` (in the estimates' unit) and `method`; replaces columns of these
    names. A missing number gives null results, and `method` says so.

    Raises DataError where a column is absent or not numeric; a value lies outside its limits; a
    correlation outside −1 to 1. UserError where there are not three columns each.

    Source: Zou and Donner, Stat Med 2008;27:1693–1702; Newcombe, Stat Med 1998;17:873–890.

    >>> rows = pl.DataFrame({"a": [3.0], "al": [2.0], "au": [4.0], "b": [1.0]})
    >>> rows = rows.with_columns(bl="b", bu="b")
    >>> difference(rows, ("a", "al", "au"), ("b", "bl", "bu")).select("lower", "upper").row(0)
    (1.0, 3.0)
    """
    named = _checked(frame, "difference", first, second, [correlation] if correlation else [])
    a, low_a, high_a, b, low_b, high_b = (number(name) for name in named)
    shared = number(correlation) if correlation else pl.lit(0.0)
    below = _distance(a - low_a, high_b - b, shared)
    above = _distance(high_a - a, b - low_b, shared)
    result = with_results(
        frame.lazy(),
        value=a - b,
        limits=(a - b - below, a - b + above),
        method=pl.lit("difference, limits recovered"),
        reasons=[Reason(MISSING, any_null(*named, *([correlation] if correlation else [])))],
    )
    return same_type(frame, result)


def ratio(frame: FrameT, first: Sequence[str], second: Sequence[str]) -> FrameT:
    """Add each row's first estimate over its second, with limits recovered from theirs.

    `first` and `second` each name three columns: value, lower and upper, of one confidence, which
    the result has too; the two are independent and not negative. With values a and b, limits l and
    u: lower = (ab − √((ab)² − l₁u₂(2a − l₁)(2b − u₂)))/(u₂(2b − u₂)) and
    upper = (ab + √((ab)² − u₁l₂(2a − u₁)(2b − l₂)))/(l₂(2b − l₂)), the limits of Fieller's theorem
    with the variances on the sides that matter. Adds `value`, `lower`, `upper` and `method`;
    replaces columns of these names. Null results where a number is missing or the second value is
    0, no upper limit where its lower limit is 0; `method` says so.

    Raises DataError where a column is absent or not numeric; a number is negative; a value lies
    outside its limits. UserError where there are not three columns each.

    Source: Donner and Zou, Stat Methods Med Res 2012;21:347–359.

    >>> rows = pl.DataFrame({"a": [3.0], "al": [2.0], "au": [4.0], "b": [2.0]})
    >>> rows = rows.with_columns(bl="b", bu="b")
    >>> ratio(rows, ("a", "al", "au"), ("b", "bl", "bu")).select("lower", "upper").row(0)
    (1.0, 2.0)
    """
    named = _checked(frame, "ratio", first, second, [], low=0)
    a, low_a, high_a, b, low_b, high_b = (number(name) for name in named)
    middle, least, most = a * b, low_a * (2 * a - low_a), high_a * (2 * a - high_a)
    root = (middle**2 - least * high_b * (2 * b - high_b)).clip(lower_bound=0).sqrt()
    # The lower limit as written above, freed of its pole at u₂ = 2b.
    lower = pl.when(low_a == 0).then(0.0).otherwise(least / (middle + root))
    scale = low_b * (2 * b - low_b)
    upper = pl.when(low_b > 0).then(
        (middle + (middle**2 - most * scale).clip(lower_bound=0).sqrt()) / scale
    )
    method = (
        pl.when(low_b > 0)
        .then(pl.lit("ratio, limits recovered"))
        .otherwise(pl.lit("ratio, limits recovered: the second may be 0, no upper limit"))
    )
    reasons = [
        Reason(MISSING, any_null(*named)),
        Reason("not calculated: the second value is zero", b == 0),
    ]
    result = with_results(
        frame.lazy(), value=a / b, limits=(lower, upper), method=method, reasons=reasons
    )
    return same_type(frame, result)


def _distance(one: pl.Expr, other: pl.Expr, correlation: pl.Expr) -> pl.Expr:
    # Rounding can take the square of a fully correlated pair just below 0.
    squared = one**2 + other**2 - 2 * correlation * one * other
    return squared.clip(lower_bound=0).sqrt()


def _checked(
    frame: pl.DataFrame | pl.LazyFrame,
    name: str,
    first: Sequence[str],
    second: Sequence[str],
    correlations: Sequence[str],
    low: float | None = None,
) -> list[str]:
    """Return the six columns, the frame being fit for a contrast."""
    if not len(first) == len(second) == len(RESULTS) - 1:
        raise UserError(
            "`first` and `second` name three columns each.",
            fix="(value, lower limit, upper limit).",
        )
    named = [*first, *second]
    check_columns(frame, name, [*named, *correlations])
    rules: list[Rule] = [*(finite(*named) if low is None else counts(*named))]
    rules += [_outside(*first), _outside(*second)]
    rules += [
        Rule(each, "are not between -1 and 1", number(each).abs() > 1, "give correlations.")
        for each in correlations
    ]
    check_rows(frame, name, rules)
    return named


def _outside(value: str, lower: str, upper: str) -> Rule:
    outside = (number(value) < number(lower)) | (number(value) > number(upper))
    return Rule(value, "lie outside their limits", outside, f"see `{lower}` and `{upper}`.")
