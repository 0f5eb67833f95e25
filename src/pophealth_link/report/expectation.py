"""Modelled need beside recorded need, and the gap where their definitions agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pophealth_link.report import words
from pophealth_link.report.exhibits import (
    NONE,
    Exhibit,
    Grid,
    Part,
    Picture,
    footprints,
    table,
    whole,
    why,
    with_interval,
)
from pophealth_link.report.forest import Frame, Mark, forest
from pophealth_link.report.inputs import IndicatorText, ReportInputs

_LIMITS = {
    "published": "published limits",
    "respondents": "from the number of respondents",
    "assumed": "assumed from the whole survey’s respondents",
    "none": "none can be given",
}


def expectation(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Part:
    """Return the section, from the tables `gap` and `modelled`."""
    return Part(
        "modelled",
        "Modelled need beside recorded need",
        "What a national survey’s rates lead one to expect among this area’s people, by age and "
        "sex. It is a model: nobody here was asked, and what makes this area unlike the nation, "
        "beyond age and sex, is not in it.",
        ("modelled", "assumed"),
        (_gap(inputs, texts), _ratios(inputs, texts), _modelled(inputs)),
    )


def _of_pairs(inputs: ReportInputs, comparison: str) -> pl.DataFrame | None:
    held = table(inputs, "gap")
    return None if held is None else held.filter(pl.col("comparison") == comparison)


def _gap(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "The gap, where recorded and modelled mean the same"
    held = _of_pairs(inputs, "gap")
    if held is None or held.is_empty():
        return Exhibit(
            title,
            absent="No pair of a recorded and a modelled number agrees on condition, ages, "
            "population and reference period, so that no gap is told.",
        )
    rows = whole(held)
    if not rows["given"].any():
        return Exhibit(title, absent="No gap can be shown for the whole area.")
    marks = [mark for row in rows.iter_rows(named=True) for mark in _pair(row, texts)]
    label = "Recorded and expected people, with intervals. The numbers are in the table."
    return Exhibit(
        title,
        words=tuple(_told(row, texts) for row in rows.filter("given").iter_rows(named=True)),
        pictures=(Picture(forest(marks, label, Frame("people", "people"))),),
        caption="Circle: recorded, with limits from linkage (pale). Diamond: expected from the "
        "survey, with its 95% interval.",
        folded=(_gap_grid(footprints(held), texts),),
    )


def _named(row: Mapping[str, Any], texts: Mapping[str, IndicatorText]) -> str:
    text = texts.get(row["indicator"])
    title = text.title if text else str(row["indicator"]).replace("_", " ")
    stratum = row["stratum"]
    return title if stratum == "all" else f"{title}, {words.group(stratum)}"


def _told(row: Mapping[str, Any], texts: Mapping[str, IndicatorText]) -> str:
    low, high = (words.number(row[name], 0) for name in ("gap_lower", "gap_upper"))
    what = f"{_named(row, texts)}, against {row['survey']} ({row['year']})"
    note = f" Bear in mind: {row['told']}." if row["told"] else ""
    if row["gap_lower"] is None:
        return f"{what}: no gap is told.{note}"
    if row["gap_lower"] > 0:
        said = f"between {low} and {high} more people are expected than recorded"
    elif row["gap_upper"] < 0:
        said = "more people are recorded than expected"
    else:
        said = f"from {low} to {high} people more are expected than recorded: perhaps no gap"
    return f"{what}: {said}.{note}"


def _pair(row: Mapping[str, Any], texts: Mapping[str, IndicatorText]) -> list[Mark]:
    head = Mark(_named(row, texts), heading=True)
    seen, model = "Recorded", "Expected (modelled)"
    if not row["given"]:
        return [head, Mark(seen, note=why(row)), Mark(model, note=why(row))]
    return [
        head,
        Mark(
            seen, row["observed"],
            wide_lower=row["observed_lower"], wide_upper=row["observed_upper"],
        ),
        Mark(
            model, row["expected"], row["expected_lower"], row["expected_upper"], tone="other"
        ),
    ]  # fmt: skip


def _gap_grid(rows: pl.DataFrame, texts: Mapping[str, IndicatorText]) -> Grid:
    heads = ("Footprint", "Recorded", "Limits from linkage", "Expected", "95% interval",
             "Expected but not recorded")  # fmt: skip
    lines = (
        (
            f"{row['name']}: {_named(row, texts)}",
            *with_interval(row, "observed", "", 0),
            *with_interval(row, "expected", "", 0),
            words.interval(row["gap_lower"], row["gap_upper"], 0) or NONE,
        )
        for row in rows.iter_rows(named=True)
    )
    return Grid("Recorded and modelled need, and the gap between them", heads, tuple(lines))


def _ratios(inputs: ReportInputs, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "Recorded over expected, where definitions differ"
    held = _of_pairs(inputs, "observed_expected")
    if held is None or held.is_empty():
        return Exhibit(title, absent="No such pair was released with this baseline.")
    lines = (
        (
            _named(row, texts),
            f"{row['condition']} ({row['survey']}, {row['year']})",
            *with_interval(row, "ratio", "%"),
            str(row["told"] or ""),
        )
        for row in whole(held).iter_rows(named=True)
    )
    heads = ("Recorded", "Expected", "Recorded over expected", "95% interval", "What differs")
    return Exhibit(
        title,
        words=("The two count different things, so that their difference is no gap.",),
        grid=Grid("Recorded over expected, whole area", heads, tuple(lines), texts=(1, 4)),
    )


def _modelled(inputs: ReportInputs) -> Exhibit:
    title = "How many people surveys lead one to expect"
    held = table(inputs, "modelled")
    if held is None:
        return Exhibit(title, absent="No modelled need was released with this baseline.")
    rows = whole(held).filter(pl.col("sex") == "all")
    heads = ("Condition", "Survey", "Ages", "People expected", "95% interval", "Share",
             "95% interval", "Where the interval is from")  # fmt: skip
    lines = tuple(_survey_line(row) for row in rows.iter_rows(named=True))
    return Exhibit(
        title,
        words=("Adults and children are modelled apart, and never added up.",),
        grid=Grid("Modelled need of the whole area", heads, lines, texts=(1, 7)),
    )


def _survey_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    last = row["age_to"]
    ages = f"{row['age_from']} and over" if last is None else f"{row['age_from']} to {last}"
    condition = str(row["condition"])
    return (
        f"{condition[:1].upper()}{condition[1:]}: {row['measure']}",
        f"{row['survey']}, {row['year']}",
        ages,
        *with_interval(row, "expected", "", 0),
        *with_interval(row, "value", "%"),
        _LIMITS.get(str(row["limits"]), str(row["limits"])),
    )
