"""Census 2021 bulk tables of Nomis: counts of residents and households by area."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pophealth_link.reference.official.kinds import ONS, Kind, Source, Wanted, numbers, whole

_DAY = "2021-03-21"
AREA_TYPES: Mapping[str, str] = {
    "E01": "lsoa",
    "E06": "lad",
    "E07": "lad",
    "E08": "lad",
    "E09": "lad",
}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table: its number, subject, category as in the headers, total, and measures.

    A measure is a list of ways to make it: each the endings of the columns to sum, the first way
    whose columns the file has is taken (files hold the sum of a group, or its parts, or both).
    `areas` names the column of `areas` that the total fills, `order` which table does so first.
    """

    number: str
    subject: str
    category: str
    total: str
    measures: Mapping[str, tuple[tuple[str, ...], ...]]
    areas: str = ""
    order: int = 50


_RATING = ("-1", "-2 or less")
_DEPRIVED = "household is deprived in {} dimension{}"
_ONE, _TWO = _DEPRIVED.format("one", ""), _DEPRIVED.format("two", "s")
_THREE, _FOUR = _DEPRIVED.format("three", "s"), _DEPRIVED.format("four", "s")
_ACTIVE = "economically active"
_LONE = "single family household: lone parent family"

_TABLES = (
    _Table("TS001", "Number of usual residents", "residence type", "total", {}, "population", 10),
    _Table(
        "TS003",
        "Household composition",
        "household composition",
        "total",
        {
            "one_person_households": (("one person household",),),
            "lone_parent_households": (
                (_LONE,),
                (f"{_LONE}: with dependent children", f"{_LONE}: with non-dependent children"),
                (f"{_LONE}: with dependent children", f"{_LONE}: all children non-dependent"),
            ),
        },
        "households",
        40,
    ),
    _Table(
        "TS011",
        "Households by deprivation dimensions",
        "household deprivation",
        "total",
        {
            "households_deprived": ((_ONE, _TWO, _THREE, _FOUR),),
            "households_deprived_three": ((_THREE, _FOUR),),
        },
    ),
    _Table(
        "TS021",
        "Ethnic group",
        "ethnic group",
        "total",
        {
            "ethnic_asian": (("asian, asian british or asian welsh",),),
            "ethnic_black": (("black, black british, black welsh, caribbean or african",),),
            "ethnic_mixed": (("mixed or multiple ethnic groups",),),
            "ethnic_other": (("other ethnic group",),),
            "ethnic_white": (("white",),),
        },
        "population",
        20,
    ),
    _Table(
        "TS038",
        "Disability",
        "disability",
        "total",
        {
            "disabled": (
                ("disabled under the equality act",),
                (
                    "disabled under the equality act: day-to-day activities limited a lot",
                    "disabled under the equality act: day-to-day activities limited a little",
                ),
            )
        },
    ),
    _Table("TS041", "Number of households", "number of households", "", {}, "households", 10),
    _Table(
        "TS045",
        "Car or van availability",
        "number of cars or vans",
        "total",
        {"no_car": (("no cars or vans in household",),)},
    ),
    _Table(
        "TS052",
        "Occupancy rating for bedrooms",
        "occupancy rating for bedrooms",
        "total",
        {"overcrowded_bedrooms": (tuple(f"occupancy rating of bedrooms: {r}" for r in _RATING),)},
        "households",
        20,
    ),
    _Table(
        "TS053",
        "Occupancy rating for rooms",
        "occupancy rating for rooms",
        "total",
        {"overcrowded_rooms": (tuple(f"occupancy rating of rooms: {r}" for r in _RATING),)},
    ),
    _Table(
        "TS054",
        "Tenure",
        "tenure of household",
        "total",
        {
            "tenure_owned": (
                ("owned",),
                ("owned: owns outright", "owned: owns with a mortgage or loan"),
            ),
            "tenure_shared_ownership": (
                ("shared ownership",),
                ("shared ownership: shared ownership",),
            ),
            "tenure_social_rented": (
                ("social rented",),
                (
                    "social rented: rents from council or local authority",
                    "social rented: other social rented",
                ),
            ),
            "tenure_private_rented": (
                ("private rented",),
                (
                    "private rented: private landlord or letting agency",
                    "private rented: other private rented",
                ),
            ),
            "tenure_rent_free": (("lives rent free",),),
        },
        "households",
        30,
    ),
    _Table(
        "TS066",
        "Economic activity status",
        "economic activity status",
        "total",
        {
            "unemployed": (
                (
                    f"{_ACTIVE} (excluding full-time students): unemployed",
                    f"{_ACTIVE} and a full-time student: unemployed",
                ),
            ),
            "long_term_sick": (("economically inactive: long-term sick or disabled",),),
        },
    ),
)


def _wanted(table: _Table) -> tuple[Wanted, ...]:
    category = re.escape(table.category)
    total = rf"^{category}: {table.total}\b" if table.total else rf"^{category}$"
    shown = f"{table.category.capitalize()}{': ' + table.total.capitalize() if table.total else ''}"
    ways = [way for ways in table.measures.values() for way in ways[:1]]
    parts = Wanted(
        "parts", rf"^{category}: (?!total\b)", f"{table.category.capitalize()}: …", False, True
    )
    return (
        Wanted("area", r"^geography code$", "geography code"),
        Wanted("total", total, shown),
        *((parts,) if ways else ()),
    )


def _read(source: Source, table: _Table) -> dict[str, pl.DataFrame]:
    rows = (
        source.wide("parts", "area", "total") if table.measures else source.frame("area", "total")
    )
    rows = _areas_only(rows)
    counts = numbers(
        source, rows, *(name for name in rows.columns if name not in ("area", "area_type"))
    )
    found: dict[str, pl.DataFrame] = {}
    measures = [_measure(source, table, counts, name) for name in sorted(table.measures)]
    if measures:
        found["area_measures"] = pl.concat(measures)
    if table.areas:
        lsoas = counts.filter(pl.col("area_type") == "lsoa")
        found["areas"] = lsoas.select(pl.col("area").alias("lsoa_code"), *whole("total")).rename(
            {"total": table.areas}
        )
    return found


def _areas_only(rows: pl.DataFrame) -> pl.DataFrame:
    kind = (
        pl.col("area").str.head(3).replace_strict(AREA_TYPES, default=None, return_dtype=pl.String)
    )
    return rows.with_columns(kind.alias("area_type")).drop_nulls("area_type")


def _measure(source: Source, table: _Table, counts: pl.DataFrame, name: str) -> pl.DataFrame:
    for way in table.measures[name]:
        columns = [_column(counts, table.category, ending) for ending in way]
        known = [column for column in columns if column]
        if len(known) == len(way):
            return counts.select(
                pl.lit(name).alias("measure"),
                "area_type",
                pl.col("area").alias("area_code"),
                pl.sum_horizontal(known, ignore_nulls=False).alias("numerator"),
                pl.col("total").alias("denominator"),
                pl.lit(_DAY).alias("period"),
            )
    endings = ", ".join(table.measures[name][0])
    raise source.wrong(f"has no columns that end in: {endings}.")


def _column(counts: pl.DataFrame, category: str, ending: str) -> str | None:
    # Ratings are followed by words in some releases: "-1", "-1 (overcrowded)".
    pattern = rf"^{re.escape(category)}: {re.escape(ending)}( \(.*\))?$"
    return next((name for name in counts.columns if re.match(pattern, name)), None)


def _kind(table: _Table) -> Kind:
    def read(source: Source) -> Mapping[str, pl.DataFrame]:
        return _read(source, table)

    tables = (*(("area_measures",) if table.measures else ()), *(("areas",) if table.areas else ()))
    return Kind(
        f"census_{table.number.lower()}",
        f"Census 2021 {table.number}, {table.subject}",
        ONS,
        _wanted(table),
        read,
        any_of=1 if table.measures else 0,
        order=table.order,
        tables=tables,
        vintage="Census 2021",
    )


KINDS = tuple(_kind(table) for table in _TABLES)
