"""Published figures of England for the comparison; each says where it is from.

What the folder of open data holds is computed from it; the rest are constants with their source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.open_data_measures import OpenData

Floats = NDArray[np.float64]
AGES = ("0–15", "16–24", "25–34", "35–49", "50–64", "65 and over")
AGE_EDGES = (0, 16, 25, 35, 50, 65, 130)
_AGE_COLUMNS = (
    "Aged 15 years and under",
    "Aged 16 to 24 years",
    "Aged 25 to 34 years",
    "Aged 35 to 49 years",
    "Aged 50 to 64 years",
    "Aged 65 years and over",
)
# Census 2021, TS017: people in a household, England. Five or more is what is left.
HOUSEHOLD_SIZE = {"1": 0.301, "2": 0.340, "3": 0.160, "4": 0.129, "5 or more": 0.070}
# Families and households, Census 2021, England and Wales.
HOUSEHOLD_TYPES = {"one person": 0.302, "one family": 0.630, "other": 0.068}
# Births in England and Wales, live births by year; 51.3 % are boys.
BIRTHS = {
    1996: 649_485, 2000: 604_441, 2004: 639_721, 2008: 708_711,
    2012: 729_674, 2016: 696_271, 2020: 613_936,
}  # fmt: skip
BOYS = 0.513
# Dance, Modern British Surnames, comparative table of 300 leading surnames, electoral registers of
# the United Kingdom 1996: the ten commonest, per cent.
LEADING_SURNAMES = (1.20, 0.90, 0.62, 0.58, 0.56, 0.47, 0.42, 0.38, 0.34, 0.33)
# Surname Profiler (University College London, Great Britain 1998), as quoted by C. Benn (Isaac
# Newton Group, family tree research): rank and bearers per million.
SURNAME_RANKS = {
    43: 2171, 93: 1294, 128: 942, 390: 420, 788: 206, 1318: 146, 1942: 86, 2534: 63,
    3472: 42, 4605: 30, 5799: 22, 11886: 9, 16554: 5,
}  # fmt: skip
# Lasker, Human Biology 1983;55:331, marriages in England and Wales 1975: half the chance that two
# people bear one surname.
SURNAME_ISONYMY = 0.000_482_3
# Quality and Outcomes Framework groups: name, the list they are a share of.
CONDITIONS = {
    "depression": ("DEP", "18OV", 18),
    "severe_mental_illness": ("MH", "TOTAL", 0),
    "dementia": ("DEM", "TOTAL", 0),
    "diabetes": ("DM", "17OV", 17),
    "copd": ("COPD", "TOTAL", 0),
}
_ETHNIC = {
    "white": "White",
    "mixed": "Mixed or Multiple ethnic groups",
    "asian": "Asian, Asian British or Asian Welsh",
    "black": "Black, Black British, Black Welsh, Caribbean or African",
    "other": "Other ethnic group",
}
_TENURE = {
    "owned": (
        "Owned: Owns outright",
        "Owned: Owns with a mortgage or loan",
        "Shared ownership: Shared ownership",
    ),
    "social_rented": (
        "Social rented: Other social rented",
        "Social rented: Rents from council or Local Authority",
    ),
    "private_rented": (
        "Private rented: Other private rented",
        "Private rented: Private landlord or letting agency",
        "Lives rent free",
    ),
}


@dataclass(frozen=True, slots=True)
class Published:
    """Shares of England, first of all, then of each national fifth, most deprived first.

    `ages`, `ethnic`, `tenure`: six rows; `single_years`: people at 0, 1 … 90 and over;
    `conditions`: recorded share of the list, of all practices and of fifths of practices by their
    patients' deprivation; `forenames` with counts, `ranks` without.
    """

    ages: Floats
    ethnic: Floats
    tenure: Floats
    single_years: Floats
    conditions: Mapping[str, Floats]
    forenames: pl.DataFrame
    ranks: pl.DataFrame


def read(folder: Path) -> Published:
    data = OpenData(folder)
    return Published(
        _ages(data),
        _by_fifth(data.census("ethnic_group_2021"), data, {k: [v] for k, v in _ETHNIC.items()}),
        _by_fifth(data.census("tenure_2021"), data, {k: list(v) for k, v in _TENURE.items()}),
        _single_years(data),
        {name: _condition(data, code, whole) for name, (code, whole, _) in CONDITIONS.items()},
        data.scan("names/england_wales_forenames_1996_2020").collect(),
        data.scan("names/england_wales_forename_ranks_1904_1994").collect(),
    )


def _ages(data: OpenData) -> Floats:
    groups = {name: [column] for name, column in zip(AGES, _AGE_COLUMNS, strict=True)}
    return _by_fifth(data.census("age_group_2021"), data, groups)


def _by_fifth(frame: pl.LazyFrame, data: OpenData, groups: Mapping[str, list[str]]) -> Floats:
    deciles = data.scan("deprivation/iod2025_lsoa21").select(
        lsoa_code="lsoa21_code", fifth=(pl.col("IMD_decile") + 1) // 2
    )
    joined = frame.join(deciles, on="lsoa_code").select(
        "fifth", *(pl.sum_horizontal(columns).alias(name) for name, columns in groups.items())
    )
    fifths = joined.group_by("fifth").agg(pl.all().sum()).sort("fifth").drop("fifth").collect()
    counts = fifths.to_numpy().astype(float)
    counts = np.vstack([counts.sum(axis=0), counts])
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _single_years(data: OpenData) -> Floats:
    frame = data.scan("census/population_mid2020_single_year_lsoa11")
    english = frame.filter(pl.col("lsoa11_code").str.starts_with("E"))
    years = [*map(str, range(90)), "90+"]
    return np.asarray(english.select(pl.col(years).sum()).collect().to_numpy()[0], dtype=float)


def _condition(data: OpenData, code: str, whole: str) -> Floats:
    fifths = data.scan("nhs/practice_imd2019_registration_weighted").select(
        PRACTICE_CODE="practice_code", fifth=(pl.col("imd_decile") + 1) // 2
    )
    rows = data.scan("nhs/qof_prevalence_2020_21_practice").filter(
        (pl.col("GROUP_CODE") == code) & (pl.col("PATIENT_LIST_TYPE") == whole)
    )
    sums = pl.col("REGISTER", "PRACTICE_LIST_SIZE").sum()
    by = rows.join(fifths, on="PRACTICE_CODE").group_by("fifth").agg(sums).sort("fifth").collect()
    all_of = rows.select(sums).collect()
    both = pl.concat([all_of, by.drop("fifth")])
    return (both["REGISTER"] / both["PRACTICE_LIST_SIZE"]).to_numpy()
