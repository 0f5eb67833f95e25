"""Which column of a file holds which contract column."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pophealth_link.errors import Problem, nearest
from pophealth_link.schema import PEOPLE, Column
from pophealth_link.sources.dates import format_problem
from pophealth_link.sources.model import ALIASES, Only, TableFile, columns_of
from pophealth_link.sources.problems import data_problem, job_problem
from pophealth_link.sources.shape import Part, alternatives


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


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of one file: its name, their names, and which of the table are made otherwise.

    `made`: contract columns that are made otherwise, so that the file need not have them. `is_one`:
    columns from which others are made show that it is a header, and no row of values.
    """

    file: str
    names: Sequence[str]
    made: Collection[str] = ()
    is_one: bool = False


def resolve(
    file: TableFile, header: Header, where: str, only: Only = "all", part: Part | None = None
) -> tuple[dict[str, int], list[Problem]]:
    """Return contract column → position in `header`, and what is wrong.

    A column that does not belong to the half `only` may be absent.

    A name is looked for exactly, then without regard to case and outer blanks. Names that a
    preset knows are tried last, and only in columns that nothing else reads; where the contract's
    own name is among them, in their order.
    """
    known = part.columns if part else {}
    found: dict[str, list[int]] = {
        column.name: _own_positions(file, header.names, column.name, known)
        for column in file.table.columns
    }
    _add_candidates(file, header.names, found, known)
    if header.names and not any(found.values()) and not header.is_one:
        return {}, [_no_header(file, header, where)]
    problems = [
        *_absent(file, header, found, where, only, known),
        *_duplicates(file, header, found, where),
        *_shared(file, found, where),
    ]
    return {name: places[0] for name, places in found.items() if places}, problems


def _own_positions(
    file: TableFile, header: Sequence[str], name: str, known: Mapping[str, Sequence[str]]
) -> list[int]:
    if name in file.columns:
        told = positions(header, file.columns[name])
        if told or not file.shared:
            return told
    in_order = name in (each.strip().casefold() for each in known.get(name, ()))
    return [] if in_order else positions(header, name)


def positions(header: Sequence[str], wanted: str) -> list[int]:
    """Return where a name stands in a header: exactly, else whatever its case and outer blanks.

    >>> positions(["NHS_Number", " sex "], "SEX")
    [1]
    """
    exact = [place for place, name in enumerate(header) if name == wanted]
    if exact:
        return exact
    folded = wanted.strip().casefold()
    return [place for place, name in enumerate(header) if name.strip().casefold() == folded]


def first_of(name: str, names: Sequence[str]) -> int | None:
    """Return the position of the first alternative of a name that is in a header.

    >>> first_of("until|end", ["End", "start"])
    0
    """
    for each in alternatives(name):
        found = positions(names, each)
        if found:
            return found[0]
    return None


def lacking(file: str, name: str, names: Sequence[str], where: str) -> Problem:
    """Return the problem of a file without a column that its rows are told apart by."""
    wanted = alternatives(name)
    told = " or ".join(f"`{each}`" for each in wanted)
    close = nearest(wanted[0], [each.strip() for each in names])
    what = f"{file} has no column {told}, by which its rows are told apart.{close}"
    return data_problem(where, what, "export it with that column.")


def _add_candidates(
    file: TableFile,
    header: Sequence[str],
    found: dict[str, list[int]],
    known: Mapping[str, Sequence[str]],
) -> None:
    taken = {place for places in found.values() for place in places}
    for name, candidates in known.items():
        if found.get(name, [0]) or (name in file.columns and not file.shared):
            continue
        for candidate in candidates:
            free = [place for place in positions(header, candidate) if place not in taken]
            if free:
                found[name] = free
                taken.update(free)
                break


def _no_header(file: TableFile, header: Header, where: str) -> Problem:
    # The first row may be a record: none of it is shown.
    what = f"no column of {file.table.name} is in the first row of {header.file}."
    other = (
        "or map it in [sources.columns]." if file.mapped else f"of the names that {_names(file)}"
    )
    return data_problem(where, what, f"give the file a header row, {other}")


def _names(file: TableFile) -> str:
    return f"`pophealth-link describe {file.table.name}` prints."


def _absent(
    file: TableFile,
    header: Header,
    found: dict[str, list[int]],
    where: str,
    only: Only,
    known: Mapping[str, Sequence[str]],
) -> list[Problem]:
    taken = {place for places in found.values() for place in places}
    free = [name.strip() for place, name in enumerate(header.names) if place not in taken]
    named = () if file.shared else file.columns
    return [
        _missing(file, header, column, (free, known.get(column.name, ())), where)
        for column in columns_of(file.table, only)
        if not found[column.name]
        and ((column.required and column.name not in header.made) or column.name in named)
    ]


def _missing(
    file: TableFile,
    header: Header,
    column: Column,
    names: tuple[Sequence[str], Sequence[str]],
    where: str,
) -> Problem:
    """Return the problem of an absent column; `names`: free ones of the header, known ones."""
    free, known = names
    mapped = file.columns.get(column.name)
    name = mapped or column.name
    asked = f" (for `{column.name}`)" if mapped else ""
    close = next((hint for each in (name, *known) if (hint := nearest(each, free))), "")
    what = f"{header.file} has no column `{name}`{asked}.{close}"
    fix = f'name it, [sources.columns] {column.name} = "<column in the file>"'
    if not file.mapped:
        fix = f"add it, or give the file's own column the name that {_names(file)}"
    return data_problem(where, what, fix)


def _duplicates(
    file: TableFile, header: Header, found: dict[str, list[int]], where: str
) -> list[Problem]:
    return [
        data_problem(
            where,
            f"{header.file} has {len(places)} columns named "
            f"`{file.columns.get(name, header.names[places[0]].strip())}`.",
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
