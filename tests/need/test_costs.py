"""Costs from released counts."""

from __future__ import annotations

import polars as pl
import pytest
from released_rows import PEOPLE, baseline, cell

from pophealth_link.errors import DataError, JobError
from pophealth_link.need.costs import costs
from pophealth_link.need.service_inputs import checked, read_unit_costs
from pophealth_link.schema.outputs_services import COSTS
from pophealth_link.schema.records_services import UNIT_COSTS

HEAD = "item,indicator,unit_cost,lower,upper,price_year,date,source"
ROW = "Bed day out of area,out_of_area_days,700,,,2024/25,2025-06-30,Contract"


def priced(*rows: str) -> pl.DataFrame:
    text = "\n".join([HEAD, *(rows or (ROW,))])
    return checked(pl.read_csv(text.encode(), infer_schema=False), UNIT_COSTS)


def days(count: float | None = 200, **changes: object) -> dict[str, object]:
    rate = 1000 * (count or 0) / PEOPLE
    limits = {} if count is None else {"value": rate, "lower": rate / 2, "upper": rate * 2}
    return cell("out_of_area_days", count, **(limits | changes))


def test_cost_is_count_times_unit_cost_and_limits_follow():
    row = costs(baseline(days()), priced()).row(0, named=True)
    assert (row["quantity"], row["value"], row["unit"]) == (200, 140_000, "£")
    assert (row["lower"], row["upper"]) == pytest.approx((70_000, 280_000))
    assert (row["price_year"], row["cost_source"]) == ("2024/25", "Contract")


def test_limits_from_linkage_follow_too():
    linked = {"numerator_linkage_lower": 180.0, "numerator_linkage_upper": 230.0}
    row = costs(baseline(days(**linked)), priced()).row(0, named=True)
    assert (row["linkage_lower"], row["linkage_upper"]) == (126_000, 161_000)


def test_plausible_unit_costs_widen_the_limits():
    row = costs(baseline(days()), priced(ROW.replace("700,,", "700,500,900"))).row(0, named=True)
    assert (row["lower"], row["value"], row["upper"]) == pytest.approx((50_000, 140_000, 360_000))


def test_a_withheld_count_has_no_cost_and_says_why():
    made = costs(baseline(days(None)), priced())
    row = made.row(0, named=True)
    assert row["value"] is row["quantity"] is row["lower"] is None
    assert row["status"] == "suppressed"
    assert made.columns == list(COSTS.names)


def test_every_footprint_and_basis_keeps_its_row_and_strata_have_none():
    rows = [
        days(),
        days(basis="registered"),
        days(footprint_type="pcn", footprint_code="U1"),
        days(stratum="quintile_1"),
    ]
    assert costs(baseline(*rows), priced()).height == 3


def test_only_counts_of_events_or_days_are_costed():
    wrong = ROW.replace("out_of_area_days", "out_of_area_dayz")
    with pytest.raises(JobError, match="out_of_area_days"):
        costs(baseline(days()), priced(wrong))
    with pytest.raises(JobError, match="not an indicator of events or days"):
        costs(baseline(days()), priced(ROW.replace("out_of_area_days", "depression_recorded")))


@pytest.mark.parametrize(
    ("row", "part"),
    [
        (ROW.replace("Contract", ""), "unit_costs.source"),
        (ROW.replace("2025-06-30", ""), "unit_costs.date"),
        (ROW.replace("2024/25", ""), "unit_costs.price_year"),
        (ROW.replace("700", "much"), "unit_costs.unit_cost"),
        (ROW.replace("700,,", "700,900,500"), "unit_costs.lower"),
        (ROW.replace("700,,", "700,750,900"), "unit_costs.unit_cost"),
        (ROW.replace("700,,", "700,500,600"), "unit_costs.unit_cost"),
        (ROW.replace("700,,", "700,500,"), "unit_costs.lower"),
        (ROW.replace("700,,", "700,,900"), "unit_costs.lower"),
        (ROW.replace("2024/25", "soon"), "unit_costs.price_year"),
        (ROW.replace("2024/25", "2024/26"), "unit_costs.price_year"),
        (ROW.replace("2024/25", "1999/00,2025-06-30,x\nB,detentions,1,,,2024"), "1 of 2 rows"),
    ],
)
def test_an_undated_or_unsourced_cost_is_refused(tmp_path, row, part):
    path = tmp_path / "costs.csv"
    path.write_text(f"{HEAD}\n{row}\n")
    with pytest.raises(DataError) as caught:
        read_unit_costs(path)
    assert part in str(caught.value)


@pytest.mark.parametrize("name", ["costs.csv", "costs.parquet"])
@pytest.mark.parametrize("content", [b"", b"PAR1 no more of it"])
def test_a_file_that_is_empty_or_broken_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError):
        read_unit_costs(path)
