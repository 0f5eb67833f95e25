"""Standardised rates and ratios against plain loops and identities."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pophealth_link import stats
from pophealth_link.errors import DataError

Z = NormalDist().inv_cdf(0.975)


def byar(o):
    """Return Byar's limits, written out again from Breslow and Day."""
    lower = o * (1 - 1 / (9 * o) - Z / (3 * math.sqrt(o))) ** 3
    upper = (o + 1) * (1 - 1 / (9 * (o + 1)) + Z / (3 * math.sqrt(o + 1))) ** 3
    return lower, upper


def dobson(strata, k, events=None):
    """Return value and limits of (x, n, w) rows, each person having f events, by plain loops."""
    events = events or [1] * len(strata)
    weight = sum(w for _, _, w in strata) / len(set(events))
    value = sum(f * x * w / n for (x, n, w), f in zip(strata, events, strict=True)) / weight
    variance = sum(f * f * x * (w / n) ** 2 for (x, n, w), f in zip(strata, events, strict=True))
    variance /= weight**2
    o = sum(f * x for (x, _, _), f in zip(strata, events, strict=True))
    return tuple(
        k * each
        for each in (value, *(value + math.sqrt(variance / o) * (limit - o) for limit in byar(o)))
    )


def frame_of(strata):
    return pl.DataFrame(strata, schema=["x", "n", "w"], orient="row")


def dsr(frame, **options):
    return stats.directly_standardised_rate(
        frame, "x", "n", standard_population="w", **{"by": None, **options}
    )


STRATA = st.lists(
    st.tuples(st.integers(0, 500), st.integers(500, 10**6), st.integers(1, 10_000)),
    min_size=1,
    max_size=19,
)


@settings(deadline=None, max_examples=100)
@given(STRATA)
def test_direct_rate_equals_a_plain_loop(strata):
    row = dsr(frame_of(strata)).row(0, named=True)
    o = sum(x for x, _, _ in strata)
    assert (row["x"], row["n"]) == (o, sum(n for _, n, _ in strata))
    if o < 10:
        assert row["value"] is row["lower"] is row["upper"] is None
        assert row["method"] == "not calculated: fewer than 10 events"
        return
    assert row["method"] == "Dobson"
    expected = dobson(strata, 100_000)
    assert (row["value"], row["lower"], row["upper"]) == pytest.approx(expected, rel=1e-9)
    assert row["lower"] < row["value"] < row["upper"]


@settings(deadline=None, max_examples=50)
@given(st.integers(10, 10**5), st.integers(10**5, 10**7))
def test_direct_rate_of_one_stratum_is_the_crude_rate_with_byars_limits(x, n):
    direct = dsr(frame_of([(x, n, 1)])).row(0, named=True)
    crude = stats.rate(frame_of([(x, n, 1)]), "x", "n").row(0, named=True)
    for name in ("value", "lower", "upper"):
        assert direct[name] == pytest.approx(crude[name], rel=1e-9)


def test_direct_rate_with_weights_like_the_population_is_the_crude_rate():
    frame = pl.DataFrame({"x": [5, 40, 90], "n": [1000, 2000, 500], "w": [2000, 4000, 1000]})
    crude = stats.rate(frame, "x", "n", by=None).select(pl.col("x", "n").sum())
    assert dsr(frame)["value"].item() == pytest.approx(
        100_000 * crude["x"].item() / crude["n"].item(), rel=1e-12
    )


def test_direct_rate_ignores_the_scale_of_weights_and_row_order_and_follows_the_multiplier():
    strata = [(random.Random(i).randint(0, 60), 1000 + 37 * i, 500 + i) for i in range(19)]
    base = dsr(frame_of(strata))
    scaled = dsr(frame_of([(x, n, 7 * w) for x, n, w in strata]))
    per_thousand = dsr(frame_of(strata), multiplier=1000)
    for name in ("value", "lower", "upper"):
        assert scaled[name].item() == pytest.approx(base[name].item(), rel=1e-12)
        assert per_thousand[name].item() == pytest.approx(base[name].item() / 100, rel=1e-12)
    assert dsr(frame_of(strata[::-1])).equals(base)


def test_direct_rate_on_the_european_standard_population():
    esp = stats.european_standard_population()
    # The same rate at every age gives that rate, whatever the standard.
    frame = esp.with_columns(n=pl.col("standard_population") * 3 + 17, area=pl.lit("A"))
    frame = frame.with_columns(x=pl.col("n") * 0.01)
    result = stats.directly_standardised_rate(
        frame, "x", "n", by="area", standard_population="standard_population"
    )
    assert result["value"].item() == pytest.approx(1000, rel=1e-12)


def test_direct_rate_takes_a_missing_count_as_none_and_says_why_there_is_no_value():
    frame = pl.DataFrame(
        {
            "g": ["a", "a", "b", "b", "c", "c", "d", "d", "e"],
            "x": [20, None, 20, 3, 20, 3, 4, 5, 20],
            "n": [100, 100, 100, 0, 100, None, 100, 100, 100],
            "w": [1, 1, 1, 1, 1, 1, 1, 1, 0],
        }
    )
    result = dsr(frame, by="g", multiplier=1)
    assert result["value"].to_list() == [0.1, None, None, None, None]
    assert result["method"].to_list() == [
        "Dobson",
        "not calculated: a stratum has no population",
        "not calculated: missing value",
        "not calculated: fewer than 10 events",
        "not calculated: standard population is zero",
    ]
    assert result["x"].to_list()[0] == 20


def repeat_events():
    """Return people by age and number of admissions: (x, n, w) with f, for two age bands."""
    ages = [(1000, 3), (500, 1)]
    people = {1: (30, 20), 2: (6, 8), 5: (1, 2)}
    rows = [(x, n, w, f) for f, xs in people.items() for x, (n, w) in zip(xs, ages, strict=True)]
    return pl.DataFrame(rows, schema=["x", "n", "w", "f"], orient="row")


def test_direct_rate_of_dependent_events_adds_the_frequencies():
    frame = repeat_events()
    row = dsr(frame, event_count="f", multiplier=1000).row(0, named=True)
    strata, events = [each[:3] for each in frame.rows()], frame["f"].to_list()
    assert (row["value"], row["lower"], row["upper"]) == pytest.approx(
        dobson(strata, 1000, events), rel=1e-12
    )
    assert row["x"] == 30 + 20 + 2 * 14 + 5 * 3
    assert row["n"] == 1500
    # The rate is that of all events; the interval is wider than if each event stood alone.
    alone = frame.with_columns(pl.col("x") * pl.col("f")).group_by("n", "w").agg(pl.col("x").sum())
    single = dsr(alone, multiplier=1000).row(0, named=True)
    assert row["value"] == pytest.approx(single["value"], rel=1e-12)
    assert row["upper"] - row["lower"] > single["upper"] - single["lower"]


def test_direct_rate_of_one_event_each_is_the_ordinary_one():
    frame = frame_of([(12, 1000, 3), (30, 500, 1)])
    one_each = dsr(frame.with_columns(f=pl.lit(1)), event_count="f")
    assert one_each["value"].item() == dsr(frame)["value"].item()
    assert one_each["upper"].item() == dsr(frame)["upper"].item()


def test_direct_rate_of_no_rows_is_not_calculated():
    none = dsr(repeat_events().clear(), event_count="f").row(0, named=True)
    assert none == dsr(repeat_events().clear()).row(0, named=True)
    assert (none["x"], none["n"], none["value"], none["lower"]) == (0, 0, None, None)
    assert none["method"] == "not calculated: standard population is zero"


def test_direct_rate_refuses_frequencies_that_lack_strata():
    frame = repeat_events().with_columns(g=pl.lit("area"))
    with pytest.raises(DataError, match="1 of 2 groups lack strata"):
        dsr(pl.concat([frame, frame[:-1].with_columns(g=pl.lit("other"))]), by="g", event_count="f")


def test_direct_rate_of_fay_and_feuers_example():
    # Down's syndrome by age of mother, Michigan 1950-1964, fifth and later births: cases, births,
    # all births as the standard (Fay and Feuer, Stat Med 1997;16:791-801, table II). The rate per
    # 100,000, 75.52901, is printed by the package dsrTest 1.0.0 (Nelson), vignette.
    cases = (0, 8, 63, 112, 262, 295)
    births = (327, 30666, 123419, 149919, 104088, 34392)
    standard = (319933, 931318, 786511, 488235, 237863, 61313)
    strata = list(zip(cases, births, standard, strict=True))
    row = dsr(frame_of(strata)).row(0, named=True)
    assert round(row["value"], 5) == 75.52901
    value, lower, upper = dobson(strata, 100_000)
    found = (row["value"], row["lower"], row["upper"])
    assert found == pytest.approx((value, lower, upper), abs=1e-9)


# --- indirectly standardised ratio --------------------------------------------------------------


def ratio(frame, reference, **options):
    return stats.indirectly_standardised_ratio(
        frame, "x", "n", reference=reference, age="age", **{"by": None, **options}
    )


AGES = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(1, 10**5), st.integers(0, 10**4), st.integers(1, 10**6)
    ),
    min_size=1,
    max_size=19,
)


@settings(deadline=None, max_examples=100)
@given(AGES)
def test_ratio_equals_a_plain_loop(rows):
    frame = pl.DataFrame(
        [(i, x, n) for i, (x, n, _, _) in enumerate(rows)], ["age", "x", "n"], orient="row"
    )
    reference = pl.DataFrame(
        [(i, x, n) for i, (_, _, x, n) in enumerate(rows)], ["age", "x", "n"], orient="row"
    )
    row = ratio(frame, reference, multiplier=100).row(0, named=True)
    observed = sum(x for x, *_ in rows)
    expected = math.fsum(rx / rn * n for _, n, rx, rn in rows)
    assert row["x"] == observed
    assert row["expected"] == pytest.approx(expected, rel=1e-12)
    if expected == 0:
        assert row["value"] is row["lower"] is row["upper"] is None
        assert row["method"] == "not calculated: no events are expected"
        return
    if observed >= 10:
        limits, method = byar(observed), "Byar"
    else:
        low = scipy_stats.chi2.ppf(0.025, 2 * observed) / 2 if observed else 0
        limits = (low, scipy_stats.chi2.ppf(0.975, 2 * observed + 2) / 2)
        method = "exact Poisson"
    assert row["method"] == method
    assert row["value"] == pytest.approx(100 * observed / expected, rel=1e-9)
    assert row["lower"] == pytest.approx(100 * limits[0] / expected, rel=1e-9, abs=1e-9)
    assert row["upper"] == pytest.approx(100 * limits[1] / expected, rel=1e-9)


def test_the_reference_itself_has_a_ratio_of_one():
    reference = pl.DataFrame({"age": [0, 15, 65], "x": [20, 90, 300], "n": [5000, 9000, 2000]})
    assert ratio(reference, reference)["value"].item() == pytest.approx(1, rel=1e-14)


def test_the_crude_reference_rate_as_multiplier_gives_the_standardised_rate():
    reference = pl.DataFrame({"age": [0, 1], "x": [10, 30], "n": [1000, 1000]})
    frame = pl.DataFrame({"age": [0, 1], "x": [2, 6], "n": [100, 100]})
    assert ratio(frame, reference, multiplier=0.02 * 1000)["value"].item() == pytest.approx(40)


def test_reference_may_use_the_plain_names_and_several_rows_of_an_age():
    plain = pl.LazyFrame(
        {
            "age": ["00-04", "65+", "65+"],
            "observed": [10, 10, 20],
            "population": [1000, 400, 600],
            "sex": ["1", "1", "2"],
        }
    )
    frame = pl.DataFrame(
        {
            "area": ["P", "P", "Q"],
            "band": ["00-04", "65+", "65+"],
            "x": [4, 6, 1],
            "n": [100, 100, 50],
        }
    )
    result = stats.indirectly_standardised_ratio(
        frame, "x", "n", by=["area"], reference=plain, age="band"
    )
    assert result["expected"].to_list() == pytest.approx([4.0, 1.5])
    assert result["value"].to_list() == pytest.approx([2.5, 2 / 3])


def test_ratio_keeps_nulls_null_and_refuses_unknown_ages():
    reference = pl.DataFrame({"age": [0, 1], "x": [10, 30], "n": [1000, 0]})
    frame = pl.DataFrame(
        {"g": [1, 2, 3, 4], "age": [0, 0, 1, None], "x": [1, None, 1, 1], "n": [9] * 4}
    )
    result = ratio(frame, reference, by="g")
    assert result["value"].null_count() == 3
    assert result["method"].to_list()[1:] == ["not calculated: missing value"] * 3
    with pytest.raises(DataError, match="1 of 4 rows have an age that `reference` lacks"):
        ratio(frame.with_columns(age=pl.Series([0, 0, 1, 7])), reference)
    with pytest.raises(DataError, match="reference"):
        ratio(frame, reference.drop("n"))
