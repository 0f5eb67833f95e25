"""Property-level indicators: dwellings, placed and rolled up to units."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.indicators.events import Evidence
from pophealth_link.indicators.rows import Plan
from pophealth_link.indicators.tally import BASES, UNKNOWN, by_unit
from pophealth_link.places.units import REASONS, REGISTERED

_ATTRIBUTES = ("single_person_discount", "licensed_hmo")
_NOT_REGISTERED, _NO_LSOA = "not_registered", "unknown_postcode"


def roll_up(indicator: Indicator, placed: Frame, bases: Sequence[str] = BASES) -> Plan:
    """Return basis, unit, stratum, numerator, denominator, contributors and squares, lazily.

    `placed`: see `place`. The denominator is the dwellings of which the attribute is known.
    """
    value = nw.col(str(indicator.column))
    known = lazy(placed).filter(~value.is_null())
    return by_unit(
        known.select(
            *("registered_unit", "resident_unit", "stratum"),
            value.alias("numerator"),
            nw.lit(1).cast(nw.Int64).alias("denominator"),
            value.alias("contributors"),
            value.alias("squares"),
        ),
        bases,
    )


def gap(indicator: Indicator, dwellings: Frame | None) -> str | None:
    """Return why the job holds no data for the indicator; nothing if it does."""
    return gap_shown(indicator, evidence(indicator, dwellings))


def evidence(indicator: Indicator, dwellings: Frame | None) -> Evidence:
    """Return what the dwellings show of the indicator: `filled` counts those with a value."""
    if dwellings is None:
        return Evidence("no property source is given")
    plan, column = lazy(dwellings), str(indicator.column)
    if column not in plan.collect_schema().names():
        return Evidence(f"dwellings lack {column}")
    return Evidence(filled={column: int(collect(plan.select(nw.col(column).count())).item())})


def gap_shown(indicator: Indicator, shown: Evidence) -> str | None:
    """Return why there is no data, given the evidence; nothing if there is some."""
    empty = not any(shown.filled.values())
    return shown.lacks or (f"dwellings hold no value in {indicator.column}" if empty else None)


def place(dwellings: Frame, people: Frame, strata: pl.DataFrame) -> pl.DataFrame:
    """Return one row per dwelling with its units, stratum and attributes (0, 1, empty), sorted.

    `dwellings`: PROPERTY_FACTS with attribute columns; `people`: PEOPLE_PLACED, on the same engine;
    `strata`: lsoa_code and stratum. Rows with one keyed UPRN are one dwelling; an attribute is true
    where any of them says so. `resident_unit`: the LSOA, else `unknown_postcode`.
    `registered_unit`: the practice of most of its current residents (the smallest code where
    several tie), else `not_registered`. Stratum: national quintile of the LSOA.
    """
    plan = _one_each(lazy(dwellings)).join(practice_of_homes(people), on="keyed_uprn", how="left")
    units = plan.select(
        nw.col("practice").fill_null(_NOT_REGISTERED).alias("registered_unit"),
        nw.col("lsoa_code").fill_null(_NO_LSOA).alias("resident_unit"),
        *_ATTRIBUTES,
    )
    of_unit = strata.select(pl.col("lsoa_code").alias("resident_unit"), "stratum")
    found = collect(units).join(of_unit, on="resident_unit", how="left")
    return found.with_columns(pl.col("stratum").fill_null(UNKNOWN)).sort(pl.all())


def _one_each(plan: Plan) -> Plan:
    names = plan.collect_schema().names()
    held = plan.select(
        *("keyed_uprn", "lsoa_code"),
        *(
            (nw.col(name) if name in names else nw.lit(None)).cast(nw.Int64).alias(name)
            for name in _ATTRIBUTES
        ),
    )
    known = ~nw.col("keyed_uprn").is_null()
    merged = (
        held.filter(known)
        .group_by("keyed_uprn")
        .agg(nw.col("lsoa_code").min(), *(nw.col(name).max() for name in _ATTRIBUTES))
    )
    return nw.concat([merged, held.filter(~known)])


def practice_of_homes(people: Frame) -> Plan:
    """Return keyed_uprn and practice: that of most current residents, ties to the smallest code."""
    reasons = list(REASONS[REGISTERED])
    unit = nw.col("registered_unit")
    lives = lazy(people).filter(nw.col("current").fill_null(value=False), ~unit.is_in(reasons))
    lives = lives.filter(~nw.col("keyed_uprn").is_null(), ~unit.is_null())
    sizes = lives.group_by("keyed_uprn", "registered_unit").agg(nw.len().alias("people"))
    most = sizes.group_by("keyed_uprn").agg(nw.col("people").max().alias("most"))
    top = sizes.join(most, on="keyed_uprn").filter(nw.col("people") == nw.col("most"))
    return top.group_by("keyed_uprn").agg(nw.col("registered_unit").min().alias("practice"))
