"""What a person should know of files that can be read, as far as their headers show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pophealth_link.schema import PEOPLE, Table
from pophealth_link.sources.headers import first_of
from pophealth_link.sources.layout import Layout, every_layout
from pophealth_link.sources.lookups import LOOKED
from pophealth_link.sources.model import Only, TableFile
from pophealth_link.sources.shape import AUXILIARY, alternatives, key_of

# Columns of people that mean the same only where they come from one column of the files.
_ALIKE = ("record_id", "nhs_number")


def cautions(file: TableFile, only: Only = "all") -> list[str]:
    """Return what is doubtful in the files of a table: nothing that forbids reading them.

    A part for which a file lacks the columns; resubmissions that cannot be told; people whose key
    or number is from other columns in other files.
    """
    found = every_layout(file, "", only)
    sound = [each for each in found if not each.problems]
    told = [*_left_out(file.table, found), *_without_key(file, sound)]
    if file.table.name == PEOPLE.name:
        people = [each for each in sound if _may_hold_people(each)]
        told += [each for column in _ALIKE for each in _unlike(column, people)]
    return list(dict.fromkeys(told))


def columns_used(file: TableFile, column: str) -> tuple[str, ...]:
    """Return the names that a contract column has in the headers of the files, in their order."""
    names = [_origin(each, column) for each in every_layout(file, "") if not each.problems]
    return tuple(dict.fromkeys(name for name in names if name))


def _left_out(table: Table, found: Sequence[Layout]) -> Iterator[str]:
    for each in found:
        if each.is_left_out:
            kind = ", ".join(f"{name} {text}" for name, text in each.part.constants.items())
            what = f" ({kind})" if kind else ""
            yield f"{each.problems[0].what} It is not read for {table.name}{what}."


def _without_key(file: TableFile, found: Sequence[Layout]) -> Iterator[str]:
    rule = file.whole.latest
    if rule is None:
        return
    for each in found:
        absent = [_lacks(each, of, file.table) for of in (rule.of, rule.otherwise) if of]
        if all(absent):
            names = " and no column ".join(absent[0])
            yield (
                f"{each.path.name} has no column {names}, by which rows of {file.table.name} that "
                "were submitted again are told: all its rows count."
            )


def _lacks(layout: Layout, of: Sequence[str], table: Table) -> list[str]:
    return [
        " or ".join(alternatives(name)) for name in of if key_of(name, table) not in layout.found
    ]


def _may_hold_people(layout: Layout) -> bool:
    names = layout.part.require_any
    return not names or any(key_of(name, PEOPLE) in layout.found for name in names)


def _unlike(column: str, found: Sequence[Layout]) -> Iterator[str]:
    names = sorted({name for each in found if (name := _origin(each, column))}, key=str.casefold)
    if len({name.casefold() for name in names}) > 1:
        yield (
            f"{column} is read from {' and '.join(names)} in different files: who is in both is "
            "taken for two people, unless the columns hold the same ids."
        )


def _origin(layout: Layout, column: str) -> str:
    """Return the column of the file that fills a contract column, or those that make it."""
    if column in layout.places:
        return layout.header[layout.places[column]].strip()
    if column in layout.named:
        return layout.named[column].removeprefix(LOOKED)
    items = [item.removeprefix(AUXILIARY) for item in layout.combined.get(column, ())]
    places = [first_of(item, layout.header) for item in items]
    return " with ".join(layout.header[place].strip() for place in places if place is not None)
