"""A small made-up area: two PCNs, three practices, LSOAs of two authorities, people and events."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from pophealth_link.indicators import catalogue
from pophealth_link.need import BaselineInputs
from pophealth_link.places.units import REASONS
from pophealth_link.schema.codes import AGE_BAND_STARTS, CONDITION, HEALTH_CHECK
from pophealth_link.schema.reference import AREA_MEASURES

AS_OF = date(2026, 4, 1)
PERIOD = (date(2025, 4, 1), date(2026, 3, 31))
PRACTICES = {"P1": "U1", "P2": "U1", "P3": "U2"}
GROUPS = ["white", "mixed", "asian", "black", "other", "unknown"]
REASONS_OF_SUPPORT = ["mental_health", "physical", "memory_and_cognition", "substance_misuse",
                      "learning_disability"]  # fmt: skip
ICD10 = ["F32.1", "F41", "F200", "F00.1", "F50.0", "F603", "X61", "F10.2", "F84.0", "F90", "J18"]
EMERGENCY, ELECTIVE = "21", "11"
COUNTED = (
    *("overcrowded_bedrooms", "tenure_social_rented", "tenure_private_rented"),
    *("one_person_households", "employment_deprived", "income_deprived", "disabled"),
    *("ethnic_asian", "ethnic_black", "ethnic_mixed", "ethnic_other", "ethnic_white"),
    "noise_exposed_55db",
)
OF_AUTHORITIES = ("noise_complaints", "homelessness_assessed", "temporary_accommodation_lad")
NAMED = (*COUNTED, *OF_AUTHORITIES, "public_transport")


def lsoa(number: int) -> str:
    return f"E{number:08d}"


def areas(count: int) -> pl.DataFrame:
    half = count // 2
    return pl.DataFrame(
        {
            "lsoa_code": [lsoa(n) for n in range(count)],
            "lad_code": ["L1" if n < half else "L2" for n in range(count)],
            "lad_name": ["One" if n < half else "Two" for n in range(count)],
            "population": [1000 + 10 * n for n in range(count)],
            "households": [400 + 5 * n for n in range(count)],
        }
    )


AREA_LEVEL = catalogue().at("area")


def further(count: int) -> list[tuple[object, ...]]:
    """Every measure of the catalogue that `measures` does not name."""
    rows: list[tuple[object, ...]] = []
    for each in AREA_LEVEL:
        if each.measure is None or each.measure in NAMED:
            continue
        if each.area_type == "lad":
            rows += [(each.measure, "lad", lad, None, None, 3.0, "2024") for lad in ("L1", "L2")]
        elif each.statistic == "score":
            values = [(lsoa(n), None, None, 30.0 - n / count) for n in range(count)]
            rows += [(each.measure, "lsoa", *value, "2025") for value in values]
        else:
            counts = [(lsoa(n), float(20 + n % 7), 400.0, None) for n in range(count)]
            rows += [(each.measure, "lsoa", *value, "2021") for value in counts]
    return rows


def deprivation(count: int) -> pl.DataFrame:
    """Every LSOA but the last has a score: the last is `quintile_unknown`."""
    return pl.DataFrame(
        {
            "lsoa_code": [lsoa(n) for n in range(count - 1)],
            "imd_score": [60.0 - n * 50 / count for n in range(count - 1)],
            "imd_rank": [1 + n for n in range(count - 1)],
            "imd_decile": [1 + n * 10 // count for n in range(count - 1)],
            "population": [900 + 10 * n for n in range(count - 1)],
            "population_working_age": [500 + 6 * n for n in range(count - 1)],
            "population_children": [200 + n for n in range(count - 1)],
            "population_older": [150 + 2 * n for n in range(count - 1)],
            **{
                each.deprivation: [0.5 - 0.4 * n / count for n in range(count - 1)]
                for each in AREA_LEVEL
                if str(each.deprivation).endswith("_score") and each.deprivation != "imd_score"
            },
        }
    )


def measures(count: int) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    base = np.linspace(0.4, 0.05, count)
    rows = []
    for name in COUNTED:
        shares = np.clip(base + rng.normal(0, 0.03, count), 0.01, 0.9)
        rows += [
            (name, "lsoa", lsoa(n), float(round(share * 500)), 500.0, None, "2021")
            for n, share in enumerate(shares)
        ]
    rows += [
        ("public_transport", "lsoa", lsoa(n), None, 1000.0 + n, 40.0 + n, "2025")
        for n in range(count)
    ]
    for name in OF_AUTHORITIES:
        rows += [
            (name, "lad", lad, None, 50_000.0, value, "2024")
            for lad, value in (("L1", 4.0), ("L2", 8.0))
        ]
    rows += further(count)
    return pl.DataFrame(rows, schema=AREA_MEASURES.polars_schema, orient="row")


def unit_footprints(count: int, *, split: bool = False) -> pl.DataFrame:
    """Registered: PCN, ICP (`split`: P2 lies in both), whole. Resident: the same and LAD."""
    rows = []
    for practice, pcn in PRACTICES.items():
        rows += [("registered", practice, "pcn", pcn, pcn, 1.0)]
        rows += [("registered", practice, "whole", "whole", "Whole area", 1.0)]
        icps = [("I1", 0.25), ("I2", 0.75)] if split and practice == "P2" else [(f"I{pcn[1]}", 1.0)]
        rows += [("registered", practice, "icp", icp, icp, share) for icp, share in icps]
    for n in range(count):
        side = "1" if n % 3 else "2"
        lad = "L1" if n < count // 2 else "L2"
        rows += [("resident", lsoa(n), "pcn", f"U{side}", f"U{side}", 1.0)]
        rows += [("resident", lsoa(n), "icp", f"I{side}", f"I{side}", 1.0)]
        rows += [("resident", lsoa(n), "lad", lad, lad, 1.0)]
        rows += [("resident", lsoa(n), "whole", "whole", "Whole area", 1.0)]
    kinds = {"registered": ("pcn", "icp", "whole"), "resident": ("pcn", "icp", "lad", "whole")}
    for basis, reasons in REASONS.items():
        rows += [
            (basis, reason, kind, reason, name, 1.0)
            for reason, name in reasons.items()
            for kind in kinds[basis]
        ]
    names = ["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"]
    return pl.DataFrame(rows, schema=names, orient="row")


def people(size: int, count: int, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    place = rng.integers(0, count, size)
    practice = rng.choice([*PRACTICES, "not_registered", "unknown_practice"], size,
                          p=[0.4, 0.3, 0.25, 0.03, 0.02])  # fmt: skip
    placed = rng.random(size) < 0.97
    reason = rng.choice(list(REASONS["resident"]), size)
    on_register = practice != "not_registered"
    current = rng.random(size) < 0.95
    years = np.where(current, 1.0, rng.integers(0, 365, size) / 365.25)
    decile = 1 + place * 10 // count
    frame = pl.DataFrame(
        {
            "person_id": [f"p{n:07d}" for n in range(size)],
            "on_register": on_register,
            "current": current,
            "age_band": rng.choice(list(AGE_BAND_STARTS), size),
            "sex": rng.choice(["1", "2", "9"], size, p=[0.49, 0.49, 0.02]),
            "ethnic_group": rng.choice(GROUPS, size, p=[0.55, 0.05, 0.15, 0.15, 0.05, 0.05]),
            "keyed_uprn": [f"h{n:07d}" for n in rng.integers(0, max(1, size // 3), size)],
            "person_years": years,
            "registered_unit": practice,
            "number": place,
            "placed": placed,
            "reason": reason,
            "quintile": (decile + 1) // 2,
        }
    )
    code = pl.format("E{}", pl.col("number").cast(pl.String).str.zfill(8))
    known = pl.col("placed")
    return frame.with_columns(
        lsoa_code=pl.when(known).then(code),
        resident_unit=pl.when(known).then(code).otherwise("reason"),
        quintile=pl.when(known & (pl.col("number") < count - 1)).then("quintile"),
    ).drop("number", "placed", "reason")


def events(size: int, rows: int, seed: int = 2) -> dict[str, pl.DataFrame]:
    """Every table with `rows` rows of `size` people, in, before and after the period."""
    rng = np.random.default_rng(seed)

    def who() -> list[str]:
        return [f"p{n:07d}" for n in np.minimum(rng.geometric(20 / size, rows) - 1, size - 1)]

    def days(first: int = -400, last: int = 400) -> pl.Series:
        return pl.Series(rng.integers(first, last, rows)).cast(pl.Int64)

    def day(offset: pl.Series) -> pl.Series:
        return pl.select(pl.lit(PERIOD[0]) + pl.duration(days=offset)).to_series().cast(pl.Date)

    def table(**columns: object) -> pl.DataFrame:
        return pl.DataFrame({"person_id": who(), "source": "s", **columns})

    def spell(length: int = 60) -> dict[str, pl.Series]:
        begin = days()
        still = rng.random(rows) < 0.2
        end = day(begin + pl.Series(rng.integers(0, length, rows)))
        return {
            "start_date": day(begin),
            "end_date": pl.Series([None if s else e for s, e in zip(still, end, strict=True)],
                                  dtype=pl.Date),
        }  # fmt: skip

    ids = [f"e{n}" for n in range(rows)]
    method = rng.choice([EMERGENCY, ELECTIVE], rows)
    conditions = list(CONDITION.codes)
    return {
        "condition_events": table(
            condition=rng.choice(conditions, rows),
            recorded_date=day(days(-9000, 400)),
            resolved_date=pl.Series(
                [d if keep else None for d, keep in
                 zip(day(days()), rng.random(rows) < 0.2, strict=True)], dtype=pl.Date),
        ),
        "health_checks": table(component=rng.choice(list(HEALTH_CHECK.codes), rows),
                               recorded_date=day(days())),
        "diagnoses": table(diagnosis=rng.choice(ICD10, rows), recorded_date=day(days(-9000, 400))),
        "employment": table(employment_status=rng.choice(["01", "02", "04", "ZZ"], rows),
                            recorded_date=day(days())),
        "emergency_attendances": table(diagnosis=rng.choice(ICD10, rows),
                                       arrival_date=day(days())),
        "referrals": table(referral_id=ids, referral_date=day(days())),
        "contacts": table(contact_id=ids, contact_date=day(days()),
                          attendance=rng.choice(["2", "3", "5", "6", "7"], rows)),
        "hospital_spells": table(**spell(), admission_method=method),
        "delayed_discharges": table(**spell(), reason=rng.choice(["14", "32", "03", "98"], rows)),
        "admissions": table(**spell(), admission_method=method,
                            primary_diagnosis=rng.choice(["F321", "X60", "J189", "X85"], rows)),
        "social_care_events": table(**spell(900),
            primary_support_reason=rng.choice(REASONS_OF_SUPPORT, rows)),
        "housing_applications": table(**spell(900), bedrooms_short=rng.integers(0, 3, rows)),
        "homelessness_cases": table(**spell(), duty=rng.choice(["relief", "main"], rows)),
        "temporary_accommodation": table(**spell(900)),
    }  # fmt: skip


def dwellings(size: int, count: int, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = max(1, size // 3)
    return pl.DataFrame(
        {
            "source": "ctax",
            "record_id": [f"d{n}" for n in range(rows)],
            "keyed_uprn": [f"h{n:07d}" for n in range(rows)],
            "lsoa_code": [lsoa(int(n)) for n in rng.integers(0, count, rows)],
            "single_person_discount": rng.random(rows) < 0.3,
            "licensed_hmo": rng.random(rows) < 0.02,
        }
    )


def inputs(
    size: int = 3000, count: int = 80, rows: int = 1500, **changes: object
) -> BaselineInputs:
    given: dict[str, object] = {
        "people": people(size, count),
        "events": events(size, rows),
        "dwellings": dwellings(size, count),
        "areas": areas(count),
        "deprivation": deprivation(count),
        "measures": measures(count),
        "unit_footprints": unit_footprints(count),
        "as_of": AS_OF,
        "period": PERIOD,
        "n_areas": 33_755,
    }
    return BaselineInputs(**(given | changes))  # type: ignore[arg-type]


def later(day: date, days: int) -> date:
    return day + timedelta(days=days)
