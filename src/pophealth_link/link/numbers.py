"""The NHS-number pass: a valid number links, unless the demographics belong to someone else.

A contradicted or shared number is treated as missing from then on: it links nothing and vetoes
nothing; it is counted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from pophealth_link.link import agreement
from pophealth_link.link.barred import (
    CONTRADICTED,
    DEATH,
    REVIEWED_NO,
    died_before,
    known_apart,
    with_firmness,
)
from pophealth_link.link.comparisons import AT_HOME

ACCEPTED = "accepted"
# Holders of one number that are compared with each other: more are of one much-treated person.
_MANY_HOLDERS = 50
_PAIR = ["rid_l", "rid_r"]


@dataclass(frozen=True, slots=True)
class NumberLinks:
    """Pairs `rid_l`, `rid_r`, `decision`; and the numbers that may still be trusted.

    `pairs` are those with the register on the left, `elsewhere` those in which neither record is
    on it. `trusted` holds `rid`, `nhs_number` and `firm`: whether another number rules a link
    out. `contradicted` counts records whose number is another person's by their demographics;
    `shared` those that share a number within a source of unique people.
    """

    pairs: pl.DataFrame
    elsewhere: pl.DataFrame
    trusted: pl.DataFrame
    shared: int
    contradicted: int


def link(
    records: pl.DataFrame,
    *,
    refused: pl.DataFrame | None = None,
    linked: pl.DataFrame | None = None,
    superseded: Collection[str] = (),
) -> NumberLinks:
    """Join records to the register on the NHS number, with a cross-check of demographics.

    A number that two records of a source of unique people hold is shared: it is set aside. So is
    one that is held off the register by people who contradict each other: none of them can be
    told to be its owner. A number does not link either to somebody who died before, or to whom a
    reviewer said no: `refused` holds such pairs (`rid_l`, `rid_r`), and `linked` the pairs of a
    register person and a record that a reviewer or an earlier run linked: another number is wrong
    there. `superseded` names the sources that are known to hold numbers that were replaced.
    """
    decided = pl.DataFrame(schema=dict.fromkeys(_PAIR, pl.UInt32)) if linked is None else linked
    held = records.filter(~pl.col("alias") & pl.col("nhs_number").is_not_null()).select(
        "rid", "source", "unique_people", "on_register", "nhs_number"
    )
    held = _as_reviewed(held, decided)
    holders = pl.col("rid").count().over("source", "nhs_number")
    shared = held.filter(pl.col("unique_people") & (holders > 1))
    sound = held.join(shared, on="rid", how="anti")
    checked = _checked(_pairs_with_first_holder(sound), records, decided, refused)
    checked = _without_torn(checked, decided, records)
    on_register = sound.filter("on_register").select(rid_l="rid")
    wrong = checked.filter(pl.col("decision") != ACCEPTED)
    ownerless = wrong.join(on_register, on="rid_l", how="anti").select(rid="rid_l")
    barred = sound.join(ownerless, on="rid", how="semi").select("nhs_number").unique()
    trusted = sound.join(wrong.select(rid="rid_r"), on="rid", how="anti").join(
        barred, on="nhs_number", how="anti"
    )
    sure = pl.col("rid_l").is_in(trusted["rid"].implode()) | (pl.col("decision") != ACCEPTED)
    elsewhere = checked.join(on_register, on="rid_l", how="anti", maintain_order="left").filter(
        sure
    )
    register = checked.join(on_register, on="rid_l", how="semi", maintain_order="left")
    return NumberLinks(
        register.join(decided, on="rid_r", how="anti", maintain_order="left"),
        elsewhere,
        with_firmness(trusted, superseded).select("rid", "nhs_number", "firm").sort("rid"),
        shared.height,
        sound.height - trusted.height,
    )


def _as_reviewed(held: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Leave out the numbers of records whose person, by a reviewer, has another or somebody has."""
    number = held.select("rid", own="nhs_number")
    persons = decided.join(number, left_on="rid_l", right_on="rid", how="left")
    told = held.join(persons.select("own", rid="rid_r"), on="rid")
    somebodys = pl.col("nhs_number").is_in(held.filter("on_register")["nhs_number"].implode())
    wrong = pl.coalesce(pl.col("nhs_number") != pl.col("own"), somebodys)
    return held.join(told.filter(wrong), on="rid", how="anti", maintain_order="left")


def _pairs_with_first_holder(held: pl.DataFrame) -> pl.DataFrame:
    """Return each holder of a number beside its first: the register's record, else the smallest."""
    ordered = held.sort(~pl.col("on_register"), "rid")
    first = ordered.unique("nhs_number", keep="first", maintain_order=True)
    pairs = held.join(first.select("nhs_number", rid_l="rid"), on="nhs_number")
    return pairs.filter(pl.col("rid") != pl.col("rid_l")).select("rid_l", rid_r="rid")


def _without_torn(
    checked: pl.DataFrame, decided: pl.DataFrame, records: pl.DataFrame
) -> pl.DataFrame:
    """Return the pairs, those of numbers whose other holders contradict each other contradicted.

    Each holder was checked against the first; where the first tells neither given name nor date of
    birth, or is on no register, that says little of the others.
    """
    named = pl.col("first_given").is_not_null() | pl.col("date_of_birth").is_not_null()
    telling = records.filter(~pl.col("alias") & pl.col("on_register") & named).select(rid_l="rid")
    accepted = checked.filter(pl.col("decision") == ACCEPTED).join(decided, on=_PAIR, how="anti")
    silent = accepted.join(telling, on="rid_l", how="anti")
    few = silent.filter(pl.len().over("rid_l") <= _MANY_HOLDERS)
    among = few.select("rid_l", a="rid_r").join(few.select("rid_l", b="rid_r"), on="rid_l")
    pairs = among.filter(pl.col("a") < pl.col("b")).select("rid_l", rid_a="a", rid_r="b")
    if pairs.is_empty():
        return checked
    seen = agreement.likest(pairs.select(pl.col("rid_a").alias("rid_l"), "rid_r"), records)
    apart = seen.filter(contradicts()).select(rid_a="rid_l", rid_r="rid_r")
    torn = pairs.join(apart, on=["rid_a", "rid_r"], how="semi")["rid_l"].unique()
    wrong = silent.filter(pl.col("rid_l").is_in(torn.implode())).select(
        *_PAIR, told=pl.lit(CONTRADICTED)
    )
    told = checked.join(wrong, on=_PAIR, how="left", maintain_order="left")
    return told.with_columns(pl.coalesce("told", "decision").alias("decision")).drop("told")


def _checked(
    pairs: pl.DataFrame, records: pl.DataFrame, decided: pl.DataFrame, refused: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the pairs with a `decision`; those decided before are not checked again."""
    sure = pairs.join(decided, on=_PAIR, how="semi", maintain_order="left")
    open_pairs = pairs.join(decided, on=_PAIR, how="anti", maintain_order="left")
    accepted = sure.select(*_PAIR, decision=pl.lit(ACCEPTED))
    return pl.concat([accepted, _check(open_pairs, records, refused)])


def _check(
    pairs: pl.DataFrame, records: pl.DataFrame, refused: pl.DataFrame | None
) -> pl.DataFrame:
    if pairs.is_empty():
        return pairs.select(*_PAIR, decision=pl.lit(ACCEPTED))
    seen = agreement.likest(pairs, records)
    others = _someone_else(pairs, records)
    wrong = contradicts() | pl.col("someone_else")
    decision = (
        pl.when("refused")
        .then(pl.lit(REVIEWED_NO))
        .when(wrong)
        .then(pl.lit(CONTRADICTED))
        .when("dead")
        .then(pl.lit(DEATH))
        .otherwise(pl.lit(ACCEPTED))
    )
    told = _marked(seen, died_before(pairs.with_columns(rid="rid_l"), records), "dead")
    told = _marked(told, _refused(pairs, refused), "refused")
    return told.join(others, on=_PAIR, maintain_order="left").select(
        *_PAIR, decision.alias("decision")
    )


def _refused(pairs: pl.DataFrame, refused: pl.DataFrame | None) -> pl.DataFrame:
    if refused is None:
        return pairs.clear()
    named = pairs.with_columns(rid="rid_l")
    return known_apart(named, refused.with_columns(reason=pl.lit(REVIEWED_NO))).select(_PAIR)


def _marked(pairs: pl.DataFrame, which: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add a column that tells whether a pair is among `which`."""
    marks = which.select(_PAIR).unique().with_columns(pl.lit(value=True).alias(name))
    marked = pairs.join(marks, on=_PAIR, how="left", maintain_order="left")
    return marked.with_columns(pl.col(name).fill_null(value=False))


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
    other = {name: agreement.disagrees(name) for name in ("given", "family", "birth", "sex")}
    same = pl.col("birth").str.strip_suffix(AT_HOME).is_in(["exact"])
    return (
        (other["birth"] & (other["given"] | other["family"]))
        | (other["given"] & other["family"] & ~same.fill_null(value=False))
        | (other["given"] & other["sex"])
    )
