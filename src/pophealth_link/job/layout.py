"""The places of a job on its day: areas, footprints of practices and LSOAs, who is placed how."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import polars as pl

from pophealth_link import places
from pophealth_link.errors import JobError, nearest
from pophealth_link.job import footprints
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Progress
from pophealth_link.places import PlacesWarning, Registration
from pophealth_link.reference import Pack
from pophealth_link.schema.reference import AREA_MEASURES
from pophealth_link.sources import Accepted


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the people of a job can be on its day.

    `units`: UNIT_FOOTPRINTS of the job's bases; `fit`: the best fit of LSOAs to footprints of
    practices; `held`: how a practice of registration becomes footprints; `areas`: the reference's
    AREAS as they were on the day.
    """

    units: pl.DataFrame = field(repr=False)
    fit: pl.DataFrame = field(repr=False)
    held: Registration = field(repr=False)
    areas: pl.DataFrame = field(repr=False)

    def place(
        self, facts: pl.DataFrame, pack: Pack, settings: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Return PEOPLE_PLACED of the people of `facts`: see `places.place`."""
        placed: pl.DataFrame = places.place(
            facts,
            self.units,
            self.areas,
            pack.read("deprivation"),
            settings,
            codes=self.held.codes,
            parts=self.held.parts,
        )
        return placed


def layout(job: Job, pack: Pack, patients: pl.DataFrame, files: Mapping[str, Accepted]) -> Layout:
    """Return the job's places; `files` are its own footprints by type.

    The best fit counts the patients that the reference publishes by practice and LSOA, who are
    those of every practice; where it has none, the job's own `patients` (lsoa_code, practice_code,
    people).
    """
    areas = areas_on_day(job, pack)
    held = footprints.practice_rows(job, pack, files, areas)
    counted = published(pack)
    lives = patients if counted is None else counted
    fit = places.best_fit(lives, held.units, codes=held.codes, parts=held.parts)
    kinds = held.units["footprint_type"].unique().sort()
    of_areas = ("lad", "icb", "whole", *job.spec.footprints.levels)
    resident = places.area_footprints(
        areas,
        fit,
        authorities(job, pack, areas) or None,
        footprint_types=[kind for kind in kinds if kind not in of_areas],
        named=held.areas,
        levels=job.spec.footprints.levels,
    )
    both = pl.concat([held.units, resident])
    units = both.filter(pl.col("basis").is_in(job.spec.footprints.basis))
    kept = fit.join(resident.select("unit").unique(), left_on="lsoa_code", right_on="unit",
                    how="semi")  # fmt: skip
    return Layout(units, kept if counted is not None else fit, held, areas)


def areas_on_day(job: Job, pack: Pack) -> pl.DataFrame:
    """Return the reference's areas with what each LSOA was in on the job's day."""
    areas = pack.read("areas")
    hierarchy = pack.read("hierarchy") if pack.has("hierarchy") else None
    areas = places.areas_on(areas, hierarchy, job.spec.as_of)
    if not pack.has("lad_changes"):
        return areas
    return places.recode_areas(areas, pack.read("lad_changes"), job.spec.as_of)


def authorities(job: Job, pack: Pack, areas: pl.DataFrame) -> list[str]:
    """Return the job's local authorities by their codes on the day.

    Raises `JobError` for one that the reference does not hold.
    """
    named = job.spec.footprints.local_authorities
    ends: dict[str, str] = {}
    if pack.has("lad_changes"):
        found = places.authority_successors(pack.read("lad_changes"), job.spec.as_of).drop_nulls()
        ends = dict(found.iter_rows())
    known = areas["lad_code"].drop_nulls().unique().sort().to_list()
    unknown = [code for code in named if ends.get(code, code) not in known]
    if unknown:
        raise JobError(
            f"the reference {pack.name} does not hold {len(unknown):,} of the local authorities.",
            *(f"footprints.local_authorities  {c}{nearest(c, known)}" for c in unknown),
            fix="name codes such as E09000004 that the reference holds, or another reference.",
        )
    return sorted({ends.get(code, code) for code in named})


def published(pack: Pack) -> pl.DataFrame | None:
    """Return the patients by practice and LSOA that the reference publishes, if it does."""
    if not pack.has("practice_patients"):
        return None
    changes = pack.read("lsoa_changes") if pack.has("lsoa_changes") else None
    return places.published_patients(pack.read("practice_patients"), changes)


def measures(job: Job, pack: Pack, areas: pl.DataFrame) -> pl.DataFrame:
    """Return the pack's area measures on the areas of the day, and dwellings exposed to noise."""
    found = pack.read(AREA_MEASURES.name)
    if pack.has("lad_changes"):
        found = places.recode_measures(found, pack.read("lad_changes"), job.spec.as_of)
    if pack.has("lsoa_changes"):
        found = places.on_2021(found, pack.read("lsoa_changes"))
    if not pack.has("exposures"):
        return found
    exposed = places.share_exposed(pack.read("postcodes"), pack.read("exposures"), areas)
    return pl.concat([found, exposed.select(found.columns)])


def day_warnings(job: Job, pack: Pack) -> list[str]:
    """Return what the reference says of another day than the job's, names and counts."""
    return places.validity_warnings(pack.about, job.spec.as_of)


@contextmanager
def telling(progress: Progress) -> Iterator[None]:
    """Tell warnings about places as progress does; other warnings pass."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PlacesWarning)
        yield
    for each in caught:
        if issubclass(each.category, PlacesWarning):
            progress.warn(str(each.message))
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
