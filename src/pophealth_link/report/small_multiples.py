"""Small multiples: one indicator by national deprivation fifth, a panel for each footprint."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from pophealth_link.report import cells, words
from pophealth_link.report.canvas import (
    INK,
    MUTED,
    Spec,
    axis_scale,
    basis_colour,
    basis_shape,
    label_expression,
    layer,
    picture,
    span,
    wrapped,
)
from pophealth_link.report.svg import draw

FIFTHS = tuple(f"quintile_{fifth}" for fifth in range(1, 6))
MOST_PANELS = 12
_ACROSS, _STEP, _WIDTH, _HEIGHT, _LETTERS = 4, 6, 396, 112, 15


def panels(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the footprints that get a panel: the whole area, then types while all of one fit.

    A type of one footprint is left out: it is the whole area, or nearly. `rows` are one
    indicator's in the quintile strata. Each footprint is (type, code).
    """
    kept = rows.filter(~pl.col("reason") & pl.col("given") & pl.col("stratum").is_in(FIFTHS))
    types = sorted(cells.footprint_types(kept), key=lambda kind: (kind != "whole", kind == "lad"))
    chosen: list[tuple[str, str]] = []
    for kind in types:
        held = kept.filter(pl.col("footprint_type") == kind).sort("name", "footprint_code")
        codes = held["footprint_code"].unique(maintain_order=True).to_list()
        wanted = kind == "whole" or len(codes) > 1
        fits = len(chosen) + len(codes) <= MOST_PANELS
        chosen += [(kind, code) for code in codes if wanted and fits]
    return chosen


def fifths_charts(rows: pl.DataFrame, *, title: str, unit: str) -> list[Markup]:
    """Draw the panels of one indicator on one basis, four to a chart, on one scale.

    `rows` hold one basis and all strata. A point is the value in one national fifth of
    deprivation, 1 the most deprived, with its interval; `w` marks a fifth that is withheld or
    absent; the line is the footprint's value over all fifths.
    """
    shown = panels(rows)
    axes = _Axes(span(of_panels(rows, shown)), unit)
    parts = [shown[start : start + _ACROSS] for start in range(0, len(shown), _ACROSS)]
    return [_chart(of_panels(rows, part), axes, title) for part in parts]


def of_panels(rows: pl.DataFrame, shown: list[tuple[str, str]]) -> pl.DataFrame:
    """Return the rows of some footprints with `panel` (0, 1 …) and the fifth (null: all)."""
    order = pl.DataFrame(
        shown, schema={"footprint_type": pl.String, "footprint_code": pl.String}, orient="row"
    ).with_row_index("panel")
    fifth = {stratum: position for position, stratum in enumerate(FIFTHS, start=1)}
    kept = rows.filter(pl.col("stratum").is_in([*FIFTHS, "all"]))
    return kept.join(order, on=["footprint_type", "footprint_code"]).with_columns(
        panel=pl.col("panel").cast(pl.Float64),
        fifth=pl.col("stratum").replace_strict(fifth, default=None, return_dtype=pl.Float64),
    )


@dataclass(frozen=True, slots=True)
class _Axes:
    """Values upwards over `values`; panels side by side without an axis."""

    values: tuple[float, float]
    unit: str

    def x(self, field: str = "x") -> Spec:
        scale = axis_scale((0, _ACROSS * _STEP))
        return {"field": field, "type": "quantitative", "axis": None, "scale": scale}

    def y(self, field: str) -> Spec:
        labels = label_expression(self.unit)
        ticks = {"title": None, "tickCount": 3, "labelExpr": labels}
        axis = {**ticks, "domain": False, "ticks": False, "labelPadding": 4}
        scale = axis_scale(self.values, nice=3)
        return {"field": field, "type": "quantitative", "axis": axis, "scale": scale}


def _chart(rows: pl.DataFrame, axes: _Axes, title: str) -> Markup:
    slots, titles = _slots(rows), _titles(rows)
    given = slots.filter("given")
    layers = [
        _wholes(axes, rows),
        _intervals(axes, given),
        _points(axes, given),
        _text(axes, slots.filter(~pl.col("given")), "mark", _HEIGHT - 7, {"fontStyle": "italic"}),
        _text(axes, slots, "number", _HEIGHT + 12, {}),
        *(
            _text(axes, titles, line, y, {"align": "left", "color": INK, "fontSize": 12})
            for line, y in (("first", -25), ("second", -11))
        ),
    ]
    names = words.listed(titles["name"])
    label = f"{title} by national fifth of deprivation, for {names}. The numbers are in the table."
    return draw(picture(layers, width=_WIDTH, height=_HEIGHT, padding=(44, 36, 2, 22)), label)


def _left() -> pl.Expr:
    return pl.col("panel") % _ACROSS * _STEP


def _slots(rows: pl.DataFrame) -> pl.DataFrame:
    """Return five slots for each panel, empty where the baseline has no row for a fifth."""
    fifths = pl.DataFrame({"fifth": [1.0, 2.0, 3.0, 4.0, 5.0]})
    every = rows.select("panel", "basis").unique().join(fifths, how="cross")
    filled = every.join(rows.drop("basis"), on=["panel", "fifth"], how="left")
    return filled.sort("panel", "fifth").with_columns(
        x=_left() + pl.col("fifth"),
        given=pl.col("given").fill_null(value=False),
        number=pl.col("fifth").cast(pl.Int64).cast(pl.String),
        mark=pl.lit("w"),
    )


def _titles(rows: pl.DataFrame) -> pl.DataFrame:
    first = rows.sort("panel", maintain_order=True).unique(
        "panel", keep="first", maintain_order=True
    )
    lines = wrapped(first["name"], _LETTERS)
    return pl.concat([first, lines], how="horizontal").with_columns(x=_left() + 0.5)


def _wholes(axes: _Axes, rows: pl.DataFrame) -> Spec:
    frame = rows.filter((pl.col("stratum") == "all") & pl.col("given")).sort("panel")
    frame = frame.with_columns(x=_left() + 0.5, end=_left() + 5.5)
    mark = {"type": "rule", "color": MUTED, "strokeWidth": 1.2, "strokeDash": [2, 2]}
    return layer(frame, mark, x=axes.x(), x2={"field": "end"}, y=axes.y("value"))


def _intervals(axes: _Axes, given: pl.DataFrame) -> Spec:
    frame = given.drop_nulls(["lower", "upper"])
    ends = {"y": axes.y("lower"), "y2": {"field": "upper"}}
    return layer(
        frame, {"type": "rule", "strokeWidth": 2}, x=axes.x(), color=basis_colour(), **ends
    )


def _points(axes: _Axes, given: pl.DataFrame) -> Spec:
    mark = {"type": "point", "size": 38, "fill": "white", "strokeWidth": 2, "opacity": 1}
    look = {"color": basis_colour(), "shape": basis_shape()}
    return layer(given, mark, x=axes.x(), y=axes.y("value"), **look)


def _text(axes: _Axes, frame: pl.DataFrame, column: str, y: float, style: Spec) -> Spec:
    mark = {"type": "text", "align": "center", "fontSize": 12, "color": MUTED, **style}
    return layer(frame, mark, x=axes.x(), y={"value": y}, text={"field": column})
