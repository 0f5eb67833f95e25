"""What stacked submissions know of a person: column by column the last that says something."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from own_preset import read_text

from pophealth_link.sources import Accepted

STACKED = """
meaning = "P."
[tables.people.columns]
record_id = ["id"]
[tables.people.formats]
date_of_birth = ["%Y-%m-%d", "%Y-%m"]
[tables.people.latest]
of = ["record_id"]
by = ["month"]
"""


def read_people(text: str, path: Path) -> Accepted:
    path.write_text(text)
    return read_text(STACKED, "people", path)


def test_a_later_row_that_says_nothing_overrides_nothing(tmp_path: Path) -> None:
    accepted = read_people(
        "id,month,nhs_number,family_name,sex,ethnic_category,practice_code\n"
        "1,2,,LEIGH,X,Z,A81002\n1,1,9990000018,LEE,1,A,A81001\n1,3,,,9,99,\n2,1,,RAY,0,Z,\n",
        tmp_path / "p.csv",
    )
    told = accepted.frame.drop_nulls("record_id").select(
        "record_id", "nhs_number", "family_name", "sex", "ethnic_category", "practice_code"
    )
    assert told.rows() == [
        ("1", "9990000018", "LEIGH", "1", "A", "A81002"),
        ("2", None, "RAY", "0", "Z", None),  # Nothing else is told: as the last row says.
    ]
    assert accepted.counts.left_out_by == {"superseded": 2}
    # The last row of person 1 lacks four of what earlier ones tell, or tells that it is not known.
    assert accepted.counts.filled == {
        ("nhs_number", "told_before"): 1,
        ("family_name", "told_before"): 1,
        ("sex", "told_before"): 1,
        ("ethnic_category", "told_before"): 1,
        ("practice_code", "told_before"): 1,
    }


def test_a_date_of_birth_and_its_precision_are_of_one_row(tmp_path: Path) -> None:
    accepted = read_people(
        "id,month,date_of_birth\n1,1,1980-06\n1,2,1980-06-05\n2,1,1980-06-05\n2,2,1980-06\n2,3,\n",
        tmp_path / "p.csv",
    )
    assert accepted.frame.select("record_id", "date_of_birth", "birth_precision").rows() == [
        ("1", date(1980, 6, 5), None),
        ("2", date(1980, 6, 1), "month"),
    ]


def test_an_address_is_taken_whole_and_a_registration_is_the_last_rows(tmp_path: Path) -> None:
    accepted = read_people(
        "id,month,postcode,uprn,practice_code,date_from,date_to\n"
        "1,1,AB1 1AA,100,A81001,2020-01-01,2024-01-01\n1,2,AB1 1AB,,,2025-01-01,\n"
        "2,1,AB1 1AA,100,,,\n2,2,ZZ99 3WZ,,,,\n"
        "3,1,AB1 1AA,100,,,\n3,2,ZZ99 3VZ,,,,\n",
        tmp_path / "p.csv",
    )
    told = accepted.frame.select(
        "record_id", "postcode", "uprn", "practice_code", "date_from", "date_to"
    )
    assert told.rows() == [
        # The dwelling is that of the former postcode; the registration is open again.
        ("1", "AB1 1AB", None, "A81001", date(2025, 1, 1), None),
        ("2", "AB1 1AA", "100", None, None, None),  # Not known says nothing.
        ("3", "ZZ99 3VZ", None, None, None, None),  # No fixed abode does.
    ]
