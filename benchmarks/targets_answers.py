"""The systems' answers about many data sets: each asked for once, and kept in the cache.

An answer is kept under the contents it is about and the code that gave it (`targets_code`), with
the seconds and the memory it took. What lacks is asked for by a few processes side by side, each
on a core of its own: two systems on one thread each take less in all than one after the other.
"""

from __future__ import annotations

import json
import os
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks import accuracy_scores as scores
from benchmarks import processes, systems, targets_code
from benchmarks.extracts import extracts
from benchmarks.targets_data import Made, made
from pophealth_link.errors import JobError

YARDSTICK, LIBRARY, CEILING = "plain_splink", "pophealth_link", "ceiling"
# Answers of one system about one data set that are kept: whoever goes back to earlier code need not
# ask again.
_EARLIER = 8
_Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where answers are kept, how many systems run at once, for how long, and who is told.

    `earlier`: systems whose last answer about the same contents is taken even where their code has
    changed since.
    """

    cache: Path
    jobs: int
    time_limit: float
    earlier: tuple[str, ...]
    say: _Say


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that is there, what it took, and whether the code of today gave it."""

    path: Path
    seconds: float
    peak_memory_mb: int | None
    current: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    system: str
    made: Made
    train: tuple[Made, ...]
    code: str

    @property
    def lessons(self) -> tuple[str, ...]:
        """The names of the data sets that it learns from."""
        return tuple(each.name for each in self.train)

    @property
    def about(self) -> str:
        """The fingerprint of all contents: those judged, then those learned from."""
        return "-".join([self.made.contents, *(each.contents for each in self.train)])

    def path(self, cache: Path) -> Path:
        folder = cache / "answers" / self.made.name
        return folder / f"{self.system}-{self.about}-{self.code}.parquet"

    def learned(self, cache: Path) -> Path:
        """Return where what it learns is kept."""
        of = "-".join(each.contents for each in self.train)
        return cache / "answers" / "learned" / f"{self.system}-{of}-{self.code}.pickle"


def answers(asked: Mapping[str, Sequence[Made]], desk: Desk) -> dict[tuple[str, str], Told]:
    """Return the answer of each system about each data set, by system and data set.

    `asked` are the data sets of each system. Raises `JobError` where a system cannot be run or
    fails, where its answer is unsound, or where its code changes while it runs.
    """
    train = _to_learn_from(asked, desk)
    wanted = [
        _Wanted(system, each, tuple(train[n] for n in _lessons(system, each)), code)
        for system, sets in asked.items()
        for code in [targets_code.of(system)]
        for each in sets
    ]
    found = {(w.system, w.made.name): _kept(w, desk) for w in wanted}
    lacking = [w for w in wanted if found[w.system, w.made.name] is None]
    _ask(lacking, desk)
    return {(w.system, w.made.name): _there(w, desk) for w in wanted}


def _lessons(system: str, made: Made) -> tuple[str, ...]:
    return made.train if systems.find(system).trained else ()


def _to_learn_from(asked: Mapping[str, Sequence[Made]], desk: Desk) -> dict[str, Made]:
    names = {n for system, sets in asked.items() for each in sets for n in _lessons(system, each)}
    return {name: made(name, desk.cache, to_train=True) for name in sorted(names)}


def _kept(wanted: _Wanted, desk: Desk) -> Told | None:
    """Return the answer that is kept; an earlier one's only of a system whose earlier will do."""
    path = wanted.path(desk.cache)
    if not path.is_file() and wanted.system in desk.earlier:
        others = path.parent.glob(
            f"{wanted.system}-{wanted.about}-{'?' * targets_code.DIGITS}.parquet"
        )
        path = max(others, key=_made_at, default=path)
    took = path.with_suffix(".json")
    if not (path.is_file() and took.is_file()):
        return None
    seconds, memory = json.loads(took.read_text(encoding="ascii"))
    return Told(path, seconds, memory, path == wanted.path(desk.cache))


def _there(wanted: _Wanted, desk: Desk) -> Told:
    found = _kept(wanted, desk)
    if found is None:
        raise JobError(f"the answer of {wanted.system} about {wanted.made.name} is gone.")
    return found


def _ask(lacking: Sequence[_Wanted], desk: Desk) -> None:
    """Ask for all that lacks, those that take long first; the first failure ends it."""
    rank = [YARDSTICK, LIBRARY, CEILING]
    order = sorted(
        lacking,
        key=lambda each: (rank.index(each.system), -each.made.facts["sources"][0]["records"]),
    )
    # What is to be learned, by where it is kept: learned first, and needed last.
    lessons = {each.learned(desk.cache): each for each in order if each.train}
    cores: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    for core in _cores(desk.jobs):
        cores.put(core)
    with ThreadPoolExecutor(desk.jobs) as pool:
        learning = {
            path: pool.submit(_on_a_core, partial(_learn, each, path, desk), cores)
            for path, each in lessons.items()
        }
        asking = [
            pool.submit(_on_a_core, partial(_run, each, desk, learning), cores) for each in order
        ]
        _first_failure([*learning.values(), *asking])


def _cores(jobs: int) -> Iterable[int | None]:
    """Return a core for each process; None, which is all, where they cannot have their own."""
    if jobs == 1 or not hasattr(os, "sched_getaffinity"):
        return [None] * jobs
    usable = sorted(os.sched_getaffinity(0))
    return [usable[place % len(usable)] for place in range(jobs)]


def _first_failure(running: Sequence[Future[None]]) -> None:
    try:
        for each in running:
            each.result()
    except BaseException:
        for each in running:
            each.cancel()
        raise


def _on_a_core(task: Callable[[], None], cores: queue.SimpleQueue[int | None]) -> None:
    core = cores.get()
    if core is not None:
        # Of this thread alone, and so of the processes that it starts.
        os.sched_setaffinity(0, {core})
    try:
        task()
    finally:
        cores.put(core)


def _learn(wanted: _Wanted, path: Path, desk: Desk) -> None:
    """Let a system learn, once for all data sets of a kind, unless it has with the same code."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    train = [str(each.folder.resolve()) for each in wanted.train]
    command = ("-m", "benchmarks.targets_ceiling", str(draft), "--train", *train)
    _process(command, wanted, desk, what=f"learning from {', '.join(wanted.lessons)}")
    draft.replace(path)


def _run(wanted: _Wanted, desk: Desk, learning: Mapping[Path, Future[None]]) -> None:
    path = wanted.path(desk.cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.parquet")
    folder = wanted.made.folder.resolve()
    command = systems.find(wanted.system).command(folder, draft, ())
    if wanted.train:
        learned = wanted.learned(desk.cache)
        learning[learned].result()
        judging = ("--data", str(folder), str(draft))
        command = ("-m", "benchmarks.targets_ceiling", str(learned), *judging)
    try:
        _keep(wanted, draft, _process(command, wanted, desk, what=wanted.made.name), desk)
    finally:
        draft.unlink(missing_ok=True)


def _process(command: Sequence[str], wanted: _Wanted, desk: Desk, *, what: str) -> processes.Ran:
    lacking = systems.find(wanted.system).lacking()
    if lacking:
        raise JobError(f"{wanted.system} {lacking}.")
    desk.say(f"{wanted.system}: {what}")
    log = wanted.path(desk.cache).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    ran = processes.run(tuple(command), log, time_limit=desk.time_limit)
    if ran.reason:
        raise JobError(
            f"{wanted.system}, {what}: it {ran.reason}.", fix=f"see {log.name} in the cache."
        )
    if targets_code.of(wanted.system) != wanted.code:
        raise JobError(
            f"the code of {wanted.system} was changed while it ran.", fix="run it again."
        )
    log.unlink(missing_ok=True)
    desk.say(f"{wanted.system}: {what}: {ran.seconds:,.0f} seconds")
    return ran


def _keep(wanted: _Wanted, draft: Path, ran: processes.Ran, desk: Desk) -> None:
    """Check a draft, and keep it as the answer, with what it took, and a few earlier ones."""
    if not draft.is_file():
        raise JobError(f"{wanted.system} on {wanted.made.name} ended well and wrote no answer.")
    scores.check_answer(pl.read_parquet(draft), extracts(wanted.made.folder))
    path = wanted.path(desk.cache)
    memory = round(ran.peak_memory / 2**20) if ran.peak_memory else None
    told = json.dumps([round(ran.seconds, 1), memory])
    path.with_suffix(".json").write_text(told, encoding="ascii")
    draft.replace(path)
    kept = sorted(path.parent.glob(f"{wanted.system}-*.parquet"), key=_made_at, reverse=True)
    for stale in kept[_EARLIER:]:
        stale.unlink(missing_ok=True)
        stale.with_suffix(".json").unlink(missing_ok=True)


def _made_at(path: Path) -> float:
    return path.stat().st_mtime
