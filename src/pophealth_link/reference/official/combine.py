"""Put what several files say together: one frame per table of the pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pophealth_link.errors import ReferenceDataError
from pophealth_link.reference.official.kinds import Source
from pophealth_link.schema.reference import REFERENCE_TABLES

# Tables whose rows are filled from several files, each column by the first that has it.
_FILLED = {
    "areas": "lsoa_code",
    "deprivation": "lsoa_code",
    "deprivation_2019": "lsoa11_code",
    "practices": "practice_code",
}
# Levels of the hierarchy that are columns of `areas`.
_IN_AREAS = ("msoa", "lad", "icb", "sub_icb", "region", "ward")
_LARGEST = {"deprivation": 33_755, "deprivation_2019": 32_844}


@dataclass(frozen=True, slots=True)
class Part:
    """What one file gives to one table; `newness` orders files of the same kind."""

    source: Source
    frame: pl.DataFrame
    newness: int

    @property
    def place(self) -> tuple[int, int, str, str]:
        """Where it stands among parts of the same table: first is what holds."""
        sheet = self.source.sheet
        return (self.source.kind.order, -self.newness, sheet.path.as_posix(), sheet.name)


def combined(parts: Mapping[str, Sequence[Part]]) -> dict[str, pl.DataFrame]:
    """Return the tables of the pack from the parts of each, in no order.

    Where files give the same row or value, that of the more telling kind holds (see `Kind.order`),
    then that of the newer file, then that of the first by name. Tables derived from others are
    completed: areas, dwellings of postcodes, people of LSOAs that changed.
    """
    ordered = {name: sorted(held, key=lambda p: p.place) for name, held in parts.items()}
    frames = {name: _table(name, held) for name, held in ordered.items()}
    if "hierarchy" in frames:
        spells = _spells(frames["hierarchy"])
        if "lad_changes" in frames:
            spells = _on_the_day(spells, frames["lad_changes"])
        frames["hierarchy"] = spells
    areas = _areas(frames)
    if areas is None:
        frames.pop("areas", None)
    else:
        frames["areas"] = areas
    if "postcodes" in frames and areas is not None:
        frames["postcodes"] = _with_dwellings(frames["postcodes"], areas)
    if "lsoa_changes" in frames:
        frames["lsoa_changes"] = _with_people(frames["lsoa_changes"], frames)
    if "practices" in frames:
        frames["practices"] = _with_list_sizes(frames, ordered["practices"])
    return {name: frame for name, frame in frames.items() if frame.height}


def _table(name: str, parts: Sequence[Part]) -> pl.DataFrame:
    if name == "practice_lists":
        parts = _finest(parts)
    held = _newest_rows(parts, _FILLED[name]) if name in _FILLED else [p.frame for p in parts]
    rows = pl.concat(held, how="diagonal_relaxed")
    if name == "hierarchy":
        return rows
    if name in _FILLED:
        return _filled(rows, _FILLED[name])
    if name in ("practice_patients", "practice_lists", "population"):
        rows = _newest(rows, by=["area_type"] if name == "population" else [])
        rows = _one_way(rows, prefer_all=name == "practice_patients")
    if name == "qof":
        _require_years(parts)
    keys = [key for key in REFERENCE_TABLES[name].unique if key in rows.columns]
    return rows.unique(keys or None, keep="first", maintain_order=True)


def _require_years(parts: Sequence[Part]) -> None:
    """Refuse several files of registers of which one says no year: which rows hold is not told."""
    unknown = [p.source.sheet.shown for p in parts if p.frame["period"].null_count()]
    if unknown and len(parts) > 1:
        raise ReferenceDataError(
            f"{len(unknown):,} of {len(parts):,} files of QOF registers do not say their year.",
            *unknown,
            fix="give their names the year, such as PREVALENCE_2324.csv.",
        )


def _newest_rows(parts: Sequence[Part], key: str) -> list[pl.DataFrame]:
    """Return the parts without rows that a newer file of the same kind and columns gives whole.

    What a newer directory leaves empty, such as a day of closing, is no gap to be filled.
    """
    found: list[pl.DataFrame] = []
    seen: dict[tuple[str, tuple[str, ...]], pl.Series] = {}
    for part in parts:
        like = (part.source.kind.name, tuple(part.frame.columns))
        known = seen.get(like, pl.Series(dtype=pl.String))
        found.append(part.frame.filter(~pl.col(key).is_in(known.implode())))
        seen[like] = pl.concat([known, part.frame[key].cast(pl.String)])
    return found


def _filled(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    if not rows[key].is_duplicated().any():
        return rows
    others = [name for name in rows.columns if name != key]
    first = [pl.col(name).drop_nulls().first() for name in others]
    return rows.group_by(key, maintain_order=True).agg(first)


def _newest(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the rows of the newest period: two extracts together would count people twice."""
    period = pl.col("period").fill_null("")
    newest = period.max().over(by) if by else period.max()
    return rows.filter(period == newest)


def _one_way(rows: pl.DataFrame, *, prefer_all: bool) -> pl.DataFrame:
    """Return both sexes' rows together or those of each sex, never both."""
    together = pl.col("sex") == "all"
    keep = together if prefer_all else ~together
    return rows.filter(keep) if rows.select(keep.any()).item() else rows


def _finest(parts: Sequence[Part]) -> list[Part]:
    """Return the parts with the narrowest ages: single years and bands overlap."""
    ages = [frozenset(part.frame["age_from"].unique()) for part in parts]
    finest = max(ages, key=len)
    return [part for part, held in zip(parts, ages, strict=True) if len(held) >= len(finest) - 1]


def _starts(rows: pl.DataFrame) -> pl.Expr:
    """Return the first day of a vintage: 1 April of its year (assumed: headers give the year).

    Integrated care boards began on 1 July 2022 (Health and Care Act 2022).
    """
    first_boards = pl.col("area_type").is_in(["icb", "sub_icb"]) & (pl.col("vintage") == 2022)
    return pl.date(pl.col("vintage"), pl.when(first_boards).then(7).otherwise(4), 1)


def _spells(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per LSOA, level, code and unbroken spell, from lookups with their vintages.

    A vintage holds from its first day until the day before that of the next one held for the
    level; a level without vintages (MSOA) always holds.
    """
    rows = rows.filter(pl.col("lsoa_code").str.starts_with("E01"))
    names = ("area_name", "ods_code")
    rows = rows.with_columns(
        pl.lit(None, dtype=pl.String).alias(n) for n in names if n not in rows.columns
    )
    rows = rows.with_columns(_starts(rows).alias("start"))
    once = ["lsoa_code", "area_type", "start"]
    rows = _named(rows).unique(once, keep="first", maintain_order=True).sort(once)
    own = ["lsoa_code", "area_type"]
    changed = (pl.col("area_code") != pl.col("area_code").shift(1)).over(own).fill_null(value=True)
    rows = rows.with_columns(changed.cast(pl.Int64).cum_sum().alias("spell"))
    spells = rows.group_by(*own, "spell", maintain_order=True).agg(
        pl.col("area_code", "area_name", "ods_code").last(), pl.col("start").first()
    )
    until = pl.col("start").shift(-1).over(own).dt.offset_by("-1d")
    return spells.with_columns(pl.col("start").alias("valid_from"), until.alias("valid_to")).drop(
        "spell", "start"
    )


def _on_the_day(spells: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Return the spells of authorities from the day of their change, where that is known.

    Lookups may be held of some years only; a code that was replaced in between did so on its day.
    """
    own = ["lsoa_code", "area_type"]
    dated = changes.select(
        pl.lit("lad").alias("area_type"),
        pl.col("lad_code").alias("before"),
        pl.col("successor_code").alias("area_code"),
        pl.col("valid_from").alias("day"),
    ).drop_nulls()
    rows = spells.with_columns(pl.col("area_code").shift(1).over(own).alias("before")).join(
        dated, on=["area_type", "before", "area_code"], how="left", maintain_order="left"
    )
    began = pl.col("valid_from").shift(1).over(own)
    known = (pl.col("day") <= pl.col("valid_from")) & (pl.col("day") > began)
    rows = rows.with_columns(pl.when(known).then("day").otherwise("valid_from").alias("valid_from"))
    until = pl.col("valid_from").shift(-1).over(own).dt.offset_by("-1d")
    return rows.with_columns(until.alias("valid_to")).drop("before", "day")


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the names and codes that another file of the pack gives the area."""
    key = ["area_type", "area_code"]
    known = rows.group_by(key, maintain_order=True).agg(
        pl.col("area_name", "ods_code").drop_nulls().first().name.suffix("_known")
    )
    joined = rows.join(known, on=key, how="left", maintain_order="left")
    return joined.with_columns(
        pl.coalesce(name, f"{name}_known").alias(name) for name in ("area_name", "ods_code")
    ).drop("area_name_known", "ods_code_known")


def _areas(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame | None:
    """Return LSOAs of England with the newest area of each level; none without authorities."""
    held = frames.get("areas")
    if "hierarchy" not in frames:
        return held if held is not None and "lad_code" in held.columns else None
    newest = frames["hierarchy"].filter(pl.col("valid_to").is_null())
    if not (newest["area_type"] == "lad").any():
        return None
    found = newest.select("lsoa_code").unique().sort("lsoa_code")
    for level in _IN_AREAS:
        part = newest.filter(pl.col("area_type") == level).select(
            "lsoa_code",
            pl.col("area_code").alias(f"{level}_code"),
            pl.col("area_name").alias(f"{level}_name"),
        )
        found = found.join(part, on="lsoa_code", how="left", maintain_order="left")
    if held is not None:
        found = found.join(held, on="lsoa_code", how="left", maintain_order="left", suffix="_given")
        given = [name for name in found.columns if name.endswith("_given")]
        found = found.with_columns(
            pl.coalesce(name.removesuffix("_given"), name).alias(name.removesuffix("_given"))
            for name in given
        ).drop(given)
    return found.drop_nulls("lad_code")


def _with_dwellings(postcodes: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """Return the postcodes with an LSOA's households spread evenly over its homes (assumed).

    The directory has no dwellings. The remainder goes to the first postcodes in order, so that
    each LSOA sums exactly; postcodes of large users and those no longer in use keep none.
    """
    if "households" not in areas.columns:
        return postcodes
    households = areas.select("lsoa_code", "households").drop_nulls()
    held = postcodes.sort("postcode").join(
        households, on="lsoa_code", how="left", maintain_order="left"
    )
    home = pl.col("dwellings").is_null()
    place = pl.int_range(pl.len(), dtype=pl.Int64).over("lsoa_code", home.alias("home"))
    homes = home.sum().cast(pl.Int64).over("lsoa_code")
    spread = pl.col("households") // homes + (place < pl.col("households") % homes).cast(pl.Int64)
    return held.with_columns(
        pl.when(home).then(spread).otherwise("dwellings").alias("dwellings")
    ).drop("households")


def _with_people(changes: pl.DataFrame, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the changes with the people of the overlap, where residents are known."""
    if "population" in changes.columns:
        return changes
    new = _residents(frames, "lsoa", "lsoa21_code")
    old = _residents(frames, "lsoa11", "lsoa11_code")
    if new is None and frames.get("areas") is not None:
        areas = frames["areas"]
        if "population" in areas.columns:
            new = areas.select(lsoa21_code="lsoa_code", lsoa21_code_people="population")
    for people in (new, old):
        if people is not None:
            changes = changes.join(people, on=people.columns[0], how="left", maintain_order="left")
    given = [
        pl.col(name) if name in changes.columns else pl.lit(None, dtype=pl.Int64).alias(name)
        for name in ("lsoa21_code_people", "lsoa11_code_people")
    ]
    changes = changes.with_columns(given)
    overlap = (
        pl.when(pl.col("change_code") == "S")
        .then("lsoa21_code_people")
        .when(pl.col("change_code") == "U")
        .then(pl.coalesce("lsoa21_code_people", "lsoa11_code_people"))
        .otherwise("lsoa11_code_people")
    )
    return changes.with_columns(overlap.alias("population")).drop(
        "lsoa21_code_people", "lsoa11_code_people"
    )


def _residents(frames: Mapping[str, pl.DataFrame], area_type: str, key: str) -> pl.DataFrame | None:
    if "population" not in frames:
        return None
    rows = frames["population"].filter(pl.col("area_type") == area_type)
    if rows.is_empty():
        return None
    sums = rows.group_by("area_code").agg(pl.col("people").sum()).sort("area_code")
    return sums.rename({"area_code": key, "people": f"{key}_people"})


def _with_list_sizes(frames: Mapping[str, pl.DataFrame], parts: Sequence[Part]) -> pl.DataFrame:
    """Return the practices of the directory, where one was given, with sums of their lists."""
    practices = frames["practices"]
    directory = [p.frame for p in parts if "status_code" in p.frame.columns]
    if directory:
        known = pl.concat([frame.select("practice_code") for frame in directory]).unique()
        practices = practices.join(known, on="practice_code", how="semi", maintain_order="left")
    for table in ("practice_lists", "practice_patients"):
        if table in frames:
            sums = frames[table].group_by("practice_code").agg(pl.col("people").sum().alias("sum"))
            practices = practices.join(sums, on="practice_code", how="left", maintain_order="left")
            if "list_size" not in practices.columns:
                practices = practices.with_columns(pl.lit(None, dtype=pl.Int64).alias("list_size"))
            practices = practices.with_columns(pl.coalesce("list_size", "sum").alias("list_size"))
            practices = practices.drop("sum")
    return practices


def n_areas(frames: Mapping[str, pl.DataFrame]) -> int:
    """Return the number of LSOAs in the national ranking that the pack's ranks are of.

    33,755 in 2025 and 32,844 in 2019 (English Indices of Deprivation); without either, those of
    2021.
    """
    for table, count in _LARGEST.items():
        if table in frames:
            return max(count, _highest_rank(frames[table]))
    return _LARGEST["deprivation"]


def _highest_rank(rows: pl.DataFrame) -> int:
    highest = rows["imd_rank"].max() if "imd_rank" in rows.columns else None
    return highest if isinstance(highest, int) else 0
