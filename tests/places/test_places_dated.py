from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from pophealth_link.errors import ReferenceDataError
from pophealth_link.places import areas_on, ended_postcodes, locate, validity_warnings
from pophealth_link.reference import TableAbout

DAY = date(2026, 4, 1)
EVE = DAY - timedelta(days=1)
AREAS = pl.DataFrame(
    {
        "lsoa_code": ["L1", "L2"],
        "lad_code": ["D1", "D1"],
        "icb_code": ["I9", "I9"],
        "icb_name": ["Newest", "Newest"],
    }
)
HIERARCHY = pl.DataFrame(
    {
        "lsoa_code": ["L1", "L1", "L2", "L1"],
        "area_type": ["icb", "icb", "icb", "county"],
        "area_code": ["I1", "I2", "I1", "C1"],
        "area_name": ["Old", "New", "Old", None],
        "valid_from": [date(2022, 7, 1), DAY, date(2022, 7, 1), None],
        "valid_to": [EVE, None, EVE, None],
    }
)


def test_areas_are_in_what_held_them_on_the_day():
    before = areas_on(AREAS, HIERARCHY, EVE)
    assert before["icb_code"].to_list() == ["I1", "I1"]
    assert before["icb_name"].to_list() == ["Old", "Old"]
    after = areas_on(AREAS, HIERARCHY, DAY)
    # The hierarchy is silent on L2 from that day: it keeps what the areas say.
    assert after["icb_code"].to_list() == ["I2", "I9"]
    assert after["icb_name"].to_list() == ["New", "Newest"]
    assert after.columns == AREAS.columns
    assert areas_on(AREAS, None, DAY) is AREAS


def test_an_area_in_two_at_once_is_refused():
    doubled = HIERARCHY.with_columns(valid_to=pl.lit(None, pl.Date))
    with pytest.raises(ReferenceDataError, match="more than one icb on 2026-04-01") as caught:
        areas_on(AREAS, doubled, DAY)
    assert "LSOAs: 1 (L1)." in str(caught.value)


def about(first: date | None, last: date | None) -> TableAbout:
    return TableAbout("publisher", "title", "licence", "vintage", first, last)


def test_tables_of_another_day_are_named_and_counted():
    tables = {
        "areas": about(None, None),
        "postcodes": about(DAY, None),
        "practices": about(date(2020, 1, 1), EVE),
        "practice_pcn": about(DAY + timedelta(days=1), None),
    }
    assert validity_warnings(tables, DAY) == [
        "2 of 4 reference tables do not describe 2026-04-01: practice_pcn (from 2026-04-02), "
        "practices (2020-01-01 to 2026-03-31)."
    ]
    assert validity_warnings({"areas": tables["areas"]}, DAY) == []


POSTCODES = pl.DataFrame(
    {
        "postcode": ["AA1 1AA", "AA1 1AA", "AA2 2BB", "AA2 2BB", "AA3 3CC"],
        "lsoa_code": ["L1", "L2", "L3", "L4", "L5"],
        "valid_from": [None, DAY, None, date(2015, 1, 1), DAY + timedelta(days=5)],
        "valid_to": [EVE, None, date(2010, 1, 1), date(2020, 1, 1), None],
    },
    schema_overrides={"valid_from": pl.Date, "valid_to": pl.Date},
)


def test_a_postcode_that_moved_is_where_it_was_on_the_day(on_duckdb):
    people = pl.DataFrame({"postcode": ["AA1 1AA", "AA2 2BB"]})
    then = {EVE: ["L1", "L4"], DAY: ["L2", "L4"]}
    for day, lsoas in then.items():
        assert locate(people, POSTCODES, as_of=day)["lsoa_code"].to_list() == lsoas
    there = locate(on_duckdb(people), on_duckdb(POSTCODES), as_of=DAY).pl().sort("postcode")
    assert there["lsoa_code"].to_list() == then[DAY]
    with pytest.raises(ReferenceDataError, match="same `postcode` more than once"):
        locate(people, POSTCODES)


def test_a_postcode_out_of_use_keeps_its_place_and_is_counted():
    one = POSTCODES.filter(pl.col("lsoa_code").is_in(["L2", "L4", "L5"]))
    people = pl.DataFrame({"postcode": ["AA2 2BB", "AA2 2BB", "AA1 1AA", "AA3 3CC", "ZZ1 1ZZ"]})
    found = locate(people, one, as_of=DAY)["lsoa_code"].to_list()
    assert found == ["L4", "L4", "L2", "L5", None]
    told = ended_postcodes(people, one, DAY)
    assert told == [
        "2 of 3 known postcodes of records were not in use on 2026-04-01: they are placed where "
        "they were last."
    ]
    assert ended_postcodes(people.filter(pl.col("postcode") == "AA1 1AA"), one, DAY) == []
