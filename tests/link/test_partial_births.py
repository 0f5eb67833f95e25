"""People known by month or year of birth and by LSOA: what agrees, what links, where they are."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.link import agreement, people
from pophealth_link.link.attributes import conflicts
from pophealth_link.link.facts import person_facts
from pophealth_link.link.passes import DEFAULT_PASSES, propose
from pophealth_link.link.records import register_of, stack
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")
PERIOD = (date(2025, 4, 1), date(2026, 3, 31))


def stacked(left, right, precision, other=None):
    base = {"record_id": "1", "given_name": "Ann", "family_name": "Ash", "postcode": "AB1 2CD"}
    gp = people(
        pl.DataFrame([base | {"date_of_birth": left, "birth_precision": other}], schema_overrides={
            "date_of_birth": pl.Date, "birth_precision": pl.String}),
        source="gp", setting="primary_care", unique_people=True,
    )  # fmt: skip
    frame = pl.DataFrame(
        [base | {"date_of_birth": right, "birth_precision": precision}],
        schema_overrides={"date_of_birth": pl.Date, "birth_precision": pl.String},
    )
    trust = people(frame, source="trust", setting="secondary_care")
    return stack([gp, trust], register_of([gp, trust]))


def level(records):
    pairs = pl.DataFrame(
        {"rid_l": [0], "rid_r": [1]}, schema=dict.fromkeys(("rid_l", "rid_r"), pl.UInt32)
    )
    return agreement.levels(pairs, records)["birth"].item().removesuffix("_at_home").split("@")[0]


@pytest.mark.parametrize(
    ("left", "right", "precision", "expected"),
    [
        (date(1980, 6, 15), date(1980, 6, 1), "month", "two_parts"),
        (date(1980, 6, 1), date(1980, 6, 1), "month", "two_parts"),  # Born on the first: no more.
        (date(1980, 6, 2), date(1980, 6, 1), "month", "two_parts"),  # One digit, and no slip.
        (date(1980, 1, 6), date(1980, 6, 1), "month", "year"),  # Not the day and month exchanged.
        (date(1980, 3, 1), date(1980, 6, 1), "month", "year"),
        (date(1970, 6, 1), date(1980, 6, 1), "month", "different"),  # Not a slip of a decade.
        (date(1980, 1, 1), date(1980, 6, 1), "month", "placeholder_year"),
        (date(1980, 6, 15), date(1980, 1, 1), "year", "placeholder_year"),
        (date(1980, 1, 1), date(1980, 1, 1), "year", "placeholder_year"),  # A year as a year.
        (date(1980, 1, 15), date(1980, 1, 1), "year", "placeholder_year"),
        (date(2000, 1, 1), date(2001, 1, 1), "year", "placeholder_year"),  # One digit, no slip.
        (date(1990, 1, 1), date(2000, 1, 1), "year", "different"),  # Nor one of a decade.
        (date(1980, 6, 1), date(1980, 6, 1), None, "exact"),
        (date(1980, 6, 1), date(1980, 6, 1), "day", "exact"),
    ],
)
def test_a_date_says_no_more_than_its_source_told(left, right, precision, expected):
    assert level(stacked(left, right, precision)).startswith(expected)


@given(
    left=st.dates(date(1930, 1, 1), date(2020, 1, 1)),
    right=st.dates(date(1930, 1, 1), date(2020, 1, 1)),
    precision=st.sampled_from(["month", "year"]),
)
@settings(max_examples=25, deadline=None)
def test_no_deterministic_pass_and_no_exact_agreement_rests_on_it(left, right, precision):
    start = right.replace(day=1) if precision == "month" else right.replace(month=1, day=1)
    for born in (left, start):
        records = stacked(born, start, precision)
        assert not level(records).startswith(("exact", "swapped", "close", "decade"))
        gp, trust = records.filter("on_register"), records.filter(~pl.col("on_register"))
        assert all(propose(gp, trust, rule).is_empty() for rule in DEFAULT_PASSES)


def placed(**said):
    row = {
        "alias": False, "on_register": True, "setting": "primary_care", "source": "gp",
        "record_id": "1", "person_id": "p", "date_of_birth": date(1980, 4, 2), "sex": "2",
        "ethnic_category": "A", "uprn": None, "date_of_death": None, "postcode": None,
        "practice_code": "P1", "date_from": None, "date_to": None, "lsoa_code": None,
        "birth_precision": None,
    }  # fmt: skip
    texts = ("uprn", "postcode", "lsoa_code", "birth_precision")
    days = ("date_of_death", "date_from", "date_to")
    frame = pl.DataFrame(
        [row | said],
        schema_overrides={**dict.fromkeys(texts, pl.String), **dict.fromkeys(days, pl.Date)},
    )
    postcodes = pl.LazyFrame({"postcode": ["XA1 1AA"], "lsoa_code": ["E01000001"]})
    return person_facts(frame, postcodes, KEY, as_of=date(2026, 4, 1), period=PERIOD).row(
        0, named=True
    )


@pytest.mark.parametrize(
    ("postcode", "told", "lsoa", "unplaced"),
    [
        (None, "E01000002", "E01000002", None),
        ("ZZ99 3WZ", "E01000002", "E01000002", None),  # Not known is no postcode.
        ("XA1 1AA", "E01000002", "E01000001", None),  # A postcode says more.
        ("ZZ99 3VZ", "E01000002", None, "no_fixed_abode"),
        (None, None, None, "no_postcode"),
    ],
)
def test_people_without_a_postcode_are_in_the_lsoa_that_is_told(postcode, told, lsoa, unplaced):
    found = placed(postcode=postcode, lsoa_code=told)
    assert (found["lsoa_code"], found["unplaced"]) == (lsoa, unplaced)


@pytest.mark.parametrize(
    ("born", "precision", "band"),
    [
        # On 1 April 2026; half of those born in a year have had their birthday by its middle.
        (date(2008, 1, 1), "year", "16-17"),
        (date(2008, 1, 1), None, "18-19"),
        (date(2008, 3, 1), "month", "18-19"),
        (date(2008, 4, 1), "month", "16-17"),
        (date(2008, 4, 1), None, "18-19"),
    ],
)
def test_ages_are_counted_from_the_middle_of_what_is_told(born, precision, band):
    assert placed(date_of_birth=born, birth_precision=precision)["age_band"] == band


def test_a_partial_date_conflicts_with_nobody():
    def record(source, born, precision, on_register):
        return {
            "person_id": "p", "source": source, "record_id": "1", "setting": "primary_care",
            "on_register": on_register, "alias": False, "date_of_birth": born, "sex": None,
            "ethnic_category": None, "postcode": None, "uprn": None, "practice_code": None,
            "date_of_death": None, "date_from": None, "date_to": None, "lsoa_code": None,
            "birth_precision": precision,
        }  # fmt: skip

    rows = [
        record("gp", date(1980, 6, 15), None, True),
        record("t", date(1980, 6, 1), "month", False),
    ]
    texts = ("sex", "ethnic_category", "postcode", "uprn", "practice_code", "lsoa_code")
    days = ("date_of_death", "date_from", "date_to")
    types = {**dict.fromkeys(texts, pl.String), **dict.fromkeys(days, pl.Date)}
    found = conflicts(pl.DataFrame(rows, schema_overrides={**types, "birth_precision": pl.String}))
    assert found.filter(pl.col("attribute") == "date_of_birth").is_empty()
