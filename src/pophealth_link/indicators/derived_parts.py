"""What all derived event tables share: the tables given, and spans of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from pophealth_link.engine import Frame
from pophealth_link.schema import DERIVED_TABLES, EVENT_TABLES

Period = tuple[date, date]
# Stands for the end of what is still open; later than any date in a record.
FAR = date(9999, 12, 31)
WHO = ("person_id", "source")


@dataclass(frozen=True)
class Given:
    """The event tables that a job gives, the day, and the period.

    `said`: table and column of what the whole extract, of which the tables may hold some people
    only, says of anybody; and table, column and code where it says it of a row with the code.
    """

    tables: Mapping[str, pl.LazyFrame] = field(repr=False)
    as_of: date
    period: Period
    said: frozenset[tuple[str, ...]] = frozenset()

    def has(self, *names: str) -> bool:
        """Return whether all of the tables are given."""
        return all(name in self.tables for name in names)

    def says(self, name: str, *columns: str) -> bool:
        """Return whether the whole extract holds any value in each of the columns of a table."""
        return all((name, column) in self.said for column in columns)

    def says_of(self, name: str, column: str, code: str) -> bool:
        """Return whether the whole extract holds a value in the column of a row with the code."""
        return (name, column, code) in self.said

    def table(self, name: str) -> pl.LazyFrame:
        """Return person_id, source and the table's declared columns; what is absent is empty.

        Rows of nobody are left out. `person_id` keeps its type.
        """
        plan = self.tables[name]
        held = plan.collect_schema().names()
        types = {column.name: column.dtype for column in EVENT_TABLES[name].columns}
        types["source"] = pl.String()
        types.pop("record_id", None)
        columns = [
            (pl.col(each) if each in held else pl.lit(None)).cast(dtype).alias(each)
            for each, dtype in types.items()
        ]
        return plan.select("person_id", *columns).filter(pl.col("person_id").is_not_null())


def declared(plan: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Return person_id and the declared columns of a derived table."""
    columns = DERIVED_TABLES[name].columns
    return plan.select("person_id", *(pl.col(each.name).cast(each.dtype) for each in columns))


def unended(column: str = "end_date") -> pl.Expr:
    """Return a date column with a far day for what is still open."""
    return pl.col(column).fill_null(FAR)


def ended(day: pl.Expr) -> pl.Expr:
    """Return a date with empty for the far day: the reverse of `unended`."""
    return pl.when(day < FAR).then(day)


def backward(events: Mapping[str, Frame]) -> dict[str, int]:
    """Return how many rows of each table end before they begin, of tables that have any, sorted.

    `events`: table name → frame; those without `start_date` and `end_date`, and those on another
    engine than Polars, are not looked at.

    >>> day = date(2026, 3, 1)
    >>> backward({"spells": pl.DataFrame({"start_date": [day], "end_date": [date(2026, 2, 1)]})})
    {'spells': 1}
    """
    found = {}
    for name, frame in sorted(events.items()):
        if not isinstance(frame, pl.DataFrame | pl.LazyFrame):
            continue
        plan = frame.lazy()
        if {"start_date", "end_date"} <= set(plan.collect_schema().names()):
            ends_before = (pl.col("end_date") < pl.col("start_date")).sum()
            found[name] = int(plan.select(ends_before).collect().item())
    return {name: rows for name, rows in found.items() if rows}


def continuous(
    spans: pl.LazyFrame, by: tuple[str, ...], *aggregates: pl.Expr, gap: int = 0
) -> pl.LazyFrame:
    """Return `by`, start_date, end_date and aggregates of spans joined where they meet.

    A span that begins at most `gap` days after all earlier ones of its group have ended goes on
    with them. An empty end is open; a span that ends before it begins is left out.
    """
    before = pl.col(".end").cum_max().shift(1).over(by)
    new = (pl.col("start_date") > before.dt.offset_by(f"{gap}d")).fill_null(value=True)
    numbered = (
        spans.filter(unended() >= pl.col("start_date"))
        .with_columns(unended().alias(".end"))
        .sort(pl.all())
        .sort(*by, "start_date", ".end", maintain_order=True)
        .with_columns(new.alias(".new"))
        .with_columns(pl.col(".new").cum_sum().over(by).alias(".part"))
    )
    return (
        numbered.group_by(*by, ".part", maintain_order=True)
        .agg(pl.col("start_date").min(), pl.col(".end").max(), *aggregates)
        .with_columns(ended(pl.col(".end")).alias("end_date"))
        .drop(".part", ".end")
    )


def each_day_once(spans: pl.LazyFrame, by: tuple[str, ...]) -> pl.LazyFrame:
    """Return the spans of a group cut so that no day is in two: it goes to the first that began.

    Days run from the start up to the day before the end; an empty end is open. Spans of which no
    day is left are not there; of what begins on the same day, the first in the order of all
    columns has the days.
    """
    far = pl.col(".end").cum_max().shift(1).over(by)
    return (
        spans.filter(unended() > pl.col("start_date"))
        .with_columns(unended().alias(".end"))
        .sort(pl.all())
        .sort(*by, "start_date", ".end", maintain_order=True)
        .with_columns(pl.max_horizontal("start_date", far).alias("start_date"))
        .filter(pl.col(".end") > pl.col("start_date"))
        .drop(".end")
    )
