"""The second half of a run: never reads an identifier; places, counts, releases, reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link import need, places, sources
from pophealth_link.errors import LinkageError, Problem
from pophealth_link.job import linking
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.load import Job
from pophealth_link.job.progress import Progress
from pophealth_link.need import BaselineInputs
from pophealth_link.reference import Pack
from pophealth_link.schema.reference import AREA_MEASURES, FOOTPRINTS
from pophealth_link.sources import TableFile

PEOPLE_FILE = "people.parquet"


@dataclass(frozen=True, slots=True)
class Analysed:
    """What the second half works with, for release and report; no identifier among it.

    `notices` are warnings about footprints, which the report may show: they hold no count of ours.
    """

    accounts: Accounts
    inputs: BaselineInputs = field(repr=False)
    counts: pl.DataFrame = field(repr=False)
    notices: tuple[str, ...] = ()


def run_analyse(job: Job, pack: Pack, linked: Path, out: Path, progress: Progress) -> Analysed:
    """Place people, count every indicator, and write `people.parquet` into `out`.

    `linked` is the folder that the first half wrote. Raises `LinkageError` where it is not one.
    """
    accounts = Accounts()
    index, facts = _read_index(linked), _table(linked, linking.FACTS)
    progress.stage("placing people in footprints")
    units, fit = unit_footprints(job, pack, facts)
    settings = places.linked_settings(index, {s.name: s.setting for s in job.sources})
    people = places.place(facts, units, pack.read("areas"), pack.read("deprivation"), settings)
    out.mkdir(parents=True, exist_ok=True)
    people.write_parquet(out / PEOPLE_FILE)
    notices = _notices(units, fit, pack, people, progress)
    progress.stage("reading events")
    inputs = BaselineInputs(
        people=people,
        events=read_events(job, index, accounts, progress),
        dwellings=_dwellings(job, linked, accounts),
        areas=pack.read("areas"),
        deprivation=pack.read("deprivation"),
        measures=measures(pack),
        unit_footprints=units,
        as_of=job.spec.as_of,
        period=job.spec.reporting_period,
        n_areas=pack.n_areas,
    )
    progress.stage("counting indicators")
    return Analysed(accounts, inputs, need.count(inputs, policy=job.policy), notices)


def _table(linked: Path, name: str) -> pl.DataFrame:
    path = linked / f"{name}.parquet"
    if not path.exists():
        raise LinkageError(
            f"{linked.name} is not the folder of a linkage: {path.name} is missing.",
            fix="name the folder `linked` of a run, or run `pophealth-link link` first.",
        )
    return pl.read_parquet(path / "*.parquet" if path.is_dir() else path)


def _read_index(linked: Path) -> pl.DataFrame:
    return _table(linked, linking.INDEX).select("source", "record_id", "person_id", "method")


def unit_footprints(job: Job, pack: Pack, facts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the table `unit_footprints` for the job's bases, and the best fit of LSOAs.

    The best fit counts the job's own registered patients by LSOA and practice.
    """
    practice = places.practice_footprints(
        pack.read("practices"),
        pack.read("practice_pcn"),
        _footprints(job, pack),
        pack.read("areas"),
        pack.read("postcodes"),
        job.spec.as_of,
    )
    registered = facts.filter(pl.col("on_register") & pl.col("current"))
    patients = registered.group_by("lsoa_code", "practice_code").agg(pl.len().alias("people"))
    fit = places.best_fit(patients, practice)
    authorities = job.spec.footprints.local_authorities or None
    kinds = practice["footprint_type"].unique().sort()
    fitted = [kind for kind in kinds if kind not in ("lad", "icb", "whole")]
    resident = places.area_footprints(pack.read("areas"), fit, authorities, footprint_types=fitted)
    both = pl.concat([practice, resident])
    return both.filter(pl.col("basis").is_in(job.spec.footprints.basis)), fit


def _footprints(job: Job, pack: Pack) -> pl.DataFrame | None:
    """Return the pack's footprints, those of a type that the job names replaced by its file."""
    named = job.spec.footprints.files
    frames = [_footprint_file(job.resolve(file.path), kind) for kind, file in named.items()]
    if pack.has(FOOTPRINTS.name):
        shipped = pack.read(FOOTPRINTS.name)
        frames.append(shipped.filter(~pl.col("footprint_type").is_in(list(named))))
    return pl.concat(frames) if frames else None


def _footprint_file(path: Path, kind: str) -> pl.DataFrame:
    accepted = sources.read(TableFile(FOOTPRINTS, path), where=f"footprints.{kind}")
    return accepted.frame.with_columns(pl.lit(kind).alias("footprint_type"))


def _notices(
    units: pl.DataFrame,
    fit: pl.DataFrame,
    pack: Pack,
    people: pl.DataFrame,
    progress: Progress,
) -> tuple[str, ...]:
    sizes = places.size_warnings(units, pack.read("practices"), people)
    notices = (*sizes, *places.best_fit_warnings(fit))
    for notice in notices:
        progress.warn(notice)
    return notices


def read_events(
    job: Job, index: pl.DataFrame, accounts: Accounts, progress: Progress
) -> dict[str, pl.DataFrame]:
    """Return the events of each table with `person_id` and `source` in place of the record id.

    Events of records that the index does not know (removed, quarantined) are counted, not kept.
    """
    found: dict[str, list[pl.DataFrame]] = {}
    problems: list[Problem] = []
    for source in job.sources:
        known = index.filter(pl.col("source") == source.name)
        for file in source.events:
            accepted = sources.load(file, where=f"{source.name}.{file.table.name}")
            problems += accepted.problems
            linking.tell_unreadable(f"{source.name}.{file.table.name}", accepted, progress)
            joined = accepted.frame.join(known, on="record_id").drop("record_id", "method")
            accounts.read(source.name, file.table.name, accepted.counts)
            accounts.joined(source.name, file.table.name, joined.height)
            found.setdefault(file.table.name, []).append(joined)
    sources.refuse(job.path.name, problems)
    return {name: pl.concat(frames) for name, frames in found.items()}


def _dwellings(job: Job, linked: Path, accounts: Accounts) -> pl.DataFrame | None:
    """Return the dwellings with keyed UPRN and LSOA, without address; null if there are none."""
    if not job.properties:
        return None
    facts = _table(linked, linking.PROPERTIES)
    frames = []
    for each in job.properties:
        accepted = sources.read(each.dwellings, where=each.name, only="attributes")
        accounts.read(each.name, each.dwellings.table.name, accepted.counts)
        named = accepted.frame.with_columns(pl.lit(each.name).alias("source"))
        joined = named.join(facts, on=["source", "record_id"])
        accounts.joined(each.name, each.dwellings.table.name, joined.height)
        frames.append(joined)
    return pl.concat(frames)


def measures(pack: Pack) -> pl.DataFrame:
    """Return the pack's area measures, with the dwellings exposed to noise if it can tell."""
    published = pack.read(AREA_MEASURES.name)
    if not pack.has("exposures"):
        return published
    exposed = places.share_exposed(
        pack.read("postcodes"), pack.read("exposures"), pack.read("areas")
    )
    return pl.concat([published, exposed.select(published.columns)])
