"""Facts about people: which source wins, what time counts, which dwelling is theirs."""

from datetime import date

import polars as pl
import pytest

from pophealth_link.link.facts import person_facts, with_uprn
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")
PERIOD = (date(2025, 4, 1), date(2026, 3, 31))
AS_OF = date(2026, 4, 1)
POSTCODES = pl.LazyFrame({"postcode": ["XA1 1AA", "XA1 1AB"], "lsoa_code": ["L1", "L2"]})


def facts(**given):
    """The facts of one person with one register record, other than by the arguments."""
    row = {
        "alias": False, "on_register": True, "setting": "primary_care", "source": "gp",
        "record_id": "1", "person_id": "p", "date_of_birth": date(1980, 4, 2), "sex": "2",
        "ethnic_category": "A", "uprn": "9", "date_of_death": None, "postcode": "XA1 1AA",
        "practice_code": "P1", "date_from": None, "date_to": None,
    }  # fmt: skip
    rows = [row | given] if not isinstance(given.get("rows"), list) else given["rows"]
    frame = pl.DataFrame(
        [row | each for each in rows],
        schema_overrides={
            "date_of_death": pl.Date, "date_from": pl.Date, "date_to": pl.Date,
            "date_of_birth": pl.Date, "sex": pl.String, "uprn": pl.String,
            "postcode": pl.String, "ethnic_category": pl.String, "practice_code": pl.String,
        },
    )  # fmt: skip
    return person_facts(frame, POSTCODES, KEY, as_of=AS_OF, period=PERIOD).to_dicts()


@pytest.mark.parametrize(
    ("born", "band"),
    [
        (date(2026, 4, 1), "00-04"),
        (date(2011, 4, 1), "15"),
        (date(2011, 4, 2), "10-14"),
        (date(2008, 4, 1), "18-19"),
        (date(2008, 4, 2), "16-17"),
        (date(1936, 4, 1), "90+"),
        (date(1936, 4, 2), "85-89"),
        (date(2027, 1, 1), None),
        (None, None),
    ],
)
def test_age_in_completed_years_on_the_day(born, band):
    assert facts(date_of_birth=born)[0]["age_band"] == band


@pytest.mark.parametrize(
    ("given", "days", "current"),
    [
        ({}, 365, True),
        ({"date_from": date(2026, 3, 31)}, 1, True),
        ({"date_to": date(2025, 4, 1)}, 1, False),
        ({"date_to": AS_OF}, 365, True),
        ({"date_of_death": date(2025, 4, 30)}, 30, False),
        ({"date_to": date(2020, 1, 1)}, 0, False),
        ({"date_of_birth": date(2026, 3, 1)}, 31, True),
    ],
)
def test_person_time_counts_both_ends(given, days, current):
    found = facts(**given)[0]
    assert found["person_years"] == pytest.approx(days / 365.25, abs=1e-6)
    assert found["current"] is current


def test_the_register_wins_and_others_fill_what_it_lacks():
    council = {
        "on_register": False, "setting": "local_authority", "source": "care", "record_id": "c",
        "sex": "1", "postcode": "XA1 1AB", "ethnic_category": "N", "practice_code": "P9",
    }  # fmt: skip
    found = facts(rows=[{"sex": None, "ethnic_category": "Z"}, council])[0]
    assert found["sex"] == "1"
    # "Not stated" never overrides a known ethnic category; the practice is the register's alone.
    assert found["ethnic_group"] == "black"
    assert (found["lsoa_code"], found["practice_code"]) == ("L1", "P1")
    moved = facts(rows=[{"postcode": None}, council])[0]
    assert moved["lsoa_code"] == "L2"


def test_a_death_in_any_source_ends_the_registration():
    trust = {
        "on_register": False, "setting": "secondary_care", "source": "trust", "record_id": "t",
        "date_of_death": date(2025, 10, 1),
    }  # fmt: skip
    found = facts(rows=[{}, trust])[0]
    assert found["current"] is False


def test_no_fixed_abode_is_a_reason_of_its_own():
    found = facts(postcode="ZZ99 3VZ")[0]
    assert (found["lsoa_code"], found["unplaced"]) == (None, "no_fixed_abode")


def test_an_address_that_two_dwellings_share_fills_no_uprn():
    people = pl.DataFrame(
        {"uprn": ["7", None, None], "address": ["1 A", "1 A", "2 A"], "home": ["XA1 1AA"] * 3}
    )
    homes = pl.DataFrame(
        {"uprn": ["5", "3", "4"], "address": ["1 A", "2 A", "2 A"], "postcode": ["XA1 1AA"] * 3}
    )
    assert with_uprn(people, [homes])["uprn"].to_list() == ["7", "5", None]
