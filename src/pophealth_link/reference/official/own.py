"""Files in the library's own form: the columns of a declared table, for what has no reader."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from pophealth_link.reference.official.kinds import Kind, Source, Wanted, days, numbers, whole
from pophealth_link.schema import Table
from pophealth_link.schema.reference import REFERENCE_TABLES

# A single key is in many files: some further column must be there as well.
_COLUMNS = 3


def _read(source: Source, table: Table) -> pl.DataFrame:
    held = [column for column in table.columns if source.has(column.name)]
    frame = source.frame(*(column.name for column in held))
    counts = [c.name for c in held if c.kind == "integer"]
    values = [c.name for c in held if c.kind == "number"]
    frame = numbers(source, frame, *counts, *values)
    frame = days(source, frame, *(c.name for c in held if c.kind == "date"))
    return frame.with_columns(whole(*counts))


def _kind(table: Table) -> Kind:
    def read(source: Source) -> Mapping[str, pl.DataFrame]:
        return {table.name: _read(source, table)}

    wanted = tuple(
        Wanted(
            column.name,
            f"^{re.escape(column.name.replace('_', ' '))}$",
            column.name,
            column.name in table.required,
        )
        for column in table.columns
    )
    more = min(len(wanted), _COLUMNS) - len(table.required)
    return Kind(
        f"own_{table.name}",
        f"the library's own form of `{table.name}`",
        "the owner of the file",
        wanted,
        read,
        any_of=max(0, more),
        licence="as the owner of the file says",
        order=90,
        closed=True,
        tables=(table.name,),
    )


KINDS = tuple(
    _kind(table)
    for table in REFERENCE_TABLES.values()
    if not any(column.kind == "geometry" for column in table.columns)
)
