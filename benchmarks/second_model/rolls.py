"""Who is on the roll of each organisation, and in which year it last heard of them.

All rates are assumed. A record holds what was true in the year of the last contact: of name and
of home apart, for people tell of one and not of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.second_model.dwellings import Dwellings
from benchmarks.second_model.habits import number_range
from benchmarks.second_model.lineages import AS_OF_YEAR, AWAY, DEAD, GONE, HERE, NO_ABODE
from benchmarks.second_model.names import MALE, Bools, Floats, Ints, Names
from benchmarks.second_model.years import Lives, deprivation

LAST = AS_OF_YEAR - 1
Days = npt.NDArray[np.datetime64]
_GROUPS = {**dict.fromkeys("ABC", "white"), **dict.fromkeys("HJKLR", "asian"),
           **dict.fromkeys("MNP", "black"), "S": "other"}  # fmt: skip
# Unregistered: of those who came in the last two years, who have no home, of lodgers, of others.
_NEW, _ROUGH, _LODGER, _OTHER = 0.35, 0.3, 0.12, 0.02


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is true: the lives, the dwellings, and what each person has for good."""

    lives: Lives
    names: Names
    dwellings: Dwellings
    born: Days
    numbers: Ints
    known_as: Ints
    category: npt.NDArray[np.str_]
    group: npt.NDArray[np.str_]

    def homes(self, people: Ints, years: Ints) -> Ints:
        """Return where people lived in a year, at the last before it if they were away."""
        return self.lives.homes.at(people, years)[0]

    def age(self, people: Ints, years: Ints) -> Ints:
        """Return ages at the end of a year."""
        return years - self.lives.town["birth_year"][people]


@dataclass(frozen=True, slots=True)
class Roll:
    """A record a row: whose it is, and the years for which its name and its home were true."""

    person: Ints
    named: Ints
    housed: Ints

    def __add__(self, other: Roll) -> Roll:
        """Return the records of both."""
        pairs = zip(self._all(), other._all(), strict=True)
        return Roll(*(np.concatenate(each) for each in pairs))

    def take(self, rows: Ints | Bools) -> Roll:
        """Return some of the records."""
        return Roll(*(each[rows] for each in self._all()))

    def _all(self) -> tuple[Ints, Ints, Ints]:
        return self.person, self.named, self.housed


def world(lives: Lives, names: Names, dwellings: Dwellings, rng: np.random.Generator) -> World:
    """Return the truth of a town. `ValueError` if its people outnumber the NHS numbers."""
    town = lives.town
    days: Days = (town["birth_year"] - 1970).astype("M8[Y]").astype("M8[D]")
    days = days + town["birth_day"].astype("m8[D]")
    numbers, wanted = number_range(rng), np.flatnonzero(town["until"] >= 2012)
    if len(wanted) > len(numbers):
        raise ValueError("the range of NHS numbers for tests is too small: ask for fewer people")
    held = np.zeros(town.n, dtype=np.int64)
    held[wanted] = numbers[: len(wanted)]
    forms = names.known_as[town["given"], rng.integers(0, 3, town.n)]
    used = np.where(town["western"] >= 0, town["western"], forms)
    category, group = _ethnic(lives, names)
    return World(lives, names, dwellings, days, held, used, category, group)


def _ethnic(lives: Lives, names: Names) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """Return the NHS ethnic category and the group of each person; mixed where parents differ."""
    codes = np.array([each.category for each in names.communities])
    groups = np.array([_GROUPS[each.category] for each in names.communities])
    town = lives.town
    own, other = groups[town["community"]], groups[town["other"]]
    mixed = (town["other"] >= 0) & (own != other)
    both = np.where(own == "white", other, own)
    letter = np.where(codes[town["community"]] == "M", "D", "E")
    letter = np.select([both == "black", both == "asian"], [letter, "F"], "G")
    one_is_white = (own == "white") | (other == "white")
    letter = np.where(one_is_white, letter, "G")
    category = np.where(mixed, letter, codes[town["community"]])
    return category, np.where(mixed, "mixed", own)


def register(world: World, rng: np.random.Generator) -> tuple[Roll, Bools]:
    """Return the roll of the practices, and whether a row is a second registration."""
    town = world.lives.town
    everybody = np.arange(town.n)
    people = everybody[rng.random(town.n) < _registered(world, rng)]
    age, until = world.age(people, np.full(len(people), LAST)), town["until"][people]
    tells = np.where((town["sex"][people] == MALE) & (age > 17) & (age < 40), 0.33, 0.52)
    last = np.minimum(until, LAST)
    roll = _roll(world, people, last - rng.geometric(0.65, len(people)) + 1,
                 last - rng.geometric(tells) + 1)  # fmt: skip
    twice = rng.random(len(people)) < 0.004
    again = roll.take(twice)
    former = _roll(world, again.person, again.named - 3, again.housed - 3)
    second = np.repeat([False, True], [len(people), int(twice.sum())])
    return roll + former, second


def _registered(world: World, rng: np.random.Generator) -> Floats:
    """Return how likely each person is on the register: some are not, some have left long ago."""
    town = world.lives.town
    state, until, home = town["state"], town["until"], town["home"]
    new = (town["arrived"] >= LAST - 1) & (town["birth_year"] < town["arrived"])
    off = np.select(
        [new, (home == NO_ABODE) | town.is_kind(home, 1), town.is_kind(home, 2)],
        [_NEW, _ROUGH, _LODGER],
        _OTHER,
    )
    # Newcomers to one home mostly register together, or not at all.
    together = rng.random(town.stock + 1)[home]
    off = np.where(new & (rng.random(town.n) < 0.6), np.where(together < _NEW, 1.0, 0.0), off)
    years = np.maximum(LAST - until, 0)
    ghost = 0.4 * 0.65 ** np.minimum(years, 40)
    away = np.where(until >= LAST - 3, 0.7, 0.3)
    dead = np.where(until == LAST, 0.03, 0.0)
    chance = np.select([state == HERE, state == AWAY, state == GONE], [1 - off, away, ghost], dead)
    return np.where(until < 2012, 0.0, chance)


def _roll(world: World, people: Ints, named: Ints, housed: Ints) -> Roll:
    """Return a roll whose years are not before a person came, nor after they left."""
    town = world.lives.town
    first = town["arrived"][people]
    last = np.minimum(town["until"][people], LAST)
    return Roll(people, np.clip(named, first, last), np.clip(housed, first, last))


def second_numbers(world: World, second: Bools, roll: Roll, rng: np.random.Generator) -> Ints:
    """Return NHS numbers of the register's rows; second registrations hold one of their own."""
    free = np.setdiff1d(number_range(rng), world.numbers)
    numbers = world.numbers[roll.person]
    numbers[second] = rng.choice(free, int(second.sum()), replace=False)
    return numbers


def infirmary(world: World, rng: np.random.Generator) -> Roll:
    """Return who was at the hospital in seven years: the old, the young, some of them twice."""
    people = _lately(world, 2019)
    age = world.age(people, np.full(len(people), LAST))
    rate = np.select([age < 3, age > 74, age > 59], [0.45, 0.5, 0.3], 0.15)
    people = people[rng.random(len(people)) < rate]
    people = np.concatenate([people, people[rng.random(len(people)) < 0.06]])
    seen = LAST - (7 * rng.random(len(people)) ** 1.5).astype(np.int64)
    return _roll(world, people, seen - (rng.random(len(people)) < 0.15), seen)


def _lately(world: World, year: int) -> Ints:
    town = world.lives.town
    living = (town["until"] >= year) & (town["state"] != DEAD)
    return np.flatnonzero(living | (town["until"] >= LAST))


def tenancies(world: World, rng: np.random.Generator) -> Roll:
    """Return the tenants of social housing, known as they were called when the tenancy began.

    One in six is a former tenant, of a home left up to five years ago.
    """
    people = _lately(world, 2021)
    now = _tenants(world, people, LAST, 0.85, rng)
    before = _tenants(world, people, 2021, 0.16, rng)
    moved = ~np.isin(before.person, now.person)
    return now + before.take(moved)


def _tenants(world: World, people: Ints, year: int, rate: float, rng: np.random.Generator) -> Roll:
    years = np.full(len(people), year)
    home = world.homes(people, years)
    social = (home >= 0) & world.dwellings.social[home]
    began = world.lives.homes.since(people, years)
    adult = (world.age(people, began) >= 17) & (began >= 1985)
    listed = rng.random(len(people)) < np.where(world.age(people, years) < 23, 0.3 * rate, rate)
    rows = social & adult & listed & (town_year(world, people) <= year)
    told = rng.random(len(people)) < 0.45
    return _roll(world, people, np.where(told, years, began), years).take(rows)


def town_year(world: World, people: Ints) -> Ints:
    """Return the year in which each person came to the town, or was born there."""
    return world.lives.town["arrived"][people]


def families(world: World, rng: np.random.Generator) -> Roll:
    """Return children known to the council's family services, and some of their parents."""
    town = world.lives.town
    people = _lately(world, 2022)
    young = people[world.age(people, np.full(len(people), LAST)) < 19]
    place = town.place_of(world.homes(young, np.full(len(young), LAST)))
    # Brothers and sisters are known together.
    known = rng.random(town.n)[np.maximum(town["mother"][young], 0)] < 0.3 * (1.15 - place) ** 1.5
    children = young[known & (rng.random(len(young)) < 0.8)]
    seen = LAST - rng.geometric(0.4, len(children)) + 1
    parents = [
        np.unique(found[found >= 0])
        for parent, rate in (("mother", 0.5), ("father", 0.2))
        for found in [town[parent][children[rng.random(len(children)) < rate]]]
    ]
    adults = np.intersect1d(np.setdiff1d(np.concatenate(parents), children), people)
    heard = LAST - rng.geometric(0.4, len(adults)) + 1
    return _roll(world, children, seen, seen) + _roll(world, adults, heard, heard)


def revenues(world: World, rng: np.random.Generator) -> Roll:
    """Return who has help with council tax or rent, known by a claim of up to twelve years ago."""
    town = world.lives.town
    people = _lately(world, 2023)
    age = world.age(people, np.full(len(people), LAST))
    want = np.clip(0.75 - town.wealth[people], 0, 1) ** 1.5 * np.where(age > 64, 0.75, 0.5)
    people = people[(age >= 18) & (rng.random(len(people)) < want)]
    claimed = LAST - np.minimum(rng.gamma(1.2, 2.6, len(people)).astype(np.int64), 12)
    claimed = np.maximum(claimed, town["birth_year"][people] + 18)
    moved = rng.random(len(people)) < 0.6
    return _roll(world, people, claimed, np.where(moved, LAST, claimed))


def quintiles(world: World, people: Ints) -> npt.NDArray[np.str_]:
    """Return the fifth of deprivation of where people live, 1 the most deprived; or unknown."""
    homes = world.homes(people, np.full(len(people), LAST))
    fifth = np.char.add("quintile_", deprivation(world.lives.town, homes).astype(str))
    return np.where(homes < 0, "quintile_unknown", fifth)
