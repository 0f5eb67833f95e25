"""Rows of the released baseline with the intervals and statuses that comparisons start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from pophealth_link import stats
from pophealth_link.errors import DataError
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.schema.core import Table
from pophealth_link.schema.outputs import BASELINE

CELL = ("footprint_type", "footprint_code", "basis", "indicator")
COUNTS = ("numerator", "denominator")
ESTIMATE = ("value", "lower", "upper")
GIVEN = ("ok", "estimated", "imputed_down")
# What a result of several cells is, the first that one of them is; a cell without people adds none.
WORST_FIRST = ("no_data", "linkage_too_weak", "suppressed", "estimated", "imputed_down", "ok")
NOBODY = "not_applicable"
NO_FOOTPRINT = "no footprint"
DECIMALS = 6
_PLACES = {name: place for place, name in enumerate(WORST_FIRST)}
LOST = _PLACES["suppressed"]


def of_people(
    baseline: pl.DataFrame, listed: Catalogue, dispersions: Mapping[str, float]
) -> pl.DataFrame:
    """Return the rows of people, events and dwellings with what their intervals need.

    Adds `multiplier`, `interval` and `dispersion` (φ of repeat events, null where not known),
    `held` (the counts are given and there are people) and `rank`, the place of the status in
    WORST_FIRST, null where there is nobody.

    Raises DataError where the baseline lacks a column.
    """
    lacking = [name for name in BASELINE.names if name not in baseline.columns]
    if lacking:
        raise DataError(
            "the baseline lacks columns.",
            f"Absent: {', '.join(lacking)}.",
            fix="give the frame that `need.release` returns.",
        )
    rows = baseline.join(_declared(listed, dispersions), on="indicator", how="inner")
    counted = pl.col("numerator").is_not_null() & (pl.col("denominator") > 0)
    given = pl.col("status").is_in(GIVEN)
    known = pl.col("status").replace_strict(_PLACES, default=LOST, return_dtype=pl.Int64)
    none = (pl.col("status") == NOBODY) | (given & (pl.col("denominator") == 0).fill_null(False))
    lost = pl.when(given & ~counted.fill_null(value=False)).then(LOST).otherwise(known)
    return rows.with_columns(
        held=(given & counted).fill_null(value=False), rank=pl.when(~none).then(lost)
    )


def _declared(listed: Catalogue, dispersions: Mapping[str, float]) -> pl.DataFrame:
    kinds = [
        (each.id, float(each.multiplier), each.interval, dispersions.get(each.id))
        for each in listed
        if each.level != "area"
    ]
    names = {
        "indicator": pl.String,
        "multiplier": pl.Float64,
        "interval": pl.String,
        "dispersion": pl.Float64,
    }
    return pl.DataFrame(kinds, schema=names, orient="row")


def with_intervals(rows: pl.DataFrame, *, confidence: float = 0.95) -> pl.DataFrame:
    """Add `value`, `lower`, `upper` by the indicator's kind of interval, as the baseline has them.

    From `numerator`, `denominator`, `multiplier`, `interval` and `dispersion` alone. Rows that are
    not `held` have none; where a rounded numerator is above its denominator there are no limits.
    """
    part = pl.col("numerator") <= pl.col("denominator")
    kind = (
        pl.when(~pl.col("held"))
        .then(pl.lit("empty"))
        .when((pl.col("interval") == "wilson") & ~part)
        .then(pl.lit("none"))
        .otherwise("interval")
    )
    rows = rows.drop(ESTIMATE, strict=False).with_row_index("__row")
    rows = rows.with_columns(kind.alias("__kind"))
    methods: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
        "wilson": lambda frame: stats.proportion(frame, *COUNTS, confidence=confidence),
        "byar": lambda frame: stats.rate(frame, *COUNTS, multiplier=1, confidence=confidence),
        "compound_poisson": lambda frame: stats.compound_poisson_rate(
            frame, *COUNTS, "dispersion", multiplier=1, confidence=confidence
        ),
        "none": _ratio,
        "empty": _nothing,
    }
    scaled = [pl.col(name) * pl.col("multiplier") for name in ESTIMATE]
    done = [
        each(rows.filter(pl.col("__kind") == name)).select("__row", *scaled)
        for name, each in methods.items()
    ]
    found = rows.join(pl.concat(done), on="__row", how="left")
    return found.sort("__row").drop("__row", "__kind")


def _ratio(rows: pl.DataFrame) -> pl.DataFrame:
    plain = (pl.col("numerator") / pl.col("denominator")).alias("value")
    return _nothing(rows).with_columns(plain)


def _nothing(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ESTIMATE)


def status_of(rank: pl.Expr) -> pl.Expr:
    """Return the status at a place of WORST_FIRST; `not_applicable` where there is none."""
    names = dict(enumerate(WORST_FIRST))
    return rank.replace_strict(names, default=NOBODY, return_dtype=pl.String).fill_null(NOBODY)


def reason_of(status: pl.Expr, *, nobody: str) -> pl.Expr:
    """Return why a row of this status has no number; null where it has one."""
    said = {
        "suppressed": "part of the counts is withheld",
        "no_data": "there is no data for the indicator",
        "linkage_too_weak": "linkage is too weak",
        NOBODY: nobody,
    }
    return status.replace_strict(said, default=None, return_dtype=pl.String)


def declared(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the table's columns in order and type, numbers rounded, sorted by its key."""
    numbers = [column.name for column in table.columns if column.kind == "number"]
    # Adding zero turns a negative zero into zero.
    shown = rows.with_columns((pl.col(name).round(DECIMALS) + 0.0).alias(name) for name in numbers)
    typed = shown.select(pl.col(each.name).cast(each.dtype) for each in table.columns)
    return typed.sort(table.unique)
