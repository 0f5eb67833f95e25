"""A sheet of records being written, and the clerks who write it.

Records go to desks, within a desk to clerks by neighbourhood, within a clerk to batches by year.
A clerk is more or less careful, has better and worse days, easy and awkward encounters, and errs
more in names of communities not their own: so errors cluster. The mean rate of a desk stays what
the desk says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.second_model.desks import Desk
from benchmarks.second_model.names import Bools, Floats, Ints
from benchmarks.second_model.rolls import Roll, World

# Records of a clerk and of a batch; clerks of a community of their patch; how much clerks, batches
# and single encounters differ (on a bad line, in a hurry), as shapes of gamma distributions. All
# assumed.
_RECORDS_OF_CLERK, _RECORDS_OF_BATCH = 250, 40
_OWN_COMMUNITY = 0.5
_CLERKS_DIFFER, _BATCHES_DIFFER, _ENCOUNTERS_DIFFER = 1.5, 4.0, 0.8
# The most that a chance can be, and steps to a mean of the rate asked.
_MOST, _ROUNDS = 0.9, 12


@dataclass(slots=True)
class Sheet:
    """Records being written: the frame, and who writes each with how much care."""

    frame: pl.DataFrame
    desks: Sequence[Desk]
    desk: Ints
    clerk: Ints
    batch: Ints
    care: Floats
    ear: Floats
    rng: np.random.Generator

    def rates(self, habit: str) -> Floats:
        """Return the rate of a habit at each record's desk."""
        return np.array([float(getattr(each, habit)) for each in self.desks])[self.desk]

    def struck(self, habit: str, among: Bools | None = None, *, of_names: bool = False) -> Bools:
        """Return which records a habit strikes, `among` those that it can strike."""
        chance = _chances(self.rates(habit), self.ear if of_names else self.care, self.desk)
        hit = self.rng.random(len(chance)) < chance
        return hit if among is None else hit & among

    def batches(self, habit: str) -> Bools:
        """Return which records are in a batch that a habit strikes as a whole."""
        draw = self.rng.random(int(self.batch.max(initial=0)) + 1)
        return draw[self.batch] < self.rates(habit)

    def change(self, column: str, rows: Bools, habit: Callable[[pl.Series], pl.Series]) -> None:
        """Write what a habit makes of a column, in some rows."""
        places = np.flatnonzero(rows)
        if not len(places):
            return
        whole = self.frame[column]
        made = habit(whole.gather(places)).cast(whole.dtype)
        self.frame = self.frame.with_columns(whole.clone().scatter(places, made).alias(column))

    def put(self, column: str, rows: Bools, values: pl.Series) -> None:
        """Write `values`, one for each record, in some rows of a column."""
        self.change(column, rows, lambda _: values.filter(pl.Series(rows)))


def texts(world: World, words: Ints) -> pl.Series:
    """Return words as text; −1 is missing."""
    made = pl.Series(world.names.words[words], dtype=pl.String)
    return made.to_frame("w").select(pl.when(pl.Series(words >= 0)).then("w"))["w"]


def family_names(world: World, people: Ints, years: Ints) -> pl.Series:
    """Return family names of a year: one word, or two with a hyphen (in Portuguese, a blank)."""
    first, second = world.lives.family_names.at(people, years)
    town = world.lives.town
    blank = world.names.customs("two_names")[town["community"][people]] > 0
    frame = pl.DataFrame({"a": texts(world, first), "b": texts(world, second), "blank": blank})
    joint = pl.when("blank").then(pl.lit(" ")).otherwise(pl.lit("-"))
    both = pl.concat_str("a", joint, "b")
    return frame.select(n=pl.when(pl.col("b").is_null()).then("a").otherwise(both))["n"]


def blank_sheet(world: World, roll: Roll, desks: Sequence[Desk], rng: np.random.Generator) -> Sheet:
    """Return the records of `roll` as they should be written, each given to a desk and a clerk."""
    town, people = world.lives.town, roll.person
    frame = pl.DataFrame(
        {
            "person": people,
            "given_name": texts(world, town["given"][people]),
            "middle_names": texts(world, town["middle"][people]),
            "family_name": family_names(world, people, roll.named),
            "date_of_birth": world.born[people],
            "sex": town["sex"][people].astype(str),
            "ethnic_category": world.category[people],
        }
    )
    share = np.array([each.share for each in desks])
    draw = rng.random(len(people)) * (share.sum() - 1e-9)
    desk = np.searchsorted(np.cumsum(share), draw, "right")
    home = world.homes(people, roll.housed)
    clerk = _clerks(town.unit_of(np.maximum(home, 0)), desk, rng)
    batch = _runs(np.lexsort((roll.housed, clerk)), clerk, _RECORDS_OF_BATCH)
    care = rng.gamma(_CLERKS_DIFFER, 1, clerk.max(initial=0) + 1)[clerk]
    care = care * rng.gamma(_BATCHES_DIFFER, 1, batch.max(initial=0) + 1)[batch]
    care = care * rng.gamma(_ENCOUNTERS_DIFFER, 1, len(people)) * (1.3 - 0.6 * town.place_of(home))
    ear = care * _strangeness(world, people, clerk, rng)
    return Sheet(frame, desks, desk, clerk, batch, care, ear, rng)


def _chances(rate: Floats, load: Floats, desk: Ints) -> Floats:
    """Return chances in proportion to loads, none over 0.9, with the rate as mean at each desk."""
    count, chance = np.bincount(desk), np.minimum(rate * load, _MOST)
    for _ in range(_ROUNDS):
        mean = (np.bincount(desk, chance) / np.maximum(count, 1))[desk]
        chance = np.minimum(chance * rate / np.where(mean > 0, mean, 1), _MOST)
    return chance


def _clerks(unit: Ints, desk: Ints, rng: np.random.Generator) -> Ints:
    """Return the clerk of each record; postcode units near each other mostly share one."""
    near = unit + rng.normal(0, 3, len(unit))
    return _runs(np.lexsort((near, desk)), desk, _RECORDS_OF_CLERK)


def _runs(order: Ints, group: Ints, size: int) -> Ints:
    """Return the number of each record's run of `size`, in this order, each within a group."""
    sorted_groups = group[order]
    start = np.searchsorted(sorted_groups, sorted_groups, "left")
    turn = (np.arange(len(order)) - start) // size
    new = np.append(False, (sorted_groups[1:] != sorted_groups[:-1]) | (turn[1:] != turn[:-1]))
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(new)
    return numbers


def _strangeness(world: World, people: Ints, clerk: Ints, rng: np.random.Generator) -> Floats:
    """Return how much more a clerk errs in a name: half share a community of their patch."""
    community = world.lives.town["community"][people]
    first = np.zeros(clerk.max(initial=0) + 1, dtype=np.int64)
    first[clerk] = community
    own = np.where(rng.random(len(first)) < _OWN_COMMUNITY, first, 0)[clerk]
    return np.where(own == community, 1.0, world.names.customs("strange")[community])
