"""Dates of birth: parts for comparison, and the placeholders that stand for an unknown day."""

from __future__ import annotations

import polars as pl


def is_placeholder(day: pl.Expr) -> pl.Expr:
    """Return whether a date of birth is one that clerks enter when the day is not known.

    These are 1 January of any year, and 1900-01-01 and 1901-01-01 among them.

    >>> from datetime import date
    >>> days = pl.DataFrame({"d": [date(1980, 1, 1), date(1980, 1, 2), None]})
    >>> days.select(is_placeholder(pl.col("d")))["d"].to_list()
    [True, False, False]
    """
    return ((day.dt.month() == 1) & (day.dt.day() == 1)).fill_null(value=False)


def is_unknown(day: pl.Expr) -> pl.Expr:
    """Return whether a date of birth means "not known": 1 January 1900 or 1901.

    Both are the defaults of older patient systems; few people alive were born on them.
    """
    return is_placeholder(day) & day.dt.year().is_in([1900, 1901])
