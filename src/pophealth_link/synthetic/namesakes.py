"""Namesakes in a family: named after a parent, a grandparent, a cousin; brothers' first names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, chance, pick
from pophealth_link.synthetic.homes import Homes, with_values
from pophealth_link.synthetic.kin import leading
from pophealth_link.synthetic.members import FEMALE, MALE
from pophealth_link.synthetic.name_book import NameBook
from pophealth_link.synthetic.profile import Profile, Table


@dataclass(frozen=True, slots=True)
class Customs:
    """How often a tradition names children in each way, times the preset's ratio."""

    table: Table
    traditions: tuple[str, ...]
    ratio: float

    def share(self, custom: str, tradition: Ints) -> Floats:
        """Return the share of each element's tradition."""
        rates = self.table[custom]
        usual = rates.get("otherwise", 0.0)
        shares = np.array([rates.get(name, usual) for name in self.traditions])
        return np.minimum(shares[tradition] * self.ratio, 0.9)


def customs_of(book: NameBook, profile: Profile) -> Customs:
    """Return the customs of England's profile with the ratio of the preset."""
    return Customs(profile.england["namesakes"], book.traditions, profile.ratio("namesakes"))


def repeats(homes: Homes, given: pl.Series) -> Ints:
    """Return the children whose given name a child before them in the family has."""
    child = np.flatnonzero(homes.child)
    pairs = pl.DataFrame({"h": homes.home[child], "g": given.gather(child)})
    first = pairs.select(pl.struct("h", "g").is_first_distinct()).to_series()
    return np.asarray(child[~first.to_numpy()], dtype=np.int64)


def named_after(
    people: pl.DataFrame, homes: Homes, given: pl.Series, customs: Customs, rng: Rng
) -> pl.Series:
    """Give some eldest sons and daughters the name of a parent, grandparent or cousin.

    Cousins are the eldest of two brothers' families, both named after one grandparent.
    """
    sex = people["sex"].to_numpy()
    renamed = given
    elders = {MALE: (homes.father, homes.grandfather), FEMALE: (homes.mother, homes.grandmother)}
    for which, named in ((MALE, "son"), (FEMALE, "daughter")):
        eldest = leading(np.flatnonzero(homes.child & (sex == which)), homes.home,
                         len(homes.first))  # fmt: skip
        parent, grandparent = elders[which]
        source = _sources(people, eldest, parent, grandparent, homes.uncle, named, customs, rng)
        chosen = source >= 0
        renamed = with_values(renamed, eldest[chosen], given.gather(source[chosen]))
    # Where a brother or sister already bears the name, the child keeps its own.
    clash = repeats(homes, renamed)
    kept = with_values(renamed, clash, given.gather(clash))
    again = np.unique(people["family"].to_numpy()[repeats(homes, kept)])
    own = np.flatnonzero(homes.child & np.isin(homes.home, again))
    return with_values(kept, own, given.gather(own))


def _sources(
    people: pl.DataFrame,
    eldest: Ints,
    parent: Ints,
    grandparent: Ints,
    uncle: Ints,
    named: str,
    customs: Customs,
    rng: Rng,
) -> Ints:
    """Return for each home the row of people whose name its eldest takes; -1 for none."""
    tradition = people["tradition"].to_numpy()[np.maximum(eldest, 0)]
    cousin = np.where(uncle >= 0, eldest[uncle], -1)
    ways = ((parent, f"{named}_after_parent"), (grandparent, "after_grandparent"),
            (cousin, "after_grandparent"))  # fmt: skip
    source = np.full(len(eldest), -1, dtype=np.int64)
    for rows, custom in ways:
        takes = chance(rng, customs.share(custom, tradition)) & (rows >= 0)
        source = np.where(takes & (source < 0), rows, source)
    return np.where(eldest >= 0, source, -1)


def with_brothers_name(
    people: pl.DataFrame, homes: Homes, given: pl.Series, customs: Customs, rng: Rng
) -> tuple[pl.Series, pl.Series, Bools]:
    """Put one first name before those of all men of some families (Mohammed Ali, Mohammed Omar).

    Return the given name, the middle name that was the given name, and whose it is.
    """
    tradition, sex = people["tradition"].to_numpy(), people["sex"].to_numpy()
    level = rng.random(len(homes.first))[homes.home]
    names = pl.Series(list(customs.table["brothers_first_names"]))
    weights = list(customs.table["brothers_first_names"].values())
    shared = names.gather(pick(rng, weights, len(homes.first))).gather(homes.home)
    chosen = (level < customs.share("brothers_share_first_name", tradition)) & (sex == MALE)
    chosen &= ~given.is_in(names.implode()).to_numpy()
    before = pl.when(pl.Series(chosen))
    return (
        pl.select(before.then(shared).otherwise(given).alias("given_name")).to_series(),
        pl.select(before.then(given).alias("middle_names")).to_series(),
        chosen,
    )
