"""The folder of a run: written under a temporary name, renamed at the end, resumable."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pophealth_link.errors import RunInterruptedError, is_interruption
from pophealth_link.folders import (
    full_disk,
    is_full,
    make_folder,
    parents_made,
    refuse_existing,
    shown,
)

_CHECKPOINT = "checkpoint.json"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The temporary folder of a run, and the stages that an earlier try has finished."""

    path: Path
    final: Path
    fingerprint: str

    def done(self) -> dict[str, Any]:
        """Return the finished stages, each with what it kept for the rest of the run."""
        marks = _read_checkpoint(self.path)
        return dict(marks.get("done", {}))

    def mark(self, stage: str, kept: Any) -> None:
        """Note that a stage is finished, and what the rest needs: a resumed run skips it."""
        body = {"fingerprint": self.fingerprint, "done": {**self.done(), stage: kept}}
        beside = self.path / f"{_CHECKPOINT}.new"
        beside.write_text(json.dumps(body), encoding="utf-8")
        beside.replace(self.path / _CHECKPOINT)


def partial(out: Path) -> Path:
    """Return the temporary name of a run's folder."""
    return out.with_name(f".{out.name}.partial")


@contextmanager
def open_run(
    out: Path, fingerprint: str, *, resume: bool = False, resumable: bool = True
) -> Iterator[RunFolder]:
    """Yield a folder to write in; rename it to `out` at the end.

    An error leaves nothing behind. An interruption (Ctrl-C, SIGTERM) or a full disk keeps what is
    finished, if the run is `resumable`, and raises `RunInterruptedError` or `StorageError`;
    `resume` goes on from there if `fingerprint` (of job and inputs) is the same, else starts anew.
    """
    refuse_existing(out)
    folder = RunFolder(partial(out), out, fingerprint)
    with parents_made(out):
        stopped = full = False
        try:
            _prepare(folder, resume=resume)
            yield folder
            (folder.path / _CHECKPOINT).unlink(missing_ok=True)
            refuse_existing(out)
            folder.path.rename(out)
        except BaseException as error:
            stopped, full = is_interruption(error), is_full(error)
            if not (stopped or full):
                shutil.rmtree(folder.path, ignore_errors=True)
                raise
        if stopped or full:
            _raise_stopped(folder, resumable=resumable, full=full)


def _prepare(folder: RunFolder, *, resume: bool) -> None:
    marks = _read_checkpoint(folder.path)
    same = bool(marks) and marks.get("fingerprint") == folder.fingerprint
    if not (resume and same):
        shutil.rmtree(folder.path, ignore_errors=True)
    make_folder(folder.path, above=folder.final.parent)


def _read_checkpoint(path: Path) -> dict[str, Any]:
    try:
        marks = json.loads((path / _CHECKPOINT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marks if isinstance(marks, dict) else {}


def _raise_stopped(folder: RunFolder, *, resumable: bool, full: bool) -> None:
    done = folder.done() if resumable else {}
    if not done:
        shutil.rmtree(folder.path, ignore_errors=True)
        if full:
            raise full_disk()
        raise RunInterruptedError(
            "interrupted; nothing was kept.", fix="run the same command again."
        )
    stages = "1 finished stage" if len(done) == 1 else f"{len(done):,} finished stages"
    again = "run the same command with --resume to go on"
    where = f"the folder is {shown(folder.final)}."
    if full:
        raise full_disk(f"the run stopped after {stages}.", f"{again}; {where}")
    raise RunInterruptedError(f"the run was interrupted after {stages}.", fix=f"{again}; {where}")
