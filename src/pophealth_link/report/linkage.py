"""How records were linked: the linkage card as chart and tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from pophealth_link.report import words
from pophealth_link.report.canvas import INK, TEXT, Spec, layer, picture, shortened
from pophealth_link.report.svg import draw
from pophealth_link.schema import CODE_LISTS

# Strength of evidence from dark to light, the unlinked in grey (Okabe and Ito's blue and green,
# darkened or lightened; told apart in grey as well).
_FIXED = {
    "register": "#0b3c5d",
    "nhs_number": "#0072b2",
    "probabilistic": "#e69f00",
    "reviewed": "#cc79a7",
    "elsewhere": "#8a6d8f",
    "unlinked": "#c3cad1",
}
_PASSES = ("#00735c", "#3a9c86", "#7cc2b2", "#b2ddd3")
_WIDTH, _LABELS, _ROW = 440, 150, 32


@dataclass(frozen=True, slots=True)
class Linkage:
    """The card, ready for the page. A count that the policy withheld is a word, not a number."""

    chart: Markup | None
    key: tuple[tuple[str, str], ...]
    methods: tuple[str, ...]
    counts: tuple[tuple[str, str, tuple[str, ...], str], ...]
    identifiers: tuple[str, ...]
    completeness: tuple[tuple[str, tuple[str, ...]], ...]
    linked: tuple[str, str]
    withheld: bool
    points: tuple[str, ...]
    limits: tuple[str, ...]


def linkage(card: Mapping[str, Any]) -> Linkage:
    """Return the released linkage card for the page.

    Read are `data` (sources, completeness), `results` (by_source), `main_points` and `limits` of
    the card; numbers that were withheld are missing.
    """
    data = card.get("data", {})
    sources = {str(each["name"]): each for each in data.get("sources", ())}
    methods = [*_registers(sources.values()), *_methods(card.get("results", {}))]
    completeness = list(data.get("completeness", ()))
    order = sorted({str(each["method"]) for each in methods}, key=words.method_order)
    names = list(dict.fromkeys([*sources, *(str(each["source"]) for each in methods)]))
    filled = list(dict.fromkeys(str(each["identifier"]) for each in completeness))
    colours = _colours(order)
    return Linkage(
        chart=_chart(methods, names, colours) if methods else None,
        key=tuple((colours[method], words.method_words(method)) for method in order),
        methods=tuple(words.method_words(method) for method in order),
        counts=tuple(_counts(name, sources.get(name, {}), methods, order) for name in names),
        identifiers=tuple(_identifier(each) for each in filled),
        completeness=tuple((name, _filled(name, completeness, filled)) for name in names if filled),
        linked=_linked(methods, (card.get("results", {}).get("flow") or {}).get("linked_share")),
        withheld=any(each.get("records") is None for each in methods),
        points=tuple(str(each) for each in card.get("main_points", {}).get("points", ())),
        limits=tuple(str(each) for each in card.get("limits", {}).get("limits", ())),
    )


def _registers(sources: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the register's records as if a method had linked them."""
    return [
        _entry(each["name"], "register", each.get("records"), each.get("records"), 1.0)
        for each in sources
        if each.get("register")
    ]


def _methods(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return records by source and method, those that are not linked to the register last."""
    rows = []
    for own in results.get("by_source", ()):
        name, of = own["source"], own["records"]
        rows += [_entry(name, m["method"], m["records"], of, m["share"]) for m in own["methods"]]
        for rest in ("elsewhere", "unlinked"):
            if own[rest] != 0:
                rows.append(_entry(name, rest, own[rest], of, None))
    return rows


def _entry(
    source: object, method: object, records: float | None, of: float | None, share: float | None
) -> Mapping[str, Any]:
    if share is None and records is not None and of:
        share = min(records / of, 1.0)
    told = share if records is not None else None
    return {"source": source, "method": method, "records": records, "of": of, "share": told}


def _identifier(name: str) -> str:
    return {"nhs_number": "NHS number", "uprn": "UPRN"}.get(
        name, name.replace("_", " ").capitalize()
    )


def _colours(order: Sequence[str]) -> dict[str, str]:
    passes = [method for method in order if method not in _FIXED]
    shades = {method: _PASSES[position % len(_PASSES)] for position, method in enumerate(passes)}
    return {**_FIXED, **shades}


def _counts(
    name: str, source: Mapping[str, Any], methods: Sequence[Mapping[str, Any]], order: Sequence[str]
) -> tuple[str, str, tuple[str, ...], str]:
    own = {str(each["method"]): each for each in methods if str(each["source"]) == name}
    total = next((each.get("of") for each in own.values()), None)
    told = tuple(_records(own[method]) if method in own else "–" for method in order)
    setting = CODE_LISTS["setting"].codes.get(str(source.get("setting", "")), "")
    return (name, setting, told, words.count(total) if total is not None else "withheld")


def _records(entry: Mapping[str, Any]) -> str:
    records, share = entry.get("records"), entry.get("share")
    if records is None:
        return "withheld"
    return words.count(records) + (f" ({share:.1%})" if share is not None else "")


def _filled(
    name: str, completeness: Sequence[Mapping[str, Any]], identifiers: Sequence[str]
) -> tuple[str, ...]:
    own = {
        str(each["identifier"]): each.get("share")
        for each in completeness
        if str(each["source"]) == name
    }
    told = (own.get(each, "–") for each in identifiers)
    return tuple("withheld" if s is None else s if isinstance(s, str) else f"{s:.1%}" for s in told)


def _linked(methods: Sequence[Mapping[str, Any]], overall: float | None) -> tuple[str, str]:
    """Return the share of records off the register that were linked to it, and of which sources.

    Where the share over all is withheld, sources whose missed records are withheld are left out.
    """
    if overall is not None:
        return f"{overall:.1%}", "in all sources besides the register"
    register = {str(each["source"]) for each in methods if each["method"] == "register"}
    held = {str(each["source"]): each.get("of") for each in methods}
    others = {name: of for name, of in held.items() if name not in register}
    told = {
        name: (float(of), missed)
        for name, of in others.items()
        if of is not None and (missed := _missed(name, methods)) is not None
    }
    total = math.fsum(of for of, _ in told.values())
    if not total:
        return "", ""
    share = 1 - math.fsum(missed for _, missed in told.values()) / total
    which = "all" if len(told) == len(others) else f"{len(told)} of {len(others)}"
    return f"{share:.1%}", f"in {which} sources besides the register"


def _missed(source: str, methods: Sequence[Mapping[str, Any]]) -> float | None:
    """Return how many records of a source are not linked to the register, null where withheld."""
    rest = [
        each.get("records")
        for each in methods
        if each["source"] == source and each["method"] in ("unlinked", "elsewhere")
    ]
    known = [float(records) for records in rest if records is not None]
    return math.fsum(known) if len(known) == len(rest) else None


def _chart(
    methods: Sequence[Mapping[str, Any]], names: Sequence[str], colours: Mapping[str, str]
) -> Markup:
    lines = {name: position + 0.5 for position, name in enumerate(names)}
    bars = _bars(methods, lines)
    depth = float(len(names))
    labels = pl.DataFrame({"line": list(lines.values()), "name": list(lines)}).with_columns(
        label=shortened("name", 23)
    )
    used = list(dict.fromkeys(bars["method"]))
    scale = {"domain": used, "range": [colours[method] for method in used]}
    y = {"field": "line", "type": "quantitative", "axis": None, "scale": _down(depth)}
    bar = {"type": "bar", "orient": "horizontal", "size": 22}
    name = {"type": "text", "align": "right", "color": INK, "fontSize": TEXT}
    layers = [
        layer(
            bars,
            bar,
            x={**_across("start"), "stack": None},
            x2={"field": "end"},
            y=y,
            color={"field": "method", "type": "nominal", "scale": scale, "legend": None},
        ),
        layer(labels, name, x={"value": -10}, y=y, text={"field": "label"}),
    ]
    size = {"width": _WIDTH - _LABELS, "height": _ROW * len(names)}
    label = "Share of each source's records by how they were linked. The numbers are in the table."
    return draw(picture(layers, padding=(_LABELS, 2, 22, 24), **size), label)


def _down(depth: float) -> Spec:
    return {"domain": [0, depth], "reverse": True, "nice": False, "zero": False}


def _across(field: str) -> Spec:
    axis = {"title": None, "format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1], "grid": False}
    scale = {"domain": [0, 1], "nice": False}
    return {"field": field, "type": "quantitative", "axis": axis, "scale": scale}


def _bars(methods: Sequence[Mapping[str, Any]], lines: Mapping[str, float]) -> pl.DataFrame:
    """Return the bars of each source end to end, in the order of the methods."""
    rows = [
        (lines[str(each["source"])], str(each["method"]), float(each.get("share") or 0.0))
        for each in sorted(methods, key=lambda each: words.method_order(str(each["method"])))
    ]
    frame = pl.DataFrame(rows, schema=["line", "method", "share"], orient="row")
    ends = frame.with_columns(end=pl.col("share").cum_sum().over("line").clip(0, 1).round(6))
    return ends.with_columns(start=(pl.col("end") - pl.col("share")).clip(0, 1).round(6)).filter(
        pl.col("share") > 0
    )
