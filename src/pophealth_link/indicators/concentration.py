"""Local concentration of deprivation: the one summary measure that is no sum over areas."""

from __future__ import annotations

import polars as pl

from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.footprints import CELL, SUMS
from pophealth_link.places.units import REGISTERED, RESIDENT
from pophealth_link.schema.strata import ALL

_DECIMALS = 6
_TENTH = 10


def roll_up(
    indicator: Indicator,
    places: pl.DataFrame,
    lives: pl.DataFrame,
    mapping: pl.DataFrame,
    n_areas: int,
) -> pl.DataFrame:
    """Return CELL, SUMS and `split` of every footprint, sorted, as `to_footprints` does.

    `places`: see `area.lsoas`; `lives`: see `area.patients`; `mapping`: UNIT_FOOTPRINTS. The
    numerator is Σ reversed rank·people over the most deprived LSOAs that hold exactly a tenth of
    the footprint's people, the last of them pro rata; the denominator is that tenth. People:
    residents, or on the registered basis patients by where they live. Source: English Indices of
    Deprivation 2025, Technical Report, summary measures.
    """
    known = places.filter(pl.col("imd_rank").is_not_null(), pl.col("weight") > 0)
    rows = _people(known, lives).join(mapping, on=["basis", "unit"])
    rows = rows.with_columns(pl.col("people", "contributors") * pl.col("share"))
    rows = pl.concat([rows, rows.with_columns(pl.lit(ALL).alias("stratum"))])
    reversed_rank = (n_areas + 1 - pl.col("imd_rank")).cast(pl.Float64)
    cell = [name for name in CELL if name != "indicator"]
    # In order of rank, so that the sums of an area are always made in the same order.
    ordered = rows.sort(*cell, "imd_rank", "people", "unit")
    found = ordered.group_by(cell, maintain_order=True).agg(
        (_taken() * reversed_rank).sum().round(_DECIMALS).alias("numerator"),
        (pl.col("people").sum() / _TENTH).round(_DECIMALS).alias("denominator"),
        pl.col("contributors").sum().round(_DECIMALS),
        (pl.col("share").min() < 1).alias("split"),
    )
    named = found.with_columns(pl.lit(indicator.id).alias("indicator"))
    return named.select(*CELL, *SUMS, "split").sort(CELL)


def _people(known: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    """Return basis, unit, stratum, imd_rank, people and contributors (LSOAs, parts as parts)."""
    names = ("basis", "unit", "stratum", "imd_rank", "people", "contributors")
    resident = known.with_columns(
        pl.lit(RESIDENT).alias("basis"),
        pl.col("lsoa_code").alias("unit"),
        pl.col("weight").cast(pl.Float64).alias("people"),
        pl.lit(1.0).alias("contributors"),
    )
    registered = lives.join(known, on="lsoa_code").with_columns(
        pl.lit(REGISTERED).alias("basis"),
        pl.col("people").cast(pl.Float64),
        pl.col("share").alias("contributors"),
    )
    return pl.concat([resident.select(names), registered.select(names)])


def _taken() -> pl.Expr:
    """Return how many of the people are among the most deprived tenth, rows being in order."""
    people = pl.col("people")
    before = people.cum_sum() - people
    return pl.min_horizontal(people, people.sum() / _TENTH - before).clip(lower_bound=0)
