"""Numbers and words of the report."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.report import words
from pophealth_link.schema import CODE_LISTS


@pytest.mark.parametrize(
    ("value", "places", "unit", "text"),
    [
        (14.25, 1, "%", "14.2%"),
        (1234567.0, 0, "", "1,234,567"),
        (-0.04, 1, "score", "0.0"),
        (-0.06, 1, "score", "−0.1"),
        (None, 1, "%", ""),
        (0.0, 1, "%", "0.0%"),
    ],
)
def test_number(value, places, unit, text):
    assert words.number(value, places, unit) == text


@given(st.floats(-1e9, 1e9), st.integers(0, 3))
def test_number_reads_back_to_within_half_its_last_decimal(value, places):
    text = words.number(value, places).replace(",", "").replace("−", "-")
    assert abs(float(text) - value) <= 0.5 * 10**-places * (1 + 1e-9) + 1e-6


@given(st.text(max_size=60), st.integers(2, 40))
def test_shorten_never_exceeds_the_width_and_keeps_what_fits(text, width):
    short = words.shorten(text, width)
    assert len(short) <= width
    assert short == text if len(text) <= width else short.endswith("…")


def test_decimals_fall_as_values_grow():
    found = [words.decimals([top, 0.1], "score") for top in (0.5, 25.0, 2500.0)]
    assert found == [2, 1, 0]
    assert words.decimals([], "%") == 2


def test_every_status_has_words_and_only_given_ones_may_be_silent():
    assert set(words.STATUS_WORDS) == set(CODE_LISTS["status"].codes)
    assert [status for status, said in words.STATUS_WORDS.items() if not said] == ["ok"]
    assert not any(re.search(r"\d", said) for said in words.STATUS_WORDS.values())


def test_types_come_from_small_to_large_with_unknown_ones_between():
    kinds = ["whole", "icb", "place", "lad", "neighbourhood", "icp", "pcn"]
    ordered = sorted(kinds, key=words.type_order)
    assert ordered == ["pcn", "icp", "neighbourhood", "place", "lad", "icb", "whole"]


def test_listed_joins_as_in_a_sentence():
    assert [words.listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_why_there_are_no_intervals_is_true_of_each_kind():
    def why(statistic, interval, **more):
        return words.no_intervals(statistic, interval, **({"imputed_down": False} | more))

    assert "not an estimate from a count" in why("score", "none")
    for counted in (why("proportion", "none"), why("rate", "compound_poisson")):
        assert "not an estimate from a count" not in counted
    assert "its denominator names" in why("proportion", "none")
    assert "many events" in why("rate", "compound_poisson")
    assert "as published" in why("score", "none", imputed_down=True)
    assert why("proportion", "wilson") == why("", "") == "No intervals are given"


@pytest.mark.parametrize("name", ["hes", "opensafely", "midpoint6", "acro", "our own"])
def test_every_policy_says_that_few_people_and_subtraction_withhold_more(name):
    said = words.policy_in_words(name)
    assert "withheld where few people are behind them" in said
    assert "taking one footprint" in said
