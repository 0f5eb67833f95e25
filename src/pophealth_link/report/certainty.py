"""How sure the headline numbers are: chance and linkage told apart, and where links are too few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pophealth_link.report import cells, headlines, words
from pophealth_link.report.exhibits import Exhibit, Grid, Part, Picture, basis_of, with_interval
from pophealth_link.report.forest import Mark, forest, not_drawn, with_titles
from pophealth_link.report.inputs import IndicatorText

_MOST, _FURTHEST = 22, 260.0


def certainty(rows: pl.DataFrame, texts: Mapping[str, IndicatorText]) -> Part:
    """Return the section; `rows` is the baseline as made by ``cells.released``."""
    everyone = rows.filter(pl.col("stratum") == "all")
    return Part(
        "certainty",
        "How sure the headline numbers are",
        "Two things that blur a number can be measured here. Chance: a small count would have been "
        "another in another year. Linkage: links may be wrong or missing. They are shown apart, "
        "since more data mends the first and better identifiers the second.",
        ("recorded",),
        (_both(everyone, texts), _left_out(everyone), _weak(rows, texts)),
    )


def _both(rows: pl.DataFrame, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "Chance and linkage, for the whole area"
    names = headlines.chosen(headlines.HEADLINES, texts) or _person_level(texts)
    found = [(texts[name], _whole(cells.for_indicator(rows, name))) for name in names]
    held = [(text, row) for text, row in found if row is not None]
    if not held:
        return Exhibit(title, absent="The baseline holds no headline indicator of records.")
    every = [_mark(text, row) for text, row in held]
    marks = [mark for mark in every if mark.value is not None]
    frame = with_titles("Share of the number itself: 100% is the number", "%")
    label = "Headline numbers with the range of chance and of linkage, as shares of each number."
    return Exhibit(
        title,
        words=not_drawn(every),
        pictures=(Picture(forest(marks, f"{label} The numbers are in the table.", frame)),)
        if marks
        else (),
        caption="Thin bars: 95% interval, what chance alone would do. Pale bars: limits from "
        "linkage error alone. Each line is in units of its own number, so that all fit on one "
        "scale.",
        grid=_grid(held),
    )


def _left_out(rows: pl.DataFrame) -> Exhibit:
    title = "What the limits from linkage do not hold"
    if rows["linkage_lower"].null_count() == rows.height:
        return Exhibit(title, absent="This baseline has no limits from linkage.")
    said = (words.LINKAGE_LIMITS, words.LINKAGE_LEAVES_OUT, words.LINKAGE_FALLS_SHORT)
    return Exhibit(title, words=said)


def _person_level(texts: Mapping[str, IndicatorText]) -> list[str]:
    held = (each.id for each in texts.values() if headlines.listed(each) and each.level == "person")
    return list(held)[:_MOST]


def _whole(rows: pl.DataFrame) -> dict[str, Any] | None:
    kept = (pl.col("footprint_type") == "whole") & ~pl.col("reason")
    found = rows.filter(kept & (pl.col("basis") == basis_of(rows)))
    return found.row(0, named=True) if found.height else None


def _mark(text: IndicatorText, row: Mapping[str, Any]) -> Mark:
    value = row["value"]
    if not value:
        note = "none counted" if value == 0 else words.STATUS_WORDS.get(row["status"], "not given")
        return Mark(text.title, note=note)
    limits = ("lower", "upper", "linkage_lower", "linkage_upper")
    shares = (row[name] if row[name] is None else 100 * row[name] / value for name in limits)
    low, high, linked_low, linked_high = (
        each if each is None else min(each, _FURTHEST) for each in shares
    )
    return Mark(text.title, 100.0, low, high, linked_low, linked_high)


def _grid(held: list[tuple[IndicatorText, dict[str, Any]]]) -> Grid:
    return Grid(
        "Headline numbers of the whole area with both intervals",
        ("Indicator", "Value", "Unit", "95% interval (chance)", "Limits from linkage", "Wider"),
        tuple(_line(text, row) for text, row in held),
        texts=(2, 5),
    )


def _line(text: IndicatorText, row: Mapping[str, Any]) -> tuple[str, ...]:
    places = words.decimals([row["value"]], text.unit)
    value, chance = with_interval(row, "value", text.unit, places)
    linkage = words.linkage(row["linkage_lower"], row["linkage_upper"], places, text.unit)
    unit = "" if words.is_percent(text.unit) else text.unit
    return (text.title, value, unit, chance, linkage or "–", _wider(row))


def _wider(row: Mapping[str, Any]) -> str:
    limits = [row[name] for name in ("lower", "upper", "linkage_lower", "linkage_upper")]
    if None in limits:
        return "–"
    chance, linkage = limits[1] - limits[0], limits[3] - limits[2]
    return "linkage" if linkage > chance else "chance"


def _weak(rows: pl.DataFrame, texts: Mapping[str, IndicatorText]) -> Exhibit:
    title = "Where links are too weak for a number"
    weak = rows.filter(pl.col("status") == "linkage_too_weak")
    if weak.is_empty():
        return Exhibit(title, absent="No number of this baseline was withheld for want of links.")
    lines = [
        _of_indicator(texts[name], weak.filter(pl.col("indicator") == name))
        for name in texts
        if name in weak["indicator"]
    ]
    return Exhibit(
        title,
        words=(
            f"{weak.height:,} numbers of {len(lines)} indicators are withheld: so many records "
            "are not linked, or so much more often in one group than in another, that the number "
            "would mislead.",
        ),
        grid=Grid(
            "Numbers withheld because links are too weak",
            ("Indicator", "Numbers", "Footprints, all people together"),
            tuple(lines),
            texts=(2,),
        ),
    )


def _of_indicator(text: IndicatorText, weak: pl.DataFrame) -> tuple[str, ...]:
    everyone = weak.filter(pl.col("stratum") == "all").sort("name", "footprint_code")
    of_places = everyone.filter(~pl.col("reason"))["name"].unique(maintain_order=True).to_list()
    without = ["people in no footprint"] if everyone["reason"].any() else []
    told = words.listed([*of_places, *without]) or "only groups of people within a footprint"
    return (text.title, f"{weak.height:,}", told)
