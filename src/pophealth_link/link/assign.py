"""From scored candidates to links: margin, uniqueness, cannot-link; ties are left unlinked."""

from __future__ import annotations

import polars as pl

from pophealth_link.link.records import PSEUDONYM


def cannot_link(pairs: pl.DataFrame, trusted: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs (`rid_l`, `rid_r`) whose two trusted NHS numbers differ.

    A token and a number in clear say nothing of each other.
    """
    numbered = pairs.join(trusted, left_on="rid_l", right_on="rid", how="left").join(
        trusted, left_on="rid_r", right_on="rid", how="left", suffix="_r"
    )
    kinds = [pl.col(name).str.starts_with(PSEUDONYM) for name in ("nhs_number", "nhs_number_r")]
    differ = (pl.col("nhs_number") != pl.col("nhs_number_r")) & (kinds[0] == kinds[1])
    return numbered.filter(differ).select("rid_l", "rid_r")


def taken(pairs: pl.DataFrame, links: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs whose register person already has a record of the same unique source."""
    facts = records.filter(~pl.col("alias")).select("rid", "source", "unique_people")
    linked = links.join(facts, left_on="rid_r", right_on="rid").filter("unique_people")
    return (
        pairs.join(facts, left_on="rid_r", right_on="rid")
        .join(linked.select("rid_l", "source"), on=["rid_l", "source"], how="semi")
        .select("rid_l", "rid_r")
    )


def decide(
    candidates: pl.DataFrame,
    records: pl.DataFrame,
    *,
    accept: float,
    review: float,
    margin: float,
) -> pl.DataFrame:
    """Return the candidates with a `decision`.

    accepted: the best candidate of its record, at or above `accept`, `margin` bits ahead of the
    second, and, in a source of unique people, ahead by as much of every other record that claims
    the same person. tie: good enough, but not ahead. taken: another record of the source is
    ahead. review: at or above `review`. rejected: the rest.
    """
    facts = records.filter(~pl.col("alias")).select("rid", "source", "unique_people")
    seen = candidates.join(facts, left_on="rid_r", right_on="rid")
    good = pl.col("match_probability") >= accept
    graded = seen.with_columns(_lead("rid_r").alias("lead"), good.alias("good"))
    first = _decision(pl.col("lead"), margin, review)
    claims = graded.with_columns(first.alias("decision"))
    winners = claims.filter((pl.col("decision") == "accepted") & pl.col("unique_people"))
    lost = winners.with_columns(_lead("rid_l", "source").alias("lead")).filter(
        pl.col("lead") < margin
    )
    outcome = pl.when(pl.col("lead") <= -margin).then(pl.lit("taken")).otherwise(pl.lit("tie"))
    revised = lost.select("rid_l", "rid_r", outcome.alias("revised"))
    return (
        claims.join(revised, on=["rid_l", "rid_r"], how="left")
        .with_columns(pl.coalesce("revised", "decision").alias("decision"))
        .select(*candidates.columns, "decision")
        .sort("rid_l", "rid_r")
    )


def _lead(*group: str) -> pl.Expr:
    """Return by how many bits a candidate leads the best other candidate of its group."""
    weight = pl.col("match_weight")
    best = weight.max().over(group)
    second = weight.top_k(2).min().over(group)
    alone = pl.len().over(group) == 1
    other = pl.when(weight < best).then(best).otherwise(second)
    return pl.when(alone).then(float("inf")).otherwise(weight - other)


def _decision(lead: pl.Expr, margin: float, review: float) -> pl.Expr:
    return (
        pl.when(pl.col("good") & (lead >= margin))
        .then(pl.lit("accepted"))
        .when(pl.col("good") & (lead > -margin))
        .then(pl.lit("tie"))
        .when(pl.col("match_probability") >= review)
        .then(pl.lit("review"))
        .otherwise(pl.lit("rejected"))
    )
