"""The levels of agreement: a table of pairs drawn by hand, what is missing, and symmetry."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import COLUMNS, register

from pophealth_link.link import agreement
from pophealth_link.link.comparisons import AT_HOME, COMPARISONS
from pophealth_link.link.records import stack

BASE = {
    "given_name": "Margaret", "family_name": "Okafor", "date_of_birth": date(1950, 5, 17), "sex": "2",
}  # fmt: skip
GIVEN, FAMILY, BORN, SEX = BASE
WORDS = {"given": GIVEN, "family": FAMILY, "birth": BORN, "sex": SEX, "middle": GIVEN}


def d(text):
    return date.fromisoformat(text)


# What is compared, on the left and on the right, the level, and why.
NAMES_AND_BIRTH = [
    ("given", "Margaret", "MARGARET", "exact", "the same but for capitals"),
    ("given", "Zoë", "Zoe", "exact", "the same but for an accent"),
    ("given", "Margaret", "Peggy", "nickname", "the one stands for the other"),
    ("given", "Peggy", "Meg", "nickname", "both stand for a third"),
    ("given", "Sunitha", "Sunithe", "close", "one slip"),
    ("given", "Sunitha", "Suntiha", "close", "two letters exchanged are one slip"),
    ("given", "Margaret Sunitha", "Sunitha", "middle", "goes by a middle name"),
    ("given", "S", "Sunitha", "initial", "an initial"),
    ("given", "Phillip", "Fylyp", "sounds", "the same consonants by ear"),
    ("given", "Pegy", "Margaret", "nickname_close", "a nickname with a slip"),
    ("given", "Sunitha", "Sunetra", "near", "two slips are too many for seven letters"),
    ("given", "Margaret Sunitha", "Sunithe", "middle_close", "a middle name with a slip"),
    ("given", "Dil", "Dileepkumar", "begins", "cut short"),
    ("given", "Benson", "Brendan", "faint", "Jaro-Winkler 0.77 by hand"),
    ("given", "Sunitha", "Boguslaw", "different", "another name"),
    ("given", "Sunitha", "Jo", "different", "another short name: two slips are no likeness"),
    ("family", "O'Neil", "O Neil", "exact", "a particle apart"),
    ("family", "Whitcombe", "Whitcomb", "close", "one slip"),
    ("family", "Whitcombe", "Whytcomb", "close", "two slips where both have eight letters"),
    ("family", "Whitcombe", "Witcomb", "sounds", "two slips are too many for seven"),
    ("family", "Okafor-Bell", "Okafor", "part", "half of a double name"),
    ("family", "Okafor-Bell", "Bell-Okafor", "part", "a double name the other way round"),
    ("family", "Van der Berg", "Berg", "part", "without its particles"),
    ("family", "Clarke", "Klerk", "sounds", "the same consonants by ear"),
    ("family", "Martin", "Martenss", "near", "Jaro-Winkler 0.89 by hand"),
    ("family", "Smith-Okafor", "Okaffor", "part_close", "half of a double name, with a slip"),
    ("family", "Okafor", "O", "initial", "an initial"),
    ("family", "Benson", "Brendan", "faint", "Jaro-Winkler 0.77 by hand"),
    ("family", "Okafor", "Whitcombe", "different", "another name"),
    ("birth", d("1950-05-17"), d("1950-05-17"), "exact", "the same day"),
    ("birth", d("1980-01-01"), d("1980-01-01"), "placeholder", "1 January says less"),
    ("birth", d("1911-11-11"), d("1911-11-11"), "placeholder", "11/11/11 says less"),
    ("birth", d("1950-05-07"), d("1950-07-05"), "swapped", "day and month exchanged"),
    ("birth", d("1950-05-17"), d("1950-05-18"), "close", "one digit of the day"),
    ("birth", d("1950-05-17"), d("1950-06-17"), "close", "one digit of the month"),
    ("birth", d("1950-05-17"), d("1959-05-17"), "close", "one digit of the year"),
    ("birth", d("1950-05-12"), d("1950-05-21"), "close", "two digits exchanged"),
    ("birth", d("1950-05-17"), d("1970-05-17"), "decade", "two decades off"),
    ("birth", d("1999-05-17"), d("2009-05-17"), "decade", "a decade off, in two digits"),
    ("birth", d("1950-05-17"), d("1965-05-17"), "two_parts", "fifteen years are no decade"),
    ("birth", d("1950-05-17"), d("1950-05-28"), "two_parts", "another day"),
    ("birth", d("1950-05-17"), d("1950-12-17"), "two_parts", "another month"),
    ("birth", d("1950-05-17"), d("1987-05-17"), "two_parts", "another year"),
    ("birth", d("1950-01-01"), d("1950-05-17"), "placeholder_year", "only the year was known"),
    ("birth", d("1951-01-01"), d("1950-05-17"), "placeholder_year", "the age was asked"),
    ("birth", d("1950-05-17"), d("1950-08-28"), "year", "the year alone"),
    ("birth", d("1950-05-17"), d("1952-08-28"), "near_year", "two years apart"),
    ("birth", d("1950-05-17"), d("1964-08-28"), "different", "fourteen years apart"),
    ("birth", d("1950-05-17"), d("1965-08-28"), "generation", "fifteen years apart"),
    ("sex", "2", "F", "exact", "the same in other codes"),
    ("sex", "2", "1", "different", "another sex"),
    ("sex", "9", "1", None, "9 contradicts nobody"),
    ("sex", "9", "9", None, "and agrees with nobody"),
    ("middle", "Ann Joan", "Ann Joan", "exact", "the same"),
    ("middle", "Ann Rose Joan", "Ann Joan", "exact", "one of several"),
    ("middle", "Ann Joan", "Ann J", "initial", "an initial"),
    ("middle", "Ann Joan", "Ann Rose", "different", "another one"),
    ("middle", "Ann Joan", "Ann", None, "none on one side"),
]  # fmt: skip

MILL = "12 Mill Lane, Barnham"
# Postcode, UPRN and address on the left and on the right.
PLACES = [
    ((None, "11"), (None, "11"), "dwelling", "one UPRN"),
    (("XA1 1AA", "11"), ("XB2 2BB", "11"), "dwelling", "one UPRN, whatever the postcodes"),
    (("XA1 1AA", "11", MILL), ("XA1 1AA", None, MILL), "dwelling", "one postcode and number"),
    (("XA1 1AA", None, MILL), ("XA1 1AA", None, "12, Mill Ln"), "dwelling", "and abbreviated"),
    (("XA1 1AA", None, MILL), ("XA1 1AB", None, MILL), "dwelling", "a slip in the postcode"),
    (("XA1 1AA", None, MILL), ("XA1 1BD", None, MILL), "dwelling", "the unit misread, one sector"),
    (("XA1 1AA", None, MILL), ("XA1 1BD", None, "12 High Street, Barnham"), "sector",
     "a number and the town alone"),
    (("XA1 1AA", None, MILL), ("XA1 1AB", None, "12 High Street, Barnham"), "near_postcode",
     "a number, the town alone and a postcode next to it"),
    (("XA1 1AA", None, "14 Oak Lane, Milton Keynes"),
     ("XA1 1BD", None, "14 Elm Road, Milton Keynes"), "sector", "a number and a town of two words"),
    (("XA1 1AA", None, "14 Oak Lane, Bexley, Kent"),
     ("XA1 1BD", None, "14 Elm Road, Bexley, Kent"), "sector", "a number, town and county"),
    (("XA1 1AA", None, "14 The Street, Barnham"), ("XA1 1BD", None, "14 Mill Lane, Barnham"),
     "sector", "a street whose name says nothing beside another of the town"),
    (("XA1 1AA", None, "14 Mill Lane"), ("XA1 1BD", None, "14 Mill Lane, Barnham"), "dwelling",
     "the town on one side only"),
    (("XA1 1AA", None, MILL), ("XB2 2BB", None, MILL), "elsewhere",
     "a street of that name in another town"),
    (("XA1 1AA", None, MILL), ("XA1 1AB", None, "14 Mill Lane, Barnham"), "near_postcode",
     "neighbours"),
    (("XA1 1AA", None, MILL), ("XA1 1AA", None, "14 Mill Lane, Barnham"), "postcode", "neighbours"),
    (("XA1 1AA", None, "Flat 1, 12 Mill Lane"), ("XA1 1AA", None, "Flat 2, 12 Mill Lane"),
     "postcode", "two flats of one house"),
    (("XA1 1AA",), ("XA1 1AA",), "postcode", "no number is known"),
    (("XA1 1AA",), ("XA1 1AB",), "near_postcode", "one slip"),
    (("XA1 1AA",), ("XA1 1BD",), "sector", "the sector alone"),
    (("XA1 1AA",), ("XA1 2BD",), "outward", "the outward code alone"),
    (("XA1 1AA",), ("XB2 2BD",), "elsewhere", "nothing of it"),
    (("XA1 1AA",), (), None, "one place is not known"),
    (("XA1 1AA",), (None, "11"), None, "nothing that both sides tell"),
    (("ZZ99 3VZ",), ("ZZ99 3VZ",), None, "a pseudo-postcode is no place"),
]  # fmt: skip


def prepared(people: list[dict]) -> pl.DataFrame:
    """Prepared records of one source, numbered in order."""
    rows = [
        tuple(({"record_id": f"{place:05}"} | each).get(column) for column in COLUMNS)
        for place, each in enumerate(people)
    ]
    gp = register(rows)
    return stack([gp], gp)


def pairs_of(pairs: list[tuple[int, int]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"rid_l": pl.UInt32, "rid_r": pl.UInt32}, orient="row")


def side_by_side(pairs: list[tuple[dict, dict]], levels=agreement.levels) -> list[dict]:
    """The levels of each pair, in order."""
    records = prepared([each for pair in pairs for each in pair])
    found = levels(pairs_of([(2 * i, 2 * i + 1) for i in range(len(pairs))]), records)
    return found.sort("rid_l").rows(named=True)


def test_names_sex_and_date_of_birth_agree_as_the_table_says():
    pairs = [
        (BASE | {WORDS[name]: left}, BASE | {WORDS[name]: right})
        for name, left, right, *_ in NAMES_AND_BIRTH
    ]
    found = side_by_side(pairs)
    told = [seen[name] for seen, (name, *_) in zip(found, NAMES_AND_BIRTH, strict=True)]
    wrong = [
        (row, level) for row, level in zip(NAMES_AND_BIRTH, told, strict=True) if level != row[3]
    ]
    assert not wrong, wrong


def place(told: tuple) -> dict:
    return BASE | dict(zip(("postcode", "uprn", "address"), told, strict=False))


@pytest.mark.parametrize("turned", [False, True])
def test_places_agree_as_the_table_says(turned):
    pairs = [(place(left), place(right)) for left, right, *_ in PLACES]
    found = side_by_side([pair[::-1] for pair in pairs] if turned else pairs)
    wrong = [
        (row, seen["household"])
        for seen, row in zip(found, PLACES, strict=True)
        if seen["household"] != row[2]
    ]
    assert wrong == []


def test_every_level_is_drawn_by_hand():
    drawn = {(name, level) for name, _, _, level, _ in NAMES_AND_BIRTH}
    drawn |= {("household", level) for *_, level, _ in PLACES}
    # A family name as the other's middle name, and rows, have tests of their own.
    declared = {(c.name, rule.name) for c in COMPARISONS.values() for rule in c.rules}
    own = {("family", "middle")} | {each for each in declared if each[0] == "row"}
    assert declared - own <= drawn


def test_a_family_name_may_be_the_others_middle_name():
    married = BASE | {GIVEN: "Ruth Okafor", FAMILY: "Whitcombe"}
    (found,) = side_by_side([(married, BASE | {GIVEN: "Ruth"})])
    assert (found["given"], found["family"]) == ("exact", "middle")


@pytest.mark.parametrize("one_sided", [False, True])
def test_what_is_missing_says_nothing(one_sided):
    known = BASE | {GIVEN: "Margaret Joan", "postcode": "XA1 1AA", "uprn": "11"}
    ((_, _, row, *rest),) = [
        list(seen.values()) for seen in side_by_side([(known if one_sided else {}, {})])
    ]
    assert row == "straight"
    assert rest == [None] * (len(COMPARISONS) - 1)


def test_in_one_dwelling_levels_are_those_of_the_household_and_only_there():
    home = BASE | {"postcode": "XA1 1AA", "address": MILL}
    son = home | {GIVEN: "Daniel", "date_of_birth": d("1981-02-03"), "sex": "1"}
    same, away = side_by_side([(home, son), (home, son | {"address": "13 Mill Lane"})])
    assert same["household"] == "dwelling"
    assert away["household"] == "postcode"
    plain = {"given": "different", "family": "exact", "birth": "generation", "sex": "different"}
    assert {name: away[name] for name in plain} == plain
    assert {name: same[name] for name in plain} == {k: v + AT_HOME for k, v in plain.items()}
    assert same["row"] == "straight"


MARRIED = BASE | {FAMILY: "Bell", "previous_family_name": "Okafor"}
SWAPPED = BASE | {GIVEN: "Okafor", FAMILY: "Margaret"}


@pytest.mark.parametrize(
    ("left", "right", "row"),
    [
        (BASE, BASE, "straight"),
        (MARRIED, BASE, "previous"),
        (BASE, MARRIED, "previous"),
        (BASE, SWAPPED, "swapped"),
        (MARRIED, SWAPPED, "several"),
    ],
)
def test_a_pair_agrees_best_through_the_row_that_says_why(left, right, row):
    (found,) = side_by_side([(left, right)], agreement.likest)
    assert (found["row"], found["given"], found["family"]) == (row, "exact", "exact")


def test_each_two_rows_of_a_pair_are_compared():
    # As written and formerly, beside as written, swapped.
    found = side_by_side([(MARRIED, SWAPPED)], agreement.across_rows)
    assert sorted(each["row"] for each in found) == ["previous", "several", "straight", "swapped"]
    exact = {each["row"] for each in found if each["given"] == each["family"] == "exact"}
    assert exact == {"several"}


def test_former_names_of_aliases_are_rows_too():
    alias = pl.DataFrame({"record_id": ["1"], "family_name": ["Bell"]})
    gp = register(
        [("1", None, *BASE.values()), ("2", None, "Margaret", "Bell", *list(BASE.values())[2:])]
    )
    with_former = type(gp)(
        gp.source, gp.frame, gp.setting, unique_people=True, register=True, aliases=alias
    )
    (found,) = agreement.likest(pairs_of([(0, 1)]), stack([with_former], with_former)).rows(
        named=True
    )
    assert (found["row"], found["family"]) == ("former", "exact")


# Few letters and words, so that names are often alike.
names = st.one_of(
    st.sampled_from(
        ["Margaret", "Peggy", "Meg", "Ann-Marie", "O'Neil", "Smith-Jones", "Jones", "Okafor"]
    ),
    st.text("abnomr ", min_size=1, max_size=10),
)
days = st.builds(date, st.sampled_from([1950, 1951, 1960, 1966]), st.integers(1, 12), st.sampled_from([1, 5, 11, 12, 21]))  # fmt: skip
homes = st.builds(
    lambda outward, digit, unit: f"{outward} {digit}{unit}",
    st.sampled_from(["XA1", "XA11"]), st.sampled_from("12"), st.sampled_from(["AA", "AB", "BA"]),
)  # fmt: skip
streets = st.builds(
    lambda number, street, town: f"{number} {street}, {town}",
    st.sampled_from([1, 2]), st.sampled_from(["Mill Lane", "High Mill", "The Street"]), st.sampled_from(["Barnham", "Ash"]),
)  # fmt: skip
people = st.fixed_dictionaries(
    {
        "given_name": names | st.none(),
        "family_name": names | st.none(),
        "date_of_birth": days | st.none(),
        "sex": st.sampled_from(["1", "2", "9", None]),
        "postcode": homes | st.none(),
        "uprn": st.sampled_from([None, "11", "12"]),
        "address": streets | st.none(),
    }
)


@settings(max_examples=20, deadline=None)
@given(st.lists(people, min_size=8, max_size=16))
def test_exchanging_left_and_right_changes_nothing(drawn):
    records = prepared(drawn)
    every = [(i, j) for i in range(len(drawn)) for j in range(len(drawn)) if i != j]
    found = agreement.levels(pairs_of(every), records)
    turned = found.rename({"rid_l": "rid_r", "rid_r": "rid_l"}).select(found.columns)
    assert turned.sort("rid_l", "rid_r").equals(found)
    assert found.height == len(every)


@settings(max_examples=5, deadline=None)
@given(st.lists(people, min_size=10, max_size=30))
def test_who_is_compared_with_the_same_person_disagrees_in_nothing(drawn):
    for found in side_by_side([(each, each) for each in drawn]):
        levels = {found[name] for name in COMPARISONS} - {None}
        plain = {level.removesuffix(AT_HOME) for level in levels}
        assert plain <= {"straight", "exact", "placeholder", "postcode", "dwelling"}
