"""The people of each household: role, age, sex, ethnic category."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import (
    Bools,
    Floats,
    Ints,
    Rng,
    chance,
    pick,
    pick_by_row,
    positions,
    running_total,
    triangle,
)
from pophealth_link.synthetic.households import COUPLES, KIND, KINDS, SHARERS
from pophealth_link.synthetic.profile import ETHNIC_GROUPS, Profile
from pophealth_link.synthetic.region import Region

HEAD, PARTNER, CHILD, ELDER, SHARER = range(5)
MALE, FEMALE = 1, 2
YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class Seats:
    """Where each person sits: number of the household, role, and position within the role.

    `kind`, `lsoa`, `group` are of the households, one value for each.
    """

    kind: Ints
    lsoa: Ints
    group: Ints
    which: Ints
    role: Ints
    place: Ints


def draw_members(
    households: pl.DataFrame, region: Region, profile: Profile, as_of: date, rng: Rng
) -> pl.DataFrame:
    """Return one row for each person, in the order of the households.

    Added to the household's columns: household (number), role, place (0, 1 … within the role),
    age_days, age (completed years), date_of_birth, sex (1 or 2), ethnic_category, group, twin
    (whether a child has a twin at home).
    """
    seats = _seats(households)
    which = seats.which
    ages, second = _ages(seats, region.quintile[seats.lsoa], profile, rng)
    sex = _sexes(seats, second, profile, rng)
    group, category = _ethnic(seats, region, profile, rng)
    day = as_of.toordinal() - date(1970, 1, 1).toordinal() - ages
    return pl.DataFrame(
        {
            "household": which,
            "lsoa": seats.lsoa[which],
            "kind": seats.kind[which],
            "tenure": households["tenure"].to_numpy()[which],
            "role": seats.role,
            "place": seats.place,
            "age_days": ages,
            "age": np.floor(ages / YEAR).astype(np.int64),
            "date_of_birth": pl.Series(day.astype(np.int32)).cast(pl.Date),
            "sex": sex,
            "group": group,
            "ethnic_category": category,
            "twin": second | np.append(second[1:], False),
        }
    )


def _seats(households: pl.DataFrame) -> Seats:
    """Seat people in their households: adults, then children, elders, sharers."""
    count = households["people"].to_numpy()
    which, seat = np.repeat(np.arange(households.height), count), positions(count)
    adults, children, sharers = (
        households[name].to_numpy()[which] for name in ("adults", "children", "sharers")
    )
    after = seat - adults
    role = np.where(after < children, CHILD, ELDER)
    role = np.where(seat < adults, np.minimum(seat, PARTNER), role)
    role = np.where(sharers > 0, SHARER, role)
    place = np.where(role == CHILD, after, np.where(role == ELDER, after - children, seat))
    kind, lsoa, group = (households[name].to_numpy() for name in ("kind", "lsoa", "group"))
    return Seats(kind, lsoa, group, which, role, place)


def _ages(seats: Seats, quintile: Ints, profile: Profile, rng: Rng) -> tuple[Ints, Bools]:
    """Return ages in days, and who is the second of twins; children come youngest first."""
    kind, which, role = seats.kind, seats.which, seats.role
    eldest = np.zeros(len(kind), dtype=np.int64)
    child = role == CHILD
    second = np.zeros(len(which), dtype=bool)
    second[child] = _second_twins(seats.place[child], profile, rng)
    ages = np.zeros(len(which), dtype=np.int64)
    ages[child] = _child_ages(kind, which[child], seats.place[child], second[child], profile, rng)
    np.maximum.at(eldest, which[child], ages[child])
    head = _head_ages(kind, eldest, quintile, profile, rng)
    partner = _partner_ages(head, kind, profile, rng)
    elder = head[which] + rng.normal(27.5 * YEAR, 5 * YEAR, len(which))
    elder = np.clip(elder, head[which] + 16 * YEAR, 101 * YEAR)
    alone = _sharer_ages(kind[which], profile, rng)
    adult = np.select(
        [role == HEAD, role == PARTNER, role == ELDER],
        [head[which], partner[which], elder],
        default=alone,
    )
    return np.minimum(np.where(child, ages, adult), 106 * YEAR).astype(np.int64), second


def _second_twins(place: Ints, profile: Profile, rng: Rng) -> Bools:
    """Choose the children born on the day of the one before them, given their places.

    Twin births are the published share of all births, though an only child cannot have a twin.
    """
    share = profile.england["children"]["twin_maternities"] * profile.ratio("twins")
    later = place > 0
    level = share / (1 + share) * len(place) / max(1, int(later.sum()))
    return chance(rng, np.where(later, min(level, 1.0), 0.0))


def _child_ages(
    kind: Ints, which: Ints, place: Ints, second: Bools, profile: Profile, rng: Rng
) -> Ints:
    settings = profile.england["children"]
    grown = np.isin(kind, (KIND["couple_adult_children"], KIND["lone_parent_adult_children"]))
    young = rng.random(len(kind)) ** settings["youngest_skew"] * settings["dependent_up_to"]
    adult = triangle(rng, profile.england["head_age"]["adult_child"], len(kind))
    youngest = np.where(grown, adult, young)
    gap = 1 + rng.gamma(2.0, (settings["gap_years_mean"] - 1) / 2, len(which))
    gap[second] = 0
    step = np.where(place == 0, youngest[which], gap) * YEAR
    return running_total(step.astype(np.int64), np.unique(which, return_counts=True)[1])


def _head_ages(kind: Ints, eldest: Ints, quintile: Ints, profile: Profile, rng: Rng) -> Ints:
    triangles = profile.england["head_age"]
    years = triangle(rng, triangles["single"], len(kind))
    for name in ("single_older", "couple_older"):
        here = np.flatnonzero(kind == KIND[name])
        years[here] = triangle(rng, triangles[name], len(here))
    pairs = np.flatnonzero(kind == KIND["couple"])
    young = chance(rng, _by_quintile(triangles["couple_young_share"])[quintile[pairs]])
    first, later = (triangle(rng, triangles[f"couple_{w}"], len(pairs)) for w in ("young", "later"))
    years[pairs] = np.where(young, first, later)
    settings = profile.england["children"]
    usual = _by_quintile(settings["first_birth_mean"])[quintile]
    birth = rng.normal(usual, settings["first_birth_sd"])
    parent = eldest / YEAR + np.clip(birth, 16.5, 44)
    return np.asarray(np.where(eldest > 0, parent, years) * YEAR, dtype=np.int64)


def _by_quintile(values: list[float]) -> Floats:
    """Return a value for each quintile, the mean for one that is not known."""
    return np.array([np.mean(values), *values])


def _partner_ages(head: Ints, kind: Ints, profile: Profile, rng: Rng) -> Ints:
    settings = profile.england["partners"]
    gap = rng.normal(settings["age_gap_mean"], settings["age_gap_sd"], len(head))
    lowest = np.where(kind == KIND["couple_older"], 66, 18)
    return np.ceil(np.maximum(head + gap * YEAR, lowest * YEAR)).astype(np.int64)


def _sharer_ages(kind: Ints, profile: Profile, rng: Rng) -> Floats:
    years = np.zeros(len(kind))
    for sharers in SHARERS:
        here = np.flatnonzero(kind == sharers)
        years[here] = triangle(rng, profile.england["head_age"][KINDS[sharers]], len(here))
    return years * YEAR


def _sexes(seats: Seats, twin: Bools, profile: Profile, rng: Rng) -> Ints:
    """Return 1 for men, 2 for women. In most couples the head is a woman, the partner a man.

    `twin` says who is the second of twins; identical ones are of one sex.
    """
    which, role = seats.which, seats.role
    settings = profile.england["head_sex"]
    female = chance(rng, _women(seats, profile))
    same = chance(rng, settings["same_sex_couples"], len(seats.kind))
    both_women = chance(rng, 0.5, len(seats.kind))
    couple = np.isin(seats.kind, COUPLES)[which]
    head, partner = couple & (role == HEAD), couple & (role == PARTNER)
    female[head] = (~same | both_women)[which[head]]
    female[partner] = (same & both_women)[which[partner]]
    first, second = (role == ELDER) & (seats.place == 0), (role == ELDER) & (seats.place == 1)
    female[first | second] = chance(rng, 0.72, len(which))[first | second] & ~second[first | second]
    alike = np.flatnonzero(twin & chance(rng, settings["identical_twins"], len(which)))
    female[alike] = female[alike - 1]
    return np.where(female, FEMALE, MALE).astype(np.int64)


def _women(seats: Seats, profile: Profile) -> Floats:
    """Return the share of women by kind of household, at birth for children."""
    settings = profile.england["head_sex"]
    by_kind = np.full(len(KINDS), settings["births"])
    for name in KINDS:
        by_kind[KIND[name]] = settings.get(name, settings["births"])
    return np.where(seats.role == CHILD, settings["births"], by_kind[seats.kind[seats.which]])


def _ethnic(seats: Seats, region: Region, profile: Profile, rng: Rng) -> tuple[Ints, pl.Series]:
    """Return the ethnic group and category: one for the household, but for some partners.

    Children of parents of different groups are of the mixed group. Sharers have their own.
    """
    which, role = seats.which, seats.role
    anew = pick_by_row(rng, region.ethnic, seats.lsoa)
    crosses = chance(rng, profile.england["partners"]["other_ethnic_group"], len(seats.lsoa))
    partner = np.where(crosses, anew, seats.group)
    both = (partner != seats.group) & np.isin(seats.kind, COUPLES)
    own = pick_by_row(rng, region.ethnic, seats.lsoa[which])
    apart = np.isin(seats.kind, SHARERS) & (seats.kind != KIND["care_home"])
    group = np.where(apart[which], own, seats.group[which])
    group = np.where(role == PARTNER, partner[which], group)
    mixed = (role == CHILD) & both[which]
    group = np.where(mixed, ETHNIC_GROUPS.index("mixed"), group)
    return group, _categories(group, seats, profile, rng)


def _categories(group: Ints, seats: Seats, profile: Profile, rng: Rng) -> pl.Series:
    """Return ethnic categories: those of a household's group agree within the household."""
    codes = np.empty(len(group), dtype="<U1")
    alike = (group == seats.group[seats.which]) & (seats.role != SHARER)
    for number, name in enumerate(ETHNIC_GROUPS):
        shares = profile.england["ethnic_categories"][name]
        letters, weights = np.array(list(shares)), list(shares.values())
        shared = letters[pick(rng, weights, len(seats.group))]
        own = letters[pick(rng, weights, len(group))]
        here = group == number
        codes[here] = np.where(alike, shared[seats.which], own)[here]
    return pl.Series("ethnic_category", codes)
