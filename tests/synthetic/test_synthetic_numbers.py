"""NHS numbers: valid, of ranges that are issued to nobody, never the same twice."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.prepare import nhs_number
from pophealth_link.synthetic.draws import Streams
from pophealth_link.synthetic.nhs_numbers import add_numbers, draw_numbers, numbers_needed

# Of 1,000,000 stems with one prefix, those whose check digit is 10 make no number.
VALID_IN_TEST_RANGE = 909_091


def people(size: int, household_size: int = 3) -> pl.DataFrame:
    return pl.DataFrame({"household": np.arange(size) // household_size})


def holds(number: int) -> bool:
    """Modulus 11 as published: ten digits weighted 10 to 1 sum to a multiple of 11."""
    digits = [int(digit) for digit in str(number)]
    return sum(d * w for d, w in zip(digits, range(10, 0, -1), strict=True)) % 11 == 0


def test_numbers_are_valid_different_and_of_the_test_range() -> None:
    drawn = draw_numbers(Streams(1), 0, 5_000, 5_000).tolist()
    assert len(set(drawn)) == 5_000
    assert all(str(number).startswith("999") for number in drawn)
    assert all(holds(number) for number in drawn)
    assert drawn != sorted(drawn)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**63 - 1), st.lists(st.integers(1, 3_000), min_size=1, max_size=5))
def test_parts_take_all_the_numbers_between_them_and_none_twice(
    seed: int, sizes: list[int]
) -> None:
    of = sum(sizes)
    parts = [
        draw_numbers(Streams(seed, part), sum(sizes[:part]), size, of)
        for part, size in enumerate(sizes)
    ]
    whole = draw_numbers(Streams(seed), 0, of, of)
    assert sorted(np.concatenate(parts).tolist()) == sorted(whole.tolist())
    assert len(set(whole.tolist())) == of


def test_another_seed_draws_other_numbers() -> None:
    one, other = (set(draw_numbers(Streams(seed), 0, 1_000, 1_000).tolist()) for seed in (1, 2))
    assert len(one & other) < 100


@pytest.mark.slow
def test_the_test_range_lasts_for_as_many_as_it_has_and_998_follows() -> None:
    of = VALID_IN_TEST_RANGE + 50_000
    parts = [draw_numbers(Streams(3, p), p * of // 2, of // 2, of) for p in range(2)]
    drawn = np.concatenate(parts)
    prefix = drawn // 10_000_000
    assert len(np.unique(drawn)) == len(drawn) == of // 2 * 2
    # An odd number of people is left out at most: each range is used up to that.
    assert abs((prefix == 999).sum() - VALID_IN_TEST_RANGE) <= 1
    assert set(prefix.tolist()) == {998, 999}
    # Both parts draw from both ranges: which range a number is of says little of its bearer.
    assert all((part // 10_000_000 == 998).mean() > 0.02 for part in parts)
    assert all(holds(int(number)) for number in drawn[::997])


def test_people_have_numbers_of_their_own_and_those_of_others() -> None:
    made = add_numbers(people(4_000), 0, numbers_needed(4_000), Streams(5))
    own, other, second = (made[f"{name}_number"] for name in ("nhs", "other", "second"))
    assert own.is_unique().all()
    assert other.is_in(own.implode()).all()
    assert (other != own).all()
    assert second.drop_nulls().len() == 24  # 0.6 %
    assert not second.drop_nulls().is_in(own.implode()).any()
    valid = made.select(nhs_number.is_valid(pl.col("nhs_number")).all()).item()
    assert valid


def test_half_of_the_mix_ups_are_within_a_household() -> None:
    made = add_numbers(people(30_000), 0, numbers_needed(30_000), Streams(6))
    owner = made.select(other_number="nhs_number", owner="household")
    both = made.join(owner, on="other_number")
    within = (both["household"] == both["owner"]).mean()
    # Five standard deviations of a binomial share around one half.
    assert abs(within - 0.5) < 5 * (0.25 / 30_000) ** 0.5
