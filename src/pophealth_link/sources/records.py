"""Delimited text: physical lines → records → fields, without a loop over rows.

Fields are as in RFC 4180: a quoted field may hold separators, doubled quotation marks and line
ends. A mark inside an unquoted field (`5" pipe`) is kept as it is. A mark that opens a field and
is never closed costs its own line alone, not the lines after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

# A field over more physical lines than this is taken for a mark that was never closed.
LONGEST_RECORD = 50
_SEPARATORS = ",\t;|"
# Quoted text after its opening mark, up to where it would close.
_INSIDE = '(?:[^"]|"")*'

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are set apart, with the regular expressions that follow from it."""

    separator: str

    @property
    def field(self) -> str:
        """Pattern of one field: quoted, unquoted, or empty."""
        sep = re.escape(self.separator)
        return f'(?: *"{_INSIDE}" *|[^"{sep}\\n][^{sep}\\n]*|)'

    @property
    def opens(self) -> str:
        """Pattern of a line that ends inside a quoted field which it opened."""
        return f'^(?:{self.field}{re.escape(self.separator)})* *"{_INSIDE}$'

    @property
    def closes(self) -> str:
        """Pattern of a line that begins inside a quoted field and closes it."""
        return f'^{_INSIDE}" *(?:{re.escape(self.separator)}{self.field})*$'


def dialect_of(text: str) -> Dialect:
    """Return the dialect in which `text`, the start of a file, has its first line.

    >>> dialect_of("record_id;sex").separator
    ';'
    """
    first = re.sub(f'"{_INSIDE}"', "", text.lstrip().partition("\n")[0])
    return Dialect(max(_SEPARATORS, key=first.count))


def lines_of(text: str) -> pl.Series:
    """Return the physical lines of `text`, without their ends."""
    whole = text.replace("\r\n", "\n").removesuffix("\n")
    return pl.Series("text", [whole]).str.split("\n").explode()


def not_blank(records: pl.Series) -> pl.Series:
    """Return the records that hold anything but blanks."""
    return records.filter(records.str.contains(r"\S"))


def join_lines(lines: pl.Series, dialect: Dialect) -> tuple[pl.Series, int | None]:
    """Return the records that `lines` make, and the line on which one is still open, if any.

    Lines from an open one on are records of their own here: whether they belong together is for
    the caller to say, who knows whether more lines follow.
    """
    odd = np.flatnonzero((lines.str.count_matches('"', literal=True) % 2 == 1).to_numpy())
    if not odd.size:
        return lines, None
    turning = lines.gather(odd)
    opens = turning.str.contains(dialect.opens).to_numpy()
    closes = turning.str.contains(dialect.closes).to_numpy()
    turns = opens | closes
    places, opens, closes = odd[turns], opens[turns], closes[turns]
    inside = _inside_after(opens, closes)
    starts, ends = _spans(places, inside)
    still_open = int(places[-1]) if inside.size and inside[-1] else None
    return _merge(lines, starts, ends, dialect), still_open


def fields_of(records: pl.Series, dialect: Dialect) -> pl.DataFrame:
    """Return `fields` (a list per record, still quoted) and `sound`: the marks make sense."""
    frame = records.alias("text").to_frame()
    if not records.str.contains('"', literal=True).any():
        return frame.select(
            fields=pl.col("text").str.split(dialect.separator), sound=pl.lit(value=True)
        )
    marked = frame.select(text=pl.lit(dialect.separator) + pl.col("text"))
    pieces = marked.select(
        "text", fields=pl.col("text").str.extract_all(re.escape(dialect.separator) + dialect.field)
    )
    return pieces.select("fields", sound=pl.col("fields").list.join("") == pl.col("text"))


def field_text(position: int, dialect: Dialect) -> pl.Expr:
    """Return the text of the field at `position` of `fields`, blanks and quotation marks off."""
    piece = pl.col("fields").list.get(position, null_on_oob=True)
    text = piece.str.strip_prefix(dialect.separator).str.strip_chars()
    quoted = text.str.starts_with('"') & text.str.ends_with('"') & (text.str.len_bytes() > 1)
    plain = text.str.slice(1, text.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
    return pl.when(quoted).then(plain).otherwise(text)


def _inside_after(opens: Flags, closes: Flags) -> Flags:
    """Return whether the text is inside quotes after each turning line.

    A line that can only open leaves it inside, one that can only close outside, whatever came
    before; a line that can do both turns it over.
    """
    certain = opens ^ closes
    turns = np.cumsum(opens & closes)
    last = np.maximum.accumulate(np.where(certain, np.arange(certain.size), -1))
    base = np.where(last >= 0, opens[last], 0)
    since: Places = turns - np.where(last >= 0, turns[last], 0)
    inside: Flags = (base + since) % 2 == 1
    return inside


def _spans(places: Places, inside: Flags) -> tuple[Places, Places]:
    """Return first and last line of each record that goes over several lines."""
    closed = np.flatnonzero(inside[:-1] & ~inside[1:])
    starts, ends = places[closed], places[closed + 1]
    short = ends - starts <= LONGEST_RECORD
    return starts[short], ends[short]


def _merge(lines: pl.Series, starts: Places, ends: Places, dialect: Dialect) -> pl.Series:
    """Return `lines` with each span joined into one record, where that record is sound."""
    if not starts.size:
        return lines
    step = np.zeros(lines.len() + 1, dtype=np.int64)
    step[starts] += 1
    step[ends + 1] -= 1
    inner = np.cumsum(step)[:-1] > 0
    span = np.repeat(np.arange(starts.size), ends - starts + 1)
    joined = (
        pl.DataFrame({"span": span, "text": lines.filter(pl.Series(inner))})
        .group_by("span", maintain_order=True)
        .agg(pl.col("text").str.join("\n"))
    )
    sound = fields_of(joined.get_column("text"), dialect).get_column("sound").to_numpy()
    if not sound.all():
        return _merge(lines, starts[sound], ends[sound], dialect)
    alone = pl.DataFrame({"place": np.flatnonzero(~inner), "text": lines.filter(pl.Series(~inner))})
    together = joined.select(place=pl.Series(starts), text="text")
    return pl.concat([alone, together]).sort("place").get_column("text")
