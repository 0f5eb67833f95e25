"""Value and interval of each footprint: the chart of an indicator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl
from markupsafe import Markup

from pophealth_link.report import cells, words
from pophealth_link.report.canvas import (
    BASIS_DASHES,
    INK,
    LINE,
    MUTED,
    TEXT,
    Spec,
    axis_scale,
    basis_colour,
    basis_shape,
    label_expression,
    layer,
    picture,
    shortened,
    span,
)
from pophealth_link.report.svg import draw

_WIDTH, _LABELS, _LETTERS = 256, 204, 33
_APART = MappingProxyType({"registered": -0.19, "resident": 0.19})


def dot_chart(rows: pl.DataFrame, *, title: str, unit: str) -> Markup:
    """Draw value and interval of each footprint, and lines at the whole area's values.

    `rows` are one indicator's in stratum `all`, as made by ``cells.released``. Footprints are
    grouped by type and sorted from the highest value, or by name where the value is a larger
    area's; one that is withheld says so in words.
    """
    kept = rows.filter(~pl.col("reason"))
    placed, headings, depth = _placed(kept)
    axes = _Axes(span(kept), depth, unit)
    layers = [
        _guides(axes, placed),
        *_whole_lines(axes, kept),
        *_intervals(axes, placed),
        *_points(axes, placed),
        *_words(axes, placed, headings),
    ]
    label = f"{title}: value and interval by footprint. The numbers are in the table."
    height = round(depth * (24 if depth <= 30 else 19))
    bottom = 40 if axes.title else 24
    spec = picture(layers, width=_WIDTH, height=height, padding=(_LABELS, 2, 20, bottom))
    return draw(spec, label)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Values to the right, over `values`; lines downwards, from 0 to `depth`, without an axis."""

    values: tuple[float, float]
    depth: float
    unit: str

    @property
    def title(self) -> str | None:
        return None if words.is_percent(self.unit) else self.unit or None

    def x(self, field: str) -> Spec:
        labels = label_expression(self.unit)
        axis = {"title": self.title, "tickCount": 4, "labelExpr": labels}
        scale = axis_scale(self.values, nice=4)
        return {"field": field, "type": "quantitative", "axis": axis, "scale": scale}

    def y(self, field: str = "y") -> Spec:
        scale = axis_scale((0, self.depth), reverse=True)
        return {"field": field, "type": "quantitative", "axis": None, "scale": scale}


def _placed(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, float]:
    """Give each footprint a line: a heading above each type, the bases of one line apart."""
    top, headings, parts = 0.0, [], []
    for kind in cells.footprint_types(rows):
        headings.append({"y": top + 0.62, "text": words.type_heading(kind)})
        of_kind = _ranked(rows.filter(pl.col("footprint_type") == kind))
        parts.append(of_kind.with_columns(line=pl.col("rank") + (top + 1.5)))
        top += 1.2 + of_kind["footprint_code"].n_unique()
    return _told_apart(pl.concat(parts), cells.bases(rows)), pl.DataFrame(headings), top


def _told_apart(rows: pl.DataFrame, bases: Sequence[str]) -> pl.DataFrame:
    apart = dict(_APART) if len(bases) > 1 else dict.fromkeys(_APART, 0.0)
    offset = pl.col("basis").replace_strict(apart, default=0.0, return_dtype=pl.Float64)
    notes = dict(words.STATUS_WORDS)
    return rows.with_columns(
        y=pl.col("line") + offset,
        label=shortened("name", _LETTERS),
        note=pl.col("status").replace_strict(notes, default="not given", return_dtype=pl.String),
    )


def _ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `rank` among the footprints of one type, the highest value of the main basis first.

    Values of a larger area are not ranked: those footprints stand by name.
    """
    own = (pl.col("basis") == cells.main_basis(rows)) & (pl.col("status") != "imputed_down")
    first = pl.col("value").filter(own).first()
    order = (
        rows.group_by("footprint_code")
        .agg(pl.col("name").min(), value=first)
        .sort(["value", "name", "footprint_code"], descending=[True, False, False], nulls_last=True)
        .with_row_index("rank")
        .select("footprint_code", pl.col("rank").cast(pl.Float64))
    )
    return rows.join(order, on="footprint_code", how="left", maintain_order="left")


def _guides(axes: _Axes, placed: pl.DataFrame) -> Spec:
    lines = placed.unique("line").sort("line")
    mark = {"type": "rule", "color": LINE, "strokeWidth": 1}
    return layer(lines, mark, y=axes.y("line"), x={"value": 0}, x2={"value": _WIDTH})


def _whole_lines(axes: _Axes, rows: pl.DataFrame) -> list[Spec]:
    values = {basis: cells.whole_value(rows, basis) for basis in cells.bases(rows)}
    return [
        layer(
            pl.DataFrame({"whole": [value], "basis": [basis]}),
            {"type": "rule", "strokeWidth": 1.5, "strokeDash": BASIS_DASHES[basis], "opacity": 0.7},
            x=axes.x("whole"),
            color=basis_colour(),
        )
        for basis, value in values.items()
        if value is not None
    ]


def _intervals(axes: _Axes, placed: pl.DataFrame) -> list[Spec]:
    wide, narrow = {"strokeWidth": 7, "opacity": 0.25}, {"strokeWidth": 2.2, "opacity": 1}
    both = (("linkage_lower", "linkage_upper", wide), ("lower", "upper", narrow))
    return [
        layer(
            rows,
            {"type": "rule", **style},
            y=axes.y(),
            x=axes.x(low),
            x2={"field": high},
            color=basis_colour(),
        )
        for low, high, style in both
        for rows in _each_basis(placed.drop_nulls([low, high]))
    ]


def _points(axes: _Axes, placed: pl.DataFrame) -> list[Spec]:
    size = 62 if axes.depth <= 30 else 40
    mark = {"type": "point", "size": size, "fill": "white", "strokeWidth": 2.2, "opacity": 1}
    where = {"y": axes.y(), "x": axes.x("value")}
    look = {"color": basis_colour(), "shape": basis_shape()}
    return [layer(rows, mark, **where, **look) for rows in _each_basis(placed.filter("given"))]


def _each_basis(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Split rows by basis: marks of one colour share it, which keeps the picture small."""
    return [rows.filter(pl.col("basis") == basis) for basis in cells.bases(rows)]


def _said_once(placed: pl.DataFrame) -> pl.DataFrame:
    """Return what is withheld: once where it is both bases of a line for one reason.

    `far`: the line's other basis has a value in the lower half, so the words go to the right.
    """
    low, high = span(placed)
    both = pl.len().over("line", "note") > 1
    taken = pl.col("value").min().over("line")
    marked = placed.with_columns(far=(taken < (low + high) / 2).fill_null(value=False))
    withheld = marked.filter(~pl.col("given")).with_columns(
        y=pl.when(both).then("line").otherwise("y")
    )
    return withheld.unique(["line", "note"], keep="first", maintain_order=True)


def _words(axes: _Axes, placed: pl.DataFrame, headings: pl.DataFrame) -> list[Spec]:
    """Return the names to the left, headings above them, and words in place of what is withheld."""
    named = placed.unique("line", keep="first", maintain_order=True).sort("line")
    withheld = _said_once(placed)
    near, far = withheld.filter(~pl.col("far")), withheld.filter("far")
    name = {"type": "text", "align": "right", "color": INK, "fontSize": TEXT}
    note = {
        "type": "text",
        "align": "left",
        "color": MUTED,
        "fontSize": 10.5,
        "fontStyle": "italic",
    }
    end = {"value": _WIDTH - 4}
    head = {"type": "text", "align": "left", "color": MUTED, "fontSize": 11.5, "fontWeight": "bold"}
    return [
        layer(named, name, y=axes.y("line"), x={"value": -10}, text={"field": "label"}),
        layer(near, note, y=axes.y(), x={"value": 6}, text={"field": "note"}),
        layer(far, {**note, "align": "right"}, y=axes.y(), x=end, text={"field": "note"}),
        layer(headings, head, y=axes.y(), x={"value": 2 - _LABELS}, text={"field": "text"}),
    ]
