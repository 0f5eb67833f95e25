"""A smaller file of the same picture: what is not seen left out, steps written as steps."""

from __future__ import annotations

import re
from itertools import pairwise

_NUMBER = r"-?[\d.]+"
_GROUND = re.compile(rf'<path d="M0,0h{_NUMBER}v{_NUMBER}h{_NUMBER}Z"/>')
_GROUP = re.compile(r"<(/?)g\b([^>]*)>")
_CORNER = rf"L({_NUMBER}),({_NUMBER})"
_CURVE = re.compile(rf'd="M({_NUMBER}),({_NUMBER})((?:L{_NUMBER},{_NUMBER})+)"')


def slim(picture: str) -> str:
    """Return an SVG, whose shapes are filled only where they say so, that looks the same.

    Grounds without a colour and groups without an attribute go; of a curve's corners those that
    lie on a level stretch go.

    >>> slim('<g><g id="a"><path d="M0,0h9v9h-9Z"/><path d="M0,5L2,5L2,5L4,5L4,1L6,0"/></g></g>')
    '<g id="a"><path d="M0,5H4V1L6,0"/></g>'
    """
    return _CURVE.sub(_in_steps, _without_bare_groups(_GROUND.sub("", picture)))


def _without_bare_groups(picture: str) -> str:
    kept: list[bool] = []

    def told(tag: re.Match[str]) -> str:
        if tag[1]:
            return tag[0] if kept.pop() else ""
        kept.append(bool(tag[2]))
        return tag[0] if kept[-1] else ""

    return _GROUP.sub(told, picture)


def _in_steps(curve: re.Match[str]) -> str:
    """Return a curve that runs from left to right with its level and upright strokes as such."""
    corners = [(curve[1], curve[2]), *re.findall(_CORNER, curve[3])]
    strokes: list[str] = []
    for (x, y), (to_x, to_y) in pairwise(corners):
        if (to_x, to_y) == (x, y):
            continue
        if to_y == y and strokes and strokes[-1].startswith("H"):
            strokes.pop()
        strokes.append(f"H{to_x}" if to_y == y else f"V{to_y}" if to_x == x else f"L{to_x},{to_y}")
    return f'd="M{curve[1]},{curve[2]}{"".join(strokes)}"'
