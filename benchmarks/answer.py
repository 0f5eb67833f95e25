"""What a system under test answers, and how it is asked: one process for each data folder.

    python -m benchmarks.some_system DATA ANSWER.parquet [--train DATA ...]

An answer has one row for each record outside the register: its best match there, how sure the
system is of it, and whether it links the two.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

ANSWER = pl.Schema(
    {
        "source": pl.String,
        "record_id": pl.String,
        # The best match on the register; null: no candidate, or a tie for the first place.
        "register_record_id": pl.String,
        # Any number that grows with certainty, comparable within a source; null without a match.
        "score": pl.Float64,
        # What the system itself would do at its own threshold and margin.
        "accepted": pl.Boolean,
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the data are, where the answer goes, and data with truth to learn from."""

    data: Path
    answer: Path
    train: tuple[Path, ...]


def main(system: Callable[[Asked], pl.DataFrame]) -> None:
    """Ask a system what the command line says, and write its answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--train", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    write(system(Asked(given.data, given.answer, tuple(given.train))), given.answer)


def write(answer: pl.DataFrame, path: Path) -> None:
    """Write an answer, ordered; refuse one that has a record twice or accepts no match."""
    rows = answer.select(pl.col(name).cast(kind) for name, kind in ANSWER.items())
    if rows.select(pl.struct("source", "record_id").is_duplicated().any()).item():
        raise ValueError("a record is in the answer more than once")
    if rows.filter(pl.col("accepted") & pl.col("register_record_id").is_null()).height:
        raise ValueError("the answer accepts a link to nobody")
    rows.sort("source", "record_id").write_parquet(path)
