"""Values of 2011 LSOAs on 2021 LSOAs, and back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import polars as pl

from pophealth_link.errors import DataError, ReferenceDataError, nearest
from pophealth_link.places.frames import PlacesWarning

Vintage = Literal["lsoa11", "lsoa21"]
_OLD, _NEW = "__from", "__to"
_YEARS = {"lsoa11": "2011", "lsoa21": "2021"}


def convert_vintage(
    frame: pl.DataFrame | pl.LazyFrame,
    lookup: pl.DataFrame | pl.LazyFrame,
    *,
    values: str | Sequence[str],
    kind: Literal["count", "rate"] = "count",
    to: Vintage = "lsoa21",
    area: str | None = None,
    by: Sequence[str] = (),
    weight: str | None = None,
) -> pl.DataFrame:
    """Convert values of 2011 LSOAs to 2021 LSOAs, or with `to="lsoa11"` the other way.

    `frame` has one row per `area` (column of codes, `lsoa11_code` or `lsoa21_code` if left out) and
    group in `by`; `lookup` one row per pair of areas that overlap: lsoa11_code, lsoa21_code,
    change_code (U, S, M, X) and optionally people in the overlap (`weight` names the column;
    `population` is used if it is there): the new part's where an area was split, the old part's
    where areas were merged. Returns lsoa21_code (or lsoa11_code), `by` and `values` as numbers,
    sorted.

    Unchanged areas (U) copy. Counts of an area of which there are several in the other vintage are
    divided by the people of those, evenly without a weight; counts of several areas that are one
    there sum. Rates copy, and are the mean weighted by people: so it is for split (S) and merged
    (M) areas either way. Irregular areas (X) follow both rules, a best fit.

    A value missing in any part is missing. A part without a row adds nothing, to a count or to a
    mean. Counts of areas that the lookup does not hold go to a row without a code, so totals are
    conserved; rates of such areas are left out. A `PlacesWarning` counts the irregular areas, those
    not in the lookup, those divided or weighed evenly for want of people, and those of which a part
    has no row (counts: in every group; rates: in any).

    Raises `DataError` or `ReferenceDataError` for wrong columns or repeated areas. Source: ONS,
    LSOA (2011) to LSOA (2021) exact-fit lookup, change indicator.

    >>> old = pl.DataFrame({"lsoa11_code": ["A", "B"], "people": [10, 5]})
    >>> merged = {"lsoa11_code": ["A", "B"], "lsoa21_code": ["C", "C"], "change_code": ["M", "M"]}
    >>> convert_vintage(old, pl.DataFrame(merged), values="people").rows()
    [('C', 15.0)]
    """
    columns = [values] if isinstance(values, str) else list(values)
    source: Vintage = "lsoa11" if to == "lsoa21" else "lsoa21"
    area = area or f"{source}_code"
    held = frame.lazy().collect()
    _require_values(held, columns, area, by, kind)
    held = held.select(pl.col(area).cast(pl.String).alias(_OLD), *by, *columns)
    parts = _parts(lookup, weight, source, to)
    placed = held.join(parts, on=_OLD, how="left")
    _warn(placed, [kind], _YEARS[source])
    # A group without a count of an area, such as a practice, has none there: it is not missing.
    short = _short(placed, parts, () if kind == "count" else by)
    _tell(f"LSOAs ({_YEARS[to]}) of which a part has no row", short[_NEW].n_unique())
    if kind == "count":
        measure = [_split_sum(name) for name in columns]
    else:
        placed = placed.filter(pl.col(_NEW).is_not_null())
        measure = [_weighted_mean(name) for name in columns]
    made = placed.group_by(_NEW, *by).agg(measure).sort(_NEW, *by, nulls_last=True)
    return made.rename({_NEW: f"{to}_code"})


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


def _parts(
    lookup: pl.DataFrame | pl.LazyFrame, weight: str | None, source: Vintage, to: Vintage
) -> pl.DataFrame:
    """Return the lookup with `__weight` and `__share`, each part's share of the area it is of."""
    held = lookup.lazy().collect()
    name = weight or ("population" if "population" in held.columns else None)
    ends = {f"{source}_code": _OLD, f"{to}_code": _NEW}
    absent = [n for n in (*sorted(ends), "change_code", name) if n and n not in held.columns]
    if absent:
        raise ReferenceDataError("The lookup of LSOAs lacks columns.", *absent)
    people = pl.col(name).cast(pl.Float64) if name else pl.lit(None, dtype=pl.Float64)
    ends |= {"change_code": "change_code"}
    codes = [pl.col(n).cast(pl.String).alias(a) for n, a in ends.items()]
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


def _short(placed: pl.DataFrame, parts: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return `__to` and `by` of the areas of which some parts, not all, have a row."""
    wanted = parts.group_by(_NEW).agg(pl.col(_OLD).n_unique().alias("__wanted"))
    found = placed.drop_nulls(_NEW).group_by(_NEW, *by).agg(pl.col(_OLD).n_unique().alias("__n"))
    short = found.join(wanted, on=_NEW).filter(pl.col("__n") < pl.col("__wanted"))
    return short.select(_NEW, *by)


def _warn(placed: pl.DataFrame, kinds: Sequence[str], year: str) -> None:
    cases = {
        "not in the lookup": pl.col(_NEW).is_null(),
        "changed irregularly (X), values are a best fit": pl.col("change_code") == "X",
    }
    if "count" in kinds:
        cases["split with no people given, counts are split evenly"] = pl.col("__even")
    if "rate" in kinds:
        cases["merged with no people given, rates weigh evenly"] = pl.col("__unweighted")
    for text, where in cases.items():
        _tell(f"LSOAs ({year}) {text}", placed.filter(where)[_OLD].n_unique())


def _tell(what: str, count: int) -> None:
    if count:
        warnings.warn(f"{what}: {count:,}.", PlacesWarning, stacklevel=4)


def on_2021(measures: pl.DataFrame, lookup: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Return AREA_MEASURES in which values of 2011 LSOAs stand on those of 2021.

    Rows of area_type `lsoa11` become rows of `lsoa`: numerators and denominators are converted as
    counts, values as rates (see `convert_vintage`). A measure that is there for 2021 LSOAs already
    keeps those rows alone, and values outside the lookup are left out; so are those of areas of
    which a part has no row of the measure and period, with a `PlacesWarning` that counts. `lookup`:
    LSOA_CHANGES.
    """
    old = measures.filter(pl.col("area_type") == "lsoa11")
    rest = measures.filter(pl.col("area_type") != "lsoa11")
    new = rest.filter(pl.col("area_type") == "lsoa").select("measure").unique()
    old = old.join(new, on="measure", how="anti")
    if old.is_empty():
        return rest
    by, counts = ["measure", "period"], ["numerator", "denominator"]
    _require_values(old, [*counts, "value"], "area_code", by, "count")
    parts = _parts(lookup, None, "lsoa11", "lsoa21")
    placed = old.rename({"area_code": _OLD}).join(parts, on=_OLD, how="left")
    _warn(placed, ["count", "rate"], _YEARS["lsoa11"])
    short = _short(placed, parts, by)
    _tell("Values of LSOAs (2021) left out, for a part has no value in the period", short.height)
    placed = placed.drop_nulls(_NEW).join(short, on=[_NEW, *by], how="anti", nulls_equal=True)
    sums = (_split_sum(name) for name in counts)
    made = placed.group_by(_NEW, *by).agg(*sums, _weighted_mean("value"))
    made = made.with_columns(area_type=pl.lit("lsoa"), area_code=_NEW)
    order = ["measure", "area_type", "area_code", "period"]
    return pl.concat([rest, made.select(measures.columns)]).sort(order)


def told_on_2021(
    people: pl.DataFrame, areas: pl.DataFrame, lookup: pl.DataFrame | pl.LazyFrame
) -> pl.DataFrame:
    """Return the people with an LSOA of 2011 (`lsoa_code`) placed in one of 2021.

    Extracts that tell the LSOA in place of the postcode often tell that of 2011. People, unlike
    counts, cannot be divided: where an LSOA was split or changed irregularly they are placed in the
    part with the most people (of equal ones the first), with a `PlacesWarning` that counts them.
    Codes that `areas` holds stay, and so do those that `lookup` (LSOA_CHANGES) does not know.

    >>> lookup = pl.DataFrame({"lsoa11_code": ["A", "B"], "lsoa21_code": ["C", "C"],
    ...     "change_code": ["M", "M"]})
    >>> people, areas = pl.DataFrame({"lsoa_code": ["A", "C"]}), pl.DataFrame({"lsoa_code": ["C"]})
    >>> told_on_2021(people, areas, lookup)["lsoa_code"].to_list()
    ['C', 'C']
    """
    parts = _parts(lookup, None, "lsoa11", "lsoa21")
    old = parts.filter(~pl.col(_OLD).is_in(areas["lsoa_code"].implode()))
    first = old.sort(_OLD, -pl.col("__share"), _NEW).group_by(_OLD, maintain_order=True)
    best = first.agg(pl.col(_NEW).first(), (pl.len() > 1).alias("__parted"))
    joined = people.join(
        best, left_on="lsoa_code", right_on=_OLD, how="left", maintain_order="left"
    )
    parted = int(joined["__parted"].fill_null(value=False).sum())
    if parted:
        warnings.warn(
            f"People told to live in an LSOA of 2011 that is several of 2021: {parted:,}; each was "
            "placed in its most populous part.",
            PlacesWarning,
            stacklevel=2,
        )
    return joined.with_columns(pl.coalesce(_NEW, "lsoa_code").alias("lsoa_code")).select(
        people.columns
    )
