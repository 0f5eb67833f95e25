"""Families in two homes: couples who parted, students and their parents, spouses in care."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Floats, Ints, Rng, chance
from pophealth_link.synthetic.households import KIND, LONE_PARENTS, STUDENTS
from pophealth_link.synthetic.members import CHILD, FEMALE, HEAD, SHARER
from pophealth_link.synthetic.profile import ETHNIC_GROUPS, Profile

# What ties a person to a family that lives in another household.
UNTIED, SEPARATED, STUDENT, SPOUSE = range(4)
_AGES = 1000.0


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of people that say who belongs together, as arrays of one value a person.

    `cell` is the number of the local authority and ethnic group: families are found within one.
    """

    household: Ints
    role: Ints
    kind: Ints
    age: Ints
    sex: Ints
    cell: Ints


@dataclass(frozen=True, slots=True)
class Ties:
    """Pairs: `person`, a row of people who lives apart from the family of `of`, another row."""

    person: Ints
    of: Ints


def add_kin(people: pl.DataFrame, profile: Profile, rng: Rng) -> pl.DataFrame:
    """Add family, tie, former_partner, came_from, other_home; families share a category.

    `family` is the household where the person's family lives: for most their own, for one who
    left the former partner's, for a student the parents', for a resident of a care home the
    spouse's. `former_partner` is a row of people, `came_from` the household in whose present home
    the person lived before, `other_home` the household of the other parent; -1 for none.
    """
    of = _columns(people)
    parted = _parted(of, profile, rng)
    spouses = _spouses(of, profile, rng)
    students = _students(of, profile, rng)
    ties = ((SEPARATED, parted), (SPOUSE, spouses), (STUDENT, students))
    family, tie, came_from = of.household.copy(), np.zeros_like(of.household), _none(people)
    category = people["ethnic_category"].to_numpy().copy()
    for number, each in ties:
        family[each.person], tie[each.person] = of.household[each.of], number
        came_from[each.person] = of.household[each.of]
        category[each.person] = category[each.of]
    former, other = _none(people), _none(people)
    former[parted.person], former[parted.of] = parted.of, parted.person
    came_from = _who_left(of, parted, came_from, profile, rng)
    parent = _none(people)
    parent[of.household[parted.of]] = of.household[parted.person]
    child = (of.role == CHILD) & (of.age < profile.england["kin"]["child_below"])
    other[child] = parent[of.household[child]]
    return people.with_columns(
        pl.Series("family", family),
        pl.Series("tie", tie),
        pl.Series("former_partner", former),
        pl.Series("came_from", came_from),
        pl.Series("other_home", other),
        pl.Series("ethnic_category", category),
    )


def _columns(people: pl.DataFrame) -> Columns:
    council = people["lad_code"].fill_null("").rank("dense").to_numpy().astype(np.int64)
    household, role, kind, age, sex, group = (
        people[name].to_numpy().astype(np.int64)
        for name in ("household", "role", "kind", "age", "sex", "group")
    )
    return Columns(household, role, kind, age, sex, council * len(ETHNIC_GROUPS) + group)


def _none(people: pl.DataFrame) -> Ints:
    return np.full(people.height, -1, dtype=np.int64)


def _parted(of: Columns, profile: Profile, rng: Rng) -> Ties:
    """Pair lone parents and some women alone with former partners, who live alone or share."""
    settings = profile.england["kin"]
    alone = (of.role == HEAD) & (of.kind == KIND["single"]) & (of.age >= settings["parted_from"])
    lone = (of.role == HEAD) & np.isin(of.kind, LONE_PARENTS)
    stayed = lone & chance(rng, settings["lone_parents_parted"], len(lone))
    stayed |= alone & (of.sex == FEMALE) & chance(rng, settings["women_alone_parted"], len(lone))
    sharing = (of.kind == KIND["shared"]) & (of.age >= settings["parted_from"])
    gap = np.where(of.sex == FEMALE, 1, -1) * profile.england["partners"]["age_gap_mean"]
    wanted, offered = np.flatnonzero(stayed), np.flatnonzero((alone | sharing) & ~stayed)
    sought = _keys(of, wanted, 3 - of.sex[wanted], of.age[wanted] + gap[wanted])
    first, second = pair_up(
        sought, _keys(of, offered, of.sex[offered], of.age[offered]), settings["ages_within"]
    )
    return Ties(offered[second], wanted[first])


def _spouses(of: Columns, profile: Profile, rng: Rng) -> Ties:
    """Pair some residents of care homes with the spouse who lives on at home."""
    settings = profile.england["kin"]
    resident = of.kind == KIND["care_home"]
    wanted = np.flatnonzero(resident & chance(rng, settings["spouse_at_home"], len(resident)))
    offered = np.flatnonzero(of.kind == KIND["single_older"])
    sought = _keys(of, wanted, 3 - of.sex[wanted], of.age[wanted])
    first, second = pair_up(
        sought, _keys(of, offered, of.sex[offered], of.age[offered]), settings["ages_within"]
    )
    return Ties(wanted[first], offered[second])


def _students(of: Columns, profile: Profile, rng: Rng) -> Ties:
    """Pair some students with the youngest child of a family of the region: their parents' home.

    The student is a year or more younger or older than that child.
    """
    settings = profile.england["kin"]
    away = (of.role == SHARER) & np.isin(of.kind, STUDENTS)
    wanted = np.flatnonzero(away & chance(rng, settings["students_parents_near"], len(away)))
    youngest = np.flatnonzero((of.role == CHILD) & (np.roll(of.role, 1) != CHILD))
    youngest = youngest[np.isin(of.kind[youngest], (KIND["family"], *LONE_PARENTS,
                                                    KIND["couple_adult_children"]))]  # fmt: skip
    head = np.full(int(of.household.max()) + 1, 0)
    head[of.household[of.role == HEAD]] = of.age[of.role == HEAD]
    one = np.ones(len(of.age), dtype=np.int64)
    sought = _keys(of, wanted, one[wanted], of.age[wanted] + settings["mothers_age_at_birth"])
    ages = head[of.household[youngest]]
    first, second = pair_up(
        sought, _keys(of, youngest, one[youngest], ages), settings["ages_within"]
    )
    person, child = wanted[first], youngest[second]
    apart = np.abs(of.age[person] - of.age[child]) >= 2
    return Ties(person[apart], child[apart])


def _keys(of: Columns, rows: Ints, sex: Ints, age: Ints | Floats) -> Floats:
    """Return numbers that are near each other for people of one cell, sex and age."""
    return np.asarray((of.cell[rows] * 3 + sex) * _AGES + age, dtype=float)


def pair_up(wanted: Floats, offered: Floats, within: float) -> tuple[Ints, Ints]:
    """Return positions of `wanted` and, for each, of an `offered` of its own that is near.

    One pass in order of value; those who find none within the distance are left out.

    >>> first, second = pair_up(np.array([5.0, 1.0]), np.array([1.5, 9.0, 4.0]), 3)
    >>> first.tolist(), second.tolist()
    ([1, 0], [0, 2])
    """
    left, right = (np.argsort(values, kind="stable") for values in (wanted, offered))
    first = np.searchsorted(offered[right], wanted[left] - within / 3)
    steps = np.arange(len(left))
    # Nobody is taken twice: each takes a later one than all before.
    seat = np.maximum.accumulate(first - steps) + steps
    held = seat < len(right)
    left, seat = left[held], seat[held]
    near = np.abs(offered[right[seat]] - wanted[left]) <= within
    return left[near], right[seat[near]]


def _who_left(of: Columns, parted: Ties, came_from: Ints, profile: Profile, rng: Rng) -> Ints:
    """Return `came_from` where some lone parents and women left, with the children, instead."""
    settings = profile.england["kin"]
    moved_out = chance(rng, settings["parent_of_children_left"], len(parted.of))
    moved_out &= of.kind[parted.person] == KIND["single"]
    target = np.full(len(of.household), -1, dtype=np.int64)
    target[of.household[parted.of[moved_out]]] = of.household[parted.person[moved_out]]
    left = came_from.copy()
    left[parted.person[moved_out]] = -1
    return np.where(target[of.household] >= 0, target[of.household], left)


def leading(rows: Ints, home: Ints, count: int) -> Ints:
    """Return for each home the last of the rows that belong to it; -1 where there is none."""
    found = np.full(count, -1, dtype=np.int64)
    found[home[rows]] = rows
    return found
