"""From scored candidates to links: the best one-to-one solution, and how far it leads any other."""

from __future__ import annotations

from math import log2

import polars as pl

from pophealth_link.link.barred import taken
from pophealth_link.link.crowds import regrets
from pophealth_link.link.same_person import same_person

__all__ = ["decide", "taken"]

# Bits. Less than the rounding of a weight: two totals that differ by no more are tied.
_EQUAL = 1e-6
# A candidate of less than 1 in 128 against nobody changes no other probability by 0.01.
_NEGLIGIBLE = -7.0
_PAIR = ["rid_l", "rid_r"]


def decide(
    candidates: pl.DataFrame,
    records: pl.DataFrame,
    *,
    accept: float,
    review: float,
    margin: float,
) -> pl.DataFrame:
    """Return the candidates with `match_probability` among their rivals and a `decision`.

    `candidates` holds `rid_l` (register), `rid_r` and `match_weight`: the log2 odds of the pair
    against nobody. In a source of unique people the solution with the largest sum of weights is
    sought, in which no two records are one person; elsewhere each record has its best candidate.
    The probability of a choice is its share among all choices of the record, nobody included, each
    as likely as the best solution that holds it.

    accepted: in the best solution, at or above `accept`, and `margin` bits ahead of every solution
    in which somebody else is the record's person or the person's record. tie: good enough by
    itself and about as likely as another choice of the record or of the person: both are in
    solutions less than `margin` bits off the best. taken: good enough by itself; the person is
    better another record of the source. register_duplicate: another row of the person accepted.
    review: at or above `review`; so is the best candidate where no rival comes near it, but many
    together leave it less likely than `accept`. rejected: the rest.
    """
    facts = records.filter(~pl.col("alias")).select("rid", "source", "unique_people")
    persons = same_person(records.join(candidates, left_on="rid", right_on="rid_l", how="semi"))
    seen = candidates.join(facts, left_on="rid_r", right_on="rid").join(
        persons.select(rid_l="rid", person="group"), on="rid_l"
    )
    ordered = seen.sort("rid_r", "person", -pl.col("match_weight"), "rid_l")
    best = ordered.unique(["rid_r", "person"], keep="first", maintain_order=True)
    graded = _with_lead(_with_regret(best, margin))
    decided = graded.with_columns(
        _decision(accept, review, margin).alias("decision"),
        _probability().round(9).alias("match_probability"),
    )
    columns = [c for c in candidates.columns if c != "match_probability"]
    whole = _to_all_rows(seen, decided).select(*columns, "match_probability", "decision")
    return whole.sort(*_PAIR)


def _with_regret(candidates: pl.DataFrame, margin: float) -> pl.DataFrame:
    """Add `regret` and `nobody`: bits by which the pair, and no link, fall short of the best."""
    top = pl.max_horizontal(pl.col("match_weight").max().over("rid_r"), 0.0)
    alone = candidates.with_columns(regret=top - pl.col("match_weight"), nobody=top)
    weighty = alone.filter(pl.col("unique_people") & (pl.col("match_weight") > _NEGLIGIBLE))
    if not weighty.select("source", "person").is_duplicated().any():
        return alone
    found = regrets(
        weighty.select("source", "rid_r", "person", "match_weight"), least=2 * margin + 1
    )
    return (
        alone.join(found, on=["rid_r", "person"], how="left", suffix="_solved")
        .with_columns(
            pl.coalesce("regret_solved", "regret").alias("regret"),
            pl.col("nobody_solved").max().over("rid_r").fill_null(pl.col("nobody")).alias("nobody"),
        )
        .drop("regret_solved", "nobody_solved")
    )


def _with_lead(graded: pl.DataFrame) -> pl.DataFrame:
    """Add `lead`: the least regret of another person for the record, or record for the person."""
    claimed = pl.when("unique_people").then(_least_other("source", "person")).otherwise(_FAR)
    return graded.with_columns(lead=pl.min_horizontal(_least_other("rid_r"), claimed))


_FAR = float("inf")


def _least_other(*group: str) -> pl.Expr:
    regret = pl.col("regret")
    least = regret.min().over(group)
    second = regret.bottom_k(2).max().over(group)
    other = pl.when(regret > least).then(least).otherwise(second)
    return pl.when(pl.len().over(group) == 1).then(_FAR).otherwise(other)


def _probability() -> pl.Expr:
    share = 2.0 ** -pl.col("regret")
    return share / (2.0 ** -pl.col("nobody") + share.sum().over("rid_r"))


def _decision(accept: float, review: float, margin: float) -> pl.Expr:
    ahead = max(margin, 2 * _EQUAL)
    good = pl.col("match_weight") >= log2(accept / (1 - accept)) - _EQUAL
    likely = _probability().round(9) >= accept
    chosen = (pl.col("regret") <= _EQUAL) & (pl.col("lead") >= ahead - _EQUAL)
    return (
        pl.when(chosen & good & likely)
        .then(pl.lit("accepted"))
        .when(good & (pl.col("regret") < ahead) & (pl.col("lead") < ahead - _EQUAL))
        .then(pl.lit("tie"))
        .when(good & (pl.col("nobody") <= _EQUAL))
        .then(pl.lit("taken"))
        .when(_probability().round(9) >= review)
        .then(pl.lit("review"))
        .otherwise(pl.lit("rejected"))
    )


def _to_all_rows(seen: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Return every candidate with the decision on its person; the link goes to the best row."""
    person = decided.select("rid_r", "person", "match_probability", "decision", best="rid_l")
    every = seen.drop("match_probability", strict=False).join(person, on=["rid_r", "person"])
    second = (pl.col("decision") == "accepted") & (pl.col("rid_l") != pl.col("best"))
    word = pl.when(second).then(pl.lit("register_duplicate")).otherwise("decision")
    return every.with_columns(decision=word)
