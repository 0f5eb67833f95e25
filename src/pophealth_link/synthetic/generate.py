"""From a specification and a reference pack to synthetic sources and their truth."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.acute import acute
from pophealth_link.synthetic.conditions import add_conditions
from pophealth_link.synthetic.draws import Streams
from pophealth_link.synthetic.dwellings import council_tax
from pophealth_link.synthetic.events import ServiceUse
from pophealth_link.synthetic.homelessness import homelessness
from pophealth_link.synthetic.housing import housing_register
from pophealth_link.synthetic.mental_health import mental_health
from pophealth_link.synthetic.population import Population, draw_population
from pophealth_link.synthetic.profile import Profile, load_profile
from pophealth_link.synthetic.records import aliases, contract, event_table, record
from pophealth_link.synthetic.region import Places, read_region
from pophealth_link.synthetic.social_care import social_care
from pophealth_link.synthetic.sources import ALIASES, PROPERTIES, SOURCES
from pophealth_link.synthetic.spec import Synthetic, SynthSpec
from pophealth_link.synthetic.truth import truth_rows


def generate(spec: SynthSpec, pack: Places) -> Synthetic:
    """Draw a population on the places of `pack` and what six sources and a tax list hold of it.

    `pack` is a reference pack with postcodes, areas and practices; deprivation and published
    measures are used where it has them. The same specification and pack give the same tables.
    Raises `ReferenceDataError` where the pack has nowhere to live or to register.
    """
    profile, streams = load_profile(spec.preset), Streams(spec.seed)
    region = read_region(pack, profile, spec.as_of)
    population = draw_population(spec, region, profile, streams)
    people, conditions = add_conditions(population.people, profile, streams)
    people, uses = _services(spec, people, conditions, profile, streams)
    return _synthetic(spec, Population(people, population.dwellings), uses, profile, streams)


def _services(
    spec: SynthSpec,
    people: pl.DataFrame,
    conditions: pl.DataFrame,
    profile: Profile,
    streams: Streams,
) -> tuple[pl.DataFrame, dict[str, ServiceUse]]:
    """Return people, with who has no fixed abode, and the use of each source by its name."""
    rest = (spec.period, profile, streams)
    homeless, roofless = homelessness(people, *rest)
    people = people.with_columns(pl.Series("no_fixed_abode", roofless))
    listed = np.flatnonzero(people["registered"].to_numpy())
    return people, {
        "gp_register": ServiceUse(listed, {"condition_events": conditions}),
        "mental_health_trust": mental_health(people, *rest),
        "acute": acute(people, *rest),
        "social_care": social_care(people, *rest),
        "housing_register": housing_register(people, *rest),
        "homelessness": homeless,
    }


def _synthetic(
    spec: SynthSpec,
    population: Population,
    uses: dict[str, ServiceUse],
    profile: Profile,
    streams: Streams,
) -> Synthetic:
    """Write down the records and events of every source, and the truth of each record."""
    people = population.people
    tables: dict[str, pl.DataFrame] = {}
    truth: list[pl.DataFrame] = []
    for source in SOURCES:
        use = uses[source.name]
        records = record(people, use.persons, source, profile, streams)
        tables[source.name] = contract(records)
        truth.append(truth_rows(people, records, source.name))
        if source.register:
            tables[ALIASES] = aliases(people, records, profile, streams.stage("aliases"))
        for table in source.events:
            stage = streams.stage(f"{table} records")
            tables[table] = event_table(use.events[table], records, table, stage)
    tax = council_tax(population.dwellings, people, profile, streams.stage("council tax"))
    ids = pl.int_range(1, tax.height + 1, eager=True).cast(pl.String).str.zfill(8)
    tables[PROPERTIES] = tax.insert_column(0, ("T" + ids).alias("record_id"))
    return Synthetic(spec, tables, pl.concat(truth))
