"""NHS numbers with a modulus-11 check digit, from the range set aside for tests."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Ints, Rng

_WEIGHTS = np.array([10, 9, 8, 7, 6, 5, 4, 3, 2])
_TEST_RANGE = 999
_BLOCK = 1_000_000


def check_digits(stems: Ints) -> Ints:
    """Return the check digit of nine-digit stems; 10 means that the stem makes no valid number.

    Modulus 11 (NHS Data Model and Dictionary, NHS NUMBER).

    >>> check_digits(np.array([943476591])).tolist()
    [9]
    """
    digits = stems[:, None] // 10 ** np.arange(8, -1, -1) % 10
    return np.asarray((11 - digits @ _WEIGHTS % 11) % 11, dtype=np.int64)


def draw_numbers(count: int, rng: Rng) -> Ints:
    """Return `count` different valid numbers, in random order.

    They come from 999 000 0000 to 999 999 9999, which is set aside for tests and holds 909,091.
    Larger populations go on downwards from 998: the numbers issued in England and Wales begin
    with 3, 4, 6 or 7.
    """
    blocks: list[Ints] = []
    for prefix in range(_TEST_RANGE, 899, -1):
        stems = prefix * _BLOCK + np.arange(_BLOCK, dtype=np.int64)
        check = check_digits(stems)
        numbers = (stems * 10 + check)[check < 10]
        blocks.append(rng.permutation(numbers)[: count - sum(map(len, blocks))])
        if sum(map(len, blocks)) == count:
            break
    return rng.permutation(np.concatenate(blocks))


def as_text(numbers: Ints) -> pl.Series:
    """Return numbers as text of ten digits."""
    return pl.Series("nhs_number", numbers).cast(pl.String)
