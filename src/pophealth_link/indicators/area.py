"""Area-level indicators: published measures of LSOAs and authorities, rolled up to units."""

from __future__ import annotations

from collections.abc import Callable

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.errors import ReferenceDataError
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.tally import UNKNOWN, fixed, total
from pophealth_link.places.deprivation import extent_weight
from pophealth_link.places.units import REGISTERED, RESIDENT
from pophealth_link.schema.strata import ALL

# Takes a frame with a column of counts, `people`, and returns it as the policy lets it be used:
# rounded, and with one number for all that are withheld, which the column `withheld` marks.
RoundPeople = Callable[[pl.DataFrame], pl.DataFrame]
CELLS = ("lsoa_code", "stratum", "numerator", "denominator")
CONCENTRATION = "imd_concentration"
_UNIT = ["basis", "unit", "stratum"]
_DOMAIN_SCORES = (
    *("income_score", "employment_score", "education_score", "health_score", "crime_score"),
    *("barriers_score", "living_environment_score", "idaci_score", "idaopi_score"),
)
# The people who weigh a score of the deprivation table, where not all of them do.
_OWN_WEIGHTS = {
    "working_age": "population_working_age",
    "children": "population_children",
    "older": "population_older",
}


def lsoas(areas: Frame, deprivation: Frame) -> pl.DataFrame:
    """Return lsoa_code, lad_code, population, households, the deprivation columns and stratum.

    One row per LSOA of `areas`, sorted. `weight` is the people that weigh the deprivation score:
    the deprivation table's own, else the usual residents. What the tables lack is empty.
    """
    held = _columns(areas, ("lsoa_code", "lad_code", "population", "households"))
    names = ("imd_score", "imd_rank", "imd_decile", "population")
    ranks = _columns(
        deprivation, ("lsoa_code", *names, *_DOMAIN_SCORES, *_OWN_WEIGHTS.values())
    ).rename({"population": "weight"})
    fifth = (pl.col("imd_decile").cast(pl.Int64) + 1) // 2
    stratum = pl.format("quintile_{}", fifth).fill_null(UNKNOWN)
    joined = held.join(ranks, on="lsoa_code", how="left").sort("lsoa_code")
    return joined.with_columns(
        stratum.alias("stratum"), pl.coalesce("weight", "population").alias("weight")
    )


def _columns(frame: Frame, names: tuple[str, ...]) -> pl.DataFrame:
    plan = lazy(frame)
    held = plan.collect_schema().names()
    found = collect(plan.select(*(name for name in names if name in held)))
    absent = [name for name in names if name not in held]
    return found.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in absent)


def cells(
    indicator: Indicator, places: pl.DataFrame, measures: pl.DataFrame, n_areas: int
) -> pl.DataFrame:
    """Return CELLS of one area-level indicator: a row for each LSOA that has data, sorted.

    `places`: see `lsoas`; `measures`: AREA_MEASURES; `n_areas`: LSOAs in the national ranking. A
    score's numerator is score × weight. A value of the local authority is put on each of its
    LSOAs, weighed by the LSOA's population or households. Raises `ReferenceDataError` where a rank
    is beyond `n_areas`.
    """
    if indicator.deprivation is not None:
        found = _deprivation(indicator, places, n_areas)
    else:
        found = _measured(indicator, places, measures)
    given = pl.col("numerator").is_not_null() & (pl.col("denominator") > 0)
    return found.filter(given).select(CELLS).sort("lsoa_code")


def _deprivation(indicator: Indicator, places: pl.DataFrame, n_areas: int) -> pl.DataFrame:
    column = str(indicator.deprivation)
    if column == "imd_decile":
        first = (pl.col(column) == 1).cast(pl.Float64)
        return places.with_columns(first.alias("numerator"), pl.lit(1.0).alias("denominator"))
    beyond = places.filter(pl.col("imd_rank") > n_areas).height
    if beyond:
        raise ReferenceDataError(
            "`deprivation` holds ranks beyond the number of areas.",
            f"imd_rank  {beyond:,} of {places.height:,} LSOAs rank below the last of {n_areas:,}.",
            fix="give the number of LSOAs that the ranks were made of",
        )
    weight = pl.col(_OWN_WEIGHTS.get(str(indicator.weight), "weight")).cast(pl.Float64)
    numerator = (_score(column, n_areas) * weight).alias("numerator")
    return places.with_columns(numerator, weight.alias("denominator"))


def _score(column: str, n_areas: int) -> pl.Expr:
    if column == "imd_extent":
        return extent_weight("imd_rank", n_areas)
    # Reversed, so that a higher average rank is more deprived, as in the published summaries.
    reversed_rank = n_areas + 1 - pl.col("imd_rank")
    return reversed_rank if column in ("imd_rank", CONCENTRATION) else pl.col(column)


def _measured(indicator: Indicator, places: pl.DataFrame, measures: pl.DataFrame) -> pl.DataFrame:
    rows = of_measure(indicator, measures)
    key = "lsoa_code" if indicator.area_type == "lsoa" else "lad_code"
    rows = rows.select(pl.col("area_code").alias(key), "numerator", "denominator", "value")
    joined = places.drop("weight").join(rows, on=key, how="inner")
    if indicator.statistic != "score":
        return joined
    # Where the reference counts no households at all, people stand in for all of them.
    held = str(indicator.weight) if joined[str(indicator.weight)].count() else "population"
    own = pl.col(held).cast(pl.Float64)
    weight = pl.coalesce("denominator", own) if indicator.area_type == "lsoa" else own
    return joined.with_columns(
        (pl.col("value") * weight).alias("numerator"), weight.alias("denominator")
    )


def scored(values: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return CELLS of LSOA values (lsoa_code, value) weighed by usual residents, sorted."""
    joined = values.join(places, on="lsoa_code", how="inner")
    weight = pl.col("population").cast(pl.Float64)
    return (
        joined.with_columns((pl.col("value") * weight).alias("numerator"), denominator=weight)
        .filter(pl.col("denominator") > 0)
        .select(CELLS)
        .sort("lsoa_code")
    )


def gap(indicator: Indicator, found: pl.DataFrame) -> str | None:
    """Return why the reference holds no data for the indicator; nothing if it does.

    `found`: see `cells`.
    """
    if not found.is_empty():
        return None
    what = indicator.measure or indicator.deprivation
    return f"the reference pack holds no value of {what} for an area of type {indicator.area_type}"


def of_measure(indicator: Indicator, measures: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `measures` that the indicator reads."""
    return measures.filter(
        pl.col("measure") == indicator.measure, pl.col("area_type") == indicator.area_type
    )


def patients(
    people: Frame, places: pl.DataFrame, round_people: RoundPeople | None = None
) -> pl.DataFrame:
    """Return unit, lsoa_code, people, share, withheld: who is registered where and lives where.

    Counts people as `living` does. `round_people` is applied to the counts; it gives withheld ones
    (`withheld`) one number, so that nobody vanishes from the weights and what is weighed by them
    gives no small count away.
    share = people / all registered people living in the LSOA × its cover: registered people per
    usual resident, against the median over registered people, at most 1. Where lists cover the
    LSOA as they cover most, the shares add up to one; at the edge, where most of its people are on
    lists that the job does not hold, they stay small, so that an LSOA with five patients does not
    weigh as much as one with fifteen hundred.
    """
    return patients_weighed(living(people), places, round_people)


def living(people: Frame) -> pl.DataFrame:
    """Return unit, lsoa_code and people: current people by registered unit and LSOA, sorted.

    Those on no list are left out. The counts of parts of the people add up.
    """
    plan = lazy(people).filter(nw.col("current").fill_null(value=False))
    plan = plan.filter(
        ~nw.col("lsoa_code").is_null(), nw.col("registered_unit") != "not_registered"
    )
    counted = plan.group_by("registered_unit", "lsoa_code").agg(nw.len().alias("people"))
    lives = collect(counted.rename({"registered_unit": "unit"})).with_columns(
        pl.col("people").cast(pl.Int64)
    )
    return lives.sort("unit", "lsoa_code")


def patients_weighed(
    lives: pl.DataFrame, places: pl.DataFrame, round_people: RoundPeople | None = None
) -> pl.DataFrame:
    """Return what `patients` does, given the counts of `living`."""
    lives = lives.with_columns(withheld=pl.lit(value=False))
    if round_people is not None:
        lives = round_people(lives)
    lives = lives.join(places.select("lsoa_code", "population"), on="lsoa_code", how="inner")
    listed = pl.col("people").sum().over("lsoa_code")
    lives = lives.with_columns((listed / pl.col("population")).alias("cover"), listed.alias("all"))
    cover = (pl.col("cover") / _median_cover(lives)).clip(upper_bound=1.0).fill_null(1.0)
    share = (pl.col("people") / pl.col("all") * cover).alias("share")
    return lives.select("unit", "lsoa_code", "people", share, "withheld").sort("unit", "lsoa_code")


def _median_cover(lives: pl.DataFrame) -> float:
    """Return registered people per resident of the LSOA in which the median one of them lives."""
    known = lives.filter(pl.col("cover").is_finite()).sort("cover", "lsoa_code")
    half = known.filter(pl.col("people").cum_sum() * 2 >= pl.col("people").sum())
    return 1.0 if half.is_empty() else float(half["cover"][0])


def by_patients(indicator: Indicator) -> bool:
    """Return whether registered patients weigh its values: those of a score of all people.

    A value of households is weighed by households on either basis, and one of some ages by the
    people of those ages.
    """
    return indicator.statistic == "score" and indicator.weight == "population"


def roll_up(found: pl.DataFrame, lives: pl.DataFrame, *, patients: bool = False) -> pl.DataFrame:
    """Return basis, unit, stratum, numerator, denominator and contributors, sorted.

    `found`: see `cells`; `lives`: see `patients`. Resident: the LSOA is the unit. Registered:
    Σ numerator·share over Σ denominator·share, and with `patients` (see `by_patients`) the mean of
    the LSOAs' values weighed by registered patients. Stratum: the LSOA's own national quintile.
    Contributors: LSOAs, parts of them counted as parts.
    """
    resident = found.select(
        pl.lit(RESIDENT).alias("basis"),
        pl.col("lsoa_code").alias("unit"),
        *CELLS[1:],
        pl.lit(1.0).alias("contributors"),
    )
    joined = lives.join(found, on="lsoa_code", how="inner")
    people = pl.col("people").cast(pl.Float64)
    mean = (pl.col("numerator") / pl.col("denominator") * people).alias("numerator")
    parts = [pl.col(name) * pl.col("share") for name in CELLS[2:]]
    counts = [mean, people.alias("denominator")] if patients else parts
    counts.append(pl.col("share").alias("contributors"))
    registered = joined.select(pl.lit(REGISTERED).alias("basis"), "unit", "stratum", *counts)
    rows = pl.concat([resident, registered])
    rows = pl.concat([rows, rows.with_columns(pl.lit(ALL).alias("stratum"))])
    names = ("numerator", "denominator", "contributors")
    plan = lazy(rows).with_columns(*(fixed(name) for name in names))
    return collect(plan.group_by(*_UNIT).agg(*(total(name) for name in names))).sort(_UNIT)
