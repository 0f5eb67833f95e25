"""The first half of a run: reads identifiers, writes who is who and the facts to place people."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import evaluate, sources
from pophealth_link.errors import LinkageError
from pophealth_link.job import quarantine
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.index import CARD_FACTS, stamp
from pophealth_link.job.link_settings import link_spec
from pophealth_link.job.model import OWN_KEY, Job
from pophealth_link.job.people import Reading, read_people
from pophealth_link.job.progress import Progress
from pophealth_link.job.quarantine import Quarantine
from pophealth_link.link import Links, LinkSpec, People, link, model
from pophealth_link.link.facts import person_facts, property_facts, with_uprn
from pophealth_link.places import ended_postcodes
from pophealth_link.prepare import address, postcode
from pophealth_link.privacy import Key
from pophealth_link.reference import Pack
from pophealth_link.schema.outputs import IMPUTED_FACTS, IMPUTED_LINKS

# The file names of a run's folder `linked/`, fixed by the interface.
INDEX, PAIRS, FACTS, PROPERTIES = "person_index", "pairs", "person_facts", "property_facts"
MODEL = "model.json"


@dataclass(frozen=True, slots=True)
class Linked:
    """What the first half leaves for the manifest."""

    accounts: Accounts
    links: Links = field(repr=False)


def run_link(job: Job, pack: Pack, out: Path, progress: Progress, *, key: Key | None) -> Linked:
    """Link the job's sources and write the folder `linked/` at `out`.

    Without a `key` one is made and kept in `out`, as is one inherited from an earlier run. Reads
    identifiers and facts, never an attribute or an event. Raises as reading and linking do.
    """
    out.mkdir(parents=True)
    accounts = Accounts()
    key = key or _own_key(out, progress)
    if job.inherited_key:
        shutil.copy2(job.inherited_key, out / OWN_KEY)
    progress.stage("reading people")
    told = Reading.of(job, accounts, progress, Quarantine.of(job, out))
    people = read_people(job, told)
    progress.stage("linking")
    spec = link_spec(job)
    links = _within_memory(people, spec, key)
    accounts.linked(links.person_index)
    _warn_of_numbers(links, progress)
    progress.stage("placing people and dwellings")
    for warning in ended_postcodes(links.records, pack.scan("postcodes"), job.spec.as_of):
        progress.warn(warning)
    homes = _read_dwellings(job, told)
    facts = person_facts(
        with_uprn(links.records, list(homes.values())),
        pack.scan("postcodes"),
        key,
        as_of=job.spec.as_of,
        period=job.spec.reporting_period,
    )
    dwellings = [
        property_facts(each, pack.scan("postcodes"), key, source=name)
        for name, each in homes.items()
    ]
    _write(out, links, facts, dwellings)
    progress.stage("drawing the links")
    _write_draws(job, pack, links, key, out)
    marked = [People(**_with_register(p, links)) for p in sorted(people, key=lambda p: p.source)]
    told_of = {name: each["people"] for name, each in accounts.rows.items() if "people" in each}
    rows = {name: _read(row) for name, row in told_of.items()}
    progress.stage("judging the links")
    judged = _judged(links, job, pack)
    exact = {**stamp(job), **evaluate.facts(links, marked, rows=rows, quality=judged)}
    (out / CARD_FACTS).write_text(json.dumps(exact, indent=2) + "\n", encoding="utf-8")
    return Linked(accounts, links)


def _write_draws(job: Job, pack: Pack, links: Links, key: Key, out: Path) -> None:
    """Write whom uncertain records may be, drawn many times, and the facts of whom that makes."""
    drawn = evaluate.imputed_links(
        links, seed=job.spec.seed, key=key, imputations=job.spec.link.draws
    )
    alone = person_facts(
        evaluate.facts_alone(links.records, drawn.alone),
        pack.scan("postcodes"),
        key,
        as_of=job.spec.as_of,
        period=job.spec.reporting_period,
    )
    told = drawn.links.with_columns(imputations=pl.lit(drawn.imputations, pl.Int64))
    told.select(IMPUTED_LINKS.names).write_parquet(out / f"{IMPUTED_LINKS.name}.parquet")
    alone.write_parquet(out / f"{IMPUTED_FACTS.name}.parquet")


def _read(row: dict[str, Any]) -> dict[str, Any]:
    """Return a source's row accounting for the card: its rows, former submissions left out."""
    return {**row, "rows_in": row["rows_in"] + row["added"] - row["left_out"]}


def _judged(links: Links, job: Job, pack: Pack) -> dict[str, Any]:
    """Return what can be said of the links without truth."""
    tables = (pack.read(name) for name in ("postcodes", "areas", "deprivation"))
    places = evaluate.place_groups(*tables)
    groups = evaluate.card_groups(links.records, as_of=job.spec.as_of, places=places)
    found = evaluate.assess(links, as_of=job.spec.as_of, seed=job.spec.seed, groups=groups)
    return found.facts()


def _with_register(people: People, links: Links) -> dict[str, Any]:
    registers = links.person_index.filter(pl.col("method") == "register")["source"]
    return {
        "source": people.source,
        "frame": people.frame.clear(),
        "setting": people.setting,
        "unique_people": people.unique_people,
        "register": people.source in registers.unique().to_list(),
        "nhs_number_kind": people.nhs_number_kind,
    }


def _own_key(out: Path, progress: Progress) -> Key:
    progress.warn(
        "the job names no key: person ids will differ from run to run. "
        "Set [privacy] key_file to keep them."
    )
    return Key.generate(out / OWN_KEY)


def _within_memory(people: list[People], spec: LinkSpec, key: Key) -> Links:
    """Link; raise `LinkageError` where the memory limit does not allow it."""
    import duckdb

    try:
        return link(people, spec, key=key)
    except Exception as error:
        if not any(isinstance(each, duckdb.OutOfMemoryException) for each in _chain(error)):
            raise
    raise LinkageError(
        "the linkage needs more memory than it may have.",
        fix="raise memory_limit in the job, or leave it out.",
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _warn_of_numbers(links: Links, progress: Progress) -> None:
    tests = links.counts["nhs_numbers_test_range"]
    if tests:
        progress.warn(f"{tests:,} NHS numbers are of the test range 999 000 0000 and above.")
    shared = links.counts["nhs_numbers_shared"]
    if shared:
        progress.warn(
            f"{shared:,} records were linked without their NHS number: another record of their "
            "source holds the same one, and the source has each person once (unique_people)."
        )
    wrong = links.counts["nhs_numbers_contradicted"]
    if wrong:
        progress.warn(
            f"{wrong:,} NHS numbers were set aside: the demographics are another person's."
        )


def _read_dwellings(job: Job, told: Reading) -> dict[str, pl.DataFrame]:
    """Return the dwellings of each property source with standardised UPRN, address, postcode."""
    found = {}
    for each in job.properties:
        accepted = sources.read(each.dwellings, where=each.name, only="identifiers")
        told.accounts.read(each.name, each.dwellings.table.name, accepted.counts)
        told.refused(each.name, quarantine.people(each.name), accepted)
        found[each.name] = accepted.frame.with_columns(
            address.uprn(pl.col("uprn")).alias("uprn"),
            address.line(pl.col("address")).alias("address"),
            postcode.standardise(pl.col("postcode")).alias("postcode"),
        )
    return found


def _write(out: Path, links: Links, facts: pl.DataFrame, dwellings: list[pl.DataFrame]) -> None:
    links.person_index.write_parquet(out / f"{INDEX}.parquet")
    links.pairs.write_parquet(out / f"{PAIRS}.parquet")
    facts.write_parquet(out / f"{FACTS}.parquet")
    model.save(links.model, out / MODEL)
    if dwellings:
        pl.concat(dwellings).write_parquet(out / f"{PROPERTIES}.parquet")
