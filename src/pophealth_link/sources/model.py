"""What a source is, and what reading one of its files gives. No repr shows a value or a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import polars as pl

from pophealth_link.errors import JobError, Problem, nearest
from pophealth_link.schema import CODE_LISTS, PEOPLE, Column, Table
from pophealth_link.sources.shape import Part, Whole

Only = Literal["identifiers", "attributes", "all"]
NhsNumberKind = Literal["clear", "token"]

# Not identifiers by themselves, but linkage needs them to compare and to place people.
_PERSON_FACTS = ("sex", "ethnic_category", "practice_code", "date_from", "date_to")

ALIASES = replace(
    PEOPLE,
    name="aliases",
    meaning="Previous names, addresses and numbers of people in a source, one row per change.",
    columns=tuple(column for column in PEOPLE.columns if column.key or column.identifier),
    unique=(),
)


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file (CSV or Parquet), or a folder of them, that holds one table.

    `columns`: contract column → column in the file, as the job says. `formats`: date formats by
    column. `parts`, `whole`: what a preset knows of the files; a folder's are chosen by the
    patterns of the parts. `shared`: `columns` are those of several tables, of which this one's
    files need not have them. `codelist`: a file, or a folder, of clinical codes and conditions.
    `mapped`: a job can name the columns; what it cannot is told otherwise.
    """

    table: Table
    path: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: tuple[Part, ...] = (Part(),)
    whole: Whole = field(default_factory=Whole)
    codelist: Path | None = None
    shared: bool = False
    mapped: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """A source of person records with its events.

    `absent_tables`: tables that its preset knows and its folder has no file of. `notices`: what a
    person should know of tables that were left out.
    Raises `JobError` for a setting or a kind of NHS number that does not exist.
    """

    name: str
    setting: str
    people: TableFile
    events: tuple[TableFile, ...] = ()
    unique_people: bool = False
    register: bool = False
    nhs_number_kind: NhsNumberKind = "clear"
    aliases: TableFile | None = None
    superseded_numbers: bool = False
    absent_tables: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a setting or a kind of NHS number that does not exist."""
        for name, value, valid in (
            ("setting", self.setting, tuple(CODE_LISTS["setting"].codes)),
            ("nhs_number_kind", self.nhs_number_kind, ("clear", "token")),
        ):
            if value not in valid:
                choices = ", ".join(f'"{each}"' for each in valid)
                raise JobError(f"`{name}` must be one of {choices}.{nearest(value, valid)}")


@dataclass(frozen=True, slots=True)
class PropertySource:
    """A source of council records about dwellings."""

    name: str
    dwellings: TableFile


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the rows of a file went, and how many values could not be read.

    `quarantined_by`: rows by reason. `left_out_by`: sound rows that are not counted, by reason
    (superseded, part of a spell, of another table). `added_by`: rows that were made of others, by
    reason (several diagnoses in one row). `unreadable`: values by (column, reason) that became
    missing; `filled`: missing values that were filled; these rows stay.
    Raises `ValueError` unless rows in and added are rows accepted, quarantined and left out.

    >>> Counts(rows_in=3, accepted=2, quarantined_by={"ragged": 1}).quarantined
    1
    """

    rows_in: int
    accepted: int
    quarantined_by: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[tuple[str, str], int] = field(default_factory=dict)
    left_out_by: Mapping[str, int] = field(default_factory=dict)
    added_by: Mapping[str, int] = field(default_factory=dict)
    filled: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse counts that lose or invent a row."""
        if self.rows_in + self.added != self.accepted + self.quarantined + self.left_out:
            raise ValueError("rows in and added must be rows accepted, quarantined and left out")

    @property
    def quarantined(self) -> int:
        """Rows that were refused."""
        return sum(self.quarantined_by.values())

    @property
    def left_out(self) -> int:
        """Sound rows that are not counted."""
        return sum(self.left_out_by.values())

    @property
    def added(self) -> int:
        """Rows that were made of others."""
        return sum(self.added_by.values())


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Accepted:
    """What a file gave: rows that keep the contract, rows that were refused, and the counts.

    `frame` has the columns of the table (the half that was asked for) in their order; one that
    the file lacks is all missing, and `present` names those that it has. `quarantine` is as
    `schema.outputs.QUARANTINE`. `problems` is empty unless `load` met something that refuses
    the file as a whole.
    """

    frame: pl.DataFrame
    quarantine: pl.DataFrame
    counts: Counts
    present: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def __repr__(self) -> str:
        """Return counts only."""
        counts = self.counts
        return (
            f"Accepted(rows_in={counts.rows_in:,}, accepted={counts.accepted:,}, "
            f"quarantined={counts.quarantined:,}, "
            f"{_if_any('left_out', counts.left_out)}{_if_any('added', counts.added)}"
            f"unreadable_values={sum(counts.unreadable.values()):,}, "
            f"problems={len(self.problems):,})"
        )


def _if_any(name: str, count: int) -> str:
    return f"{name}={count:,}, " if count else ""


def columns_of(table: Table, only: Only) -> tuple[Column, ...]:
    """Return the columns of `table` that belong to the half `only`, in their order.

    Keys belong to both halves. Linkage also needs the facts that place a person.

    >>> [column.name for column in columns_of(ALIASES, "attributes")]
    ['record_id']
    """
    if only == "all":
        return table.columns
    if only == "attributes":
        return tuple(column for column in table.columns if not column.identifier)
    facts = _PERSON_FACTS if table.name == PEOPLE.name else ()
    return tuple(c for c in table.columns if c.key or c.identifier or c.name in facts)
