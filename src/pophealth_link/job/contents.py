"""What forbids a job and shows only in the content of its files, or beside its reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from pophealth_link import sources
from pophealth_link.errors import JobError, LinkageError, Problem, UserError
from pophealth_link.folders import is_file, is_folder
from pophealth_link.job import (
    earlier,
    footprints,
    layout,
    link_settings,
    need_files,
    number_changes,
)
from pophealth_link.job.model import Half, Job
from pophealth_link.job.spec import NAMED_MODELS
from pophealth_link.link import People, decisions, model, previous_index
from pophealth_link.link.passes import KEYS, DeterministicPass
from pophealth_link.link.records import register_of
from pophealth_link.prepare import nhs_number
from pophealth_link.privacy import opt_outs
from pophealth_link.reference import Pack
from pophealth_link.sources import Source

_YEAR = timedelta(days=366)
# The probabilistic pass needs a name and one thing that tells namesakes apart.
_NAMES, _TELLING = {"given_name", "family_name"}, {"date_of_birth", "postcode", "uprn"}


def problems(job: Job, halves: Sequence[Half]) -> list[Problem]:
    """Return what is wrong with register, files of the linkage and footprints, by `halves`."""
    found: list[Problem] = []
    if "link" in halves:
        found += [*_register(job), *_outside_files(job)]
    if "analyse" in halves:
        found += [*footprints.problems(job), *_need_files(job), *_earlier(job)]
    return found


def check_against(job: Job, pack: Pack, halves: Sequence[Half]) -> list[str]:
    """Return warnings about the job's day, passes and files, its footprints beside the reference.

    Raises `JobError` for a local authority that the reference does not hold,
    `ReferenceDataError` where practices are not in whole footprints on the day, and `DataError`
    where beds are those of a footprint that nobody can be in.
    """
    weak = link_settings.pass_warnings(job.spec.link) if "link" in halves else []
    weak = [*_day_warnings(job), *weak, *_reading(job, halves)]
    if "analyse" not in halves:
        return weak
    areas = layout.areas_on_day(job, pack)
    layout.authorities(job, pack, areas)
    read = footprints.read(job)
    held = footprints.practice_rows(job, pack, read, areas)
    need_files.require_footprints(job, layout.footprints_of(job, pack, held, areas))
    told = footprints.warnings(job, read, held, areas)
    return [*weak, *layout.day_warnings(job, pack), *told]


def _day_warnings(job: Job) -> list[str]:
    """Return whether the day lies so far from the period that one of them is a slip."""
    first, last = job.spec.reporting_period
    as_of = job.spec.as_of
    if first <= as_of <= last + _YEAR:
        return []
    return [f"as_of ({as_of}) is not within a year after the period ({first} to {last})."]


def passes(
    source: Source, others: Sequence[Source], rules: Sequence[DeterministicPass]
) -> list[str]:
    """Return the names of the passes that a source has the columns for; `rules` are the job's.

    By its NHS numbers a source can only be linked with one of `others` whose numbers are of the
    same kind, in clear or tokens; or with itself where it is alone.
    """
    found = set(sources.found_columns(source.people))
    able = ["nhs_number"] if "nhs_number" in found and _has_mate(source, others) else []
    able += [rule.name for rule in rules if {KEYS[key] for key in rule.keys} <= found]
    return able + (["probabilistic"] if found & _NAMES and found & _TELLING else [])


def _has_mate(source: Source, others: Sequence[Source]) -> bool:
    alike = [each for each in others if each.nhs_number_kind == source.nhs_number_kind]
    return not others or any("nhs_number" in sources.found_columns(e.people) for e in alike)


def unlinkable(
    source: Source, others: Sequence[Source], rules: Sequence[DeterministicPass], where: str
) -> list[Problem]:
    """Return the problem of a source that no pass can link, if it is one."""
    if passes(source, others, rules):
        return []
    what = f"{source.name} has no columns by which any pass could link it."
    fix = "map nhs_number, or names with date_of_birth, postcode or uprn, in [sources.columns]."
    if "nhs_number" in sources.found_columns(source.people):
        kinds = {"clear": "in clear", "token": "tokens"}
        what = f"{source.name} has nothing but NHS numbers ({kinds[source.nhs_number_kind]}), and "
        what += "no other source has any of that kind."
        fix = "have all made into tokens by one key, or mend nhs_number_kind if it is wrong."
    return [Problem(LinkageError, f"{where}.people", what, fix)]


def number_warning(source: Source, numbers: pl.Series) -> str | None:
    """Return that the kind of a source's NHS numbers is doubtful, if their values show it.

    No number in clear has a right check digit; or every token has one, as numbers in clear have.
    """
    told = numbers.drop_nulls()
    frame = nhs_number.standardise(told.alias("nhs_number").to_frame().lazy()).collect()
    valid = int((frame["nhs_number_status"] == "valid").sum())
    if not told.len():
        return None
    if source.nhs_number_kind == "clear" and not valid:
        what = 'none is a valid NHS number. If they are tokens, say nhs_number_kind = "token".'
    elif source.nhs_number_kind == "token" and valid == told.len():
        what = 'all are valid NHS numbers. If they are in clear, say nhs_number_kind = "clear".'
    else:
        return None
    return f"{source.name}: of {told.len():,} values of nhs_number {what}"


def _reading(job: Job, halves: Sequence[Half]) -> list[str]:
    """Return what a person should know of the files of each source that `halves` read."""
    told = []
    for source in job.sources:
        files = [source.people] if "link" in halves else []
        files += source.events if "analyse" in halves else ()
        found = [each for file in files for each in sources.cautions(file)]
        found += source.notices if "analyse" in halves else ()
        told += [f"{source.name}: {each}" for each in found]
    return told


def _register(job: Job) -> list[Problem]:
    if sum(source.register for source in job.sources) > 1:
        return []  # Told as a problem of the settings.
    # Names told twice are a problem of the settings too: the place stands for the name.
    people = [
        People(str(i), pl.DataFrame(), s.setting, s.unique_people, s.register)  # type: ignore[arg-type]
        for i, s in enumerate(job.sources)
    ]
    try:
        register_of(people)
    except LinkageError as error:
        return [_told("sources", error)]
    return []


def _outside_files(job: Job) -> list[Problem]:
    """Return what is wrong in the files of `[link]` and `[privacy]`; absent ones are told of."""
    table, names = job.spec.link, [source.name for source in job.sources]
    own_model = None if table.model in NAMED_MODELS else table.model
    readers: list[tuple[str, str | None, Callable[[Path], object]]] = [
        ("privacy.opt_outs", job.spec.privacy.opt_outs, opt_outs.read),
        ("link.model", own_model, model.load),
        ("link.number_changes", table.number_changes, number_changes.read),
        ("link.decisions", table.decisions, lambda path: decisions.read(path, names)),
    ]
    found = []
    for where, written, read in readers:
        if written and is_file(job.resolve(written)):
            found += _tried(where, job.resolve(written), read)
    if table.previous_index:
        found += _previous_index(job, job.resolve(table.previous_index))
    return found


def _need_files(job: Job) -> list[Problem]:
    """Return what is wrong in the files of `[need]`; absent ones are told of."""
    written = job.spec.need.files
    there = {where for where, path in written.items() if is_file(job.resolve(path))}
    if set(written) - there:
        return []
    readers = need_files.readers(job)
    return [p for where, read in readers for p in _tried(where, job.resolve(written[where]), read)]


def _earlier(job: Job) -> list[Problem]:
    """Return what is wrong with the earlier releases that this one is checked with."""
    return [
        problem
        for place, path in enumerate(job.previous_releases)
        for problem in _tried(
            f"disclosure.previous_release[{place}]", path, lambda p: earlier.read(p, job.policy)
        )
    ]


def _previous_index(job: Job, path: Path) -> list[Problem]:
    if not (is_file(path) or is_folder(path)):
        return []
    privacy = job.spec.privacy
    unique = [source.name for source in job.sources if source.unique_people]
    found = _tried("link.previous_index", path, lambda path: previous_index.read(path, unique))
    if not found and not (privacy.key_file or privacy.key_env or job.inherited_key):
        what = "names no key: the person ids of link.previous_index are kept by the key of its run."
        found = [Problem(JobError, "privacy", what, "set [privacy] key_file to that key.")]
    return found


def _tried(where: str, path: Path, read: Callable[[Path], object]) -> list[Problem]:
    try:
        read(path)
    except UserError as error:
        return [_told(where, error)]
    return []


def _told(where: str, error: UserError) -> Problem:
    return Problem(type(error), where, " ".join([error.headline, *error.lines]), error.fix)
