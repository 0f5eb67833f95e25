"""A made-up run, small enough to read: 48 square-ish LSOAs, four PCNs, two ICPs, one authority."""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass
from datetime import date

import polars as pl

from pophealth_link.report import ReportInputs
from pophealth_link.schema import OUTPUT_TABLES, REFERENCE_TABLES

COLUMNS, ROWS, CELL = 8, 6, 900
PCNS = {
    "U00001": "Harbour and Northgate PCN",
    "U00002": "Millfield PCN",
    "U00003": "Priory and Riverside Community PCN",
    "U00004": "Weald PCN",
}
ICPS = {"ICP-W": "West Local Care Network", "ICP-E": "East Local Care Network"}
ICP_OF = {"U00001": "ICP-W", "U00002": "ICP-E", "U00003": "ICP-W", "U00004": "ICP-E"}
LAD = ("E06000099", "Exampleton")
HIGHEST = {"U00001": 1.35, "U00002": 1.0, "U00003": 0.92, "U00004": 0.72}
PEOPLE = {"U00001": 41_000, "U00002": 36_500, "U00003": 52_300, "U00004": 33_200}


@dataclass(frozen=True)
class Entry:
    """An indicator of the catalogue, with a typical value for the sample."""

    title: str
    domain: str
    unit: str
    level: str
    typical: float
    what_it_is: str = "What this indicator says, in one sentence that a reader understands."
    what_it_is_not: str = "Not to be taken for something else that sounds alike."
    numerator: str = "People counted"
    denominator: str = "People on the day"
    source: str = "A published source"
    imputed_down: bool = False


P, T, C = "%", "per 1,000 people", "score"
CATALOGUE = {
    "deprivation_average_score": Entry(
        "Deprivation: average score", "deprivation", C, "area", 22.4
    ),
    "deprivation_most_deprived_decile": Entry(
        "Areas among the most deprived tenth nationally", "deprivation", P, "area", 8.0
    ),
    "housing_social_rented": Entry("Households renting socially", "housing", P, "area", 17.1),
    "housing_private_rented": Entry("Households renting privately", "housing", P, "area", 20.5),
    "homelessness_duty_owed": Entry(
        "People owed a homelessness duty", "housing", "per 1,000 person-years", "person", 9.2
    ),
    "temporary_accommodation": Entry("Temporary accommodation", "housing", T, "person", 4.1),
    "overcrowding_bedrooms": Entry("Overcrowded households", "overcrowding", P, "area", 6.4),
    "employment_deprived": Entry("People out of work", "employment", P, "area", 11.3),
    "public_transport_access": Entry(
        "Access to public transport", "transport", "score, 0 to 100", "area", 61.0
    ),
    "noise_exposed_55db": Entry("Postcodes exposed to 55 dB", "noise", P, "area", 24.0),
    "noise_complaints": Entry("Complaints about noise", "noise", T, "area", 5.9, imputed_down=True),
    "one_person_households": Entry("One-person households", "social_isolation", P, "area", 30.2),
    "ethnic_asian": Entry("Residents of Asian groups", "population", P, "area", 12.0),
    "depression_recorded": Entry("Recorded depression, adults", "recorded_need", P, "person", 13.1),
    "severe_mental_illness_recorded": Entry(
        "Recorded severe mental illness", "recorded_need", P, "person", 1.1
    ),
    "dementia_recorded": Entry("Recorded dementia", "recorded_need", P, "person", 0.9),
    "mental_health_contacts": Entry(
        "Contacts with services", "service_use", "per 1,000 person-years", "person", 352.0
    ),
    "delayed_discharge_days_housing": Entry(
        "Delayed days for housing", "service_use", "days per 1,000 person-years", "person", 3.4
    ),
    "social_care_mental_health_support": Entry(
        "Adults supported by social care", "service_use", T, "person", 3.3
    ),
    "need_index": Entry("Index of need", "index", "standard deviations", "area", 0.2),
}
WITHHELD = {
    ("delayed_discharge_days_housing", "U00004"): "suppressed",
    ("temporary_accommodation", "U00002"): "linkage_too_weak",
    ("noise_exposed_55db", "*"): "no_data",
}


def wkb(ring: list[tuple[float, float]]) -> bytes:
    """Return a polygon as little-endian well-known binary."""
    points = [number for point in [*ring, ring[0]] for number in point]
    return struct.pack(f"<BIII{len(points)}d", 1, 3, 1, len(points) // 2, *points)


def lsoa(column: int, row: int) -> str:
    return f"E0100{row:02d}{column:02d}"


def pcn_of(column: int, row: int) -> str:
    return f"U0000{1 + (column >= COLUMNS // 2) + 2 * (row >= ROWS // 2)}"


def boundaries() -> pl.DataFrame:
    """Return a sheet of four-sided areas whose corners were moved, so that borders still fit."""
    rng = random.Random(7)
    corners = {
        (x, y): (
            530_000 + CELL * (x + rng.uniform(-0.3, 0.3)),
            170_000 + CELL * (y + rng.uniform(-0.3, 0.3)),
        )
        for y in range(ROWS + 1)
        for x in range(COLUMNS + 1)
    }
    rows = [
        {
            "area_type": "lsoa",
            "area_code": lsoa(x, y),
            "geometry": wkb(
                [corners[x, y], corners[x + 1, y], corners[x + 1, y + 1], corners[x, y + 1]]
            ),
        }
        for y in range(ROWS)
        for x in range(COLUMNS)
    ]
    return pl.DataFrame(rows, schema=REFERENCE_TABLES["boundaries"].polars_schema)


def resident_lookup() -> pl.DataFrame:
    rows = []
    for y in range(ROWS):
        for x in range(COLUMNS):
            pcn = pcn_of(x, y)
            for kind, code in (("pcn", pcn), ("icp", ICP_OF[pcn]), ("lad", LAD[0])):
                rows.append((lsoa(x, y), kind, code))
    return pl.DataFrame(
        rows, schema=["lsoa_code", "footprint_type", "footprint_code"], orient="row"
    )


def lsoa_measures() -> pl.DataFrame:
    rng = random.Random(11)
    rows = [
        (lsoa(x, y), indicator, entry.typical * (1.6 - 0.12 * x - 0.04 * y) * rng.uniform(0.7, 1.3))
        for indicator, entry in CATALOGUE.items()
        for y in range(ROWS)
        for x in range(COLUMNS)
        if entry.level == "area" and not entry.imputed_down and indicator != "noise_exposed_55db"
    ]
    return pl.DataFrame(rows, schema=["area_code", "indicator", "value"], orient="row")


def footprints() -> list[tuple[str, str, str, float, int]]:
    """Return (type, code, name, relative level, people) of each footprint."""
    pcn = [("pcn", code, name, HIGHEST[code], PEOPLE[code]) for code, name in PCNS.items()]
    total = sum(PEOPLE.values())
    level = sum(HIGHEST[code] * PEOPLE[code] for code in PCNS) / total
    icp = []
    for code, name in ICPS.items():
        own = [each for each in PCNS if ICP_OF[each] == code]
        people = sum(PEOPLE[each] for each in own)
        mean = sum(HIGHEST[each] * PEOPLE[each] for each in own) / people
        icp.append(("icp", code, name, mean, people))
    whole = [("lad", *LAD, level, total), ("whole", "whole", "Whole area", level, total)]
    reasons = [
        (kind, "no_fixed_abode", "No fixed abode", 2.2, 640)
        for kind in ("pcn", "icp", "lad", "whole")
    ]
    return [*pcn, *icp, *whole, *reasons]


def baseline() -> pl.DataFrame:
    rng = random.Random(3)
    rows = []
    strata = ("all", *(f"quintile_{fifth}" for fifth in range(1, 6)), "quintile_unknown")
    for indicator, entry in CATALOGUE.items():
        for kind, code, name, level, people in footprints():
            for basis in ("registered", "resident"):
                if code == "no_fixed_abode" and (basis == "registered" or entry.level == "area"):
                    continue
                for stratum in strata:
                    if stratum != "all" and entry.level == "area":
                        continue
                    rows.append(
                        _row(
                            rng, indicator, entry, (kind, code, name, level, people), basis, stratum
                        )
                    )
    given = pl.DataFrame(rows, schema=_GIVEN, orient="row")
    absent = [
        pl.lit(None, kind).alias(name)
        for name, kind in OUTPUT_TABLES["baseline"].polars_schema.items()
        if name not in _GIVEN
    ]
    return given.with_columns(absent).select(OUTPUT_TABLES["baseline"].names)


_GIVEN = {
    name: OUTPUT_TABLES["baseline"].polars_schema[name]
    for name in (
        *("footprint_type", "footprint_code", "footprint_name", "basis", "indicator", "stratum"),
        *("numerator", "denominator", "value", "lower", "upper", "linkage_lower", "linkage_upper"),
        *("unit", "period", "status"),
    )
}


def _row(rng, indicator, entry, footprint, basis, stratum):
    kind, code, name, level, people = footprint
    status = WITHHELD.get((indicator, code), WITHHELD.get((indicator, "*"), "ok"))
    if stratum != "all":
        fifth = 6 if stratum == "quintile_unknown" else int(stratum[-1])
        level, people = level * (1.5 - 0.17 * fifth), people / (5.5 if fifth < 6 else 80)
        status = "suppressed" if fifth == 6 or rng.random() < 0.05 else status
    status = "imputed_down" if entry.imputed_down else status
    given = status in {"ok", "imputed_down"}
    value = entry.typical * (1.0 if entry.imputed_down else level) * rng.uniform(0.95, 1.05)
    value -= 0.25 if indicator == "need_index" else 0.0
    scale = 100 if entry.unit == "%" else 1000
    share = abs(value) / scale
    half = 1.96 * math.sqrt(share * (1 + share) / people) * scale
    ratio = entry.unit not in {C, "score, 0 to 100", "standard deviations"}
    top = round(share * people / 5) * 5
    low, high = (max(value - half, 0.0), value + half) if ratio else (None, None)
    weak = given and ratio and entry.domain == "service_use"
    numbers = [
        *(float(top) if ratio else None, float(round(people / 5) * 5), value, low, high),
        *((low * 0.97, high * 1.04) if weak else (None, None)),
    ]
    numbers = numbers if given else [None] * 7
    return (
        *(kind, code, name, basis, indicator, stratum),
        *numbers,
        *(entry.unit, "1 April 2025 to 31 March 2026", status),
    )


LINKED = {
    "gp_register": ("primary_care", {"register": 163_000}, (0.998, 1.0, 0.981)),
    "mental_health_trust": (
        "secondary_care",
        {"nhs_number": 19_600, "name_dob_postcode": 800, "probabilistic": 450, "unlinked": 550},
        (0.942, 0.999, 0.96),
    ),
    "adult_social_care": (
        "local_authority",
        {"nhs_number": 2_100, "name_dob_postcode": 1_450, "probabilistic": 900, "unlinked": 750},
        (0.41, 0.985, 0.93),
    ),
    "housing_register": (
        "local_authority",
        {"name_dob_postcode": 1_980, "probabilistic": 1_210, "reviewed": None, "unlinked": 1_160},
        (0.0, 0.97, 0.995),
    ),
}


def source_row(name, counts):
    """What a card says of a source outside the register: `counts` by method, null: withheld."""
    of = sum(count or 0 for count in counts.values())
    share = {m: None if count is None else round(count / of, 3) for m, count in counts.items()}
    return {
        "source": name,
        "records": of,
        "methods": [
            {"method": m, "records": count, "share": share[m]}
            for m, count in counts.items()
            if m != "unlinked"
        ],
        "elsewhere": 0,
        "unlinked": counts.get("unlinked", 0),
    }


def card() -> dict[str, object]:
    names = ("nhs_number", "date_of_birth", "postcode")
    register = "gp_register"
    sources = [
        {"name": name, "setting": setting, "register": name == register,
         "records": sum(count or 0 for count in counts.values())}
        for name, (setting, counts, _) in LINKED.items()
    ]  # fmt: skip
    completeness = [
        {"source": source, "identifier": identifier, "share": share}
        for source, (_, _, shares) in LINKED.items()
        for identifier, share in zip(names, shares, strict=True)
    ]
    rows = [source_row(name, own) for name, (_, own, _) in LINKED.items() if name != register]
    return {
        "main_points": {"points": ["Most records were linked."]},
        "data": {"sources": sources, "completeness": completeness},
        "results": {"by_source": rows},
        "limits": {"limits": ["Links were judged without a truth file."]},
    }


def inputs(**changes: object) -> ReportInputs:
    """Return the inputs of the made-up run, with any of them changed."""
    given = {
        "baseline": baseline(),
        "catalogue": CATALOGUE,
        "boundaries": boundaries(),
        "lsoa_measures": lsoa_measures(),
        "resident_lookup": resident_lookup(),
        "card": card(),
        "title": "Mental-health need in Exampleton",
        "purpose": "Baseline of mental-health need, 2026/27",
        "as_of": date(2026, 4, 1),
        "period": "1 April 2025 to 31 March 2026",
        "policy": "hes",
        "reference": "Embedded example region",
        "warnings": (
            "1 PCN has more than 50,000 registered people: Priory and Riverside Community PCN.",
        ),
        "synthetic": True,
    }
    return ReportInputs(**{**given, **changes})
