"""English Indices of Deprivation 2019 and 2025: files 1, 2, 5, 6, 7 and 8, as CSV or workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pophealth_link.reference.official.kinds import MHCLG, Kind, Source, Wanted, numbers, whole


@dataclass(frozen=True, slots=True)
class _Edition:
    """An edition: the census whose LSOAs it uses, and where its values go."""

    year: int
    lsoas: int
    table: str
    key: str
    area_type: str


_EDITIONS = (
    _Edition(2019, 2011, "deprivation_2019", "lsoa11_code", "lsoa11"),
    _Edition(2025, 2021, "deprivation", "lsoa_code", "lsoa"),
)
# The beginnings of the headers: what follows differs by edition, and one is cut short in the file.
# A comma of a name has come as a line break.
_DOMAINS = {
    "imd": r"index of multiple deprivation \(imd\)",
    "income": "income",
    "employment": "employment",
    "education": r"education,? skills and training",
    "health": "health deprivation and disability",
    "crime": "crime",
    "barriers": "barriers to housing and services",
    "living_environment": "living environment",
    "idaci": r"income deprivation affecting children index \(idaci\)",
    "idaopi": r"income deprivation affecting older people( index)? \(idaopi\)",
}
_PEOPLE = {
    "population": "total population",
    "population_children": "dependent children",
    "population_older": "older population",
    "population_working_age": "working age population",
}
# People counted as deprived, as a share of the people of the domain's ages.
_COUNTS = {
    "income_deprived": ("income", "population"),
    "employment_deprived": ("employment", "population_working_age"),
    "income_deprived_children": ("idaci", "population_children"),
    "income_deprived_older": ("idaopi", "population_older"),
}
_INDICATORS = {
    "housing_affordability": "housing affordability indicator",
    "connectivity_all_modes": "connectivity score",
    "anti_social_behaviour": "anti-social behaviour",
    "violence_with_injury": "violence with injury",
    "homelessness_iod": r"homelessness indicator",
    "core_homelessness": "core homelessness rate",
    "overcrowding_rooms_iod": r"household overcrowding indicator \(rooms\)",
    "overcrowding_bedrooms_iod": r"household overcrowding indicator \(bedrooms\)",
    "overcrowding_iod": "household overcrowding indicator$",
    "patients_per_gp": "patient-to-gp ratio",
    "mental_health_iod": "(mental health|mood and anxiety disorders) indicator",
}


def _lsoa(edition: _Edition) -> Wanted:
    return Wanted("lsoa", rf"^lsoa code \({edition.lsoas}\)$", f"LSOA code ({edition.lsoas})")


def _wanted(edition: _Edition) -> tuple[Wanted, ...]:
    found = [
        _lsoa(edition),
        Wanted("lad", r"^local authority district code \((\d{4})\)", "LAD code", False),
    ]
    found += [
        Wanted(f"{domain}_{kind}", rf"^{beginning} {kind}\b", f"{domain} {kind}", False)
        for domain, beginning in _DOMAINS.items()
        for kind in ("score", "rank", "decile")
    ]
    people = (Wanted(name, f"^{begins}", begins, False) for name, begins in _PEOPLE.items())
    return (*found, *people)


def _read(source: Source, edition: _Edition) -> dict[str, pl.DataFrame]:
    names = [each.name for each in source.kind.wanted if each.name not in ("lsoa", "lad")]
    held = [name for name in names if source.has(name)]
    rows = numbers(source, source.frame("lsoa", *held), *held).drop_nulls("lsoa")
    rows = rows.rename({"lsoa": edition.key})
    counted = [n for n in held if n.endswith(("_rank", "_decile")) or n in _PEOPLE]
    kept = [n for n in held if not n.endswith("_decile") or n == "imd_decile"]
    found = {edition.table: rows.with_columns(whole(*counted)).select(edition.key, *kept)}
    measures = _counted(rows, edition)
    if measures:
        found["area_measures"] = pl.concat(measures)
    if source.has("lad") and edition.area_type == "lsoa":
        found["hierarchy"] = _authorities(source)
    return found


def _authorities(source: Source) -> pl.DataFrame:
    year = int(source.headers("lad")[0].split("(")[1][:4])
    return source.frame("lsoa", "lad").select(
        pl.col("lsoa").alias("lsoa_code"),
        pl.lit("lad").alias("area_type"),
        pl.col("lad").alias("area_code"),
        pl.lit(year).alias("vintage"),
    )


def _counted(rows: pl.DataFrame, edition: _Edition) -> list[pl.DataFrame]:
    # The rate has three decimals and the published numerator is rounded to five: the product of
    # rate and people is the nearer of the two, and is withheld nowhere.
    return [
        _measure(rows, edition, name).with_columns(
            (rows[f"{domain}_score"] * rows[people]).round(1).alias("numerator"),
            rows[people].alias("denominator"),
        )
        for name, (domain, people) in _COUNTS.items()
        if f"{domain}_score" in rows.columns and people in rows.columns
    ]


def _measure(rows: pl.DataFrame, edition: _Edition, name: str) -> pl.DataFrame:
    nothing = [
        pl.lit(None, dtype=pl.Float64).alias(n) for n in ("numerator", "denominator", "value")
    ]
    return rows.select(
        pl.lit(name).alias("measure"),
        pl.lit(edition.area_type).alias("area_type"),
        pl.col(edition.key).alias("area_code"),
        *nothing,
        pl.lit(f"Indices of Deprivation {edition.year}").alias("period"),
    )


def _read_indicators(source: Source, edition: _Edition) -> dict[str, pl.DataFrame]:
    held = [name for name in _INDICATORS if source.has(name)]
    rows = numbers(source, source.frame("lsoa", *held), *held).drop_nulls("lsoa")
    rows = rows.rename({"lsoa": edition.key})
    measures = [
        _measure(rows, edition, name).with_columns(rows[name].alias("value")).drop_nulls("value")
        for name in held
    ]
    return {"area_measures": pl.concat(measures)}


def _kinds(edition: _Edition) -> tuple[Kind, Kind]:
    def read(source: Source) -> Mapping[str, pl.DataFrame]:
        return _read(source, edition)

    def read_indicators(source: Source) -> Mapping[str, pl.DataFrame]:
        return _read_indicators(source, edition)

    title = f"English Indices of Deprivation {edition.year}"
    indicators = (Wanted(name, f"^{begins}", begins, False) for name, begins in _INDICATORS.items())
    vintage = f"Indices of Deprivation {edition.year}"
    return (
        Kind(
            f"iod{edition.year}",
            f"{title}: scores, ranks, deciles and populations (files 1, 2, 5, 6, 7)",
            MHCLG,
            _wanted(edition),
            read,
            any_of=1,
            tables=(edition.table, "area_measures", "hierarchy"),
            vintage=vintage,
        ),
        Kind(
            f"iod{edition.year}_indicators",
            f"{title}: underlying indicators (file 8)",
            MHCLG,
            (_lsoa(edition), *indicators),
            read_indicators,
            any_of=1,
            order=60,
            tables=("area_measures",),
            vintage=vintage,
        ),
    )


KINDS = tuple(kind for edition in _EDITIONS for kind in _kinds(edition))
