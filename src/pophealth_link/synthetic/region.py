"""The places of a reference pack as the generator needs them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np
import polars as pl

from pophealth_link.errors import ReferenceDataError
from pophealth_link.synthetic.draws import Floats, Ints
from pophealth_link.synthetic.profile import ETHNIC_GROUPS, TENURES, Profile


class Places(Protocol):
    """What the generator asks of a reference pack."""

    @property
    def name(self) -> str:
        """Name of the pack."""

    def has(self, table: str) -> bool:
        """Say whether the pack holds the table."""

    def read(self, table: str) -> pl.DataFrame:
        """Return the table."""


@dataclass(frozen=True, slots=True)
class Region:
    """LSOAs with people, their postcodes, the practices, and who lives where.

    `lsoas`: lsoa_code, lad_code, quintile (0 unknown, 1 most deprived), people, easting, northing;
    the row is the LSOA's number elsewhere. `postcodes`: postcode, lsoa (number), weight, sorted by
    LSOA. `practices`: practice_code, list_size, easting, northing. `ethnic`, `tenure`: shares by
    LSOA; `living_alone`: share of households, NaN where not known. `known_postcodes`: all that the
    pack has. `lists`: practices of each LSOA and their shares, where they were computed before.
    """

    lsoas: pl.DataFrame
    postcodes: pl.DataFrame
    practices: pl.DataFrame
    ethnic: Floats
    tenure: Floats
    living_alone: Floats
    known_postcodes: pl.Series
    lists: tuple[Ints, Floats] | None = None

    def part(self, first: int, last: int) -> Region:
        """Return the region with the LSOAs from `first` up to before `last`, numbered from 0.

        Practices, postcodes that are known, and lists stay those of the whole region.
        """
        here = slice(first, last)
        near = pl.col("lsoa").is_between(first, last - 1)
        return replace(
            self,
            lsoas=self.lsoas[here],
            postcodes=self.postcodes.filter(near).with_columns(pl.col("lsoa") - first),
            ethnic=self.ethnic[here],
            tenure=self.tenure[here],
            living_alone=self.living_alone[here],
            lists=(self.lists[0][here], self.lists[1][here]) if self.lists else None,
        )

    @property
    def quintile(self) -> Ints:
        """National deprivation fifth of each LSOA; 0 where not known."""
        return self.lsoas["quintile"].to_numpy().astype(np.int64)


def read_region(pack: Places, profile: Profile, as_of: date) -> Region:
    """Read the pack's places; raise `ReferenceDataError` where people could not live there."""
    postcodes = _postcodes(pack)
    known = postcodes["postcode"].unique().sort()
    lsoas = _lsoas(pack, postcodes)
    numbered = lsoas.select("lsoa_code", pl.int_range(pl.len()).alias("lsoa"))
    postcodes = postcodes.join(numbered, on="lsoa_code").sort("lsoa", "postcode")
    codes, quintile = lsoas["lsoa_code"], lsoas["quintile"].to_numpy().astype(np.int64)
    measures = _measures(pack)
    return Region(
        lsoas,
        postcodes,
        _practices(pack, postcodes, as_of),
        _ethnic(measures, codes, quintile, profile),
        _tenure(measures, codes, quintile, profile),
        _share(measures, "one_person_households", codes),
        known,
    )


def _table(pack: Places, name: str) -> pl.DataFrame:
    if not pack.has(name):
        raise ReferenceDataError(
            f"the reference pack {pack.name} has no table `{name}`, in which people could live.",
            fix="use a pack with postcodes, areas and practices, or the example region.",
        )
    return pack.read(name)


def _postcodes(pack: Places) -> pl.DataFrame:
    rows = _table(pack, "postcodes").drop_nulls(["postcode", "lsoa_code"])
    if rows.is_empty():
        raise ReferenceDataError(
            f"the reference pack {pack.name} has no postcodes, so nobody can live there.",
            fix="use a pack that has rows in `postcodes`, or the example region.",
        )
    dwellings = _optional(rows, "dwellings").cast(pl.Float64)
    weight = dwellings if (dwellings.fill_null(0) > 0).any() else pl.Series([1.0] * rows.height)
    easting, northing = (_optional(rows, c).cast(pl.Float64) for c in ("easting", "northing"))
    return rows.select("postcode", "lsoa_code").with_columns(
        weight.fill_null(0).alias("weight"), easting.alias("easting"), northing.alias("northing")
    )


def _optional(frame: pl.DataFrame, column: str) -> pl.Series:
    return frame[column] if column in frame.columns else pl.Series([None] * frame.height)


def _lsoas(pack: Places, postcodes: pl.DataFrame) -> pl.DataFrame:
    """Return the LSOAs that have both people and postcodes, by code."""
    places = postcodes.filter(pl.col("weight") > 0)
    centres = places.group_by("lsoa_code").agg(
        pl.col("easting", "northing").mean().round(0), homes=pl.col("weight").sum().round(3)
    )
    areas = _table(pack, "areas")
    areas = areas.select("lsoa_code", "lad_code", people=_optional(areas, "population"))
    found = areas.join(centres, on="lsoa_code").sort("lsoa_code")
    people = found["people"].cast(pl.Float64).fill_null(0)
    found = found.with_columns(people if people.sum() > 0 else found["homes"].alias("people"))
    found = found.filter(pl.col("people") > 0).join(_quintiles(pack), on="lsoa_code", how="left")
    if found.is_empty():
        raise ReferenceDataError(
            f"no LSOA of the reference pack {pack.name} has both people and postcodes.",
            fix="use a pack whose `areas` and `postcodes` hold the same LSOAs.",
        )
    return found.sort("lsoa_code").with_columns(pl.col("quintile").fill_null(0))


def _quintiles(pack: Places) -> pl.DataFrame:
    if not pack.has("deprivation"):
        return pl.DataFrame(schema={"lsoa_code": pl.String, "quintile": pl.Int64})
    rows = pack.read("deprivation").select("lsoa_code", (pl.col("imd_decile") + 1) // 2)
    return rows.rename({"imd_decile": "quintile"}).cast({"quintile": pl.Int64})


def _practices(pack: Places, postcodes: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return practices open on the day that have patients, with the place of the surgery."""
    rows = _table(pack, "practices")
    opened, closed = (_optional(rows, c).cast(pl.Date) for c in ("open_date", "close_date"))
    is_open = (opened.fill_null(as_of) <= as_of) & (closed.is_null() | (closed > as_of))
    sizes = _optional(rows, "list_size").cast(pl.Float64)
    sizes = sizes if (sizes.fill_null(0) > 0).any() else pl.Series([1.0] * rows.height)
    rows = rows.select("practice_code", postcode=_optional(rows, "postcode").cast(pl.String))
    rows = rows.with_columns(sizes.fill_null(0).alias("list_size")).filter(is_open)
    places = postcodes.select("postcode", "easting", "northing").unique("postcode", keep="any")
    found = rows.filter(pl.col("list_size") > 0).join(places, on="postcode", how="left")
    if found.is_empty():
        raise ReferenceDataError(
            f"the reference pack {pack.name} has no open practice with patients.",
            fix="use a pack that has rows in `practices`, or the example region.",
        )
    return found.drop("postcode").sort("practice_code")


def _measures(pack: Places) -> pl.DataFrame:
    empty = {"measure": pl.String, "area_code": pl.String, "share": pl.Float64}
    if not pack.has("area_measures"):
        return pl.DataFrame(schema=empty)
    rows = pack.read("area_measures").filter(pl.col("area_type") == "lsoa")
    shares = (pl.col("numerator") / pl.col("denominator")).alias("share")
    return rows.select("measure", "area_code", shares)


def _share(measures: pl.DataFrame, measure: str, codes: pl.Series) -> Floats:
    """Return the measure's share in each LSOA; NaN where it is not known."""
    rows = measures.filter(pl.col("measure") == measure)
    joined = codes.alias("area_code").to_frame().join(rows, on="area_code", how="left")
    return joined["share"].to_numpy().astype(float)


def _ethnic(measures: pl.DataFrame, codes: pl.Series, quintile: Ints, profile: Profile) -> Floats:
    england = profile.england["ethnic_groups"]
    usual = np.array([[england[g], *england[f"{g}_by_quintile"]] for g in ETHNIC_GROUPS]).T
    known = np.column_stack([_share(measures, f"ethnic_{g}", codes) for g in ETHNIC_GROUPS])
    return _normalised(known, usual[quintile])


def _tenure(measures: pl.DataFrame, codes: pl.Series, quintile: Ints, profile: Profile) -> Floats:
    by_quintile = np.array([profile.england["tenure"][name] for name in TENURES]).T
    usual = np.vstack([by_quintile.mean(axis=0), by_quintile])[quintile]
    social, private = (_share(measures, f"tenure_{name}", codes) for name in TENURES[1:])
    known = np.column_stack([np.maximum(1 - social - private, 0), social, private])
    return _normalised(known, usual)


def _normalised(known: Floats, usual: Floats) -> Floats:
    """Return the known shares of each row, summing to 1; the usual ones where any is missing."""
    complete = np.isfinite(known).all(axis=1) & (np.nan_to_num(known).sum(axis=1) > 0)
    shares = np.where(complete[:, None], known, usual)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
