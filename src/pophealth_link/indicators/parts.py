"""Combinations of what is known of people: everywhere, in some places and not in others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import narwhals as nw

from pophealth_link.engine import Frame, lazy
from pophealth_link.indicators.declaration import EventRule, Indicator
from pophealth_link.indicators.rows import Period, Plan, matching

_GIVEN = ".given"


def parts_of(
    rules: Sequence[EventRule], events: Mapping[str, Frame], *, as_of: date, period: Period
) -> Plan:
    """Return person_id and part, each once: what the events tell of people, lazily.

    `rules`: those of an indicator, each with a part; those of tables that are not given, or that
    lack a column, tell nothing (see `events.gap` for whether enough of them are there).
    """
    held = [
        rule
        for rule in rules
        if rule.table in events and _has(lazy(events[rule.table]), (rule.date, *rule.tested))
    ]
    rows = [
        matching(events[rule.table], rule, as_of, period).select(
            "person_id", nw.lit(str(rule.part)).alias("part")
        )
        for rule in held
    ]
    return nw.concat(rows).unique(keep="any")


def _has(plan: Plan, names: Sequence[str]) -> bool:
    return set(names) <= set(plan.collect_schema().names())


def combined(parts: Plan, indicator: Indicator) -> Plan:
    """Return person_id and count (1) of those who have the indicator's combination of parts.

    `parts`: person_id and part, each pair once.

    >>> import polars as pl
    >>> from pophealth_link.engine import collect, lazy
    >>> from pophealth_link.indicators import catalogue
    >>> held = pl.DataFrame({"person_id": ["a", "a", "b"], "part": ["gp", "trust", "gp"]})
    >>> each = catalogue()["dementia_known_gp_only"]
    >>> collect(combined(lazy(held), each))["person_id"].to_list()
    ['b']
    """
    part = nw.col("part")
    named = {*indicator.each_of, *indicator.none_of}
    rest = [name for name in indicator.parts if name not in named]
    counts = {name: _sum(part == name) for name in (*indicator.each_of, *indicator.none_of)}
    # No part is without a name: none is given where none is left.
    counts[_GIVEN] = _sum(part.is_in(rest or [""]))
    held = parts.group_by("person_id").agg(*(each.alias(name) for name, each in counts.items()))
    tests: list[Any] = [nw.col(name) > 0 for name in indicator.each_of]
    tests += [nw.col(name) == 0 for name in indicator.none_of]
    least = indicator.at_least if tests else max(1, indicator.at_least)
    found = held.filter(*tests, nw.col(_GIVEN) >= least)
    return found.select("person_id", nw.lit(1).cast(nw.Int64).alias("count"))


def _sum(condition: nw.Expr) -> nw.Expr:
    return condition.cast(nw.Int64).sum()
