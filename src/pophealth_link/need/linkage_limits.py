"""Limits of counts from the draws of the links, by Rubin's rules.

The people of an area are all counted: within a draw a count has no variance. So the total variance
is that between the M draws, (1 + 1/M)·B, with Student's t of M - 1 degrees of freedom. Source:
Rubin, Multiple Imputation for Nonresponse in Surveys, 1987, sections 3.3 and 3.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl

from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.footprints import FOOTPRINT
from pophealth_link.indicators.person import DAYS_A_YEAR
from pophealth_link.need.linkage_counts import Changes

LIMITS = ("linkage_lower", "linkage_upper", "linkage_ratio_lower", "linkage_ratio_upper")
RECALL = "linkage_recall"
_DECIMALS = 6
_TOLERANCE = 1e-9


def with_limits(
    counts: pl.DataFrame,
    changes: Changes | None,
    *,
    imputations: int,
    confidence: float = 0.95,
    indicators: Catalogue | None = None,
) -> pl.DataFrame:
    """Return raw counts with LIMITS and RECALL, empty for what is no count of people's records.

    `changes`: see `linkage_counts.changes`; without any the columns are empty. `linkage_lower`,
    `linkage_upper`: limits of the numerator, mean ± t·√((1 + 1/M)·B), never below zero, and moved
    outwards where the numerator itself would lie outside: many missed links make the mean higher.
    `linkage_ratio_…`: the same of the numerator that gives the drawn value over the counted
    denominator, numerator·(denominator counted / denominator drawn). `linkage_recall`: the share of
    the expected count that the links have, counted / mean of the draws, at most 1, and 1 where
    they are less than one short of it.
    """
    empty = [pl.lit(None, pl.Float64).alias(name) for name in (*LIMITS, RECALL)]
    if changes is None:
        return counts.with_columns(empty)
    listed = catalogue() if indicators is None else indicators
    rates = [each.id for each in listed if each.statistic == "rate"]
    joined = _moments(counts, changes, rates, imputations)
    person = (pl.col("level") == "person") & pl.col("numerator").is_not_null()
    t = _student(imputations - 1, confidence)
    spread = t * math.sqrt(1 + 1 / imputations)
    limits = []
    for name, low, high in (("count", *LIMITS[:2]), ("ratio", *LIMITS[2:])):
        mean = pl.col("numerator") + pl.col(f"{name}_mean").fill_null(0.0)
        reach = spread * pl.col(f"{name}_sd").fill_null(0.0)
        limits += [
            pl.when(person).then(_between(mean - reach, pl.min_horizontal)).alias(low),
            pl.when(person).then(_between(mean + reach, pl.max_horizontal)).alias(high),
        ]
    whole = pl.max_horizontal(
        "numerator", pl.col("numerator") + pl.col("count_mean").fill_null(0.0)
    )
    short = whole - pl.col("numerator") >= 1 - _TOLERANCE
    share = pl.when(short).then(pl.col("numerator") / whole).otherwise(1.0)
    recall = pl.when(person & (whole > 0)).then(share)
    drop = [f"{name}_{what}" for name in ("count", "ratio") for what in ("mean", "sd")]
    return joined.with_columns(*limits, recall.round(_DECIMALS).alias(RECALL)).drop(drop)


def _between(limit: pl.Expr, widest: Callable[..., pl.Expr]) -> pl.Expr:
    """Return a limit of a count above zero, moved so that the count itself lies within."""
    return widest(limit.clip(0.0), pl.col("numerator")).round(_DECIMALS)


def _moments(counts: pl.DataFrame, changes: Changes, rates: list[str], draws: int) -> pl.DataFrame:
    """Return counts with mean and standard deviation over the draws of what is added to them.

    With n and s what a draw adds to the numerator N and to the scale counted / drawn denominator,
    it adds n to the count and N·s + n·(1 + s) to the one that gives the value: the sums over draws
    are those of n and s alone, so that indicators about the same people share theirs of s.
    """
    place = ["footprint", "stratum"]
    known = (
        counts.with_row_index("row")
        .join(changes.footprints, on=list(FOOTPRINT), how="left")
        .join(changes.strata.rename({"place": "at"}), on="stratum", how="left")
        .join(changes.indicators, on="indicator", how="left")
        .sort("row")
    )
    scales = _scales(known, changes, rates)
    added = changes.numerators.join(
        changes.indicators.select("under", what="over"),
        on="what",
        how="left",
        maintain_order="left",
    )
    both = added.join(scales, on=[*place, "under", "draw"], how="left", maintain_order="left")
    n, scale = pl.col("more"), pl.col("scale").fill_null(0.0)
    moved = n * (1 + scale)
    over = both.group_by(*place, over="what", maintain_order=True).agg(
        n.sum().alias("n"), (n**2).sum().alias("nn"), moved.sum().alias("m"),
        (moved**2).sum().alias("mm"), (moved * scale).sum().alias("ms"),
    )  # fmt: skip
    under = scales.group_by(*place, "under", maintain_order=True).agg(
        pl.col("scale").sum().alias("s"), (pl.col("scale") ** 2).sum().alias("ss")
    )
    told = known.join(
        over, left_on=["footprint", "at", "over"], right_on=[*place, "over"], how="left",
        maintain_order="left",
    ).join(
        under, left_on=["footprint", "at", "under"], right_on=[*place, "under"], how="left",
        maintain_order="left",
    )  # fmt: skip
    zeros = [pl.col(name).fill_null(0.0) for name in ("n", "nn", "m", "mm", "ms", "s", "ss")]
    count = pl.col("numerator")
    summed = told.with_columns(zeros).with_columns(
        count_sum="n",
        count_square="nn",
        ratio_sum=count * pl.col("s") + pl.col("m"),
        ratio_square=count**2 * pl.col("ss") + 2 * count * pl.col("ms") + pl.col("mm"),
    )
    return summed.select(
        *counts.columns,
        *(
            each
            for name in ("count", "ratio")
            for each in (_mean(name, draws), _deviation(name, draws))
        ),
    )


def _scales(known: pl.DataFrame, changes: Changes, rates: list[str]) -> pl.DataFrame:
    """Return footprint, stratum, under, draw and `scale`: counted / drawn denominator, less one."""
    people = (
        known.drop_nulls(["under", "denominator"])
        .group_by("footprint", "under", stratum="at")
        .agg(pl.col("denominator").max(), pl.col("indicator").is_in(rates).any().alias("rate"))
    )
    told = changes.denominators.rename({"what": "under"}).join(
        people, on=["footprint", "stratum", "under"], maintain_order="left"
    )
    days = pl.when("rate").then(DAYS_A_YEAR).otherwise(1.0)
    drawn = pl.col("denominator") + pl.col("more") / days
    scale = pl.when(drawn > 0).then(pl.col("denominator") / drawn).otherwise(1.0) - 1
    return told.select("footprint", "stratum", "under", "draw", scale.alias("scale"))


def _mean(name: str, draws: int) -> pl.Expr:
    return (pl.col(f"{name}_sum") / draws).alias(f"{name}_mean")


def _deviation(name: str, draws: int) -> pl.Expr:
    mean = pl.col(f"{name}_sum") / draws
    variance = (pl.col(f"{name}_square") - draws * mean**2) / (draws - 1)
    return variance.clip(0.0).sqrt().alias(f"{name}_sd")


def _student(degrees: int, confidence: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + confidence / 2, degrees))
