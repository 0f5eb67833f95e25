"""Synthetic sources, and the whole main job on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pophealth_link import reference, synthetic, true_counts
from pophealth_link.errors import RunInterruptedError
from pophealth_link.folders import full_disk, is_full, parents_made, refuse_existing
from pophealth_link.job import Run, runner
from pophealth_link.job.progress import Progress, Silent
from pophealth_link.reference import Pack
from pophealth_link.synthetic import JOB, DataFolder, Plan, Synthetic, SynthSpec
from pophealth_link.true_counts import Ground, PartTally

DATA, RUN = "data", "run"


def make_synthetic(
    out: Path,
    *,
    people: int,
    seed: int,
    preset: str = "typical",
    places: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write synthetic sources, truth and a job file to the new folder `out`; return the job file.

    `places` is a reference pack; left out, people live in the embedded example region. People are
    made and written in parts, so that memory does not grow with their number. Raises `JobError`
    for settings that are out of range, `ReferenceDataError` where nobody could live in the pack,
    `OutputExistsError` where `out` exists, `StorageError` where the disk is full.
    """
    spec = SynthSpec(people=people, seed=seed, preset=preset)
    # The job must find the pack from wherever it is run: it names its whole path.
    where = str(places.resolve()) if places else None
    refuse_existing(out)
    pack = reference.load(places)
    with synthetic.data_folder(out, spec, reference=where) as folder:
        _add_parts(folder, synthetic.plan(spec, pack), pack, progress or Silent())
    return out / JOB


def _add_parts(folder: DataFolder, planned: Plan, pack: Pack, progress: Progress) -> None:
    """Make, write and count one part after the other; only the counts are kept."""
    absent = true_counts.lacking(pack)
    on = None if absent else true_counts.ground(folder.path / JOB, pack)
    tallies: list[PartTally] = []
    for part in planned.parts:
        which = f"part {part.number + 1:,} of {part.of:,}: " if part.of > 1 else ""
        progress.stage(f"{which}making {part.spec.people:,} synthetic people")
        made = synthetic.make_part(planned, part)
        tallies += _add_part(folder, made, on, alone=part.of == 1)
    if on:
        progress.stage("adding up the true counts")
        folder.add_counts(true_counts.count(tallies, on))
    else:
        progress.warn(
            f"no true counts, and no job that runs: the reference pack has no {', '.join(absent)}."
        )


def _add_part(
    folder: DataFolder, made: Synthetic, on: Ground | None, *, alone: bool
) -> list[PartTally]:
    folder.add(made)
    return [true_counts.tally_part(made, on, alone=alone)] if on else []


def run_demo(out: Path | None, *, people: int, seed: int, progress: Progress | None = None) -> Run:
    """Make synthetic people in the example region, run the main job on them, return the run.

    Sources are in `data/`, the run in `run/`, both in `out`; left out, `out` is the first of
    `demo-1`, `demo-2` … that does not exist.
    """
    folder = out or _fresh()
    refuse_existing(folder)
    progress = progress or Silent()
    with _all_or_nothing(folder):
        job = make_synthetic(folder / DATA, people=people, seed=seed, progress=progress)
        return runner.run(job, out=folder / RUN, progress=progress)


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[None]:
    """Remove `folder` after an error or an interruption: it is made within."""
    stopped = full = False
    with parents_made(folder):
        try:
            yield
        except (KeyboardInterrupt, RunInterruptedError):
            stopped = True
        except BaseException as error:
            full = is_full(error)
            if not full:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        if stopped or full:
            shutil.rmtree(folder, ignore_errors=True)
        if full:
            raise full_disk()
        if stopped:
            raise RunInterruptedError(
                "the demo was interrupted; nothing was kept.", fix="run the same command again."
            )


def _fresh() -> Path:
    number = 1
    while (folder := Path(f"demo-{number}")).exists():
        number += 1
    return folder
