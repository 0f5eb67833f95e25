"""Nicknames and the formal names that they stand for, from the package `nicknames` (Apache-2.0)."""

from __future__ import annotations

from functools import cache

import polars as pl

from pophealth_link.prepare import distinct

_NAMES = pl.List(pl.String)


def formal(name: pl.Expr) -> pl.Expr:
    """Return the formal names that a folded given name may stand for, itself among them; sorted.

    >>> "MARGARET" in pl.DataFrame({"g": ["PEGGY"]}).select(formal(pl.col("g")))["g"][0]
    True
    """
    return distinct.each(name, plain_formal, _NAMES)


def formal_names(names: pl.DataFrame, column: str) -> pl.DataFrame:
    """Add `<column>_formal`, as `formal` gives it.

    >>> "MARGARET" in formal_names(pl.DataFrame({"g": ["PEGGY"]}), "g")["g_formal"][0]
    True
    """
    return names.with_columns(formal(pl.col(column)).alias(f"{column}_formal"))


def plain_formal(names: pl.Series) -> pl.Series:
    """Return distinct names as `formal` does."""
    asked = names.alias("name").to_frame()
    found = asked.join(_book(), on="name", how="left", maintain_order="left")
    unlisted = pl.when(pl.col("name").is_not_null()).then(pl.concat_list("name"))
    return found.select(pl.coalesce("formal", unlisted)).to_series()


@cache
def _book() -> pl.DataFrame:
    """Return each name that the package lists with itself and the formal names it stands for."""
    from nicknames import NickNamer

    lookup = NickNamer().canonical_lookup
    pairs = pl.DataFrame(
        {"name": list(lookup), "formal": [[*formal, name] for name, formal in lookup.items()]},
        schema={"name": pl.String, "formal": _NAMES},
    )
    capitals = pairs.explode("formal").with_columns(pl.all().str.to_uppercase())
    return capitals.group_by("name").agg(pl.col("formal").unique().sort()).sort("name")


def short(name: pl.Expr) -> pl.Expr:
    """Return the short forms of a folded given name, without itself; null where it has none.

    >>> "PEGGY" in pl.DataFrame({"g": ["MARGARET"]}).select(short(pl.col("g")))["g"][0]
    True
    """
    return distinct.each(name, plain_short, _NAMES)


def plain_short(names: pl.Series) -> pl.Series:
    """Return distinct names as `short` does."""
    asked = names.alias("name").to_frame()
    return asked.join(_short_book(), on="name", how="left", maintain_order="left")["short"]


@cache
def _short_book() -> pl.DataFrame:
    """Return each formal name with the other names that may stand for it."""
    pairs = _book().explode("formal").filter(pl.col("formal") != pl.col("name"))
    grouped = pairs.group_by("formal").agg(pl.col("name").unique().sort().alias("short"))
    return grouped.rename({"formal": "name"}).sort("name")
