"""Published patients by practice and LSOA, as best fit wants them."""

from __future__ import annotations

import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.frames import shaped
from pophealth_link.places.vintages import convert_vintage
from pophealth_link.schema.reference_counts import PRACTICE_PATIENTS

_COLUMNS = ("practice_code", "lsoa_code", "sex", "people", "lsoa_vintage", "period")


def published_patients(table: Frame, changes: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return lsoa_code (2021), practice_code and people of the latest period, sorted.

    `table`: PRACTICE_PATIENTS; rows of all sexes are taken where a practice has them, else its
    female and male ones together. Codes that are no LSOA (NO2011, CLOSED) are left out: nobody
    knows where those people live. Codes of 2011 are converted as counts by `changes`
    (LSOA_CHANGES), and left out without it.
    """
    rows = collect(lazy(shaped(table, PRACTICE_PATIENTS, _COLUMNS)))
    period = pl.col("period").fill_null("")
    latest = rows.filter(period == period.max(), pl.col("lsoa_code").str.starts_with("E01"))
    whole = (pl.col("sex") == "all").any().over("practice_code")
    kept = latest.filter((pl.col("sex") == "all") | ~whole)
    key = ["lsoa_code", "practice_code"]
    sums = kept.group_by(*key, "lsoa_vintage").agg(pl.col("people").sum().cast(pl.Float64))
    old = pl.col("lsoa_vintage") == "2011"
    found = [sums.filter(~old.fill_null(value=False)).select(*key, "people")]
    if changes is not None and sums.filter(old).height:
        made = convert_vintage(
            sums.filter(old), changes, values="people", area="lsoa_code", by=["practice_code"]
        )
        found.append(made.rename({"lsoa21_code": "lsoa_code"}).select(*key, "people"))
    return pl.concat(found).drop_nulls("lsoa_code").sort(key)
