"""Published patients by where they live, on the LSOAs of the reference; by hand and by property."""

from __future__ import annotations

import warnings
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.places import (
    PlacesWarning,
    latest_begun,
    patients_by_home,
    published_patients,
)

SCHEMA = {
    "practice_code": pl.String,
    "lsoa_code": pl.String,
    "sex": pl.String,
    "people": pl.Int64,
    "lsoa_vintage": pl.String,
    "period": pl.String,
}
# E01000002 was split three to one, E01000005 and E01000006 were merged.
CHANGES = pl.DataFrame(
    [("E01000001", "E01000001", "U", 9), ("E01000002", "E01000003", "S", 30),
     ("E01000002", "E01000004", "S", 10), ("E01000005", "E01000007", "M", 5),
     ("E01000006", "E01000007", "M", 5)],
    schema=["lsoa11_code", "lsoa21_code", "change_code", "population"],
    orient="row",
)  # fmt: skip


def table(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_patients_stand_on_the_lsoas_of_2021_by_sex():
    found = patients_by_home(
        table(
            ("P1", "E01000002", "female", 8, "2011", "2023-01-01"),
            ("P1", "E01000002", "male", 4, "2011", "2023-01-01"),
            ("P1", "E01000005", "male", 2, "2011", "2023-01-01"),
            ("P1", "E01000006", "male", 3, "2011", "2023-01-01"),
            ("P2", "E01000001", "all", 5, "2021", "2023-01-01"),
        ),
        CHANGES,
    )
    assert found.columns == ["practice_code", "lsoa_code", "sex", "people"]
    assert found.rows() == [
        ("P1", "E01000003", "female", 6.0),
        ("P1", "E01000003", "male", 3.0),
        ("P1", "E01000004", "female", 2.0),
        ("P1", "E01000004", "male", 1.0),
        ("P1", "E01000007", "male", 5.0),
        ("P2", "E01000001", "all", 5.0),
    ]


def test_patients_of_nowhere_known_stay_on_the_list():
    rows = table(
        ("P1", "E01000009", "all", 7, "2011", None),
        ("P1", "NO2011", "all", 50, None, None),
        ("P1", "W01000001", "all", 2, "2011", None),
    )
    with pytest.warns(PlacesWarning, match="not in the lookup: 1"):
        found = patients_by_home(rows, CHANGES)
    kept = [
        ("P1", "NO2011", "all", 50.0),
        ("P1", "W01000001", "all", 2.0),
        ("P1", None, "all", 7.0),
    ]
    assert found.rows() == kept
    with pytest.warns(PlacesWarning, match="1 of 1 LSOAs"):
        assert patients_by_home(rows).rows() == kept
    areas = pl.DataFrame({"lsoa_code": ["E01000009"]})
    assert patients_by_home(rows, areas=areas)["lsoa_code"].to_list() == [
        "E01000009",
        "NO2011",
        "W01000001",
    ]


codes = st.sampled_from(
    ["E01000001", "E01000002", "E01000005", "E01000006", "E01000009", "NO2011", "CLOSED"]
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["P1", "P2"]),
            codes,
            st.sampled_from(["female", "male"]),
            st.integers(0, 60),
            st.sampled_from(["2011", "2021"]),
            st.just("2024"),
        ),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_lists_add_up_whatever_the_codes(rows, lookup):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlacesWarning)
        found = patients_by_home(table(*rows), CHANGES if lookup else None)
    keys = ["practice_code", "sex"]
    assert found.select(*keys, "lsoa_code").is_unique().all()
    sums = found.group_by(keys).agg(pl.col("people").sum())
    expected = table(*rows).group_by(keys).agg(pl.col("people").sum())
    assert {row[:2]: pytest.approx(row[2]) for row in expected.rows()} == {
        row[:2]: row[2] for row in sums.rows()
    }


def test_published_patients_are_those_whose_home_is_an_lsoa():
    rows = table(
        ("P1", "E01000002", "female", 8, "2011", "2023"),
        ("P1", "E01000002", "male", 4, "2011", "2023"),
        ("P1", "NO2011", "male", 50, None, "2023"),
        ("P2", "E01000001", "all", 9, "2011", "2023"),
        ("P2", "E01000001", "male", 4, "2011", "2023"),
    )
    assert published_patients(rows, CHANGES).rows() == [
        ("E01000001", "P2", 9.0),
        ("E01000003", "P1", 9.0),
        ("E01000004", "P1", 3.0),
    ]


@pytest.mark.parametrize(
    ("day", "people"),
    [
        (date(2026, 4, 1), [3]),
        (date(2026, 3, 31), [2, 5]),
        (date(2020, 1, 1), [1]),  # all are later: the first
        (None, [4]),
    ],
)
def test_the_rows_of_the_latest_period_that_had_begun(day, people):
    periods = ["2025-01-01", "2026-01", "2026-04-01", "2027-01-01", "2026-01"]
    rows = pl.DataFrame({"people": [1, 2, 3, 4, 5], "period": periods})
    assert latest_begun(rows, day)["people"].to_list() == people


def test_rows_that_say_no_period_are_the_earliest():
    rows = pl.DataFrame({"people": [1, 2], "period": [None, "2025"]})
    assert latest_begun(rows)["people"].to_list() == [2]
    assert latest_begun(rows, date(2024, 1, 1))["people"].to_list() == [1]
    assert latest_begun(rows.drop("period")).height == 2
