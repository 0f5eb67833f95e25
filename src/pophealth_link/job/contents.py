"""What forbids a job and shows only in the content of its files, or beside its reference."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link import sources
from pophealth_link.errors import JobError, LinkageError, Problem, UserError, nearest
from pophealth_link.folders import is_file
from pophealth_link.job import footprints
from pophealth_link.job.model import Half, Job
from pophealth_link.link import People, model
from pophealth_link.link.passes import DEFAULT_PASSES
from pophealth_link.link.records import register_of
from pophealth_link.privacy import opt_outs
from pophealth_link.reference import Pack
from pophealth_link.sources import Source

# What each prepared column of a pass is made from, in contract columns.
_MADE_FROM = {
    "given": "given_name",
    "first_given": "given_name",
    "family": "family_name",
    "home": "postcode",
    "outward": "postcode",
}
# The probabilistic pass needs a name and one thing that tells namesakes apart.
_NAMES, _TELLING = {"given_name", "family_name"}, {"date_of_birth", "postcode", "uprn"}


def problems(job: Job, halves: Sequence[Half]) -> list[Problem]:
    """Return what is wrong with register, opt-outs, model and footprints of what `halves` read."""
    found: list[Problem] = []
    if "link" in halves:
        found += [*_register(job), *_opt_outs(job), *_model(job)]
    if "analyse" in halves:
        found += footprints.problems(job)
    return found


def check_against(job: Job, pack: Pack, halves: Sequence[Half]) -> list[str]:
    """Return warnings about the job's footprints beside the reference.

    Raises `JobError` for a local authority that the reference does not hold, and
    `ReferenceDataError` where practices are not in whole footprints on the day.
    """
    if "analyse" not in halves:
        return []
    known = pack.read("areas")["lad_code"].drop_nulls().unique().sort().to_list()
    unknown = [code for code in job.spec.footprints.local_authorities if code not in known]
    if unknown:
        raise JobError(
            f"the reference {pack.name} does not hold {len(unknown):,} of the local authorities.",
            *(f"footprints.local_authorities  {c}{nearest(c, known)}" for c in unknown),
            fix="name codes such as E09000004 that the reference holds, or another reference.",
        )
    read = footprints.read(job)
    footprints.practice_rows(job, pack, read)
    return footprints.warnings(job, pack, read)


def passes(source: Source) -> list[str]:
    """Return the names of the passes that a source has the columns for."""
    found = set(sources.found_columns(source.people))
    able = ["nhs_number"] if "nhs_number" in found else []
    able += [
        rule.name
        for rule in DEFAULT_PASSES
        if {_MADE_FROM.get(key, key) for key in rule.keys} <= found
    ]
    return able + (["probabilistic"] if found & _NAMES and found & _TELLING else [])


def unlinkable(source: Source, where: str) -> list[Problem]:
    """Return the problem of a source that no pass can link, if it is one."""
    if passes(source):
        return []
    what = f"{source.name} has no columns by which any pass could link it."
    fix = "map nhs_number, or names with date_of_birth, postcode or uprn, in [sources.columns]."
    return [Problem(LinkageError, where, what, fix)]


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


def _opt_outs(job: Job) -> list[Problem]:
    written = job.spec.privacy.opt_outs
    if not written or not is_file(job.resolve(written)):
        return []
    try:
        opt_outs.read(job.resolve(written))
    except UserError as error:
        return [_told("privacy.opt_outs", error)]
    return []


def _model(job: Job) -> list[Problem]:
    written = job.spec.link.model
    if written in ("default", "train") or not is_file(job.resolve(written)):
        return []
    try:
        model.load(job.resolve(written))
    except UserError as error:
        return [_told("link.model", error)]
    return []


def _told(where: str, error: UserError) -> Problem:
    return Problem(type(error), where, " ".join([error.headline, *error.lines]), error.fix)
