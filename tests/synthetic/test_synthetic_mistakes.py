"""Each mistake as a property: what it may change, how often, and what it never touches."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.synthetic.mistakes import MISTAKES
from pophealth_link.synthetic.mistakes.spelling import misspell, without_accents

N = 3_000
CHANGES = {
    "keep_old_address": {"postcode", "address", "uprn"},
    "record_no_fixed_abode": {"postcode", "address", "uprn"},
    "use_previous_family_name": {"family_name", "previous_family_name"},
    "use_nickname": {"given_name"},
    "use_middle_name": {"given_name", "middle_names"},
    "respell_given_name": {"given_name"},
    "respell_family_name": {"family_name"},
    "break_double_name": {"family_name"},
    "drop_accents": {"given_name", "family_name"},
    "misspell_given_name": {"given_name"},
    "misspell_family_name": {"family_name"},
    "swap_names": {"given_name", "family_name"},
    "leave_baby_unnamed": {"given_name", "middle_names"},
    "swap_day_and_month": {"date_of_birth"},
    "mistype_birth_date": {"date_of_birth"},
    "enter_first_of_january": {"date_of_birth"},
    "lose_birth_date": {"date_of_birth"},
    "borrow_nhs_number": {"nhs_number"},
    "mistype_nhs_number": {"nhs_number"},
    "spoil_nhs_number": {"nhs_number"},
    "lose_nhs_number": {"nhs_number"},
    "mistype_postcode": {"postcode"},
    "lose_address": {"postcode", "address", "uprn"},
    "lose_uprn": {"uprn"},
    "abbreviate_address": {"address"},
    "lose_sex": {"sex"},
    "mistake_sex": {"sex"},
    "lose_ethnic_category": {"ethnic_category"},
}
GIVEN = ("Elizabeth", "Mohammed", "José", "Łukasz", "Thomas", "Aisha", None, "Siân")
FAMILY = ("Smith-Jones", "O'Brien", "Hussain", "Öztürk", "Clark", "Okafor", "Patel", "Dela Cruz")


def valid(number: str) -> bool:
    """The check digit, written out by hand: weights 10 to 2, modulus 11."""
    total = 0
    for place in range(9):
        total += int(number[place]) * (10 - place)
    check = 11 - total % 11
    return len(number) == 10 and (0 if check == 11 else check) == int(number[9])


def numbers(start: int, count: int) -> list[str]:
    found = (f"{stem}{check}" for stem in range(start, start + 4 * count) for check in range(10))
    return [number for number in found if valid(number)][:count]


def records() -> pl.DataFrame:
    row = np.arange(N)
    born = [date(1930 + i % 95, 1 + i % 12, 1 + i % 28) for i in range(N)]
    return pl.DataFrame(
        {
            "given_name": [GIVEN[i % 8] for i in row],
            "middle_names": [None if i % 3 else "Ann Marie" for i in row],
            "family_name": [FAMILY[(i // 8) % 8] for i in row],
            "previous_family_name": [None if i % 4 else "Harrison" for i in row],
            "date_of_birth": born,
            "age_days": [(date(2026, 4, 1) - day).days for day in born],
            "sex": [str(1 + i % 2) for i in row],
            "postcode": [f"QX{1 + i % 9} {i % 10}AB" for i in row],
            "address": [f"{i} Mill Road" for i in row],
            "uprn": [str(990_000_000_000 + i) for i in row],
            "previous_postcode": [None if i % 5 else "QX1 9ZZ" for i in row],
            "previous_address": [None if i % 5 else "1 Old Street" for i in row],
            "previous_uprn": [None if i % 5 else "990999999999" for i in row],
            "nhs_number": numbers(999_000_000, N),
            "other_number": numbers(999_500_000, N),
            "ethnic_category": ["ABHMN"[i % 5] for i in row],
            "no_fixed_abode": [bool(i % 50 == 0) for i in row],
        }
    ).with_columns(
        pl.when(pl.col("age_days") < 800).then(40).otherwise(pl.col("age_days")).alias("age_days")
    )


BEFORE = records()


def changed(before: pl.DataFrame, after: pl.DataFrame, column: str) -> pl.Series:
    return before[column].ne_missing(after[column])


def make(name: str, rate: float, seed: int = 1) -> pl.DataFrame:
    return MISTAKES[name](BEFORE, np.random.default_rng(seed), rate)


def test_every_mistake_is_looked_at_here() -> None:
    assert set(CHANGES) == set(MISTAKES)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_rate_of_zero_changes_nothing(name: str) -> None:
    assert_frame_equal(make(name, 0.0), BEFORE)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_changes_its_own_columns_alone(name: str) -> None:
    after = make(name, 0.6)
    assert after.schema == BEFORE.schema
    assert after.height == BEFORE.height
    touched = {column for column in BEFORE.columns if changed(BEFORE, after, column).any()}
    assert touched
    assert touched <= CHANGES[name]


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_comes_as_often_as_its_rate(name: str) -> None:
    always = make(name, 1.0)
    column = min(CHANGES[name], key=lambda c: (not changed(BEFORE, always, c).any(), c))
    could = int(changed(BEFORE, always, column).sum())
    some = int(changed(BEFORE, make(name, 0.3), column).sum())
    # Five standard deviations of a binomial count, and a slip that leaves the value as it was.
    assert abs(some - 0.3 * could) < 5 * (could * 0.21) ** 0.5 + 0.05 * could + 3


@pytest.mark.parametrize("name", MISTAKES)
def test_the_same_seed_makes_the_same_mistakes(name: str) -> None:
    assert_frame_equal(make(name, 0.5), make(name, 0.5))


@pytest.mark.parametrize("name", MISTAKES)
def test_rates_may_differ_by_row(name: str) -> None:
    rate = np.where(np.arange(N) < N // 2, 0.0, 1.0)
    after = MISTAKES[name](BEFORE, np.random.default_rng(1), rate)
    assert_frame_equal(after.head(N // 2), BEFORE.head(N // 2))


@given(st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_misspelt_names_differ_by_one_slip(seed: int) -> None:
    names = pl.Series(["Elizabeth", "Bob", "Okonkwo", "Li-Wei", "Aaaron", "Zoë", "MacDonald"])
    wrong = misspell(names, np.random.default_rng(seed))
    for right, slipped in zip(names, wrong, strict=True):
        assert right != slipped
        assert right[0] == slipped[0]
        assert distance(right, slipped) == 1


def distance(left: str, right: str) -> int:
    """Edits between two names where a swap of neighbours counts as one (restricted Damerau)."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def test_swapped_dates_swap_back_to_the_truth() -> None:
    after = make("swap_day_and_month", 1.0)
    hit = changed(BEFORE, after, "date_of_birth")
    pairs = zip(
        BEFORE["date_of_birth"].filter(hit), after["date_of_birth"].filter(hit), strict=True
    )
    assert all(date(w.year, w.day, w.month) == right for right, w in pairs)


def test_first_of_january_keeps_the_year() -> None:
    after = make("enter_first_of_january", 1.0)["date_of_birth"]
    assert (after.dt.ordinal_day() == 1).all()
    assert (after.dt.year() == BEFORE["date_of_birth"].dt.year()).all()


def test_a_mistyped_birth_date_is_no_later_than_today_and_wrong_in_few_parts() -> None:
    after = make("mistype_birth_date", 1.0)["date_of_birth"]
    assert after.null_count() == 0
    assert (after < date(2026, 4, 1)).all()
    assert changed(BEFORE, make("mistype_birth_date", 1.0), "date_of_birth").mean() > 0.99


def test_borrowed_numbers_are_valid_and_somebody_elses() -> None:
    after = make("borrow_nhs_number", 1.0)["nhs_number"]
    assert all(valid(number) for number in after)
    assert (after == BEFORE["other_number"]).all()


def test_mistyped_numbers_are_valid_and_one_digit_away_besides_the_check_digit() -> None:
    after = make("mistype_nhs_number", 1.0)
    hit = changed(BEFORE, after, "nhs_number")
    # One stem in eleven has no check digit and stays.
    assert 0.85 < hit.mean() < 0.95
    for right, wrong in zip(
        BEFORE["nhs_number"].filter(hit), after["nhs_number"].filter(hit), strict=True
    ):
        assert valid(wrong)
        assert wrong.startswith("999")
        assert sum(a != b for a, b in zip(right[:9], wrong[:9], strict=True)) == 1


def test_spoilt_numbers_have_ten_digits_and_fail_the_check() -> None:
    after = make("spoil_nhs_number", 1.0)["nhs_number"]
    assert all(len(number) == 10 and not valid(number) for number in after)


def test_swapped_names_keep_both_names() -> None:
    after = make("swap_names", 1.0)
    hit = changed(BEFORE, after, "given_name")
    assert (after["given_name"].filter(hit) == BEFORE["family_name"].filter(hit)).all()
    assert (after["family_name"].filter(hit) == BEFORE["given_name"].filter(hit)).all()
    assert not hit.filter(BEFORE["given_name"].is_null()).any()


def test_spellings_belong_to_the_same_name() -> None:
    after = make("respell_given_name", 1.0).filter(BEFORE["given_name"] == "Mohammed")
    allowed = {"Muhammad", "Mohamed", "Mohammad", "Muhammed", "Mohamad"}
    assert set(after["given_name"]) <= allowed
    assert len(set(after["given_name"])) > 2


def test_nicknames_are_those_of_the_name() -> None:
    after = make("use_nickname", 1.0).filter(BEFORE["given_name"] == "Elizabeth")
    assert {"Liz", "Beth", "Betty"} <= set(after["given_name"])


def test_only_young_babies_are_unnamed() -> None:
    after = make("leave_baby_unnamed", 1.0)
    hit = changed(BEFORE, after, "given_name")
    assert hit.any()
    assert (BEFORE["age_days"].filter(hit) < 92).all()


def test_double_names_lose_their_sign_or_a_part() -> None:
    after = make("break_double_name", 1.0)["family_name"]
    double = BEFORE["family_name"] == "Smith-Jones"
    assert set(after.filter(double)) == {"Smith Jones", "SmithJones", "Smith", "Jones"}
    assert set(after.filter(BEFORE["family_name"] == "O'Brien")) == {"OBrien"}


def test_plain_letters_are_plain() -> None:
    accented = pl.Series(["Zoë", "Łukasz", "Öztürk", "Şahin", "Nguyễn", "Bērziņš", "Yılmaz"])
    plain = ["Zoe", "Lukasz", "Ozturk", "Sahin", "Nguyen", "Berzins", "Yilmaz"]
    assert without_accents(accented).to_list() == plain


def test_people_without_a_home_alone_are_of_no_fixed_abode() -> None:
    after = make("record_no_fixed_abode", 1.0)
    assert ((after["postcode"] == "ZZ99 3VZ") == BEFORE["no_fixed_abode"]).all()
    assert after["uprn"].filter(BEFORE["no_fixed_abode"]).null_count() == N // 50
