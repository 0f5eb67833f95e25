"""Mistakes in names. Each takes records, a generator and rates, and returns records.

`rate` is one rate or one for each row: the share of the rows in which the mistake could be made.
"""

from __future__ import annotations

import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.published import reference_file
from pophealth_link.synthetic.draws import Rng, pick
from pophealth_link.synthetic.mistakes.change import (
    emptied,
    filled,
    one_of_each,
    replaced,
    rows_hit,
)
from pophealth_link.synthetic.mistakes.spelling import misspell, without_accents

_BABY_DAYS = 92
_BABY_NAMES = ("Baby", "Baby Boy", "Baby Girl", "Infant", "Unknown", "Twin One")


def use_previous_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Keep the family name of before a marriage."""
    rows = rows_hit(rng, rate, filled(records, "previous_family_name"))
    before = records["previous_family_name"].gather(rows)
    return emptied(replaced(records, "family_name", rows, before), rows, "previous_family_name")


def use_nickname(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a short form for a given name, or the full name for a short form."""
    other = one_of_each(_nicknames(records["given_name"]), rng)
    rows = rows_hit(rng, rate, other.is_not_null())
    return replaced(records, "given_name", rows, other.gather(rows))


def use_middle_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the first middle name as the given name, by which the person goes."""
    rows = rows_hit(rng, rate, filled(records, "middle_names"))
    first = records["middle_names"].gather(rows).str.extract(r"^(\S+)")
    return emptied(replaced(records, "given_name", rows, first), rows, "middle_names")


def respell_given_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the given name as another clerk, or another language, spells it."""
    return _respell(records, "given_name", "given", rng, rate)


def respell_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the family name as another clerk, or another language, spells it."""
    return _respell(records, "family_name", "family", rng, rate)


def break_double_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a hyphenated name with a blank or in part, or drop an apostrophe."""
    names = records["family_name"]
    rows = rows_hit(rng, rate, names.str.contains(r"[-' ]").fill_null(value=False))
    whole = pl.lit(names.gather(rows))
    way = pl.Series(pick(rng, [0.4, 0.15, 0.3, 0.15], len(rows)))
    double = whole.str.contains(r"[- ]")
    broken = (
        pl.when(~double)
        .then(whole.str.replace_all("'", ""))
        .when(way == 0)
        .then(whole.str.replace_all("-", " "))
        .when(way == 1)
        .then(whole.str.replace_all(r"[- ']", ""))
        .when(way == 2)
        .then(whole.str.extract(r"([^- ]+)$"))
        .otherwise(whole.str.extract(r"^([^- ]+)"))
    )
    return replaced(records, "family_name", rows, pl.select(broken).to_series())


def drop_accents(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write names in plain letters, as a system without accents holds them."""
    pair = ("given_name", "family_name")
    accented = records.select(
        pl.any_horizontal(pl.col(name).str.contains(r"[^\x00-\x7F]") for name in pair)
    ).to_series()
    rows = rows_hit(rng, rate, accented.fill_null(value=False))
    for name in pair:
        records = replaced(records, name, rows, without_accents(records[name].gather(rows)))
    return records


def misspell_given_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Make one slip in the spelling of the given name."""
    return _misspell(records, "given_name", rng, rate)


def misspell_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Make one slip in the spelling of the family name."""
    return _misspell(records, "family_name", rng, rate)


def swap_names(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the given name and the family name in each other's place."""
    both = filled(records, "given_name") & filled(records, "family_name")
    rows = rows_hit(rng, rate, both)
    given, family = records["given_name"].gather(rows), records["family_name"].gather(rows)
    return replaced(replaced(records, "given_name", rows, family), "family_name", rows, given)


def leave_baby_unnamed(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write "Baby" or the like for the name of a child of less than three months."""
    rows = rows_hit(rng, rate, records["age_days"] < _BABY_DAYS)
    words = pl.Series(_BABY_NAMES).gather(pick(rng, [5, 3, 3, 1, 1, 0.3], len(rows)))
    return emptied(replaced(records, "given_name", rows, words), rows, "middle_names")


def _misspell(records: pl.DataFrame, column: str, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    long_enough = (records[column].str.len_chars() >= 3).fill_null(value=False)
    rows = rows_hit(rng, rate, long_enough)
    return replaced(records, column, rows, misspell(records[column].gather(rows), rng))


def _respell(
    records: pl.DataFrame, column: str, kind: str, rng: Rng, rate: ArrayLike
) -> pl.DataFrame:
    known = _variants(kind)
    other = records.select(name=column).join(known, on="name", how="left", maintain_order="left")[
        "others"
    ]
    drawn = one_of_each(other, rng)
    rows = rows_hit(rng, rate, drawn.is_not_null())
    return replaced(records, column, rows, drawn.gather(rows))


def _variants(kind: str) -> pl.DataFrame:
    """Return each name that has other spellings with a list of them."""
    groups = pl.read_csv(reference_file("names_variants.csv"), infer_schema=False)
    groups = groups.filter(pl.col("kind") == kind).select("group", "name")
    pairs = groups.join(groups.rename({"name": "others"}), on="group")
    pairs = pairs.filter(pl.col("name") != pl.col("others")).sort("name", "others")
    return pairs.group_by("name", maintain_order=True).agg(pl.col("others").unique().sort())


def _nicknames(names: pl.Series) -> pl.Series:
    """Return for each name a list of its short and full forms, from the package `nicknames`."""
    from nicknames import NickNamer

    book = NickNamer()
    distinct = names.drop_nulls().unique().sort().to_list()
    forms = {name: _forms(book.nicknames_of(name) | book.canonicals_of(name)) for name in distinct}
    table = pl.DataFrame(
        {"name": list(forms), "forms": list(forms.values())},
        schema={"name": pl.String, "forms": pl.List(pl.String)},
    )
    looked_up = (
        names.alias("name").to_frame().join(table, on="name", how="left", maintain_order="left")
    )
    return looked_up["forms"]


def _forms(names: set[str]) -> list[str]:
    return sorted(name.title() for name in names if len(name) > 2)
