"""The name lists, and draws from them by naming tradition, sex and year of birth.

A name is one of a list, or composed from parts: the lists hold what is common, the composed names
are the long tail, each of them rarer than the one before it by a power of its rank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.published import reference_file
from pophealth_link.synthetic.draws import Floats, Ints, Rng, chance, pick

_PERIOD = 5
_FIRST_YEAR, _LAST_YEAR = 1900, 2039
# People born long before or after a name was in fashion who bear it all the same.
_AT_ANY_TIME = 0.001
# Slopes of frequency against rank among rare names, fitted to published ranks: docs/synthetic.md.
_SURNAME_SLOPE = 1.5
_FORENAME_SLOPE = 1.2
# A step through the composed names, so that neighbours in rank do not look alike.
_STEPS = (999_983, 1_000_003)


@dataclass(frozen=True, slots=True)
class Parts:
    """What names are composed from: a start, at times a middle, and an end."""

    starts: pl.Series
    middles: pl.Series
    ends: pl.Series

    @property
    def short(self) -> int:
        """Number of names without a middle; they are the commoner ones."""
        return len(self.starts) * len(self.ends)

    @property
    def count(self) -> int:
        """Number of names that can be composed."""
        return self.short * (1 + len(self.middles))


@dataclass(frozen=True, slots=True)
class Tail:
    """Composed given names of a tradition and sex, and their share by year of birth.

    `listed` is the number of names in the list, which are commoner.
    """

    tradition: int
    sex: int
    listed: int
    years: Floats
    shares: Floats
    parts: Parts


@dataclass(frozen=True, slots=True)
class NameBook:
    """Forenames, surnames and what rarer ones are composed from, with the traditions in order."""

    traditions: tuple[str, ...]
    forenames: pl.DataFrame
    surnames: pl.DataFrame
    surname_parts: tuple[Parts, ...]
    tails: tuple[Tail, ...]

    def number(self, tradition: str) -> int:
        """Return the position of a tradition."""
        return self.traditions.index(tradition)


def load_names() -> NameBook:
    """Read the name lists of `reference_data`."""
    forenames = _read("names_forenames", weight=pl.Float64, peak=pl.Float64, spread=pl.Float64)
    forenames = forenames.with_columns(pl.col("sex").cast(pl.Int64))
    traditions = tuple(sorted(forenames["tradition"].unique().to_list()))
    parts = _read("names_surname_parts")
    by_tradition = tuple(_parts(parts.filter(pl.col("tradition") == name)) for name in traditions)
    surnames = _read("names_surnames", weight=pl.Float64)
    return NameBook(traditions, forenames, surnames, by_tradition, _tails(forenames, traditions))


def _tails(forenames: pl.DataFrame, traditions: Sequence[str]) -> tuple[Tail, ...]:
    """Read the shares of composed given names and the parts of each group of them."""
    key = ["tradition", "sex", "group"]
    parts = _read("names_forename_parts").partition_by(key, as_dict=True, maintain_order=True)
    shares = _read("names_tails", year=pl.Float64, share=pl.Float64)
    listed = forenames.group_by("tradition", "sex").agg(pl.col("name").n_unique())
    count = {(name, sex): number for name, sex, number in listed.iter_rows()}
    return tuple(
        Tail(
            traditions.index(str(name[0])),
            int(str(name[1])),
            count[str(name[0]), int(str(name[1]))],
            rows["year"].to_numpy(),
            rows["share"].to_numpy(),
            _parts(parts[name]),
        )
        for name, rows in shares.partition_by(key, as_dict=True, maintain_order=True).items()
    )


def _parts(rows: pl.DataFrame) -> Parts:
    start, middle, end = (
        rows.filter(pl.col("position") == position)["part"]
        for position in ("start", "middle", "end")
    )
    return Parts(start, middle, end)


def _read(name: str, **numbers: type[pl.Float64]) -> pl.DataFrame:
    rows = pl.read_csv(reference_file(f"{name}.csv"), infer_schema=False)
    return rows.with_columns(pl.col(column).cast(kind) for column, kind in numbers.items())


def draw_given(book: NameBook, tradition: Ints, sex: Ints, birth_year: Ints, rng: Rng) -> pl.Series:
    """Return a given name for each person, as common as it was when the person was born.

    `tradition` holds positions in `book.traditions`, `sex` 1 or 2, `birth_year` years.
    """
    drawn = book.forenames["name"].gather(_listed(book, tradition, sex, birth_year, rng))
    level = rng.random(len(tradition))
    for tail in book.tails:
        here = np.flatnonzero((tradition == tail.tradition) & (sex == tail.sex))
        share = np.interp(birth_year[here], tail.years, tail.shares)
        rare = here[level[here] < share]
        level[here] -= share
        level[rare] = np.inf
        if len(rare):
            names = compose(tail.parts, len(rare), tail.listed, _FORENAME_SLOPE, rng)
            drawn = drawn.scatter(rare, names)
    return drawn


def _listed(book: NameBook, tradition: Ints, sex: Ints, birth_year: Ints, rng: Rng) -> Ints:
    """Return rows of the list of forenames, drawn by what was given in those five years."""
    period = np.clip(birth_year, _FIRST_YEAR, _LAST_YEAR) // _PERIOD
    group = (tradition * 2 + (sex - 1)) * 1024 + period
    row = np.zeros(len(group), dtype=np.int64)
    order = np.argsort(group, kind="stable")
    values, first = np.unique(group[order], return_index=True)
    ends = np.append(first[1:], len(order))
    for value, start, end in zip(values, first, ends[: len(values)], strict=True):
        here = order[start:end]
        lot, years = divmod(int(value), 1024)
        middle = years * _PERIOD + _PERIOD / 2
        rows, weights = _candidates(book, lot // 2, lot % 2 + 1, middle)
        row[here] = rows[pick(rng, weights, len(here))]
    return row


def _candidates(book: NameBook, tradition: int, sex: int, year: float) -> tuple[Ints, pl.Series]:
    """Return the rows of the forenames that fit, and how common each is in that year."""
    rows = book.forenames.with_row_index("row").filter(
        (pl.col("tradition") == book.traditions[tradition]) & (pl.col("sex") == sex)
    )
    distance = ((year - pl.col("peak")) / pl.col("spread")) ** 2 / 2
    common = pl.col("weight") * ((-distance).exp().fill_null(1.0) + _AT_ANY_TIME)
    return rows["row"].to_numpy().astype(np.int64), rows.select(common.alias("w"))["w"]


def draw_surnames(
    book: NameBook, tradition: Ints, composed: dict[str, float], rng: Rng
) -> pl.Series:
    """Return a surname for each element: a listed one, or one composed from parts.

    `composed` is the share of composed surnames by tradition.
    """
    result = pl.Series([None], dtype=pl.String).new_from_index(0, len(tradition))
    for number, name in enumerate(book.traditions):
        here = np.flatnonzero(tradition == number)
        if not len(here):
            continue
        listed = book.surnames.filter(pl.col("tradition") == name)
        drawn = listed["name"].gather(pick(rng, listed["weight"], len(here)))
        parts = book.surname_parts[number]
        share = composed.get(name, 0.0) if parts.count else 0.0
        rare = np.flatnonzero(chance(rng, share, len(here)))
        if len(rare):
            names = compose(parts, len(rare), listed.height, _SURNAME_SLOPE, rng)
            drawn = drawn.scatter(rare, names)
        result = result.scatter(here, drawn)
    return result


def compose(parts: Parts, size: int, before: int, slope: float, rng: Rng) -> pl.Series:
    """Return `size` names composed from parts, the rarer the higher their rank.

    The frequency falls as (rank + `before`) to the power of -`slope`, where `before` is the number
    of commoner names that are listed; `slope` is above 1. Names without a middle come first.
    """
    rank = ranks(parts.count, size, before, slope, rng)
    long = rank >= parts.short
    place = np.where(long, _shuffled(rank - parts.short, parts.count - parts.short), 0)
    place = np.where(long, place, _shuffled(rank, parts.short))
    start, rest = np.divmod(place % parts.short, len(parts.ends))
    names = parts.starts.gather(start)
    if len(parts.middles):
        middle = np.flatnonzero(long)
        with_middle = names.gather(middle) + parts.middles.gather(place[middle] // parts.short)
        names = names.scatter(middle, with_middle)
    return names + parts.ends.gather(rest)


def ranks(count: int, size: int, before: int, slope: float, rng: Rng) -> Ints:
    """Return `size` ranks from 0 to `count` - 1, falling as (rank + `before`) ** -`slope`."""
    power = 1.0 - slope
    low, high = max(before, 1) ** power, (max(before, 1) + count) ** power
    exact = (low + rng.random(size) * (high - low)) ** (1.0 / power) - max(before, 1)
    return np.asarray(np.clip(np.floor(exact), 0, count - 1), dtype=np.int64)


def _shuffled(rank: Ints, count: int) -> Ints:
    """Return a place for each rank, no two alike below `count`, in no visible order."""
    if count == 0:
        return rank
    step = next(prime for prime in _STEPS if count % prime)
    return np.asarray(rank * step % count, dtype=np.int64)
