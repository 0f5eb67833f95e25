"""Counts of each practice, to reconcile with published registers: exact, and not for release."""

from __future__ import annotations

import polars as pl

from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.person import DAYS_A_YEAR
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.need.tallies import Tally, gaps
from pophealth_link.places.parts import PART_MARK
from pophealth_link.places.units import REASONS, REGISTERED
from pophealth_link.schema.strata import ALL

_DECIMALS = 6


def practice_counts(
    made: Tally, inputs: BaselineInputs, *, indicators: Catalogue | None = None
) -> pl.DataFrame:
    """Return unit (practice), indicator, numerator, denominator and period, sorted.

    `made`: the tally of `inputs`. Person-level indicators that have data, all people, registered
    basis; the parts of a practice that is split between footprints are added up. Denominators are
    people, or person-years for a rate.
    """
    listed = catalogue() if indicators is None else indicators
    absent = list(gaps(made, listed))
    first, last = inputs.period
    told = {
        each.id: inputs.as_of.isoformat() if each.period == "point" else f"{first} to {last}"
        for each in listed.at("person")
        if each.id not in absent
    }
    rates = [each.id for each in listed.at("person") if each.statistic == "rate"]
    rows = made.units.filter(
        pl.col("basis") == REGISTERED,
        pl.col("stratum") == ALL,
        pl.col("indicator").is_in(list(told)),
        ~pl.col("unit").is_in(list(REASONS[REGISTERED])),
    )
    practice = pl.col("unit").str.split(PART_MARK).list.first()
    summed = rows.group_by(practice, "indicator").agg(pl.col("numerator", "denominator").sum())
    years = (pl.col("denominator") / DAYS_A_YEAR).round(_DECIMALS)
    return summed.select(
        "unit",
        "indicator",
        pl.col("numerator").cast(pl.Float64),
        pl.when(pl.col("indicator").is_in(rates)).then(years).otherwise("denominator"),
        pl.col("indicator").replace_strict(told, return_dtype=pl.String).alias("period"),
    ).sort("unit", "indicator")
