"""Put a folder of open data for England into the forms of the official files, and build the pack.

    python -m benchmarks.open_data_pack --from DIR --out PACK [--keep FILES]

The folder's tables came through packages that renamed their columns; here they get the official
headers back, so that `pophealth-link reference build` reads them as it reads the downloads. What
has no official form here (accessibility of London, values of authorities, local care networks) is
written in the library's own. `--keep` leaves the files in that folder.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from benchmarks.open_data_measures import OpenData, area_measures, residents
from pophealth_link.errors import UserError
from pophealth_link.places.geometry import read_shapes, shape_columns, shape_layers
from pophealth_link.reference import Built, ShapeReader, build

# Measures of the folder that no official file here gives.
_OWN_MEASURES = (
    "public_transport",
    "noise_complaints",
    "homelessness_assessed",
    "temporary_accommodation_lad",
)
_DOMAINS = {
    "IMD": "Index of Multiple Deprivation (IMD) {}",
    "Income": "Income {}",
    "Employment": "Employment {}",
    "Education": "Education, Skills and Training {}",
    "Health": "Health Deprivation and Disability {}",
    "Crime": "Crime {}",
    "Housing_and_Services": "Barriers to Housing and Services {}",
    "Housing_and_Access": "Barriers to Housing and Services {}",
    "Environment": "Living Environment {}",
}
_PARTS = {
    "score": "Score",
    "rank": "Rank (where 1 is most deprived)",
    "decile": "Decile (where 1 is most deprived 10% of LSOAs)",
}
_INDICATORS = {
    "mental_health_indicator": "Mental health indicator",
    "violence_with_injury_rate_per_1_000_at_risk_population": (
        "Violence with injury, rate per 1,000 'at-risk population'"
    ),
    "anti_social_behaviour_rate_per_1_000_at_risk_population": (
        "Anti-Social Behaviour, rate per 1,000 'at-risk population'"
    ),
    "connectivity_score": "Connectivity score",
    "housing_affordability_indicator": "Housing affordability indicator",
    "core_homelessness_rate_percent_of_households": "Core homelessness rate (% of households)",
    "patient_to_gp_ratio": "Patient-to-GP Ratio",
    "homelessness_indicator_rate_per_1_000_households": (
        "Homelessness indicator (rate per 1,000 households)"
    ),
    "household_overcrowding_indicator_rooms": "Household overcrowding indicator (rooms)",
    "household_overcrowding_indicator_bedrooms": "Household overcrowding indicator (bedrooms)",
}
# Table, category of its headers, total and what comes before a category's name.
_CENSUS = {
    "household_deprivation_2021": ("ts011", "Household deprivation", "total_households", ""),
    "ethnic_group_2021": ("ts021", "Ethnic group", "total_residents", ""),
    "disability_2021": ("ts038", "Disability", "total_residents", ""),
    "occupancy_rating_bedrooms_2021": (
        "ts052",
        "Occupancy rating for bedrooms",
        "total_households",
        "Occupancy rating of bedrooms: ",
    ),
    "tenure_2021": ("ts054", "Tenure of household", "total_households", ""),
}


def _domain_headers(columns: Sequence[str]) -> dict[str, str]:
    found = {}
    for column in columns:
        domain, _, part = column.rpartition("_")
        if domain in _DOMAINS and part in _PARTS:
            words = _DOMAINS[domain].format(_PARTS[part])
            rated = domain in ("Income", "Employment") and part == "score"
            found[column] = f"{words} (rate)" if rated else words
    return found


def _iod2025(data: OpenData) -> pl.LazyFrame:
    """File 7, with the people of Census 2021; those of working age are numerator / score."""
    scores = data.scan("deprivation/iod2025_lsoa21")
    counts = data.scan("deprivation/iod2025_indicators_lsoa21").select(
        "lsoa21_code", "employment_domain_numerator"
    )
    people = residents(data).rename({"lsoa_code": "lsoa21_code", "population": "Total population"})
    working = (pl.col("employment_domain_numerator") / pl.col("Employment_score")).round(0)
    frame = scores.join(counts, on="lsoa21_code", how="left").join(people, on="lsoa21_code")
    headers = _domain_headers(scores.collect_schema().names())
    return frame.select(
        pl.col("lsoa21_code").alias("LSOA code (2021)"),
        *(pl.col(old).alias(new) for old, new in headers.items()),
        "Total population",
        working.alias("Working age population 18-66"),
    )


def _iod2019(data: OpenData) -> pl.LazyFrame:
    """File 2: ranks and deciles; the folder has no scores."""
    frame = data.scan("deprivation/iod2019_lsoa11")
    headers = _domain_headers(frame.collect_schema().names())
    return frame.select(
        pl.col("lsoa11_code").alias("LSOA code (2011)"),
        *(pl.col(old).alias(new) for old, new in headers.items()),
    )


def _indicators(data: OpenData) -> pl.LazyFrame:
    return data.scan("deprivation/iod2025_indicators_lsoa21").select(
        pl.col("lsoa21_code").alias("LSOA code (2021)"),
        *(pl.col(old).alias(new) for old, new in _INDICATORS.items()),
    )


def _census(data: OpenData, name: str) -> pl.LazyFrame:
    _, category, total, before = _CENSUS[name]
    frame = data.scan(f"census/{name}_lsoa21")
    parts = [c for c in frame.collect_schema().names() if c not in ("lsoa21_code", total)]
    return frame.select(
        pl.lit(2021).alias("date"),
        pl.col("lsoa21_code").alias("geography code"),
        pl.col(total).alias(f"{category}: Total"),
        *(pl.col(part).alias(f"{category}: {before}{part}") for part in parts),
    )


def _postcodes(data: OpenData) -> pl.LazyFrame:
    return data.scan("postcodes/postcodes_england").select(
        "pcds",
        "dointr",
        pl.lit("").alias("doterm"),
        pl.col("usertype").cast(pl.String).alias("usrtypind"),
        pl.col("easting").alias("east1m"),
        pl.col("northing").alias("north1m"),
        "lsoa11cd",
        "lsoa21cd",
        "oa11cd",
    )


def _changes(data: OpenData) -> pl.LazyFrame:
    return data.scan("lookups/lsoa11_lsoa21_ltla22").select(
        pl.col("lsoa11_code").alias("LSOA11CD"),
        pl.col("lsoa21_code").alias("LSOA21CD"),
        pl.col("change_code").alias("CHGIND"),
    )


def _lookup(name: str, columns: Mapping[str, str]) -> Callable[[OpenData], pl.LazyFrame]:
    def frame(data: OpenData) -> pl.LazyFrame:
        chosen = (pl.col(old).alias(new) for old, new in columns.items())
        return data.scan(f"lookups/{name}").select(chosen).unique(maintain_order=True)

    return frame


def _areas(data: OpenData) -> pl.LazyFrame:
    frame = data.scan("lookups/lsoa21_msoa21_lad").select(
        LSOA21CD="lsoa21cd", MSOA21CD="msoa21cd", MSOA21NM="msoa21nm", RGN22CD="rgncd"
    )
    authorities = data.lsoas().select(LSOA21CD="lsoa_code", LAD24CD="lad_code", LAD24NM="lad_name")
    return frame.join(authorities, on="LSOA21CD", maintain_order="left")


def _vintages(data: OpenData) -> pl.LazyFrame:
    frame = data.scan("lookups/ltla_vintages")
    names = frame.collect_schema().names()
    return frame.rename(
        {
            n: n.upper().replace("LTLA", "LAD").replace("_CODE", "CD").replace("_NAME", "NM")
            for n in names
        }
    )


def _members(data: OpenData) -> pl.LazyFrame:
    frame = data.scan("nhs/epcn_2023_core_partner_details")
    return frame.select(frame.collect_schema().names()[:10])


def _practices(data: OpenData) -> pl.LazyFrame:
    """The file without a header has 27 columns; those that the folder lacks are empty."""
    frame = data.scan("nhs/epraccur_2023")
    names = frame.collect_schema().names()
    at = {position: pl.col(name) for position, name in enumerate(names[:17])}
    at |= {
        21: pl.col("amended"),
        23: pl.col("provider_purchaser"),
        25: pl.col("prescribing_setting"),
    }
    return frame.select(at.get(n, pl.lit("")).alias(str(n)) for n in range(27))


def _population(data: OpenData) -> pl.LazyFrame:
    frame = data.scan("census/population_mid2020_single_year_lsoa11")
    return frame.rename(
        {"lsoa11_code": "LSOA Code", "lsoa11_name": "LSOA Name", "total_population": "All Ages"}
    )


def _own_measures(data: OpenData) -> pl.LazyFrame:
    return area_measures(data).filter(pl.col("measure").is_in(_OWN_MEASURES))


_FILES: Mapping[str, Callable[[OpenData], pl.LazyFrame]] = {
    "iod2025_file7.csv": _iod2025,
    "iod2025_file8.csv": _indicators,
    "iod2019_file2.csv": _iod2019,
    "nspl.csv": _postcodes,
    "lsoa11_lsoa21.csv": _changes,
    "lsoa21_wd24.csv": _lookup(
        "lsoa21_ward24_ltla24",
        {
            "lsoa21_code": "LSOA21CD",
            "lsoa21_name": "LSOA21NM",
            "ward24_code": "WD24CD",
            "ward24_name": "WD24NM",
        },
    ),
    "lsoa21_lad22.csv": _lookup(
        "lsoa11_lsoa21_ltla22",
        {"lsoa21_code": "LSOA21CD", "ltla22_code": "LAD22CD", "ltla22_name": "LAD22NM"},
    ),
    "lsoa21_icb24.csv": _lookup(
        "lsoa21_sicbl24_icb24",
        {
            "lsoa21_code": "LSOA21CD",
            "sicbl24_code": "SICBL24CD",
            "sicbl24_code_nhs": "SICBL24CDH",
            "sicbl24_name": "SICBL24NM",
            "icb24_code": "ICB24CD",
            "icb24_code_nhs": "ICB24CDH",
            "icb24_name": "ICB24NM",
        },
    ),
    "lsoa21_msoa21_lad24.csv": _areas,
    "lad_vintages.csv": _vintages,
    "PREVALENCE_2021.csv": lambda data: data.scan("nhs/qof_prevalence_2020_21_practice"),
    "gp-reg-pat-prac-map.csv": lambda data: data.scan("nhs/gp_reg_pat_prac_map_2022"),
    "mid-2020-persons.csv": _population,
    "own_measures.csv": _own_measures,
}
_NO_HEADER: Mapping[str, Callable[[OpenData], pl.LazyFrame]] = {
    "epcncorepartnerdetails.csv": _members,
    "epraccur.csv": _practices,
}


def official(source: Path, folder: Path) -> None:
    """Write the files of `source` to `folder` in the official forms."""
    data = OpenData(source)
    for name, make in {**_FILES, **_NO_HEADER}.items():
        make(data).collect().write_csv(folder / name, include_header=name not in _NO_HEADER)
    for name, (table, *_) in _CENSUS.items():
        _census(data, name).collect().write_csv(folder / f"census2021-{table}-lsoa.csv")
    for file in sorted((source / "footprints").glob("*.csv")):
        shutil.copy(file, folder / file.name)
    shutil.copy(source / "boundaries" / "lsoa21_england.parquet", folder)
    held = pq.read_table(source / "boundaries" / "ltla24_england.parquet")
    named = held.rename_columns(["LAD24NM", "LAD24CD", "geometry"])
    geo = {b"geo": held.schema.metadata[b"geo"]}
    pq.write_table(named.replace_schema_metadata(geo), folder / "lad24.parquet")


def convert(source: Path, out: Path, keep: Path | None = None) -> Built:
    """Build the pack `out` of all England from the folder of open data."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        official(source, folder)
        return build(folder, out, shapes=ShapeReader(shape_layers, shape_columns, read_shapes))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_data_pack")
    parser.add_argument("--from", dest="folder", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="PACK")
    parser.add_argument("--keep", type=Path, default=None, metavar="FILES")
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    try:
        built = convert(given.folder, given.out, given.keep)
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(built)
    print(f"{time.perf_counter() - began:.1f} seconds, all England")
    return 0


if __name__ == "__main__":
    sys.exit(main())
