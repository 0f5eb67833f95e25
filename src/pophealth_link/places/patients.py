"""Published patients by practice and LSOA, on the LSOAs of the reference."""

from __future__ import annotations

import warnings
from datetime import date

import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.frames import PlacesWarning, shaped
from pophealth_link.places.vintages import convert_vintage
from pophealth_link.schema.reference_counts import PRACTICE_PATIENTS

_COLUMNS = ("practice_code", "lsoa_code", "sex", "people", "lsoa_vintage", "period")
_HOME = ["practice_code", "lsoa_code", "sex"]
_ENGLISH = "E01"


def patients_by_home(
    table: Frame,
    changes: pl.DataFrame | None = None,
    *,
    areas: pl.DataFrame | None = None,
    as_of: date | None = None,
) -> pl.DataFrame:
    """Return practice_code, lsoa_code (2021), sex and people of every patient on a list, sorted.

    `table`: PRACTICE_PATIENTS, of which the period is taken that `latest_begun` takes. Codes of
    English LSOAs of 2011 are converted as counts by `changes` (LSOA_CHANGES), so people need not
    be whole numbers; without it codes that `areas` holds stay, for an area that did not change
    kept its code. Where neither says which LSOA of 2021 it is, lsoa_code is null, with a
    `PlacesWarning` that counts the LSOAs. Codes that are no English LSOA (NO2011, CLOSED, Welsh)
    stay as they are. Nobody is left out: lists add up.

    >>> lives = pl.DataFrame({"practice_code": ["P1"], "lsoa_code": ["E01000002"], "sex": ["all"],
    ...     "people": [8], "lsoa_vintage": ["2011"]})
    >>> split = pl.DataFrame({"lsoa11_code": ["E01000002"] * 2,
    ...     "lsoa21_code": ["E01000003", "E01000004"], "change_code": ["S", "S"],
    ...     "population": [30, 10]})
    >>> patients_by_home(lives, split)["lsoa_code", "people"].rows()
    [('E01000003', 6.0), ('E01000004', 2.0)]
    """
    rows = latest_begun(collect(lazy(shaped(table, PRACTICE_PATIENTS, _COLUMNS))), as_of)
    sums = rows.group_by(*_HOME, "lsoa_vintage").agg(pl.col("people").sum().cast(pl.Float64))
    old = (pl.col("lsoa_vintage") == "2011") & pl.col("lsoa_code").str.starts_with(_ENGLISH)
    old = old.fill_null(value=False)
    both = (sums.filter(~old), _on_2021(sums.filter(old), changes, areas))
    found = pl.concat([frame.select(*_HOME, "people") for frame in both])
    return found.group_by(_HOME).agg(pl.col("people").sort().sum()).sort(_HOME, nulls_last=True)


def published_patients(
    table: Frame,
    changes: pl.DataFrame | None = None,
    *,
    areas: pl.DataFrame | None = None,
    as_of: date | None = None,
) -> pl.DataFrame:
    """Return lsoa_code (2021), practice_code and people, as best fit wants them, sorted.

    Arguments and warnings are those of `patients_by_home`. Rows of all sexes are taken where a
    practice has them, else its female and male ones together. Patients whose home is no LSOA of
    2021 that is known are left out.
    """
    homes = patients_by_home(table, changes, areas=areas, as_of=as_of)
    here = homes.filter(pl.col("lsoa_code").str.starts_with(_ENGLISH))
    whole = (pl.col("sex") == "all").any().over("practice_code")
    kept = here.filter((pl.col("sex") == "all") | ~whole)
    key = ["lsoa_code", "practice_code"]
    return kept.group_by(key).agg(pl.col("people").sort().sum()).sort(key)


def latest_begun(rows: pl.DataFrame, as_of: date | None = None) -> pl.DataFrame:
    """Return the rows of one `period`: the latest that had begun by `as_of`, in their order.

    The first period if all are later; the latest of all without a day. A row that says no period
    is of the earliest. Periods are days, months or years that begin with the year (2026-04-01,
    2025/26), which are in their order as text.

    >>> lists = pl.DataFrame({"people": [1, 2], "period": ["2025-01-01", "2026-01-01"]})
    >>> latest_begun(lists, date(2025, 9, 1))["people"].to_list()
    [1]
    """
    if "period" not in rows.columns:
        return rows
    periods = rows["period"].cast(pl.String).fill_null("")
    begun = periods if as_of is None else periods.filter(periods <= str(as_of))
    chosen = periods.min() if begun.is_empty() else begun.max()
    return rows.filter(periods == chosen)


def _on_2021(
    old: pl.DataFrame, changes: pl.DataFrame | None, areas: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the patients of LSOAs of 2011 on those of 2021, null where that is not known."""
    if old.is_empty():
        return old
    if changes is not None:
        by = ["practice_code", "sex"]
        made = convert_vintage(old, changes, values="people", area="lsoa_code", by=by)
        return made.rename({"lsoa21_code": "lsoa_code"})
    known = [] if areas is None else areas["lsoa_code"].drop_nulls().to_list()
    kept = pl.col("lsoa_code").is_in(known)
    held, every = (frame["lsoa_code"].n_unique() for frame in (old.filter(kept), old))
    if held < every:
        warnings.warn(
            f"Published patients by LSOA of 2011 and no lookup to those of 2021: {every - held:,} "
            f"of {every:,} LSOAs are left out.",
            PlacesWarning,
            stacklevel=3,
        )
    return old.with_columns(pl.when(kept).then("lsoa_code").alias("lsoa_code"))
