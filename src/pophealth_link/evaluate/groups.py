"""The groups by which linkage is judged, as a record itself tells them: nobody needs the truth."""

from __future__ import annotations

from datetime import date

import polars as pl

from pophealth_link.link.attributes import ethnic_group
from pophealth_link.link.facts import age_band

UNKNOWN = "unknown"
DIMENSIONS = ("sex", "age_band", "ethnic_group", "quintile", "practice_code", "lad_code")
_KEY = ("rid", "source", "record_id")


def record_groups(
    records: pl.DataFrame, *, as_of: date, places: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return `rid`, `source`, `record_id` and a column of groups for each of `DIMENSIONS`.

    One row per record of the prepared `records` (alias rows left out), ordered by `rid`; all
    groups are text, `unknown` where the record does not tell. `places` (see `place_groups`) gives
    deprivation and area by the record's own postcode; without it both are left out.

    >>> one = pl.DataFrame({"rid": [0], "source": ["a"], "record_id": ["1"], "alias": [False],
    ...     "sex": ["2"], "date_of_birth": [date(1950, 5, 1)], "ethnic_category": ["H"],
    ...     "practice_code": [None], "postcode": [None]}, schema_overrides={
    ...     "practice_code": pl.String, "postcode": pl.String})
    >>> record_groups(one, as_of=date(2026, 4, 1)).row(0)[3:]
    ('2', '75-79', 'asian', 'unknown')
    """
    main = records.filter(~pl.col("alias"))
    told = main.select(
        *_KEY,
        pl.when(pl.col("sex").is_in(["1", "2"])).then("sex").alias("sex"),
        age_band(as_of),
        ethnic_group(pl.col("ethnic_category")).alias("ethnic_group"),
        "practice_code",
        "postcode",
    )
    if places is not None:
        told = told.join(places, on="postcode", how="left", maintain_order="left")
    known = [name for name in DIMENSIONS if name in told.columns]
    filled = told.with_columns(pl.col(name).cast(pl.String).fill_null(UNKNOWN) for name in known)
    return filled.select(*_KEY, *known).sort("rid")


def latest_birth(records: pl.DataFrame) -> date:
    """Return the latest date of birth among the records: a day on which all of them were alive.

    The first day of the calendar in use where no record tells one.
    """
    latest = records["date_of_birth"].max()
    return latest if isinstance(latest, date) else date.min


def place_groups(
    postcodes: pl.DataFrame, areas: pl.DataFrame, deprivation: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return `postcode`, `lad_code` and `quintile` (1 most deprived), from tables of a pack.

    `postcodes`: postcode, lsoa_code. `areas`: lsoa_code, lad_code. `deprivation`: lsoa_code,
    imd_decile (national); without it there is no `quintile`.
    """
    placed = (
        postcodes.select("postcode", "lsoa_code")
        .unique("postcode", keep="any")
        .join(areas.select("lsoa_code", "lad_code").unique(), on="lsoa_code", how="left")
    )
    if deprivation is not None:
        fifth = ((pl.col("imd_decile") + 1) // 2).cast(pl.String).alias("quintile")
        placed = placed.join(deprivation.select("lsoa_code", fifth), on="lsoa_code", how="left")
    return placed.drop("lsoa_code").sort("postcode")
