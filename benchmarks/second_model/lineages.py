"""The people of the town and what is remembered of them: where they lived, what they were called.

A person is a row of arrays that grow; `Town` holds those of everybody who was ever in the town.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.second_model.names import ERAS, FEMALE, Bools, Floats, Ints, Names

FIRST_YEAR, AS_OF_YEAR = 1936, 2026
HERE, AWAY, GONE, DEAD = range(4)
NOWHERE, NO_ABODE = -1, -2
# Dwellings of one postcode unit, and postcode units of one neighbourhood (assumed).
UNIT, UNITS = 16, 5

_COLUMNS = {
    "sex": 0, "birth_year": 0, "birth_day": 0, "community": 0, "other": -1, "mother": -1,
    "father": -1, "partner": -1, "former": -1, "married": 0, "last_birth": 0, "last_child": -1,
    "twin": -1, "given": -1, "middle": -1, "western": -1, "name": -1, "second": -1,
    "birth_name": -1, "birth_second": -1, "father_given": -1, "home": NOWHERE, "state": HERE,
    "back": 0, "until": 9999, "arrived": 0, "died": 9999,
}  # fmt: skip


@dataclass(slots=True)
class Log:
    """What changed for whom and when, in the order in which it happened."""

    people: list[Ints] = field(default_factory=list)
    years: list[Ints] = field(default_factory=list)
    values: list[tuple[Ints, ...]] = field(default_factory=list)

    def add(self, people: Ints, year: int, *values: Ints) -> None:
        """Remember `values` of `people` from `year` on."""
        self.people.append(people)
        self.years.append(np.full(len(people), year))
        self.values.append(values)


@dataclass(frozen=True, slots=True)
class History:
    """A log sorted by person and year: asks what held for a person in a year."""

    keys: Ints
    values: tuple[Ints, ...]

    def at(self, people: Ints, years: Ints) -> tuple[Ints, ...]:
        """Return the values that held at the end of each year; before the first, the first."""
        first = np.searchsorted(self.keys, people * 4096)
        place = np.searchsorted(self.keys, people * 4096 + years, "right") - 1
        return tuple(each[np.maximum(place, first)] for each in self.values)

    def since(self, people: Ints, years: Ints) -> Ints:
        """Return the year from which the value of each year has held."""
        first = np.searchsorted(self.keys, people * 4096)
        place = np.searchsorted(self.keys, people * 4096 + years, "right") - 1
        return self.keys[np.maximum(place, first)] % 4096


def history(log: Log) -> History:
    """Return `log` as a history; of several entries of one year the last holds.

    An entry that changes nothing is left out.
    """
    people, years = np.concatenate(log.people), np.concatenate(log.years)
    order = np.argsort(people * 4096 + years, kind="stable")
    columns = [np.concatenate(each)[order] for each in zip(*log.values, strict=True)]
    keys = (people * 4096 + years)[order]
    last = np.append(keys[1:] != keys[:-1], True)
    keys, columns = keys[last], [each[last] for each in columns]
    new = np.append(True, keys[1:] // 4096 != keys[:-1] // 4096)
    for each in columns:
        new[1:] |= each[1:] != each[:-1]
    return History(keys[new], tuple(each[new] for each in columns))


class Town:
    """Everybody who was ever in the town, its dwellings, and the two logs.

    Dwellings are numbers: care homes first, then hostels, then shared houses, then the others.
    `place` is how well off each neighbourhood is, from 0 to 1.
    """

    def __init__(self, people: int, names: Names, rng: np.random.Generator) -> None:
        self.rng, self.names, self.n = rng, names, 0
        self.columns = {key: np.full(4 * people, each) for key, each in _COLUMNS.items()}
        self.wealth: Floats = np.zeros(4 * people)
        self.moves, self.renames = Log(), Log()
        care, hostels, shared = people // 3000 + 1, people // 6000 + 1, people // 250 + 1
        self.kinds = (care, care + hostels, care + hostels + shared)
        self.stock = self.kinds[-1] + int(people * 0.35)
        self.spread = self.stock // UNIT
        blocks = people // (UNIT * UNITS) + 2 * UNIT
        self.place: Floats = rng.permutation(blocks) / blocks

    def __getitem__(self, column: str) -> Ints:
        """Return a column of everybody so far; it may be written to."""
        return self.columns[column][: self.n]

    def here(self) -> Ints:
        """Return those who are in the town."""
        return np.flatnonzero(self["state"] == HERE)

    def chance(self, people: Ints, rate: Floats | float) -> Ints:
        """Return those of `people` whom something of this rate strikes."""
        return people[self.rng.random(len(people)) < rate]

    def add(self, year: int, values: dict[str, Ints], wealth: Floats) -> Ints:
        """Return the numbers of new people, who are settled and named as `values` say."""
        new = np.arange(self.n, self.n + len(wealth))
        self._grow(self.n + len(new))
        self.n += len(new)
        for key, each in values.items():
            self.columns[key][new] = each
        self.columns["birth_day"][new] = self.rng.integers(0, 365, len(new))
        self.wealth[new] = np.clip(wealth, 0, 1)
        self.columns["birth_name"][new] = self["name"][new]
        self.columns["birth_second"][new] = self["second"][new]
        self.columns["arrived"][new] = year
        self.moves.add(new, year, self["home"][new].copy())
        self.renames.add(new, year, self["name"][new].copy(), self["second"][new].copy())
        return new

    def _grow(self, size: int) -> None:
        if size > len(self.wealth):
            more = max(size - len(self.wealth), len(self.wealth))
            self.wealth = np.concatenate([self.wealth, np.zeros(more)])
            for key, empty in _COLUMNS.items():
                self.columns[key] = np.concatenate([self.columns[key], np.full(more, empty)])

    def settle(self, people: Ints, homes: Ints, year: int) -> None:
        """Move people to their new homes."""
        self["home"][people] = homes
        self.moves.add(people, year, homes)

    def rename(self, people: Ints, name: Ints, second: Ints, year: int) -> None:
        """Give people another family name, of one word or (`second` not −1) of two."""
        self["name"][people], self["second"][people] = name, second
        self.renames.add(people, year, name, second)

    def leave(self, people: Ints, state: int, year: int, back: Ints | int = 0) -> None:
        """Take people out of the town; who is `AWAY` comes `back` in that year."""
        self["home"][people], self["state"][people] = NOWHERE, state
        self["until"][people], self["back"][people] = year, back

    def place_of(self, homes: Ints) -> Floats:
        """Return how well off the neighbourhood of each dwelling is; of no abode, 0.1."""
        return np.where(homes < 0, 0.1, self.place[self.unit_of(homes) // UNITS % len(self.place)])

    def unit_of(self, homes: Ints) -> Ints:
        """Return the postcode unit of each dwelling; those of special kinds lie scattered."""
        scattered = (homes * 37 + 11) % self.spread
        return np.where(homes < self.kinds[-1], scattered, homes // UNIT)

    def vacant(self, wealth: Floats) -> Ints:
        """Return an empty dwelling for each household, the better off in the better places."""
        lived_in = np.zeros(self.stock, dtype=np.bool_)
        homes = self["home"][self.here()]
        lived_in[homes[homes >= 0]] = True
        lived_in[: self.kinds[-1]] = True
        empty = np.flatnonzero(~lived_in)
        if len(empty) < 1.2 * len(wealth):
            self.stock += int(1.2 * len(wealth)) + UNIT
            empty = np.concatenate([empty, np.arange(len(lived_in), self.stock)])
        picked = self.rng.choice(empty, len(wealth), replace=False)
        homes = picked[np.argsort(self.place_of(picked), kind="stable")]
        wish = wealth + self.rng.normal(0, 0.15, len(wealth))
        return homes[np.argsort(np.argsort(wish, kind="stable"), kind="stable")]

    def bed(self, kind: int, count: int) -> Ints:
        """Return a care home (0), hostel (1) or shared house (2) for each of `count` people."""
        start = 0 if kind == 0 else self.kinds[kind - 1]
        return self.rng.integers(start, self.kinds[kind], count)

    def is_kind(self, homes: Ints, kind: int) -> Bools:
        """Return whether each dwelling is a care home (0), hostel (1) or shared house (2)."""
        start = 0 if kind == 0 else self.kinds[kind - 1]
        return (homes >= start) & (homes < self.kinds[kind])

    def children(self, parents: Ints, year: int) -> tuple[Ints, Ints]:
        """Return the children under 18 who live with `parents`, and with which of them."""
        asked = np.zeros(self.n, dtype=np.bool_)
        asked[parents] = True
        young = np.flatnonzero((self["state"] == HERE) & (year - self["birth_year"] < 18))
        mother, father = self["mother"][young], self["father"][young]
        home = self["home"]
        by_mother = (mother >= 0) & asked[mother] & (home[mother] == home[young])
        by_father = (father >= 0) & asked[father] & (home[father] == home[young])
        found = by_mother | by_father
        return young[found], np.where(by_mother, mother, father)[found]

    def move_with_children(self, heads: Ints, homes: Ints, year: int) -> None:
        """Move people and the children who live with them; each head is there once."""
        goal = np.full(self.n, NOWHERE)
        goal[heads] = homes
        children, parents = self.children(heads, year)
        self.settle(heads, homes, year)
        self.settle(children, goal[parents], year)

    def gendered(self, words: Ints, sex: Ints) -> Ints:
        """Return family names in the form of a sex, where a name has two; −1 stays."""
        form = np.where(sex == FEMALE, self.names.feminine[words], self.names.masculine[words])
        return np.where(words < 0, -1, form)

    def draw_given(self, community: Ints, sex: Ints, birth_year: Ints) -> Ints:
        """Return forenames by community, sex and generation; some are those of the majority."""
        local = self.names.customs("local")[community]
        chosen = np.where(self.rng.random(len(sex)) < local, 0, community)
        return self.names.given.draw(
            chosen * 6 + (sex - 1) * 3 + np.searchsorted(ERAS, birth_year, "right"), self.rng
        )

    def draw_family(self, community: Ints, sex: Ints) -> Ints:
        """Return family names by community, in the form of the sex."""
        words = self.names.family.draw(community * 2 + sex - 1, self.rng)
        return self.gendered(words, sex)
