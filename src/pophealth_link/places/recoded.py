"""Published values of local authorities on those of the day: recoded, joined, put together."""

from __future__ import annotations

import warnings
from datetime import date

import polars as pl

from pophealth_link.engine import Frame
from pophealth_link.places.frames import PlacesWarning
from pophealth_link.places.succession import (
    authority_steps,
    ends_of,
    followed_through,
    latest_steps,
    steps_back,
)
from pophealth_link.schema.reference import AREA_MEASURES, LAD_CHANGES

_OF = ["measure", "area_type"]
_KEY = [*_OF, "area_code"]
_PERIOD = [*_KEY, "period"]


def recode_measures(measures: pl.DataFrame, changes: Frame, as_of: date) -> pl.DataFrame:
    """Return AREA_MEASURES in which local authorities have the codes that hold on the day.

    Codes that ended by the day are followed to their successors, those formed after it back to
    their predecessors. Where authorities became one, or the later parts of one are put together,
    counts are their sums and a score is the mean weighted by `denominator`; without weights evenly,
    with a `PlacesWarning` that counts. Only values of one period are put together. A part that is
    missing makes the whole missing, and one without a row in the period leaves the whole out, with
    a `PlacesWarning` that counts. Where the measure also holds the code of the day, that row is
    the whole and the others are left out: a boundary that changes gets a new code (ONS, GSS Coding
    and Naming Policy). What several became after the day keeps its code, with a `PlacesWarning`
    where they have no values of their own. Rows of other areas stay as they are. Sorted.
    """
    names = [name for name in AREA_MEASURES.names if name in measures.columns]
    now = _moved(measures.select(names), authority_steps(changes, as_of))
    before = steps_back(changes, as_of)
    _tell_untold(now, before)
    return _moved(now, before).sort(_PERIOD)


def _moved(measures: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    known = ends_of(steps, LAD_CHANGES.name).drop_nulls()
    old = (pl.col("area_type") == "lad") & pl.col("area_code").is_in(known["code"].implode())
    kept = measures.filter(~old)
    rows = measures.filter(old).rename({"area_code": "code"}).join(known, on="code")
    rows = rows.rename({"successor": "area_code"}).join(kept, on=_KEY, how="anti")
    rows = _complete(rows, *_parts(steps)).sort(*_PERIOD, "code")
    made = rows.group_by(_PERIOD, maintain_order=True).agg(
        _sum("numerator"), _sum("denominator"), _mean(), _uneven()
    )
    _tell("averaged evenly for want of a weight", int(made["uneven"].sum()))
    return pl.concat([kept, made.select(measures.columns)])


def _parts(steps: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return code and whole: every area that a code came to be in; and area and its smallest parts.

    What was divided among several is a part of its own for each of them.
    """
    divided = pl.col("successor").n_unique().over("code") > 1
    part = pl.when(divided).then(pl.concat_str("code", pl.lit(">"), "successor")).otherwise("code")
    steps = latest_steps(steps).select(part.alias("code"), whole="successor")
    within = followed_through(steps)
    least = within.join(steps, left_on="code", right_on="whole", how="anti")
    alone = steps.join(steps, left_on="code", right_on="whole", how="anti")["code"]
    parts = least.select(area="whole", part="code")
    return within, pl.concat([parts, pl.DataFrame({"area": alone, "part": alone})]).unique()


def _complete(rows: pl.DataFrame, within: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of areas whose every part has a value in the period, none of them twice."""
    held = rows.select(*_OF, "code").unique()
    whole = held.rename({"code": "whole"})
    inside = held.join(within, on="code").join(whole, on=[*_OF, "whole"], how="semi")
    rows = rows.join(inside, on=[*_OF, "code"], how="anti")
    found = rows.join(parts, left_on="code", right_on="area").group_by(_PERIOD).agg(
        pl.col("part").n_unique().alias("found")
    )  # fmt: skip
    wanted = parts.group_by(area_code="area").agg(pl.col("part").n_unique().alias("wanted"))
    judged = found.join(wanted, on="area_code", how="left")
    short = judged.filter(pl.col("found") < pl.col("wanted"))
    _tell("left out, for a part has no value in the period", short.height)
    return rows.join(short, on=_PERIOD, how="anti", nulls_equal=True)


def _tell_untold(measures: pl.DataFrame, before: pl.DataFrame) -> None:
    lads = measures.filter(pl.col("area_type") == "lad")
    several = before.filter(pl.col("successor").n_unique().over("code") > 1)
    own = lads.select("measure", successor="area_code").join(several, on="successor")
    told = own.select("measure", area_code="code")
    codes = pl.col("area_code").is_in(several["code"].implode())
    untold = lads.filter(codes).join(told, on=["measure", "area_code"], how="anti")
    _tell("that several became after the day, kept for the whole", untold.height)


def _tell(what: str, count: int) -> None:
    if count:
        text = f"Values of local authorities {what}: {count:,}."
        warnings.warn(text, PlacesWarning, stacklevel=4)


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
