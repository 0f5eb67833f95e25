"""What the ceiling knows before it learns: prepared records, and every row that tells of a person.

A register person is described by the register's own row, by its aliases, and by the records of
other sources that carry the same NHS number: whoever moved may be known there at the new address.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.extracts import extracts
from pophealth_link.link import People, numbers
from pophealth_link.link.records import register_of, stack

# Where a row comes from.
MAIN, ALIAS, ELSEWHERE = range(3)
# What is known of a record's NHS number: nothing, ten digits that fail the check, one that may be
# trusted, one that is contradicted or shared.
NO_NUMBER, INVALID, TRUSTED, CONTRADICTED = range(4)

_DWELLING = pl.coalesce("uprn", pl.concat_str("home", "house", separator=" "))
# Letters that are taken for each other, by ear or by alphabet, become one; vowels go.
_SOUNDS = {
    r"PH": "V", r"TH": "T", r"[CQGX]": "K", r"Z": "S", r"F|W": "V", r"M": "N", r"D": "T",
    r"P": "B", r"J": "Y", r"[AEIOUYH ]": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """The records of a data folder.

    `rows`: what is told of register people, one line each: `line`, `rid`, `origin`,
    `origin_source`, `origin_unique`, `origin_rid` and the prepared identifiers. `asked`: the
    records outside the register, one line each, with `line` and what is known of their NHS number
    (`number_state`, `digits`). `people`: the register's main rows, with `digits`. `linked`:
    `rid_l`, `rid_r` of the links by NHS number; `refused`: those of contradicted numbers.
    """

    rows: pl.DataFrame
    asked: pl.DataFrame
    people: pl.DataFrame
    linked: pl.DataFrame
    refused: pl.DataFrame


def know(folder: Path) -> Known:
    """Return what the records of a data folder tell; its truth is not read."""
    return known_of(extracts(folder))


def known_of(sources: list[People]) -> Known:
    """Return what the records of sources tell."""
    records = stack(sources, register_of(sources))
    by_number = numbers.link(records)
    links = by_number.pairs.select("rid_l", "rid_r", "decision")
    linked = links.filter(pl.col("decision") == "accepted").drop("decision")
    main = _with_numbers(records.filter(~pl.col("alias")), sources, by_number.trusted)
    shaped = _with_keys(records.join(main.select("rid", "digits", "number_state"), on="rid"))
    rows = _rows(shaped, linked)
    asked = shaped.filter(~pl.col("on_register") & ~pl.col("alias")).sort("rid")
    return Known(
        rows,
        asked.with_columns(line=pl.int_range(rows.height, rows.height + asked.height)),
        rows.filter(pl.col("origin") == MAIN).sort("rid"),
        linked.sort("rid_r"),
        links.filter(pl.col("decision") != "accepted").drop("decision").sort("rid_r", "rid_l"),
    )


def _rows(records: pl.DataFrame, linked: pl.DataFrame) -> pl.DataFrame:
    """Return all rows that tell of a register person, numbered by `line`."""
    nobody = (
        pl.lit(None, dtype=pl.String).alias("origin_source"),
        pl.lit(value=False).alias("origin_unique"),
        pl.lit(None, dtype=pl.UInt32).alias("origin_rid"),
    )
    own = records.filter("on_register").with_columns(
        pl.when("alias").then(ALIAS).otherwise(MAIN).alias("origin"), *nobody
    )
    others = (
        records.filter(~pl.col("on_register") & ~pl.col("alias"))
        .join(linked, left_on="rid", right_on="rid_r")
        .with_columns(
            pl.lit(ELSEWHERE).alias("origin"),
            pl.col("source").alias("origin_source"),
            pl.col("unique_people").alias("origin_unique"),
            pl.col("rid").alias("origin_rid"),
        )
        .with_columns(rid="rid_l")
    )
    both = pl.concat([own, others.select(own.columns)])
    ordered = both.sort("rid", "origin", "origin_rid", "family", "uprn", "home", "address")
    return ordered.with_columns(line=pl.int_range(both.height))


def _with_numbers(main: pl.DataFrame, sources: list[People], trusted: pl.DataFrame) -> pl.DataFrame:
    """Add `digits`, the number as written, and `number_state`."""
    written = pl.concat(_digits(each) for each in sources)
    sure = trusted.select("rid", trusted=pl.lit(value=True))
    state = (
        pl.when(pl.col("trusted"))
        .then(TRUSTED)
        .when(pl.col("nhs_number").is_not_null())
        .then(CONTRADICTED)
        .when(pl.col("digits").is_not_null())
        .then(INVALID)
        .otherwise(NO_NUMBER)
    )
    return (
        main.join(written, on=["source", "record_id"], how="left")
        .join(sure, on="rid", how="left")
        .with_columns(state.alias("number_state"))
    )


def _digits(people: People) -> pl.DataFrame:
    number = pl.lit(None, dtype=pl.String)
    if "nhs_number" in people.frame.columns:
        number = pl.col("nhs_number").cast(pl.String).str.replace_all(r"[^0-9]", "")
    kept = pl.when(number.str.len_chars().is_between(9, 11)).then(number).alias("digits")
    return people.frame.select(pl.lit(people.source).alias("source"), "record_id", kept)


def _with_keys(records: pl.DataFrame) -> pl.DataFrame:
    """Add what candidates are sought by and features are counted over."""
    born = pl.col("date_of_birth")
    return records.with_columns(
        dwelling=_DWELLING,
        tokens=words("given", "middle", "family", "previous_family"),
        month_day=born.dt.strftime("%m%d"),
        born_swapped=born.dt.strftime("%Y%d%m"),
        sound_given=sound(pl.col("first_given")),
        sound_family=sound(pl.col("family")),
    )


def words(*columns: str) -> pl.Expr:
    """Return the distinct words of name columns, in order of the alphabet."""
    parts = [pl.col(c).fill_null("").str.split(" ") for c in columns]
    return pl.concat_list(parts).list.unique().list.sort().list.filter(pl.element() != "")


def sound(name: pl.Expr) -> pl.Expr:
    """Return the consonants of a name, those that are taken for each other as one.

    >>> pl.DataFrame({"n": ["MOHAMMED", "MUHAMAD", "PHILIP", "FILLIP", "EVA"]}).select(
    ...     sound(pl.col("n")))["n"].to_list()
    ['NT', 'NT', 'VLB', 'VLB', 'V']
    """
    for pattern, letter in _SOUNDS.items():
        name = name.str.replace_all(pattern, letter)
    for letter in "BKLNRSTVY":
        name = name.str.replace_all(f"{letter}{letter}+", letter)
    return name
