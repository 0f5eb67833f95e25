"""Footprints around the whole area's value: what chance alone would let them be."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link import stats
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.waiting import DOMAIN as WAITS
from pophealth_link.need.inequality_rows import (
    COUNTS,
    ESTIMATE,
    NO_FOOTPRINT,
    NOBODY,
    declared,
    of_people,
    reason_of,
    status_of,
)
from pophealth_link.places.units import is_reason
from pophealth_link.schema.outputs_inequality import FUNNELS

WHOLE = "whole"
# Fewer footprints of a type do not tell how they differ beyond chance.
FEWEST_FOOTPRINTS = 10
LIMITS = ("lower_95", "upper_95", "lower_998", "upper_998")
_SET = ("footprint_type", "basis", "indicator")


def funnels(
    baseline: pl.DataFrame,
    *,
    dispersions: Mapping[str, float] | None = None,
    indicators: Catalogue | None = None,
) -> pl.DataFrame:
    """Return each footprint's value, its control limits and significance (schema FUNNELS, sorted).

    For indicators of people, events and dwellings, all strata together, on the same basis; the
    centre is the value of the whole area. Proportions and rates of people: see
    `stats.funnel_limits`. Repeat events: the limits are those of the effective number of events
    (counts divided by their over-dispersion φ of `dispersions`), and where a type has ten or more
    footprints with a value they are widened by Spiegelhalter's additive over-dispersion, the spread
    between footprints beyond chance; `over_dispersion` is its standard deviation, in the unit. The
    bands of the life tables of waits are left out: what they tell is a share seen by a day.

    A withheld cell has its status and no numbers. Without φ, without an interval (scores) and for
    rows that are no footprint there are no limits, and `reason` says so.

    Raises DataError where the baseline lacks a column.
    """
    listed = catalogue() if indicators is None else indicators
    bands = [each.id for each in listed if each.domain == WAITS]
    everyone = of_people(baseline, listed, dispersions or {}).filter(
        pl.col("stratum") == "all", ~pl.col("indicator").is_in(bands)
    )
    rows = _centred(everyone)
    results = [_limited(rows.filter(kind=kind), kind) for kind in ("proportion", "rate", "repeat")]
    others = rows.filter(pl.col("kind").is_null())
    return declared(_told(pl.concat([*results, others], how="diagonal")), FUNNELS)


def _centred(everyone: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of footprints with the whole area's value and the `kind` of their funnel."""
    whole = everyone.filter(pl.col("footprint_type") == WHOLE, "held", ~is_reason()).select(
        "basis", "indicator", whole=pl.col("numerator") / pl.col("denominator")
    )
    rows = everyone.filter(pl.col("footprint_type") != WHOLE).drop(ESTIMATE)
    rows = rows.join(whole, on=["basis", "indicator"], how="left")
    part = (pl.col("numerator") <= pl.col("denominator")) & (pl.col("whole") <= 1)
    kinds = (
        pl.when(~pl.col("held") | is_reason() | pl.col("whole").is_null())
        .then(None)
        .when((pl.col("interval") == "wilson") & part)
        .then(pl.lit("proportion"))
        .when(pl.col("interval") == "byar")
        .then(pl.lit("rate"))
        .when((pl.col("interval") == "compound_poisson") & pl.col("dispersion").is_not_null())
        .then(pl.lit("repeat"))
    )
    return rows.with_columns(kind=kinds, place=~is_reason())


def _limited(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return the rows of a kind with value, limits and significance, per one of the unit."""
    if kind == "proportion":
        return stats.funnel_limits(rows, *COUNTS, by=_SET, target="whole").drop("baseline")
    if kind == "rate":
        return _rate(rows, widened=False)
    many = pl.len().over(_SET) >= FEWEST_FOOTPRINTS
    effective = rows.with_columns(
        pl.col(name) / pl.col("dispersion") for name in COUNTS
    ).with_columns(many=many)
    parts = [_rate(effective.filter(many=flag), widened=flag) for flag in (True, False)]
    found = pl.concat(parts, how="diagonal").drop("many")
    return found.with_columns(pl.col(name) * pl.col("dispersion") for name in COUNTS)


def _rate(rows: pl.DataFrame, *, widened: bool) -> pl.DataFrame:
    found = stats.funnel_limits(
        rows.rename({"dispersion": "factor"}),
        *COUNTS,
        kind="rate",
        by=_SET,
        multiplier=1,
        target="whole",
        over_dispersion="additive" if widened else None,
    )
    found = found.rename({"dispersion": "over_dispersion"}) if widened else found
    return found.drop("baseline").rename({"factor": "dispersion"})


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    status = pl.when("place").then(status_of(pl.col("rank"))).otherwise(pl.lit(NOBODY))
    shown = pl.col("held") & pl.col("place")
    unknown = (pl.col("interval") == "compound_poisson") & pl.col("dispersion").is_null()
    reason = pl.coalesce(
        pl.when(~pl.col("place")).then(pl.lit(NO_FOOTPRINT)),
        reason_of(status, nobody="nobody is in the footprint"),
        pl.when(pl.col("whole").is_null()).then(pl.lit("the whole area has no value")),
        pl.when(unknown).then(pl.lit("over-dispersion is not known: no interval")),
        pl.when(pl.col("kind").is_null()).then(pl.lit("the indicator has no interval")),
    )
    plain = pl.col("numerator") / pl.col("denominator")
    numbers = ("value", *ESTIMATE[1:], *LIMITS, "over_dispersion", "whole")
    absent = [name for name in numbers if name not in rows.columns]
    rows = rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)
    return rows.with_columns(
        pl.when(shown).then(pl.col("value").fill_null(plain)).alias("value"),
        pl.when(shown).then("denominator").alias("denominator"),
        pl.when("place").then("whole").alias("whole"),
        status=status,
        reason=reason,
    ).with_columns(pl.col(name) * pl.col("multiplier") for name in numbers)
