"""This library as its users run it: the shipped model and the default settings.

    python -m benchmarks.pophealth DATA ANSWER.parquet

The score of a link by NHS number or by a deterministic pass stands above all match weights, the
stricter pass above the next, as the order of the passes has it. Below them it is the match weight
in bits: sweeping it is changing `accept_probability`, the margin and the rule of one record a
person staying as they are.
"""

from __future__ import annotations

import polars as pl

from benchmarks.answer import ANSWER, Asked, main
from benchmarks.extracts import extracts, register
from pophealth_link.link import Links, LinkSpec, People, link
from pophealth_link.link.linkage import PROBABILISTIC

# No pair of records agrees in so much that its match weight comes near, in bits.
_ABOVE_WEIGHTS = 1000.0
_RECORD = ["source", "record_id"]
_PERSON = ["source", "register_record_id"]
# Of a record whose best candidate is one of these, another threshold would change nothing.
_BARRED = ["cannot_link", "death_before_contact", "reviewed_no", "register_duplicate"]


def pophealth(asked: Asked) -> pl.DataFrame:
    people = extracts(asked.data)
    spec = LinkSpec()
    return answers(link(people, spec), people, spec.margin)


def answers(links: Links, people: list[People], margin: float) -> pl.DataFrame:
    """Return one row per record outside the register: who it is linked to, or next would be."""
    pairs = links.pairs.filter(pl.col("source_l") == register(people).source).select(
        source="source_r",
        record_id="record_id_r",
        register_record_id="record_id_l",
        score=_score(links.passes),
        decision="decision",
        weighed=pl.col("pass") == PROBABILISTIC,
    )
    accepted = pairs.filter(pl.col("decision") == "accepted")
    next_best = _next_best(pairs.filter("weighed").join(accepted, on=_RECORD, how="anti"), margin)
    once = {each.source for each in people if each.unique_people}
    free = _unclaimed(next_best, accepted, once)
    best = pl.concat([_plain(accepted, linked=True), _plain(free, linked=False)])
    others = links.person_index.filter(pl.col("source") != register(people).source)
    return (
        others.select(_RECORD)
        .join(best, on=_RECORD, how="left")
        .with_columns(pl.col("accepted").fill_null(value=False))
        .select(ANSWER.names())
    )


def _score(passes: tuple[str, ...]) -> pl.Expr:
    """Return the match weight where a model spoke; above it, the earlier the pass the higher."""
    order = {name: _ABOVE_WEIGHTS - place for place, name in enumerate(passes)}
    placed = pl.col("pass").replace_strict(order, return_dtype=pl.Float64)
    return pl.when(pl.col("pass") == PROBABILISTIC).then("match_weight").otherwise(placed)


def _plain(rows: pl.DataFrame, *, linked: bool) -> pl.DataFrame:
    return rows.select(
        *_RECORD, "register_record_id", pl.lit(linked).alias("accepted"), pl.col("score")
    )


def _next_best(pairs: pl.DataFrame, margin: float) -> pl.DataFrame:
    """Return the best candidate of each record that was left unlinked for its weight alone.

    One that is not `margin` ahead of the second stays unlinked at any threshold, and so does one
    whose best lost to another record or is barred.
    """
    open_pairs = pairs.filter(~pl.col("decision").is_in(_BARRED))
    second = pl.col("score").top_k(2).min().over(_RECORD)
    alone = pl.len().over(_RECORD) == 1
    best = open_pairs.filter(
        (pl.col("score") == pl.col("score").max().over(_RECORD))
        & (alone | (pl.col("score") - second >= margin))
    )
    return best.filter(pl.col("decision").is_in(["review", "rejected"]))


def _unclaimed(best: pl.DataFrame, accepted: pl.DataFrame, once: set[str]) -> pl.DataFrame:
    """Leave out, in sources of unique people, all but the surest of those who claim one person."""
    single = pl.col("source").is_in(once)
    top = pl.col("score") == pl.col("score").max().over(_PERSON)
    sole = top & (top.sum().over(_PERSON) == 1)
    held = best.filter(single).join(accepted, on=_PERSON, how="anti").filter(sole)
    return pl.concat([best.filter(~single), held])


if __name__ == "__main__":
    main(pophealth)
