"""`pack.toml`: what a reference pack says about itself and about each of its tables."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from pophealth_link.errors import Problem, ReferenceDataError, nearest

FORMAT = 1


@dataclass(frozen=True, slots=True)
class TableAbout:
    """Where a table came from, what it describes and what its file held when it was written.

    `valid_from` and `valid_to` bound the days that the table describes (none: unbounded); `files`
    names those that it was made of, each with its sha256; `rows` and `sha256` are filled in when
    the pack is made.
    """

    publisher: str
    title: str
    licence: str
    vintage: str
    valid_from: date | None = None
    valid_to: date | None = None
    attribution: str = ""
    files: str = ""
    rows: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class PackAbout:
    """A pack's name, number of areas in the national ranking, and tables."""

    name: str
    n_areas: int
    tables: Mapping[str, TableAbout]


_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("publisher", "title", "licence", "vintage"), str),
    **dict.fromkeys(("attribution", "files", "sha256"), str),
    **dict.fromkeys(("valid_from", "valid_to"), date),
    "rows": int,
}
_KINDS: Mapping[type, str] = {str: "text", int: "whole number", date: "date"}
_REQUIRED = ("publisher", "title", "licence", "vintage", "rows", "sha256")


def _toml_value(value: str | int | date) -> str:
    if isinstance(value, str):
        # JSON's escapes are TOML's, but JSON lets the delete character through.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return value.isoformat() if isinstance(value, date) else str(value)


def _section(header: str, values: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in values.items() if value is not None and value != ""}
    lines = [f"{key} = {_toml_value(value)}" for key, value in kept.items()]
    return "\n".join([*([header] if header else []), *lines, ""])


def render(about: PackAbout) -> str:
    r"""Return the text of `pack.toml`; its first line holds a digest of those below it.

    >>> print(render(PackAbout("example", 33755, {})).split("\n", 1)[1])
    format = 1
    name = "example"
    n_areas = 33755
    <BLANKLINE>
    """
    head = _section("", {"format": FORMAT, "name": about.name, "n_areas": about.n_areas})
    tables = [
        _section(f"[tables.{name}]", {f.name: getattr(table, f.name) for f in fields(table)})
        for name, table in sorted(about.tables.items())
    ]
    content = "\n".join([head, *tables])
    return f'digest = "{_digest(content)}"\n{content}'


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def altered(text: str) -> bool:
    """Say whether the text of `pack.toml` is not as it was written.

    >>> text = render(PackAbout("example", 33755, {}))
    >>> altered(text), altered(text.replace("33755", "33756"))
    (False, True)
    """
    found = re.match(r'digest = "([0-9a-f]{64})"\n', text)
    return found is None or found.group(1) != _digest(text[found.end() :])


def _wrong(where: str, what: str) -> Problem:
    return Problem(ReferenceDataError, where, what)


def _is(value: object, kind: type) -> bool:
    # Exactly: a boolean is an integer to Python, and a time of day a date.
    return type(value) is kind


def _table_problems(name: str, values: object) -> list[Problem]:
    where = f"pack.toml: tables.{name}"
    if not isinstance(values, Mapping):
        return [_wrong(where, "must be a table.")]
    missing = [_wrong(where, f"has no `{key}`.") for key in _REQUIRED if key not in values]
    unknown = [
        _wrong(where, f"`{key}` is not a setting.{nearest(key, _TYPES)}")
        for key in values
        if key not in _TYPES
    ]
    wrong = [
        _wrong(where, f"`{key}` must be a {_KINDS[kind]}.")
        for key, kind in _TYPES.items()
        if key in values and not _is(values[key], kind)
    ]
    return missing + unknown + wrong


def _head_problems(content: Mapping[str, Any]) -> list[Problem]:
    problems = []
    if content.get("format") != FORMAT:
        problems.append(_wrong("pack.toml: format", f"must be {FORMAT}."))
    if not _is(content.get("name"), str) or not content["name"]:
        problems.append(_wrong("pack.toml: name", "must be a text."))
    if not _is(content.get("n_areas"), int) or content["n_areas"] < 1:
        problems.append(_wrong("pack.toml: n_areas", "must be a number of areas above 0."))
    if not isinstance(content.get("tables"), Mapping):
        problems.append(_wrong("pack.toml: tables", "must be a table of tables."))
    return problems


def parse(text: str) -> tuple[PackAbout, list[Problem]]:
    """Read the text of `pack.toml`; tables with a problem are left out of the result."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return PackAbout("", 0, {}), [_wrong("pack.toml", "is not valid TOML.")]
    problems = _head_problems(content)
    if problems:
        return PackAbout("", 0, {}), problems
    found = {name: _table_problems(name, values) for name, values in content["tables"].items()}
    tables = {
        name: TableAbout(**values) for name, values in content["tables"].items() if not found[name]
    }
    about = PackAbout(content["name"], content["n_areas"], tables)
    return about, [problem for each in found.values() for problem in each]
