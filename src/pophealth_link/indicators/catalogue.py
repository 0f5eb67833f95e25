"""The catalogue of indicators, read from TOML and checked as it is read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pophealth_link.errors import JobError, nearest, raise_problems
from pophealth_link.indicators import codelists, overlap, waiting
from pophealth_link.indicators.checks import NAMED_CODES, problems
from pophealth_link.indicators.declaration import EventRule, Indicator, Level

# Several files, so that none is long; the index comes last. Overlaps and the like are declared once
# in files of their own, from which their definitions are made.
_FILES = (
    *("catalogue.toml", "catalogue_recorded.toml", "catalogue_context.toml"),
    *("catalogue_services.toml", "catalogue_areas.toml"),
)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The indicators by id, in the order of their file."""

    indicators: Mapping[str, Indicator]

    def __getitem__(self, name: str) -> Indicator:
        """Return the indicator of that id; `JobError` naming the nearest if there is none."""
        if name not in self.indicators:
            raise JobError(f"`{name}` is not an indicator.{nearest(name, self.indicators)}")
        return self.indicators[name]

    def __iter__(self) -> Iterator[Indicator]:
        """Iterate over the indicators in the order of their file."""
        return iter(self.indicators.values())

    def __len__(self) -> int:
        """Return how many indicators there are."""
        return len(self.indicators)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in the order of the file."""
        return tuple(self.indicators)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains in the order of the file."""
        return tuple(dict.fromkeys(each.domain for each in self))

    def at(self, level: Level) -> tuple[Indicator, ...]:
        """Return the indicators of a level; the composite index is none of them."""
        return tuple(each for each in self if each.level == level and not each.composite)

    def members(self) -> tuple[Indicator, ...]:
        """Return the indicators that make up the need index."""
        return tuple(each for each in self if each.index)


def catalogue() -> Catalogue:
    """Return the catalogue that the library ships.

    >>> catalogue()["depression_recorded"].ages
    'aged 18 or over'
    """
    return _catalogue(_shipped_tables(), "the shipped catalogue", None)


def _shipped_tables() -> dict[str, Any]:
    texts = [_shipped(name) for name in _FILES]
    tables, why = _parsed("\n".join([*texts, waiting.catalogue_text()]))
    if why:
        raise JobError("the shipped catalogue is not TOML.", why)
    return {**tables, **overlap.definitions(tomllib.loads(_shipped(overlap.FILE)), tables)}


def _shipped(name: str) -> str:
    return files("pophealth_link.indicators").joinpath(name).read_text("utf-8")


def load(path: Path) -> Catalogue:
    """Return the catalogue in a TOML file; `JobError` with every problem of the file at once.

    Code lists that it names as CSV files are looked for in its folder.
    """
    if not path.is_file():
        raise JobError(f"{path} does not exist.", fix="name a catalogue file that exists")
    return read(path.read_text("utf-8"), str(path), folder=path.parent)


def extended(path: Path) -> Catalogue:
    """Return the shipped catalogue with the definitions of a file added, or in place of its own.

    Raises `JobError` as `load` does.
    """
    if not path.is_file():
        raise JobError(f"{path} does not exist.", fix="name a catalogue file that exists")
    tables, why = _parsed(path.read_text("utf-8"))
    if why:
        raise JobError(f"{path} is not TOML.", why)
    return _catalogue({**_shipped_tables(), **tables}, str(path), path.parent)


def read(text: str, subject: str = "the catalogue", *, folder: Path | None = None) -> Catalogue:
    """Return the catalogue in TOML text; `subject` is what error messages call it.

    Raises `JobError`, once, with every problem: text that is not TOML, unknown keys, tables,
    columns, codes and code lists (each with the nearest valid name), missing keys, and keys that
    contradict each other. `folder`: where code lists by file are.

    >>> len(read(""))
    0
    """
    tables, why = _parsed(text)
    if why:
        raise JobError(f"{subject} is not TOML.", why)
    return _catalogue(tables, subject, folder)


def _catalogue(tables: dict[str, Any], subject: str, folder: Path | None) -> Catalogue:
    listed = codelists.with_patterns(tables, folder)
    raise_problems(subject, [*problems(listed.tables), *listed.problems])
    return Catalogue({name: _indicator(name, entry) for name, entry in listed.tables.items()})


def _parsed(text: str) -> tuple[dict[str, Any], str]:
    try:
        return tomllib.loads(text), ""
    except tomllib.TOMLDecodeError as error:
        return {}, str(error)


_LISTS = ("settings", "each_of", "none_of", "part_of", "strata")


def _indicator(name: str, entry: Mapping[str, Any]) -> Indicator:
    rules = tuple(_rule(rule) for rule in entry.get("events", ()))
    lists: dict[str, Any] = {key: tuple(entry.get(key, ())) for key in _LISTS}
    rest = {key: value for key, value in entry.items() if key not in ("events", *_LISTS)}
    return Indicator(id=name, events=rules, **lists, **rest)


def _rule(entry: Mapping[str, Any]) -> EventRule:
    coded = {
        key: {name: _codes(value) for name, value in entry.get(key, {}).items()}
        for key in ("where", "resolved_by")
    }
    return EventRule(**{**entry, **coded, "settings": tuple(entry.get("settings", ()))})


def _codes(value: str | list[str]) -> tuple[str, ...]:
    return NAMED_CODES[value] if isinstance(value, str) else tuple(value)
