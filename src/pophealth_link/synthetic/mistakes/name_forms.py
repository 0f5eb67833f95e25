"""Names in another form: order, initials, titles, cut short, taken apart or put together.

See `names` for what a mistake takes and returns.
"""

from __future__ import annotations

import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.synthetic.draws import Bools, Ints, Rng, pick, pick_key
from pophealth_link.synthetic.mistakes.change import emptied, filled, met, replaced, rows_hit

# Letters that fit the field of an older system.
_GIVEN_WIDTH, _FAMILY_WIDTH = 10, 14
_TITLED_FROM = 16
_TITLES = {"1": {"Mr": 0.97, "Dr": 0.03}, "2": {"Mrs": 0.5, "Miss": 0.25, "Ms": 0.22, "Dr": 0.03}}
_PARTS = r"[- ]"


def swap_names(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the given name and the family name in each other's place."""
    rows = rows_hit(rng, rate, filled(records, "given_name", "family_name"))
    return _swapped(records, rows)


def write_family_name_first(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Take the family name, which comes first in the person's tradition, for the given name."""
    both = filled(records, "given_name", "family_name")
    first = met(records, pl.col("family_name_first"))
    return _swapped(records, rows_hit(rng, rate, both & first))


def write_initial(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write an initial for the given name."""
    rows = rows_hit(rng, rate, met(records, pl.col("given_name").str.len_chars() > 1))
    initials = records["given_name"].gather(rows).str.slice(0, 1)
    return replaced(records, "given_name", rows, initials)


def add_title(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a title in front of the given name of an adult."""
    rows = rows_hit(rng, rate, _titled(records))
    titles = _titles(records["sex"].gather(rows), rng)
    return replaced(records, "given_name", rows, titles + " " + records["given_name"].gather(rows))


def write_title_for_given_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a title in place of the given name of an adult."""
    rows = rows_hit(rng, rate, _titled(records))
    return replaced(records, "given_name", rows, _titles(records["sex"].gather(rows), rng))


def cut_given_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Cut a long given name to the width of the field."""
    return _cut(records, "given_name", _GIVEN_WIDTH, rng, rate)


def cut_family_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Cut a long family name to the width of the field."""
    return _cut(records, "family_name", _FAMILY_WIDTH, rng, rate)


def join_middle_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the middle names behind the given name, in its field."""
    rows = rows_hit(rng, rate, filled(records, "given_name", "middle_names"))
    some = records[rows]
    joined = replaced(records, "given_name", rows, some["given_name"] + " " + some["middle_names"])
    return emptied(joined, rows, "middle_names")


def split_given_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Take the second part of a double given name for a middle name."""
    rows = rows_hit(rng, rate, met(records, pl.col("given_name").str.contains(r"^\S+[- ]\S")))
    first, rest = (
        records["given_name"].gather(rows).str.extract(pattern)
        for pattern in (r"^([^- ]+)", r"^[^- ]+[- ](.+)$")
    )
    others = records["middle_names"].gather(rows)
    parts = pl.DataFrame({"rest": rest, "others": others})
    middle = parts.select(pl.concat_str("rest", "others", separator=" ", ignore_nulls=True))
    records = replaced(records, "given_name", rows, first)
    return replaced(records, "middle_names", rows, middle.to_series())


def break_double_name(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write a double family name with a blank or in part, or drop an apostrophe."""
    broken = r"^[^-' ]+[-' ].*[^-' ]"
    rows = rows_hit(rng, rate, met(records, pl.col("family_name").str.contains(broken)))
    way = pl.Series("way", pick(rng, [0.4, 0.15, 0.3, 0.15], len(rows)))
    some = records["family_name"].gather(rows).alias("name").to_frame().with_columns(way)
    return replaced(records, "family_name", rows, some.select(_broken()).to_series())


def _broken() -> pl.Expr:
    whole, way = pl.col("name"), pl.col("way")
    return (
        pl.when(~whole.str.contains(_PARTS))
        .then(whole.str.replace_all("'", ""))
        .when((way == 0) & whole.str.contains("-"))
        .then(whole.str.replace_all("-", " "))
        .when(way == 2)
        .then(whole.str.extract(r"([^- ]+)[- ]*$"))
        .when(way == 3)
        .then(whole.str.extract(r"^[- ]*([^- ]+)"))
        .otherwise(whole.str.replace_all(r"[- ']", ""))
    )


def _swapped(records: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    """Return the records with given name and family name in each other's place in those rows."""
    given, family = (records[name].gather(rows) for name in ("given_name", "family_name"))
    return replaced(replaced(records, "given_name", rows, family), "family_name", rows, given)


def _titled(records: pl.DataFrame) -> Bools:
    grown = pl.col("age_days") >= _TITLED_FROM * 366
    return met(
        records, pl.col("given_name").is_not_null() & pl.col("sex").is_in(list(_TITLES)) & grown
    )


def _titles(sex: pl.Series, rng: Rng) -> pl.Series:
    """Return a title for each sex."""
    drawn = [pl.Series(pick_key(rng, _TITLES[code], len(sex))) for code in ("1", "2")]
    man = pl.DataFrame({"sex": sex, "man": drawn[0], "woman": drawn[1]})
    return man.select(pl.when(pl.col("sex") == "1").then("man").otherwise("woman")).to_series()


def _cut(records: pl.DataFrame, column: str, width: int, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    rows = rows_hit(rng, rate, met(records, pl.col(column).str.len_chars() > width))
    kept = records[column].gather(rows).str.slice(0, width).str.strip_chars_end(" -'")
    return replaced(records, column, rows, kept)
