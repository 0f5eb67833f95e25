"""The nation that rates of surveys are raked over, from a reference pack that holds all of it."""

from __future__ import annotations

import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.need.survey_checks import LAST_AGE

_COLUMNS = ("age", "sex", "quintile", "people")


def nation_of(
    population: Frame, deprivation: Frame, n_areas: int, *, area_type: str = "lsoa"
) -> pl.DataFrame | None:
    """Return age, sex, quintile, people of the nation; nothing where the tables hold a part of it.

    `population`: POPULATION of a reference pack, of which the newest period's rows of LSOAs count,
    by sex where they are; `deprivation`: DEPRIVATION; `n_areas`: LSOAs of the national ranking, all
    of which must be there; `area_type`: lsoa, or lsoa11 with the ranking of 2019. People of a band
    are spread evenly over its years of age; 90 stands for 90 and over.
    """
    rows = collect(lazy(population)).filter(area_type=area_type)
    if rows.is_empty():
        return None
    newest = rows.filter(pl.col("period").eq_missing(pl.col("period").max()))
    by_sex = newest.filter(pl.col("sex") != "all")
    held = newest if by_sex.is_empty() else by_sex
    ranks = collect(lazy(deprivation)).select(
        area_code=f"{area_type}_code", quintile=(pl.col("imd_decile").cast(pl.Int64) + 1) // 2
    )
    joined = held.join(ranks, on="area_code")
    if joined["area_code"].n_unique() < n_areas:
        return None
    bands = joined.group_by("sex", "age_from", "age_to", "quintile").agg(pl.col("people").sum())
    last = pl.col("age_to").fill_null(LAST_AGE).clip(upper_bound=LAST_AGE)
    first = pl.col("age_from").clip(upper_bound=LAST_AGE)
    ages = bands.with_columns(age=pl.int_ranges(first, last + 1)).with_columns(
        people=pl.col("people") / pl.col("age").list.len()
    )
    spread = ages.explode("age").group_by("age", "sex", "quintile")
    return spread.agg(pl.col("people").sum()).select(_COLUMNS).sort("age", "sex", "quintile")
