"""The data dictionary, made from the declarations of tables and code lists."""

from __future__ import annotations

import polars as pl

from pophealth_link.errors import JobError, nearest
from pophealth_link.schema import CODE_LISTS, TABLES
from pophealth_link.schema.core import CodeList, Column, Table

_SCHEMA = pl.Schema(
    {
        "table": pl.String,
        "column": pl.String,
        "kind": pl.String,
        "meaning": pl.String,
        "codes": pl.String,
        "unit": pl.String,
        "sensitivity": pl.String,
        "required": pl.Boolean,
    }
)


def dictionary() -> pl.DataFrame:
    """Return every column of every table, one row each, in the order of the declarations.

    `codes` spells out the values of a code column; `sensitivity` is that of the table, save for
    identifiers, which are identifiable wherever they are.

    >>> dictionary().columns
    ['table', 'column', 'kind', 'meaning', 'codes', 'unit', 'sensitivity', 'required']
    """
    rows = [_row(name, table, column) for name, table in TABLES.items() for column in table.columns]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def describe(name: str) -> pl.DataFrame:
    """Return the dictionary of one table, or the codes of one code list with their meanings.

    Raises `JobError` with the nearest name where neither a table nor a code list has it.

    >>> describe("homelessness_duty").get_column("code").to_list()
    ['prevention', 'relief', 'main']
    """
    if name in TABLES:
        return dictionary().filter(pl.col("table") == name)
    if name in CODE_LISTS:
        codes = CODE_LISTS[name].codes
        return pl.DataFrame({"code": list(codes), "meaning": list(codes.values())})
    valid = [*TABLES, *CODE_LISTS]
    raise JobError(f"`{name}` is not a table or a code list.{nearest(name, valid)}")


def _row(name: str, table: Table, column: Column) -> tuple[str | bool | None, ...]:
    sensitivity = "identifiable" if column.identifier else table.sensitivity
    return (
        name,
        column.name,
        column.kind,
        column.meaning,
        _codes_text(column.codes) if column.codes else None,
        column.unit,
        sensitivity,
        column.required,
    )


def _codes_text(codes: CodeList) -> str:
    return "; ".join(f"{code} = {meaning}" for code, meaning in codes.codes.items())
