"""The ceiling: a supervised classifier that learned from the truth of other data.

    python -m benchmarks.ceiling DATA ANSWER.parquet --train DATA2 [DATA3]

It sees the library's comparisons and whatever else the same records tell, and knows from truth
what each is worth: no unsupervised model of these identifiers can be expected to find more at the
same share of false links. The truth of DATA is not read. A valid NHS number links first, checked
as the library does; the score of all other matches is the logit of their chance to be right.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.answer import Asked, main
from benchmarks.ceiling_choice import best_matches, scored_with
from benchmarks.ceiling_context import in_context
from benchmarks.ceiling_learning import Learned, Seen, learn, see, unlinked
from benchmarks.ceiling_rows import Known, know

_BY_NUMBER = 100.0


def ceiling(asked: Asked) -> pl.DataFrame:
    """Return the answer to `asked.data` of a model that learned from `asked.train`."""
    return judge(asked.data, learn(asked.train))


def judge(folder: Path, learned: Learned) -> pl.DataFrame:
    """Return the answer for the records of a data folder."""
    known = know(folder)
    records = unlinked(known)
    seen = see(known, records, learned.sources)
    facts = records.select("source", "unique_people", rid_r="rid")
    best = best_matches(score(seen, learned), facts, known.linked, known.asked)
    matched = best.with_columns(scored_with(learned.slope, learned.intercept)).join(
        facts, on="rid_r"
    )
    least = pl.col("source").replace_strict(
        dict(learned.thresholds), default=learned.otherwise, return_dtype=pl.Float64
    )
    found = matched.select("rid_l", "rid_r", "score", accepted=pl.col("score") >= least)
    by_number = known.linked.select(
        "rid_l", "rid_r", score=pl.lit(_BY_NUMBER), accepted=pl.lit(value=True)
    )
    return _named(pl.concat([found, by_number]), known)


def score(seen: Seen, learned: Learned) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `score` of the best few candidates of each record."""
    first = seen.pairs.with_columns(logit=learned.first.logit(seen.pairs))
    around = in_context(first, seen.known, seen.asked).drop("logit")
    pairs = first.join(around, on=["rid_l", "rid_r"]).sort("rid_r", "rid_l")
    return pairs.select("rid_l", "rid_r", score=pl.Series(learned.second.logit(pairs)))


def _named(found: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Return one row for each record outside the register, matches named by the ids of records."""
    register = known.people.select(rid_l="rid", register_record_id="record_id")
    return (
        known.asked.select("source", "record_id", rid_r="rid")
        .join(found, on="rid_r", how="left")
        .join(register, on="rid_l", how="left")
        .with_columns(pl.col("accepted").fill_null(value=False))
    )


if __name__ == "__main__":
    main(ceiling)
