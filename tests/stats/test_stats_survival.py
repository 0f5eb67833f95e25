"""Kaplan-Meier estimates against a published trial, plain products and life tables."""

from __future__ import annotations

import math
from statistics import NormalDist

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link import stats
from pophealth_link.errors import DataError, UserError

Z = NormalDist().inv_cdf(0.975)
RESULTS = ("value", "lower", "upper")
# Weeks in remission on 6-mercaptopurine (Freireich and others, Blood 1963;21:699-716).
RELAPSED = (6, 6, 6, 7, 10, 13, 16, 22, 23)
STILL_WELL = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)


def km(frame, **options):
    return stats.kaplan_meier(frame, "t", events="d", censored="c", **options)


def cases(ended, still):
    return pl.DataFrame(
        {
            "t": [*ended, *still],
            "d": [1] * len(ended) + [0] * len(still),
            "c": [0] * len(ended) + [1] * len(still),
        }
    )


def plain(ended, still, time):
    """Return estimate, lower and upper at a time by loops over the times of the events."""
    share, variance = 1.0, 0.0
    for t in sorted({t for t in ended if t <= time}):
        n = sum(e >= t for e in (*ended, *still))
        d = sum(e == t for e in ended)
        share *= (n - d) / n
        variance += d / (n * (n - d)) if n > d else 0
    if share in (0, 1):
        return share, None, None
    middle, reach = math.log(-math.log(share)), Z * math.sqrt(variance) / math.log(share)
    return share, *(math.exp(-math.exp(middle + side * reach)) for side in (-1, 1))


def test_remission_on_mercaptopurine_has_the_published_estimates():
    found = km(cases(RELAPSED, STILL_WELL)).filter(pl.col("d") > 0)
    # Numbers at risk and estimates: Cox and Oakes, Analysis of Survival Data, 1984, table 4.1;
    # the estimates are products of these fractions.
    assert found["t"].to_list() == [6, 7, 10, 13, 16, 22, 23]
    assert found["at_risk"].to_list() == [21, 17, 15, 12, 11, 7, 6]
    assert [round(each, 3) for each in found["value"]] == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]  # fmt: skip
    share = 1.0
    for n, d, value in found.select("at_risk", "d", "value").rows():
        share *= 1 - d / n
        assert value == pytest.approx(share, abs=1e-12)
    # Greenwood's standard errors as printed there.
    variance = [math.log(v) ** 2 for v in found["value"]]
    scale = [(math.log(-math.log(u)) - math.log(-math.log(low))) / -2 / Z for low, u in found.select("lower", "upper").rows()]  # fmt: skip
    errors = [v * s * math.sqrt(w) for v, s, w in zip(found["value"], scale, variance, strict=True)]
    assert [round(e, 4) for e in errors] == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]


CASES = st.lists(st.integers(0, 12), max_size=25)


@settings(deadline=None, max_examples=100)
@given(CASES, CASES, st.lists(st.integers(0, 14), min_size=1, max_size=4))
def test_estimates_at_asked_times_equal_a_plain_loop(ended, still, times):
    found = km(cases(ended, still), at=times)
    assert found["t"].to_list() == sorted(set(times))
    for row in found.iter_rows(named=True):
        share, lower, upper = plain(ended, still, row["t"])
        everyone = (*ended, *still)
        assert row["at_risk"] == sum(e >= row["t"] for e in everyone)
        if (not everyone or row["t"] > max(everyone)) and share > 0:
            assert [row[name] for name in RESULTS] == [None] * 3
            assert row["method"] == "not calculated: nobody was followed for so long"
            continue
        assert row["value"] == pytest.approx(share, abs=1e-12)
        if lower is None:
            assert (row["lower"], row["upper"]) == (None, None)
        else:
            assert row["lower"] == pytest.approx(lower, abs=1e-9)
            assert row["upper"] == pytest.approx(upper, abs=1e-9)
            assert 0 <= row["lower"] <= row["value"] <= row["upper"] <= 1


@settings(deadline=None, max_examples=50)
@given(CASES.filter(bool), CASES)
def test_a_life_table_says_the_same_as_its_cases(ended, still):
    each = km(cases(ended, still))
    table = cases(ended, still).group_by("t").agg(pl.col("d", "c").sum())
    assert km(table).equals(each)
    assert km(cases(ended, still).sample(fraction=1, shuffle=True, seed=3)).equals(each)


def test_without_open_cases_the_share_is_of_those_who_still_wait():
    found = km(cases([1, 1, 2, 5], []))
    assert found["value"].to_list() == pytest.approx([0.5, 0.25, 0.0])
    assert found["method"].to_list()[-1] == "nobody left: no interval"


def test_leaving_out_open_cases_would_tell_shorter_waits():
    with_open = km(cases([1, 2, 3], [4, 4, 4]), at=[2])["value"].item()
    assert with_open == pytest.approx(4 / 6)
    assert km(cases([1, 2, 3], []), at=[2])["value"].item() == pytest.approx(1 / 3)


def test_groups_stand_alone_and_lack_nothing_silently():
    frame = pl.concat(
        [
            cases([2, 4], [6]).with_columns(g=pl.lit("b")),
            cases([1], [3]).with_columns(g=pl.lit("a")),
            cases([1], [3]).with_columns(g=pl.lit("c"), d=pl.when(pl.col("t") > 1).then(None)),
        ]
    )
    found = km(frame, by="g", at=[0, 3, 5])
    assert found["g"].to_list() == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert found["value"].to_list() == [1, 0.5, None, 1, *([pytest.approx(2 / 3)]), pytest.approx(1 / 3), *([None] * 3)]  # fmt: skip
    assert set(found["method"][6:]) == {"not calculated: missing value"}
    assert km(frame.filter(g="b").drop("g"), at=[0, 3, 5]).rows() == [
        row[1:] for row in found.filter(g="b").rows()
    ]


def test_booleans_narrow_confidence_and_refusals():
    frame = cases(RELAPSED, STILL_WELL).with_columns(pl.col("d", "c").cast(pl.Boolean))
    wide, narrow = km(frame, at=[10]), km(frame, at=[10], confidence=0.5)
    assert wide["lower"].item() < narrow["lower"].item() < narrow["value"].item()
    with pytest.raises(DataError, match="1 of 21 rows are below 0"):
        km(frame.with_columns(t=pl.when(pl.col("t") == 35).then(-1).otherwise("t")))
    for times in ([], [-1], [math.inf], [math.nan]):
        with pytest.raises(UserError, match="at"):
            km(frame, at=times)
