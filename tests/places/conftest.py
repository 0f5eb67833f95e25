"""A region small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl
import pytest

from pophealth_link.places import area_footprints, best_fit, practice_footprints

AS_OF = date(2026, 4, 1)


@pytest.fixture
def on_duckdb() -> Callable[[pl.DataFrame], Any]:
    """Return a function that puts a frame on one DuckDB connection as a relation."""
    connection = duckdb.connect()
    return lambda frame: connection.from_arrow(frame.to_arrow())


@pytest.fixture(scope="session")
def region() -> SimpleNamespace:
    postcodes = pl.DataFrame(
        {
            "postcode": ["AA1 1AA", "AA1 1AB", "AA2 2BB", "AA3 3CC", "AA9 9ZZ"],
            "lsoa_code": ["L1", "L1", "L2", "L3", "L9"],
        }
    )
    areas = pl.DataFrame(
        {
            "lsoa_code": ["L1", "L2", "L3", "L4"],
            "msoa_code": ["M1", "M1", "M2", "M2"],
            "lad_code": ["D1", "D1", "D1", "D2"],
            "lad_name": ["Ashby", "Ashby", "Ashby", "Brill"],
            "icb_code": ["I1", "I1", "I1", "I1"],
            "icb_name": ["Coombe ICB"] * 4,
        }
    )
    practices = pl.DataFrame(
        {
            "practice_code": ["P1", "P2", "P3", "P4"],
            "postcode": ["AA1 1AA", "AA2 2BB", "AA3 3CC", None],
            "list_size": [20_000, 25_000, 9_000, 4_000],
        }
    )
    practice_pcn = pl.DataFrame(
        {
            "practice_code": ["P1", "P2", "P3", "P3"],
            "pcn_code": ["U1", "U1", "U1", "U2"],
            "pcn_name": ["North PCN", "North PCN", "North PCN", "South PCN"],
            "valid_from": [date(2019, 7, 1), None, date(2019, 7, 1), AS_OF],
            "valid_to": [None, AS_OF, date(2026, 3, 31), None],
        }
    )
    footprints = pl.DataFrame(
        {
            "footprint_type": ["icp", "icp", "icp", "icp"],
            "practice_code": [None, "P2", "P2", None],
            "pcn_code": ["U1", None, None, "U2"],
            "footprint_code": ["F1", "F1", "F2", "F2"],
            "footprint_name": ["East", "East", "West", "West"],
            "share": [None, 0.25, 0.75, 1.0],
        }
    )
    deprivation = pl.DataFrame(
        {
            "lsoa_code": ["L1", "L2", "L3"],
            "imd_score": [60.0, 20.0, 5.0],
            "imd_rank": [100, 16_000, 33_000],
            "imd_decile": [1, 5, 10],
        }
    )
    patients = pl.DataFrame(
        {
            "lsoa_code": ["L1", "L1", "L1", "L2", "L2", "L4"],
            "practice_code": ["P1", "P3", "P8", "P3", "P1", "P4"],
            "people": [60, 30, 10, 50, 50, 7],
        }
    )
    registered = practice_footprints(practices, practice_pcn, footprints, areas, postcodes, AS_OF)
    fit = best_fit(patients, registered)
    return SimpleNamespace(
        as_of=AS_OF,
        postcodes=postcodes,
        areas=areas,
        practices=practices,
        practice_pcn=practice_pcn,
        footprints=footprints,
        deprivation=deprivation,
        patients=patients,
        registered=registered,
        best_fit=fit,
        units=pl.concat([registered, area_footprints(areas, fit, ["D1"])]),
    )
