"""How long placing people, dissolving boundaries and building a pack of England take."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import places_speed
from benchmarks.open_data_pack import convert
from benchmarks.places_figures import Cell, Table, Target, Told

_PEOPLE, _REPEATS = 2_000_000, 5
_BUILT = 60.0


def speed(folder: Path) -> Told:
    """Time the work that `places_speed` names, and a pack of England from official file forms."""
    work = places_speed.work(folder, _PEOPLE).items()
    timed = [_shortest(name, run, limit) for name, (run, limit) in work]
    timed.append(places_speed.Timed("a pack of all England built", *_built(folder), _BUILT))
    targets = tuple(
        Target(f"{each.name}, s", round(each.clock, 2), f"< {each.limit:g}", met=each.met)
        for each in timed
        if each.limit is not None
    )
    rows: list[list[Cell]] = [
        [each.name, round(each.clock, 2), round(each.processor, 2)] for each in timed
    ]
    words = f"The shortest of {_REPEATS} runs (the pack: one), on two cores that others used too."
    return Told(targets, (Table(["what", "seconds", "seconds of processor"], rows, words),))


def _shortest(name: str, run: Callable[[], object], limit: float | None) -> places_speed.Timed:
    """Return the shortest of some runs: the one that other work on the machine disturbed least."""
    runs = [places_speed.measure(name, run, 1, limit) for _ in range(_REPEATS)]
    return min(runs, key=lambda each: each.clock)


def _built(folder: Path) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as place:
        clock, processor = time.perf_counter(), time.process_time()
        convert(folder, Path(place) / "england")
        return time.perf_counter() - clock, time.process_time() - processor
