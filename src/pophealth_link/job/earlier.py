"""Earlier releases of a job's counts, which whoever reads the new one may have as well."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pophealth_link.disclosure import Policy
from pophealth_link.errors import JobError
from pophealth_link.job.comparing import read_baseline
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Progress
from pophealth_link.need.earlier import nearest, untaken


def read(path: Path, policy: Policy) -> pl.DataFrame:
    """Return the BASELINE at a run's folder, its `releasable/` or a baseline.csv.

    Raises as `read_baseline` does, and `JobError` where its snapshot names another policy: what two
    policies tell together of one count is not known. Without a snapshot it is taken for the same.
    """
    found = read_baseline(path)
    if found.snapshot is not None and found.snapshot.policy != policy.parameters():
        raise JobError(
            f"{found.name} was released by another policy than `{policy.name}`.",
            "What the two releases tell together of a count could not be checked.",
            fix="release both by one policy, or let one of them stay inside.",
        )
    return found.cells


def of_job(job: Job, counts: pl.DataFrame, progress: Progress) -> pl.DataFrame | None:
    """Return the earlier releases that the job names as one, for `release`; nothing without any.

    `counts`: as `count` returns them. A warning tells how many of the earlier numbers are of cells
    that are not among them: no sum with those is looked at.
    """
    releases = [read(path, job.policy) for path in job.previous_releases]
    if not releases:
        return None
    beyond = untaken(releases, counts)
    if beyond:
        progress.warn(
            f"{beyond:,} counts of disclosure.previous_release are of footprints, strata or "
            "indicators that this run does not have: what they tell together with its counts is "
            "not checked"
        )
    return nearest(releases, counts)
