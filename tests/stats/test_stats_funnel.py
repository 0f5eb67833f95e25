"""Funnel limits: they are the inverse of the rows' own intervals."""

from __future__ import annotations

import math
import random

import numpy as np
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


@pytest.mark.parametrize(
    ("count", "expected_95", "expected_998"),
    [
        # PHEindicatormethods (Department of Health and Social Care), testdata_funnel_ratio_outputs:
        # the expected events of which a count is just at the lower limits of the funnel, found there
        # by iteration, which gives six figures.
        (1, 5.571644585, 9.233410143),
        (2, 7.224687515, 11.22886836),
        (5, 11.6683331, 16.45474478),
        (9, 17.08479966, 22.65737951),
    ],
)
def test_the_lower_limits_of_a_ratio_are_the_published_ones(count, expected_95, expected_998):
    frame = pl.DataFrame({"x": [count] * 2, "n": [expected_95, expected_998]})
    found = stats.funnel_limits(frame, "x", "n", kind="ratio")
    assert found["lower_95"][0] * expected_95 == pytest.approx(count, rel=5e-6)
    assert found["lower_998"][1] * expected_998 == pytest.approx(count, rel=5e-6)


@pytest.mark.parametrize(
    ("count", "expected_95", "expected_998"),
    [(1, 0.025317898, 0.001000547), (4, 1.089865762, 0.42855244), (9, 4.11537405, 2.452425215)],
)
def test_the_upper_limits_of_a_ratio_are_the_published_ones(count, expected_95, expected_998):
    # The same table: the expected events of which a count is just at the upper limits.
    frame = pl.DataFrame({"x": [count] * 2, "n": [expected_95, expected_998]})
    found = stats.funnel_limits(frame, "x", "n", kind="ratio")
    assert found["upper_95"][0] * expected_95 == pytest.approx(count, rel=1e-5)
    assert found["upper_998"][1] * expected_998 == pytest.approx(count, rel=1e-5)


# --- over-dispersion ----------------------------------------------------------------------------


def spread(values, size, target, how):
    """Return dispersion and the 95 % limits of one size, by plain sums from Spiegelhalter."""
    deviation = math.sqrt(target / size)
    z = np.array([(v - target) / deviation for v in values])
    low, high = np.quantile(z, [0.1, 0.9])
    phi = float(np.mean(np.clip(z, low, high) ** 2))
    if how == "multiplicative":
        reach = deviation * math.sqrt(phi) if phi > 1 else None
        return phi, reach
    rows, weight = len(values), size / target
    excess = rows * phi - (rows - 1)
    tau = math.sqrt(max(0, excess / (rows * weight - weight)))
    return tau, math.hypot(deviation, tau) if tau else None


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 400), min_size=10, max_size=40),
    st.integers(1, 50),
    st.sampled_from(["multiplicative", "additive"]),
)
def test_over_dispersed_limits_equal_plain_sums(counts, size, how):
    frame = frame_of([(x, size) for x in counts])
    target = 100 / size
    options = {"kind": "rate", "multiplier": 10, "target": target}
    found = stats.funnel_limits(frame, "x", "n", over_dispersion=how, **options)
    plain = stats.funnel_limits(frame, "x", "n", **options)
    factor, reach = spread([x / size for x in counts], size, target, how)
    scale = 10 if how == "additive" else 1
    assert found["dispersion"].to_list() == pytest.approx([factor * scale] * len(counts), rel=1e-9)
    for name, sign, z in (("lower_95", -1, 1.959963984540054), ("upper_998", 1, 3.090232306167813)):
        expected = plain[name][0] if reach is None else max(0, 10 * (target + sign * z * reach))
        assert found[name].to_list() == pytest.approx([expected] * len(counts), rel=1e-9, abs=1e-9)


def test_areas_that_differ_by_more_than_chance_are_not_nearly_all_outliers():
    draw = random.Random(5)
    areas = [(round(draw.gauss(0.2, 0.04) * 20_000), 20_000) for _ in range(60)]
    plain = stats.funnel_limits(frame_of(areas), "x", "n")
    outside = (plain["significance"] != "not significant").sum()
    assert outside > 50
    for how in ("multiplicative", "additive"):
        wide = stats.funnel_limits(frame_of(areas), "x", "n", over_dispersion=how)
        assert (wide["significance"] != "not significant").sum() < 12
    # τ is the spread that was put in.
    assert wide["dispersion"][0] == pytest.approx(0.04, rel=0.25)


def test_few_areas_tell_no_dispersion_and_chance_alone_changes_nothing():
    few = frame_of([(5 * i, 100) for i in range(1, 10)])
    found = stats.funnel_limits(few, "x", "n", over_dispersion="multiplicative")
    for name in (*CONTROL, "dispersion", "significance"):
        assert found[name].to_list() == [None] * 9
    alike = frame_of([(30, 100)] * 12)
    for how in ("multiplicative", "additive"):
        found = stats.funnel_limits(alike, "x", "n", over_dispersion=how)
        plain = stats.funnel_limits(alike, "x", "n")
        assert found.select(CONTROL).equals(plain.select(CONTROL))
        assert found["dispersion"].to_list() == [0.0] * 12
    nothing = frame_of([(0, 100)] * 12)
    found = stats.funnel_limits(nothing, "x", "n", kind="rate", over_dispersion="additive")
    assert found["significance"].to_list() == ["not significant"] * 12
    with pytest.raises(UserError, match="over_dispersion"):
        stats.funnel_limits(alike, "x", "n", over_dispersion="some")


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


def test_groups_have_baselines_and_dispersions_of_their_own():
    draw = random.Random(2)
    areas = [(round(draw.gauss(0.3, 0.05) * 2000), 2000) for _ in range(30)]
    frame = frame_of(areas).with_columns(g=pl.Series(["a", "b", "c"] * 10), t=pl.lit(0.25))
    for options in ({"over_dispersion": "additive"}, {"kind": "rate", "multiplier": 1}, {}):
        whole = stats.funnel_limits(frame, "x", "n", by="g", **options)
        fixed = stats.funnel_limits(frame, "x", "n", by="g", target="t", **options)
        for name in ("a", "b", "c"):
            own = frame.filter(g=name)
            assert whole.filter(g=name).equals(stats.funnel_limits(own, "x", "n", **options))
            told = stats.funnel_limits(own, "x", "n", target=0.25, **options)
            assert fixed.filter(g=name).equals(told)
    with pytest.raises(DataError, match="above 1"):
        stats.funnel_limits(frame.with_columns(t=pl.lit(2)), "x", "n", target="t")
