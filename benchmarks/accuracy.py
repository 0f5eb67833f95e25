"""Measure how well systems link: every system on the same data sets, in the same run.

    python -m benchmarks accuracy
    python -m benchmarks accuracy --data-sets hard-20000-203 --systems pophealth_link --out DIR
    python -m benchmarks accuracy --data FOLDER --out DIR --by ethnic_group

Writes accuracy.json, accuracy.md and charts. Without options all data sets and systems are run and
the committed results are replaced.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import accuracy_results, datasets, own_data, processes, systems
from benchmarks.accuracy_results import Results
from benchmarks.datasets import DataSet
from benchmarks.extracts import truth as read_truth
from benchmarks.systems import System
from pophealth_link.errors import JobError, UserError, nearest
from pophealth_link.link import People

RESULTS = Path(__file__).parent / "results"
CACHE = Path(__file__).parent / "cache"
# A column of truth with more values than this is no subgroup.
MOST_GROUPS = 30
DONE, FAILED, NOT_RUN = "done", "failed", "not run"
_Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run: data sets, systems, and the truth columns by which recall is broken down.

    `work` is where answers and logs are written.
    """

    data_sets: tuple[DataSet, ...]
    systems: tuple[System, ...]
    by: tuple[str, ...]
    cache: Path
    work: Path
    time_limit: float = 3600.0


def measure(plan: Plan, say: _Say) -> Results:
    """Run every system on every data set and return all figures.

    A data set that cannot be made and a system that cannot be run or fails are told with their
    reason in the table `runs`.
    """
    parts: list[Mapping[str, pl.DataFrame]] = []
    described = []
    for data_set in plan.data_sets:
        facts, found = _on_data_set(plan, data_set, say)
        described.append(facts)
        parts += found
    told = {
        "schema_version": accuracy_results.SCHEMA_VERSION,
        "day": accuracy_results.today(),
        "machine": accuracy_results.machine(),
        "versions": accuracy_results.versions(),
        "definitions": accuracy_results.definitions(),
        "data_sets": described,
        "systems": [{"name": s.name, "label": s.label} for s in plan.systems],
    }
    return accuracy_results.gathered(told, parts)


def _on_data_set(
    plan: Plan, data_set: DataSet, say: _Say
) -> tuple[dict[str, Any], list[Mapping[str, pl.DataFrame]]]:
    facts: dict[str, Any] = {
        "name": data_set.name,
        "description": data_set.description,
        "family": data_set.family,
        "people": data_set.people,
        "seed": data_set.seed,
        "preset": data_set.preset,
        "trained_on": list(data_set.train) if data_set.family != "own" else len(data_set.train),
    }
    try:
        say(f"{data_set.name}: making the data")
        folder = datasets.made(data_set, plan.cache)
        people = own_data.check(folder)
    except UserError as error:
        reason = f"the data set is missing: {error.headline}"
        say(f"{data_set.name}: {error}")
        return facts, [_run_row(data_set, s, NOT_RUN, reason) for s in plan.systems]
    truth = read_truth(folder)
    facts |= accuracy_results.data_facts(people, truth)
    parts = []
    for system in plan.systems:
        say(f"{data_set.name}: {system.name}")
        parts += _on_system(plan, data_set, system, folder, people, truth)
        status, reason = parts[-1]["runs"].select("status", "reason").row(0)
        say(f"{data_set.name}: {system.name}: {status}" + (f" ({reason})" if reason else ""))
    return facts, parts


def _on_system(
    plan: Plan,
    data_set: DataSet,
    system: System,
    folder: Path,
    people: list[People],
    truth: pl.DataFrame,
) -> list[Mapping[str, pl.DataFrame]]:
    """Return the figures of one system on one data set, then the row that tells how it ran."""
    try:
        train = _train(plan, data_set, system)
    except UserError as error:
        return [_run_row(data_set, system, NOT_RUN, error.headline)]
    answer = plan.work / f"{data_set.name}.{system.name}.parquet"
    ran = processes.run(
        system.command(folder.resolve(), answer.resolve(), train),
        answer.with_suffix(".log"),
        time_limit=plan.time_limit,
    )
    if ran.reason:
        return [_run_row(data_set, system, FAILED, ran.reason, ran)]
    try:
        found = accuracy_results.scored(
            data_set.name, system.name, _answer(answer), truth, people,
            by=[name for name in plan.by if name in truth.columns],
            further=_subgroups(truth, plan.by),
        )  # fmt: skip
    except UserError as error:
        reason = " ".join([error.headline, *error.lines])
        return [_run_row(data_set, system, FAILED, reason, ran)]
    return [found, _run_row(data_set, system, DONE, None, ran)]


def _train(plan: Plan, data_set: DataSet, system: System) -> tuple[Path, ...]:
    """Return the data that a system may learn from. Raises `UserError` where it cannot be run."""
    reason = system.lacking()
    if reason:
        raise JobError(reason)
    if not system.trained:
        return ()
    if not data_set.train:
        raise JobError("needs labelled data to learn from (--train FOLDER)")
    if data_set.family == "own":
        folders = tuple(map(Path, data_set.train))
        for folder in folders:
            own_data.check(folder)
        return tuple(folder.resolve() for folder in folders)
    made = (datasets.find(name, to_train=True) for name in data_set.train)
    return tuple(datasets.made(each, plan.cache).resolve() for each in made)


def _answer(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise JobError("it ended well and wrote no answer")
    return pl.read_parquet(path)


def _subgroups(truth: pl.DataFrame, by: Sequence[str]) -> list[str]:
    """Return the further columns of truth that name subgroups."""
    told = (n for n in truth.columns if n not in (*own_data.NEEDED, *by))
    return [name for name in told if truth[name].n_unique() <= MOST_GROUPS]


def _run_row(
    data_set: DataSet,
    system: System,
    status: str,
    reason: str | None,
    ran: processes.Ran | None = None,
) -> dict[str, pl.DataFrame]:
    peak = ran.peak_memory if ran else None
    row = {
        "data_set": data_set.name,
        "system": system.name,
        "status": status,
        "reason": reason,
        "seconds": round(ran.seconds, 2) if ran else None,
        "peak_memory_mb": round(peak / 2**20) if peak else None,
    }
    return {"runs": pl.DataFrame([row])}


def write(results: Results, out: Path) -> None:
    """Write accuracy.json, accuracy.md and the charts into a folder."""
    from benchmarks import accuracy_charts, accuracy_tables

    out.mkdir(parents=True, exist_ok=True)
    path = out / "accuracy.json"
    path.write_text(accuracy_results.to_json(results), encoding="utf-8")
    # Page and charts show what the file holds, rounded as it is.
    told = accuracy_results.load(path)
    (out / "accuracy.md").write_text(accuracy_tables.page(told), encoding="utf-8")
    accuracy_charts.write(told, out / "charts")


@contextmanager
def work_folder(keep: Path | None) -> Iterator[Path]:
    """Yield the folder for answers and logs: one that is kept, or one that goes in the end."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    out = _out(given)
    _refuse_before_work(given, out)
    chosen = tuple(systems.find(name) for name in given.systems) or systems.SYSTEMS
    with work_folder(given.keep) as work:
        plan = Plan(_data_sets(given), chosen, tuple(given.by), given.cache, work, given.time_limit)
        results = measure(plan, say)
    write(results, out)
    failed = results.of("runs", status=FAILED).height
    if failed:
        say(f"{failed:,} runs failed: --keep DIR keeps what the systems print.")
    nothing = not results.of("runs", status=DONE).height
    if nothing:
        say("no system was measured: accuracy.md tells why.")
    print(out / "accuracy.md")
    return 1 if failed or nothing else 0


def _refuse_before_work(given: argparse.Namespace, out: Path) -> None:
    """Raise what would stop or empty the results, before any system runs."""
    if given.time_limit <= 0:
        raise JobError("--time-limit must be more than 0 seconds.")
    if given.data:
        own_data.check(given.data)
        columns = read_truth(given.data).columns
        absent = [name for name in given.by if name not in columns]
        # The column asked for when none is named need not be there.
        if absent and given.by != ["ethnic_group"]:
            hints = "".join(nearest(name, columns) for name in absent)
            raise JobError(f"truth.parquet has no column {', '.join(absent)}.{hints}")
    for folder in given.train:
        own_data.check(folder)
    try:
        out.mkdir(parents=True, exist_ok=True)
        writable = os.access(out, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise JobError("the results cannot be written there.", fix="give another --out DIR.")


def _data_sets(given: argparse.Namespace) -> tuple[DataSet, ...]:
    own = (datasets.own(given.data, tuple(given.train)),) if given.data else ()
    names = given.data_sets or (() if own else datasets.REPORTED)
    return (*(datasets.find(name) for name in names), *own)


def _out(given: argparse.Namespace) -> Path:
    """Return where results go: a part of the benchmark never replaces the committed results."""
    part = given.data_sets or given.systems or given.data or given.by != ["ethnic_group"]
    if part and (given.out is None or given.out.resolve() == RESULTS.resolve()):
        raise JobError(
            "a part of the benchmark does not replace the committed results.", fix="give --out DIR."
        )
    if given.train and not given.data:
        raise JobError("--train goes with --data.", fix="give --data FOLDER.")
    return given.out or RESULTS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data-sets", nargs="+", default=[], metavar="NAME", help="left out: all reported ones")
    add("--systems", nargs="+", default=[], metavar="NAME", help="left out: all")
    add("--data", type=Path, metavar="FOLDER", help="labelled data of one's own")
    add("--train", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="further labelled data, for systems that learn; with --data")  # fmt: skip
    add("--by", nargs="+", default=["ethnic_group"], metavar="COLUMN", help="columns of truth")
    add("--out", type=Path, metavar="DIR", help=f"left out: {RESULTS.name} of the project")
    add("--cache", type=Path, default=CACHE, metavar="DIR", help="where data sets are kept")
    add("--keep", type=Path, metavar="DIR", help="keep the systems' answers and what they print")
    add("--time-limit", type=float, default=3600.0, metavar="SECONDS", help="of one system's run")
    return parser
