"""Who is on no list, who is registered elsewhere, who is in temporary accommodation, and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from synthetic_places import TinyPack

from pophealth_link.synthetic import SynthSpec
from pophealth_link.synthetic.conditions import add_conditions
from pophealth_link.synthetic.draws import Streams
from pophealth_link.synthetic.homelessness import homelessness
from pophealth_link.synthetic.households import KIND, STUDENTS
from pophealth_link.synthetic.members import CHILD, ELDER, HEAD, PARTNER, SHARER
from pophealth_link.synthetic.population import Population, population_of, population_size
from pophealth_link.synthetic.profile import load_profile
from pophealth_link.synthetic.situations import add_situation

SPEC = SynthSpec(people=60_000, seed=12)
PROFILE = load_profile("typical")
SETTINGS = PROFILE.england["off_register"]


@pytest.fixture(scope="module")
def population(pack: TinyPack) -> Population:
    return population_of(SPEC, pack)


@pytest.fixture(scope="module")
def people(population: Population) -> pl.DataFrame:
    return population.people


# On no list --------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["easy", "typical", "hard"])
@pytest.mark.parametrize("size", [50, 51, 333, 5_000])
def test_the_register_has_exactly_as_many_as_asked(pack: TinyPack, size: int, preset: str) -> None:
    made = population_of(SynthSpec(people=size, seed=size, preset=preset), pack).people
    assert made["registered"].sum() == size
    assert made.height == population_size(size, load_profile(preset))
    assert ((made["off_register"] == "") == made["registered"]).all()
    assert (made["practice_code"].is_null() == ~made["registered"]).all()


def test_reasons_are_as_common_as_asked(people: pl.DataFrame) -> None:
    off = people.filter(~pl.col("registered"))
    total = sum(SETTINGS["reasons"].values())
    for reason in ("relative", "registered_outside", "lives_outside"):
        exact = SETTINGS["reasons"][reason] / total * off.height
        assert abs((off["off_register"] == reason).sum() - exact) <= 1, reason
    # The last household that would go beyond the share is left out; people alone stand in.
    whole = (off["off_register"] == "household").sum()
    exact = SETTINGS["reasons"]["household"] / total * off.height
    assert exact - 8 <= whole <= exact + 1


def test_a_relative_on_no_list_lives_with_people_who_are_on_it(people: pl.DataFrame) -> None:
    homes = people.group_by("household").agg(
        (pl.col("off_register") == "relative").sum().alias("relatives"),
        pl.col("registered").sum().alias("listed"),
    )
    some = homes.filter(pl.col("relatives") > 0)
    assert (some["relatives"] == 1).all()
    assert (some["listed"] > 0).mean() > 0.97
    relatives = people.filter(pl.col("off_register") == "relative")
    assert set(relatives["role"]) == {HEAD, PARTNER, CHILD, ELDER}
    assert (relatives["role"] != SHARER).all()


def test_brothers_sisters_and_namesakes_are_among_them(people: pl.DataFrame) -> None:
    children = people.filter(pl.col("role") == CHILD)
    off = children.filter(pl.col("off_register") == "relative")
    listed = children.filter("registered")
    pairs = off.join(listed, on=["household", "sex"], suffix="_other")
    near = pairs.filter((pl.col("age_days") - pl.col("age_days_other")).abs() < 3 * 365)
    assert near.height > 30  # about 60,000 people have so many pairs to confuse
    named = people.filter(pl.col("situation") == "namesake")
    assert named["off_register"].is_in(["relative"]).any()


def test_newborn_children_are_often_not_yet_registered(people: pl.DataFrame) -> None:
    family = people.filter(pl.col("role") == CHILD)
    young = family.filter(pl.col("age_days") < SETTINGS["newborn_days"])
    older = family.filter(pl.col("age").is_between(2, 10))
    shares = [(each["off_register"] == "relative").mean() for each in (young, older)]
    assert shares[0] > 5 * shares[1]


def test_whole_households_have_just_come(people: pl.DataFrame) -> None:
    homes = people.group_by("household").agg(
        (pl.col("off_register") == "household").sum().alias("come"), pl.len()
    )
    come = homes.filter(pl.col("come") > 0)
    assert (come["come"] == come["len"]).all()
    assert (come["len"] >= 2).all()
    recent = pl.col("ethnic_category").is_in(SETTINGS["recently_arrived"])
    heads = people.filter(pl.col("role") == HEAD).select(
        recent=recent, come=pl.col("off_register") == "household"
    )
    of_come, of_all = heads.filter("come")["recent"].mean(), heads["recent"].mean()
    assert of_come > 1.5 * of_all


def test_students_on_no_list_here_have_another_home(people: pl.DataFrame) -> None:
    students = people.filter(pl.col("off_register") == "student")
    assert students.height > 30
    assert students["kind"].is_in(STUDENTS).all()
    assert students["other_uprn"].is_not_null().mean() > 0.5


def test_people_on_no_list_who_live_outside_have_no_address_here(people: pl.DataFrame) -> None:
    outside = people.filter(pl.col("off_register") == "lives_outside")
    assert outside["lives_outside"].all()
    assert outside["uprn"].str.starts_with("995").all()
    assert (outside["quintile"] == 0).all()


def test_ghosts_are_registered_here_and_live_elsewhere(people: pl.DataFrame) -> None:
    ghosts = people.filter(pl.col("registered") & pl.col("lives_outside"))
    assert ghosts.height > 100
    assert ghosts["previous_uprn"].str.starts_with("990").all()
    still = (ghosts["registered_at"] == "previous").mean()
    assert abs(still - PROFILE.england["registered_elsewhere"]["lives_outside"]) < 0.15


# Temporary accommodation -------------------------------------------------------------------------


def test_households_share_an_address_in_temporary_accommodation(people: pl.DataFrame) -> None:
    placed = people.filter("temporary_accommodation")
    homes = placed.group_by("household").agg(pl.col("uprn").n_unique())
    assert (homes["uprn"] == 1).all()
    expected = PROFILE.england["temporary_accommodation"]["share"] * people["household"].n_unique()
    assert abs(homes.height - expected) <= 2
    by_site = placed.group_by("uprn").agg(pl.col("household").n_unique())
    assert by_site["household"].max() >= 8
    assert by_site["household"].sum() == homes.height  # nobody else lives there
    assert people.join(by_site, on="uprn", how="semi")["temporary_accommodation"].all()
    assert (placed["tenure"] > 0).all()  # they did not own their home
    came = placed.filter(pl.col("age") > 2)["previous_uprn"].is_not_null().mean()
    assert came > 0.85


def test_dwellings_are_those_of_the_people(population: Population) -> None:
    people, homes = population.people.filter(~pl.col("lives_outside")), population.dwellings
    for name in ("postcode", "address", "uprn", "lsoa"):
        assert (homes[name].gather(people["dwelling"]) == people[name]).all(), name
    settled = people.filter(~pl.col("temporary_accommodation"))
    assert (settled["dwelling"] == settled["household"]).all()


def test_who_is_placed_now_has_an_open_placement_and_nobody_else(people: pl.DataFrame) -> None:
    streams = Streams(SPEC.seed)
    ill, _ = add_conditions(people, PROFILE, streams)
    use, _ = homelessness(ill, SPEC.period, PROFILE, streams)
    placements = use.events["temporary_accommodation"]
    still = placements.filter(pl.col("end_date").is_null())["person"]
    away = people.filter("lives_outside")["person"]
    placed = people.filter("temporary_accommodation")
    assert set(still) <= set(placed["person"]) | set(away)
    heads = placed.filter((pl.col("role") == HEAD) & ~pl.col("gone"))
    assert heads["person"].is_in(still.implode()).mean() > 0.9
    begun = placements.join(placed.select("person", "moved_on", "gone"), on="person")
    known = begun.filter(pl.col("moved_on").is_not_null() & ~pl.col("gone"))
    assert (known["start_date"] == known["moved_on"]).mean() > 0.95


def test_people_without_a_home_had_one(people: pl.DataFrame) -> None:
    homeless = people.filter("no_fixed_abode")
    assert homeless["previous_uprn"].is_not_null().mean() > 0.6
    assert not (homeless["temporary_accommodation"]).any()


# One word for each hard case ---------------------------------------------------------------------

PLAIN = {
    "household": 0, "family": 0, "kind": KIND["family"], "role": CHILD, "tie": 0,
    "former_partner": -1, "twin": False, "given_name": "A", "family_name": "B",
    "off_register": "", "temporary_accommodation": False, "no_fixed_abode": False,
    "age_days": 9_000, "date_of_death": None, "registered_at": "home", "previous_postcode": None,
    "previous_family_name": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "facts"),
    [
        ("none", {}),
        ("twin", {"twin": True, "off_register": "relative"}),
        ("relative_off_register", {"off_register": "relative", "previous_postcode": "X"}),
        ("household_off_register", {"off_register": "household"}),
        ("student", {"kind": KIND["student_hall"], "previous_postcode": "X"}),
        ("separated", {"tie": 1}),
        ("separated", {"former_partner": 4}),
        ("temporary_accommodation", {"temporary_accommodation": True, "previous_postcode": "X"}),
        ("no_fixed_abode", {"no_fixed_abode": True}),
        ("care_home", {"kind": KIND["care_home"]}),
        ("newborn", {"age_days": 20}),
        ("registered_elsewhere", {"registered_at": "other"}),
        ("moved", {"previous_postcode": "X", "previous_family_name": "C"}),
        ("renamed", {"previous_family_name": "C"}),
    ],
)
def test_each_case_has_its_word(case: str, facts: dict[str, object]) -> None:
    other = {**PLAIN, "given_name": "D"}
    frame = pl.DataFrame(
        [{**PLAIN, **facts}, other],
        schema_overrides={"date_of_death": pl.Date, "previous_postcode": pl.String,
                          "previous_family_name": pl.String},
    )  # fmt: skip
    assert add_situation(frame)["situation"].to_list() == [case, "none"]


def test_namesakes_and_widows_have_theirs() -> None:
    couple = [{**PLAIN, "role": role, "given_name": name} for role, name in
              ((HEAD, "Ann"), (PARTNER, "Bob"), (CHILD, "Bob"))]  # fmt: skip
    couple[1]["date_of_death"] = date(2026, 1, 1)
    frame = pl.DataFrame(
        couple, schema_overrides={"previous_postcode": pl.String, "previous_family_name": pl.String}
    )
    assert add_situation(frame)["situation"].to_list() == ["widowed", "namesake", "namesake"]


# England -----------------------------------------------------------------------------------------

BANDS = ("15 years and under", "16 to 24 years", "25 to 34 years", "35 to 49 years",
         "50 to 64 years", "65 years and over")  # fmt: skip


def test_ages_by_deprivation_are_those_of_the_census(people: pl.DataFrame, open_data: Path) -> None:
    """Census 2021 by fifth of the Index of Multiple Deprivation 2025: within three points."""
    columns = [f"Aged {band}" for band in BANDS]
    ages = pl.read_parquet(open_data / "census" / "age_group_2021_lsoa21.parquet")
    fifths = pl.read_parquet(open_data / "deprivation" / "iod2025_lsoa21.parquet").select(
        "lsoa21_code", fifth=(pl.col("IMD_decile") + 1) // 2
    )
    census = ages.join(fifths, on="lsoa21_code").group_by("fifth").agg(pl.col(columns).sum())
    for row in census.iter_rows():
        made = people.filter(pl.col("quintile") == row[0])["age"].to_numpy()
        found = np.histogram(made, [0, 16, 25, 35, 50, 65, 120])[0] / len(made)
        assert (np.abs(found - np.array(row[1:]) / sum(row[1:])) < 0.04).all(), row[0]


def test_households_are_of_the_sizes_of_england(people: pl.DataFrame) -> None:
    """One person 30.2 % of households, one family 63.0 % (Census 2021, England and Wales)."""
    usual = people.filter(~pl.col("kind").is_in([KIND["care_home"], KIND["student_hall"]]))
    size = usual.group_by("household").len()["len"]
    assert abs((size == 1).mean() - 0.302) < 0.03
    assert 2.2 < size.mean() < 2.5  # 2.4 people per household
    lone = people.filter((pl.col("role") == HEAD) & pl.col("kind").is_in([6, 7]))
    # Of lone parents 84 % are mothers (Families and households in the UK 2022).
    assert abs((lone["sex"] == 2).mean() - 0.84) < 0.05


def test_ethnic_groups_are_those_of_the_places(population: Population, pack: TinyPack) -> None:
    asian = population.people.group_by("lsoa").agg((pl.col("group") == 2).mean()).sort("lsoa")
    measures = pack.read("area_measures").filter(pl.col("measure") == "ethnic_asian")
    published = (measures["numerator"] / measures["denominator"]).to_numpy()
    assert (np.abs(asian["group"].to_numpy() - published) < 0.06).all()
