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
from pophealth_link.places.frames import listed
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
    counted = published_patients(job, pack, areas)
    lives = patients if counted is None else counted
    # Areas make the other types: who lives where needs no fit.
    made = held.units.filter(pl.col("footprint_type").is_in(held.fitted))
    fit = places.best_fit(lives, made, codes=held.codes, parts=held.parts)
    fit = _unnamed(fit, held.areas)
    resident = places.area_footprints(
        areas,
        fit,
        authorities(job, pack, areas) or None,
        footprint_types=held.fitted,
        named=held.areas,
        levels=job.spec.footprints.levels,
    )
    both = pl.concat([held.units, resident])
    units = both.filter(pl.col("basis").is_in(job.spec.footprints.basis))
    kept = fit.join(resident.select("unit").unique(), left_on="lsoa_code", right_on="unit",
                    how="semi")  # fmt: skip
    return Layout(units, kept if counted is not None else fit, held, areas)


def footprints_of(job: Job, pack: Pack, held: Registration, areas: pl.DataFrame) -> pl.DataFrame:
    """Return basis, footprint_type and footprint_code of all that people of the job can be in.

    Without a best fit, and so without patients: footprints that are fitted are those of practices.
    """
    fitted = held.units.filter(pl.col("footprint_type").is_in(held.fitted))
    nobody = fitted.clear().rename({"unit": "lsoa_code"})
    resident = places.area_footprints(
        areas,
        nobody,
        authorities(job, pack, areas) or None,
        footprint_types=held.fitted,
        named=held.areas,
        levels=job.spec.footprints.levels,
    )
    both = pl.concat([held.units, resident])
    there = both.filter(pl.col("basis").is_in(job.spec.footprints.basis))
    return pl.concat([there, fitted]).select("basis", "footprint_type", "footprint_code").unique()


def _unnamed(fit: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Return the best fits of LSOAs that no row of the type names: the others have no need."""
    return fit.join(named, on=["lsoa_code", "footprint_type"], how="anti", maintain_order="left")


def areas_on_day(job: Job, pack: Pack) -> pl.DataFrame:
    """Return the reference's areas with what each LSOA was in on the job's day."""
    areas = pack.read("areas")
    hierarchy = pack.read("hierarchy") if pack.has("hierarchy") else None
    areas = places.areas_on(areas, hierarchy, job.spec.as_of)
    if not pack.has("lad_changes"):
        return areas
    return places.recode_areas(areas, pack.read("lad_changes"), job.spec.as_of)


def facts_on_day(facts: pl.DataFrame, pack: Pack) -> pl.DataFrame:
    """Return PERSON_FACTS with LSOAs of 2011, as some extracts tell them, on those of 2021."""
    if not pack.has("lsoa_changes"):
        return facts
    return places.told_on_2021(facts, pack.read("areas"), pack.read("lsoa_changes"))


def authorities(job: Job, pack: Pack, areas: pl.DataFrame) -> list[str]:
    """Return the job's local authorities by their codes on the day.

    Raises `JobError` for one that the reference does not hold.
    """
    named = job.spec.footprints.local_authorities
    on_day = {code: [code] for code in named}
    if pack.has("lad_changes"):
        on_day = places.authorities_named(named, pack.read("lad_changes"), job.spec.as_of)
    known = areas["lad_code"].drop_nulls().unique().sort().to_list()
    held = {code: [c for c in {code, *on_day[code]} if c in known] for code in named}
    unknown = [code for code, found in held.items() if not found]
    if unknown:
        raise JobError(
            f"the reference {pack.name} does not hold {len(unknown):,} of the local authorities.",
            *(f"footprints.local_authorities  {c}{nearest(c, known)}" for c in unknown),
            fix="name codes such as E09000004 that the reference holds, or another reference.",
        )
    return sorted({code for found in held.values() for code in found})


def published_patients(job: Job, pack: Pack, areas: pl.DataFrame) -> pl.DataFrame | None:
    """Return the patients by practice and LSOA that the reference publishes, if it does.

    None too where nothing of what it publishes is on the LSOAs of `areas`' vintage.
    """
    if not pack.has("practice_patients"):
        return None
    found: pl.DataFrame = places.published_patients(
        pack.read("practice_patients"),
        pack.read("lsoa_changes") if pack.has("lsoa_changes") else None,
        areas=areas,
        as_of=job.spec.as_of,
    )
    return None if found.is_empty() else found


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
    # One of the two: the polygons, which are counted at today's postcodes.
    again = pl.col("measure").is_in(exposed["measure"].implode()) & (pl.col("area_type") == "lsoa")
    return pl.concat([found.filter(~again), exposed.select(found.columns)])


def day_warnings(job: Job, pack: Pack) -> list[str]:
    """Return what the reference says of another day than the job's, names and counts."""
    return [*places.validity_warnings(pack.about, job.spec.as_of), *_untold(job, pack)]


def _untold(job: Job, pack: Pack) -> list[str]:
    if not pack.has("lad_changes"):
        return []
    areas = areas_on_day(job, pack)
    codes = areas["lad_code"].drop_nulls().unique()
    used = authorities(job, pack, areas)
    codes = codes.filter(codes.is_in(used)) if used else codes
    untold = places.untold_authorities(codes, pack.read("lad_changes"), job.spec.as_of)
    if not untold:
        return []
    return [
        f"Local authorities that several became after {job.spec.as_of}: {len(untold):,} "
        f"({listed(untold)}); without a `hierarchy` by date the reference cannot tell which of "
        "them a place was in, so they stay one."
    ]


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
