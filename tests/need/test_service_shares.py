"""Shares and means of service use."""

from __future__ import annotations

import polars as pl
import pytest
from released_rows import baseline, cell

from pophealth_link.indicators import catalogue
from pophealth_link.need.service_shares import declared_shares, service_shares
from pophealth_link.schema.outputs_services import SERVICE_SHARES

BACK, LEFT = "readmissions_30_days", "discharges_followed_30_days"


def one(frame: pl.DataFrame, measure: str = "readmitted_within_30_days") -> dict[str, object]:
    return frame.filter(measure=measure).row(0, named=True)


def test_limits_are_wilsons():
    """Newcombe, Stat Med 1998;17:857–872, table I: 81 of 263, 0.2553 to 0.3662."""
    made = service_shares(baseline(cell(BACK, 81), cell(LEFT, 263)), dispersion={LEFT: 1.0})
    row = one(made)
    assert row["value"] == pytest.approx(100 * 81 / 263)
    assert (row["lower"], row["upper"]) == pytest.approx((25.53, 36.62), abs=0.005)
    assert made.columns == list(SERVICE_SHARES.names)


def test_over_dispersion_counts_as_fewer_events():
    wide = one(service_shares(baseline(cell(BACK, 81), cell(LEFT, 263)), dispersion={LEFT: 3.0}))
    fewer = one(
        service_shares(baseline(cell(BACK, 27), cell(LEFT, 263 / 3)), dispersion={LEFT: 1.0})
    )
    assert (wide["lower"], wide["upper"]) == pytest.approx((fewer["lower"], fewer["upper"]))
    assert wide["value"] == pytest.approx(100 * 81 / 263)


def test_without_over_dispersion_there_are_no_limits():
    row = one(service_shares(baseline(cell(BACK, 81), cell(LEFT, 263))))
    assert row["value"] is not None
    assert row["lower"] is row["upper"] is None


@pytest.mark.parametrize(
    ("part", "whole", "status"),
    [
        (cell(BACK), cell(LEFT, 263), "suppressed"),
        (cell(BACK, 5), cell(LEFT), "suppressed"),
        (cell(BACK, None, status="no_data"), cell(LEFT, 20), "no_data"),
        (cell(BACK, 0), cell(LEFT, 0), "not_applicable"),
        (cell(BACK, 15), cell(LEFT, 10), "not_applicable"),  # rounded past the whole
    ],
)
def test_what_cannot_be_told_says_why(part, whole, status):
    row = one(service_shares(baseline(part, whole), dispersion={LEFT: 1.0}))
    assert row["status"] == status
    assert row["value"] is row["lower"] is row["upper"] is None


def test_a_whole_of_two_counts_is_their_sum():
    missed, seen = "mental_health_contacts_missed", "mental_health_contacts"
    made = service_shares(baseline(cell(missed, 10), cell(seen, 90)))
    assert one(made, "missed_contacts")["value"] == pytest.approx(10)
    assert one(made, "missed_contacts")["whole"] == 100


def test_a_mean_is_an_amount_per_event_without_limits():
    distance, known = "out_of_area_distance", "out_of_area_placements_with_distance"
    made = service_shares(
        baseline(cell(distance, 1200), cell(known, 15)), dispersion={known: 1.0, distance: 9.0}
    )
    row = one(made, "out_of_area_mean_distance")
    assert (row["value"], row["unit"], row["lower"]) == (80, "km", None)


def test_the_shipped_shares_name_indicators_of_the_catalogue():
    ids = catalogue().ids
    for each in declared_shares():
        assert {*each.part, *each.whole} <= set(ids)
        assert each.kind in ("share", "mean")


MISSED, SEEN = "mental_health_contacts_missed", "mental_health_contacts"
KM, KNOWN = "out_of_area_distance", "out_of_area_placements_with_distance"


def test_limits_of_a_share_hold_what_rounding_leaves_possible():
    """By hand: 81 of 263, each 2.5 off at most: 78.5/265.5 to 83.5/260.5, beside Wilson's."""
    cells = baseline(cell(BACK, 81), cell(LEFT, 263))
    row = one(service_shares(cells, dispersion={LEFT: 1.0}, rounding=2.5))
    value = 100 * 81 / 263
    low, high = value - 100 * 78.5 / 265.5, 100 * 83.5 / 260.5 - value
    assert row["value"] == pytest.approx(value)
    assert (row["lower"], row["upper"]) == pytest.approx((25.53 - low, 36.62 + high), abs=0.005)


def test_a_part_that_is_counted_in_the_whole_is_off_by_the_same_in_both():
    """By hand: 40 of 40 + 160, each count 5 off at most: 35/(35 + 165) to 45/(45 + 155)."""
    cells = baseline(cell(MISSED, 40), cell(SEEN, 160))
    phi = {MISSED: 1.0, SEEN: 1.0}
    plain = one(service_shares(cells, dispersion=phi), "missed_contacts")
    rough = one(service_shares(cells, dispersion=phi, rounding=5.0), "missed_contacts")
    assert plain["lower"] - rough["lower"] == pytest.approx(20 - 17.5)
    assert rough["upper"] - plain["upper"] == pytest.approx(22.5 - 20)


@pytest.mark.parametrize(
    ("part", "whole", "status"),
    [
        (10, 30, "not_applicable"),  # 7.5/32.5 to 12.5/27.5: 22.4 points
        (10, 35, "ok"),  # 7.5/37.5 to 12.5/32.5: 18.5 points
        (0, 5, "not_applicable"),  # up to 2.5 of 2.5
        (30, 30, "ok"),  # 27.5/32.5 to all of them: 15.4 points
    ],
)
def test_a_share_that_rounding_spoils_is_not_told(part, whole, status):
    cells = baseline(cell(BACK, part), cell(LEFT, whole))
    row = one(service_shares(cells, dispersion={LEFT: 1.0}, rounding=2.5))
    assert row["status"] == status
    assert (row["value"] is None) == (status != "ok")
    assert row["upper"] is None or row["upper"] <= 100


@pytest.mark.parametrize(
    ("kilometres", "placements", "status"),
    [
        (2000, 25, "not_applicable"),  # 1997.5/27.5 to 2002.5/22.5: 16.4 km on 80
        (2400, 30, "ok"),  # 2397.5/32.5 to 2402.5/27.5: 13.6 km on 80
        (100, 0, "not_applicable"),
    ],
)
def test_a_mean_that_rounding_spoils_is_not_told(kilometres, placements, status):
    cells = baseline(cell(KM, kilometres), cell(KNOWN, placements))
    row = one(service_shares(cells, rounding=2.5), "out_of_area_mean_distance")
    assert row["status"] == status
    assert row["value"] == (80 if status == "ok" else None)


def test_a_side_of_which_a_count_is_not_in_the_baseline_is_no_zero():
    """Readmissions have strata, the discharges have none: there is no share of a stratum."""
    cells = baseline(
        cell(BACK, 20), cell(LEFT, 80), cell(BACK, 15, stratum="sex_1"), cell(MISSED, 15)
    )
    made = service_shares(cells)
    assert made.filter(measure="readmitted_within_30_days")["stratum"].to_list() == ["all"]
    row = one(made, "missed_contacts")
    assert (row["part"], row["whole"], row["value"]) == (15, None, None)
    assert row["status"] == "no_data"
