"""The first half of a run: reads identifiers, writes who is who and the facts to place people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import evaluate, sources
from pophealth_link.errors import LinkageError, Problem
from pophealth_link.folders import shown
from pophealth_link.job import quarantine
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.index import CARD_FACTS, stamp
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Progress
from pophealth_link.job.quarantine import Quarantine, tell_unreadable
from pophealth_link.link import Links, LinkSpec, People, link
from pophealth_link.link.facts import person_facts, property_facts, with_uprn
from pophealth_link.prepare import address, postcode
from pophealth_link.privacy import Key, opt_outs
from pophealth_link.reference import Pack
from pophealth_link.sources import Accepted, Source

# The file names of a run's folder `linked/`, fixed by the interface.
INDEX, PAIRS, FACTS, PROPERTIES = "person_index", "pairs", "person_facts", "property_facts"
KEY = "project.key"


@dataclass(frozen=True, slots=True)
class Linked:
    """What the first half leaves for the manifest."""

    accounts: Accounts
    links: Links = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where what reading gives is told, and who has opted out."""

    accounts: Accounts
    quarantine: Quarantine
    progress: Progress
    opted_out: pl.DataFrame | None
    as_of: date


def run_link(job: Job, pack: Pack, out: Path, progress: Progress, *, key: Key | None) -> Linked:
    """Link the job's sources and write the folder `linked/` at `out`.

    Without a `key` one is made and kept in `out`. Reads identifiers and facts, never an attribute
    or an event. Raises as reading and linking do.
    """
    out.mkdir(parents=True)
    accounts = Accounts()
    key = key or _own_key(out, progress)
    progress.stage("reading people")
    told = _Reading(accounts, Quarantine.of(job, out), progress, _opted_out(job), job.spec.as_of)
    people = _read_people(job, told)
    progress.stage("linking")
    spec = _link_spec(job)
    links = _within_memory(people, spec, key)
    accounts.linked(links.person_index)
    _warn_of_numbers(links, progress)
    progress.stage("placing people and dwellings")
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
    marked = [People(**_with_register(p, links)) for p in sorted(people, key=lambda p: p.source)]
    exact = {**stamp(job), **evaluate.facts(links, marked, spec)}
    (out / CARD_FACTS).write_text(json.dumps(exact, indent=2) + "\n", encoding="utf-8")
    return Linked(accounts, links)


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
    return Key.generate(out / KEY)


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


def _link_spec(job: Job) -> LinkSpec:
    table = job.spec.link
    return LinkSpec(
        model=table.model if table.model == "default" else job.resolve(table.model),
        accept_probability=table.accept_probability,
        review_probability=table.review_probability,
        margin=table.margin,
        max_pairs=table.max_pairs,
        memory_limit=job.spec.memory_limit,
    )


def _read_people(job: Job, told: _Reading) -> list[People]:
    read = [
        (source, sources.load(source.people, where=source.name, only="identifiers"))
        for source in job.sources
    ]
    problems: list[Problem] = [each for _, accepted in read for each in accepted.problems]
    sources.refuse(shown(job.path), problems)
    return [_people(source, accepted, told) for source, accepted in read]


def _opted_out(job: Job) -> pl.DataFrame | None:
    if not job.spec.privacy.opt_outs:
        return None
    return opt_outs.read(job.resolve(job.spec.privacy.opt_outs))


def _people(source: Source, read: Accepted, told: _Reading) -> People:
    accepted = _born_by(read, told.as_of)
    former = _aliases(source, accepted.frame["record_id"], told.as_of)
    frame, gone = _without_opted_out(source, accepted.frame, former, told)
    told.accounts.read(source.name, source.people.table.name, accepted.counts, removed=gone)
    told.quarantine.write(quarantine.people(source.name), accepted)
    tell_unreadable(source.name, accepted, told.progress)
    return People(
        source.name,
        frame,
        source.setting,  # type: ignore[arg-type]
        source.unique_people,
        source.register,
        source.nhs_number_kind,
        _kept_aliases(source, former, frame, told),
    )


def _born_by(accepted: Accepted, as_of: date) -> Accepted:
    """Return what was read with dates of birth after the day missing, and counted so."""
    born = pl.col("date_of_birth")
    late = accepted.frame.filter(born > as_of).height
    if not late:
        return accepted
    counts = accepted.counts
    unreadable = {**counts.unreadable, ("date_of_birth", "after_as_of"): late}
    return replace(
        accepted,
        frame=accepted.frame.with_columns(pl.when(born <= as_of).then(born)),
        counts=replace(counts, unreadable=dict(sorted(unreadable.items()))),
    )


def _aliases(source: Source, known: pl.Series, as_of: date) -> Accepted | None:
    if source.aliases is None:
        return None
    read = sources.read_aliases(source.aliases, known, where=f"{source.name}.aliases")
    return _born_by(read, as_of)


def _without_opted_out(
    source: Source, people: pl.DataFrame, former: Accepted | None, told: _Reading
) -> tuple[pl.DataFrame, int]:
    """Return the people who have not opted out by a number of theirs, present or former."""
    if told.opted_out is None:
        return people, 0
    if source.nhs_number_kind == "token":
        told.progress.warn(
            f"{source.name}: opt-outs cannot be applied, for its numbers are tokens. "
            "Have them applied where the tokens were made."
        )
        return people, 0
    further = opt_outs.record_ids(former.frame, told.opted_out) if former else None
    return opt_outs.remove(people, told.opted_out, further=further)


def _kept_aliases(
    source: Source, former: Accepted | None, people: pl.DataFrame, told: _Reading
) -> pl.DataFrame | None:
    if former is None or source.aliases is None:
        return None
    # Aliases of people who opted out go with them.
    kept = former.frame.join(people, on="record_id", how="semi", maintain_order="left")
    gone = former.frame.height - kept.height
    told.accounts.read(source.name, source.aliases.table.name, former.counts, removed=gone)
    told.quarantine.write(quarantine.aliases(source.name), former)
    tell_unreadable(f"{source.name}.aliases", former, told.progress)
    return kept


def _warn_of_numbers(links: Links, progress: Progress) -> None:
    tests = links.counts["nhs_numbers_test_range"]
    if tests:
        progress.warn(f"{tests:,} NHS numbers are of the test range 999 000 0000 and above.")
    wrong = links.counts["nhs_numbers_contradicted"]
    if wrong:
        progress.warn(
            f"{wrong:,} NHS numbers were set aside: the demographics are another person's."
        )


def _read_dwellings(job: Job, told: _Reading) -> dict[str, pl.DataFrame]:
    """Return the dwellings of each property source with standardised UPRN, address, postcode."""
    found = {}
    for each in job.properties:
        accepted = sources.read(each.dwellings, where=each.name, only="identifiers")
        told.accounts.read(each.name, each.dwellings.table.name, accepted.counts)
        told.quarantine.write(quarantine.people(each.name), accepted)
        tell_unreadable(each.name, accepted, told.progress)
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
    if dwellings:
        pl.concat(dwellings).write_parquet(out / f"{PROPERTIES}.parquet")
