"""What a section of comparisons is made of: words, pictures and tables, ready for the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from pophealth_link.report import cells, words
from pophealth_link.report.inputs import ReportInputs

NONE = "–"
# Set by others, not counted: given whatever the status.
_NOT_COUNTED = ("standard", "unit_cost")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the first cell of a row is its heading; `texts` are columns of words.

    `short` is the name of the table while it is folded.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: tuple[int, ...] = ()
    short: str = ""

    @property
    def summary(self) -> str:
        """What the folded table is called."""
        return self.short or self.caption


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart under a heading of its own."""

    svg: Markup
    title: str = ""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One thing shown. `absent` says in a line why there is nothing; `folded` tables open."""

    title: str
    words: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    caption: str = ""
    grid: Grid | None = None
    folded: tuple[Grid, ...] = ()
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A section. `kinds` say what its numbers are: recorded, estimated, modelled, assumed."""

    id: str
    title: str
    lead: str
    kinds: tuple[str, ...]
    exhibits: tuple[Exhibit, ...]


def table(inputs: ReportInputs, name: str) -> pl.DataFrame | None:
    """Return a table released beside the baseline, made ready as the baseline is; none: absent.

    Adds `given`, and `reason` and `name` where rows are of footprints. Numbers are emptied where
    the status withholds them; a table's own column `reason` becomes `told`.
    """
    frame = inputs.tables.get(name)
    if frame is None or frame.is_empty():
        return None
    given = pl.col("status").is_in(words.GIVEN).fill_null(value=False)
    numbers = [
        column
        for column, kind in frame.schema.items()
        if kind.is_float() and column not in _NOT_COUNTED
    ]
    told = {"reason": "told"} if "reason" in frame.columns else {}
    held = (
        frame.rename(told)
        .with_columns(given.alias("given"))
        .with_columns(
            pl.when(pl.col("given") & pl.col(name).is_finite()).then(name).alias(name)
            for name in numbers
        )
    )
    named = cells.named(held)
    return named.sort(_key(named), nulls_last=True)


def _key(frame: pl.DataFrame) -> list[str]:
    first = ("footprint_type", "name", "footprint_code", "basis")
    return [*first, *(each for each in frame.columns if frame[each].dtype == pl.String)]


def basis_of(frame: pl.DataFrame) -> str:
    """Return the basis that a table is read on: registered where numbers are given there."""
    held = frame.filter("given")["basis"].unique().to_list()
    return "resident" if held == ["resident"] else "registered"


def whole(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the whole area's rows on the basis that the table is read on."""
    kept = (pl.col("footprint_type") == "whole") & ~pl.col("reason")
    return frame.filter(kept & (pl.col("basis") == basis_of(frame)))


def footprints(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of footprints, the whole area too, on that basis, in reading order."""
    kept = frame.filter(~pl.col("reason") & (pl.col("basis") == basis_of(frame)))
    order = {kind: place for place, kind in enumerate(cells.footprint_types(kept))}
    place = pl.col("footprint_type").replace_strict(order, default=99, return_dtype=pl.Int64)
    return kept.sort(place, "name", "footprint_code", maintain_order=True)


def with_interval(
    row: Mapping[str, Any], column: str, unit: str, places: int | None = None
) -> tuple[str, str]:
    """Return a row's number and its interval in words; why there is none, where there is none."""
    lower, upper = limits_of(column)
    value = row[column]
    if value is None:
        return why(row), NONE
    digits = words.decimals([value], unit) if places is None else places
    interval = words.interval(row[lower], row[upper], digits, unit)
    return words.number(value, digits, unit), interval or NONE


def limits_of(column: str) -> tuple[str, str]:
    """Return the columns of a number's limits."""
    return ("lower", "upper") if column == "value" else (f"{column}_lower", f"{column}_upper")


def why(row: Mapping[str, Any]) -> str:
    """Return in the fewest words why a row has no number."""
    return words.STATUS_SHORT.get(str(row["status"]), "not given")
