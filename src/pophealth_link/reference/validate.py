"""Check tables of a reference pack against their declarations, on the way in and on the way out."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from pophealth_link.errors import Problem, ReferenceDataError, nearest
from pophealth_link.reference.about import TableAbout
from pophealth_link.schema import Table
from pophealth_link.schema.core import Column
from pophealth_link.schema.reference import REFERENCE_TABLES

_AGAIN = "build the pack again, or copy it again from where it was built."


def problem(where: str, what: str, fix: str | None = None) -> Problem:
    """Return a problem with reference data."""
    return Problem(ReferenceDataError, where, what, fix)


def unknown_table(name: str) -> Problem:
    """Return the problem of a table that no declaration names."""
    hint = nearest(name, REFERENCE_TABLES)
    return problem(name, f"is not a table of a reference pack.{hint}")


def _castable(found: pl.DataType, wanted: pl.DataType) -> bool:
    if found in {wanted, pl.Null()}:
        return True
    if wanted == pl.String:
        return isinstance(found, (pl.Categorical, pl.Enum))
    if wanted == pl.Int64:
        return found.is_integer() and found != pl.UInt64
    return wanted == pl.Float64 and found.is_numeric()


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with extension types (such as GeoArrow's) as what they are stored as."""
    wrapped = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Extension)]
    return frame.with_columns(frame[name].ext.storage().alias(name) for name in wrapped)


def _type_problem(where: str, column: Column, found: pl.DataType) -> Problem:
    return problem(where, f"`{column.name}` must be {column.kind} ({column.dtype}), not {found}.")


def _content_problems(table: Table, frame: pl.DataFrame) -> list[Problem]:
    nulls = {name: frame[name].null_count() for name in table.required if name in frame.columns}
    found = [
        problem(table.name, f"`{name}` is empty in {count:,} of {frame.height:,} rows.")
        for name, count in nulls.items()
        if count
    ]
    if table.unique and set(table.unique) <= set(frame.columns):
        repeated = frame.height - frame.select(table.unique).n_unique()
        if repeated:
            key = ", ".join(f"`{name}`" for name in table.unique)
            found.append(problem(table.name, f"{key} repeat in {repeated:,} rows."))
    return found


def conform(table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Problem]]:
    """Return `frame` with exactly the declared columns, types and row order, and its problems.

    Optional columns that it lacks are filled with nulls, others that it has are dropped, narrower
    types are widened, and rows are sorted so that the same rows make the same file.
    """
    frame = _plain(frame)
    problems = [
        problem(table.name, f"has no column `{name}`.{nearest(name, frame.columns)}")
        for name in table.required
        if name not in frame.columns
    ]
    present = [column for column in table.columns if column.name in frame.columns]
    problems += [
        _type_problem(table.name, column, frame.schema[column.name])
        for column in present
        if not _castable(frame.schema[column.name], column.dtype)
    ]
    problems += _content_problems(table, frame)
    if problems:
        return table.empty(), problems
    return with_declared_columns(table, frame.lazy()).collect().sort(
        table.unique or table.names
    ), []


def with_declared_columns(table: Table, frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the declared columns of `frame`, those that it lacks as nulls of their type."""
    present = frame.collect_schema().names()
    return frame.select(
        (pl.col(c.name) if c.name in present else pl.lit(None)).cast(c.dtype).alias(c.name)
        for c in table.columns
    )


def _schema_problems(table: Table, path: Path) -> list[Problem]:
    try:
        found = pl.scan_parquet(path, glob=False).collect_schema()
    except (pl.exceptions.PolarsError, OSError):
        return [problem(path.name, "cannot be read as Parquet.", _AGAIN)]
    missing = [
        problem(path.name, f"has no column `{name}`.{nearest(name, found)}")
        for name in table.required
        if name not in found
    ]
    wrong = [
        _type_problem(path.name, column, found[column.name])
        for column in table.columns
        if column.name in found and found[column.name] != column.dtype
    ]
    return missing + wrong


def file_problems(name: str, about: TableAbout, path: Path) -> list[Problem]:
    """Return what is wrong with the file of one table: absent, altered, or not as declared."""
    if name not in REFERENCE_TABLES:
        return [unknown_table(name)]
    if path.is_symlink():
        return [problem(path.name, "is a link to a file elsewhere.", _AGAIN)]
    if not path.is_file():
        return [problem(path.name, "is named in pack.toml but does not exist.", _AGAIN)]
    with path.open("rb") as file:
        altered = hashlib.file_digest(file, "sha256").hexdigest() != about.sha256
    changed = (
        [problem(path.name, "is not the file that pack.toml describes (sha256 differs).", _AGAIN)]
        if altered
        else []
    )
    return changed + _schema_problems(REFERENCE_TABLES[name], path)
