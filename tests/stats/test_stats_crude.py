"""Proportions, rates and means against published values and independent calculations."""

from __future__ import annotations

import math
from statistics import NormalDist, fmean, stdev

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pophealth_link import stats

CONFIDENCES = st.sampled_from([0.8, 0.9, 0.95, 0.99, 0.998])


def one(function, x, n, **options):
    """Return the only row of a statistic of one count and one denominator."""
    return function(pl.DataFrame({"x": [x], "n": [n]}), "x", "n", **options).row(0, named=True)


# --- proportion ---------------------------------------------------------------------------------


def test_proportion_of_one_in_a_hundred_has_the_published_wilson_limits():
    row = one(stats.proportion, 1, 100)
    assert row["value"] == 0.01
    assert row["lower"] == pytest.approx(0.0017674320641406511, abs=1e-15)
    assert row["upper"] == pytest.approx(0.054486196178705294, abs=1e-15)
    assert row["method"] == "Wilson"


@pytest.mark.parametrize(
    ("x", "n", "lower", "upper"),
    [
        # Newcombe, Stat Med 1998;17:857-872, table I, method 3 (score).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_proportion_agrees_with_newcombes_table(x, n, lower, upper):
    row = one(stats.proportion, x, n)
    assert (round(row["lower"], 4), round(row["upper"], 4)) == (lower, upper)


@settings(deadline=None, max_examples=100)
@given(
    st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), CONFIDENCES
)
def test_proportion_equals_scipys_wilson_interval(counts, confidence):
    x, n = counts
    row = one(stats.proportion, x, n, confidence=confidence)
    expected = scipy_stats.binomtest(x, n).proportion_ci(confidence, method="wilson")
    assert row["value"] == x / n
    assert row["lower"] == pytest.approx(expected.low, abs=1e-9)
    assert row["upper"] == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= row["lower"] <= row["value"] <= row["upper"] <= 1


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 5000))
def test_proportion_limits_are_exact_at_the_ends_and_mirror_each_other(n):
    nobody, everybody = one(stats.proportion, 0, n), one(stats.proportion, n, n)
    assert (nobody["value"], nobody["lower"]) == (0, 0)
    assert (everybody["value"], everybody["upper"]) == (1, 1)
    assert nobody["upper"] == pytest.approx(1 - everybody["lower"], abs=1e-12)


def test_multiplier_scales_value_and_limits():
    share, percent = one(stats.proportion, 7, 90), one(stats.proportion, 7, 90, multiplier=100)
    for name in ("value", "lower", "upper"):
        assert percent[name] == pytest.approx(100 * share[name], rel=1e-14)


def test_nothing_raises_on_zero_counts_and_nulls_stay_null():
    frame = pl.DataFrame({"x": [0, 0, None, 3, None], "n": [10, 0, 10, None, None]})
    for function in (stats.proportion, stats.rate):
        rows = function(frame, "x", "n").select("value", "lower", "upper", "method").rows()
        assert rows[0][0] == 0
        assert rows[0][1] == 0
        assert rows[0][2] > 0
        assert rows[1] == (None, None, None, "not calculated: denominator is zero")
        for row in rows[2:]:
            assert row == (None, None, None, "not calculated: missing value")


def test_rows_keep_their_order_and_their_other_columns():
    frame = pl.DataFrame({"area": ["b", "a"], "x": [1, 2], "n": [10, 10]})
    result = stats.proportion(frame, "x", "n")
    assert result.columns == ["area", "x", "n", "value", "lower", "upper", "method"]
    assert result["area"].to_list() == ["b", "a"]


def test_groups_are_added_up_before_the_proportion():
    frame = pl.DataFrame(
        {"pcn": ["b", "a", "b", "a", None], "x": [1, 2, 3, 4, 5], "n": [10, 20, 30, 40, 50]}
    )
    result = stats.proportion(frame, "x", "n", by="pcn")
    assert result.select("pcn", "x", "n").rows() == [(None, 5, 50), ("a", 6, 60), ("b", 4, 40)]
    row = one(stats.proportion, 4, 40)
    assert result.select("value", "lower", "upper").row(2) == tuple(
        row[name] for name in ("value", "lower", "upper")
    )


def test_a_group_that_misses_a_count_has_no_value():
    frame = pl.DataFrame({"g": [1, 1, 2], "x": [1, None, 3], "n": [10, 10, 10]})
    assert stats.rate(frame, "x", "n", by="g")["value"].to_list() == [None, 30_000.0]


def test_booleans_count_as_events_by_several_groups():
    frame = pl.DataFrame({"g": [1, 1, 1], "h": ["u", "u", "v"], "x": [True, False, True]})
    result = stats.proportion(frame.with_columns(n=pl.lit(1)), "x", "n", by=["g", "h"])
    assert result.select("g", "h", "value").rows() == [(1, "u", 0.5), (1, "v", 1.0)]


def test_shares_that_add_up_with_rounding_are_not_above_their_denominator():
    frame = pl.DataFrame({"x": [0.1 + 0.2], "n": [0.3]})
    assert stats.proportion(frame, "x", "n")["value"].item() == pytest.approx(1)


# --- Byar and rate ------------------------------------------------------------------------------


def test_byars_limits_of_65():
    lower, upper = stats.byar_limits(65)
    assert lower == pytest.approx(50.163187710459454, abs=1e-12)
    assert upper == pytest.approx(82.84913854593984, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(st.floats(0, 1e7), CONFIDENCES)
def test_byars_limits_bracket_the_count_and_match_the_formula(x, confidence):
    lower, upper = stats.byar_limits(x, confidence)
    z = NormalDist().inv_cdf(1 - (1 - confidence) / 2)
    assert 0 <= lower <= x <= upper
    if x >= 10:
        assert lower == pytest.approx(
            x * (1 - 1 / (9 * x) - z / (3 * math.sqrt(x))) ** 3, rel=1e-12
        )
    assert upper == pytest.approx(
        (x + 1) * (1 - 1 / (9 * (x + 1)) + z / (3 * math.sqrt(x + 1))) ** 3, rel=1e-12
    )


@pytest.mark.parametrize("confidence", [0.05, 0.5, 0.8, 0.95, 0.998, 1 - 1e-6])
def test_limits_of_very_many_fractions_are_those_of_the_distribution(confidence):
    drawn = np.random.default_rng(5).uniform(0, 10, 30_000)
    counts = np.concatenate([drawn, np.arange(10), [1e-300, 1e-9, 1e-4, 9.999999999]])
    frame = pl.DataFrame({"x": counts, "n": 1.0})
    found = stats.rate(frame, "x", "n", confidence=confidence, multiplier=1)
    tail = (1 - confidence) / 2
    lower = scipy_stats.chi2.ppf(tail, 2 * np.maximum(counts, 1e-300)) / 2
    upper = scipy_stats.chi2.ppf(1 - tail, 2 * counts + 2) / 2
    assert np.abs(found["lower"].to_numpy() - lower).max() < 1e-9
    assert np.abs(found["upper"].to_numpy() - upper).max() < 1e-9
    assert found["lower"].min() == 0
    # A few of them alone, each worked out by itself, have the same limits.
    alone = stats.rate(frame.tail(40), "x", "n", confidence=confidence, multiplier=1)
    both = (found.tail(40)["upper"] - alone["upper"], found.tail(40)["lower"] - alone["lower"])
    assert max(each.abs().max() for each in both) < 1e-9


def test_byars_limits_are_within_one_per_cent_of_the_exact_ones_from_ten_events():
    for x in (10, 20, 50, 200, 1000):
        lower, upper = stats.byar_limits(x)
        assert lower == pytest.approx(scipy_stats.chi2.ppf(0.025, 2 * x) / 2, rel=0.01)
        assert upper == pytest.approx(scipy_stats.chi2.ppf(0.975, 2 * x + 2) / 2, rel=0.01)


def test_rate_of_one_in_a_hundred_has_the_published_limits():
    row = one(stats.rate, 1, 100, multiplier=100)
    assert row["value"] == 1
    assert row["lower"] == pytest.approx(0.025317807984289897, abs=1e-14)
    assert row["upper"] == pytest.approx(5.571643390938898, abs=1e-14)
    assert row["method"] == "exact Poisson"


@pytest.mark.parametrize(
    ("x", "lower", "upper"),
    [
        # Exact 95 % limits of a Poisson count, as tabulated since Garwood, Biometrika 1936;28:437.
        (0, 0, 3.689),
        (1, 0.025, 5.572),
        (2, 0.242, 7.225),
        (3, 0.619, 8.767),
        (5, 1.623, 11.668),
        (9, 4.115, 17.085),
    ],
)
def test_rate_below_ten_events_has_garwoods_limits(x, lower, upper):
    row = one(stats.rate, x, 1, multiplier=1)
    assert (round(row["lower"], 3), round(row["upper"], 3)) == (lower, upper)


def test_rate_without_events_runs_from_zero_to_3_6889():
    row = one(stats.rate, 0, 1000, multiplier=1000)
    assert (row["value"], row["lower"]) == (0, 0)
    # A Poisson mean with a chance of 0.025 of no events is −ln 0.025.
    assert row["upper"] == pytest.approx(-math.log(0.025), rel=1e-14)


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(st.integers(0, 12), st.integers(10, 10**6), st.floats(0.01, 15)),
    st.integers(1, 10**7),
    CONFIDENCES,
)
def test_rate_equals_an_independent_calculation(x, n, confidence):
    row = one(stats.rate, x, n, confidence=confidence)
    tail, scale = (1 - confidence) / 2, 100_000 / n
    if x >= 10:
        limits = stats.byar_limits(x, confidence)
    else:
        low = scipy_stats.chi2.ppf(tail, 2 * x) / 2 if x else 0
        limits = (low, scipy_stats.chi2.isf(tail, 2 * x + 2) / 2)
    assert row["value"] == pytest.approx(x * scale, rel=1e-12, abs=1e-12)
    assert row["lower"] == pytest.approx(limits[0] * scale, rel=1e-9, abs=1e-9)
    assert row["upper"] == pytest.approx(limits[1] * scale, rel=1e-9, abs=1e-9)
    assert row["lower"] <= row["value"] <= row["upper"]


@pytest.mark.parametrize("function", [stats.proportion, stats.rate])
def test_limits_rise_with_the_count(function):
    frame = pl.DataFrame({"x": range(301), "n": [300] * 301})
    result = function(frame, "x", "n", multiplier=1)
    # At ten events the limits change from exact to Byar's, which are a little wider below.
    for limit in ("lower", "upper"):
        steps = result[limit].diff().drop_nulls()
        assert (steps > 0).all()


def test_wider_confidence_gives_wider_limits():
    for x in (0, 4, 40):
        narrow, wide = one(stats.rate, x, 50), one(stats.rate, x, 50, confidence=0.998)
        assert wide["lower"] <= narrow["lower"]
        assert wide["upper"] > narrow["upper"]


def test_rate_allows_more_events_than_people():
    assert one(stats.rate, 30, 10, multiplier=1)["value"] == 3


# --- mean ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), CONFIDENCES)
def test_mean_equals_scipys_t_interval(values, confidence):
    frame = pl.DataFrame({"v": values})
    row = stats.mean(frame, "v", by=None, confidence=confidence).row(0, named=True)
    assert row["count"] == len(values)
    assert row["value"] == pytest.approx(fmean(values), rel=1e-9, abs=1e-6)
    half = scipy_stats.t.ppf(1 - (1 - confidence) / 2, len(values) - 1)
    half *= stdev(values) / math.sqrt(len(values))
    assert row["upper"] - row["value"] == pytest.approx(half, rel=1e-6, abs=1e-6)
    assert row["value"] - row["lower"] == pytest.approx(half, rel=1e-6, abs=1e-6)


def test_mean_of_one_to_three():
    row = stats.mean(pl.DataFrame({"v": [1, 2, 3]}), "v", by=None).row(0, named=True)
    # On two degrees of freedom t(p) = (2p − 1)/√(2p(1 − p)); s = 1.
    quantile = 0.95 / math.sqrt(2 * 0.975 * 0.025)
    assert row["upper"] == pytest.approx(2 + quantile / math.sqrt(3), abs=1e-9)
    assert row["method"] == "Student t"


def test_mean_of_groups_of_one_of_none_and_with_a_null():
    frame = pl.DataFrame({"g": ["a", "b", "b", "c", "c"], "v": [4.0, 1.0, None, 2.0, 2.0]})
    rows = stats.mean(frame, "v", by="g").rows()
    assert rows[0] == ("a", 1, 4.0, None, None, "one value: no interval")
    assert rows[1] == ("b", 2, None, None, None, "not calculated: missing value")
    assert rows[2] == ("c", 2, 2.0, 2.0, 2.0, "Student t")
    empty = stats.mean(frame.clear(), "v", by=None).row(0)
    assert empty == (0, None, None, None, "not calculated: no values")


def test_sums_of_floats_depend_neither_on_row_order_nor_on_chunks():
    frame = pl.DataFrame(
        {"g": [1, 2] * 5000, "v": [math.sin(i) * 10 ** (i % 7) for i in range(10_000)]}
    )
    frame = frame.with_columns(n=pl.col("v").abs() + 1, x=pl.col("v").abs())
    shuffled = pl.concat([frame[7000:], frame[:7000].reverse()], rechunk=False)
    for function in (
        lambda each: stats.mean(each, "v", by="g"),
        lambda each: stats.rate(each, "x", "n", by="g"),
    ):
        assert function(frame).equals(function(shuffled))


@pytest.mark.slow
@pytest.mark.parametrize("function", [stats.proportion, stats.rate])
def test_a_million_rows_take_less_than_half_a_second(function):
    import time

    n = pl.int_range(1, 1_000_001, eager=True) % 2000 + 1
    frame = pl.DataFrame({"x": n // 90, "n": n})
    times = []
    for _ in range(4):
        start = time.perf_counter()
        function(frame, "x", "n")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5
