"""Deterministic passes: named keys on which two records must agree exactly.

A key held by two people on either side is ambiguous and links nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pophealth_link.errors import LinkageError, nearest

# Methods and passes that are not deterministic: no pass may bear their name.
RESERVED = ("register", "nhs_number", "probabilistic", "off_register", "reviewed", "unlinked")
# The prepared columns that may be a key, and the contract column that each is made from. The NHS
# number is none: it links in a pass of its own, with a cross-check.
KEYS: Mapping[str, str] = {
    "given": "given_name",
    "first_given": "given_name",
    "middle": "middle_names",
    "family": "family_name",
    "sound_given": "given_name",
    "sound_family": "family_name",
    "previous_family": "previous_family_name",
    "date_of_birth": "date_of_birth",
    "birth_year": "date_of_birth",
    "sex": "sex",
    "home": "postcode",
    "sector": "postcode",
    "outward": "postcode",
    "uprn": "uprn",
    "address": "address",
    "house": "address",
    "practice_code": "practice_code",
}
# What a method is called in the person index, so a pass too.
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class DeterministicPass:
    """A named pass: the prepared columns (of `KEYS`) that must be filled and equal on both sides.

    Raises `LinkageError` for a name that is not plain or a key that no record has.

    >>> DeterministicPass("birth_practice", ("first_given", "date_of_birth", "practice_code")).keys
    ('first_given', 'date_of_birth', 'practice_code')
    """

    name: str
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        faults = [*name_faults(self.name), *key_faults(self.keys)]
        if faults:
            raise LinkageError("a deterministic pass cannot be used.", *faults)


def name_faults(name: str) -> list[str]:
    """Return what is wrong with the name of a pass; it is written into the person index."""
    if name in RESERVED:
        return [f"`{name}` is the name of another method: give the pass another."]
    if not NAME.fullmatch(name):
        return ["a name has small letters, digits and underscores only, a letter first."]
    return []


def key_faults(keys: Sequence[str]) -> list[str]:
    """Return what is wrong with the keys of a pass.

    >>> key_faults(["famly"])
    ['`famly` is not a key. Did you mean `family`?']
    """
    unknown = [key for key in keys if key not in KEYS]
    faults = [f"`{key}` is not a key.{_instead(key)}" for key in unknown]
    twice = sorted({key for key in keys if list(keys).count(key) > 1})
    faults += [f"`{key}` is there more than once." for key in twice]
    return faults if keys else ["a pass needs at least one key."]


def _instead(key: str) -> str:
    """Return the key that may be meant; that made from a contract column where one is named."""
    made = [name for name, column in KEYS.items() if column == key]
    if made:
        return f" Use {' or '.join(f'`{name}`' for name in made)}."
    return nearest(key, KEYS) or f" Keys: {', '.join(KEYS)}."


def repeated(passes: Sequence[DeterministicPass]) -> list[str]:
    """Return the names that more than one pass bears."""
    names = [rule.name for rule in passes]
    return sorted({name for name in names if names.count(name) > 1})


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
