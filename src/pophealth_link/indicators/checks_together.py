"""Checks on what definitions say of parts, and of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pophealth_link.errors import JobError, Problem, nearest

_COMBINING = ("each_of", "none_of")


def together_problems(tables: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the definitions that name another one."""
    for name, entry in tables.items():
        if not isinstance(entry, Mapping):
            continue
        named = entry.get("part_of", [])
        if not isinstance(named, list):
            yield _problem(f"{name}.part_of", "must be a list of ids.")
            named = []
        for other in named:
            if other not in tables:
                yield _problem(f"{name}.part_of", f"`{other}` is no id.{nearest(other, tables)}")
        if "among" in entry:
            yield from _among(name, entry, tables)


def _among(name: str, entry: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that the people of another definition can be a denominator."""
    where, other = f"{name}.among", str(entry["among"])
    if other not in tables:
        yield _problem(where, f"`{other}` is no id.{nearest(other, tables)}")
        return
    theirs = tables[other]
    for key in ("min_age", "max_age"):
        if entry.get(key) != theirs.get(key):
            yield _problem(where, f"`{other}` has another {key}: its people are of other ages.")
    if theirs.get("counted") != "people" or theirs.get("among"):
        yield _problem(where, f"`{other}` does not count people among everyone.")
    if not entry.get("statistic") == theirs.get("statistic") == "proportion":
        yield _problem(where, "is of a proportion, and of a proportion's people.")
    if not set(_families(entry)) <= set(_families(theirs)):
        yield _problem(where, f"`{other}` is not given by all the strata of {name}.")


def _families(entry: Mapping[str, Any]) -> list[str]:
    from pophealth_link.schema.strata import CHOICES

    return list(entry.get("strata") or CHOICES)


def combination_problems(where: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the parts of one definition."""
    rules = [rule for rule in entry.get("events", ()) if isinstance(rule, Mapping)]
    parts = {rule["part"] for rule in rules if "part" in rule}
    if parts and any("part" not in rule for rule in rules):
        yield _problem(f"{where}.events", "must all have a part, or none.")
    if parts and entry.get("counted") != "people":
        yield _problem(f"{where}.counted", "must be people where parts are combined.")
    for key in _COMBINING:
        for part in entry.get(key, []):
            if part not in parts:
                yield _problem(f"{where}.{key}", f"`{part}` is no part.{nearest(part, parts)}")
    amounts = [rule.get("amount") for rule in rules]
    if (entry.get("counted") == "amount") is not (bool(amounts) and all(amounts)):
        yield _problem(f"{where}.counted", "is `amount` where every rule has one, and only there.")


def _problem(where: str, what: str) -> Problem:
    return Problem(JobError, where, what)
