"""Run a system in a process of its own, and measure what it took."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The last line of a traceback: an error's name, after its modules', and a message.
_ERROR = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception|Interrupt))(?::|$)", re.MULTILINE)
_LAUNCHED = str(Path(__file__).with_name("launched.py"))


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process ended: `reason` is None where it ended well.

    `seconds` is wall time. `peak_memory` is the largest resident size in bytes of the process or
    of one that it started and waited for; None where it was stopped.
    """

    reason: str | None
    seconds: float
    peak_memory: int | None


def run(words: Sequence[str], log: Path, *, time_limit: float) -> Ran:
    """Run Python with these words in the project's folder; what it prints goes to `log`.

    The reason names the exit code and the kind of error, never the message: an error of another's
    library may quote a record. Needs a POSIX system.
    """
    usage = log.with_suffix(".usage")
    command = (sys.executable, "-I", "-S", _LAUNCHED, str(usage), sys.executable, *words)
    started = time.perf_counter()
    with log.open("wb") as printed:
        child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = child.wait(time_limit)
        except subprocess.TimeoutExpired:
            reason = f"stopped after {time_limit:,.0f} seconds"
            return Ran(reason, time.perf_counter() - started, None)
        finally:
            _stop(child)
    if not usage.is_file():
        return Ran("could not be started", time.perf_counter() - started, None)
    seconds, peak = usage.read_text(encoding="ascii").split()
    usage.unlink()
    return Ran(_reason(code, log) if code else None, float(seconds), int(peak))


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a child that is still running, with all that it started."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _reason(code: int, log: Path) -> str:
    """Return how it ended: the exit code, and the name of the error that Python told last."""
    told = _ERROR.findall(log.read_text(encoding="utf-8", errors="replace"))
    kind = f" ({told[-1]})" if told else ""
    return f"ended with code {code}{kind}"
