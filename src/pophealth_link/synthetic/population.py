"""The population: people at addresses, on lists, with names, numbers and moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Ints, Rng, Streams, chance, lowest_keys
from pophealth_link.synthetic.dwellings import draw_dwellings, spare_bedrooms
from pophealth_link.synthetic.households import KIND, draw_households
from pophealth_link.synthetic.members import draw_members
from pophealth_link.synthetic.name_book import load_names
from pophealth_link.synthetic.naming import name_people
from pophealth_link.synthetic.nhs_numbers import as_text, draw_numbers
from pophealth_link.synthetic.profile import TENURES, Profile
from pophealth_link.synthetic.region import Region
from pophealth_link.synthetic.registration import add_dates, register_people
from pophealth_link.synthetic.spec import SynthSpec

_ADDRESS = ("postcode", "address", "uprn")


@dataclass(frozen=True, slots=True)
class Population:
    """`people`, one row per person, and `dwellings`; a household's number is its dwelling's."""

    people: pl.DataFrame
    dwellings: pl.DataFrame


def draw_population(
    spec: SynthSpec, region: Region, profile: Profile, streams: Streams
) -> Population:
    """Draw everybody who lives in the region: `spec.people` on the register, and the others."""
    nowhere = round(spec.people * profile.england["registration"]["nowhere"])
    households = draw_households(
        region, spec.people + nowhere, profile, streams.stage("households")
    )
    people = draw_members(households, region, profile, spec.as_of, streams.stage("members"))
    people = _with_place(people, region)
    people = name_people(people, load_names(), profile, streams)
    people = register_people(people, region, spec.people, profile, streams)
    dwellings = draw_dwellings(households, region, profile, streams)
    people = add_dates(people, spec.period, profile, streams.stage("registration dates"))
    people = _with_addresses(people, dwellings, profile, streams.stage("home addresses"))
    people = _with_moves(people, dwellings, profile, streams.stage("moves"))
    people = _with_facts(people, households, profile, streams)
    return Population(people, dwellings)


def _with_place(people: pl.DataFrame, region: Region) -> pl.DataFrame:
    lsoa = people["lsoa"].to_numpy()
    return people.with_columns(
        pl.Series("quintile", region.quintile[lsoa]),
        region.lsoas["lad_code"].gather(lsoa).alias("lad_code"),
    )


def _with_addresses(
    people: pl.DataFrame, dwellings: pl.DataFrame, profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Add postcode, address, uprn, lives_outside, no_fixed_abode.

    A few people on the lists live outside the region, and so do some of those on no list: the
    latter are known to services alone. Nobody knows the quintile of a place outside.
    """
    settings = profile.england["registration"]
    listed = people["registered"].to_numpy()
    share = np.where(listed, settings["home_outside"], settings["nowhere_lives_outside"])
    outside = chance(rng, share)
    homes = dwellings.select(_ADDRESS)[people["household"].to_numpy()]
    away = _outside(homes, np.flatnonzero(outside), dwellings, rng)
    people = people.with_columns(away.get_columns())
    return people.with_columns(
        pl.Series("lives_outside", outside),
        pl.Series("no_fixed_abode", _homeless(people, outside, profile, rng)),
        pl.when(pl.Series(outside)).then(0).otherwise(pl.col("quintile")).alias("quintile"),
    )


def _outside(homes: pl.DataFrame, rows: Ints, dwellings: pl.DataFrame, rng: Rng) -> pl.DataFrame:
    """Give some people addresses at postcodes that the region does not have."""
    known = dwellings["postcode"].unique()
    area = homes["postcode"].gather(rows).str.extract(r"^([A-Z]{1,2})")
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
    unit = np.char.add(rng.choice(letters, len(rows)), rng.choice(letters, len(rows)))
    numbers = pl.DataFrame(
        {"area": area, "district": rng.integers(70, 99, len(rows), endpoint=True),
         "sector": rng.integers(1, 9, len(rows), endpoint=True), "unit": unit}
    )  # fmt: skip
    text = numbers.select(pl.format("{}{} {}{}", "area", "district", "sector", "unit"))
    postcode = text.to_series()
    # A district that the region has after all gives way to one of the pseudo-postcodes.
    postcode = pl.select(
        pl.when(postcode.is_in(known.implode())).then(pl.lit("ZZ99 3CZ")).otherwise(postcode)
    ).to_series()
    uprn = pl.Series(995_000_000_000 + rng.permutation(len(rows))).cast(pl.String)
    return homes.with_columns(
        homes["postcode"].scatter(rows, postcode), homes["uprn"].scatter(rows, uprn)
    )


def _homeless(people: pl.DataFrame, outside: Bools, profile: Profile, rng: Rng) -> Bools:
    """Choose people without a home of their own, among adults alone or sharing."""
    kind, age = people["kind"].to_numpy(), people["age"].to_numpy()
    could = np.isin(kind, (KIND["single"], KIND["shared"])) & (age >= 18) & ~outside
    quintile = people["quintile"].to_numpy()
    weight = could * np.array([1.0, 2.2, 1.3, 0.8, 0.5, 0.3])[quintile]
    count = round(people.height * profile.england["registration"]["no_fixed_abode"])
    chosen = np.zeros(people.height, dtype=bool)
    chosen[lowest_keys(rng, weight, min(count, int(could.sum())))] = True
    return chosen


def _with_moves(
    people: pl.DataFrame, dwellings: pl.DataFrame, profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Add the address before a recent move: previous_postcode, previous_address, previous_uprn.

    A household moves together, sharers and young adults also alone. They come from dwellings in
    which others live now.
    """
    settings = profile.england["moves"]
    household = people["household"].to_numpy()
    first = np.unique(household, return_index=True)[1]
    shares = np.array([settings[name] for name in TENURES])[people["tenure"].to_numpy()]
    together = chance(rng, shares[first])[household]
    age = people["age"].to_numpy()
    young = (age >= 18) & (age < 30)
    alone = chance(rng, shares * (settings["young_adult_ratio"] - 1)) & young
    alone |= chance(rng, shares) & (people["kind"].to_numpy() == KIND["shared"])
    moved = (together | alone) & ~people["lives_outside"].to_numpy()
    before = _earlier_dwellings(dwellings, people["lsoa"].to_numpy(), settings["same_lsoa"], rng)
    shared = before[first][household]
    origin = np.where(alone, before, shared)
    moved &= origin != household
    old = dwellings.select(_ADDRESS)[origin].with_columns(pl.Series("moved", moved))
    return people.with_columns(
        old.select(pl.when("moved").then(pl.col(name)).alias(f"previous_{name}")).to_series()
        for name in _ADDRESS
    )


def _earlier_dwellings(dwellings: pl.DataFrame, lsoa: Ints, same: float, rng: Rng) -> Ints:
    """Return a dwelling for each person: one of the same LSOA for a share of them."""
    home = dwellings["lsoa"].to_numpy()
    order = np.argsort(home, kind="stable")
    first = np.searchsorted(home[order], lsoa, side="left")
    last = np.searchsorted(home[order], lsoa, side="right")
    near = order[first + (rng.random(len(lsoa)) * (last - first)).astype(np.int64)]
    far = rng.integers(0, len(home), len(lsoa))
    return np.asarray(np.where(chance(rng, same, len(lsoa)), near, far), dtype=np.int64)


def _with_facts(
    people: pl.DataFrame, households: pl.DataFrame, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Add person (number), nhs_number, other_number (of somebody else), vulnerability, bedrooms."""
    rng = streams.stage("nhs numbers")
    numbers = as_text(draw_numbers(people.height, rng))
    sd = profile.england["vulnerability"]["sd"]
    proneness = streams.stage("vulnerability").normal(0, sd, people.height)
    spare = spare_bedrooms(households, profile, streams.stage("bedrooms"))
    person = np.arange(people.height)
    # Half of the mix-ups are within a family, the others with anybody.
    household = people["household"].to_numpy()
    beside = np.where(np.roll(household, -1) == household, 1, -1)
    anybody = rng.integers(1, max(2, people.height), people.height)
    step = np.where(rng.random(people.height) < 0.5, beside, anybody)
    return people.with_columns(
        pl.Series("person", person),
        numbers,
        numbers.gather((person + step) % people.height).alias("other_number"),
        pl.Series("vulnerability", proneness),
        pl.Series("bedrooms_spare", spare[household]),
    )
