"""What a kind of official file is: the columns that it is known by, and who reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from pophealth_link.errors import ReferenceDataError
from pophealth_link.reference.official.shapes import ShapeReader
from pophealth_link.reference.official.sheets import Sheet, plain, shapes, text

OGL = "Open Government Licence v3.0"
ONS = "Office for National Statistics"
NHS = "NHS England"
MHCLG = "Ministry of Housing, Communities and Local Government"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column that a kind is known by.

    `pattern` is a regular expression over :func:`plain` headers; a group in it holds a vintage,
    of which the newest is taken. `shown` is the header as people know it. `many`: all that match,
    of which there must be `least`. `tells`: it counts among those of which a kind asks for some; a
    name beside a code does not.
    """

    name: str
    pattern: str
    shown: str
    required: bool = True
    many: bool = False
    least: int = 1
    tells: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of official file.

    `any_of` is how many of the columns that are not required must be there besides. `refused` is
    a pattern of headers that mark another kind; `closed`: the file has no column but these. A file
    without a header has `cells`, patterns of values by position, and `places`, where its columns
    are. `order` decides between files that give the same: lower goes first.
    """

    name: str
    title: str
    publisher: str
    wanted: tuple[Wanted, ...]
    read: Callable[[Source], Mapping[str, pl.DataFrame]] = field(compare=False)
    any_of: int = 0
    refused: str = ""
    closed: bool = False
    cells: Mapping[int, str] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    licence: str = OGL
    order: int = 50
    geometry: bool = False
    tables: tuple[str, ...] = ()
    vintage: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A sheet that was recognised: which kind it is, and where its columns are."""

    sheet: Sheet
    kind: Kind
    header_row: int
    columns: Mapping[str, tuple[int, ...]]
    reader: ShapeReader | None = field(default=None, compare=False)

    def has(self, name: str) -> bool:
        """Say whether the file has the column."""
        return bool(self.columns.get(name))

    def headers(self, name: str) -> tuple[str, ...]:
        """Return the plain headers of the columns that go by the name, in order."""
        row = self.sheet.top[self.header_row]
        return tuple(plain(row[at]) for at in self.columns.get(name, ()))

    def frame(self, *names: str) -> pl.DataFrame:
        """Return the named columns as text, one each; those that the file lacks as nulls."""
        held = {name: self.columns[name][0] for name in names if self.has(name)}
        frame = text(self.sheet, self.header_row, held)
        absent = [pl.lit(None, dtype=pl.String).alias(n) for n in names if n not in held]
        return frame.with_columns(absent).select(names)

    def wide(self, name: str, *keys: str) -> pl.DataFrame:
        """Return the key columns and every column that goes by the name, by its plain header."""
        held = {key: self.columns[key][0] for key in keys}
        rows = dict(zip(self.headers(name), self.columns[name], strict=True))
        return text(self.sheet, self.header_row, {**held, **rows})

    def shapes(self, *names: str) -> pl.DataFrame:
        """Return the named attributes as text, and `geometry`."""
        if self.reader is None:
            raise ReferenceDataError(f"{self.sheet.shown} holds shapes, and nothing reads them.")
        held = {name: self.columns[name][0] for name in names if self.has(name)}
        return shapes(self.sheet, held, self.reader)

    def lacks(self) -> tuple[str, ...]:
        """Return the columns of the kind that the file does not have, as people know them."""
        return tuple(e.shown for e in self.kind.wanted if e.tells and not self.has(e.name))

    def words(self) -> str:
        """Return the sheet's and file's names and the rows above the header, as one text."""
        above = " ".join(" ".join(row) for row in self.sheet.top[: max(self.header_row, 0)])
        return f"{self.sheet.name} {above} {self.sheet.path.stem}"

    def wrong(self, what: str, column: str = "") -> ReferenceDataError:
        """Return the error of a file that was recognised and cannot be read."""
        where = f"`{column}` in {self.sheet.shown}" if column else self.sheet.shown
        return ReferenceDataError(f"{where}: {what}", fix="download the file again.")


def vintage_of(header: str) -> int | None:
    """Return the year that a code's header names, such as 2024 of `lad24cd`.

    >>> vintage_of("lad24cd"), vintage_of("pcds")
    (2024, None)
    """
    found = re.search(r"(\d{2})(?=cd|nm|\b)", header)
    return 2000 + int(found.group(1)) if found else None


_WITHHELD = ("", "*", "-", "..", ":", "~", "c", "x", "[c]", "[x]", "[z]", "na", "n/a", "null")
_DATES = ("%Y%m%d", "%Y-%m-%d", "%d/%m/%Y", "%d%b%Y", "%d-%b-%Y", "%d-%m-%Y", "%d %B %Y")


def _given(column: pl.Expr) -> pl.Expr:
    return column.is_not_null() & ~column.str.to_lowercase().is_in(_WITHHELD)


def numbers(source: Source, frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Return the frame with these text columns as numbers; withheld values are nulls.

    Raises :class:`ReferenceDataError` where a value is no number, with how many.
    """
    read = frame.with_columns(
        pl.col(name).str.replace_all(",", "").str.strip_suffix("%").cast(pl.Float64, strict=False)
        for name in columns
    )
    for name in columns:
        bad = int((read[name].is_null() & frame.select(_given(pl.col(name)))[name]).sum())
        if bad:
            raise source.wrong(f"{bad:,} of {frame.height:,} values are no numbers.", name)
    return read


def whole(*columns: str) -> list[pl.Expr]:
    """Return expressions that round these numbers to whole ones."""
    return [pl.col(name).round(0).cast(pl.Int64) for name in columns]


def days(source: Source, frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Return the frame with these text columns as dates, in any form that official files use.

    Raises :class:`ReferenceDataError` where a value is no date, with how many.
    """
    # Days repeat: each is read once.
    read = frame.with_columns(_days_of(frame[name]) for name in columns)
    for name in columns:
        bad = int((read[name].is_null() & frame.select(_given(pl.col(name)))[name]).sum())
        if bad:
            raise source.wrong(f"{bad:,} of {frame.height:,} values are no dates.", name)
    return read


def _days_of(texts: pl.Series) -> pl.Series:
    each = texts.unique().drop_nulls()
    read = each.to_frame("text").select(day(pl.col("text")))["text"]
    return texts.replace_strict(each, read, default=None, return_dtype=pl.Date)


def day(column: pl.Expr) -> pl.Expr:
    """Return text as a date, null where it is in no form that official files use.

    >>> texts = pl.DataFrame({"d": ["20191001", "01Jan2022", "2024-04-01 00:00:00"]})
    >>> texts.select(day(pl.col("d")))["d"].to_list()[1:]
    [datetime.date(2022, 1, 1), datetime.date(2024, 4, 1)]
    """
    bare = column.str.strip_chars().str.replace(r"\.0$", "").str.replace(r"[ T]00:00:00.*$", "")
    return pl.coalesce(bare.str.to_date(form, strict=False) for form in _DATES)


def latest(frame: pl.DataFrame, *columns: str) -> date | None:
    """Return the latest date in these columns; none without a date."""
    found = [frame[name].max() for name in columns if name in frame.columns]
    known = [each for each in found if isinstance(each, date)]
    return max(known) if known else None
