"""NHS numbers with a modulus-11 check digit, from the range set aside for tests."""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Ints, Rng, Streams

_WEIGHTS = np.array([10, 9, 8, 7, 6, 5, 4, 3, 2])
_TEST_RANGE = 999
_BLOCK = 1_000_000
# Numbers beside the people's own: second numbers of people whom a register holds twice.
_SECOND = 0.006
# The golden section spreads every run of positions evenly over all numbers.
_SPREAD = 0.6180339887


def check_digits(stems: Ints) -> Ints:
    """Return the check digit of nine-digit stems; 10 means that the stem makes no valid number.

    Modulus 11 (NHS Data Model and Dictionary, NHS NUMBER).

    >>> check_digits(np.array([943476591])).tolist()
    [9]
    """
    digits = stems[:, None] // 10 ** np.arange(8, -1, -1) % 10
    return np.asarray((11 - digits @ _WEIGHTS % 11) % 11, dtype=np.int64)


def draw_numbers(streams: Streams, first: int, count: int, of: int) -> Ints:
    """Return `count` different valid numbers in random order, unlike those of the other parts.

    All parts together draw `of` numbers; this one takes those from `first` on in an order that the
    seed gives. They come from 999 000 0000 to 999 999 9999, which is set aside for tests and holds
    909,091. More than that go on downwards from 998: the numbers issued in England and Wales begin
    with 3, 4, 6 or 7.

    >>> draw_numbers(Streams(1), 0, 3, 3).tolist() == draw_numbers(Streams(1), 0, 3, 3).tolist()
    True
    """
    place = _places(streams, first, count, of)
    drawn = np.zeros(count, dtype=np.int64)
    before, prefix = 0, _TEST_RANGE
    while before < of:
        numbers = _block(prefix, streams.whole.stage(f"nhs numbers {prefix}"))
        here = (place >= before) & (place < before + len(numbers))
        drawn[here] = numbers[place[here] - before]
        before, prefix = before + len(numbers), prefix - 1
    return streams.stage("nhs numbers").permutation(drawn)


def _places(streams: Streams, first: int, count: int, of: int) -> Ints:
    """Return `count` places out of `of`: a bijection, so that no two parts share one."""
    step = max(1, int(of * _SPREAD))
    while gcd(step, of) > 1:
        step += 1
    start = int(streams.whole.stage("nhs number places").integers(of))
    return np.asarray((start + step * np.arange(first, first + count)) % of, dtype=np.int64)


def _block(prefix: int, rng: Rng) -> Ints:
    """Return the valid numbers that begin with a prefix of three digits, in random order."""
    stems = prefix * _BLOCK + np.arange(_BLOCK, dtype=np.int64)
    check = check_digits(stems)
    return rng.permutation((stems * 10 + check)[check < 10])


def numbers_needed(people: int) -> int:
    """Return how many numbers a part with so many people draws."""
    return people + ceil(people * _SECOND)


def add_numbers(people: pl.DataFrame, first: int, of: int, streams: Streams) -> pl.DataFrame:
    """Add nhs_number, other_number (of somebody else) and second_number (null for most people).

    The part takes `numbers_needed` of the `of` numbers of all parts, from `first` on.
    """
    size = people.height
    drawn = as_text(draw_numbers(streams, first, numbers_needed(size), of))
    numbers, spare = drawn[:size], drawn[size:]
    rng = streams.stage("other nhs numbers")
    twice = rng.choice(size, len(spare), replace=False)
    empty = pl.Series("second_number", [None], dtype=pl.String).new_from_index(0, size)
    return people.with_columns(
        numbers.alias("nhs_number"),
        numbers.gather(_others(people, rng)).alias("other_number"),
        empty.scatter(twice, spare).alias("second_number"),
    )


def _others(people: pl.DataFrame, rng: Rng) -> Ints:
    """Return the row of somebody else: half of the mix-ups are within a household."""
    size, household = people.height, people["household"].to_numpy()
    beside = np.where(np.roll(household, -1) == household, 1, -1)
    anybody = rng.integers(1, max(2, size), size)
    step = np.where(rng.random(size) < 0.5, beside, anybody)
    return np.asarray((np.arange(size) + step) % size, dtype=np.int64)


def as_text(numbers: Ints) -> pl.Series:
    """Return numbers as text of ten digits."""
    return pl.Series("nhs_number", numbers).cast(pl.String)
