"""Footprints compared: funnels, values standardised for age, and counts beside expected ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from pophealth_link.report import headlines, words
from pophealth_link.report.canvas import (
    INK,
    MUTED,
    Spec,
    axis_scale,
    label_expression,
    layer,
    picture,
    shortened,
)
from pophealth_link.report.exhibits import (
    NONE,
    Exhibit,
    Grid,
    Part,
    Picture,
    basis_of,
    footprints,
    table,
    why,
    with_interval,
)
from pophealth_link.report.inputs import IndicatorText, ReportInputs
from pophealth_link.report.svg import draw

_LIMITS = ("lower_998", "lower_95", "upper_95", "upper_998")
_FEWEST, _WIDTH, _HEIGHT = 3, 380, 190
_BLUE, _RED = "#0072b2", "#b84a00"
_MARKS = {
    "low (99.8 %)": "▼▼ below",
    "low (95 %)": "▼ below",
    "not significant": "like the whole",
    "high (95 %)": "▲ above",
    "high (99.8 %)": "▲▲ above",
}


def compared(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Part:
    """Return the section, from the tables `funnels`, `standardised` and `observed_expected`."""
    return Part(
        "comparison",
        "Footprints compared",
        "Whether a footprint differs from the whole area by more than chance would let it. A "
        "difference is a reason to ask, not a judgement: needs, ages, recording and supply differ. "
        "Intervals hold sampling, and those of counts over expected ones the rounding of these, "
        "alone.",
        ("recorded",),
        (_funnels(inputs, texts), _standardised(inputs, texts), _expected(inputs, texts)),
    )


def _funnels(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "Funnels: value by number of people"
    held = table(inputs, "funnels")
    if held is None:
        return Exhibit(title, absent="No funnels were released with this baseline.")
    kept = footprints(held).filter(pl.col("footprint_type") != "whole")
    kind = _kind(kept)
    drawn, grids = [], []
    for name in headlines.chosen(headlines.COMPARED, texts):
        rows = kept.filter((pl.col("indicator") == name) & (pl.col("footprint_type") == kind))
        given = rows.filter("given").drop_nulls(["value", "denominator", *_LIMITS])
        if given.height >= _FEWEST:
            named = _named(texts[name])
            drawn.append(Picture(_funnel(given, texts[name]), named))
            grids.append(_funnel_grid(rows, texts[name]))
    if not drawn:
        return Exhibit(title, absent="Fewer than three footprints of a type have numbers.")
    return Exhibit(
        title,
        words=(f"Each point is one of the {words.type_plural(kind)}.",),
        pictures=tuple(drawn),
        caption="Middle line: the whole area’s value. Inner lines: 95% of footprints would lie "
        "between them by chance; outer lines: 99.8%. Filled points lie outside the inner lines "
        "and are named. Limits are widened where footprints differ by more than chance throughout.",
        folded=tuple(grids),
    )


def _kind(rows: pl.DataFrame) -> str:
    """Return the type of footprint that is drawn: the one with most footprints."""
    counts = rows.filter("given").group_by("footprint_type").agg(pl.n_unique("footprint_code"))
    ordered = counts.sort(["footprint_code", "footprint_type"], descending=[True, False])
    return str(ordered["footprint_type"][0]) if ordered.height else "pcn"


def _named(text: IndicatorText) -> str:
    return text.title if words.is_percent(text.unit) else f"{text.title}, {text.unit}"


def _funnel(rows: pl.DataFrame, text: IndicatorText) -> Markup:
    kept = rows.sort("denominator", "name")
    columns = ("value", "whole", *_LIMITS)
    tops = [float(kept[each].max() or 0) for each in columns]  # type: ignore[arg-type]
    bottoms = [float(kept[each].min() or 0) for each in columns]  # type: ignore[arg-type]
    low, high = kept["denominator"].min(), kept["denominator"].max()
    margin = 0.06 * (float(high) - float(low) or 1.0)  # type: ignore[arg-type]
    label = {"title": "Denominator", "tickCount": 5, "grid": False}
    x: Spec = {
        **{"field": "denominator", "type": "quantitative", "axis": label},
        "scale": axis_scale((float(low) - margin, float(high) + 3 * margin)),  # type: ignore[arg-type]
    }
    span = (max(0.0, min(bottoms)), max(tops))
    axis = {"title": None, "tickCount": 4, "labelExpr": label_expression(text.unit), "grid": False}

    def y(field: str) -> Spec:
        scale = axis_scale(span, nice=4)
        return {"field": field, "type": "quantitative", "axis": axis, "scale": scale}

    apart = kept.filter(pl.col("significance") != "not significant")
    alike = kept.filter(pl.col("significance") == "not significant")
    names = {"type": "text", "align": "left", "dx": 7, "fontSize": 11, "color": INK}
    layers = [
        *(layer(kept, _line(each), x=x, y=y(each)) for each in (*_LIMITS, "whole")),
        layer(alike, _point("white", _BLUE), x=x, y=y("value")),
        layer(apart, _point(_RED, _RED), x=x, y=y("value")),
        layer(
            apart.with_columns(shortened("name", 22)),
            names, x=x, y=y("value"), text={"field": "name"},
        ),
    ]  # fmt: skip
    said = (
        f"{text.title}: funnel of footprints around the whole area. The numbers are in the table."
    )
    return draw(picture(layers, width=_WIDTH, height=_HEIGHT, padding=(56, 8, 64, 40)), said)


def _line(column: str) -> Spec:
    dashes = {"whole": [1, 0], "lower_95": [5, 3], "upper_95": [5, 3]}
    width = 1.6 if column == "whole" else 1.1
    dash = dashes.get(column, [2, 2])
    return {"type": "line", "color": MUTED, "strokeWidth": width, "strokeDash": dash, "clip": True}


def _point(fill: str, stroke: str) -> Spec:
    look = {"fill": fill, "stroke": stroke, "strokeWidth": 2, "opacity": 1}
    return {"type": "point", "shape": "circle", "size": 60, **look}


def _funnel_grid(rows: pl.DataFrame, text: IndicatorText) -> Grid:
    places = words.decimals(rows["value"], text.unit)
    lines = (
        (
            row["name"],
            *with_interval(row, "value", text.unit, places),
            words.interval(row["lower_95"], row["upper_95"], places, text.unit) or NONE,
            words.interval(row["lower_998"], row["upper_998"], places, text.unit) or NONE,
            _MARKS.get(str(row["significance"]), NONE),
        )
        for row in rows.iter_rows(named=True)
    )
    heads = ("Footprint", "Value", "95% interval", "95% limits", "99.8% limits", "Reading")
    return Grid(f"{_named(text)}: funnel", heads, tuple(lines), (5,), text.title)


def _standardised(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "As if all had the same ages: standardised ratios"
    held = table(inputs, "standardised")
    if held is None:
        return Exhibit(title, absent="No standardised values were released with this baseline.")
    kept = footprints(held).filter(pl.col("footprint_type") != "whole")
    found = set(kept.filter("given")["indicator"].unique().to_list())
    names = [name for name in headlines.chosen(headlines.HEADLINES, texts) if name in found]
    if not names:
        return Exhibit(
            title,
            absent="No headline indicator has enough counts by age, in two footprints or more, to "
            "be standardised.",
        )
    places = _places(kept)
    lines = (
        _ratios(kept.filter(pl.col("indicator") == name), texts[name], places) for name in names
    )
    return Exhibit(
        title,
        words=(
            "A footprint’s value over the whole area’s, had it the whole area’s ages: 1 is the "
            "same. Only footprints with counts by age have one.",
        ),
        grid=Grid(
            "Directly standardised value over the whole area’s, with 95% interval",
            ("Indicator", *places.values()),
            tuple(lines),
        ),
    )


def _places(rows: pl.DataFrame) -> dict[tuple[str, str], str]:
    held = rows.unique(["footprint_type", "footprint_code"], keep="first", maintain_order=True)
    return {(kind, code): name for kind, code, name in
            held.select("footprint_type", "footprint_code", "name").rows()}  # fmt: skip


def _ratios(
    rows: pl.DataFrame, text: IndicatorText, places: Mapping[tuple[str, str], str]
) -> tuple[str, ...]:
    of = {(row["footprint_type"], row["footprint_code"]): row for row in rows.iter_rows(named=True)}
    return (text.title, *(_ratio(of.get(place)) for place in places))


def _ratio(row: Mapping[str, Any] | None, column: str = "ratio") -> str:
    if row is None:
        return NONE
    if row[column] is None:
        return why(row)
    ratio, interval = with_interval(row, column, "", 2)
    sign = _MARKS.get(str(row["significance"]), "").split(" ")[0]
    told = f"{ratio} ({interval})" if interval != NONE else ratio
    return f"{told} {sign}" if sign.startswith(("▲", "▼")) else told


def _expected(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "As many as their ages lead one to expect: counted over expected"
    held = table(inputs, "observed_expected")
    if held is None:
        return Exhibit(title, absent="No expected counts were released with this baseline.")
    kept = footprints(held)
    kept = kept.filter(pl.col("footprint_type") == _kind(kept))
    found = set(kept.filter("given")["indicator"].unique().to_list())
    names = [name for name in headlines.chosen(headlines.HEADLINES, texts) if name in found]
    if not names:
        return Exhibit(
            title,
            absent="No headline indicator has a count, people by age and rates by age that can be "
            "shown for a footprint without counts by age.",
        )
    of = {name: kept.filter(pl.col("indicator") == name) for name in names}
    return Exhibit(
        title,
        words=(_about_expected(kept),),
        grid=_expected_grid(kept, of, texts),
        folded=tuple(_counts_grid(rows, texts[name]) for name, rows in of.items()),
    )


def _about_expected(rows: pl.DataFrame) -> str:
    return (
        "For footprints without counts by age: people counted over those whom the whole area’s "
        "rates by age lead one to expect among the footprint’s own people; 1 is as many as "
        f"expected. {words.BASES[basis_of(rows)]} people. Expected counts are rounded to the "
        "nearest five: where few are expected, that alone moves the ratio; intervals and readings "
        "allow for that. Each footprint is held against the whole area, not against another one."
    )


def _expected_grid(
    rows: pl.DataFrame, of: Mapping[str, pl.DataFrame], texts: Mapping[str, IndicatorText]
) -> Grid:
    by_place = {
        name: {row["footprint_code"]: row for row in own.iter_rows(named=True)}
        for name, own in of.items()
    }
    places = _places(rows).items()
    lines = (
        (name, *(_ratio(own.get(code), "value") for own in by_place.values()))
        for (_, code), name in places
    )
    heads = ("Footprint", *(texts[name].title for name in of))
    return Grid("People counted over people expected, with 95% interval", heads, tuple(lines))


def _counts_grid(rows: pl.DataFrame, text: IndicatorText) -> Grid:
    lines = (
        (
            row["name"],
            words.count(row["observed"]),
            words.count(row["expected"]),
            *with_interval(row, "value", "", 2),
            {**_MARKS, "not significant": "as expected"}.get(str(row["significance"]), NONE),
        )
        for row in rows.iter_rows(named=True)
    )
    heads = ("Footprint", "Counted", "Expected", "Ratio", "95% interval", "Reading")
    caption = f"{text.title}: people counted and expected"
    return Grid(caption, heads, tuple(lines), (5,), text.title)
