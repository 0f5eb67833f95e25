"""An indicator in one line: the whole area's value, and the lowest and highest footprint."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pophealth_link.report import cells, words
from pophealth_link.report.exhibits import NONE, with_interval
from pophealth_link.report.inputs import IndicatorText


@dataclass(frozen=True, slots=True)
class Brief:
    """One line; `span` names the footprints with the lowest and the highest value."""

    text: IndicatorText
    unit: str
    value: str
    interval: str
    linkage: str
    span: str


def brief(rows: pl.DataFrame, text: IndicatorText) -> Brief:
    """Return one indicator's line; `rows` are its own, as made by ``cells.released``."""
    everyone = rows.filter((pl.col("stratum") == "all") & ~pl.col("reason"))
    basis = cells.main_basis(everyone)
    held = everyone.filter(pl.col("basis") == basis)
    places = words.decimals(held["value"], text.unit)
    value, interval, linkage = "not given", NONE, ""
    for row in held.filter(pl.col("footprint_type") == "whole").iter_rows(named=True):
        value, interval = with_interval(row, "value", text.unit, places)
        linkage = words.linkage(row["linkage_lower"], row["linkage_upper"], places, text.unit)
    resident = ", resident" if basis == "resident" else ""
    unit = "" if words.is_percent(text.unit) else text.unit
    return Brief(
        text,
        f"{unit}{resident}".removeprefix(", "),
        *(value, interval, linkage or NONE),
        _span(held, text, places),
    )


def _span(rows: pl.DataFrame, text: IndicatorText, places: int) -> str:
    """Return the ends of the smallest type of footprint of which two have a value of their own."""
    own = rows.filter(pl.col("given") & (pl.col("status") != "imputed_down"))
    for kind in cells.footprint_types(own.filter(pl.col("footprint_type") != "whole")):
        held = own.filter(pl.col("footprint_type") == kind).sort("value", "name", "footprint_code")
        if held.height >= 2:
            low, high = held.row(0, named=True), held.row(-1, named=True)
            if low["value"] == high["value"]:
                return f"{words.number(low['value'], places, text.unit)} in all that are given"
            ends = (f"{words.number(each['value'], places, text.unit)} {each['name']}"
                    for each in (low, high))  # fmt: skip
            return " to ".join(ends)
    return NONE
