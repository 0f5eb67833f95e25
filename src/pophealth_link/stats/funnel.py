"""Control limits of a funnel plot."""

from __future__ import annotations

import math
from typing import Literal

import polars as pl

from pophealth_link.errors import UserError
from pophealth_link.stats.crude import proportion, rate
from pophealth_link.stats.dispersed import BANDS, DISPERSION, widened
from pophealth_link.stats.frames import (
    RESULTS,
    ROUNDING,
    By,
    FrameT,
    Rule,
    any_null,
    check_columns,
    check_rows,
    counts,
    group_names,
    number,
    ordered_sum,
    same_type,
    within,
)
from pophealth_link.stats.intervals import on_distinct, z_score

Kind = Literal["proportion", "rate", "ratio"]
OverDispersion = Literal["multiplicative", "additive"]
MULTIPLIERS: dict[str, float] = {"proportion": 1, "rate": 100_000, "ratio": 1}
CONTROL = tuple(f"{side}_{band}" for band in BANDS for side in ("lower", "upper"))
ADDED = (*RESULTS, "baseline", *CONTROL, "significance")


def funnel_limits(
    frame: FrameT,
    numerator: str,
    denominator: str,
    *,
    kind: Kind = "proportion",
    by: By = None,
    multiplier: float | None = None,
    target: float | str | None = None,
    over_dispersion: OverDispersion | None = None,
) -> FrameT:
    """Add what chance alone would let each row's value be, and whether the value lies outside.

    The `baseline` is Σx/Σn over the rows (of a group of `by`) that hold both counts, for a ratio 1
    (observed as expected), or the `target` given, a number or a column, before the multiplier k
    (default: 1, rates 100,000).
    Proportions: Wilson's interval inverted at the baseline p, the shares p ∓ z√(p(1 − p)/n) within
    0 and 1, outside which p is outside the Wilson limits of the row. Rates (n people or
    person-years) and ratios (n expected events): the exact Poisson interval inverted at E = p·n:
    the counts L, U with P(X ≤ L) = P(X ≥ U) = α/2 for X ~ Poisson(E), continued between whole
    numbers by the gamma distribution, divided by n; L is 0 where no count is that unlikely.

    Adds `value`, `lower`, `upper`, `method` (the row's own 95 % interval, as :func:`proportion`
    and :func:`rate`), `baseline`, `lower_95`, `upper_95`, `lower_998`, `upper_998` and
    `significance`: `low (99.8 %)`, `low (95 %)`, `not significant`, `high (95 %)`, `high (99.8 %)`.
    A row without a count or with n = 0 has null limits. Repeat events of the same people are
    over-dispersed: nearly every area would lie outside these limits. With `over_dispersion` the
    limits are widened by the `dispersion` among the rows: see `stats.dispersed`.

    Raises DataError where a column is absent or not numeric; a count or target is negative, or
    above its denominator. UserError where a kind is unknown; multiplier or target is out of range.

    Source: Spiegelhalter, Stat Med 2005;24:1185–1202.

    >>> areas = pl.DataFrame({"x": [1, 50, 9], "n": [100, 100, 100]})
    >>> funnel_limits(areas, "x", "n")["significance"].to_list()
    ['low (99.8 %)', 'high (99.8 %)', 'low (95 %)']
    """
    _check_kind(kind, target, over_dispersion)
    k = MULTIPLIERS[kind] if multiplier is None else multiplier
    added = (*ADDED, DISPERSION) if over_dispersion else ADDED
    groups: list[str] = group_names(by)
    needed = [numerator, denominator, *([target] if isinstance(target, str) else [])]
    check_columns(frame, "funnel_limits", needed, groups, added=added, kept=needed)
    check_rows(frame, "funnel_limits", _targets(target, kind))
    estimate = proportion if kind == "proportion" else rate
    own = estimate(frame.lazy(), numerator, denominator, multiplier=k)
    n = pl.when(~any_null(numerator, denominator) & (number(denominator) > 0)).then(
        number(denominator)
    )
    base = _baseline(numerator, denominator, kind, target)
    base = within(base, groups) if target is None and kind != "ratio" else base
    limits = {
        f"{side}_{band}": limit * k
        for band, confidence in BANDS.items()
        for side, limit in zip(("lower", "upper"), _limits(kind, base, n, confidence), strict=True)
    }
    result = own.with_columns((base * k).alias("baseline"), **limits)
    if over_dispersion is not None:
        result = widened(result, denominator, kind, k, over_dispersion, groups)
    return same_type(frame, result.with_columns(_significance().alias("significance")))


def _check_kind(
    kind: Kind, target: float | str | None, over_dispersion: OverDispersion | None
) -> None:
    if kind not in MULTIPLIERS:
        raise UserError("`kind` is not a kind of funnel.", fix="proportion, rate or ratio.")
    if over_dispersion not in (None, "multiplicative", "additive"):
        raise UserError(
            "`over_dispersion` is not a kind of it.", fix="multiplicative, additive or None."
        )
    if isinstance(target, (int, float)) and not 0 <= target <= _highest(kind):
        raise UserError(
            "`target` is out of range.", fix="a share, rate or ratio before `multiplier`."
        )


def _highest(kind: Kind) -> float:
    return 1.0 if kind == "proportion" else math.inf


def _targets(target: float | str | None, kind: Kind) -> list[Rule]:
    if not isinstance(target, str):
        return []
    above = number(target) > _highest(kind) * (1 + ROUNDING)
    return [*counts(target), Rule(target, "are above 1", above, "give shares for proportions.")]


def _baseline(numerator: str, denominator: str, kind: Kind, target: float | str | None) -> pl.Expr:
    """Return the value that the funnel is drawn around: fixed, or pooled over the rows."""
    if isinstance(target, str):
        return number(target)
    if target is not None or kind == "ratio":
        return pl.lit(1.0 if target is None else float(target))
    both = ~any_null(numerator, denominator)
    x, n = (ordered_sum(number(name).filter(both)) for name in (numerator, denominator))
    return pl.when(n > 0).then(x / n)


def _limits(kind: Kind, base: pl.Expr, n: pl.Expr, confidence: float) -> tuple[pl.Expr, pl.Expr]:
    if kind == "proportion":
        reach = z_score(confidence) * (base * (1 - base) / n).sqrt()
        return (base - reach).clip(lower_bound=0), (base + reach).clip(upper_bound=1)
    tail, expected = (1 - confidence) / 2, base * n
    # P(X ≥ x) is the gamma distribution function of shape x at E, that is χ² on 2x degrees of
    # freedom at 2E, so that both limits are its inverse in the degrees of freedom.
    upper = on_distinct(expected, lambda chi, mean: chi.chdtriv(tail, 2 * mean) / 2)
    lower = on_distinct(expected, lambda chi, mean: chi.chdtriv(1 - tail, 2 * mean) / 2 - 1)
    nothing = expected == 0
    return (
        pl.when(nothing).then(0.0).otherwise(lower.clip(lower_bound=0)) / n,
        pl.when(nothing).then(0.0).otherwise(upper) / n,
    )


def _significance() -> pl.Expr:
    value = pl.col("value")
    return (
        pl.when(any_null("value", "lower_95"))
        .then(None)
        .when(value < pl.col("lower_998"))
        .then(pl.lit("low (99.8 %)"))
        .when(value > pl.col("upper_998"))
        .then(pl.lit("high (99.8 %)"))
        .when(value < pl.col("lower_95"))
        .then(pl.lit("low (95 %)"))
        .when(value > pl.col("upper_95"))
        .then(pl.lit("high (95 %)"))
        .otherwise(pl.lit("not significant"))
    )
