"""Events that count: which rows of which tables, and how many for each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import narwhals as nw

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.indicators.declaration import EventRule, Indicator

Plan = nw.LazyFrame[Any]
Period = tuple[date, date]


def per_person(
    indicator: Indicator, events: Mapping[str, Frame], *, as_of: date, period: Period
) -> Plan:
    """Return person_id and count (above zero) of one person-level indicator, lazily.

    `events` holds one frame per event table: person_id, optionally source, and the table's
    columns. `period`: first and last day, both included. The count is 1 a person, or the person's
    events or days. Every frame must be on one engine, and hold the table's data (see `gap`).
    """
    rows = [matching(events[rule.table], rule, as_of, period) for rule in indicator.events]
    if indicator.counted == "days":
        parts = [_days(each, period) for each in rows]
        return nw.concat(parts).group_by("person_id").agg(nw.col("count").sum().cast(nw.Int64))
    if indicator.counted == "people":
        people = nw.concat([each.select("person_id") for each in rows]).unique(keep="any")
        return people.with_columns(nw.lit(1).cast(nw.Int64).alias("count"))
    found = nw.concat([each.select("person_id", "start") for each in rows])
    found = found.unique(keep="any") if indicator.once_a_day else found
    return found.group_by("person_id").agg(nw.len().cast(nw.Int64).alias("count"))


def matching(frame: Frame, rule: EventRule, as_of: date, period: Period) -> Plan:
    """Return person_id, start and end of the rows that count, each event once, lazily."""
    plan = _with_end(lazy(frame), rule)
    plan = plan.filter(_in_time(rule, as_of, period), *_tests(rule))
    plan = plan.filter(~nw.col("person_id").is_null())
    return _each_once(plan, rule).select(
        "person_id", nw.col(rule.date).alias("start"), nw.col(_end_of(rule)).alias("end")
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a table shows of whether it holds a rule's data: rows, which add up over parts.

    `lacks`: the table or columns that are not there; else `timed`: rows of the time; `filled`: rows
    with a value in each tested column; `coded`: rows with the codes, if they tell.
    """

    lacks: str | None = None
    timed: int = 0
    filled: Mapping[str, int] = field(default_factory=dict)
    coded: int | None = None

    def __add__(self, other: Evidence) -> Evidence:
        """Return the evidence of two parts of the rows together."""
        names = {**self.filled, **other.filled}
        filled = {name: self.filled.get(name, 0) + other.filled.get(name, 0) for name in names}
        known = [each for each in (self.coded, other.coded) if each is not None]
        lacks = self.lacks if other.lacks else None
        return Evidence(lacks, self.timed + other.timed, filled, sum(known) if known else None)


def gap(
    indicator: Indicator, events: Mapping[str, Frame], *, as_of: date, period: Period
) -> str | None:
    """Return why the job holds no data for the indicator; nothing if it does.

    A count of zero is a finding only where the data could have shown otherwise. There is no data
    where a table is not given, lacks a column that the rule tests, holds no row of the time, has a
    tested column that is empty throughout, or (`by_code`) none of the codes.
    """
    return gap_shown(indicator, evidence(indicator, events, as_of=as_of, period=period))


def evidence(
    indicator: Indicator, events: Mapping[str, Frame], *, as_of: date, period: Period
) -> tuple[Evidence, ...]:
    """Return what the tables show, one piece for each rule of the indicator."""
    return tuple(_evidence(events, rule, as_of, period) for rule in indicator.events)


def gap_shown(indicator: Indicator, shown: Sequence[Evidence]) -> str | None:
    """Return why there is no data, given the evidence for each rule; see `gap`."""
    reasons = (_gap_of(rule, one) for rule, one in zip(indicator.events, shown, strict=True))
    return next((reason for reason in reasons if reason), None)


def _evidence(
    events: Mapping[str, Frame], rule: EventRule, as_of: date, period: Period
) -> Evidence:
    if rule.table not in events:
        return Evidence(f"no source gives {rule.table}")
    plan = lazy(events[rule.table])
    names = plan.collect_schema().names()
    lacking = [name for name in (rule.date, *rule.tested) if name not in names]
    if lacking:
        return Evidence(f"{rule.table} lacks {', '.join(lacking)}")
    counts = {name: nw.col(name).count() for name in rule.tested}
    counts |= {".timed": _sum(_begun(rule, as_of, period))}
    if rule.by_code:
        counts |= {".coded": _sum(_all(_tests(rule)))}
    found = collect(plan.select(*(each.alias(name) for name, each in counts.items())))
    row = {name: int(value or 0) for name, value in found.row(0, named=True).items()}
    timed, coded = row.pop(".timed"), row.pop(".coded", None)
    return Evidence(None, timed, row, coded)


def _gap_of(rule: EventRule, shown: Evidence) -> str | None:
    if shown.lacks:
        return shown.lacks
    if not shown.timed:
        when = "the period" if rule.timing in ("in_period", "overlap") else "the time up to the day"
        return f"{rule.table} holds no row of {when}"
    empty = [name for name in rule.tested if not shown.filled[name]]
    if empty:
        return f"{rule.table} holds no value in {', '.join(empty)}"
    if shown.coded == 0:
        return f"{rule.table} holds none of the codes"
    return None


def _sum(condition: nw.Expr) -> nw.Expr:
    return condition.cast(nw.Int64).sum()


def _all(conditions: list[nw.Expr]) -> nw.Expr:
    return nw.all_horizontal(*conditions, ignore_nulls=True)


def _tests(rule: EventRule) -> list[nw.Expr]:
    codes = [nw.col(name).is_in(list(values)) for name, values in rule.where.items()]
    texts = [nw.col(name).str.contains(pattern) for name, pattern in rule.pattern.items()]
    sizes = [nw.col(name) >= least for name, least in rule.at_least.items()]
    return [*codes, *texts, *sizes]


def _end_of(rule: EventRule) -> str:
    return rule.end if rule.end is not None else ".end"


def _with_end(plan: Plan, rule: EventRule) -> Plan:
    """Add an empty end where the rule has none or the extract lacks it: nothing is known to end."""
    if _end_of(rule) in plan.collect_schema().names():
        return plan
    return plan.with_columns(nw.lit(None, dtype=nw.Date()).alias(_end_of(rule)))


def _begun(rule: EventRule, as_of: date, period: Period) -> nw.Expr:
    """Whether a row lies in the time that the rule looks at, whatever its codes."""
    begin, (first, last) = nw.col(rule.date), period
    if rule.timing == "in_period":
        return (begin >= first) & (begin <= last)
    return begin <= last if rule.timing == "overlap" else begin <= as_of


def _in_time(rule: EventRule, as_of: date, period: Period) -> nw.Expr:
    end = nw.col(_end_of(rule))
    begun = _begun(rule, as_of, period)
    if rule.since is not None:
        begun = begun & (nw.col(rule.date) >= rule.since)
    if rule.timing == "unresolved":
        return begun & (end.is_null() | (end > as_of))
    if rule.timing == "open":
        return begun & (end.is_null() | (end >= as_of))
    if rule.timing == "overlap":
        return begun & (end.is_null() | (end > period[0]))
    return begun


def _each_once(plan: Plan, rule: EventRule) -> Plan:
    """Keep one row of each event id; rows without one are events of their own."""
    names = plan.collect_schema().names()
    if rule.event_id is None or rule.event_id not in names:
        return plan
    key = [name for name in ("source", "person_id", rule.event_id) if name in names]
    known = ~nw.col(rule.event_id).is_null()
    columns = [*dict.fromkeys((*key, rule.date, _end_of(rule)))]
    held = plan.select(*columns)
    # Which row is kept matters to nobody: all of them lie in the time and count once.
    return nw.concat([held.filter(known).unique(subset=key, keep="any"), held.filter(~known)])


def _days(rows: Plan, period: Period) -> Plan:
    """Return person_id and count: days in the period, those that overlap counted once.

    From the start up to the day before the end, or through the period's last day if still open: as
    the measure MHS26 (days of delayed discharge) of the Mental Health Services Data Set.
    """
    first, stop = period[0].toordinal(), period[1].toordinal() + 1
    span = rows.select(
        "person_id",
        nw.max_horizontal(_ordinal("start"), nw.lit(first).cast(nw.Int64)).alias("from"),
        nw.min_horizontal(_ordinal("end").fill_null(stop), nw.lit(stop).cast(nw.Int64)).alias("to"),
    )
    order = ["from", "to"]
    span = span.with_columns(nw.col("to").cum_max().over("person_id", order_by=order).alias("far"))
    before = nw.col("far").shift(1).over("person_id", order_by=order).fill_null(0)
    span = span.with_columns(before.alias("before"))
    new = nw.col("to") - nw.max_horizontal("from", "before")
    return span.select("person_id", new.alias("count")).filter(nw.col("count") > 0)


def _ordinal(name: str) -> nw.Expr:
    """Return a day as `date.toordinal` counts it; a difference of dates is not portable."""
    day = nw.col(name)
    past = day.dt.year().cast(nw.Int64) - 1
    leap = past // 4 - past // 100 + past // 400
    return past * 365 + leap + day.dt.ordinal_day().cast(nw.Int64)
