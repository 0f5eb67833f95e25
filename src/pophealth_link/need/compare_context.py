"""What differs between two baselines besides the counts: definitions, lists, vintages, linkage."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from pophealth_link.need.derived_rules import ETHNIC_GROUP, changed_groups, changed_pathways
from pophealth_link.need.snapshot import CONDITION, Snapshot
from pophealth_link.schema import DERIVED_TABLES
from pophealth_link.schema.outputs_compare import CHANGED_DEFINITIONS

REGISTER_SETTING = "primary_care"
DEPRIVATION = "deprivation"
_ABSENT = "absent"
_WITHHELD = "withheld"
# What of a rule names conditions.
_CODED = ("where", "resolved_by")
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Source:
    """A source: its setting, the event tables that it gives, and the share of records linked.

    `tables`: none where they are not known; `rate`: none where it is withheld.
    """

    setting: str | None
    tables: frozenset[str] | None
    rate: float | None


@dataclass(frozen=True, slots=True)
class Context:
    """What is not the same, for judging changes.

    `known`: both baselines have a snapshot. `redefined`: indicators whose settings or code lists
    changed. `groups`: groups of ethnic categories that a category left or came to. `fifths`: the
    deprivation edition changed. `settings`: settings whose number of sources changed. `linkage`:
    the sources of both, by name.
    """

    known: bool
    redefined: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    fifths: bool = False
    policy: bool = False
    library: bool = False
    settings: frozenset[str] = frozenset()
    linkage: tuple[Mapping[str, Source], Mapping[str, Source]] = field(default=({}, {}))


def context(before: Snapshot | None, after: Snapshot | None) -> Context:
    """Return what is not the same in two snapshots."""
    if before is None or after is None:
        return Context(known=False)
    return Context(
        known=True,
        redefined=frozenset(_redefined(before, after)),
        groups=_groups(before, after).get(ETHNIC_GROUP, frozenset()),
        fifths=before.vintages.get(DEPRIVATION) != after.vintages.get(DEPRIVATION),
        policy=dict(before.policy) != dict(after.policy),
        library=before.library != after.library,
        settings=frozenset(_other_sources(before, after)),
        linkage=_linkage(before, after),
    )


def changed_definitions(before: Snapshot | None, after: Snapshot | None) -> pl.DataFrame:
    """Return CHANGED_DEFINITIONS: everything in which two snapshots differ, one row each, sorted.

    Settings of an indicator that are in one only are `absent` in the other. Codes of a list are
    counted, those that came and those that went. Without both snapshots nothing is known, and one
    row says so.
    """
    if before is None or after is None:
        rows: list[_Row] = [
            ("snapshot", "all", "one of the baselines came without a snapshot", None, None)
        ]
    else:
        rows = [*_definitions(before, after), *_lists(before, after), *_others(before, after)]
    return pl.DataFrame(rows, schema=CHANGED_DEFINITIONS.polars_schema, orient="row").sort(
        CHANGED_DEFINITIONS.names[:3]
    )


_Row = tuple[str, str, str, str | None, str | None]


def _definitions(before: Snapshot, after: Snapshot) -> Iterator[_Row]:
    for name in sorted({*before.definitions, *after.definitions}):
        then, now = before.definitions.get(name), after.definitions.get(name)
        if then is None or now is None:
            told = (_ABSENT, "defined") if then is None else ("defined", _ABSENT)
            yield ("definition", name, "indicator", *told)
            continue
        for key in sorted({*then, *now}):
            if then.get(key) != now.get(key):
                yield ("definition", name, key, _text(then.get(key)), _text(now.get(key)))


def _lists(before: Snapshot, after: Snapshot) -> Iterator[_Row]:
    for name in sorted({*before.code_lists, *after.code_lists}):
        then, now = (set(each.code_lists.get(name, ())) for each in (before, after))
        if then != now:
            what = f"{len(now - then):,} codes came, {len(then - now):,} went"
            yield ("code_list", name, what, f"{len(then):,} codes", f"{len(now):,} codes")


def _others(before: Snapshot, after: Snapshot) -> Iterator[_Row]:
    for name in sorted({*before.vintages, *after.vintages}):
        then, now = before.vintages.get(name), after.vintages.get(name)
        if then != now:
            yield ("vintage", name, "edition", then or _ABSENT, now or _ABSENT)
    pairs: dict[str, tuple[str, str]] = {
        "library": (before.library, after.library),
        "policy": (_text(dict(before.policy)), _text(dict(after.policy))),
        "as_of": (before.as_of.isoformat(), after.as_of.isoformat()),
        "period": (_days(before), _days(after)),
    }
    for name, (earlier, later) in pairs.items():
        if earlier != later:
            yield (name, "all", name, earlier, later)
    for setting, rates in _rates(before, after).items():
        if rates[0] != rates[1]:
            then, now = (_rate_word(each, setting, rate) for each, rate in zip(
                (before, after), rates, strict=True))  # fmt: skip
            yield ("linkage", setting, "share of records linked", then, now)
    held = _sources(before), _sources(after)
    for name in sorted({*held[0], *held[1]}):
        then, now = (_own_rate(each.get(name)) for each in held)
        if then != now:
            yield ("linkage", f"source {name}", "share of records linked", then, now)
    yield from _of_derived(before, after)


def _own_rate(source: Source | None) -> str:
    if source is None:
        return _ABSENT
    return _WITHHELD if source.rate is None else f"{source.rate:.1%}"


def _of_derived(before: Snapshot, after: Snapshot) -> Iterator[_Row]:
    """Return the rows of pathways, and of code groups, where both snapshots hold them."""
    if not (before.derived and after.derived):
        return
    held = [{each["id"]: each for each in s.derived.get("pathways", ())} for s in (before, after)]
    order = [_text([*each]) for each in held]
    if order[0] != order[1]:
        yield ("pathway", "all", "which there are, in the order of trying", order[0], order[1])
    for name in sorted({*held[0]} & {*held[1]}):
        for key in sorted({*held[0][name], *held[1][name]}):
            then, now = (each[name].get(key) for each in held)
            if then != now:
                yield ("pathway", name, key, _text(then), _text(now))
    groups = [s.derived.get("groups", {}) for s in (before, after)]
    for name in sorted(_groups(before, after)):
        own = [each.get(name, {}) for each in groups]
        for code in sorted({*own[0], *own[1]}):
            if own[0].get(code) != own[1].get(code):
                then, now = (_text(each.get(code)) for each in own)
                yield ("code_group", name, code, then, now)


def _days(snapshot: Snapshot) -> str:
    return " to ".join(day.isoformat() for day in snapshot.period)


def _text(value: Any) -> str:
    if value is None:
        return _ABSENT
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _redefined(before: Snapshot, after: Snapshot) -> set[str]:
    """Return the indicators whose settings or codes changed, and those made of such ones."""
    lists = {
        name.removeprefix(CONDITION)
        for name in {*before.code_lists, *after.code_lists}
        if name.startswith(CONDITION)
        and set(before.code_lists.get(name, ())) != set(after.code_lists.get(name, ()))
    }
    both = {*before.definitions} & {*after.definitions}
    parted = _parted(before, after)
    found = {
        name
        for name in both
        if before.definitions[name] != after.definitions[name]
        or lists & _conditions(after.definitions[name])
        or any(_tests(rule, parted) for rule in after.definitions[name].get("events", ()))
    }
    while more := {n for n in both - found if _made_of(after.definitions[n]) & found}:
        found |= more
    return found


def _groups(before: Snapshot, after: Snapshot) -> Mapping[str, frozenset[str]]:
    if not (before.derived and after.derived):
        return {}
    return changed_groups(before.derived, after.derived)


def _parted(before: Snapshot, after: Snapshot) -> Mapping[str, frozenset[str]]:
    """Return, by the name of a code list, the codes that other records now come to or left."""
    if not (before.derived and after.derived):
        return {}
    pathways = changed_pathways(before.derived, after.derived)
    return {"pathway": pathways, **_groups(before, after)}


def _tests(rule: Mapping[str, Any], parted: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a rule of a derived table asks for one of the codes."""
    table = DERIVED_TABLES.get(str(rule.get("table")))
    lists = {} if table is None else {c.name: c.codes.name for c in table.columns if c.codes}
    asked = rule.get("where", {})
    return any(
        parted.get(lists.get(column, ""), frozenset()) & {*codes} for column, codes in asked.items()
    )


def _conditions(settings: Mapping[str, Any]) -> set[str]:
    """Return the conditions of records that an indicator looks for, and those that undo them."""
    held = [rule.get(key, {}) for rule in settings.get("events", ()) for key in _CODED]
    return {code for columns in held for code in columns.get("condition", ())}


def _made_of(settings: Mapping[str, Any]) -> set[str]:
    """Return the indicators among whose people it counts, or that it is composed of."""
    return {settings["among"]} if "among" in settings else set(settings.get("members", ()))


def _other_sources(before: Snapshot, after: Snapshot) -> Iterator[str]:
    counted = [Counter(each["setting"] for each in s.linkage) for s in (before, after)]
    for setting in {*counted[0], *counted[1]}:
        if counted[0][setting] != counted[1][setting]:
            yield setting


def _rates(before: Snapshot, after: Snapshot) -> dict[str, tuple[float | None, float | None]]:
    found = [_rate_by_setting(each) for each in (before, after)]
    names = sorted({*found[0], *found[1]})
    return {name: (found[0].get(name), found[1].get(name)) for name in names}


def _rate_word(snapshot: Snapshot, setting: str, rate: float | None) -> str:
    if rate is not None:
        return f"{rate:.1%}"
    return _WITHHELD if setting in _rate_by_setting(snapshot) else _ABSENT


def _linkage(before: Snapshot, after: Snapshot) -> tuple[dict[str, Source], dict[str, Source]]:
    """Return the sources of both; tables that one snapshot does not tell are those of the other."""
    held = _sources(before), _sources(after)
    told = [{name: each.tables for name, each in own.items()} for own in held]
    then, now = (
        {name: replace(each, tables=other.get(name)) if each.tables is None else each
         for name, each in own.items()}
        for own, other in zip(held, reversed(told), strict=True)
    )  # fmt: skip
    return then, now


def _sources(snapshot: Snapshot) -> dict[str, Source]:
    """Return the sources by name; one without records has no share of them linked and is none."""
    return {
        each["source"]: Source(each["setting"], _tables(each), _rate(each))
        for each in snapshot.linkage
        if each["records"] != 0
    }


def _tables(each: Mapping[str, Any]) -> frozenset[str] | None:
    held = each.get("tables")
    return None if held is None else frozenset(held)


def _rate(each: Mapping[str, Any]) -> float | None:
    if each["records"] is None or each["linked"] is None:
        return None
    return round(min(1.0, float(each["linked"]) / float(each["records"])), _DECIMALS)


def _rate_by_setting(snapshot: Snapshot) -> dict[str, float | None]:
    """Return the share of records linked, all sources of a setting together, as released.

    None where every source of it has its numbers withheld; a source without records has no share.
    """
    sums: dict[str, list[float]] = {}
    for each in snapshot.linkage:
        if each["records"] == 0:
            continue
        total = sums.setdefault(each["setting"], [0.0, 0.0])
        if each["records"] is not None and each["linked"] is not None:
            total[0] += each["linked"]
            total[1] += each["records"]
    return {
        name: round(min(1.0, linked / of), _DECIMALS) if of else None
        for name, (linked, of) in sums.items()
    }
