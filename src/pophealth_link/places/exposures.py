"""Who lives inside polygons of exposure, such as noise."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.engine import Frame, collect
from pophealth_link.errors import ReferenceDataError
from pophealth_link.places.frames import shaped
from pophealth_link.places.geometry import BRITISH_GRID, check_crs, hits
from pophealth_link.schema.reference import AREA_MEASURES, AREAS, POSTCODES


def share_exposed(
    postcodes: Frame,
    exposures: pl.DataFrame,
    areas: Frame | None = None,
    *,
    exposure: str = "noise_lden_55",
    measure: str = "noise_exposed_55db",
    period: str | None = None,
    crs: str = BRITISH_GRID,
) -> pl.DataFrame:
    """Return AREA_MEASURES rows: dwellings of each LSOA at postcodes inside polygons of exposure.

    `postcodes`: the reference table; a postcode without a count of dwellings counts one, one
    without a grid reference or LSOA is left out. `exposures`: polygons, those of `exposure` used;
    a point on an edge is inside, and inside several counts once. `areas`: if given, only its
    LSOAs. numerator = dwellings exposed, denominator = dwellings. Sorted by LSOA. Raises
    `ReferenceDataError` without polygons of the exposure, where `crs`, their coordinate system, is
    not the postcodes' own (EPSG:27700), or where they lie outside it (degrees, Web Mercator);
    warns of polygons that were invalid and had to be repaired, counted.
    """
    check_crs(crs, "exposures")
    places = collect(shaped(postcodes, POSTCODES, POSTCODES.names))
    places = places.drop_nulls(["easting", "northing", "lsoa_code"])
    if areas is not None:
        kept = collect(shaped(areas, AREAS, ("lsoa_code",)))
        places = places.join(kept, on="lsoa_code", how="semi")
    points, _ = hits(places, _of_exposure(exposures, exposure), "exposures")
    inside = np.zeros(places.height, dtype=np.bool_)
    inside[points] = True
    dwellings = pl.col("dwellings").fill_null(1).cast(pl.Int64)
    counts = places.with_columns(pl.Series("inside", inside), dwellings)
    sums = counts.group_by("lsoa_code").agg(
        pl.col("dwellings").filter("inside").sum().alias("numerator"),
        pl.col("dwellings").sum().alias("denominator"),
    )
    return (
        sums.select(
            pl.lit(measure).alias("measure"),
            pl.lit("lsoa").alias("area_type"),
            pl.col("lsoa_code").alias("area_code"),
            pl.col("numerator", "denominator").cast(pl.Float64),
            pl.lit(None, dtype=pl.Float64).alias("value"),
            pl.lit(period, dtype=pl.String).alias("period"),
        )
        .select(AREA_MEASURES.names)
        .sort("area_code")
    )


def _of_exposure(exposures: pl.DataFrame, exposure: str) -> pl.Series:
    rows = exposures
    if "exposure" in rows.columns:
        rows = rows.filter(pl.col("exposure") == exposure)
    if rows.is_empty():
        raise ReferenceDataError(
            f"`exposures` holds no polygons of `{exposure}`.",
            fix="add them to the reference pack, or leave the table out",
        )
    return rows["geometry"]
