"""Presets: described extracts, declared as data in `presets/*.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pophealth_link.errors import JobError, Problem, nearest
from pophealth_link.schema import TABLES, Table
from pophealth_link.sources.model import NhsNumberKind, TableFile
from pophealth_link.sources.problems import job_problem


@dataclass(frozen=True, slots=True)
class PresetTable:
    """What an extract calls the columns of one table, and how it writes dates."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Preset:
    """A described extract. `setting` is empty for an extract about dwellings."""

    name: str
    meaning: str
    setting: str
    unique_people: bool
    nhs_number_kind: NhsNumberKind
    tables: Mapping[str, PresetTable]

    def apply(self, file: TableFile) -> TableFile:
        """Return `file` with what the extract is known to call columns and how it writes dates.

        What `file` says itself holds. Aliases have the names and formats of people.
        """
        table = "people" if file.table.name == "aliases" else file.table.name
        known = self.tables.get(table, PresetTable())
        return replace(
            file,
            candidates=_of(file.table, {**known.columns, **file.candidates}),
            formats={**_of(file.table, known.formats), **file.formats},
        )


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets, sorted.

    >>> "gp_register" in preset_names()
    True
    """
    names = (each.name for each in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def preset_problems(name: str, where: str) -> list[Problem]:
    """Return the problem of a preset that does not exist, with the nearest name; else nothing."""
    valid = preset_names()
    if name in valid:
        return []
    what = f"`{name}` is not a preset.{nearest(name, valid)}"
    return [job_problem(where, what, f"use {', '.join(valid)}.")]


def preset(name: str) -> Preset:
    """Return the preset of that name. Raises `JobError` where there is none.

    >>> preset("adult_social_care").setting
    'local_authority'
    """
    wrong = preset_problems(name, "preset")
    if wrong:
        raise JobError(wrong[0].what, fix=wrong[0].fix)
    told = tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8"))
    return Preset(
        name=name,
        meaning=told["meaning"],
        setting=told.get("setting", ""),
        unique_people=told.get("unique_people", False),
        nhs_number_kind=told.get("nhs_number_kind", "clear"),
        tables={TABLES[each].name: _preset_table(of) for each, of in told["tables"].items()},
    )


def _preset_table(told: Mapping[str, Any]) -> PresetTable:
    return PresetTable(
        columns={name: tuple(each) for name, each in told.get("columns", {}).items()},
        formats={name: tuple(each) for name, each in told.get("formats", {}).items()},
    )


def _of(table: Table, told: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: each for name, each in told.items() if name in table.names}


def _folder() -> Traversable:
    return resources.files("pophealth_link.sources") / "presets"
