"""The tables of beds and of unit costs that a job names: read, checked, dated and sourced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pophealth_link.errors import DataError, Problem, nearest, raise_problems
from pophealth_link.schema.core import Column, Table
from pophealth_link.schema.records_services import BEDS, UNIT_COSTS

_KINDS = {".parquet": "Parquet"}
# A financial year, as 2024/25; the second year follows the first.
_YEAR = r"^(\d{4})/(\d{2})$"


def read_beds(path: Path) -> pl.DataFrame:
    """Return BEDS from a CSV or Parquet file; `DataError` with every problem of it at once."""
    return checked(_read(path), BEDS)


def read_unit_costs(path: Path) -> pl.DataFrame:
    """Return UNIT_COSTS from a CSV or Parquet file; `DataError` with every problem at once."""
    return checked(_read(path), UNIT_COSTS)


def _of_costs(typed: pl.DataFrame) -> Iterator[Problem]:
    """Yield what is wrong with limits and price years of unit costs."""
    lower, cost, upper = (pl.col(name) for name in ("lower", "unit_cost", "upper"))
    year = pl.col("price_year").str.extract_groups(_YEAR).struct
    follows = (year.field("1").cast(pl.Int64) + 1) % 100 == year.field("2").cast(pl.Int64)
    outside = (lower > cost) | (cost > upper)
    tests = (
        ("lower", lower > upper, "have a lowest cost above the highest."),
        ("unit_cost", outside & (lower <= upper), "lie outside their lowest and highest cost."),
        ("lower", lower.is_null() != upper.is_null(), "have one limit: give both or neither."),
        ("price_year", ~follows.fill_null(value=False), "hold no financial year, as 2024/25."),
    )
    for name, wrong, what in tests:
        count = typed.filter(pl.col("price_year").is_not_null(), wrong).height
        if count:
            where, rows = f"{UNIT_COSTS.name}.{name}", f"{count:,} of {typed.height:,} rows"
            yield Problem(DataError, where, f"{rows} {what}")


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise DataError(f"{path} does not exist.", fix="name a CSV or Parquet file")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{path} cannot be read as {_KINDS.get(path.suffix, 'CSV')}.",
            fix="name a CSV or Parquet file that is whole and has a first row of column names",
        ) from error


def checked(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the frame with the declared columns and types, sorted; optional columns may be absent.

    Raises `DataError`, once, with counts: a required column that is absent, values that cannot be
    read, codes that are not in the list, rows without a date, source or any other required value,
    numbers below 0, and rows that repeat the key; of unit costs limits that contradict the cost or
    stand alone, and price years that are no financial years.
    """
    problems = [
        Problem(
            DataError, f"{table.name}.{name}", f"is not a column.{nearest(name, frame.columns)}"
        )
        for name in table.required
        if name not in frame.columns
    ]
    raise_problems(f"the table `{table.name}`", problems)
    typed = frame.select(_typed(column, frame) for column in table.columns)
    problems = [
        each for column in table.columns for each in _of_column(column, typed, frame, table)
    ]
    twice = typed.height - typed.select(table.unique).n_unique()
    if table.name == UNIT_COSTS.name:
        problems += _of_costs(typed)
    if twice:
        key = ", ".join(table.unique)
        problems.append(Problem(DataError, f"{table.name}", f"{twice:,} rows repeat {key}."))
    raise_problems(f"the table `{table.name}`", problems)
    return typed.sort(pl.all())


def _typed(column: Column, frame: pl.DataFrame) -> pl.Expr:
    if column.name not in frame.columns:
        return pl.lit(None, column.dtype).alias(column.name)
    value = pl.col(column.name)
    if frame.schema[column.name] != pl.String:
        return value.cast(column.dtype, strict=False)
    text = value.str.strip_chars()
    filled = pl.when(text != "").then(text)
    if column.kind == "date":
        return filled.str.to_date("%Y-%m-%d", strict=False).alias(column.name)
    return filled.cast(column.dtype, strict=False).alias(column.name)


def _of_column(
    column: Column, typed: pl.DataFrame, given: pl.DataFrame, table: Table
) -> Iterator[Problem]:
    where, values = f"{table.name}.{column.name}", typed[column.name]
    rows = f"of {typed.height:,} rows"
    if column.required and values.null_count():
        fix = "give every row a day, as 2026-04-01" if column.kind == "date" else "fill every row"
        yield Problem(DataError, where, f"{values.null_count():,} {rows} hold no value.", fix)
    elif column.name in given.columns:
        held = given[column.name].cast(pl.String, strict=False).str.strip_chars()
        lost = int(((held != "") & values.is_null()).sum())
        if lost:
            yield Problem(DataError, where, f"{lost:,} {rows} cannot be read as {column.kind}.")
    if column.codes is not None:
        unknown = int((~values.drop_nulls().is_in(list(column.codes.codes))).sum())
        if unknown:
            allowed = ", ".join(column.codes.codes)
            yield Problem(DataError, where, f"{unknown:,} {rows} hold no code of: {allowed}.")
    if column.kind == "number":
        wrong = int((~((values >= 0) & values.is_finite()).drop_nulls()).sum())
        if wrong:
            yield Problem(DataError, where, f"{wrong:,} {rows} are below 0 or not finite.")
