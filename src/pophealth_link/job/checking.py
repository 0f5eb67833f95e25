"""What `check` says of a job that has no problems: sources, columns, passes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pophealth_link import sources
from pophealth_link.folders import shown
from pophealth_link.job import contents, link_settings
from pophealth_link.job.load import load
from pophealth_link.job.model import Half, Job
from pophealth_link.link import DeterministicPass
from pophealth_link.sources import Source

_HALVES: tuple[Half, ...] = ("link", "analyse")


def check(path: Path) -> str:
    """Return a description of the job, having read headers, contracts and reference; or raise.

    Raises what `run` would raise before it links: one error with every problem, as `load` does,
    then what does not fit the reference.
    """
    _, lines = describe(path)
    return "\n".join(lines)


def describe(path: Path) -> tuple[Job, list[str]]:
    """Return the job and what `check` says of it, line by line. Raises as `check` does."""
    job = load(path, _HALVES)
    pack = job.read_reference()
    warnings = contents.check_against(job, pack, _HALVES)
    job.read_key()
    lines = [f"{shown(path)}: no problems found.", f"reference  {pack.name}"]
    lines += [f"policy     {job.spec.disclosure.policy}"]
    rules = link_settings.passes(job.spec.link)
    for source in job.sources:
        others = [each for each in job.sources if each is not source]
        lines += _describe(source, others, rules)
    for each in job.properties:
        columns = ", ".join(sources.found_columns(each.dwellings))
        lines += [f"properties {each.name}", f"  columns  {columns}"]
    lines += [*_footprints(job), *(f"warning    {warning}" for warning in warnings)]
    return job, lines


def _describe(
    source: Source, others: Sequence[Source], rules: Sequence[DeterministicPass]
) -> list[str]:
    head = f"source     {source.name} ({source.setting}{', register' if source.register else ''})"
    return [
        head,
        f"  columns  {', '.join(sources.found_columns(source.people))}",
        f"  passes   {', '.join(contents.passes(source, others, rules)) or 'none'}",
        *(
            f"  events   {e.table.name}: {', '.join(sources.found_columns(e))}"
            for e in source.events
        ),
        *([f"  absent   {', '.join(source.absent_tables)}"] if source.absent_tables else []),
    ]


def _footprints(job: Job) -> list[str]:
    kinds = ", ".join(job.spec.footprints.files) or "those of the reference"
    return [f"footprints {kinds}; basis {', '.join(job.spec.footprints.basis)}"]
