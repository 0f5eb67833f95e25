"""Summary measures of deprivation for any areas, and the index from its domains."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from pophealth_link.errors import DataError, nearest

# Ministry of Housing, Communities and Local Government, English Indices of Deprivation 2025,
# Technical Report: weights of the seven domains in per cent, and the exponential transformation.
DOMAIN_WEIGHTS: Mapping[str, float] = {
    "income": 22.5,
    "employment": 22.5,
    "education": 13.5,
    "health": 13.5,
    "crime": 9.3,
    "barriers": 9.3,
    "living_environment": 9.3,
}
_SCALE = 23.0
_SUMMARY = (
    "average_score",
    "average_rank",
    "proportion_most_deprived_decile",
    "extent",
    "local_concentration",
)


def deprivation_summary(
    frame: pl.DataFrame | pl.LazyFrame,
    *,
    score: str,
    rank: str,
    population: str,
    area: str,
    n_areas: int,
    scale: str | None = None,
) -> pl.DataFrame:
    """Return the published summary measures of deprivation, one row per area.

    `frame` has one row per LSOA with its `score`, national `rank` (1 most deprived), `population`
    and `area` (any grouping); `n_areas` is the number of LSOAs that were ranked (England 2025:
    33,755). Returns `area`, `lsoas` (used), `lsoas_left_out` (a value was missing) and

    * average_score: mean score, weighted by people;
    * average_rank: mean of reversed ranks (n_areas + 1 - rank), weighted by people;
    * proportion_most_deprived_decile: share of LSOAs in the national most deprived tenth;
    * extent: share of people in the most deprived three tenths, whole in the first tenth, then
      0.95 at the 11th percentile falling evenly to 0.05 at the 30th;
    * local_concentration: mean reversed rank, weighted by people, of the most deprived LSOAs that
      hold exactly a tenth of the area's people, the last of them pro rata;
    * scale (if `scale` names the column of people deprived): its sum.

    An area without people has no values. Raises `DataError` for absent columns, ranks outside 1 to
    `n_areas`, or populations below 0. Source: English Indices of Deprivation 2025, Technical
    Report, summary measures for higher-level geographies.

    >>> lsoas = pl.DataFrame({"lad": ["A", "A"], "s": [40.0, 10.0], "r": [1, 80], "p": [30, 10]})
    >>> deprivation_summary(lsoas, score="s", rank="r", population="p", area="lad",
    ...     n_areas=100)["average_score", "average_rank", "extent"].row(0)
    (32.5, 80.25, 0.75)
    """
    names = {"__score": score, "__rank": rank, "__people": population}
    held = _checked(frame, names, area, scale, n_areas)
    used = held.drop_nulls(list(names))
    weighted = [name for name in _SUMMARY if not name.startswith("proportion")]
    ranked = _with_measures(used.sort("__rank", "__score", "__people"), n_areas)
    summary = ranked.group_by(area, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("lsoas"),
        pl.col("__people").sum().alias("__total"),
        _mean("__score").alias("average_score"),
        _mean("__reversed").alias("average_rank"),
        pl.col("__decile_1").cast(pl.Int64).sum().alias("__decile_1"),
        _mean("__extent").alias("extent"),
        _concentration().alias("local_concentration"),
    )
    summary = summary.with_columns(
        proportion_most_deprived_decile=pl.col("__decile_1") / pl.col("lsoas")
    )
    populated = pl.col("__total") > 0
    summary = summary.with_columns(pl.when(populated).then(pl.col(weighted)))
    every = held.group_by(area).agg(
        pl.len().cast(pl.Int64).alias("__rows"),
        *([_ordered_sum(pl.col("__scale"))] if scale else []),
    )
    return _finished(every, summary, area, scale)


def _checked(
    frame: pl.DataFrame | pl.LazyFrame,
    names: Mapping[str, str],
    area: str,
    scale: str | None,
    n_areas: int,
) -> pl.DataFrame:
    held = frame.lazy().collect()
    wanted = [area, *names.values(), *([scale] if scale else [])]
    absent = [name for name in wanted if name not in held.columns]
    texts = [n for n in wanted[1:] if n in held.columns and not held.schema[n].is_numeric()]
    if absent or texts:
        raise DataError(
            "The frame to summarise is not as asked.",
            *(f"{name}  absent.{nearest(name, held.columns)}" for name in absent),
            *(f"{name}  is not a number." for name in texts),
        )
    aliases = dict(names) | ({"__scale": scale} if scale else {})
    columns = [pl.col(name).cast(pl.Float64).fill_nan(None).alias(a) for a, name in aliases.items()]
    held = held.select(pl.col(area), *columns)
    ranks = held.filter(~pl.col("__rank").is_between(1, n_areas)).height
    people = held.filter(pl.col("__people") < 0).height
    if ranks or people:
        raise DataError(
            "The frame to summarise holds impossible values.",
            f"{ranks:,} ranks outside 1 to {n_areas:,}; {people:,} populations below 0.",
            fix="give national ranks, 1 the most deprived, and the number of LSOAs ranked",
        )
    return held


def _with_measures(rows: pl.DataFrame, n_areas: int) -> pl.DataFrame:
    rank = pl.col("__rank")
    # Whole percentiles: the 11th begins just above the tenth of all LSOAs.
    percentile = (rank * 100 / n_areas).ceil()
    falling = 0.95 - (percentile - 11) * 0.9 / 19
    extent = pl.when(percentile <= 30).then(falling).otherwise(0.0)
    return rows.with_columns(
        (n_areas + 1 - rank).alias("__reversed"),
        (rank * 10 <= n_areas).alias("__decile_1"),
        pl.when(percentile <= 10).then(1.0).otherwise(extent).alias("__extent"),
    )


def _ordered_sum(values: pl.Expr) -> pl.Expr:
    # A fixed order within the group: sums of floats depend on it.
    return values.sort().sum()


def _mean(name: str) -> pl.Expr:
    people = pl.col("__people")
    return _ordered_sum(pl.col(name) * people) / _ordered_sum(people)


def _concentration() -> pl.Expr:
    people = pl.col("__people")
    tenth = people.sum() / 10
    before = people.cum_sum() - people
    taken = pl.min_horizontal(people, tenth - before).clip(lower_bound=0)
    return (taken * pl.col("__reversed")).sum() / tenth


def _finished(
    every: pl.DataFrame, summary: pl.DataFrame, area: str, scale: str | None
) -> pl.DataFrame:
    joined = every.join(summary, on=area, how="left", nulls_equal=True)
    used = pl.col("lsoas").fill_null(0)
    joined = joined.with_columns(used, (pl.col("__rows") - used).alias("lsoas_left_out"))
    if scale:
        joined = joined.rename({"__scale": "scale"})
    tail = ["scale"] if scale else []
    return joined.select(area, "lsoas", "lsoas_left_out", *_SUMMARY, *tail).sort(
        area, nulls_last=True
    )


def imd_from_domain_ranks(
    frame: pl.DataFrame | pl.LazyFrame,
    *,
    n_areas: int,
    ranks: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Add `imd_score`, the Index of Multiple Deprivation from the ranks of its seven domains.

    `frame` has one row per LSOA; `ranks` gives the column of each domain (`DOMAIN_WEIGHTS` names
    them), by default `<domain>_rank`, 1 most deprived of `n_areas`. With R = (n + 1 - rank) / n,
    E = -23 ln(1 - R (1 - exp(-100/23))), and the score is the sum of weight times E. A missing
    rank gives a missing score. Source: English Indices of Deprivation 2025, Technical Report.

    >>> one = pl.DataFrame({f"{domain}_rank": [1] for domain in DOMAIN_WEIGHTS})
    >>> imd_from_domain_ranks(one, n_areas=100)["imd_score"].round(6).to_list()
    [99.9]
    """
    columns = dict(ranks) if ranks else {domain: f"{domain}_rank" for domain in DOMAIN_WEIGHTS}
    held = frame.lazy().collect()
    unnamed = [domain for domain in DOMAIN_WEIGHTS if domain not in columns]
    absent = [column for column in columns.values() if column not in held.columns]
    if unnamed or absent:
        raise DataError(
            "The index needs the rank of every domain.",
            *(f"{domain}  has no column in `ranks`." for domain in unnamed),
            *(f"{column}  absent.{nearest(column, held.columns)}" for column in absent),
        )
    terms = [_transformed(columns[d], n_areas) * w / 100 for d, w in DOMAIN_WEIGHTS.items()]
    return held.with_columns(sum(terms[1:], terms[0]).alias("imd_score"))


def _transformed(column: str, n_areas: int) -> pl.Expr:
    share = (n_areas + 1 - pl.col(column).cast(pl.Float64)) / n_areas
    return -_SCALE * (1 - share * (1 - math.exp(-100 / _SCALE))).log()
