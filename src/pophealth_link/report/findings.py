"""What stands out, written from the released numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pophealth_link.report import cells, words
from pophealth_link.report.inputs import IndicatorText

MOST_DIFFERENCES = 6


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a difference."""

    name: str
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The highest and the lowest footprint of a type on one indicator.

    `apart`: told apart by their intervals, or without need of any; `overlap`: both have intervals,
    and they touch; `partly`: other footprints of the type are withheld, which may lie beyond.
    """

    id: str
    title: str
    unit: str
    high: Side
    low: Side
    size: str
    apart: bool
    overlap: bool
    partly: bool
    strength: float

    @property
    def close(self) -> bool:
        """Whether the two values are all but equal, so that no size is worth telling."""
        return not self.size


@dataclass(frozen=True, slots=True)
class Contrast:
    """A cell of the overview: the value, and how it stands to the whole area's."""

    value: str
    css_class: str
    words: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Indicators down, footprints across."""

    heads: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, str, str, str, tuple[Contrast, ...]], ...]


def differences(
    rows: pl.DataFrame, texts: Mapping[str, IndicatorText], kind: str, most: int = MOST_DIFFERENCES
) -> list[Difference]:
    """Return the largest differences between footprints of a type, at most one per domain.

    `rows` are those of stratum `all`. A difference counts where the intervals of the highest and
    the lowest footprint do not touch, or where the indicator has no interval; the largest ratio of
    the two comes first. Values of a larger area that stand in for its parts are left out, and so
    are indicators with a withheld footprint of the type.
    """
    best: dict[str, Difference] = {}
    for indicator, text in texts.items():
        found = difference(cells.for_indicator(rows, indicator), text, kind)
        if found is None or found.partly or not found.apart:
            continue
        if found.strength > best.get(text.domain, found).strength - 1e-12:
            best[text.domain] = found
    ranked = sorted(best.values(), key=lambda each: (-each.strength, each.id))
    return ranked[:most]


def difference(rows: pl.DataFrame, text: IndicatorText, kind: str) -> Difference | None:
    """Return the highest against the lowest footprint of a type.

    None with fewer than two, or where the values read alike.
    """
    of_kind = rows.filter(
        (pl.col("footprint_type") == kind)
        & ~pl.col("reason")
        & (pl.col("basis") == cells.main_basis(rows))
    )
    held = of_kind.filter(pl.col("given") & (pl.col("status") != "imputed_down"))
    held = held.sort("value", "name", "footprint_code")
    if held.height < 2 or text.imputed_down:
        return None
    low, high = held.row(0, named=True), held.row(-1, named=True)
    places = words.decimals(rows["value"], text.unit)
    sides = (_side(high, places, text.unit), _side(low, places, text.unit))
    if sides[0].value == sides[1].value:
        return None
    size, strength = _size(high["value"], low["value"], places, text.unit)
    touch = _touch(high, low)
    # An interval is not needed where the catalogue says so; a missing one tells nothing apart.
    without = held["lower"].is_null().all() and held["upper"].is_null().all()
    needless = text.interval in {"", "none"} and without
    return Difference(
        id=text.id,
        title=text.title,
        unit=text.unit,
        high=sides[0],
        low=sides[1],
        size=size,
        apart=(needless or touch is False) and size != "",
        overlap=touch is True,
        partly=bool(of_kind["status"].is_in(list(words.WITHHELD)).any()),
        strength=strength,
    )


def _touch(high: Mapping[str, Any], low: Mapping[str, Any]) -> bool | None:
    """Return whether the intervals of two rows touch; nothing where one of them has none."""
    limits = (high["lower"], low["upper"])
    return None if None in limits else bool(limits[0] <= limits[1])


def _side(row: Mapping[str, Any], places: int, unit: str) -> Side:
    return Side(
        row["name"],
        words.number(row["value"], places, unit),
        words.interval(row["lower"], row["upper"], places, unit),
    )


def _size(high: float, low: float, places: int, unit: str) -> tuple[str, float]:
    """Return how far apart two values are, in words, and a number to rank them by."""
    if high == low:
        return "", 0.0
    if low <= 0:
        # A ratio to zero or to a negative score says nothing: the difference does, ranked last.
        return f"{words.number(high - low, places)} apart", 1e-9
    ratio = high / low
    if ratio < 1.05:
        return "", ratio - 1
    return f"{ratio:.1f} times as high" if ratio >= 1.15 else f"{ratio - 1:.0%} higher", ratio - 1


def overview(rows: pl.DataFrame, texts: Mapping[str, IndicatorText]) -> Overview:
    """Return each footprint's value beside the whole area's, marked where they are told apart.

    `rows` are those of stratum `all`. Higher and lower mean that the footprint's interval leaves
    out the whole area's value; an indicator without intervals is not marked.
    """
    heads = _heads(rows)
    made = [_overview_row(cells.for_indicator(rows, each), texts[each], heads) for each in texts]
    kinds = [kind for kind, _, _ in heads]
    return Overview(
        heads=tuple((code, name) for _, code, name in heads),
        groups=tuple((words.type_heading(k), kinds.count(k)) for k in dict.fromkeys(kinds)),
        rows=tuple(row for row in made if row is not None),
    )


def _heads(rows: pl.DataFrame) -> list[tuple[str, str, str]]:
    held = rows.filter(~pl.col("reason") & ~pl.col("footprint_type").is_in(["whole"]))
    held = held.unique(["footprint_type", "footprint_code"], keep="first", maintain_order=True)
    ordered = held.select("footprint_type", "footprint_code", "name").sort("name", "footprint_code")
    return sorted(ordered.rows(), key=lambda head: words.type_order(head[0]))


def _overview_row(
    rows: pl.DataFrame, text: IndicatorText, heads: list[tuple[str, str, str]]
) -> tuple[str, str, str, str, tuple[Contrast, ...]] | None:
    basis = cells.main_basis(rows)
    held = rows.filter((pl.col("basis") == basis) & ~pl.col("reason"))
    if not held["given"].any():
        return None
    whole, places = cells.whole_value(held, basis), words.decimals(rows["value"], text.unit)
    of = {(row["footprint_type"], row["footprint_code"]): row for row in held.iter_rows(named=True)}
    marked = tuple(_contrast(of.get((kind, code)), whole, places) for kind, code, _ in heads)
    area = _contrast(next((r for (k, _), r in of.items() if k == "whole"), None), None, places)
    return (text.id, text.title, words.BASES[basis], area.value, marked)


def _contrast(row: dict[str, object] | None, whole: float | None, places: int) -> Contrast:
    if row is None:
        return Contrast("–", "none", "")
    if not row["given"]:
        return Contrast(words.STATUS_SHORT.get(str(row["status"]), "not given"), "none", "")
    value, lower, upper = (row[name] for name in ("value", "lower", "upper"))
    text = words.number(value, places, str(row["unit"] or ""))  # type: ignore[arg-type]
    if row["status"] == "imputed_down" or None in (whole, lower, upper):
        return Contrast(text, "", "")
    if lower > whole:  # type: ignore[operator]
        return Contrast(text, "higher", "higher than the whole area")
    if upper < whole:  # type: ignore[operator]
        return Contrast(text, "lower", "lower than the whole area")
    return Contrast(text, "", "")
