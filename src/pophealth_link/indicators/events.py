"""Events that count: which rows of which tables, and how many for each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import narwhals as nw

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.indicators.declaration import EventRule, Indicator
from pophealth_link.indicators.parts import combined, parts_of
from pophealth_link.indicators.rows import Period, Plan, begun, matching, of_settings, tests


def per_person(
    indicator: Indicator, events: Mapping[str, Frame], *, as_of: date, period: Period
) -> Plan:
    """Return person_id and count (above zero) of one person-level indicator, lazily.

    `events` holds one frame per event table: person_id, optionally source, and the table's
    columns. `period`: first and last day, both included. The count is 1 a person, or the person's
    events, days or amounts. Every frame must be on one engine, and hold the table's data (see
    `gap`). `among` is not looked at: see `person.counted`.
    """
    if indicator.parts:
        parts = parts_of(indicator.events, events, as_of=as_of, period=period)
        return combined(parts, indicator)
    rows = [matching(events[rule.table], rule, as_of, period) for rule in indicator.events]
    if indicator.counted == "days":
        spans = [_days(each, period) for each in rows]
        return nw.concat(spans).group_by("person_id").agg(nw.col("count").sum().cast(nw.Int64))
    if indicator.counted == "amount":
        return _amounts(nw.concat([each.select("person_id", "amount") for each in rows]))
    if indicator.counted == "people":
        people = nw.concat([each.select("person_id") for each in rows]).unique(keep="any")
        return people.with_columns(nw.lit(1).cast(nw.Int64).alias("count"))
    found = nw.concat([each.select("person_id", "start") for each in rows])
    found = found.unique(keep="any") if indicator.once_a_day else found
    return found.group_by("person_id").agg(nw.len().cast(nw.Int64).alias("count"))


def _amounts(rows: Plan) -> Plan:
    """Return person_id and count: the sum of the person's amounts, where it is above zero."""
    whole = nw.col("amount").fill_null(0).cast(nw.Int64)
    summed = rows.group_by("person_id").agg(whole.sum().cast(nw.Int64).alias("count"))
    return summed.filter(nw.col("count") > 0)


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
    tested column that is empty throughout, or (`by_code`) none of the codes. A part (see
    `Indicator`) has data where one of its tables does, with all that the part looks up in it, and
    every part must have some; see `in_part`.
    """
    return gap_shown(indicator, evidence(indicator, events, as_of=as_of, period=period))


def evidence(
    indicator: Indicator, events: Mapping[str, Frame], *, as_of: date, period: Period
) -> tuple[Evidence, ...]:
    """Return what the tables show, one piece for each rule of the indicator."""
    return tuple(evidence_of(rule, events, as_of, period) for rule in indicator.events)


def gap_shown(indicator: Indicator, shown: Sequence[Evidence]) -> str | None:
    """Return why there is no data, given the evidence for each rule; see `gap`."""
    if indicator.unnamed:
        return indicator.unnamed
    told = zip(indicator.events, shown, strict=True)
    reasons = [(rule.part, _gap_of(rule, one)) for rule, one in told]
    if not indicator.parts:
        return next((reason for _, reason in reasons if reason), None)
    having = {part for (part, _), reason in _by_table(indicator, shown).items() if not reason}
    return next(
        (f"{part}: {reason}" for part, reason in reasons if reason and part not in having), None
    )


def in_part(indicator: Indicator, shown: Sequence[Evidence]) -> str | None:
    """Return which tables of its parts hold no data, where an indicator has data; else nothing.

    What is counted without them is too low, or of a part alone too high.
    """
    if not indicator.parts or gap_shown(indicator, shown):
        return None
    without: dict[str | None, list[str]] = {}
    for (part, table), reason in _by_table(indicator, shown).items():
        if reason:
            without.setdefault(part, []).append(table)
    said = "; ".join(f"{part}: {', '.join(tables)}" for part, tables in without.items())
    return f"counted without {said}" if said else None


def _by_table(
    indicator: Indicator, shown: Sequence[Evidence]
) -> dict[tuple[str | None, str], str | None]:
    """Return why a table holds no data for a part, for each, or nothing if it holds all of it."""
    found: dict[tuple[str | None, str], str | None] = {}
    for rule, one in zip(indicator.events, shown, strict=True):
        key = (rule.part, rule.table)
        found[key] = found.get(key) or _gap_of(rule, one)
    return found


def evidence_of(
    rule: EventRule, events: Mapping[str, Frame], as_of: date, period: Period
) -> Evidence:
    """Return what its table shows of one rule."""
    if rule.table not in events:
        return Evidence(f"no source gives {rule.table}")
    plan = of_settings(lazy(events[rule.table]), rule)
    names = plan.collect_schema().names()
    amount = [rule.amount] if rule.amount else []
    lacking = [name for name in (rule.date, *rule.tested, *amount) if name not in names]
    if lacking:
        return Evidence(f"{rule.table} lacks {', '.join(lacking)}")
    counts = {name: nw.col(name).count() for name in rule.tested}
    counts |= {".timed": _sum(begun(rule, as_of, period))}
    if rule.by_code:
        counts |= {".coded": _sum(_all(tests(rule)))}
    found = collect(plan.select(*(each.alias(name) for name, each in counts.items())))
    row = {name: int(value or 0) for name, value in found.row(0, named=True).items()}
    timed, coded = row.pop(".timed"), row.pop(".coded", None)
    return Evidence(None, timed, row, coded)


def _gap_of(rule: EventRule, shown: Evidence) -> str | None:
    if shown.lacks:
        return shown.lacks
    if not shown.timed:
        when = "the period" if rule.timing in ("in_period", "overlap") else "the time up to the day"
        source = f" from {' or '.join(rule.settings)}" if rule.settings else ""
        return f"{rule.table} holds no row of {when}{source}"
    empty = [name for name in rule.tested if not shown.filled[name]]
    if empty:
        return f"{rule.table} holds no value in {', '.join(empty)}"
    if shown.coded == 0:
        codes = ", ".join(code for codes in rule.where.values() for code in codes)
        return f"{rule.table} holds none of the codes {codes}".rstrip()
    return None


def _sum(condition: nw.Expr) -> nw.Expr:
    return condition.cast(nw.Int64).sum()


def _all(conditions: list[nw.Expr]) -> nw.Expr:
    return nw.all_horizontal(*conditions, ignore_nulls=True)


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
