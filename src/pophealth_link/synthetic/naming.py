"""Names of the people: shared in families, taken in marriage, drawn by generation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Ints, Rng, Streams, chance, pick
from pophealth_link.synthetic.households import KIND, SHARERS
from pophealth_link.synthetic.members import CHILD, ELDER, FEMALE, HEAD, MALE, PARTNER, SHARER
from pophealth_link.synthetic.name_book import NameBook, draw_given, draw_surnames
from pophealth_link.synthetic.profile import Profile, Table


@dataclass(frozen=True, slots=True)
class Surnames:
    """Surnames that meet in a household: the father's line, the mother's, and another's."""

    father: pl.Series
    mother: pl.Series
    other: pl.Series


def name_people(
    people: pl.DataFrame, book: NameBook, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Add given_name, middle_names, family_name, previous_family_name (null: none), tradition."""
    names = profile.england["names"]
    tradition = _traditions(people, book, profile, streams.stage("naming traditions"))
    people = people.with_columns(pl.Series("tradition", tradition))
    family = _family_names(people, book, names, streams)
    given = _given_names(people, book, names, streams.stage("given names"))
    people = people.with_columns(given, *family)
    people = people.with_columns(_middle_names(people, book, names, streams.stage("middle names")))
    return _single_names(people, book, names, streams.stage("single names"))


def _traditions(people: pl.DataFrame, book: NameBook, profile: Profile, rng: Rng) -> Ints:
    """Return naming traditions: one for those of a household who share an ethnic category."""
    category = people["ethnic_category"].to_numpy()
    household = people["household"].to_numpy()
    shared = rng.random(int(household.max()) + 1)
    own = rng.random(people.height)
    level = np.where(people["role"].to_numpy() == SHARER, own, shared[household])
    result = np.zeros(people.height, dtype=np.int64)
    for code, mix in profile.section("naming_traditions").items():
        here = np.flatnonzero(category == code)
        reached = np.cumsum(list(mix.values()))
        found = np.searchsorted(reached / reached[-1], level[here], side="right")
        numbers = np.array([book.number(name) for name in mix])
        result[here] = numbers[np.minimum(found, len(mix) - 1)]
    return result


def _given_names(people: pl.DataFrame, book: NameBook, names: Table, rng: Rng) -> pl.Series:
    """Draw given names; brothers and sisters never share one, some sons bear their father's."""
    tradition, sex = _naming(people, book, names, rng), people["sex"].to_numpy()
    year = people["date_of_birth"].dt.year().to_numpy().astype(np.int64)
    given = draw_given(book, tradition, sex, year, rng).alias("given_name")
    repeated = _repeats(people, given)
    # Rounds of new draws; a household never has more children than a list has names.
    for _ in range(25):
        if not len(repeated):
            break
        fresh = draw_given(book, tradition[repeated], sex[repeated], year[repeated], rng)
        given = given.scatter(repeated, fresh)
        repeated = _repeats(people, given)
    return _sons_after_fathers(people, given, names, rng)


def _naming(people: pl.DataFrame, book: NameBook, names: Table, rng: Rng) -> Ints:
    """Return the tradition of each given name: British for some born in the country."""
    tradition = people["tradition"].to_numpy()
    shares = np.array([names["british_given_names"].get(name, 0.0) for name in book.traditions])
    young = people["age"].to_numpy() < 45
    british = chance(rng, shares[tradition] * np.where(young, 1.3, 0.7))
    return np.asarray(np.where(british, book.number("british"), tradition), dtype=np.int64)


def _repeats(people: pl.DataFrame, given: pl.Series) -> Ints:
    """Return the children whose given name a child before them in the household has."""
    child = np.flatnonzero(people["role"].to_numpy() == CHILD)
    pairs = pl.DataFrame({"h": people["household"].gather(child), "g": given.gather(child)})
    first = pairs.select(pl.struct("h", "g").is_first_distinct()).to_series()
    return np.asarray(child[~first.to_numpy()], dtype=np.int64)


def _sons_after_fathers(
    people: pl.DataFrame, given: pl.Series, names: Table, rng: Rng
) -> pl.Series:
    """Give some eldest sons the name of the father they live with."""
    role, household = people["role"].to_numpy(), people["household"].to_numpy()
    father = np.full(int(household.max()) + 1, -1)
    fathers = np.flatnonzero((role == PARTNER) & (people["sex"].to_numpy() == MALE))
    father[household[fathers]] = fathers
    sons = np.flatnonzero((role == CHILD) & (people["sex"].to_numpy() == MALE))
    # One to a household: the first in order.
    sons = sons[np.unique(household[sons], return_index=True)[1]]
    chosen = sons[chance(rng, names["son_named_after_father"], len(sons))]
    chosen = chosen[father[household[chosen]] >= 0]
    renamed = given.scatter(chosen, given.gather(father[household[chosen]]))
    # Where a brother already bears the father's name, the son keeps his own.
    clash = _repeats(people, renamed)
    return renamed.scatter(clash, given.gather(clash))


def _middle_names(people: pl.DataFrame, book: NameBook, names: Table, rng: Rng) -> pl.Series:
    """Return middle names, null for none; Sikh men have Singh and women Kaur among them."""
    tradition, sex = people["tradition"].to_numpy(), people["sex"].to_numpy()
    year = people["date_of_birth"].dt.year().to_numpy().astype(np.int64)
    otherwise = names["middle_name_otherwise"]
    share = np.array([names["middle_name"].get(name, otherwise) for name in book.traditions])
    first = draw_given(book, tradition, sex, year - 25, rng)
    second = first + " " + draw_given(book, tradition, sex, year - 25, rng)
    british = tradition == book.number("british")
    two = british & chance(rng, names["second_middle_name"], people.height)
    sikh = pl.Series(np.where(sex == MALE, "Singh", "Kaur"))
    middle = pl.select(
        pl.when(pl.Series(tradition == book.number("south_asian_sikh")))
        .then(sikh)
        .when(pl.Series(two))
        .then(second)
        .otherwise(first)
        .alias("middle_names")
    )["middle_names"]
    other = (middle != people["given_name"]).fill_null(value=True).to_numpy()
    return _keep(middle, chance(rng, share[tradition]) & other)


def _family_names(
    people: pl.DataFrame, book: NameBook, names: Table, streams: Streams
) -> tuple[pl.Series, pl.Series]:
    """Return the family name and the one before it, which is null for most people."""
    lines = _lines(people, book, names, streams.stage("surnames"))
    rng = streams.stage("family names")
    born, married = _born_with(people, lines, names, rng), _taken(people, book, names, rng)
    barrelled = married & chance(rng, names["double_barrelled_wives"], people.height)
    now = pl.select(
        pl.when(pl.Series(barrelled))
        .then(born + "-" + lines.father)
        .when(pl.Series(married))
        .then(lines.father)
        .otherwise(born)
        .alias("family_name")
    )["family_name"]
    now = _womens_own(people, book, names, now, rng)
    before = _keep(born, married & (born != now).to_numpy())
    return _feminine(people, book, now), _feminine(people, book, before).alias(
        "previous_family_name"
    )


def _lines(people: pl.DataFrame, book: NameBook, names: Table, rng: Rng) -> Surnames:
    """Draw the surnames of each household's lines, spread over its people; sharers' are own."""
    household, tradition = people["household"].to_numpy(), people["tradition"].to_numpy()
    first = np.unique(household, return_index=True)[1]
    composed = names["composed_surnames"]
    shared = [draw_surnames(book, tradition[first], composed, rng) for _ in range(3)]
    mother, other = (line.gather(household) for line in shared[1:])
    alone = np.flatnonzero(np.isin(people["kind"].to_numpy(), SHARERS))
    own = draw_surnames(book, tradition[alone], composed, rng)
    maiden = draw_surnames(book, tradition[alone], composed, rng)
    # A partner of another tradition has a surname of that tradition.
    differs = np.flatnonzero(
        (people["role"].to_numpy() == PARTNER) & (tradition != tradition[first][household])
    )
    foreign = draw_surnames(book, tradition[differs], composed, rng)
    spread = shared[0].scatter(household[differs], foreign).gather(household)
    return Surnames(spread.scatter(alone, own), mother.scatter(alone, maiden), other)


def _born_with(people: pl.DataFrame, lines: Surnames, names: Table, rng: Rng) -> pl.Series:
    """Return the surname at birth: a mother's is her own line's, a child's its father's."""
    role, sex, kind = (people[name].to_numpy() for name in ("role", "sex", "kind"))
    household = people["household"].to_numpy()
    count = int(household.max()) + 1
    lone = np.isin(kind, (KIND["lone_parent"], KIND["lone_parent_adult_children"]))
    absent = chance(rng, names["childs_surname_from_absent_father"], count)[household]
    step = chance(rng, names["stepchildren"], count)[household]
    double = chance(rng, names["double_barrelled_children"], count)[household]
    child = role == CHILD
    mothers_line = (role == HEAD) & (sex == FEMALE)
    mothers_line |= child & lone & ~absent
    others_line = (child & lone & absent) | (child & ~lone & step)
    others_line |= (role == ELDER) & (sex == FEMALE)
    both = child & ~lone & ~step & double
    return pl.select(
        pl.when(pl.Series(both))
        .then(lines.mother + "-" + lines.father)
        .when(pl.Series(others_line))
        .then(lines.other)
        .when(pl.Series(mothers_line))
        .then(lines.mother)
        .otherwise(lines.father)
        .alias("family_name")
    )["family_name"]


def _taken(people: pl.DataFrame, book: NameBook, names: Table, rng: Rng) -> Bools:
    """Return who bears a name taken in marriage: women who are, or once were, one of a couple."""
    role, sex, kind = (people[name].to_numpy() for name in ("role", "sex", "kind"))
    year = people["date_of_birth"].dt.year().to_numpy()
    rates = names["surname_taken_in_marriage"]
    share = np.where(year < 1975, rates["born_before_1975"], rates["later"])
    share = np.where(year < 1955, rates["born_before_1955"], share)
    couple = (role == HEAD) & ~np.isin(kind, (KIND["single"], KIND["single_older"]))
    couple &= ~np.isin(kind, (KIND["lone_parent"], KIND["lone_parent_adult_children"]))
    once = chance(rng, names["once_married_living_alone"], people.height) & (year < 1990)
    wife = couple | (role == ELDER) | (once & ((role == HEAD) | (kind == KIND["care_home"])))
    custom = np.array([name not in names["womens_surname_of_their_own"]
                       for name in book.traditions])[people["tradition"].to_numpy()]  # fmt: skip
    return np.asarray((sex == FEMALE) & wife & custom & chance(rng, share))


def _womens_own(
    people: pl.DataFrame, book: NameBook, names: Table, family: pl.Series, rng: Rng
) -> pl.Series:
    """Give women of some traditions the surnames that women there bear by themselves."""
    tradition, sex = people["tradition"].to_numpy(), people["sex"].to_numpy()
    rates = names["womens_surname_of_their_own"]
    share = np.array([rates.get(name, 0.0) for name in book.traditions])
    adult = people["age"].to_numpy() >= 25
    own = (sex == FEMALE) & chance(rng, share[tradition] * np.where(adult, 1.0, 0.35))
    sikh, muslim = (book.number(f"{n}") for n in ("south_asian_sikh", "muslim_south_asian"))
    begum = np.array(["Begum", "Bibi", "Khatun", "Akhtar", "Parveen", "Kausar", "Sultana"])
    word = begum[pick(rng, [9, 4, 4, 4, 3, 3, 2], people.height)]
    word = np.where(tradition == sikh, "Kaur", word)
    here = np.flatnonzero(own & np.isin(tradition, (sikh, muslim)))
    return family.scatter(here, pl.Series(word[here]))


def _feminine(people: pl.DataFrame, book: NameBook, family: pl.Series) -> pl.Series:
    """Return Slavonic surnames in the form that women bear (Kowalski, Kowalska)."""
    woman = (people["sex"] == FEMALE) & (people["tradition"] == book.number("eastern_european"))
    endings = ((r"ski$", "ska"), (r"cki$", "cka"), (r"ov$", "ova"), (r"ev$", "eva"))
    form = pl.lit(family)
    for ending, feminine in endings:
        form = form.str.replace(ending, feminine)
    return pl.select(pl.when(woman).then(form).otherwise(family).alias("family_name"))[
        "family_name"
    ]


def _single_names(people: pl.DataFrame, book: NameBook, names: Table, rng: Rng) -> pl.DataFrame:
    """Leave some people of some traditions with one name, written as their family name."""
    shares = np.array([names["single_name_people"].get(name, 0.0) for name in book.traditions])
    single = pl.Series(chance(rng, shares[people["tradition"].to_numpy()]))
    one = pl.when(single)
    return people.with_columns(
        one.then(pl.col("given_name")).otherwise(pl.col("family_name")).alias("family_name"),
        one.then(None).otherwise(pl.col("given_name")).alias("given_name"),
        one.then(None).otherwise(pl.col("middle_names")).alias("middle_names"),
    )


def _keep(values: pl.Series, kept: Bools) -> pl.Series:
    """Return the values, null where they are not kept."""
    return pl.select(pl.when(pl.Series(kept)).then(values).alias(values.name))[values.name]
