"""How long the limits from linkage take for an area of a given size.

    python -m benchmarks.coverage_cost [--people N] [--out benchmarks/results]

A population of 20,000, linked as a run links it, stands there as many times as it takes, each time
as people, records, units and links of its own in the same local authorities and integrated care
board; primary care networks are as large as they are in England. So what is timed is what the
limits add to a run: drawing the links where the identifiers are, counting the draws, and the rules
that combine them, for the whole catalogue.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from benchmarks.coverage_worlds import Replicate, replicate, settings
from pophealth_link import need
from pophealth_link.evaluate.imputed import imputed_links
from pophealth_link.indicators.catalogue import catalogue
from pophealth_link.link import Links
from pophealth_link.need import BaselineInputs
from pophealth_link.need.linkage_counts import changes
from pophealth_link.need.linkage_draws import Redraw
from pophealth_link.need.linkage_limits import with_limits
from pophealth_link.synthetic.truth import project_key

PEOPLE, UNIT, SEED = 2_000_000, 20_000, 9
# People of a primary care network, about as many as the average in England.
_NETWORK = 50_000
_IDS = ("person_id", "record_id", "registered_unit", "resident_unit", "lsoa_code", "msoa_code")
_ROWS = ("rid", "rid_l", "rid_r")
_NAMES = ("family", "family_name", "home", "postcode", "uprn", "nhs_number", "address")
Made = TypeVar("Made")


def copies(frame: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return the rows so many times, with ids and units of their own each time."""
    names = [name for name in _IDS if name in frame.columns]
    return pl.concat(
        [
            frame.with_columns(pl.format("{}#{}", name, pl.lit(at)).alias(name) for name in names)
            for at in range(count)
        ]
    )


def area(one: Replicate, count: int) -> tuple[BaselineInputs, Redraw]:
    """Return what the second half of a run counts, of so many copies of the people."""
    many = {name: copies(pl.DataFrame(frame), count) for name, frame in one.inputs.events.items()}
    people, mapping = one.inputs.people, one.inputs.unit_footprints
    inputs = dataclasses.replace(
        one.inputs,
        people=copies(people, count),  # type: ignore[arg-type]
        events=many,
        dwellings=None,
        unit_footprints=_mapping(mapping, count),  # type: ignore[arg-type]
    )
    redraw = dataclasses.replace(
        one.redraw,
        links=copies(one.redraw.links, count),
        index=copies(one.redraw.index, count),
        alone=copies(one.redraw.alone, count),
        loose={name: copies(frame, count) for name, frame in one.redraw.loose.items()},
    )
    return inputs, redraw


def _mapping(mapping: pl.DataFrame, count: int) -> pl.DataFrame:
    """Return the footprints of the copies: small ones shared by as many as make their size."""
    small = pl.col("footprint_type") == "pcn"
    held = mapping.filter(small)["footprint_code"].n_unique()
    together = max(1, _NETWORK * held // UNIT)
    parts = []
    for at in range(count):
        named = [
            pl.when(small)
            .then(pl.format("{}#{}", name, pl.lit(at // together)))
            .otherwise(name)
            .alias(name)
            for name in ("footprint_code", "footprint_name")
        ]
        unit = pl.format("{}#{}", "unit", pl.lit(at)).alias("unit")
        parts.append(mapping.with_columns(unit, *named))
    return pl.concat([*parts, mapping])


def linkage(links: Links, count: int) -> Links:
    """Return so many copies of a linkage, whose names and places are each time their own."""
    step = int(links.records["rid"].max() or 0) + 1  # type: ignore[arg-type]
    made: dict[str, Any] = {}
    for each in dataclasses.fields(links):
        value = getattr(links, each.name)
        if isinstance(value, pl.DataFrame):
            made[each.name] = pl.concat([_apart(value, at, step) for at in range(count)])
    return dataclasses.replace(links, **made)


def _apart(frame: pl.DataFrame, at: int, step: int) -> pl.DataFrame:
    texts = [n for n in frame.columns if frame.schema[n] == pl.String and _own(n)]
    rows = [name for name in _ROWS if name in frame.columns]
    return frame.with_columns(
        *(pl.format("{}#{}", name, pl.lit(at)).alias(name) for name in texts),
        *((pl.col(name) + at * step).cast(frame.schema[name]) for name in rows),
    )


def _own(name: str) -> bool:
    return name in _IDS or name.startswith("record_id") or name in _NAMES


def timed(work: Callable[[], Made]) -> tuple[Made, dict[str, float]]:
    """Return what the work gives, and its seconds by the clock and of processor."""
    clock, used = time.perf_counter(), time.process_time()
    made = work()
    told = {"seconds": time.perf_counter() - clock, "processor": time.process_time() - used}
    return made, {name: round(value, 1) for name, value in told.items()}


def measured(people: int) -> dict[str, Any]:
    """Return the sizes, and the time of each step."""
    listed, count = catalogue(), max(1, people // UNIT)
    with tempfile.TemporaryDirectory() as folder:
        one = replicate(UNIT, SEED, "as generated", settings(Path(folder)))
    many, key = linkage(one.links, count), project_key(SEED)
    drawn, drawing = timed(lambda: imputed_links(many, seed=SEED, key=key))
    inputs, redraw = area(one, count)
    counts, counting = timed(lambda: need.count(inputs, indicators=listed))
    changed, counted = timed(lambda: changes(inputs, redraw, seed=SEED, indicators=listed))
    _, combining = timed(
        lambda: with_limits(counts, changed, imputations=redraw.imputations, indicators=listed)
    )
    sources = one.redraw.index["source"].value_counts(sort=False).sort("source").iter_rows()
    return {
        "people": UNIT * count,
        "records": {name: rows * count for name, rows in sources},
        "indicators": len(listed),
        "draws": redraw.imputations,
        "records moved": redraw.links.height,
        "links drawn": drawn.links.height,
        "cells": counts.height,
        "processors": os.cpu_count(),
        "steps": {
            "the baseline's own count": counting,
            "drawing the links": drawing,
            "counting the draws": counted,
            "combining the draws": combining,
        },
    }


def page(told: dict[str, Any]) -> str:
    """Return the results as a page."""
    records = ", ".join(f"{name} {rows:,}" for name, rows in told["records"].items())
    own = [each for name, each in told["steps"].items() if not name.startswith("the baseline")]
    rows = [
        f"| {name} | {each['seconds']:,} | {each['processor']:,} |"
        for name, each in told["steps"].items()
    ]
    whole = {name: sum(each[name] for each in own) for name in ("seconds", "processor")}
    return "\n".join(
        [
            "# Cost of the limits from linkage",
            "",
            f"{told['people']:,} people; records: {records}; {told['indicators']} indicators, "
            f"{told['cells']:,} cells; {told['draws']} draws, in which {told['records moved']:,} "
            f"records move. {told['processors']} processors, shared with other work. "
            "Made with `python -m benchmarks.coverage_cost`.",
            "",
            "| step | seconds by the clock | seconds of processor |",
            "| --- | --- | --- |",
            *rows,
            f"| the limits together | {whole['seconds']:,.1f} | {whole['processor']:,.1f} |",
            "",
        ]
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    told = measured(asked.people)
    print(page(told))
    if asked.out is not None:
        text = json.dumps(told, indent=2, sort_keys=True) + "\n"
        (asked.out / "coverage_cost.json").write_text(text, encoding="utf-8")
        (asked.out / "coverage_cost.md").write_text(page(told), encoding="utf-8")


if __name__ == "__main__":
    main()
