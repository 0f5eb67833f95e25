"""Synthetic sources, and the whole main job on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pophealth_link import reference, synthetic
from pophealth_link.errors import RunInterruptedError
from pophealth_link.folders import parents_made, refuse_existing
from pophealth_link.job import Run, runner
from pophealth_link.job.progress import Progress, Silent
from pophealth_link.synthetic import SynthSpec

DATA, RUN, JOB = "data", "run", "job.toml"


def make_synthetic(
    out: Path, *, people: int, seed: int, preset: str = "typical", places: Path | None = None
) -> Path:
    """Write synthetic sources, truth and a job file to the new folder `out`; return the job file.

    `places` is a reference pack; left out, people live in the embedded example region.
    """
    spec = SynthSpec(people=people, seed=seed, preset=preset)
    pack = reference.load(places)
    made = synthetic.generate(spec, pack)
    # The job must find the pack from wherever it is run: it names its whole path.
    where = str(places.resolve()) if places else None
    synthetic.write(made, out, reference=where)
    return out / JOB


def run_demo(out: Path | None, *, people: int, seed: int, progress: Progress | None = None) -> Run:
    """Make synthetic people in the example region, run the main job on them, return the run.

    Sources are in `data/`, the run in `run/`, both in `out`; left out, `out` is the first of
    `demo-1`, `demo-2` … that does not exist.
    """
    folder = out or _fresh()
    refuse_existing(folder)
    progress = progress or Silent()
    with _all_or_nothing(folder):
        progress.stage(f"making {people:,} synthetic people")
        job = make_synthetic(folder / DATA, people=people, seed=seed)
        return runner.run(job, out=folder / RUN, progress=progress)


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[None]:
    """Remove `folder` after an error or an interruption: it is made within."""
    stopped = False
    with parents_made(folder):
        try:
            yield
        except (KeyboardInterrupt, RunInterruptedError):
            stopped = True
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if stopped:
            shutil.rmtree(folder, ignore_errors=True)
            raise RunInterruptedError(
                "the demo was interrupted; nothing was kept.", fix="run the same command again."
            )


def _fresh() -> Path:
    number = 1
    while (folder := Path(f"demo-{number}")).exists():
        number += 1
    return folder
