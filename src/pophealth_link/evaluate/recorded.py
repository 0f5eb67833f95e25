"""How well a record is written, as far as it shows without knowing whose record it is."""

from __future__ import annotations

import polars as pl

from pophealth_link.link.attributes import ethnic_group

# Identifiers that a pattern of completeness tells of, and what must be filled for each.
_IDENTIFIERS = {
    "given name": pl.col("first_given").is_not_null(),
    "family name": pl.col("family").is_not_null(),
    "date of birth": pl.col("date_of_birth").is_not_null() & ~pl.col("placeholder_birth"),
    "place": pl.col("home").is_not_null() | pl.col("uprn").is_not_null(),
}
COMPLETE = "all"
# What is weighed by. A name or a place that the register has nowhere is often a slip.
MARGINS = (
    "generation", "gender", "ethnicity", "has_birth", "has_home", "has_uprn", "has_middle",
    "given_seen", "family_seen", "home_seen", "uprn_seen",
)  # fmt: skip
_YEARS = 20
_SEEN = {"given": "first_given", "family": "family", "home": "home", "uprn": "uprn"}


def quality(records: pl.DataFrame) -> pl.DataFrame:
    """Return `rid`, `completeness` and `MARGINS` of each record outside the register.

    `completeness` names the identifiers that are missing (a placeholder date of birth counts as
    missing), or says `all`. A `_seen` margin is true where the value is anybody's on the register.
    """
    others = records.filter(~pl.col("alias") & ~pl.col("on_register"))
    register = records.filter("on_register")
    return others.select(
        "rid",
        _pattern(),
        (pl.col("birth_year") // _YEARS).alias("generation"),
        pl.col("sex").alias("gender"),
        ethnic_group(pl.col("ethnic_category")).alias("ethnicity"),
        _IDENTIFIERS["date of birth"].fill_null(value=False).alias("has_birth"),
        pl.col("home").is_not_null().alias("has_home"),
        pl.col("uprn").is_not_null().alias("has_uprn"),
        pl.col("middle").is_not_null().alias("has_middle"),
        *(_seen(register[column], column).alias(f"{name}_seen") for name, column in _SEEN.items()),
    ).sort("rid")


def _pattern() -> pl.Expr:
    missing = [
        pl.when(~filled.fill_null(value=False)).then(pl.lit(name))
        for name, filled in _IDENTIFIERS.items()
    ]
    lacking = pl.concat_str(missing, separator=" + ", ignore_nulls=True)
    whole = pl.when(lacking == "").then(pl.lit(COMPLETE))
    return whole.otherwise(pl.format("without {}", lacking)).alias("completeness")


def _seen(known: pl.Series, column: str) -> pl.Expr:
    return pl.col(column).is_in(known.unique().drop_nulls().implode()).fill_null(value=False)
