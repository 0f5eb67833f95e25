"""Published counts of practices on the units of a day: successors followed, parts told apart."""

from __future__ import annotations

import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.parts import PART_MARK, with_unit
from pophealth_link.places.units import REGISTERED

UNKNOWN, CLOSED = "unknown_practice", "closed_practice"


def listed_units(
    rows: pl.DataFrame,
    unit_footprints: pl.DataFrame,
    *,
    codes: Frame | None = None,
    parts: Frame | None = None,
) -> pl.Series:
    """Return the unit of each row of practice_code and, where it is known, lsoa_code.

    A practice that had ended counts in its successor (`codes`, see `Registration`), else as
    `closed_practice`; one that `unit_footprints` does not know as `unknown_practice`; patients of a
    shared practice in their own part (`parts`).

    >>> rows = pl.DataFrame({"practice_code": ["P1", "P9"]})
    >>> units = pl.DataFrame({"basis": ["registered"], "unit": ["P1"]})
    >>> listed_units(rows, units).to_list()
    ['P1', 'unknown_practice']
    """
    held = rows if "lsoa_code" in rows.columns else rows.with_columns(lsoa_code=_NOWHERE)
    keyed = held.select("practice_code", "lsoa_code").with_row_index("__row")
    told = collect(with_unit(lazy(keyed), codes, parts)).sort("__row")
    known = unit_footprints.filter(pl.col("basis") == REGISTERED)["unit"].unique()
    unit = pl.when(pl.col("__unit").is_in(known.implode())).then("__unit")
    named = unit.otherwise(pl.lit(UNKNOWN))
    closed = pl.when(pl.col("__closed") == 1).then(pl.lit(CLOSED)).otherwise(named)
    return told.select(closed.alias("unit"))["unit"]


_NOWHERE = pl.lit(None, pl.String)


def listed_shares(
    practices: pl.Series,
    unit_footprints: pl.DataFrame,
    *,
    codes: Frame | None = None,
    parts: Frame | None = None,
    patients: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return practice_code, unit, share and `divided` of each practice: where its counts belong.

    The counts of a practice that is split into parts are divided as its `patients` (practice_code,
    lsoa_code, people) are; without any they stay together in what no rule names. Both are
    `divided`: they are estimates. Shares of a practice sum to one. Sorted.
    """
    codes_of = practices.drop_nulls().unique().sort().alias("practice_code").to_frame()
    whole = codes_of.with_columns(people=pl.lit(1.0), lsoa_code=_NOWHERE)
    if patients is not None:
        theirs = patients.filter(pl.col("people") > 0).select(
            "practice_code", "lsoa_code", pl.col("people").cast(pl.Float64)
        )
        theirs = theirs.join(codes_of, on="practice_code", how="semi")
        alone = whole.join(theirs, on="practice_code", how="anti")
        whole = pl.concat([theirs, alone.select(theirs.columns)])
    rows = whole.with_columns(listed_units(whole, unit_footprints, codes=codes, parts=parts))
    summed = rows.group_by("practice_code", "unit").agg(pl.col("people").sort().sum())
    share = pl.col("people") / pl.col("people").sum().over("practice_code")
    split = _split(parts)
    divided = pl.col("unit").str.split(PART_MARK).list.first().is_in(split.implode())
    return summed.select(
        "practice_code", "unit", share.alias("share"), divided.alias("divided")
    ).sort("practice_code", "unit")


def _split(parts: Frame | None) -> pl.Series:
    """Return the practices that have parts."""
    if parts is None:
        return pl.Series(dtype=pl.String)
    return collect(lazy(parts).select("practice_code").unique())["practice_code"].sort()
