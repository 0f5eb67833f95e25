"""Another name of the person, or the name misspelt.

Each mistake takes records, a generator and rates, and returns records. `rate` is one rate or one
for each row: the share of the rows in which the mistake could be made.
"""

from __future__ import annotations

import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.published import reference_file
from pophealth_link.synthetic.draws import Ints, Rng, pick
from pophealth_link.synthetic.mistakes.change import (
    copied,
    emptied,
    filled,
    looked_up,
    met,
    one_of_each,
    replaced,
    rows_hit,
)
from pophealth_link.synthetic.mistakes.spelling import misspell, without_accents

_BABY_DAYS = 92
_BABY_NAMES = ("Baby", "Baby Boy", "Baby Girl", "Infant", "Unknown", "Twin One")


def use_previous_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Keep the family name of before the latest change, as of before a marriage."""
    rows = rows_hit(rng, rate, filled(records, "previous_family_name"))
    records = copied(records, rows, {"family_name": "previous_family_name"})
    return emptied(records, rows, "previous_family_name")


def use_birth_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the name that the person was born with, which she still uses beside the present one."""
    rows = rows_hit(rng, rate, filled(records, "birth_family_name"))
    return copied(records, rows, {"family_name": "birth_family_name"})


def use_carers_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the family name of the foster carers for a looked-after child."""
    rows = rows_hit(rng, rate, filled(records, "carers_family_name"))
    return copied(records, rows, {"family_name": "carers_family_name"})


def use_nickname(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a short form for a given name, or the full name for a short form."""
    rows = rows_hit(rng, rate, filled(records, "given_name"))
    names = records["given_name"].gather(rows)
    return _with_others(records, rows, one_of_each(_nicknames(names), rng), "given_name")


def use_middle_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the first middle name as the given name, by which the person goes."""
    rows = rows_hit(rng, rate, filled(records, "middle_names"))
    first = records["middle_names"].gather(rows).str.extract(r"^(\S+)")
    return emptied(replaced(records, "given_name", rows, first), rows, "middle_names")


def cross_twins(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the given name of the twin: the two records were crossed."""
    rows = rows_hit(rng, rate, filled(records, "twin_given_name"))
    return copied(records, rows, {"given_name": "twin_given_name"})


def respell_given_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the given name as another clerk, or another language, spells it."""
    return _respell(records, "given_name", "given", rng, rate)


def respell_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the family name as another clerk, or another language, spells it."""
    return _respell(records, "family_name", "family", rng, rate)


def misspell_given_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Make one slip in the spelling of the given name."""
    return _misspell(records, "given_name", rng, rate)


def misspell_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Make one slip in the spelling of the family name."""
    return _misspell(records, "family_name", rng, rate)


def drop_accents(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write names in plain letters, as a system without accents holds them."""
    pair = ("given_name", "family_name")
    marked = (pl.col(name).str.contains(r"[^\x00-\x7F]").fill_null(value=False) for name in pair)
    rows = rows_hit(rng, rate, met(records, pl.any_horizontal(marked)))
    for name in pair:
        records = replaced(records, name, rows, without_accents(records[name].gather(rows)))
    return records


def leave_baby_unnamed(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write "Baby" or the like for the name of a child of less than three months."""
    rows = rows_hit(rng, rate, met(records, pl.col("age_days") < _BABY_DAYS))
    words = pl.Series(_BABY_NAMES).gather(pick(rng, [5, 3, 3, 1, 1, 0.3], len(rows)))
    return emptied(replaced(records, "given_name", rows, words), rows, "middle_names")


def _misspell(records: pl.DataFrame, column: str, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    rows = rows_hit(rng, rate, met(records, pl.col(column).str.len_chars() >= 3))
    return replaced(records, column, rows, misspell(records[column].gather(rows), rng))


def _respell(
    records: pl.DataFrame, column: str, kind: str, rng: Rng, rate: ArrayLike
) -> pl.DataFrame:
    rows = rows_hit(rng, rate, filled(records, column))
    others = looked_up(records[column].gather(rows), _variants(kind))
    return _with_others(records, rows, one_of_each(others, rng), column)


def _with_others(records: pl.DataFrame, rows: Ints, others: pl.Series, column: str) -> pl.DataFrame:
    """Return the records with the other names, in those of the rows whose name has any."""
    found = others.is_not_null().to_numpy()
    return replaced(records, column, rows[found], others.drop_nulls())


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
    distinct = names.unique().sort().to_list()
    forms = [_forms(book.nicknames_of(name) | book.canonicals_of(name), name) for name in distinct]
    table = pl.DataFrame(
        {"name": distinct, "others": forms},
        schema={"name": pl.String, "others": pl.List(pl.String)},
    )
    return looked_up(names, table)


def _forms(names: set[str], own: str) -> list[str]:
    return sorted({name.title() for name in names if len(name) > 2} - {own})
