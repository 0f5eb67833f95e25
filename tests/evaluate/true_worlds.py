"""The worlds of the benchmark of estimates, and what is true in them."""

import polars as pl
from benchmarks.quality_worlds import (
    RECORD,
    World,
    holding,
    relinked,
    without_numbers,
    world,
    worn,
)

from pophealth_link.evaluate.accuracy import grade
from pophealth_link.link import Links
from pophealth_link.privacy import Key

__all__ = ["RECORD", "World", "holding", "relinked", "without_numbers", "world", "worn"]

KEY = Key(b"a key for tests, 16+")


def graded(links: Links, truth: pl.DataFrame) -> pl.DataFrame:
    """Records outside the register with linkable, linked, correct."""
    return grade(links.person_index, truth)


def true_recall(graded_rows: pl.DataFrame, records: pl.DataFrame | None = None) -> float:
    """Share of the linkable that are linked to their person, among all or the given records."""
    rows = graded_rows if records is None else graded_rows.join(records, on=RECORD, how="semi")
    return rows.filter("linkable")["correct"].mean()
