"""Delimited text files (CSV): encoding, blocks and projection."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

import polars as pl

from pophealth_link.sources.records import (
    LONGEST_RECORD,
    Dialect,
    dialect_of,
    field_text,
    fields_of,
    join_lines,
    lines_of,
    not_blank,
)

ROW = "row"
_BLOCK_CHARACTERS = 1 << 25
_HEADER_CHARACTERS = 1 << 16
_FALLBACK = "pophealth_link.windows_1252"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Chunk:
    """Some rows of a file: `frame` has `row` and the columns; `ragged`, row numbers refused."""

    frame: pl.DataFrame
    ragged: pl.Series


def read_header(path: Path) -> list[str]:
    """Return the names in the first record, as written; none if it cannot be told apart."""
    records, dialect = _start(path)
    pieces = fields_of(records.head(1), dialect).filter("sound")
    lists = pieces.get_column("fields").to_list()
    if not lists:
        return []
    names = (field_text(place, dialect).alias(str(place)) for place in range(len(lists[0])))
    return list(pieces.select(names).row(0))


def has_rows(path: Path) -> bool:
    """Return whether anything but blanks follows the header."""
    if _start(path)[0].len() > 1:
        return True
    with _open(path) as handle:
        handle.read(_HEADER_CHARACTERS)
        return any(text.strip() for text in iter(partial(handle.read, _HEADER_CHARACTERS), ""))


def read_chunks(
    path: Path, width: int, positions: Mapping[str, int], *, block: int = _BLOCK_CHARACTERS
) -> Iterator[Chunk]:
    """Yield the rows of a file, `block` characters at a time.

    `positions`: name → place in the header; other columns never leave the parser. A row is
    ragged unless it has `width` fields. Rows are numbered from 1; blank lines are no rows.
    """
    row, header_is_due = 0, True
    for records, dialect in _record_blocks(path, block):
        rows = records[1:] if header_is_due else records
        header_is_due = header_is_due and records.is_empty()
        yield _chunk(rows, row, width, positions, dialect)
        row += rows.len()


def _chunk(
    records: pl.Series, row: int, width: int, positions: Mapping[str, int], dialect: Dialect
) -> Chunk:
    pieces = fields_of(records, dialect).with_row_index(ROW, offset=row + 1)
    fits = pl.col("sound") & (pl.col("fields").list.len() == width)
    frame = pieces.filter(fits).select(
        pl.col(ROW).cast(pl.Int64),
        *(field_text(place, dialect).alias(name) for name, place in positions.items()),
    )
    return Chunk(frame, pieces.filter(~fits).get_column(ROW).cast(pl.Int64))


def _record_blocks(path: Path, block: int) -> Iterator[tuple[pl.Series, Dialect]]:
    """Yield the records that are not blank; an unfinished one is carried to the next block."""
    dialect, carried = None, ""
    with _open(path) as handle:
        while text := handle.read(block):
            text = carried + text
            dialect = dialect or dialect_of(text)
            cut = text.rfind("\n") + 1
            if not cut:
                carried = text
                continue
            lines = lines_of(text[:cut])
            records, opened = join_lines(lines, dialect)
            late = _unfinished(lines, opened)
            yield not_blank(records.head(records.len() - late)), dialect
            carried = "".join(f"{line}\n" for line in lines.tail(late).to_list()) + text[cut:]
    if carried and dialect:
        yield not_blank(join_lines(lines_of(carried), dialect)[0]), dialect


def _unfinished(lines: pl.Series, opened: int | None) -> int:
    """Return how many of the last lines may be part of a record that the next block ends."""
    late = 0 if opened is None else lines.len() - opened
    return late if late <= LONGEST_RECORD else 0


def _start(path: Path) -> tuple[pl.Series, Dialect]:
    with _open(path) as handle:
        text = handle.read(_HEADER_CHARACTERS)
    dialect = dialect_of(text)
    return not_blank(join_lines(lines_of(text), dialect)[0]), dialect


def _open(path: Path) -> TextIO:
    """Open as UTF-8 with or without a mark; bytes that are not UTF-8 are read as Windows-1252.

    Carriage returns end lines only in a file that has nothing else: elsewhere one alone is part
    of a value.
    """
    codecs.register_error(_FALLBACK, _as_windows_1252)
    with path.open("rb") as handle:
        newline = "" if b"\n" in handle.read(_HEADER_CHARACTERS) else None
    return path.open(encoding="utf-8-sig", errors=_FALLBACK, newline=newline)


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end
