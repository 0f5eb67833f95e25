"""Who is on the register twice: records that are plainly of one person."""

from __future__ import annotations

import polars as pl

from pophealth_link.link.components import components

_BORN = ("first_given", "date_of_birth")
# Without the family name, which second registrations often have otherwise (married, or misspelt),
# where the dwelling agrees; elsewhere only with all names. No key holds what may be missing.
_NAMES = (*_BORN, "middle_key", "family")
_KEYS = ((*_BORN, "uprn"), (*_BORN, "home", "house"), _NAMES)


def same_person(records: pl.DataFrame) -> pl.DataFrame:
    """Return `rid`, `group`: the smallest rid among the register's records of plainly one person.

    These agree in given name and date of birth, and in dwelling or in all their other names, of
    which there are a middle one and a birthday that is none assumed: registered twice, they are no
    rivals of each other. Twins do not share a given name.
    """
    main = records.filter(~pl.col("alias") & pl.col("on_register"))
    told = main.filter(~pl.col("placeholder_birth")).with_columns(middle_key=_middle())
    pairs = pl.concat(
        _alike(told if keys == _NAMES else main, keys).cast(pl.Int64) for keys in _KEYS
    )
    groups = components(pairs).cast({"node": pl.UInt32, "component": pl.UInt32})
    named = main.select("rid").join(
        groups, left_on="rid", right_on="node", how="left", maintain_order="left"
    )
    return named.select("rid", pl.coalesce("component", "rid").alias("group"))


def _middle() -> pl.Expr:
    """Return the further given names, wherever they were written; an initial is none."""
    whole = pl.col("middle_words").list.eval(pl.element().filter(pl.element().str.len_chars() > 1))
    return pl.when(whole.list.len() > 0).then(whole.list.join(" ")).alias("middle_key")


def _alike(records: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Return `first`, `rid`: each record beside the first that agrees in all keys."""
    known = records.drop_nulls(keys).select("rid", first=pl.col("rid").min().over(keys))
    return known.filter(pl.col("first") != pl.col("rid")).select("first", "rid")
