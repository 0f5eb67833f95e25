"""`[link]` of a job as the settings of a linkage: passes, model, files."""

from __future__ import annotations

from collections.abc import Mapping

from pophealth_link.errors import JobError, Problem
from pophealth_link.job.model import Job
from pophealth_link.job.spec import NAMED_MODELS, LinkTable
from pophealth_link.link import LinkSpec
from pophealth_link.link.passes import (
    DEFAULT_PASSES,
    DeterministicPass,
    key_faults,
    name_faults,
)

# Of the keys, what the members of a household do not share.
_PERSONAL: Mapping[str, set[str]] = {
    "given name": {"given", "first_given", "sound_given"},
    "date of birth": {"date_of_birth"},
}


def passes(table: LinkTable) -> tuple[DeterministicPass, ...]:
    """Return the deterministic passes in order: those built in, then those of the job.

    Raises `LinkageError` for one that `pass_problems` tells of.
    """
    own = tuple(DeterministicPass(each.name, each.keys) for each in table.passes)
    return (*(DEFAULT_PASSES if table.default_passes else ()), *own)


def pass_problems(table: LinkTable) -> list[Problem]:
    """Return what is wrong with `[[link.passes]]`.

    >>> from pophealth_link.job.spec import PassSpec
    >>> wrong = LinkTable(passes=(PassSpec(name="nhs_number", keys=("family",)),))
    >>> pass_problems(wrong)[0].where
    'link.passes[0].name'
    """
    taken = [rule.name for rule in DEFAULT_PASSES if table.default_passes]
    problems = []
    for place, each in enumerate(table.passes):
        where = f"link.passes[{place}]"
        faults = name_faults(each.name)
        if each.name in taken:
            faults.append(f"`{each.name}` is the name of a pass before it.")
        taken.append(each.name)
        problems += [Problem(JobError, f"{where}.name", fault) for fault in faults]
        problems += [Problem(JobError, f"{where}.keys", fault) for fault in key_faults(each.keys)]
    return problems


def pass_warnings(table: LinkTable) -> list[str]:
    """Return which of the job's passes would link the members of a household with one another.

    >>> from pophealth_link.job.spec import PassSpec
    >>> weak = LinkTable(passes=(PassSpec(name="own", keys=("given", "home")),))
    >>> pass_warnings(weak)
    ['the pass own has no date of birth among its keys: a household shares the rest.']
    """
    told = []
    for each in table.passes:
        lacking = [what for what, keys in _PERSONAL.items() if not keys & set(each.keys)]
        if lacking:
            what = " and ".join(f"no {one}" for one in lacking)
            told.append(
                f"the pass {each.name} has {what} among its keys: a household shares the rest."
            )
    return told


def link_spec(job: Job) -> LinkSpec:
    """Return the job's settings of a linkage."""
    table = job.spec.link
    return LinkSpec(
        model=table.model if table.model in NAMED_MODELS else job.resolve(table.model),
        accept_probability=table.accept_probability,
        review_probability=table.review_probability,
        margin=table.margin,
        passes=passes(table),
        max_pairs=table.max_pairs,
        memory_limit=job.spec.memory_limit,
        decisions=job.resolve(table.decisions) if table.decisions else None,
        previous_index=job.resolve(table.previous_index) if table.previous_index else None,
        seed=job.spec.seed,
    )
