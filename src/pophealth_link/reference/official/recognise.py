"""Recognise official files by their columns: headers change with every release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pophealth_link.reference.official.kinds import Kind, Source, Wanted
from pophealth_link.reference.official.shapes import ShapeReader
from pophealth_link.reference.official.sheets import Sheet, plain


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A file that is of no known kind: the nearest kind and what the file lacks of it.

    `nearest` is empty where the file is like none, and `missing` says why it was not read.
    """

    shown: str
    nearest: str
    missing: tuple[str, ...]

    def __str__(self) -> str:
        """Return one line about it."""
        if not self.nearest:
            return f"{self.shown}: {'; '.join(self.missing)}"
        return f"{self.shown}: nearest is {self.nearest}; missing: {', '.join(self.missing)}"


@dataclass(frozen=True, slots=True)
class _Fit:
    kind: Kind
    row: int
    columns: dict[str, tuple[int, ...]]
    matched: int
    wanted: int
    missing: tuple[str, ...]

    @property
    def rank(self) -> tuple[float, int, int, int]:
        # The most demanding kind that fits is the one; an order decides between equals, then how
        # much of the file it knows.
        known = sum(map(len, self.columns.values()))
        return (self.matched / self.wanted, self.matched, -self.kind.order, known)


def recognise(
    sheet: Sheet, kinds: Sequence[Kind], reader: ShapeReader | None = None
) -> Source | Unrecognised:
    """Return the sheet as the kind whose columns it has, else the nearest kind and what is missing.

    The header may stand below rows of titles; a file without one is known by the form of its
    values. Of several kinds that fit, the one that asks for most columns is taken.
    """
    fits = list(_fits(sheet, kinds))
    best = max(fits, key=lambda fit: fit.rank, default=None)
    if best is None or best.matched == 0:
        return Unrecognised(sheet.shown, "", (_unlike(sheet),))
    if best.missing:
        return Unrecognised(sheet.shown, best.kind.title, best.missing)
    return Source(sheet, best.kind, best.row, best.columns, reader)


def _unlike(sheet: Sheet) -> str:
    """Return why a file is like none: the wrong separator is the commonest reason."""
    if sheet.form == "csv" and all(len(row) <= 1 for row in sheet.top):
        first = next((cell for row in sheet.top for cell in row if cell), "")
        named = [word for mark, word in _SEPARATORS.items() if first.count(mark) >= 1]
        if named:
            return f"separated by {named[0]}: save it with commas"
    return "like no file that is known"


_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def _fits(sheet: Sheet, kinds: Sequence[Kind]) -> Iterable[_Fit]:
    shaped = sheet.form == "shapes"
    rows = [(at, tuple(map(plain, row))) for at, row in enumerate(sheet.top) if _like_header(row)]
    for kind in kinds:
        if kind.geometry != shaped:
            continue
        if kind.cells and sheet.form == "csv":
            yield _fit_of_cells(sheet, kind)
        if kind.wanted:
            yield from (_fit(kind, at, row) for at, row in rows)


def _like_header(row: Sequence[str]) -> bool:
    # Ages stand in headers as numbers; a row without a word is none.
    return any(letter.isalpha() for cell in row for letter in cell)


def _fit(kind: Kind, at: int, headers: tuple[str, ...]) -> _Fit:
    columns = {each.name: _positions(each, headers) for each in kind.wanted}
    required = [each for each in kind.wanted if each.required]
    lacking = [each.shown for each in required if len(columns[each.name]) < each.least]
    needed, present = len(required), len(required) - len(lacking)
    free = [each for each in kind.wanted if not each.required and each.tells]
    some = min(kind.any_of, sum(bool(columns[each.name]) for each in free))
    if some < kind.any_of:
        lacking.append(f"{kind.any_of - some} more of: {', '.join(e.shown for e in free)}")
    taken = {place for places in columns.values() for place in places}
    others = [h for at, h in enumerate(headers) if h and at not in taken]
    if kind.closed and others and not lacking:
        lacking.append(f"the file has columns beside these: {', '.join(others[:_SHOWN])}")
    if kind.refused and any(re.search(kind.refused, header) for header in headers):
        return _Fit(kind, at, columns, 0, needed + kind.any_of, ("another kind of file",))
    return _Fit(kind, at, columns, present + some, needed + kind.any_of, tuple(lacking))


_SHOWN = 3


def _positions(wanted: Wanted, headers: Sequence[str]) -> tuple[int, ...]:
    found = [(at, match) for at, h in enumerate(headers) if (match := re.search(wanted.pattern, h))]
    if not wanted.many:
        # Of several vintages of a code, the newest.
        found.sort(key=lambda each: (tuple(-int(g) for g in _vintages(each[1])), each[0]))
    return tuple(at for at, _ in found)


def _vintages(match: re.Match[str]) -> list[str]:
    return [group for group in match.groups() if group and group.isdigit()]


def _fit_of_cells(sheet: Sheet, kind: Kind) -> _Fit:
    width = max(kind.cells) + 1
    rows = [row for row in sheet.top if any(cell.strip() for cell in row)]
    wrong = [
        f"a column {at + 1} of {_WORDS.get(pattern, pattern)}"
        for at, pattern in kind.cells.items()
        if not rows or not all(_holds(row, at, pattern) for row in rows)
    ]
    # Without a header nothing else tells the file from others: all columns or none.
    matched = len(kind.cells) - len(wrong)
    width_here = max(map(len, rows), default=0)
    columns: dict[str, tuple[int, ...]] = {
        name: (at,) for name, at in kind.places.items() if at < width_here
    }
    wanted = max(width, len(kind.cells))
    scale = wanted if not wrong else 0
    return _Fit(kind, -1, columns, scale or matched // 2, wanted, tuple(wrong))


def _holds(row: Sequence[str], at: int, pattern: str) -> bool:
    return at < len(row) and re.fullmatch(pattern, row[at].strip()) is not None


ORGANISATION = r"[A-Z0-9]{3,8}"
PRACTICE = r"[A-Z]\d{5}|[A-Z0-9]{6}"
NETWORK = r"U\d{5}"
POSTCODE = r"[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}"
DAY = r"\d{8}"
DAY_OR_NONE = r"(\d{8})?"
_WORDS = {
    ORGANISATION: "organisation codes",
    PRACTICE: "practice codes",
    NETWORK: "network codes (U00000)",
    POSTCODE: "postcodes",
    DAY: "dates (YYYYMMDD)",
    DAY_OR_NONE: "dates (YYYYMMDD) or nothing",
}
