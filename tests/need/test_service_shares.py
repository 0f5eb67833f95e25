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
