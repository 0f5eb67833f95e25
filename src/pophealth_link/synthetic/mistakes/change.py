"""How a mistake changes a column: draw the rows, put other values there."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.synthetic.draws import Bools, Ints, Rng


def rows_hit(rng: Rng, rate: ArrayLike, eligible: pl.Series | Bools) -> Ints:
    """Return the numbers of the eligible rows that the mistake hits, each at its rate."""
    could = np.asarray(eligible, dtype=bool)
    return np.flatnonzero((rng.random(len(could)) < np.asarray(rate)) & could)


def replaced(records: pl.DataFrame, column: str, rows: Ints, values: pl.Series) -> pl.DataFrame:
    """Return the records with other values in those rows of one column."""
    if not len(rows):
        return records
    return records.with_columns(records[column].scatter(rows, values).alias(column))


def emptied(records: pl.DataFrame, rows: Ints, *columns: str) -> pl.DataFrame:
    """Return the records with nothing in those rows of the columns."""
    lost = np.zeros(records.height, dtype=bool)
    lost[rows] = True
    return records.with_columns(
        pl.when(pl.Series(lost)).then(None).otherwise(pl.col(name)).alias(name) for name in columns
    )


def filled(records: pl.DataFrame, column: str) -> Bools:
    """Return which rows hold something in the column."""
    return np.asarray(records[column].is_not_null().to_numpy(), dtype=bool)


def one_of_each(lists: pl.Series, rng: Rng) -> pl.Series:
    """Return one element of each list, drawn alike; null for an empty or missing list."""
    frame = pl.DataFrame({"of": lists, "level": rng.random(len(lists))})
    number = (pl.col("level") * pl.col("of").list.len()).floor().cast(pl.Int64)
    return frame.select(pl.col("of").list.get(number, null_on_oob=True)).to_series()
