"""Clinical code lists of the definitions: shipped for ICD-10, by file for SNOMED CT and others."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from pophealth_link.errors import JobError, Problem, nearest

_HEADER = "code"
_CODE = re.compile(r"[A-Za-z0-9.]+")


def code_lists() -> Mapping[str, tuple[str, ...]]:
    """Return the shipped lists: name → categories and subcategories of ICD-10, without points.

    Each has its meaning and source in `indicators/icd10.toml`.

    >>> code_lists()["eating_disorder"]
    ('F50',)
    """
    text = files("pophealth_link.indicators").joinpath("icd10.toml").read_text("utf-8")
    return {name: tuple(entry["codes"]) for name, entry in tomllib.loads(text).items()}


@dataclass(frozen=True, slots=True)
class Listed:
    """The tables of a catalogue with patterns in place of code lists, and what was wrong."""

    tables: Mapping[str, Any] = field(repr=False)
    problems: tuple[Problem, ...] = ()


def with_patterns(tables: Mapping[str, Any], folder: Path | None) -> Listed:
    """Return the tables of a catalogue with the patterns of the code lists that rules name.

    A rule says `codes = { column = "list" }`; `folder` is where lists by file are.
    """
    shipped = code_lists()
    wrong: list[Problem] = []
    made = {name: _of_entry(name, entry, folder, shipped, wrong) for name, entry in tables.items()}
    return Listed(made, tuple(wrong))


def _of_entry(
    name: str,
    entry: Any,
    folder: Path | None,
    shipped: Mapping[str, tuple[str, ...]],
    wrong: list[Problem],
) -> Any:
    rules = entry.get("events") if isinstance(entry, Mapping) else None
    if not isinstance(rules, list) or not any(_named(rule) for rule in rules):
        return entry
    done = []
    for place, rule in enumerate(rules):
        named, patterns = _named(rule), {}
        for column, asked in named.items():
            try:
                patterns[column] = pattern_of(str(asked), folder, shipped)
            except JobError as error:
                where = f"{name}.events[{place}].codes.{column}"
                wrong.append(Problem(JobError, where, " ".join([error.headline, *error.lines])))
        rest = {key: value for key, value in rule.items() if key != "codes"} if named else rule
        done.append({**rest, "pattern": {**rest.get("pattern", {}), **patterns}} if named else rule)
    return {**entry, "events": done}


def _named(rule: Any) -> Mapping[str, Any]:
    named = rule.get("codes", {}) if isinstance(rule, Mapping) else {}
    return named if isinstance(named, Mapping) else {}


def pattern_of(name: str, folder: Path | None, shipped: Mapping[str, tuple[str, ...]]) -> str:
    """Return the regular expression of a shipped list, or of a CSV file beside the catalogue.

    Codes of digits alone (SNOMED CT) match exactly; others (ICD-10) match what begins with them,
    with or without its point. Raises `JobError` where there is no such list or file.

    >>> pattern_of("eating_disorder", None, code_lists())
    '^(?:F50)'
    """
    if name in shipped:
        return pattern(shipped[name])
    if not name.endswith(".csv"):
        raise JobError(f"`{name}` is not a code list.{nearest(name, shipped)}")
    path = (folder or Path()) / name
    if not path.is_file():
        raise JobError(f"{name} does not exist (looked in the catalogue's folder).")
    return pattern(_read(path))


def files_named(path: Path) -> tuple[Path, ...]:
    """Return the code lists by file that a catalogue's rules name, each once, in order of name.

    Only files that are there; none where the catalogue is not TOML: `catalogue.load` tells of both.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    shipped = code_lists()
    rules = (
        rule
        for entry in tables.values()
        if isinstance(entry, Mapping) and isinstance(entry.get("events"), list)
        for rule in entry["events"]
    )
    named = {str(name) for rule in rules for name in _named(rule).values()} - shipped.keys()
    found = (path.parent / name for name in sorted(named) if name.endswith(".csv"))
    return tuple(each for each in found if each.is_file())


def lists_of(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the codes of each list by file that a catalogue's rules name, by the file's name.

    Raises `JobError` where one is not a code list.
    """
    return {each.name: tuple(sorted({*_read(each)})) for each in files_named(path)}


def pattern(codes: Sequence[str]) -> str:
    """Return the regular expression of codes: whole ones of digits, the beginning of others.

    >>> pattern(["F323", "35489007"])
    '^(?:35489007$|F32[.]?3)'
    """
    return f"^(?:{'|'.join(_one(code) for code in sorted(set(codes)))})"


def _one(code: str) -> str:
    bare = code.replace(".", "").upper()
    if bare.isdigit():
        return f"{bare}$"
    # The point stands after the third place: F32.3.
    return f"{bare[:3]}[.]?{bare[3:]}" if len(bare) > 3 else bare


def _read(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    named = [str(row.get(_HEADER) or "").strip() for row in rows]
    wrong = sum(not _CODE.fullmatch(code) for code in named)
    if not rows or wrong:
        raise JobError(
            f"{path.name} is not a code list.",
            f"{wrong:,} of {len(rows):,} rows have no code of letters and digits in `{_HEADER}`.",
            fix="give a CSV file with a column `code`, one code a row.",
        )
    return named
