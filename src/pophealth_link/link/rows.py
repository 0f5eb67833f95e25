"""The rows in which a record stands to be compared: as written, formerly, under other names.

Whoever married stands in a further row with the previous family name; whoever's names may have
been exchanged, in one with the names the other way round; an alias (a former name or address) is
a row already. The best row of a pair counts, less what its kind costs (the comparison `row`).
"""

from __future__ import annotations

import polars as pl

from pophealth_link.link.comparisons import COLUMNS
from pophealth_link.prepare import names, nicknames

# Made for each row, from its names and its date of birth: what comparisons and rules read.
DERIVED = (
    "row_kind", "short", "middle_first", "middle_initial", "given_initial", "given_start",
    "family_initial", "family_start", "year_month", "year_day", "month_day", "birth_key",
    "birth_swapped",
)  # fmt: skip
ROW_COLUMNS = (*COLUMNS, *DERIVED)
_MANY = "several"


def expand(records: pl.DataFrame, *, swapped: bool = False) -> pl.DataFrame:
    """Return `rid` and `ROW_COLUMNS`: one row a record, alias, previous name and, if asked, swap.

    `records` are prepared records. Swapped names are looked for on one side of a pair only.
    """
    kind = pl.when("alias").then(pl.lit("former")).otherwise(pl.lit("straight"))
    written = records.select("rid", *COLUMNS, row_kind=kind)
    both = pl.concat([written, _previous(written)])
    parts = [both, _swapped(both)] if swapped else [both]
    return _derived(pl.concat(parts)).select("rid", *ROW_COLUMNS)


def _previous(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row with the previous family name for each row that has another one."""
    other = pl.col("previous_family").is_not_null() & pl.col("previous_family").ne_missing(
        pl.col("family")
    )
    kind = pl.when(pl.col("row_kind") == "straight").then(pl.lit("previous"))
    return rows.filter(other).with_columns(
        family=pl.col("previous_family"),
        row_kind=kind.otherwise(pl.lit(_MANY)),
        family_words=names.family_words(pl.col("previous_family")),
        sound_family=names.sound(pl.col("previous_family")),
    )


def _swapped(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each row but those of aliases with given name and family name exchanged."""
    kind = pl.when(pl.col("row_kind") == "straight").then(pl.lit("swapped"))
    known = pl.any_horizontal(pl.col("family", "given").is_not_null())
    exchanged = rows.filter(
        known & pl.col("row_kind").is_in(["straight", "previous"])
    ).with_columns(
        given=pl.col("family"),
        first_given=pl.col("family").str.extract(r"^(\S+)"),
        family=pl.col("given"),
        middle_words=pl.lit(None, dtype=pl.List(pl.String)),
        row_kind=kind.otherwise(pl.lit(_MANY)),
    )
    return exchanged.with_columns(
        formal=nicknames.formal(pl.col("first_given")),
        family_words=names.family_words(pl.col("family")),
        sound_given=names.sound(pl.col("first_given")),
        sound_family=names.sound(pl.col("family")),
    )


def _derived(rows: pl.DataFrame) -> pl.DataFrame:
    born = pl.col("date_of_birth")
    return rows.with_columns(
        nicknames.short(pl.col("first_given")).alias("short"),
        pl.col("middle_words").list.first().alias("middle_first"),
        pl.col("middle_words").list.first().str.head(1).alias("middle_initial"),
        pl.col("first_given").str.head(1).alias("given_initial"),
        pl.col("first_given").str.head(3).alias("given_start"),
        pl.col("family").str.head(1).alias("family_initial"),
        pl.col("family").str.head(3).alias("family_start"),
        born.dt.strftime("%Y%m").alias("year_month"),
        (pl.col("birth_text").str.head(4) + pl.col("birth_text").str.tail(2)).alias("year_day"),
        pl.col("birth_text").str.tail(4).alias("month_day"),
        pl.when(~pl.col("placeholder_birth")).then("birth_text").alias("birth_key"),
        # Where the day is none of a month's numbers there is nothing to exchange.
        pl.when((born.dt.day() <= 12) & (pl.col("birth_text").str.len_chars() == 8))
        .then(born.dt.strftime("%Y%d%m"))
        .alias("birth_swapped"),
    )
