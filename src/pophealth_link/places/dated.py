"""What holds on a day: spells, hierarchies of areas, and whether tables describe the day at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, lazy
from pophealth_link.errors import ReferenceDataError
from pophealth_link.places.frames import listed, same_kind
from pophealth_link.reference.about import TableAbout


def current(spells: Frame, as_of: date) -> Frame:
    """Return the spells that hold on the day: valid_from ≤ as_of ≤ valid_to.

    An empty or absent `valid_from` or `valid_to` is open; both days are inclusive. The answer is
    of the same kind as `spells`.

    >>> spells = pl.DataFrame({"valid_from": [date(2020, 1, 1)], "valid_to": [date(2026, 3, 31)]})
    >>> current(spells, date(2026, 3, 31)).height, current(spells, date(2026, 4, 1)).height
    (1, 0)
    """
    plan = lazy(spells)
    names = plan.collect_schema().names()
    if "valid_from" in names:
        plan = plan.filter(nw.col("valid_from").is_null() | (nw.col("valid_from") <= as_of))
    if "valid_to" in names:
        plan = plan.filter(nw.col("valid_to").is_null() | (nw.col("valid_to") >= as_of))
    return same_kind(plan, spells)


def areas_on(areas: pl.DataFrame, hierarchy: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """Return `areas` with what each LSOA was in on the day, its columns as they were.

    `hierarchy`: HIERARCHY, dated; for each type of area whose columns (`<type>_code`,
    `<type>_name`) `areas` has, its spells that hold on the day stand in place of what `areas`
    says, and LSOAs that they do not name keep theirs. Raises `ReferenceDataError` where an LSOA is
    in two areas of a level on the day.
    """
    if hierarchy is None or hierarchy.is_empty():
        return areas
    held: pl.DataFrame = current(hierarchy, as_of)
    found = areas
    for level in held["area_type"].unique().sort():
        if f"{level}_code" in areas.columns:
            found = _on_level(found, held.filter(area_type=level), level, as_of)
    return found.select(areas.columns)


def _on_level(areas: pl.DataFrame, rows: pl.DataFrame, level: str, as_of: date) -> pl.DataFrame:
    rows = rows.select("lsoa_code", __code="area_code", __name="area_name").unique()
    twice = rows.filter(pl.col("lsoa_code").is_duplicated())["lsoa_code"].unique().sort().to_list()
    if twice:
        raise ReferenceDataError(
            f"`hierarchy` has LSOAs in more than one {level} on {as_of}: overlapping spells.",
            f"LSOAs: {len(twice):,} ({listed(twice)}).",
            fix="give the spell that no longer holds its valid_to",
        )
    joined = areas.join(rows, on="lsoa_code", how="left", maintain_order="left")
    told, name = pl.col("__code").is_not_null(), f"{level}_name"
    new = [pl.coalesce("__code", f"{level}_code").alias(f"{level}_code")]
    if name in areas.columns:
        new.append(pl.when(told).then("__name").otherwise(name).alias(name))
    return joined.with_columns(new).drop("__code", "__name")


def validity_warnings(about: Mapping[str, TableAbout], as_of: date) -> list[str]:
    """Return a warning that names and counts the tables that do not describe the day, if any.

    >>> about = TableAbout("NHS England", "ePCN", "OGL", "2023", valid_to=date(2023, 3, 31))
    >>> validity_warnings({"practice_pcn": about}, date(2026, 4, 1))
    ['1 of 1 reference tables do not describe 2026-04-01: practice_pcn (until 2023-03-31).']
    """
    outside = [
        f"{name} ({_span(table)})"
        for name, table in sorted(about.items())
        if not (table.valid_from or as_of) <= as_of <= (table.valid_to or as_of)
    ]
    if not outside:
        return []
    every = f"{len(outside):,} of {len(about):,} reference tables do not describe {as_of}"
    return [f"{every}: {', '.join(outside)}."]


def _span(table: TableAbout) -> str:
    if table.valid_from and table.valid_to:
        return f"{table.valid_from} to {table.valid_to}"
    return f"from {table.valid_from}" if table.valid_from else f"until {table.valid_to}"
