"""What an extract's files are like, as a preset declares it: columns, rows, resubmissions, spells.

A name of a column in the file may hold alternatives, the first found being read: `UniqMonthID` or
`RPEndDate|ReportingPeriodEndDate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pophealth_link.schema import Table

# What marks a column of the file that fills no column of the table by itself.
AUXILIARY = "file:"


@dataclass(frozen=True, slots=True)
class Lookup:
    """Columns that are taken from another file of the folder, by columns that both have.

    Of several rows with the same `on` the last by `latest_by` that tells something is used, else
    the last of the file; with `each` a row is made for every one that differs. An item of `on` with
    an empty alternative (`OrgIDProv|`) is used where both files have it, and such a one of `take`
    where another is needed.
    """

    files: tuple[str, ...]
    on: tuple[str, ...]
    take: tuple[str, ...]
    latest_by: tuple[str, ...] = ()
    each: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """How one kind of file, or of row, fills a table.

    `files`: patterns of file names. `columns`: contract column → names in the file, in order.
    `formats`, `dates`: formats of a date column, and of all others. `missing`: texts that mean
    nothing. `combine`: contract column → columns joined by `-`; one with an empty alternative may
    be absent. `pad`: contract column → the digits of a number that may have lost its first 0.
    `constants`: contract column → text of every row. `values`: contract column → value in the file
    → code. `where`: column → the only values of rows that count. `require`: contract columns
    without which a row is none of the table; `require_any`: columns of either kind, of which a row
    of the table fills one. `codelist`: the column that the job's codelist explains. `stack`:
    contract column → patterns of columns, a row for each that is filled, or for each value in it
    where `apart` (characters) sets several apart; `position`: the contract column that numbers
    them.
    """

    files: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formats: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    combine: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pad: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    require: tuple[str, ...] = ()
    require_any: tuple[str, ...] = ()
    codelist: tuple[str, ...] = ()
    stack: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    position: str = ""
    apart: str = ""
    lookup: tuple[Lookup, ...] = ()


@dataclass(frozen=True, slots=True)
class Latest:
    """Resubmissions: of the rows with the same `of` the one with the greatest `by` counts.

    Rows that do not fill `of` are the same in `otherwise`, where that is given.
    """

    of: tuple[str, ...]
    by: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenEnds:
    """Spells still open in a submission that is not the newest end on its last day.

    `until` names the day, `month` the number of the month of the submission (1 = April 1900). The
    newest is that of the same `within`, such as a provider.
    """

    end: str
    until: tuple[str, ...] = ()
    month: tuple[str, ...] = ()
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spells:
    """Episodes with the same `of` make one spell, told in `order`.

    Those that do not fill `of` are of one spell by `otherwise`, where that is given; a column with
    an empty alternative (`PROCODE3|`) may be missing there.
    Columns of `last` take the last episode's value, those of `greatest` the greatest, all others
    the first that is filled.
    """

    of: tuple[str, ...]
    order: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    greatest: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Priority:
    """Days that an earlier part of the table tells of, for the same `of`, are no later part's."""

    of: tuple[str, ...]
    start: str
    end: str
    end_counts: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """What is done with all parts of a table together, in this order."""

    latest: Latest | None = None
    open: OpenEnds | None = None
    spells: Spells | None = None
    priority: Priority | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are read for it: contract columns, or columns of the file."""
        return tuple(dict.fromkeys(self._names()))

    def _names(self) -> Iterator[str]:
        if self.latest:
            yield from (*self.latest.of, *self.latest.by, *self.latest.otherwise)
        if self.open:
            yield from (self.open.end, *self.open.until, *self.open.month, *self.open.within)
        if self.spells:
            spells = self.spells
            yield from (*spells.of, *spells.otherwise, *spells.order)
            yield from (*spells.last, *spells.greatest)
        if self.priority:
            yield from (*self.priority.of, self.priority.start, self.priority.end)


def key_of(name: str, table: Table) -> str:
    """Return the name under which a column is held while a file is read.

    >>> from pophealth_link.schema import PEOPLE
    >>> key_of("record_id", PEOPLE), key_of("UniqMonthID", PEOPLE)
    ('record_id', 'file:UniqMonthID')
    """
    return name if name in table.names else f"{AUXILIARY}{name}"


def alternatives(name: str) -> tuple[str, ...]:
    """Return the names that a column may have in the file.

    >>> alternatives("EndDate| end date")
    ('EndDate', 'end date')
    """
    return tuple(text for each in name.split("|") if (text := each.strip()))


def may_lack(name: str) -> bool:
    """Return whether a column may be absent: whether one of its alternatives is empty.

    >>> may_lack("PROCODE3|PROCODE|"), may_lack("PROCODE3|PROCODE")
    (True, False)
    """
    return not all(each.strip() for each in name.split("|"))
