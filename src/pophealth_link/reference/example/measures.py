"""Deprivation and social measures of the example region, with believable gradients."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.reference.example import names, plan
from pophealth_link.reference.example.geometry import Floats, Integers
from pophealth_link.reference.example.settlement import Settlement

# English LSOAs of 2021, ranked by the Index of Multiple Deprivation 2025.
N_AREAS = 33_755
CENSUS = "2021-03-21"
_GROUPS = ("mixed", "asian", "black", "other")
_GROUP_WEIGHTS = (6.0, 13.0, 9.0, 4.0)


def standing(rng: np.random.Generator, place: Settlement) -> Floats:
    """Return each LSOA's place in the national ranking, near 1 most deprived, near 0 least.

    The region's own order is spread over the nation, rather more of it in the deprived half, so
    that all national fifths have people whatever the seed.
    """
    hardship = plan.field(place.sites, plan.HARDSHIP) + rng.normal(0, 0.4, len(place.sites))
    order = np.argsort(np.argsort(hardship, kind="stable"), kind="stable")
    nation: Floats = 0.008 + 0.985 * ((order + 0.5) / len(order)) ** 0.72
    return nation


def deprivation(place: Settlement, nation: Floats) -> pl.DataFrame:
    """Return the table `deprivation`.

    The score rises with the rank as the index's own exponential transformation does
    (-23 ln(1 - R(1 - exp(-100/23))), Ministry of Housing, Communities and Local Government).
    """
    rank = np.floor((1 - nation) * N_AREAS).astype(np.int64) + 1
    reversed_rank = (N_AREAS + 1 - rank) / N_AREAS
    skewed = -23 * np.log(1 - reversed_rank * (1 - np.exp(-100 / 23)))
    return pl.DataFrame(
        {
            "lsoa_code": place.codes,
            "imd_score": np.round(3.5 + 0.82 * skewed, 3),
            "imd_rank": rank,
            "imd_decile": -(-rank * 10 // N_AREAS),
            "population": place.population,
        }
    )


def counts(
    measure: str, codes: tuple[str, ...], numerator: Integers, denominator: Integers, period: str
) -> pl.DataFrame:
    """Return rows of `area_measures` for counts of LSOAs."""
    return pl.DataFrame(
        {
            "measure": measure,
            "area_type": "lsoa",
            "area_code": codes,
            "numerator": numerator.astype(np.float64),
            "denominator": denominator.astype(np.float64),
            "value": pl.Series([None] * len(codes), dtype=pl.Float64),
            "period": period,
        }
    )


def scores(
    measure: str, area_type: str, codes: tuple[str, ...], value: Floats, weight: Integers
) -> pl.DataFrame:
    """Return rows of `area_measures` for scores of areas and what weighs them."""
    return pl.DataFrame(
        {
            "measure": measure,
            "area_type": area_type,
            "area_code": codes,
            "numerator": pl.Series([None] * len(codes), dtype=pl.Float64),
            "denominator": weight.astype(np.float64),
            "value": value,
            "period": "2025",
        }
    )


def rising_share(
    rng: np.random.Generator,
    nation: Floats,
    *,
    base: float,
    gain: float,
    power: float,
    spread: float,
) -> Floats:
    """Return a share that rises (or, with a negative gain, falls) with deprivation."""
    expected = base + gain * nation**power
    share: Floats = np.clip(expected * rng.lognormal(0, spread, len(nation)), 0.003, 0.9)
    return share


def part_of(share: Floats, whole: Integers) -> Integers:
    """Return the nearest whole number to each share of a whole."""
    return np.round(share * whole).astype(np.int64)


def _household_measures(
    rng: np.random.Generator, place: Settlement, nation: Floats
) -> list[pl.DataFrame]:
    homes = place.households
    town = plan.nearness(place.sites, plan.CENTRES, 1.2)
    social = np.minimum(
        rising_share(rng, nation, base=0.02, gain=0.46, power=1.8, spread=0.22), 0.7
    )
    private = np.minimum(
        rising_share(rng, nation, base=0.09, gain=0.10, power=1.0, spread=0.15) + 0.22 * town,
        0.95 - social,
    )
    alone = rising_share(rng, nation, base=0.20, gain=0.10, power=1.0, spread=0.10) + 0.14 * town
    shares = {
        "overcrowded_bedrooms": rising_share(
            rng, nation, base=0.012, gain=0.115, power=1.7, spread=0.2
        ),
        "tenure_social_rented": social,
        "tenure_private_rented": private,
        "one_person_households": alone,
    }
    return [
        counts(name, place.codes, part_of(share, homes), homes, CENSUS)
        for name, share in shares.items()
    ]


def _people_measures(
    rng: np.random.Generator, place: Settlement, nation: Floats
) -> list[pl.DataFrame]:
    people = place.population
    working = part_of(rng.uniform(0.58, 0.66, len(people)), people)
    employment = part_of(
        rising_share(rng, nation, base=0.035, gain=0.21, power=1.6, spread=0.1), working
    )
    income = part_of(rising_share(rng, nation, base=0.05, gain=0.40, power=1.5, spread=0.1), people)
    disabled = part_of(
        rising_share(rng, nation, base=0.125, gain=0.10, power=1.2, spread=0.08), people
    )
    return [
        counts("employment_deprived", place.codes, employment, working, "2022"),
        counts("income_deprived", place.codes, income, people, "2022"),
        counts("disabled", place.codes, disabled, people, CENSUS),
    ]


def _ethnic_measures(
    rng: np.random.Generator, place: Settlement, nation: Floats
) -> list[pl.DataFrame]:
    """Return residents by ethnic group; the groups of an LSOA sum to its residents."""
    people = place.population
    town = plan.nearness(place.sites, plan.CENTRES, 1.4)
    minority = np.clip(
        (0.05 + 0.30 * town + 0.07 * nation) * rng.lognormal(0, 0.2, len(people)), 0.02, 0.7
    )
    mix = rng.dirichlet(_GROUP_WEIGHTS, len(people))
    parts = np.floor(minority[:, None] * mix * people[:, None]).astype(np.int64)
    groups = dict(zip(_GROUPS, parts.T, strict=True)) | {"white": people - parts.sum(axis=1)}
    return [
        counts(f"ethnic_{name}", place.codes, count, people, CENSUS)
        for name, count in groups.items()
    ]


def _transport(rng: np.random.Generator, place: Settlement) -> pl.DataFrame:
    centre = plan.nearness(place.sites, plan.CENTRES, 2.0)
    station = plan.nearness(place.sites, plan.STATIONS, 0.8)
    noise = rng.normal(0, 3.5, len(centre))
    score: Floats = np.maximum(1.0, np.minimum(99.0, 14 + 48 * centre + 28 * station + noise))
    return scores("public_transport", "lsoa", place.codes, np.round(score, 1), place.population)


def jittered(rng: np.random.Generator, usual: tuple[float, float]) -> Floats:
    """Return two authorities' usual values, each a little off."""
    values: Floats = np.round(np.array(usual) * rng.lognormal(0, 0.08, 2), 3)
    return values


def _authority_measures(rng: np.random.Generator, place: Settlement) -> list[pl.DataFrame]:
    """Return measures known only for whole local authorities, per 1,000 people or households."""
    codes = tuple(code for code, _ in names.LADS)
    people, homes = (
        np.bincount(place.lad, part).astype(np.int64)
        for part in (place.population, place.households)
    )
    usual = {
        "noise_complaints": ((7.1, 4.9), people),
        "homelessness_assessed": ((2.4, 1.7), homes),
        "temporary_accommodation_lad": ((4.6, 3.1), homes),
    }
    return [
        scores(name, "lad", codes, jittered(rng, value), weight)
        for name, (value, weight) in usual.items()
    ]


def area_measures(rng: np.random.Generator, place: Settlement, nation: Floats) -> pl.DataFrame:
    """Return the table `area_measures`."""
    return pl.concat(
        [
            *_household_measures(rng, place, nation),
            *_people_measures(rng, place, nation),
            *_ethnic_measures(rng, place, nation),
            _transport(rng, place),
            *_authority_measures(rng, place),
        ]
    )
