"""A hundred million condition events to PCN, indicator and stratum, beside hand-written Polars.

`python -m benchmarks.need_scale --events 100000000 --people 2000000 --folder DIR` makes people and
events in chunks (Parquet, in no order), counts them with the library and with `need_scale_plain`,
each in a process of its own, checks that both give the same counts, and prints seconds, peak memory
and the ratio; 1 where the library takes more than 1.5 times as long or over 8 GB. What is in the
folder already is used again; `--out benchmarks/results` keeps the figures.

Not the whole catalogue is counted: the indicators of people with one recorded condition, which an
analyst would write by hand (`listed`). None that combines others (`parts`, `among`: overlaps,
comorbidity, social context), is of people of unknown age, or of other events, days or areas is in
the figures. Assumed: that a person has `events/people` events, that the conditions are as frequent
as `WEIGHTS` say, and that a person's own ones come back, as in real records.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import need_scale_plain, processes
from pophealth_link import need
from pophealth_link.indicators import catalogue
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.need import BaselineInputs
from pophealth_link.places.units import REASONS
from pophealth_link.schema import TABLES
from pophealth_link.schema.codes import AGE_BAND_STARTS, CONDITION

AS_OF, PERIOD = date(2026, 4, 1), (date(2025, 4, 1), date(2026, 3, 31))
FIRST_DAY, LAST_DAY = date(1996, 1, 1), date(2026, 6, 30)
CHUNK = 5_000_000
SEED = 7
PRACTICES, PCNS, LSOAS = 240, 45, 1_200
# Assumed: how often each condition is written down; the rest as often as the rarest of these.
WEIGHTS = {"chronic_pain": 20, "diabetes": 18, "cardiovascular": 16, "depression": 14,
           "anxiety": 12, "cancer": 6, "copd": 6, "depression_resolved": 3}  # fmt: skip
# Assumed: conditions that a person's records are about.
OWN = 4
RATIO_LIMIT, MEMORY_LIMIT = 1.5, 8e9
SYSTEMS = ("library", "plain")
TIME_LIMIT = 3_600.0
COUNTS = ("numerator", "denominator")
CELL = ("footprint_type", "footprint_code", "indicator", "stratum")
# Seconds by the clock, seconds of processor and most bytes held of each run, by system.
Taken = Mapping[str, Sequence[tuple[float, float, int]]]
_MET = {True: "met", False: "not met"}
_SAME = {True: "equal", False: "NOT EQUAL"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, count twice, compare and print; 1 where a limit is not met or the counts differ."""
    asked = _arguments(arguments)
    if asked.system:
        return _one(asked.system, asked.folder)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="need-scale-"))
    make(folder, asked.events, asked.people)
    threads, load = pl.thread_pool_size(), os.getloadavg()[0]
    print(
        f"{asked.events:,} events of {asked.people:,} people; {threads} threads, load {load:.1f}."
    )
    taken = {name: [_run(name, folder) for _ in range(asked.repeat)] for name in SYSTEMS}
    about = {"events": asked.events, "people": asked.people, "threads": threads, "load": load}
    return tell(taken, about, folder, asked.out)


def scope() -> dict[str, int]:
    """Return of how many indicators the counts are, of how many; and how many combine others."""
    held = catalogue()
    combined = sum(bool(each.parts or each.among) for each in held.at("person"))
    return {"indicators": len(listed()), "of": len(held), "combined": combined}


def tell(taken: Taken, about: Mapping[str, float], folder: Path, out: Path | None) -> int:
    """Print the figures, keep them in `out` if given; 1 where a limit is not met or counts differ.

    `taken`: seconds by the clock, of processor and most bytes held of each run, by system; the
    counts of both systems are in `folder`.
    """
    found = figures(taken, folder) | {"scope": scope(), **about}
    for name, each in found["systems"].items():
        print(f"{each['seconds']:8.1f} s  {each['processor']:8.1f} s of processor"
              f"  {each['peak_memory'] / 1e9:6.2f} GB at most  {name}")  # fmt: skip
    limits = f"at most {RATIO_LIMIT:g}, under {MEMORY_LIMIT / 1e9:g} GB: {_MET[found['met']]}"
    print(f"ratio {found['ratio']:.2f} ({found['ratio_of_processor']:.2f} of processor), {limits}; "
          f"the counts are {_SAME[found['equal']]}")  # fmt: skip
    told = found["scope"]
    print(f"{told['indicators']} of {told['of']} indicators: people with one recorded condition; "
          f"none of the {told['combined']} that combine others")  # fmt: skip
    if out is not None:
        text = json.dumps(found, indent=2, sort_keys=True) + "\n"
        (out / "need_scale.json").write_text(text, encoding="utf-8")
    return int(not (found["met"] and found["equal"]))


def figures(taken: Taken, folder: Path) -> dict[str, Any]:
    """Return medians of seconds, most memory, ratios, and whether limits are met, counts equal."""
    systems = {
        name: {
            "seconds": statistics.median(each[0] for each in runs),
            "processor": statistics.median(each[1] for each in runs),
            "peak_memory": max(each[2] for each in runs),
        }
        for name, runs in taken.items()
    }
    library, plain = (systems[name] for name in SYSTEMS)
    ratio = library["seconds"] / plain["seconds"]
    counts = [pl.read_parquet(folder / f"{name}.parquet") for name in SYSTEMS]
    return {
        "systems": systems,
        "ratio": ratio,
        "ratio_of_processor": library["processor"] / plain["processor"],
        "met": ratio <= RATIO_LIMIT and library["peak_memory"] < MEMORY_LIMIT,
        "equal": counts[0].equals(counts[1]),
    }


def make(folder: Path, events: int, people: int) -> None:
    """Write people, and events in chunks, unless the folder holds as many already."""
    about = folder / "about.json"
    wanted = {"events": events, "people": people, "seed": SEED}
    if about.is_file() and json.loads(about.read_text(encoding="utf-8")) == wanted:
        return
    (folder / "events").mkdir(parents=True, exist_ok=True)
    ids = person_ids(people)
    persons(ids).write_parquet(folder / "people.parquet")
    for number, begin in enumerate(range(0, events, CHUNK)):
        rows = conditions(ids, min(CHUNK, events - begin), number)
        rows.write_parquet(folder / "events" / f"part-{number:03}.parquet")
    about.write_text(json.dumps(wanted), encoding="utf-8")


def person_ids(people: int) -> pl.Series:
    """Return so many ids, as long as the keyed hashes of a run: 64 hexadecimal digits."""
    drawn = np.random.default_rng(SEED).bytes(32 * people).hex()
    return pl.Series([drawn[i : i + 64] for i in range(0, len(drawn), 64)])


def persons(ids: pl.Series) -> pl.DataFrame:
    """Return PEOPLE_PLACED for the ids: practices, LSOAs, ages, sexes, ethnic groups, fifths."""
    drawn, size = np.random.default_rng(SEED + 1), len(ids)

    def some(values: Sequence[str]) -> pl.Series:
        return pl.Series(values).gather(drawn.integers(0, len(values), size))

    lsoa = drawn.integers(0, LSOAS, size)
    homes = pl.Series([f"E{n:08}" for n in range(LSOAS)]).gather(lsoa)
    current = drawn.random(size) < 0.96
    return pl.DataFrame(
        {
            "person_id": ids,
            "on_register": True,
            "current": current,
            "age_band": some([*AGE_BAND_STARTS]),
            "sex": some(["1", "2", "9"]),
            "ethnic_group": some(["white", "white", "white", "asian", "black", "mixed", "unknown"]),
            "person_years": np.where(current, 1.0, 0.0),
            "registered_unit": some([f"P{n:05}" for n in range(PRACTICES)]),
            "resident_unit": homes,
            "lsoa_code": homes,
            "quintile": 1 + lsoa * 5 // LSOAS,
        }
    )


def conditions(ids: pl.Series, rows: int, number: int) -> pl.DataFrame:
    """Return so many condition events of people drawn at random, the chunk of that number."""
    drawn = np.random.default_rng([SEED, number])
    who = drawn.integers(0, len(ids), rows)
    names = [*CONDITION.codes]
    weights = np.array([WEIGHTS.get(name, 1) for name in names], float)
    listed = np.random.default_rng(SEED + 2).choice(len(names), 100_003, p=weights / weights.sum())
    # A person's few conditions are taken from the list by the person's number.
    which = listed[(who * 31 + drawn.integers(0, OWN, rows)) % len(listed)]
    span = (LAST_DAY - FIRST_DAY).days
    day = drawn.integers(0, span, rows)
    resolved = drawn.random(rows) < 0.03
    first = pl.lit(FIRST_DAY)
    return pl.DataFrame(
        {"person_id": ids.gather(who), "source": "gp_register", "setting": "primary_care",
         "condition": pl.Series(names).gather(which), "day": day,
         "later": day + drawn.integers(1, 3_000, rows), "resolved": resolved}
    ).select(
        "person_id", "source", "setting", "condition",
        recorded_date=(first + pl.duration(days="day")).cast(pl.Date),
        resolved_date=pl.when("resolved").then((first + pl.duration(days="later")).cast(pl.Date)),
    )  # fmt: skip


def listed() -> Catalogue:
    """Return the indicators of the catalogue that are about condition events and nothing else."""
    return Catalogue(
        {
            each.id: each
            for each in catalogue().at("person")
            if each.counted == "people"
            and not (each.parts or each.among or each.unknown_ages)
            and all(rule.table == "condition_events" for rule in each.events)
        }
    )


def footprints() -> pl.DataFrame:
    """Return UNIT_FOOTPRINTS: each practice in one PCN and in the whole area."""
    units = [f"P{n:05}" for n in range(PRACTICES)]
    rows = [(unit, "pcn", f"U{n % PCNS:05}") for n, unit in enumerate(units)]
    rows += [(unit, "whole", "whole") for unit in units]
    rows += [(why, kind, why) for why in REASONS["registered"] for kind in ("pcn", "whole")]
    return pl.DataFrame(
        [("registered", unit, kind, code, code, 1.0) for unit, kind, code in rows],
        schema=TABLES["unit_footprints"].polars_schema,
        orient="row",
    )


def library(folder: Path) -> pl.DataFrame:
    """Return footprint, indicator, stratum, numerator and denominator by the library."""
    inputs = BaselineInputs(
        people=pl.scan_parquet(folder / "people.parquet"),
        events={"condition_events": pl.scan_parquet(folder / "events" / "*.parquet")},
        dwellings=None,
        areas=TABLES["areas"].empty(),
        deprivation=TABLES["deprivation"].empty(),
        measures=TABLES["area_measures"].empty(),
        unit_footprints=footprints(),
        as_of=AS_OF,
        period=PERIOD,
        n_areas=33_755,
    )
    return need.count(inputs, indicators=listed())


def _one(system: str, folder: Path) -> int:
    """Count with one system in this process; write counts and seconds."""
    begun, worked = time.perf_counter(), time.process_time()
    counts = library(folder) if system == "library" else need_scale_plain.count(
        folder, footprints(), listed(), AS_OF, PERIOD
    )  # fmt: skip
    took = {"seconds": time.perf_counter() - begun, "processor": time.process_time() - worked}
    some = counts.filter(pl.col("denominator") > 0).select(*CELL, *COUNTS).sort(CELL)
    some.with_columns(pl.col(name).cast(pl.Float64).round(3) for name in COUNTS).write_parquet(
        folder / f"{system}.parquet"
    )
    (folder / f"{system}.json").write_text(json.dumps(took), encoding="utf-8")
    return 0


def _run(system: str, folder: Path) -> tuple[float, float, int]:
    """Return the seconds by clock and of processor, and the most memory that a process held."""
    log = folder / f"{system}.log"
    words = ["-m", "benchmarks.need_scale", "--system", system, "--folder", str(folder)]
    ran = processes.run(words, log, time_limit=TIME_LIMIT)
    if ran.reason or ran.peak_memory is None:
        sys.exit(f"{system}: {ran.reason}; see {log}")
    told = json.loads((folder / f"{system}.json").read_text(encoding="utf-8"))
    return told["seconds"], told["processor"], ran.peak_memory


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.need_scale", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--people", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each system")
    parser.add_argument("--folder", type=Path, help="where data are made; left out: a new one")
    parser.add_argument("--out", type=Path, help="folder in which need_scale.json keeps figures")
    parser.add_argument("--system", choices=SYSTEMS, help="count once, in this process")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
