"""Reading a file under its contract: check it, read it, refuse it or count what it held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from pophealth_link.errors import DataError, Problem
from pophealth_link.schema import Table
from pophealth_link.sources import codelists, columnar, delimited
from pophealth_link.sources.accepting import Rows, Wanted, accept, nothing
from pophealth_link.sources.delimited import Chunk
from pophealth_link.sources.files import kind_of
from pophealth_link.sources.headers import Header, resolve, setting_problems
from pophealth_link.sources.layout import Layout, layouts
from pophealth_link.sources.model import (
    Accepted,
    Only,
    PropertySource,
    Source,
    TableFile,
    columns_of,
)
from pophealth_link.sources.problems import data_problem, refuse
from pophealth_link.sources.rowwise import Steps
from pophealth_link.sources.shape import Part


def check(file: TableFile, where: str, *, only: Only = "all") -> list[Problem]:
    """Return everything that is wrong with `file`, as far as settings and header show.

    `where` is the setting that names the file, such as `sources[1].people`. Wrong settings and
    an absent file are `JobError` problems; what a file holds is a `DataError` problem. A table
    with a unique key (people, dwellings) needs at least one row; events may have none. `only` is
    the half that will be read: a column of the other half may be absent.
    """
    found = [problem for each in layouts(file, where, only) for problem in each.problems]
    return [*setting_problems(file, where), *found, *_codes(file, where)[1]]


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
    found = {name for each in layouts(file, "") for name in each.found}
    return tuple(name for name in file.table.names if name in found)


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
    found = layouts(file, where, only)
    codes, wrong = _codes(file, where)
    problems = [problem for each in found for problem in each.problems]
    problems = [*setting_problems(file, where), *problems, *wrong]
    if problems:
        return nothing(file.table, only, problems)
    submitted = tuple(dict.fromkeys(text for part in file.parts for text in part.dates))
    stacked = any(part.stack for part in file.parts)
    wanted = Wanted(file.table, where, only, file.whole, known, submitted, stacked)
    damage = ""
    try:
        return accept(_rows(file, found, codes), wanted)
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
    places, problems = resolve(file, Header("the frame", frame.columns), where)
    names = {name: frame.columns[place] for name, place in places.items()}
    wrong_types = columnar.type_problems(table, frame.schema, names, where)
    refuse(where, [*setting_problems(file, where), *problems, *wrong_types])
    wanted = [column.name for column in columns_of(table, only)]
    chunk = columnar.frame_chunk(frame, table, {n: names[n] for n in wanted if n in names})
    layout = Layout(file.path, 0, Part(), places=dict.fromkeys(chunk.frame.columns, 0))
    rows = Rows(chunk, Steps(layout), file.formats, "")
    accepted = accept([rows], Wanted(table, where, only))
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


def _codes(file: TableFile, where: str) -> tuple[pl.DataFrame | None, list[Problem]]:
    if file.codelist is None:
        return None, []
    return codelists.read(file.codelist, f"{where}.codelist")


def _rows(file: TableFile, found: list[Layout], codes: pl.DataFrame | None) -> Iterator[Rows]:
    """Yield the rows of all files in order, a piece at a time."""
    for layout in found:
        steps = Steps.of(layout, codes)
        formats = _formats(file, layout.part)
        for chunk in _chunks(file.table, layout):
            yield Rows(chunk, steps, formats, layout.path.name)


def _formats(file: TableFile, part: Part) -> Mapping[str, tuple[str, ...]]:
    """Return the formats of each date column: the job's, else the preset's for it or for all."""
    dates = [column.name for column in file.table.columns if column.kind == "date" and part.dates]
    return {**dict.fromkeys(dates, part.dates), **part.formats, **file.formats}


def _chunks(table: Table, layout: Layout) -> Iterator[Chunk]:
    if kind_of(layout.path) == "delimited":
        return delimited.read_chunks(layout.path, len(layout.header), layout.places)
    names = {name: layout.header[place] for name, place in layout.places.items()}
    return columnar.read_parts([layout.path], table, names)
