"""Funnel limits: they are the inverse of the rows' own intervals."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pophealth_link import stats
from pophealth_link.errors import DataError, UserError

CONTROL = ("lower_95", "upper_95", "lower_998", "upper_998")
LOW, HIGH = ("low (95 %)", "low (99.8 %)"), ("high (95 %)", "high (99.8 %)")

AREAS = st.lists(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=2,
    max_size=30,
)


def frame_of(rows):
    return pl.DataFrame(rows, schema=["x", "n"], orient="row")


@settings(deadline=None, max_examples=60)
@given(AREAS)
def test_an_area_is_significant_where_its_wilson_interval_misses_the_mean(rows):
    result = stats.funnel_limits(frame_of(rows), "x", "n", kind="proportion")
    pooled = sum(x for x, _ in rows) / sum(n for _, n in rows)
    assert result["baseline"].to_list() == pytest.approx([pooled] * len(rows))
    for row in result.iter_rows(named=True):
        own = scipy_stats.binomtest(row["x"], row["n"]).proportion_ci(0.95, method="wilson")
        # At the very edge rounding decides.
        if min(abs(own.low - pooled), abs(own.high - pooled)) > 1e-9:
            assert (row["significance"] in LOW) == (own.high < pooled)
            assert (row["significance"] in HIGH) == (own.low > pooled)


@settings(deadline=None, max_examples=60)
@given(AREAS, st.sampled_from(["rate", "ratio"]))
def test_an_area_is_significant_where_its_poisson_tail_is_small(rows, kind):
    result = stats.funnel_limits(frame_of(rows), "x", "n", kind=kind, multiplier=1)
    pooled = sum(x for x, _ in rows) / sum(n for _, n in rows) if kind == "rate" else 1
    for row in result.iter_rows(named=True):
        mean = pooled * row["n"]
        below = scipy_stats.poisson.cdf(row["x"], mean)
        above = scipy_stats.poisson.sf(row["x"] - 1, mean)
        if min(abs(tail - edge) for tail in (below, above) for edge in (0.025, 0.001)) < 1e-9:
            continue
        expected = "not significant"
        if below < 0.025:
            expected = LOW[int(below < 0.001)]
        if above < 0.025:
            expected = HIGH[int(above < 0.001)]
        assert row["significance"] == expected


def test_poisson_limits_lie_between_the_whole_numbers_of_the_distribution():
    frame = pl.DataFrame({"x": [1] * 6, "n": [0.5, 3.0, 10.0, 63.2, 1234.5, 1e6]})
    result = stats.funnel_limits(frame, "x", "n", kind="ratio")
    for row in result.iter_rows(named=True):
        mean = row["n"]
        for name, tail in (("95", 0.025), ("998", 0.001)):
            low, high = row[f"lower_{name}"] * mean, row[f"upper_{name}"] * mean
            first, last = scipy_stats.poisson.ppf([tail, 1 - tail], mean)
            assert first - 1 <= low + 1e-9
            assert low <= first + 1e-9
            assert last <= high + 1e-9
            assert high <= last + 1 + 1e-9
            # Closed form: the gamma distribution of shape U at the mean is the tail.
            assert scipy_stats.gamma.cdf(mean, high) == pytest.approx(tail, rel=1e-9)
            if low > 0:
                assert scipy_stats.gamma.sf(mean, low + 1) == pytest.approx(tail, rel=1e-9)


def test_proportion_limits_are_the_score_limits_of_the_mean():
    frame = pl.DataFrame({"x": [30, 10], "n": [100, 300]})
    row = stats.funnel_limits(frame, "x", "n", multiplier=100).row(0, named=True)
    half = 1.959963984540054 * math.sqrt(0.1 * 0.9 / 100)
    assert row["lower_95"] == pytest.approx(100 * (0.1 - half), abs=1e-9)
    assert row["upper_95"] == pytest.approx(100 * (0.1 + half), abs=1e-9)
    assert row["upper_998"] == pytest.approx(100 * (0.1 + 3.090232306167813 * 0.03), abs=1e-9)
    assert row["significance"] == "high (99.8 %)"
    assert (row["value"], row["baseline"]) == (30, 10)


@pytest.mark.parametrize("kind", ["proportion", "rate", "ratio"])
def test_limits_nest_bracket_the_baseline_and_narrow_with_size(kind):
    sizes = [1, 3, 10, 50, 1000, 10**5]
    result = stats.funnel_limits(frame_of([(0, n) for n in sizes]), "x", "n", kind=kind, target=0.3)
    k = {"proportion": 1, "rate": 100_000, "ratio": 1}[kind]
    assert result["baseline"].to_list() == pytest.approx([0.3 * k] * 6)
    for row in result.iter_rows(named=True):
        limits = [
            row[name] for name in ("lower_998", "lower_95", "baseline", "upper_95", "upper_998")
        ]
        assert limits == sorted(limits)
        assert limits[0] >= 0
    widths = (result["upper_95"] - result["lower_95"]).to_list()
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("kind", ["proportion", "rate", "ratio"])
def test_zero_counts_nulls_and_empty_frames_do_not_raise(kind):
    frame = pl.DataFrame({"x": [0, 0, None, 5], "n": [10, 0, 10, 50]})
    result = stats.funnel_limits(frame, "x", "n", kind=kind)
    for name in (*CONTROL, "significance"):
        assert [each is None for each in result[name]] == [False, True, True, False]
    nothing = pl.DataFrame({"x": [0, 0], "n": [10, 20]})
    flat = stats.funnel_limits(nothing, "x", "n", kind=kind, target=0)
    assert flat["significance"].to_list() == ["not significant"] * 2
    assert stats.funnel_limits(frame.clear(), "x", "n", kind=kind).height == 0


def test_a_row_without_a_count_does_not_move_the_baseline():
    frame = pl.DataFrame({"x": [1, None, 3, 50], "n": [10, 1000, 30, None]})
    assert stats.funnel_limits(frame, "x", "n")["baseline"].to_list() == pytest.approx([0.1] * 4)


def test_wrong_settings_are_refused():
    frame = frame_of([(1, 2)])
    with pytest.raises(UserError, match="kind"):
        stats.funnel_limits(frame, "x", "n", kind="mean")
    with pytest.raises(UserError, match="target"):
        stats.funnel_limits(frame, "x", "n", target=2)
    with pytest.raises(DataError, match="1 of 1 rows"):
        stats.funnel_limits(frame_of([(3, 2)]), "x", "n")
