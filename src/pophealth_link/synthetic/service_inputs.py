"""The tables of open beds and of unit costs that a synthetic job names; all figures are assumed."""

from __future__ import annotations

import polars as pl

from pophealth_link.schema.records_services import BEDS, UNIT_COSTS
from pophealth_link.synthetic.spec import SynthSpec

# Open beds per 100,000 people on the register: assumed, near what the synthetic people fill.
_BEDS_PER_100_000 = {
    "adult_acute": 17.0,
    "older_adult_acute": 6.0,
    "psychiatric_intensive_care": 1.5,
}
# Cost of one, lowest and highest plausible, in pounds: assumed, round numbers.
_COSTS = {
    "out_of_area_days": ("A day in a bed out of area for want of a local one", 700, 500, 900),
    "delayed_discharge_days": ("A day of delayed discharge", 500, 400, 600),
    "mental_health_emergency_admissions": ("An emergency admission", 2000, 1000, 3000),
}
_SOURCE = "assumed, for the demonstration alone"


def beds(spec: SynthSpec) -> pl.DataFrame:
    """Return BEDS of one site for the whole area, from the first day of the period.

    >>> from pophealth_link.synthetic import SynthSpec
    >>> beds(SynthSpec(people=100_000, seed=1))["open_beds"].to_list()
    [17.0, 6.0, 2.0]
    """
    size = spec.people / 100_000
    rows = [
        ("Synthetic Hospital", ward, max(1, round(rate * size)), spec.period[0], _SOURCE)
        for ward, rate in _BEDS_PER_100_000.items()
    ]
    schema = {name: BEDS.polars_schema[name] for name in BEDS.required}
    return pl.DataFrame(rows, schema=schema, orient="row")


def unit_costs(spec: SynthSpec) -> pl.DataFrame:
    """Return UNIT_COSTS of three indicators, at the prices of the year when the period begins."""
    first = spec.period[0]
    year = f"{first.year}/{(first.year + 1) % 100:02d}"
    rows = [
        (item, indicator, cost, lower, upper, year, first, _SOURCE)
        for indicator, (item, cost, lower, upper) in _COSTS.items()
    ]
    return pl.DataFrame(rows, schema=UNIT_COSTS.polars_schema, orient="row")
