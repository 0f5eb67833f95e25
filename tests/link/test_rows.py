"""The rows in which a record stands, and what is made for each."""

from datetime import date

import polars as pl
import pytest
from people import frame

from pophealth_link.link import People, rows
from pophealth_link.link.records import stack

BORN = date(1950, 5, 7)
PLAIN = ("1", None, "Margaret Joan", "Okafor", BORN, "2", "XA1 1AA", "11", "12 Mill Lane")


def records(*people: tuple, aliases: pl.DataFrame | None = None) -> pl.DataFrame:
    gp = People("gp", frame(list(people)), "primary_care", True, True, aliases=aliases)
    return stack([gp], gp)


def told(found: pl.DataFrame, *columns: str) -> set[tuple]:
    return set(found.select("row_kind", *columns).rows())


def stands(*people: tuple, swapped: bool = False, aliases=None) -> set[tuple]:
    """Kind, first given name and family name of each row."""
    found = rows.expand(records(*people, aliases=aliases), swapped=swapped)
    assert found.height == len(told(found, "rid", "first_given", "family"))
    return told(found, "first_given", "family")


STRAIGHT = ("straight", "MARGARET", "OKAFOR")
PREVIOUS = ("previous", "MARGARET", "BELL")
SWAPPED = ("swapped", "OKAFOR", "MARGARET JOAN")


def test_a_record_stands_as_written():
    assert stands(PLAIN) == {STRAIGHT}


def test_whoever_married_stands_in_a_further_row():
    assert stands((*PLAIN, "Bell")) == {STRAIGHT, PREVIOUS}


@pytest.mark.parametrize("same", ["Okafor", "OKAFOR", "okafor ", None])
def test_a_previous_name_that_is_the_present_one_makes_no_row(same):
    assert stands((*PLAIN, same)) == {STRAIGHT}


def test_names_are_exchanged_where_asked():
    assert stands(PLAIN, swapped=True) == {STRAIGHT, SWAPPED}
    # Both at once is a kind of its own: it says that two things went wrong.
    assert stands((*PLAIN, "Bell"), swapped=True) == {
        STRAIGHT,
        PREVIOUS,
        SWAPPED,
        ("several", "BELL", "MARGARET JOAN"),
    }


def test_an_alias_is_a_former_row_and_is_not_exchanged():
    aliases = pl.DataFrame({"record_id": ["1"], "family_name": ["Lee"]})
    former = ("former", "MARGARET", "LEE")
    assert stands(PLAIN, aliases=aliases) == {STRAIGHT, former}
    assert stands(PLAIN, aliases=aliases, swapped=True) == {STRAIGHT, former, SWAPPED}


def test_an_alias_with_a_previous_name_of_its_own_is_several():
    aliases = pl.DataFrame(
        {"record_id": ["1"], "family_name": ["Lee"], "previous_family_name": ["Bell"]}
    )
    found = stands(PLAIN, aliases=aliases, swapped=True)
    assert found == {
        STRAIGHT,
        SWAPPED,
        ("former", "MARGARET", "LEE"),
        ("several", "MARGARET", "BELL"),
    }


def test_one_name_alone_may_have_been_put_in_the_wrong_field():
    lone = ("1", None, None, "Okafor")
    assert stands(lone, swapped=True) == {("straight", None, "OKAFOR"), ("swapped", "OKAFOR", None)}
    assert stands(("1", None, None, None, BORN), swapped=True) == {("straight", None, None)}


def test_a_row_with_another_family_name_sounds_and_parts_as_that_one():
    found = rows.expand(records((*PLAIN, "Bell-Whitcombe"))).filter(row_kind="previous")
    row = found.row(0, named=True)
    assert row["family_words"] == ["BELL", "WHITCOMBE"]
    # B, L; V for W, T, K for C, N for M, B: consonants alone.
    assert (row["sound_family"], row["family_start"]) == ("BLVTKNB", "BEL")
    assert row["sound_given"] == rows.expand(records(PLAIN))["sound_given"].item()


def test_an_exchanged_row_is_made_of_the_exchanged_names():
    found = rows.expand(records(("1", None, "Whitcombe", "Peggy", BORN)), swapped=True)
    row = found.filter(row_kind="swapped").row(0, named=True)
    assert (row["first_given"], row["family"]) == ("PEGGY", "WHITCOMBE")
    assert "MARGARET" in row["formal"]
    assert (row["sound_given"], row["sound_family"]) == ("BK", "VTKNB")
    assert row["middle_words"] is None
    assert (row["given_initial"], row["family_initial"]) == ("P", "W")


def test_keys_are_parts_of_names_and_of_the_date_of_birth():
    row = rows.expand(records(PLAIN)).row(0, named=True)
    keys = {
        "middle_first": "JOAN", "middle_initial": "J", "given_initial": "M", "given_start": "MAR",
        "family_initial": "O", "family_start": "OKA", "year_month": "195005", "year_day": "195007",
        "month_day": "0507", "birth_key": "19500507", "birth_swapped": "19500705",
    }  # fmt: skip
    assert {name: row[name] for name in keys} == keys
    assert "PEGGY" in row["short"]


@pytest.mark.parametrize(
    ("born", "key", "exchanged"),
    [
        (date(1950, 5, 12), "19500512", "19501205"),
        (date(1950, 5, 13), "19500513", None),  # there is no month 13
        (date(1950, 1, 1), None, "19500101"),  # a placeholder is no key
        (date(1911, 11, 11), None, "19111111"),
        (None, None, None),
    ],
)
def test_placeholders_are_no_keys_and_days_beyond_twelve_no_months(born, key, exchanged):
    row = rows.expand(records((*PLAIN[:4], born))).row(0, named=True)
    assert (row["birth_key"], row["birth_swapped"]) == (key, exchanged)


def test_place_and_birthday_are_those_of_the_record_in_every_row():
    kept = ["rid", "date_of_birth", "sex", "home", "house", "uprn", "address_words"]
    found = rows.expand(records((*PLAIN, "Bell")), swapped=True)
    assert found.height == 4
    assert found.select(kept).unique().height == 1


def test_columns_are_those_declared_and_in_their_order():
    found = rows.expand(records(PLAIN))
    assert found.columns == ["rid", *rows.ROW_COLUMNS]
