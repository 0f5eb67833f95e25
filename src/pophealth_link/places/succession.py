"""What a code that has ended is called on a day: practices taken over, authorities recoded."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import date

import polars as pl

from pophealth_link.engine import Frame, collect
from pophealth_link.errors import ReferenceDataError
from pophealth_link.places.frames import PlacesWarning, listed, shaped
from pophealth_link.schema.core import Table
from pophealth_link.schema.reference import AREA_MEASURES, LAD_CHANGES, PRACTICE_SUCCESSORS

_SCHEMA = {"code": pl.String, "successor": pl.String}


def practice_successors(
    changes: Frame, as_of: date, *, standing: Sequence[str] | pl.Series = ()
) -> pl.DataFrame:
    """Return `code` and `successor`: the practice that a merged or closed one ended in by the day.

    `changes`: PRACTICE_SUCCESSORS, one row per step; steps after `as_of` are not taken, one
    without a day is. Chains are followed; a practice of `standing` (open on the day) is an end, so
    what was split off it changes nothing. The latest step of a practice holds; where it names
    several successors, nobody can tell who went where, and `successor` is missing. Sorted. Raises
    `ReferenceDataError` where steps go round in a circle, naming the practices.

    >>> steps = {"practice_code": ["A", "B"], "successor_code": ["B", "C"]}
    >>> practice_successors(pl.DataFrame(steps), date(2026, 4, 1)).rows()
    [('A', 'C'), ('B', 'C')]
    """
    steps = _steps(changes, PRACTICE_SUCCESSORS, ("practice_code", "successor_code"), as_of)
    open_now = pl.Series("code", standing, dtype=pl.String)
    return _ends(steps.filter(~pl.col("code").is_in(open_now.implode())), PRACTICE_SUCCESSORS.name)


def authority_successors(changes: Frame, as_of: date) -> pl.DataFrame:
    """Return `code` and `successor`: what each recoded local authority is called on the day.

    `changes`: LAD_CHANGES; as `practice_successors`.
    """
    steps = _steps(changes, LAD_CHANGES, ("lad_code", "successor_code"), as_of)
    return _ends(steps, LAD_CHANGES.name)


def _steps(changes: Frame, table: Table, names: tuple[str, str], as_of: date) -> pl.DataFrame:
    held = collect(shaped(changes, table, (*names, "valid_from")))
    held.columns = ["code", "successor", "day"]
    happened = pl.col("day").is_null() | (pl.col("day") <= as_of)
    # A code that stands for itself is how lookups write what has not changed.
    return held.drop_nulls(["code", "successor"]).filter(
        happened, pl.col("code") != pl.col("successor")
    )


def _ends(steps: pl.DataFrame, table: str) -> pl.DataFrame:
    day = pl.col("day").fill_null(date.min)
    latest = steps.filter(day == day.max().over("code")).select("code", "successor").unique()
    parted = latest.filter(pl.col("successor").n_unique().over("code") > 1)["code"].unique()
    single = latest.filter(~pl.col("code").is_in(parted.implode())).sort("code")
    reached = _followed(single)
    _require_ends(reached, single["code"], table)
    told = pl.col("successor").is_in(parted.implode())
    reached = reached.with_columns(pl.when(~told).then("successor").alias("successor"))
    nowhere = pl.DataFrame({"code": parted}, schema={"code": pl.String}).with_columns(
        successor=pl.lit(None, pl.String)
    )
    return pl.concat([reached, nowhere]).cast(_SCHEMA).sort("code")  # type: ignore[arg-type]


def _followed(single: pl.DataFrame) -> pl.DataFrame:
    """Return each code with the end of its chain; each turn doubles how far it has come."""
    reached = single
    for _ in range(single.height.bit_length()):
        further = reached.select(successor="code", further="successor")
        joined = reached.join(further, on="successor", how="left", maintain_order="left")
        reached = joined.select("code", pl.coalesce("further", "successor").alias("successor"))
    return reached


def _require_ends(reached: pl.DataFrame, codes: pl.Series, table: str) -> None:
    # Who still has a successor after more turns than there are steps goes round in a circle.
    circling = reached.filter(pl.col("successor").is_in(codes.implode()))["code"].to_list()
    if circling:
        raise ReferenceDataError(
            f"`{table}` has successors that go round in a circle.",
            f"Codes that reach no end: {len(circling):,} ({listed(circling)}).",
            fix="take out the step that leads back, or give it the day on which it happened",
        )


def followed(codes: pl.Expr, successors: pl.DataFrame) -> pl.Expr:
    """Return the codes with each that has a successor replaced by it.

    >>> ends = pl.DataFrame({"code": ["A"], "successor": ["C"]})
    >>> pl.DataFrame({"c": ["A", "B"]}).select(followed(pl.col("c"), ends))["c"].to_list()
    ['C', 'B']
    """
    known = successors.drop_nulls()
    return codes.replace(known["code"], known["successor"])


def recode_areas(areas: pl.DataFrame, changes: Frame, as_of: date) -> pl.DataFrame:
    """Return `areas` with the codes and names of local authorities that hold on the day."""
    ends = authority_successors(changes, as_of).drop_nulls()
    named = collect(shaped(changes, LAD_CHANGES, ("successor_code", "successor_name"))).drop_nulls()
    names = named.group_by(pl.col("successor_code").alias("lad_code")).agg(
        pl.col("successor_name").min().alias("__name")
    )
    moved = pl.col("lad_code").is_in(ends["code"].implode()).fill_null(value=False)
    held = areas.with_columns(moved.alias("__moved"), followed(pl.col("lad_code"), ends))
    held = held.join(names, on="lad_code", how="left", maintain_order="left")
    if "lad_name" in areas.columns:
        name = pl.when("__moved").then(pl.coalesce("__name", "lad_name")).otherwise("lad_name")
        held = held.with_columns(name.alias("lad_name"))
    return held.select(areas.columns)


def recode_measures(measures: pl.DataFrame, changes: Frame, as_of: date) -> pl.DataFrame:
    """Return AREA_MEASURES in which local authorities have the codes that hold on the day.

    Where authorities became one, counts are their sums and a score is the mean weighted by
    `denominator`; without weights evenly, with a `PlacesWarning` that counts. A part that is
    missing makes the whole missing. Where the measure also holds the new code, that row is the
    whole and the old ones are left out: a boundary that changes gets a new code (ONS, GSS Coding
    and Naming Policy). Rows of other areas stay as they are. Sorted.
    """
    ends = authority_successors(changes, as_of).drop_nulls()
    key = ["measure", "area_type", "area_code"]
    old = (pl.col("area_type") == "lad") & pl.col("area_code").is_in(ends["code"].implode())
    kept = measures.filter(~old)
    moved = measures.filter(old).sort(*key, "period")
    rows = moved.with_columns(followed(pl.col("area_code"), ends)).join(kept, on=key, how="anti")
    merged = rows.group_by(key, maintain_order=True).agg(
        _sum("numerator"), _sum("denominator"), _mean(), pl.col("period").max(), _uneven()
    )
    evenly = int(merged["uneven"].sum())
    if evenly:
        warnings.warn(
            f"Values of local authorities that became one, averaged evenly for want of a weight: "
            f"{evenly:,}.",
            PlacesWarning,
            stacklevel=2,
        )
    names = [name for name in AREA_MEASURES.names if name in measures.columns]
    return pl.concat([kept.select(names), merged.select(names)]).sort(key)


def _sum(name: str) -> pl.Expr:
    values = pl.col(name).cast(pl.Float64)
    return pl.when(values.is_not_null().all()).then(values.sort().sum()).alias(name)


def _uneven() -> pl.Expr:
    lacks = pl.col("denominator").is_null().any() | (pl.col("denominator").sum() <= 0)
    return ((pl.len() > 1) & pl.col("value").is_not_null().any() & lacks).alias("uneven")


def _mean() -> pl.Expr:
    value, weight = pl.col("value").cast(pl.Float64), pl.col("denominator").cast(pl.Float64)
    weighed = weight.is_not_null().all() & (weight.sum() > 0)
    mean = pl.when(weighed).then((value * weight).sort().sum() / weight.sort().sum())
    whole = pl.when(pl.len() == 1).then(value.first()).otherwise(mean.otherwise(value.mean()))
    return pl.when(value.is_not_null().all()).then(whole).alias("value")
