"""Person-level indicators: people and their events, rolled up to units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import narwhals as nw

from pophealth_link.engine import Frame, lazy
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.events import per_person
from pophealth_link.indicators.rows import Period, Plan
from pophealth_link.indicators.tally import BASES, stratum_of
from pophealth_link.schema.strata import ALL, FAMILIES, Family, bands

# Person-time is summed in whole days: a sum of integers does not depend on the order of rows.
DAYS_A_YEAR = 365.25
_UNITS = ("registered_unit", "resident_unit")
_COLUMNS = tuple(dict.fromkeys(family.column for family in FAMILIES.values()))
_CELL = ("basis", "unit", "stratum")
NUMBERS = ("numerator", "contributors", "squares")


def roll_up(
    indicator: Indicator,
    people: Frame,
    events: Mapping[str, Frame],
    *,
    as_of: date,
    period: Period,
    bases: Sequence[str] = BASES,
    among: Indicator | None = None,
) -> Plan:
    """Return basis, unit, stratum, numerator, denominator, contributors and squares, lazily.

    `people`: PEOPLE_PLACED; `events`: see `events.per_person`. A proportion counts distinct people
    among the `current` of its ages. A rate sums events or days (or counts people) of those with
    person-time in the period, on the register or, for people on none, known to a source; its
    denominator is that person-time in days (divide by DAYS_A_YEAR). Whoever has none counts in
    neither part. `among`: the indicator that `indicator.among` names; its people alone count.
    Strata: `all` and those of the indicator's families, see `schema.strata`; a column that `people`
    lack puts everyone in `unknown`.
    """
    when = {"as_of": as_of, "period": period}
    held = population(people, indicator)
    if among is not None:
        held = held.join(per_person(among, events, **when), on="person_id", how="semi")  # type: ignore[arg-type]
    counts = of_its_ages(per_person(indicator, events, **when), people, indicator)  # type: ignore[arg-type]
    return together(
        denominators(held, indicator.families, bases),
        numerators(held, counts, indicator.families, bases),
    )


def denominators(held: Plan, families: Sequence[Family], bases: Sequence[str] = BASES) -> Plan:
    """Return basis, unit, stratum and denominator of the `population` of indicators, lazily."""
    return _by_units(held, families, bases, {"denominator": nw.col("weight")})


def numerators(
    held: Plan,
    counts: Plan,
    families: Sequence[Family],
    bases: Sequence[str] = BASES,
    *,
    by: Sequence[str] = (),
) -> Plan:
    """Return basis, unit, stratum and NUMBERS of those of a `population` who count, lazily.

    `counts`: person_id and count, see `events.per_person`, and the columns of `by`, by which the
    numbers are apart: those of several indicators are summed together.
    """
    some = held.join(counts, on="person_id", how="inner")
    count = nw.col("count")
    sums = {"numerator": count, "contributors": count * 0 + 1, "squares": count * count}
    return _by_units(some, families, bases, sums, by)


def together(under: Plan, over: Plan) -> Plan:
    """Join denominators with numerators; where nobody counts the numbers are zero."""
    joined = under.join(over, on=list(_CELL), how="left")
    numbers = (nw.col(name).fill_null(0).cast(nw.Int64).alias(name) for name in NUMBERS)
    return joined.with_columns(*numbers).select(*_CELL, "numerator", "denominator", *NUMBERS[1:])


def counted(
    indicator: Indicator,
    people: Frame,
    events: Mapping[str, Frame],
    *,
    as_of: date,
    period: Period,
    among: Indicator | None = None,
) -> Plan:
    """Return the indicator's `population` with count, squares and contributors (0 or 1), lazily.

    `among`: the indicator that `indicator.among` names.
    """
    counts = per_person(indicator, events, as_of=as_of, period=period)
    counts = of_its_ages(counts, people, indicator)
    held = population(people, indicator)
    if among is not None:
        theirs = per_person(among, events, as_of=as_of, period=period)
        held = held.join(theirs, on="person_id", how="semi")
    plan = held.join(counts, on="person_id", how="left")
    count = nw.col("count").fill_null(0)
    plan = plan.with_columns(count.alias("count"), (count * count).alias("squares"))
    return plan.with_columns((count > 0).cast(nw.Int64).alias("contributors"))


def contributions(
    plan: Plan, bases: Sequence[str] = BASES, families: Sequence[Family] | None = None
) -> Plan:
    """Return basis, unit, stratum and count of each `counted` person above zero, lazily.

    `families`: those of the indicator; left out, all.
    """
    some = plan.filter(nw.col("count") > 0)
    strata = [nw.lit(ALL).alias("stratum")]
    strata += [stratum_of(family) for family in (families or FAMILIES.values())]
    every = nw.concat(
        [
            some.select(
                nw.lit(basis).alias("basis"),
                nw.col(f"{basis}_unit").alias("unit"),
                stratum,
                "count",
            )
            for basis in bases
            for stratum in strata
        ]
    )
    return every.filter(~nw.col("stratum").is_null())


def population(people: Frame, indicator: Indicator) -> Plan:
    """Return person_id, units, weight and the columns of strata of those it is about, lazily.

    Weight: 1 a person for a proportion, days of person-time for a rate, always above zero: nobody
    adds to a numerator without adding to its denominator.
    """
    plan = lazy(people)
    current = nw.col("current").fill_null(value=False)
    days = (nw.col("person_years") * DAYS_A_YEAR).round(0).cast(nw.Int64).fill_null(0)
    if indicator.min_age is not None or indicator.max_age is not None:
        plan = plan.filter(nw.col("age_band").is_in(list(bands_of(indicator))))
    if indicator.statistic == "rate":
        plan = plan.with_columns(days.alias("weight")).filter(nw.col("weight") > 0)
    else:
        plan = plan.filter(current).with_columns(nw.lit(1).cast(nw.Int64).alias("weight"))
    names = plan.collect_schema().names()
    absent = [nw.lit(None, dtype=nw.String()).alias(n) for n in _COLUMNS if n not in names]
    plan = plan.with_columns(*absent) if absent else plan
    return plan.select("person_id", *_UNITS, "weight", *_COLUMNS)


def of_its_ages(counts: Plan, people: Frame, indicator: Indicator) -> Plan:
    """Return the counts; where the indicator counts `unknown_ages`, those of such people, lazily.

    `counts`: person_id and more. Their denominator stays everyone: that of people of unknown age,
    beside those of children and of adults, would take one of these away wherever they are few.
    """
    if not indicator.unknown_ages:
        return counts
    known = nw.col("age_band").is_in(list(bands_from(0))).fill_null(value=False)
    theirs = lazy(people).filter(~known).select("person_id")
    return counts.join(theirs, on="person_id", how="semi")


def bands_of(indicator: Indicator) -> tuple[str, ...]:
    """Return the age bands of the ages that an indicator is about."""
    return bands(indicator.min_age or 0, 200 if indicator.max_age is None else indicator.max_age)


def bands_from(age: int) -> tuple[str, ...]:
    """Return the age bands that begin at this age or later.

    >>> bands_from(85)
    ('85-89', '90+')
    """
    return bands(age)


def _by_units(
    held: Plan,
    families: Sequence[Family],
    bases: Sequence[str],
    sums: Mapping[str, nw.Expr],
    by: Sequence[str] = (),
) -> Plan:
    """Sum by basis, unit, stratum and the columns of `by`, the stratum `all` among them.

    People are grouped by the few values of each column; the strata are made of the groups.
    """
    columns = tuple(dict.fromkeys(family.column for family in families)) or _COLUMNS[:1]
    rows = held.with_columns(*(each.alias(name) for name, each in sums.items()))
    totals = [nw.col(name).sum().cast(nw.Int64).alias(name) for name in sums]
    found = []
    for basis in bases:
        unit = nw.col(f"{basis}_unit").alias("unit")
        place = nw.lit(basis).alias("basis")
        for number, column in enumerate(columns):
            groups = rows.group_by(f"{basis}_unit", column, *by).agg(*totals)
            strata = [stratum_of(each) for each in families if each.column == column]
            strata += [nw.lit(ALL).alias("stratum")] if number == 0 else []
            found += [groups.select(place, unit, stratum, *by, *sums) for stratum in strata]
    every = nw.concat(found).filter(~nw.col("stratum").is_null())
    return every.group_by(*_CELL, *by).agg(*totals)
