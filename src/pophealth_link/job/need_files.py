"""The files of `[need]`: indicators, survey rates, pairs to compare, beds, unit costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pophealth_link import indicators
from pophealth_link.errors import UserError
from pophealth_link.indicators import Catalogue
from pophealth_link.job.model import Job
from pophealth_link.need import gap_pairs, service_inputs, survey
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
        ("need.unit_costs", table.unit_costs, service_inputs.read_unit_costs),
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


def read(job: Job) -> NeedFiles:
    """Return what the job's files hold; raise as their readers do."""
    table, at = job.spec.need, job.resolve
    return NeedFiles(
        surveys(job),
        _pairs(job, at(table.gap_pairs)) if table.gap_pairs else None,
        service_inputs.read_beds(at(table.beds)) if table.beds else None,
        service_inputs.read_unit_costs(at(table.unit_costs)) if table.unit_costs else None,
    )
