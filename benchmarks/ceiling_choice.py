"""From scores of pairs to the best match of each record."""

from __future__ import annotations

import polars as pl

_ROUNDS = 5


def best_matches(
    pairs: pl.DataFrame, records: pl.DataFrame, linked: pl.DataFrame, asked: pl.DataFrame
) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `score`: of each record its best match that no surer one has taken.

    `pairs` hold `rid_l`, `rid_r`, `score`; `records` (`rid_r`, `source`, `unique_people`) those to
    be matched; `linked` the links by NHS number, which stand. In a source of unique people a
    person has one record: the surest; who loses gets the next best. Ties are nobody's, but for
    two candidates that are each likelier than not: those are one person, twice on the register.
    """
    facts = asked.select("source", "unique_people", rid_r="rid")
    held = linked.join(facts, on="rid_r").filter("unique_people").select("rid_l", "source")
    free = pairs.join(records, on="rid_r")
    barred = free.filter("unique_people").join(held, on=["rid_l", "source"], how="semi")
    free = free.join(barred, on=["rid_l", "rid_r"], how="anti")
    chosen = []
    for _ in range(_ROUNDS):
        first = _first(free)
        won = first.filter(~pl.col("unique_people") | _alone_on_top())
        chosen.append(won)
        claimed = won.filter("unique_people").select("rid_l", "source")
        lost = first.join(won, on="rid_r", how="anti").select("rid_l", "rid_r")
        free = (
            free.join(won, on="rid_r", how="anti")
            .join(lost, on=["rid_l", "rid_r"], how="anti")
            .join(claimed, on=["rid_l", "source"], how="anti")
        )
    return pl.concat(chosen).select("rid_l", "rid_r", "score").sort("rid_r")


def _first(free: pl.DataFrame) -> pl.DataFrame:
    """Return the best candidate of each record, unless it is tied with another person."""
    top = free.filter(pl.col("score") == pl.col("score").max().over("rid_r"))
    sole = (pl.len().over("rid_r") == 1) | (pl.col("score") > 0)
    ordered = top.filter(sole).sort("rid_r", "rid_l")
    return ordered.unique("rid_r", keep="first", maintain_order=True)


def _alone_on_top() -> pl.Expr:
    """Return whether a claim is the surest on its person within the source, and no other is so."""
    over = ("source", "rid_l")
    top = pl.col("score") == pl.col("score").max().over(over)
    return top & (top.sum().over(over) == 1)


def scored_with(slope: float, intercept: float) -> pl.Expr:
    """Return the calibrated score: the logit of the chance that a match is right."""
    return (pl.col("score") * slope + intercept).round(6).alias("score")
