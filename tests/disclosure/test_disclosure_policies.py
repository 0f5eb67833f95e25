"""Policies and their application, against the published rules written out in plain Python."""

import math

import polars as pl
import pytest
from disclosure_reference import HIDDEN, possible, released
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.disclosure import (
    POLICIES,
    Policy,
    apply,
    custom_policy,
    dominance,
    flag_extremes,
    policy,
    require_released,
    totals,
)
from pophealth_link.disclosure.ranges import hidden_range, shown_range
from pophealth_link.errors import DisclosureError, JobError

NAMES = st.sampled_from(sorted(HIDDEN))


def column(name: str, values: list) -> list:
    return apply(pl.DataFrame({"n": values}), policy(name), counts=["n"])["n"].to_list()


@given(NAMES, st.lists(st.integers(0, 10_000) | st.none(), min_size=1))
def test_whole_counts_follow_the_published_rules(name, counts) -> None:
    frame = pl.DataFrame({"n": counts}, schema={"n": pl.Int64})
    got = apply(frame, policy(name), counts=["n"])
    assert got["n"].to_list() == [None if c is None else released(name, c) for c in counts]
    assert got.schema["n"] == pl.Int64
    suppressed = [c is not None and c in HIDDEN[name] for c in counts]
    assert got["status"].to_list() == ["suppressed" if s else "ok" for s in suppressed]


def test_published_examples() -> None:
    assert column("hes", [0, 1, 7, 8, 12, 13, 17, 18]) == [0, None, None, 10, 10, 15, 15, 20]
    assert column("midpoint6", [0, 1, 6, 7, 12, 13, 18]) == [0, 3, 3, 9, 9, 15, 15]


def test_opensafely_example_with_totals_of_rounded_cells() -> None:
    """OpenSAFELY's own table: 3/18, 8/23, 16/31, 23/44 with totals 50 and 120."""
    table = pl.DataFrame({"group": "x", "ill": [3, 8, 16, 23], "people": [18, 23, 31, 44]})
    got = apply(table, policy("opensafely"), counts=["ill", "people"])
    assert got["ill"].to_list() == [None, 10, 15, 25]
    assert got["people"].to_list() == [20, 25, 30, 45]
    assert totals(got, by=["group"], counts=["ill", "people"]).rows() == [("x", 50, 120)]


@given(NAMES, st.lists(st.integers(0, 300), min_size=1))
def test_applying_twice_is_applying_once(name, counts) -> None:
    once = apply(pl.DataFrame({"n": counts}), policy(name), counts=["n"])
    assert apply(once, policy(name), counts=["n"]).equals(once)


@given(NAMES, st.floats(0, 1_000))
def test_fractions_are_suppressed_or_rounded_to_numbers_of_whole_counts(name, count) -> None:
    got = column(name, [count])[0]
    each = POLICIES[name]
    if got is None:
        assert round(count, 6) < each.first_shown
        return
    allowed = {released(name, n) for n in range(1_010)}
    assert got in allowed
    assert abs(got - count) <= each.base / 2 + 1e-6
    assert each.first_shown <= round(count, 6) or round(count, 6) == 0 or name == "midpoint6"


def test_ties_between_multiples_go_upwards_and_sums_of_shares_are_tidied() -> None:
    assert column("hes", [12.5, 17.499999, 22.5]) == [15.0, 15.0, 25.0]
    assert column("hes", [7.9999999999, 0.3, 1e-9]) == [10.0, None, 0.0]


@given(NAMES, st.integers(0, 400))
def test_ranges_of_released_numbers_are_those_of_the_rules(name, count) -> None:
    number = released(name, count)
    whole = pl.Series([True]).to_numpy()
    if number is None:
        found = hidden_range(POLICIES[name], whole, whole)
        assert (found.low[0], found.high[0]) == (HIDDEN[name][0], HIDDEN[name][-1])
        return
    found = shown_range(POLICIES[name], pl.Series([float(number)]).to_numpy(), whole)
    assert (found.low[0], found.high[0]) == possible(name, number)


@given(NAMES, st.floats(0, 400))
def test_ranges_of_fractions_hold_the_fraction(name, count) -> None:
    number = column(name, [count])[0]
    whole, small = pl.Series([False]).to_numpy(), pl.Series([True]).to_numpy()
    found = (
        hidden_range(POLICIES[name], small, whole)
        if number is None
        else shown_range(POLICIES[name], pl.Series([number]).to_numpy(), whole)
    )
    assert found.low[0] - 1e-6 <= count <= found.high[0] + 1e-6


FRAME = pl.DataFrame(
    {
        "numerator": [3, 40, None, 0, 40],
        "denominator": [100, 100, None, 5, 100],
        "value": [0.03, 0.4, None, 0.0, 0.4],
        "status": ["estimated", "imputed_down", "no_data", "ok", None],
    }
)


def test_derived_numbers_go_with_any_suppressed_count_and_other_statuses_stay() -> None:
    got = apply(FRAME, policy("hes"), counts=["numerator", "denominator"], derived=["value"])
    assert got["value"].to_list() == [None, 0.4, None, None, 0.4]
    assert got["status"].to_list() == ["suppressed", "imputed_down", "no_data", "suppressed", "ok"]
    assert got["denominator"].to_list() == [100, 100, None, None, 100]
    assert got["numerator"].to_list() == [None, 40, None, 0, 40]


@given(
    NAMES,
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.floats(0, 1)), min_size=1),
)
def test_derived_is_always_null_where_suppressed(name, rows) -> None:
    frame = pl.DataFrame(rows, schema=["a", "b", "value"], orient="row")
    got = apply(frame, policy(name), counts=["a", "b"], derived=["value"])
    hidden = got.filter(pl.col("a").is_null() | pl.col("b").is_null())
    assert hidden["value"].null_count() == hidden.height
    assert (hidden["status"] == "suppressed").all()
    require_released(got, policy(name), counts=["a", "b"], derived=["value"])


def test_rows_to_withhold_lose_their_counts_whatever_the_size() -> None:
    frame = pl.DataFrame({"days": [400, 400, 0], "few": [True, False, True]})
    got = apply(frame, policy("hes"), counts=["days"], withhold="few")
    assert got["days"].to_list() == [None, 400, 0]
    assert got["status"].to_list() == ["suppressed", "ok", "ok"]


def test_unknown_policy_names_the_nearest_and_the_valid_ones() -> None:
    with pytest.raises(JobError, match="Did you mean `hes`") as caught:
        policy("hess")
    assert "hes, opensafely, midpoint6, acro" in str(caught.value)


def test_policies_are_frozen_and_refuse_nonsense() -> None:
    with pytest.raises(AttributeError):
        policy("hes").base = 1  # type: ignore[misc]
    with pytest.raises(JobError, match="2 problems"):
        Policy("x", base=0, first_shown=0)
    with pytest.raises(JobError, match="even where rounding is midpoint"):
        Policy("x", base=5, rounding="midpoint")


def test_custom_policy_collects_all_problems() -> None:
    made = custom_policy({"base": 10, "first_shown": 10})
    assert column_of(made, [9, 10, 14, 15]) == [None, 10, 10, 20]
    with pytest.raises(JobError) as caught:
        custom_policy({"bas": 5, "first_shown": "8", "zero_shown": 1})
    text = str(caught.value)
    assert all(part in text for part in ("Did you mean `base`", "must be int", "must be bool"))
    assert "disclosure.custom.base " in text


def column_of(each: Policy, values: list[int]) -> list[int | None]:
    return apply(pl.DataFrame({"n": values}), each, counts=["n"])["n"].to_list()


@pytest.mark.parametrize("bad", [[-1.0], [math.nan], [math.inf]])
def test_impossible_counts_are_counted_not_shown(bad) -> None:
    with pytest.raises(DisclosureError, match="1 values are negative or not finite"):
        apply(pl.DataFrame({"n": bad}), policy("hes"), counts=["n"])


def test_absent_and_text_columns_are_reported_together() -> None:
    frame = pl.DataFrame({"numerator": ["5"], "status": ["ok"]})
    with pytest.raises(DisclosureError) as caught:
        apply(frame, policy("hes"), counts=["numerator", "denominatr"], derived=["value"])
    assert all(part in str(caught.value) for part in ("3 problems", "holds String", "value"))


def test_flags_look_at_released_counts_only() -> None:
    frame = pl.DataFrame({"x": [98, 0, 0, 50, 3], "n": [100, 40, 0, 100, 100]})
    got = apply(frame, policy("hes"), counts=["x", "n"])
    flags = flag_extremes(got, numerator="x", denominator="n")["flag"].to_list()
    assert flags == ["all", "none", None, None, None]


def test_dominance_rules() -> None:
    """(2, 90 %): 91 of 100 is too much, 90 is not. p-ratio: rest under 10 % of the largest."""
    days = pl.DataFrame(
        {
            "area": ["A"] * 3 + ["B"] * 4 + ["C"] * 3 + ["D"] * 2 + ["E"] * 2,
            "days": [50, 41, 9, 50, 40, 5, 5, 80, 10, 7, 5, 5, 0, 0],
        }
    )
    got = dominance(days, policy("acro"), by=["area"], value="days")
    assert dict(got.iter_rows()) == {"A": True, "B": False, "C": True, "D": True, "E": False}
    assert not dominance(days, policy("hes"), by=["area"], value="days")["dominated"].any()
    ratio = Policy("p", base=1, p_ratio=0.1)
    got = dominance(days, ratio, by=["area"], value="days")
    assert dict(got.iter_rows()) == {"A": False, "B": False, "C": True, "D": True, "E": False}


def test_release_is_refused_where_the_policy_was_not_applied() -> None:
    frame = pl.DataFrame(
        {
            "n": [13, 3, 10, None],
            "value": [None, None, 0.1, 0.2],
            "status": ["ok"] * 3 + ["suppressed"],
        }
    )
    with pytest.raises(DisclosureError) as caught:
        require_released(frame, policy("hes"), counts=["n"], derived=["value"])
    assert "2 rows hold a count that is not released" in str(caught.value)
    assert "1 suppressed rows still give it" in str(caught.value)
