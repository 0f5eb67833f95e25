"""Reading a file under its contract: check it, read it, refuse it or count what it held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import polars as pl

from pophealth_link.errors import DataError, Problem
from pophealth_link.schema import Table
from pophealth_link.sources import columnar, delimited
from pophealth_link.sources.accepting import accept, nothing
from pophealth_link.sources.delimited import Chunk
from pophealth_link.sources.files import kind_of, parts_of, path_problems
from pophealth_link.sources.headers import resolve, setting_problems
from pophealth_link.sources.model import (
    Accepted,
    Only,
    PropertySource,
    Source,
    TableFile,
    columns_of,
)
from pophealth_link.sources.problems import data_problem, refuse

Place = TypeVar("Place", int, str)


@dataclass(frozen=True, slots=True)
class _Layout:
    """The header of a file, the place of each contract column in it, and what is wrong."""

    header: tuple[str, ...]
    places: Mapping[str, int]
    problems: tuple[Problem, ...]


def check(file: TableFile, where: str, *, only: Only = "all") -> list[Problem]:
    """Return everything that is wrong with `file`, as far as settings and header show.

    `where` is the setting that names the file, such as `sources[1].people`. Wrong settings and
    an absent file are `JobError` problems; what a file holds is a `DataError` problem. A table
    with a unique key (people, dwellings) needs at least one row; events may have none. `only` is
    the half that will be read: a column of the other half may be absent.
    """
    return [*setting_problems(file, where), *_layout(file, where, only).problems]


def check_source(source: Source | PropertySource, where: str) -> list[Problem]:
    """Return the problems of all files of `source`; `where` is such as `sources[1]`."""
    if isinstance(source, PropertySource):
        return check(source.dwellings, f"{where}.path")
    files = [("people", source.people)]
    files += [(f"events[{place}].path", each) for place, each in enumerate(source.events)]
    files += [("aliases", source.aliases)] if source.aliases else []
    return [problem for name, file in files for problem in check(file, f"{where}.{name}")]


def found_columns(file: TableFile) -> tuple[str, ...]:
    """Return the contract columns that `file` has, in their order; none if it cannot be read."""
    places = _layout(file, "").places
    return tuple(name for name in file.table.names if name in places)


def read(file: TableFile, *, where: str, only: Only = "all") -> Accepted:
    """Return the rows of `file` that keep the contract, those that do not, and the counts.

    `where` names the source (and table) in messages. `only` is the half to read: "identifiers"
    gives keys, identifiers and the facts that place a person; "attributes" never loads an
    identifier. Raises `JobError` or `DataError` with all problems at once: those of `check`,
    a key that is not unique, and date columns of which not one value can be read.
    """
    accepted = load(file, where=where, only=only)
    refuse(where, accepted.problems)
    return accepted


def load(
    file: TableFile, *, where: str, only: Only = "all", known: pl.Series | None = None
) -> Accepted:
    """Return what `read` returns, with its problems in `problems` instead of an error.

    For a caller that loads several files and then raises once, by `refuse`. `known`: where
    given, rows with another `record_id` go to quarantine as `unknown_record_id`.
    """
    layout = _layout(file, where, only)
    problems = (*setting_problems(file, where), *layout.problems)
    if problems:
        return nothing(file.table, only, problems)
    places = _wanted(layout.places, file.table, only)
    chunks = _chunks(file, layout, places)
    damage = ""
    try:
        return accept(chunks, file.table, file.formats, where=where, only=only, known=known)
    except DataError as error:
        damage = error.headline
    return nothing(file.table, only, (data_problem(where, damage, "export it again."),))


def read_aliases(file: TableFile, known: pl.Series, *, where: str) -> Accepted:
    """Return further rows of identifiers of the people whose `record_id` is in `known`.

    Rows of others are quarantined as `unknown_record_id`. The table of `file` is `ALIASES`.
    Raises as `read` does.
    """
    accepted = load(file, where=where, known=known)
    refuse(where, accepted.problems)
    return accepted


def from_frame(
    frame: pl.DataFrame,
    table: Table,
    *,
    where: str,
    columns: Mapping[str, str] | None = None,
    formats: Mapping[str, tuple[str, ...]] | None = None,
    only: Only = "all",
) -> Accepted:
    """Return what `read` would return if `frame` were a file. Raises as `read` does.

    >>> from pophealth_link.schema import PEOPLE
    >>> from_frame(pl.DataFrame({"record_id": ["1", None]}), PEOPLE, where="gp")
    Accepted(rows_in=2, accepted=1, quarantined=1, unreadable_values=0, problems=0)
    """
    file = TableFile(table, Path("the frame"), columns or {}, formats or {})
    places, problems = resolve(file, frame.columns, where)
    names = {name: frame.columns[place] for name, place in places.items()}
    wrong_types = columnar.type_problems(table, frame.schema, names, where)
    refuse(where, [*setting_problems(file, where), *problems, *wrong_types])
    wanted = _wanted(names, table, only)
    chunk = columnar.frame_chunk(frame, table, wanted)
    accepted = accept([chunk], table, file.formats, where=where, only=only)
    refuse(where, accepted.problems)
    return accepted


def conform(
    frame: pl.DataFrame,
    table: Table,
    *,
    where: str,
    formats: Mapping[str, tuple[str, ...]] | None = None,
) -> pl.DataFrame:
    """Return `frame` with the columns and types of `table`; a row without a key is an error.

    Raises `JobError` or `DataError` as `read` does.
    """
    accepted = from_frame(frame, table, where=where, formats=formats)
    rows, keys = accepted.counts.quarantined, ", ".join(table.keys)
    if rows:
        raise DataError(
            f"`{keys}` in {where} is not always filled.",
            f"{rows:,} of {frame.height:,} rows have none.",
            fix="leave these rows out, or give them one.",
        )
    return accepted.frame


def _wanted(places: Mapping[str, Place], table: Table, only: Only) -> dict[str, Place]:
    names = (column.name for column in columns_of(table, only))
    return {name: places[name] for name in names if name in places}


def _layout(file: TableFile, where: str, only: Only = "all") -> _Layout:
    wrong = path_problems(file.path, where)
    if wrong:
        return _Layout((), {}, tuple(wrong))
    if kind_of(file.path) == "delimited":
        return _text_layout(file, where, only)
    return _parquet_layout(file, where, only)


def _text_layout(file: TableFile, where: str, only: Only) -> _Layout:
    header = delimited.read_header(file.path)
    if not header:
        what = f"the first row of {file.path} cannot be read as a header."
        return _Layout((), {}, (data_problem(where, what, "export it again."),))
    places, problems = resolve(file, header, where, only)
    empty = [] if delimited.has_rows(file.path) else _no_rows(file, where)
    return _Layout(tuple(header), places, (*problems, *empty))


def _parquet_layout(file: TableFile, where: str, only: Only) -> _Layout:
    parts = parts_of(file.path)
    wrong = columnar.schema_problems(parts, where)
    schema = columnar.read_schema(parts[0])
    if wrong or schema is None:
        return _Layout((), {}, tuple(wrong))
    header = schema.names()
    places, problems = resolve(file, header, where, only)
    names = {name: header[place] for name, place in places.items()}
    types = columnar.type_problems(file.table, schema, names, where)
    empty = [] if columnar.count_rows(parts) else _no_rows(file, where)
    return _Layout(tuple(header), places, (*problems, *types, *empty))


def _no_rows(file: TableFile, where: str) -> list[Problem]:
    if not file.table.unique:
        return []
    return [data_problem(where, f"{file.path} has a header and no rows.", "export it again.")]


def _chunks(file: TableFile, layout: _Layout, places: Mapping[str, int]) -> Iterator[Chunk]:
    if kind_of(file.path) == "delimited":
        return delimited.read_chunks(file.path, len(layout.header), places)
    names = {name: layout.header[place] for name, place in places.items()}
    return columnar.read_parts(parts_of(file.path), file.table, names)
