"""Which records have their NHS number hidden, and whom they are linked to without it."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.evaluate.compared import rules_of_pairs
from pophealth_link.link import Links, linkage
from pophealth_link.link.records import PSEUDONYM

# Columns that the linkage adds to the prepared records.
_ADDED = ("person_id", "method", "match_probability")
_KEY = ["source", "record_id"]


def holders(links: Links) -> pl.DataFrame:
    """Return the records that hold a trusted number: `rid`, `source`, `owner`, ordered by `rid`.

    `owner` is the `rid` of the one register row with the same number, to whose person the record
    was linked; null where no row has the number. Not trusted are a number whose owner the record
    was not linked to (it was contradicted), one that two records of a source of unique people, or
    two register rows, share, and one of another kind than the register's (tokens).
    """
    main = links.records.filter(~pl.col("alias") & pl.col("nhs_number").is_not_null()).select(
        "rid", "source", "unique_people", "on_register", "nhs_number", "person_id"
    )
    register = main.filter("on_register").select("nhs_number", owner="rid", owned="person_id")
    token = pl.col("nhs_number").str.starts_with(PSEUDONYM)
    kind = token == bool(register.select(token.any()).item())
    others = main.filter(~pl.col("on_register") & kind)
    shared = pl.col("unique_people") & (pl.len().over("source", "nhs_number") > 1)
    told = others.filter(~shared).join(register, on="nhs_number", how="left")
    same = pl.col("person_id") == pl.col("owned")
    sole = pl.col("owner").is_null() | (same & (pl.len().over("rid") == 1))
    return told.filter(sole).select("rid", "source", "owner").sort("rid")


def by_rid(links: Links) -> pl.DataFrame:
    """Return the pairs of a linkage with `rid_l`, `rid_r` in place of sources and record ids."""
    ids = links.records.filter(~pl.col("alias")).select("rid", *_KEY)
    pairs = links.pairs
    for side in ("l", "r"):
        names = [f"{name}_{side}" for name in _KEY]
        own = ids.rename({"rid": f"rid_{side}"})
        pairs = pairs.join(own, left_on=names, right_on=_KEY, how="left").drop(names)
    return pairs


def drawn(held: pl.DataFrame, sample: int, seed: int) -> pl.DataFrame:
    """Return at most `sample` records of each source, drawn at random; ordered by `rid`.

    >>> held = pl.DataFrame({"rid": [0, 1, 2], "source": ["a", "a", "b"]})
    >>> drawn(held, 1, seed=1)["source"].to_list()
    ['a', 'b']
    """
    ticket = np.random.default_rng(seed).permutation(held.height)
    lots = held.with_columns(pl.Series("ticket", ticket))
    place = pl.col("ticket").rank("ordinal").over("source")
    return lots.filter(place <= sample).drop("ticket").sort("rid")


def relinked(links: Links, hidden: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_r`, `rid_l`: whom each hidden record is linked to when its number is not there.

    All others keep the link that the run made, and their person is taken; those whom it linked to
    nobody stay out of it.
    """
    asked = pl.col("rid").is_in(hidden["rid"].implode())
    main = links.records.filter(~pl.col("alias"))
    people = main.filter("on_register").select("person_id", rid_l="rid")
    # Where people are not unique nobody is taken.
    taking = main.filter(~pl.col("on_register") & pl.col("unique_people") & ~asked)
    others = taking.select("person_id", rid_r="rid").join(people, on="person_id")
    there = pl.col("on_register") | asked | pl.col("rid").is_in(others["rid_r"].implode())
    # No number is there to be seen: none can agree, and none rules a link out.
    none = pl.lit(None, pl.String).alias("nhs_number")
    records = links.records.drop(_ADDED).filter(there).with_columns(none)
    trusted = records.select("rid", "nhs_number").clear()
    pairs = linkage.after_numbers(records, others, trusted, links.model, links.spec)
    found = pairs.filter(pl.col("decision") == "accepted").select("rid_r", "rid_l")
    return found.join(hidden.select(rid_r="rid"), on="rid_r", how="semi").sort("rid_r")


def outcomes(links: Links, hidden: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return `rid`, `outcome` and `compared` of each hidden record, ordered by `rid`.

    `outcome`: found, wrong or missed where its owner is on the register; else stranger or
    stranger_linked. `compared`: some blocking rule compares it with its owner; null for strangers.
    """
    main = links.records.filter(~pl.col("alias")).select("rid", "person_id")
    told = (
        hidden.join(found, left_on="rid", right_on="rid_r", how="left")
        .join(main, left_on="owner", right_on="rid", how="left")
        .join(main, left_on="rid_l", right_on="rid", how="left", suffix="_found")
    )
    linked = pl.col("rid_l").is_not_null()
    same = (pl.col("person_id") == pl.col("person_id_found")).fill_null(value=False)
    owned = pl.when(same).then(pl.lit("found")).when(linked).then(pl.lit("wrong"))
    strange = pl.when(linked).then(pl.lit("stranger_linked")).otherwise(pl.lit("stranger"))
    missed = pl.lit("missed")
    unknown = pl.col("owner").is_null()
    outcome = pl.when(unknown).then(strange).otherwise(owned.otherwise(missed))
    graded = told.select("rid", "owner", outcome.alias("outcome"))
    pairs = hidden.drop_nulls("owner").select(rid_l="owner", rid_r="rid")
    met = rules_of_pairs(pairs, links.records).select(rid="rid_r", compared=True).unique()
    seen = graded.join(met, on="rid", how="left").with_columns(
        pl.when(pl.col("owner").is_not_null()).then(pl.col("compared").fill_null(value=False))
    )
    return seen.select("rid", "outcome", "compared").sort("rid")
