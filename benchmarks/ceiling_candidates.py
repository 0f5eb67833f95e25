"""Which register people a record is compared with: the library's blocking rules and wider ones.

The library's rules alone lose true pairs whose records err twice; no model can find those again,
so a ceiling has to look further. The wider rules join on keys: a pair is worth the sum of its
keys, and the best few of a record are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from benchmarks.ceiling_rows import ELSEWHERE
from pophealth_link.link import blocking

# A key that more rows of the register share tells nobody apart; a name by itself must be rare.
_CROWD, _FEW, _RARE = 400, 150, 40
_LIBRARY_RULE = 2
_KEPT = 20


@dataclass(frozen=True, slots=True)
class Key:
    """A kind of key: SQL lists of values, equal on both sides, and what one of them is worth.

    Values that more than `crowd` rows of the register have are left out.
    """

    name: str
    worth: int
    left: str
    right: str
    crowd: int = _CROWD


def _same(name: str, worth: int, values: str, crowd: int = _CROWD) -> Key:
    return Key(name, worth, values, values, crowd)


def _each(parts: str, beside: str) -> str:
    """Return SQL for each part of a name beside one value; none where that is missing."""
    return f"list_transform({parts}, lambda x: x || ' ' || {beside})"


def _pairs(written: str) -> str:
    """Return SQL for each two words of all names of a person, in order of the alphabet."""
    inner = f"list_transform(list_filter(tokens, lambda y: y > x), lambda y: {written})"
    return f"flatten(list_transform(tokens, lambda x: {inner}))"


_STARTS = "list_transform(tokens, lambda x: left(x, 3))"
_ENDS = "list_transform(tokens, lambda x: right(x, 4))"
_SOUNDS = "[sound_given, sound_family]"
_ADDRESS = "string_split(address, ' ')"
_PARTS_OF_ADDRESS = (
    f"list_transform(range(1, len({_ADDRESS}) - 1),"
    f" lambda i: array_to_string({_ADDRESS}[i:i + 2], ' '))"
)
# Each on what some kind of mistake leaves alone.
KEYS = (
    _same("born", 6, "[birth_text]"),
    Key("swapped", 5, "[birth_text]", "[born_swapped]"),
    _same("dwelling", 3, "[dwelling]"),
    _same("three words of address", 3, _PARTS_OF_ADDRESS, _RARE),
    _same("sounds", 4, "[sound_given || ' ' || sound_family]"),
    Key("sounds swapped", 4, "[sound_given || ' ' || sound_family]",
        "[sound_family || ' ' || sound_given]"),
    _same("year and sound", 3, _each(_SOUNDS, "birth_year")),
    _same("day and sound", 3, _each(_SOUNDS, "month_day")),
    _same("year and start", 3, _each(_STARTS, "birth_year")),
    _same("day and start", 2, _each(_STARTS, "month_day")),
    _same("year and end", 2, _each(_ENDS, "birth_year")),
    _same("home and start", 3, _each(_STARTS, "home")),
    _same("home and year", 3, "[home || ' ' || birth_year]"),
    _same("given and letter", 3, "[first_given || ' ' || left(family, 1)]", _FEW),
    _same("letter and family", 3, "[left(first_given, 1) || ' ' || family]", _FEW),
    _same("rare family", 3, "[family, previous_family]", _RARE),
    _same("rare family sound", 2, "[sound_family]", _RARE),
    _same("two words", 4, _pairs("x || ' ' || y")),
    _same("two starts", 2, _pairs("left(x, 3) || ' ' || left(y, 3)")),
)  # fmt: skip
# A record does not speak for a register person to itself, nor to another record of a source whose
# people are unique: there it speaks against.
MAY_SPEAK = (
    "(l.origin_rid is distinct from r.rid"
    " and not coalesce(l.origin_unique and l.origin_source = r.source, false))"
)


def candidates(rows: pl.DataFrame, asked: pl.DataFrame, kept: int = _KEPT) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`, `keys_worth`: for each record asked the `kept` likeliest, or more.

    Those worth as much as the last that is kept are kept too.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("l", rows.to_arrow())
        connection.register("r", asked.to_arrow())
        for key in KEYS:
            connection.execute(f"create or replace temp table found_{_slug(key)} as {_found(key)}")
        tables = " union all ".join(f"from found_{_slug(key)}" for key in KEYS)
        connection.register("library", by_library(rows, asked).to_arrow())
        summed = connection.sql(
            "select rid_l, rid_r, sum(worth)::int as keys_worth"
            f" from ({tables} union all select rid_l, rid_r, {_LIBRARY_RULE} as worth from library)"
            " group by all"
        ).pl()
    place = pl.col("keys_worth").rank("min", descending=True).over("rid_r")
    return pl.DataFrame(summed).filter(place <= kept).sort("rid_r", "rid_l")


def _slug(key: Key) -> str:
    return key.name.replace(" ", "_")


def _found(key: Key) -> str:
    """Return SQL for the pairs that share keys of one kind, and what these are worth together."""
    told = "rid, origin_rid, origin_source, origin_unique"
    return (
        f"with lk as (select {told}, unnest({key.left}) as k from l),"
        " thin as (select k from lk where k is not null group by k"
        f" having count(*) <= {key.crowd}),"
        f" rk as (select rid, source, unnest({key.right}) as k from r)"
        f" select l.rid as rid_l, r.rid as rid_r, (count(distinct k) * {key.worth})::int as worth"
        f" from lk l join thin using (k) join rk r using (k) where {MAY_SPEAK} group by 1, 2"
    )


def by_library(rows: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `rid_r` of the pairs that the library's blocking rules propose."""
    found = blocking.candidates(rows.filter(pl.col("origin") != ELSEWHERE), asked)
    return found.sort("rid_r", "rid_l")
