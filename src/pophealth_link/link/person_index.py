"""The person index: every record with its person, how that was decided, and a stable id."""

from __future__ import annotations

import polars as pl

from pophealth_link.privacy import Key, keyed_hash


def assign_people(
    records: pl.DataFrame, links: pl.DataFrame, trusted: pl.DataFrame
) -> pl.DataFrame:
    """Return `rid`, `person` (the smallest rid of the person), `method`, `match_probability`.

    `links` holds `rid_l` (register), `rid_r`, `pass`, `match_probability` of accepted pairs, one a
    record. Records on no register that hold the same trusted number are one person.
    """
    main = records.filter(~pl.col("alias")).select("rid", "on_register")
    seen = main.join(links, left_on="rid", right_on="rid_r", how="left")
    numbered = seen.join(trusted, on="rid", how="left")
    loose = ~pl.col("on_register") & pl.col("rid_l").is_null() & pl.col("nhs_number").is_not_null()
    among = pl.when(loose).then(pl.col("nhs_number"))
    first = pl.when(loose).then(pl.col("rid").min().over(among))
    crowd = pl.when(loose).then(pl.len().over(among)).fill_null(1)
    method = (
        pl.when("on_register")
        .then(pl.lit("register"))
        .when(pl.col("rid_l").is_not_null())
        .then(pl.col("pass"))
        .when(loose & (crowd > 1))
        .then(pl.lit("nhs_number"))
        .otherwise(pl.lit("unlinked"))
    )
    return numbered.select(
        "rid",
        pl.coalesce("rid_l", first, "rid").alias("person"),
        method.alias("method"),
        "match_probability",
    ).sort("rid")


def with_ids(
    people: pl.DataFrame, records: pl.DataFrame, trusted: pl.DataFrame, key: Key
) -> pl.DataFrame:
    """Add `person_id`: the keyed hash of the person's number, else of its smallest record.

    A number stands for a person only where all of the person's trusted numbers are that one and
    no other person has it; so a person id means one person, in every run with the same key.
    """
    named = _names(people, records, trusted)
    return people.join(
        keyed_hash(named, "name", key, kind="person").select("person", person_id="name"),
        on="person",
        how="left",
        maintain_order="left",
    )


def _names(people: pl.DataFrame, records: pl.DataFrame, trusted: pl.DataFrame) -> pl.DataFrame:
    """Return `person`, `name`: the text whose keyed hash is the person id."""
    numbers = (
        people.join(trusted, on="rid")
        .group_by("person")
        .agg(pl.col("nhs_number").min().alias("number"), pl.col("nhs_number").n_unique().alias("n"))
    )
    sole = numbers.filter((pl.col("n") == 1) & (pl.col("person").count().over("number") == 1))
    smallest = people.group_by("person").agg(pl.col("rid").min())
    main = records.filter(~pl.col("alias")).select("rid", "source", "record_id")
    record = smallest.join(main, on="rid").with_columns(
        # The unit separator cannot stand in a source's name, so no two records share a text.
        pl.concat_str(pl.lit("record"), "source", "record_id", separator="\x1f").alias("record")
    )
    number = pl.concat_str(pl.lit("nhs_number"), "number", separator="\x1f")
    named = record.join(sole.with_columns(number.alias("name")), on="person", how="left")
    return named.select("person", pl.coalesce("name", "record").alias("name")).sort("person")
