"""Groups, slopes, standardised comparisons and funnels, worked again from released counts."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
import world

from pophealth_link import stats
from pophealth_link.disclosure import policy
from pophealth_link.errors import DataError
from pophealth_link.need import count, release
from pophealth_link.need.funnels import funnels
from pophealth_link.need.inequality import groups, slopes
from pophealth_link.need.standardised import standardised
from pophealth_link.schema.outputs import BASELINE
from pophealth_link.schema.outputs_inequality import FUNNELS, GROUPS, SLOPES, STANDARDISED

Z = NormalDist().inv_cdf(0.975)
SHARE, RATE, REPEAT = (
    "depression_recorded",
    "mental_health_referrals",
    "mental_health_contacts",
)
PHI = {SHARE: 1.0, RATE: 2.0, REPEAT: 4.0}


def baseline(*cells):
    """Return a released baseline of (footprint, indicator, stratum, numerator, denominator)."""
    rows = []
    for footprint, indicator, stratum, numerator, denominator, *status in cells:
        kind = "whole" if footprint in ("W", "closed_practice") else "pcn"
        rows.append(
            {
                "footprint_type": kind,
                "footprint_code": footprint,
                "footprint_name": f"Area {footprint}",
                "basis": "registered",
                "indicator": indicator,
                "stratum": stratum,
                "numerator": numerator,
                "denominator": denominator,
                "unit": "%",
                "period": "2026",
                "status": status[0] if status else "ok",
            }
        )
    schema = {name: BASELINE.polars_schema[name] for name in rows[0]}
    frame = pl.DataFrame(rows, schema=schema)
    lacking = [column for column in BASELINE.columns if column.name not in frame.columns]
    empty = [pl.lit(None, column.dtype).alias(column.name) for column in lacking]
    return frame.with_columns(empty).select(BASELINE.names)


def family(footprint, indicator, counts, *, prefix="quintile_"):
    cells = [(footprint, indicator, f"{prefix}{name}", *each) for name, each in counts.items()]
    given = [each for each in counts.values() if None not in each[:2]]
    x, n = (sum(each[i] for each in given) for i in (0, 1))
    return [(footprint, indicator, "all", x, n), *cells]


FIFTHS = {"1": (90, 600), "2": (96, 800), "3": (70, 700), "4": (72, 900), "5": (60, 1000)}


def only(frame, **keys):
    return frame.filter(**keys).row(0, named=True)


def wilson(x, n):
    found = stats.proportion(pl.DataFrame({"x": [x], "n": [n]}), "x", "n", multiplier=100)
    return found.select("value", "lower", "upper").row(0)


# --- groups -------------------------------------------------------------------------------------


def test_core20_is_set_against_the_four_other_fifths():
    frame = baseline(*family("U1", SHARE, FIFTHS | {"unknown": (5, 40)}))
    found = groups(frame)
    assert found.schema == GROUPS.polars_schema
    row = only(found)
    assert (row["stratum"], row["against"]) == (
        "quintile_1",
        "quintile_2 + quintile_3 + quintile_4 + quintile_5",
    )
    one, other = wilson(90, 600), wilson(298, 3400)
    assert [row[n] for n in ("value", "lower", "upper")] == pytest.approx(one, abs=1e-6)
    assert [row[f"rest{n}"] for n in ("", "_lower", "_upper")] == pytest.approx(other, abs=1e-6)
    # Newcombe's hybrid score interval of the difference, written out again.
    below = math.hypot(one[0] - one[1], other[2] - other[0])
    above = math.hypot(one[2] - one[0], other[0] - other[1])
    middle = one[0] - other[0]
    assert row["difference"] == pytest.approx(middle, abs=1e-6)
    assert row["difference_lower"] == pytest.approx(middle - below, abs=1e-6)
    assert row["difference_upper"] == pytest.approx(middle + above, abs=1e-6)
    assert row["ratio"] == pytest.approx(one[0] / other[0], abs=1e-6)
    assert row["ratio_lower"] < row["ratio"] < row["ratio_upper"]
    assert (row["status"], row["reason"]) == ("ok", None)


def test_each_sex_age_and_ethnic_group_is_set_against_the_others():
    cells = [
        *family("U1", SHARE, {"male": (20, 200), "female": (60, 300)}, prefix="sex_"),
        *family("U1", SHARE, {"white": (50, 300), "asian": (20, 100), "black": (10, 50)},
                prefix="ethnic_")[1:],
    ]  # fmt: skip
    found = groups(baseline(*cells))
    assert found["stratum"].to_list() == ["ethnic_asian", "ethnic_black", "ethnic_white",
                                          "sex_female", "sex_male"]  # fmt: skip
    her, him = only(found, stratum="sex_female"), only(found, stratum="sex_male")
    assert her["rest"] == him["value"]
    assert her["difference_lower"] == pytest.approx(-him["difference_upper"], abs=2e-6)
    assert her["ratio"] == pytest.approx(2.0)
    black = only(found, stratum="ethnic_black")
    assert black["rest"] == pytest.approx(100 * 70 / 400)


def test_a_withheld_group_or_other_leaves_no_number():
    withheld = FIFTHS | {"3": (None, 700, "suppressed")}
    row = only(groups(baseline(*family("U1", SHARE, withheld))))
    numbers = [column.name for column in GROUPS.columns if column.kind == "number"]
    assert [row[name] for name in numbers] == [None] * len(numbers)
    assert (row["status"], row["reason"]) == ("suppressed", "part of the counts is withheld")
    core = FIFTHS | {"1": (None, None, "linkage_too_weak"), "2": (None, 700, "suppressed")}
    assert only(groups(baseline(*family("U1", SHARE, core))))["status"] == "linkage_too_weak"


def test_nobody_in_the_group_or_in_the_others_is_not_applicable():
    none = dict.fromkeys("2345", (0, 0, "not_applicable"))
    row = only(groups(baseline(*family("U1", SHARE, {"1": (9, 90)} | none))))
    assert (row["status"], row["value"]) == ("not_applicable", None)
    row = only(groups(baseline(*family("U1", SHARE, FIFTHS | {"1": (0, 0, "not_applicable")}))))
    assert row["status"] == "not_applicable"
    # Fifths without people take no part, those with people do.
    some = FIFTHS | {"5": (0, 0, "not_applicable")}
    row = only(groups(baseline(*family("U1", SHARE, some))))
    assert row["rest"] == pytest.approx(100 * 238 / 2400)
    assert row["status"] == "ok"


def test_repeat_events_need_their_over_dispersion_for_limits():
    frame = baseline(*family("U1", REPEAT, FIFTHS))
    known, unknown = only(groups(frame, dispersions=PHI)), only(groups(frame))
    assert known["ratio"] == unknown["ratio"] == pytest.approx((90 / 600) / (298 / 3400), abs=1e-6)
    assert (unknown["lower"], unknown["difference_lower"], unknown["ratio_upper"]) == (None,) * 3
    assert unknown["reason"] == "the interval is not known, only the values"
    narrow = only(groups(frame, dispersions={REPEAT: 1.0}))
    assert (
        known["ratio_lower"] < narrow["ratio_lower"] < narrow["ratio_upper"] < known["ratio_upper"]
    )


def test_others_without_events_have_a_ratio_without_upper_limit_or_none():
    found = only(groups(baseline(*family("U1", SHARE, {"male": (10, 50), "female": (0, 60)},
                                         prefix="sex_"))), stratum="sex_male")  # fmt: skip
    assert (found["ratio"], found["difference"], found["status"]) == (None, 20, "ok")
    assert found["reason"] == "the others may have none: the ratio has no upper limit"


def test_a_withheld_fifth_leaves_everyone_less_the_group_and_the_unknown():
    fifths = FIFTHS | {"unknown": (5, 40)}
    full = baseline(*family("U1", SHARE, fifths))
    gone = pl.col("stratum").is_in(["quintile_3", "quintile_4"])
    held = full.with_columns(
        numerator=pl.when(~gone).then("numerator"),
        status=pl.when(gone).then(pl.lit("suppressed")).otherwise("status"),
    )
    assert groups(held).equals(groups(full))
    # Nobody is unknown: what is left is everyone less the group.
    none = baseline(
        *family("U1", SHARE, FIFTHS | {"3": (None, 700, "suppressed")})[1:],
        ("U1", SHARE, "quintile_unknown", 0, 0, "not_applicable"),
        ("U1", SHARE, "all", 388, 4000),
    )
    row = only(groups(none))
    assert (row["status"], row["rest"]) == ("ok", pytest.approx(100 * 298 / 3400))


@pytest.mark.parametrize(
    ("everyone", "unknown", "lost"),
    [
        # 100 less 90 less 5: what is left is mostly the rounding of the three.
        ((100, 4040), (5, 40, "ok"), "suppressed"),
        ((None, 4040, "suppressed"), (5, 40, "ok"), "suppressed"),
        ((393, 4040), (None, 40, "suppressed"), "suppressed"),
        # What is lost for another reason than disclosure stays lost.
        ((393, 4040), (5, 40, "ok"), "linkage_too_weak"),
    ],
)
def test_what_is_left_of_everyone_must_be_known_and_enough(everyone, unknown, lost):
    cells = [
        *family("U1", SHARE, FIFTHS | {"3": (None, 700, lost)})[1:],
        ("U1", SHARE, "quintile_unknown", *unknown),
        ("U1", SHARE, "all", *everyone),
    ]
    row = only(groups(baseline(*cells)))
    assert (row["status"], row["rest"], row["value"]) == (lost, None, None)


def test_rows_that_are_no_footprint_have_no_groups_and_no_slopes():
    frame = baseline(*family("closed_practice", SHARE, FIFTHS), *family("no_pcn", SHARE, FIFTHS))
    for found in (groups(frame), slopes(frame, seed=1, simulations=100)):
        assert set(found["status"]) == {"not_applicable"}
        assert set(found["reason"]) == {"no footprint"}
        numbers = [name for name, kind in found.schema.items() if kind == pl.Float64]
        assert found.select(pl.col(numbers).count()).row(0) == (0,) * len(numbers)
        assert found["footprint_code"].to_list() == ["no_pcn", "closed_practice"]


# --- slopes -------------------------------------------------------------------------------------


def test_slopes_equal_numpys_least_squares_from_least_to_most_deprived():
    row = only(slopes(baseline(*family("U1", SHARE, FIFTHS)), seed=1, simulations=20_000))
    x, n = (np.array([FIFTHS[q][i] for q in "54321"], float) for i in (0, 1))
    a = n / n.sum()
    b = np.cumsum(a) - a / 2
    design = np.column_stack([np.sqrt(a), b * np.sqrt(a)])
    first, second = np.linalg.lstsq(design, np.sqrt(a) * 100 * x / n, rcond=None)[0]
    assert row["slope_index"] == pytest.approx(second, abs=1e-6)
    assert row["relative_index"] == pytest.approx((first + second) / first, abs=1e-6)
    assert 0 < row["slope_index_lower"] < row["slope_index"] < row["slope_index_upper"]
    assert 1 < row["relative_index_lower"] < row["relative_index"] < row["relative_index_upper"]
    # The slope is linear in the values, so that its limits are normal with a known deviation.
    errors = np.array([(u - low) / 2 / 1.959964 for _, low, u in map(wilson, x, n)])
    weight = a * (b - 0.5) / np.sum(a * (b - 0.5) ** 2)
    deviation = math.sqrt(np.sum((weight * errors) ** 2))
    reach = row["slope_index_upper"] - row["slope_index"]
    assert reach == pytest.approx(Z * deviation, rel=0.05)


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"2": (None, 800, "suppressed")}, "suppressed", "part of the counts is withheld"),
        ({"2": (0, 0, "not_applicable")}, "not_applicable", "a fifth has no people"),
        ({"2": (None, None, "no_data")}, "no_data", "there is no data for the indicator"),
    ],
)
def test_slopes_need_all_five_fifths(change, status, reason):
    cells = [*family("U1", SHARE, FIFTHS | change), *family("U2", SHARE, FIFTHS)]
    found = slopes(baseline(*cells), seed=1, simulations=100)
    assert found.schema == SLOPES.polars_schema
    one, other = found.rows(named=True)
    assert (one["status"], one["reason"], one["slope_index"]) == (status, reason, None)
    assert (other["status"], other["reason"]) == ("ok", None)
    assert other["slope_index"] > 0


def test_slopes_of_repeat_events_without_over_dispersion_say_so():
    frame = baseline(*family("U1", REPEAT, FIFTHS))
    assert only(slopes(frame, seed=1))["reason"] == "a fifth has no interval"
    known = only(slopes(frame, seed=1, dispersions=PHI, simulations=1000))
    assert known["slope_index"] > 0


@pytest.mark.parametrize(
    ("counts", "reason", "index"),
    [
        # Shares of 1,000 people each: at the start of the line 0.04 less 0.5 times a slope of 0.1.
        (
            (80, 60, 40, 20, 0),
            "no relative index: the fitted level at the least deprived end is not above zero",
            None,
        ),
        (
            (0, 0, 0, 10, 50),
            "no relative index: the fitted level at the most deprived end is below zero",
            None,
        ),
        (
            (10, 8, 6, 4, 2),
            "the relative index has no limits: the fitted level at the least deprived end may be "
            "zero",
            11.0,
        ),
        ((0, 0, 0, 0, 0), "nobody has it: no relative index", None),
        ((800, 600, 500, 400, 300), None, None),
    ],
)
def test_a_relative_index_needs_levels_above_zero(counts, reason, index):
    cells = {str(i + 1): (x, 1000) for i, x in enumerate(counts)}
    row = only(slopes(baseline(*family("U1", SHARE, cells)), seed=1, simulations=5000))
    # The slope over equal fifths by hand, in per cent, deprivation rising from the fifth to the 1st.
    shares = [x / 10 for x in reversed(counts)]
    slope = sum(y * b for y, b in zip(shares, (-0.4, -0.2, 0, 0.2, 0.4), strict=True)) / 0.08 / 5
    assert row["slope_index"] == pytest.approx(slope, abs=1e-6)
    assert row["slope_index_lower"] < row["slope_index"] < row["slope_index_upper"]
    assert (row["status"], row["reason"]) == ("ok", reason)
    if reason:
        assert row["relative_index"] == (index if index is None else pytest.approx(index))
        assert (row["relative_index_lower"], row["relative_index_upper"]) == (None, None)
    else:
        assert 1 < row["relative_index_lower"] < row["relative_index"]


# --- standardised -------------------------------------------------------------------------------

BROAD = ("0_17", "18_25", "26_64", "65_over")
FINE = ("band_26_44", "band_45_64", "band_65_74", "band_75_84", "band_85_over")


def by_age(footprint, indicator, x, n):
    return family(footprint, indicator, dict(zip(BROAD, zip(x, n, strict=True), strict=True)),
                  prefix="age_")  # fmt: skip


def dobson(x, n, w, k=100.0):
    """Return Dobson's value and limits by plain sums."""
    value = sum(a * c / b for a, b, c in zip(x, n, w, strict=True)) / sum(w)
    variance = sum(a * (c / b) ** 2 for a, b, c in zip(x, n, w, strict=True)) / sum(w) ** 2
    o = sum(x)
    low = o * (1 - 1 / (9 * o) - Z / (3 * math.sqrt(o))) ** 3
    high = (o + 1) * (1 - 1 / (9 * (o + 1)) + Z / (3 * math.sqrt(o + 1))) ** 3
    step = math.sqrt(variance / o)
    return k * value, k * (value + step * (low - o)), k * (value + step * (high - o))


OLD, YOUNG, ALL = (800, 700, 2000, 1500), (3000, 2000, 4000, 500), (3800, 2700, 6000, 2000)
OLD_X, YOUNG_X = (8, 35, 200, 300), (30, 100, 400, 100)
WHOLE_X = tuple(a + b for a, b in zip(OLD_X, YOUNG_X, strict=True))


def two_areas():
    return [
        *by_age("U1", SHARE, OLD_X, OLD),
        *by_age("U2", SHARE, YOUNG_X, YOUNG),
        *by_age("W", SHARE, WHOLE_X, ALL),
    ]


def test_areas_are_standardised_to_the_people_of_the_whole():
    found = standardised(baseline(*two_areas()))
    assert found.schema == STANDARDISED.polars_schema
    for code, x, n in (("U1", OLD_X, OLD), ("U2", YOUNG_X, YOUNG)):
        row = only(found, footprint_code=code)
        expected = dobson(x, n, ALL)
        assert [row[name] for name in ("value", "lower", "upper")] == pytest.approx(
            expected, abs=1e-6
        )
        whole = 100 * sum(WHOLE_X) / sum(ALL)
        assert row["whole"] == pytest.approx(whole, abs=1e-6)
        ratios = [row[f"ratio{end}"] for end in ("", "_lower", "_upper")]
        assert ratios == pytest.approx([each / whole for each in expected], abs=1e-6)
        assert (row["age_groups"], row["status"], row["reason"]) == (4, "ok", None)
    # An older population, and yet the same conditional rates: crude 10.9 and 6.6 %.
    one, other = (only(found, footprint_code=code) for code in ("U1", "U2"))
    assert abs(one["value"] - other["value"]) < 2
    whole = only(found, footprint_code="W")
    assert whole["value"] == pytest.approx(whole["whole"], abs=1e-6)
    assert whole["ratio"] == pytest.approx(1, abs=1e-6)
    assert whole["significance"] == "not significant"


def test_significance_follows_the_limits():
    many = [4 * each for each in OLD_X]
    frame = baseline(*by_age("U1", SHARE, many, OLD), *two_areas()[5:])
    row = only(standardised(frame), footprint_code="U1")
    assert row["lower"] > row["whole"]
    assert row["significance"] == "high (99.8 %)"


def test_finer_ages_are_used_where_as_many_areas_have_them():
    def fine(footprint, x, n, change=()):
        halves = [(a // 2, b // 2) for a, b in zip(x[2:], n[2:], strict=True)]
        thirds = [halves[0], halves[0], *([(x[3] // 3, n[3] // 3)] * 3)]
        return [
            (footprint, SHARE, name, *(change if change and name == FINE[-1] else each))
            for name, each in zip(FINE, thirds, strict=True)
        ]

    areas = [("U1", OLD_X, OLD), ("U2", YOUNG_X, YOUNG), ("W", WHOLE_X, ALL)]
    cells = [each for area in areas for each in fine(*area)]
    found = standardised(baseline(*two_areas(), *cells))
    assert found["age_groups"].to_list() == [7, 7, 7]
    gone = [each for area in areas[1:] for each in fine(*area)]
    gone += fine("U1", OLD_X, OLD, (None, 500, "suppressed"))
    found = standardised(baseline(*two_areas(), *gone))
    # The areas of a type are compared on the same ages; the whole area is a type of its own.
    assert found["age_groups"].to_list() == [4, 4, 7]
    assert set(found["status"]) == {"ok"}


def test_withheld_ages_few_events_and_rows_that_are_no_footprint_say_why():
    cells = [
        *two_areas(),
        # People of no practice are a row of the whole area's type, and no part of the standard.
        *by_age("closed_practice", SHARE, OLD_X, OLD),
        *by_age("U3", SHARE, (None, 35, 200, 300), OLD),
        *by_age("U4", SHARE, (0, 2, 3, 4), OLD),
        *by_age("no_pcn", SHARE, OLD_X, OLD),
    ]
    frame = baseline(*cells).with_columns(
        status=pl.when(pl.col("numerator").is_null()).then(pl.lit("suppressed")).otherwise("status")
    )
    found = standardised(frame)
    said = {row["footprint_code"]: (row["status"], row["reason"], row["value"])
            for row in found.rows(named=True)}  # fmt: skip
    assert said["U3"] == ("suppressed", "part of the counts is withheld", None)
    assert said["U4"][0] == "not_applicable"
    assert said["U4"][1].startswith("fewer than 10 events")
    assert said["no_pcn"] == ("not_applicable", "no footprint", None)
    assert said["closed_practice"] == said["no_pcn"]
    assert found.height == 7


def test_standardised_repeat_events_have_limits_of_the_effective_events():
    cells = [(code, REPEAT, *rest) for code, _, *rest in two_areas()]
    found = standardised(baseline(*cells), dispersions=PHI)
    row = only(found, footprint_code="U1")
    factor = PHI[REPEAT]
    value, low, high = dobson([x / factor for x in OLD_X], [n / factor for n in OLD], ALL, k=1)
    scale = row["value"] / value
    assert row["lower"] == pytest.approx(scale * low, abs=1e-5 * scale)
    assert row["upper"] == pytest.approx(scale * high, abs=1e-5 * scale)
    bare = only(standardised(baseline(*cells)), footprint_code="U1")
    assert (bare["value"], bare["lower"], bare["significance"]) == (row["value"], None, None)
    assert bare["reason"] == "over-dispersion is not known: no interval"


def test_every_cell_of_an_indicator_by_age_has_a_row():
    other, third = "anxiety_recorded", "dementia_recorded"
    cells = [
        *two_areas(),
        *by_age("U3", SHARE, OLD_X, OLD)[:-1],  # Nothing is said of its oldest.
        # The whole area has no such ages, then no data at all.
        *by_age("U1", other, OLD_X, OLD),
        ("W", other, "all", 600, 8000),
        *((code, third, "all", None, None, "no_data") for code in ("U1", "no_pcn", "W")),
        ("U1", "homeless_households", "all", 5, 100),
    ]
    found = standardised(baseline(*cells))
    said = found.filter(pl.col("value").is_null()).select(
        "indicator", "footprint_code", "status", "reason"
    )
    none = "the whole area's people by age are not given"
    assert sorted(said.rows()) == [
        (other, "U1", "not_applicable", none),
        (other, "W", "not_applicable", none),
        (third, "U1", "no_data", "there is no data for the indicator"),
        (third, "W", "no_data", "there is no data for the indicator"),
        (third, "no_pcn", "not_applicable", "no footprint"),
        (SHARE, "U3", "not_applicable", "it lacks an age group that the whole area has"),
    ]
    assert found.height == 9
    # They change nothing of the cells that have all.
    assert found.join(said, on=["indicator", "footprint_code"], how="anti").equals(
        standardised(baseline(*two_areas()))
    )


# --- funnels ------------------------------------------------------------------------------------


def many_areas(indicator, rates, size=2000):
    cells = [(f"U{i:02}", indicator, "all", round(r * size), size) for i, r in enumerate(rates)]
    return [*cells, ("W", indicator, "all", sum(c[3] for c in cells), size * len(cells))]


def test_a_funnel_stands_around_the_whole_area():
    frame = baseline(*many_areas(SHARE, [0.1, 0.1, 0.2, 0.05]))
    found = funnels(frame)
    assert found.schema == FUNNELS.polars_schema
    assert found["footprint_type"].unique().to_list() == ["pcn"]
    p = 0.1125
    half = Z * math.sqrt(p * (1 - p) / 2000)
    assert found["lower_95"].to_list() == pytest.approx([100 * (p - half)] * 4, abs=1e-6)
    assert found["upper_95"].to_list() == pytest.approx([100 * (p + half)] * 4, abs=1e-6)
    assert found["significance"].to_list() == [
        "not significant",
        "not significant",
        "high (99.8 %)",
        "low (99.8 %)",
    ]
    assert found["value"].to_list() == [10, 10, 20, 5]
    assert found["over_dispersion"].to_list() == [None] * 4


def test_funnels_of_repeat_events_are_widened_by_people_and_by_areas():
    draw = random.Random(3)
    rates = [max(0.1, draw.gauss(1.0, 0.3)) for _ in range(30)]
    found = funnels(baseline(*many_areas(REPEAT, rates)), dispersions=PHI)
    assert (found["significance"] != "not significant").sum() <= 4
    scale = found["value"][0] / round(rates[0] * 2000) * 2000
    assert found["over_dispersion"][0] / scale == pytest.approx(0.3, rel=0.3)
    few = funnels(baseline(*many_areas(REPEAT, rates[:6])), dispersions=PHI)
    assert few["over_dispersion"].to_list() == [None] * 6
    # Six areas tell nothing of spread; the limits are Poisson ones of a quarter of the events.
    target = sum(round(r * 2000) for r in rates[:6]) / 12_000
    effective = pl.DataFrame({"x": [0.0], "n": [500.0]})
    plain = stats.funnel_limits(effective, "x", "n", kind="rate", target=target, multiplier=scale)
    assert few["upper_998"][0] == pytest.approx(plain["upper_998"].item(), rel=1e-6)
    none = funnels(baseline(*many_areas(REPEAT, rates)))
    assert none["lower_95"].null_count() == 30
    assert set(none["reason"]) == {"over-dispersion is not known: no interval"}
    assert none["value"].null_count() == 0


def test_funnels_leave_out_the_bands_of_life_tables():
    frame = baseline(*many_areas(SHARE, [0.1, 0.2]), *many_areas("waits_crisis_seen_1", [0.1, 0.2]))
    assert funnels(frame)["indicator"].unique().to_list() == [SHARE]


def test_funnels_keep_every_footprint():
    cells = [
        *many_areas(SHARE, [0.1, 0.2]),
        ("U90", SHARE, "all", None, 100, "suppressed"),
        ("U91", SHARE, "all", 0, 0, "not_applicable"),
        ("no_pcn", SHARE, "all", 5, 100),
    ]
    found = funnels(baseline(*cells))
    assert found.select("footprint_code", "status", "reason").rows()[2:] == [
        ("U90", "suppressed", "part of the counts is withheld"),
        ("U91", "not_applicable", "nobody is in the footprint"),
        ("no_pcn", "not_applicable", "no footprint"),
    ]
    assert found["value"].to_list()[2:] == [None] * 3
    lost = baseline(*cells[:2], ("W", SHARE, "all", None, 100, "suppressed"))
    assert set(funnels(lost)["reason"]) == {"the whole area has no value"}


# --- all of them, on a made-up release -----------------------------------------------------------


@pytest.fixture(scope="module")
def released():
    given = world.inputs(size=6000, rows=4000)
    rule = policy("hes")
    return release(count(given, policy=rule), rule, unit_footprints=given.unit_footprints)


def dispersions(summary):
    return {
        each["indicator"]: each["over_dispersion"]
        for each in summary["indicators"]
        if "over_dispersion" in each
    }


FUNCTIONS = {
    "groups": groups,
    "slopes": lambda frame, **options: slopes(frame, seed=4, simulations=200, **options),
    "standardised": standardised,
    "funnels": funnels,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_depends_on_the_order_of_rows_or_on_other_columns(released, name):
    frame, summary = released
    known = {"dispersions": dispersions(summary)}
    found = FUNCTIONS[name](frame, **known)
    assert found.height > 0
    assert FUNCTIONS[name](frame.sample(fraction=1, shuffle=True, seed=5), **known).equals(found)
    # Values and limits of the baseline are not read: all follows from the released counts.
    numbers = ("value", "lower", "upper", "linkage_lower", "linkage_upper", "coverage")
    bare = frame.with_columns(pl.lit(None, pl.Float64).alias(each) for each in numbers)
    assert FUNCTIONS[name](bare, **known).equals(found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_without_a_number_says_why(released, name):
    frame, summary = released
    found = FUNCTIONS[name](frame, dispersions=dispersions(summary))
    first = {"slopes": "slope_index"}.get(name, "value")
    without = found.filter(pl.col(first).is_null())
    assert without["reason"].null_count() == 0
    assert set(without["status"]) <= {"suppressed", "not_applicable", "no_data"}
    given = found.filter(pl.col(first).is_not_null())
    assert set(given["status"]) <= {"ok", "estimated", "imputed_down"}
    assert given.height > 0


def test_own_values_of_groups_are_those_of_the_baseline(released):
    frame, summary = released
    found = groups(frame, dispersions=dispersions(summary)).drop_nulls("value")
    key = ["footprint_type", "footprint_code", "basis", "indicator", "stratum"]
    both = found.join(frame.select(*key, "value", "lower", "upper"), on=key, suffix="_released")
    for each in ("value", "lower", "upper"):
        gap = (both[each] - both[f"{each}_released"]).abs()
        assert gap.max() < 2e-6, each


def test_relative_indices_of_a_release_lie_within_their_limits_or_say_why(released):
    frame, summary = released
    found = FUNCTIONS["slopes"](frame, dispersions=dispersions(summary))
    given = found.filter(status="ok")
    whole = given.drop_nulls("relative_index_lower")
    assert whole.height > 0
    assert (whole["relative_index_lower"] >= 0).all()
    assert (whole["relative_index_lower"] <= whole["relative_index"] + 1e-6).all()
    assert (whole["relative_index"] <= whole["relative_index_upper"] + 1e-6).all()
    rest = given.filter(pl.col("relative_index_lower").is_null())
    assert rest["reason"].null_count() == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_frame_that_is_no_baseline_is_refused(name):
    with pytest.raises(DataError, match="lacks columns"):
        FUNCTIONS[name](pl.DataFrame({"indicator": ["a"]}))
