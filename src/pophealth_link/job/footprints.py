"""The job's own footprints: files of practices, PCNs or areas, checked, joined to the pack's."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link import places, sources
from pophealth_link.engine import collect, lazy
from pophealth_link.errors import DataError, JobError, Problem
from pophealth_link.job.model import Job
from pophealth_link.places import Registration, named
from pophealth_link.places.frames import listed
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
        if kind in named.RESERVED_TYPES
    ]
    for kind, file in read(job).items():
        found += file.problems or _row_problems(kind, file)
    return found


def _row_problems(kind: str, file: Accepted) -> list[Problem]:
    nobody = pl.all_horizontal(pl.col(name).is_null() for name in (*_MEMBERS, *_AREAS))
    shares = sum(n for (c, _), n in file.counts.unreadable.items() if c == "share")
    typed = file.frame.with_columns(footprint_type=pl.lit(kind))
    reasons = typed.filter(places.is_reason())
    counted = (
        (file.frame.filter(nobody).height, "name no practice, PCN or area."),
        (file.frame["footprint_code"].null_count(), "have no footprint_code."),
        (shares, "have a share that is not a number."),
        (
            file.frame.filter(named.shares_part()).height,
            "share out the patients of a site or area.",
        ),
        (reasons.height, "have a footprint_code that means why people are in none."),
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


def warnings(
    job: Job, files: Mapping[str, Accepted], held: Registration, areas: pl.DataFrame
) -> list[str]:
    """Return a warning for each file with rows that put nobody in a footprint on the day.

    `held`: what practices are in on the day, `areas`: the reference's of the day. Rows are counted,
    and what they name and the reference does not know is listed: it is the job's own file, of
    organisations and areas.
    """
    told = []
    for kind, file in files.items():
        rows = file.frame
        now = _held(rows, job)
        if not now.height:
            told.append(
                f"footprints.{kind}: none of its {rows.height:,} rows holds on {job.spec.as_of}, "
                "so nobody is in a footprint of this type."
            )
            continue
        unknown = _unknown(now, held, areas)
        lost = now.filter(pl.any_horizontal(unknown.values()))
        if lost.height:
            codes = sorted({c for name, where in unknown.items() for c in now.filter(where)[name]})
            none = ", so nobody is in a footprint of this type" * (lost.height == now.height)
            told.append(
                f"footprints.{kind}: {lost.height:,} of {now.height:,} rows put nobody in a "
                f"footprint, for the reference does not know on {job.spec.as_of} what they name: "
                f"{listed(codes)}{none}."
            )
    return told


def _unknown(rows: pl.DataFrame, held: Registration, areas: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return the column of each row's member and place, and where the reference does not know it.

    A practice goes before a PCN and an LSOA before a local authority, as in `places`.
    """
    units = held.units.filter(basis="registered", footprint_type="pcn")
    ended = held.codes.filter(pl.col("practice_code").is_in(units["unit"].implode()))["code"]
    known = {
        "practice_code": pl.concat([units["unit"], ended]),
        "pcn_code": units["footprint_code"],
        "lsoa_code": areas["lsoa_code"],
        "lad_code": areas["lad_code"],
    }
    before = {"pcn_code": "practice_code", "lad_code": "lsoa_code"}
    found = {}
    for name, codes in known.items():
        where = pl.col(name).is_not_null() & ~pl.col(name).is_in(codes.drop_nulls().implode())
        found[name] = where & pl.col(before[name]).is_null() if name in before else where
    return found


def _held(rows: pl.DataFrame, job: Job) -> pl.DataFrame:
    return collect(lazy(places.current(rows, job.spec.as_of)))
