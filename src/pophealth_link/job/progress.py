"""Progress on stderr: a live line on a terminal, plain lines otherwise, nothing when quiet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console


class Progress(Protocol):
    """What a run tells while it works: stages and warnings, in counts and names only."""

    def stage(self, name: str) -> None:
        """Say that a stage begins."""

    def warn(self, message: str) -> None:
        """Say what a person should look at."""


class Silent:
    """Progress that says nothing."""

    def stage(self, name: str) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""


class Lines:
    """Progress as one line a stage on stderr, with a spinner where stderr is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._began = time.monotonic()

    def stage(self, name: str) -> None:
        """Print the stage with the seconds since the start."""
        seconds = time.monotonic() - self._began
        self._console.print(f"{seconds:6.1f} s  {name}", markup=False)
        if self._status:
            self._status.update(name)
            self._status.start()

    def warn(self, message: str) -> None:
        """Print a warning."""
        self._console.print(f"Warning: {message}", markup=False)

    def close(self) -> None:
        """Stop the spinner."""
        if self._status:
            self._status.stop()


@dataclass(slots=True)
class Recorder:
    """Passes progress on, and keeps warnings and seconds per stage for the manifest."""

    inner: Progress
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _stage: str | None = None
    _since: float = 0.0

    def stage(self, name: str) -> None:
        """Begin a stage: the one before ends."""
        self.finish()
        self.inner.stage(name)
        self._stage, self._since = name, time.monotonic()

    def warn(self, message: str) -> None:
        """Keep a warning, once."""
        if message not in self.warnings:
            self.warnings.append(message)
            self.inner.warn(message)

    def finish(self) -> None:
        """End the stage that is under way."""
        if self._stage:
            spent = time.monotonic() - self._since
            self.seconds[self._stage] = round(self.seconds.get(self._stage, 0.0) + spent, 3)
            self._stage = None


@contextmanager
def lines(*, quiet: bool) -> Iterator[Progress]:
    """Yield progress for the command line, closed at the end."""
    if quiet:
        yield Silent()
        return
    shown = Lines()
    try:
        yield shown
    finally:
        shown.close()
