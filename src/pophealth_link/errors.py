"""Exception tree, exit codes and message layout. No message ever holds a value from a record.

Every class that a user can meet carries the exit code of the command line. Problems are collected
first and raised once, by :func:`raise_problems`, under the class with the lowest exit code.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class PophealthLinkError(Exception):
    """Base of every error that this library raises on purpose."""

    exit_code = 1


class UserError(PophealthLinkError):
    """An error that its reader can mend; shown without a traceback."""

    label = "Error"

    def __init__(self, headline: str, *lines: str, fix: str | None = None) -> None:
        self.headline, self.lines, self.fix = headline, lines, fix
        super().__init__(self.render())

    def render(self) -> str:
        """Return the message: what happened, where and how many, then what to do next."""
        body = [f"  {line}" for line in self.lines]
        tail = [f"  Fix:   {self.fix}"] if self.fix else []
        return "\n".join([f"{self.label}: {self.headline}", *body, *tail])


class JobError(UserError):
    """The job file is absent, unreadable, wrongly set, or names a file that is absent."""

    label, exit_code = "JobError", 10


class DataError(UserError):
    """An input file breaks its contract as a whole."""

    label, exit_code = "DataError", 11


class ReferenceDataError(UserError):
    """A reference pack is absent, damaged or lacks a table that is needed."""

    label, exit_code = "ReferenceDataError", 12


class LinkageError(UserError):
    """Linkage could not be done with what was given."""

    label, exit_code = "LinkageError", 13


class DisclosureError(UserError):
    """A disclosure rule refused an output."""

    label, exit_code = "DisclosureError", 14


class OutputExistsError(UserError):
    """The output exists and is never overwritten."""

    label, exit_code = "OutputExistsError", 15


class RunInterruptedError(UserError):
    """The run was interrupted and can be resumed."""

    label, exit_code = "RunInterruptedError", 16


class StorageError(UserError):
    """The disk is full: what was being written stopped there, and can be done again or resumed."""

    label, exit_code = "StorageError", 16


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what (counts and names only) and what to do about it."""

    kind: type[UserError]
    where: str
    what: str
    fix: str | None = None

    def lines(self, width: int) -> list[str]:
        """Return the problem as indented lines, `where` padded to `width` characters."""
        first = f"{self.where.ljust(width)}  {self.what}"
        return [first, f"{' ' * width}  Fix: {self.fix}"] if self.fix else [first]


def raise_problems(subject: str, problems: Sequence[Problem]) -> None:
    """Raise every problem at once under the class with the lowest exit code; do nothing if none.

    >>> raise_problems("job.toml", [])
    """
    if not problems:
        return
    kind = min((problem.kind for problem in problems), key=lambda each: each.exit_code)
    count = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
    width = min(36, max(len(problem.where) for problem in problems))
    raise kind(f"{subject} has {count}.", *(line for p in problems for line in p.lines(width)))


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return " Did you mean `x`?" for the nearest valid name, else an empty string.

    >>> nearest("accept_probabilty", ["accept_probability", "model"])
    ' Did you mean `accept_probability`?'
    """
    close = difflib.get_close_matches(name, list(valid), n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


def is_interruption(error: BaseException | None) -> bool:
    """Return whether an interruption is behind an error: DuckDB tells of one as its own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or "interrupt" in type(error).__name__.lower():
            return True
        if type(error) is RuntimeError and str(error) == "Query interrupted":
            return True
        error = error.__cause__ or error.__context__
    return False
