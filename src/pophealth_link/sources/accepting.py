"""From chunks of a file to accepted rows, quarantined rows and counts that add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

from pophealth_link.errors import Problem
from pophealth_link.schema import Column, Table
from pophealth_link.schema.outputs import QUARANTINE
from pophealth_link.sources.dates import read_precision
from pophealth_link.sources.delimited import ROW, Chunk
from pophealth_link.sources.model import Accepted, Counts, Only, columns_of
from pophealth_link.sources.problems import refusal
from pophealth_link.sources.rowwise import EMPTY, WIDE, Steps, Tallied, required, shape
from pophealth_link.sources.shape import AUXILIARY, Whole
from pophealth_link.sources.submissions import LACKS, LACKS_OTHER, lacking
from pophealth_link.sources.together import PART, PLACE, Gathered, gather
from pophealth_link.sources.values import Tally, convert, formats_of

RAGGED, NO_RECORD_ID, UNKNOWN_RECORD_ID = "ragged", "no_record_id", "unknown_record_id"
Formats = Mapping[str, tuple[str, ...]]
Key = TypeVar("Key", str, tuple[str, str])


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Rows:
    """Some rows of one file: what is done with them, the formats of its dates, and its name."""

    chunk: Chunk
    steps: Steps
    formats: Formats
    file: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Wanted:
    """What is read: the table and half of it, what is done with the whole, and for whom.

    `known`: where given, the only values of `record_id` that are accepted. `where` names the source
    in messages; `submitted` are the formats of the days by which submissions are ordered.
    `stacked`: rows are made of wide ones, which count as a whole where they are submitted again.
    """

    table: Table
    where: str
    only: Only = "all"
    whole: Whole = field(default_factory=Whole)
    known: pl.Series | None = None
    submitted: tuple[str, ...] = ()
    stacked: bool = False


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Part:
    """What became of the rows of one chunk."""

    kept: pl.DataFrame
    refused: pl.DataFrame
    tally: Tally


def accept(chunks: Iterable[Rows], wanted: Wanted) -> Accepted:
    """Return the rows of `chunks` that keep the contract of the table, the others, and the counts.

    Problems of the file as a whole (dates that fit no format, keys that are not unique) are
    returned, not raised.
    """
    present: dict[str, None] = {}
    parts, rows_in, told, tried = [], 0, Tallied(), dict[str, tuple[str, ...]]()
    for rows in chunks:
        part = _part(rows, wanted, told, first=rows_in)
        rows_in += rows.chunk.frame.height + rows.chunk.ragged.len()
        present |= dict.fromkeys(n for n in part.kept.columns if n in wanted.table.names)
        parts.append(part)
        tried |= {c: _joined(tried.get(c), formats) for c, formats in rows.formats.items()}
    columns = columns_of(wanted.table, wanted.only)
    made = _gathered([part.kept for part in parts], wanted)
    frame = _complete(made.frame, columns)
    refused = pl.concat([QUARANTINE.empty(), *(part.refused for part in parts)])
    tally = sum((part.tally for part in parts), Tally())
    counts = Counts(
        rows_in,
        frame.height,
        _reasons(refused),
        dict(sorted(tally.unread.items())),
        _filled({**told.left_out, **made.left_out}),
        _filled({**told.added, **made.added}),
        _filled(made.filled),
    )
    return Accepted(
        frame=frame,
        quarantine=refused.sort("file", "row", maintain_order=True),
        counts=counts,
        present=tuple(name for name in wanted.table.names if name in present),
        problems=(
            *_date_problems(tally, tried, wanted.where),
            *_unique_problems(frame, wanted.table, wanted.where),
        ),
    )


def _joined(one: tuple[str, ...] | None, other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(one or ()), *other)))


def _filled(counts: Mapping[Key, int]) -> dict[Key, int]:
    return {name: count for name, count in counts.items() if count}


def _gathered(frames: Sequence[pl.DataFrame], wanted: Wanted) -> Gathered:
    """Return all rows together, of which a later submission may take the place of an earlier."""
    types = {column.name: column.dtype for column in wanted.table.columns}
    types |= dict.fromkeys((EMPTY, LACKS, LACKS_OTHER), pl.Boolean())
    names = dict.fromkeys(name for frame in frames for name in frame.columns)
    absent = {name: pl.lit(None, types.get(name, pl.String())).alias(name) for name in names}
    alike = [
        frame.select(pl.col(n) if n in frame.columns else absent[n] for n in names)
        for frame in frames
    ]
    if not alike:
        return Gathered(_empty(wanted.table.columns))
    together = pl.concat(alike)
    if wanted.whole == Whole():
        return Gathered(together)
    placed = together.with_row_index(PLACE)
    return gather(placed, wanted.whole, wanted.table, wanted.submitted)


def nothing(table: Table, only: Only, problems: Sequence[Problem]) -> Accepted:
    """Return the answer for a file of which nothing could be read."""
    empty = _empty(columns_of(table, only))
    return Accepted(empty, QUARANTINE.empty(), Counts(0, 0), problems=tuple(problems))


def _part(rows: Rows, wanted: Wanted, told: Tallied, first: int) -> _Part:
    table, known = wanted.table, wanted.known
    read = _numbered(rows.chunk.frame, rows.steps, table)
    if wanted.stacked and wanted.whole.latest:
        read = read.with_row_index(WIDE, offset=first).with_columns(
            pl.lit(value=False).alias(EMPTY)
        )
    frame = shape(read, rows.steps, told)
    keyed = pl.all_horizontal(pl.lit(value=True), *(pl.col(k).is_not_null() for k in table.keys))
    keyless, held = frame.filter(~keyed), frame.filter(keyed)
    is_known = pl.lit(value=True) if known is None else pl.col("record_id").is_in(known.implode())
    kept, tally = convert(_with_precision(held.filter(is_known), rows, table), table, rows.formats)
    refused = [
        _refused(rows.chunk.ragged.to_frame(), rows, table, RAGGED),
        _refused(keyless, rows, table, NO_RECORD_ID),
        _refused(held.filter(~is_known), rows, table, UNKNOWN_RECORD_ID),
    ]
    layout = rows.steps.layout
    of_table = required(kept, layout.part, told)
    useful = [n for n in of_table.columns if n in table.names or n.startswith(AUXILIARY)]
    number = pl.lit(layout.number, pl.Int32).alias(PART)
    own = of_table.select(*useful, number, *lacking(frame.columns, wanted.whole.latest, table))
    return _Part(own, pl.concat(refused), tally)


def _with_precision(frame: pl.DataFrame, rows: Rows, table: Table) -> pl.DataFrame:
    """Return `frame` with what its dates of birth tell, where a format leaves out the day."""
    name = "birth_precision"
    born = frame.schema.get("date_of_birth")
    if name not in table.names or name in frame.columns or born != pl.String:
        return frame
    formats = formats_of("date_of_birth", rows.formats)
    told = read_precision(pl.col("date_of_birth"), formats)
    return frame if told is None else frame.with_columns(told.alias(name))


def _numbered(frame: pl.DataFrame, steps: Steps, table: Table) -> pl.DataFrame:
    """Return `frame` with the row's number for a key that the file may leave out and does."""
    absent = [
        name
        for name in table.keys
        if name not in steps.layout.found and not table.column(name).required
    ]
    return frame.with_columns(pl.col(ROW).cast(pl.String).alias(name) for name in absent)


def _refused(refused: pl.DataFrame, rows: Rows, table: Table, reason: str) -> pl.DataFrame:
    has_id = "record_id" in refused.columns
    return refused.select(
        table=pl.lit(table.name),
        file=pl.lit(rows.file),
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
