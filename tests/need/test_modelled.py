"""Modelled need: released people times raked rates, with intervals and honest statuses."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import world
from survey_tables import bands, nation, row, survey

from pophealth_link.disclosure import Policy, policy
from pophealth_link.errors import DataError, JobError
from pophealth_link.indicators import Indicator, catalogue
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.need import count, need_index, release
from pophealth_link.need.gap import gap
from pophealth_link.need.gap_pairs import shipped_pairs
from pophealth_link.need.modelled import modelled
from pophealth_link.need.modelled_outputs import modelled_outputs, stepped
from pophealth_link.need.nation import nation_of
from pophealth_link.need.people_bands import people_bands
from pophealth_link.need.survey import england, shipped, with_shipped
from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.schema.outputs import BASELINE
from pophealth_link.schema.outputs_modelled import MODELLED, MODELLED_TABLES, PEOPLE_BANDS

EXACT = Policy("exact", base=1)


def model(counts, *rows, seed=1, **more):
    return modelled(bands(counts, **more), [survey(*rows)], seed=seed, nation=nation())


def people_of(size=4000, seed=1):
    people = world.people(size, 80, seed)
    rng = np.random.default_rng(seed + 100)
    sexes = rng.choice(["1", "2", "9"], size, p=[0.49, 0.5, 0.01])
    return people.with_columns(sex=pl.Series(sexes))


def test_expected_people_by_hand():
    """Two ages and sexes: 100·0.2 + 50·0.1 of women, 200·0.1 + 10·0.05 of men."""
    counts = {
        ("70-74", "female"): 100,
        ("75-79", "female"): 50,
        ("70-74", "male"): 200,
        ("75-79", "male"): 10,
    }
    rows = [row(age_from=70, age_to=74, sex="female", rate=20), row(age_from=75, sex="female", rate=10),
            row(age_from=70, age_to=74, sex="male", rate=10), row(age_from=75, sex="male", rate=5)]  # fmt: skip
    found = model(counts, *rows)
    shares = {
        (a, b): (n, e)
        for a, b, n, e in found.select("age_from", "age_to", "population", "expected").iter_rows()
    }
    assert shares == {(70, 74): (300, 40.0), (75, None): (60, 5.5), (70, None): (360, 45.5)}
    whole = found.filter(pl.col("age_from") == 70, pl.col("age_to").is_null())
    assert whole["value"].item() == pytest.approx(100 * 45.5 / 360, abs=1e-3)
    assert found["status"].unique().to_list() == ["ok"]


def test_bands_are_spread_evenly_over_their_years():
    """Ages 8 to 10 are two fifths of 5–9 and one of 10–14."""
    counts = {("05-09", "female"): 50, ("10-14", "male"): 100}
    found = model(counts, row(survey_group="children", age_from=8, age_to=10, rate=10))
    assert found["population"].item() == pytest.approx(2 / 5 * 50 + 1 / 5 * 100)
    assert found["expected"].item() == pytest.approx(4.0)


def test_people_in_deprived_quintiles_have_their_rate():
    fifths = [
        row("deprivation", quintile=q, rate=r)
        for q, r in zip(range(1, 6), (30, 25, 20, 15, 10), strict=True)
    ]
    counts = {("30-34", "female"): 500, ("30-34", "male"): 500}

    def value(fifth):
        return model(counts, row(rate=20), *fifths, fifths={"18-64": {fifth: 1000}})["value"].item()

    assert [value(str(q)) for q in (1, 3, 5)] == pytest.approx([30, 20, 10], abs=1e-3)
    # People whose quintile is not known are as the others; where none is known, a fifth in each.
    assert value("unknown") == pytest.approx(20, abs=1e-3)


def test_the_interval_is_that_of_the_survey():
    found = model({("30-34", "female"): 1000}, row(rate=22.6, lower=21.1, upper=24.2))
    assert found["expected"].item() == 226.0
    assert found["expected_lower"].item() == pytest.approx(211, abs=3)
    assert found["expected_upper"].item() == pytest.approx(242, abs=3)
    assert found["limits"].item() == "published"
    none = model({("30-34", "female"): 1000}, row(rate=22.6))
    assert none["limits"].item() == "none"
    assert none.select("lower", "upper", "expected_lower").row(0) == (None, None, None)
    assert "neither limits nor respondents" in none["reason"].item()


def test_intervals_of_margins_hold_their_rates():
    rows = [row("margin", 16, 64, rate=20, base=4000), row(age_from=16, age_to=24, rate=30, base=400),
            row("rest", 25, 64, rate=None)]  # fmt: skip
    found = model({("20-24", "female"): 300, ("40-44", "male"): 700}, *rows)
    assert found["raked_to"].item() == "20 %"
    assert found["lower"].item() < found["value"].item() < found["upper"].item()


def test_the_same_seed_gives_the_same_numbers_whatever_else_there_is():
    counts = {("30-34", "female"): 1000}
    one = survey(row(rate=20, base=500))
    two = survey(row(condition="other", rate=5, base=500))
    alone = modelled(bands(counts), [one], seed=7)
    both = modelled(bands(counts).reverse(), [two, one], seed=7)
    assert both.filter(condition="condition").equals(alone)
    other = modelled(bands(counts), [one], seed=8)
    assert not other["lower"].equals(alone["lower"])


def test_nobody_of_the_ages_is_not_applicable_and_never_a_zero():
    found = model({("30-34", "female"): 10}, row(survey_group="children", age_from=8, age_to=10))
    assert found.select("status", "expected", "value", "reason").row(0) == (
        "not_applicable", None, None, "nobody is of these ages")  # fmt: skip


def test_withheld_counts_are_what_totals_leave_and_too_many_are_not_modelled():
    counts = {("30-34", "female"): 60, ("30-34", "male"): 40, ("35-39", "female"): 100}
    rows = (row(sex="female", rate=10), row(sex="male", rate=20))
    exact = model(counts, *rows)
    # One sex withheld: the total of the band leaves it exactly.
    one = model(counts, *rows, withheld=[("30-34", "male")])
    assert one["expected"].to_list() == exact["expected"].to_list()
    both = model(counts, *rows, withheld=[("30-34", "male"), ("30-34", "female")])
    assert both["status"].item() == "suppressed"
    assert both.select("expected", "value", "population", "lower").row(0) == (None,) * 4
    # A rate of both sexes needs the total alone.
    together = model(counts, row(rate=10), withheld=[("30-34", "male"), ("30-34", "female")])
    assert together.select("status", "expected").row(0) == ("ok", 20.0)
    every = [(b, s) for b in AGE_BAND_STARTS for s in ("all", "female", "male")]
    lost = model(counts, row(rate=10), withheld=[*every, ("18-64", "all")])
    assert lost.select("status", "expected").row(0) == ("suppressed", None)


@pytest.mark.parametrize("code", ["no_pcn", "no_postcode", "outside_area", "closed_practice"])
def test_people_without_a_footprint_are_no_footprint(code):
    found = model({("30-34", "female"): 1000}, row(rate=10), code=code)
    assert found.select("status", "expected", "population", "reason").row(0) == (
        "not_applicable", None, None, "no footprint")  # fmt: skip


def test_rates_of_the_jobs_own_are_said_to_be():
    named = {
        "survey": "Adult Psychiatric Morbidity Survey",
        "year": "2023/4",
        "condition": "autism",
        "measure": "own",
    }
    tables = with_shipped([survey(row(rate=3, **named)), survey(row(rate=10, base=500))])
    found = modelled(bands({("30-34", "female"): 1000}), tables, seed=1)
    said = found.filter(condition="autism")
    assert said["expected"].to_list() == [30.0]
    assert "in place of those that the library ships" in said["reason"].item()
    assert "neither limits nor respondents" in said["reason"].item()
    assert found.filter(condition="condition")["reason"].to_list() == [None]


def test_a_shared_practice_is_estimated():
    found = model({("30-34", "female"): 1000}, row(rate=10), status="estimated")
    assert found["status"].item() == "estimated"


def test_shipped_surveys_put_england_on_their_margins():
    """People as England has them are expected to have the national rates."""
    starts = list(AGE_BAND_STARTS.values())
    ages = england().with_columns(
        band=pl.col("age").map_elements(lambda a: max(s for s in starts if s <= a), pl.Int64)
    )
    sums = dict(ages.group_by("band").agg(pl.col("people").sum()).iter_rows())
    counts = {
        (b, s): sums[start] / 2 for b, start in AGE_BAND_STARTS.items() for s in ("female", "male")
    }
    found = modelled(bands(counts), shipped(), seed=1)
    values = {
        (r["condition"], r["year"], r["age_from"], r["age_to"]): r["value"]
        for r in found.iter_rows(named=True)
    }
    cmhc = "common mental health condition"
    assert values[cmhc, "2023/4", 16, 64] == pytest.approx(22.6, abs=0.02)
    assert values[cmhc, "2014", 16, 64] == pytest.approx(18.9, abs=0.02)
    probable = "probable mental disorder"
    assert values[probable, "2023", 11, 16] == pytest.approx(22.6, abs=0.02)
    # Adults and children apart: no part reaches from one to the other.
    assert found.filter(survey_group="children")["age_to"].max() == 25
    assert found.filter(survey_group="adults")["age_from"].min() == 16
    assert found.schema == MODELLED.polars_schema


def test_released_people_are_those_counted_directly():
    """With a policy that changes nothing, every count is that of a plain group-by."""
    people = people_of()
    found = people_bands(world.inputs(people=people), EXACT).frame
    assert found.schema == PEOPLE_BANDS.polars_schema
    of = people.filter("current", registered_unit="P3", sex="2", age_band="70-74").height
    cell = {"footprint_code": "U2", "footprint_type": "pcn", "basis": "registered"}
    assert found.filter(**cell, ages="70-74", sex="female")["people"].item() == of
    # Everyone is in exactly one footprint of each type and basis, and in one band and sex.
    current = people.filter("current").height
    sums = (
        found.filter(pl.col("sex").is_in(["female", "male"]))
        .group_by("footprint_type", "basis")
        .agg(pl.col("people").sum())
    )
    assert sums["people"].unique().to_list() == [current]
    fifths = found.filter(pl.col("quintile").is_not_null(), pl.col("quintile") != "all")
    assert fifths.group_by("footprint_type", "basis").agg(pl.col("people").sum())[
        "people"
    ].unique().to_list() == [current]


@pytest.mark.parametrize("name", ["hes", "opensafely", "midpoint6", "acro"])
def test_released_people_keep_the_policy(name):
    rule = policy(name)
    done = people_bands(world.inputs(people=people_of(1500)), rule)
    shown = done.frame.filter(pl.col("people") > 0)["people"]
    assert shown.min() >= min(rule.first_shown, rule.base / 2)
    if name in ("hes", "opensafely", "acro"):
        assert (shown % rule.base == 0).all()
        assert (done.frame.filter(status="suppressed")["people"].is_null()).all()
        assert done.account["suppressed"] > 0
    assert done.account["differencing"]["narrowed"] == 0


def test_released_people_do_not_depend_on_row_order():
    people = people_of(1000)
    given = people_bands(world.inputs(people=people), policy("hes")).frame
    mixed = people_bands(world.inputs(people=people.reverse()), policy("hes")).frame
    assert given.equals(mixed)


def test_the_nation_comes_from_a_pack_that_holds_all_of_it():
    population = pl.DataFrame(
        {
            "area_type": ["lsoa"] * 4,
            "area_code": ["E1", "E1", "E2", "E2"],
            "sex": ["female", "male", "female", "male"],
            "age_from": [0, 0, 85, 85],
            "age_to": [4, 4, None, None],
            "people": [10, 20, 60, 6],
            "period": ["mid-2022"] * 4,
        }
    )
    ranks = pl.DataFrame({"lsoa_code": ["E1", "E2"], "imd_decile": [1, 10]})
    found = nation_of(population, ranks, 2)
    assert found.filter(age=3, sex="female", quintile=1)["people"].item() == 2
    assert found.filter(age=90, sex="female", quintile=5)["people"].item() == 10
    assert found["people"].sum() == pytest.approx(96)
    assert nation_of(population, ranks, 3) is None
    assert nation_of(population.clear(), ranks, 0) is None


def test_a_nation_without_its_columns_is_refused():
    with pytest.raises(DataError, match="quintile"):
        modelled(bands({}), [survey(row())], seed=1, nation=nation().drop("quintile"))


def test_without_tables_there_is_nothing():
    assert modelled(bands({}), [], seed=1).is_empty()


def released(stratum, denominator, status, indicator="dementia_recorded"):
    row = dict.fromkeys(BASELINE.names)
    row |= {"footprint_type": "pcn", "footprint_code": "U1", "basis": "registered", "stratum": stratum,
            "indicator": indicator, "denominator": denominator, "status": status}  # fmt: skip
    return pl.DataFrame([row], schema=BASELINE.polars_schema)


def test_what_the_baseline_withholds_stays_withheld():
    counts = {("70-74", "female"): 1000, ("85-89", "male"): 20, ("30-34", "male"): 500}
    rows = [survey(row(age_from=65, rate=10), row(age_from=30, age_to=40, rate=20))]

    def statuses(*cells, **more):
        found = modelled(bands(counts), rows, seed=1, baseline=pl.concat(cells), **more)
        return dict(found.select("age_from", "status").iter_rows())

    given, withheld = (
        released("band_65_74", 1000, "ok"),
        released("band_85_over", None, "suppressed"),
    )
    assert statuses(given, withheld) == {30: "ok", 65: "suppressed"}
    # Another indicator of the same people gives it; one of other people does not.
    same = released("band_85_over", 20, "ok", "severe_mental_illness_recorded")
    assert statuses(given, withheld, same) == {30: "ok", 65: "ok"}
    others = released("band_85_over", 20, "ok", "depression_recorded")
    assert statuses(given, withheld, others) == {30: "ok", 65: "suppressed"}
    # An indicator of the job's own may give it too.
    own = released("band_85_over", 20, "ok", "own_recorded")
    fields = {key: getattr(catalogue()["dementia_recorded"], key) for key in Indicator.__slots__}
    listed = Catalogue(
        {**catalogue().indicators, "own_recorded": Indicator(**fields | {"id": "own_recorded"})}
    )
    assert statuses(given, withheld, own) == {30: "ok", 65: "suppressed"}
    assert statuses(given, withheld, own, indicators=listed) == {30: "ok", 65: "ok"}
    # Ages that are no sum of strata give none of them away.
    assert statuses(given, released("age_26_64", None, "suppressed")) == {30: "ok", 65: "ok"}


def test_the_outputs_of_a_run_are_declared_and_whole():
    given = world.inputs(people=people_of(3000), rows=300)
    rule = policy("midpoint6")
    catalogued = Catalogue(
        {name: catalogue()[name] for name in ("dementia_recorded", "depression_recorded")}
    )
    counts = count(given, policy=rule, indicators=catalogued)
    baseline, _ = release(
        counts, rule, unit_footprints=given.unit_footprints, indicators=catalogued
    )
    done = modelled_outputs(given, baseline, need_index(given), rule, seed=1)
    made = done.frames
    assert done.people.schema == PEOPLE_BANDS.polars_schema
    # Counts of this policy lie within half of 6: 3 on either side.
    both = {"comparison": "gap", "status": "ok"}
    plain = gap(baseline, made["modelled"]).filter(**both)
    wide = made["gap"].filter(**both)
    assert plain.height == wide.height > 0
    assert (wide["gap_lower"] < plain["gap_lower"]).all()
    wrong = [replace(pair, age_from=60) for pair in shipped_pairs() if pair.comparison == "gap"]
    with pytest.raises(JobError, match="65 and over, the pair of others"):
        modelled_outputs(given, baseline, need_index(given), rule, seed=1, pairs=wrong)
    assert {name: frame.schema for name, frame in made.items()} == {
        name: MODELLED_TABLES[name].polars_schema for name in made
    }
    places = baseline.select("footprint_type", "footprint_code", "basis").unique()
    for name in ("modelled", "gap"):
        found = made[name].select(places.columns).unique()
        assert found.join(places, on=places.columns, nulls_equal=True).height == places.height
    for name, table in made.items():
        keys = list(MODELLED_TABLES[name].unique)
        assert table.select(keys).is_duplicated().sum() == 0, name


@pytest.mark.parametrize("name", ["hes", "midpoint6"])
def test_what_is_modelled_is_released_in_the_policys_steps(name):
    """Exact sums of unreleased people by age and sex would give these back by subtraction."""
    given, rule = world.inputs(people=people_of(3000), rows=300), policy(name)
    listed = Catalogue({"dementia_recorded": catalogue()["dementia_recorded"]})
    counts = count(given, policy=rule, indicators=listed)
    baseline, _ = release(counts, rule, unit_footprints=given.unit_footprints, indicators=listed)
    done = modelled_outputs(given, baseline, need_index(given), rule, seed=1)
    told = done.frames["modelled"].filter(pl.col("expected").is_not_null())
    people = ["population", "expected", "expected_lower", "expected_upper"]
    assert told.height > 20
    for each in people:
        assert (told[each].drop_nulls() % rule.base == 0).all(), each
    assert (told["expected"] > 0).all()
    share = 100 * told["expected"] / told["population"]
    assert (told["value"] - share).abs().max() <= 0.0005
    # The exact number lies within the limits, and within half a step of the released one.
    key = [*MODELLED.unique]
    exact = modelled(done.people, shipped(), seed=1, baseline=baseline, indicators=listed)
    both = told.join(exact, on=key, nulls_equal=True, suffix="_exact")
    assert both.height == told.height
    assert ((both["expected"] - both["expected_exact"]).abs() <= rule.base / 2 + 0.05).all()
    limited = both.drop_nulls("expected_lower")
    assert limited.height
    assert (limited["expected_lower"] <= limited["expected_lower_exact"]).all()
    assert (limited["expected_upper"] + rule.base / 2 >= limited["expected_upper_exact"]).all()


def test_an_expectation_that_rounds_to_nobody_has_no_number():
    found = stepped(model({("30-34", "female"): 1000}, row(rate=0.2, base=500)), 5)
    assert found.select("status", "reason").row(0) == ("not_applicable", "too few are expected")
    assert found.select("population", "expected", "value", "upper").row(0) == (None,) * 4
    # 30 of 1,003 people: 30 of 1,005; of everyone no more than all.
    some = stepped(model({("30-34", "female"): 1003}, row(rate=3, base=500)), 5)
    assert some.select("population", "expected", "value").row(0) == (1005.0, 30.0, 2.985)
    every = stepped(model({("30-34", "female"): 1003}, row(rate=99.9, base=20)), 5)
    assert every.select("expected_upper", "upper").row(0) == (1005.0, 100.0)


def test_a_policy_that_rounds_nothing_leaves_what_is_modelled_as_it_is():
    exact = model({("30-34", "female"): 1003}, row(rate=3, base=500))
    assert stepped(exact, 1).equals(exact)
