"""Waits from released counts: against a published life table, and against every single day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from released_rows import baseline, cell

from pophealth_link import stats
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.waiting import Pathway, Standard, pathways
from pophealth_link.need.waits import waits
from pophealth_link.schema.outputs_services import WAITING_TIMES

YEARS = Pathway(
    "psychosis", "t", "referrals", "contacts", (1, 2, 3, 4, 5), (Standard(5, 0.5),), "seen", "s"
)
# Cutler and Ederer, J Chronic Dis 1958;8:699–712, table 1: 126 patients with localised kidney
# cancer; deaths, and lost or withdrawn alive, by year; share alive at the end of each year.
DEATHS = (47, 5, 2, 2, 0)
LEFT = (19, 17, 15, 9, 6)
ALIVE = (0.60, 0.54, 0.50, 0.44, 0.44)
STANDARD_ERROR = 0.060


def cells(
    pathway: Pathway,
    seen: tuple[int | None, ...],
    unseen: tuple[int | None, ...],
    total: int | None,
) -> list[dict[str, object]]:
    rows = [cell(pathway.part("all"), total)]
    for band, (x, y) in enumerate(zip(seen, unseen, strict=True), start=1):
        rows += [cell(pathway.part("seen", band), x), cell(pathway.part("unseen", band), y)]
    return rows


def published(**changes: object) -> pl.DataFrame:
    return waits(baseline(*cells(YEARS, DEATHS, LEFT, 126)), of={"psychosis": YEARS})


def test_agrees_with_the_published_life_table():
    made = published()
    assert made["days"].to_list() == [1, 2, 3, 4, 5]
    assert [round(1 - value / 100, 2) for value in made["value"]] == list(ALIVE)
    assert made["seen"].to_list() == [47, 52, 54, 56, 56]
    assert made.columns == list(WAITING_TIMES.names)
    # Greenwood's error at five years, from the limits on the scale of log(−log).
    last = made.row(4, named=True)
    s, low, high = (1 - last[each] / 100 for each in ("value", "upper", "lower"))
    width = np.log(-np.log(low)) - np.log(-np.log(high))
    error = width / (2 * 1.959964) * abs(s * np.log(s))
    assert error == pytest.approx(STANDARD_ERROR, abs=0.0005)


def test_a_withheld_band_hides_its_day_and_those_after_it_but_not_those_before():
    unseen = (19, 17, None, 9, 6)
    made = waits(baseline(*cells(YEARS, DEATHS, unseen, 126)), of={"psychosis": YEARS})
    assert made["value"].is_null().to_list() == [False, False, True, True, True]
    assert made["status"].to_list() == ["ok", "ok", *["suppressed"] * 3]
    assert made["value"].to_list()[:2] == published()["value"].to_list()[:2]
    assert made["seen"].to_list() == [47, 52, None, None, None]


def test_without_the_total_no_share_is_told():
    made = waits(baseline(*cells(YEARS, DEATHS, LEFT, None)), of={"psychosis": YEARS})
    assert made["value"].null_count() == 5
    assert set(made["status"]) == {"suppressed"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"numerator": None, "status": "no_data"}, "no_data"),
        ({"numerator": None, "status": "linkage_too_weak"}, "linkage_too_weak"),
        ({"status": "estimated"}, "estimated"),
    ],
)
def test_status_of_a_part_is_that_of_the_share(change, status):
    rows = cells(YEARS, DEATHS, LEFT, 126)
    rows[1] |= change
    made = waits(baseline(*rows), of={"psychosis": YEARS})
    assert set(made["status"]) == {status}
    assert made["value"].null_count() == (0 if status == "estimated" else 5)


def test_nobody_referred_is_no_share_rather_than_zero():
    made = waits(baseline(*cells(YEARS, (0,) * 5, (0,) * 5, 0)), of={"psychosis": YEARS})
    assert made["value"].null_count() == 5
    assert set(made["status"]) == {"not_applicable"}


@pytest.mark.parametrize(
    ("share", "met"), [(0.2, "met"), (0.5, "not_told_apart"), (0.9, "not_met")]
)
def test_the_interval_is_held_against_the_standard(share, met):
    pathway = Pathway(
        "psychosis", "t", "referrals", "contacts", (14,), (Standard(14, share),), "seen", "s"
    )
    made = waits(baseline(*cells(pathway, (50,), (0,), 100)), of={"psychosis": pathway})
    row = made.row(0, named=True)
    assert (row["met"], row["standard"], row["is_standard"]) == (met, 100 * share, True)
    assert row["value"] == pytest.approx(50)
    assert row["lower"] < 50 < row["upper"]


def test_every_shipped_pathway_has_its_days_and_no_pathway_is_dropped():
    rows = [
        row
        for each in pathways().values()
        for row in cells(each, (40,) * len(each.edges), (4,) * len(each.edges), 400)
    ]
    made = waits(baseline(*rows))
    found = made.group_by("pathway").agg("days").sort("pathway").rows()
    assert found == sorted((each.id, list(each.edges)) for each in pathways().values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_is_within_a_point_of_the_estimate_from_every_single_day(seed: int):
    """Referrals of a year, made and banded as a job does, against Kaplan–Meier on days."""
    rng = np.random.default_rng(seed)
    size, first = 6000, date(2025, 4, 1)
    start = rng.integers(0, 365, size)
    length = rng.exponential(30, size).astype(int)
    closed = start + rng.exponential(150, size).astype(int)
    shown = start + length <= np.minimum(closed, 364)

    def days(numbers: np.ndarray) -> list[date]:
        return [first + timedelta(days=int(each)) for each in numbers]

    asked = pl.DataFrame(
        {
            "person_id": [str(n) for n in range(size)],
            "referral_id": [str(n) for n in range(size)],
            "referral_date": days(start),
            "discharge_date": days(closed),
            "primary_reason": "04",
            "priority": "3",
        }
    )
    seen = asked.select("person_id", "referral_id").with_columns(
        contact_date=pl.Series(days(start + length)), attendance=pl.lit("5")
    ).filter(pl.Series(shown))  # fmt: skip
    when = {"as_of": date(2026, 4, 1), "period": (first, date(2026, 3, 31))}
    table = derived({"referrals": asked, "contacts": seen}, **when)["waits"]
    pathway = pathways()["community"]
    counts = {(row[0], row[1]): row[2] for row in table.group_by("outcome", "band").len().rows()}
    bands = [str(n + 1) for n in range(len(pathway.edges))]
    made = waits(
        baseline(
            *cells(
                pathway,
                tuple(counts.get(("seen", band), 0) for band in bands),
                tuple(counts.get(("unseen", band), 0) for band in bands),
                table.height,
            )
        ),
        of={"community": pathway},
    )
    single = table.with_columns(
        (pl.col("outcome") == "seen").cast(pl.Int64).alias("x"),
        (pl.col("outcome") == "unseen").cast(pl.Int64).alias("c"),
    )
    truth = stats.kaplan_meier(single, "days", events="x", censored="c", at=pathway.edges)
    for told, daily in zip(made["value"], truth["value"], strict=True):
        assert told == pytest.approx(100 * (1 - daily), abs=1.0)


ONE = Pathway("psychosis", "t", "referrals", "contacts", (7, 14), (Standard(14, 0.6),), "seen", "s")


def of_one(
    seen: tuple[int | None, int | None],
    unseen: tuple[int | None, int | None],
    total: int | None,
    by: tuple[int | None, int | None],
    rounding: float = 0.0,
) -> list[dict[str, object]]:
    rows = cells(ONE, seen, unseen, total)
    names = (ONE.up_to("seen", 2), ONE.up_to("unseen", 2))
    rows += [cell(name, count) for name, count in zip(names, by, strict=True)]
    return waits(baseline(*rows), of={"psychosis": ONE}, rounding=rounding).rows(named=True)


def test_a_small_band_does_not_take_the_standard_away():
    first, standard = of_one((None, 55), (10, 10), 100, (60, 20))
    assert (first["value"], first["status"]) == (None, "suppressed")
    # As one band: 60 seen of 100 − 20 / 2 at risk.
    assert standard["value"] == pytest.approx(100 * 60 / 90, abs=1e-5)
    assert (standard["seen"], standard["status"], standard["met"]) == (60, "ok", "not_told_apart")


def test_bands_that_are_more_than_their_total_are_no_share():
    rows = of_one((60, 30), (10, 10), 100, (90, 20))
    assert [row["status"] for row in rows] == ["ok", "not_applicable"]
    assert rows[1]["value"] is rows[1]["lower"] is rows[1]["met"] is None


def test_limits_are_wider_by_what_rounding_leaves_possible():
    plain, _ = of_one((400, 300), (100, 100), 1000, (700, 200))
    rounded, _ = of_one((400, 300), (100, 100), 1000, (700, 200), rounding=3)
    lowest, highest = 100 * 397 / (1003 - 97 / 2), 100 * 403 / (997 - 103 / 2)
    assert rounded["value"] == plain["value"] == pytest.approx(100 * 400 / 950, abs=1e-5)
    for side, far in (("lower", lowest), ("upper", highest)):
        assert rounded[side] - plain[side] == pytest.approx(far - plain["value"], abs=1e-5)


def test_a_share_that_rounding_could_move_far_is_not_told():
    few = of_one((6, 6), (3, 3), 27, (12, 6), rounding=3)
    assert {row["status"] for row in few} == {"not_applicable"}
    assert {row["value"] for row in few} == {None}


def middle(count: int) -> int:
    """Rounded to the middle of its six, as the policy midpoint6 does."""
    return -(-count // 6) * 6 - 3 if count else 0


@settings(max_examples=25, deadline=None)
@given(parts=st.tuples(*[st.integers(0, 150)] * 5))
def test_the_share_of_the_true_counts_is_within_the_limits(parts: tuple[int, ...]):
    a, b, c, d, _ = parts
    total = sum(parts)
    true = of_one((a, b), (c, d), total, (a + b, c + d))
    rows = of_one(
        (middle(a), middle(b)),
        (middle(c), middle(d)),
        middle(total),
        (middle(a + b), middle(c + d)),
        rounding=3,
    )
    for one, told in zip(true, rows, strict=True):
        if told["lower"] is not None and one["value"] is not None:
            # The day may be told as one band: the estimate of the true counts by that.
            single = 100 * (a + b) / (total - (c + d) / 2) if one["days"] == 14 else one["value"]
            low, high = sorted((one["value"], single))
            assert told["lower"] <= high + 1e-6
            assert told["upper"] >= low - 1e-6
