"""The population: households, ages, names, places, lists, numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from synthetic_places import DECILES, LISTS, PEOPLE, TinyPack

from pophealth_link.reference import load
from pophealth_link.synthetic import Synthetic, SynthSpec, generate
from pophealth_link.synthetic.draws import Streams
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.members import CHILD, ELDER, HEAD, PARTNER, YEAR
from pophealth_link.synthetic.name_book import draw_given, load_names
from pophealth_link.synthetic.population import Population, draw_population, population_size
from pophealth_link.synthetic.profile import load_profile
from pophealth_link.synthetic.region import read_region


@pytest.fixture(scope="module")
def population(pack: TinyPack) -> Population:
    spec, profile = SynthSpec(people=40_000, seed=7), load_profile("typical")
    region = read_region(pack, profile, spec.as_of)
    return draw_population(spec, region, profile, Streams(spec.seed))


@pytest.fixture(scope="module")
def people(population: Population) -> pl.DataFrame:
    return population.people


def test_the_register_holds_as_many_as_asked_for(people: pl.DataFrame) -> None:
    assert people["registered"].sum() == 40_000
    assert people.height == round(40_000 / (1 - 0.0275))  # 2.75 % of everybody on no list
    assert people.height == population_size(40_000, load_profile("typical"))


def test_everybody_is_in_one_household(population: Population) -> None:
    household = population.people["household"].to_numpy()
    assert (np.diff(household) >= 0).all()
    assert set(household) == set(range(household.max() + 1))
    assert (population.people["person"].to_numpy() == np.arange(len(household))).all()
    homes = population.people.filter(~pl.col("lives_outside")).group_by("household")
    assert (homes.agg(pl.col("address").n_unique())["address"] == 1).all()


def test_people_live_in_proportion_to_the_published_population(people: pl.DataFrame) -> None:
    counts = people.group_by("lsoa").len().sort("lsoa")["len"].to_numpy()
    exact = np.array(PEOPLE) / sum(PEOPLE) * people.height
    assert (np.abs(counts - exact) <= 1).all()


def test_homes_are_at_postcodes_of_their_area(population: Population, pack: TinyPack) -> None:
    places = pack.read("postcodes").select("postcode", "lsoa_code")
    homes = population.dwellings.join(places, on="postcode", how="left")
    assert homes["lsoa_code"].null_count() == 0
    codes = pack.read("areas").sort("lsoa_code")["lsoa_code"]
    assert (codes.gather(homes["lsoa"]) == homes["lsoa_code"]).all()


def test_dwellings_are_told_apart(population: Population) -> None:
    homes = population.dwellings
    assert homes["uprn"].n_unique() == homes.height
    assert homes.select("postcode", "address").n_unique() == homes.height
    assert homes["uprn"].str.contains(r"^\d{12}$").all()


def test_ages_are_those_of_england(people: pl.DataFrame) -> None:
    """Census 2021, England: six age groups, each within three points."""
    edges = [0, 16, 25, 35, 50, 65, 120]
    found = np.histogram(people["age"].to_numpy(), edges)[0] / people.height
    census = np.array([0.186, 0.106, 0.136, 0.194, 0.194, 0.184])
    assert (np.abs(found - census) < 0.03).all()


def test_deprived_areas_are_younger(people: pl.DataFrame) -> None:
    older = people.group_by("quintile").agg((pl.col("age") >= 65).mean()).sort("quintile")
    by_quintile = older.filter(pl.col("quintile") > 0)["age"].to_list()
    assert by_quintile[0] < 0.75 * by_quintile[4]


def test_mothers_were_of_an_age_to_bear_their_children(people: pl.DataFrame) -> None:
    heads = people.filter(pl.col("role") == HEAD).select("household", head="age_days")
    children = people.filter(pl.col("role") == CHILD).join(heads, on="household")
    at_birth = (children["head"] - children["age_days"]) / YEAR
    # Where the birthday is 1 January on paper alone, the year before counts as well.
    assert at_birth.min() >= 15.4
    assert (at_birth < 16.4).mean() < 0.001
    assert at_birth.quantile(0.99) < 48


def test_grandparents_are_older_than_parents(people: pl.DataFrame) -> None:
    heads = people.filter(pl.col("role") == HEAD).select("household", head="age_days")
    elders = people.filter(pl.col("role") == ELDER).join(heads, on="household")
    assert elders.height > 100
    assert (elders["age_days"] - elders["head"] >= 16 * YEAR - 1).all()


def test_brothers_and_sisters_are_twins_or_most_of_a_year_apart(people: pl.DataFrame) -> None:
    children = people.filter(pl.col("role") == CHILD).sort("household", "age_days")
    known = children.filter((pl.col("date_of_birth").dt.ordinal_day() > 1).all().over("household"))
    gap = known.select(pl.col("age_days").diff().over("household")).to_series().drop_nulls()
    assert ((gap == 0) | (gap >= 365)).all()
    assert (known.filter("twin").group_by("household", "age_days").len()["len"] >= 2).all()
    # Of 1,000 maternities 14.6 are multiple: within three standard deviations.
    pairs = (gap == 0).sum()
    maternities = known.height - pairs
    assert abs(pairs - 0.0146 * maternities) < 3 * np.sqrt(0.0146 * maternities)


def test_households_have_one_or_two_adults_where_they_should(people: pl.DataFrame) -> None:
    assert people.filter(pl.col("role") == PARTNER)["age"].min() >= 18
    alone = people.filter(pl.col("kind").is_in([KIND["single"], KIND["single_older"]]))
    assert alone["household"].is_unique().all()
    home = people.filter(pl.col("kind") == KIND["care_home"])
    assert home["age"].min() >= 65
    assert home.group_by("household").len()["len"].max() > 15


def test_families_share_a_name_and_siblings_never_a_given_name(people: pl.DataFrame) -> None:
    family = people.filter((pl.col("kind") == KIND["family"]) & (pl.col("role") == CHILD))
    per_home = family.group_by("household").agg(
        pl.col("family_name").n_unique().alias("names"),
        pl.col("given_name").n_unique().alias("given"),
        pl.len().alias("children"),
    )
    assert (per_home["names"] == 1).mean() > 0.95
    named = family["given_name"].null_count() == 0
    assert not named or (per_home["given"] == per_home["children"]).all()


def test_names_follow_birth_cohort() -> None:
    book = load_names()
    tradition = np.full(4_000, book.number("british"))
    sex = np.full(4_000, 2)

    def share(name: str, year: int) -> float:
        rng = np.random.default_rng(5)
        return float((draw_given(book, tradition, sex, np.full(4_000, year), rng) == name).mean())

    assert share("Margaret", 1933) > 10 * share("Margaret", 2005)
    assert share("Chloe", 1998) > 10 * share("Chloe", 1950)


def test_names_are_many_and_some_rare(people: pl.DataFrame) -> None:
    assert people["given_name"].n_unique() > 900
    counts = people["family_name"].value_counts()
    assert counts.height > 4_000
    assert (counts["count"] == 1).mean() > 0.2
    assert people["family_name"].str.contains("-").mean() > 0.01
    assert people["family_name"].str.contains(r"[^\x00-\x7F]").any()
    assert people["given_name"].null_count() > 0  # people of a single name
    assert people["family_name"].null_count() == 0


def test_ethnic_groups_follow_the_published_mix(people: pl.DataFrame) -> None:
    asian = people.group_by("lsoa").agg((pl.col("group") == 2).mean()).sort("lsoa")["group"]
    # The second LSOA is 60 % Asian in the pack, the fifth 6 %.
    assert 0.5 < asian[1] < 0.7
    assert 0.02 < asian[4] < 0.1


def test_lists_come_out_in_proportion_to_published_sizes(people: pl.DataFrame) -> None:
    counts = people.filter("registered").group_by("practice_code").len().sort("practice_code")
    known = counts.filter(pl.col("practice_code").str.starts_with("A99"))
    assert known["practice_code"].to_list() == [f"A9900{i}" for i in range(1, 7)]
    exact = np.array(LISTS) / sum(LISTS) * known["len"].sum()
    assert (np.abs(known["len"].to_numpy() / exact - 1) < 0.05).all()


def test_networks_of_the_example_region_keep_their_proportions() -> None:
    region = load(None)
    listed = generate(SynthSpec(people=30_000, seed=1), region).tables["gp_register"]
    networks = region.read("practice_pcn").select("practice_code", "pcn_code").unique()
    sizes = region.read("practices").join(networks, on="practice_code")
    published = sizes.group_by("pcn_code").agg(pl.col("list_size").sum())
    made = listed.join(networks, on="practice_code").group_by("pcn_code").len()
    both = published.join(made, on="pcn_code")
    ratio = (both["len"] / both["len"].sum()) / (both["list_size"] / both["list_size"].sum())
    assert both.height == published.height
    assert ratio.is_between(0.96, 1.04).all()


def test_near_practices_are_likelier(people: pl.DataFrame, pack: TinyPack) -> None:
    practices = pack.read("practices").select("practice_code", home="postcode")
    places = pack.read("postcodes").select("postcode", "easting")
    where = practices.join(places.rename({"postcode": "home"}), on="home")
    placed = people.join(places, on="postcode").join(where, on="practice_code", suffix="_gp")
    distance = (placed["easting"] - placed["easting_gp"]).abs()
    assert distance.mean() < 2_500  # the strip is 12 km long: by chance it would be 4 km


def test_a_few_are_registered_elsewhere_or_live_outside(people: pl.DataFrame) -> None:
    listed = people.filter("registered")
    assert 0.003 < listed["practice_code"].str.starts_with("Z999").mean() < 0.01
    assert 0.002 < listed["lives_outside"].mean() < 0.007
    assert (
        people.filter(~pl.col("registered"))["practice_code"].null_count() == people.height - 40_000
    )


def test_dates_of_registration_are_in_order(people: pl.DataFrame) -> None:
    listed = people.filter("registered")
    assert (listed["date_from"] >= listed["date_of_birth"]).all()
    ended = listed.filter(pl.col("date_to").is_not_null())
    assert (ended["date_from"] <= ended["date_to"]).all()
    dead = listed.filter(pl.col("date_of_death").is_not_null())
    assert (dead["date_to"] == dead["date_of_death"]).all()
    assert 0.005 < dead.height / listed.height < 0.014  # about 1 % die in a year
    assert dead["age"].median() > 75


def test_private_renters_move_most(people: pl.DataFrame) -> None:
    moved = people.group_by("tenure").agg(pl.col("previous_uprn").is_not_null().mean())
    shares = moved.sort("tenure")["previous_uprn"].to_list()
    assert shares[0] < shares[1] < shares[2]
    assert 0.1 < people["previous_uprn"].is_not_null().mean() < 0.25


def test_deciles_become_quintiles(people: pl.DataFrame) -> None:
    local = people.filter(~pl.col("lives_outside"))
    found = local.group_by("lsoa").agg(pl.col("quintile").unique()).sort("lsoa")["quintile"]
    assert [each[0] for each in found.to_list()] == [(decile + 1) // 2 for decile in DECILES]


def test_the_made_register_is_that_population(made: Synthetic, people: pl.DataFrame) -> None:
    listed = made.truth.filter(pl.col("source") == "gp_register")
    assert listed["person_id"].n_unique() == 40_000
    # A few people have two records, so that some days come once more.
    held = made.tables["gp_register"]["date_from"].value_counts()
    true = people.filter("registered")["date_from"].value_counts()
    both = true.join(held, on="date_from", how="left")
    assert (both["count_right"].fill_null(0) >= both["count"]).all()
