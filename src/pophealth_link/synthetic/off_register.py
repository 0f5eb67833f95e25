"""Who is on no list: one of a family, a family that has just come, students, people alone."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, lowest_keys, portions
from pophealth_link.synthetic.households import KIND, SHARERS, STUDENTS
from pophealth_link.synthetic.kin import STUDENT
from pophealth_link.synthetic.members import CHILD, ELDER, HEAD, PARTNER, SHARER
from pophealth_link.synthetic.profile import Profile, Table

ON_REGISTER = ""
_RELATIVE, _HOUSEHOLD, _ALONE = "relative", "household", "alone"
# The reasons of people whom no practice anywhere knows.
UNKNOWN = (_HOUSEHOLD, _ALONE, "lives_outside")


def population_size(on_list: int, profile: Profile) -> int:
    """Return how many people there are, given those on the register: the others are on no list."""
    share: float = profile.england["off_register"]["share"] * profile.ratio("off_register")
    return on_list + round(on_list * share / (1 - share))


def add_off_register(people: pl.DataFrame, count: int, profile: Profile, rng: Rng) -> pl.DataFrame:
    """Add off_register, the reason why `count` people are on no list, and registered.

    Reasons: relative (one of a household whose others are registered), household (all of it),
    student (registered where the parents live), registered_outside (with a practice that is not
    of this area), alone, lives_outside (known to services here alone); empty for people on it.
    """
    settings = profile.england["off_register"]
    reasons = list(settings["reasons"])
    quota = dict(zip(reasons, portions(list(settings["reasons"].values()), count), strict=True))
    recent = np.isin(people["ethnic_category"].to_numpy(), settings["recently_arrived"])
    arrived = np.where(recent, settings["recently_arrived_ratio"], 1.0)
    reason = np.full(people.height, ON_REGISTER, dtype="<U20")
    reason[_households(people, arrived, int(quota[_HOUSEHOLD]), rng)] = _HOUSEHOLD
    weights = _weights(people, arrived, settings)
    chosen = _one_each(people, weights[_RELATIVE] * (reason == ON_REGISTER),
                       int(quota[_RELATIVE]), rng)  # fmt: skip
    reason[chosen] = _RELATIVE
    for name in reasons:
        if name not in (_HOUSEHOLD, _RELATIVE, _ALONE):
            free = weights[name] * (reason == ON_REGISTER)
            reason[_drawn(free, int(quota[name]), rng)] = name
    # Where there were too few of a kind, people alone make up the number.
    rest = count - int((reason != ON_REGISTER).sum())
    reason[_drawn(weights[_ALONE] * (reason == ON_REGISTER), rest, rng)] = _ALONE
    return people.with_columns(
        pl.Series("off_register", reason), pl.Series("registered", reason == ON_REGISTER)
    )


def _drawn(weights: Floats, count: int, rng: Rng) -> Ints:
    could = np.flatnonzero(weights > 0)
    return could[lowest_keys(rng, weights[could], min(count, len(could)))]


def _weights(people: pl.DataFrame, arrived: Floats, settings: Table) -> dict[str, Floats]:
    """Return how likely each person is to be on no list, by reason."""
    age, kind = people["age"].to_numpy(), people["kind"].to_numpy()
    young = np.where((age >= 18) & (age < 40), 3.0, np.where(age < 18, 0.3, 1.0))
    alone = young * np.where(kind == KIND["shared"], 3.0, 1.0) * arrived
    students = np.isin(kind, STUDENTS) & (people["role"].to_numpy() == SHARER)
    near = people["tie"].to_numpy() == STUDENT
    return {
        _RELATIVE: _relatives(people, arrived, settings),
        "student": students * np.where(near, 1.0, 2.0),
        "registered_outside": (kind != KIND["care_home"]) * young,
        "lives_outside": alone,
        _ALONE: alone,
    }


def _relatives(people: pl.DataFrame, arrived: Floats, settings: Table) -> Floats:
    """Return how likely each of a family is to be the one who is on no list."""
    role, age, days = (people[name].to_numpy() for name in ("role", "age", "age_days"))
    ratio = settings["relative_ratio"]
    weight = np.select(
        [role == HEAD, role == PARTNER, role == ELDER, role == CHILD],
        [ratio["head"], ratio["partner"], ratio["grandparent"], ratio["child"]],
        default=0.0,
    )
    weight = np.where((role == CHILD) & (age >= 18), ratio["adult_child"], weight)
    size = np.bincount(people["household"].to_numpy())[people["household"].to_numpy()]
    weight = weight * arrived * (size > 1)
    newborn = days < settings["newborn_days"]
    return np.asarray(np.where(newborn & (size > 1), ratio["newborn"], weight))


def _one_each(people: pl.DataFrame, weights: Floats, count: int, rng: Rng) -> Ints:
    """Return `count` people by weight, at most one of each household."""
    keys = np.where(weights > 0, rng.exponential(size=len(weights)), np.inf)
    keys = keys / np.maximum(weights, 1e-12)
    order = np.argsort(keys, kind="stable")[: int((weights > 0).sum())]
    first = np.unique(people["household"].to_numpy()[order], return_index=True)[1]
    return np.sort(order[np.sort(first)[:count]])


def _households(people: pl.DataFrame, arrived: Floats, count: int, rng: Rng) -> Bools:
    """Choose whole households of two or more that have just come, at most `count` people."""
    household, age = people["household"].to_numpy(), people["age"].to_numpy()
    first = np.unique(household, return_index=True)[1]
    size = np.bincount(household)
    family = ~np.isin(people["kind"].to_numpy()[first], SHARERS) & (size > 1)
    rented = np.where(people["tenure"].to_numpy()[first] == 2, 4.0, 0.5)
    weight = family * rented * arrived[first] * np.where(age[first] < 45, 2.0, 0.5)
    order = np.argsort(rng.exponential(size=len(size)) / np.maximum(weight, 1e-12), kind="stable")
    order = order[: int((weight > 0).sum())]
    taken = np.zeros(len(size), dtype=bool)
    taken[order[np.cumsum(size[order]) <= count]] = True
    return np.asarray(taken[household], dtype=bool)
