"""Vega-Lite chart → small, deterministic inline SVG."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

# The version that the charts were drawn and looked at with; the drawing library holds several.
_VEGA_LITE = "6.1"

# Attributes that the page's own markup or style sheet provides, or that only repeat a default.
_DROPPED = re.compile(
    r"\s(?:(?:class|role|aria-[a-z]+|pointer-events|font-family|version|id|stroke-miterlimit|"
    r'xmlns(?::xlink)?)="[^"]*"|opacity="1"|x2="0"|y2="0")'
)
_INHERITED = {
    *("stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "fill"),
    *("font-size", "font-weight", "font-style", "text-anchor"),
}
_TAG = re.compile(r"<[^>]+>")
_ATTRIBUTE = re.compile(r'\s([a-z0-9-]+)="([^"]*)"')
_LEAF = r"<(?:line|path|rect|circle)[^>]*/>|<text[^>]*>[^<]*</text>"
_GROUP = re.compile(rf"<g>((?:{_LEAF}){{2,}})</g>")
_CIRCLE = re.compile(
    r'<path transform="translate\(([^,]+),([^)]+)\)" d="M([\d.]+),0A\3,\3,0,1,1,-\3,0'
    r'A\3,\3,0,1,1,\3,0"'
)
_DECIMALS = re.compile(r"(-?\d+\.\d{2,})")
_EMPTY = re.compile(r'<path[^>]*(?:d="M0,0h0v0h0Z"|d="")[^>]*/>|<g>\s*</g>')
_BACKGROUND = re.compile(r'<rect width="\d+(?:\.\d+)?" height="\d+(?:\.\d+)?" fill="white"/>')
_OUTER = re.compile(r"^<svg[^>]*\bviewBox=\"([^\"]+)\"[^>]*>")


def draw(spec: Mapping[str, Any], label: str) -> Markup:
    """Draw a Vega-Lite chart as inline SVG that carries `label` for those who cannot see it.

    The picture holds no id, no link, no script and no name space address; text stays text, in the
    page's own font. The same chart gives the same bytes.
    """
    import vl_convert

    return tidy(vl_convert.vegalite_to_svg(dict(spec), vl_version=_VEGA_LITE), label)


def tidy(picture: str, label: str) -> Markup:
    """Strip a Vega SVG of what the page does not need and give it its label."""
    outer = _OUTER.match(picture)
    box = outer.group(1) if outer else "0 0 0 0"
    body = _TAG.sub(_short_tag, picture[outer.end() if outer else 0 :])
    for pattern in (_BACKGROUND, _EMPTY, _EMPTY, _EMPTY):
        body = pattern.sub("", body)
    body = _CIRCLE.sub(r'<circle cx="\1" cy="\2" r="\3"', body)
    body = _GROUP.sub(_hoisted, body)
    _, _, width, height = box.split()
    head = (
        f'<svg class="chart" viewBox="{box}" width="{width}" height="{height}" role="img" '
        f'aria-label="{html.escape(label)}">'
    )
    return Markup(head + body)  # noqa: S704  (Vega escapes text; only tags were shortened)


def _short_tag(tag: re.Match[str]) -> str:
    return _DECIMALS.sub(_one_decimal, _DROPPED.sub("", tag.group(0)))


def _one_decimal(figure: re.Match[str]) -> str:
    rounded = f"{float(figure.group(1)):.1f}"
    return rounded.removesuffix(".0")


def _hoisted(group: re.Match[str]) -> str:
    """Move what all marks of a group share, and inherit, to the group."""
    tags = [tag for tag in _TAG.findall(group.group(1)) if not tag.startswith("</")]
    held = [set(_ATTRIBUTE.findall(tag)) for tag in tags]
    shared = {pair for pair in set.intersection(*held) if pair[0] in _INHERITED}
    own = "".join(f' {name}="{value}"' for name, value in sorted(shared))

    def without(tag: re.Match[str]) -> str:
        return _ATTRIBUTE.sub(lambda a: "" if a.groups() in shared else a.group(0), tag.group(0))

    return f"<g{own}>{_TAG.sub(without, group.group(1))}</g>"
