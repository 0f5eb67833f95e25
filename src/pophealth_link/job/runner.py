"""Runs: link, analyse, or both, in a folder that appears only when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pophealth_link.job import audit, manifest, releasing
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.analysing import run_analyse
from pophealth_link.job.folder import RunFolder, open_run
from pophealth_link.job.linking import run_link
from pophealth_link.job.load import Half, Job, load
from pophealth_link.job.progress import Progress, Recorder, Silent
from pophealth_link.reference import Pack
from pophealth_link.version import __version__

LINKED, RELEASABLE = "linked", "releasable"
MANIFEST, AUDIT = "manifest.json", "audit.jsonl"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, and the warnings that a person should read."""

    folder: Path
    warnings: tuple[str, ...] = field(default=(), repr=False)

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
    path, folder = Path(job), Path(out)
    if resume and is_finished(folder):
        return Run(folder)
    return _run(path, folder, ("link", "analyse"), None, resume, progress)


def is_finished(out: Path) -> bool:
    """Return whether the folder is that of a finished run."""
    return (out / MANIFEST).is_file()


def link(job: str | Path, *, out: str | Path, progress: Progress | None = None) -> Run:
    """Run the linkage half of a job file alone, as a trusted third party does."""
    return _run(Path(job), Path(out), ("link",), None, False, progress)


def analyse(
    job: str | Path, *, index: str | Path, out: str | Path, progress: Progress | None = None
) -> Run:
    """Run the other half alone on the folder `linked` of an earlier run; reads no identifier."""
    return _run(Path(job), Path(out), ("analyse",), Path(index), False, progress)


def _run(
    path: Path,
    out: Path,
    halves: Sequence[Half],
    index: Path | None,
    resume: bool,
    progress: Progress | None,
) -> Run:
    recorder = Recorder(progress or Silent())
    recorder.stage("checking the job")
    checked = load(path, halves)
    pack = checked.read_reference()
    record = _record(checked, pack, halves)
    fingerprint = manifest.fingerprint(record["job"], record["inputs"])
    with open_run(out, fingerprint, resume=resume) as folder:
        log = folder.path / AUDIT
        audit.append(log, "started", halves=list(halves), fingerprint=fingerprint)
        accounts = _halves(checked, pack, folder, index, halves, recorder)
        recorder.finish()
        manifest.write(folder.path / MANIFEST, _finished(record, accounts, recorder))
        audit.append(log, "finished", warnings=len(recorder.warnings))
    return Run(out, tuple(recorder.warnings))


def _halves(
    job: Job,
    pack: Pack,
    folder: RunFolder,
    index: Path | None,
    halves: Sequence[Half],
    progress: Recorder,
) -> Accounts:
    linked = folder.path / LINKED
    accounts = Accounts()
    if "link" in halves:
        accounts.add(_link_half(job, pack, folder, progress))
    if "analyse" in halves:
        source = index or linked
        done = run_analyse(job, pack, source, linked, progress)
        accounts.add(done.accounts)
        progress.stage("releasing")
        summary = releasing.release(job, pack, source, done, folder.path / RELEASABLE, progress)
        audit.append(folder.path / AUDIT, "released", **summary)
    return accounts


def _link_half(job: Job, pack: Pack, folder: RunFolder, progress: Recorder) -> Accounts:
    kept = folder.done().get("link")
    if kept:
        progress.stage("linking was finished before")
        progress.warnings.extend(kept["warnings"])
        return Accounts(kept["rows"])
    shutil.rmtree(folder.path / LINKED, ignore_errors=True)
    accounts = run_link(job, pack, folder.path / LINKED, progress).accounts
    folder.mark("link", {"rows": accounts.rows, "warnings": progress.warnings})
    audit.append(folder.path / AUDIT, "linked")
    return accounts


def _record(job: Job, pack: Pack, halves: Sequence[Half]) -> dict[str, Any]:
    files = [path for half in halves for path in job.files(half)]
    return {
        "versions": manifest.versions(),
        "job": job.spec.model_dump(mode="json", by_alias=True),
        "halves": list(halves),
        "seed": job.spec.seed,
        "inputs": manifest.file_hashes([job.path, *files], job.folder),
        "reference": {"name": pack.name, "sha256": pack.digest},
        "policy": job.spec.disclosure.policy,
        "governance": job.spec.model_dump(mode="json")["governance"],
    }


def _finished(record: Mapping[str, Any], accounts: Accounts, recorder: Recorder) -> dict[str, Any]:
    return {
        "pophealth_link": __version__,
        **record,
        "rows": accounts.rows,
        "warnings": recorder.warnings,
        "seconds": recorder.seconds,
        "peak_memory_mb": manifest.peak_memory_mb(),
    }
