"""Names of the people: shared in families, drawn by generation, written in an order of custom."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.birthdays import with_official_birthdays
from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, Streams, chance
from pophealth_link.synthetic.family_names import Named, family_names
from pophealth_link.synthetic.homes import Homes, read_homes, with_uncles, with_values
from pophealth_link.synthetic.households import SHARERS
from pophealth_link.synthetic.members import MALE
from pophealth_link.synthetic.name_book import NameBook, draw_given
from pophealth_link.synthetic.namesakes import (
    customs_of,
    named_after,
    repeats,
    with_brothers_name,
)
from pophealth_link.synthetic.profile import Profile, Table

_GENERATION = 25


def name_people(
    people: pl.DataFrame, book: NameBook, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Add the names of people who have a family, and 1 January as birthday where it is official.

    Columns: given_name, middle_names, family_name, previous_family_name, birth_family_name (each
    null for none), patronymic, family_name_first (whether custom writes it so), tradition.
    """
    names, homes = profile.england["names"], read_homes(people)
    tradition = _traditions(people, homes, book, profile, streams.stage("naming traditions"))
    people = people.with_columns(pl.Series("tradition", tradition))
    homes = with_uncles(homes, people, profile, streams.stage("relatives"))
    stage = streams.stage("official birthdays")
    people = with_official_birthdays(people, homes, book, profile, stage)
    given, second, shared = _given_names(people, homes, book, profile, streams)
    named = Named(people, homes, given, book, names)
    family = family_names(named, streams)
    patronymic = family["patronymic"].to_numpy()
    middle = _middle_names(named, patronymic, streams.stage("middle names"))
    people = people.with_columns(given.alias("given_name"), *family.get_columns())
    first = _alike(homes, named.share("family_name_first"), streams.stage("order of names"))
    people = people.with_columns(
        pl.when(pl.Series(shared)).then(second).otherwise(middle).alias("middle_names"),
        pl.Series("family_name_first", first),
    )
    return _single_names(named, people, streams.stage("single names"))


def _traditions(
    people: pl.DataFrame, homes: Homes, book: NameBook, profile: Profile, rng: Rng
) -> Ints:
    """Return naming traditions: one for those of a family who share an ethnic category."""
    category = people["ethnic_category"].to_numpy()
    shared, own = rng.random(len(homes.first)), rng.random(people.height)
    level = np.where(np.isin(homes.kind, SHARERS), own, shared[homes.home])
    result = np.zeros(people.height, dtype=np.int64)
    for code, mix in profile.section("naming_traditions").items():
        here = np.flatnonzero(category == code)
        reached = np.cumsum(list(mix.values()))
        found = np.searchsorted(reached / reached[-1], level[here], side="right")
        numbers = np.array([book.number(name) for name in mix])
        result[here] = numbers[np.minimum(found, len(mix) - 1)]
    return result


def _alike(homes: Homes, share: Floats, rng: Rng) -> Bools:
    """Choose people by their share, those of one home alike."""
    return np.asarray(rng.random(len(homes.first))[homes.home] < share)


def _given_names(
    people: pl.DataFrame, homes: Homes, book: NameBook, profile: Profile, streams: Streams
) -> tuple[pl.Series, pl.Series, Bools]:
    """Return given names, the middle names that stand after a shared one, and whose those are.

    Brothers and sisters share no name but that first one; some children bear an elder's.
    """
    names, rng = profile.england["names"], streams.stage("given names")
    tradition, sex = _naming(people, book, names, rng), people["sex"].to_numpy()
    year = people["date_of_birth"].dt.year().to_numpy().astype(np.int64)
    given = draw_given(book, tradition, sex, year, rng).alias("given_name")
    repeated = repeats(homes, given)
    # Rounds of new draws; a household never has more children than a list has names.
    for _ in range(25):
        if not len(repeated):
            break
        fresh = draw_given(book, tradition[repeated], sex[repeated], year[repeated], rng)
        given = with_values(given, repeated, fresh)
        repeated = repeats(homes, given)
    customs = customs_of(book, profile)
    given = named_after(people, homes, given, customs, streams.stage("namesakes"))
    return with_brothers_name(people, homes, given, customs, streams.stage("brothers' names"))


def _naming(people: pl.DataFrame, book: NameBook, names: Table, rng: Rng) -> Ints:
    """Return the tradition of each given name: British for some born in the country."""
    tradition = people["tradition"].to_numpy()
    shares = np.array([names["british_given_names"].get(name, 0.0) for name in book.traditions])
    young = people["age"].to_numpy() < 45
    british = chance(rng, shares[tradition] * np.where(young, 1.3, 0.7))
    return np.asarray(np.where(british, book.number("british"), tradition), dtype=np.int64)


def _middle_names(named: Named, patronymic: Bools, rng: Rng) -> pl.Series:
    """Return middle names, null for none; Sikh men have Singh and women Kaur among them.

    Some children have a parent's given name there, in some traditions the father's.
    """
    names, tradition, sex = named.names, named.column("tradition"), named.column("sex")
    otherwise = names["middle_name_otherwise"]
    usual = [names["middle_name"].get(name, otherwise) for name in named.book.traditions]
    sikh = tradition == named.book.number("south_asian_sikh")
    parents = _parents_names(named, patronymic, rng)
    has = chance(rng, np.array(usual)[tradition]) & parents.is_null().to_numpy()
    drawn = _drawn_middle_names(named, np.flatnonzero(has & ~sikh), rng)
    word = pl.Series(np.where(sex == MALE, "Singh", "Kaur"))
    middle = pl.select(
        pl.when(pl.Series(has & sikh))
        .then(word)
        .otherwise(pl.coalesce(parents, drawn))
        .alias("middle_names")
    ).to_series()
    return pl.select(
        pl.when((middle != named.given).fill_null(value=True)).then(middle)
    ).to_series()


def _drawn_middle_names(named: Named, rows: Ints, rng: Rng) -> pl.Series:
    """Return middle names for those rows, null for others; some British people have two.

    They are of the fashion of a generation before.
    """
    year = named.people["date_of_birth"].dt.year().to_numpy().astype(np.int64) - _GENERATION
    tradition, sex = named.column("tradition"), named.column("sex")
    book, none = named.book, pl.Series([None], dtype=pl.String)
    first = draw_given(book, tradition[rows], sex[rows], year[rows], rng)
    two = tradition[rows] == book.number("british")
    two = np.flatnonzero(two & chance(rng, named.names["second_middle_name"], len(rows)))
    more = rows[two]
    second = first.gather(two) + " " + draw_given(book, tradition[more], sex[more], year[more], rng)
    return with_values(
        none.new_from_index(0, named.people.height), rows, with_values(first, two, second)
    )


def _parents_names(named: Named, patronymic: Bools, rng: Rng) -> pl.Series:
    """Return the given name of a parent of the family for some of its children, else null.

    A father's that is the family name is not in the middle as well.
    """
    homes, child = named.homes, np.flatnonzero(named.homes.child)
    of_father = chance(rng, named.share("fathers_name_in_the_middle")[child])
    of_father &= ~patronymic[child]
    of_own_sex = chance(rng, named.share("parents_name_in_the_middle")[child])
    alike = np.where(named.column("sex")[child] == MALE, homes.father[homes.home[child]],
                     homes.mother[homes.home[child]])  # fmt: skip
    parent = np.where(of_own_sex, alike, -1)
    parent = np.where(of_father, homes.father[homes.home[child]], parent)
    known = parent >= 0
    none = pl.Series([None], dtype=pl.String).new_from_index(0, named.people.height)
    return with_values(none, child[known], named.given.gather(parent[known]))


def _single_names(named: Named, people: pl.DataFrame, rng: Rng) -> pl.DataFrame:
    """Leave some people of some traditions with one name, written as their family name."""
    single = pl.Series(chance(rng, named.share("single_name_people")))
    one = pl.when(single)
    given, family = pl.col("given_name"), pl.col("family_name")
    return people.with_columns(
        one.then(given).otherwise(family).alias("family_name"),
        one.then(None).otherwise(given).alias("given_name"),
        *(
            one.then(None).otherwise(pl.col(name)).alias(name)
            for name in ("middle_names", "previous_family_name", "birth_family_name")
        ),
        pl.col("patronymic") & ~single,
        pl.col("family_name_first") & ~single,
    )
