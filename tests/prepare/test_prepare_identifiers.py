"""NHS numbers, dates and sex standardised: published examples, an independent check digit."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.prepare import dates, nhs_number, sex
from pophealth_link.schema.codes import SEX


def apply(function, values, dtype=pl.String):
    frame = pl.DataFrame({"v": values}, schema={"v": dtype})
    return frame.select(function(pl.col("v")))["v"].to_list()


def check_digit(nine: str) -> str | None:
    """The dictionary's algorithm, step by step: weight, sum, remainder, subtract from 11."""
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(nine))
    check = 11 - total % 11
    return None if check == 10 else str(0 if check == 11 else check)


@settings(deadline=None)
@given(st.from_regex(r"[0-9]{9}", fullmatch=True))
def test_modulus_11_accepts_one_check_digit_at_most(nine):
    numbers = [nine + str(last) for last in range(10)]
    right = check_digit(nine)
    expected = [last == right and len(set(nine + last)) > 1 for last in "0123456789"]
    assert apply(nhs_number.is_valid, numbers) == expected


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=14)), max_size=8))
def test_no_other_text_is_a_valid_number(texts):
    valid = apply(nhs_number.is_valid, texts)
    ten = [t is not None and len(t) == 10 and t.isascii() and t.isdigit() for t in texts]
    assert all(a <= b for a, b in zip(valid, ten, strict=True))


def test_repeated_digits_are_no_number():
    repeated = [str(digit) * 10 for digit in range(10)]
    assert apply(nhs_number.is_valid, repeated) == [False] * 10


def test_the_test_range_is_valid_and_told():
    # 999 000 0000 to 999 999 9999: 909,091 of its numbers satisfy the check digit.
    numbers = pl.DataFrame(
        {"n": pl.arange(9_990_000_000, 10_000_000_000, eager=True).cast(pl.String)}
    )
    seen = numbers.select(nhs_number.is_valid(pl.col("n")).alias("v"),
                          nhs_number.is_test_range(pl.col("n")).alias("t"))  # fmt: skip
    assert seen["t"].all()
    assert abs(seen["v"].sum() + 1 - 909_091) <= 1  # 999 999 9999 is one digit repeated


def test_nhs_number_status_counts_what_was_given():
    written = ["943 476 5919", "943-476-5919", "9434765919", "'9434765919", "9434765919.0", "", None,
               "94347659", "1111111111"]  # fmt: skip
    frame = nhs_number.standardise(pl.LazyFrame({"nhs_number": written})).collect()
    assert frame["nhs_number"].to_list() == ["9434765919"] * 5 + [None] * 4
    assert frame["nhs_number_status"].to_list() == (
        ["valid"] * 5 + ["missing", "missing", "invalid", "invalid"]
    )


def test_tokens_are_joined_and_never_validated():
    frame = nhs_number.standardise(pl.LazyFrame({"nhs_number": [" a1b2 ", None]}), kind="token")
    assert frame.collect()["nhs_number"].to_list() == ["a1b2", None]


@pytest.mark.parametrize("kind", ["clear", "token"])
@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text("0123456789- a", max_size=13)), max_size=8))
def test_numbers_twice_are_numbers_once(kind, written):
    frame = pl.LazyFrame({"nhs_number": written}, schema={"nhs_number": pl.String})
    once = nhs_number.standardise(frame, kind=kind).collect()
    assert nhs_number.standardise(once.lazy(), kind=kind).collect().equals(once)


def test_placeholder_dates_are_flagged_and_unknown_ones_missing():
    days = [date(1900, 1, 1), date(1901, 1, 1), date(1899, 12, 30), date(1980, 1, 1),
            date(1911, 11, 11), date(1980, 5, 1), None]  # fmt: skip
    assert apply(dates.is_placeholder, days, pl.Date) == [True] * 5 + [False] * 2
    assert apply(dates.is_unknown, days, pl.Date) == [True] * 3 + [False] * 4
    assert apply(dates.standardise, days, pl.Date) == [None] * 3 + days[3:]


def test_nobody_is_born_too_early_or_after_the_last_day():
    last = date(2026, 4, 1)
    days = [date(1874, 12, 31), date(1875, 1, 1), last, last + timedelta(days=1), None]
    seen = apply(lambda d: dates.is_impossible(d, latest=last), days, pl.Date)
    assert seen == [True, False, False, True, False]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.dates(date(1600, 1, 1), date(2100, 1, 1))), max_size=8))
def test_dates_twice_are_dates_once(days):
    for function in (dates.standardise, lambda d: dates.in_century(d, date(2026, 4, 1))):
        once = apply(function, days, pl.Date)
        assert apply(function, once, pl.Date) == once


@settings(deadline=None)
@given(st.dates(date(1927, 1, 1), date(2026, 4, 1)))
def test_two_digits_of_a_year_find_the_century_of_anyone_under_99(born):
    guessed = [date(2000 + born.year % 100, born.month, born.day if born.day < 29 else 28)]
    read = apply(lambda d: dates.in_century(d, date(2026, 4, 1)), guessed, pl.Date)[0]
    assert read.year == born.year


@pytest.mark.parametrize(
    ("written", "code"),
    [
        *((text, "1") for text in ("1", "01", "1.0", "M", "m", "Male", "MALE", " male ", "Man", "Boy")),
        *((text, "2") for text in ("2", "02", "2.0", "F", "f", "Female", "woman", "Girls")),
        ("Female (including trans woman)", "2"),
        ("Male (including trans man)", "1"),
        ("1 - Male", "1"),
        ("2: Female", "2"),
        *((text, "9") for text in ("9", "Indeterminate", "Not specified", "3", "Non-binary", "4", "Other")),
        *((text, None) for text in ("0", "X", "Z", "U", "Unknown", "Not known", "Not stated", "", None, "8")),
    ],
)  # fmt: skip
def test_sex_codes_of_every_source(written, code):
    assert apply(sex.standardise, [written]) == [code]


def test_the_code_list_reads_as_itself():
    assert apply(sex.standardise, list(SEX.codes)) == ["1", "2", "9", None]
    assert apply(sex.standardise, list(SEX.codes.values())) == ["1", "2", "9", None]


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=8), st.sampled_from("129XMF034")), max_size=8)
)
def test_sex_twice_is_sex_once(values):
    once = apply(sex.standardise, values)
    assert apply(sex.standardise, once) == once
