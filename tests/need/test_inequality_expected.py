"""Observed beside expected counts, worked again from released counts and people."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link import stats
from pophealth_link.indicators.catalogue import catalogue
from pophealth_link.need.expected import observed_expected
from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.schema.outputs import BASELINE
from pophealth_link.schema.outputs_inequality import OBSERVED_EXPECTED
from pophealth_link.schema.outputs_modelled import PEOPLE_BANDS
from pophealth_link.schema.strata import AGE, BAND, FINEST_AGES

SHARE = "severe_mental_illness_recorded"
RATES = dict(zip(FINEST_AGES, (0.01, 0.03, 0.1, 0.12, 0.09, 0.06, 0.05), strict=True))


def frame_of(table, rows):
    schema = {name: table.polars_schema[name] for name in rows[0]}
    frame = pl.DataFrame(rows, schema=schema)
    empty = [pl.lit(None, c.dtype).alias(c.name) for c in table.columns if c.name not in schema]
    return frame.with_columns(empty).select(table.names)


def cell(kind, code, stratum, numerator, denominator, status="ok"):
    return {
        "footprint_type": kind, "footprint_code": code, "footprint_name": code,
        "basis": "registered", "indicator": SHARE, "stratum": stratum,
        "numerator": numerator, "denominator": denominator, "period": "2026", "status": status,
    }  # fmt: skip


def bands(code, counts):
    return [
        {"footprint_type": "pcn", "footprint_code": code, "basis": "registered", "ages": band,
         "sex": "all", "people": people, "status": "ok"}
        for band, people in zip(AGE_BAND_STARTS, counts, strict=True)
    ]  # fmt: skip


def whole(change=()):
    return [
        cell("whole", "W", each, *(change or (rate * 10_000, 10_000)))
        if each == FINEST_AGES[-1]
        else cell("whole", "W", each, rate * 10_000, 10_000)
        for each, rate in RATES.items()
    ]


def stratum_of(band):
    return {**AGE.values, **BAND.values}[band]


SIZES = [20.0 * (n + 1) for n in range(len(AGE_BAND_STARTS))]
EXPECTED = 5 * round(
    sum(n * RATES[stratum_of(band)] for band, n in zip(AGE_BAND_STARTS, SIZES, strict=True)) / 5
)


def test_the_ratio_is_observed_over_the_rates_of_the_whole():
    cells = [cell("pcn", "U1", "all", 700.0, sum(SIZES)), *whole()]
    found = observed_expected(frame_of(BASELINE, cells), frame_of(PEOPLE_BANDS, bands("U1", SIZES)))
    assert found.schema == OBSERVED_EXPECTED.polars_schema
    row = found.row(0, named=True)
    assert row["expected"] == pytest.approx(EXPECTED, abs=1e-6)
    lower, upper = stats.byar_limits(700)
    assert row["value"] == pytest.approx(700 / EXPECTED, abs=1e-6)
    # The expectation is a multiple of five: up to two and a half more, or fewer.
    assert row["lower"] == pytest.approx(lower / (EXPECTED + 2.5), abs=1e-6)
    assert row["upper"] == pytest.approx(upper / (EXPECTED - 2.5), abs=1e-6)
    assert (row["significance"], row["status"]) == ("high (99.8 %)", "ok")


def test_an_area_as_the_whole_has_a_ratio_of_one():
    cells = [cell("pcn", "U1", "all", float(EXPECTED), sum(SIZES)), *whole()]
    people = frame_of(PEOPLE_BANDS, bands("U1", SIZES))
    row = observed_expected(frame_of(BASELINE, cells), people).row(0, named=True)
    assert (row["value"], row["significance"]) == (pytest.approx(1, abs=1e-6), "not significant")


def of_rate(observed, rate, people):
    """Return the row of a footprint where `people` of one age have the whole area's rate."""
    ages = [cell("whole", "W", each, rate * 1e6, 1e6) for each in FINEST_AGES]
    cells = [cell("pcn", "U1", "all", float(observed), float(people)), *ages]
    held = bands("U1", [0.0] * (len(AGE_BAND_STARTS) - 1) + [float(people)])
    return observed_expected(frame_of(BASELINE, cells), frame_of(PEOPLE_BANDS, held)).row(
        0, named=True
    )


def test_few_expected_are_judged_at_both_ends_of_their_rounding():
    """7.41 are expected, told as 5: 11 of 7.41 is 1.48, and not the 2.20 of 11 over 5."""
    row = of_rate(11, 0.0741, 100)
    assert (row["expected"], row["value"]) == (5.0, pytest.approx(2.2))
    lower, upper = stats.byar_limits(11)
    assert row["lower"] == pytest.approx(lower / 7.5, abs=1e-6)
    assert row["upper"] == pytest.approx(upper / 2.5, abs=1e-6)
    assert row["significance"] == "not significant"


def test_whom_the_rounding_leaves_no_expectation_of_has_no_ratio():
    """2.49 are expected, told as 0: that is few, and not nobody."""
    row = of_rate(9, 0.0249, 100)
    assert (row["expected"], row["observed"]) == (0.0, 9.0)
    assert (row["value"], row["lower"], row["upper"], row["significance"]) == (None,) * 4
    assert (row["status"], row["reason"]) == ("not_applicable", "too few are expected")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 60), st.floats(3, 60))
def test_whatever_is_told_as_high_or_low_is_so_of_the_unrounded_expectation(observed, expected):
    row = of_rate(observed, expected / 1000, 1000)
    exact = pl.DataFrame({"o": [float(observed)], "e": [expected]})
    limits = {
        name: stats.rate(exact, "o", "e", multiplier=1, confidence=share).row(0, named=True)
        for name, share in (("95 %", 0.95), ("99.8 %", 0.998))
    }
    word, _, name = str(row["significance"]).partition(" (")
    if word == "high":
        assert limits[name.rstrip(")")]["lower"] > 1
    if word == "low":
        assert limits[name.rstrip(")")]["upper"] < 1
    # The column has six decimals.
    assert row["lower"] <= limits["95 %"]["lower"] + 1e-6
    assert row["upper"] >= limits["95 %"]["upper"] - 1e-6


def test_what_is_withheld_or_no_footprint_says_why():
    cells = [
        cell("pcn", "U1", "all", None, sum(SIZES), "suppressed"),
        cell("pcn", "U2", "all", 40.0, sum(SIZES)),
        cell("pcn", "no_pcn", "all", 40.0, sum(SIZES)),
        cell("pcn", "U3", "all", 0.0, 0.0, "not_applicable"),
        *whole(),
    ]
    people = [*bands("U1", SIZES), *bands("U2", [None, *SIZES[1:]]), *bands("no_pcn", SIZES)]
    people += bands("U3", [0.0] * len(SIZES))
    found = observed_expected(frame_of(BASELINE, cells), frame_of(PEOPLE_BANDS, people))
    assert found.select("footprint_code", "value", "status", "reason").rows() == [
        ("U1", None, "suppressed", "part of the counts is withheld"),
        ("U2", None, "suppressed", "part of the counts is withheld"),
        ("U3", None, "not_applicable", "nobody is in the footprint"),
        ("no_pcn", None, "not_applicable", "no footprint"),
    ]
    # Without any count of people by age there is no ratio, and a row that says so.
    bare = observed_expected(frame_of(BASELINE, cells), frame_of(PEOPLE_BANDS, people[:1]))
    assert dict(bare.select("footprint_code", "status").rows())["U3"] == "not_applicable"
    assert dict(bare.select("footprint_code", "status").rows())["U2"] == "suppressed"
    lost = [cells[1], *whole((None, 10_000.0, "suppressed"))]
    people = frame_of(PEOPLE_BANDS, bands("U2", SIZES))
    row = observed_expected(frame_of(BASELINE, lost), people).row(0, named=True)
    assert (row["value"], row["status"]) == (None, "suppressed")


def test_footprints_with_strata_by_age_are_standardised_instead():
    strata = [cell("pcn", "U1", each, 10.0, 100.0) for each in FINEST_AGES]
    cells = [*(cell("pcn", code, "all", 700.0, sum(SIZES)) for code in ("U1", "U2")), *strata]
    people = frame_of(PEOPLE_BANDS, bands("U1", SIZES) + bands("U2", SIZES))
    found = observed_expected(frame_of(BASELINE, [*cells, *whole()]), people)
    assert found["footprint_code"].to_list() == ["U2"]


def test_expectations_of_many_conditions_do_not_tell_the_people_by_age():
    """Bound the people of each age by all expectations at once, as an attacker would."""
    from scipy.optimize import linprog

    shares = [
        each.id
        for each in catalogue().at("person")
        if each.statistic == "proportion" and not each.among and "age_26_64" in each.all_strata
    ]
    draw = np.random.default_rng(4)
    level = np.exp(draw.uniform(np.log(0.0005), np.log(0.15), len(shares)))
    rates = np.minimum(level[:, None] * np.exp(draw.normal(0, 0.7, (len(shares), 7))), 0.6)
    cells = []
    for name, own in zip(shares, rates, strict=True):
        cells += [cell("pcn", "U1", "all", 40.0, sum(SIZES)) | {"indicator": name}]
        cells += [cell("whole", "W", each, rate * 1e6, 1e6) | {"indicator": name}
                  for each, rate in zip(FINEST_AGES, own, strict=True)]  # fmt: skip
    found = observed_expected(frame_of(BASELINE, cells), frame_of(PEOPLE_BANDS, bands("U1", SIZES)))
    told = dict(found.select("indicator", "expected").rows())
    expected = np.array([told[name] for name in shares])
    everyone = np.ones((1, 7))
    left = np.vstack([rates, -rates, everyone, -everyone])
    right = np.concatenate([expected + 2.5, 2.5 - expected, [sum(SIZES)], [-sum(SIZES)]])
    for age in range(7):
        aim = np.eye(7)[age]
        least, most = (linprog(sign * aim, A_ub=left, b_ub=right).fun * sign for sign in (1, -1))
        assert most - least > 30
