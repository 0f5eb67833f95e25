"""Mistakes in NHS numbers. See `names` for what a mistake takes and returns."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.synthetic.draws import Ints, Rng
from pophealth_link.synthetic.mistakes.change import copied, emptied, filled, replaced, rows_hit
from pophealth_link.synthetic.nhs_numbers import check_digits

_NUMBER = "nhs_number"
# Digits after the prefix of the test range, without the check digit.
_FREE_DIGITS = 6


def lose_nhs_number(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave the NHS number empty."""
    return emptied(records, rows_hit(rng, rate, filled(records, _NUMBER)), _NUMBER)


def borrow_nhs_number(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the valid number of somebody else, of the family as often as of a stranger."""
    rows = rows_hit(rng, rate, filled(records, _NUMBER, "other_number"))
    return copied(records, rows, {_NUMBER: "other_number"})


def mistype_nhs_number(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a valid number that is another in one digit and in the check digit that follows."""
    rows = rows_hit(rng, rate, filled(records, _NUMBER))
    stems = records[_NUMBER].gather(rows).cast(pl.Int64).to_numpy() // 10
    typed = _one_digit_other(stems, rng)
    # One stem in eleven has no check digit: another digit is wrong then.
    while len(again := np.flatnonzero(check_digits(typed) > 9)):
        typed[again] = _one_digit_other(stems[again], rng)
    values = pl.Series(typed * 10 + check_digits(typed)).cast(pl.String)
    return replaced(records, _NUMBER, rows, values)


def spoil_nhs_number(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a number whose check digit does not hold: one digit is wrong."""
    rows = rows_hit(rng, rate, filled(records, _NUMBER))
    number = records[_NUMBER].gather(rows).cast(pl.Int64).to_numpy()
    place = 10 ** rng.integers(0, _FREE_DIGITS + 1, len(rows))
    digit = number // place % 10
    # Modulus 11 finds every single wrong digit: no weight is a multiple of 11.
    other = (digit + rng.integers(1, 9, len(rows), endpoint=True)) % 10
    return replaced(
        records, _NUMBER, rows, pl.Series(number + (other - digit) * place).cast(pl.String)
    )


def _one_digit_other(stems: Ints, rng: Rng) -> Ints:
    place = 10 ** rng.integers(0, _FREE_DIGITS, len(stems))
    digit = stems // place % 10
    other = (digit + rng.integers(1, 9, len(stems), endpoint=True)) % 10
    return np.asarray(stems + (other - digit) * place, dtype=np.int64)
