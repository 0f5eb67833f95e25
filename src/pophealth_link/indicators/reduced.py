"""Event tables made small for rules that count people: one pass for all of them.

Whether a person has a row that counts follows from the last day of such a row, by person and code.
So each table that several rules look up by code is grouped once, by person and codes, with the last
day of the rows in time for each kind of time that the rules ask about; what the rules then look up
are tables of a row per person and code instead of a row per event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.indicators.declaration import EventRule, Indicator
from pophealth_link.indicators.events import Evidence, evidence_of
from pophealth_link.indicators.rows import Period, Plan, begun, in_time, tests, with_end

# A pass of its own is worth it from so many rules on.
FEWEST_RULES = 2
_PERSON, _SETTING, _ROWS, _NUMBER = "person_id", "setting", ".rows", ".number"


@dataclass(frozen=True)
class Reduced:
    """Events with reduced tables beside the given ones, and indicators that look up those.

    `events`: the tables by name. `indicators`: by id, the same but for the tables of their rules.
    `evidence`: what the given tables show, by the rule as given (`repr`).
    """

    events: Mapping[str, Frame]
    indicators: Mapping[str, Indicator]
    evidence: Mapping[str, Evidence]


def reduced(
    listed: Iterable[Indicator],
    people: Frame,
    events: Mapping[str, Frame],
    *,
    as_of: date,
    period: Period,
) -> Reduced:
    """Return events and indicators that count the same of the people, passing each table once.

    Rules of indicators that count people (`counted` or combined parts), by codes alone, are looked
    up in a reduced table; all others in the table as it is. Events of nobody in `people` are left
    out of reduced tables, and are part of the evidence.
    """
    indicators = {each.id: each for each in listed}
    groups: dict[tuple[object, ...], list[EventRule]] = {}
    for each in indicators.values():
        for rule in each.events:
            if _can(each, rule, events):
                rules = groups.setdefault((rule.table, rule.date, _codes(rule)), [])
                rules += [] if rule in rules else [rule]
    when, tables = (as_of, period), dict(events)
    ids = _ids(people) if groups else None
    shown: dict[str, Evidence] = {}
    names: dict[str, str] = {}
    for number, rules in enumerate(each for each in groups.values() if len(each) >= FEWEST_RULES):
        base, times = _base(lazy(events[rules[0].table]), rules, ids, *when)
        shown |= _evidence(base, rules)
        for place, time in enumerate(times):
            name = f"{rules[0].table} ({number}.{place})"
            alike = [rule for rule in rules if _time(rule) == time]
            tables[name] = _table(base, alike[0], place)
            names |= {repr(rule): name for rule in alike}
    for each in indicators.values():
        shown |= {
            repr(rule): evidence_of(rule, events, *when)
            for rule in each.events
            if repr(rule) not in shown
        }
    return Reduced(tables, {e.id: _renamed(e, names, events) for e in indicators.values()}, shown)


def _can(indicator: Indicator, rule: EventRule, events: Mapping[str, Frame]) -> bool:
    """Return whether a row per person and code tells as much as all rows do."""
    people = indicator.counted == "people" or bool(indicator.parts)
    by_code = bool(rule.where) and not (rule.pattern or rule.at_least or rule.amount)
    if not (people and by_code) or rule.timing == "latest" or rule.table not in events:
        return False
    held = lazy(events[rule.table]).collect_schema().names()
    return {rule.date, _PERSON, *rule.where, *rule.resolved_by} <= set(held)


def _codes(rule: EventRule) -> tuple[str, ...]:
    return tuple(sorted({*rule.where, *rule.resolved_by}))


def _time(rule: EventRule) -> tuple[object, ...]:
    """Return what decides whether a row is in time, but for how far back it may lie.

    That the last day of a person's rows lies so far back is the same as that one of them does, so
    the rule asks it of the reduced table.
    """
    return (rule.timing, rule.end)


def _begun(rule: EventRule) -> str:
    """Return the name of the column that counts rows in the time that a rule looks at."""
    own = rule.timing if rule.timing in ("in_period", "overlap") else "ever"
    return f".begun {own}"


def _base(
    plan: Plan,
    rules: Sequence[EventRule],
    ids: pl.DataFrame | None,
    as_of: date,
    period: Period,
) -> tuple[Plan, list[tuple[object, ...]]]:
    """Return a row per person and codes, and the kinds of time in the order of their columns.

    For each kind of time: the last day of the rows in time, and how many rows lie in the time that
    is looked at whatever their end (`.begun`); and all rows (`.rows`).
    """
    names = plan.collect_schema().names()
    asked = _SETTING in names and any(rule.settings for rule in rules)
    key = [_PERSON, *_codes(rules[0]), *([_SETTING] if asked else [])]
    first = {_time(rule): replace(rule, since=None, months=None) for rule in rules}
    for rule in first.values():
        plan = with_end(plan, rule)
    day = nw.col(rules[0].date)
    sums = {_begun(r): begun(r, as_of, period).cast(nw.Int64) for r in first.values()}
    lasts = {
        f".last{place}": nw.when(in_time(rule, as_of, period)).then(day)
        for place, rule in enumerate(first.values())
    }
    each = [expr.alias(name) for name, expr in (*sums.items(), *lasts.items())]
    totals = [
        nw.len().alias(_ROWS),
        *(nw.col(name).sum() for name in sums),
        *(nw.col(name).max() for name in lasts),
    ]
    settings = sorted({name for rule in rules for name in rule.settings}) if asked else []
    return _grouped(plan.select(*key, *each), key, totals, ids, settings), list(first)


def _ids(people: Frame) -> pl.DataFrame | None:
    """Return the people's ids with a number for each, where ids are texts in Polars; else none.

    Numbers are 64-bit hashes: 64 digits of text take several times their memory and time where a
    hundred million of them are grouped. That no two people share one is looked up here. That an
    event of somebody unknown shares one with somebody known is one chance in 10 million million.
    """
    native = nw.to_native(lazy(people))
    if not isinstance(native, pl.LazyFrame) or native.collect_schema()[_PERSON] != pl.String():
        return None
    ids = native.select(_PERSON).drop_nulls().unique().collect()
    numbered = ids.with_columns(pl.col(_PERSON).hash().alias(_NUMBER))
    return numbered if numbered[_NUMBER].n_unique() == numbered.height else None


def _grouped(
    plan: Plan,
    key: Sequence[str],
    totals: Sequence[nw.Expr],
    ids: pl.DataFrame | None,
    settings: Sequence[str],
) -> Plan:
    """Return the totals by person and codes, made where the engine is Polars, in parts.

    `settings`: those that rules ask for, empty where they ask for none; in Polars others are null.
    """
    native: Any = nw.to_native(plan)
    if not isinstance(native, pl.LazyFrame):
        return plan.group_by(*key).agg(*totals)
    if ids is None or native.collect_schema()[_PERSON] != pl.String():
        found = nw.to_native(plan.group_by(*key).agg(*totals))
        return lazy(found.collect(engine="streaming"))
    number = pl.when(pl.col(_PERSON).is_not_null()).then(pl.col(_PERSON).hash())
    numbered = native.with_columns(number.alias(_NUMBER)).drop(_PERSON)
    codes = [name for name in key if name != _PERSON]
    told = _short(numbered, settings) if settings else numbered
    grouped = nw.to_native(lazy(told).group_by(_NUMBER, *codes).agg(*totals))
    made = grouped.collect(engine="streaming")
    if settings:
        names = pl.Series(settings, dtype=pl.String)
        made = made.with_columns(names.gather(made[_SETTING]).alias(_SETTING))
    return lazy(made.join(ids, on=_NUMBER, how="left").drop(_NUMBER))


def _short(plan: pl.LazyFrame, settings: Sequence[str]) -> pl.LazyFrame:
    """Return the plan with the place of each setting in place of its name: a byte for sixteen."""
    place = pl.lit(None, pl.UInt8)
    for number, name in enumerate(settings):
        place = pl.when(pl.col(_SETTING) == name).then(pl.lit(number, pl.UInt8)).otherwise(place)
    return plan.with_columns(place.alias(_SETTING))


def _table(base: Plan, rule: EventRule, place: int) -> Plan:
    """Return the rows of one kind of time as an event table; what ends has been looked at."""
    last = nw.col(f".last{place}")
    names = [name for name in base.collect_schema().names() if not name.startswith(".")]
    columns: list[Any] = [*names, last.alias(rule.date)]
    if rule.end is not None:
        columns.append(nw.lit(None, dtype=nw.Date()).alias(rule.end))
    held = ~last.is_null() & ~nw.col(_PERSON).is_null()
    return base.filter(held).select(*columns)


def _evidence(base: Plan, rules: Sequence[EventRule]) -> dict[str, Evidence]:
    """Return what the table shows of each rule, as `events.evidence_of` does, in one pass."""
    settings = _SETTING in base.collect_schema().names()
    sums: dict[str, nw.Expr] = {}
    for number, rule in enumerate(rules):
        inside: nw.Expr = nw.col(_ROWS) > 0
        if rule.settings and settings:
            inside = nw.col(_SETTING).is_in(list(rule.settings))
        sums[f"{number}.timed"] = nw.when(inside).then(nw.col(_begun(rule))).sum()
        for name in rule.where:
            sums[f"{number}.{name}"] = _rows(inside & ~nw.col(name).is_null())
        if rule.by_code:
            sums[f"{number}.coded"] = _rows(
                inside & nw.all_horizontal(*tests(rule), ignore_nulls=True)
            )
    native = base.select(*(expr.alias(name) for name, expr in sums.items()))
    row = {name: int(value or 0) for name, value in collect(native).row(0, named=True).items()}
    return {
        repr(rule): Evidence(
            None,
            row[f"{number}.timed"],
            {name: row[f"{number}.{name}"] for name in rule.where},
            row.get(f"{number}.coded"),
        )
        for number, rule in enumerate(rules)
    }


def _rows(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.col(_ROWS)).sum()


def _renamed(
    indicator: Indicator, names: Mapping[str, str], events: Mapping[str, Frame]
) -> Indicator:
    """Return the indicator with the tables that its rules look up."""
    rules = tuple(
        replace(rule, table=names[repr(rule)], event_id=None)
        if repr(rule) in names and _can(indicator, rule, events)
        else rule
        for rule in indicator.events
    )
    return indicator if rules == indicator.events else replace(indicator, events=rules)
