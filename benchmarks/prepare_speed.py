"""How long it takes to prepare a register: `python -m benchmarks.prepare_speed [--people N]`.

The register is that of the library's generator at the preset hard, with the distinct names and
addresses of so many people. Every stage is timed alone and all together, and so is the stack of all
sources, which adds what linkage needs. Medians of seconds by the clock and of processor time; the
load of the machine before the run is told, for other work on it makes the clock's figures longer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from benchmarks import datasets
from benchmarks.extracts import extracts, register
from pophealth_link.link.records import stack
from pophealth_link.prepare import (
    address,
    dates,
    names,
    nhs_number,
    nicknames,
    postcode,
    records,
    sex,
    whole_names,
)

SEED = 211
_CACHE = Path(__file__).parent / "cache"


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the stages and print a line for each."""
    asked = _arguments(arguments)
    found = datasets.find(f"hard-{asked.people}-{SEED}")
    people = extracts(datasets.made(found, asked.cache))
    spine = register(people)
    load = os.getloadavg()[0]
    print(
        f"{spine.frame.height:,} people of the register, {_distinct(spine.frame)}; "
        f"{pl.thread_pool_size()} threads, load {load:.1f} before the run."
    )
    _tell(timed(stages(spine.frame), asked.repeat))
    total = sum(each.frame.height for each in people)
    whole = {f"link.records.stack, {total:,} records": lambda: stack(people, spine)}
    _tell(timed(whole, max(asked.repeat // 2, 1)))
    return 0


def _tell(seconds: Mapping[str, tuple[float, float]]) -> None:
    for name, (clock, processor) in seconds.items():
        print(f"{clock:8.3f} s  {processor:8.3f} s of processor  {name}")


def stages(people: pl.DataFrame) -> Mapping[str, Callable[[], object]]:
    """Return what is timed, by name: each identifier alone, then all of them."""

    def plan(*expressions: pl.Expr) -> Callable[[], object]:
        return lambda: people.lazy().select(expressions).collect()

    given, family = pl.col("given_name"), pl.col("family_name")
    plain = names.given(given).str.extract("^([^ ]+)")
    return {
        "NHS number": lambda: nhs_number.standardise(people.lazy()).collect(),
        "names in one field": lambda: whole_names.apart(people.lazy()).collect(),
        "given names, nicknames, sounds": plan(
            plain.alias("a"), nicknames.formal(plain).alias("b"), names.sound(plain).alias("c")
        ),
        "middle names": plan(names.words(names.given(pl.col("middle_names")))),
        "family names, parts, sounds": plan(
            names.family(family).alias("a"),
            names.family_words(family).alias("b"),
            names.sound(names.family(family)).alias("c"),
            names.family(pl.col("previous_family_name")).alias("d"),
        ),
        "dates": plan(dates.standardise(pl.col("date_of_birth"))),
        "sex": plan(sex.standardise(pl.col("sex"))),
        "postcodes": plan(postcode.standardise(pl.col("postcode"))),
        "addresses": plan(address.line(pl.col("address"))),
        "UPRNs": plan(address.uprn(pl.col("uprn"))),
        "prepare.records.standardise": lambda: records.standardise(people.lazy()).collect(),
    }


def timed(work: Mapping[str, Callable[[], object]], repeat: int) -> dict[str, tuple[float, float]]:
    """Return the median seconds of each piece of work in `repeat` runs: clock, processor."""
    runs = {name: [_seconds(run) for _ in range(repeat)] for name, run in work.items()}
    return {
        name: (statistics.median(clock for clock, _ in each), statistics.median(p for _, p in each))
        for name, each in runs.items()
    }


def _seconds(run: Callable[[], object]) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - processor


def _distinct(people: pl.DataFrame) -> str:
    counts = {name: people[f"{name}_name"].n_unique() for name in ("given", "family")}
    told = ", ".join(f"{count:,} {name} names" for name, count in counts.items())
    return f"{told}, {people['address'].n_unique():,} addresses"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prepare_speed", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000, help="people of the population")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each stage")
    parser.add_argument("--cache", type=Path, default=_CACHE, help="where data are made and kept")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
