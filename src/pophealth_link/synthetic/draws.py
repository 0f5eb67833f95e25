"""Random draws on whole columns: seeded streams, categories, counts, triangles."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Streams:
    """Independent generators of one seed and one part of the people, one for each named stage.

    A stage that is added or changed leaves the draws of the others as they were.
    """

    seed: int
    part: int = 0

    @property
    def whole(self) -> Streams:
        """The streams of what is the same in every part."""
        return Streams(self.seed)

    def stage(self, name: str) -> Rng:
        """Return the generator of the stage; the same name gives the same draws."""
        key = (_number(name), self.part) if self.part else (_number(name),)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def normal_of_each(codes: pl.Series, streams: Streams, stage: str) -> Floats:
    """Return a standard normal draw for each element, alike for elements with the same code.

    A code has the same draw in every part of the people and whatever other codes there are; an
    empty one has its own.

    >>> drawn = normal_of_each(pl.Series(["B", "A", "B"]), Streams(1, part=2), "organisations")
    >>> bool(drawn[0] == drawn[2] == normal_of_each(pl.Series(["B"]), Streams(1), "organisations"))
    True
    """
    known = codes.unique().sort()
    start = streams.whole.stage(f"{stage} of each").integers(2**63, size=2, dtype=np.uint64)
    number = np.array([_number(code or "") for code in known], dtype=np.uint64)
    first, second = (_scattered(number + each) for each in start)
    # Box and Muller, Annals of Mathematical Statistics 1958: two even draws make a normal one.
    values = pl.Series(np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second))
    drawn = codes.replace_strict(known, values, return_dtype=pl.Float64)
    return np.asarray(drawn.to_numpy(), dtype=float)


def _scattered(numbers: NDArray[np.uint64]) -> Floats:
    """Return an even draw above 0 and up to 1 for each number, the same for the same number.

    The mixing of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    """
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(((mixed >> np.uint64(11)) + np.uint64(1)) / 2.0**53, dtype=float)


def _number(name: str) -> int:
    return zlib.crc32(name.encode())


def chance(rng: Rng, probability: ArrayLike, size: int | None = None) -> Bools:
    """Return whether each event happens, given its probability (or one for all of `size`)."""
    p = np.asarray(probability, dtype=float)
    happens: Bools = rng.random(p.shape if size is None else size) < p
    return happens


def pick(rng: Rng, weights: ArrayLike, size: int) -> Ints:
    """Return `size` positions of `weights`, each as likely as its weight."""
    reached = np.cumsum(np.asarray(weights, dtype=float))
    drawn = np.searchsorted(reached, rng.random(size) * reached[-1], side="right")
    return np.asarray(np.minimum(drawn, len(reached) - 1), dtype=np.int64)


def pick_key(rng: Rng, weights: Mapping[str, float], size: int) -> NDArray[Any]:
    """Return `size` keys of `weights`, each as likely as its weight."""
    return np.array(list(weights))[pick(rng, list(weights.values()), size)]


def pick_by_row(rng: Rng, table: Floats, rows: Ints) -> Ints:
    """Return, for each element of `rows`, a column of that row of `table`, by its weights."""
    return columns_at(table, rows, rng.random(len(rows)))


def pick_evenly_by_row(rng: Rng, table: Floats, rows: Ints) -> Ints:
    """Return columns as :func:`pick_by_row` does, but in counts as near to the weights as can be.

    Systematic sampling within each row: the draws of a row are spread evenly over its weights.
    """
    order = np.lexsort((rng.random(len(rows)), rows))
    count = np.bincount(rows, minlength=len(table))
    rank = np.empty(len(rows), dtype=np.int64)
    rank[order] = positions(count)
    level = (rank + rng.random(len(table))[rows]) / count[rows]
    return columns_at(table, rows, level)


def columns_at(table: Floats, rows: Ints, level: Floats) -> Ints:
    """Return the column at which each row's share of weight passes `level` (0 to 1)."""
    reached = np.cumsum(table, axis=1)
    reached /= reached[:, -1:]
    # Rows laid end to end, each 2 long so that its last column and the next row stay apart.
    line = (reached + 2 * np.arange(len(table))[:, None]).ravel()
    found = np.searchsorted(line, 2 * rows + level, side="right") - rows * table.shape[1]
    return np.asarray(np.clip(found, 0, table.shape[1] - 1), dtype=np.int64)


def positions(counts: ArrayLike) -> Ints:
    """Return 0, 1, 2 … within each group, given the sizes of the groups.

    >>> positions([2, 3]).tolist()
    [0, 1, 0, 1, 2]
    """
    sizes = np.asarray(counts, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    return np.arange(sizes.sum(), dtype=np.int64) - np.repeat(starts, sizes)


def running_total(values: Ints, counts: ArrayLike) -> Ints:
    """Return the running total of `values` within each group, given the sizes of the groups.

    >>> running_total(np.array([1, 2, 5, 1]), [2, 2]).tolist()
    [1, 3, 5, 6]
    """
    sizes = np.asarray(counts, dtype=np.int64)
    total = np.cumsum(values, dtype=np.int64)
    starts = (np.cumsum(sizes) - sizes)[sizes > 0]
    before = np.concatenate([[0], total])[starts]
    return np.asarray(total - np.repeat(before, sizes[sizes > 0]), dtype=np.int64)


def triangle(rng: Rng, low_mode_high: ArrayLike, size: int) -> Floats:
    """Return `size` draws of a triangular distribution: lowest, most common, highest."""
    low, mode, high = np.asarray(low_mode_high, dtype=float)
    return rng.triangular(low, mode, high, size)


def portions(weights: ArrayLike, total: int) -> Ints:
    """Share `total` out in whole numbers in proportion to `weights` (largest remainders).

    >>> portions([1, 1, 2], 7).tolist()
    [2, 2, 3]
    """
    share = np.asarray(weights, dtype=float)
    exact = share / share.sum() * total
    whole: Ints = np.floor(exact).astype(np.int64)
    order = np.lexsort((np.arange(len(exact)), -(exact - whole)))
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def lowest_keys(rng: Rng, weights: Floats, count: int) -> Ints:
    """Return `count` positions drawn without replacement, by weight, in order.

    Exponential keys (Efraimidis and Spirakis, Information Processing Letters 2006).
    """
    keys = rng.exponential(size=len(weights)) / np.maximum(weights, 1e-12)
    return np.asarray(np.sort(np.argsort(keys, kind="stable")[:count]), dtype=np.int64)
