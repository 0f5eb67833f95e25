"""Difference in differences: permutation, areas as clusters, and what is refused."""

import numpy as np
import polars as pl
import pytest
from scipy import stats as scipy_stats

from compared import baseline
from pophealth_link.errors import JobError
from pophealth_link.need.compare import changes
from pophealth_link.need.did import differences
from pophealth_link.need.permutation import clustered, permuted


def mean_difference(x, y, axis=-1):
    return np.mean(x, axis=axis) - np.mean(y, axis=axis)


@pytest.mark.parametrize(("first", "second"), [(5, 5), (3, 6), (2, 9)])
def test_p_is_that_of_scipys_exact_permutation_test(first, second):
    rng = np.random.default_rng(first)
    one, other = rng.normal(0.8, 1, first), rng.normal(0, 1, second)
    found = permuted(one, other, seed=1)
    # The statistic taken without its sign: two-sided by size of the difference.
    expected = scipy_stats.permutation_test(
        (one, other), lambda x, y, axis=-1: np.abs(mean_difference(x, y, axis)),
        vectorized=True, n_resamples=np.inf, alternative="greater",
    )  # fmt: skip
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.difference == pytest.approx(mean_difference(one, other))


def test_limits_hold_just_the_differences_that_the_test_does_not_refuse():
    rng = np.random.default_rng(3)
    one, other = rng.normal(2, 1, 5), rng.normal(0, 1, 6)
    found = permuted(one, other, seed=1)
    grid = np.linspace(found.difference - 4, found.difference + 4, 801)
    kept = [d for d in grid if permuted(one - d, other, seed=1).p_value > 0.05]
    assert found.lower == pytest.approx(min(kept), abs=0.011)
    assert found.upper == pytest.approx(max(kept), abs=0.011)


def test_limits_hold_the_truth_in_at_least_95_of_100_small_studies():
    rng = np.random.default_rng(11)
    held = [
        found.lower <= 1.5 <= found.upper
        for found in (
            permuted(rng.normal(1.5, 1, 5), rng.normal(0, 1, 5), seed=1) for _ in range(300)
        )
    ]
    assert np.mean(held) >= 0.93


def test_too_few_areas_have_no_limits_and_say_how_small_p_could_be():
    found = permuted(np.array([9.0, 9.1]), np.array([1.0, 1.2, 0.9]), seed=1)
    # Ten ways to choose two of five, none of them a mirror of another.
    assert found.least_p_value == pytest.approx(0.1)
    assert (found.lower, found.upper) == (None, None)
    assert found.p_value == pytest.approx(0.1)


def test_drawn_divisions_are_near_all_of_them_and_the_same_again():
    rng = np.random.default_rng(5)
    one, other = rng.normal(0.6, 1, 9), rng.normal(0, 1, 14)
    found = permuted(one, other, seed=1)
    assert found == permuted(one, other, seed=1)
    exact = scipy_stats.permutation_test(
        (one, other), lambda x, y, axis=-1: np.abs(mean_difference(x, y, axis)),
        vectorized=True, n_resamples=100_000, alternative="greater", rng=np.random.default_rng(2),
    )  # fmt: skip
    assert found.p_value == pytest.approx(exact.pvalue, abs=0.012)


def test_areas_as_clusters_are_welchs_t():
    rng = np.random.default_rng(5)
    one, other = rng.normal(1, 1, 12), rng.normal(0, 2, 15)
    found = clustered(one, other)
    expected = scipy_stats.ttest_ind(one, other, equal_var=False)
    limits = expected.confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((limits.low, limits.high))
    assert found.p_value == pytest.approx(expected.pvalue)


def study(first, second, *, rise=20, seed=4):
    """Changes of `first` areas that rose and `second` that did not; and their names."""
    rng = np.random.default_rng(seed)
    codes = [f"U{i:02d}" for i in range(first + second)]
    then = {code: (float(100 + rng.integers(-9, 10)), 1000.0) for code in codes}
    now = {
        code: (x + rng.integers(-9, 10) + rise * (i < first), n)
        for i, (code, (x, n)) in enumerate(then.items())
    }
    arms = [("pcn", code) for code in codes]
    return changes(baseline("a", then), baseline("b", now)), arms[:first], arms[first:]


def test_under_ten_areas_an_arm_there_is_a_permutation_and_no_standard_error():
    found, own, others = study(9, 30)
    row = differences(found, own, others, seed=1).row(0, named=True)
    assert row["method"] == "permutation"
    assert (row["areas"], row["comparison_areas"], row["left_out"]) == (9, 30, 0)
    found, own, others = study(10, 30)
    assert differences(found, own, others)["method"].item() == "areas_as_clusters"


def test_the_difference_is_that_of_mean_changes_and_its_parts_are_told():
    found, own, others = study(4, 6)
    row = differences(found, own, others, seed=1).row(0, named=True)
    change = dict(found.select("footprint_code", "change").rows())
    means = [np.mean([change[code] for _, code in arm]) for arm in (own, others)]
    assert row["change"] == pytest.approx(means[0], abs=1e-6)
    assert row["difference"] == pytest.approx(means[0] - means[1], abs=1e-6)
    assert row["within_lower"] < row["difference"] < row["within_upper"]


def test_limits_within_areas_are_those_of_the_mean_of_independent_changes():
    found, own, others = study(1, 1)
    row = differences(found, own, others).row(0, named=True)
    mine, theirs = (
        found.filter(footprint_code=arm[0][1]).row(0, named=True) for arm in (own, others)
    )
    below = np.hypot(mine["change"] - mine["lower"], theirs["upper"] - theirs["change"])
    assert row["within_lower"] == pytest.approx(row["difference"] - below, abs=1e-6)
    # One area an arm says nothing of how much areas differ.
    assert (row["method"], row["p_value"], row["lower"]) == ("none", None, None)


def test_areas_without_a_change_are_left_out_and_counted():
    found, own, others = study(3, 3)
    gone = found.with_columns(
        pl.when(pl.col("footprint_code") == "U00").then(None).otherwise(n).alias(n)
        for n in ("rest", "rest_lower", "rest_upper")
    )
    row = differences(gone, own, others).row(0, named=True)
    assert (row["areas"], row["left_out"]) == (2, 1)
    nothing = differences(gone, own[:1], others).row(0, named=True)
    assert (nothing["status"], nothing["difference"]) == ("no_areas", None)


BAD = {
    "unknown": ([("pcn", "U0O")], [("pcn", "U03")], "Did you mean"),
    "in both": ([("pcn", "U00")], [("pcn", "U00")], "both arms"),
    "an empty arm": ([("pcn", "U00")], [], "no footprint"),
}


@pytest.mark.parametrize("case", BAD)
def test_arms_that_cannot_be_used_are_refused(case):
    own, others, words = BAD[case]
    found, _, _ = study(2, 2)
    with pytest.raises(JobError, match=words):
        differences(found, own, others)


@pytest.mark.parametrize("word", ["sources", "not_known", "period_length", "units|coverage"])
def test_areas_whose_change_is_not_known_to_be_need_are_left_out_and_counted(word):
    found, own, others = study(3, 4)
    spoilt = found.with_columns(
        pl.when(pl.col("footprint_code").is_in(["U00", "U05"]))
        .then(pl.lit(word))
        .otherwise("differs")
        .alias("differs")
    )
    row = differences(spoilt, own, others, seed=1).row(0, named=True)
    assert (row["areas"], row["comparison_areas"], row["left_out"]) == (2, 3, 2)
    assert row["difference"] == differences(found, own[1:], [*others[:2], others[3]])[
        "difference"
    ].item()  # fmt: skip


def test_what_is_known_to_differ_keeps_an_area_in():
    found, own, others = study(3, 4)
    told = found.with_columns(differs=pl.lit("units|linkage_rate|policy"))
    assert differences(told, own, others)["left_out"].item() == 0


@pytest.mark.parametrize("code", ["no_pcn", "no_fixed_abode"])
def test_a_reason_is_no_arm(code):
    found, own, _ = study(2, 2)
    more = found.filter(footprint_code="U03").with_columns(footprint_code=pl.lit(code))
    with pytest.raises(JobError, match="no place"):
        differences(pl.concat([found, more]), own, [("pcn", "U02"), ("pcn", code)])


@pytest.mark.parametrize("rise", [0.0, 0.3, 2.0])
def test_areas_that_all_changed_alike_give_no_limits(rise):
    # Nothing tells how much areas differ by chance: no width, and certainly not none.
    first, second = np.full(10, rise), np.zeros(11)
    found = clustered(first, second)
    assert (found.difference, found.method) == (pytest.approx(rise), "none")
    assert (found.lower, found.upper, found.p_value) == (None, None, None)
    few = permuted(first[:5], second[:5], seed=1)
    assert (few.lower, few.upper) == (None, None)
    # All 252 divisions are alike without a rise; with one, two of them are as extreme.
    assert few.p_value == pytest.approx(2 / 252 if rise else 1.0)


def test_areas_of_one_arm_alone_that_changed_alike_still_have_welchs_limits():
    rng = np.random.default_rng(5)
    other = rng.normal(0, 2, 15)
    found = clustered(np.zeros(12), other)
    limits = scipy_stats.ttest_1samp(-other, 0).confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((limits.low, limits.high))


def test_a_difference_without_limits_across_areas_keeps_those_within_them():
    found, own, others = study(10, 11)
    same = found.with_columns(rest=pl.lit(0.0), rest_lower=pl.lit(-1.0), rest_upper=pl.lit(2.0))
    row = differences(same, own, others).row(0, named=True)
    assert (row["method"], row["lower"], row["upper"], row["p_value"]) == ("none", None, None, None)
    # √(1²/10 + 2²/11) below, √(2²/10 + 1²/11) above.
    assert row["within_lower"] == pytest.approx(-np.sqrt(1 / 10 + 4 / 11), abs=1e-6)
    assert row["within_upper"] == pytest.approx(np.sqrt(4 / 10 + 1 / 11), abs=1e-6)
