"""The NHS-number pass: a valid number links, unless the demographics belong to someone else.

A contradicted or shared number is treated as missing from then on: it links nothing and vetoes
nothing; it is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pophealth_link.link import agreement
from pophealth_link.link.comparisons import AT_HOME


@dataclass(frozen=True, slots=True)
class NumberLinks:
    """Pairs `rid_l` (register), `rid_r`, `decision`; and the numbers that may still be trusted.

    `contradicted` counts records whose number is another person's by their demographics; `shared`
    those that share a number within a source of unique people.
    """

    pairs: pl.DataFrame
    trusted: pl.DataFrame
    shared: int
    contradicted: int


def link(records: pl.DataFrame) -> NumberLinks:
    """Join records to the register on the NHS number, with a cross-check of demographics.

    `trusted` holds `rid`, `nhs_number` for each record whose number nothing contradicts.
    A number that two records of a source of unique people hold is shared: it is set aside. So is
    one that is held off the register by people who contradict each other: none of them can be
    told to be its owner.
    """
    held = records.filter(~pl.col("alias") & pl.col("nhs_number").is_not_null()).select(
        "rid", "source", "unique_people", "on_register", "nhs_number"
    )
    holders = pl.col("rid").count().over("source", "nhs_number")
    shared = held.filter(pl.col("unique_people") & (holders > 1))
    sound = held.join(shared, on="rid", how="anti")
    checked = _check(_pairs_with_first_holder(sound), records)
    on_register = sound.filter("on_register").select(rid_l="rid")
    wrong = checked.filter(pl.col("decision") == "contradicted")
    ownerless = wrong.join(on_register, on="rid_l", how="anti").select(rid="rid_l")
    barred = sound.join(ownerless, on="rid", how="semi").select("nhs_number").unique()
    trusted = sound.join(wrong.select(rid="rid_r"), on="rid", how="anti").join(
        barred, on="nhs_number", how="anti"
    )
    return NumberLinks(
        checked.join(on_register, on="rid_l", how="semi", maintain_order="left"),
        trusted.select("rid", "nhs_number").sort("rid"),
        shared.height,
        sound.height - trusted.height,
    )


def _pairs_with_first_holder(held: pl.DataFrame) -> pl.DataFrame:
    """Return each holder of a number beside its first: the register's record, else the smallest."""
    ordered = held.sort(~pl.col("on_register"), "rid")
    first = ordered.unique("nhs_number", keep="first", maintain_order=True)
    pairs = held.join(first.select("nhs_number", rid_l="rid"), on="nhs_number")
    return pairs.filter(pl.col("rid") != pl.col("rid_l")).select("rid_l", rid_r="rid")


def _check(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    seen = agreement.levels(pairs, records)
    plain = seen.with_columns(
        pl.col(name).str.strip_suffix(AT_HOME) for name in ("given", "family", "birth", "sex")
    )
    others = _someone_else(pairs, records)
    wrong = contradicts() | pl.col("someone_else")
    decision = pl.when(wrong).then(pl.lit("contradicted")).otherwise(pl.lit("accepted"))
    return plain.join(others, on=["rid_l", "rid_r"], maintain_order="left").select(
        "rid_l", "rid_r", decision.alias("decision")
    )


def _someone_else(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs with `someone_else`: another person of the register is the exact namesake.

    The record agrees with that person in given name, family name and date of birth, and with the
    holder of its number not in all three: a twin, or a son named after his father.
    """
    keys = ["first_given", "family", "date_of_birth"]
    main = records.filter(~pl.col("alias")).select("rid", "on_register", *keys)
    named = main.drop_nulls(keys)
    known = named.filter("on_register").select("rid", *keys)
    right = pairs.join(named.select(*keys, rid_r="rid"), on="rid_r")
    found = right.join(known, on=keys).with_columns(same=pl.col("rid") == pl.col("rid_l"))
    namesake = found.group_by("rid_l", "rid_r").agg((~pl.col("same").any()).alias("someone_else"))
    return (
        pairs.unique()
        .join(namesake, on=["rid_l", "rid_r"], how="left")
        .with_columns(pl.col("someone_else").fill_null(value=False))
    )


def contradicts() -> pl.Expr:
    """Return whether the levels of agreement say that a shared number is a mistake.

    Two disagreements out of date of birth, given and family name, unless the date of birth is
    the same to the day; or another given name with another sex, as of a brother and a sister.
    A comparison that says nothing neither agrees nor disagrees.
    """
    other_birth = (pl.col("birth") == "different").fill_null(value=False)
    other_given = (pl.col("given") == "different").fill_null(value=False)
    other_family = (pl.col("family") == "different").fill_null(value=False)
    other_sex = (pl.col("sex") == "different").fill_null(value=False)
    same_birth = pl.col("birth").is_in(["exact", "placeholder"]).fill_null(value=False)
    return (
        (other_birth & (other_given | other_family))
        | (other_given & other_family & ~same_birth)
        | (other_given & other_sex)
    )
