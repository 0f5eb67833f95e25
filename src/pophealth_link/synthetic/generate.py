"""From a specification and a reference pack to synthetic sources and their truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pophealth_link.synthetic.acute import acute
from pophealth_link.synthetic.childrens_social_care import childrens_social_care
from pophealth_link.synthetic.clinical import add_trust_codes, health_checks
from pophealth_link.synthetic.conditions import add_conditions
from pophealth_link.synthetic.dwellings import council_tax
from pophealth_link.synthetic.events import ServiceUse
from pophealth_link.synthetic.homelessness import homelessness
from pophealth_link.synthetic.housing import housing_register
from pophealth_link.synthetic.ids import all_with_part, uprns_of_part, with_part
from pophealth_link.synthetic.mental_health import mental_health
from pophealth_link.synthetic.nhs_numbers import add_numbers
from pophealth_link.synthetic.parts import PART_SIZE, Part, plan_parts
from pophealth_link.synthetic.population import Population, draw_population
from pophealth_link.synthetic.profile import Profile, load_profile
from pophealth_link.synthetic.records import contract, event_table, record
from pophealth_link.synthetic.region import Places, read_region
from pophealth_link.synthetic.register import aliases
from pophealth_link.synthetic.relations import with_relations
from pophealth_link.synthetic.situations import add_situation
from pophealth_link.synthetic.social_care import social_care
from pophealth_link.synthetic.sources import ALIASES, PROPERTIES, SOURCES
from pophealth_link.synthetic.spec import Synthetic, SynthSpec
from pophealth_link.synthetic.truth import (
    Lookups,
    read_lookups,
    true_homes,
    true_people,
    truth_rows,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a population is made: its parts, the rates, and where its people truly belong."""

    spec: SynthSpec
    parts: tuple[Part, ...] = field(repr=False)
    profile: Profile = field(repr=False)
    lookups: Lookups = field(repr=False)


def plan(spec: SynthSpec, pack: Places, *, part_size: int = PART_SIZE) -> Plan:
    """Read the places of `pack` and divide the people into parts of whole LSOAs.

    `pack` is a reference pack with postcodes, areas and practices; deprivation and published
    measures are used where it has them. Raises `ReferenceDataError` where the pack has nowhere to
    live or to register, and `JobError` where it cannot hold so many people.
    """
    profile = load_profile(spec.preset)
    region = read_region(pack, profile, spec.as_of)
    parts = plan_parts(spec, region, profile, part_size)
    return Plan(spec, tuple(parts), profile, read_lookups(pack, spec.as_of))


def generate(spec: SynthSpec, pack: Places, *, part_size: int = PART_SIZE) -> Synthetic:
    """Draw a population on the places of `pack` and what its sources and a tax list hold of it.

    The same specification and pack give the same tables. All of it is held in memory: for large
    populations, take one part after the other, as :func:`make_part` makes it. Raises as
    :func:`plan` does.
    """
    planned = plan(spec, pack, part_size=part_size)
    made = [make_part(planned, part) for part in planned.parts]
    if len(made) == 1:
        return made[0]
    tables = {name: pl.concat(each.tables[name] for each in made) for name in made[0].tables}
    truth, people, homes = (
        pl.concat(getattr(each, name) for each in made) for name in ("truth", "people", "homes")
    )
    return Synthetic(spec, tables, truth, people, homes)


def make_part(planned: Plan, part: Part) -> Synthetic:
    """Draw one part of a population: all that is held of its people, and nobody else's.

    No person, dwelling or id is in two parts. Parts can be made in any order.
    """
    profile, streams = planned.profile, part.streams
    population = draw_population(part.spec, part.region, profile, streams)
    people = uprns_of_part(population.people, part.number)
    people = add_numbers(people, part.first_number, part.all_numbers, streams)
    dwellings = uprns_of_part(population.dwellings, part.number)
    people, conditions = add_conditions(people, profile, streams)
    people, uses = _services(part, people, conditions, profile)
    made = _synthetic(planned, part, Population(people, dwellings), uses)
    return made if part.of == 1 else _numbered(made, part.number)


def _numbered(made: Synthetic, part: int) -> Synthetic:
    tables = all_with_part(made.tables, part)
    rest = (with_part(each, part) for each in (made.truth, made.people, made.homes))
    return Synthetic(made.spec, tables, *rest)


def _services(
    part: Part, people: pl.DataFrame, conditions: pl.DataFrame, profile: Profile
) -> tuple[pl.DataFrame, dict[str, ServiceUse]]:
    """Return people, with who has no fixed abode, and the use of each source by its name."""
    rest = (part.spec.period, profile, part.streams)
    homeless, roofless = homelessness(people, *rest)
    # Who lost a home has another situation than before.
    people = people.with_columns(pl.Series("no_fixed_abode", roofless))
    people, children = childrens_social_care(people, *rest)
    people = with_relations(add_situation(people))
    listed = np.flatnonzero(people["registered"].to_numpy())
    return people, {
        "gp_register": ServiceUse(
            listed,
            {
                "condition_events": conditions,
                "health_checks": health_checks(people, profile, part.streams),
            },
        ),
        "mental_health_trust": add_trust_codes(people, mental_health(people, *rest), *rest),
        "acute": acute(people, *rest),
        "social_care": social_care(people, *rest),
        "childrens_social_care": children,
        "housing_register": housing_register(people, *rest),
        "homelessness": homeless,
    }


def _synthetic(
    planned: Plan, part: Part, population: Population, uses: Mapping[str, ServiceUse]
) -> Synthetic:
    """Write down the records and events of every source, and the truth of each record."""
    people, streams, profile = population.people, part.streams, planned.profile
    tables: dict[str, pl.DataFrame] = {}
    written: dict[str, pl.DataFrame] = {}
    for source in SOURCES:
        use = uses[source.name]
        records = record(people, use.persons, source, profile, streams)
        written[source.name] = records.select("person", "record_id")
        tables[source.name] = contract(records)
        if source.register:
            tables[ALIASES] = aliases(people, records, profile, streams.stage("aliases"))
        for table in source.events:
            stage = streams.stage(f"{table} records")
            tables[table] = event_table(use.events[table], records, table, stage)
    tables[PROPERTIES] = _tax_list(population, part, profile)
    return _with_truth(planned, people, tables, written)


def _tax_list(population: Population, part: Part, profile: Profile) -> pl.DataFrame:
    rng = part.streams.stage("council tax")
    tax = council_tax(population.dwellings, population.people, profile, rng)
    ids = pl.int_range(1, tax.height + 1, eager=True).cast(pl.String).str.zfill(8)
    return tax.insert_column(0, ("T" + ids).alias("record_id"))


def _with_truth(
    planned: Plan,
    people: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    written: Mapping[str, pl.DataFrame],
) -> Synthetic:
    spec, lookups = planned.spec, planned.lookups
    has_record = np.zeros(people.height, dtype=bool)
    for records in written.values():
        has_record[records["person"].to_numpy()] = True
    true = true_people(people, has_record, lookups, spec)
    truth = [
        truth_rows(people, true, written[source.name], source.name, source.organisation)
        for source in SOURCES
    ]
    homes = true_homes(tables[PROPERTIES], PROPERTIES, lookups, spec)
    return Synthetic(spec, tables, pl.concat(truth), true, homes)
