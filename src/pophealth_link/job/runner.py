"""Runs: link, analyse, or both, in a folder that appears only when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pophealth_link.folders import refuse_existing
from pophealth_link.job import audit, cards, contents, manifest, releasing
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.analysing import run_analyse
from pophealth_link.job.folder import RunFolder, open_run
from pophealth_link.job.index import files as index_files
from pophealth_link.job.index import read as read_index
from pophealth_link.job.linking import run_link
from pophealth_link.job.load import load
from pophealth_link.job.model import Half, Job
from pophealth_link.job.progress import Progress, Recorder, Silent
from pophealth_link.privacy import Key
from pophealth_link.reference import Pack
from pophealth_link.version import __version__

LINKED, RELEASABLE = "linked", "releasable"
MANIFEST, AUDIT = "manifest.json", "audit.jsonl"
_BOTH: tuple[Half, ...] = ("link", "analyse")


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, and the warnings that a person should read.

    `finished_before`: there was nothing to resume, and nothing was done.
    """

    folder: Path
    warnings: tuple[str, ...] = field(default=(), repr=False)
    finished_before: bool = False

    @property
    def report(self) -> Path:
        """The report to open."""
        return self.folder / RELEASABLE / releasing.REPORT


def run(
    job: str | Path, *, out: str | Path, resume: bool = False, progress: Progress | None = None
) -> Run:
    """Run a job file: link, then analyse; write the run's folder at `out`.

    `out` must not exist. With `resume`, an interrupted run of the same job goes on after its last
    finished stage; a finished run of it is returned as it is.
    """
    return _run(Path(job), Path(out), _BOTH, None, progress, resume=resume)


def link(job: str | Path, *, out: str | Path, progress: Progress | None = None) -> Run:
    """Run the linkage half of a job file alone, as a trusted third party does."""
    return _run(Path(job), Path(out), ("link",), None, progress)


def analyse(
    job: str | Path, *, index: str | Path, out: str | Path, progress: Progress | None = None
) -> Run:
    """Run the other half alone on the folder `linked` of an earlier run; reads no identifier."""
    return _run(Path(job), Path(out), ("analyse",), Path(index), progress)


def _run(
    path: Path,
    out: Path,
    halves: Sequence[Half],
    index: Path | None,
    progress: Progress | None,
    *,
    resume: bool = False,
) -> Run:
    recorder = Recorder(progress or Silent())
    recorder.stage("checking the job")
    checked = load(path, halves)
    if not resume:
        refuse_existing(out)
    pack = checked.read_reference()
    for warning in contents.check_against(checked, pack, halves):
        recorder.warn(warning)
    key = checked.read_key() if "link" in halves else None
    record = _record(checked, pack, halves, index)
    fingerprint = manifest.fingerprint(record, key.check_value() if key else None)
    if resume and _is_finished(out, fingerprint):
        return Run(out, finished_before=True)
    # Only `run` can be resumed: its first half is kept when the second is interrupted.
    with open_run(out, fingerprint, resume=resume, resumable=halves == _BOTH) as folder:
        log = folder.path / AUDIT
        audit.append(log, "started", halves=list(halves), fingerprint=fingerprint)
        accounts = _halves(checked, pack, folder, index, key, halves, recorder)
        recorder.finish()
        body = _finished(record, fingerprint, accounts, recorder)
        manifest.write(folder.path / MANIFEST, body)
        audit.append(log, "finished", warnings=len(recorder.warnings))
    return Run(out, tuple(recorder.warnings))


def _is_finished(out: Path, fingerprint: str) -> bool:
    """Return whether `out` is a finished run of the same job, inputs, key and library."""
    there = manifest.read(out / MANIFEST)
    return there.get("halves") == list(_BOTH) and there.get("fingerprint") == fingerprint


def _halves(
    job: Job,
    pack: Pack,
    folder: RunFolder,
    index: Path | None,
    key: Key | None,
    halves: Sequence[Half],
    progress: Recorder,
) -> Accounts:
    linked = folder.path / LINKED
    accounts = Accounts()
    if "link" in halves:
        accounts.add(_link_half(job, pack, folder, key, progress))
    if "analyse" not in halves:
        made = read_index(job, linked)
        cards.write(folder.path, cards.card(job, pack, made.exact, made.people))
        return accounts
    # What an earlier try had begun to release is made anew.
    shutil.rmtree(folder.path / RELEASABLE, ignore_errors=True)
    done = run_analyse(job, pack, index or linked, linked, progress)
    accounts.add(done.accounts)
    progress.stage("releasing")
    summary = releasing.release(job, pack, done, folder.path / RELEASABLE, progress)
    audit.append(folder.path / AUDIT, "released", **summary)
    return accounts


def _link_half(
    job: Job, pack: Pack, folder: RunFolder, key: Key | None, progress: Recorder
) -> Accounts:
    kept = folder.done().get("link")
    if kept:
        progress.stage("linking was finished before")
        progress.warnings.extend(each for each in kept["warnings"] if each not in progress.warnings)
        return Accounts(kept["rows"])
    shutil.rmtree(folder.path / LINKED, ignore_errors=True)
    accounts = run_link(job, pack, folder.path / LINKED, progress, key=key).accounts
    folder.mark("link", {"rows": accounts.rows, "warnings": progress.warnings})
    audit.append(folder.path / AUDIT, "linked")
    return accounts


def _record(job: Job, pack: Pack, halves: Sequence[Half], index: Path | None) -> dict[str, Any]:
    files = [path for half in halves for path in job.files(half)]
    hashes = manifest.file_hashes([job.path, *files], job.folder)
    read = index_files(job, index) if index else []
    return {
        "pophealth_link": __version__,
        "versions": manifest.versions(),
        "job": _as_run(job),
        "halves": list(halves),
        "seed": job.spec.seed,
        "inputs": {**hashes, **manifest.index_hashes(read)},
        "reference": {"name": pack.name, "sha256": pack.digest},
        "policy": job.spec.disclosure.policy,
        "governance": job.spec.model_dump(mode="json")["governance"],
    }


def _as_run(job: Job) -> dict[str, Any]:
    """Return the job's settings; the one that could be a secret by mistake is only marked."""
    body = job.spec.model_dump(mode="json", by_alias=True)
    if body["privacy"]["key_env"]:
        body["privacy"]["key_env"] = "given"
    return body


def _finished(
    record: Mapping[str, Any], fingerprint: str, accounts: Accounts, recorder: Recorder
) -> dict[str, Any]:
    return {
        **record,
        "fingerprint": fingerprint,
        "rows": accounts.rows,
        "warnings": recorder.warnings,
        "seconds": recorder.seconds,
        "peak_memory_mb": manifest.peak_memory_mb(),
    }
