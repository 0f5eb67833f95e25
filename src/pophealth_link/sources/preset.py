"""Presets: described extracts, declared as data in `presets/*.toml` or in a file of the job's own.

docs/sources.md says what a preset may declare.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pophealth_link.errors import JobError, Problem, nearest
from pophealth_link.schema import CODE_LISTS, Table
from pophealth_link.sources.files import fits
from pophealth_link.sources.model import NhsNumberKind, TableFile
from pophealth_link.sources.preset_file import (
    PART_KEYS,
    TABLE_KEYS,
    Settings,
    check_whole,
    part_of,
    table_named,
    whole_of,
)
from pophealth_link.sources.problems import job_problem, refuse
from pophealth_link.sources.shape import Part, Whole

_TOP = (
    "meaning", "source", "setting", "unique_people", "nhs_number_kind", "clear_numbers",
    "token_numbers", "dates", "missing", "tables",
)  # fmt: skip
_KINDS = ("clear", "token")


@dataclass(frozen=True, slots=True)
class PresetTable:
    """What an extract's files of one table are like.

    `required`: a folder must have them. `optional`: a file that holds other tables of the extract
    need not have the columns of this one.
    """

    parts: tuple[Part, ...] = (Part(),)
    whole: Whole = field(default_factory=Whole)
    required: bool = False
    optional: bool = False

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Contract column → names that the extract gives it, in any part."""
        return _merged(part.columns for part in self.parts)

    @property
    def formats(self) -> Mapping[str, tuple[str, ...]]:
        """Date column → formats, in any part."""
        return _merged(part.formats for part in self.parts)

    def parts_for(self, path: Path) -> tuple[Part, ...]:
        """Return the parts that a path holds which is named for this very table.

        Patterns choose among the parts where these differ in them, and matter no more otherwise; a
        file whose name fits none is offered to all.
        """
        if len({part.files for part in self.parts}) == 1:
            return tuple(replace(part, files=()) for part in self.parts)
        if path.is_dir():
            return self.parts
        fitting = [part for part in self.parts if fits(path.name, part.files)]
        return tuple(replace(part, files=()) for part in fitting or self.parts)

    def is_named(self, path: Path) -> bool:
        """Return whether the name of a file says that it holds this table, or none does."""
        return any(fits(path.name, part.files) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Preset:
    """A described extract. `setting` is empty for an extract about dwellings, or of events alone.

    `source` says where the names of columns are from; `told` is the file as it is. `kinds`: column
    in the file, in small letters → what kind of NHS number it holds.
    """

    name: str
    meaning: str
    setting: str
    unique_people: bool
    nhs_number_kind: NhsNumberKind
    tables: Mapping[str, PresetTable]
    source: str = ""
    kinds: Mapping[str, NhsNumberKind] = field(default_factory=dict, repr=False)
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def apply(self, file: TableFile) -> TableFile:
        """Return `file`, named for its table, with what is known of such files.

        What `file` says itself holds. Aliases have the names and formats of people, and no more.
        """
        if file.table.name == "aliases":
            known = self.tables.get("people", PresetTable())
            return replace(file, parts=tuple(_bare(p, file.table) for p in known.parts[:1]))
        known = self.tables.get(file.table.name, PresetTable())
        return replace(file, parts=known.parts_for(file.path), whole=known.whole)

    def apply_to_all(self, file: TableFile) -> TableFile:
        """Return `file`, whose path holds all tables of the extract, with its own parts of it."""
        known = self.tables.get(file.table.name, PresetTable())
        if file.path.is_dir():
            return replace(file, parts=known.parts, whole=known.whole)
        return self.apply(file)


NO_PRESET = Preset("", "", "", unique_people=False, nhs_number_kind="clear", tables={})


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets, sorted.

    >>> "gp_register" in preset_names()
    True
    """
    names = (each.name for each in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def preset_problems(name: str, where: str, folder: Path | None = None) -> list[Problem]:
    """Return what is wrong with a preset: it does not exist, or its file is wrong.

    A `name` that ends in `.toml` is a file of the job's own, in `folder`.
    """
    valid = preset_names()
    if _is_file(name):
        return _read_own(name, where, folder)[1]
    if name in valid:
        return []
    what = f"`{name}` is not a preset.{nearest(name, valid)}"
    return [job_problem(where, what, f"use {', '.join(valid)}.")]


def preset(name: str, folder: Path | None = None) -> Preset:
    """Return the preset of that name, or in that file of `folder`.

    Raises `JobError` where there is none, or with all that is wrong in the file.

    >>> preset("adult_social_care").setting
    'local_authority'
    """
    if _is_file(name):
        made, wrong = _read_own(name, name, folder)
        refuse(name, wrong)
        return made
    wrong = preset_problems(name, "preset")
    if wrong:
        raise JobError(wrong[0].what, fix=wrong[0].fix)
    made, wrong = parse((_folder() / f"{name}.toml").read_text(encoding="utf-8"), name, name)
    refuse(name, wrong)
    return made


def parse(text: str, name: str, where: str) -> tuple[Preset, list[Problem]]:
    r"""Return the preset that a TOML text declares, and what is wrong with it.

    >>> parse('meaning = "People."\n[tables.people.columns]\nsex = ["Gender"]', "own", "own")[1]
    []
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = str(error).rpartition("(")[2].rstrip(")")
        what = f"is not TOML: it cannot be read {place if place.startswith('at ') else ''}".rstrip()
        return NO_PRESET, [job_problem(where, f"{what}.")]
    top = Settings(where)
    top.known(told, _TOP)
    found: dict[str, PresetTable] = {}
    for each, of in top.table(told, "tables").items():
        settings = Settings(f"{where}.tables.{each}", top.problems)
        table = table_named(each, settings)
        if table is not None and isinstance(of, dict):
            found[each] = _table(settings, {**_shared(top, told), **of}, table, told)
    if not found and not top.problems:
        top.wrong("tables", "is missing: describe at least one table.")
    made = Preset(
        name=name,
        meaning=top.text(told, "meaning"),
        setting=_one_of(top, told, "setting", tuple(CODE_LISTS["setting"].codes)),
        unique_people=top.flag(told, "unique_people"),
        nhs_number_kind=_one_of(top, told, "nhs_number_kind", _KINDS) or "clear",  # type: ignore[arg-type]
        tables=found,
        source=top.text(told, "source"),
        kinds=_kinds(top, told),
        told=told,
    )
    return made, top.problems


def _table(
    settings: Settings, told: dict[str, Any], table: Table, top: Mapping[str, Any]
) -> PresetTable:
    settings.known(told, TABLE_KEYS)
    own = told.pop("parts", [])
    if not isinstance(own, list) or not all(isinstance(each, dict) for each in own):
        settings.wrong("parts", "must be a list of tables: [[tables.NAME.parts]].")
        own = []
    shared = {key: value for key, value in told.items() if key in PART_KEYS}
    parts = []
    for place, each in enumerate(own or [{}]):
        inner = Settings(f"{settings.where}.parts[{place}]" if own else settings.where)
        inner.known(each, PART_KEYS)
        made = part_of(inner, _over(shared, each), table)
        missing = (*settings.texts(top, "missing"), *made.missing)
        parts.append(replace(made, missing=tuple(dict.fromkeys(missing))))
        settings.problems.extend(inner.problems)
    whole = whole_of(settings, told)
    check_whole(settings, whole, table)
    flags = (settings.flag(told, name) for name in ("required", "optional"))
    return PresetTable(tuple(parts), whole, *flags)


def _kinds(top: Settings, told: Mapping[str, Any]) -> dict[str, NhsNumberKind]:
    clear, token = (top.texts(told, name) for name in ("clear_numbers", "token_numbers"))
    found: dict[str, NhsNumberKind] = {each.casefold(): "clear" for each in clear}
    return found | {each.casefold(): "token" for each in token}


def _shared(top: Settings, told: Mapping[str, Any]) -> dict[str, Any]:
    dates = top.texts(told, "dates")
    return {"dates": list(dates)} if dates else {}


def _over(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a part: its own, and in each table those that it does not say."""
    both = {**shared, **own}
    for name in own:
        if isinstance(own[name], dict) and isinstance(shared.get(name), dict):
            both[name] = {**shared[name], **own[name]}
    return both


def _one_of(top: Settings, told: Mapping[str, Any], name: str, valid: tuple[str, ...]) -> str:
    found = top.text(told, name)
    if found and found not in valid:
        top.wrong(name, f"must be one of {', '.join(valid)}.{nearest(found, valid)}")
        return ""
    return found


def _read_own(name: str, where: str, folder: Path | None) -> tuple[Preset, list[Problem]]:
    path = (folder or Path()) / name
    if not path.is_file():
        what = f"{name} does not exist (looked in the job file's folder)."
        return NO_PRESET, [job_problem(where, what)]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return NO_PRESET, [job_problem(where, f"{name} cannot be read as UTF-8 text.")]
    return parse(text, path.stem, where)


def _is_file(name: str) -> bool:
    return name.endswith(".toml")


def _bare(part: Part, table: Table) -> Part:
    """Return a part with its names, formats and missing texts alone, of the columns of `table`."""
    own = (
        {n: v for n, v in told.items() if n in table.names} for told in (part.columns, part.formats)
    )
    columns, formats = own
    return Part(columns=columns, formats=formats, dates=part.dates, missing=part.missing)


def _merged(told: Iterator[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in told:
        for name, texts in each.items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *texts)))
    return found


def _folder() -> Traversable:
    return resources.files("pophealth_link.sources") / "presets"
