"""What `check` says of a job that has no problems: sources, columns, passes."""

from __future__ import annotations

from pathlib import Path

from pophealth_link import sources
from pophealth_link.errors import LinkageError, Problem, raise_problems
from pophealth_link.job.load import Job, load
from pophealth_link.link.passes import DEFAULT_PASSES
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


def check(path: Path) -> str:
    """Return a description of the job, having read headers, contracts and reference; or raise.

    Raises one error with every problem, as `load` does, and `LinkageError` for a source that no
    pass could link.
    """
    job = load(path)
    pack = job.read_reference()
    job.read_key()
    lines = [f"{path.name}: no problems found.", f"reference  {pack.name}"]
    lines += [f"policy     {job.spec.disclosure.policy}"]
    raise_problems(path.name, [p for i, s in enumerate(job.sources) for p in _unlinkable(s, i)])
    for source in job.sources:
        lines += _describe(source)
    for each in job.properties:
        columns = ", ".join(sources.found_columns(each.dwellings))
        lines += [f"properties {each.name}", f"  columns  {columns}"]
    return "\n".join([*lines, *_footprints(job)])


def _describe(source: Source) -> list[str]:
    head = f"source     {source.name} ({source.setting}{', register' if source.register else ''})"
    return [
        head,
        f"  columns  {', '.join(sources.found_columns(source.people))}",
        f"  passes   {', '.join(passes(source)) or 'none'}",
        *(
            f"  events   {e.table.name}: {', '.join(sources.found_columns(e))}"
            for e in source.events
        ),
    ]


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


def _unlinkable(source: Source, place: int) -> list[Problem]:
    if passes(source):
        return []
    what = f"{source.name} has no columns by which any pass could link it."
    fix = "map nhs_number, or names with date_of_birth, postcode or uprn, in [sources.columns]."
    return [Problem(LinkageError, f"sources[{place}].people", what, fix)]


def _footprints(job: Job) -> list[str]:
    kinds = ", ".join(job.spec.footprints.files) or "those of the reference"
    return [f"footprints {kinds}; basis {', '.join(job.spec.footprints.basis)}"]
