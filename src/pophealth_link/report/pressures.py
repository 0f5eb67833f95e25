"""Waits against their standards, shares of service use, beds, and costs."""

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
from pophealth_link.report.inputs import ReportInputs
from pophealth_link.schema.codes_services import CAPACITY_MEASURE, PATHWAY, WARD_TYPE

_MET = {"met": "met", "not_met": "not met", "not_told_apart": "cannot be told"}
_DAYS = ("bed_days_local", "bed_days_out_of_area", "delay_days")
# Not counted: what the job's table gives.
_GIVEN_BEDS = "open_beds"
# What is told of each footprint with beds.
_OF_BEDS = (_GIVEN_BEDS, "occupancy", "beds_needed", "shortfall")
_WARDS = {"acute": "All acute", **WARD_TYPE.codes}


def pressures(inputs: ReportInputs) -> Part:
    """Return the section, from `waiting_times`, `service_shares`, `capacity` and `costs`."""
    return Part(
        "pressure",
        "Waits, beds and costs",
        "How long people waited, how beds were used, and what was spent for want of other places. "
        "All from the released counts.",
        ("recorded", "estimated"),
        (_waits(inputs), _shares(inputs), _capacity(inputs), _costs(inputs)),
    )


def _waits(inputs: ReportInputs) -> Exhibit:
    title = "Waits against each pathway’s standard"
    held = table(inputs, "waiting_times")
    if held is None:
        return Exhibit(title, absent="No waiting times were released with this baseline.")
    rows = whole(held)
    if not rows["given"].any():
        return Exhibit(title, absent="No wait can be shown for the whole area.")
    marks = _wait_marks(rows)
    frame = Frame("%", span=(0.0, 100.0), left=190, width=360)
    label = "Share of referrals seen by each day, by pathway, with standards. Numbers in the table."
    return Exhibit(
        title,
        words=(
            "Estimated by Kaplan and Meier’s method: people still waiting count as waiting for as "
            "long as is known, rather than being left out.",
        ),
        pictures=(Picture(forest(marks, label, frame)),),
        caption="Circles and bars: share seen by then and its 95% interval. Squares: the share "
        "that the pathway’s standard asks for. Filled circles: the standard is told to be met or "
        "not met.",
        grid=_wait_grid(
            rows.filter(pl.col("given") | pl.col("is_standard")),
            "Share of referrals seen, whole area",
            with_place=False,
        ),
        folded=(
            _wait_grid(
                footprints(held).filter("is_standard", pl.col("footprint_type") != "whole"),
                "Share of referrals seen by the day of the standard, by footprint",
                with_place=True,
            ),
        ),
    )


def _pathways(rows: pl.DataFrame) -> list[str]:
    held = set(rows["pathway"].unique().to_list())
    return [name for name in PATHWAY.codes if name in held]


def _wait_marks(rows: pl.DataFrame) -> list[Mark]:
    marks: list[Mark] = []
    for pathway in _pathways(rows):
        of = rows.filter(pl.col("pathway") == pathway).sort("days")
        none = not of["given"].any()
        note = why(of.row(0, named=True)) if none else ""
        marks.append(Mark(PATHWAY.codes[pathway], note=note, heading=True))
        if none:
            continue
        for row in of.iter_rows(named=True):
            marks += _wait_mark(row)
    return marks


def _wait_mark(row: Mapping[str, Any]) -> list[Mark]:
    label = f"by {_days(row['days'])}"
    told = row["met"] in {"met", "not_met"}
    own = (
        Mark(label, note=why(row))
        if row["value"] is None
        else Mark(label, row["value"], row["lower"], row["upper"], filled=told)
    )
    asked = row["standard"] if row["is_standard"] else None
    if asked is None:
        return [own]
    return [own, Mark("", asked, tone="third", filled=True, same=True)]


def _days(days: int) -> str:
    weeks = days // 7
    if days >= 14 and days % 7 == 0:
        return f"{weeks} weeks"
    return "1 day" if days == 1 else f"{days} days"


def _wait_grid(rows: pl.DataFrame, caption: str, *, with_place: bool) -> Grid:
    lines = []
    for pathway in _pathways(rows):
        for row in rows.filter(pl.col("pathway") == pathway).iter_rows(named=True):
            named = PATHWAY.codes[pathway]
            first = f"{named}, {row['name']}" if with_place else named
            lines.append((first, *_wait_cells(row)))
    heads = (
        "Pathway",
        "By",
        "Referrals",
        "Seen by then",
        "95% interval",
        "Standard",
        "Standard is",
    )
    return Grid(caption, heads, tuple(lines), texts=(6,))


def _wait_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    asked = words.number(row["standard"], 0, "%") if row["standard"] is not None else ""
    met = _MET.get(str(row["met"]), NONE) if asked else NONE
    if row["is_standard"] and not asked:
        asked = "day only"
    referrals = words.count(row["referrals"])
    return (_days(row["days"]), referrals, *with_interval(row, "value", "%", 0), asked or NONE, met)


def _shares(inputs: ReportInputs) -> Exhibit:
    title = "Shares of service use"
    held = table(inputs, "service_shares")
    if held is None:
        return Exhibit(title, absent="No shares of service use were released with this baseline.")
    everyone = held.filter(pl.col("stratum") == "all")
    lines = tuple(_share_line(row) for row in whole(everyone).iter_rows(named=True))
    heads = ("What", "Of the whole area", "95% interval", "Unit")
    return Exhibit(
        title,
        grid=Grid("Shares and means of service use, whole area", heads, lines, texts=(3,)),
        folded=(_share_grid(everyone),),
    )


def _share_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    percent = str(row["unit"]).startswith("%")
    unit = "%" if percent else str(row["unit"])
    told = str(row["unit"]).removeprefix("% ")
    return (row["title"], *with_interval(row, "value", unit), told)


def _share_grid(rows: pl.DataFrame) -> Grid:
    kept = footprints(rows)
    titles = dict(kept.select("measure", "title").unique().sort("measure").rows())
    lines: dict[tuple[str, str], list[str]] = {}
    for row in kept.sort("measure", maintain_order=True).iter_rows(named=True):
        key = (row["footprint_type"], row["name"])
        unit = "%" if str(row["unit"]).startswith("%") else str(row["unit"])
        lines.setdefault(key, []).append(_in_brackets(row, unit))
    order = sorted(lines, key=lambda key: words.type_order(key[0]))
    return Grid(
        "Shares and means of service use by footprint",
        ("Footprint", *titles.values()),
        tuple((key[1], *lines[key]) for key in order),
    )


def _capacity(inputs: ReportInputs) -> Exhibit:
    title = "Demand for acute beds beside the beds that are open"
    held = table(inputs, "capacity")
    if held is None:
        return Exhibit(
            title,
            absent="The job gives no table of beds, so that demand is not set beside capacity.",
        )
    rows, places = whole(held), footprints(held)
    sources = sorted({str(each) for each in places["beds_source"].drop_nulls()})
    own = places.filter(pl.col("footprint_type") != "whole")
    return Exhibit(
        title,
        words=(
            f"Beds: {'; '.join(sources) or 'source not stated'}. Beds needed are those at which "
            "all bed days, local and out of area, fill 85% of them: an assumed level.",
        ),
        grid=_capacity_grid(rows),
        folded=_beds_grids(own),
    )


def _beds_grids(rows: pl.DataFrame) -> tuple[Grid, ...]:
    """Return a table of the footprints and types of ward that have beds, if there are any."""
    place = ["footprint_type", "footprint_code", "ward_type"]
    held = rows.filter(pl.col("measure") == _GIVEN_BEDS, pl.col("value").is_not_null())
    lines = []
    for _, each in rows.join(held, on=place, how="semi", maintain_order="left").group_by(
        place, maintain_order=True
    ):
        of = {row["measure"]: row for row in each.iter_rows(named=True)}
        first = of[_GIVEN_BEDS]
        head = f"{first['name']}: {_WARDS.get(first['ward_type'], first['ward_type'])}"
        lines.append((head, *(_in_brackets(of[name], of[name]["unit"]) for name in _OF_BEDS)))
    caption = "Demand and capacity by footprint"
    heads = ("Footprint and ward", *(CAPACITY_MEASURE.codes[name] for name in _OF_BEDS))
    return (Grid(caption, heads, tuple(lines)),) if lines else ()


def _in_brackets(row: Mapping[str, Any], unit: str) -> str:
    value, interval = with_interval(row, "value", unit)
    point = interval == NONE or row.get("measure") == _GIVEN_BEDS
    return value if point else f"{value} ({interval})"


def _capacity_grid(rows: pl.DataFrame) -> Grid:
    lines = [
        (f"{_WARDS.get(ward, ward)}: {meaning}", *_capacity_cells(row))
        for ward in sorted(rows["ward_type"].unique(), key=[*_WARDS].index)
        for measure, meaning in CAPACITY_MEASURE.codes.items()
        for row in rows.filter(ward_type=ward, measure=measure).iter_rows(named=True)
    ]
    heads = ("Ward and measure", "Value", "95% interval", "Limits from linkage", "Unit")
    return Grid("Demand and capacity, whole area", heads, tuple(lines), texts=(4,))


def _capacity_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    unit = str(row["unit"])
    places = 0 if row["measure"] in _DAYS else words.decimals([row["value"]], unit)
    shown = "" if words.is_percent(unit) else unit
    if row["measure"] == _GIVEN_BEDS:
        return (with_interval(row, "value", unit, places)[0], NONE, NONE, shown)
    linkage = words.linkage(row["linkage_lower"], row["linkage_upper"], places, unit)
    return (*with_interval(row, "value", unit, places), linkage or NONE, shown)


def _costs(inputs: ReportInputs) -> Exhibit:
    title = "Costs"
    held = table(inputs, "costs")
    if held is None:
        return Exhibit(title, absent="The job gives no unit costs, so that nothing is costed.")
    rows = whole(held)
    heads = ("Item", "Number", "Cost of one", "Cost", "Lowest to highest", "Limits from linkage",
             "Prices of", "Source of the unit cost")  # fmt: skip
    return Exhibit(
        title,
        words=(
            "Released counts times the unit costs that the job gives. A cost is not a saving: "
            "beds and staff stay when a day is freed. Lowest to highest: the 95% limits of the "
            "number, times the lowest and highest plausible cost of one where both are given.",
        ),
        grid=Grid(
            "Costs, whole area", heads, tuple(map(_cost_line, rows.iter_rows(named=True))),
            texts=(6, 7),
        ),
    )  # fmt: skip


def _cost_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    linkage = words.linkage(row["linkage_lower"], row["linkage_upper"], 0)
    value, interval = with_interval(row, "value", "", 0)
    return (
        str(row["item"]).replace("_", " ").capitalize(),
        words.count(row["quantity"]),
        f"£{words.number(row['unit_cost'], 2)}" if row["unit_cost"] is not None else NONE,
        f"£{value}" if row["value"] is not None else value,
        interval,
        linkage or NONE,
        str(row["price_year"] or NONE),
        str(row["cost_source"] or NONE),
    )
