"""One in every hundred LSOAs of England, as places in which synthetic people may live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from benchmarks.open_data import areas, deprivation, postcodes, practices
from benchmarks.open_data_measures import OpenData, census_measures

EVERY = 100
# Of the hundred such samples, that whose ethnic groups, tenure and ages are nearest to England's.
_FIRST = 52


@dataclass(frozen=True, slots=True)
class Sampled(OpenData):
    """The LSOAs at every hundredth rank of deprivation: each fifth has as many."""

    def lsoas(self) -> pl.LazyFrame:
        ranks = self.scan("deprivation/iod2025_lsoa21").select(
            lsoa_code="lsoa21_code", rank=pl.col("IMD_rank").rank("ordinal")
        )
        kept = ranks.filter(pl.col("rank") % EVERY == _FIRST).select("lsoa_code")
        return OpenData.lsoas(self).join(kept, on="lsoa_code", how="semi")


@dataclass(frozen=True, slots=True)
class EnglandSample:
    """A reference pack in memory, as the generator asks for one."""

    tables: Mapping[str, pl.DataFrame] = field(repr=False)
    name: str = "one LSOA in a hundred of England"

    def has(self, table: str) -> bool:
        return table in self.tables

    def read(self, table: str) -> pl.DataFrame:
        return self.tables[table]


def england_sample(folder: Path) -> EnglandSample:
    """Return the sample with the published population, deprivation, ethnic groups and tenure."""
    data = Sampled(folder)
    frames = {
        "areas": areas(data),
        "deprivation": deprivation(data),
        "postcodes": postcodes(data),
        "practices": practices(data),
        "area_measures": pl.concat(census_measures(data)),
    }
    return EnglandSample({name: frame.collect() for name, frame in frames.items()})
