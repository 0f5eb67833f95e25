"""Postcodes, addresses and UPRNs standardised."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.prepare import address, postcode

CODES = st.text(alphabet="ABDEGILMOSTWXYZ0123456789 -", max_size=9)
TOKENS = [
    "Flat", "FLAT2", "Apt", "Unit", "Room", "2", "2/14", "14-16", "14", "12A", "A", "B", "No", "No.",
    "ST", "St", "Rd", "Johns", "High", "Street", "SAINT", "Rose", "Court", "1st", "Floor", "GFF", ",",
    "AB1", "2CD", "AB1 2CD", "SW1A1AA", "M1,", "1AE", "FL", "/", "-", "Number", "Łoś", "\n", "'s", "#",
]  # fmt: skip
LINES = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(TOKENS), max_size=8).map(" ".join))


def apply(function, values):
    frame = pl.DataFrame({"v": values}, schema={"v": pl.String})
    return frame.select(function(pl.col("v")))["v"].to_list()


@pytest.mark.parametrize("function", [postcode.standardise, postcode.other, address.uprn])
@settings(max_examples=400, deadline=None)
@given(values=st.lists(st.one_of(st.none(), CODES, st.text(max_size=12)), max_size=8))
def test_codes_twice_are_codes_once(function, values):
    once = apply(function, values)
    assert apply(function, once) == once


@settings(max_examples=600, deadline=None)
@given(values=st.lists(st.one_of(st.none(), LINES), max_size=6))
def test_a_line_twice_is_a_line_once(values):
    once = apply(address.line, values)
    assert apply(address.line, once) == once


# The examples of each form in Royal Mail's guide to postcodes.
FORMS = ["M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "W1A 1HQ", "EC1A 1BB"]


@pytest.mark.parametrize("code", FORMS)
def test_every_form_of_postcode_is_read_however_it_is_typed(code):
    typed = [code, code.replace(" ", ""), code.lower(), f" {code[:2]} {code[2:]}.", f"Leeds {code}"]
    assert apply(postcode.standardise, typed) == [code] * 5


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("DA1O 1AA", "DA10 1AA"),
        ("DAI IAA", "DA1 1AA"),
        ("0L1 2AB", "OL1 2AB"),
        ("S01 4QU", "SO1 4QU"),
        ("EIW 1AA", "E1W 1AA"),
        ("8S1 1AA", "BS1 1AA"),
        ("DA1 S8B", "DA1 5BB"),
        ("SE1 OAA", "SE1 0AA"),
        ("2Z99 3VZ", "ZZ99 3VZ"),
        ("W1S 1AA", "W1S 1AA"),
        ("IO1 1AA", "IO1 1AA"),
        ("ZZ993VZ", "ZZ99 3VZ"),
        ("LS1 4SJJ", None),
        ("LS1 4AJJ", None),
        ("LS14 SJJ", "LS14 5JJ"),
        ("12345", None),
        ("11111", None),
        ("D02 X285", None),
        ("DA1", None),
        ("", None),
    ],
)
def test_postcodes_are_mended_by_position(written, mended):
    assert apply(postcode.standardise, [written]) == [mended]


def test_parts_of_a_postcode():
    codes = pl.DataFrame({"p": ["SW1A 1AA", "M1 1AE", None, "4223"]})
    parts = codes.select(postcode.outward(pl.col("p")).alias("o"), postcode.sector(pl.col("p")))
    assert parts["o"].to_list() == ["SW1A", "M1", None, None]
    assert parts["p"].to_list() == ["SW1A 1", "M1 1", None, None]


def test_codes_of_other_countries():
    written = ["4223", "1016 AB", "D02 X285", "0000", "9999", "12345", "n/a", "X1", "none"]
    assert apply(postcode.other, written) == ["4223", "1016AB", "D02X285"] + [None] * 6


@pytest.mark.slow
def test_no_real_postcode_is_changed_and_most_slips_are_mended(open_data):
    codes = pl.read_parquet(open_data / "postcodes/postcodes_england.parquet", columns=["pcds"])
    real = codes["pcds"].gather_every(20).alias("p").to_frame()

    def restored(written):
        read = real.select(postcode.standardise(written).alias("read"), "p")
        return read.filter(pl.col("read") == pl.col("p")).height / real.height

    code = pl.col("p")
    assert restored(code) == 1
    assert restored(code.str.replace(" ", "").str.to_lowercase()) == 1
    for digit, letter in ("0O", "1I"):
        assert restored(code.str.replace_all(digit, letter)) > 0.999
        assert restored(code.str.replace_all(letter, digit)) == 1


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("Flat 3, 12A High St", "FLAT 3 12A HIGH STREET"),
        ("FLAT3 12 A HIGH STREET", "FLAT 3 12A HIGH STREET"),
        ("3/12 High Street", "FLAT 3 12 HIGH STREET"),
        ("12-14 High St., Leeds LS1 1AA", "12 HIGH STREET LEEDS"),
        ("No. 5 St John's Rd", "5 SAINT JOHNS ROAD"),
        ("St Anne's House, St Mary's Cl", "SAINT ANNES HOUSE SAINT MARYS CLOSE"),
        ("The Old Rectory", "THE OLD RECTORY"),
        ("1st Floor Flat 9 Mill La", "FIRST FLOOR FLAT 9 MILL LANE"),
        ("10 Downing St\nLondon\nSW1A 1ST", "10 DOWNING STREET LONDON"),
        ("", None),
    ],
)
def test_address_lines(written, line):
    assert apply(address.line, [written]) == [line]


@pytest.mark.parametrize(
    "forms",
    [
        ("Flat 3, 12 High St", "12 High Street, Flat 3", "3/12 High St", "FLAT3 12 HIGH ST"),
        ("13C Foundry Cl", "Flat C Ground Floor, 13 Foundry Close", "13 C Foundry Close"),
        ("14 High St", "No 14 High St", "Rose House, 14 High St", "14-16 High St"),
    ],
)
def test_a_house_is_one_however_it_is_written(forms):
    houses = apply(lambda v: address.house(address.line(v)), forms)
    assert len(set(houses)) == 1
    assert houses[0] is not None


def test_houses_that_differ_stay_apart():
    lines = ["Flat 3, 12 High St", "Flat 12, 3 High St", "Flat 2, 12 High St", "12 High St",
             "13 High St", "13A High St", "The Old Rectory"]  # fmt: skip
    houses = apply(lambda v: address.house(address.line(v)), lines)
    assert len(set(houses)) == len(lines)
    assert houses[-1] is None


def test_telling_words_are_left_when_what_all_say_is_gone():
    lines = apply(address.line, ["Flat 2, Rose House, 14 High St", "12 North Rd", None])
    assert apply(address.words, lines) == [["ROSE", "HIGH"], None, None]


def test_uprns_are_numbers_without_padding():
    written = ["000100023336956", "100023336956.0", "100023336956", "0", "none", "1234567890123"]
    assert apply(address.uprn, written) == ["100023336956"] * 3 + [None] * 3
