"""How many true pairs are never compared: by the library's blocking rules, and by the ceiling.

    python -m benchmarks.ceiling_loss DATA

What blocking loses no model can find. Counted over the records that the NHS number does not link;
the truth of DATA is read, so this is no part of a system's answer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from benchmarks.ceiling_candidates import by_library, candidates
from benchmarks.ceiling_learning import unlinked
from benchmarks.ceiling_rows import ELSEWHERE, Known, know
from benchmarks.extracts import truth

_KEY = ["source", "record_id"]
_PAIR = ["rid_l", "rid_r"]


def loss(folder: Path) -> pl.DataFrame:
    """Return source, linkable, lost_by_library, lost: records of which no true pair is compared.

    `linkable` are the records that the NHS number does not link and whose person is on the
    register; one row for each source, then one for all.
    """
    known = know(folder)
    asked = unlinked(known)
    pairs = _true_pairs(known, asked, folder)
    own = known.rows.filter(pl.col("origin") != ELSEWHERE)
    found = {
        "lost_by_library": by_library(own, asked),
        "lost": candidates(known.rows, asked).select(_PAIR),
    }
    rows = pairs.select("source", "rid_r").unique()
    for name, proposed in found.items():
        kept = pairs.join(proposed, on=_PAIR, how="semi").select("rid_r").unique()
        lost = rows.join(kept, on="rid_r", how="anti").select("rid_r", pl.lit(1).alias(name))
        rows = rows.join(lost, on="rid_r", how="left").with_columns(pl.col(name).fill_null(0))
    counts = (pl.len().alias("linkable"), *(pl.col(name).sum() for name in found))
    each = rows.group_by("source").agg(counts).sort("source")
    return pl.concat([each, rows.select(pl.lit("all").alias("source"), *counts)])


def _true_pairs(known: Known, asked: pl.DataFrame, folder: Path) -> pl.DataFrame:
    who = truth(folder).select(*_KEY, "person_id")
    people = known.people.join(who, on=_KEY).select("person_id", rid_l="rid")
    records = asked.join(who, on=_KEY).select("person_id", "source", rid_r="rid")
    return people.join(records, on="person_id").select(*_PAIR, "source")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    with pl.Config(tbl_rows=-1):
        print(loss(parser.parse_args().data))
