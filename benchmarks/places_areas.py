"""Deprivation of authorities, the index, and registers of networks against what is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.open_data import areas, postcodes, practice_pcn, practices, qof_rows
from benchmarks.open_data_measures import OpenData
from benchmarks.places_figures import Cell, Table, Target, Told
from pophealth_link.indicators import registers
from pophealth_link.places import (
    deprivation_summary,
    domain_from_subdomain_ranks,
    domain_summary,
    imd_from_domain_ranks,
    practice_footprints,
)
from pophealth_link.places.imd import EDITIONS, ranked

_DECILE = "proportion_of_lso_as_in_most_deprived_10_percent_nationally"
_BEXLEY = "E09000004"
# Recorded depression of the four networks, Quality and Outcomes Framework 2020/21.
DEPRESSION: Mapping[str, tuple[int, int]] = {
    "U07140": (3_480, 30_057),
    "U88820": (3_990, 40_293),
    "U50197": (4_913, 43_720),
    "U67110": (8_141, 69_795),
}
_REGISTERS = {"DEP": "depression, 18 and over", "MH": "severe mental illness", "DEM": "dementia"}
# Measure: column published, largest error asked.
_SUMMARIES: Mapping[str, tuple[str, float]] = {
    "average_score": ("imd_average_score", 0.35),
    "extent": ("imd25_extent", 0.0075),
    "local_concentration": ("imd25_local_concentration", 200),
}
_RANKS_2025 = {
    "income": "Income_rank",
    "employment": "Employment_rank",
    "education": "Education_rank",
    "health": "Health_rank",
    "crime": "Crime_rank",
    "barriers": "Housing_and_Services_rank",
    "living_environment": "Environment_rank",
}
_NAMES = {
    "income": "income",
    "employment": "employment",
    "education": "education_skills_and_training",
    "health": "health_deprivation_and_disability",
    "crime": "crime",
    "barriers": "barriers_to_housing_and_services",
    "living_environment": "living_environment",
}
_PUBLISHED_DOMAINS = {
    "education": "Education_score",
    "barriers": "Housing_and_Services_score",
    "living_environment": "Environment_score",
}


def _scan(folder: Path, name: str) -> pl.LazyFrame:
    return pl.scan_parquet(folder / f"{name}.parquet")


def summaries(folder: Path) -> Told:
    """Compare the summary measures of each local authority with the published ones."""
    ages = _scan(folder, "census/age_group_2021_lsoa21")
    working = [f"Aged {ages} years" for ages in ("16 to 24", "25 to 34", "35 to 49", "50 to 64")]
    people = ages.select(
        "lsoa21_code",
        people=pl.sum_horizontal(pl.exclude("lsoa21_code")),
        working=pl.sum_horizontal(working),
    )
    # The lookup by wards puts one LSOA of West Northamptonshire in Cherwell; this one does not.
    authorities = _scan(folder, "lookups/lsoa21_msoa21_lad").select(
        lsoa21_code="lsoa21cd", ltla24_code="ladcd_active"
    )
    scores = _scan(folder, "deprivation/iod2025_lsoa21")
    frame = scores.join(people, on="lsoa21_code").join(authorities, on="lsoa21_code")
    found = deprivation_summary(
        frame,
        score="IMD_score",
        rank="IMD_rank",
        population="people",
        area="ltla24_code",
        n_areas=EDITIONS["2025"].n_areas,
    )
    published = _scan(folder, "deprivation/iod2025_summary_ltla24").collect()
    both = found.join(published, on="ltla24_code").sort("ltla24_code")
    own = both["proportion_most_deprived_decile"].round(4)
    alike = int(((own - both[f"imd_{_DECILE}"]).abs() < 1e-9).sum())
    targets = [
        Target(
            "share of LSOAs in the most deprived tenth, as published to four decimals, authorities",
            alike,
            f"{published.height}",
            met=alike == published.height,
        )
    ]
    rows: list[list[Cell]] = []
    for name, (column, most) in _SUMMARIES.items():
        errors = (both[name] - both[column]).abs()
        largest = float(str(errors.max()))
        place = both["ltla24_name"][int(errors.arg_max() or 0)]
        targets.append(
            Target(
                f"{_words(name)}: largest error", round(largest, 5), f"≤ {most}", largest <= most
            )
        )
        rows.append([_words(name), round(float(str(errors.median())), 5), round(largest, 5), place])
    errors = (both["average_rank"] - both["imd_average_rank"]).abs()
    place = both["ltla24_name"][int(errors.arg_max() or 0)]
    rows.append(
        [
            "average rank",
            round(float(str(errors.median())), 2),
            round(float(str(errors.max())), 2),
            place,
        ]
    )
    words = (
        "Residents at the census of 2021 weigh the LSOAs; the published measures are weighed by "
        "people of mid-2022, which the folder does not hold."
    )
    head = ["measure", "median error", "largest error", "where"]
    return Told(tuple(targets), (Table(head, rows, words), _domains(frame, published)))


def _domains(lsoas: pl.LazyFrame, published: pl.DataFrame) -> Table:
    """Compare the measures of each domain; the census has people of 16 to 64 for 18 to 66."""
    names = {
        f"{own.removesuffix('_rank')}_{kind}": f"{domain}_{kind}"
        for domain, own in _RANKS_2025.items()
        for kind in ("score", "rank")
    }
    columns = {"people": "population", "working": "population_working_age"}
    found = domain_summary(
        lsoas.rename(names | columns), area="ltla24_code", n_areas=EDITIONS["2025"].n_areas
    )
    rows: list[list[Cell]] = []
    for domain, name in _NAMES.items():
        both = found.filter(domain=domain).join(published, on="ltla24_code")
        share = both["proportion_most_deprived_decile"].round(4)
        errors = [
            (both[kind] - both[f"{name}_{kind}"]).abs()
            for kind in ("average_score", "average_rank")
        ]
        sizes = [round(float(str(each)), 4) for e in errors for each in (e.median(), e.max())]
        alike = int(((share - both[f"{name}_{_DECILE}"]).abs() < 1e-9).sum())
        rows.append([_words(domain), alike, *sizes])
    head = [
        "domain", "shares as published", "average score, median error", "largest",
        "average rank, median error", "largest",
    ]  # fmt: skip
    words = "Each domain by its own people; those of working age are stood in for by ages 16 to 64."
    return Table(head, rows, words)


def _words(name: str) -> str:
    return name.replace("_", " ")


def index(folder: Path) -> Told:
    """Rebuild the index of 2025 and 2019 from domain ranks, and domains from their parts."""
    scores = _scan(folder, "deprivation/iod2025_lsoa21").collect()
    made = imd_from_domain_ranks(scores, ranks=_RANKS_2025)
    errors = (made["imd_score"] - made["IMD_score"]).abs()
    within = int((errors <= 0.001).sum())
    target = Target(
        "IMD 2025 rebuilt from domain ranks within 0.001, LSOAs",
        within,
        f"{scores.height:,}",
        met=within == scores.height == EDITIONS["2025"].n_areas,
    )
    rows: list[list[Cell]] = [
        ["IMD 2025, from seven domain ranks", scores.height, round(float(str(errors.max())), 6)]
    ]
    parts = _scan(folder, "deprivation/iod2025_subdomains_lsoa21").collect()
    joined = scores.join(parts, on="lsoa21_code")
    for domain, column in _PUBLISHED_DOMAINS.items():
        found = domain_from_subdomain_ranks(joined, domain)
        largest = (found[f"{domain}_score"] - found[column]).abs().max()
        rows.append([f"{_words(domain)}, 2025, from two sub-domain ranks", found.height,
                     round(float(str(largest)), 6)])  # fmt: skip
    words = "Published scores have three decimals, so that an error of 0.0005 is rounding."
    head = ["score", "LSOAs", "largest error"]
    return Told((target,), (Table(head, rows, words), _index_2019(folder)))


def _index_2019(folder: Path) -> Table:
    held = _scan(folder, "deprivation/iod2019_lsoa11").collect()
    ranks = _RANKS_2025 | {"barriers": "Housing_and_Access_rank"}
    made = imd_from_domain_ranks(held, ranks=ranks, edition="2019").with_columns(
        ranked("imd_score", name="made")
    )
    off = (made["made"] - made["IMD_rank"]).abs()
    rows: list[list[Cell]] = [
        [
            "IMD 2019, from seven domain ranks",
            held.height,
            int((off == 0).sum()),
            int(str(off.max())),
        ]
    ]
    words = "The folder has no scores of 2019, so that the rebuilt score is judged by its ranks."
    return Table(["score", "LSOAs", "with the published rank", "largest error, ranks"], rows, words)


def bexley(folder: Path) -> Told:
    """Roll practices' registers up to Bexley's four networks."""
    data = OpenData(folder, (_BEXLEY,))
    frames = [make(data).collect() for make in (practices, practice_pcn, areas, postcodes)]
    surgeries, members, lsoas, places = frames
    units = practice_footprints(surgeries, members, None, lsoas, places, date(2023, 1, 1))
    found = registers(qof_rows(data), units, wanted=list(_REGISTERS)).filter(
        pl.col("footprint_type") == "pcn", pl.col("footprint_code").is_in(list(DEPRESSION))
    )
    rows: list[list[Cell]] = []
    right = 0
    for name, words in _REGISTERS.items():
        for row in found.filter(register=name).iter_rows(named=True):
            own = _sum_of(folder, row["footprint_code"], name)
            pair = (round(row["numerator"]), round(row["denominator"]))
            same = (row["numerator"], row["denominator"]) == own and row["coverage"] == 1
            told = DEPRESSION[row["footprint_code"]] if name == "DEP" else own
            right += same and pair == told
            rows.append([row["footprint_name"], words, *pair, round(row["value"], 3)])
    target = Target(
        "registers of Bexley's four networks, depression, severe mental illness and dementia, "
        "exactly those of their practices",
        right,
        "12",
        met=right == 12,
    )
    words = (
        "Each is compared with the plain sum over the practices that the directory lists, and "
        "depression with the published sums."
    )
    head = ["network", "register", "people on it", "people of its ages", "%"]
    return Told((target,), (Table(head, rows, words),))


def _sum_of(folder: Path, network: str, register: str) -> tuple[float, float]:
    """Return the plain sum over the practices that are in the network now."""
    members = _scan(folder, "nhs/epcn_2023_core_partner_details").filter(
        pl.col("pcn_code") == network,
        pl.col("practice_to_pcn_relationship_end_date").is_null(),
    )
    codes = set(members.select("partner_organisation_code").collect().to_series())
    rows = _scan(folder, "nhs/qof_prevalence_2020_21_practice").filter(
        pl.col("GROUP_CODE") == register
    )
    held = [row for row in rows.collect().iter_rows(named=True) if row["PRACTICE_CODE"] in codes]
    return sum(r["REGISTER"] for r in held), sum(r["PRACTICE_LIST_SIZE"] for r in held)
