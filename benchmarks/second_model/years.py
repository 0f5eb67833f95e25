"""The town year by year: deaths, partings, couples, births, moves; all rates assumed.

A year is a list of events; each strikes all people at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.second_model.families import alive_here, arrive, bear, wed
from benchmarks.second_model.lineages import (
    AS_OF_YEAR,
    AWAY,
    DEAD,
    FIRST_YEAR,
    GONE,
    HERE,
    NO_ABODE,
    UNIT,
    UNITS,
    History,
    Town,
    history,
)
from benchmarks.second_model.names import FEMALE, MALE, Floats, Ints, Names

# Births a year to a woman of each age, before the era, the community and having a partner.
_BIRTH_AGES = (17, 20, 25, 30, 35, 40, 45)
_BIRTHS = (0.0, 0.02, 0.06, 0.1, 0.11, 0.06, 0.015, 0.0)
_PARTNER_AGES, _PARTNERS = (17, 20, 36, 51, 76), (0.0, 0.07, 0.15, 0.06, 0.02, 0.0)
_MARRIES_AT_ONCE, _MARRIES_LATER = 0.45, 0.08
# Partners from outside the community: of the majority, and of others by how local they are.
_OUTSIDE = (0.3, 0.15, 0.6)
_SEPARATES, _NAME_BACK = 0.014, 0.35


@dataclass(frozen=True, slots=True)
class Lives:
    """The town at the end: its people, where they lived, and what they were called."""

    town: Town
    homes: History
    family_names: History


def live(people: int, names: Names, seed: int) -> Lives:
    """Return the lives of a town that has `people` residents in the last year."""
    town = Town(people, names, np.random.default_rng([seed, 2]))
    for year in range(FIRST_YEAR, AS_OF_YEAR):
        if year > FIRST_YEAR:
            _pass_year(town, year)
        share = 0.6 + 0.45 * (year - FIRST_YEAR) / (AS_OF_YEAR - 1 - FIRST_YEAR)
        arrive(town, max(int(share * people) - len(town.here()), people // 200), year)
    while (short := people - len(town.here())) > 0:
        arrive(town, short, AS_OF_YEAR - 1)
    _keep(town, people)
    return Lives(town, history(town.moves), history(town.renames))


def _pass_year(town: Town, year: int) -> None:
    _die(town, year)
    _come_back(town, year)
    _part(town, year)
    _find_partners(town, year)
    _marry_late(town, year)
    _give_birth(town, year)
    _leave_parents(town, year)
    _move_house(town, year)
    _drift(town, year)
    _grow_old(town, year)
    _leave_town(town, year)


def _by_age(ages: Ints, starts: tuple[int, ...], rates: tuple[float, ...]) -> Floats:
    return np.array(rates)[np.searchsorted(starts, ages, "right")]


def _ages(town: Town, people: Ints, year: int) -> Ints:
    return year - town["birth_year"][people]


def _die(town: Town, year: int) -> None:
    """Gompertz mortality, falling over the decades, higher for men and where it is poor."""
    here = np.flatnonzero(town["state"] <= AWAY)
    age = _ages(town, here, year)
    rate = 4.2e-5 * np.exp(0.094 * age) * np.where(town["sex"][here] == MALE, 1.2, 0.85)
    rate = rate * np.exp(-0.008 * (year - 1990)) * (1.35 - 0.7 * town.wealth[here])
    dead = town.chance(here, np.minimum(rate + 0.004 * (age < 1), 0.6))
    town["died"][dead] = year
    town.leave(dead, DEAD, year)
    left = town["partner"][dead]
    town["partner"][left[left >= 0]] = -1
    town["partner"][dead] = -1


def _come_back(town: Town, year: int) -> None:
    """Of those whose time away is over, some come back: to a parent, a shared house, a home."""
    due = np.flatnonzero((town["state"] == AWAY) & (town["back"] <= year))
    draw = town.rng.random(len(due))
    town["state"][due] = np.where(draw < 0.75, HERE, GONE)
    back = due[draw < 0.75]
    mother = town["mother"][back]
    to_mother = alive_here(town, mother) & (town.rng.random(len(back)) < 0.6)
    homes = town.vacant(town.wealth[back])
    homes = np.where(draw[draw < 0.75] < 0.2, town.bed(2, len(back)), homes)
    town["until"][back] = 9999
    town.settle(back, np.where(to_mother, town["home"][mother], homes), year)


def _part(town: Town, year: int) -> None:
    """Separate couples: one goes, mostly the man; children stay with their mother or go too."""
    here = town.here()
    women = here[(town["sex"][here] == FEMALE) & (town["partner"][here] >= 0)]
    wives = town.chance(women, np.where(_ages(town, women, year) < 60, _SEPARATES, 0.003))
    husbands = town["partner"][wives].copy()
    for one, other in ((wives, husbands), (husbands, wives)):
        town["partner"][one], town["former"][one], town["married"][one] = -1, other, 0
    goes = np.where(town.rng.random(len(wives)) < 0.3, wives, husbands)
    goes = goes[town["state"][goes] == HERE]
    homes = town.vacant(town.wealth[goes])
    draw, mother = town.rng.random(len(goes)), town["mother"][goes]
    homes = np.where(draw < 0.15, town.bed(2, len(goes)), homes)
    to_mother = alive_here(town, mother) & (draw > 0.7)
    homes = np.where(to_mother, town["home"][mother], homes)
    woman = town["sex"][goes] == FEMALE
    town.move_with_children(goes[woman], homes[woman], year)
    town.settle(goes[~woman], homes[~woman], year)
    renamed = town.chance(wives[town["name"][wives] != town["birth_name"][wives]], _NAME_BACK)
    town.rename(renamed, town["birth_name"][renamed], town["birth_second"][renamed], year)


def _find_partners(town: Town, year: int) -> None:
    """Pair single people of about one age, mostly of one community, and house the couples."""
    here = town.here()
    single = here[town["partner"][here] < 0]
    single = town.chance(single, _by_age(_ages(town, single, year), _PARTNER_AGES, _PARTNERS))
    own = town["community"][single]
    outside = _OUTSIDE[1] + _OUTSIDE[2] * town.names.customs("local")[own]
    outside = np.where(own == 0, _OUTSIDE[0], outside)
    pool = np.where(town.rng.random(len(single)) < outside, -1, own)
    key = pool * 1000.0 + town["birth_year"][single] - 1900 + town.rng.normal(0, 2.5, len(single))
    key += 2.0 * (town["sex"][single] == MALE)
    men = np.flatnonzero(town["sex"][single] == MALE)
    women = np.flatnonzero(town["sex"][single] == FEMALE)
    his, hers = _meet(men[np.argsort(key[men])], women[np.argsort(key[women])], pool)
    husbands, wives = single[his], single[hers]
    mother, father = town["mother"], town["father"]
    kin = (mother[husbands] == mother[wives]) & (mother[wives] >= 0)
    kin |= (father[husbands] == father[wives]) & (father[wives] >= 0)
    kin |= (mother[husbands] == wives) | (father[wives] == husbands)
    kin |= abs(town["birth_year"][husbands] - town["birth_year"][wives]) > 16
    _set_up_house(town, husbands[~kin], wives[~kin], year)


def _meet(men: Ints, women: Ints, pool: Ints) -> tuple[Ints, Ints]:
    """Return the i-th man and the i-th woman of each pool."""
    turns = (_turns(pool[men]), _turns(pool[women]))
    _, his, hers = np.intersect1d(turns[0], turns[1], assume_unique=True, return_indices=True)
    return men[his], women[hers]


def _turns(pools: Ints) -> Ints:
    """Return a number that holds the pool and the turn within it; `pools` is sorted."""
    turns: Ints = pools * 10**7 + np.arange(len(pools)) - np.searchsorted(pools, pools, "left")
    return turns


def _set_up_house(town: Town, husbands: Ints, wives: Ints, year: int) -> None:
    town["partner"][husbands], town["partner"][wives] = wives, husbands
    town["married"][husbands] = town["married"][wives] = 0
    near = town.names.customs("near")[town["community"][husbands]]
    draw = town.rng.random(len(wives))
    with_his = (draw < near + 0.15) & (town["home"][husbands] >= town.kinds[-1])
    with_hers = (draw > 0.88) & (town["home"][wives] >= town.kinds[-1])
    homes = town.vacant((town.wealth[wives] + town.wealth[husbands]) / 2)
    homes = np.where(with_hers, town["home"][wives], homes)
    homes = np.where(with_his, town["home"][husbands], homes)
    town.move_with_children(wives, homes, year)
    town.settle(husbands, homes, year)
    at_once = _MARRIES_AT_ONCE * (2.0 if year < 1975 else 1.0)
    weds = town.rng.random(len(wives)) < np.maximum(at_once, np.minimum(near * 2.1, 0.95))
    wed(town, wives[weds], husbands[weds], year)


def _marry_late(town: Town, year: int) -> None:
    here = town.here()
    women = (town["sex"][here] == FEMALE) & (town["partner"][here] >= 0)
    wives = town.chance(here[women & (town["married"][here] == 0)], _MARRIES_LATER)
    wed(town, wives, town["partner"][wives].copy(), year)


def _give_birth(town: Town, year: int) -> None:
    here = town.here()
    women = here[(town["sex"][here] == FEMALE) & (town["last_birth"][here] < year - 1)]
    rate = _by_age(_ages(town, women, year), _BIRTH_AGES, _BIRTHS)
    rate = rate * np.where(town["partner"][women] >= 0, 1.4, 0.45)
    rate = rate * town.names.customs("kids")[town["community"][women]]
    mothers = town.chance(women, rate * (1.3 if 1946 <= year <= 1968 else 1.0))
    bear(town, mothers, np.full(len(mothers), year), year)


def _leave_parents(town: Town, year: int) -> None:
    """Grown children leave: to study elsewhere, to a shared house, as lodgers, to a home."""
    here = town.here()
    grown = here[(_ages(town, here, year) >= 18) & (town["partner"][here] < 0)]
    home, mother, father = town["home"], town["mother"][grown], town["father"][grown]
    with_parent = ((mother >= 0) & (home[mother] == home[grown])) | (
        (father >= 0) & (home[father] == home[grown])
    )
    rate = np.where(_ages(town, grown, year) == 18, 0.28, 0.12)
    rate = rate * (1 - town.names.customs("near")[town["community"][grown]])
    leavers = town.chance(grown[with_parent], rate[with_parent])
    draw = town.rng.random(len(leavers))
    young = _ages(town, leavers, year) < 21
    students = leavers[young & (draw < 0.45)]
    town.leave(students, AWAY, year, year + 3)
    rest, draw = leavers[~(young & (draw < 0.45))], draw[~(young & (draw < 0.45))]
    homes = town.vacant(town.wealth[rest])
    let = here[home[here] >= town.kinds[-1]]
    homes = np.where(draw > 0.9, home[town.rng.choice(let, len(rest))], homes)
    homes = np.where(draw < 0.6, town.bed(2, len(rest)), homes)
    town.move_with_children(rest, homes, year)


def _move_house(town: Town, year: int) -> None:
    """Whole households move; who lives in a shared house or hostel moves alone, and sooner."""
    here = town.here()
    homes = town["home"][here]
    settled = here[homes >= town.kinds[-1]]
    rate = 0.025 + 0.07 * (1 - town.place_of(np.arange(town.stock)))
    flagged = town.rng.random(town.stock) < rate
    movers = settled[flagged[town["home"][settled]]]
    old, which = np.unique(town["home"][movers], return_inverse=True)
    wealth = np.zeros(len(old))
    wealth[which] = town.wealth[movers]
    town.settle(movers, town.vacant(wealth)[which], year)
    passing = here[(homes < town.kinds[-1]) & (homes >= town.kinds[0]) | (homes == NO_ABODE)]
    onward = town.chance(passing, 0.4)
    goal = town.vacant(town.wealth[onward])
    draw = town.rng.random(len(onward))
    goal = np.where(draw < 0.4, town.bed(2, len(onward)), goal)
    town.move_with_children(onward, np.where(draw < 0.08, town.bed(1, len(onward)), goal), year)


def _drift(town: Town, year: int) -> None:
    """Single people, mostly poor ones, lose their home: to a hostel, to friends, to the street."""
    here = town.here()
    alone = here[(town["partner"][here] < 0) & (_ages(town, here, year) >= 18)]
    lost = town.chance(alone, 0.012 * np.maximum(0.6 - town.wealth[alone], 0.05))
    homes = np.where(town.rng.random(len(lost)) < 0.5, town.bed(1, len(lost)), NO_ABODE)
    town.move_with_children(lost, homes, year)


def _grow_old(town: Town, year: int) -> None:
    """Old people alone move in with a child, or into a care home."""
    here = town.here()
    alone = here[(town["partner"][here] < 0) & (_ages(town, here, year) >= 76)]
    alone = alone[~town.is_kind(town["home"][alone], 0)]
    draw = town.rng.random(len(alone))
    child = town["last_child"][alone]
    to_child = alive_here(town, child) & (draw < 0.02)
    town.settle(alone[to_child], town["home"][child[to_child]], year)
    rate = np.where(_ages(town, alone, year) >= 85, 0.07, 0.02)
    to_care = ~to_child & (draw > 1 - rate)
    town.settle(alone[to_care], town.bed(0, int(to_care.sum())), year)


def _leave_town(town: Town, year: int) -> None:
    """Some leave: young people alone, of whom many come back; whole households for good."""
    here = town.here()
    age = _ages(town, here, year)
    rate = np.where((age >= 18) & (age < 40), 0.03, 0.002)
    alone = town.chance(here, np.where((town["partner"][here] < 0) & (age >= 18), rate, 0.0))
    town.leave(alone, AWAY, year, year + town.rng.integers(2, 8, len(alone)))
    here = town.here()
    settled = here[town["home"][here] >= town.kinds[-1]]
    flagged = town.rng.random(town.stock) < 0.012
    town.leave(settled[flagged[town["home"][settled]]], GONE, year)


def _keep(town: Town, people: int) -> None:
    """Let households leave in the last year until `people` residents are left."""
    here = town.here()
    turn = town.rng.random(town.stock + 1)[town["home"][here]]
    surplus = here[np.argsort(turn, kind="stable")][people:]
    town.leave(surplus, GONE, AS_OF_YEAR - 1)


def deprivation(town: Town, homes: Ints) -> Ints:
    """Return the fifth of deprivation, 1 the most deprived, of the neighbourhood of a dwelling."""
    blocks = np.arange(town.stock // (UNIT * UNITS) + 1)
    place = np.sort(town.place[blocks % len(town.place)])
    rank = np.searchsorted(place, town.place_of(homes), "left")
    return 1 + np.minimum(5 * rank // len(place), 4)
