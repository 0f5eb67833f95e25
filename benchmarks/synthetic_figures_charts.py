"""The charts of docs/synthetic.md: small SVG files, drawn from the committed figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.charts import CONFIG, Spec, standalone

FOLDER = Path(__file__).parents[1] / "docs" / "images"
PREFIX = "synthetic-"
# After Okabe and Ito (2008), darkened for contrast on white; shapes tell them apart without colour.
_COLOURS = ("#0072b2", "#b84a00")
_SHAPES = ("circle", "diamond")
_ENGLAND, _MADE = "England, published", "made"
_FIFTHS = ("1 (most deprived)", "2", "3", "4", "5 (least)")


def pictures(charts: Mapping[str, Any]) -> dict[str, str]:
    """Return each chart as an SVG file by its name."""
    specs = {
        "ages": (_ages(charts), "Age structure: share of people by five years of age"),
        "households": (_sizes(charts["sizes"]), "Households by the number of people in them"),
        "names": (_names(charts["names"]), "How common a name is against its rank"),
        "conditions": (_conditions(charts["conditions"]), "Recorded conditions by fifth"),
        "errors": (_errors(charts["errors"]), "Records with a wrong or missing identifier"),
    }  # fmt: skip
    return {name: standalone(spec, label) for name, (spec, label) in specs.items()}


def write(charts: Mapping[str, Any]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, picture in pictures(charts).items():
        (FOLDER / f"{PREFIX}{name}.svg").write_text(picture, encoding="utf-8")


def _ages(charts: Mapping[str, Any]) -> Spec:
    ages = charts["ages"]
    rows = [
        {"x": band + 2.5, "y": 100 * share, "who": who}
        for who, shares in ((_ENGLAND, ages["england"]), (_MADE, ages["made"]))
        for band, share in zip(ages["bands"], shares, strict=True)
    ]
    x = _axis("x", "age", domain=[0, 95], values=list(range(0, 91, 10)))
    whole = _panel("all ages, by five years", rows, x, _share("y"), line=True)
    panels = [whole]
    for key, title in (("young", "aged 0–15, by fifth"), ("old", "aged 65 and over, by fifth")):
        panels.append(_fifths(title, charts["fifths"][key], scale=100))
    return _row(panels)


def _fifths(title: str, shares: Mapping[str, Sequence[float]], scale: float = 1) -> Spec:
    rows = [
        {"x": fifth, "y": scale * share, "who": who}
        for who, key in ((_ENGLAND, "england"), (_MADE, "made"))
        for fifth, share in zip(_FIFTHS, shares[key], strict=True)
    ]
    x = {"field": "x", "type": "ordinal", "sort": list(_FIFTHS),
         "axis": {"title": None, "labelAngle": 0,
                  "labelExpr": "split(datum.label, ' ')[0]"}}  # fmt: skip
    return _panel(title, rows, x, _share("y"), width=150)


def _sizes(sizes: Mapping[str, Any]) -> Spec:
    rows = [
        {"x": name, "y": 100 * share, "who": who}
        for who, key in ((_ENGLAND, "england"), (_MADE, "made"))
        for name, share in zip(sizes["names"], sizes[key], strict=True)
    ]
    x = {"field": "x", "type": "ordinal", "sort": sizes["names"],
         "axis": {"title": "people in the household", "labelAngle": 0}}  # fmt: skip
    bars = {
        "width": 330,
        "height": 190,
        "data": {"values": rows},
        "mark": {"type": "bar", "aria": False},
        "encoding": {"x": x, "xOffset": {"field": "who"}, "y": _share("y"), "color": _colour()},
    }
    return _row([bars])


def _names(names: Mapping[str, Any]) -> Spec:
    year = names["year"]
    panels = [
        _ranks(f"forenames of {sex} born about {year}", names["forenames"][sex], 100, "% of births")
        for sex in ("boys", "girls")
    ]
    return _row([*panels, _ranks("surnames", names["surnames"], 1e-4, "% of people")])


def _ranks(title: str, lines: Mapping[str, Any], scale: float, unit: str) -> Spec:
    rows = [
        {"x": rank, "y": scale * value, "who": who}
        for who, key in ((_ENGLAND, "england"), (_MADE, "made"))
        for rank, value in lines[key]
    ]
    log = {"scale": {"type": "log", "nice": False}}
    x = {"field": "x", "type": "quantitative", **log,
         "axis": {"title": "rank", "values": [1, 10, 100, 1000, 10_000],
                  "format": ",d"}}  # fmt: skip
    y = {"field": "y", "type": "quantitative", **log,
         "axis": {"title": unit, "format": "~g", "values": [0.001, 0.01, 0.1, 1]}}  # fmt: skip
    return _panel(title, rows, x, y, line=True, width=210)


def _conditions(conditions: Mapping[str, Any]) -> Spec:
    panels = [_fifths(name, shares) for name, shares in conditions.items()]
    spec = _row(panels)
    return {**{k: v for k, v in spec.items() if k != "hconcat"}, "concat": panels, "columns": 3}


def _errors(errors: Mapping[str, Any]) -> Spec:
    panels = []
    for words, sources in errors.items():
        rows = [
            {"x": share, "y": source, "who": preset}
            for source, presets in sources.items()
            for preset, share in presets.items()
        ]
        x = _axis("x", "% of records", values=None)
        y = {"field": "y", "type": "nominal", "sort": list(sources),
             "axis": {"title": None, "grid": True, "labelLimit": 150}}  # fmt: skip
        panels.append(_panel(words, rows, x, y, width=140, height=140, who=("typical", "hard")))
    spec = _row(panels)
    return {**{k: v for k, v in spec.items() if k != "hconcat"}, "concat": panels, "columns": 3}


def _axis(
    field: str,
    title: str,
    *,
    domain: Sequence[float] | None = None,
    values: Sequence[float] | None = None,
) -> Spec:
    scale: Spec = {"nice": domain is None}
    if domain is not None:
        scale["domain"] = list(domain)
    axis: Spec = {"title": title, "tickCount": 4}
    if values is not None:
        axis["values"] = list(values)
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _share(field: str) -> Spec:
    return {"field": field, "type": "quantitative", "scale": {"zero": True},
            "axis": {"title": None, "tickCount": 5, "labelExpr": "datum.label + ' %'"}}  # fmt: skip


def _colour(who: Sequence[str] = (_ENGLAND, _MADE)) -> Spec:
    return {"field": "who", "type": "nominal", "sort": list(who),
            "scale": {"domain": list(who), "range": list(_COLOURS)},
            "legend": {"title": None, "orient": "top"}}  # fmt: skip


def _panel(
    title: str,
    rows: list[Spec],
    x: Spec,
    y: Spec,
    *,
    line: bool = False,
    width: int = 250,
    height: int = 170,
    who: Sequence[str] = (_ENGLAND, _MADE),
) -> Spec:
    shape = {"field": "who", "type": "nominal", "legend": {"title": None, "orient": "top"},
             "scale": {"domain": list(who), "range": list(_SHAPES)}}  # fmt: skip
    point = {"type": "point", "size": 38, "filled": True, "opacity": 0.9, "aria": False}
    layers: list[Spec] = [{"mark": point, "encoding": {"shape": shape}}]
    if line:
        layers.insert(0, {"mark": {"type": "line", "strokeWidth": 1.5, "aria": False}})
    return {
        "title": {"text": title, "anchor": "start"},
        "width": width,
        "height": height,
        "data": {"values": [_rounded(row) for row in rows]},
        "encoding": {"x": x, "y": y, "color": _colour(who)},
        "layer": layers,
    }


def _rounded(row: Spec) -> Spec:
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value
            for key, value in row.items()}  # fmt: skip


def _row(panels: list[Spec]) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "hconcat": panels,
        "spacing": 22,
        "config": CONFIG,
    }
