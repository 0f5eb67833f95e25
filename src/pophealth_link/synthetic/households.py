"""Households: which kinds live where, and how many people each holds."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import (
    Floats,
    Ints,
    Rng,
    pick,
    pick_by_row,
    portions,
    running_total,
)
from pophealth_link.synthetic.profile import ETHNIC_GROUPS, TENURES, Profile, per_quintile
from pophealth_link.synthetic.region import Region

KINDS = (
    "single_older",
    "single",
    "couple_older",
    "couple",
    "family",
    "couple_adult_children",
    "lone_parent",
    "lone_parent_adult_children",
    "three_generations",
    "shared",
    "care_home",
    "student_house",
    "student_hall",
)
KIND = {name: number for number, name in enumerate(KINDS)}
ALONE = (KIND["single_older"], KIND["single"])
COUPLES = tuple(
    KIND[name]
    for name in ("couple_older", "couple", "family", "couple_adult_children", "three_generations")
)
WITH_CHILDREN = ("family", "couple_adult_children", "lone_parent", "lone_parent_adult_children",
                 "three_generations")  # fmt: skip
LONE_PARENTS = (KIND["lone_parent"], KIND["lone_parent_adult_children"])
STUDENTS = (KIND["student_house"], KIND["student_hall"])
SHARERS = (KIND["shared"], KIND["care_home"], *STUDENTS)


def draw_households(region: Region, people: int, profile: Profile, rng: Rng) -> pl.DataFrame:
    """Return households that hold exactly `people`, LSOAs in proportion to their population.

    Columns: lsoa (number), group (number of the ethnic group), kind, adults, children, elders,
    sharers, people (after the last household of each LSOA was cut to fit), tenure; by LSOA.
    """
    wanted = portions(region.lsoas["people"].to_numpy(), people)
    kinds = kind_shares(region, profile, rng)
    groups = _group_shares(region, profile)
    drawn: list[pl.DataFrame] = []
    missing = wanted.copy()
    while missing.any():
        lsoa = np.repeat(np.arange(len(wanted)), np.ceil(missing / 2.2).astype(np.int64))
        some = _draw(lsoa, groups, kinds, profile, rng)
        drawn.append(some)
        held = np.bincount(lsoa, weights=some["people"].to_numpy(), minlength=len(wanted))
        missing = np.maximum(missing - held.astype(np.int64), 0)
    fitted = _cut_to_fit(pl.concat(drawn), wanted)
    return fitted.with_columns(_tenures(fitted, region, rng))


def kind_shares(region: Region, profile: Profile, rng: Rng) -> Floats:
    """Return the shares of kinds of household, one row for each LSOA and ethnic group in it.

    Students live near each other: their shares vary from LSOA to LSOA around the usual one.
    """
    england = profile.england
    share = np.array([england["household_share"][kind] for kind in KINDS])
    fifth = np.column_stack([per_quintile(england["household_by_quintile"][k]) for k in KINDS])
    group = np.column_stack([england["household_by_ethnic_group"][k] for k in KINDS])
    table = share * fifth[region.quintile][:, None, :] * group[None, :, :]
    sd = england["sharers"]["students_together_sd"]
    near = np.exp(rng.normal(0, sd, len(region.quintile)) - sd**2 / 2)
    table[:, :, STUDENTS] *= near[:, None, None]
    table /= table.sum(axis=2, keepdims=True)
    return _with_living_alone(table, region).reshape(-1, len(KINDS))


def _with_living_alone(table: Floats, region: Region) -> Floats:
    """Move each LSOA's share of people alone to the published one, where there is one."""
    alone = np.isin(np.arange(len(KINDS)), ALONE)
    usual = (table[:, :, alone].sum(axis=2) * region.ethnic).sum(axis=1)
    wanted = np.where(np.isfinite(region.living_alone), region.living_alone, usual)
    wanted = np.clip(wanted, 0.02, 0.9)
    odds = wanted / (1 - wanted) / (usual / (1 - usual))
    moved = np.where(alone, table * odds[:, None, None], table)
    return np.asarray(moved / moved.sum(axis=2, keepdims=True))


def _group_shares(region: Region, profile: Profile) -> Floats:
    """Turn each LSOA's shares of people by ethnic group into shares of households."""
    size = np.array(profile.england["mean_household_size"]["by_ethnic_group"])
    return np.asarray(region.ethnic / size)


def _draw(lsoa: Ints, groups: Floats, kinds: Floats, profile: Profile, rng: Rng) -> pl.DataFrame:
    group = pick_by_row(rng, groups, lsoa)
    kind = pick_by_row(rng, kinds, lsoa * len(ETHNIC_GROUPS) + group)
    adults = np.where(np.isin(kind, SHARERS), 0, np.where(np.isin(kind, COUPLES), 2, 1))
    children, elders = _children(kind, profile, rng), _elders(kind, rng)
    sharers = _sharers(kind, profile, rng)
    return pl.DataFrame(
        {"lsoa": lsoa, "group": group, "kind": kind, "adults": adults, "children": children,
         "elders": elders, "sharers": sharers, "people": adults + children + elders + sharers}
    )  # fmt: skip


def _children(kind: Ints, profile: Profile, rng: Rng) -> Ints:
    count = np.zeros(len(kind), dtype=np.int64)
    for name in WITH_CHILDREN:
        here = np.flatnonzero(kind == KIND[name])
        count[here] = 1 + pick(rng, profile.england["children"][name], len(here))
    return count


def _elders(kind: Ints, rng: Rng) -> Ints:
    two = rng.random(len(kind)) < 0.35
    return np.where(kind == KIND["three_generations"], 1 + two, 0).astype(np.int64)


def _sharers(kind: Ints, profile: Profile, rng: Rng) -> Ints:
    settings, count = profile.england["sharers"], np.zeros(len(kind), dtype=np.int64)
    for name, first, weights in (("shared", 2, "people"), ("student_house", 3, "students")):
        here = np.flatnonzero(kind == KIND[name])
        count[here] = first + pick(rng, settings[weights], len(here))
    for name in ("care_home", "student_hall"):
        here, (low, high) = np.flatnonzero(kind == KIND[name]), settings[f"{name}_beds"]
        count[here] = rng.integers(low, high, len(here), endpoint=True)
    return count


def _cut_to_fit(drawn: pl.DataFrame, wanted: Ints) -> pl.DataFrame:
    """Keep households until each LSOA is full; the last one loses the members that are over."""
    by_lsoa = drawn.sort("lsoa", maintain_order=True)
    size = by_lsoa["people"].to_numpy()
    lsoa = by_lsoa["lsoa"].to_numpy()
    upto = running_total(size, np.bincount(lsoa, minlength=len(wanted)))
    room = wanted[lsoa] - (upto - size)
    kept = by_lsoa.with_columns(pl.Series("people", np.clip(room, 0, size)))
    return kept.filter(pl.col("people") > 0)


def _tenures(households: pl.DataFrame, region: Region, rng: Rng) -> pl.Series:
    """Draw who owns and who rents; lone parents and sharers rent more often than couples."""
    ratio = np.ones((len(KINDS), len(TENURES)))
    ratio[KIND["couple_older"]] = (1.5, 0.6, 0.25)
    ratio[KIND["single_older"]] = (1.2, 1.1, 0.35)
    ratio[KIND["lone_parent"]] = (0.5, 2.0, 1.4)
    ratio[KIND["single"]] = (0.8, 1.2, 1.3)
    ratio[KIND["shared"]] = (0.1, 0.3, 4.0)
    ratio[list(STUDENTS)] = (0.02, 0.02, 6.0)
    table = region.tenure[:, None, :] * ratio[None, :, :] + 1e-9
    rows = households["lsoa"].to_numpy() * len(KINDS) + households["kind"].to_numpy()
    drawn = pick_by_row(rng, table.reshape(-1, len(TENURES)), rows)
    return pl.Series("tenure", drawn)
