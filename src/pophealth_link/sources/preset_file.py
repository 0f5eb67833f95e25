"""Reading the settings of a preset file strictly: every wrong one is told, with what is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pophealth_link.errors import Problem, nearest
from pophealth_link.schema import TABLES, Table
from pophealth_link.sources.problems import job_problem
from pophealth_link.sources.shape import (
    Latest,
    Lookup,
    OpenEnds,
    Part,
    Priority,
    Spells,
    Whole,
)

T = TypeVar("T")
Told = Mapping[str, Any]

PART_KEYS = (
    "files", "columns", "formats", "dates", "missing", "combine", "pad", "constants", "values",
    "where", "require", "require_any", "codelist", "stack", "lookup",
)  # fmt: skip
_LATEST = ("of", "by", "otherwise")
_SPELLS = ("of", "order", "last", "greatest", "otherwise")
WHOLE_KEYS = ("latest", "open", "spells", "priority")
TABLE_KEYS = (*PART_KEYS, *WHOLE_KEYS, "parts", "required", "optional")


@dataclass(slots=True)
class Settings:
    """The settings of one table of a preset file, with what is wrong so far."""

    where: str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, setting: str, what: str) -> None:
        """Note what is wrong with a setting."""
        place = f"{self.where}.{setting}" if setting else self.where
        self.problems.append(job_problem(place, what))

    def table(self, told: Told, name: str, valid: Sequence[str] | None = None) -> Told:
        """Return a table among `told`; one of the settings `valid`, if these are given."""
        found = told.get(name, {})
        if not isinstance(found, Mapping):
            self.wrong(name, "must be a table.")
            return {}
        self.known(found, valid, name)
        return found

    def known(self, told: Told, valid: Sequence[str] | None, place: str = "") -> None:
        """Note the settings that there are not."""
        for each in told:
            if valid is not None and each not in valid:
                where = f"{place}.{each}" if place else each
                self.wrong(where, f"not a setting.{nearest(each, valid)}")

    def texts(self, told: Told, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty where it is left out."""
        found = told.get(name, [])
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return tuple(found)
        self.wrong(name, "must be a list of texts in quotation marks.")
        return ()

    def text(self, told: Told, name: str) -> str:
        """Return a text, empty where it is left out."""
        found = told.get(name, "")
        if isinstance(found, str):
            return found
        self.wrong(name, "must be text in quotation marks.")
        return ""

    def flag(self, told: Told, name: str) -> bool:
        """Return true or false, false where it is left out."""
        found = told.get(name, False)
        if isinstance(found, bool):
            return found
        self.wrong(name, "must be true or false.")
        return False

    def each(
        self,
        told: Told,
        name: str,
        read: Callable[[Settings, Told, str], T],
        valid: Table | None = None,
    ) -> dict[str, T]:
        """Return a table of values, each by `read`; its settings are columns of `valid`, if any."""
        found = self.table(told, name)
        if valid is not None:
            self.columns(name, tuple(found), valid)
        inner = Settings(f"{self.where}.{name}", self.problems)
        return {key: read(inner, found, key) for key in found}

    def columns(self, name: str, given: Sequence[str], table: Table) -> None:
        """Note the names that are no columns of the table."""
        for each in given:
            if each not in table.names:
                close = nearest(each, table.names)
                self.wrong(name, f"`{each}` is not a column of {table.name}.{close}")


def part_of(settings: Settings, told: Told, table: Table) -> Part:
    """Return how one kind of file fills a table; what is wrong is noted in `settings`."""
    texts = settings.texts
    stack = dict(settings.table(told, "stack"))
    position, apart = (
        settings.text(stack, each) if isinstance(stack.get(each), str) else ""
        for each in ("position", "apart")
    )
    texts_only = ("position", "apart")
    stacked = {k: v for k, v in stack.items() if k not in texts_only or not isinstance(v, str)}
    if len(stacked) > 1:
        settings.wrong("stack", "names more than one column: stack each in a part of its own.")
    part = Part(
        files=texts(told, "files"),
        columns=settings.each(told, "columns", Settings.texts, table),
        formats=settings.each(told, "formats", Settings.texts, table),
        dates=texts(told, "dates"),
        missing=texts(told, "missing"),
        combine=settings.each(told, "combine", _items, table),
        constants=settings.each(told, "constants", Settings.text, table),
        values={
            name: _values(settings, name, each)
            for name, each in settings.table(told, "values").items()
        },
        where=settings.each(told, "where", Settings.texts),
        pad=settings.each(told, "pad", _width, table),
        require=texts(told, "require"),
        require_any=texts(told, "require_any"),
        codelist=texts(told, "codelist"),
        stack=settings.each({"stack": stacked}, "stack", Settings.texts, table),
        position=position,
        apart=apart,
        lookup=tuple(_lookup(settings, each) for each in _list_of(settings, told, "lookup")),
    )
    given = {
        "values": part.values,
        "require": part.require,
        "stack": [position] if position else [],
    }
    for name, columns in given.items():
        settings.columns(name, tuple(columns), table)
    return part


def whole_of(settings: Settings, told: Told) -> Whole:
    """Return what is done with all parts of a table together."""
    latest = settings.table(told, "latest", _LATEST)
    ends = settings.table(told, "open", ("end", "until", "month", "within"))
    spells = settings.table(told, "spells", _SPELLS)
    first = settings.table(told, "priority", ("of", "start", "end", "end_counts"))
    texts, text = settings.texts, settings.text
    made = Whole(
        Latest(*(texts(latest, name) for name in _LATEST)) if latest else None,
        OpenEnds(text(ends, "end"), *(texts(ends, name) for name in ("until", "month", "within")))
        if ends
        else None,
        Spells(*(texts(spells, name) for name in _SPELLS)) if spells else None,
        Priority(
            texts(first, "of"), text(first, "start"), text(first, "end"),
            settings.flag(first, "end_counts"),
        )
        if first
        else None,
    )  # fmt: skip
    for name in ("latest", "spells", "priority"):
        each = getattr(made, name)
        if each is not None and not each.of:
            settings.wrong(f"{name}.of", "is missing: the columns that rows have in common.")
    return made


def check_whole(settings: Settings, whole: Whole, table: Table) -> None:
    """Note columns that must be of the table and are not."""
    if whole.spells:
        settings.columns("spells", (*whole.spells.last, *whole.spells.greatest), table)
    if whole.open:
        settings.columns("open", (whole.open.end,), table)
        if not (whole.open.until or whole.open.month):
            settings.wrong("open", "needs until or month: when the row was submitted.")
    if whole.priority:
        settings.columns("priority", (whole.priority.start, whole.priority.end), table)


def table_named(name: str, settings: Settings) -> Table | None:
    """Return the table of the schema; note where there is none."""
    if name in TABLES:
        return TABLES[name]
    settings.wrong("", f"not a table.{nearest(name, TABLES)}")
    return None


def _items(settings: Settings, told: Told, name: str) -> tuple[str, ...]:
    """Return a list of columns, each with alternatives of its own or none."""
    found = told.get(name)
    items = found if isinstance(found, list) else []
    names = ["|".join(each) if _is_texts(each) else each for each in items]
    if names and all(isinstance(each, str) for each in names):
        return tuple(names)
    settings.wrong(name, "must be a list of columns of the file.")
    return ()


def _width(settings: Settings, told: Told, name: str) -> int:
    """Return how many digits a number has."""
    found = told.get(name)
    if isinstance(found, int) and not isinstance(found, bool) and found > 1:
        return found
    settings.wrong(name, "must be how many digits the whole number has.")
    return 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _values(settings: Settings, name: str, told: Any) -> dict[str, str]:
    if isinstance(told, Mapping) and all(isinstance(each, str) for each in told.values()):
        return {str(value): code for value, code in told.items()}
    settings.wrong(f"values.{name}", 'must be a table such as "value in the file" = "code".')
    return {}


def _list_of(settings: Settings, told: Told, name: str) -> list[Told]:
    found = told.get(name, [])
    if isinstance(found, list) and all(isinstance(each, Mapping) for each in found):
        return found
    settings.wrong(name, "must be a list of tables.")
    return []


def _lookup(settings: Settings, told: Told) -> Lookup:
    names = ("files", "on", "take", "latest_by")
    settings.known(told, (*names, "each"), "lookup")
    files, on, take, latest_by = (settings.texts(told, name) for name in names)
    made = Lookup(files, on, take, latest_by, settings.flag(told, "each"))
    for name in ("files", "on", "take"):
        if not getattr(made, name):
            settings.wrong(f"lookup.{name}", "is missing.")
    return made
