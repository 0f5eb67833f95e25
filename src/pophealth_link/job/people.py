"""The people of a job's sources: read, dated, and without those who opted out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from pophealth_link import sources
from pophealth_link.errors import Problem
from pophealth_link.folders import shown
from pophealth_link.job import contents, number_changes, quarantine
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Progress
from pophealth_link.job.quarantine import Input, Quarantine, tell_unreadable
from pophealth_link.link import People
from pophealth_link.privacy import opt_outs
from pophealth_link.sources import Accepted, Source


@dataclass(frozen=True, slots=True)
class Reading:
    """Where what reading gives is told, and who has opted out.

    Without a `quarantine` refused rows are counted and kept nowhere.
    """

    accounts: Accounts
    progress: Progress
    quarantine: Quarantine | None
    opted_out: pl.DataFrame | None
    as_of: date
    number_changes: pl.DataFrame | None = None

    @classmethod
    def of(
        cls, job: Job, accounts: Accounts, progress: Progress, kept: Quarantine | None
    ) -> Reading:
        """Return where reading the job tells; raise as reading its opt-outs does."""
        changes = _number_changes(job)
        return cls(accounts, progress, kept, _opted_out(job, changes), job.spec.as_of, changes)

    def refused(self, name: str, named: Input, accepted: Accepted) -> None:
        """Keep the refused rows of a file; warn of values that became missing."""
        if self.quarantine:
            self.quarantine.write(named, accepted)
        tell_unreadable(name, accepted, self.progress)


def read_people(job: Job, told: Reading) -> list[People]:
    """Return the people of each source, without those who opted out.

    Raises `DataError` and `JobError` as reading does, with the problems of all files at once.
    """
    read = [
        (source, sources.load(source.people, where=source.name, only="identifiers"))
        for source in job.sources
    ]
    problems: list[Problem] = [each for _, accepted in read for each in accepted.problems]
    sources.refuse(shown(job.path), problems)
    return [_people(source, accepted, told) for source, accepted in read]


def _opted_out(job: Job, changes: pl.DataFrame | None) -> pl.DataFrame | None:
    """Return the numbers of those who opted out, former numbers and current ones."""
    if not job.spec.privacy.opt_outs:
        return None
    listed = opt_outs.read(job.resolve(job.spec.privacy.opt_outs))
    return listed if changes is None else number_changes.with_former(listed, changes)


def _number_changes(job: Job) -> pl.DataFrame | None:
    if not job.spec.link.number_changes:
        return None
    return number_changes.read(job.resolve(job.spec.link.number_changes))


def _people(source: Source, read: Accepted, told: Reading) -> People:
    doubt = contents.number_warning(source, read.frame["nhs_number"])
    if doubt:
        told.progress.warn(doubt)
    accepted, replaced = _renumbered(source, _born_by(read, told.as_of), told)
    former = _aliases(source, accepted.frame["record_id"], told)
    frame, gone = _without_opted_out(source, accepted.frame, former, told)
    told.accounts.read(source.name, source.people.table.name, accepted.counts, removed=gone)
    if told.number_changes is not None:
        told.accounts.replaced(source.name, replaced)
    told.refused(source.name, quarantine.people(source.name), accepted)
    return People(
        source.name,
        frame,
        source.setting,  # type: ignore[arg-type]
        source.unique_people,
        source.register,
        source.nhs_number_kind,
        _kept_aliases(source, former, frame, told),
        superseded_numbers=source.superseded_numbers,
    )


def _born_by(accepted: Accepted, as_of: date) -> Accepted:
    """Return what was read with dates of birth after the day missing, and counted so."""
    born = pl.col("date_of_birth")
    late = accepted.frame.filter(born > as_of).height
    if not late:
        return accepted
    counts = accepted.counts
    unreadable = {**counts.unreadable, ("date_of_birth", "after_as_of"): late}
    return replace(
        accepted,
        frame=accepted.frame.with_columns(pl.when(born <= as_of).then(born)),
        counts=replace(counts, unreadable=dict(sorted(unreadable.items()))),
    )


def _renumbered(source: Source, read: Accepted, told: Reading) -> tuple[Accepted, int]:
    """Return what was read with current NHS numbers, and how many numbers were replaced.

    Tokens stay: whoever makes them maps the numbers first.
    """
    if told.number_changes is None or source.nhs_number_kind == "token":
        return read, 0
    frame, replaced = number_changes.apply(read.frame, told.number_changes)
    return replace(read, frame=frame), replaced


def _aliases(source: Source, known: pl.Series, told: Reading) -> Accepted | None:
    if source.aliases is None:
        return None
    read = sources.read_aliases(source.aliases, known, where=f"{source.name}.aliases")
    return _renumbered(source, _born_by(read, told.as_of), told)[0]


def _without_opted_out(
    source: Source, people: pl.DataFrame, former: Accepted | None, told: Reading
) -> tuple[pl.DataFrame, int]:
    """Return the people who have not opted out by a number of theirs, present or former."""
    if told.opted_out is None:
        return people, 0
    if source.nhs_number_kind == "token":
        told.progress.warn(
            f"{source.name}: opt-outs cannot be applied, for its numbers are tokens. "
            "Have them applied where the tokens were made."
        )
        return people, 0
    further = opt_outs.record_ids(former.frame, told.opted_out) if former else None
    return opt_outs.remove(people, told.opted_out, further=further)


def _kept_aliases(
    source: Source, former: Accepted | None, people: pl.DataFrame, told: Reading
) -> pl.DataFrame | None:
    if former is None or source.aliases is None:
        return None
    # Aliases of people who opted out go with them.
    kept = former.frame.join(people, on="record_id", how="semi", maintain_order="left")
    gone = former.frame.height - kept.height
    told.accounts.read(source.name, source.aliases.table.name, former.counts, removed=gone)
    told.refused(f"{source.name}.aliases", quarantine.aliases(source.name), former)
    return kept
