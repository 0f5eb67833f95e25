"""How the charts of the benchmarks look: one palette, one font, each a file of its own."""

from __future__ import annotations

from typing import Any

from pophealth_link.report.svg import draw

Spec = dict[str, Any]
INK, MUTED, LINE = "#16232f", "#52606c", "#dde3e8"


def standalone(spec: Spec, label: str) -> str:
    """Return the chart as a file of its own: with a name space, a font and a white ground."""
    head, body = str(draw(spec, label)).split(">", 1)
    outer = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'{outer} font-family="Arial, Helvetica, sans-serif">{ground}{body}\n'


CONFIG: Spec = {
    "font": "Arial",
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 11.5,
        "titleFontWeight": "normal",
        "labelColor": MUTED,
        "titleColor": MUTED,
        "gridColor": LINE,
        "domainColor": MUTED,
        "tickColor": MUTED,
    },
    "title": {"fontSize": 12.5, "color": INK, "fontWeight": "bold"},
    "legend": {"labelFontSize": 11.5, "titleFontSize": 11.5, "labelColor": INK, "labelLimit": 240},
}
