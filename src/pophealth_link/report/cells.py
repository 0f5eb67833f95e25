"""The released baseline made ready for reading: no number in a cell that is not given."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from pophealth_link.places import is_reason
from pophealth_link.report import words

NUMBERS = (
    *("numerator", "denominator", "value", "lower", "upper"),
    *("linkage_lower", "linkage_upper"),
    *("numerator_linkage_lower", "numerator_linkage_upper"),
)


def released(baseline: pl.DataFrame) -> pl.DataFrame:
    """Return the baseline sorted, its numbers emptied wherever the status says they are withheld.

    Adds `given` (numbers are shown), `reason` (the row stands for people in no footprint) and
    `name` (the footprint's name, else its code). Rows and columns are those of the schema.
    """
    given = pl.col("status").is_in(words.GIVEN) & pl.col("value").is_not_null()
    frame = baseline.with_columns(given.fill_null(value=False).alias("given")).with_columns(
        pl.when("given").then(pl.col(name).cast(pl.Float64)).alias(name) for name in NUMBERS
    )
    return named(_without_nan(frame)).sort(
        "indicator", "stratum", "footprint_type", "name", "footprint_code", "basis"
    )


def _without_nan(frame: pl.DataFrame) -> pl.DataFrame:
    finite = (pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in NUMBERS)
    return frame.with_columns(finite).with_columns(pl.col("given") & pl.col("value").is_not_null())


def named(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `reason` and `name` to rows with a footprint's code and name, as in ``released``."""
    code = pl.col("footprint_code").fill_null("")
    name = pl.coalesce(pl.col("footprint_name"), code)
    return frame.with_columns(footprint_code=code, reason=is_reason()).with_columns(
        name=pl.when(name == "").then("footprint_code").otherwise(name)
    )


def footprint_types(frame: pl.DataFrame) -> list[str]:
    """Return the footprint types of a frame in reading order."""
    return sorted(frame["footprint_type"].unique().to_list(), key=words.type_order)


def bases(frame: pl.DataFrame) -> tuple[str, ...]:
    """Return the bases of a frame, registered first."""
    held = set(frame["basis"].unique().to_list())
    return tuple(basis for basis in words.BASES if basis in held)


def for_indicator(frame: pl.DataFrame, indicator: str, *, stratum: str = "all") -> pl.DataFrame:
    """Return the rows of one indicator in one stratum."""
    return frame.filter((pl.col("indicator") == indicator) & (pl.col("stratum") == stratum))


def main_basis(frame: pl.DataFrame, prefer: Iterable[str] = ("registered", "resident")) -> str:
    """Return the first of `prefer` in which a number is given, else the first basis of all."""
    held = frame.filter("given")["basis"].unique().to_list()
    return next((basis for basis in prefer if basis in held), next(iter(prefer)))


def whole_value(frame: pl.DataFrame, basis: str) -> float | None:
    """Return the whole area's value on a basis; none where it is not given."""
    rows = frame.filter(
        (pl.col("footprint_type") == "whole") & ~pl.col("reason") & (pl.col("basis") == basis)
    )
    return rows["value"][0] if rows.height else None
