"""Published patients by practice and LSOA, as best fit wants them."""

from __future__ import annotations

import warnings
from datetime import date

import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.frames import PlacesWarning, shaped
from pophealth_link.places.vintages import convert_vintage
from pophealth_link.schema.reference_counts import PRACTICE_PATIENTS

_COLUMNS = ("practice_code", "lsoa_code", "sex", "people", "lsoa_vintage", "period")


def published_patients(
    table: Frame,
    changes: pl.DataFrame | None = None,
    *,
    areas: pl.DataFrame | None = None,
    as_of: date | None = None,
) -> pl.DataFrame:
    """Return lsoa_code (2021), practice_code and people of the latest period, sorted.

    `table`: PRACTICE_PATIENTS; of the periods that have begun by `as_of` the latest, or the first
    if all are later; rows of all sexes are taken where a practice has them, else its
    female and male ones together. Codes that are no LSOA (NO2011, CLOSED) are left out: nobody
    knows where those people live. Codes of 2011 are converted as counts by `changes`
    (LSOA_CHANGES); without it those that `areas` holds are kept, for an area that did not change
    kept its code, and the others are left out, with a `PlacesWarning` that counts.
    """
    rows = collect(lazy(shaped(table, PRACTICE_PATIENTS, _COLUMNS)))
    rows = rows.with_columns(pl.col("period").fill_null(""))
    latest = rows.filter(
        pl.col("period") == _period(rows["period"], as_of),
        pl.col("lsoa_code").str.starts_with("E01"),
    )
    whole = (pl.col("sex") == "all").any().over("practice_code")
    kept = latest.filter((pl.col("sex") == "all") | ~whole)
    key = ["lsoa_code", "practice_code"]
    sums = kept.group_by(*key, "lsoa_vintage").agg(pl.col("people").sum().cast(pl.Float64))
    old = (pl.col("lsoa_vintage") == "2011").fill_null(value=False)
    on_2021 = _on_2021(sums.filter(old), changes, areas)
    found = pl.concat([frame.select(*key, "people") for frame in (sums.filter(~old), on_2021)])
    return found.drop_nulls("lsoa_code").sort(key)


def _period(periods: pl.Series, as_of: date | None) -> str | None:
    # Days and years that begin with the year (2026-04-01, 2025/26) are in their order as text.
    begun = periods if as_of is None else periods.filter(periods <= str(as_of))
    found = periods.min() if begun.is_empty() else begun.max()
    return None if found is None else str(found)


def _on_2021(
    old: pl.DataFrame, changes: pl.DataFrame | None, areas: pl.DataFrame | None
) -> pl.DataFrame:
    if old.is_empty():
        return old
    if changes is not None:
        made = convert_vintage(
            old, changes, values="people", area="lsoa_code", by=["practice_code"]
        )
        return made.rename({"lsoa21_code": "lsoa_code"})
    known = [] if areas is None else areas["lsoa_code"].drop_nulls().to_list()
    kept = old.filter(pl.col("lsoa_code").is_in(known))
    held, every = (frame["lsoa_code"].n_unique() for frame in (kept, old))
    if held < every:
        warnings.warn(
            f"Published patients by LSOA of 2011 and no lookup to those of 2021: {every - held:,} "
            f"of {every:,} LSOAs are left out.",
            PlacesWarning,
            stacklevel=3,
        )
    return kept
