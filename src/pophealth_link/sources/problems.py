"""Problems of a file, and raising them once: a single one in full, several as a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pophealth_link.errors import DataError, JobError, Problem, raise_problems


@dataclass(frozen=True, slots=True)
class Refusal(Problem):
    """A problem that reads as a sentence of its own where it is the only one."""

    headline: str = ""
    detail: tuple[str, ...] = ()


def job_problem(where: str, what: str, fix: str | None = None) -> Problem:
    """Return a problem of the job file (exit code 10)."""
    return Problem(JobError, where, what, fix)


def data_problem(where: str, what: str, fix: str | None = None) -> Problem:
    """Return a problem of a file's content (exit code 11)."""
    return Problem(DataError, where, what, fix)


def refusal(subject: str, where: str, what: str, detail: str, fix: str) -> Refusal:
    """Return a problem of a column's content: `subject` in `where` `what`; `detail` counts."""
    text = f"{what}: {detail}"
    headline = f"`{subject}` in {where} {what}."
    return Refusal(DataError, f"{where}.{subject}", text, fix, headline, (detail,))


def refuse(subject: str, problems: Sequence[Problem]) -> None:
    """Raise all problems at once under the class with the lowest exit code; nothing if none.

    `subject` names what has the problems: the job file, or the source.

    >>> refuse("job.toml", [])
    """
    only = problems[0] if len(problems) == 1 else None
    if isinstance(only, Refusal):
        raise only.kind(only.headline, *only.detail, fix=only.fix)
    raise_problems(subject, problems)
