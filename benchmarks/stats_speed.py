"""How long statistics take: `python -m benchmarks.stats_speed [--rows 1000000] [--repeat 5]`.

Rates and proportions of a million rows, each held to half a second, and the other functions on
frames of the size that a baseline has. Medians of seconds by the clock and of processor time; the
load of the machine before the run is told, for other work on it makes the clock's figures longer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from pophealth_link import stats

SEED = 7
LIMIT = 0.5
# Cells of a baseline of a large area: footprints, bases, indicators and strata.
CELLS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the functions, print a line for each; 1 if a limit is not met."""
    asked = _arguments(arguments)
    print(f"{pl.thread_pool_size()} threads, load {os.getloadavg()[0]:.1f} before the run.")
    met = True
    for name, (run, limit) in work(asked.rows).items():
        clock, processor = _median(run, asked.repeat)
        verdict = (
            "" if limit is None else f"  under {limit:g} s: {'yes' if clock < limit else 'no'}"
        )
        print(f"{clock:8.3f} s  {processor:8.3f} s of processor  {name}{verdict}")
        met = met and (limit is None or clock < limit)
    return int(not met)


def work(rows: int) -> Mapping[str, tuple[Callable[[], object], float | None]]:
    """Return what is timed, by name, with its limit in seconds."""
    frame, cells = counts(rows), counts(CELLS)
    limit = LIMIT if rows <= 1_000_000 else None
    by_age = cells.with_columns(group=pl.int_range(pl.len()) // 7, weight=pl.lit(1_000))
    waits = cells.with_columns(group=pl.int_range(pl.len()) // 20, week=pl.int_range(pl.len()) % 20)
    return {
        f"proportion, {rows:,} rows": (lambda: stats.proportion(frame, "part", "people"), limit),
        f"rate, {rows:,} rows": (lambda: stats.rate(frame, "events", "people"), limit),
        f"rate of fractions, {rows:,} rows": (lambda: stats.rate(frame, "shared", "people"), limit),
        f"rate of repeat events, {rows:,} rows": (
            lambda: stats.compound_poisson_rate(frame, "events", "people", "factor"),
            None,
        ),
        f"directly standardised rate, {CELLS:,} rows": (
            lambda: stats.directly_standardised_rate(
                by_age, "part", "people", by="group", standard_population="weight"
            ),
            None,
        ),
        f"Kaplan-Meier, {CELLS:,} rows": (
            lambda: stats.kaplan_meier(
                waits, "week", events="part", censored="events", by="group", at=[4, 18]
            ),
            None,
        ),
        f"funnel limits with over-dispersion, {CELLS:,} rows": (
            lambda: stats.funnel_limits(
                waits, "events", "people", by="group", kind="rate", over_dispersion="additive"
            ),
            None,
        ),
    }


def counts(rows: int) -> pl.DataFrame:
    """Return so many rows of people, a part of them, their events and over-dispersion.

    `shared`: small counts, each another fraction, as where practices are split by their shares.
    """
    drawn = np.random.default_rng(SEED)
    people = drawn.integers(100, 20_000, rows)
    part = drawn.binomial(people, 0.05)
    return pl.DataFrame(
        {
            "people": people,
            "part": part,
            "events": part * 2,
            "shared": drawn.uniform(0, 10, rows),
            "factor": drawn.integers(10, 60, rows) / 10,
        }
    )


def _median(run: Callable[[], object], repeat: int) -> tuple[float, float]:
    seconds = []
    for _ in range(repeat):
        clock, processor = time.perf_counter(), time.process_time()
        run()
        seconds.append((time.perf_counter() - clock, time.process_time() - processor))
    clock, processor = (statistics.median(each) for each in zip(*seconds, strict=True))
    return clock, processor


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stats_speed", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of rates, proportions")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each piece of work")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
