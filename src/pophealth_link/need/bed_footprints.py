"""The footprints that beds serve: those of the baseline, and no others."""

from __future__ import annotations

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.places.units import is_reason
from pophealth_link.schema.records_services import BEDS

_WHOLE = "whole"
_KEY = ["footprint_type", "footprint_code"]
# Beds: sums of the same figures in another order.
_SAME = 1e-9
_TOLD = (
    pl.col("complete").all(),
    pl.col("sources").explode().drop_nulls().unique(maintain_order=True),
    pl.col("first").min(),
    pl.col("last").max(),
)


def of_footprints(beds: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Return beds with the type and code of a footprint of the baseline in every row.

    Beds that name none, or `whole` without a code, are those of the whole area; where the baseline
    does not tell of it they are left out. Raises `DataError`, with counts, where beds name a
    footprint that the baseline does not have, or a type without a code. A baseline without rows
    has no footprints to be held against.
    """
    places = _places(baseline)
    kind = pl.col("footprint_type").fill_null(_WHOLE)
    typed = beds.with_columns(kind.alias("footprint_type"))
    unnamed = (pl.col("footprint_type") == _WHOLE) & pl.col("footprint_code").is_null()
    rest = typed.filter(~unnamed)
    _require_known(rest, places, any_place=baseline.height > 0)
    code = pl.lit(_area(places), pl.String).alias("footprint_code")
    whole = typed.filter(unnamed).with_columns(code)
    return pl.concat([whole.filter(pl.col("footprint_code").is_not_null()), rest])


def with_whole_area(held: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Return open beds with those of the whole area, where all footprints of a type have beds.

    `held`: footprint_type, footprint_code, ward_type, open_beds, complete, sources, first and last,
    as `capacity` makes them. The whole area's beds of a ward type are the sum over the footprints
    of a type that all have beds of it; they are not `complete` where those of one are not, or where
    the sums of several types differ. Beds given for the whole area itself go before any sum.
    """
    places = _places(baseline)
    code = _area(places)
    if code is None or (held["footprint_type"] == _WHOLE).any():
        return held
    size = places.group_by("footprint_type").agg(pl.len().alias("size"))
    kinds = (
        held.join(size, on="footprint_type")
        .sort(*_KEY, "ward_type")
        .group_by("footprint_type", "ward_type", maintain_order=True)
        .agg(pl.len().alias("held"), pl.col("size").first(), pl.col("open_beds").sum(), *_TOLD)
        .filter(pl.col("held") == pl.col("size"))
    )
    beds = pl.col("open_beds")
    whole = kinds.group_by("ward_type", maintain_order=True).agg(
        beds.first(), *_TOLD, (beds.max() - beds.min() <= _SAME).alias("agree")
    )
    fit = pl.col("complete") & pl.col("agree")
    named = whole.with_columns(
        pl.lit(_WHOLE).alias("footprint_type"),
        pl.lit(code).alias("footprint_code"),
        pl.when(fit).then(beds).alias("open_beds"),
        fit.alias("complete"),
    )
    return pl.concat([held, named.select(held.columns)])


def _places(baseline: pl.DataFrame) -> pl.DataFrame:
    return baseline.filter(~is_reason().fill_null(value=True)).select(_KEY).unique()


def _area(places: pl.DataFrame) -> str | None:
    """Return the code of the whole area; none where the baseline does not tell of it."""
    codes = places.filter(pl.col("footprint_type") == _WHOLE)["footprint_code"]
    return codes.min()  # type: ignore[return-value]


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
