"""What all charts share: colours, type, the span of an axis, and how layers become a picture.

Charts are Vega-Lite specifications as plain mappings: building them through Altair's classes gives
the same pictures and takes four times as long, most of it in validating them one by one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import polars as pl

from pophealth_link.report import words

Spec = dict[str, Any]

# Blue and vermilion after Okabe and Ito (2008), the latter darkened for contrast on white: told
# apart with any common colour blindness; the shapes tell them apart without colour.
BASIS_COLOURS = MappingProxyType({"registered": "#0072b2", "resident": "#b84a00"})
BASIS_SHAPES = MappingProxyType({"registered": "circle", "resident": "diamond"})
BASIS_DASHES = MappingProxyType({"registered": (1, 0), "resident": (5, 3)})
INK, MUTED, LINE = "#16232f", "#52606c", "#dde3e8"
TEXT = 12.5
LIMITS = ("value", "lower", "upper", "linkage_lower", "linkage_upper")


def layer(frame: pl.DataFrame, mark: Spec, **channels: Spec) -> Spec:
    """Return one layer: a mark, and the frame's columns that its channels name."""
    fields = [channel["field"] for channel in channels.values() if "field" in channel]
    return {
        "data": {"values": frame.select(list(dict.fromkeys(fields))).to_dicts()},
        "mark": {"aria": False, **mark},
        "encoding": channels,
    }


def picture(
    layers: Sequence[Spec], *, width: float, height: float, padding: Sequence[float]
) -> Spec:
    """Lay layers over each other; `padding` is left, top, right, bottom, all sizes in pixels."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "layer": [each for each in layers if each["data"]["values"]],
        "width": width,
        "height": height,
        "padding": dict(zip(("left", "top", "right", "bottom"), padding, strict=True)),
        "autosize": "none",
        "config": _CONFIG,
    }


def axis_scale(domain: Sequence[float], *, nice: int | bool = False, **more: object) -> Spec:
    """Return a scale of an axis that starts where the values do, rather than at zero."""
    return {"domain": list(domain), "nice": nice, "zero": False, **more}


def basis_colour() -> Spec:
    """Return the colour of the basis."""
    return _by_basis(BASIS_COLOURS)


def basis_shape() -> Spec:
    """Return the shape of the basis."""
    return _by_basis(BASIS_SHAPES)


def label_expression(unit: str) -> str:
    """Return the expression of an axis label: with a percent sign where that is the unit."""
    return "datum.label + '%'" if words.is_percent(unit) else "datum.label"


def shortened(column: str, width: int) -> pl.Expr:
    """Return a column's text cut to the room of `width` small letters, with an ellipsis if cut.

    A capital takes the room of 1.4 small letters (as in Arial): names of networks are often all
    capitals.

    >>> names = pl.DataFrame({"name": ["Harbour and Northgate", "HARBOUR AND NORTHGATE"]})
    >>> names.select(shortened("name", 22))["name"].to_list()
    ['Harbour and Northgate', 'HARBOUR AND NOR…']
    """
    text = pl.col(column)
    letters = text.str.len_chars()
    room = letters + 0.4 * text.str.count_matches("[A-Z]")
    fitting = (letters * width / room).floor().cast(pl.Int64)
    cut = text.str.slice(0, fitting - 1).str.strip_chars_end() + "…"
    return pl.when(room > width).then(cut).otherwise(text).alias(column)


def wrapped(names: pl.Series, width: int) -> pl.DataFrame:
    """Return each of a few names on up to two lines of `width` small letters: `first`, `second`.

    >>> wrapped(pl.Series(["Harbour and Northgate PCN", "Weald PCN"]), 16).rows()
    [('Harbour and', 'Northgate PCN'), ('', 'Weald PCN')]
    """
    lines = [textwrap.wrap(name, max(4, round(width / _room(name)))) or [""] for name in names]
    pairs = [(each[0], " ".join(each[1:])) if len(each) > 1 else ("", each[0]) for each in lines]
    frame = pl.DataFrame(pairs, schema={"first": pl.String, "second": pl.String}, orient="row")
    return frame.with_columns(shortened("first", width), shortened("second", width))


def _room(name: str) -> float:
    """Return the mean room that a letter of the name takes; a capital takes 1.4."""
    return 1 + 0.4 * sum(letter.isupper() for letter in name) / max(len(name), 1)


def span(rows: pl.DataFrame) -> tuple[float, float]:
    """Return the span of an axis of values: from zero, unless all values lie far from it.

    >>> span(pl.DataFrame({name: [90.0, 100.0] for name in LIMITS}))
    (90.0, 100.0)
    """
    values = pl.concat([rows[name].cast(pl.Float64) for name in LIMITS]).drop_nulls().to_list()
    low, high = min(values, default=0.0), max(values, default=1.0)
    low = 0.0 if 0 <= low < 0.7 * high else low
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _by_basis(values: Mapping[str, str]) -> Spec:
    scale = {"domain": list(values), "range": list(values.values())}
    return {"field": "basis", "type": "nominal", "scale": scale, "legend": None}


_CONFIG: Spec = {
    "font": "Arial",
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": TEXT,
        "titleFontSize": TEXT,
        "titleFontWeight": "normal",
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": LINE,
        "domainColor": MUTED,
        "tickColor": MUTED,
        "titlePadding": 6,
    },
}
