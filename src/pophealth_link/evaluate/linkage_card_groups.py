"""The groups by which a linkage card tells who is missed: few and wide enough to be released."""

from __future__ import annotations

from datetime import date

import polars as pl

from pophealth_link.evaluate.groups import record_groups
from pophealth_link.schema.codes import AGE_BAND_STARTS

# Children, young adults (who move most), and on to the oldest (assumed).
_AGES = {0: "0 to 17", 18: "18 to 29", 30: "30 to 44", 45: "45 to 64", 65: "65 to 79", 80: "80+"}
_DIMENSIONS = ("sex", "age", "ethnic_group", "quintile", "lad_code")


def card_groups(
    records: pl.DataFrame, *, as_of: date, places: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return `rid`, `source`, `record_id` and the groups of each record, as `record_groups` does.

    Age bands are wide and practices left out: a source holds too few records of each. `places`
    (see `place_groups`) adds deprivation fifth and local authority.
    """
    found = record_groups(records, as_of=as_of, places=places)
    age = pl.col("age_band").replace(_wide_ages()).alias("age")
    told = found.with_columns(age)
    known = [name for name in _DIMENSIONS if name in told.columns]
    return told.select("rid", "source", "record_id", *known)


def _wide_ages() -> dict[str, str]:
    """Return the wide band of each age band.

    >>> _wide_ages()["16-17"], _wide_ages()["90+"]
    ('0 to 17', '80+')
    """
    return {
        band: next(name for first, name in reversed(_AGES.items()) if start >= first)
        for band, start in AGE_BAND_STARTS.items()
    }
