"""Charts of a run: recall against false links, by source and by ethnic group."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from benchmarks import accuracy_tables as tables
from benchmarks.accuracy_results import Results
from benchmarks.accuracy_svg import slim
from benchmarks.charts import CONFIG, Spec, standalone

# After Okabe and Ito (2008), darkened for contrast on white: told apart with any common colour
# blindness. Six systems; groups take them in turn.
_COLOURS = ("#0072b2", "#b84a00", "#007a5a", "#8a4a78", "#8a6d00", "#16232f")
# The axis of false links: shares, on a log scale; what is less is drawn at its left end.
_LOW, _HIGH = 0.0003, 0.05
_TICKS = (_LOW, 0.001, 0.003, 0.01, 0.05)
_WIDTH, _HEIGHT, _COLUMNS = 230, 190, 3
# Below this recall a curve would squeeze all others together: it is left out and named.
_FLOOR = 0.5


def write(results: Results, folder: Path) -> list[Path]:
    """Write a chart by source and, where the truth tells groups, one by ethnic group."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.svg"):
        stale.unlink()
    written = []
    for data_set in results.facts["data_sets"]:
        for kind, make in (("source", by_source), (tables.ETHNIC, by_group)):
            picture = make(results, data_set["name"])
            if picture:
                path = folder / f"{data_set['name']}-{kind}.svg"
                path.write_text(slim(picture), encoding="utf-8")
                written.append(path)
    return written


def by_source(results: Results, data_set: str) -> str | None:
    """Return the chart with one panel a source and one line a system; None without figures."""
    marks = _marks(results, data_set).filter(pl.col("dimension") == "all")
    if marks.is_empty():
        return None
    marks = marks.with_columns(line=pl.col("label"), panel=pl.col("scope"))
    scopes = tables.shown_scopes(results, data_set)
    panels = {name: marks.filter(pl.col("panel") == name) for name in scopes}
    label = f"{data_set}: recall against the share of false links, by source and system"
    lines = [each["label"] for each in results.facts["systems"]]
    ranges = {name: _range(panel) for name, panel in panels.items()}
    return standalone(_picture(panels, ranges, lines, "system"), label)


def by_group(results: Results, data_set: str) -> str | None:
    """Return the chart with one panel a system and one line an ethnic group.

    False links are those of all groups together, at the same threshold.
    """
    scope = tables.compared_scope(results, data_set)
    marks = _marks(results, data_set)
    if scope is None or tables.ETHNIC not in marks["dimension"]:
        return None
    chosen = marks.filter((pl.col("scope") == scope) & (pl.col("dimension") == tables.ETHNIC))
    counted = chosen.filter(
        pl.col("linkable") >= results.facts["definitions"]["fewest_linkable_in_a_gap"]
    )
    if counted.is_empty():
        return None
    counted = counted.with_columns(line=pl.col("group"), panel=pl.col("label"))
    label = f"{data_set}, {scope}: recall against the share of false links, by ethnic group"
    groups = counted["group"].unique().sort().to_list()
    systems = counted["label"].unique(maintain_order=True).to_list()
    panels = {name: counted.filter(pl.col("label") == name) for name in systems}
    # One axis for all, so that systems can be compared.
    ranges = dict.fromkeys(systems, _range(counted))
    return standalone(_picture(panels, ranges, groups, "ethnic group"), label)


def _marks(results: Results, data_set: str) -> pl.DataFrame:
    """Return what is drawn: points of curves, and each system's own operating point (`own`)."""
    keys = ["system", "scope", "dimension", "group"]
    operating = results.of("operating", data_set=data_set)
    whole = operating.filter(pl.col("dimension") == "all").select(
        "system", "scope", share="false_links"
    )
    linkable = operating.select(*keys, "linkable")
    own = operating.join(whole, on=["system", "scope"]).select(*keys, "share", "recall")
    curves = results.of("curves", data_set=data_set)
    limits = pl.Series(
        "share", [results.facts["definitions"]["limits"]] * curves.height, pl.List(pl.Float64)
    )
    steps = curves.with_columns(limits).explode("share", "recall").select(*keys, "share", "recall")
    both = pl.concat([steps.with_columns(own=False), own.with_columns(own=True)])
    names = {each["name"]: each["label"] for each in results.facts["systems"]}
    return (
        both.join(linkable, on=keys, maintain_order="left")
        .with_columns(
            label=pl.col("system").replace_strict(names, return_dtype=pl.String),
            share=pl.col("share").fill_null(0).clip(_LOW, _HIGH),
        )
        .filter(pl.col("recall") >= _FLOOR)
        .with_columns(pl.col("recall").round(4))
    )


def _range(marks: pl.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis of recall, which need not start at zero."""
    lowest = marks["recall"].min()
    low = math.floor(20 * lowest) / 20 if isinstance(lowest, float) else 0.95
    return min(low, 0.95), 1.0


def _picture(
    panels: Mapping[str, pl.DataFrame],
    ranges: Mapping[str, tuple[float, float]],
    lines: Sequence[str],
    legend: str,
) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "concat": [
            _panel(marks, name, _channels(ranges[name], lines, legend))
            for name, marks in panels.items()
        ],
        "columns": _COLUMNS,
        "spacing": 18,
        "config": CONFIG,
    }


def _channels(ends: tuple[float, float], lines: Sequence[str], legend: str) -> Spec:
    colours = [_COLOURS[i % len(_COLOURS)] for i in range(len(lines))]
    return {
        "x": _x(),
        "y": _y(ends),
        "color": {
            "field": "line",
            "type": "nominal",
            "sort": list(lines),
            "scale": {"domain": list(lines), "range": colours},
            "legend": {"title": legend},
        },
    }


def _panel(marks: pl.DataFrame, title: str, channels: Spec) -> Spec:
    curve = {"type": "line", "strokeWidth": 2, "interpolate": "step-after", "aria": False}
    point = {"type": "point", "size": 70, "filled": True, "opacity": 1, "aria": False}
    return {
        "title": {"text": title.replace("_", " "), "anchor": "start"},
        "width": _WIDTH,
        "height": _HEIGHT,
        "layer": [
            _layer(marks.filter(~pl.col("own")), curve, channels),
            _layer(marks.filter("own"), point, channels),
        ],
    }


def _layer(marks: pl.DataFrame, mark: Spec, channels: Mapping[str, Spec]) -> Spec:
    values = marks.select("line", "share", "recall").to_dicts()
    return {"data": {"values": values}, "mark": mark, "encoding": dict(channels)}


def _x() -> Spec:
    return {
        "field": "share",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [_LOW, _HIGH], "nice": False},
        "axis": {
            "title": "false links",
            "values": list(_TICKS),
            "labelExpr": f"datum.value <= {_LOW} ? '0' : format(100 * datum.value, '~r') + ' %'",
        },
    }


def _y(domain: tuple[float, float]) -> Spec:
    return {
        "field": "recall",
        "type": "quantitative",
        "scale": {"domain": list(domain), "zero": False, "nice": False},
        "axis": {"title": "recall", "tickCount": 5, "format": ".2f"},
    }
