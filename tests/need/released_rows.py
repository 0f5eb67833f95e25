"""Rows of a released baseline, drawn by hand."""

from __future__ import annotations

import polars as pl

from pophealth_link.schema.outputs import BASELINE

PERIOD = "2025-04-01 to 2026-03-31"
PEOPLE = 10_000.0


def cell(indicator: str, numerator: float | None = None, **changes: object) -> dict[str, object]:
    """One cell of the whole area; without a numerator it is withheld. `changes` override."""
    row: dict[str, object] = {
        "footprint_type": "whole",
        "footprint_code": "whole",
        "footprint_name": "Whole area",
        "basis": "resident",
        "indicator": indicator,
        "stratum": "all",
        "numerator": numerator,
        "denominator": PEOPLE,
        "period": PERIOD,
        "status": "suppressed" if numerator is None else "ok",
    }
    return row | changes


def baseline(*cells: dict[str, object]) -> pl.DataFrame:
    """The cells as BASELINE; columns that none names are empty."""
    absent = dict.fromkeys(BASELINE.names)
    return pl.DataFrame([absent | each for each in cells], schema=BASELINE.polars_schema)
