"""Registration with practices: near ones are likelier, and lists come out as published."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import (
    Floats,
    Ints,
    Rng,
    Streams,
    chance,
    columns_at,
    pick_evenly_by_row,
)
from pophealth_link.synthetic.events import as_dates
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.region import Region

_ROUNDS = 60
_OUTSIDE_PRACTICES = ("Z99901", "Z99902", "Z99903", "Z99904")


def add_practices(
    people: pl.DataFrame, region: Region, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Add practice_code (null for people on no list): one near where the register has a person."""
    settings, rng = profile.england["registration"], streams.stage("practices")
    near, share = region.lists or practice_shares(region, settings)
    chosen = _choices(people, near, share, settings, rng)
    code = region.practices["practice_code"].gather(chosen)
    outside = np.flatnonzero(chance(rng, settings["practice_outside"], people.height))
    elsewhere = pl.Series(_OUTSIDE_PRACTICES).gather(
        rng.integers(0, len(_OUTSIDE_PRACTICES), len(outside))
    )
    code = code.scatter(outside, elsewhere)
    return people.with_columns(pl.when("registered").then(code).alias("practice_code"))


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
    household, lsoa, there = (
        people[name].to_numpy() for name in ("household", "lsoa", "register_lsoa")
    )
    first = np.unique(household, return_index=True)[1]
    # Even draws within each LSOA, so that lists keep their proportions.
    together = pick_evenly_by_row(rng, share, lsoa[first])[household]
    alone = columns_at(share, there, rng.random(len(there)))
    before = columns_at(share, there, rng.random(len(first))[household])
    apart = chance(rng, settings["household_member_elsewhere"], len(lsoa))
    apart &= (people["age"].to_numpy() >= 18) | (people["kind"].to_numpy() == KIND["shared"])
    still = (people["registered_at"] != "home").to_numpy()
    column = np.where(apart, alone, np.where(still, before, together))
    return np.asarray(near[there, column], dtype=np.int64)


def add_dates(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Add date_from, date_to, date_of_death, last_day, gone: joining, leaving and dying.

    Deaths in the period follow age (Gompertz) and deprivation; some people leave in it. Both end
    the registration on that day. `last_day` (days since 1970) bounds what happens to a person;
    `gone` says that it is before the period's end because the person died or left. Nobody moves
    (`moved_on`) after it.
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
    gone = died | left
    last = np.where(gone, day, end)
    joined = _joined(people, born, np.where(gone, start - 1, end), settings, rng)
    listed = people["registered"].to_numpy()
    moved_on = pl.min_horizontal("moved_on", as_dates(last))
    return people.with_columns(
        as_dates(joined, listed).alias("date_from"),
        as_dates(day, gone & listed).alias("date_to"),
        as_dates(day, died).alias("date_of_death"),
        pl.when(pl.col("moved_on").is_not_null()).then(moved_on).alias("moved_on"),
        pl.Series("last_day", last),
        pl.Series("gone", gone),
    )


def _joined(people: pl.DataFrame, born: Ints, latest: Ints, settings: Table, rng: Rng) -> Ints:
    """Return the day on which each person joined the list: some soon after a move, as it were.

    Who is still registered where they lived before had joined there before the move.
    """
    size = people.height
    years = rng.exponential(settings["years_on_list_mean"], size)
    joined = np.maximum(latest - 10 - (years * 365.25).astype(np.int64), born)
    moved = people["moved_on"].is_not_null().to_numpy()
    day = people["moved_on"].to_physical().fill_null(0).to_numpy().astype(np.int64)
    still = (people["registered_at"] != "home").to_numpy()
    anew = moved & ~still & chance(rng, settings["new_list_after_move"], size)
    joined = np.where(anew, day + rng.integers(0, settings["new_list_within_days"], size), joined)
    joined = np.where(moved & still, np.minimum(joined, day - 1), joined)
    return np.maximum(np.minimum(joined, latest), born)
