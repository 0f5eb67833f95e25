"""Each mistake as a property: what it may change, where, how often, and what it never touches."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mistake_rows import CHANGES, COULD, NOT_ALWAYS, PLACE, SCHEMA, TODAY, many, valid
from polars.testing import assert_frame_equal

from pophealth_link.synthetic.mistakes import MISTAKES
from pophealth_link.synthetic.mistakes.spelling import misspell, without_accents

N = 3_000
BEFORE = many(N)
SOME_NUMBERS = BEFORE["nhs_number"].head(40).to_list()


def touched(before: pl.DataFrame, after: pl.DataFrame, *columns: str) -> np.ndarray[Any, Any]:
    """Say which rows differ in any of the columns."""
    hit = np.zeros(before.height, dtype=bool)
    for column in columns or before.columns:
        hit |= before[column].ne_missing(after[column]).to_numpy()
    return hit


def could(name: str, records: pl.DataFrame) -> np.ndarray[Any, Any]:
    return np.array([COULD[name](row) for row in records.iter_rows(named=True)], dtype=bool)


def make(name: str, rate: float, seed: int = 1) -> pl.DataFrame:
    return MISTAKES[name](BEFORE, np.random.default_rng(seed), rate)


def test_every_mistake_is_looked_at_here() -> None:
    assert set(CHANGES) == set(COULD) == set(MISTAKES)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_rate_of_zero_changes_nothing(name: str) -> None:
    assert_frame_equal(make(name, 0.0), BEFORE)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_rate_of_one_changes_every_row_in_which_it_can_be_made(name: str) -> None:
    hit, eligible = touched(BEFORE, make(name, 1.0)), could(name, BEFORE)
    assert eligible.any()
    assert not (hit & ~eligible).any()
    assert hit.sum() > 0.1 * eligible.sum() if name in NOT_ALWAYS else (hit == eligible).all()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_changes_its_own_columns_alone(name: str) -> None:
    after = make(name, 0.6)
    assert after.schema == BEFORE.schema
    assert after.height == BEFORE.height
    changed = {column for column in BEFORE.columns if touched(BEFORE, after, column).any()}
    assert changed
    assert changed <= CHANGES[name]


@pytest.mark.parametrize("name", MISTAKES)
@given(rate=st.floats(0.02, 0.98), seed=st.integers(0, 2**32))
@settings(max_examples=4, deadline=None, derandomize=True)
def test_a_mistake_comes_as_often_as_its_rate(name: str, rate: float, seed: int) -> None:
    reach = int(touched(BEFORE, make(name, 1.0, seed)).sum())
    some = int(touched(BEFORE, make(name, rate, seed)).sum())
    # Five standard deviations of a binomial count, and one for a short column.
    assert abs(some - rate * reach) <= 5 * (reach * rate * (1 - rate)) ** 0.5 + 1


@pytest.mark.parametrize("name", MISTAKES)
def test_the_same_generator_makes_the_same_mistakes_and_another_does_not(name: str) -> None:
    assert_frame_equal(make(name, 0.5), make(name, 0.5))
    assert touched(make(name, 0.5), make(name, 0.5, seed=2)).any()


@pytest.mark.parametrize("name", MISTAKES)
def test_rates_may_differ_by_row(name: str) -> None:
    rate = np.where(np.arange(N) < N // 2, 0.0, 1.0)
    after = MISTAKES[name](BEFORE, np.random.default_rng(1), rate)
    assert_frame_equal(after.head(N // 2), BEFORE.head(N // 2))


names_of_people = st.one_of(
    st.none(),
    st.sampled_from(["", "X", "Jo", "Bob", "Zoë", "Anne-Marie", "O'", "-", "van der Berg", "Ng"]),
    st.text(alphabet="abcdeABCDÉßłØ -'", max_size=20),
)
lines = st.sampled_from([None, "", "No fixed abode", "7", "7A High Street", "Flat 2, 3 Mill Road"])
codes = st.sampled_from([None, "", "ZZ99 3VZ", "QX1 1AA", "AB10 2CD", "not known", "AB102CD"])
odd_rows = st.fixed_dictionaries(
    {
        **{name: names_of_people for name in SCHEMA if name.endswith(("_name", "_names"))},
        **{name: lines for name in SCHEMA if name.endswith("address")},
        **{name: codes for name in SCHEMA if name.endswith("postcode")},
        **{name: st.sampled_from([None, "990000000001"]) for name in SCHEMA if "uprn" in name},
        "family_name_first": st.sampled_from([None, True, False]),
        "no_fixed_abode": st.booleans(),
        "date_of_birth": st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2026, 3, 31))),
        "sex": st.sampled_from([None, "1", "2", "9", "X"]),
        "ethnic_category": st.sampled_from([None, "A", "G", "S", "R", "Z", "99"]),
        "nhs_number": st.sampled_from([None, *SOME_NUMBERS]),
        "other_number": st.sampled_from([None, *SOME_NUMBERS]),
    }
)


@pytest.mark.parametrize("name", MISTAKES)
@given(rows=st.lists(odd_rows, max_size=4), rate=st.sampled_from([0.0, 0.5, 1.0]))
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_odd_rows_are_survived(name: str, rows: list[dict[str, Any]], rate: float) -> None:
    """Nothing, nulls, names of one letter, signs alone: no crash, types kept, others untouched."""
    ages = [(TODAY - (row["date_of_birth"] or date(1980, 1, 1))).days for row in rows]
    whole = [row | {"age_days": age} for row, age in zip(rows, ages, strict=True)]
    records = pl.DataFrame(whole, schema=SCHEMA)
    after = MISTAKES[name](records, np.random.default_rng(3), rate)
    assert after.schema == records.schema
    assert_frame_equal(
        after.drop(CHANGES[name]), records.drop(CHANGES[name]), check_column_order=False
    )
    assert not (touched(records, after) & ~could(name, records)).any()
    assert_frame_equal(MISTAKES[name](records, np.random.default_rng(3), rate), after)


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


def pairs(name: str, column: str) -> list[tuple[Any, Any]]:
    """The values of a column before and after, where a rate of one changed them."""
    after = make(name, 1.0)
    hit = pl.Series(touched(BEFORE, after, column))
    return list(zip(BEFORE[column].filter(hit), after[column].filter(hit), strict=True))


def test_swapped_dates_swap_back_to_the_truth() -> None:
    found = pairs("swap_day_and_month", "date_of_birth")
    assert found
    assert all(date(w.year, w.day, w.month) == right for right, w in found)


def test_swapped_years_have_the_same_digits_and_are_past() -> None:
    found = pairs("swap_year_digits", "date_of_birth")
    assert found
    for right, wrong in found:
        assert f"{wrong.year}" == f"{right.year}"[:2] + f"{right.year}"[:1:-1]
        assert wrong < TODAY
        assert (wrong.month, wrong.day) in ((right.month, right.day), (2, 28))


def test_first_of_january_keeps_the_year() -> None:
    after = make("enter_first_of_january", 1.0)["date_of_birth"]
    assert (after.dt.ordinal_day() == 1).all()
    assert (after.dt.year() == BEFORE["date_of_birth"].dt.year()).all()


def test_the_placeholder_is_the_first_day_of_1900() -> None:
    assert set(make("enter_placeholder_date", 1.0)["date_of_birth"]) == {date(1900, 1, 1)}


def test_a_mistyped_birth_date_is_past_and_one_part_is_wrong() -> None:
    for right, wrong in pairs("mistype_birth_date", "date_of_birth"):
        assert wrong < TODAY
        parts = sum((right.day != wrong.day, right.month != wrong.month, right.year != wrong.year))
        # A late day may not exist in another month, an infant's other day lie in the future.
        assert parts == 1 or right.day > 28 or (TODAY - right).days < 366


def test_borrowed_numbers_are_valid_and_somebody_elses() -> None:
    after = make("borrow_nhs_number", 1.0)["nhs_number"]
    assert all(valid(number) for number in after)
    assert (after == BEFORE["other_number"]).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mistyped_numbers_are_valid_and_one_digit_away_besides_the_check_digit(seed: int) -> None:
    after = make("mistype_nhs_number", 1.0, seed)["nhs_number"]
    for right, wrong in zip(BEFORE["nhs_number"], after, strict=True):
        assert valid(wrong)
        assert wrong.startswith("999")
        assert sum(a != b for a, b in zip(right[:9], wrong[:9], strict=True)) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spoilt_numbers_have_ten_digits_one_of_them_wrong_and_fail_the_check(seed: int) -> None:
    after = make("spoil_nhs_number", 1.0, seed)["nhs_number"]
    for right, wrong in zip(BEFORE["nhs_number"], after, strict=True):
        assert len(wrong) == 10
        assert not valid(wrong)
        assert sum(a != b for a, b in zip(right, wrong, strict=True)) == 1


@pytest.mark.parametrize("name", ["swap_names", "write_family_name_first"])
def test_swapped_names_keep_both_names(name: str) -> None:
    after = make(name, 1.0)
    hit = pl.Series(touched(BEFORE, after))
    assert (after["given_name"].filter(hit) == BEFORE["family_name"].filter(hit)).all()
    assert (after["family_name"].filter(hit) == BEFORE["given_name"].filter(hit)).all()


def test_initials_and_titles_stand_where_they_should() -> None:
    assert all(wrong == right[0] for right, wrong in pairs("write_initial", "given_name"))
    for right, wrong in pairs("add_title", "given_name"):
        title, name = wrong.split(" ", 1)
        assert (title in {"Mr", "Mrs", "Miss", "Ms", "Dr"}, name) == (True, right)
    titles = make("write_title_for_given_name", 1.0).filter(pl.col("sex") == "1")["given_name"]
    assert "Mrs" not in set(titles)


def test_cut_names_are_the_beginning_of_the_name() -> None:
    cut = pairs("cut_given_name", "given_name") + pairs("cut_family_name", "family_name")
    assert {wrong for _, wrong in cut} == {"Christophe", "Featherstoneha"}
    assert all(right.startswith(wrong) for right, wrong in cut)


def test_double_given_names_and_middle_names_are_taken_apart_and_put_together() -> None:
    split = make("split_given_name", 1.0).filter(BEFORE["given_name"] == "Mary Ann")
    assert set(split["given_name"]) == {"Mary"}
    assert set(split["middle_names"]) == {"Ann", "Ann Ann Marie"}
    joined = make("join_middle_name", 1.0).filter(BEFORE["given_name"] == "Elizabeth")
    assert set(joined["given_name"]) == {"Elizabeth", "Elizabeth Ann Marie"}


def test_other_names_are_those_of_the_person() -> None:
    for name, column in (
        ("use_previous_family_name", "previous_family_name"),
        ("use_birth_family_name", "birth_family_name"),
        ("use_carers_family_name", "carers_family_name"),
    ):
        hit = BEFORE[column].is_not_null()
        assert (make(name, 1.0)["family_name"].filter(hit) == BEFORE[column].filter(hit)).all()
    twins = make("cross_twins", 1.0)["given_name"].filter(BEFORE["twin_given_name"].is_not_null())
    assert set(twins) == {"Castor"}


@pytest.mark.parametrize(
    ("name", "which"),
    [("keep_old_address", "previous"), ("keep_earlier_address", "earlier"),
     ("record_other_home", "other")],
)  # fmt: skip
def test_another_home_is_whole(name: str, which: str) -> None:
    here = BEFORE[f"{which}_postcode"].is_not_null()
    after = make(name, 1.0).filter(here).select(PLACE)
    assert_frame_equal(after, BEFORE.filter(here).select(pl.col(f"{which}_{c}").alias(c)
                                                         for c in PLACE))  # fmt: skip


def test_spellings_belong_to_the_same_name() -> None:
    after = make("respell_given_name", 1.0).filter(BEFORE["given_name"] == "Mohammed")
    allowed = {"Muhammad", "Mohamed", "Mohammad", "Muhammed", "Mohamad"}
    assert len(allowed & set(after["given_name"])) > 2


def test_nicknames_are_those_of_the_name() -> None:
    after = make("use_nickname", 1.0).filter(BEFORE["given_name"] == "Elizabeth")
    assert {"Liz", "Beth", "Betty"} <= set(after["given_name"])
    assert "Elizabeth" not in set(after["given_name"])


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


def test_an_address_is_written_in_many_ways_but_one_line_in_one() -> None:
    after = make("write_address_otherwise", 1.0)["address"]
    rest = after.str.replace_all(r"\d+", "#").filter(pl.Series(np.arange(N) % 4 == 0))
    assert rest.n_unique() > 20
    assert (after.str.len_chars() > 0).all()
    twice = pl.concat([BEFORE, BEFORE])
    both = MISTAKES["write_address_otherwise"](twice, np.random.default_rng(1), 1.0)["address"]
    assert (both.head(N) == both.tail(N)).all()


def test_a_wrong_ethnic_category_is_mostly_another_of_its_group() -> None:
    after = make("mistake_ethnic_category", 1.0).filter(BEFORE["ethnic_category"] == "H")
    counts = dict(after["ethnic_category"].value_counts().iter_rows())
    assert "H" not in counts
    assert 0.55 < counts["L"] / after.height < 0.8
