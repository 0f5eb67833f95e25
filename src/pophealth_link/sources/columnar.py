"""Parquet files and folders of them, and frames: every column as text, dates as dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from pophealth_link.errors import DataError, Problem
from pophealth_link.schema import Column, Table
from pophealth_link.sources.delimited import ROW, Chunk
from pophealth_link.sources.problems import data_problem

_ROWS_AT_ONCE = 2_000_000
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def read_schema(path: Path) -> pl.Schema | None:
    """Return names and types of the columns of a Parquet file; None if it is damaged."""
    try:
        return pl.Schema(pl.read_parquet_schema(path))
    except _UNREADABLE:
        return None


def count_rows(paths: list[Path]) -> int:
    """Return the rows of all files, from their footers."""
    return sum(int(pl.scan_parquet(path).select(pl.len()).collect().item()) for path in paths)


def schema_problems(paths: list[Path], where: str) -> list[Problem]:
    """Return what is wrong with the files as Parquet, or with their being parts of one table."""
    schemas = {path: read_schema(path) for path in paths}
    damaged = [path for path, schema in schemas.items() if schema is None]
    if damaged:
        return [
            data_problem(where, f"{path} cannot be read as Parquet.", "export it again.")
            for path in damaged
        ]
    names = [set(schema.names()) for schema in schemas.values() if schema is not None]
    other = sum(each != names[0] for each in names)
    if not other:
        return []
    what = f"{other} of {len(paths)} Parquet files have other columns than {paths[0].name}."
    return [data_problem(where, what, "keep the parts of one table in a folder.")]


def type_problems(
    table: Table, schema: pl.Schema, names: Mapping[str, str], where: str
) -> list[Problem]:
    """Return which columns hold lists, structures or bytes, where the table has plain values."""
    return [
        data_problem(where, f"`{names[column.name]}` holds nested or binary values.", "flatten it.")
        for column in table.columns
        if column.name in names
        and column.kind != "geometry"
        and not _is_plain(schema[names[column.name]])
    ]


def _is_plain(dtype: pl.DataType) -> bool:
    return not dtype.is_nested() and dtype not in (pl.Binary, pl.Object)


def read_parts(
    paths: list[Path], table: Table, names: Mapping[str, str], *, rows: int = _ROWS_AT_ONCE
) -> Iterator[Chunk]:
    """Yield the rows of all files in order, `rows` at a time, with only the columns in `names`.

    `names`: name → column in the file, whose name it takes. Raises `DataError` for a damaged file.
    """
    done = 0
    for path in paths:
        for start in range(0, count_rows([path]), rows):
            frame = _slice(path, list(dict.fromkeys(names.values())), start, rows)
            if frame is None:
                raise DataError(f"{path} is damaged: its rows cannot be read.")
            yield frame_chunk(frame, table, names, row=done)
            done += frame.height


def _slice(path: Path, names: list[str], start: int, rows: int) -> pl.DataFrame | None:
    try:
        return pl.scan_parquet(path).select(names).slice(start, rows).collect()
    except _UNREADABLE:
        return None


def frame_chunk(
    frame: pl.DataFrame, table: Table, names: Mapping[str, str], *, row: int = 0
) -> Chunk:
    """Return `frame` as a chunk under the names in `names`, as text save for dates of the table."""
    wanted = {column.name: column for column in table.columns}
    columns = [
        _textual(pl.col(name), frame.schema[name], wanted.get(contract)).alias(contract)
        for contract, name in names.items()
    ]
    numbers = pl.int_range(row + 1, row + 1 + frame.height, dtype=pl.Int64, eager=True)
    made = frame.select(columns).insert_column(0, numbers.alias(ROW))
    return Chunk(made, pl.Series(ROW, [], dtype=pl.Int64))


def _textual(column: pl.Expr, dtype: pl.DataType, wanted: Column | None) -> pl.Expr:
    kind = wanted.kind if wanted else "text"
    if kind == "geometry" or (kind == "date" and dtype == pl.Date):
        return column
    if kind == "date" and dtype == pl.Datetime:
        return column.dt.date()
    if dtype.is_float():
        return _float_text(column)
    return column.cast(pl.String)


def _float_text(column: pl.Expr) -> pl.Expr:
    """Return whole numbers without `.0`: ids become floats where a column has gaps."""
    whole = column.cast(pl.Int64, strict=False)
    number = pl.when(column.is_not_nan()).then(column)
    return pl.when(whole == column).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))
