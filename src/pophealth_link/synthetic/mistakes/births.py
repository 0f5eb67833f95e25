"""Mistakes in dates of birth. See `names` for what a mistake takes and returns."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.synthetic.draws import Ints, Rng, pick
from pophealth_link.synthetic.mistakes.change import emptied, filled, met, replaced, rows_hit

_BORN = "date_of_birth"
_PLACEHOLDER = date(1900, 1, 1)
_EARLIEST_YEAR = 1901


def swap_day_and_month(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write day and month in each other's place, where both readings are dates."""
    born = pl.col(_BORN)
    could = (born.dt.day() <= 12) & (born.dt.day() != born.dt.month())
    # A child's date would lie in the future in some cases.
    rows = rows_hit(rng, rate, met(records, could & (pl.col("age_days") > 366)))
    some = records[_BORN].gather(rows)
    swapped = _dates(some.dt.year(), some.dt.day(), some.dt.month())
    return replaced(records, _BORN, rows, swapped)


def swap_year_digits(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the last two digits of the year in each other's place (1967, 1976)."""
    year = pl.col(_BORN).dt.year()
    other = year - year % 100 + year % 10 * 10 + year // 10 % 10
    # A later year must leave the person a year old at least.
    past = (other - year + 1) * 366 < pl.col("age_days")
    could = (other != year) & (other >= _EARLIEST_YEAR) & past
    rows = rows_hit(rng, rate, met(records, could))
    some = records[rows]
    swapped = some.select(other).to_series()
    month, day = some[_BORN].dt.month(), some[_BORN].dt.day()
    return replaced(records, _BORN, rows, _dates(swapped, month, _in_any_year(day, month)))


def enter_first_of_january(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write 1 January of the year, as is done where the day is not known."""
    rows = rows_hit(rng, rate, met(records, pl.col(_BORN).dt.ordinal_day() > 1))
    year = records[_BORN].gather(rows).dt.year()
    first = pl.Series(np.ones(len(rows), dtype=np.int64))
    return replaced(records, _BORN, rows, _dates(year, first, first))


def enter_placeholder_date(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write 1 January 1900, which a system demanded in place of nothing."""
    rows = rows_hit(rng, rate, met(records, pl.col(_BORN) != _PLACEHOLDER))
    return replaced(records, _BORN, rows, pl.Series([_PLACEHOLDER] * len(rows), dtype=pl.Date))


def mistype_birth_date(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write another day, month or year: one part is wrong."""
    rows = rows_hit(rng, rate, filled(records, _BORN))
    some = records[_BORN].gather(rows)
    day, month, year = (part.to_numpy().astype(np.int64) for part in
                        (some.dt.day(), some.dt.month(), some.dt.year()))  # fmt: skip
    part = pick(rng, [0.45, 0.2, 0.35], len(rows))
    day = np.where(part == 0, _other(day, 28, rng), day)
    month = np.where(part == 1, _other(month, 12, rng), month)
    wrong_year = year - np.array([1, 2, 10])[pick(rng, [0.5, 0.2, 0.3], len(rows))]
    year = np.where(part == 2, wrong_year, year)
    # A young child's date could come to lie in the future: then the year is wrong as well.
    infant = records["age_days"].gather(rows).to_numpy() < 366
    year = np.where((part < 2) & infant, year - 1, year)
    day = np.where(part == 0, day, np.minimum(day, 28))
    typed = _dates(pl.Series(year), pl.Series(month), pl.Series(day))
    return replaced(records, _BORN, rows, typed)


def lose_birth_date(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave the date of birth empty."""
    return emptied(records, rows_hit(rng, rate, filled(records, _BORN)), _BORN)


def _other(value: Ints, highest: int, rng: Rng) -> Ints:
    """Return another number from 1 to `highest`, near or at random alike."""
    step = rng.integers(1, highest, len(value))
    near = np.where(rng.random(len(value)) < 0.6, 1, step)
    return np.asarray((np.minimum(value, highest) - 1 + near) % highest + 1, dtype=np.int64)


def _in_any_year(day: pl.Series, month: pl.Series) -> pl.Series:
    """Return the days, 28 for 29 February, which few years have."""
    leap = (month == 2) & (day == 29)
    return pl.select(pl.when(leap).then(28).otherwise(day)).to_series()


def _dates(year: pl.Series, month: pl.Series, day: pl.Series) -> pl.Series:
    parts = pl.DataFrame({"year": year, "month": month, "day": day})
    return parts.select(pl.date("year", "month", "day").alias(_BORN)).to_series()
