"""Registration with practices: near ones are likelier, and lists come out as published."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import (
    Bools,
    Floats,
    Ints,
    Rng,
    Streams,
    chance,
    columns_at,
    lowest_keys,
    pick_evenly_by_row,
)
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.region import Region

_ROUNDS = 60
_OUTSIDE_PRACTICES = ("Z99901", "Z99902", "Z99903", "Z99904")


def register_people(
    people: pl.DataFrame, region: Region, on_list: int, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Add registered (exactly `on_list` people), practice_code (null for those nowhere)."""
    settings = profile.england["registration"]
    nowhere = _nowhere(people, people.height - on_list, streams.stage("registered nowhere"))
    rng = streams.stage("practices")
    near, share = practice_shares(region, settings)
    chosen = _choices(people, near, share, settings, rng)
    code = region.practices["practice_code"].gather(chosen)
    outside = np.flatnonzero(chance(rng, settings["practice_outside"], people.height))
    elsewhere = pl.Series(_OUTSIDE_PRACTICES).gather(
        rng.integers(0, len(_OUTSIDE_PRACTICES), len(outside))
    )
    code = code.scatter(outside, elsewhere).alias("practice_code")
    blank = pl.when(pl.Series(~nowhere)).then(code).alias("practice_code")
    return people.with_columns(pl.Series("registered", ~nowhere), blank)


def _nowhere(people: pl.DataFrame, count: int, rng: Rng) -> Bools:
    """Choose who is on no list: mostly young adults in shared homes and recent arrivals."""
    age, kind, category = (people[name].to_numpy() for name in ("age", "kind", "ethnic_category"))
    weight = np.where((age >= 18) & (age < 40), 3.0, 1.0)
    weight *= np.where(kind == KIND["shared"], 3.0, 1.0)
    weight *= np.where(np.isin(category, ("C", "S", "N", "L")), 2.5, 1.0)
    weight *= np.where(age < 18, 0.3, 1.0)
    chosen = np.zeros(people.height, dtype=bool)
    chosen[lowest_keys(rng, weight, count)] = True
    return chosen


def practice_shares(region: Region, settings: Table) -> tuple[Ints, Floats]:
    """Return the nearest practices of each LSOA and the share of its people on each list.

    Iterative proportional fitting: rows sum to an LSOA's share of people, columns to a practice's
    share of all patients, starting from a weight that falls with distance.
    """
    near, distance = _nearest(region, settings["nearest_practices"])
    beyond = distance - distance.min(axis=1, keepdims=True)
    flow = np.exp(-beyond / settings["distance_scale"]) + 1e-9
    people = region.lsoas["people"].to_numpy()
    patients = region.practices["list_size"].to_numpy()
    people, patients = people / people.sum(), patients / patients.sum()
    for _ in range(_ROUNDS):
        lists = np.bincount(near.ravel(), weights=flow.ravel(), minlength=len(patients))
        flow = flow * (patients / np.maximum(lists, 1e-300))[near]
        flow *= (people / flow.sum(axis=1))[:, None]
    return near, flow


def _nearest(region: Region, count: int) -> tuple[Ints, Floats]:
    """Return the nearest practices of each LSOA with their distances in metres.

    A practice without a place counts as near everywhere alike.
    """
    from scipy.spatial import cKDTree

    homes = region.lsoas.select("easting", "northing").cast(pl.Float64).to_numpy()
    surgeries = region.practices.select("easting", "northing").cast(pl.Float64).to_numpy()
    placed = np.isfinite(surgeries).all(axis=1)
    if not np.isfinite(homes).all() or not placed.any():
        near = np.tile(np.arange(len(surgeries)), (len(homes), 1))
        return near, np.zeros(near.shape)
    spots = np.where(placed[:, None], surgeries, np.nanmean(surgeries, axis=0))
    distance, near = cKDTree(spots).query(homes, k=min(count, len(spots)))
    shape = (len(homes), -1)
    return near.reshape(shape).astype(np.int64), distance.reshape(shape)


def _choices(people: pl.DataFrame, near: Ints, share: Floats, settings: Table, rng: Rng) -> Ints:
    """Return the practice of each person: one for the household, but for some of its members."""
    household, lsoa = people["household"].to_numpy(), people["lsoa"].to_numpy()
    first = np.unique(household, return_index=True)[1]
    # Even draws within each LSOA, so that lists keep their proportions.
    together = pick_evenly_by_row(rng, share, lsoa[first])[household]
    alone = columns_at(share, lsoa, rng.random(len(lsoa)))
    apart = chance(rng, settings["household_member_elsewhere"], len(lsoa))
    apart &= (people["age"].to_numpy() >= 18) | (people["kind"].to_numpy() == KIND["shared"])
    column = np.where(apart, alone, together)
    return np.asarray(near[lsoa, column], dtype=np.int64)


def add_dates(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Add date_from, date_to, date_of_death, last_day, gone: joining, leaving and dying.

    Deaths in the period follow age (Gompertz) and deprivation; some people leave in it. Both end
    the registration on that day. `last_day` (days since 1970) bounds what happens to a person;
    `gone` says that it is before the period's end because the person died or left.
    """
    settings = profile.england["registration"]
    start, end = ((day - date(1970, 1, 1)).days for day in period)
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    age = people["age"].to_numpy()
    quintile = people["quintile"].to_numpy()
    ratio = np.array([1.0, 1.4, 1.15, 1.0, 0.9, 0.75])[quintile]
    risk = np.exp(settings["died_in_year_level"] + settings["died_in_year_slope"] * age) * ratio
    died = chance(rng, np.minimum(risk, 0.5)) & (born < start)
    left = chance(rng, settings["left_in_year"], len(age)) & ~died & (born < start)
    day = rng.integers(start, end, len(age), endpoint=True)
    last = np.where(died | left, day, end)
    years = rng.exponential(settings["years_on_list_mean"], len(age))
    joined = np.maximum(end - 10 - (years * 365.25).astype(np.int64), born)
    joined = np.minimum(np.where(died | left, np.minimum(joined, start - 1), joined), end)
    joined = np.maximum(joined, born)
    return people.with_columns(
        _days("date_from", joined, people["registered"].to_numpy()),
        _days("date_to", day, (died | left) & people["registered"].to_numpy()),
        _days("date_of_death", day, died),
        pl.Series("last_day", last),
        pl.Series("gone", died | left),
    )


def _days(name: str, day: Ints, known: Bools) -> pl.Series:
    filled = pl.Series(name, day.astype(np.int32)).cast(pl.Date)
    return pl.select(pl.when(pl.Series(known)).then(filled).alias(name))[name]
