"""The table of numbers of one indicator: footprints down, registered and resident across."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from pophealth_link.report import cells, words


@dataclass(frozen=True, slots=True)
class Cell:
    """One basis of one footprint: formatted numbers, or words that say why there are none."""

    given: bool
    value: str = ""
    interval: str = ""
    linkage: str = ""
    numerator: str = ""
    denominator: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One footprint with a cell for each basis."""

    name: str
    code: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The footprints of one type."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class NumbersTable:
    """The whole table; the flags say whether those columns hold anything."""

    bases: tuple[str, ...]
    blocks: tuple[Block, ...]
    intervals: bool
    counts: bool
    linkage: bool

    @property
    def lines(self) -> int:
        """How many footprints the table holds."""
        return sum(len(block.lines) for block in self.blocks)

    @property
    def span(self) -> int:
        """How many columns one basis takes."""
        return 1 + self.intervals + self.linkage + 2 * self.counts


NOT_PRODUCED = Cell(given=False, note="not produced")
PEOPLE_WITHOUT = "People in no footprint"


def numbers_table(rows: pl.DataFrame, unit: str) -> NumbersTable:
    """Return the table of an indicator's rows (one stratum, as made by ``cells.released``)."""
    bases = cells.bases(rows)
    places = words.decimals(rows["value"], unit)
    kept = rows.filter(~pl.col("reason"))
    blocks = [
        _block(
            words.type_heading(kind), kept.filter(pl.col("footprint_type") == kind), bases, places
        )
        for kind in cells.footprint_types(kept)
    ]
    without = _once(rows.filter("reason"))
    blocks += [_block(PEOPLE_WITHOUT, without, bases, places)] if without.height else []
    return _table(rows, bases, blocks)


def quintile_table(rows: pl.DataFrame, unit: str) -> NumbersTable:
    """Return the table of one indicator by deprivation fifth, footprint by footprint.

    `rows` are those of the quintile strata; each block is a fifth, so that the footprints of one
    fifth stand under each other. Counts are left to the baseline itself.
    """
    bases = cells.bases(rows)
    places = words.decimals(rows["value"], unit)
    blocks = [
        _block(label, rows.filter(pl.col("stratum") == stratum), bases, places)
        for stratum, label in words.QUINTILES.items()
        if stratum in rows["stratum"]
    ]
    return _table(rows, bases, blocks, counts=False)


def _table(
    rows: pl.DataFrame, bases: tuple[str, ...], blocks: list[Block], *, counts: bool = True
) -> NumbersTable:
    return NumbersTable(
        bases=bases,
        blocks=tuple(blocks),
        intervals=_any(rows, "lower", "upper"),
        counts=counts and _any(rows, "numerator", "denominator"),
        linkage=_any(rows, "linkage_lower", "linkage_upper"),
    )


def cell(row: dict[str, Any], places: int) -> Cell:
    """Return one row of the baseline in words and numbers; a withheld one holds words alone."""
    note = words.STATUS_WORDS.get(row["status"], "not given")
    if not row["given"]:
        return Cell(given=False, note=note or "not given")
    unit = row["unit"] or ""
    return Cell(
        given=True,
        value=words.number(row["value"], places, unit),
        interval=words.interval(row["lower"], row["upper"], places, unit),
        linkage=words.linkage(row["linkage_lower"], row["linkage_upper"], places, unit),
        numerator=words.count(row["numerator"]),
        denominator=words.count(row["denominator"]),
        note=note,
    )


def _block(heading: str, rows: pl.DataFrame, bases: tuple[str, ...], places: int) -> Block:
    lines: dict[tuple[str, str], dict[str, Cell]] = {}
    names: dict[tuple[str, str], str] = {}
    for row in rows.sort("name", "footprint_code", maintain_order=True).iter_rows(named=True):
        key = (row["footprint_type"], row["footprint_code"])
        lines.setdefault(key, {})[row["basis"]] = cell(row, places)
        names[key] = row["name"]
    made = (
        Line(names[key], key[1], tuple(held.get(basis, NOT_PRODUCED) for basis in bases))
        for key, held in lines.items()
    )
    return Block(heading, tuple(made))


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep each reason once per basis: it is the same people under every footprint type.

    A reason to which the indicator does not apply on any basis is left out.
    """
    applies = (pl.col("status") != "not_applicable").any().over("footprint_code")
    first = rows.filter(applies).unique(
        ["footprint_code", "basis"], keep="first", maintain_order=True
    )
    return first.with_columns(footprint_type=pl.lit("reason"))


def _any(rows: pl.DataFrame, *columns: str) -> bool:
    return any(rows[column].is_not_null().any() for column in columns)
