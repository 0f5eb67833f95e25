"""Tallies of parts of the people add up to the counts of all of them."""

from dataclasses import replace

import polars as pl
import pytest
import world
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.disclosure import policy
from pophealth_link.indicators import catalogue
from pophealth_link.indicators.events import Evidence
from pophealth_link.need import count, count_tally, tally, together


@pytest.fixture(scope="module")
def given_inputs():
    return world.inputs(unit_footprints=world.unit_footprints(80, split=True), dwellings=None)


def part(inputs, chosen):
    people = inputs.people.filter(chosen)
    events = {
        name: rows.join(people.select("person_id"), on="person_id", how="semi")
        for name, rows in inputs.events.items()
    }
    return replace(inputs, people=people, events=events)


def test_parts_add_up_to_the_whole(given_inputs):
    third = pl.int_range(pl.len()) % 3
    tallies = [tally(part(given_inputs, third == n)) for n in range(3)]
    added = count_tally(together(tallies), given_inputs)
    assert_frame_equal(added, count(given_inputs), check_exact=True)


def test_the_order_of_parts_does_not_matter(given_inputs):
    half = pl.int_range(pl.len()) % 2
    tallies = [tally(part(given_inputs, half == n)) for n in range(2)]
    one, other = (together(some).units for some in (tallies, tallies[::-1]))
    assert one.equals(other)


def test_dwellings_are_tallied_with_those_who_live_there():
    inputs = world.inputs()
    assert_frame_equal(count_tally(tally(inputs), inputs), count(inputs), check_exact=True)


def test_an_indicator_without_data_in_one_part_has_the_denominator_of_all(given_inputs):
    half = pl.int_range(pl.len()) % 2
    first, second = (part(given_inputs, half == n) for n in range(2))
    second = replace(second, events={n: rows.clear() for n, rows in second.events.items()})
    found = count_tally(together([tally(first), tally(second)]), given_inputs)
    events = {
        name: rows.join(first.people.select("person_id"), on="person_id", how="semi")
        for name, rows in given_inputs.events.items()
    }
    assert_frame_equal(found, count(replace(given_inputs, events=events)), check_exact=True)
    assert "no_data" in set(count_tally(tally(second), given_inputs)["status"])


ROWS = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2))


@given(ROWS, ROWS, ROWS)
def test_evidence_adds_up_in_any_order(first, second, third):
    one, two, three = (
        Evidence(None, timed, {"a": filled}, coded)
        for timed, filled, coded in (first, second, third)
    )
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one


def test_a_table_that_one_part_has_is_there():
    absent, present = Evidence("no source gives x"), Evidence(None, 2, {"a": 1}, 1)
    assert absent + present == present + absent == present
    assert (absent + absent).lacks == "no source gives x"


def test_a_policy_changes_nothing_that_people_add(given_inputs):
    people = [each.id for each in catalogue().at("person")]
    plain, rounded = (
        count(given_inputs, policy=rule).filter(pl.col("indicator").is_in(people)).drop("policy", "dominated")
        for rule in (None, policy("acro"))
    )  # fmt: skip
    assert plain.equals(rounded)
