"""Resubmissions: which rows are the same, and which of them counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from pophealth_link.schema import PEOPLE, Table
from pophealth_link.sources import known
from pophealth_link.sources.comparing import ordered_by
from pophealth_link.sources.rowwise import WIDE
from pophealth_link.sources.shape import AUXILIARY, Latest, key_of

# Whether the file of a row lacks a column of the key, and of the other key.
LACKS, LACKS_OTHER = f"{AUXILIARY}@lacks", f"{AUXILIARY}@lacks_other"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Submitted:
    """The rows that count, those whose place they took, and what these told that they do not."""

    kept: pl.DataFrame
    left: pl.DataFrame
    told_before: dict[str, int]


@dataclass(frozen=True, slots=True)
class Order:
    """How rows are ordered in time: by columns, as days under formats, then by `place`."""

    by: tuple[str, ...]
    place: str
    formats: Sequence[str]


def lacking(columns: Sequence[str], rule: Latest | None, table: Table) -> Iterator[pl.Expr]:
    """Yield whether a file with these columns lacks any of the key, and of the other key."""
    if rule is None:
        return
    for name, of in ((LACKS, rule.of), (LACKS_OTHER, rule.otherwise)):
        absent = not of or any(key_of(each, table) not in columns for each in of)
        yield pl.lit(value=absent).alias(name)


def latest(
    frame: pl.DataFrame, rule: Latest, table: Table, order: Order, part: str | None
) -> Submitted:
    """Return the latest of the rows with the same key; those without a key stay, each for itself.

    Rows with another `part`, where one is named, are never the same. Of people each column is told
    by the last row that says something in it.
    """
    first, second, loose = _by_key(frame, rule, table)
    kept, told = [loose], dict[str, int]()
    for rows, of in ((first, rule.of), (second, rule.otherwise)):
        keys = [*(key_of(each, table) for each in of), *([part] if part else [])]
        if not rows.is_empty():
            last = _last(rows, keys, order)
            if table.name == PEOPLE.name:
                last, told = known.told_last(rows, last, keys, order)
            kept.append(last)
    whole = pl.concat(kept).sort(order.place)
    return Submitted(whole, frame.join(whole, on=order.place, how="anti"), told)


def _by_key(
    frame: pl.DataFrame, rule: Latest, table: Table
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the rows that have the key, those that have the other one, and those without both."""
    strict = bool(rule.otherwise)
    has = _has(frame, rule.of, table, LACKS, strict=strict)
    other = _has(frame, rule.otherwise, table, LACKS_OTHER, strict=False) & ~has
    return frame.filter(has), frame.filter(other), frame.filter(~has & ~other)


def _has(
    frame: pl.DataFrame, of: Sequence[str], table: Table, lacks: str, *, strict: bool
) -> pl.Expr:
    """Return whether a row has a key: in all columns, or in any that tells more than the person."""
    keys = [key_of(each, table) for each in of]
    if not keys or any(key not in frame.columns for key in keys):
        return pl.lit(value=False)
    telling = [key for key in keys if key != "record_id"] or keys
    filled = [pl.col(key).is_not_null() for key in (keys if strict else telling)]
    known = pl.all_horizontal(filled) if strict else pl.any_horizontal(filled)
    return known & ~pl.col(lacks) if lacks in frame.columns else known


def _last(rows: pl.DataFrame, keys: Sequence[str], order: Order) -> pl.DataFrame:
    """Return the last rows of each key; of rows made of wide ones, all of the last wide row."""
    wide = WIDE in rows.columns
    heads = rows.unique(WIDE, keep="first", maintain_order=True) if wide else rows
    ordered = ordered_by(heads, order.by, order.place, order.formats)
    last = ordered.unique(list(keys), keep="last", maintain_order=True)
    return rows.join(last, on=WIDE, how="semi", maintain_order="left") if wide else last
