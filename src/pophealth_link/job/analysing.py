"""The second half of a run: never reads an identifier; places, counts, releases, reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link import need, places, sources
from pophealth_link.errors import Problem
from pophealth_link.folders import shown
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.derived_parts import backward
from pophealth_link.job import footprints, layout, need_files, quarantine
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.drawing import losers, with_linkage_limits
from pophealth_link.job.index import Index
from pophealth_link.job.index import read as read_index
from pophealth_link.job.layout import Layout
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Progress
from pophealth_link.job.published import published
from pophealth_link.job.quarantine import Input, Quarantine, tell_unreadable
from pophealth_link.need import BaselineInputs
from pophealth_link.need.practice_counts import practice_counts
from pophealth_link.need.tallies import notes
from pophealth_link.reference import Pack
from pophealth_link.schema.reference import FOOTPRINTS
from pophealth_link.sources import Accepted, TableFile

PEOPLE_FILE, UNASSIGNED_FILE = "people.parquet", "unassigned.parquet"
PRACTICE_COUNTS_FILE = "practice_counts.parquet"
RECONCILIATION_FILE, BEST_FIT_FILE = "reconciliation.parquet", "best_fit.parquet"
# What an event is told by the index of the record that it is of.
_WHOSE = ("source", "record_id", "person_id")


@dataclass(frozen=True, slots=True)
class Analysed:
    """What the second half works with, for release and report; no identifier among it.

    `notices` are warnings about footprints, and of tables that counts go without, which the report
    may show. They count footprints, LSOAs and indicators; of people they tell published lists or,
    where a practice has none, how many are counted to the nearest thousand ("under 1,000" for
    fewer). They name no practice of records.
    `published`: tables of published counts of practices, by file name. `listed`: the indicators.
    """

    accounts: Accounts
    index: Index = field(repr=False)
    inputs: BaselineInputs = field(repr=False)
    counts: pl.DataFrame = field(repr=False)
    notices: tuple[str, ...] = ()
    published: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    listed: Catalogue = field(default_factory=catalogue, repr=False)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where what reading gives is told: the accounts, the quarantine, and a person who waits."""

    accounts: Accounts
    quarantine: Quarantine
    progress: Progress

    def take(self, source: str, label: str, accepted: Accepted, file: TableFile, at: Input) -> None:
        """Enter the counts of a file, write its refused rows, warn of values that are lost."""
        self.accounts.read(source, file.table.name, accepted.counts)
        self.quarantine.write(at, accepted)
        tell_unreadable(label, accepted, self.progress)


def run_analyse(job: Job, pack: Pack, linked: Path, out: Path, progress: Progress) -> Analysed:
    """Place people, count every indicator, write `people.parquet` and refused rows into `out`.

    `linked` is the folder that the first half wrote. Raises `LinkageError` where it is not one.
    """
    told = _Reading(Accounts(), Quarantine.of(job, out), progress)
    index = read_index(job, linked)
    progress.stage("placing people in footprints")
    files = _footprint_files(job, told)
    with layout.telling(progress):
        facts = layout.facts_on_day(index.facts, pack)
        laid = layout.layout(job, pack, registered_patients(facts), files)
        settings = places.linked_settings(index.people, {s.name: s.setting for s in job.sources})
        people = laid.place(facts, pack, settings)
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in _placed(people, laid).items():
        frame.write_parquet(out / name)
    notices = _notices(laid, pack, people, progress)
    progress.stage("reading events")
    events, loose = _events(job, index.people, losers(index), told)
    for notice in backward_rows(events):
        progress.warn(notice)
    dwellings = _dwellings(job, index, told)
    with layout.telling(progress):
        inputs = baseline_inputs(job, pack, laid, people, events, dwellings)
    progress.stage("counting indicators")
    listed = need_files.catalogue(job)
    made = need.tally(inputs, indicators=listed)
    without = counted_without(notes(made, listed))
    for notice in without:
        progress.warn(notice)
    practice_counts(made, inputs, indicators=listed).write_parquet(out / PRACTICE_COUNTS_FILE)
    counts = need.count(inputs, policy=job.policy, made=made, indicators=listed)
    progress.stage("counting the draws of the links")
    counts = with_linkage_limits(
        counts, inputs, loose, job=job, pack=pack, laid=laid, index=index, listed=listed
    )
    with layout.telling(progress):
        tables = published(pack, laid.units, laid.held, areas=laid.areas, as_of=job.spec.as_of)
    told_of = (*notices, *without)
    return Analysed(told.accounts, index, inputs, counts, told_of, tables, listed)


def baseline_inputs(
    job: Job,
    pack: Pack,
    laid: Layout,
    people: pl.DataFrame,
    events: Mapping[str, pl.DataFrame],
    dwellings: pl.DataFrame | None,
) -> BaselineInputs:
    """Return what the job's baseline is counted from, with the reference's areas and measures."""
    return BaselineInputs(
        people=people,
        events=derived(events, as_of=job.spec.as_of, period=job.spec.reporting_period),
        dwellings=dwellings,
        areas=laid.areas,
        deprivation=pack.read("deprivation"),
        measures=layout.measures(job, pack, laid.areas),
        unit_footprints=laid.units,
        as_of=job.spec.as_of,
        period=job.spec.reporting_period,
        n_areas=pack.n_areas,
        vintages={name: about.vintage for name, about in pack.about.items()},
    )


def registered_patients(facts: pl.DataFrame) -> pl.DataFrame:
    """Return lsoa_code, practice_code and people: who is on the register on the day, sorted."""
    registered = facts.filter(pl.col("on_register") & pl.col("current"))
    home = ["lsoa_code", "practice_code"]
    return registered.group_by(home).agg(pl.len().cast(pl.Int64).alias("people")).sort(home)


def _footprint_files(job: Job, told: _Reading) -> dict[str, Accepted]:
    files = footprints.read(job)
    for kind, accepted in files.items():
        label = f"footprints.{kind}"
        file = TableFile(FOOTPRINTS, job.resolve(job.spec.footprints.files[kind].path))
        told.take(label, label, accepted, file, quarantine.footprints(kind))
    return files


def _placed(people: pl.DataFrame, laid: Layout) -> dict[str, pl.DataFrame]:
    """Return what is told of people and their places, by file."""
    tables = {PEOPLE_FILE: people, UNASSIGNED_FILE: places.unassigned(people, laid.units)}
    if laid.units["basis"].n_unique() > 1:
        tables[RECONCILIATION_FILE] = places.reconciliation(people, laid.units)
    return tables | {BEST_FIT_FILE: laid.fit}


def unknown_ages(people: pl.DataFrame) -> tuple[str, ...]:
    """Return a warning of the people without an age band, where there are some.

    They are in everyone and in `age_unknown`, and neither in what counts children nor adults.

    >>> unknown_ages(pl.DataFrame({"age_band": ["40-44", None]}))
    ('the age of 1 of 2 people is not known: they count among everyone, in no age',)
    """
    none = people["age_band"].null_count()
    told = f"the age of {none:,} of {people.height:,} people is not known: "
    return (f"{told}they count among everyone, in no age",) if none else ()


def backward_rows(events: Mapping[str, pl.DataFrame]) -> tuple[str, ...]:
    """Return a warning for each event table with rows that end before they begin.

    >>> stay = {"start_date": ["2026-03-02"], "end_date": ["2026-03-01"]}
    >>> backward_rows({"ward_stays": pl.DataFrame(stay)})
    ('ward_stays: 1 of 1 rows end before they begin: no days, stays or discharges are counted',)
    """
    return tuple(
        f"{name}: {rows:,} of {events[name].height:,} rows end before they begin: no days, stays "
        "or discharges are counted"
        for name, rows in backward(events).items()
    )


def counted_without(told: Mapping[str, str]) -> tuple[str, ...]:
    """Return a warning for each of the things that indicators are counted without, sorted.

    `told`: indicator → what it is counted without, as `need.tallies.notes` gives it.

    >>> counted_without({"dementia_known": "counted without trust: diagnoses"})
    ('dementia_known is counted without trust: diagnoses',)
    """
    alike: dict[str, list[str]] = {}
    for name, why in sorted(told.items()):
        alike.setdefault(why, []).append(name)
    return tuple(sorted(f"{_and_more(names)} {why}" for why, names in alike.items()))


def _and_more(names: Sequence[str]) -> str:
    rest = len(names) - 1
    return f"{names[0]} and {rest:,} more are" if rest else f"{names[0]} is"


def _notices(laid: Layout, pack: Pack, people: pl.DataFrame, progress: Progress) -> tuple[str, ...]:
    """Tell all warnings about footprints; return those that the report may show.

    What names or counts practices of records is told to whoever runs the job alone: a practice may
    have one person.
    """
    sizes = places.size_warnings(laid.units, pack.read("practices"), people)
    notices = (*sizes, *places.best_fit_warnings(laid.fit))
    own = (*places.ended_practices(people, laid.held), *unknown_ages(people))
    for notice in (*own, *notices):
        progress.warn(notice)
    return notices


def _events(
    job: Job, index: pl.DataFrame, movable: pl.DataFrame, told: _Reading
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """Return the events of each table with `person_id`, `source` and `setting`, without record ids.

    And, with record ids, those of the people in `movable`, from whom a record may go. Events of
    records that the index does not know (removed, quarantined) are counted, not kept.
    """
    found: dict[str, list[pl.DataFrame]] = {}
    loose: dict[str, list[pl.DataFrame]] = {}
    problems: list[Problem] = []
    for source in job.sources:
        known = index.filter(pl.col("source") == source.name).select(*_WHOSE)
        for place, file in enumerate(source.events):
            label, name = f"{source.name}.{file.table.name}", file.table.name
            accepted = sources.load(file, where=label)
            problems += accepted.problems
            told.take(source.name, label, accepted, file, quarantine.events(source.name, place))
            joined = accepted.frame.join(known, on="record_id")
            joined = joined.with_columns(setting=pl.lit(source.setting))
            told.accounts.joined(source.name, name, joined.height)
            loose.setdefault(name, []).append(joined.join(movable, on="person_id", how="semi"))
            found.setdefault(name, []).append(joined.drop("record_id"))
    sources.refuse(shown(job.path), problems)
    return _together(found), _together(loose)


def _together(found: Mapping[str, Sequence[pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    return {name: pl.concat(frames) for name, frames in found.items()}


def _dwellings(job: Job, index: Index, told: _Reading) -> pl.DataFrame | None:
    """Return the dwellings with keyed UPRN and LSOA, without address; null if there are none."""
    if index.dwellings is None:
        return None
    frames = []
    for each in job.properties:
        file = each.dwellings
        accepted = sources.read(file, where=each.name, only="attributes")
        told.take(each.name, each.name, accepted, file, quarantine.people(each.name))
        named = accepted.frame.with_columns(pl.lit(each.name).alias("source"))
        joined = named.join(index.dwellings, on=["source", "record_id"])
        told.accounts.joined(each.name, file.table.name, joined.height)
        frames.append(joined)
    return pl.concat(frames)
