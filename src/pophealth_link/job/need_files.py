"""The files of `[need]`: indicators, survey rates, pairs to compare, beds, unit costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link import indicators
from pophealth_link.errors import Problem, UserError, raise_problems
from pophealth_link.folders import shown
from pophealth_link.indicators import Catalogue
from pophealth_link.job.model import Job
from pophealth_link.need import costs, gap_pairs, service_inputs, survey
from pophealth_link.need.bed_footprints import of_footprints
from pophealth_link.need.gap_pairs import Pair
from pophealth_link.need.survey import Survey

Reader = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class NeedFiles:
    """What a job gives to its baseline beside records and reference; nothing where it names none.

    `surveys`: beside those that the library ships, or in place of what they hold too.
    """

    surveys: tuple[Survey, ...] = ()
    pairs: tuple[Pair, ...] | None = None
    beds: pl.DataFrame | None = field(default=None, repr=False)
    unit_costs: pl.DataFrame | None = field(default=None, repr=False)


def readers(job: Job) -> Iterator[tuple[str, Reader]]:
    """Yield the setting and the reader of each file that the job names."""
    table = job.spec.need
    yield from ((f"need.surveys[{place}]", survey.read) for place in range(len(table.surveys)))
    single: tuple[tuple[str, str | None, Reader], ...] = (
        ("need.catalogue", table.catalogue, indicators.extended),
        ("need.gap_pairs", table.gap_pairs, lambda path: _pairs(job, path)),
        ("need.beds", table.beds, service_inputs.read_beds),
        ("need.unit_costs", table.unit_costs, lambda path: _unit_costs(job, path)),
    )
    yield from ((where, reader) for where, written, reader in single if written)


def catalogue(job: Job) -> Catalogue:
    """Return the indicators of the job: those that the library ships, with its own file's."""
    written = job.spec.need.catalogue
    return indicators.extended(job.resolve(written)) if written else indicators.catalogue()


def surveys(job: Job) -> tuple[Survey, ...]:
    """Return the survey tables of the job's own."""
    return tuple(survey.read(job.resolve(path)) for path in job.spec.need.surveys)


def _pairs(job: Job, path: Path) -> tuple[Pair, ...]:
    """Return the pairs of a file; a gap agrees with the job's catalogue and surveys."""
    pairs = gap_pairs.load_pairs(path)
    try:
        listed, tables = catalogue(job), survey.with_shipped(surveys(job))
    except UserError:
        # What is wrong with these files is told at their own settings.
        return pairs
    gap_pairs.require_alike(pairs, listed, tables, path.name)
    return pairs


def _unit_costs(job: Job, path: Path) -> pl.DataFrame:
    """Return the unit costs of a file; what they cost is counted by the job's catalogue."""
    given = service_inputs.read_unit_costs(path)
    try:
        listed = catalogue(job)
    except UserError:
        # What is wrong with the catalogue is told at its own setting.
        return given
    costs.require_counts(given, listed)
    return given


def require_footprints(job: Job, footprints: pl.DataFrame) -> None:
    """Raise `DataError` where beds name a footprint that is not one of `footprints`.

    `footprints`: footprint_type and footprint_code of those that the job's people can be in.
    """
    written = job.spec.need.beds
    if not written:
        return
    try:
        of_footprints(service_inputs.read_beds(job.resolve(written)), footprints)
    except UserError as error:
        told = Problem(type(error), "need.beds", error.headline, error.fix)
        raise_problems(shown(job.path), [told])


def read(job: Job) -> NeedFiles:
    """Return what the job's files hold; raise as their readers do."""
    table, at = job.spec.need, job.resolve
    return NeedFiles(
        surveys(job),
        _pairs(job, at(table.gap_pairs)) if table.gap_pairs else None,
        service_inputs.read_beds(at(table.beds)) if table.beds else None,
        _unit_costs(job, at(table.unit_costs)) if table.unit_costs else None,
    )
