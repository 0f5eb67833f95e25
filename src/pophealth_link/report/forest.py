"""Values with their intervals, line by line: the chart that most comparisons are drawn with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType

import polars as pl
from markupsafe import Markup

from pophealth_link.report import words
from pophealth_link.report.canvas import (
    INK,
    LINE,
    MUTED,
    TEXT,
    Spec,
    axis_scale,
    label_expression,
    layer,
    picture,
    shortened,
)
from pophealth_link.report.svg import draw

# Okabe and Ito (2008), darkened; shapes tell them apart without colour.
TONES = MappingProxyType(
    {"main": ("#0072b2", "circle"), "other": ("#b84a00", "diamond"), "third": ("#4b5560", "square")}
)
_ROW, _GAP, _FEW = 20, 0.45, 4


@dataclass(frozen=True, slots=True)
class Mark:
    """One line: a value with a narrow and a wide interval, or words; a heading has neither.

    `tone`: a name of `TONES`; `filled`: the point is filled; `same`: on the line of the one above.
    """

    label: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    wide_lower: float | None = None
    wide_upper: float | None = None
    note: str = ""
    tone: str = "main"
    filled: bool = False
    heading: bool = False
    same: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Size and scale of a chart: sizes in pixels; `span` none: from the marks."""

    unit: str = ""
    title: str | None = None
    reference: float | None = None
    logarithmic: bool = False
    span: tuple[float, float] | None = None
    width: int = 250
    left: int = 204
    letters: int = 33


def with_titles(title: str, unit: str = "", *, logarithmic: bool = False) -> Frame:
    """Return a frame around 1 (100 in %) with room for whole titles of indicators."""
    centre = 100.0 if words.is_percent(unit) else 1.0
    return Frame(unit, title, centre, logarithmic, width=300, left=332, letters=52)


def not_drawn(marks: Sequence[Mark]) -> tuple[str, ...]:
    """Return a sentence that names the marks without a value, by what their notes say.

    >>> not_drawn([Mark("Dementia", 1.0), Mark("Autism", note="withheld")])
    ('Not drawn: Autism (withheld).',)
    """
    notes = dict.fromkeys(mark.note for mark in marks if mark.value is None and mark.note)
    told = (_which([mark.label for mark in marks if mark.note == note], note) for note in notes)
    return (f"Not drawn: {'; '.join(told)}.",) if notes else ()


def _which(labels: list[str], note: str) -> str:
    """Name a few; count many, which the table names."""
    few = len(labels) <= _FEW
    return f"{words.listed(labels) if few else f'{len(labels)} that the table names'} ({note})"


def forest(marks: Sequence[Mark], label: str, frame: Frame) -> Markup:
    """Draw the marks under each other; `label` is for those who cannot see the picture."""
    placed = _placed(marks, frame)
    depth = float(placed["y"].max() or 0) + 0.7  # type: ignore[arg-type]
    axes = _Axes(frame, frame.span or _span(placed, frame), depth)
    layers = [
        _guides(axes, placed),
        *_reference(axes),
        *_bars(axes, placed),
        *_points(axes, placed),
        *_texts(axes, placed),
    ]
    bottom = 40 if axes.title else 24
    padding = (frame.left, 4, 22, bottom)
    spec = picture(layers, width=frame.width, height=round(depth * _ROW), padding=padding)
    return draw(spec, label)


@dataclass(frozen=True, slots=True)
class _Axes:
    frame: Frame
    values: tuple[float, float]
    depth: float

    @property
    def title(self) -> str | None:
        unit = self.frame.unit
        return self.frame.title or (None if words.is_percent(unit) else unit or None)

    def x(self, field: str) -> Spec:
        labels = label_expression(self.frame.unit)
        axis: Spec = {"title": self.title, "tickCount": 4, "labelExpr": labels}
        if not self.frame.logarithmic:
            scale = axis_scale(self.values, nice=4)
        else:
            scale = {"type": "log", "domain": list(self.values), "nice": False}
            axis |= {"values": _ticks(self.values), "labelExpr": "datum.value"}
        return {"field": field, "type": "quantitative", "axis": axis, "scale": scale}

    def y(self, field: str = "y") -> Spec:
        scale = axis_scale((0, self.depth), reverse=True)
        return {"field": field, "type": "quantitative", "axis": None, "scale": scale}


def _ticks(span: tuple[float, float]) -> list[float]:
    steps = (0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50)
    return [step for step in steps if span[0] <= step <= span[1]]


def _placed(marks: Sequence[Mark], frame: Frame) -> pl.DataFrame:
    y, lines = 0.0, []
    for position, mark in enumerate(marks):
        y += 0.0 if mark.same else 1.0
        y += _GAP if mark.heading and position else 0.0
        lines.append(y - 0.35)
    numbers = ("value", "lower", "upper", "wide_lower", "wide_upper")
    schema = dict.fromkeys(numbers, pl.Float64)
    made = pl.DataFrame([asdict(mark) for mark in marks], schema_overrides=schema)
    return made.with_columns(pl.Series("y", lines), shortened("label", frame.letters))


def _span(placed: pl.DataFrame, frame: Frame) -> tuple[float, float]:
    columns = ("value", "lower", "upper", "wide_lower", "wide_upper")
    held = pl.concat([placed[each] for each in columns]).drop_nulls().to_list()
    held += [] if frame.reference is None else [frame.reference]
    if frame.logarithmic:
        above = [max(value, 0.05) for value in held]
        return (min(above, default=0.5) * 0.9, max(above, default=2.0) * 1.1)
    low, high = min(held, default=0.0), max(held, default=1.0)
    low = min(low, 0.0) if low < 0.7 * high else low
    return (low, high) if high > low else (low, low + 1.0)


def _guides(axes: _Axes, placed: pl.DataFrame) -> Spec:
    lines = placed.filter(~pl.col("heading") & ~pl.col("same"))
    mark = {"type": "rule", "color": LINE, "strokeWidth": 1}
    return layer(lines, mark, y=axes.y(), x={"value": 0}, x2={"value": axes.frame.width})


def _reference(axes: _Axes) -> list[Spec]:
    if axes.frame.reference is None:
        return []
    mark = {"type": "rule", "color": MUTED, "strokeWidth": 1.5, "strokeDash": [5, 3]}
    return [layer(pl.DataFrame({"at": [axes.frame.reference]}), mark, x=axes.x("at"))]


def _bars(axes: _Axes, placed: pl.DataFrame) -> list[Spec]:
    low, high = axes.values
    wide, narrow = {"strokeWidth": 8, "opacity": 0.3}, {"strokeWidth": 2.2, "opacity": 1}
    both = (("wide_lower", "wide_upper", wide), ("lower", "upper", narrow))
    return [
        layer(
            placed.filter(tone=tone)
            .drop_nulls([first, last])
            .with_columns(pl.col(first, last).clip(low, high)),
            {"type": "rule", "color": colour, **style},
            y=axes.y(),
            x=axes.x(first),
            x2={"field": last},
        )
        for first, last, style in both
        for tone, (colour, _) in TONES.items()
    ]


def _points(axes: _Axes, placed: pl.DataFrame) -> list[Spec]:
    low, high = axes.values
    shown = placed.drop_nulls("value").filter(pl.col("value").is_between(low, high))
    return [
        layer(
            shown.filter(tone=tone, filled=filled),
            {
                **{"type": "point", "size": 52, "strokeWidth": 2.2, "opacity": 1},
                **{"shape": shape, "stroke": colour, "fill": colour if filled else "white"},
            },
            y=axes.y(),
            x=axes.x("value"),
        )
        for tone, (colour, shape) in TONES.items()
        for filled in (False, True)
    ]


def _texts(axes: _Axes, placed: pl.DataFrame) -> list[Spec]:
    name: Spec = {"type": "text", "align": "right", "color": INK, "fontSize": TEXT}
    head = {**name, "align": "left", "color": MUTED, "fontSize": 11.5, "fontWeight": "bold"}
    note = {**name, "align": "left", "color": MUTED, "fontSize": 10.5, "fontStyle": "italic"}
    headings = placed.filter("heading")
    named = placed.filter(~pl.col("heading") & ~pl.col("same"))
    told = placed.filter(pl.col("note") != "")
    text = {"field": "label"}
    return [
        layer(named, name, y=axes.y(), x={"value": -10}, text=text),
        layer(headings, head, y=axes.y(), x={"value": 2 - axes.frame.left}, text=text),
        layer(told, note, y=axes.y(), x={"value": 6}, text={"field": "note"}),
    ]
