"""Frames of a handful of people, small enough to count by hand."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl

from pophealth_link.indicators import EventRule, Indicator
from pophealth_link.schema import DWELLINGS, EVENT_TABLES

AS_OF = date(2026, 4, 1)
FIRST, LAST = PERIOD = (date(2025, 4, 1), date(2026, 3, 31))

# person, current, age band, practice, LSOA or reason, quintile, home, person-years
_PEOPLE = [
    ("ann", True, "40-44", "P1", "E1", 1, "h1", 1.0),
    ("bob", True, "10-14", "P1", "E1", 1, "h1", 1.0),
    ("cat", True, "70-74", "P1", "E2", 4, "h2", 0.5),
    ("dan", True, "18-19", "P2", "E2", 4, "h1", 1.0),
    ("eve", True, "90+", "P2", "no_fixed_abode", None, None, 1.0),
    ("fay", False, "30-34", "P2", "E1", 1, "h2", 0.25),
    ("gil", False, "30-34", "P1", "E1", 1, "h2", 0.0),
    ("hal", True, "50-54", "not_registered", "E2", 4, "h3", 0.5),
]


def people() -> pl.DataFrame:
    names = (
        *("person_id", "current", "age_band", "registered_unit", "resident_unit", "quintile"),
        *("keyed_uprn", "person_years"),
    )
    further = {
        "sex": ["2", "1", "2", "1", "2", "2", "1", "9"],
        "ethnic_group": ["white", "black", "asian", "white", "unknown", "white", "mixed", None],
    }
    lsoa = pl.when(pl.col("resident_unit").str.starts_with("E")).then("resident_unit")
    frame = pl.DataFrame(_PEOPLE, schema=list(names), orient="row")
    return frame.with_columns(*(pl.Series(k, v) for k, v in further.items()), lsoa_code=lsoa)


def table(name: str, *rows: tuple[object, ...], columns: str) -> pl.DataFrame:
    """Rows of an event table, `columns` named in one string; the others are empty."""
    given = columns.split()
    declared = EVENT_TABLES[name].polars_schema if name in EVENT_TABLES else DWELLINGS.polars_schema
    kinds = {"person_id": pl.String(), "source": pl.String(), "keyed_uprn": pl.String(),
             "lsoa_code": pl.String(), **declared}  # fmt: skip
    schema = {column: kinds[column] for column in given}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    rest = [c for c in declared if c not in given and c != "record_id"]
    return frame.with_columns(pl.lit(None, declared[c]).alias(c) for c in rest)


def indicator(**changes: object) -> Indicator:
    """A person-level indicator; `changes` override."""
    given: dict[str, object] = {
        **dict.fromkeys(("id", "title", "domain", "numerator", "denominator"), "x"),
        **dict.fromkeys(("source", "what_it_is", "what_it_is_not", "unit"), "x"),
        **{"role": "need", "direction": 1, "level": "person", "statistic": "proportion"},
        **{"interval": "wilson", "period": "point", "counted": "people"},
    }
    return Indicator(**(given | changes))  # type: ignore[arg-type]


def rule(table: str, timing: str, date: str, end: str | None = None, **more: object) -> EventRule:
    return EventRule(table=table, timing=timing, date=date, end=end, **more)  # type: ignore[arg-type]


def in_duckdb(**frames: pl.DataFrame) -> dict[str, duckdb.DuckDBPyRelation]:
    """The frames as relations of one connection."""
    connection = duckdb.connect()
    found = {}
    for name, frame in frames.items():
        connection.register(f"view_{name}", frame.to_arrow())
        found[name] = connection.sql(f"select * from view_{name}")
    return found


def cells(frame: pl.DataFrame, basis: str) -> dict[tuple[str, str], tuple[int, int]]:
    """unit, stratum → numerator, denominator."""
    rows = frame.filter(basis=basis).select("unit", "stratum", "numerator", "denominator")
    return {(unit, stratum): (x, n) for unit, stratum, x, n in rows.iter_rows()}
