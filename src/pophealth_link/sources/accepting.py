"""From chunks of a file to accepted rows, quarantined rows and counts that add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pophealth_link.errors import Problem
from pophealth_link.schema import Column, Table
from pophealth_link.schema.outputs import QUARANTINE
from pophealth_link.sources.delimited import ROW, Chunk
from pophealth_link.sources.model import Accepted, Counts, Only, columns_of
from pophealth_link.sources.problems import refusal
from pophealth_link.sources.values import Tally, clean, convert, formats_of

RAGGED, NO_RECORD_ID, UNKNOWN_RECORD_ID = "ragged", "no_record_id", "unknown_record_id"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Part:
    """What became of the rows of one chunk."""

    kept: pl.DataFrame
    refused: pl.DataFrame
    tally: Tally


def accept(
    chunks: Iterable[Chunk],
    table: Table,
    formats: Mapping[str, tuple[str, ...]],
    *,
    where: str,
    only: Only,
    known: pl.Series | None = None,
) -> Accepted:
    """Return the rows of `chunks` that keep the contract of `table`, the others, and the counts.

    `known`: where given, the only values of `record_id` that are accepted. Problems of the file
    as a whole (dates that fit no format, keys that are not unique) are returned, not raised.
    """
    present: tuple[str, ...] = ()
    parts, rows_in = [], 0
    for chunk in chunks:
        rows_in += chunk.frame.height + chunk.ragged.len()
        present = tuple(name for name in chunk.frame.columns if name != ROW)
        parts.append(_part(chunk, table, formats, known))
    columns = columns_of(table, only)
    frame = pl.concat([_empty(columns), *(_complete(part.kept, columns) for part in parts)])
    refused = pl.concat([QUARANTINE.empty(), *(part.refused for part in parts)]).sort("row")
    tally = sum((part.tally for part in parts), Tally())
    return Accepted(
        frame=frame,
        quarantine=refused,
        counts=Counts(rows_in, frame.height, _reasons(refused), dict(sorted(tally.unread.items()))),
        present=present,
        problems=(
            *_date_problems(tally, formats, where),
            *_unique_problems(frame, table, where),
        ),
    )


def nothing(table: Table, only: Only, problems: Sequence[Problem]) -> Accepted:
    """Return the answer for a file of which nothing could be read."""
    empty = _empty(columns_of(table, only))
    return Accepted(empty, QUARANTINE.empty(), Counts(0, 0), problems=tuple(problems))


def _part(
    chunk: Chunk,
    table: Table,
    formats: Mapping[str, tuple[str, ...]],
    known: pl.Series | None,
) -> _Part:
    frame = clean(_numbered(chunk.frame, table), table)
    keyed = pl.all_horizontal(pl.lit(value=True), *(pl.col(k).is_not_null() for k in table.keys))
    keyless, held = frame.filter(~keyed), frame.filter(keyed)
    is_known = pl.lit(value=True) if known is None else pl.col("record_id").is_in(known.implode())
    kept, tally = convert(held.filter(is_known), table, formats)
    refused = [
        _refused(chunk.ragged.to_frame(), table, RAGGED),
        _refused(keyless, table, NO_RECORD_ID),
        _refused(held.filter(~is_known), table, UNKNOWN_RECORD_ID),
    ]
    return _Part(kept, pl.concat(refused), tally)


def _numbered(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return `frame` with the row's number for a key that the file may leave out and does."""
    absent = [
        name for name in table.keys if name not in frame.columns and not table.column(name).required
    ]
    return frame.with_columns(pl.col(ROW).cast(pl.String).alias(name) for name in absent)


def _refused(rows: pl.DataFrame, table: Table, reason: str) -> pl.DataFrame:
    has_id = "record_id" in rows.columns
    return rows.select(
        table=pl.lit(table.name),
        row=pl.col(ROW),
        reason=pl.lit(reason),
        record_id=pl.col("record_id") if has_id else pl.lit(None, dtype=pl.String),
    )


def _empty(columns: Sequence[Column]) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: column.dtype for column in columns})


def _complete(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return `frame` with exactly `columns`; one that the file lacks is all missing."""
    return frame.select(
        pl.col(column.name)
        if column.name in frame.columns
        else pl.lit(None, dtype=column.dtype).alias(column.name)
        for column in columns
    )


def _reasons(refused: pl.DataFrame) -> dict[str, int]:
    counted = refused.group_by("reason").len().sort("reason")
    return {str(reason): int(rows) for reason, rows in counted.iter_rows()}


def _date_problems(
    tally: Tally, formats: Mapping[str, tuple[str, ...]], where: str
) -> Iterator[Problem]:
    for (column, reason), unread in sorted(tally.unread.items()):
        values = tally.values[column]
        if reason != "not_a_date" or unread < values:
            continue
        tried = formats_of(column, formats)
        quoted = ", ".join(f'"{each}"' for each in tried)
        verb = "do not match" if len(tried) == 1 else "match none of"
        example = tally.hints.get(column, "%d-%b-%Y")
        yield refusal(
            column,
            where,
            "could not be read as dates",
            f"{unread:,} of {values:,} values {verb} {quoted}.",
            f'give the format, [sources.formats] {column} = ["{example}"]',
        )


def _unique_problems(frame: pl.DataFrame, table: Table, where: str) -> Iterator[Problem]:
    if not table.unique or not set(table.unique) <= set(frame.columns):
        return
    rows = frame.select(table.unique).filter(pl.struct(table.unique).is_duplicated())
    if rows.is_empty():
        return
    ids = rows.n_unique()
    name = ", ".join(table.unique)
    detail = f"{_several(ids, 'value')} on {rows.height:,} rows."
    yield refusal(name, where, "is not unique", detail, "keep one row for each.")


def _several(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number:,} {noun}s are"
