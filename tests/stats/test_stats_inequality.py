"""Quantiles and slope indices against the formula, official deciles and closed forms."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link import stats
from pophealth_link.errors import DataError, UserError


def formula(values, n):
    """Return the quantiles by the published formula in exact fractions."""
    known = sorted(v for v in values if v is not None)
    if len(known) < n:
        return [None] * len(values)
    ranks = [None if v is None else known.index(v) + 1 for v in values]
    width = Fraction(len(known), n)
    return [
        None if r is None else max(1, math.floor(n + 1 - math.ceil((len(known) + 1 - r) / width)))
        for r in ranks
    ]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(st.none(), st.integers(-20, 60)), max_size=60), st.integers(2, 20))
def test_quantiles_equal_the_formula(values, n):
    frame = pl.DataFrame({"v": pl.Series(values, dtype=pl.Int64)})
    assert stats.quantiles(frame, "v", n=n)["quantile"].to_list() == formula(values, n)
    turned = [None if v is None else -v for v in values]
    inverted = stats.quantiles(frame, "v", n=n, invert=True)["quantile"].to_list()
    assert inverted == formula(turned, n)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1e9, 1e9), min_size=10, max_size=200, unique=True))
def test_quantiles_are_monotone_and_of_equal_size(values):
    found = stats.quantiles(pl.DataFrame({"v": values}), "v").sort("v")["quantile"]
    assert found.is_sorted()
    sizes = found.value_counts()["count"]
    assert found.n_unique() == 10
    assert sizes.max() - sizes.min() <= 1


def test_quantiles_within_groups_leave_rows_in_place():
    frame = pl.DataFrame({"g": ["a", "b"] * 5, "v": [1, 9, 2, 8, 3, 7, 4, 6, 5, None]})
    found = stats.quantiles(frame, "v", n=5, by="g")["quantile"].to_list()
    assert found == [1, None, 2, None, 3, None, 4, None, 5, None]
    assert stats.quantiles(frame, "v", n=2, by="g")["quantile"].to_list()[1::2] == [
        2,
        2,
        1,
        1,
        None,
    ]


def test_quantiles_give_the_official_deciles(open_data):
    path = open_data / "deprivation" / "iod2025_lsoa21.parquet"
    # Rank 1 and decile 1 are the most deprived. The formula fills the group of the highest values
    # first, and the official deciles that of the most deprived: the lowest ranks.
    table = pl.read_parquet(path, columns=["IMD_rank", "IMD_decile"])
    found = stats.quantiles(table.with_columns(-pl.col("IMD_rank")), "IMD_rank")
    assert (11 - found["quantile"] == found["IMD_decile"]).all()
    # From the other end at most the one row that straddles each of the nine borders differs.
    other = stats.quantiles(table, "IMD_rank")
    assert (other["quantile"] != other["IMD_decile"]).sum() <= 9


def test_quantiles_need_two_or_more():
    with pytest.raises(UserError):
        stats.quantiles(pl.DataFrame({"v": [1]}), "v", n=1)


# --- slope index --------------------------------------------------------------------------------


def slope(frame, **options):
    return stats.slope_index(frame, "v", "se", "people", "q", **{"seed": 7, **options})


def fifths(values, errors=None, people=None):
    size = len(values)
    return pl.DataFrame(
        {
            "q": list(range(1, size + 1)),
            "v": values,
            "se": errors or [0.0] * size,
            "people": people or [100] * size,
        }
    )


PEOPLE = st.lists(st.integers(1, 10**6), min_size=5, max_size=20)


@settings(deadline=None, max_examples=60)
@given(PEOPLE, st.floats(1, 1000), st.floats(-0.9, 5))
def test_values_on_a_line_give_that_line_back(people, start, relative):
    share = np.array(people) / sum(people)
    position = np.cumsum(share) - share / 2
    values = start + start * relative * position
    row = slope(fifths(values.tolist(), people=people), simulations=10).row(0, named=True)
    assert row["sii"] == pytest.approx(start * relative, rel=1e-6, abs=1e-6)
    assert row["rii"] == pytest.approx(1 + relative, rel=1e-6, abs=1e-6)
    # Without error there is nothing to draw.
    for name in ("sii", "rii"):
        assert row[f"{name}_lower"] == pytest.approx(row[name], rel=1e-9, abs=1e-9)
        assert row[f"{name}_upper"] == pytest.approx(row[name], rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.data(), PEOPLE)
def test_indices_equal_numpys_least_squares(data, people):
    values = data.draw(st.lists(st.floats(1, 100), min_size=len(people), max_size=len(people)))
    a = np.array(people) / sum(people)
    b = np.cumsum(a) - a / 2
    design = np.column_stack([np.sqrt(a), b * np.sqrt(a)])
    first, second = np.linalg.lstsq(design, np.sqrt(a) * np.array(values), rcond=None)[0]
    row = slope(fifths(values, people=people), simulations=10).row(0, named=True)
    assert row["sii"] == pytest.approx(second, rel=1e-6, abs=1e-6)
    # An index is one of levels above zero at both ends.
    if first > 0.1 and first + second > 0.1:
        assert row["rii"] == pytest.approx((first + second) / first, rel=1e-6, abs=1e-6)
    elif first < -0.1 or first + second < -0.1:
        assert row["rii"] is None
        assert "no relative index" in row["method"]


def test_limits_are_the_normal_ones_within_simulation_error():
    people = [100, 150, 120, 90, 140, 100, 80, 120, 60, 140]
    errors = [1.0, 0.5, 2.0, 1.5, 1.0, 0.7, 0.9, 1.1, 1.3, 0.8]
    values = [80.0 - i for i in range(10)]
    row = slope(fifths(values, errors, people)).row(0, named=True)
    a = np.array(people) / sum(people)
    b = np.cumsum(a) - a / 2
    # β₂ is linear in Y, so that it is normal with a known deviation.
    weights = a * (b - 0.5) / np.sum(a * (b - 0.5) ** 2)
    deviation = math.sqrt(np.sum((weights * np.array(errors)) ** 2))
    z = NormalDist().inv_cdf(0.975)
    # The standard error of a 2.5 % percentile of 100,000 normal draws is 0.0085 deviations.
    for name, sign in (("sii_lower", -1), ("sii_upper", 1)):
        assert row[name] == pytest.approx(row["sii"] + sign * z * deviation, abs=0.04 * deviation)
    assert row["rii_lower"] < row["rii"] < row["rii_upper"] < 1
    wide = slope(fifths(values, errors, people), confidence=0.998).row(0, named=True)
    assert wide["sii_lower"] < row["sii_lower"] < row["sii_upper"] < wide["sii_upper"]


def test_limits_depend_on_the_seed_alone():
    values, errors = [10.0, 9.0, 7.0, 6.0, 2.0], [1.0] * 5
    base = fifths(values, errors)
    both = pl.concat(
        [
            base.with_columns(g=pl.lit("b")),
            fifths([v + 1 for v in values], errors).with_columns(g=pl.lit("a")),
        ]
    )
    alone, grouped = slope(base), slope(both.reverse(), by="g")
    assert grouped["g"].to_list() == ["a", "b"]
    assert grouped.row(1)[1:] == alone.row(0)
    assert slope(base, seed=8)["sii_lower"].item() != alone["sii_lower"].item()
    assert slope(base, seed=8)["sii"].item() == alone["sii"].item()


def test_groups_without_all_quantiles_are_told_why():
    full = fifths([5.0, 4.0, 3.0, 2.0, 1.0])
    frames = {
        "a": full,
        "b": full[:4],
        "c": full.with_columns(people=pl.when(pl.col("q") == 2).then(0).otherwise("people")),
        "d": full.with_columns(v=pl.when(pl.col("q") != 2).then("v")),
    }
    frame = pl.concat([each.with_columns(g=pl.lit(name)) for name, each in frames.items()])
    result = slope(frame, by="g", simulations=100)
    assert result["sii"].to_list() == [pytest.approx(-5.0), None, None, None]
    assert result["method"].to_list() == [
        "weighted least squares, 100 draws",
        "not calculated: a quantile has no people",
        "not calculated: a quantile has no people",
        "not calculated: missing value",
    ]
    four = slope(full[:4], simulations=100)
    assert four["method"].item() == "not calculated: 5 to 100 quantiles are needed"
    assert slope(frame.clear(), by="g").height == 0
    assert slope(full.clear())["sii"].to_list() == [None]


def test_a_quantile_that_occurs_twice_is_refused():
    full = fifths([5.0, 4.0, 3.0, 2.0, 1.0])
    with pytest.raises(DataError, match="2 of 6 rows occur twice"):
        slope(pl.concat([full, full[:1]]))
    with pytest.raises(UserError):
        slope(full, simulations=0)


def test_a_value_of_zero_at_the_start_has_no_relative_index():
    row = slope(fifths([0.0] * 5), simulations=10).row(0, named=True)
    assert (row["sii"], row["rii"], row["rii_lower"]) == (0, None, None)
    assert row["method"].endswith("; no relative index: the level at the start is not above zero")
    # On the line from 0 to 10: what rounding leaves of the start is no level.
    row = slope(fifths([1.0, 3.0, 5.0, 7.0, 9.0]), simulations=10).row(0, named=True)
    assert (row["sii"], row["rii"]) == (pytest.approx(10), None)


def test_a_line_that_ends_below_zero_has_no_relative_index():
    row = slope(fifths([5.0, 1.0, 0.0, 0.0, 0.0], [0.1] * 5), simulations=100).row(0, named=True)
    # By hand: positions less 0.5 are -0.4 … 0.4, slope = (-0.4·5 - 0.2·1)/0.4, mean 1.2.
    assert row["sii"] == pytest.approx(-5.5)
    assert 1.2 - 5.5 / 2 < 0
    assert (row["rii"], row["rii_lower"], row["rii_upper"]) == (None, None, None)
    assert row["method"].endswith("; no relative index: the level at the end is below zero")
    assert row["sii_lower"] < -5.5 < row["sii_upper"]


@pytest.mark.parametrize(("error", "limited"), [(0.4, True), (2.0, False)])
def test_relative_limits_need_draws_that_begin_above_zero(error, limited):
    values = [2.0, 3.0, 4.0, 5.0, 6.0]
    row = slope(fifths(values, [error] * 5)).row(0, named=True)
    # Equal fifths: the start is 1.5; its weights 1/5 + 0.5·(0.5 − b)/(5·0.08) give its deviation.
    weights = [0.2 + 0.5 * (0.5 - b) / 0.4 for b in (0.1, 0.3, 0.5, 0.7, 0.9)]
    deviation = error * math.sqrt(sum(w * w for w in weights)) / sum(weights)
    below = NormalDist(1.5, deviation).cdf(0)
    assert (below < 0.025) == limited
    assert row["rii"] == pytest.approx(6.5 / 1.5)
    assert (row["rii_lower"] is not None) == (row["rii_upper"] is not None) == limited
    assert ("no limits of the relative index" in row["method"]) != limited
    if limited:
        # Fieller: the index r is inside where (end - r·start) may be 0 by its own deviation.
        ends = np.array([0.2 - 0.5 * (0.5 - b) / 0.4 for b in (0.1, 0.3, 0.5, 0.7, 0.9)])
        for name, sign in (("rii_lower", 1), ("rii_upper", -1)):
            r = row[name]
            spread = error * math.sqrt(((ends - r * np.array(weights)) ** 2).sum())
            share = NormalDist(6.5 - r * 1.5, spread).cdf(0)
            assert share == pytest.approx(0.5 - sign * 0.475, abs=0.004)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(0, 50), min_size=5, max_size=5),
    st.lists(st.floats(0, 10), min_size=5, max_size=5),
    st.lists(st.integers(1, 1000), min_size=5, max_size=5),
)
def test_a_relative_index_is_never_below_zero_nor_outside_its_limits(values, errors, people):
    row = slope(fifths(values, errors, people), simulations=2000).row(0, named=True)
    low, index, high = (row[name] for name in ("rii_lower", "rii", "rii_upper"))
    assert (index is None) == ("no relative index" in row["method"])
    if index is None:
        assert low is high is None
    elif low is not None:
        slack = 1e-9 * (1 + high)
        assert 0 <= low <= index + slack
        assert index <= high + slack
    else:
        assert index >= 0
        assert "no limits of the relative index" in row["method"]
