"""The footprints that beds serve: those of the baseline, and no others."""

from __future__ import annotations

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.places.units import is_reason
from pophealth_link.schema.records_services import BEDS

_WHOLE = "whole"
_KEY = ["footprint_type", "footprint_code"]


def of_footprints(beds: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Return beds with the type and code of a footprint of the baseline in every row.

    Beds that name none, or `whole` without a code, are those of the whole area; where the baseline
    does not tell of it they are left out. Raises `DataError`, with counts, where beds name a
    footprint that the baseline does not have, or a type without a code. A baseline without rows
    has no footprints to be held against.
    """
    places = baseline.filter(~is_reason().fill_null(value=True)).select(_KEY).unique()
    kind = pl.col("footprint_type").fill_null(_WHOLE)
    typed = beds.with_columns(kind.alias("footprint_type"))
    area = places.filter(pl.col("footprint_type") == _WHOLE)["footprint_code"].sort().to_list()
    unnamed = (pl.col("footprint_type") == _WHOLE) & pl.col("footprint_code").is_null()
    rest = typed.filter(~unnamed)
    _require_known(rest, places, any_place=baseline.height > 0)
    code = pl.lit(area[0] if area else None, pl.String).alias("footprint_code")
    whole = typed.filter(unnamed).with_columns(code)
    return pl.concat([whole.filter(pl.col("footprint_code").is_not_null()), rest])


def _require_known(beds: pl.DataFrame, places: pl.DataFrame, *, any_place: bool) -> None:
    unknown = beds.join(places, on=_KEY, how="anti")
    if not unknown.height or not any_place:
        return
    named = unknown.select(_KEY).n_unique()
    raise DataError(
        f"{BEDS.name}.footprint_code: {unknown.height:,} of {beds.height:,} rows with a footprint "
        f"name {named:,} that the baseline does not have.",
        fix="give the type and the code as in baseline.csv, or leave both empty for the whole area",
    )
