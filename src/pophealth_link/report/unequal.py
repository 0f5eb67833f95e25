"""Inequality: Core20 against the rest, slope and relative index, groups by ethnicity, sex, age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pophealth_link.report import headlines, words
from pophealth_link.report.exhibits import (
    NONE,
    Exhibit,
    Grid,
    Part,
    Picture,
    table,
    whole,
    why,
    with_interval,
)
from pophealth_link.report.forest import Frame, Mark, forest, not_drawn, with_titles
from pophealth_link.report.inputs import IndicatorText, ReportInputs

_FAMILIES = {
    "quintile": "Deprivation",
    "ethnic": "Ethnic group",
    "sex": "Sex",
    "age": "Age",
}
_ABSENT = "No table of inequality was released with this baseline."


def unequal(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Part:
    """Return the section, from the tables `inequality_groups` and `inequality_slopes`."""
    return Part(
        "inequality",
        "Inequality",
        "Each group beside the others, in the whole area. Core20 is the fifth of England’s LSOAs "
        "that is most deprived. A low number of records is not low need: it may be that people "
        "were not reached, or not linked. Intervals hold sampling alone.",
        ("recorded",),
        (_groups(inputs, texts), _core20(inputs, texts), _slopes(inputs, texts)),
    )


def _groups(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "By deprivation, ethnic group, sex and age"
    held = table(inputs, "inequality_groups")
    if held is None:
        return Exhibit(title, absent=_ABSENT)
    kept = whole(held).filter(pl.col("family").is_in(list(_FAMILIES)))
    names = headlines.chosen(headlines.COMPARED, texts)
    drawn, grids = [], []
    for name in names:
        rows = kept.filter(pl.col("indicator") == name)
        if rows["given"].any():
            text = texts[name]
            drawn.append(Picture(forest(_marks(rows), _label(text), _frame(text)), _named(text)))
            grids.append(_group_grid(rows, text))
    if not drawn:
        return Exhibit(title, absent="No number by group of people can be shown.")
    return Exhibit(
        title,
        pictures=tuple(drawn),
        caption="Bars: 95% intervals. Filled points: told apart from all the others of their kind "
        "together by the interval of the ratio. Not adjusted for age: where ages differ, groups "
        "differ too. The further groups and footprints are in inequality_groups.csv.",
        folded=tuple(grids),
    )


def _label(text: IndicatorText) -> str:
    return f"{text.title} by group of people, with intervals. The numbers are in the table."


def _named(text: IndicatorText) -> str:
    return text.title if words.is_percent(text.unit) else f"{text.title}, {text.unit}"


def _frame(text: IndicatorText) -> Frame:
    return Frame("%" if words.is_percent(text.unit) else "", width=230)


def _in_order(rows: pl.DataFrame, family: str) -> list[dict[str, Any]]:
    of = [row for row in rows.iter_rows(named=True) if row["family"] == family]
    place = {stratum: at for at, stratum in enumerate(words.GROUPS)}
    known = [row for row in of if not row["stratum"].endswith("_unknown")]
    return sorted(known, key=lambda row: (place.get(row["stratum"], len(place)), row["stratum"]))


def _marks(rows: pl.DataFrame) -> list[Mark]:
    marks: list[Mark] = []
    for family, heading in _FAMILIES.items():
        lines = _in_order(rows, family)
        withheld = bool(lines) and all(row["value"] is None for row in lines)
        note = why(lines[0]) if withheld else ""
        marks += [Mark(heading, note=note, heading=True)] if lines else []
        if withheld:
            continue
        if family == "quintile":
            for row in (each for each in lines if each["stratum"] == "quintile_1"):
                marks += [_mark(row), _rest(row)]
        else:
            marks += [_mark(row) for row in lines]
    return marks


def _mark(row: Mapping[str, Any]) -> Mark:
    label = words.group(row["stratum"])
    if row["value"] is None:
        return Mark(label, note=why(row))
    return Mark(label, row["value"], row["lower"], row["upper"], filled=_apart(row))


def _rest(row: Mapping[str, Any]) -> Mark:
    label = "The other four fifths"
    if row["rest"] is None:
        return Mark(label, note=why(row))
    return Mark(label, row["rest"], row["rest_lower"], row["rest_upper"])


def _apart(row: Mapping[str, Any]) -> bool:
    low, high = row["ratio_lower"], row["ratio_upper"]
    return None not in (low, high) and not low <= 1 <= high


def _group_grid(rows: pl.DataFrame, text: IndicatorText) -> Grid:
    return Grid(
        f"{_named(text)}: each group beside the others of its kind",
        ("Group", "Value", "95% interval", "The others", "Ratio", "95% interval"),
        tuple(
            _group_line(row, text)
            for family in _FAMILIES
            for row in _in_order(rows, family)
            if family != "quintile" or row["stratum"] == "quintile_1"
        ),
        short=text.title,
    )


def _group_line(row: Mapping[str, Any], text: IndicatorText) -> tuple[str, ...]:
    places = words.decimals([row["value"], row["rest"]], text.unit)
    value, interval = with_interval(row, "value", text.unit, places)
    ratio, ratio_interval = with_interval(row, "ratio", "", 2)
    rest = words.number(row["rest"], places, text.unit) or NONE
    told = ratio if row["ratio"] is not None else NONE
    return (words.group(row["stratum"]), value, interval, rest, told, ratio_interval)


def _core20(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "Core20 against the rest: headline indicators"
    held = table(inputs, "inequality_groups")
    if held is None:
        return Exhibit(title, absent=_ABSENT)
    found = _by_indicator(whole(held).filter(pl.col("stratum") == "quintile_1"))
    names = [name for name in headlines.chosen(headlines.HEADLINES, texts) if name in found]
    every = [_ratio(found[name], texts[name].title) for name in names]
    marks = [mark for mark in every if mark.value is not None]
    if not marks:
        return Exhibit(title, absent="No headline indicator has a number for Core20 and the rest.")
    frame = with_titles("Value in Core20 over value in the rest", logarithmic=True)
    label = "Core20 over the rest, headline indicators. The numbers are in the table."
    return Exhibit(
        title,
        pictures=(Picture(forest(marks, label, frame)),),
        words=not_drawn(every),
        caption="Right of the line: higher where people are most deprived. Bars: 95% intervals.",
        folded=(_core_grid(found, names, texts),),
    )


def _by_indicator(rows: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["indicator"]: row for row in rows.iter_rows(named=True)}


def _ratio(row: Mapping[str, Any], title: str) -> Mark:
    if not row["ratio"]:
        return Mark(title, note=why(row) if row["ratio"] is None else "none in Core20")
    return Mark(title, row["ratio"], row["ratio_lower"], row["ratio_upper"], filled=_apart(row))


def _core_grid(
    found: Mapping[str, Mapping[str, Any]], names: list[str], texts: Mapping[str, IndicatorText]
) -> Grid:
    lines = ((_named(texts[name]), *_group_line(found[name], texts[name])[1:]) for name in names)
    heads = ("Indicator", "Core20", "95% interval", "The rest", "Ratio", "95% interval")
    return Grid("Core20 against the rest", heads, tuple(lines))


def _slopes(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "Slope and relative index of inequality"
    held = table(inputs, "inequality_slopes")
    if held is None:
        return Exhibit(title, absent=_ABSENT)
    found = _by_indicator(whole(held))
    names = [name for name in headlines.chosen(headlines.HEADLINES, texts) if name in found]
    shown = [name for name in names if found[name]["slope_index"] is not None]
    rest = len(names) - len(shown)
    lines = tuple(_slope_line(found[name], texts[name]) for name in shown)
    if not shown:
        return Exhibit(title, absent="Not all five fifths have people and numbers that are shown.")
    return Exhibit(
        title,
        words=(
            "The slope index is the value at the most deprived end less that at the least "
            "deprived one, on a line through all five national fifths; the relative index is one "
            "over the other. 0 and 1 mean no difference."
            + (f" {rest} more are withheld or lack people in a fifth." if rest else ""),
        ),
        grid=Grid(
            "Inequality over the five national fifths of deprivation, whole area",
            ("Indicator", "Slope index", "95% interval", "Relative index", "95% interval"),
            lines,
        ),
    )


def _slope_line(row: Mapping[str, Any], text: IndicatorText) -> tuple[str, ...]:
    slope, interval = with_interval(row, "slope_index", text.unit)
    if row["relative_index"] is None:
        return (_named(text), slope, interval, NONE, NONE)
    low, index = row["relative_index_lower"], row["relative_index"]
    if index <= 0 or (low is not None and low <= 0):
        # The line crosses zero, or may by chance: the ratio of its ends has no bounds to read.
        told = words.number(index, 2) if index > 0 else NONE
        return (_named(text), slope, interval, told, "too wide to tell")
    return (_named(text), slope, interval, *with_interval(row, "relative_index", "", 2))
