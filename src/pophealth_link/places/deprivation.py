"""Summary measures of deprivation for any areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pophealth_link.errors import DataError, nearest

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
    part: str | None = None,
) -> pl.DataFrame:
    """Return the published summary measures of deprivation, one row per area.

    `frame` has one row per LSOA with its `score`, national `rank` (1 most deprived), `population`
    and `area` (any grouping); `n_areas` is the number of LSOAs that were ranked (England 2025:
    33,755). An area may hold LSOAs in part, as the patients of a PCN do: give a row for each of
    its LSOAs, its own people there in `population`, and in the column `part` the share of the LSOA
    that is its own. Returns `area`, `lsoas` (used), `lsoas_left_out` (a value was missing) and

    * average_score: mean score, weighted by people;
    * average_rank: mean of reversed ranks (n_areas + 1 - rank), weighted by people;
    * proportion_most_deprived_decile: share of LSOAs (parts as parts) in the national most
      deprived tenth;
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
    names |= {"__part": part} if part else {}
    held = _checked(frame, names, area, scale, n_areas)
    used = held.drop_nulls(list(names))
    weighted = [name for name in _SUMMARY if not name.startswith("proportion")]
    ranked = _with_measures(used.sort("__rank", "__score", "__people"), n_areas)
    ranked = ranked if part else ranked.with_columns(__part=pl.lit(1.0))
    summary = ranked.group_by(area, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("lsoas"),
        pl.col("__people").sum().alias("__total"),
        _mean("__score").alias("average_score"),
        _mean("__reversed").alias("average_rank"),
        _mean("__decile_1", "__part").alias("proportion_most_deprived_decile"),
        _mean("__extent").alias("extent"),
        _concentration().alias("local_concentration"),
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


def extent_weight(rank: str, n_areas: int) -> pl.Expr:
    """Return the expression of an LSOA's weight in the extent, from its national rank.

    Whole in the most deprived tenth, 0.95 at the 11th percentile falling evenly to 0.05 at the
    30th, then 0. Source: see `deprivation_summary`.

    >>> pl.DataFrame({"r": [10, 11, 30, 31]}).select(extent_weight("r", 100))["r"].to_list()
    [1.0, 0.95, 0.04999999999999993, 0.0]
    """
    # Whole percentiles: the 11th begins just above the tenth of all LSOAs.
    percentile = (pl.col(rank) * 100 / n_areas).ceil()
    falling = 0.95 - (percentile - 11) * 0.9 / 19
    extent = pl.when(percentile <= 30).then(falling).otherwise(0.0)
    return (
        pl.when(pl.col(rank).is_null())
        .then(None)
        .when(percentile <= 10)
        .then(1.0)
        .otherwise(extent)
        .alias(rank)
    )


def _with_measures(rows: pl.DataFrame, n_areas: int) -> pl.DataFrame:
    rank = pl.col("__rank")
    return rows.with_columns(
        (n_areas + 1 - rank).alias("__reversed"),
        (rank * 10 <= n_areas).alias("__decile_1"),
        extent_weight("__rank", n_areas).alias("__extent"),
    )


def _ordered_sum(values: pl.Expr) -> pl.Expr:
    # A fixed order within the group: sums of floats depend on it.
    return values.sort().sum()


def _mean(name: str, weight: str = "__people") -> pl.Expr:
    weights = pl.col(weight)
    return _ordered_sum(pl.col(name) * weights) / _ordered_sum(weights)


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


# The people who weigh each domain where they are not the whole population: English Indices of
# Deprivation 2025, Technical Report. Working age: 18 to 66; children: 0 to 15; older: 60 and over.
DOMAIN_POPULATIONS: Mapping[str, str] = {
    "employment": "population_working_age",
    "idaci": "population_children",
    "idaopi": "population_older",
}
_PUBLISHED = ("average_score", "average_rank", "proportion_most_deprived_decile")


def domain_summary(
    frame: pl.DataFrame | pl.LazyFrame,
    *,
    area: str,
    n_areas: int,
    domains: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return area, domain and the summary measures of each domain, sorted.

    `frame` has one row per LSOA: `area`, `<domain>_score` and `<domain>_rank` (1 most deprived of
    `n_areas`), `population`, and for employment, idaci and idaopi their own denominators, which
    `DOMAIN_POPULATIONS` names. `domains`: those wanted; by default every one whose score and rank
    the frame holds. Returns average_score, average_rank (reversed) and
    proportion_most_deprived_decile, see `deprivation_summary`, and `scale`, the sum of
    `<domain>_numerator` where the frame holds it, else empty. Raises `DataError` for absent
    columns. Source: English Indices of Deprivation 2025, Technical Report, summary measures.

    >>> lsoas = pl.DataFrame({"lad": ["A", "A"], "income_score": [0.4, 0.1], "income_rank": [1, 80],
    ...     "population": [30, 10], "income_numerator": [12, 1]})
    >>> domain_summary(lsoas, area="lad", n_areas=100)["domain", "average_score", "scale"].row(0)
    ('income', 0.325, 13.0)
    """
    held = frame.lazy().collect()
    wanted = _held_domains(held.columns) if domains is None else list(domains)
    frames = [_one_domain(held, domain, area, n_areas) for domain in wanted]
    empty = held.select(area, domain=pl.lit("")).clear()
    return pl.concat([*(frames or [empty])]).sort(area, "domain", nulls_last=True)


def _held_domains(columns: Sequence[str]) -> list[str]:
    found = (name.removesuffix("_score") for name in columns if name.endswith("_score"))
    return sorted(name for name in found if name != "imd" and f"{name}_rank" in columns)


def _one_domain(held: pl.DataFrame, domain: str, area: str, n_areas: int) -> pl.DataFrame:
    numerator = f"{domain}_numerator"
    found = deprivation_summary(
        held,
        score=f"{domain}_score",
        rank=f"{domain}_rank",
        population=DOMAIN_POPULATIONS.get(domain, "population"),
        area=area,
        n_areas=n_areas,
        scale=numerator if numerator in held.columns else None,
    )
    scale = "scale" if "scale" in found.columns else pl.lit(None, pl.Float64).alias("scale")
    return found.select(area, pl.lit(domain).alias("domain"), "lsoas", *_PUBLISHED, scale)
