"""Beds: demand and capacity, worked out by hand; and the table of beds."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from released_rows import PEOPLE, baseline, cell

from pophealth_link.errors import DataError
from pophealth_link.need.capacity import capacity
from pophealth_link.need.service_inputs import checked, read_beds
from pophealth_link.schema.codes_services import CAPACITY_MEASURE
from pophealth_link.schema.outputs_services import CAPACITY
from pophealth_link.schema.records_services import BEDS

PERIOD = (date(2025, 4, 1), date(2026, 3, 31))  # 365 days
WARDS = ("adult_acute", "older_adult_acute", "psychiatric_intensive_care")
HEAD = "site,ward_type,open_beds,date,source"
ALL_WARDS = (
    "A,adult_acute,100,2025-01-01,KH03",
    "A,older_adult_acute,0,2025-01-01,KH03",
    "A,psychiatric_intensive_care,0,2025-01-01,KH03",
)
NAMED = HEAD + ",footprint_type,footprint_code"


def days(indicator: str, count: float | None, reach: float = 0.1) -> dict[str, object]:
    """Days with limits of `reach` to each side; the value is per 1,000 person-years."""
    if count is None:
        return cell(indicator)
    rate = 1000 * count / PEOPLE
    return cell(indicator, count, value=rate, lower=rate * (1 - reach), upper=rate * (1 + reach))


def cells(local: float | None = 34_000, away: float = 1825, delays: float = 3102.5):
    rows = [
        days("bed_days_adult_acute_local", local),
        days("bed_days_adult_acute_out_of_area", away),
        days("delay_days_adult_acute_housing_or_social_care", delays),
    ]
    rows += [each | {"indicator": str(each["indicator"]).replace("adult_", "")} for each in rows]
    for ward in WARDS[1:]:
        rows += [
            days(f"bed_days_{ward}_local", 0),
            days(f"bed_days_{ward}_out_of_area", 0),
            days(f"delay_days_{ward}_housing_or_social_care", 0),
        ]
    return rows


def beds(*rows: str, head: str = HEAD) -> pl.DataFrame:
    lines = [head, *(rows or ALL_WARDS)]
    return checked(pl.read_csv("\n".join(lines).encode(), infer_schema=False), BEDS)


def told(frame: pl.DataFrame, ward: str = "adult_acute") -> dict[str, float | None]:
    return dict(frame.filter(ward_type=ward).select("measure", "value").rows())


def test_beds_by_hand():
    made = capacity(baseline(*cells()), beds(), period=PERIOD)
    needed = 35_825 / (0.85 * 365)
    assert told(made) == pytest.approx(
        {
            "open_beds": 100,
            "bed_days_local": 34_000,
            "bed_days_out_of_area": 1825,
            "occupancy": 100 * 34_000 / 36_500,
            "unmet_beds": 5,
            "beds_needed": needed,
            "shortfall": needed - 100,
            "delay_days": 3102.5,
            "beds_needed_without_delays": needed - 10,
            "shortfall_without_delays": needed - 110,
        },
        abs=1e-5,
    )
    assert told(made, "acute") == pytest.approx(told(made), abs=1e-5)
    assert made.columns == list(CAPACITY.names)
    assert set(made["measure"]) == set(CAPACITY_MEASURE.codes)


def test_limits_of_a_sum_are_those_of_zou_and_donner():
    made = capacity(baseline(*cells()), beds(), period=PERIOD).filter(ward_type="adult_acute")
    rows = {row["measure"]: row for row in made.iter_rows(named=True)}
    reach = (3400**2 + 182.5**2) ** 0.5 / (0.85 * 365)
    for name in ("beds_needed", "shortfall"):
        row = rows[name]
        assert row["upper"] - row["value"] == pytest.approx(reach, abs=1e-5)
        assert row["value"] - row["lower"] == pytest.approx(reach, abs=1e-5)
    wider = (3400**2 + 182.5**2 + 310.25**2) ** 0.5 / (0.85 * 365)
    row = rows["beds_needed_without_delays"]
    assert row["upper"] - row["value"] == pytest.approx(wider, abs=1e-5)
    assert rows["occupancy"]["upper"] == pytest.approx(100 * 34_000 * 1.1 / 36_500, abs=1e-5)


def test_limits_from_linkage_are_added_apart_from_those_of_sampling():
    linked = [
        each
        | {
            "numerator_linkage_lower": 0.98 * each["numerator"],
            "numerator_linkage_upper": 1.02 * each["numerator"],
        }
        for each in cells()
    ]
    made = capacity(baseline(*linked), beds(), period=PERIOD)
    row = made.filter(ward_type="acute", measure="shortfall").row(0, named=True)
    reach = ((0.02 * 34_000) ** 2 + (0.02 * 1825) ** 2) ** 0.5 / (0.85 * 365)
    assert row["linkage_upper"] - row["value"] == pytest.approx(reach, abs=1e-5)
    assert row["value"] - row["linkage_lower"] == pytest.approx(reach, abs=1e-5)


def test_beds_that_change_count_from_their_date_and_sites_add_up():
    changing = beds(
        "A,adult_acute,40,2024-06-01,x",
        "A,adult_acute,20,2025-07-01,y",  # 91 days at 40, 274 at 20
        "B,adult_acute,10,2025-04-01,x",
        "A,adult_acute,99,2026-04-01,z",  # after the period
        "A,other,50,2025-01-01,x",
    )
    row = capacity(baseline(*cells()), changing, period=PERIOD).filter(
        ward_type="adult_acute", measure="open_beds"
    ).row(0, named=True)  # fmt: skip
    assert row["value"] == pytest.approx((91 * 40 + 274 * 20) / 365 + 10, abs=1e-5)
    assert (row["beds_source"], row["beds_date"]) == ("x; y", "2024-06-01 to 2025-07-01")


def test_beds_of_which_a_part_of_the_period_tells_nothing_are_not_used():
    late = beds("A,adult_acute,40,2025-04-02,x")
    made = capacity(baseline(*cells()), late, period=PERIOD).filter(ward_type="adult_acute")
    rows = {row["measure"]: (row["value"], row["status"]) for row in made.iter_rows(named=True)}
    for name in ("open_beds", "occupancy", "shortfall", "shortfall_without_delays"):
        assert rows[name] == (None, "no_data")
    assert rows["unmet_beds"] == (5, "ok")


def test_a_footprint_without_beds_of_its_own_has_demand_alone():
    pcn = [
        each | {"footprint_type": "pcn", "footprint_code": "U1", "footprint_name": "U1"}
        for each in cells()
    ]
    made = capacity(baseline(*pcn), beds(), period=PERIOD).filter(ward_type="adult_acute")
    rows = {row["measure"]: (row["value"], row["status"]) for row in made.iter_rows(named=True)}
    assert rows["occupancy"] == rows["shortfall"] == (None, "not_applicable")
    assert rows["unmet_beds"] == (5, "ok")
    own = beds("A,adult_acute,9,2025-01-01,x,pcn,U1", head=NAMED)
    assert told(capacity(baseline(*pcn), own, period=PERIOD))["open_beds"] == 9


def test_withheld_days_hide_what_needs_them_and_nothing_else():
    made = capacity(baseline(*cells(local=None)), beds(), period=PERIOD)
    rows = {
        row["measure"]: (row["value"], row["status"])
        for row in made.filter(ward_type="adult_acute").iter_rows(named=True)
    }
    hidden = {name for name, row in rows.items() if row == (None, "suppressed")}
    assert hidden == {
        *("bed_days_local", "occupancy", "beds_needed", "shortfall"),
        *("beds_needed_without_delays", "shortfall_without_delays"),
    }
    assert rows["unmet_beds"] == (5, "ok")


def test_no_bed_open_gives_no_occupancy():
    made = capacity(baseline(*cells()), beds("A,adult_acute,0,2025-01-01,x"), period=PERIOD)
    row = made.filter(ward_type="adult_acute", measure="occupancy").row(0, named=True)
    assert (row["value"], row["status"]) == (None, "not_applicable")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("site,ward_type,open_beds,source\nA,adult_acute,5,x", ["beds.date", "not a column"]),
        (f"{HEAD}\nA,adult_acute,5,,x", ["beds.date", "1 of 1 rows hold no value"]),
        (f"{HEAD}\nA,adult_acute,5,2025-01-01,", ["beds.source"]),
        (f"{HEAD}\nA,adult,5,2025-01-01,x", ["beds.ward_type", "adult_acute"]),
        (f"{HEAD}\nA,adult_acute,-5,2025-01-01,x", ["beds.open_beds", "below 0"]),
        (f"{HEAD}\nA,adult_acute,five,2025-01-01,x", ["beds.open_beds"]),
        (f"{HEAD}\nA,adult_acute,5,2025-01-01,x\nA,adult_acute,6,2025-01-01,x", ["repeat"]),
    ],
)
def test_a_bad_table_of_beds_is_refused(tmp_path, text, parts):
    path = tmp_path / "beds.csv"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_beds(path)
    for part in parts:
        assert part in str(caught.value)


def test_a_table_of_beds_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_beds(tmp_path / "none.csv")


def test_a_table_of_beds_as_parquet_is_the_same(tmp_path):
    csv, parquet = tmp_path / "beds.csv", tmp_path / "beds.parquet"
    csv.write_text(f"{HEAD}\nA,adult_acute,5,2025-01-01,x\n")
    pl.read_csv(csv, try_parse_dates=True).write_parquet(parquet)
    assert read_beds(csv).equals(read_beds(parquet))


def mean_beds(rows: list[dict[str, object]], table: pl.DataFrame) -> list[tuple[object, ...]]:
    made = capacity(baseline(*rows), table, period=PERIOD)
    found = made.filter(measure="open_beds", ward_type="adult_acute")
    return found.select("footprint_code", "value", "status").rows()


def test_a_site_counts_from_its_first_date_beside_one_that_was_there():
    table = beds(
        "A,adult_acute,10,2025-01-01,x",
        "B,adult_acute,73,2026-01-01,x",  # 90 of 365 days
        "C,adult_acute,50,2027-01-01,x",  # after the period
    )
    assert mean_beds(cells(), table) == [("whole", pytest.approx(10 + 18, abs=1e-5), "ok")]
    alone = beds("C,adult_acute,50,2027-01-01,x")
    assert mean_beds(cells(), alone) == [("whole", None, "no_data")]


def test_beds_for_a_footprint_that_is_not_there_are_refused_with_their_number():
    good = "A,adult_acute,9,2025-01-01,x,whole,whole"
    for wrong in ("lad,TYPO", "lad,", ",U1"):
        table = beds(good, f"B,adult_acute,9,2025-01-01,x,{wrong}", head=NAMED)
        with pytest.raises(DataError, match="1 of 2 rows with a footprint name 1 "):
            capacity(baseline(*cells()), table, period=PERIOD)


def test_beds_of_the_whole_area_are_not_those_of_people_without_a_place():
    nowhere = [each | {"footprint_code": "no_fixed_abode"} for each in cells()]
    assert mean_beds([*cells(), *nowhere], beds()) == [
        ("no_fixed_abode", None, "not_applicable"),
        ("whole", 100, "ok"),
    ]


def acute(frame: pl.DataFrame) -> dict[str, tuple[float | None, str]]:
    rows = frame.filter(ward_type="acute").select("measure", "value", "status").rows()
    return {measure: (value, status) for measure, value, status in rows}


def test_all_acute_needs_beds_of_each_type_of_ward():
    """Adult days alone in adult beds alone: intensive-care days would be put in those beds."""
    for left_out in range(3):
        table = beds(*(row for at, row in enumerate(ALL_WARDS) if at != left_out))
        found = acute(capacity(baseline(*cells()), table, period=PERIOD))
        for name in ("open_beds", "occupancy", "shortfall", "shortfall_without_delays"):
            assert found[name] == (None, "no_data"), left_out
        assert found["unmet_beds"] == (5, "ok")


def test_a_type_of_ward_without_beds_is_one_of_which_nought_is_written():
    found = acute(capacity(baseline(*cells()), beds(*ALL_WARDS), period=PERIOD))
    assert found["open_beds"] == (100, "ok")
    assert found["occupancy"] == (pytest.approx(100 * 34_000 / 36_500, abs=1e-5), "ok")


def places(**codes: tuple[str, ...]) -> list[dict[str, object]]:
    """The whole area's rows, and the same for each code of each type of footprint."""
    named = [
        each | {"footprint_type": kind, "footprint_code": code, "footprint_name": code}
        for kind, listed in codes.items()
        for code in listed
        for each in cells()
    ]
    return [*cells(), *named]


def whole_beds(rows: list[dict[str, object]], *table: str) -> tuple[float | None, str]:
    made = capacity(baseline(*rows), beds(*table, head=NAMED), period=PERIOD)
    of = made.filter(footprint_type="whole", ward_type="adult_acute", measure="open_beds")
    return of.select("value", "status").row(0)


def test_beds_of_all_footprints_of_a_type_are_those_of_the_whole_area():
    rows = places(icp=("I1", "I2"), lad=("L1",))
    both = ("A,adult_acute,60,2025-01-01,x,icp,I1", "B,adult_acute,40,2025-04-01,y,icp,I2")
    made = capacity(baseline(*rows), beds(*both, head=NAMED), period=PERIOD)
    found = made.filter(ward_type="adult_acute").select("footprint_code", "measure", "value")
    told = {(code, measure): value for code, measure, value in found.rows()}
    assert told["whole", "open_beds"] == 100
    assert told["whole", "occupancy"] == pytest.approx(100 * 34_000 / 36_500, abs=1e-5)
    assert (told["I1", "open_beds"], told["I2", "open_beds"]) == (60, 40)
    assert told["L1", "open_beds"] is None
    named = made.filter(footprint_code="whole", ward_type="adult_acute", measure="open_beds")
    assert named.select("beds_source", "beds_date").row(0) == ("x; y", "2025-01-01 to 2025-04-01")
    acute = made.filter(footprint_code="whole", ward_type="acute", measure="occupancy")
    assert acute.select("value", "status").row(0) == (None, "no_data")


def test_beds_of_some_footprints_of_a_type_are_not_those_of_the_whole_area():
    rows = places(icp=("I1", "I2"), lad=("L1",))
    first = "A,adult_acute,60,2025-01-01,x,icp,I1"
    assert whole_beds(rows, first) == (None, "not_applicable")
    late = "B,adult_acute,40,2025-05-01,x,icp,I2"
    assert whole_beds(rows, first, late) == (None, "no_data")


def test_beds_given_for_the_whole_area_go_before_a_sum():
    rows = places(icp=("I1", "I2"))
    both = ("A,adult_acute,60,2025-01-01,x,icp,I1", "B,adult_acute,40,2025-01-01,x,icp,I2")
    assert whole_beds(rows, *both, "C,adult_acute,90,2025-01-01,x,,") == (90, "ok")


def test_types_of_footprints_whose_beds_do_not_agree_give_the_whole_area_none():
    rows = places(icp=("I1",), lad=("L1",))
    first = "A,adult_acute,60,2025-01-01,x,icp,I1"
    assert whole_beds(rows, first, "B,adult_acute,60,2025-01-01,x,lad,L1") == (60, "ok")
    assert whole_beds(rows, first, "B,adult_acute,70,2025-01-01,x,lad,L1") == (None, "no_data")
