"""The NHS-number pass: a valid number links, unless the demographics belong to someone else.

A contradicted or shared number is treated as missing from then on: it links nothing and vetoes
nothing; it is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pophealth_link.link import agreement


@dataclass(frozen=True, slots=True)
class NumberLinks:
    """Pairs `rid_l` (register), `rid_r`, `decision`; and the numbers that may still be trusted."""

    pairs: pl.DataFrame
    trusted: pl.DataFrame
    shared: int

    @property
    def contradicted(self) -> int:
        """How many pairs share a number while their demographics disagree."""
        return self.pairs.filter(pl.col("decision") == "contradicted").height


def link(records: pl.DataFrame) -> NumberLinks:
    """Join records to the register on the NHS number, with a cross-check of demographics.

    `trusted` holds `rid`, `nhs_number` for each record whose number nothing contradicts.
    A number that two records of a source of unique people hold is shared: it is set aside.
    """
    held = records.filter(~pl.col("alias") & pl.col("nhs_number").is_not_null()).select(
        "rid", "source", "unique_people", "on_register", "nhs_number"
    )
    holders = pl.col("rid").count().over("source", "nhs_number")
    shared = held.filter(pl.col("unique_people") & (holders > 1))
    sound = held.join(shared, on="rid", how="anti")
    checked = _check(_pairs_with_first_holder(sound), records)
    wrong = checked.filter(pl.col("decision") == "contradicted").select(rid="rid_r")
    trusted = sound.join(wrong, on="rid", how="anti").select("rid", "nhs_number").sort("rid")
    on_register = sound.filter("on_register").select(rid_l="rid")
    return NumberLinks(
        checked.join(on_register, on="rid_l", how="semi", maintain_order="left"),
        trusted,
        shared.height,
    )


def _pairs_with_first_holder(held: pl.DataFrame) -> pl.DataFrame:
    """Return each holder of a number beside its first: the register's record, else the smallest."""
    ordered = held.sort(~pl.col("on_register"), "rid")
    first = ordered.unique("nhs_number", keep="first", maintain_order=True)
    pairs = held.join(first.select("nhs_number", rid_l="rid"), on="nhs_number")
    return pairs.filter(pl.col("rid") != pl.col("rid_l")).select("rid_l", rid_r="rid")


def _check(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    seen = agreement.levels(pairs, records)
    decision = pl.when(contradicts()).then(pl.lit("contradicted")).otherwise(pl.lit("accepted"))
    return seen.select("rid_l", "rid_r", decision.alias("decision"))


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
