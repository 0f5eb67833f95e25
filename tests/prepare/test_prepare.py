"""Identifiers standardised: published examples, an independent check digit, and idempotence."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.prepare import address, dates, names, nhs_number, postcode, records, sex

TEXT = st.text(max_size=30)


def apply(function, values):
    return (
        pl.DataFrame({"v": values}, schema={"v": pl.String})
        .select(function(pl.col("v")))["v"]
        .to_list()
    )


def check_digit(nine: str) -> str | None:
    """The dictionary's algorithm, step by step: weight, sum, remainder, subtract from 11."""
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(nine))
    check = 11 - total % 11
    return None if check == 10 else str(0 if check == 11 else check)


@given(st.from_regex(r"[0-9]{9}", fullmatch=True))
def test_modulus_11_accepts_one_check_digit_at_most(nine):
    numbers = [nine + str(last) for last in range(10)]
    right = check_digit(nine)
    expected = [last == right and len(set(nine + last)) > 1 for last in "0123456789"]
    assert apply(nhs_number.is_valid, numbers) == expected


def test_nhs_number_status_counts_what_was_given():
    given_numbers = [
        "943 476 5919",
        "943-476-5919",
        "9434765918",
        "",
        None,
        "94347659",
        "1111111111",
    ]
    frame = nhs_number.standardise(pl.LazyFrame({"nhs_number": given_numbers})).collect()
    assert frame["nhs_number"].to_list() == ["9434765919"] * 2 + [None] * 5
    assert frame["nhs_number_status"].to_list() == [
        "valid", "valid", "invalid", "missing", "missing", "invalid", "invalid",
    ]  # fmt: skip


def test_tokens_are_joined_and_never_validated():
    frame = nhs_number.standardise(pl.LazyFrame({"nhs_number": [" a1b2 ", None]}), kind="token")
    assert frame.collect()["nhs_number"].to_list() == ["a1b2", None]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("José", "JOSE"),
        ("O’Brien", "OBRIEN"),
        ("O'Brien", "OBRIEN"),
        ("Smith-Jones", "SMITH JONES"),
        ("Łukasz", "LUKASZ"),
        ("Straße", "STRASSE"),
        ("Nguyễn", "NGUYEN"),
        ("  van  der   Berg ", "VAN DER BERG"),
        ("---", None),
    ],
)
def test_fold(written, plain):
    assert apply(names.fold, [written]) == [plain]


def test_titles_and_placeholders_of_given_names():
    written = ["Mrs Ann", "Baby Boy", "TWIN ONE", "unknown", "Dr", "Drew"]
    assert apply(names.given, written) == ["ANN", None, None, None, None, "DREW"]


@pytest.mark.parametrize("function", [names.fold, names.given, names.family, sex.standardise,
                                      postcode.standardise, address.uprn, address.line])  # fmt: skip
@given(values=st.lists(TEXT, max_size=5))
def test_standardising_twice_is_standardising_once(function, values):
    once = apply(function, values)
    assert apply(function, once) == once


@given(st.from_regex(r"[A-Z]{1,2}[0-9]{1,2} [0-9][ABD-HJLNP-UW-Z]{2}", fullmatch=True))
def test_real_postcodes_are_kept_with_or_without_their_blank(code):
    # An area's second letter may be O or I only before a digit, where both readings have a form.
    if code[1] in "OI" or code[0] in "OI":
        return
    assert apply(postcode.standardise, [code, code.replace(" ", ""), code.lower()]) == [code] * 3


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("DA1O 1AA", "DA10 1AA"),
        ("DAI IAA", "DA1 1AA"),
        ("0L1 2AB", "OL1 2AB"),
        ("SW1A 1AA", "SW1A 1AA"),
        ("ZZ993VZ", "ZZ99 3VZ"),
        ("12345", None),
        ("11111", None),
        ("", None),
    ],
)
def test_postcodes_are_mended_by_position(written, mended):
    assert apply(postcode.standardise, [written]) == [mended]


def test_pseudo_postcodes_never_link():
    frame = records.standardise(pl.LazyFrame({"record_id": ["1"], "postcode": ["ZZ99 3VZ"]}))
    row = frame.collect().row(0, named=True)
    assert (row["postcode"], row["home"], row["outward"]) == ("ZZ99 3VZ", None, None)


def test_unknown_birth_dates_are_missing_and_first_of_january_is_flagged():
    days = [date(1900, 1, 1), date(1980, 1, 1), date(1980, 5, 1)]
    frame = records.standardise(pl.LazyFrame({"record_id": list("123"), "date_of_birth": days}))
    out = frame.collect()
    assert out["date_of_birth"].to_list() == [None, *days[1:]]
    assert out["placeholder_birth"].to_list() == [False, True, False]
    flags = pl.DataFrame({"d": days}).select(dates.is_unknown(pl.col("d")))["d"].to_list()
    assert flags == [True, False, False]


def test_nicknames_stand_for_formal_names_and_for_themselves():
    formal = names.formal_names(pl.DataFrame({"g": ["BILL", "WILLIAM", "XYZZY", None]}), "g")
    bill, william, odd, none = formal["g_formal"].to_list()
    assert set(bill) & set(william)
    assert odd == ["XYZZY"]
    assert none is None


def test_house_numbers_come_from_the_address_line():
    lines = apply(address.line, ["Flat 3, 12A High St", "The Old Rectory"])
    assert lines == ["FLAT 3 12A HIGH STREET", "THE OLD RECTORY"]
    assert apply(address.number, lines) == ["3 12A", None]
