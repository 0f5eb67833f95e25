"""Synthetic replicates for coverage: the counts of a linkage, of its draws, and of right links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from benchmarks.quality_worlds import RECORD, World, holding
from pophealth_link import demo, reference, synthetic, true_counts
from pophealth_link.evaluate.imputed import Imputed, facts_alone, imputed_links
from pophealth_link.indicators.derived import derived
from pophealth_link.job.analysing import registered_patients
from pophealth_link.job.layout import layout
from pophealth_link.link import Links, People, link, people
from pophealth_link.link.facts import person_facts
from pophealth_link.need import BaselineInputs
from pophealth_link.need.linkage_draws import Redraw, losing
from pophealth_link.synthetic import Synthetic, SynthSpec
from pophealth_link.synthetic.sources import ALIASES, SOURCES
from pophealth_link.synthetic.truth import project_key
from pophealth_link.true_counts import Ground

# How likely a well-recorded and an ill-recorded record is to keep its number.
NUMBERS = {"as generated": (1.0, 1.0), "unequally": (0.8, 0.2)}


@dataclass(frozen=True)
class Replicate:
    """What is counted of one synthetic population.

    `inputs`: with the links as made; `true`: with every link right, whose index is `true_index`.
    """

    seed: int
    inputs: BaselineInputs
    true: BaselineInputs
    links: Links = field(repr=False)
    imputed: Imputed = field(repr=False)
    redraw: Redraw = field(repr=False)
    truth: pl.DataFrame = field(repr=False)
    true_index: pl.DataFrame = field(repr=False)


def settings(folder: Path) -> Ground:
    """Return what a job on the embedded region counts on."""
    job = demo.make_synthetic(folder / "data", people=500, seed=1)
    return true_counts.ground(job, reference.load(None))


def replicate(count: int, seed: int, numbers: str, on: Ground) -> Replicate:
    """Return a population of the preset hard, linked, drawn and placed."""
    made = synthetic.generate(SynthSpec(people=count, seed=seed, preset="hard"), on.pack)
    key = project_key(seed)
    sources = _sources(made)
    if numbers != "as generated":
        well, ill = NUMBERS[numbers]
        unlinked = World(sources, made.truth, None)  # type: ignore[arg-type]
        sources = holding(unlinked, well=well, ill=ill, seed=seed)
    links = link(sources, None, key=key)
    imputed = imputed_links(links, seed=seed, key=key)
    index = links.person_index.select(*RECORD, "person_id", "method", "match_probability")
    right = true_index(links, made.truth)
    facts = _facts(links.records, on, key)
    whose = links.records.drop("person_id").join(right, on=RECORD, how="left")
    units = layout(on.job, on.pack, registered_patients(facts), {}).units
    ground = replace(on.inputs, unit_footprints=units, dwellings=made.homes)
    inputs = _inputs(ground, on, facts, _events(made, index))
    true = _inputs(ground, on, _facts(whose, on, key), _events(made, right))
    alone = on.laid.place(_facts(facts_alone(links.records, imputed.alone), on, key), on.pack)
    gone = losing(imputed.links, index)
    loose = _events(made, index.join(gone, on="person_id", how="semi"), kept=True)
    unique = [each.name for each in SOURCES if each.unique_people]
    redraw = Redraw(imputed.imputations, imputed.links, index, alone, loose, unique)
    return Replicate(seed, inputs, true, links, imputed, redraw, made.truth, right)


def _sources(made: Synthetic) -> list[People]:
    return [
        people(
            made.tables[each.name],
            source=each.name,
            setting=each.setting,  # type: ignore[arg-type]
            unique_people=each.unique_people,
            register=each.register,
            aliases=made.tables[ALIASES] if each.register else None,
        )
        for each in SOURCES
    ]


def true_index(links: Links, truth: pl.DataFrame) -> pl.DataFrame:
    """Return source, record_id, person_id had every record outside the register been linked right.

    The register stays as it is: of a person whom it lists twice the rows remain two people, and a
    record that is linked to either is right; one that is not goes to the first.
    """
    main = links.records.filter(~pl.col("alias")).select(*RECORD, "on_register", "person_id")
    told = main.join(truth.select(*RECORD, true="person_id"), on=RECORD)
    register = told.filter("on_register").sort(RECORD)
    first = register.unique("true", keep="first", maintain_order=True)
    right = register.select("true", "person_id").with_columns(right=pl.lit(value=True))
    others = told.join(right, on=["true", "person_id"], how="left").join(
        first.select("true", home="person_id"), on="true", how="left"
    )
    whose = (
        pl.when("on_register").then("person_id")
        .when("right").then("person_id")
        .otherwise(pl.coalesce("home", pl.format("true {}", "true")))
    )  # fmt: skip
    return others.select(*RECORD, whose.alias("person_id")).sort(RECORD)


def _facts(records: pl.DataFrame, on: Ground, key: object) -> pl.DataFrame:
    spec = on.job.spec
    return person_facts(
        records,
        on.pack.scan("postcodes"),
        key,  # type: ignore[arg-type]
        as_of=spec.as_of,
        period=spec.reporting_period,
    )


def _inputs(
    ground: BaselineInputs, on: Ground, facts: pl.DataFrame, events: Mapping[str, pl.DataFrame]
) -> BaselineInputs:
    made = derived(events, as_of=ground.as_of, period=ground.period)
    return replace(ground, people=on.laid.place(facts, on.pack), events=made)


def _events(made: Synthetic, index: pl.DataFrame, *, kept: bool = False) -> dict[str, pl.DataFrame]:
    found = {}
    for source in SOURCES:
        who = index.filter(pl.col("source") == source.name)
        for table in source.events:
            rows = made.tables[table].join(who, on="record_id", maintain_order="left")
            rows = rows.drop("method", "match_probability", strict=False)
            rows = rows.with_columns(pl.lit(source.setting).alias("setting"))
            found[table] = rows if kept else rows.drop("record_id")
    return found
