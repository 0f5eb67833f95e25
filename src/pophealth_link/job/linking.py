"""The first half of a run: reads identifiers, writes who is who and the facts to place people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import evaluate, sources
from pophealth_link.errors import Problem
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.load import Job
from pophealth_link.job.progress import Progress
from pophealth_link.link import Links, LinkSpec, People, link
from pophealth_link.link.facts import person_facts, property_facts, with_uprn
from pophealth_link.prepare import address, postcode
from pophealth_link.privacy import Key, opt_outs
from pophealth_link.reference import Pack
from pophealth_link.sources import Accepted, Source

# The file names of a run's folder `linked/`, fixed by the interface.
INDEX, PAIRS, FACTS, PROPERTIES = "person_index", "pairs", "person_facts", "property_facts"
CARD_FACTS = "linkage_facts.json"
KEY = "project.key"


@dataclass(frozen=True, slots=True)
class Linked:
    """What the first half leaves for the manifest."""

    accounts: Accounts
    links: Links = field(repr=False)


def run_link(job: Job, pack: Pack, out: Path, progress: Progress) -> Linked:
    """Link the job's sources and write the folder `linked/` at `out`.

    Reads identifiers and facts, never an attribute or an event. Raises as reading and linking do.
    """
    out.mkdir(parents=True)
    accounts = Accounts()
    key = _key(job, out, progress)
    progress.stage("reading people")
    people = _read_people(job, out, accounts, progress)
    progress.stage("linking")
    spec = _link_spec(job)
    links = link(people, spec, key=key)
    accounts.linked(links.person_index)
    _warn_of_numbers(links, progress)
    progress.stage("placing people and dwellings")
    homes = _read_dwellings(job, out, accounts)
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
    marked = [People(**_with_register(p, links)) for p in people]
    exact = evaluate.facts(links, marked, spec)
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


def _key(job: Job, out: Path, progress: Progress) -> Key:
    given = job.read_key()
    if given:
        return given
    progress.warn(
        "the job names no key: person ids will differ from run to run. "
        "Set [privacy] key_file to keep them."
    )
    return Key.generate(out / KEY)


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


def _read_people(job: Job, out: Path, accounts: Accounts, progress: Progress) -> list[People]:
    read = [
        (source, sources.load(source.people, where=source.name, only="identifiers"))
        for source in job.sources
    ]
    problems: list[Problem] = [each for _, accepted in read for each in accepted.problems]
    sources.refuse(job.path.name, problems)
    removed = _opted_out(job)
    return [_people(s, a, removed, out, accounts, progress) for s, a in read]


def _opted_out(job: Job) -> pl.DataFrame | None:
    if not job.spec.privacy.opt_outs:
        return None
    return opt_outs.read(job.resolve(job.spec.privacy.opt_outs))


def _people(
    source: Source,
    accepted: Accepted,
    removed: pl.DataFrame | None,
    out: Path,
    accounts: Accounts,
    progress: Progress,
) -> People:
    frame, gone = (
        opt_outs.remove(accepted.frame, removed) if removed is not None else (accepted.frame, 0)
    )
    accounts.read(source.name, source.people.table.name, accepted.counts, removed=gone)
    quarantine(out, source.name, accepted)
    tell_unreadable(source.name, accepted, progress)
    aliases = None
    if source.aliases:
        known = accepted.frame["record_id"]
        further = sources.read_aliases(source.aliases, known, where=f"{source.name}.aliases")
        # Aliases of people who opted out go with them.
        aliases = further.frame.join(frame, on="record_id", how="semi", maintain_order="left")
        gone = further.frame.height - aliases.height
        accounts.read(source.name, source.aliases.table.name, further.counts, removed=gone)
        quarantine(out, f"{source.name}.aliases", further)
    return People(
        source.name,
        frame,
        source.setting,  # type: ignore[arg-type]
        source.unique_people,
        source.register,
        source.nhs_number_kind,
        aliases,
    )


def quarantine(out: Path, name: str, accepted: Accepted) -> None:
    """Write the refused rows of a file, if any, to `quarantine/<name>.parquet`."""
    if accepted.quarantine.height:
        folder = out / "quarantine"
        folder.mkdir(exist_ok=True)
        accepted.quarantine.write_parquet(folder / f"{_file_name(name)}.parquet")


def _file_name(name: str) -> str:
    """Return a source's name as a file name: letters, digits, `.`, `_` and `-` stay."""
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name).lstrip(".") or "_"


def tell_unreadable(name: str, accepted: Accepted, progress: Progress) -> None:
    """Warn of values that could not be read, by column and reason, in counts."""
    for (column, reason), count in sorted(accepted.counts.unreadable.items()):
        progress.warn(f"{name}: {count:,} values of {column} became missing ({reason}).")


def _warn_of_numbers(links: Links, progress: Progress) -> None:
    tests = links.counts["nhs_numbers_test_range"]
    if tests:
        progress.warn(f"{tests:,} NHS numbers are of the test range 999 000 0000 and above.")
    wrong = links.counts["nhs_numbers_contradicted"]
    if wrong:
        progress.warn(
            f"{wrong:,} NHS numbers were set aside: the demographics are another person's."
        )


def _read_dwellings(job: Job, out: Path, accounts: Accounts) -> dict[str, pl.DataFrame]:
    """Return the dwellings of each property source with standardised UPRN, address, postcode."""
    found = {}
    for each in job.properties:
        accepted = sources.read(each.dwellings, where=each.name, only="identifiers")
        accounts.read(each.name, each.dwellings.table.name, accepted.counts)
        quarantine(out, each.name, accepted)
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


def read_card_facts(linked: Path) -> Mapping[str, Any]:
    """Return the exact counts of the linkage that `run_link` left."""
    facts: Mapping[str, Any] = json.loads((linked / CARD_FACTS).read_text(encoding="utf-8"))
    return facts
