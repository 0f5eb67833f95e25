"""Implausible scenarios: each drawn by hand, and false links that were planted."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality_people import COLUMNS, NUMBERS, register, source
from scipy import stats
from true_worlds import KEY, holding, relinked

from pophealth_link.evaluate import SCENARIOS, implausible, implausible_rates
from pophealth_link.evaluate.scenarios import unlikely
from pophealth_link.link import link

DAY = date(2026, 4, 1)


def row(record_id, number, **facts):
    """A record that its number links; what else it says, by column."""
    told = {"record_id": record_id, "nhs_number": number, **facts}
    return tuple(told.get(name) for name in COLUMNS)


def person(record_id, number, born, **facts):
    return row(record_id, number, family_name=f"Name{record_id}", date_of_birth=born, **facts)


def found(links, **more):
    """Scenarios that came up: scenario → (checked, found), links by number among them."""
    counts = implausible(links, as_of=DAY, **more).counts.with_columns(
        pl.col("checked_by_number", "found_by_number").fill_null(0)
    )
    seen = counts.group_by("scenario").agg(
        (pl.col("checked") + pl.col("checked_by_number")).sum(),
        (pl.col("found") + pl.col("found_by_number")).sum(),
    )
    return {name: (checked, some) for name, checked, some in seen.iter_rows()}


def linked(register_row, other, **more):
    trust = source("trust", [other], setting="secondary_care", **more)
    return link([register([register_row]), trust], key=KEY)


N = NUMBERS[0]
BORN = date(1950, 5, 17)


@pytest.mark.parametrize(
    ("scenario", "told", "other", "many"),
    [
        ("contact_after_death", {"date_of_death": date(2020, 1, 1)}, date(2020, 2, 1), 1),
        ("contact_after_death", {"date_of_death": date(2020, 1, 1)}, date(2020, 1, 20), 0),
        ("contact_before_birth", {}, date(1949, 1, 1), 1),
        ("contact_before_birth", {}, date(1950, 3, 1), 0),
    ],
)
def test_contacts_outside_a_life(scenario, told, other, many):
    links = linked(person("1", N, BORN, **told), person("a", N, BORN))
    events = pl.DataFrame({"source": ["trust"], "record_id": ["a"], "date": [other]})
    assert found(links, events=events)[scenario] == (1, many)
    assert found(links)[scenario] == (0, 0), "nothing is known of its use"


def test_a_record_that_says_other_things_than_the_register():
    known = {"sex": "1", "practice_code": "X1", "ethnic_category": "A"}
    other = {"sex": "2", "practice_code": "X2", "ethnic_category": "N"}
    one = linked(person("1", N, BORN, **known), person("a", N, BORN, **other))
    assert found(one)["other_practice"] == (1, 1)
    assert found(one)["other_ethnic_group"] == (1, 1)
    # Another sex alone is often a slip.
    assert found(one)["other_sex_and_birthday"] == (1, 0)
    two = person("a", N, date(1950, 5, 18), **other)
    assert found(linked(person("1", N, BORN, **known), two))["other_sex_and_birthday"] == (1, 1)
    unknown = {"practice_code": "V81999", "ethnic_category": "Z"}
    silent = found(linked(person("1", N, BORN, **known), person("a", N, BORN, **unknown)))
    assert silent["other_practice"] == silent["other_ethnic_group"] == (0, 0)


def test_people_too_old_to_be_alive():
    old = date(1905, 1, 5)
    links = linked(person("1", N, old), person("a", N, old))
    assert found(links)["impossible_age"] == (1, 1)
    dead = linked(person("1", N, old, date_of_death=date(1990, 1, 1)), person("a", N, old))
    assert found(dead)["impossible_age"] == (1, 0)


def merged(links, *names):
    """The same links with these records as one person."""
    one = links.records.filter(record_id=names[0])["person_id"][0]
    person_id = pl.when(pl.col("record_id").is_in(names)).then(pl.lit(one)).otherwise("person_id")
    return replace(
        links,
        records=links.records.with_columns(person_id.alias("person_id")),
        person_index=links.person_index.with_columns(person_id.alias("person_id")),
    )


def test_one_person_with_two_of_what_there_is_one_of():
    people = [
        person("1", NUMBERS[0], BORN, date_from=date(2010, 1, 1)),
        person("2", NUMBERS[1], BORN, date_from=date(2015, 1, 1)),
    ]
    care = source("care", [person("a", NUMBERS[1], BORN), person("b", NUMBERS[0], BORN)],
                  unique_people=True)  # fmt: skip
    links = link([register(people), care], key=KEY)
    assert found(links)["two_records"] == (4, 0)
    assert found(links)["two_registrations"] == (2, 0)
    wrong = found(merged(links, "1", "2", "a", "b"))
    assert wrong["two_records"] == (2, 2)  # one person in each of the two sources
    assert wrong["two_registrations"] == (1, 1)
    assert wrong["two_numbers"] == (2, 1)
    # Somebody who moved away before registering again is registered once at a time.
    moved = [replaced_end(people[0], date(2012, 1, 1)), people[1]]
    apart = link([register(moved), care], key=KEY)
    assert found(merged(apart, "1", "2"))["two_registrations"] == (1, 0)


def replaced_end(told, day):
    return (*told[: COLUMNS.index("date_to")], day)


def test_stays_of_two_records_that_share_nights():
    trust = source("trust", [person("a", N, BORN), person("b", N, BORN)], setting="secondary_care")
    links = link([register([person("1", N, BORN)]), trust], key=KEY)
    spells = pl.DataFrame(
        {"source": "trust", "record_id": ["a", "b"], "start_date": [date(2025, 1, 1), None],
         "end_date": [date(2025, 1, 10), None]},
        schema_overrides={"start_date": pl.Date, "end_date": pl.Date},
    )  # fmt: skip
    for start, many in ((date(2025, 1, 8), 1), (date(2025, 1, 10), 0), (date(2025, 2, 1), 0)):
        later = spells.with_columns(pl.col("start_date").fill_null(start))
        assert found(links, spells=later)["overlapping_stays"] == (1, many)


def test_mothers_younger_than_their_children():
    people = [person("1", NUMBERS[0], date(1980, 1, 5)), person("2", NUMBERS[1], date(2010, 1, 5))]
    links = link([register(people)], key=KEY)
    pair = {"source": "gp", "record_id": "2", "mother_source": "gp", "mother_record_id": "1"}
    turned = {**pair, "record_id": "1", "mother_record_id": "2"}
    told = pl.DataFrame([pair, turned])
    assert found(links, mothers=told)["impossible_mother"] == (2, 1)


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_unlikely_numbers_are_unlikely(people, further):
    least = unlikely(people, min(further, 20 * people))
    mean = min(further, 20 * people) / people
    assert least >= 1
    assert people * stats.poisson.sf(least - 1, mean) < 0.05 + 1e-9 or least == 1
    assert least == 1 or people * stats.poisson.sf(least - 2, mean) >= 0.05 - 1e-9


def test_every_scenario_has_a_meaning_and_whole_counts(hard):
    told = implausible(hard.links, as_of=DAY)
    assert set(told.counts["scenario"]) <= set(SCENARIOS)
    assert set(told.counts.drop("scenario", "source").dtypes) == {pl.Int64}
    assert implausible(hard.links, as_of=DAY).counts.equals(told.counts)


@pytest.mark.slow
def test_a_planted_share_of_false_links_is_found(hard):
    """One link in eight of those not made by number gets the register row of somebody else. The
    practice tells: it is the same in 95 % of true pairs or more, and in one in twenty of others."""
    links = relinked(holding(hard, well=0.5, ill=0.5, seed=1))
    records = links.records
    free = records.filter(
        ~pl.col("alias") & (pl.col("source") == "acute")
        & ~pl.col("method").is_in(["nhs_number", "unlinked", "register"])
    )  # fmt: skip
    some = free.filter(pl.Series(np.random.default_rng(3).random(free.height) < 0.125))
    others = some.select("rid", taken=pl.col("person_id").shift(1).fill_null(some["person_id"][-1]))
    wrong = records.join(others, on="rid", how="left", maintain_order="left").with_columns(
        pl.coalesce("taken", "person_id").alias("person_id")
    )
    planted = some.height / free.height
    before, after = (
        implausible(replace(links, records=each), as_of=DAY)
        .rates()
        .filter(source="acute", scenario="other_practice")
        .row(0, named=True)
        for each in (records, wrong.drop("taken"))
    )
    assert before["false_links"] < 0.02
    assert 0.08 < planted < 0.2
    assert after["false_links"] == pytest.approx(planted, abs=0.03)
    assert after["false_links_lower"] < planted < after["false_links_upper"]


def test_false_links_by_hand():
    """x = 0.15, b = 0.05, q = 0.85: f = 0.1 / 0.8."""
    kinds = {"": (30, 200), "_by_number": (50, 1000), "_at_random": (850, 1000)}
    counts = {f"{what}{kind}": [n] * 2 for kind, pair in kinds.items()
              for what, n in zip(("found", "checked"), pair, strict=True)}  # fmt: skip
    frame = pl.DataFrame(
        {"scenario": ["other_practice", "impossible_age"], "source": "a", **counts}
    )
    rated = implausible_rates(frame)
    assert rated["share"].to_list() == [0.15, 0.15]
    # The linkage looked at birthdays itself: of those nothing is worked out.
    assert rated["false_links"].to_list() == [pytest.approx(0.125), None]
    withheld = implausible_rates(frame.with_columns(found=pl.lit(None, pl.Int64)))
    assert withheld["false_links"].to_list() == [None, None]
    few = implausible_rates(frame.with_columns(checked_by_number=99, found_by_number=5))
    assert few["false_links"].to_list() == [None, None]
