"""Postcodes, lookups of areas with their vintages, code changes and boundaries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

import polars as pl

from pophealth_link.reference.official.kinds import (
    ONS,
    Kind,
    Source,
    Wanted,
    days,
    numbers,
    vintage_of,
    whole,
)

_POSTCODES = (
    Wanted("postcode", r"^pcds$", "pcds"),
    Wanted("from", r"^dointr$", "dointr", False),
    Wanted("to", r"^doterm$", "doterm"),
    Wanted("user", r"^us(e)?rtyp(e|ind)$", "usrtypind", False),
    Wanted("easting", r"^(os)?east1m$", "east1m"),
    Wanted("northing", r"^(osnrth|north)1m$", "north1m"),
    Wanted("lsoa11", r"^lsoa11(cd)?$", "lsoa11cd", False),
    Wanted("lsoa21", r"^lsoa21(cd)?$", "lsoa21cd"),
)


def _read_postcodes(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("postcode", "from", "to", "user", "easting", "northing", "lsoa11", "lsoa21")
    rows = rows.drop_nulls(["postcode", "lsoa21"])
    rows = numbers(source, rows, "easting", "northing")
    # Months: a postcode holds from the first day of one to the last day of the other.
    month = {n: (pl.col(n).str.replace(r"\.0$", "") + "01") for n in ("from", "to")}
    rows = days(source, rows.with_columns(**month), "from", "to")
    last = pl.col("to").dt.month_end()
    # Large users are businesses, and at a postcode that is no longer in use nobody lives.
    no_home = pl.col("to").is_not_null() | (pl.col("user").fill_null("0") == "1")
    # No grid reference is given as zeros or nothing.
    grid = [pl.when(pl.col(n) > 0).then(pl.col(n)).alias(n) for n in ("easting", "northing")]
    found = rows.with_columns(grid).select(
        pl.col("postcode").str.to_uppercase(),
        *whole("easting", "northing"),
        pl.col("lsoa21").alias("lsoa_code"),
        pl.col("lsoa11").alias("lsoa11_code"),
        pl.when(no_home).then(pl.lit(0, dtype=pl.Int64)).alias("dwellings"),
        pl.col("from").alias("valid_from"),
        last.alias("valid_to"),
    )
    return {"postcodes": found}


_CHANGES = (
    Wanted("old", r"^(f )?lsoa11cd$", "LSOA11CD"),
    Wanted("new", r"^lsoa21cd$", "LSOA21CD"),
    Wanted("change", r"^chn?gind$", "CHGIND or CHNGIND"),
)


def _read_changes(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("old", "new", "change").drop_nulls()
    unknown = rows.filter(~pl.col("change").is_in(["U", "S", "M", "X"])).height
    if unknown:
        raise source.wrong(f"{unknown:,} values are none of U, S, M, X.", "change")
    return {
        "lsoa_changes": rows.rename(
            {"old": "lsoa11_code", "new": "lsoa21_code", "change": "change_code"}
        )
    }


# The letters of each level in the headers; a vintage follows them.
_LEVELS = {
    "msoa": "msoa",
    "lad": "lad",
    "sub_icb": "sicbl",
    "icb": "icb",
    "nhs_region": "nhser",
    "region": "rgn",
    "ward": "wd",
}


def _lookup_columns() -> tuple[Wanted, ...]:
    found = [Wanted("lsoa", r"^lsoa21cd$", "LSOA21CD")]
    for level, letters in _LEVELS.items():
        found += [
            Wanted(level, rf"^{letters}(\d\d)cd$", f"{letters.upper()}..CD", False, True),
            Wanted(
                f"{level}_name",
                rf"^{letters}(\d\d)nm$",
                f"{letters.upper()}..NM",
                False,
                True,
                tells=False,
            ),
            Wanted(
                f"{level}_ods",
                rf"^{letters}(\d\d)cdh$",
                f"{letters.upper()}..CDH",
                False,
                True,
                tells=False,
            ),
        ]
    found.append(Wanted("lsoa_name", r"^lsoa21nm$", "LSOA21NM", False, tells=False))
    return tuple(found)


def _read_lookup(source: Source) -> Mapping[str, pl.DataFrame]:
    parts = []
    for level in _LEVELS:
        for header, at in zip(source.headers(level), source.columns[level], strict=True):
            parts.append(_membership(source, level, header, at))
    found = {"hierarchy": pl.concat(parts)}
    if source.has("lsoa_name"):
        names = source.frame("lsoa", "lsoa_name").rename({"lsoa": "lsoa_code"})
        found["areas"] = names.drop_nulls().unique("lsoa_code", keep="first", maintain_order=True)
    return found


def _membership(source: Source, level: str, header: str, at: int) -> pl.DataFrame:
    beginning = header.removesuffix("cd")
    columns = {"lsoa": source.columns["lsoa"], "code": (at,)}
    for part, ending in (("name", "nm"), ("ods", "cdh")):
        found = dict(
            zip(source.headers(f"{level}_{part}"), source.columns[f"{level}_{part}"], strict=True)
        )
        if beginning + ending in found:
            columns[part] = (found[beginning + ending],)
    rows = Source(source.sheet, source.kind, source.header_row, columns).frame(
        "lsoa", "code", "name", "ods"
    )
    year = None if level == "msoa" else vintage_of(header)
    return (
        rows.drop_nulls(["lsoa", "code"])
        .select(
            pl.col("lsoa").alias("lsoa_code"),
            pl.lit(level).alias("area_type"),
            pl.col("code").alias("area_code"),
            pl.col("name").alias("area_name"),
            pl.col("ods").alias("ods_code"),
            pl.lit(year, dtype=pl.Int32).alias("vintage"),
        )
        .unique(["lsoa_code", "area_code"], keep="first", maintain_order=True)
    )


_AUTHORITY = r"E0[6-9]\d{6}"
_VINTAGES = (
    Wanted("lad", r"^lad(\d\d)cd$", "LAD..CD of two years or more", True, True, 2),
    Wanted("name", r"^lad(\d\d)nm$", "LAD..NM", False, True),
)


def _read_vintages(source: Source) -> Mapping[str, pl.DataFrame]:
    """Return each change of code between neighbouring years; April is when codes change."""
    rows = source.wide("lad")
    names = source.wide("name") if source.has("name") else pl.DataFrame()
    years = sorted((vintage_of(header) or 0, header) for header in rows.columns)
    steps = []
    for (_, old), (year, new) in pairwise(years):
        steps.append(
            _step(rows, names, old, new).with_columns(pl.date(year, 4, 1).alias("valid_from"))
        )
    if not steps:
        raise source.wrong("holds the codes of one year only.")
    return {"lad_changes": pl.concat(steps).unique(maintain_order=True)}


def _step(rows: pl.DataFrame, names: pl.DataFrame, old: str, new: str) -> pl.DataFrame:
    def name(header: str) -> pl.Series:
        wanted = header.removesuffix("cd") + "nm"
        return (
            names[wanted]
            if wanted in names.columns
            else pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
        )

    frame = pl.DataFrame(
        {
            "lad_code": rows[old],
            "lad_name": name(old),
            "successor_code": rows[new],
            "successor_name": name(new),
        }
    )
    return (
        frame.drop_nulls(["lad_code", "successor_code"])
        .filter(pl.col("lad_code") != pl.col("successor_code"))
        .unique(["lad_code", "successor_code"], keep="first", maintain_order=True)
    )


_HISTORY = (
    Wanted("new", r"^geogcd$", "GEOGCD"),
    Wanted("new_name", r"^geognm$", "GEOGNM", False),
    Wanted("old", r"^geogcd p$", "GEOGCD_P"),
    Wanted("old_name", r"^geognm p$", "GEOGNM_P", False),
    Wanted("from", r"^oper date$", "OPER_DATE"),
)


def _read_history(source: Source) -> Mapping[str, pl.DataFrame]:
    rows = source.frame("new", "new_name", "old", "old_name", "from")
    both = pl.col("new").str.contains(f"^{_AUTHORITY}$") & pl.col("old").str.contains(
        f"^{_AUTHORITY}$"
    )
    rows = rows.filter(both & (pl.col("new") != pl.col("old")))
    # Dates with a time of day: the day is what counts.
    rows = rows.with_columns(pl.col("from").str.replace(r" \d{1,2}:\d{2}(:\d{2})?.*$", ""))
    rows = days(source, rows, "from")
    found = rows.select(
        pl.col("old").alias("lad_code"),
        pl.col("old_name").alias("lad_name"),
        pl.col("new").alias("successor_code"),
        pl.col("new_name").alias("successor_name"),
        pl.col("from").alias("valid_from"),
    )
    return {
        "lad_changes": found.unique(
            ["lad_code", "successor_code"], keep="first", maintain_order=True
        )
    }


_BOUNDARIES = {
    "lsoa": "lsoa21",
    "lsoa11": "lsoa11",
    "msoa": "msoa21",
    "lad": r"lad(\d\d)",
    "icb": r"icb(\d\d)",
    "ward": r"wd(\d\d)",
}


def _boundary_kind(area_type: str, letters: str, order: int) -> Kind:
    def read(source: Source) -> Mapping[str, pl.DataFrame]:
        rows = source.shapes("code").drop_nulls()
        return {
            "boundaries": rows.select(
                pl.lit(area_type).alias("area_type"), pl.col("code").alias("area_code"), "geometry"
            )
        }

    shown = re.sub(r"\(.*\)", "..", letters).upper() + "CD"
    return Kind(
        f"boundaries_{area_type}",
        f"Boundaries of areas: {area_type}",
        ONS,
        (Wanted("code", rf"^{letters}cd$", shown),),
        read,
        order=order,
        geometry=True,
        tables=("boundaries",),
    )


def _read_noise(source: Source) -> Mapping[str, pl.DataFrame]:
    words = f"{source.words()} {' '.join(source.sheet.top[0])}".lower()
    if "lden" not in words:
        raise source.wrong("names no level: only Lden (day, evening, night) is read.")
    rows = source.shapes("class")
    # Classes are bands of decibels: "55.0-59.9", ">=75.0".
    level = pl.col("class").str.extract(r"(\d+(?:\.\d+)?)").cast(pl.Float64)
    loud = rows.filter(level >= 55).drop_nulls("geometry")
    return {"exposures": loud.select(pl.lit("noise_lden_55").alias("exposure"), "geometry")}


KINDS = (
    Kind(
        "postcodes",
        "NSPL or ONSPD, postcode directory",
        ONS,
        _POSTCODES,
        _read_postcodes,
        tables=("postcodes",),
    ),
    Kind(
        "lsoa_changes",
        "LSOA (2011) to LSOA (2021) exact-fit lookup",
        ONS,
        _CHANGES,
        _read_changes,
        tables=("lsoa_changes",),
        vintage="2011 to 2021",
    ),
    Kind(
        "lookup",
        "Lookup of LSOA (2021) to MSOA, local authority, sub-ICB location, ICB, region or ward",
        ONS,
        _lookup_columns(),
        _read_lookup,
        any_of=1,
        refused=r"^(pcds|doterm|lsoa11cd|f lsoa11cd)$|^overall \(",
        tables=("hierarchy", "areas"),
    ),
    Kind(
        "lad_vintages",
        "Local authority districts of several years",
        ONS,
        _VINTAGES,
        _read_vintages,
        refused=r"^(lsoa|oa|msoa|wd)\d\dcd$|^pcds$",
        order=70,
        tables=("lad_changes",),
    ),
    Kind(
        "lad_history",
        "Code History Database, Changes",
        ONS,
        _HISTORY,
        _read_history,
        tables=("lad_changes",),
    ),
    *(
        _boundary_kind(area_type, letters, order)
        for order, (area_type, letters) in enumerate(_BOUNDARIES.items())
    ),
    Kind(
        "noise_polygons",
        "Strategic noise mapping, polygons of noise classes (Lden)",
        "Department for Environment, Food and Rural Affairs",
        (Wanted("class", r"^noise ?class$", "noiseclass"),),
        _read_noise,
        geometry=True,
        tables=("exposures",),
    ),
)
