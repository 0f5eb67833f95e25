"""Maps: shared outlines coloured by class. LSOAs carry published values only.

What is worked out from people's records is drawn no lower than PCN or local authority, and a local
authority's value that stands in for its parts is not drawn at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from pophealth_link.report import cells, words
from pophealth_link.report.inputs import IndicatorText
from pophealth_link.report.shapes import Shape, Sheet

CLASSES = 5
MOST_TITLES = 300
MOST_LABELS = 12
NOT_GIVEN = "cn"


@dataclass(frozen=True, slots=True)
class Patch:
    """One outline on a map: its path's id, and its name with its value where there is room."""

    id: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A number on a map, and what it stands for in the key."""

    text: str
    x: float
    y: float
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Map:
    """One map with its key.

    `patches` holds the outlines by class (`c0` lightest … `c4`, `cn` no value); `outlines` the ids
    of paths drawn over them without a fill.
    """

    width: int
    height: int
    patches: Mapping[str, tuple[Patch, ...]]
    outlines: tuple[str, ...]
    labels: tuple[Label, ...]
    key: tuple[tuple[str, str], ...]
    caption: str
    label: str


@dataclass(frozen=True, slots=True)
class _Shading:
    """Inner limits of the classes, and how values are written; `marks`: as no and yes."""

    breaks: tuple[float, ...]
    places: int
    unit: str
    marks: bool = False

    def css_class(self, value: float | None) -> str:
        if value is None:
            return NOT_GIVEN
        if self.marks:
            return f"c{CLASSES - 1 if value > 0 else 0}"
        position = sum(value > each for each in self.breaks)
        return f"c{round(position * (CLASSES - 1) / max(len(self.breaks), 1))}"

    def words(self, value: float | None) -> str:
        if self.marks and value is not None:
            return "yes" if value > 0 else "no"
        return "not given" if value is None else words.number(value, self.places, self.unit)

    def key(self, values: pl.Series, *, some_without: bool) -> tuple[tuple[str, str], ...]:
        low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
        pairs = pairwise([low, *self.breaks, high])
        rows = [(self.css_class(upper), self._between(lower, upper)) for lower, upper in pairs]
        if self.marks or high == low:
            ends = dict.fromkeys((low, high))
            rows = [(self.css_class(value), self.words(value)) for value in ends]
        return tuple([*rows, (NOT_GIVEN, "not given")] if some_without else rows)

    def _between(self, lower: float, upper: float) -> str:
        first, last = self.words(lower), self.words(upper)
        return first if first == last else f"{first} to {last}"


def area_map(sheet: Sheet, measures: pl.DataFrame, text: IndicatorText) -> Map | None:
    """Return the map of a published measure by LSOA with PCN outlines; none where it has no data.

    `measures`: area_code, indicator, value. Only indicators of level `area` that are not imputed
    down are drawn.
    """
    rows = measures.filter(
        (pl.col("indicator") == text.id)
        & pl.col("value").is_finite()
        & pl.col("area_code").is_in(list(sheet.areas))
    )
    if text.level != "area" or text.imputed_down or rows.is_empty():
        return None
    marks = _are_marks(rows["value"], text.unit)
    shading = _Shading(
        () if marks else _quantile_breaks(rows["value"]),
        words.decimals(rows["value"], text.unit),
        text.unit,
        marks,
    )
    values = dict(zip(rows["area_code"], rows["value"], strict=True))
    titled = len(sheet.areas) <= MOST_TITLES
    lines = _outlines(sheet, "pcn")
    caption = "Published values by LSOA, about as many LSOAs in each colour."
    caption = "Yes or no for each LSOA, as published." if marks else caption
    return Map(
        width=sheet.width,
        height=sheet.height,
        patches=_patches(sheet.areas, {}, values, shading, titled=titled),
        outlines=lines,
        labels=(),
        key=shading.key(rows["value"], some_without=len(values) < len(sheet.areas)),
        caption=f"{caption} Lines: PCNs, drawn round the LSOAs that fit each best."
        if lines
        else caption,
        label=f"Map of {text.title} by LSOA.",
    )


def footprint_map(sheet: Sheet, rows: pl.DataFrame, text: IndicatorText) -> Map | None:
    """Return the map of an indicator by PCN, else by local authority; none where neither can be.

    `rows` are the indicator's in stratum `all`. Resident values are drawn where they are given,
    since a map shows where people live.
    """
    if text.imputed_down or (rows["status"] == "imputed_down").any():
        return None
    for kind in ("pcn", "lad"):
        held = _on_one_basis(rows, kind, list(sheet.footprints.get(kind, {})))
        if held["given"].sum() > 1:
            return _of_footprints(sheet, kind, held, text, words.decimals(rows["value"], text.unit))
    return None


def _on_one_basis(rows: pl.DataFrame, kind: str, codes: list[str]) -> pl.DataFrame:
    held = rows.filter(
        (pl.col("footprint_type") == kind)
        & ~pl.col("reason")
        & pl.col("footprint_code").is_in(codes)
    )
    basis = cells.main_basis(held, ("resident", "registered"))
    return held.filter(pl.col("basis") == basis).sort("name", "footprint_code")


def _of_footprints(
    sheet: Sheet, kind: str, rows: pl.DataFrame, text: IndicatorText, places: int
) -> Map:
    shapes = sheet.footprints[kind]
    given = rows["value"].drop_nulls()
    shading = _Shading(_equal_breaks(given), places, text.unit)
    values = dict(zip(rows["footprint_code"], rows["value"], strict=True))
    names = dict(zip(rows["footprint_code"], rows["name"], strict=True))
    labels = _labels(sheet, kind, rows, shading)
    return Map(
        width=sheet.width,
        height=sheet.height,
        patches=_patches(shapes, names, values, shading, titled=True),
        outlines=_outlines(sheet, "icp") if kind == "pcn" else (),
        labels=labels,
        key=shading.key(given, some_without=any(values.get(code) is None for code in shapes)),
        caption=_footprint_caption(kind, rows["basis"][0], icp=bool(_outlines(sheet, "icp"))),
        label=f"Map of {text.title} by {words.type_singular(kind)}.",
    )


def _footprint_caption(kind: str, basis: str, *, icp: bool) -> str:
    start = f"{words.BASES[basis]} basis, by {words.type_singular(kind)}"
    if kind != "pcn":
        return f"{start}."
    lines = " Heavy lines: ICPs." if icp else ""
    return f"{start}, drawn over the LSOAs that fit each best.{lines}"


def _labels(sheet: Sheet, kind: str, rows: pl.DataFrame, shading: _Shading) -> tuple[Label, ...]:
    shapes = sheet.footprints[kind]
    if rows.height > MOST_LABELS:
        return ()
    columns = (rows["footprint_code"], rows["name"], rows["value"], rows["status"])
    return tuple(
        Label(
            text=str(position),
            x=shapes[code].x,
            y=shapes[code].y,
            name=name,
            value=words.STATUS_WORDS.get(status, "") if value is None else shading.words(value),
        )
        for position, (code, name, value, status) in enumerate(zip(*columns, strict=True), start=1)
    )


def _outlines(sheet: Sheet, kind: str) -> tuple[str, ...]:
    return tuple(shape.id for shape in sheet.footprints.get(kind, {}).values())


def _patches(
    shapes: Mapping[str, Shape],
    names: Mapping[str, str],
    values: Mapping[str, float | None],
    shading: _Shading,
    *,
    titled: bool,
) -> dict[str, tuple[Patch, ...]]:
    """Return the outlines of each class, lightest first."""
    held: dict[str, list[Patch]] = {}
    for code, shape in shapes.items():
        value = values.get(code)
        said = f"{names.get(code, code)}: {shading.words(value)}" if titled else ""
        held.setdefault(shading.css_class(value), []).append(Patch(shape.id, said))
    return {css_class: tuple(held[css_class]) for css_class in sorted(held)}


def _are_marks(values: pl.Series, unit: str) -> bool:
    """Return whether each area is all or nothing: a share of areas, told of one area."""
    return words.is_percent(unit) and bool(values.is_in([0.0, 100.0]).all())


def _quantile_breaks(values: pl.Series) -> tuple[float, ...]:
    """Return the inner limits of up to five classes with about as many areas in each."""
    ordered = values.sort().to_list()
    cuts: Sequence[float] = [ordered[len(ordered) * part // CLASSES] for part in range(1, CLASSES)]
    return tuple(sorted({cut for cut in cuts if ordered[0] <= cut < ordered[-1]}))


def _equal_breaks(values: pl.Series) -> tuple[float, ...]:
    """Return the inner limits of five classes of equal width; none where all values are one."""
    low, high = float(values.min()), float(values.max())  # type: ignore[arg-type]
    if low == high:
        return ()
    return tuple(low + (high - low) * part / CLASSES for part in range(1, CLASSES))
