"""The name lists, and draws from them by naming tradition, sex and year of birth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.published import reference_file
from pophealth_link.synthetic.draws import Ints, Rng, chance, pick

_DECADE = 10


@dataclass(frozen=True, slots=True)
class NameBook:
    """Forenames, surnames and parts of surnames, with the traditions in order."""

    traditions: tuple[str, ...]
    forenames: pl.DataFrame
    surnames: pl.DataFrame
    parts: pl.DataFrame

    def number(self, tradition: str) -> int:
        """Return the position of a tradition."""
        return self.traditions.index(tradition)


def load_names() -> NameBook:
    """Read the name lists of `reference_data`."""
    forenames = _read("names_forenames", weight=pl.Float64, peak=pl.Float64, spread=pl.Float64)
    surnames = _read("names_surnames", weight=pl.Float64)
    traditions = tuple(sorted(forenames["tradition"].unique().to_list()))
    forenames = forenames.with_columns(pl.col("sex").cast(pl.Int64))
    return NameBook(traditions, forenames, surnames, _read("names_surname_parts"))


def _read(name: str, **numbers: type[pl.Float64]) -> pl.DataFrame:
    rows = pl.read_csv(reference_file(f"{name}.csv"), infer_schema=False)
    return rows.with_columns(pl.col(column).cast(kind) for column, kind in numbers.items())


def draw_given(book: NameBook, tradition: Ints, sex: Ints, birth_year: Ints, rng: Rng) -> pl.Series:
    """Return a given name for each person, as common as it was when the person was born."""
    decade = np.clip(birth_year // _DECADE, 190, 203)
    group = (tradition * 2 + (sex - 1)) * 256 + decade
    number = np.zeros(len(group), dtype=np.int64)
    for value in np.unique(group):
        here = np.flatnonzero(group == value)
        lot, years = divmod(int(value), 256)
        rows, weights = _candidates(book, *divmod(lot, 2), years * _DECADE + _DECADE / 2)
        number[here] = rows[pick(rng, weights, len(here))]
    return book.forenames["name"].gather(number)


def _candidates(
    book: NameBook, tradition: int, sex_less_one: int, year: float
) -> tuple[Ints, pl.Series]:
    """Return the rows of the forenames that fit, and how common each is in that year."""
    rows = book.forenames.with_row_index("row").filter(
        (pl.col("tradition") == book.traditions[tradition]) & (pl.col("sex") == sex_less_one + 1)
    )
    distance = ((year - pl.col("peak")) / pl.col("spread")) ** 2 / 2
    common = pl.col("weight") * ((-distance).exp().fill_null(1.0) + 0.004)
    return rows["row"].to_numpy().astype(np.int64), rows.select(common.alias("w"))["w"]


def draw_surnames(
    book: NameBook, tradition: Ints, composed: dict[str, float], rng: Rng
) -> pl.Series:
    """Return a surname for each element: a listed one, or one composed from parts.

    `composed` is the share of composed surnames by tradition. Their parts are drawn unevenly, so
    that some are common and most are rare.
    """
    result = pl.Series([None], dtype=pl.String).new_from_index(0, len(tradition))
    for number, name in enumerate(book.traditions):
        here = np.flatnonzero(tradition == number)
        if not len(here):
            continue
        listed = book.surnames.filter(pl.col("tradition") == name)
        drawn = listed["name"].gather(pick(rng, listed["weight"], len(here)))
        tail = np.flatnonzero(chance(rng, composed.get(name, 0.0), len(here)))
        if len(tail):
            drawn = drawn.scatter(tail, _compose(book, name, len(tail), rng))
        result = result.scatter(here, drawn)
    return result


def _compose(book: NameBook, tradition: str, size: int, rng: Rng) -> pl.Series:
    rows = book.parts.filter(pl.col("tradition") == tradition)
    starts, ends = (rows.filter(pl.col("position") == p)["part"] for p in ("start", "end"))
    first = starts.gather((rng.random(size) ** 1.7 * len(starts)).astype(np.int64))
    last = ends.gather((rng.random(size) ** 1.7 * len(ends)).astype(np.int64))
    return first + last
