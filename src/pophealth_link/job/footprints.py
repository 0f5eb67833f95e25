"""The job's own footprints: files of practices or PCNs, read, checked and joined to the pack's."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link import places, sources
from pophealth_link.engine import collect, lazy
from pophealth_link.errors import DataError, JobError, Problem
from pophealth_link.job.model import Job
from pophealth_link.places.memberships import RESERVED_TYPES
from pophealth_link.reference import Pack
from pophealth_link.schema.reference import FOOTPRINTS
from pophealth_link.sources import Accepted, TableFile

_MEMBERS = ("practice_code", "pcn_code")


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
    nobody = pl.all_horizontal(pl.col(name).is_null() for name in _MEMBERS)
    shares = sum(n for (c, _), n in file.counts.unreadable.items() if c == "share")
    counted = (
        (file.frame.filter(nobody).height, "name neither a practice nor a PCN."),
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


def practice_rows(job: Job, pack: Pack, files: Mapping[str, Accepted]) -> pl.DataFrame:
    """Return which footprints hold each practice, those of `files` in place of the pack's.

    Raises `ReferenceDataError` as `places.practice_footprints` does.
    """
    return places.practice_footprints(
        pack.read("practices"),
        pack.read("practice_pcn"),
        _together(pack, files),
        pack.read("areas"),
        pack.read("postcodes"),
        job.spec.as_of,
    )


def _together(pack: Pack, files: Mapping[str, Accepted]) -> pl.DataFrame | None:
    frames = [f.frame.with_columns(footprint_type=pl.lit(kind)) for kind, f in files.items()]
    if pack.has(FOOTPRINTS.name):
        shipped = pack.read(FOOTPRINTS.name)
        frames.append(shipped.filter(~pl.col("footprint_type").is_in(list(files))))
    return pl.concat(frames) if frames else None


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
            members = pl.concat(held[name].drop_nulls() for name in _MEMBERS).n_unique()
            told.append(
                f"footprints.{kind}: the reference knows none of its {members:,} practices and "
                "PCNs, so nobody is in a footprint of this type."
            )
    return told


def _known(held: pl.DataFrame, job: Job, pack: Pack) -> bool:
    spells = _held(pack.read("practice_pcn"), job)
    practices = pl.concat([pack.read("practices")["practice_code"], spells["practice_code"]])
    return bool(
        held["practice_code"].is_in(practices.implode()).any()
        or held["pcn_code"].is_in(spells["pcn_code"].implode()).any()
    )


def _held(rows: pl.DataFrame, job: Job) -> pl.DataFrame:
    return collect(lazy(places.current(rows, job.spec.as_of)))
