"""Deterministic passes: named keys on which two records must agree exactly.

A key held by two people on either side is ambiguous and links nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class DeterministicPass:
    """A named pass: the prepared columns that must be filled and equal on both sides."""

    name: str
    keys: tuple[str, ...]


# Ordered from the strictest. Every key holds the date of birth and a given name, because family
# name, address and UPRN are shared by a household.
DEFAULT_PASSES = (
    DeterministicPass("name_birth_postcode", ("given", "family", "date_of_birth", "home")),
    DeterministicPass("given_birth_uprn", ("first_given", "date_of_birth", "uprn")),
    DeterministicPass("name_birth_outward", ("given", "family", "date_of_birth", "outward")),
)


def propose(register: pl.DataFrame, others: pl.DataFrame, rule: DeterministicPass) -> pl.DataFrame:
    """Return pairs `rid_l` (register), `rid_r` that agree on the pass's keys, with `ambiguous`.

    A placeholder date of birth never links by itself. Rows of one record (its aliases) count as
    one. Within a source that may hold a person twice, several records may share a key.
    """
    left = _keyed(register, rule.keys).select("rid", *rule.keys)
    right = _keyed(others, rule.keys).select("rid", "source", "unique_people", *rule.keys)
    crowd = pl.struct("source", *rule.keys)
    left = left.with_columns(pl.col("rid").n_unique().over(rule.keys).alias("holders"))
    right = right.with_columns(
        pl.when("unique_people").then(pl.col("rid").n_unique().over(crowd)).otherwise(1).alias("n")
    )
    pairs = left.join(right, on=list(rule.keys), how="inner", suffix="_r")
    # Through an alias one person may hold two keys, and two records of a source claim them; or
    # one record two keys, and two people answer.
    claims = pl.when("unique_people").then(pl.col("rid_r").n_unique().over("rid", "source"))
    crowded = claims.otherwise(1) > 1
    torn = pl.col("rid").n_unique().over("rid_r") > 1
    ambiguous = (pl.col("holders") > 1) | (pl.col("n") > 1) | crowded | torn
    found = pairs.select(pl.col("rid").alias("rid_l"), "rid_r", ambiguous.alias("ambiguous"))
    return found.group_by("rid_l", "rid_r").agg(pl.col("ambiguous").any()).sort("rid_l", "rid_r")


def _keyed(records: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    filled = pl.all_horizontal(pl.col(key).is_not_null() for key in keys)
    return records.filter(filled & ~pl.col("placeholder_birth"))
