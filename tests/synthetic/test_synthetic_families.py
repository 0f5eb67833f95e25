"""Families and their history: partings, students, care homes, moves, names within a family."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_places import TinyPack

from pophealth_link.synthetic import SynthSpec
from pophealth_link.synthetic.households import KIND, LONE_PARENTS, STUDENTS
from pophealth_link.synthetic.kin import SEPARATED, SPOUSE, STUDENT, pair_up
from pophealth_link.synthetic.members import CHILD, ELDER, HEAD, PARTNER
from pophealth_link.synthetic.name_book import load_names
from pophealth_link.synthetic.population import population_of
from pophealth_link.synthetic.profile import load_profile

ENGLAND = load_profile("typical").england
PLACE = ("postcode", "address", "uprn")


@pytest.fixture(scope="module")
def people(pack: TinyPack) -> pl.DataFrame:
    book = load_names()
    made = population_of(SynthSpec(people=60_000, seed=11), pack).people
    names = pl.Series(book.traditions).gather(made["tradition"]).alias("custom")
    return made.with_columns(names)


def near(found: int, size: int, share: float) -> bool:
    """Whether a count is within four standard deviations of a binomial one."""
    return abs(found - size * share) <= 4 * np.sqrt(size * share * (1 - share)) + 1


def with_row(people: pl.DataFrame, of: pl.DataFrame, row: str, suffix: str) -> pl.DataFrame:
    """Join to each of a few people another of the people by number."""
    return of.join(people, left_on=row, right_on="person", suffix=suffix)


# Pairing -----------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(0, 60), max_size=30),
    st.lists(st.floats(0, 60), max_size=30),
    st.floats(0.1, 10),
)
def test_a_pairing_takes_nobody_twice_and_only_near_ones(
    wanted: list[float], offered: list[float], within: float
) -> None:
    one, other = np.array(wanted, dtype=float), np.array(offered, dtype=float)
    first, second = pair_up(one, other, within)
    assert len(first) == len(second)
    assert len(set(first.tolist())) == len(first)
    assert len(set(second.tolist())) == len(second)
    assert (np.abs(one[first] - other[second]) <= within).all()


@given(st.permutations(list(range(12))), st.permutations(list(range(12))))
@settings(max_examples=30)
def test_a_pairing_finds_everybody_who_has_one_near(one: list[int], other: list[int]) -> None:
    wanted, offered = 10.0 * np.array(one), 10.0 * np.array(other) + 1
    first, second = pair_up(wanted, offered, 3)
    assert len(first) == 12
    assert (offered[second] - wanted[first] == 1).all()


# Partings ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parted(people: pl.DataFrame) -> pl.DataFrame:
    """One row for each couple that parted: who lives alone now, and `_ex`, the former partner."""
    left = people.filter(pl.col("tie") == SEPARATED)
    return with_row(people, left, "former_partner", "_ex").filter(
        ~pl.col("lives_outside") & ~pl.col("lives_outside_ex")
    )


def test_former_partners_name_each_other(people: pl.DataFrame, parted: pl.DataFrame) -> None:
    assert parted.height > 300
    partner = people["former_partner"].to_numpy()
    known = np.flatnonzero(partner >= 0)
    assert (partner[partner[known]] == known).all()
    assert (parted["sex"] != parted["sex_ex"]).all()
    assert (parted["household"] != parted["household_ex"]).all()
    assert (parted["family"] == parted["household_ex"]).all()
    assert (parted["ethnic_category"] == parted["ethnic_category_ex"]).all()


def test_who_left_lived_where_the_former_partner_lives(parted: pl.DataFrame) -> None:
    lived_there = [parted[f"previous_{name}"] == parted[f"{name}_ex"] for name in PLACE]
    one_left = (lived_there[0] & lived_there[1] & lived_there[2]).fill_null(value=False)
    other_left = (parted["previous_uprn_ex"] == parted["uprn"]).fill_null(value=False)
    assert (one_left ^ other_left).all()
    # Of those who now live alone, that share stayed while the other left.
    alone = (parted["kind"] == KIND["single"]).to_numpy()
    assert near(other_left.sum(), int(alone.sum()), ENGLAND["kin"]["parent_of_children_left"])


def test_children_keep_the_fathers_name_and_have_a_second_home(
    people: pl.DataFrame, parted: pl.DataFrame
) -> None:
    fathers = parted.filter(
        (pl.col("sex") == 1) & (pl.col("custom") == "british") & ~pl.col("patronymic")
    ).select("household_ex", fathers_name="family_name", fathers_home="uprn")
    children = people.filter((pl.col("role") == CHILD) & ~pl.col("lives_outside")).join(
        fathers, left_on="household", right_on="household_ex"
    )
    first = children.unique("household", keep="first", maintain_order=True)
    his = (first["family_name"] == first["fathers_name"]).sum()
    assert near(his, first.height, ENGLAND["names"]["childs_surname_from_father_apart"])
    young = children.filter(pl.col("age") < ENGLAND["kin"]["child_below"])
    assert (young["other_uprn"] == young["fathers_home"]).all()
    listed = young.filter(pl.col("registered") & (pl.col("registered_at") != "previous"))
    at_his = (listed["registered_at"] == "other").sum()
    assert near(at_his, listed.height, ENGLAND["registered_elsewhere"]["other_parent"])


def test_some_women_went_back_to_the_name_they_were_born_with(parted: pl.DataFrame) -> None:
    wives = parted.filter((pl.col("sex_ex") == 2) & (pl.col("custom_ex") == "british"))
    renamed = wives.filter(pl.col("previous_family_name_ex").is_not_null())
    back = renamed.filter(pl.col("birth_family_name_ex").is_null())
    assert near(back.height, renamed.height, ENGLAND["names"]["back_to_own_surname"])
    married = back["previous_family_name_ex"].str.split("-").list.last()
    assert (married == back["family_name"]).all()
    still = renamed.filter(pl.col("birth_family_name_ex").is_not_null())
    assert (still["family_name_ex"].str.split("-").list.last() == still["family_name"]).all()


# Students and residents of care homes ------------------------------------------------------------


def test_students_share_houses_and_halls(people: pl.DataFrame) -> None:
    students = people.filter(pl.col("kind").is_in(STUDENTS))
    # About 1.7 % in England, but they live near each other: a dozen LSOAs vary widely.
    assert 0.004 < students.height / people.height < 0.05
    assert students["age"].is_between(18, 25).all()
    hall = people.filter(pl.col("kind") == KIND["student_hall"])
    assert hall.group_by("household").len()["len"].max() >= 24
    assert hall["address"].str.contains(r"(Hall|Halls|Student Village), \d+ ").all()


def test_students_come_from_their_parents_home(people: pl.DataFrame) -> None:
    away = people.filter((pl.col("tie") == STUDENT) & ~pl.col("lives_outside"))
    assert away.height > 100
    parents = people.filter((pl.col("role") == HEAD) & ~pl.col("lives_outside"))
    both = away.join(parents, left_on="family", right_on="household", suffix="_mother")
    assert (both["previous_uprn"] == both["uprn_mother"]).all()
    assert (both["other_uprn"] == both["uprn_mother"]).all()
    assert (both["age_mother"] - both["age"]).is_between(15, 45).all()
    siblings = people.filter(pl.col("role") == CHILD).group_by("household")
    names = siblings.agg(pl.col("family_name").first().alias("of_sibling"))
    named = away.filter(pl.col("custom") == "british").join(
        names, left_on="family", right_on="household"
    )
    assert (named["family_name"] == named["of_sibling"]).all()


def test_a_spouse_in_a_care_home_lived_with_the_other(people: pl.DataFrame) -> None:
    resident = people.filter((pl.col("tie") == SPOUSE) & ~pl.col("lives_outside"))
    spouse = people.filter((pl.col("role") == HEAD) & ~pl.col("lives_outside"))
    both = resident.join(spouse, left_on="family", right_on="household", suffix="_home")
    assert both.height > 10
    assert (both["previous_uprn"] == both["uprn_home"]).all()
    assert (both["sex"] != both["sex_home"]).all()
    assert (both["family_name"] == both["family_name_home"]).mean() > 0.6
    untied = people.filter((pl.col("kind") == KIND["care_home"]) & (pl.col("tie") == 0))
    came = untied["previous_uprn"].is_not_null().sum()
    assert near(came, untied.height, ENGLAND["moves"]["into_care_home"])


# Moves -------------------------------------------------------------------------------------------


def test_nobody_came_from_where_they_live(people: pl.DataFrame) -> None:
    assert not (people["previous_uprn"] == people["uprn"]).any()
    assert not (people["earlier_uprn"] == people["uprn"]).any()
    assert people.filter(pl.col("earlier_uprn").is_not_null())["previous_uprn"].null_count() == 0


def test_moves_are_of_two_years_and_of_a_life(people: pl.DataFrame) -> None:
    moved = people.filter(pl.col("moved_on").is_not_null())
    assert (moved["previous_uprn"].null_count(), moved.height) == (
        0,
        people["previous_uprn"].drop_nulls().len(),
    )
    assert (moved["moved_on"] >= moved["date_of_birth"]).all()
    assert (moved["moved_on"] > date(2024, 3, 30)).all()
    last = pl.Series(moved["last_day"].cast(pl.Int32)).cast(pl.Date)
    assert (moved["moved_on"] <= last).all()


def test_those_who_rent_privately_move_twice_most_often(people: pl.DataFrame) -> None:
    settled = people.filter(
        pl.col("moved_on").is_not_null()
        & ~pl.col("no_fixed_abode")
        & ~pl.col("temporary_accommodation")
    )
    twice = settled.group_by("tenure").agg(pl.col("earlier_uprn").is_not_null().mean())
    shares = twice.sort("tenure")["earlier_uprn"].to_list()
    assert shares == sorted(shares)
    adrift = people.filter("temporary_accommodation")
    assert adrift["earlier_uprn"].is_not_null().mean() > shares[2]


def test_the_register_still_has_some_where_they_lived_before(
    people: pl.DataFrame, pack: TinyPack
) -> None:
    still = people.filter(pl.col("registered_at") == "previous")
    assert still["registered"].all()
    assert still["previous_uprn"].null_count() == 0
    assert still["previous_uprn"].str.starts_with("990").all()  # in the region
    assert (still["date_from"] < still["moved_on"]).mean() > 0.99
    places = pack.read("postcodes").select("postcode", "easting")
    surgeries = (
        pack.read("practices")
        .select("practice_code", at="postcode")
        .join(places.rename({"easting": "surgery"}), left_on="at", right_on="postcode")
    )
    placed = still.join(places, on="postcode").join(
        places.rename({"easting": "before"}), left_on="previous_postcode", right_on="postcode"
    ).join(surgeries, on="practice_code")  # fmt: skip
    to_home = (placed["easting"] - placed["surgery"]).abs().mean()
    assert (placed["before"] - placed["surgery"]).abs().mean() < 0.8 * to_home


# Namesakes ---------------------------------------------------------------------------------------


def family_children(people: pl.DataFrame) -> pl.DataFrame:
    """Children of a home, and students who come from it."""
    return people.filter((pl.col("role") == CHILD) | (pl.col("tie") == STUDENT))


def test_brothers_and_sisters_differ_in_given_or_middle_name(people: pl.DataFrame) -> None:
    named = family_children(people).filter(pl.col("given_name").is_not_null())
    twice = named.select(pl.struct("family", "given_name").is_duplicated()).to_series()
    brothers = named.filter(twice)
    assert brothers.height > 20
    assert (brothers["sex"] == 1).all()
    shared = set(ENGLAND["namesakes"]["brothers_first_names"])
    assert set(brothers["given_name"]) <= shared
    assert not brothers.select(pl.struct("family", "given_name", "middle_names").is_duplicated()
                               ).to_series().any()  # fmt: skip


@pytest.mark.parametrize(("sex", "custom"), [(1, "son_after_parent"), (2, "daughter_after_parent")])
def test_eldest_children_bear_a_parents_name_as_often_as_asked(
    people: pl.DataFrame, sex: int, custom: str
) -> None:
    adult = pl.col("role").is_in([HEAD, PARTNER]) & (pl.col("sex") == sex)
    parents = people.filter(adult & (pl.col("custom") == "british")).unique("household")
    own = (pl.col("role") == CHILD) & (pl.col("sex") == sex) & (pl.col("custom") == "british")
    eldest = people.filter(own).sort("age_days").unique("household", keep="last")
    pairs = eldest.join(parents, on="household", suffix="_parent")
    same = (pairs["given_name"] == pairs["given_name_parent"]).sum()
    # By chance a few more do: a name that many had in both generations.
    assert near(int(same * 0.85), pairs.height, ENGLAND["namesakes"][custom]["british"])


def test_hard_has_more_namesakes_twins_and_people_on_no_list(pack: TinyPack) -> None:
    usual, hard = (
        population_of(SynthSpec(people=20_000, seed=4, preset=preset), pack).people
        for preset in ("typical", "hard")
    )
    assert hard.height > usual.height
    for case in ("twin", "namesake"):
        counts = [(each["situation"] == case).sum() for each in (usual, hard)]
        assert counts[1] > counts[0]


# Patronymics, order of names, birthdays ----------------------------------------------------------


def test_patronymic_children_bear_their_fathers_given_name(people: pl.DataFrame) -> None:
    father = (pl.col("role") == PARTNER) & (pl.col("sex") == 1)
    fathers = people.filter(father).select(
        "household", his=pl.coalesce("given_name", "family_name")
    )
    children = family_children(people).filter("patronymic").drop("household")
    both = children.join(fathers, left_on="family", right_on="household")
    assert both.height > 20
    assert (both["family_name"] == both["his"]).all()
    same = children.group_by("family").agg(pl.col("family_name").n_unique())
    assert (same["family_name"] == 1).all()


def test_patronymics_are_as_common_as_asked(people: pl.DataFrame) -> None:
    for custom, share in ENGLAND["names"]["patronymic"].items():
        adults = people.filter((pl.col("custom") == custom) & (pl.col("role") != CHILD))
        single = ENGLAND["names"]["single_name_people"].get(custom, 0.0)
        found = adults["patronymic"].sum()
        assert near(found, adults.height, share * (1 - single)), custom
    others = people.filter(~pl.col("custom").is_in(list(ENGLAND["names"]["patronymic"])))
    assert not others["patronymic"].any()


def test_some_write_the_family_name_first(people: pl.DataFrame) -> None:
    asked = ENGLAND["names"]["family_name_first"]
    heads = people.filter(pl.col("role") == HEAD)
    for custom in ("chinese", "tamil"):
        of_custom = heads.filter(pl.col("custom") == custom)
        assert near(of_custom["family_name_first"].sum(), of_custom.height, asked[custom])
    assert not heads.filter(pl.col("custom") == "british")["family_name_first"].any()


def test_birthdays_of_some_traditions_are_on_1_january(people: pl.DataFrame) -> None:
    asked = ENGLAND["official_birthdays"]["adults"]
    first = pl.col("date_of_birth").dt.ordinal_day() == 1
    adults = people.filter((pl.col("age") >= 19) & (pl.col("role") != CHILD))
    for custom in ("somali", "arabic", "muslim_south_asian"):
        born = adults.filter(pl.col("custom") == custom)
        share = asked[custom] + (1 - asked[custom]) / 365.25
        assert near(born.select(first).to_series().sum(), born.height, share), custom
    usual = adults.filter(~pl.col("custom").is_in(list(asked)))
    assert near(usual.select(first).to_series().sum(), usual.height, 1 / 365.25)


def test_ages_follow_from_dates_of_birth(people: pl.DataFrame) -> None:
    days = (pl.lit(date(2026, 4, 1)) - pl.col("date_of_birth")).dt.total_days()
    assert people.select((days == pl.col("age_days")).all()).item()


def test_two_twins_in_three_are_of_one_sex(people: pl.DataFrame) -> None:
    twins = people.filter("twin").group_by("household", "age_days").agg(
        pl.len(), pl.col("sex").n_unique()
    ).filter(pl.col("len") == 2)  # fmt: skip
    assert near((twins["sex"] == 1).sum(), twins.height, 0.65)


def test_grandparents_share_their_names_with_grandchildren(people: pl.DataFrame) -> None:
    elders = people.filter(pl.col("role") == ELDER).select("household", "sex", "given_name")
    children = people.filter((pl.col("role") == CHILD) & pl.col("given_name").is_not_null())
    pairs = children.join(elders, on=["household", "sex"], suffix="_elder")
    same = (pairs["given_name"] == pairs["given_name_elder"]).mean()
    assert 0.01 < same < 0.1


def test_lone_fathers_children_bear_his_name(people: pl.DataFrame) -> None:
    heads = people.filter(
        (pl.col("role") == HEAD) & (pl.col("sex") == 1) & pl.col("kind").is_in(LONE_PARENTS)
        & (pl.col("custom") == "british")
    ).select("household", his="family_name")  # fmt: skip
    children = people.filter((pl.col("role") == CHILD) & (pl.col("custom") == "british"))
    both = children.join(heads, on="household")
    assert (both["family_name"] == both["his"]).all()
