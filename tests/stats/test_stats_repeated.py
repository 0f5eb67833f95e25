"""Events that repeat within people: closed forms, simulation and identities."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link import stats
from pophealth_link.errors import DataError, UserError

Z = NormalDist().inv_cdf(0.975)
COUNTS = st.lists(st.integers(0, 30), min_size=10, max_size=60)


@settings(deadline=None, max_examples=60)
@given(COUNTS)
def test_over_dispersion_is_the_sum_of_squares_over_the_sum(counts):
    row = stats.over_dispersion(pl.DataFrame({"c": counts}), "c").row(0, named=True)
    some = [c for c in counts if c]
    assert (row["people"], row["events"]) == (len(some), sum(some))
    if len(some) < 10:
        assert row["dispersion"] is None
        assert row["method"] == "not calculated: fewer than 10 people with events"
    else:
        assert row["dispersion"] == pytest.approx(sum(c * c for c in some) / sum(some), abs=1e-12)
        assert row["dispersion"] >= 1


def test_over_dispersion_by_group_and_with_a_missing_count():
    frame = pl.DataFrame({"g": ["b"] * 12 + ["a"] * 12, "c": [2] * 12 + [1] * 11 + [None]})
    found = stats.over_dispersion(frame, "c", by="g")
    assert found.select("g", "dispersion").rows() == [("a", None), ("b", 2.0)]
    assert found["method"][0] == "not calculated: missing value"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 5000), st.integers(1, 10**6), st.sampled_from([0.9, 0.95, 0.998]))
def test_a_factor_of_one_is_the_poisson_rate(x, n, confidence):
    frame = pl.DataFrame({"x": [x], "n": [n], "phi": [1.0]})
    found = stats.compound_poisson_rate(frame, "x", "n", "phi", confidence=confidence)
    usual = stats.rate(frame, "x", "n", confidence=confidence)
    for name in ("value", "lower", "upper"):
        assert found[name].item() == pytest.approx(usual[name].item(), rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5000), st.floats(1, 40))
def test_limits_are_those_of_the_effective_events_times_the_factor(x, phi):
    frame = pl.DataFrame({"x": [float(x)], "n": [1.0], "phi": [phi], "few": [x / phi]})
    found = stats.compound_poisson_rate(frame, "x", "n", "phi", multiplier=1)
    few = stats.rate(frame, "few", "n", multiplier=1)
    assert found["value"].item() == x
    for name in ("lower", "upper"):
        assert found[name].item() == pytest.approx(phi * few[name].item(), rel=1e-9)


def test_compound_poisson_equals_the_standardised_rate_of_dependent_events():
    # 1,000 people: 30 with one stay, 12 with two, 5 with four. The directly standardised rate of
    # one stratum has Byar's limits drawn apart by the same variance.
    people = {1: 30, 2: 12, 4: 5}
    events = sum(f * n for f, n in people.items())
    phi = sum(f * f * n for f, n in people.items()) / events
    frame = pl.DataFrame({"f": [*people], "x": [*people.values()], "n": 1000, "w": 1})
    standardised = stats.directly_standardised_rate(
        frame, "x", "n", by=None, standard_population="w", event_count="f", multiplier=1000
    )
    one = pl.DataFrame({"x": [events], "n": [1000], "phi": [phi]})
    found = stats.compound_poisson_rate(one, "x", "n", "phi", multiplier=1000)
    assert found["value"].item() == pytest.approx(standardised["value"].item(), abs=1e-9)
    width = (found["upper"] - found["lower"]).item()
    usual = (standardised["upper"] - standardised["lower"]).item()
    assert width == pytest.approx(usual, rel=0.02)


def test_compound_poisson_says_why_and_refuses_a_factor_below_one():
    frame = pl.DataFrame({"x": [5, 5, None, 0], "n": [10, 0, 10, 10], "phi": [None, 2.0, 2.0, 2.0]})
    found = stats.compound_poisson_rate(frame, "x", "n", "phi", multiplier=1)
    assert found["value"].to_list() == [0.5, None, None, 0]
    assert found["lower"].to_list() == [None, None, None, 0]
    assert found["upper"][3] == pytest.approx(2 * -math.log(0.025) / 10, abs=1e-9)
    assert found["method"].to_list() == [
        "over-dispersion is not known: no interval",
        "not calculated: denominator is zero",
        "not calculated: missing value",
        "compound Poisson",
    ]
    with pytest.raises(DataError, match="1 of 1 rows are below 1"):
        stats.compound_poisson_rate(
            pl.DataFrame({"x": [1], "n": [1], "phi": [0.5]}), "x", "n", "phi"
        )


# --- bootstrap ----------------------------------------------------------------------------------


def boot(frame, **options):
    return stats.bootstrap_rate(frame, "x", "t", **{"seed": 7, "multiplier": 1, **options})


def test_one_event_each_has_the_binomial_spread():
    frame = pl.DataFrame({"x": [1] * 300 + [0] * 700, "t": [1.0] * 1000})
    row = boot(frame, resamples=20_000).row(0, named=True)
    error = math.sqrt(0.3 * 0.7 / 1000)
    assert row["value"] == pytest.approx(0.3)
    # Percentiles of 20,000 draws are within some 2 % of a standard error, events come in ones.
    assert row["lower"] == pytest.approx(0.3 - Z * error, abs=0.1 * error)
    assert row["upper"] == pytest.approx(0.3 + Z * error, abs=0.1 * error)
    assert row["method"] == "bootstrap of people, 20,000 samples"


def test_repeats_widen_it_as_the_compound_poisson_does():
    draw = random.Random(1)
    counts = [draw.choice([1, 2, 3, 10]) if draw.random() < 0.2 else 0 for _ in range(3000)]
    frame = pl.DataFrame({"x": counts, "t": [1.0] * 3000})
    found = boot(frame, resamples=10_000)
    phi = stats.over_dispersion(frame, "x")["dispersion"].item()
    one = pl.DataFrame({"x": [sum(counts)], "n": [3000], "phi": [phi]})
    compound = stats.compound_poisson_rate(one, "x", "n", "phi", multiplier=1)
    width = (found["upper"] - found["lower"]).item()
    # Samples of a fixed number of people vary less, by the square of the mean number of events.
    mean = sum(counts) / 3000
    squares = sum(c * c for c in counts) / 3000
    expected = (compound["upper"] - compound["lower"]).item() * math.sqrt(1 - mean**2 / squares)
    assert width == pytest.approx(expected, rel=0.05)
    poisson = stats.rate(one, "x", "n", multiplier=1)
    assert width > 1.5 * (poisson["upper"] - poisson["lower"]).item()


def test_rows_alike_may_be_counted_and_groups_depend_on_themselves_alone():
    person = pl.DataFrame({"g": ["a"] * 40 + ["b"] * 30, "x": [0, 1] * 20 + [0, 3, 1] * 10})
    person = person.with_columns(t=pl.lit(0.5))
    counted = person.group_by("g", "x", "t").agg(pl.len().alias("n"))
    found = boot(person.reverse(), by="g")
    assert boot(counted, by="g", people="n").equals(found)
    assert boot(person.filter(g="b").drop("g")).row(0) == found.row(1)[1:]
    assert found["people"].to_list() == [40, 30]
    assert found["value"].to_list() == [1.0, pytest.approx(40 / 15)]
    few = {"resamples": 100, "by": "g"}
    lower = {seed: tuple(boot(person, seed=seed, **few)["lower"]) for seed in range(9)}
    assert len(set(lower.values())) > 1


def test_what_the_bootstrap_cannot_give_says_why():
    frame = pl.DataFrame(
        {
            "g": ["few"] * 9 + ["none"] * 12 + ["null"] * 2 + ["time"] * 11,
            "x": [1] * 9 + [0] * 12 + [1, None] + [1] * 11,
            "t": [1.0] * 23 + [0.0] * 11,
        }
    )
    found = boot(frame, by="g")
    assert found["value"].to_list() == [1, 0, None, None]
    assert found["lower"].to_list() == [None] * 4
    few = "fewer than 10 people with events: no interval"
    assert found["method"].to_list() == [
        few,
        few,
        "not calculated: missing value",
        "not calculated: denominator is zero",
    ]
    with pytest.raises(UserError, match="resamples"):
        boot(frame, by="g", resamples=0)


def test_samples_without_person_time_give_no_limits():
    """Of 2,000 samples of 20 people, one of whom has all the time, a third have none of it."""
    frame = pl.DataFrame({"x": [1] * 20, "t": [5.0] + [0.0] * 19})
    row = boot(frame).row(0, named=True)
    assert row["value"] == 4.0
    assert (row["lower"], row["upper"]) == (None, None)
    assert row["method"] == "some samples have no person-time: no interval"
