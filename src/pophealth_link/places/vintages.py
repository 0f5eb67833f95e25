"""Values of 2011 LSOAs on 2021 LSOAs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import polars as pl

from pophealth_link.errors import DataError, ReferenceDataError, nearest

_OLD, _NEW = "lsoa11_code", "lsoa21_code"


class PlacesWarning(UserWarning):
    """Something about places that a reader of the results should know; counts only."""


def convert_vintage(
    frame: pl.DataFrame | pl.LazyFrame,
    lookup: pl.DataFrame | pl.LazyFrame,
    *,
    values: str | Sequence[str],
    kind: Literal["count", "rate"] = "count",
    area: str = _OLD,
    by: Sequence[str] = (),
    weight: str | None = None,
) -> pl.DataFrame:
    """Convert values of 2011 LSOAs to 2021 LSOAs.

    `frame` has one row per `area` (column of 2011 codes) and group in `by`; `lookup` one row per
    pair of areas that overlap: lsoa11_code, lsoa21_code, change_code (U, S, M, X) and optionally
    people in the overlap (`weight` names the column; `population` is used if it is there): the new
    part's where an area was split, the old part's where areas were merged. Returns lsoa21_code,
    `by` and `values` as numbers, sorted.

    Unchanged areas (U) copy. Counts: split (S) by people of the new parts, evenly without a
    weight; merged (M) sum. Rates: split copy; merged are the mean weighted by people. Irregular
    areas (X) follow both rules, a best fit, with a `PlacesWarning`. A value missing in any part is
    missing. Counts of areas that the lookup does not hold go to a row without a code, so totals
    are conserved; rates of such areas are left out; both with a `PlacesWarning`. Raises `DataError`
    or `ReferenceDataError` for wrong columns or repeated areas. Source: ONS, LSOA (2011) to LSOA
    (2021) exact-fit lookup, change indicator.

    >>> old = pl.DataFrame({"lsoa11_code": ["A", "B"], "people": [10, 5]})
    >>> merged = {"lsoa11_code": ["A", "B"], "lsoa21_code": ["C", "C"], "change_code": ["M", "M"]}
    >>> convert_vintage(old, pl.DataFrame(merged), values="people").rows()
    [('C', 15.0)]
    """
    columns = [values] if isinstance(values, str) else list(values)
    held = frame.lazy().collect()
    _require_values(held, columns, area, by, kind)
    held = held.select(pl.col(area).cast(pl.String).alias(_OLD), *by, *columns)
    parts = _parts(lookup, weight)
    parts = parts.filter(pl.col(_OLD).is_in(held[_OLD].unique().implode()))
    placed = held.join(parts, on=_OLD, how="left")
    _warn(placed, kind)
    if kind == "count":
        measure = [_split_sum(name) for name in columns]
    else:
        placed = placed.filter(pl.col(_NEW).is_not_null())
        measure = [_weighted_mean(name) for name in columns]
    return placed.group_by(_NEW, *by).agg(measure).sort(_NEW, *by, nulls_last=True)


def _require_values(
    held: pl.DataFrame, columns: Sequence[str], area: str, by: Sequence[str], kind: str
) -> None:
    if kind not in ("count", "rate"):
        raise DataError('`kind` must be "count" or "rate".')
    absent = [name for name in (area, *by, *columns) if name not in held.columns]
    if absent:
        raise DataError(
            "The frame to convert lacks columns.",
            *(f"{name}  absent.{nearest(name, held.columns)}" for name in absent),
        )
    texts = [name for name in columns if not held.schema[name].is_numeric()]
    if texts:
        raise DataError("Values to convert must be numbers.", *(f"{n}  is not." for n in texts))
    repeats = held.height - held.select(area, *by).n_unique()
    if repeats:
        raise DataError(
            f"The frame to convert holds the same `{area}` more than once.",
            f"{repeats:,} of {held.height:,} rows repeat one.",
            fix="name the columns that tell the rows apart in `by`",
        )


def _parts(lookup: pl.DataFrame | pl.LazyFrame, weight: str | None) -> pl.DataFrame:
    """Return the lookup with `__weight` and `__share`, each part's share of its old area."""
    held = lookup.lazy().collect()
    name = weight or ("population" if "population" in held.columns else None)
    absent = [n for n in (_OLD, _NEW, "change_code", name) if n and n not in held.columns]
    if absent:
        raise ReferenceDataError("The lookup of LSOAs lacks columns.", *absent)
    people = pl.col(name).cast(pl.Float64) if name else pl.lit(None, dtype=pl.Float64)
    codes = [pl.col(n).cast(pl.String) for n in (_OLD, _NEW, "change_code")]
    held = held.select(*codes, people.alias("__weight"))
    held = held.drop_nulls([_OLD, _NEW])
    repeats = held.height - held.select(_OLD, _NEW).n_unique()
    wrong = held.filter(pl.col("__weight") < 0).height
    if repeats or wrong:
        raise ReferenceDataError(
            "The lookup of LSOAs cannot be used.",
            f"{repeats:,} pairs of areas repeat; {wrong:,} have fewer than no people.",
        )
    total = pl.col("__weight").sum().over(_OLD)
    even = 1 / pl.len().over(_OLD)
    share = pl.when(_weighed(_OLD) & (total > 0)).then(pl.col("__weight") / total).otherwise(even)
    return held.with_columns(
        share.alias("__share"),
        (~_weighed(_OLD) & (pl.len().over(_OLD) > 1)).alias("__even"),
        (~_weighed(_NEW) & (pl.len().over(_NEW) > 1)).alias("__unweighted"),
    )


def _weighed(area: str) -> pl.Expr:
    return pl.col("__weight").is_not_null().all().over(area)


def _in_order(name: str) -> pl.Expr:
    # A fixed order within the group: sums of floats depend on it.
    return pl.col(name).sort_by(_OLD).cast(pl.Float64)


def _split_sum(name: str) -> pl.Expr:
    parts = _in_order(name) * _in_order("__share")
    # An area without a code is in no lookup: its count stands whole.
    whole = pl.when(pl.col(_NEW).is_null().all()).then(_in_order(name).sum()).otherwise(parts.sum())
    return pl.when(pl.col(name).is_not_null().all()).then(whole).alias(name)


def _weighted_mean(name: str) -> pl.Expr:
    value, people = _in_order(name), _in_order("__weight")
    known = pl.col("__weight").is_not_null().all() & (pl.col("__weight").sum() > 0)
    mean = pl.when(known).then((value * people).sum() / people.sum()).otherwise(value.mean())
    # One part copies: p·v / p need not give v back.
    mean = pl.when(pl.len() == 1).then(value.first()).otherwise(mean)
    return pl.when(pl.col(name).is_not_null().all()).then(mean).alias(name)


def _warn(placed: pl.DataFrame, kind: str) -> None:
    cases = {
        "not in the lookup": pl.col(_NEW).is_null(),
        "changed irregularly (X), values are a best fit": pl.col("change_code") == "X",
    }
    if kind == "count":
        cases["split with no people given, counts are split evenly"] = pl.col("__even")
    else:
        cases["merged with no people given, rates weigh evenly"] = pl.col("__unweighted")
    for text, where in cases.items():
        count = placed.filter(where)[_OLD].n_unique()
        if count:
            warnings.warn(f"LSOAs (2011) {text}: {count:,}.", PlacesWarning, stacklevel=3)
