"""Which column of a file holds which contract column."""

from __future__ import annotations

from collections.abc import Sequence

from pophealth_link.errors import Problem, nearest
from pophealth_link.schema import PEOPLE, Column
from pophealth_link.sources.dates import format_problem
from pophealth_link.sources.model import ALIASES, Only, TableFile, columns_of
from pophealth_link.sources.problems import data_problem, job_problem


def setting_problems(file: TableFile, where: str) -> list[Problem]:
    """Return what is wrong with `columns` and `formats` as settings, whatever the file holds."""
    return [*_unknown_columns(file, where), *_format_problems(file, where)]


def _unknown_columns(file: TableFile, where: str) -> list[Problem]:
    # Aliases share the settings of their people, some columns of which they do not have.
    valid = PEOPLE.names if file.table is ALIASES else file.table.names
    return [
        job_problem(
            f"{where} {setting}",
            f"`{name}` is not a column of {file.table.name}.{nearest(name, valid)}",
        )
        for setting, given in (("columns", file.columns), ("formats", file.formats))
        for name in given
        if name not in valid
    ]


def _format_problems(file: TableFile, where: str) -> list[Problem]:
    return [
        job_problem(f"{where} formats", f"`{name}` {fault}")
        for name, formats in file.formats.items()
        if name in file.table.names
        for fault in _format_faults(file.table.column(name), formats)
    ]


def _format_faults(column: Column, formats: Sequence[str]) -> list[str]:
    if column.kind != "date":
        return ["is not a date column."]
    if not formats:
        return ["has an empty list of formats."]
    return [fault for each in formats if (fault := format_problem(each, column.name))]


def resolve(
    file: TableFile, header: Sequence[str], where: str, only: Only = "all"
) -> tuple[dict[str, int], list[Problem]]:
    """Return contract column → position in `header`, and what is wrong.

    A column that does not belong to the half `only` may be absent.

    A name is looked for exactly, then without regard to case and outer blanks. Names that a
    preset knows are tried last, and only in columns that nothing else reads.
    """
    found: dict[str, list[int]] = {
        column.name: _positions(header, file.columns.get(column.name, column.name))
        for column in file.table.columns
    }
    _add_candidates(file, header, found)
    if header and not any(found.values()):
        return {}, [_no_header(file, where)]
    problems = [
        *_absent(file, header, found, where, only),
        *_duplicates(file, header, found, where),
        *_shared(file, found, where),
    ]
    return {name: places[0] for name, places in found.items() if places}, problems


def _positions(header: Sequence[str], wanted: str) -> list[int]:
    exact = [place for place, name in enumerate(header) if name == wanted]
    if exact:
        return exact
    folded = wanted.strip().casefold()
    return [place for place, name in enumerate(header) if name.strip().casefold() == folded]


def _add_candidates(file: TableFile, header: Sequence[str], found: dict[str, list[int]]) -> None:
    taken = {place for places in found.values() for place in places}
    for name, candidates in file.candidates.items():
        if found.get(name, [0]) or name in file.columns:
            continue
        for candidate in candidates:
            free = [place for place in _positions(header, candidate) if place not in taken]
            if free:
                found[name] = free
                taken.update(free)
                break


def _no_header(file: TableFile, where: str) -> Problem:
    # The first row may be a record: none of it is shown.
    what = f"no column of {file.table.name} is in the first row of {file.path.name}."
    return data_problem(where, what, "give the file a header row, or map it in [sources.columns].")


def _absent(
    file: TableFile,
    header: Sequence[str],
    found: dict[str, list[int]],
    where: str,
    only: Only,
) -> list[Problem]:
    taken = {place for places in found.values() for place in places}
    free = [name.strip() for place, name in enumerate(header) if place not in taken]
    return [
        _missing(file, column, free, where)
        for column in columns_of(file.table, only)
        if not found[column.name] and (column.required or column.name in file.columns)
    ]


def _missing(file: TableFile, column: Column, free: list[str], where: str) -> Problem:
    mapped = file.columns.get(column.name)
    name = mapped or column.name
    asked = f" (for `{column.name}`)" if mapped else ""
    close = nearest(name, free)
    what = f"{file.path.name} has no column `{name}`{asked}.{close}"
    return data_problem(
        where, what, f'name it, [sources.columns] {column.name} = "<column in the file>"'
    )


def _duplicates(
    file: TableFile, header: Sequence[str], found: dict[str, list[int]], where: str
) -> list[Problem]:
    return [
        data_problem(
            where,
            f"{file.path.name} has {len(places)} columns named "
            f"`{file.columns.get(name, header[places[0]].strip())}`.",
            "rename all but one.",
        )
        for name, places in found.items()
        if len(places) > 1
    ]


def _shared(file: TableFile, found: dict[str, list[int]], where: str) -> list[Problem]:
    readers: dict[int, list[str]] = {}
    for name, places in found.items():
        for place in places[:1]:
            readers.setdefault(place, []).append(name)
    return [
        job_problem(
            f"{where} columns",
            f"{' and '.join(f'`{name}`' for name in names)} are read from one column.",
            "map each to a column of its own.",
        )
        for names in readers.values()
        if len(names) > 1
    ]
