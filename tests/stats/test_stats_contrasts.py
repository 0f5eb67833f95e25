"""Differences and ratios against Newcombe's tables, Fieller's theorem and properties."""

from __future__ import annotations

import math
from statistics import NormalDist

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pophealth_link import stats
from pophealth_link.errors import DataError, UserError

Z = NormalDist().inv_cdf(0.975)
FIRST, SECOND = ("a", "al", "au"), ("b", "bl", "bu")


def rows_of(first, second, **more):
    values = dict(zip((*FIRST, *SECOND), (*first, *second), strict=True)) | more
    return pl.DataFrame({name: [value] for name, value in values.items()}, strict=False)


def wilson(x, n):
    found = stats.proportion(pl.DataFrame({"x": [x], "n": [n]}), "x", "n")
    return found.select("value", "lower", "upper").row(0)


@pytest.mark.parametrize(
    ("one", "other", "lower", "upper"),
    [
        # Newcombe, Stat Med 1998;17:873-890, table II, method 10 (hybrid score).
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_difference_of_wilson_limits_agrees_with_newcombes_table(one, other, lower, upper):
    found = stats.difference(rows_of(wilson(*one), wilson(*other)), FIRST, SECOND)
    assert found["value"].item() == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert (round(found["lower"].item(), 4), round(found["upper"].item(), 4)) == (lower, upper)


ESTIMATE = st.tuples(st.floats(0.5, 100), st.floats(0, 0.9), st.floats(0, 5)).map(
    lambda t: (t[0], t[0] * (1 - t[1]), t[0] * (1 + t[2]))
)


@settings(deadline=None, max_examples=80)
@given(st.floats(1, 100), st.floats(0.01, 30), st.floats(1, 100), st.floats(0.01, 30))
def test_symmetric_limits_give_the_usual_interval_and_fiellers(a, s, b, t):
    assume(b > 1.01 * Z * t)
    both = rows_of((a, a - Z * s, a + Z * s), (b, b - Z * t, b + Z * t))
    found = stats.difference(both, FIRST, SECOND).row(0, named=True)
    assert found["lower"] == pytest.approx(a - b - Z * math.hypot(s, t), abs=1e-9)
    assert found["upper"] == pytest.approx(a - b + Z * math.hypot(s, t), abs=1e-9)
    assume(a > Z * s)
    # Fieller: the r with (a - rb)² = z²(s² + r²t²).
    square, root = b * b - (Z * t) ** 2, a * a - (Z * s) ** 2
    spread = math.sqrt(max((a * b) ** 2 - square * root, 0))
    found = stats.ratio(both, FIRST, SECOND).row(0, named=True)
    assert found["value"] == a / b
    assert found["lower"] == pytest.approx((a * b - spread) / square, rel=1e-6, abs=1e-6)
    assert found["upper"] == pytest.approx((a * b + spread) / square, rel=1e-6, abs=1e-6)


@settings(deadline=None, max_examples=80)
@given(ESTIMATE, ESTIMATE)
def test_contrasts_turn_round_with_their_estimates(one, other):
    there = stats.difference(rows_of(one, other), FIRST, SECOND).row(0, named=True)
    back = stats.difference(rows_of(other, one), FIRST, SECOND).row(0, named=True)
    assert there["lower"] == pytest.approx(-back["upper"], abs=1e-9)
    assert there["lower"] <= there["value"] <= there["upper"]
    there = stats.ratio(rows_of(one, other), FIRST, SECOND).row(0, named=True)
    back = stats.ratio(rows_of(other, one), FIRST, SECOND).row(0, named=True)
    assert there["lower"] == pytest.approx(1 / back["upper"], rel=1e-6)
    assert there["upper"] == pytest.approx(1 / back["lower"], rel=1e-6)
    assert there["lower"] <= there["value"] * (1 + 1e-9)
    assert there["value"] <= there["upper"] * (1 + 1e-9)


def test_correlation_narrows_the_difference_of_pairs():
    one, other = (5.0, 4.0, 6.0), (3.0, 2.0, 4.0)
    width = {}
    for r in (-1.0, 0.0, 0.5, 1.0):
        found = stats.difference(rows_of(one, other, r=r), FIRST, SECOND, correlation="r")
        width[r] = (found["upper"] - found["lower"]).item()
    assert width[-1.0] == pytest.approx(4)
    assert width[0.0] == pytest.approx(2 * math.sqrt(2))
    assert width[0.5] == pytest.approx(2)
    assert width[1.0] == pytest.approx(0, abs=1e-7)


def test_a_ratio_of_rates_against_a_published_comparison():
    # Coronary heart disease by hormone use: 30 in 54,308.7 and 60 in 51,477.5 person-years
    # (Stampfer and others, N Engl J Med 1985;313:1044-1049): rate ratio 0.47.
    frame = pl.DataFrame({"x": [30, 60], "n": [54308.7, 51477.5]})
    one, other = stats.rate(frame, "x", "n").select("value", "lower", "upper").rows()
    row = stats.ratio(rows_of(one, other), FIRST, SECOND).row(0, named=True)
    assert row["value"] == pytest.approx((30 / 54308.7) / (60 / 51477.5), abs=1e-12)
    assert round(row["value"], 2) == 0.47
    # The usual interval on the log scale is near: 0.31 to 0.73.
    reach = Z * math.sqrt(1 / 30 + 1 / 60)
    assert row["lower"] == pytest.approx(row["value"] * math.exp(-reach), rel=0.06)
    assert row["upper"] == pytest.approx(row["value"] * math.exp(reach), rel=0.06)


def test_zeros_and_missing_numbers_do_not_raise():
    nothing, some = (0.0, 0.0, 2.0), (4.0, 0.0, 9.0)
    found = stats.ratio(rows_of(nothing, (4.0, 3.0, 5.0)), FIRST, SECOND).row(0, named=True)
    assert (found["value"], found["lower"]) == (0, 0)
    assert found["upper"] > 2 / 5
    found = stats.ratio(rows_of((4.0, 3.0, 5.0), some), FIRST, SECOND).row(0, named=True)
    assert (found["value"], found["upper"]) == (1, None)
    assert "no upper limit" in found["method"]
    found = stats.ratio(rows_of(some, nothing), FIRST, SECOND).row(0, named=True)
    assert (found["value"], found["method"]) == (None, "not calculated: the second value is zero")
    gone = rows_of((None, 1.0, 2.0), some).with_columns(pl.col("a").cast(pl.Float64))
    for function in (stats.difference, stats.ratio):
        row = function(gone, FIRST, SECOND).row(0, named=True)
        assert (row["value"], row["method"]) == (None, "not calculated: missing value")


def test_what_is_no_estimate_is_refused():
    with pytest.raises(DataError, match="lie outside their limits"):
        stats.difference(rows_of((3.0, 4.0, 5.0), (1.0, 0.0, 2.0)), FIRST, SECOND)
    with pytest.raises(DataError, match="below 0"):
        stats.ratio(rows_of((-3.0, -4.0, 5.0), (1.0, 0.0, 2.0)), FIRST, SECOND)
    with pytest.raises(DataError, match="between -1 and 1"):
        frame = rows_of((3.0, 2.0, 5.0), (1.0, 0.0, 2.0), r=2.0)
        stats.difference(frame, FIRST, SECOND, correlation="r")
    with pytest.raises(UserError, match="three columns"):
        stats.ratio(rows_of((3.0, 2.0, 5.0), (1.0, 0.0, 2.0)), ("a",), SECOND)
