"""Names that stand whole in one field, as `SMITH, John`: family name and given name taken apart."""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare.distinct import each, first

_COMMA = r"^\s*([^,]*\p{L}[^,]*?)\s*,\s*(.*\p{L}.*?)\s*$"
# One in capitals, the other not: the capitals are the family name.
_FAMILY_FIRST = r"^\s*((?:[\p{Lu}'’-]{2,}\s+)+)((?:\p{Lu}[\p{Ll}'’-]+\s*)+)$"
_FAMILY_LAST = r"^\s*((?:\p{Lu}[\p{Ll}'’-]+\s+)+)((?:[\p{Lu}'’-]{2,}\s*)+)$"
_PARTS = pl.Struct({"family": pl.String, "given": pl.String})


def apart(
    people: pl.LazyFrame, *, given: str = "given_name", family: str = "family_name"
) -> pl.LazyFrame:
    """Return people with a name that stands whole in one of two fields taken apart.

    `SMITH, John` in either field where the other is empty, `SMITH John` and `John SMITH` in the
    field of given names where that of family names is empty, and `SMITH, John` beside `John`. Any
    other name stays as it is: which of two words is the family name cannot be told.

    >>> people = pl.LazyFrame({"given_name": [None, "Lee Ann"], "family_name": ["SMITH, Jo", None]})
    >>> apart(people).collect().rows()
    [('Jo', 'SMITH'), ('Lee Ann', None)]
    """
    told = people.with_columns(
        each(pl.col(family), _at_comma, _PARTS).alias("_in_family"),
        each(pl.col(given), _either, _PARTS).alias("_in_given"),
    )
    in_family, in_given = pl.col("_in_family").struct, pl.col("_in_given").struct
    known = in_family.field("given")
    same = known.str.to_lowercase().str.starts_with(pl.col(given).str.to_lowercase())
    split = known.is_not_null() & (pl.col(given).is_null() | same)
    other = in_given.field("family").is_not_null() & pl.col(family).is_null()
    return told.with_columns(
        pl.when(split)
        .then(in_family.field(part))
        .when(other)
        .then(in_given.field(part))
        .otherwise(column)
        .alias(column)
        for part, column in (("given", given), ("family", family))
    ).drop("_in_family", "_in_given")


def _at_comma(names: pl.Series) -> pl.Series:
    parts = [
        names.str.extract(_COMMA, 1).alias("family"),
        names.str.extract(_COMMA, 2).alias("given"),
    ]
    return pl.DataFrame(parts).to_struct()


def _either(names: pl.Series) -> pl.Series:
    family = first(
        names.str.extract(_COMMA, 1),
        names.str.extract(_FAMILY_FIRST, 1),
        names.str.extract(_FAMILY_LAST, 2),
    )
    given = first(
        names.str.extract(_COMMA, 2),
        names.str.extract(_FAMILY_FIRST, 2),
        names.str.extract(_FAMILY_LAST, 1),
    )
    parts = {"family": family.str.strip_chars(), "given": given.str.strip_chars()}
    return pl.DataFrame(parts).to_struct()
