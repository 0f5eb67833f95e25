"""Person-level indicators: people and their events, rolled up to units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import narwhals as nw

from pophealth_link.engine import Frame, lazy
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.events import Period, Plan, per_person
from pophealth_link.indicators.tally import ALL, BASES, by_unit, stratum_of
from pophealth_link.schema.codes import AGE_BAND_STARTS

# Person-time is summed in whole days: a sum of integers does not depend on the order of rows.
DAYS_A_YEAR = 365.25
_UNITS = ("registered_unit", "resident_unit", "stratum")


def roll_up(
    indicator: Indicator,
    people: Frame,
    events: Mapping[str, Frame],
    *,
    as_of: date,
    period: Period,
    bases: Sequence[str] = BASES,
) -> Plan:
    """Return basis, unit, stratum, numerator, denominator, contributors and squares, lazily.

    `people`: PEOPLE_PLACED; `events`: see `events.per_person`. A proportion counts distinct people
    among the `current` of its ages. A rate sums events or days (or counts people) of those with
    person-time in the period, on the register or, for people on none, known to a source; its
    denominator is that person-time in days (divide by DAYS_A_YEAR). Whoever has none counts in
    neither part.
    Strata: `all`, `quintile_1` to `quintile_5`, `quintile_unknown`.
    """
    return by_units(counted(indicator, people, events, as_of=as_of, period=period), bases)


def counted(
    indicator: Indicator, people: Frame, events: Mapping[str, Frame], *, as_of: date, period: Period
) -> Plan:
    """Return the indicator's `population` with count, squares and contributors (0 or 1), lazily."""
    counts = per_person(indicator, events, as_of=as_of, period=period)
    plan = population(people, indicator).join(counts, on="person_id", how="left")
    count = nw.col("count").fill_null(0)
    plan = plan.with_columns(count.alias("count"), (count * count).alias("squares"))
    return plan.with_columns((count > 0).cast(nw.Int64).alias("contributors"))


def by_units(plan: Plan, bases: Sequence[str] = BASES) -> Plan:
    """Sum `counted` people to basis, unit, stratum, numerator, denominator and the rest, lazily."""
    cells = plan.group_by(*_UNITS).agg(
        nw.col("count").sum().cast(nw.Int64).alias("numerator"),
        nw.col("weight").sum().cast(nw.Int64).alias("denominator"),
        nw.col("contributors").sum().cast(nw.Int64),
        nw.col("squares").sum().cast(nw.Int64),
    )
    return by_unit(cells, bases)


def contributions(plan: Plan, bases: Sequence[str] = BASES) -> Plan:
    """Return basis, unit, stratum and count of each `counted` person above zero, lazily."""
    some = plan.filter(nw.col("count") > 0)
    return nw.concat(
        [
            some.select(
                nw.lit(basis).alias("basis"),
                nw.col(f"{basis}_unit").alias("unit"),
                stratum.alias("stratum"),
                "count",
            )
            for basis in bases
            for stratum in (nw.col("stratum"), nw.lit(ALL))
        ]
    )


def population(people: Frame, indicator: Indicator) -> Plan:
    """Return person_id, the units, stratum and weight of the people whom an indicator is about.

    Weight: 1 a person for a proportion, days of person-time for a rate, always above zero: nobody
    adds to a numerator without adding to its denominator.
    """
    plan = lazy(people)
    current = nw.col("current").fill_null(value=False)
    days = (nw.col("person_years") * DAYS_A_YEAR).round(0).cast(nw.Int64).fill_null(0)
    if indicator.min_age is not None:
        plan = plan.filter(nw.col("age_band").is_in(list(bands_from(indicator.min_age))))
    if indicator.statistic == "rate":
        plan = plan.with_columns(days.alias("weight")).filter(nw.col("weight") > 0)
    else:
        plan = plan.filter(current).with_columns(nw.lit(1).cast(nw.Int64).alias("weight"))
    return plan.select("person_id", *_UNITS[:2], stratum_of(), "weight")


def bands_from(age: int) -> tuple[str, ...]:
    """Return the age bands that begin at this age or later.

    >>> bands_from(85)
    ('85-89', '90+')
    """
    return tuple(band for band, start in AGE_BAND_STARTS.items() if start >= age)
