"""How long places take, on all of England: `python -m benchmarks.places_speed --from OPEN_DATA`.

Every live postcode of England is joined to two million people, the people are placed in all their
footprints, LSOAs are dissolved to integrated care boards, and postcodes are put into LSOAs by their
grid reference. Medians of seconds by the clock and of processor time, each beside the limit that it
is held to, if any; the load of the machine before the run is told, for other work on it makes the
clock's figures longer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pophealth_link import places

SEED = 7
# One person in so many has a postcode that nobody knows, and one none at all.
_UNKNOWN, _NONE = 50, 97


@dataclass(frozen=True, slots=True)
class Timed:
    """A piece of work with its median seconds and the limit that it is held to, if any."""

    name: str
    clock: float
    processor: float
    limit: float | None

    @property
    def met(self) -> bool:
        """Whether the clock's figure is within the limit."""
        return self.limit is None or self.clock < self.limit

    def __str__(self) -> str:
        verdict = "" if self.limit is None else f"  under {self.limit:g} s: {_YES[self.met]}"
        return f"{self.clock:8.3f} s  {self.processor:8.3f} s of processor  {self.name}{verdict}"


_YES = {True: "yes", False: "no"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the work, print a line for each; 1 if a limit is not met."""
    asked = _arguments(arguments)
    print(f"{pl.thread_pool_size()} threads, load {os.getloadavg()[0]:.1f} before the run.")
    done = [
        measure(name, run, asked.repeat, limit)
        for name, (run, limit) in work(asked.folder, asked.people).items()
    ]
    for each in done:
        print(each)
    return int(not all(each.met for each in done))


def measure(name: str, run: Callable[[], object], repeat: int, limit: float | None = None) -> Timed:
    """Return the median of `repeat` runs."""
    seconds = [_seconds(run) for _ in range(repeat)]
    clock, processor = (statistics.median(each) for each in zip(*seconds, strict=True))
    return Timed(name, clock, processor, limit)


def work(folder: Path, people: int) -> Mapping[str, tuple[Callable[[], object], float | None]]:
    """Return what is timed, by name, with its limit in seconds."""
    postcodes = _postcodes(folder)
    known = postcodes.select("postcode", "lsoa_code")
    who = drawn(known["postcode"], people)
    areas = _areas(folder)
    facts = places.locate(who, known)
    deprivation = pl.DataFrame(schema={"lsoa_code": pl.String, "imd_score": pl.Float64,
                                       "imd_rank": pl.Int64, "imd_decile": pl.Int64})  # fmt: skip
    units = places.area_footprints(areas, _no_fit())
    shapes = _shapes(folder)
    boards = areas.select(area_code="lsoa_code", group="icb_code")
    fewer = postcodes.filter(pl.int_range(pl.len()) % 10 == 0)
    return {
        f"{known.height:,} postcodes joined to {people:,} people": (
            lambda: places.locate(who, known),
            1.0,
        ),
        f"{people:,} people placed in footprints of their LSOA": (
            lambda: places.place(facts, units, areas, deprivation),
            None,
        ),
        f"{shapes.height:,} LSOAs dissolved to {boards['group'].n_unique()} ICBs": (
            lambda: places.dissolve(shapes, boards),
            12.0,
        ),
        f"{fewer.height:,} postcodes put into LSOAs by grid reference": (
            lambda: places.within(fewer, shapes),
            None,
        ),
    }


def drawn(postcodes: pl.Series, people: int) -> pl.DataFrame:
    """Return facts of so many people at postcodes drawn with replacement, some of them unknown."""
    homes = postcodes.sample(people, with_replacement=True, seed=SEED).alias("postcode")
    number = pl.int_range(pl.len())
    home = pl.when(number % _UNKNOWN == 0).then(pl.lit("ZZ1 1ZZ")).otherwise("postcode")
    return homes.to_frame().select(
        pl.format("{}", number).str.zfill(9).alias("person_id"),
        pl.when(number % _NONE != 0).then(home).alias("postcode"),
        pl.lit(value=True).alias("on_register"),
        pl.lit(value=True).alias("current"),
        pl.lit(None, pl.String).alias("practice_code"),
    )


def _postcodes(folder: Path) -> pl.DataFrame:
    held = pl.read_parquet(folder / "postcodes" / "postcodes_england.parquet")
    return held.select("easting", "northing", postcode="pcds", lsoa_code="lsoa21cd").drop_nulls()


def _areas(folder: Path) -> pl.DataFrame:
    middle = pl.read_parquet(folder / "lookups" / "lsoa21_msoa21_lad.parquet")
    boards = pl.read_parquet(folder / "lookups" / "lsoa21_sicbl24_icb24.parquet")
    return middle.select(lsoa_code="lsoa21cd", msoa_code="msoa21cd", lad_code="ladcd_active").join(
        boards.select(lsoa_code="lsoa21_code", icb_code="icb24_code", icb_name="icb24_name"),
        on="lsoa_code",
    )


def _shapes(folder: Path) -> pl.DataFrame:
    held = pl.read_parquet(folder / "boundaries" / "lsoa21_england.parquet")
    return held.select("geometry", area_code="lsoa21cd")


def _no_fit() -> pl.DataFrame:
    names = ("lsoa_code", "footprint_type", "footprint_code", "footprint_name")
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String))


def _seconds(run: Callable[[], object]) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - processor


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.places_speed", description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, required=True, metavar="DIR")
    parser.add_argument("--people", type=int, default=2_000_000, help="people to be joined")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each piece of work")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
