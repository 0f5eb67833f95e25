"""Funnels of values that differ by more than chance: Spiegelhalter's over-dispersion.

Each row's z = (y − t)/s is how far its value y lies from the baseline t in standard deviations of
chance alone, s = √(t(1 − t)/n) for proportions, √(t/n) for rates and ratios. The z are winsorised:
those beyond the 10th and 90th percentile (interpolated) are set to it, so that a few real outliers
do not hide themselves. With I rows, the dispersion φ is the mean of the winsorised z².

Multiplicative: limits t ∓ z_c·√φ·s. Additive: t ∓ z_c·√(s² + τ²), with
τ² = (Iφ − (I − 1))/(Σw − Σw²/Σw) and w = 1/s². Where φ is no more than 1 (multiplicative), or
Iφ no more than I − 1 (additive), chance explains the spread and the plain limits stay.

Source: Spiegelhalter, Qual Saf Health Care 2005;14:347–351, and Stat Med 2005;24:1185–1202.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

from pophealth_link.stats.frames import number, ordered_sum, within
from pophealth_link.stats.intervals import z_score

# The two limits that funnel plots draw: about two and three standard deviations (Spiegelhalter).
BANDS = {"95": 0.95, "998": 0.998}
DISPERSION = "dispersion"
WINSORISED = 0.1
# Fewer rows than this leave nothing beyond their own 10th and 90th percentile.
FEWEST_ROWS = 10


def widened(
    table: pl.LazyFrame,
    denominator: str,
    kind: Literal["proportion", "rate", "ratio"],
    multiplier: float,
    how: Literal["multiplicative", "additive"],
    groups: Sequence[str] = (),
) -> pl.LazyFrame:
    """Return the funnel with `dispersion`: φ, or τ of the additive kind in the value's unit.

    `table`: a funnel with `value`, `baseline` and plain limits, all times `multiplier`; each of its
    groups has a dispersion of its own. Under ten rows with a value it cannot be told: it and the
    limits are null. Where the baseline is 0 nothing varies and the plain limits stay.
    """
    table = _scored(table, denominator, kind, multiplier, groups)
    enough = pl.col("__rows") >= FEWEST_ROWS
    factor = pl.col("__phi") if how == "multiplicative" else _between(groups)
    table = table.with_columns(pl.when(enough).then(factor).alias(DISPERSION))
    highest = multiplier if kind == "proportion" else None
    reach = _deviation(how) * multiplier
    table = table.with_columns(
        _limit(side, band, confidence, reach, highest).alias(f"{side}_{band}")
        for band, confidence in BANDS.items()
        for side in ("lower", "upper")
    )
    scale = 1 if how == "multiplicative" else multiplier
    return table.with_columns(pl.col(DISPERSION) * scale).drop("__s", "__z", "__rows", "__phi")


def _scored(
    table: pl.LazyFrame, denominator: str, kind: str, multiplier: float, groups: Sequence[str]
) -> pl.LazyFrame:
    """Add s, z, the number of rows that have one, and φ."""
    base, n = pl.col("baseline") / multiplier, number(denominator)
    spread = base * (1 - base) if kind == "proportion" else base
    known = pl.col("value").is_not_null() & (spread > 0)
    table = table.with_columns(pl.when(known).then((spread / n).sqrt()).alias("__s"))
    z = pl.col("__z")
    table = table.with_columns(((pl.col("value") / multiplier - base) / pl.col("__s")).alias("__z"))
    edges = [within(z.quantile(q, "linear"), groups) for q in (WINSORISED, 1 - WINSORISED)]
    table = table.with_columns(within(z.count(), groups).alias("__rows"), __inner=z.clip(*edges))
    squares = within(ordered_sum((pl.col("__inner") ** 2).drop_nulls()), groups)
    return table.with_columns((squares / pl.col("__rows")).alias("__phi")).drop("__inner")


def _between(groups: Sequence[str]) -> pl.Expr:
    """Return τ, the standard deviation between rows beyond chance, as a share or rate of one."""
    weight, rows = pl.col("__s") ** -2, pl.col("__rows")
    total, squares = (
        within(ordered_sum(each.drop_nulls()), groups) for each in (weight, weight**2)
    )
    excess = rows * pl.col("__phi") - (rows - 1)
    return (excess / (total - squares / total)).clip(lower_bound=0).sqrt()


def _deviation(how: str) -> pl.Expr:
    """Return one standard deviation of the widened limits; null where the plain ones stay."""
    s, factor = pl.col("__s"), pl.col(DISPERSION)
    if how == "multiplicative":
        return pl.when(factor > 1).then(factor.sqrt() * s)
    return pl.when(factor > 0).then((s**2 + factor**2).sqrt())


def _limit(
    side: str, band: str, confidence: float, reach: pl.Expr, highest: float | None
) -> pl.Expr:
    sign = -1 if side == "lower" else 1
    wide = (pl.col("baseline") + sign * z_score(confidence) * reach).clip(0, highest)
    told = pl.col(DISPERSION).is_not_null() | (pl.col("baseline") == 0)
    plain = pl.col(f"{side}_{band}")
    return pl.when(told & plain.is_not_null()).then(pl.coalesce(wide, plain))
