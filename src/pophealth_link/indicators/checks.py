"""Checks on what a catalogue file says, before it becomes declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import date
from typing import Any

from pophealth_link.errors import JobError, Problem, nearest
from pophealth_link.indicators.checks_together import combination_problems, together_problems
from pophealth_link.indicators.declaration import CHOICES, EventRule, Indicator
from pophealth_link.schema import CODE_LISTS, DERIVED_TABLES, DWELLINGS, EVENT_TABLES, codes
from pophealth_link.schema import strata as strata_of_people
from pophealth_link.schema.core import Table

# Lists of codes that the schema names, so that a catalogue need not repeat them.
NAMED_CODES: Mapping[str, tuple[str, ...]] = {
    "HOUSING_DELAY_REASONS": codes.HOUSING_DELAY_REASONS,
    "SOCIAL_CARE_DELAY_REASONS": codes.SOCIAL_CARE_DELAY_REASONS,
}
_TABLES: Mapping[str, Table] = {**EVENT_TABLES, **DERIVED_TABLES}
_TEXT = (
    *("title", "domain", "unit", "numerator", "denominator", "source"),
    *("what_it_is", "what_it_is_not", "unnamed"),
)
_LAST_AGES = tuple(start - 1 for start in codes.AGE_BAND_STARTS.values() if start)
_FLAGS = ("index", "imputed_down", "composite", "once_a_day", "unknown_ages")
_INTERVALS = {
    "proportion": ("wilson", "none"),
    "rate": ("byar", "compound_poisson"),
    "score": ("none",),
}
_LEVELS = {
    "person": (
        *("counted", "events", "min_age", "max_age", "once_a_day", "among", "part_of", "unnamed"),
        *("each_of", "none_of", "at_least", "unknown_ages"),
    ),
    "property": ("column",),
    "area": ("measure", "deprivation", "composite", "imputed_down", "index", "weight", "area_type"),
}


def problems(tables: Mapping[str, Any]) -> list[Problem]:
    """Return every problem of a parsed catalogue; an empty list if there is none."""
    own = [problem for name, entry in tables.items() for problem in _of_indicator(name, entry)]
    return [*own, *together_problems(tables)]


def _problem(where: str, what: str) -> Problem:
    return Problem(JobError, where, what)


def _of_indicator(name: str, entry: Any) -> Iterator[Problem]:
    if not isinstance(entry, Mapping):
        yield _problem(name, "must be a table of keys.")
        return
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        yield _problem(name, "an id is made of small letters, digits and underscores.")
    declared = {each.name: each for each in fields(Indicator) if each.name != "id"}
    yield from _keys(name, entry, declared)
    yield from _words(name, entry)
    yield from _kinds(name, entry)
    yield from _meaning(name, entry)
    rules = entry.get("events", ())
    for place, rule in enumerate(rules if isinstance(rules, list) else ()):
        yield from _of_rule(f"{name}.events[{place}]", rule)


def _keys(where: str, entry: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[Problem]:
    for key in entry:
        if key not in declared:
            yield _problem(f"{where}.{key}", f"not a key.{nearest(key, declared)}")
    for key, each in declared.items():
        if each.default is MISSING and each.default_factory is MISSING and key not in entry:
            yield _problem(f"{where}.{key}", "is missing.")


def _words(where: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    for key, allowed in CHOICES.items():
        if key in entry and entry[key] not in allowed:
            given = str(entry[key])
            yield _problem(
                f"{where}.{key}", f"must be one of {', '.join(allowed)}.{nearest(given, allowed)}"
            )


def _kinds(where: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    for key in _TEXT:
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            yield _problem(f"{where}.{key}", "must be text.")
    for key in _FLAGS:
        if key in entry and not isinstance(entry[key], bool):
            yield _problem(f"{where}.{key}", "must be true or false.")
    if entry.get("direction", 0) not in (-1, 0, 1):
        yield _problem(f"{where}.direction", "must be 1, 0 or -1.")
    if not _whole(entry.get("multiplier", 1)):
        yield _problem(f"{where}.multiplier", "must be a whole number above 0.")
    if "min_age" in entry and entry["min_age"] not in codes.AGE_BAND_STARTS.values():
        starts = ", ".join(str(start) for start in codes.AGE_BAND_STARTS.values())
        yield _problem(f"{where}.min_age", f"must be the start of an age band: {starts}.")
    if "max_age" in entry and entry["max_age"] not in _LAST_AGES:
        ends = ", ".join(str(end) for end in _LAST_AGES)
        yield _problem(f"{where}.max_age", f"must be the last age of an age band: {ends}.")
    elif entry.get("max_age", 200) < entry.get("min_age", 0):
        yield _problem(f"{where}.max_age", "is below min_age: nobody is of these ages.")
    if entry.get("unknown_ages") and {"min_age", "max_age"} & entry.keys():
        yield _problem(f"{where}.unknown_ages", "goes with neither min_age nor max_age.")
    if not _whole(entry.get("at_least", 1)):
        yield _problem(f"{where}.at_least", "must be a whole number above 0.")
    yield from _listed(where, entry.get("settings", []), "settings", CODE_LISTS["setting"].codes)
    yield from _listed(where, entry.get("strata", []), "strata", strata_of_people.CHOICES)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _listed(where: str, given: Any, key: str, allowed: Iterable[str]) -> Iterator[Problem]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        yield _problem(f"{where}.{key}", "must be a list of text.")
        return
    for each in given:
        if each not in allowed:
            yield _problem(f"{where}.{key}", f"`{each}` is not a code.{nearest(each, allowed)}")


def _meaning(where: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that keys belong to the level, and that together they make one definition."""
    level = entry.get("level")
    for other, keys in _LEVELS.items():
        for key in keys:
            if other != level and level in _LEVELS and key in entry:
                yield _problem(f"{where}.{key}", f"has no meaning at level {level}.")
    if level == "person":
        yield from _person(where, entry)
    elif level == "property":
        yield from _column(where, "column", entry.get("column"), DWELLINGS, kind="boolean")
    elif level == "area":
        yield from _area(where, entry)
    statistic, interval = entry.get("statistic"), entry.get("interval")
    if statistic in _INTERVALS and interval not in _INTERVALS[statistic]:
        fitting = ", ".join(_INTERVALS[statistic])
        yield _problem(f"{where}.interval", f"of a {statistic} must be one of {fitting}.")
    if (statistic == "rate") is not (entry.get("period") == "period"):
        yield _problem(f"{where}.period", "is `period` for a rate, and only for a rate.")


def _person(where: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    if not isinstance(entry.get("events"), list) or not entry["events"]:
        yield _problem(f"{where}.events", "must name at least one event table.")
    if "counted" not in entry:
        yield _problem(f"{where}.counted", "is missing.")
    if entry.get("statistic") == "proportion" and entry.get("counted") != "people":
        yield _problem(f"{where}.counted", "a proportion counts people.")
    yield from combination_problems(where, entry)


def _area(where: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    given = [key for key in ("measure", "deprivation", "composite") if entry.get(key)]
    if len(given) != 1:
        yield _problem(where, "must have one of measure, deprivation, composite.")
    if entry.get("statistic") == "score" and "weight" not in entry:
        yield _problem(f"{where}.weight", "is missing: a score needs people or households.")
    # The other way is allowed: some official files give each LSOA its authority's value.
    if entry.get("area_type") == "lad" and not entry.get("imputed_down", False):
        yield _problem(f"{where}.imputed_down", "must be true with area_type lad.")
    if entry.get("imputed_down") and not entry.get("measure"):
        yield _problem(f"{where}.imputed_down", "is of a measure only.")
    if entry.get("index") and (entry.get("direction") == 0 or entry.get("role") != "need"):
        yield _problem(f"{where}.index", "a member of the index has role need and a direction.")
    if entry.get("index") and (entry.get("imputed_down") or entry.get("composite")):
        yield _problem(f"{where}.index", "an imputed or composite value cannot be a member.")


def _column(where: str, key: str, name: Any, table: Table, *, kind: str = "") -> Iterator[Problem]:
    valid = [column.name for column in table.columns if kind in ("", column.kind)]
    if name not in valid:
        yield _problem(
            f"{where}.{key}", f"not a column of {table.name}.{nearest(str(name), valid)}"
        )


def _of_rule(where: str, rule: Any) -> Iterator[Problem]:
    if not isinstance(rule, Mapping):
        yield _problem(where, "must be a table of keys.")
        return
    yield from _keys(where, rule, {each.name: each for each in fields(EventRule)})
    yield from _words(where, rule)
    if "since" in rule and not isinstance(rule["since"], date):
        yield _problem(f"{where}.since", "must be a date.")
    if not isinstance(rule.get("by_code", False), bool):
        yield _problem(f"{where}.by_code", "must be true or false.")
    if not _whole(rule.get("months", 1)):
        yield _problem(f"{where}.months", "must be a whole number above 0.")
    yield from _listed(where, rule.get("settings", []), "settings", CODE_LISTS["setting"].codes)
    name = rule.get("table")
    if name not in _TABLES:
        yield _problem(f"{where}.table", f"not an event table.{nearest(str(name), _TABLES)}")
        return
    yield from _of_columns(where, rule, _TABLES[str(name)])


def _of_columns(where: str, rule: Mapping[str, Any], table: Table) -> Iterator[Problem]:
    for key in ("date", "end"):
        if key in rule:
            yield from _column(where, key, rule[key], table, kind="date")
    if "event_id" in rule:
        yield from _column(where, "event_id", rule["event_id"], table)
    if "amount" in rule:
        yield from _column(where, "amount", rule["amount"], table, kind="integer")
    if rule.get("timing") in ("unresolved", "open", "overlap") and "end" not in rule:
        yield _problem(f"{where}.end", "is missing: this timing needs it.")
    for key in ("where", "pattern", "at_least", "resolved_by"):
        tests = rule.get(key, {})
        if not isinstance(tests, Mapping):
            yield _problem(f"{where}.{key}", "must be a table of columns.")
            continue
        for name, value in tests.items():
            unknown = list(_column(f"{where}.{key}", name, name, table))
            yield from unknown or _of_test(f"{where}.{key}", key, name, value, table)


def _of_test(where: str, key: str, name: str, value: Any, table: Table) -> Iterator[Problem]:
    if key == "at_least":
        if not _whole(value):
            yield _problem(f"{where}.{name}", "must be a whole number above 0.")
    elif key == "pattern":
        try:
            re.compile(value)
        except (re.error, TypeError):
            yield _problem(f"{where}.{name}", "must be a regular expression.")
    elif isinstance(value, str):
        if value not in NAMED_CODES:
            yield _problem(f"{where}.{name}", f"not a named list.{nearest(value, NAMED_CODES)}")
    else:
        code_list = table.column(name).codes
        if code_list is None:
            yield _problem(f"{where}.{name}", "has no code list.")
        else:
            yield from _listed(where, value, name, code_list.codes)
