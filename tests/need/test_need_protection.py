"""Denominators that indicators share, and those that are another indicator's people."""

import polars as pl
import pytest
import world

from pophealth_link.disclosure import policy
from pophealth_link.indicators import Catalogue, catalogue
from pophealth_link.need import count, release

HES = policy("hes")
NAMED = (
    *("dementia_recorded", "severe_mental_illness_recorded", "eating_disorder_recorded"),
    *("dementia_known_gp_only", "smi_known_to_social_care", "smi_health_check_bmi"),
)
PLACE = ["footprint_type", "footprint_code", "basis", "stratum"]


@pytest.fixture(scope="module")
def baseline():
    listed = Catalogue({name: catalogue()[name] for name in NAMED})
    given = world.inputs(size=2500, rows=1500)
    counts = count(given, policy=HES, indicators=listed)
    return release(counts, HES, unit_footprints=given.unit_footprints, indicators=listed)[0]


def test_indicators_of_the_same_people_show_and_withhold_the_same_denominators(baseline):
    of_all = baseline.filter(pl.col("indicator").is_in(NAMED[:4]))
    spread = of_all.group_by(PLACE).agg(pl.col("denominator").n_unique().alias("numbers"), pl.len())
    assert spread["numbers"].max() == 1
    assert spread["len"].max() == 4


def test_a_denominator_of_another_indicators_people_is_its_released_numerator(baseline):
    register = baseline.filter(indicator="severe_mental_illness_recorded").select(
        *PLACE, people="numerator"
    )
    among = baseline.filter(
        pl.col("indicator").is_in(NAMED[4:]), ~pl.col("status").is_in(["not_applicable"])
    )
    both = among.join(register, on=PLACE)
    assert both.height == among.height > 50
    assert both["denominator"].eq_missing(both["people"]).all()
    hidden = both.filter(pl.col("people").is_null())
    assert hidden.height > 0
    assert set(hidden["status"]) == {"suppressed"}
    assert hidden["value"].null_count() == hidden.height
