"""Families of the town: weddings, births, and those who come, with the names each gives.

All rates are assumed; customs of naming are in `names.toml`.
"""

from __future__ import annotations

import numpy as np

from benchmarks.second_model.lineages import FIRST_YEAR, HERE, NO_ABODE, Town
from benchmarks.second_model.names import FEMALE, MALE, Bools, Floats, Ints

TWINS, IDENTICAL = 0.016, 0.33
_HUSBAND_JOINS, _HUSBAND_FIRST = 0.15, 0.35
# Of households that come: one person, a couple, a family; of single people, to a shared house.
_KINDS, _SHARED, _ROUGH = (0.45, 0.25, 0.30), 0.3, 0.02


def wed(town: Town, wives: Ints, husbands: Ints, year: int) -> None:
    """Marry couples: a wife takes the husband's name, joins both in either order, or keeps hers."""
    town["married"][wives] = town["married"][husbands] = 1
    names, community = town.names, town["community"][wives]
    era = 1.12 if year < 1980 else (1.0 if year < 2005 else 0.85)
    draw = town.rng.random(len(wives))
    takes = np.minimum(names.customs("takes")[community] * era, 0.96)
    joins = (draw >= takes) & (draw < takes + names.customs("doubles")[community])
    took, women, men = wives[draw < takes], wives[joins], husbands[joins]
    his = town["name"][husbands[draw < takes]], town["second"][husbands[draw < takes]]
    sex = np.full(len(took), FEMALE)
    town.rename(took, town.gendered(his[0], sex), town.gendered(his[1], sex), year)
    hers, theirs = town["name"][women].copy(), town["name"][men].copy()
    turned = town.rng.random(len(women)) < _HUSBAND_FIRST
    town.rename(women, np.where(turned, theirs, hers), np.where(turned, hers, theirs), year)
    too = town.rng.random(len(men)) < _HUSBAND_JOINS
    town.rename(men[too], town["name"][women[too]], town["second"][women[too]], year)


def bear(town: Town, mothers: Ints, years: Ints, year: int) -> Ints:
    """Return the children born to `mothers` in `years`; a mother of twins is there once.

    `year` is the one in which the town hears of them: of children who came, a later one.
    """
    twins = town.rng.random(len(mothers)) < TWINS
    times = 1 + twins.astype(np.int64)
    mother, born = np.repeat(mothers, times), np.repeat(years, times)
    second_twin = np.append(False, mother[1:] == mother[:-1]) & np.repeat(twins, times)
    father = _father(town, mother)
    sex = town.rng.integers(1, 3, len(mother))
    alike = second_twin & (town.rng.random(len(mother)) < IDENTICAL)
    sex = np.where(alike, np.roll(sex, 1), sex)
    values = _child(town, mother, father, sex, born)
    values |= {"home": town["home"][mother], "birth_year": born, "sex": sex}
    wealth = 0.75 * town.wealth[mother] + 0.25 * town.rng.random(len(mother))
    children = town.add(year, values, wealth)
    _pair_twins(town, children[second_twin])
    town["last_birth"][mother], town["last_child"][mother] = born, children
    known = father >= 0
    town["last_child"][father[known]] = children[known]
    return children


def _father(town: Town, mother: Ints) -> Ints:
    partner, former = town["partner"][mother], town["former"][mother]
    named = town.rng.random(len(mother)) < 0.5
    father = np.where(partner >= 0, partner, np.where(named, former, -1))
    # Twins have one father: what the first has holds for both.
    same = np.append(False, mother[1:] == mother[:-1])
    return np.where(same, np.roll(father, 1), father)


def _pair_twins(town: Town, second: Ints) -> None:
    """Note twins of each other; they share the day of birth and not the forename."""
    first = second - 1
    town["twin"][second], town["twin"][first] = first, second
    town["birth_day"][second] = town["birth_day"][first]
    for _ in range(20):
        second = second[town["given"][second] == town["given"][second - 1]]
        of = (town["community"][second], town["sex"][second], town["birth_year"][second])
        town["given"][second] = town.draw_given(*of)


def _child(town: Town, mother: Ints, father: Ints, sex: Ints, born: Ints) -> dict[str, Ints]:
    """Return community, forenames and family name of children, after those of their parents."""
    names, draw = town.names, town.rng.random((4, len(mother)))
    by_father = (father >= 0) & (draw[0] < 0.6)
    hers, his = town["community"][mother], town["community"][father]
    own = np.where(by_father, his, hers)
    other = np.where(father >= 0, np.where(by_father, hers, his), -1)
    given = town.draw_given(own, sex, born)
    son = (father >= 0) & (sex == MALE) & (draw[1] < names.customs("after")[own])
    given = np.where(son, town["given"][father], given)
    name, second = _child_family(town, mother, father, own, draw[2])
    invents = draw[3] >= names.customs("inherit")[own]
    name = np.where(invents, town.draw_family(own, sex), name)
    second = np.where(invents, -1, second)
    father_given = np.where(father >= 0, town["given"][father], _any_man(town, own, born))
    chained = names.customs("chained")[own] > 0
    grandfather = np.where(father >= 0, town["father_given"][father], name)
    middle = _middle(town, own, sex, born, father_given)
    inherited = (town.rng.random(len(mother)) < 0.3) & (father >= 0) & ~chained
    plain = names.customs("patronymic")[own] == 0
    family_name = np.where(sex == MALE, town["given"][father], town["given"][mother])
    middle = np.where(inherited & plain & (middle >= 0) & ~son, family_name, middle)
    given, middle = _first_name(town, own, sex, given, np.where(middle == given, -1, middle))
    return {
        "community": own,
        "other": np.where(other == own, -1, other),
        "mother": mother,
        "father": father,
        "given": given,
        "middle": middle,
        "name": town.gendered(np.where(chained, grandfather, name), sex),
        "second": np.where(chained, -1, town.gendered(second, sex)),
        "father_given": father_given,
        "western": _western(town, own, sex, born),
    }


def _child_family(
    town: Town, mother: Ints, father: Ints, own: Ints, draw: Floats
) -> tuple[Ints, Ints]:
    """Return the family name: the father's of the married, else the father's, hers, or both."""
    name, second = town["name"], town["second"]
    weds = (father >= 0) & (town["married"][mother] == 1)
    lives = (father >= 0) & ~weds
    his = weds | (lives & (draw < 0.55))
    both = lives & (draw >= 0.55) & (draw < 0.7)
    both |= (father >= 0) & (town.names.customs("two_names")[own] > 0)
    first = np.where(both, name[mother], np.where(his, name[father], name[mother]))
    fathers = np.where(second[father] >= 0, second[father], name[father])
    last = np.where(both, fathers, np.where(his, second[father], second[mother]))
    return first, np.where(last == first, -1, last)


def _any_man(town: Town, community: Ints, born: Ints) -> Ints:
    return town.draw_given(community, np.full(len(community), MALE), born - 28)


def _middle(town: Town, own: Ints, sex: Ints, born: Ints, father_given: Ints) -> Ints:
    """Return a second forename: the father's, one of custom (Kaur, Thi), a plain one, or none."""
    names = town.names
    custom = own * 2 + sex - 1
    special = names.middle.draw(np.where(names.has_middle[custom], custom, -1), town.rng)
    rate = np.where(names.customs("western")[own] > 0, 0.0, 0.6)
    has = town.rng.random(len(own)) < rate
    plain = np.where(has, town.draw_given(own, sex, born), -1)
    by_father = names.customs("patronymic")[own] > 0
    return np.where(special >= 0, special, np.where(by_father, father_given, plain))


def _first_name(town: Town, own: Ints, sex: Ints, given: Ints, middle: Ints) -> tuple[Ints, Ints]:
    """Return forenames where some men carry a first one that is not used (Mohammed Ali)."""
    first = town.names.first[own]
    rate = np.where(sex == MALE, town.names.customs("first")[own], 0)
    carries = (first >= 0) & (town.rng.random(len(own)) < rate)
    return np.where(carries, first, given), np.where(carries, given, middle)


def _western(town: Town, own: Ints, sex: Ints, born: Ints) -> Ints:
    """Return an English forename used beside the other, where that is a custom; else −1."""
    has = town.rng.random(len(own)) < town.names.customs("western")[own]
    drawn = town.draw_given(np.zeros(len(own), dtype=np.int64), sex, born)
    return np.where(has, drawn, -1)


def arrive(town: Town, count: int, year: int) -> None:
    """Bring about `count` people into the town: alone, in couples, in families, to relatives."""
    founding = year == FIRST_YEAR
    guests = 0 if founding else int(count * 0.08)
    _join_relatives(town, guests, year)
    households = int((count - guests) / 2.1) + 1
    communities = town.names.communities
    weights = [sum(w for a, b, w in each.arrivals if a <= year <= b) for each in communities]
    share = np.array(weights) / sum(weights)
    community = town.rng.choice(len(share), households, p=share)
    kind = town.rng.choice(3, households, p=_KINDS)
    sex = np.where(kind == 0, town.rng.integers(1, 3, households), FEMALE)
    wealth = np.clip(town.rng.random(households) - 0.25 * (community > 3), 0, 1)
    born = year - _ages(town, households, founding)
    heads = newcomers(town, community, sex, born, wealth, year)
    town.settle(heads, _first_homes(town, wealth, kind), year)
    wives = heads[kind > 0]
    after = town.rng.integers(-1, 6, len(wives))
    husbands = newcomers(
        town, town["community"][wives], np.full(len(wives), MALE),
        town["birth_year"][wives] - after, town.wealth[wives], year,
    )  # fmt: skip
    town["partner"][wives], town["partner"][husbands] = husbands, wives
    town.settle(husbands, town["home"][wives], year)
    chosen = town.rng.random(len(wives)) < 0.8
    wed(town, wives[chosen], husbands[chosen], year)
    _bring_children(town, heads[kind == 2], year)


def _ages(town: Town, count: int, founding: bool) -> Ints:
    if founding:
        return town.rng.integers(18, 72, count)
    return 17 + town.rng.gamma(2.2, 6, count).astype(np.int64)


def _first_homes(town: Town, wealth: Floats, kind: Ints) -> Ints:
    homes = town.vacant(wealth)
    draw = town.rng.random(len(kind))
    shared = (kind == 0) & (draw < _SHARED)
    homes[shared] = town.bed(2, int(shared.sum()))
    homes[(kind == 0) & (draw > 1 - _ROUGH)] = NO_ABODE
    return homes


def _bring_children(town: Town, mothers: Ints, year: int) -> None:
    for gap in (1, 4, 7):
        able = mothers[(year - gap - town["birth_year"][mothers]) >= 19]
        some = town.chance(able, 0.6)
        bear(town, some, np.full(len(some), year - gap), year)


def newcomers(
    town: Town, community: Ints, sex: Ints, born: Ints, wealth: Floats, year: int
) -> Ints:
    """Return people who come from elsewhere, without relatives here, named by their community."""
    father_given = _any_man(town, community, born)
    given = town.draw_given(community, sex, born)
    middle = _middle(town, community, sex, born, father_given)
    given, middle = _first_name(town, community, sex, given, middle)
    name = town.draw_family(community, sex)
    paired = (town.names.customs("two_names")[community] > 0) & (town.rng.random(len(sex)) < 0.8)
    second = np.where(paired, town.draw_family(community, sex), -1)
    values = {
        "community": community, "sex": sex, "birth_year": born, "given": given, "middle": middle,
        "name": name, "second": np.where(second == name, -1, second),
        "father_given": father_given, "western": _western(town, community, sex, born),
    }  # fmt: skip
    new = town.add(year, values, wealth)
    # Papers of places without registration of births say 1 January of a year.
    first = town.chance(new, town.names.customs("new_year")[community])
    town["birth_day"][first] = 0
    return new


def _join_relatives(town: Town, count: int, year: int) -> None:
    """Bring brothers, sisters and parents to people who came before; they share home and name."""
    here = town.here()
    adult = here[(year - town["birth_year"][here] > 20) & (town["home"][here] >= 0)]
    foreign = adult[town["community"][adult] > 3]
    hosts = town.rng.choice(foreign, min(count, len(foreign)), replace=False)
    sex = town.rng.integers(1, 3, len(hosts))
    older = (town["father"][hosts] < 0) & (town.rng.random(len(hosts)) < 0.3)
    gap = np.where(older, -26, town.rng.integers(-8, 9, len(hosts)))
    born = np.minimum(town["birth_year"][hosts] + gap, year - 16)
    guests = newcomers(town, town["community"][hosts], sex, born, town.wealth[hosts], year)
    name = town.gendered(town["birth_name"][hosts], sex)
    town.rename(guests, name, town.gendered(town["birth_second"][hosts], sex), year)
    town["birth_name"][guests], town["birth_second"][guests] = name, town["second"][guests]
    _make_kin(town, hosts, guests, older)
    town.settle(guests, town["home"][hosts], year)


def _make_kin(town: Town, hosts: Ints, guests: Ints, older: Bools) -> None:
    """Note guests as father or mother of their hosts, or as children of the same parents."""
    fathers = older & (town["sex"][guests] == MALE)
    town["father"][hosts[fathers]] = guests[fathers]
    town["given"][guests[fathers]] = town["father_given"][hosts[fathers]]
    mothers = older & (town["sex"][guests] == FEMALE)
    town["mother"][hosts[mothers]] = guests[mothers]
    for parent in ("mother", "father", "father_given"):
        town[parent][guests[~older]] = town[parent][hosts[~older]]


def alive_here(town: Town, people: Ints) -> Bools:
    """Return whether each of `people` is known (not −1) and in the town."""
    here: Bools = (people >= 0) & (town["state"][people] == HERE)
    return here
