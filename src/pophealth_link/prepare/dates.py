"""Dates of birth: the placeholders that stand for an unknown day, and days that cannot be.

Text is read by `pophealth_link.sources.dates.read_dates`, under the formats that the source states.
Which days are placeholders: general knowledge of English patient systems, and the first days of
calendars that spreadsheets and databases fill in for nothing.
"""

from __future__ import annotations

from datetime import date

import polars as pl

# Day zero of spreadsheets (1899-12-30, 1899-12-31); the defaults of older patient systems.
_UNKNOWN = (date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(1901, 1, 1))
# 11/11/11, which is quickly typed; few people alive were born on it.
_TYPED = date(1911, 11, 11)
# The oldest person whose age is beyond doubt was born in 1875 and died in 1997.
_FIRST_BIRTH = date(1875, 1, 1)
_CENTURY = "-100y"


def is_placeholder(day: pl.Expr) -> pl.Expr:
    """Return whether a date of birth is one that clerks enter when the day is not known.

    These are 1 January of any year, 11 November 1911 (11/11/11), and what is unknown.

    >>> days = pl.DataFrame({"d": [date(1980, 1, 1), date(1980, 1, 2), None]})
    >>> days.select(is_placeholder(pl.col("d")))["d"].to_list()
    [True, False, False]
    """
    new_year = (day.dt.month() == 1) & (day.dt.day() == 1)
    return (new_year | day.is_in((_TYPED, *_UNKNOWN))).fill_null(value=False)


def is_unknown(day: pl.Expr) -> pl.Expr:
    """Return whether a date of birth means "not known": 1 January 1900 or 1901, or a day zero.

    They are the defaults of older patient systems; few people alive were born on them.

    >>> days = pl.DataFrame({"d": [date(1900, 1, 1), date(1950, 1, 1)]})
    >>> days.select(is_unknown(pl.col("d")))["d"].to_list()
    [True, False]
    """
    return day.is_in(_UNKNOWN).fill_null(value=False)


def is_impossible(day: pl.Expr, latest: date | None = None) -> pl.Expr:
    """Return whether nobody in an extract can be born on the day: before 1875, or after `latest`.

    >>> days = pl.DataFrame({"d": [date(1850, 6, 1), date(2030, 6, 1), date(1990, 6, 1)]})
    >>> days.select(is_impossible(pl.col("d"), latest=date(2026, 4, 1)))["d"].to_list()
    [True, True, False]
    """
    early = day < _FIRST_BIRTH
    late = pl.lit(value=False) if latest is None else day > latest
    return (early | late).fill_null(value=False)


def in_century(day: pl.Expr, latest: date) -> pl.Expr:
    """Return dates read from years of two digits in the century in which they can lie.

    Nobody is born after `latest`: such a day is moved back by a hundred years. Whether an 8-year-
    old or one of 108 is meant cannot be told, and the younger is taken: state years in full where
    the source can.

    >>> days = pl.DataFrame({"d": [date(2045, 2, 1), date(2015, 2, 1)]})
    >>> days.select(in_century(pl.col("d"), latest=date(2026, 4, 1)))["d"].to_list()
    [datetime.date(1945, 2, 1), datetime.date(2015, 2, 1)]
    """
    return pl.when(day > latest).then(day.dt.offset_by(_CENTURY)).otherwise(day)


def standardise(day: pl.Expr, latest: date | None = None) -> pl.Expr:
    """Return a date of birth, or null where the day is unknown or impossible.

    >>> days = pl.DataFrame({"d": [date(1900, 1, 1), date(1850, 6, 1), date(1990, 6, 1)]})
    >>> days.select(standardise(pl.col("d")))["d"].to_list()
    [None, None, datetime.date(1990, 6, 1)]
    """
    return pl.when(~is_unknown(day) & ~is_impossible(day, latest)).then(day)
