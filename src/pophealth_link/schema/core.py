"""What a table declaration is: columns with type, meaning, code list and sensitivity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

Kind = Literal["text", "code", "integer", "number", "date", "boolean", "geometry"]
Sensitivity = Literal["identifiable", "person", "area", "releasable"]

POLARS_TYPES: Mapping[Kind, pl.DataType] = {
    "text": pl.String(),
    "code": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "date": pl.Date(),
    "boolean": pl.Boolean(),
    "geometry": pl.Binary(),
}


@dataclass(frozen=True, slots=True)
class CodeList:
    """The values that a code column may hold, each with its meaning, and where they come from."""

    name: str
    meaning: str
    source: str
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `required`: the file must have it. `key`: a row without it is quarantined."""

    name: str
    kind: Kind
    meaning: str
    codes: CodeList | None = None
    required: bool = False
    key: bool = False
    identifier: bool = False
    unit: str | None = None

    @property
    def dtype(self) -> pl.DataType:
        """The Polars type of the column once read."""
        return POLARS_TYPES[self.kind]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, declared once: validation, quarantine and the dictionary come from it."""

    name: str
    meaning: str
    sensitivity: Sensitivity
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the columns that a file must have."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the columns that every row must fill."""
        return tuple(column.name for column in self.columns if column.key)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The names of the columns that only linkage may see."""
        return tuple(column.name for column in self.columns if column.identifier)

    @property
    def polars_schema(self) -> pl.Schema:
        """The Polars schema of the table once read."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    def unfit(self, found: Mapping[str, pl.DataType]) -> list[str]:
        """Return the columns that a frame of these types lacks or has of another type.

        A column of nulls alone is of any type.
        """
        return [c.name for c in self.columns if found.get(c.name) not in (c.dtype, pl.Null())]

    def empty(self) -> pl.DataFrame:
        """Return the table with no rows."""
        return pl.DataFrame(schema=self.polars_schema)
