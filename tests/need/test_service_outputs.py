"""All tables of service use together, from a release of the small world."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
import world

from pophealth_link.disclosure import policy
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.indicators.derived import derived
from pophealth_link.need import count, release
from pophealth_link.need.service_inputs import checked
from pophealth_link.need.service_outputs import service_outputs
from pophealth_link.need.service_shares import service_shares
from pophealth_link.schema.outputs_services import SERVICE_OUTPUTS
from pophealth_link.schema.records_services import BEDS, UNIT_COSTS

SINCE = date(2025, 1, 1)


@pytest.fixture(scope="module")
def released() -> tuple[pl.DataFrame, dict[str, object]]:
    """The service use of the small world alone, by a policy that withholds small counts."""
    shown = ("service_use", "waits")
    listed = Catalogue({each.id: each for each in catalogue() if each.domain in shown})
    given = world.events(3000, 1500)
    reasons = pl.Series(["01", "04", "08", "18"] * 375)
    given["referrals"] = given["referrals"].with_columns(
        primary_reason=reasons, priority=pl.lit("3")
    )
    made = derived(given, as_of=world.AS_OF, period=world.PERIOD)
    inputs = world.inputs(events=made)
    hes = policy("hes")
    counts = count(inputs, policy=hes, indicators=listed)
    return release(counts, hes, unit_footprints=inputs.unit_footprints, indicators=listed)


@pytest.fixture(scope="module")
def tables(released) -> dict[str, pl.DataFrame]:
    beds = pl.DataFrame(
        {"site": "A", "ward_type": "adult_acute", "open_beds": 5.0, "date": [SINCE], "source": "x"}
    )
    priced = pl.DataFrame(
        {
            "item": "Delayed day",
            "indicator": "delayed_discharge_days",
            "unit_cost": 400.0,
            "price_year": "2024/25",
            "date": [SINCE],
            "source": "x",
        }
    )
    return service_outputs(
        *released,
        period=world.PERIOD,
        beds=checked(beds, BEDS),
        unit_costs=checked(priced, UNIT_COSTS),
    )


def test_every_table_is_made_as_declared(tables):
    assert set(tables) == set(SERVICE_OUTPUTS)
    for name, declared in SERVICE_OUTPUTS.items():
        assert tables[name].schema == declared.polars_schema
        assert tables[name].select(declared.unique).is_unique().all()


def test_no_footprint_of_the_baseline_is_dropped(released, tables):
    place = ["footprint_type", "footprint_code", "basis"]
    every = released[0].select(place).unique().height
    for name, table in tables.items():
        assert table.select(place).unique().height == every, name


def test_what_is_empty_says_why_and_what_is_given_has_a_value(tables):
    for name, table in tables.items():
        given = table["status"].is_in(["ok", "estimated", "imputed_down"])
        assert (given == table["value"].is_not_null()).all(), name


def test_nothing_is_told_from_a_withheld_count(released, tables):
    """A cost stands only where its count does, and is the count times the unit cost."""
    own = released[0].filter(indicator="delayed_discharge_days", stratum="all")
    both = tables["costs"].join(own, on=["footprint_type", "footprint_code", "basis"])
    given = both["status"].is_in(["ok", "estimated"])
    assert both.filter(given)["value"].equals(
        (both.filter(given)["numerator"] * 400.0).alias("value")
    )
    assert both.filter(both["numerator"].is_null()).height > 0
    assert both.filter(~given | both["numerator"].is_null())["value"].null_count() == (~given).sum()


def test_beds_and_costs_need_their_tables(released):
    made = service_outputs(*released, period=world.PERIOD)
    assert set(made) == {"waiting_times", "service_shares"}


def test_shares_know_how_far_the_policy_rounds(released, tables):
    """By the policy a count lies 2.5 from its own at most."""
    factors = {
        each["indicator"]: each["over_dispersion"]
        for each in released[1]["indicators"]
        if "over_dispersion" in each
    }
    own = service_shares(released[0], dispersion=factors, rounding=2.5)
    assert tables["service_shares"].equals(own)
    assert not own.equals(service_shares(released[0], dispersion=factors))
