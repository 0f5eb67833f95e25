"""Demand for acute mental-health beds beside the beds that are open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.need.bed_footprints import of_footprints, with_whole_area
from pophealth_link.need.released import FOOTPRINT, LIMITS, fitted, weighted_sums, with_limits
from pophealth_link.schema.codes_services import ACUTE_WARD_TYPES
from pophealth_link.schema.outputs_services import CAPACITY

# Royal College of Psychiatrists: at most 85 % of beds filled, so that one is free when needed.
TARGET_OCCUPANCY = 0.85
ACUTE = "acute"
_LOCAL, _AWAY, _DELAY = "bed_days_local", "bed_days_out_of_area", "delay_days"
_INDICATOR = {
    _LOCAL: "bed_days_{}_local",
    _AWAY: "bed_days_{}_out_of_area",
    _DELAY: "delay_days_{}_housing_or_social_care",
}
_OPEN = "open"
# measure → what is added up: per day of the period, per day at the target, or as it is.
_PER_DAY, _AT_TARGET, _PLAIN = "per_day", "at_target", "plain"
_NEEDED = ((_LOCAL, _AT_TARGET, 1), (_AWAY, _AT_TARGET, 1))
_RELIEVED = (*_NEEDED, (_DELAY, _AT_TARGET, -1))
_SUMS: Mapping[str, tuple[tuple[str, str, int], ...]] = {
    "open_beds": ((_OPEN, _PLAIN, 1),),
    _LOCAL: ((_LOCAL, _PLAIN, 1),),
    _AWAY: ((_AWAY, _PLAIN, 1),),
    "occupancy": ((_LOCAL, _PER_DAY, 100),),
    "unmet_beds": ((_AWAY, _PER_DAY, 1),),
    "beds_needed": _NEEDED,
    "shortfall": (*_NEEDED, (_OPEN, _PLAIN, -1)),
    _DELAY: ((_DELAY, _PLAIN, 1),),
    "beds_needed_without_delays": _RELIEVED,
    "shortfall_without_delays": (*_RELIEVED, (_OPEN, _PLAIN, -1)),
}
_UNITS = {
    "open_beds": "beds",
    _LOCAL: "days",
    _AWAY: "days",
    "occupancy": "%",
    "unmet_beds": "beds",
    "beds_needed": "beds",
    "shortfall": "beds",
    _DELAY: "days",
    "beds_needed_without_delays": "beds",
    "shortfall_without_delays": "beds",
}
_COUNTS = ("count", *(f"count_{limit}" for limit in LIMITS))
_PLACE = [*FOOTPRINT, "ward_type"]
_SITE = ["footprint_type", "footprint_code", "ward_type"]


def capacity(
    baseline: pl.DataFrame,
    beds: pl.DataFrame,
    *,
    period: tuple[date, date],
    indicators: Catalogue | None = None,
) -> pl.DataFrame:
    """Return CAPACITY: demand and open beds by footprint, basis, ward type and measure, sorted.

    `baseline`: BASELINE as released; `beds`: BEDS (`service_inputs.read_beds`); `period`: first
    and last day, those of the baseline's rates. Open beds: the mean over the period of the site's
    figures, each from its date until the next (before its first date a site has none), summed over
    sites; beds without a footprint are those of `whole`, which else has those of all footprints of
    a type (`bed_footprints.with_whole_area`). With D days in the period:

        occupancy = 100 · local bed days / (open beds · D)
        unmet beds = days out of area for want of a bed / D
        beds needed = (local days + days out of area) / (0.85 · D)
        shortfall = beds needed − open beds

    and the same without the days delayed for want of housing or social care. Demand is that of the
    footprint's own people: days of people from elsewhere in its beds are not in it, and where there
    are many, occupancy is higher than told here. Limits: those of the released counts, added as if
    independent (`released.weighted_sums`); those without delays are too wide rather than too
    narrow, for delayed days are part of the days. Footprints without beds of their own have demand
    alone: what needs the beds is `not_applicable`. Where no site of a footprint and ward type has a
    figure for the period's first day, it has `no_data`; so have all acute wards together, unless
    each of their types has one, if only a 0.

    Raises `DataError` where the period ends before it begins, or beds name a footprint that the
    baseline does not have.
    """
    first, last = period
    if first > last:
        raise DataError(
            "the period ends before it begins.", fix="give the first day, then the last"
        )
    days = (last - first).days + 1
    listed = catalogue() if indicators is None else indicators
    demand = _demand(baseline, listed)
    open_beds = _open_beds(of_footprints(beds, baseline), period)
    held = _on_footprints(demand, with_whole_area(open_beds, baseline))
    found = weighted_sums(_terms(demand, held, days), [*_PLACE, "measure"])
    named = found.join(held.drop("open_beds", "status"), on=_PLACE, how="left", nulls_equal=True)
    units = pl.col("measure").replace_strict(_UNITS)
    return fitted(
        named.with_columns(units.alias("unit"), pl.lit(f"{first} to {last}").alias("period")),
        CAPACITY,
    )


def _demand(baseline: pl.DataFrame, listed: Catalogue) -> pl.DataFrame:
    """Return the counts of days by footprint, basis, ward type (all acute ones too) and kind."""
    kinds = pl.DataFrame(
        [
            (name.format(ward), ward, kind)
            for kind, name in _INDICATOR.items()
            for ward in (*ACUTE_WARD_TYPES, ACUTE)
        ],
        schema=["indicator", "ward_type", "kind"],
        orient="row",
    )
    cells = with_limits(baseline.filter(pl.col("stratum") == "all"), listed)
    return cells.join(kinds, on="indicator").select(*_PLACE, "kind", *_COUNTS, "status")


def _open_beds(beds: pl.DataFrame, period: tuple[date, date]) -> pl.DataFrame:
    """Return the mean open beds of each footprint and ward type, and of all, over the period.

    `complete`: of each ward type some site has a figure for the period's first day. `sources`,
    `first` and `last`: of the figures used.
    """
    first, stop = period[0], period[1] + timedelta(days=1)
    one = [*_SITE, "site"]
    until = pl.col("date").shift(-1).over(one).fill_null(stop).clip(first, stop)
    length = (until - pl.col("date").clip(first, stop)).dt.total_days()
    weight = length / (stop - first).days
    spells = (
        beds.filter(pl.col("ward_type").is_in(ACUTE_WARD_TYPES))
        .sort(*one, "date")
        .with_columns((pl.col("open_beds") * weight).alias("open_beds"), weight.alias("weight"))
    )
    told = (pl.col("date").min().over(_SITE) <= first).alias("told")
    wards = spells.with_columns(told, pl.lit(1).alias("types"), pl.col("ward_type").alias("type"))
    acute = wards.with_columns(
        pl.lit(ACUTE).alias("ward_type"), pl.lit(len(ACUTE_WARD_TYPES)).alias("types")
    )
    used = pl.col("weight") > 0
    complete = pl.col("told").all() & (pl.col("type").n_unique() == pl.col("types").first())
    day = pl.col("date").filter(used)
    return (
        pl.concat([wards, acute])
        .group_by(_SITE, maintain_order=True)
        .agg(
            pl.when(complete).then(pl.col("open_beds").sum()).alias("open_beds"),
            complete.alias("complete"),
            pl.col("source").filter(used).unique(maintain_order=True).alias("sources"),
            day.min().alias("first"),
            day.max().alias("last"),
        )
    )


def _on_footprints(demand: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return open_beds, their source and status for each footprint, basis and ward type."""
    places = demand.select(_PLACE).unique().sort(_PLACE)
    status = (
        pl.when(pl.col("complete").is_null())
        .then(pl.lit("not_applicable"))
        .when("complete")
        .then(pl.lit("ok"))
        .otherwise(pl.lit("no_data"))
    )
    source = pl.when(pl.col("sources").list.len() > 0).then(pl.col("sources").list.join("; "))
    joined = places.join(held, on=_SITE, how="left", nulls_equal=True)
    return joined.select(
        *_PLACE,
        "open_beds",
        status.alias("status"),
        source.alias("beds_source"),
        pl.concat_str("first", pl.lit(" to "), "last").alias("beds_date"),
    )


def _terms(demand: pl.DataFrame, held: pl.DataFrame, days: int) -> pl.DataFrame:
    """Return the terms of every measure: `_PLACE`, measure, weight, count, its limits, status."""
    scale = {_PLAIN: 1.0, _PER_DAY: 1 / days, _AT_TARGET: 1 / (TARGET_OCCUPANCY * days)}
    sums = pl.DataFrame(
        [
            (measure, kind, sign * scale[how])
            for measure, terms in _SUMS.items()
            for kind, how, sign in terms
        ],
        schema=["measure", "kind", "weight"],
        orient="row",
    )
    beds = held.select(
        *_PLACE,
        pl.lit(_OPEN).alias("kind"),
        *(pl.col("open_beds").alias(name) for name in _COUNTS),
        "status",
    )
    rows = pl.concat([demand, beds]).join(sums, on="kind").drop("kind")
    return _over_beds(rows, held)


def _over_beds(rows: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Divide what is told per open bed by the beds; without beds it has no count."""
    own = held.select(*_PLACE, "open_beds", beds_status="status")
    joined = rows.join(own, on=_PLACE, how="left", nulls_equal=True)
    per_bed = pl.col("measure") == "occupancy"
    some = pl.col("open_beds") > 0
    lacking = per_bed & ~some.fill_null(value=False)
    why = pl.when(pl.col("beds_status") == "ok").then(pl.lit("not_applicable"))
    weight = pl.when(per_bed & some).then(pl.col("weight") / pl.col("open_beds"))
    return joined.with_columns(
        weight.otherwise("weight").alias("weight"),
        pl.when(~lacking).then("count").alias("count"),
        pl.when(lacking).then(why.otherwise("beds_status")).otherwise("status").alias("status"),
    ).drop("open_beds", "beds_status")
