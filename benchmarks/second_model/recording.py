"""From what is true to what is written: the desks of an organisation at work on its roll."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl

from benchmarks.second_model import habits
from benchmarks.second_model.desks import Desk
from benchmarks.second_model.lineages import NO_ABODE
from benchmarks.second_model.names import MALE, Bools, Ints
from benchmarks.second_model.rolls import Roll, World
from benchmarks.second_model.sheet import Sheet, blank_sheet, family_names, texts

# How much clerks differ in holding NHS numbers: the strength of a beta distribution (assumed).
_NUMBERS_SPREAD = 6.0


def record(
    world: World, roll: Roll, numbers: Ints, desks: Sequence[Desk], rng: np.random.Generator
) -> Sheet:
    """Return the records of `roll` as the organisation with these desks writes them.

    Columns: `person` (whose it truly is), the contract's identifiers as text, `date_of_birth` as
    a date, `american` (whether to write the month first). `numbers`: the true NHS numbers.
    """
    order = rng.permutation(len(roll.person))
    roll, numbers = roll.take(order), numbers[order]
    sheet = blank_sheet(world, roll, desks, rng)
    _who(world, roll, sheet)
    _customs(world, roll, sheet)
    _transcribe(world, sheet)
    _systems(world, roll, sheet)
    _dates(sheet)
    _sexes(sheet)
    _numbers(world, roll, sheet, numbers)
    _addresses(world, roll, sheet)
    return sheet


def _who(world: World, roll: Roll, sheet: Sheet) -> None:
    """Write children under their mother's name, twins under each other's, babies without one."""
    town, people = world.lives.town, roll.person
    age = world.age(people, roll.named)
    mother, twin = town["mother"][people], town["twin"][people]
    child = sheet.struck("mothers", (mother >= 0) & (age < 18))
    sheet.put("family_name", child, family_names(world, np.maximum(mother, 0), roll.named))
    mixed = sheet.struck("twins", twin >= 0)
    sheet.put("given_name", mixed, texts(world, town["given"][twin]))
    baby = sheet.struck("baby", age < 1)
    boy = np.where(town["sex"][people] == MALE, "Baby Boy", "Baby Girl")
    which = np.where(twin > people, "Twin One", "Twin Two")
    sheet.put("given_name", baby, pl.Series(np.where(twin >= 0, which, boy), dtype=pl.String))
    sheet.change("middle_names", baby | mixed, _nothing)


def _nothing(values: pl.Series) -> pl.Series:
    return pl.Series([None] * len(values), dtype=pl.String)


def _customs(world: World, roll: Roll, sheet: Sheet) -> None:
    """Write used names, halves of names, and names of customs that the form does not know."""
    people = roll.person
    known = world.known_as[people]
    sheet.put("given_name", sheet.struck("familiar", known >= 0), texts(world, known))
    bracket = sheet.struck("bracket", known >= 0)
    used = texts(world, known).filter(pl.Series(bracket))
    sheet.change("given_name", bracket, lambda given: habits.bracketed(given, used))
    _halves(world, people, sheet)
    customs, community = world.names.customs, world.lives.town["community"][people]
    middle = sheet.frame["middle_names"].is_not_null().to_numpy()
    chance = sheet.rng.random((2, len(people)))
    chained = sheet.struck("chain", middle & (chance[0] < 2 * customs("chain")[community]))
    _exchange(sheet, chained, "middle_names", "family_name")
    turned = sheet.struck("order", chance[1] < 2 * customs("family_first")[community])
    _exchange(sheet, turned, "given_name", "family_name")
    _doubles(world, roll, sheet)


def _exchange(sheet: Sheet, rows: Bools, one: str, other: str) -> None:
    first, second = sheet.frame[one], sheet.frame[other]
    sheet.put(one, rows, second)
    sheet.put(other, rows, first)


def _halves(world: World, people: Ints, sheet: Sheet) -> None:
    """Write one of two forenames, or both in one box (`Mohammed Ali`); join `Wei Ling`."""
    town = world.lives.town
    first = town["given"][people] == world.names.first[town["community"][people]]
    first &= sheet.frame["middle_names"].is_not_null().to_numpy()
    rows = sheet.struck("halves", first)
    way = sheet.rng.choice(3, len(people), p=(0.45, 0.35, 0.2))
    middle = sheet.frame["middle_names"]
    both = sheet.frame["given_name"] + " " + middle
    sheet.put("given_name", rows & (way == 0), middle)
    sheet.put("given_name", rows & (way == 1), both)
    sheet.change("middle_names", rows, _nothing)
    parted = sheet.frame["given_name"].str.contains("^[^ (]+ [^ (]+$").fill_null(False).to_numpy()
    parts = sheet.struck("halves", parted & ~first)
    sheet.change("given_name", parts, lambda given: habits.halved(given, way[parts]))


def _doubles(world: World, roll: Roll, sheet: Sheet) -> None:
    """Write one part of a double family name, or both in another way; no particle; a man's form."""
    second = world.lives.family_names.at(roll.person, roll.named)[1]
    double = (second >= 0) & sheet.frame["family_name"].str.contains("[- ]").to_numpy()
    last = sheet.rng.random(len(double)) < 0.6
    sheet.change("family_name", double, lambda names: names.str.replace(" ", "-"))
    part = sheet.struck("part", double)
    sheet.change("family_name", part, lambda names: habits.one_of_two(names, last[part]))
    sheet.change("family_name", sheet.struck("turn", double & ~part), habits.turned_round)
    joined = sheet.struck("rejoin", double & ~part)
    blank = world.names.customs("two_names")[world.lives.town["community"][roll.person]] > 0
    sheet.change("family_name", joined, lambda names: habits.rejoined(names, sheet.rng))
    sheet.change("family_name", blank & ~joined, lambda names: names.str.replace("-", " "))
    sheet.change("family_name", sheet.struck("prefix"), habits.unprefixed)
    sheet.change("family_name", sheet.struck("ungender", of_names=True), habits.ungendered)


def _transcribe(world: World, sheet: Sheet) -> None:
    """Write names as another spells, hears, scans and types them."""
    rng, sets = sheet.rng, world.names.spellings
    for column in ("given_name", "family_name"):
        sheet.change(
            column,
            sheet.struck("respell", of_names=True),
            lambda names: habits.respelt(names, sets, rng),
        )
        sheet.change(
            column, sheet.struck("ear", of_names=True), lambda names: habits.heard(names, rng)
        )
        sheet.change(
            column, sheet.struck("keys", of_names=True), lambda names: habits.slipped(names, rng)
        )
        sheet.change(column, sheet.struck("scan"), lambda names: habits.scanned(names, rng))


def _systems(world: World, roll: Roll, sheet: Sheet) -> None:
    """Write initials, titles, capitals, as many letters as there are boxes; exchange names."""
    age = world.age(roll.person, roll.named)
    sex = world.lives.town["sex"][roll.person]
    initial = sheet.struck("initial")
    sheet.change("given_name", initial, lambda names: habits.initialled(names, sheet.rng))
    title = sheet.struck("title")
    sheet.change(
        "given_name",
        title,
        lambda names: habits.titled(names, sex[title], age[title], sheet.rng),
    )
    plain, capitals = sheet.rates("plain") > 0, sheet.rates("capitals") > 0
    for column in ("given_name", "middle_names", "family_name"):
        sheet.change(column, plain, habits.unmarked)
        sheet.change(column, capitals, lambda names: names.str.to_uppercase())
        for width in sorted({each.width for each in sheet.desks} - {0}):
            boxes = sheet.rates("width") == width
            sheet.change(column, boxes, partial(habits.truncated, width=width))
    _exchange(sheet, sheet.batches("swap_batches"), "given_name", "family_name")


def _dates(sheet: Sheet) -> None:
    """Write dates of birth with slips, as the first of a month or a year, in a guessed century."""
    rng = sheet.rng
    slip, first = sheet.struck("date_slip"), sheet.struck("new_year")
    sheet.change("date_of_birth", slip, lambda dates: habits.misdated(dates, rng))
    year_only = rng.random(int(first.sum())) < 0.8
    sheet.change(
        "date_of_birth", first, lambda dates: habits.first_of_month(dates, year_only=year_only)
    )
    pivots = sheet.batches("pivot_batches")
    sheet.change("date_of_birth", pivots, lambda dates: habits.century_guessed(dates, 30))
    missing = sheet.struck("no_date")
    sheet.change(
        "date_of_birth", missing, lambda dates: pl.Series([None] * len(dates), dtype=pl.Date)
    )
    sheet.frame = sheet.frame.with_columns(american=sheet.batches("american_batches"))


def _sexes(sheet: Sheet) -> None:
    sheet.change("sex", sheet.struck("wrong_sex"), lambda sex: sex.replace({"1": "2", "2": "1"}))
    sheet.change("sex", sheet.struck("no_sex"), _nothing)
    silent = sheet.rng.random(len(sheet.care)) < 0.08
    sheet.change("ethnic_category", silent, lambda each: pl.Series(["Z"] * len(each)))


def _numbers(world: World, roll: Roll, sheet: Sheet, numbers: Ints) -> None:
    """Write NHS numbers, held or not by clerk; a relative's; another that is valid."""
    town, people, rng = world.lives.town, roll.person, sheet.rng
    rate = sheet.rates("numbers")
    clerks = np.zeros(sheet.clerk.max(initial=0) + 1)
    clerks[sheet.clerk] = rate
    sure = (clerks <= 0) | (clerks >= 1)
    mean = np.where(sure, 0.5, clerks)
    spread = rng.beta(_NUMBERS_SPREAD * mean, _NUMBERS_SPREAD * (1 - mean))
    held = rng.random(len(people)) < np.where(sure, clerks, spread)[sheet.clerk]
    mother, twin, partner = (town[each][people] for each in ("mother", "twin", "partner"))
    young = world.age(people, roll.named) < 18
    relative = np.where(twin >= 0, twin, np.where(young, mother, partner))
    theirs = np.where(relative >= 0, world.numbers[relative], 0)
    wrong = sheet.struck("relatives", theirs > 0)
    near = sheet.struck("near")
    written = np.where(wrong, theirs, numbers)
    written[near] = habits.near_numbers(written[near], rng)
    column = pl.Series("nhs_number", written.astype(str), dtype=pl.String)
    sheet.frame = sheet.frame.with_columns(column)
    sheet.change("nhs_number", ~held, _nothing)


def _addresses(world: World, roll: Roll, sheet: Sheet) -> None:
    """Write the home of the last contact; at times a parent's, an agent's, a friend's, or none."""
    town, people, rng = world.lives.town, roll.person, sheet.rng
    home, age = world.homes(people, roll.housed), world.age(people, roll.housed)
    mother = town["mother"][people]
    theirs = world.homes(np.maximum(mother, 0), roll.housed)
    grown = (mother >= 0) & (theirs >= 0) & (age >= 18) & (age < 40)
    home = np.where(sheet.struck("parents", grown), theirs, home)
    friend = sheet.struck("friend", home == NO_ABODE)
    home = np.where(friend, rng.integers(town.kinds[-1], town.stock, len(home)), home)
    let = sheet.struck("agent", town.is_kind(home, 2))
    _write_addresses(world, sheet, home, friend, let)


def _write_addresses(world: World, sheet: Sheet, home: Ints, friend: Bools, let: Bools) -> None:
    places, none = world.dwellings, home < 0
    long = sheet.struck("long")
    address = np.where(long, places.long[home], places.short[home])
    address = np.where(friend, np.char.add("c/o ", address), address)
    agent = home % len(places.agents)
    address = np.where(let, places.agents[agent], address)
    postcode = np.where(let, places.agent_postcodes[agent], places.postcode[home])
    uprn = pl.Series(places.uprn[home], dtype=pl.String)
    sheet.frame = sheet.frame.with_columns(
        pl.Series("address", np.where(none, "No fixed abode", address), dtype=pl.String),
        # The pseudo-postcode of no fixed abode, NHS Data Model and Dictionary.
        pl.Series("postcode", np.where(none, "ZZ99 3VZ", postcode), dtype=pl.String),
        uprn.alias("uprn"),
    )
    sheet.change("address", sheet.rates("capitals") > 0, lambda each: each.str.to_uppercase())
    slip = sheet.struck("postcode_slip", ~none)
    sheet.change("postcode", slip, lambda each: habits.slipped(each, sheet.rng).str.to_uppercase())
    sheet.change("postcode", sheet.struck("no_postcode"), _nothing)
    holds = sheet.rng.random(len(home)) < sheet.rates("uprn")
    sheet.change("uprn", ~holds | none | let, _nothing)
