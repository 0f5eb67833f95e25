"""The job's own footprints: files of practices, PCNs or areas, checked, joined to the pack's."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link import places, sources
from pophealth_link.engine import collect, lazy
from pophealth_link.errors import DataError, JobError, Problem
from pophealth_link.job.model import Job
from pophealth_link.places import Registration
from pophealth_link.places.named import RESERVED_TYPES
from pophealth_link.reference import Pack
from pophealth_link.schema.reference import FOOTPRINTS
from pophealth_link.sources import Accepted, TableFile

_MEMBERS = ("practice_code", "pcn_code")
_AREAS = ("lsoa_code", "lad_code")


def read(job: Job) -> dict[str, Accepted]:
    """Return the job's footprint files by footprint type, with what is wrong in `problems`."""
    return {
        kind: sources.load(
            TableFile(FOOTPRINTS, job.resolve(file.path)), where=f"footprints.{kind}.path"
        )
        for kind, file in job.spec.footprints.files.items()
    }


def problems(job: Job) -> list[Problem]:
    """Return what is wrong with names and content of the job's footprint files."""
    taken = "is the name of a footprint that is built in."
    fix = "name it otherwise, such as icp, place or neighbourhood."
    found = [
        Problem(JobError, f"footprints.{kind}", taken, fix)
        for kind in job.spec.footprints.files
        if kind in RESERVED_TYPES
    ]
    for kind, file in read(job).items():
        found += file.problems or _row_problems(kind, file)
    return found


def _row_problems(kind: str, file: Accepted) -> list[Problem]:
    nobody = pl.all_horizontal(pl.col(name).is_null() for name in (*_MEMBERS, *_AREAS))
    shares = sum(n for (c, _), n in file.counts.unreadable.items() if c == "share")
    counted = (
        (file.frame.filter(nobody).height, "name no practice, PCN or area."),
        (file.frame["footprint_code"].null_count(), "have no footprint_code."),
        (shares, "have a share that is not a number."),
    )
    return [
        Problem(
            DataError,
            f"footprints.{kind}.path",
            f"{rows:,} of {file.counts.rows_in:,} rows {what}",
            "fill these rows, or leave them out.",
        )
        for rows, what in counted
        if rows
    ]


def practice_rows(
    job: Job, pack: Pack, files: Mapping[str, Accepted], areas: pl.DataFrame
) -> Registration:
    """Return which footprints hold each practice, those of `files` in place of the pack's.

    `areas`: the reference's areas on the job's day. Raises `ReferenceDataError` as
    `places.registration` does.
    """
    successors = pack.read("practice_successors") if pack.has("practice_successors") else None
    return places.registration(
        pack.read("practices"),
        pack.read("practice_pcn"),
        _together(pack, files),
        areas,
        pack.read("postcodes"),
        job.spec.as_of,
        successors=successors,
        levels=job.spec.footprints.levels,
    )


def _together(pack: Pack, files: Mapping[str, Accepted]) -> pl.DataFrame | None:
    frames = [f.frame.with_columns(footprint_type=pl.lit(kind)) for kind, f in files.items()]
    if pack.has(FOOTPRINTS.name):
        shipped = pack.read(FOOTPRINTS.name).select(FOOTPRINTS.names)
        frames.append(shipped.filter(~pl.col("footprint_type").is_in(list(files))))
    return pl.concat(frame.select(FOOTPRINTS.names) for frame in frames) if frames else None


def warnings(job: Job, pack: Pack, files: Mapping[str, Accepted]) -> list[str]:
    """Return a warning for each file that puts nobody in a footprint on the day, with counts."""
    told = []
    for kind, file in files.items():
        rows = file.frame
        held = _held(rows, job)
        if not held.height:
            told.append(
                f"footprints.{kind}: none of its {rows.height:,} rows holds on {job.spec.as_of}, "
                "so nobody is in a footprint of this type."
            )
        elif not _known(held, job, pack):
            told.append(
                f"footprints.{kind}: the reference knows none of its {_members(held):,} practices, "
                "PCNs and areas, so nobody is in a footprint of this type."
            )
    return told


def _known(held: pl.DataFrame, job: Job, pack: Pack) -> bool:
    spells = _held(pack.read("practice_pcn"), job)
    practices = pl.concat([pack.read("practices")["practice_code"], spells["practice_code"]])
    return bool(
        held["practice_code"].is_in(practices.implode()).any()
        or held["pcn_code"].is_in(spells["pcn_code"].implode()).any()
        or any(held[name].is_in(pack.read("areas")[name].implode()).any() for name in _AREAS)
    )


def _members(held: pl.DataFrame) -> int:
    return sum(held[name].drop_nulls().n_unique() for name in (*_MEMBERS, *_AREAS))


def _held(rows: pl.DataFrame, job: Job) -> pl.DataFrame:
    return collect(lazy(places.current(rows, job.spec.as_of)))
