"""Moves: where people lived before, and where the register still has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.addresses import ADDRESS, outside_addresses
from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, chance
from pophealth_link.synthetic.households import KIND, SHARERS, STUDENTS
from pophealth_link.synthetic.kin import SEPARATED, SPOUSE, STUDENT
from pophealth_link.synthetic.profile import TENURES, Profile, Table
from pophealth_link.synthetic.region import Region

_DAYS = 730
# Numbers from which UPRNs of addresses outside the region count, besides present ones.
_BEFORE, _EARLIER = 2_000_000, 5_000_000
REGISTERED_AT = ("home", "previous", "other")


@dataclass(frozen=True, slots=True)
class Origins:
    """Where each person moved from: a row of dwellings (-1: not moved), or away from the region.

    `own` says that the person moved without the household.
    """

    dwelling: Ints
    away: Bools
    own: Bools


def add_moves(
    people: pl.DataFrame, dwellings: pl.DataFrame, region: Region, profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Add the addresses before the latest move and the one before it, and a second home.

    Columns: previous_, earlier_ and other_ postcode, address and uprn (null for none), moved_on
    (day of the latest move), registered_at (home, previous or other: where the register has the
    person) and register_lsoa (number of the LSOA there). Moves are of the last two years.
    """
    settings = profile.england["moves"]
    origins = _origins(people, dwellings, settings, rng)
    days = rng.integers(0, _DAYS, people.height)
    first = np.unique(people["household"].to_numpy(), return_index=True)[1]
    days = np.where(origins.own, days, days[first][people["household"].to_numpy()])
    # A child born after the move has always lived here.
    since = (origins.dwelling >= 0) & (people["age_days"].to_numpy() > days)
    away = origins.away & since
    rows = np.flatnonzero(away)
    at = np.maximum(origins.dwelling, 0)
    before = outside_addresses(dwellings, at, rows, region, _BEFORE, rng)
    earlier, twice = _earlier(people, dwellings, since, settings, rng)
    other = _second_homes(people, dwellings, origins, settings, rng)
    both = np.where(other >= 0, other, 0)
    student = away & np.isin(people["kind"].to_numpy(), STUDENTS)
    second = _chosen(dwellings.select(ADDRESS)[both], other >= 0)
    people = people.with_columns(
        *_named(_chosen(before, since), "previous"),
        *_named(_chosen(dwellings.select(ADDRESS)[earlier], twice), "earlier"),
        *_named(_either(student, _chosen(before, since), second), "other"),
        _moved_on(people, days, since),
    )
    known = np.where(since & ~away, origins.dwelling, -1)
    return _with_registers(
        people, dwellings, Origins(known, away, origins.own), other, profile, rng
    )


def _chosen(places: pl.DataFrame, known: Bools) -> pl.DataFrame:
    """Return the addresses where they are known, else nulls."""
    return places.select(
        pl.when(pl.Series(known)).then(pl.col(name)).alias(name) for name in ADDRESS
    )


def _either(first: Bools, one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        pl.select(pl.when(pl.Series(first)).then(one[name]).otherwise(other[name]).alias(name))
        .to_series()
        for name in ADDRESS
    )  # fmt: skip


def _named(places: pl.DataFrame, when: str) -> list[pl.Series]:
    return [places[name].alias(f"{when}_{name}") for name in ADDRESS]


def _moved_on(people: pl.DataFrame, days: Ints, moved: Bools) -> pl.Series:
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    day = pl.Series((born + people["age_days"].to_numpy() - days).astype(np.int32)).cast(pl.Date)
    return pl.select(pl.when(pl.Series(moved)).then(day).alias("moved_on")).to_series()


def _origins(people: pl.DataFrame, dwellings: pl.DataFrame, settings: Table, rng: Rng) -> Origins:
    """Return where people moved from; a household moves together, sharers and the young alone."""
    household, kind = people["household"].to_numpy(), people["kind"].to_numpy()
    first = np.unique(household, return_index=True)[1]
    shares = np.array([settings[name] for name in TENURES])[people["tenure"].to_numpy()]
    temporary = people["temporary_accommodation"].to_numpy()
    shares = np.where(temporary, settings["into_temporary_accommodation"], shares)
    together = chance(rng, shares[first])[household] & ~np.isin(kind, SHARERS)
    alone = _moved_alone(people, shares, settings, rng)
    near = _near_dwellings(dwellings, people["lsoa"].to_numpy(), settings["same_lsoa"], rng)
    outside = chance(rng, settings["from_outside"], len(near))
    untied = np.isin(kind, STUDENTS) & (people["tie"].to_numpy() != STUDENT)
    outside = np.where(untied, chance(rng, settings["students_from_outside"], len(near)), outside)
    origin = np.where(alone, near, near[first][household])
    away = np.where(alone, outside, outside[first][household])
    # Nobody moved from where they live.
    moved = (together | alone) & (origin != people["dwelling"].to_numpy())
    origin, away = np.where(moved, origin, -1), away & moved
    return _from_families(people, Origins(origin, away, alone))


def _moved_alone(people: pl.DataFrame, shares: Floats, settings: Table, rng: Rng) -> Bools:
    """Choose who moved without the others: young adults, sharers, people into care, homeless."""
    age, kind = people["age"].to_numpy(), people["kind"].to_numpy()
    young = (age >= 18) & (age < 30)
    alone = chance(rng, shares * (settings["young_adult_ratio"] - 1)) & young
    sharing = np.where(kind == KIND["care_home"], settings["into_care_home"], shares)
    sharing = np.where(np.isin(kind, STUDENTS), settings["students"], sharing)
    alone |= chance(rng, sharing) & np.isin(kind, SHARERS)
    homeless = people["no_fixed_abode"].to_numpy()
    return alone | (homeless & chance(rng, settings["lost_home"], len(age)))


def _from_families(people: pl.DataFrame, origins: Origins) -> Origins:
    """Put the homes of families in: former partners', parents', a spouse's, one's own before."""
    household, dwelling = people["household"].to_numpy(), people["dwelling"].to_numpy()
    of_household = np.zeros(int(household.max()) + 1, dtype=np.int64)
    of_household[household] = dwelling
    from_family = people["came_from"].to_numpy()
    family = from_family >= 0
    origin = np.where(family, of_household[from_family], origins.dwelling)
    # Who lives outside now, and is on the list here, lived with the household before.
    gone = (people["lives_outside"] & people["registered"]).to_numpy()
    origin = np.where(gone, dwelling, origin)
    return Origins(
        np.asarray(origin), origins.away & ~family & ~gone, origins.own | _left_alone(people) | gone
    )


def _left_alone(people: pl.DataFrame) -> Bools:
    return np.isin(people["tie"].to_numpy(), (SEPARATED, SPOUSE, STUDENT))


def _near_dwellings(dwellings: pl.DataFrame, lsoa: Ints, same: float, rng: Rng) -> Ints:
    """Return a dwelling for each person: one of the same LSOA for a share of them."""
    home = dwellings["lsoa"].to_numpy()
    order = np.argsort(home, kind="stable")
    first = np.searchsorted(home[order], lsoa, side="left")
    last = np.searchsorted(home[order], lsoa, side="right")
    near = order[first + (rng.random(len(lsoa)) * (last - first)).astype(np.int64)]
    far = rng.integers(0, len(home), len(lsoa))
    return np.asarray(np.where(chance(rng, same, len(lsoa)), near, far), dtype=np.int64)


def _earlier(
    people: pl.DataFrame, dwellings: pl.DataFrame, moved: Bools, settings: Table, rng: Rng
) -> tuple[Ints, Bools]:
    """Return the dwelling before the previous one, and who moved twice in the two years."""
    household = people["household"].to_numpy()
    first = np.unique(household, return_index=True)[1]
    shares = np.array(settings["moved_twice"])[people["tenure"].to_numpy()]
    adrift = (people["no_fixed_abode"] | people["temporary_accommodation"]).to_numpy()
    shares = np.where(adrift, settings["moved_twice_homeless"], shares)
    near = _near_dwellings(dwellings, people["lsoa"].to_numpy(), settings["same_lsoa"], rng)
    level = rng.random(len(shares))
    apart = np.isin(people["kind"].to_numpy(), SHARERS)
    level = np.where(apart, level, level[first][household])
    at = np.where(apart, near, near[first][household])
    return at, moved & (level < shares) & (at != people["dwelling"].to_numpy())


def _second_homes(
    people: pl.DataFrame, dwellings: pl.DataFrame, origins: Origins, settings: Table, rng: Rng
) -> Ints:
    """Return a second dwelling where a person may be found; -1 for most.

    The other parent's home, a student's parents', a hostel for people without a home, and for a
    few others the home of a relative.
    """
    household = people["household"].to_numpy()
    of_household = np.zeros(int(household.max()) + 1, dtype=np.int64)
    of_household[household] = people["dwelling"].to_numpy()
    near = _near_dwellings(dwellings, people["lsoa"].to_numpy(), settings["same_lsoa"], rng)
    with_relative = chance(rng, settings["with_relative"], len(near))
    other = np.where(with_relative & (near != people["dwelling"].to_numpy()), near, -1)
    hostels = np.unique(people.filter("temporary_accommodation")["dwelling"].to_numpy())
    if len(hostels):
        drawn = hostels[rng.integers(0, len(hostels), len(near))]
        at_hostel = people["no_fixed_abode"].to_numpy()
        at_hostel = at_hostel & chance(rng, settings["reached_at_hostel"], len(near))
        other = np.where(at_hostel, drawn, other)
    parent = people["other_home"].to_numpy()
    other = np.where(parent >= 0, of_household[parent], other)
    student = people["tie"].to_numpy() == STUDENT
    return np.asarray(np.where(student, origins.dwelling, other), dtype=np.int64)


def _with_registers(
    people: pl.DataFrame,
    dwellings: pl.DataFrame,
    origins: Origins,
    other: Ints,
    profile: Profile,
    rng: Rng,
) -> pl.DataFrame:
    """Add registered_at and register_lsoa: who is still registered where they used to live."""
    settings = profile.england["registered_elsewhere"]
    rate = np.minimum(_still_rate(people, settings) * profile.ratio("registered_elsewhere"), 0.9)
    household = people["household"].to_numpy()
    level = rng.random(people.height)
    first = np.unique(household, return_index=True)[1]
    level = np.where(origins.own, level, level[first][household])
    listed = people["registered"].to_numpy()
    previous = listed & (origins.dwelling >= 0) & (level < rate)
    at_other = listed & (people["other_home"].to_numpy() >= 0) & ~previous
    at_other &= chance(rng, settings["other_parent"], people.height)
    where = np.where(previous, origins.dwelling, np.where(at_other, other, -1))
    lsoa = np.where(where >= 0, dwellings["lsoa"].to_numpy()[where], people["lsoa"].to_numpy())
    place = np.where(previous, 1, np.where(at_other, 2, 0))
    return people.with_columns(
        pl.Series("registered_at", np.array(REGISTERED_AT)[place]),
        pl.Series("register_lsoa", lsoa.astype(np.int64)),
    )


def _still_rate(people: pl.DataFrame, settings: Table) -> Floats:
    """Return how many of those like each person are registered where they lived before."""
    kind, rate = people["kind"].to_numpy(), np.full(people.height, settings["moved"])
    cases = (
        (people["temporary_accommodation"].to_numpy(), "temporary_accommodation"),
        (people["no_fixed_abode"].to_numpy(), "no_fixed_abode"),
        (people["tie"].to_numpy() == SEPARATED, "separated"),
        (np.isin(kind, STUDENTS), "student"),
        (kind == KIND["care_home"], "care_home"),
        (people["lives_outside"].to_numpy(), "lives_outside"),
    )
    for chosen, name in cases:
        rate = np.where(chosen, settings[name], rate)
    return rate
