"""Life expectancy against a plain life table and closed forms."""

from __future__ import annotations

import math
from statistics import NormalDist

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link import stats
from pophealth_link.errors import DataError

AGES = [0, 1, *range(5, 95, 5)]
Z = 1.959963984540054


def expectancy(frame, **options):
    return stats.life_expectancy(frame, "d", "p", age_start="age", **options)


def frame_of(deaths, people):
    return pl.DataFrame({"age": AGES, "d": deaths, "p": people})


def life_table(deaths, people):
    """Return (e, standard error) at each age, row by row as in Chiang's book."""
    widths = [1, 4] + [5] * 18
    alive, rows = 100_000.0, []
    for i, (d, p, n) in enumerate(zip(deaths, people, widths, strict=True)):
        m, a = d / p, 0.1 if i == 0 else 0.5
        q = 1.0 if i == 19 else min(1.0, m * n / (1 + m * n * (1 - a)))
        dying = alive * q
        lived = alive / m if i == 19 else n * (alive - dying) + a * n * dying
        rows.append({"l": alive, "q": q, "L": lived, "n": n, "a": a, "d": d, "m": m})
        alive -= dying
    result = []
    for x, row in enumerate(rows):
        if row["l"] == 0:
            result.append(None)
            continue
        e = math.fsum(each["L"] for each in rows[x:]) / row["l"]
        variance = 0.0
        for i in range(x, 20):
            each = rows[i]
            if i == 19:
                variance += (each["l"] / 2) ** 2 * 4 / (each["d"] * each["m"] ** 2)
            elif each["d"] and each["q"] < 1:
                onward = math.fsum(later["L"] for later in rows[i + 1 :]) / rows[i + 1]["l"]
                spread = each["q"] ** 2 * (1 - each["q"]) / each["d"]
                variance += each["l"] ** 2 * ((1 - each["a"]) * each["n"] + onward) ** 2 * spread
        result.append((e, math.sqrt(variance) / row["l"]))
    return result


BANDS = st.lists(
    st.integers(300, 10**5).flatmap(lambda p: st.tuples(st.integers(0, p // 3), st.just(p))),
    min_size=20,
    max_size=20,
).filter(lambda rows: rows[-1][0] > 0)


@settings(deadline=None, max_examples=100)
@given(BANDS)
def test_life_expectancy_equals_a_plain_life_table(rows):
    deaths, people = zip(*rows, strict=True)
    result = expectancy(frame_of(deaths, people))
    expected = life_table(deaths, people)
    for row, (e, error) in zip(result.iter_rows(named=True), expected, strict=True):
        if 2 * Z * error > 20:
            assert row["value"] is None
            assert row["method"] == "not given: interval wider than 20 years"
        else:
            assert row["method"] == "Chiang, Silcocks"
            assert row["value"] == pytest.approx(e, rel=1e-9)
            assert row["lower"] == pytest.approx(e - Z * error, rel=1e-9, abs=1e-9)
            assert row["upper"] == pytest.approx(e + Z * error, rel=1e-9, abs=1e-9)


def test_without_deaths_before_90_life_expectancy_is_90_more_than_at_90():
    result = expectancy(frame_of([0] * 19 + [250], [1000] * 20))
    assert result["value"].to_list() == pytest.approx([90 - age + 4.0 for age in AGES])
    # Then all variance is that of 1/M: 1/(d·M²).
    error = Z / math.sqrt(250 * 0.25**2)
    assert result["lower"].to_list() == pytest.approx([94 - age - error for age in AGES])


def test_an_interval_wider_than_20_years_is_not_given():
    # With all deaths from 90 on the width is 2z/(M√d): 20.2 years for 15 deaths, 19.6 for 16.
    for deaths, is_given in ((15, False), (16, True)):
        frame = frame_of([0] * 19 + [deaths], [1000] * 19 + [deaths * 20])
        result = expectancy(frame)
        assert result["value"].is_not_null().to_list() == [is_given] * 20


def test_a_certain_death_rate_gives_the_geometric_closed_form():
    # The same M at all ages, with a = 1/2 from age 5 on: q = 5M/(1 + 5M/2) in each band, and the
    # years lived by one alive at 5 are Σ 5(1 − q/2)(1 − q)^i over 17 bands plus (1 − q)^17/M.
    m = 0.04
    result = expectancy(frame_of([400] * 20, [10_000] * 20))
    q = 5 * m / (1 + 2.5 * m)
    at_five = 5 * (1 - q / 2) * (1 - (1 - q) ** 17) / q + (1 - q) ** 17 / m
    assert result["value"][2] == pytest.approx(at_five, rel=1e-12)
    assert at_five == pytest.approx(1 / m, rel=1e-12)
    assert result["value"][19] == pytest.approx(1 / m, rel=1e-12)


def test_more_deaths_shorten_life_and_more_people_narrow_the_interval():
    people = [20_000] * 20
    deaths = [
        80,
        10,
        8,
        9,
        20,
        30,
        40,
        50,
        70,
        100,
        140,
        200,
        300,
        450,
        700,
        1100,
        1700,
        2600,
        3900,
        5000,
    ]
    base = expectancy(frame_of(deaths, people)).row(0, named=True)
    worse = expectancy(frame_of([2 * d for d in deaths[:-1]] + deaths[-1:], people)).row(
        0, named=True
    )
    tenfold = expectancy(frame_of([10 * d for d in deaths], [10 * p for p in people]))
    large = tenfold.row(0, named=True)
    assert worse["value"] < base["value"]
    assert large["value"] == pytest.approx(base["value"], rel=1e-12)
    assert large["upper"] - large["lower"] == pytest.approx(
        (base["upper"] - base["lower"]) / math.sqrt(10), rel=1e-9
    )


def test_rows_of_a_band_are_added_and_groups_stand_alone():
    one, two = frame_of([5] * 20, [1000] * 20), frame_of([9] * 20, [1500] * 20)
    both = pl.concat(
        [
            one.with_columns(g=pl.lit("a")),
            two.with_columns(g=pl.lit("b")),
            one.with_columns(g=pl.lit("b")),
        ]
    )
    result = expectancy(both.sample(fraction=1, shuffle=True, seed=4), by="g")
    assert result.columns == ["g", "age", "d", "p", "value", "lower", "upper", "method"]
    assert result["age"].to_list() == AGES * 2
    assert result[:20].drop("g").equals(expectancy(one))
    added = expectancy(frame_of([14] * 20, [2500] * 20))
    assert result[20:].drop("g").equals(added)


def test_what_cannot_be_is_givensays_why():
    fine = frame_of([5] * 20, [1000] * 20)
    first, last = pl.col("age") == 0, pl.col("age") == 90
    cases = {
        "not calculated: missing value": fine.with_columns(d=pl.when(~first).then("d")),
        "not calculated: age bands are missing": fine[:19],
        "not calculated: a band has no population": fine.with_columns(
            d=pl.when(~first).then("d").otherwise(0), p=pl.when(~first).then("p").otherwise(0)
        ),
        "suppressed: population of 5,000 or fewer": fine.with_columns(p=pl.lit(250)),
        "not calculated: no deaths from age 90": fine.with_columns(
            d=pl.when(~last).then("d").otherwise(0)
        ),
    }
    frame = pl.concat(
        [
            each.with_columns(g=pl.lit(text), p=pl.col("p").cast(pl.Int64))
            for text, each in cases.items()
        ]
    )
    result = expectancy(frame, by="g")
    assert result["value"].null_count() == result.height
    assert result["lower"].null_count() == result.height
    assert (result["g"] == result["method"]).all()
    just_enough = expectancy(fine.with_columns(p=pl.lit(251)))["method"]
    assert not just_enough.str.starts_with("suppressed").any()


def test_where_all_die_in_a_band_later_ages_have_no_value():
    deaths = [0] * 20
    deaths[10], deaths[19] = 900, 10
    result = expectancy(frame_of(deaths, [1000] * 20))
    # 900 of 1,000 a year for five years: q would be 1.38, and is 1; all die halfway through 45-49.
    assert result["value"][0] == pytest.approx(47.5)
    assert (result["lower"][0], result["upper"][0]) == pytest.approx((47.5, 47.5))
    assert result["value"][11:].null_count() == 9
    assert set(result["method"][11:]) == {"not calculated: nobody reaches this age"}


def test_other_ages_and_more_deaths_than_people_are_refused():
    fine = frame_of([5] * 20, [1000] * 20)
    with pytest.raises(DataError, match="1 of 20 rows are not the first age"):
        expectancy(fine.with_columns(age=pl.when(pl.col("age") == 90).then(95).otherwise("age")))
    with pytest.raises(DataError, match="20 of 20 rows are above their denominator"):
        expectancy(fine.with_columns(d=pl.lit(1001)))


def test_life_expectancy_has_the_published_values():
    # Worked example of PHEindicatormethods (Department of Health and Social Care), in its test of
    # life expectancy: deaths, population, life expectancy and its limits by band.
    rows = [
        (17, 7060, 80.16960813, 79.88268548, 80.45653078),
        (9, 35059, 79.36245674, 79.0898816, 79.63503188),
        (4, 46974, 75.44193645, 75.17407307, 75.70979983),
        (8, 48489, 70.47299936, 70.20675732, 70.7392414),
        (20, 43219, 65.52909542, 65.26548673, 65.79270412),
        (15, 38561, 60.67510088, 60.41876577, 60.931436),
        (24, 46009, 55.78835987, 55.53801579, 56.03870395),
        (33, 57208, 50.92752727, 50.68279939, 51.17225516),
        (50, 61435, 46.06740425, 45.82666794, 46.30814055),
        (71, 55601, 41.24505636, 41.00842831, 41.48168441),
        (100, 50209, 36.49322717, 36.26223216, 36.72422219),
        (163, 56416, 31.83343842, 31.60996318, 32.05691365),
        (263, 46411, 27.26027992, 27.04337271, 27.47718713),
        (304, 39820, 22.9719144, 22.76653134, 23.17729746),
        (536, 37978, 18.76856852, 18.57570352, 18.96143352),
        (872, 37039, 14.95858336, 14.77985004, 15.13731667),
        (1390, 33288, 11.51684445, 11.34831778, 11.68537112),
        (1605, 23306, 8.618849241, 8.451134045, 8.786564437),
        (1936, 11936, 6.163942934, 5.978358351, 6.349527517),
        (1937, 11936, 6.16210635, 5.887683386, 6.436529314),
    ]
    deaths, people, *published = zip(*rows, strict=True)
    found = expectancy(frame_of(deaths, people))
    value, lower, upper = published
    # Printed to ten significant figures, the limits worked with z = 1.96.
    assert found["value"].to_list() == pytest.approx(value, abs=6e-9)
    z = NormalDist().inv_cdf(0.975)
    for name, limits in (("lower", lower), ("upper", upper)):
        reach = [(limit - v) / 1.96 * z for limit, v in zip(limits, value, strict=True)]
        assert (found[name] - found["value"]).to_list() == pytest.approx(reach, abs=1.2e-8)
