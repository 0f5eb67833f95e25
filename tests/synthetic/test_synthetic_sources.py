"""The made sources as a whole: conservation, contracts, rates, gradients, determinism."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from synthetic_places import TinyPack

from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.synthetic import Synthetic, SynthSpec, generate
from pophealth_link.synthetic.sources import SOURCES

NAMES = [source.name for source in SOURCES]
# The tables of events that are made; the schema declares more, for extracts of other services.
MADE = [table for source in SOURCES for table in source.events]
START, END = date(2025, 4, 1), date(2026, 3, 31)


def of(made: Synthetic, source: str) -> pl.DataFrame:
    return made.truth.filter(pl.col("source") == source)


def with_truth(made: Synthetic, source: str) -> pl.DataFrame:
    truth = of(made, source).select(
        "record_id", "person_id", group="ethnic_group", fifth="quintile"
    )
    return made.tables[source].join(truth, on="record_id", how="left")


def share(made: Synthetic, events: pl.DataFrame, by: str) -> dict[str, float]:
    """The share of each group's register records that have an event."""
    register = of(made, "gp_register")
    hit = register.join(events, on="record_id", how="semi").group_by(by).len()
    return {
        key: hits / size
        for key, size, hits in register.group_by(by).len("size").join(hit, on=by).iter_rows()
    }


@pytest.mark.parametrize("source", NAMES)
def test_every_record_has_one_row_of_truth(made: Synthetic, source: str) -> None:
    ids = made.tables[source]["record_id"]
    assert ids.is_unique().all()
    assert sorted(ids) == sorted(of(made, source)["record_id"])


def test_truth_is_of_the_sources_alone(made: Synthetic) -> None:
    assert set(made.truth["source"]) == set(NAMES)
    assert made.truth.null_count().sum_horizontal().item() == 0
    assert made.truth.columns == [
        "source", "record_id", "person_id", "household_id", "organisation", "ethnic_group", "sex",
        "age_band", "quintile", "practice_code", "pcn_code", "situation",
    ]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_tables_are_as_the_schema_declares(made: Synthetic, source: object) -> None:
    people = made.tables[source.name]  # type: ignore[attr-defined]
    assert dict(people.schema) == {c: PEOPLE.polars_schema[c] for c in people.columns}
    for name in source.events:  # type: ignore[attr-defined]
        events, declared = made.tables[name], EVENT_TABLES[name]
        assert dict(events.schema) == {c: declared.polars_schema[c] for c in events.columns}
        assert set(declared.required) <= set(events.columns)
        assert events.select(declared.required).null_count().sum_horizontal().item() == 0
        assert set(events["record_id"]) <= set(people["record_id"])


def test_codes_are_those_of_the_code_lists(made: Synthetic) -> None:
    for name, table in made.tables.items():
        declared = {**EVENT_TABLES, "council_tax": DWELLINGS}.get(name, PEOPLE)
        for column in declared.columns:
            if column.codes and column.name in table.columns:
                values = set(table[column.name].drop_nulls())
                assert values <= set(column.codes.codes), (name, column.name)


@pytest.mark.parametrize(
    "source", ["social_care", "childrens_social_care", "housing_register", "homelessness"]
)
def test_sources_of_unique_people_hold_each_once(made: Synthetic, source: str) -> None:
    assert of(made, source)["person_id"].is_unique().all()


def test_the_trust_holds_some_people_twice(made: Synthetic) -> None:
    truth = of(made, "mental_health_trust")
    assert 0.003 < 1 - truth["person_id"].n_unique() / truth.height < 0.03


def test_most_are_on_the_register_and_some_are_not(made: Synthetic) -> None:
    listed = of(made, "gp_register").select("person_id")
    for source in NAMES[1:]:
        truth = of(made, source)
        off = truth.join(listed, on="person_id", how="anti").height / truth.height
        assert 0 < off < 0.2, source


def test_aliases_are_rows_of_register_records(made: Synthetic) -> None:
    aliases = made.tables["gp_aliases"]
    assert set(aliases["record_id"]) <= set(made.tables["gp_register"]["record_id"])
    named, placed = aliases["family_name"].is_not_null(), aliases["postcode"].is_not_null()
    assert (named ^ placed).all()


def test_some_trust_numbers_belong_to_somebody_else(made: Synthetic) -> None:
    owners = with_truth(made, "gp_register").select("nhs_number", owner="person_id")
    big = with_truth(made, "mental_health_trust").join(owners, on="nhs_number")
    wrong = (big["owner"] != big["person_id"]).mean()
    assert 0.0005 < wrong < 0.01


def test_council_sources_hold_no_or_few_numbers(made: Synthetic) -> None:
    assert "nhs_number" not in made.tables["housing_register"].columns
    assert "nhs_number" not in made.tables["homelessness"].columns
    care = with_truth(made, "social_care")
    assert 0.55 < care["nhs_number"].is_not_null().mean() < 0.85


def test_homeless_people_often_have_no_fixed_abode(made: Synthetic) -> None:
    assert (made.tables["homelessness"]["postcode"] == "ZZ99 3VZ").mean() > 0.05
    assert (made.tables["gp_register"]["postcode"] == "ZZ99 3VZ").mean() < 0.005


# Magnitudes published for England, with room for the region's own ages and deprivation.
@pytest.mark.parametrize(
    ("condition", "low", "high"),
    [
        ("depression", 0.085, 0.125),  # of all ages: 13 % of adults
        ("severe_mental_illness", 0.007, 0.013),
        ("dementia", 0.004, 0.010),
        ("diabetes", 0.045, 0.075),
        ("copd", 0.013, 0.025),
    ],
)
def test_conditions_are_as_common_as_in_england(
    made: Synthetic, condition: str, low: float, high: float
) -> None:
    events = made.tables["condition_events"]
    live = events.filter((pl.col("condition") == condition) & pl.col("resolved_date").is_null())
    assert low < live["record_id"].n_unique() / 40_000 < high


def test_services_are_used_as_much_as_in_england(made: Synthetic) -> None:
    tables = made.tables
    referred = tables["referrals"].filter(pl.col("referral_date").is_between(START, END))
    assert 0.03 < referred["record_id"].n_unique() / 40_000 < 0.05
    assert 0.010 < tables["social_care"].height / 40_000 < 0.020
    assert 0.09 < tables["acute"].height / 40_000 < 0.15
    cases = tables["homelessness_cases"].filter(pl.col("start_date").is_between(START, END))
    assert 0.009 < cases["case_id"].n_unique() / (40_000 / 2.3) < 0.025


def test_mental_emergencies_have_their_codes_and_methods(made: Synthetic) -> None:
    admissions = made.tables["admissions"]
    mental = admissions.filter(
        pl.col("primary_diagnosis").str.contains(r"^(F\d\d|X[67]\d|X8[0-4])")
    )
    assert 0.002 < mental.height / 40_000 < 0.01
    assert mental["admission_method"].str.contains(r"^2[1-8A-D]$").all()


@pytest.mark.parametrize(
    ("condition", "steeper"), [("severe_mental_illness", 1.8), ("depression", 1.1), ("copd", 1.3)]
)
def test_need_rises_with_deprivation(made: Synthetic, condition: str, steeper: float) -> None:
    events = made.tables["condition_events"].filter(pl.col("condition") == condition)
    rates = share(made, events, "quintile")
    assert rates["quintile_1"] > steeper * rates["quintile_5"]


def test_severe_mental_illness_is_commoner_in_black_groups(made: Synthetic) -> None:
    events = made.tables["condition_events"]
    events = events.filter(pl.col("condition") == "severe_mental_illness")
    rates = share(made, events, "ethnic_group")
    assert rates["black"] > 1.3 * rates["white"]


def test_homelessness_rises_with_deprivation(made: Synthetic) -> None:
    homeless, listed = (
        of(made, name).group_by("quintile").len().sort("quintile") for name in
        ("homelessness", "gp_register")
    )  # fmt: skip
    rates = homeless.join(listed, on="quintile").select(
        "quintile", pl.col("len") / pl.col("len_right")
    )
    by = dict(rates.iter_rows())
    assert by["quintile_1"] > 2 * by["quintile_5"]


def test_conditions_and_services_meet_in_the_same_people(made: Synthetic) -> None:
    events = made.tables["condition_events"]
    ill = of(made, "gp_register").join(
        events.filter(pl.col("condition") == "severe_mental_illness"), on="record_id", how="semi"
    )
    known = of(made, "mental_health_trust").select("person_id").unique()
    both = ill.join(known, on="person_id", how="semi").height / ill.height
    assert both > 4 * known.height / 40_600


def test_mistakes_are_commoner_in_some_groups(made: Synthetic) -> None:
    clean = with_truth(made, "gp_register").select(
        "person_id", given="given_name", born="date_of_birth"
    )
    rows = pl.concat(
        with_truth(made, name).select("person_id", "given_name", "date_of_birth", "group")
        for name in ("social_care", "housing_register", "homelessness")
    ).join(clean, on="person_id")
    wrong = rows.with_columns(
        (pl.col("given_name").ne_missing(pl.col("given"))
         | pl.col("date_of_birth").ne_missing(pl.col("born"))).alias("wrong")
    )  # fmt: skip
    white = wrong.filter(pl.col("group") == "white")["wrong"].mean()
    others = wrong.filter(pl.col("group") != "white")["wrong"].mean()
    assert 0.05 < white < others < 0.45


def test_nothing_happens_after_death(made: Synthetic) -> None:
    truth = made.truth.select("source", "record_id", "person_id")
    dead = with_truth(made, "gp_register").filter(pl.col("date_of_death").is_not_null())
    died = dead.select("person_id", "date_of_death")
    for source in SOURCES:
        known = truth.filter(pl.col("source") == source.name).join(died, on="person_id")
        for table in source.events:
            events = made.tables[table].join(known, on="record_id")
            for day in (c for c, kind in made.tables[table].schema.items() if kind == pl.Date):
                assert not (events[day] > events["date_of_death"]).any(), (table, day)


def test_ends_are_not_before_beginnings(made: Synthetic) -> None:
    for table in MADE:
        events = made.tables[table]
        if {"start_date", "end_date"} <= set(events.columns):
            assert not (events["end_date"] < events["start_date"]).any(), table


def test_spells_of_a_person_do_not_overlap(made: Synthetic) -> None:
    truth = of(made, "mental_health_trust").select("record_id", "person_id")
    spells = made.tables["hospital_spells"].join(truth, on="record_id")
    before = pl.col("end_date").shift().over("person_id", order_by="start_date")
    assert not (spells.select(pl.col("start_date") < before)).to_series().any()


def test_the_discount_follows_the_adults_of_a_dwelling(made: Synthetic) -> None:
    tax = made.tables["council_tax"]
    assert tax["uprn"].is_unique().all()
    assert 0.25 < tax["single_person_discount"].mean() < 0.45
    assert 0.001 < tax["licensed_hmo"].mean() < 0.03


def test_the_same_seed_makes_the_same_tables_and_another_does_not(pack: TinyPack) -> None:
    first, again, other = (generate(SynthSpec(people=1_500, seed=seed), pack) for seed in (3, 3, 4))
    for name, table in first.tables.items():
        assert_frame_equal(table, again.tables[name])
    assert_frame_equal(first.truth, again.truth)
    assert not first.tables["gp_register"].equals(other.tables["gp_register"])


@pytest.mark.parametrize("people", [50, 333])
def test_small_populations_are_made_too(pack: TinyPack, people: int) -> None:
    made = generate(SynthSpec(people=people, seed=2, preset="hard"), pack)
    assert of(made, "gp_register")["person_id"].n_unique() == people
    assert set(made.tables) >= {*NAMES, "gp_aliases", "council_tax", *MADE}
