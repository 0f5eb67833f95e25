"""How a mistake changes a column: draw the rows, put other values there."""

from __future__ import annotations

from collections.abc import Mapping

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


def copied(records: pl.DataFrame, rows: Ints, columns: Mapping[str, str]) -> pl.DataFrame:
    """Return the records with the values of other columns (`columns[name]`) in those rows."""
    for name, other in columns.items():
        records = replaced(records, name, rows, records[other].gather(rows))
    return records


def emptied(records: pl.DataFrame, rows: Ints, *columns: str) -> pl.DataFrame:
    """Return the records with nothing in those rows of the columns."""
    if not len(rows):
        return records
    lost = np.zeros(records.height, dtype=bool)
    lost[rows] = True
    return records.with_columns(
        pl.when(pl.Series(lost)).then(None).otherwise(pl.col(name)).alias(name) for name in columns
    )


def filled(records: pl.DataFrame, *columns: str) -> Bools:
    """Return which rows hold something in every one of the columns."""
    full = records.select(pl.all_horizontal(pl.col(columns).is_not_null())).to_series()
    return np.asarray(full.to_numpy(), dtype=bool)


def met(records: pl.DataFrame, condition: pl.Expr) -> Bools:
    """Return which rows meet the condition; where it is not known they do not."""
    held = records.select(condition.fill_null(value=False).alias("met")).to_series()
    return np.asarray(held.to_numpy(), dtype=bool)


def one_of_each(lists: pl.Series, rng: Rng) -> pl.Series:
    """Return one element of each list, drawn alike; null for an empty or missing list."""
    frame = pl.DataFrame({"of": lists, "level": rng.random(len(lists))})
    number = (pl.col("level") * pl.col("of").list.len()).floor().cast(pl.Int64)
    return frame.select(pl.col("of").list.get(number, null_on_oob=True)).to_series()


def looked_up(names: pl.Series, book: pl.DataFrame) -> pl.Series:
    """Return for each name what `book` (columns `name`, `others`) has for it; null if nothing."""
    wanted = names.alias("name").to_frame()
    return wanted.join(book, on="name", how="left", maintain_order="left")["others"]
