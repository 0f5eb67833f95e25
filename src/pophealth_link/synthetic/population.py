"""The population: people at addresses, on lists, with names and a history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.addresses import add_addresses
from pophealth_link.synthetic.draws import Streams
from pophealth_link.synthetic.dwellings import draw_dwellings, spare_bedrooms
from pophealth_link.synthetic.households import draw_households
from pophealth_link.synthetic.kin import add_kin
from pophealth_link.synthetic.members import draw_members
from pophealth_link.synthetic.moves import add_moves
from pophealth_link.synthetic.name_book import load_names
from pophealth_link.synthetic.naming import name_people
from pophealth_link.synthetic.off_register import add_off_register, population_size
from pophealth_link.synthetic.profile import Profile, load_profile
from pophealth_link.synthetic.region import Places, Region, read_region
from pophealth_link.synthetic.registration import add_dates, add_practices
from pophealth_link.synthetic.situations import add_situation
from pophealth_link.synthetic.spec import SynthSpec
from pophealth_link.synthetic.temporary import draw_temporary

__all__ = ["Population", "draw_population", "population_of", "population_size"]


@dataclass(frozen=True, slots=True)
class Population:
    """`people`, one row per person, and `dwellings`; a household's number is its dwelling's.

    Households in temporary accommodation live in one of the last dwellings, together with others:
    `dwelling` of people says where.
    """

    people: pl.DataFrame
    dwellings: pl.DataFrame


def population_of(spec: SynthSpec, pack: Places) -> Population:
    """Return the population that a data set of `spec` on the places of `pack` is made from.

    Raises `ReferenceDataError` where the pack has nowhere to live or to register.
    """
    profile = load_profile(spec.preset)
    region = read_region(pack, profile, spec.as_of)
    return draw_population(spec, region, profile, Streams(spec.seed))


def draw_population(
    spec: SynthSpec, region: Region, profile: Profile, streams: Streams
) -> Population:
    """Draw everybody who lives in the region: `spec.people` on the register, and the others."""
    everybody = population_size(spec.people, profile)
    households = draw_households(region, everybody, profile, streams.stage("households"))
    people = draw_members(households, region, profile, spec.as_of, streams.stage("members"))
    people = _with_facts(_with_place(people, region), households, profile, streams)
    people = add_kin(people, profile, streams.stage("kin"))
    people = name_people(people, load_names(), profile, streams)
    people = add_off_register(
        people, everybody - spec.people, profile, streams.stage("registered nowhere")
    )
    temporary = draw_temporary(
        people, households, region, profile, streams.stage("temporary accommodation")
    )
    dwellings = draw_dwellings(households, temporary.lsoa, region, profile, streams)
    stage = streams.stage("home addresses")
    people = add_addresses(people, dwellings, temporary, region, profile, stage)
    people = add_moves(people, dwellings, region, profile, streams.stage("moves"))
    people = add_practices(people, region, profile, streams)
    people = add_dates(people, spec.period, profile, streams.stage("registration dates"))
    return Population(add_situation(people), dwellings)


def _with_place(people: pl.DataFrame, region: Region) -> pl.DataFrame:
    lsoa = people["lsoa"].to_numpy()
    return people.with_columns(
        pl.Series("quintile", region.quintile[lsoa]),
        region.lsoas["lad_code"].gather(lsoa).alias("lad_code"),
    )


def _with_facts(
    people: pl.DataFrame, households: pl.DataFrame, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Add person (number), vulnerability, bedrooms_spare."""
    sd = profile.england["vulnerability"]["sd"]
    proneness = streams.stage("vulnerability").normal(0, sd, people.height)
    spare = spare_bedrooms(households, profile, streams.stage("bedrooms"))
    return people.with_columns(
        pl.Series("person", np.arange(people.height)),
        pl.Series("vulnerability", proneness),
        pl.Series("bedrooms_spare", spare[people["household"].to_numpy()]),
    )
