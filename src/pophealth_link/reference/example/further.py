"""Further measures of the example region: the indices' domains and indicators, more of the census.

Levels are assumed, of the order of the published ones; the gradients are those of `measures`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.reference.example import names, plan
from pophealth_link.reference.example.geometry import Floats
from pophealth_link.reference.example.measures import (
    CENSUS,
    counts,
    jittered,
    part_of,
    rising_share,
    scores,
)
from pophealth_link.reference.example.settlement import Settlement


def with_domains(
    rng: np.random.Generator, deprivation: pl.DataFrame, measures: pl.DataFrame, nation: Floats
) -> pl.DataFrame:
    """Return `deprivation` with the domains' scores and the people who weigh them.

    The income and employment scores are the shares whose counts `measures` holds.
    """
    people, working = (
        _count(measures, name)["denominator"].cast(pl.Int64)
        for name in ("income_deprived", "employment_deprived")
    )
    found = {
        "income_score": _shares(measures, "income_deprived"),
        "employment_score": _shares(measures, "employment_deprived"),
        **_domains(rng, nation),
    }
    ages = {
        f"population_{name}": part_of(rng.uniform(*span, len(nation)), people.to_numpy())
        for name, span in (("children", (0.15, 0.24)), ("older", (0.14, 0.22)))
    }
    return deprivation.with_columns(
        *(pl.Series(name, np.round(value, 3)) for name, value in found.items()),
        *(pl.Series(name, count) for name, count in ages.items()),
        population_working_age=working,
    )


def _domains(rng: np.random.Generator, nation: Floats) -> dict[str, Floats]:
    """Return the scores of the other domains and of children and older people, by name.

    Health and crime are standardised, about 0 in the middle of the nation; the others are
    exponential or shares. Barriers and living environment follow deprivation least.
    """
    many, level = len(nation), np.log(nation / (1 - nation))
    education = (4 + 48 * nation**1.8) * rng.lognormal(0, 0.2, many)
    barriers = (14 + 14 * nation) * rng.lognormal(0, 0.3, many)
    living = (9 + 15 * nation) * rng.lognormal(0, 0.5, many)
    return {
        "education_score": np.minimum(education, 99.0),
        "health_score": 0.45 * level + rng.normal(0, 0.25, many),
        "crime_score": 0.35 * level + rng.normal(0, 0.45, many),
        "barriers_score": np.minimum(barriers, 70.0),
        "living_environment_score": np.minimum(living, 90.0),
        "idaci_score": rising_share(rng, nation, base=0.06, gain=0.45, power=1.4, spread=0.1),
        "idaopi_score": rising_share(rng, nation, base=0.07, gain=0.35, power=1.5, spread=0.12),
    }


def _count(measures: pl.DataFrame, measure: str) -> pl.DataFrame:
    return measures.filter(pl.col("measure") == measure)


def further_measures(
    rng: np.random.Generator, place: Settlement, nation: Floats, measures: pl.DataFrame
) -> pl.DataFrame:
    """Return more rows of `area_measures`, in keeping with those that `measures` holds."""
    return pl.concat(
        [
            *_households(rng, place, nation),
            *_tenures(rng, place, measures),
            *_work(rng, place, nation, measures),
            *_indices(rng, place, nation, measures),
            *_surroundings(rng, place, nation),
            *_of_authorities(rng, place),
        ]
    )


def _households(rng: np.random.Generator, place: Settlement, nation: Floats) -> list[pl.DataFrame]:
    homes = place.households
    town = plan.nearness(place.sites, plan.CENTRES, 1.2)
    deprived = rising_share(rng, nation, base=0.36, gain=0.32, power=1.0, spread=0.05)
    shares = {
        "households_deprived": deprived,
        "households_deprived_three": deprived * (0.03 + 0.20 * nation),
        "overcrowded_rooms": rising_share(rng, nation, base=0.02, gain=0.15, power=1.5, spread=0.2),
        "no_car": rising_share(rng, nation, base=0.07, gain=0.30, power=1.3, spread=0.1)
        + 0.15 * town,
        "lone_parent_households": rising_share(
            rng, nation, base=0.06, gain=0.1, power=1.2, spread=0.1
        ),
    }
    return [
        counts(name, place.codes, part_of(of_homes, homes), homes, CENSUS)
        for name, of_homes in shares.items()
    ]


def _tenures(
    rng: np.random.Generator, place: Settlement, measures: pl.DataFrame
) -> list[pl.DataFrame]:
    """Return the tenures that are not rented: with the rented ones they sum to the households."""
    homes = place.households
    rented = sum(
        _count(measures, f"tenure_{name}")["numerator"].to_numpy().astype(np.int64)
        for name in ("social_rented", "private_rented")
    )
    rest = homes - rented
    shared = np.floor(rng.uniform(0.003, 0.03, len(homes)) * rest).astype(np.int64)
    free = np.floor(rng.uniform(0.0, 0.004, len(homes)) * rest).astype(np.int64)
    tenures = {"owned": rest - shared - free, "shared_ownership": shared, "rent_free": free}
    return [
        counts(f"tenure_{name}", place.codes, count, homes, CENSUS)
        for name, count in tenures.items()
    ]


def _work(
    rng: np.random.Generator, place: Settlement, nation: Floats, measures: pl.DataFrame
) -> list[pl.DataFrame]:
    adults = part_of(rng.uniform(0.78, 0.84, len(nation)), place.population)
    working = _count(measures, "employment_deprived")["denominator"].to_numpy().astype(np.int64)
    unemployed = rising_share(rng, nation, base=0.018, gain=0.05, power=1.3, spread=0.12)
    sick = rising_share(rng, nation, base=0.018, gain=0.085, power=1.5, spread=0.12)
    claiming = rising_share(rng, nation, base=0.012, gain=0.07, power=1.5, spread=0.12)
    return [
        counts("unemployed", place.codes, part_of(unemployed, adults), adults, CENSUS),
        counts("long_term_sick", place.codes, part_of(sick, adults), adults, CENSUS),
        counts("claimant_count", place.codes, part_of(claiming, working), working, "2025"),
    ]


def _indices(
    rng: np.random.Generator, place: Settlement, nation: Floats, measures: pl.DataFrame
) -> list[pl.DataFrame]:
    """Return indicators that the indices of deprivation publish beside their domains."""
    people, homes = place.population, place.households
    level = np.log(nation / (1 - nation))
    bedrooms = _shares(measures, "overcrowded_bedrooms")
    asb = (8 + 34 * nation**1.5) * rng.lognormal(0, 0.25, len(nation))
    violence = (4 + 16 * nation**1.5) * rng.lognormal(0, 0.25, len(nation))
    rooms = np.minimum(1.4 * bedrooms * rng.lognormal(0, 0.1, len(nation)), 1.0)
    weighed = (
        ("anti_social_behaviour", asb, people),
        ("violence_with_injury", violence, people),
        ("overcrowding_bedrooms_iod", bedrooms, homes),
        ("overcrowding_rooms_iod", rooms, homes),
        ("housing_affordability", 0.9 * level + rng.normal(0, 0.6, len(nation)), homes),
        ("mental_health_iod", 0.4 * level + rng.normal(0, 0.3, len(nation)), people),
        ("patients_per_gp", 1_900 + 500 * nation + rng.normal(0, 180, len(nation)), people),
    )
    return [
        scores(name, "lsoa", place.codes, np.round(value, 4), weight)
        for name, value, weight in weighed
    ]


def _surroundings(
    rng: np.random.Generator, place: Settlement, nation: Floats
) -> list[pl.DataFrame]:
    centre = plan.nearness(place.sites, plan.CENTRES, 2.0)
    connected = np.clip(22 + 52 * centre + rng.normal(0, 4, len(centre)), 1, 99)
    hazards = np.clip(12 + 14 * centre + 12 * nation + rng.normal(0, 3, len(centre)), 1, 99)
    return [
        scores(name, "lsoa", place.codes, np.round(value, 1), place.population)
        for name, value in (("connectivity_all_modes", connected), ("ahah", hazards))
    ]


def _of_authorities(rng: np.random.Generator, place: Settlement) -> list[pl.DataFrame]:
    """Return measures known only for whole local authorities.

    The indices print those of `of_lsoas` beside every LSOA of the authority, and so does this.
    """
    codes = tuple(code for code, _ in names.LADS)
    people = np.bincount(place.lad, place.population).astype(np.int64)
    of_lads = {
        "noise_exposed_day_lad": (6.4, 4.1),
        "noise_exposed_night_lad": (9.8, 6.9),
        "loneliness": (23.5, 21.8),
        "rough_sleeping": (6.2, 3.7),
    }
    of_lsoas = {"homelessness_iod": (7.2, 5.0), "core_homelessness": (0.9, 0.6)}
    return [
        scores(name, "lad", codes, jittered(rng, usual), people) for name, usual in of_lads.items()
    ] + [
        scores(name, "lsoa", place.codes, jittered(rng, usual)[place.lad], place.households)
        for name, usual in of_lsoas.items()
    ]


def _shares(measures: pl.DataFrame, measure: str) -> Floats:
    found = _count(measures, measure)
    return (found["numerator"] / found["denominator"]).to_numpy()
