"""Rows of an event table that count: in time, with the codes, each event once."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw

from pophealth_link.engine import Frame, lazy
from pophealth_link.indicators.declaration import EventRule

Plan = nw.LazyFrame[Any]
Period = tuple[date, date]


def matching(frame: Frame, rule: EventRule, as_of: date, period: Period) -> Plan:
    """Return person_id, start and end (and amount) of the rows that count, each once, lazily."""
    plan = of_settings(lazy(frame), rule)
    plan = with_end(plan, rule).filter(in_time(rule, as_of, period))
    plan = plan.filter(~nw.col("person_id").is_null())
    plan = _last(plan, rule) if rule.timing == "latest" else plan
    asked = tests(rule)
    counted = plan.filter(*asked) if asked else plan
    counted = _unresolved(counted, plan, rule) if rule.resolved_by else counted
    return _each_once(counted, rule).select(
        "person_id",
        nw.col(rule.date).alias("start"),
        nw.col(_end_of(rule)).alias("end"),
        *([nw.col(rule.amount).alias("amount")] if rule.amount else []),
    )


def of_settings(plan: Plan, rule: EventRule) -> Plan:
    """Return the rows of sources of the rule's settings; all, where the table names none."""
    if not rule.settings or "setting" not in plan.collect_schema().names():
        return plan
    return plan.filter(nw.col("setting").is_in(list(rule.settings)))


def tests(rule: EventRule) -> list[nw.Expr]:
    """Return what the values of a row that counts meet."""
    texts = [nw.col(name).str.contains(pattern) for name, pattern in rule.pattern.items()]
    sizes = [nw.col(name) >= least for name, least in rule.at_least.items()]
    return [*_codes(rule.where), *texts, *sizes]


def _codes(where: Any) -> list[nw.Expr]:
    return [nw.col(name).is_in(list(values)) for name, values in where.items()]


def months_before(day: date, months: int) -> date:
    """Return the day so many months earlier; the month's last where it has no such day.

    >>> months_before(date(2026, 3, 31), 13).isoformat()
    '2025-02-28'
    """
    number = day.year * 12 + day.month - 1 - months
    year, month = number // 12, number % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    last = date.fromordinal(following.toordinal() - 1).day
    return date(year, month, min(day.day, last))


def begun(rule: EventRule, as_of: date, period: Period) -> nw.Expr:
    """Return whether a row lies in the time that the rule looks at, whatever its codes."""
    begin, (first, last) = nw.col(rule.date), period
    if rule.timing == "in_period":
        return (begin >= first) & (begin <= last)
    return begin <= last if rule.timing == "overlap" else begin <= as_of


def _last(plan: Plan, rule: EventRule) -> Plan:
    """Keep each person's rows of the last day that has one."""
    last = plan.group_by("person_id").agg(nw.col(rule.date).max().alias(".last"))
    joined = plan.join(last, on="person_id", how="inner")
    return joined.filter(nw.col(rule.date) == nw.col(".last")).drop(".last")


def _unresolved(counted: Plan, plan: Plan, rule: EventRule) -> Plan:
    """Leave out rows that a resolving row of the person, on that day or later, undoes."""
    undoing = plan.filter(*_codes(rule.resolved_by)).group_by("person_id")
    joined = counted.join(
        undoing.agg(nw.col(rule.date).max().alias(".undone")), on="person_id", how="left"
    )
    undone = nw.col(".undone")
    return joined.filter(undone.is_null() | (nw.col(rule.date) > undone)).drop(".undone")


def _end_of(rule: EventRule) -> str:
    return rule.end if rule.end is not None else ".end"


def with_end(plan: Plan, rule: EventRule) -> Plan:
    """Add an empty end where the rule has none or the extract lacks it: nothing is known to end."""
    if _end_of(rule) in plan.collect_schema().names():
        return plan
    return plan.with_columns(nw.lit(None, dtype=nw.Date()).alias(_end_of(rule)))


def in_time(rule: EventRule, as_of: date, period: Period) -> nw.Expr:
    """Return whether a row is in time, its end looked at; the end's column must be there."""
    end = nw.col(_end_of(rule))
    started = begun(rule, as_of, period)
    if rule.since is not None:
        started = started & (nw.col(rule.date) >= rule.since)
    if rule.months is not None:
        started = started & (nw.col(rule.date) > months_before(as_of, rule.months))
    if rule.timing == "unresolved":
        return started & (end.is_null() | (end > as_of))
    if rule.timing == "open":
        return started & (end.is_null() | (end >= as_of))
    if rule.timing == "overlap":
        return started & (end.is_null() | (end > period[0]))
    return started


def _each_once(plan: Plan, rule: EventRule) -> Plan:
    """Keep one row of each event id; rows without one are events of their own."""
    names = plan.collect_schema().names()
    if rule.event_id is None or rule.event_id not in names:
        return plan
    key = [name for name in ("source", "person_id", rule.event_id) if name in names]
    known = ~nw.col(rule.event_id).is_null()
    amount = [rule.amount] if rule.amount else []
    columns = [*dict.fromkeys((*key, rule.date, _end_of(rule), *amount))]
    held = plan.select(*columns)
    # Which row is kept matters to nobody: all of them lie in the time and count once.
    return nw.concat([held.filter(known).unique(subset=key, keep="any"), held.filter(~known)])
