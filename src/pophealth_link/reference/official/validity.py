"""From when to when a table of a pack describes the world, as its own rows tell."""

from __future__ import annotations

import re
from datetime import date, timedelta

import polars as pl

# Directories are published at least every quarter (NHS England, Organisation Data Service; Office
# for National Statistics); that one describes the year after its last event is assumed.
DIRECTORIES = ("practices", "practice_pcn", "postcodes")
_USE = timedelta(days=365)
_EVENTS = ("valid_from", "open_date", "close_date", "valid_to")
_STARTS = ("valid_from", "open_date")
_YEAR = re.compile(r"^(20\d\d)/\d\d$")
_MID_YEAR = re.compile(r"^mid-(20\d\d)$")


def validity(table: str, frame: pl.DataFrame) -> tuple[date | None, date | None]:
    """Return the first and the last day that the rows of a table describe, where they tell.

    Directories: from their first spell to a year after the last event that they know. Other tables
    with spells: from the first of them. Counts with a period: from the first day of the earliest
    one; 30 June for mid-year estimates, 1 April for a year such as 2020/21.

    >>> lists = pl.DataFrame({"period": ["2020/21"]})
    >>> validity("qof", lists)
    (datetime.date(2020, 4, 1), None)
    """
    if table in DIRECTORIES:
        last = _outer(frame, _EVENTS, last=True)
        return _outer(frame, _STARTS, last=False), last + _USE if last else None
    if "valid_from" in frame.columns:
        return _outer(frame, ("valid_from",), last=False), None
    return _first_period(frame), None


def _outer(frame: pl.DataFrame, names: tuple[str, ...], *, last: bool) -> date | None:
    held = [frame[name] for name in names if name in frame.columns]
    ends = [each.max() if last else each.min() for each in held]
    known = [each for each in ends if isinstance(each, date)]
    return (max(known) if last else min(known)) if known else None


def _first_period(frame: pl.DataFrame) -> date | None:
    if "period" not in frame.columns or "measure" in frame.columns:
        # Measures are of many periods, each told beside its values.
        return None
    days = [_begins(text) for text in frame["period"].drop_nulls().unique().sort()]
    known = [day for day in days if day]
    return min(known) if known else None


def _begins(period: str) -> date | None:
    if found := _YEAR.match(period):
        return date(int(found.group(1)), 4, 1)
    if found := _MID_YEAR.match(period):
        return date(int(found.group(1)), 6, 30)
    return date.fromisoformat(period) if re.match(r"^20\d\d-\d\d-\d\d$", period) else None
