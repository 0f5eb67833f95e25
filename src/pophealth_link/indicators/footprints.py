"""From units to footprints: counts by share, on a complete grid, with an honest status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.tally import Plan, fixed, total
from pophealth_link.places.units import REASONS, REGISTERED, RESIDENT
from pophealth_link.schema.strata import ALL, QUINTILE, family_of

FOOTPRINT = ("footprint_type", "footprint_code", "footprint_name", "basis")
CELL = (*FOOTPRINT, "indicator", "stratum")
SUMS = ("numerator", "denominator", "contributors")
# The types that have strata by sex, age and ethnic group: each is inside the next, so that no
# difference of overlapping footprints tells of a stratum's few people. Of smaller types most such
# counts would be withheld.
FURTHER_STRATA = ("lad", "sub_icb", "icb", "region", "whole")
_EVERYWHERE = (ALL, QUINTILE.name)
_TOLERANCE = 1e-6
# Why a cell has no data although there are numbers.
ABOVE = "the numerator is above its denominator"
_DECIMALS = 4
# Units that the mapping does not know go to the reason that says so, never out of the counts.
_UNKNOWN_UNIT = {REGISTERED: "unknown_practice", RESIDENT: "outside_area"}


def complete_mapping(unit_footprints: Frame) -> pl.DataFrame:
    """Return UNIT_FOOTPRINTS in which the reason for unknown units has every footprint type.

    A footprint without a name is called by its code.
    """
    mapping = collect(lazy(unit_footprints).select(*FOOTPRINT, "unit", "share")).with_columns(
        pl.coalesce("footprint_name", "footprint_code").alias("footprint_name")
    )
    kinds = mapping.select("basis", "footprint_type").unique()
    rows = [
        kinds.filter(basis=basis).with_columns(
            unit=pl.lit(unit),
            footprint_code=pl.lit(unit),
            footprint_name=pl.lit(REASONS[basis][unit]),
            share=pl.lit(1.0),
        )
        for basis, unit in _UNKNOWN_UNIT.items()
    ]
    extra = pl.concat(rows).join(mapping, on=["basis", "unit", "footprint_type"], how="anti")
    every = pl.concat([mapping, extra.select(mapping.columns)])
    return every.sort("basis", "unit", "footprint_type", "footprint_code")


def known_units(rolled: Frame, mapping: Frame) -> Plan:
    """Return `rolled` with units that the mapping does not know put under the reason for them."""
    units = lazy(mapping).select("basis", "unit").unique(keep="any")
    units = units.with_columns(nw.lit(1).alias("known"))
    joined = lazy(rolled).join(units, on=["basis", "unit"], how="left")
    registered = nw.col("basis") == REGISTERED
    reason = nw.when(registered).then(nw.lit(_UNKNOWN_UNIT[REGISTERED]))
    unit = nw.when(~nw.col("known").is_null()).then(nw.col("unit"))
    otherwise = reason.otherwise(nw.lit(_UNKNOWN_UNIT[RESIDENT]))
    return joined.with_columns(unit.otherwise(otherwise).alias("unit")).drop("known")


def to_footprints(rolled: Frame, mapping: Frame) -> pl.DataFrame:
    """Return CELL, SUMS and `split` of every footprint that a unit of `rolled` lies in, sorted.

    `rolled`: basis, unit, indicator, stratum and SUMS by unit; `mapping`: UNIT_FOOTPRINTS. Each
    sum is Σ count·share, to six decimals. `split`: a unit that lies in the footprint in part
    contributed.
    """
    joined = lazy(rolled).join(lazy(mapping), on=["basis", "unit"], how="inner")
    parts = joined.with_columns(*(nw.col(n).cast(nw.Float64) * nw.col("share") for n in SUMS))
    summed = (
        parts.with_columns(*(fixed(name) for name in SUMS))
        .group_by(*CELL)
        .agg(*(total(name) for name in SUMS), nw.col("share").min().alias("least"))
    )
    found = collect(summed).with_columns(split=pl.col("least") < 1)
    return found.select(*CELL, *SUMS, "split").sort(CELL)


def grid(mapping: pl.DataFrame, indicators: Sequence[Indicator]) -> pl.DataFrame:
    """Return CELL, level, imputed_down and part_of_whole: all footprints, indicators and strata.

    The strata are the indicator's own; but for the types of FURTHER_STRATA they are `all` and the
    national fifths alone.
    """
    rows = [
        (*_told(each), stratum, family_of(stratum) in _EVERYWHERE)
        for each in indicators
        for stratum in each.all_strata
    ]
    flags = dict.fromkeys(("imputed_down", "part_of_whole"), pl.Boolean)
    names = {"indicator": pl.String, "level": pl.String, **flags}
    schema = {**names, "stratum": pl.String, "everywhere": pl.Boolean}
    declared = pl.DataFrame(rows, schema=schema, orient="row")
    places = mapping.select(FOOTPRINT).unique()
    cells = places.join(declared, how="cross")
    further = pl.col("footprint_type").is_in(FURTHER_STRATA)
    return cells.filter(pl.col("everywhere") | further).drop("everywhere").sort(CELL)


def _told(each: Indicator) -> tuple[str, str, bool, bool]:
    """Return id, level, whether it is imputed, and whether the numerator is part of the rest."""
    return each.id, each.level, each.imputed_down, each.statistic == "proportion"


def authorities(mapping: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return FOOTPRINT of those on the resident basis that consist of whole local authorities.

    `mapping`: UNIT_FOOTPRINTS; `places`: lsoa_code and lad_code. An authority is whole where the
    footprint holds all of its LSOAs that `places` has.
    """
    sizes = places.group_by("lad_code").agg(pl.len().alias("size"))
    held = mapping.filter(pl.col("basis") == RESIDENT, pl.col("share") >= 1)
    held = held.join(places.select(unit="lsoa_code", lad_code="lad_code"), on="unit")
    parts = held.group_by(*FOOTPRINT, "lad_code").agg(pl.col("unit").n_unique().alias("held"))
    parts = parts.join(sizes, on="lad_code")
    full = parts.group_by(FOOTPRINT).agg((pl.col("held") == pl.col("size")).all().alias("full"))
    return full.filter("full").select(FOOTPRINT).sort(FOOTPRINT)


def fill(
    cells: pl.DataFrame,
    found: pl.DataFrame,
    lsoas: pl.DataFrame,
    own: pl.DataFrame,
    gaps: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Return the grid with SUMS, coverage, status and reason: nothing is missing or made up.

    `cells`: see `grid`; `found`: see `to_footprints`; `lsoas`: CELL without indicator, `lsoas`, how
    many LSOAs each footprint and stratum holds, and `shown`, how many of them are weighed by a
    count that is not withheld; `own`: see `authorities`; `gaps`: indicator → why there is no data;
    `notes`: indicator → what it is counted without.

    * `no_data`: the indicator is in `gaps`, or the footprint's LSOAs hold no value, or a numerator
      that is a part of its denominator is above it, as `reason` says.
    * `not_applicable`: an area-level indicator where the footprint (or stratum) has no LSOA, or a
      value of the local authority split by deprivation, which it cannot tell apart; a person- or
      property-level one where nobody is in the cell: it keeps its counts, 0 of 0.
    * `suppressed`: an area-level indicator where every count of patients behind it is withheld.
    * `imputed_down`: a value of the local authority, unless the footprint is in `own`.
    * `estimated`: a unit that lies in the footprint in part contributed.
    * `ok`: the rest, among them cells with people and no event.

    `reason` also says where only a part of the footprint's areas hold the measure, and what of
    `notes` holds of a cell with people. `coverage`: which share of the areas hold the measure,
    parts of LSOAs counted as parts; it is empty where no area is behind a cell.
    """
    named, noted = (
        pl.DataFrame(list(each.items()), schema=["indicator", name], orient="row").cast(pl.String)
        for name, each in (("reason", gaps), ("note", notes or {}))
    )
    place = [name for name in CELL if name != "indicator"]
    joined = cells.join(found, on=list(CELL), how="left")
    joined = joined.join(named, on="indicator", how="left")
    joined = joined.join(noted, on="indicator", how="left")
    joined = joined.join(lsoas.select(*place, "lsoas", "shown"), on=place, how="left")
    genuine = own.select(FOOTPRINT).with_columns(own=pl.lit(value=True))
    joined = joined.join(genuine, on=list(FOOTPRINT), how="left")
    return (
        _with_status(joined)
        .drop("split", "lsoas", "shown", "own", "imputed_down", "part_of_whole", "note")
        .sort(CELL)
    )


def _with_status(joined: pl.DataFrame) -> pl.DataFrame:
    area, empty = pl.col("level") == "area", pl.col("denominator").fill_null(0) <= 0
    blurred = pl.col("imputed_down") & (pl.col("stratum") != ALL)
    nowhere = area & (pl.col("lsoas").fill_null(0) <= 0)
    hidden = area & (pl.col("shown").fill_null(0) <= 0)
    above = pl.col("part_of_whole") & (
        pl.col("numerator") > pl.col("denominator") * (1 + _TOLERANCE) + _TOLERANCE
    )
    above = above.fill_null(value=False) & pl.col("reason").is_null() & ~empty
    status = (
        pl.when(pl.col("reason").is_not_null() | above)
        .then(pl.lit("no_data"))
        .when(nowhere | blurred | (~area & empty))
        .then(pl.lit("not_applicable"))
        .when(empty)
        .then(pl.lit("no_data"))
        .when(hidden)
        .then(pl.lit("suppressed"))
        .when(pl.col("imputed_down") & pl.col("own").is_null())
        .then(pl.lit("imputed_down"))
        .when(pl.col("split").fill_null(value=False))
        .then(pl.lit("estimated"))
        .otherwise(pl.lit("ok"))
    )
    nobody = (pl.col("status") == "not_applicable") & ~area
    given = pl.col("status").is_in(["ok", "estimated", "imputed_down"]) | nobody
    unmeasured = (pl.col("status") == "no_data") & pl.col("reason").is_null()
    part = given & area & (pl.col("contributors") < pl.col("lsoas") - _TOLERANCE)
    coverage = pl.when(given & area).then(pl.col("contributors") / pl.col("lsoas"))
    why = (
        pl.when("above")
        .then(pl.lit(ABOVE))
        .when(unmeasured)
        .then(pl.lit("no area of the footprint holds the measure"))
        .when(part)
        .then(pl.lit("part of the footprint's areas hold no value"))
        .when(given & ~nobody)
        .then("note")
        .otherwise("reason")
    )
    sums = [pl.when(given).then(pl.col(name).fill_null(0)).alias(name) for name in SUMS]
    return (
        joined.with_columns(status.alias("status"), above.alias("above"))
        .with_columns(
            *sums, coverage.clip(0, 1).round(_DECIMALS).alias("coverage"), why.alias("reason")
        )
        .drop("above")
    )
