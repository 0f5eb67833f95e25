"""Small pieces from which events are made: days, numbers of events, ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Ints, Rng


@dataclass(frozen=True, slots=True)
class ServiceUse:
    """The people of a service, in order, and what happened to them, by table.

    Each table has a column `person` in place of `record_id`.
    """

    persons: Ints
    events: Mapping[str, pl.DataFrame] = field(repr=False)


def as_dates(day: Ints, known: Bools | None = None) -> pl.Series:
    """Return days since 1970 as dates; null where `known` is given and false."""
    dates = pl.Series(np.asarray(day).astype(np.int32)).cast(pl.Date)
    if known is None:
        return dates
    return pl.select(pl.when(pl.Series(known)).then(dates)).to_series()


def end_dates(people: pl.DataFrame, end: Ints, known: Bools) -> pl.Series:
    """Return the ends of what began for each row of people; null for what goes on.

    It ends on day `end` where that is known and not in the future, and at the latest with the
    person's death or departure.
    """
    last, gone = people["last_day"].to_numpy(), people["gone"].to_numpy()
    ended = known & (end <= last)
    return as_dates(np.where(ended, end, last), known=ended | gone)


def some_day(rng: Rng, first: Ints, last: Ints) -> Ints:
    """Return a day from `first` to `last`, each as likely; `last` where it comes before."""
    span = np.maximum(last - first, 0) + 1
    day = first + np.floor(rng.random(len(span)) * span).astype(np.int64)
    return np.asarray(np.minimum(day, np.maximum(first, last)), dtype=np.int64)


def with_ids(events: pl.DataFrame, column: str, letter: str) -> pl.DataFrame:
    """Add ids such as `R0000001`, in the order of the events."""
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7)
    return events.with_columns((pl.lit(letter) + number).alias(column))
