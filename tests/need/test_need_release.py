"""The release: disclosure first, statistics from what is released, nothing else."""

import json
import math

import numpy as np
import polars as pl
import pytest
import world

from pophealth_link import stats
from pophealth_link.disclosure import POLICIES, policy, require_released
from pophealth_link.errors import DisclosureError
from pophealth_link.indicators import catalogue
from pophealth_link.need import count, release
from pophealth_link.need.counts import over_dispersion
from pophealth_link.schema.outputs import BASELINE

HES = policy("hes")
NUMBERS = ["value", "lower", "upper"]
WILSON_Z = 1.959963984540054


@pytest.fixture(scope="module")
def given():
    return world.inputs(size=6000, rows=4000, unit_footprints=world.unit_footprints(80, split=True))


@pytest.fixture(scope="module")
def counts(given):
    return count(given, policy=HES)


@pytest.fixture(scope="module")
def released(given, counts):
    return release(counts, HES, unit_footprints=given.unit_footprints)


@pytest.fixture(scope="module")
def baseline(released):
    return released[0]


def of(baseline, indicator, **keys):
    return baseline.filter(indicator=indicator, **({"stratum": "all"} | keys))


def levels(baseline):
    level = {each.id: each.level for each in catalogue()}
    return baseline.with_columns(level=pl.col("indicator").replace_strict(level))


def test_has_the_declared_shape(baseline, counts):
    assert baseline.schema == BASELINE.polars_schema
    assert baseline.height == counts.height
    assert baseline.select(BASELINE.unique).is_duplicated().sum() == 0
    assert baseline["linkage_lower"].null_count() == baseline.height


@pytest.mark.parametrize("name", list(POLICIES))
def test_counts_of_people_are_those_that_the_policy_releases(given, name):
    rule = POLICIES[name]
    baseline, summary = release(
        count(given, policy=rule), rule, unit_footprints=given.unit_footprints
    )
    people = levels(baseline).filter(pl.col("level") != "area")
    require_released(people, rule, counts=["numerator", "denominator"], derived=NUMBERS)
    assert summary["policy"]["name"] == name
    assert people.filter(pl.col("value").is_not_null()).height > 100


def test_values_follow_from_released_counts_alone(baseline):
    """value = multiplier × numerator / denominator in every row that has one."""
    factor = {each.id: each.multiplier for each in catalogue()}
    rows = baseline.filter(pl.col("value").is_not_null()).with_columns(
        k=pl.col("indicator").replace_strict(factor)
    )
    wanted = (rows["k"] * rows["numerator"] / rows["denominator"]).round(6)
    assert (rows["value"] - wanted).abs().max() < 2e-6
    inside = rows.drop_nulls("lower")
    assert (inside["lower"] <= inside["value"] + 1e-6).all()
    assert (inside["upper"] >= inside["value"] - 1e-6).all()


def test_two_counts_that_round_alike_are_released_alike(counts):
    """Nothing of the true count survives: the same rounded counts, the same values and limits."""
    cell = {"indicator": "depression_recorded", "footprint_code": "U1", "basis": "registered"}
    row = counts.filter(**cell, stratum="all").with_columns(contributors=pl.col("numerator"))
    base = row["numerator"].item() // 5 * 5
    answers = set()
    for extra in (-2, -1, 0, 1, 2):
        one = row.with_columns(pl.lit(base + extra).alias(n) for n in ("numerator", "contributors"))
        answers.add(release(one, HES)[0].row(0))
    assert len(answers) == 1


def test_a_withheld_cell_has_no_number_that_follows_from_it(baseline):
    gone = baseline.filter(status="suppressed")
    assert gone.height > 0
    assert gone["value"].null_count() == gone.height
    assert gone["upper"].null_count() == gone.height
    for status in ("no_data", "not_applicable"):
        rows = baseline.filter(status=status)
        assert rows["value"].null_count() == rows["upper"].null_count() == rows.height
        assert rows["numerator"].fill_null(0).max() == 0
        assert rows["denominator"].fill_null(0).max() == 0


@pytest.mark.parametrize("name", list(POLICIES))
def test_a_given_cell_has_a_value(given, name):
    rule = POLICIES[name]
    baseline, _ = release(count(given, policy=rule), rule, unit_footprints=given.unit_footprints)
    shown = baseline.filter(pl.col("status").is_in(["ok", "estimated", "imputed_down"]))
    assert shown["value"].null_count() == 0
    assert (shown["denominator"] > 0).all()
    if rule.zero_shown:
        nobody = baseline.filter(denominator=0)
        assert set(nobody["status"]) == {"not_applicable"}
        assert shown.filter(numerator=0).height > 0
    else:
        # That nobody is there is not told either.
        assert baseline.filter(denominator=0).is_empty()


def test_proportions_have_wilson_limits(baseline):
    rows = of(baseline, "depression_recorded").filter(
        pl.col("numerator") > 0, pl.col("denominator").is_not_null()
    )
    assert rows.height > 0
    for row in rows.iter_rows(named=True):
        x, n, z = row["numerator"], row["denominator"], WILSON_Z
        middle = 2 * x + z * z
        reach = z * math.sqrt(z * z + 4 * x * (1 - x / n))
        assert row["lower"] == pytest.approx(100 * (middle - reach) / (2 * (n + z * z)), abs=1e-5)
        assert row["upper"] == pytest.approx(100 * (middle + reach) / (2 * (n + z * z)), abs=1e-5)


def test_rates_of_people_have_byar_limits(baseline):
    row = of(baseline, "homelessness_duty_owed", footprint_code="whole", basis="resident").row(
        0, named=True
    )
    lower, upper = stats.byar_limits(row["numerator"])
    assert row["lower"] == pytest.approx(1000 * lower / row["denominator"], abs=1e-5)
    assert row["upper"] == pytest.approx(1000 * upper / row["denominator"], abs=1e-5)


def test_repeat_events_have_wider_limits_than_poisson(baseline, released):
    facts = {fact["indicator"]: fact for fact in released[1]["indicators"]}
    for name in ("mental_health_contacts", "delayed_discharge_days"):
        factor = facts[name]["over_dispersion"]
        row = of(baseline, name, footprint_code="whole", basis="resident").row(0, named=True)
        k = catalogue()[name].multiplier
        lower, upper = stats.byar_limits(row["numerator"] / factor)
        assert row["lower"] == pytest.approx(k * factor * lower / row["denominator"], rel=1e-6)
        assert row["upper"] == pytest.approx(k * factor * upper / row["denominator"], rel=1e-6)
        plain = stats.byar_limits(row["numerator"])
        assert row["upper"] - row["lower"] > 1.1 * k * (plain[1] - plain[0]) / row["denominator"]


def test_over_dispersed_limits_hold_the_true_rate():
    """People have a geometric number of contacts: 95 % limits hold the truth about 95 times."""
    rng = np.random.default_rng(7)
    people, mean, runs = 120, 4.0, 600
    held = plain = 0
    for _ in range(runs):
        each = rng.geometric(1 / mean, rng.poisson(people))
        factor = over_dispersion(int(each.sum()), int((each**2).sum()), len(each))
        for scale in (factor, 1.0):
            lower, upper = stats.byar_limits(each.sum() / scale)
            inside = lower * scale <= people * mean <= upper * scale
            held += inside and scale == factor
            plain += inside and scale == 1.0
    assert 0.92 <= held / runs <= 0.98
    assert plain / runs < 0.75


def test_many_days_of_few_people_are_withheld(counts):
    row = counts.filter(
        indicator="delayed_discharge_days", footprint_code="U1", basis="registered", stratum="all"
    )
    for name in ("hes", "midpoint6"):
        rule = POLICIES[name]
        given = row.with_columns(
            numerator=pl.lit(300.0), contributors=pl.lit(3.0), policy=pl.lit(name)
        )
        out = release(given, rule)[0].row(0, named=True)
        assert (out["numerator"], out["value"], out["status"]) == (None, None, "suppressed")
        assert out["denominator"] is not None
        many = release(given.with_columns(contributors=pl.lit(20.0)), rule)[0].row(0, named=True)
        assert many["numerator"] is not None


def test_without_a_factor_repeat_events_have_no_limits(counts):
    rows = counts.filter(indicator="mental_health_contacts").with_columns(
        dispersion=pl.lit(None, pl.Float64)
    )
    out = release(rows, HES)[0].drop_nulls("value")
    assert out.height > 0
    assert out["lower"].null_count() == out.height
    assert over_dispersion(numerator=90, squares=1000, people=9) is None


def test_scores_and_shares_of_areas_have_no_limits(baseline):
    for each in catalogue():
        if each.interval == "none":
            assert of(baseline, each.id)["lower"].null_count() == of(baseline, each.id).height


def test_published_counts_stay_as_published_on_the_resident_basis(baseline, given):
    row = of(baseline, "overcrowding_bedrooms", footprint_code="whole", basis="resident").row(
        0, named=True
    )
    held = given.measures.filter(measure="overcrowded_bedrooms")
    assert row["numerator"] == held["numerator"].sum()
    assert row["status"] == "ok"
    assert row["period"] == "2021"


def test_counts_made_for_another_policy_are_refused(given, counts):
    with pytest.raises(DisclosureError, match="count again"):
        release(count(given), HES)
    with pytest.raises(DisclosureError, match="not made for the policy `acro`"):
        release(counts, policy("acro"))


def test_the_same_input_gives_the_same_bytes(given, counts, baseline):
    shuffled = counts.sample(fraction=1, shuffle=True, seed=3)
    again, summary = release(shuffled, HES, unit_footprints=given.unit_footprints)
    assert again.write_csv() == baseline.write_csv()
    assert json.dumps(summary) == json.dumps(
        release(counts, HES, unit_footprints=given.unit_footprints)[1]
    )


def test_the_summary_says_what_has_no_data_and_why(given):
    events = {name: frame for name, frame in given.events.items() if name != "referrals"}
    changed = world.inputs(size=6000, rows=4000, events=events)
    _, summary = release(count(changed, policy=HES), HES)
    facts = {fact["indicator"]: fact for fact in summary["indicators"]}
    assert facts["mental_health_referrals"]["reason"] == "no source gives referrals"
    assert "reason" not in facts["mental_health_contacts"]
    assert facts["deprivation_average_score"]["reason"] == "part of the areas hold no value"
    assert summary["cells"]["no_data"] > 0
    assert summary["differencing"]["narrowed"] == 0


def test_nobody_is_zero_of_zero_without_a_value(baseline):
    rows = of(baseline, "depression_recorded", stratum="quintile_1").filter(
        footprint_code="no_fixed_abode"
    )
    assert rows["numerator"].to_list() == [0.0] * rows.height
    assert rows["value"].null_count() == rows.height
    assert set(rows["status"]) == {"not_applicable"}
