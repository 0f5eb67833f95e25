"""Confidence limits of counts and proportions, as Polars expressions.

z is the standard normal quantile at 1 − (1 − confidence)/2, and alpha is 1 − confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.stats.frames import check_settings

# Below ten events Byar's approximation is not close enough and the exact limits are used
# (APHO Technical Briefing 3; Public Health England, Technical Guide: Confidence Intervals, 2018).
EXACT_BELOW = 10
# Points of a smooth function, 0.0005 apart: a cubic spline through them is off by less than 1e-12.
_POINTS = 20_001


def z_score(confidence: float) -> float:
    """Return the standard normal quantile of a two-sided interval.

    >>> round(z_score(0.95), 6)
    1.959964
    """
    return NormalDist().inv_cdf(1 - (1 - confidence) / 2)


def byar_limits(count: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return Byar's approximate Poisson limits of one count, lower then upper.

    L = x(1 − 1/(9x) − z/(3√x))³ and U = (x+1)(1 − 1/(9(x+1)) + z/(3√(x+1)))³; L is 0 where x is 0.
    The unit is events. Below ten events :func:`pophealth_link.stats.rate` gives exact limits.

    Raises DataError where the count is negative or not finite. UserError where the confidence is
    not between 0 and 1.

    Source: Breslow and Day, Statistical Methods in Cancer Research II, IARC 1987, p. 69.

    >>> [round(limit, 3) for limit in byar_limits(65)]
    [50.163, 82.849]
    """
    check_settings(confidence)
    if not (count >= 0 and math.isfinite(count)):
        raise DataError("the count given to stats.byar_limits is not a count.", fix="0 or more.")
    lower, upper = pl.select(*byar(pl.lit(float(count)), confidence)).row(0)
    return lower, upper


def byar(count: pl.Expr, confidence: float) -> tuple[pl.Expr, pl.Expr]:
    """Return Byar's lower and upper limits of a count, in events."""
    z, above = z_score(confidence), count + 1
    low = count * (1 - 1 / (9 * count) - z / (3 * count.sqrt())) ** 3
    high = above * (1 - 1 / (9 * above) + z / (3 * above.sqrt())) ** 3
    # Fractions of an event (a shared count) take the lower formula below 0, and 0 divides by 0.
    lower = pl.when(count > 0).then(pl.max_horizontal(low, pl.lit(0.0))).when(count == 0).then(0.0)
    return lower.alias("lower"), high.alias("upper")


def poisson_limits(count: pl.Expr, confidence: float) -> tuple[pl.Expr, pl.Expr]:
    """Return a count's limits: exact Poisson below ten events, else Byar's; in events.

    Exact: L = χ²⁻¹(α/2; 2x)/2, U = χ²⁻¹(1 − α/2; 2x + 2)/2 (Armitage and Berry), where half of a
    χ² quantile on 2a degrees of freedom is the quantile of the gamma distribution of shape a.
    """
    tail = (1 - confidence) / 2
    exact = (
        _on_many(count, lambda gamma, x: gamma.gammaincinv(x, tail)),
        _on_many(count, lambda gamma, x: gamma.gammainccinv(x + 1, tail)),
    )
    # The quantile of shape 0, a distribution with all its mass at 0, is 0.
    lower = pl.when(count == 0).then(0.0).otherwise(exact[0])
    large = count >= EXACT_BELOW
    return tuple(  # type: ignore[return-value]
        pl.when(large).then(approximate).otherwise(small)
        for approximate, small in zip(byar(count, confidence), (lower, exact[1]), strict=True)
    )


def poisson_method(count: pl.Expr) -> pl.Expr:
    """Return the name of the method that :func:`poisson_limits` uses for a count."""
    return pl.when(count < EXACT_BELOW).then(pl.lit("exact Poisson")).otherwise(pl.lit("Byar"))


def wilson(numerator: pl.Expr, denominator: pl.Expr, confidence: float) -> tuple[pl.Expr, pl.Expr]:
    """Return Wilson's score limits of a proportion x/n, as a share.

    (2x + z² ∓ z√(z² + 4x(1 − x/n))) / (2(n + z²)); exactly 0 where x = 0, and 1 where x = n.
    """
    z = z_score(confidence)
    middle, scale = 2 * numerator + z**2, 2 * (denominator + z**2)
    reach = z * (z**2 + 4 * numerator * (1 - numerator / denominator)).sqrt()
    return (
        pl.when(numerator == 0).then(0.0).otherwise((middle - reach) / scale),
        pl.when(numerator == denominator).then(1.0).otherwise((middle + reach) / scale),
    )


def _on_many(count: pl.Expr, function: Callable[[Any, Any], Any]) -> pl.Expr:
    """Return `on_distinct` of a smooth function of counts below EXACT_BELOW, fast for fractions.

    Shared counts may be a million different fractions: between more of them than there are points,
    the function is that of a cubic spline through the points.
    """

    def found(special: Any, x: Any) -> Any:
        if len(x) <= _POINTS:
            return function(special, x)
        import numpy as np
        from scipy.interpolate import CubicSpline

        points = np.linspace(0.0, EXACT_BELOW, _POINTS)
        # The quantile of shape 0 is not a number there.
        held = np.nan_to_num(function(special, points))
        return np.maximum(CubicSpline(points, held)(x), 0.0)

    return on_distinct(count, found, below=EXACT_BELOW)


def on_distinct(
    values: pl.Expr, function: Callable[[Any, Any], Any], below: float = math.inf
) -> pl.Expr:
    """Return `function(scipy.special, x)` of each value under a bound, worked out once per value.

    These functions cost about a microsecond each, and counts repeat. scipy is imported when the
    plan runs. Values from the bound up are null.
    """

    def answers(series: pl.Series) -> pl.Series:
        from scipy import special

        known = series.filter(series < below).unique().sort()
        if known.is_empty():
            return series.clear(len(series)).cast(pl.Float64)
        found = pl.Series(function(special, known.to_numpy()), dtype=pl.Float64)
        return series.replace_strict(known, found, default=None, return_dtype=pl.Float64)

    return values.map_batches(answers, return_dtype=pl.Float64)
