"""Measure what places and social indicators are asked to reach, on open data for England.

    python -m benchmarks.places_targets                  # all parts (two minutes); writes the page
    python -m benchmarks.places_targets --parts index bexley
    python -m benchmarks.places_targets --page           # write the page from the figures

The data are a folder of open data (`--from DIR`, or the environment variable
POPHEALTH_LINK_OPEN_DATA; by default `../shared/open_data`). Figures and page are committed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import places_areas, places_page, places_practices, places_times
from benchmarks.places_figures import Target, Told

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "places.json"
PAGE = ROOT / "benchmarks" / "results" / "places.md"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the targets: its title, and what measures it."""

    title: str
    measure: Callable[[Path], Told]


def _practices(folder: Path) -> Told:
    found = places_practices.assess(places_practices.read(folder))
    shipped = next(each for each in found if each.method == places_practices.SHIPPED)
    target = Target(
        "practice IMD 2019 modelled from postcode, list size and LSOA populations: median error of "
        f"{shipped.practices:,} practices held out, points",
        round(shipped.median, 2),
        "≤ 2",
        met=shipped.median <= 2,
    )
    rows = [list(asdict(each).values()) for each in found]
    head = [
        "method", "what the fitting half chose", "median error, fitting half",
        "median error, held out", "mean error", "nine in ten within", "bias", "practices held out",
    ]  # fmt: skip
    return Told((target,), (places_page.Table(head, rows),))


PARTS: Mapping[str, Part] = {
    "summaries": Part("Summary measures of the 296 local authorities", places_areas.summaries),
    "index": Part("The index from its domains", places_areas.index),
    "bexley": Part("Registers of Bexley's primary care networks", places_areas.bexley),
    "practices": Part("Deprivation of practices", _practices),
    "speed": Part("Speed", places_times.speed),
}


def measure(folder: Path, parts: Sequence[str]) -> dict[str, Any]:
    """Return the figures of these parts, as JSON holds them."""
    return {name: PARTS[name].measure(folder).as_json() for name in parts}


def write(figures: Mapping[str, Any]) -> None:
    """Write the page of these figures."""
    titles = {name: part.title for name, part in PARTS.items()}
    PAGE.write_text(places_page.page(figures, titles), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    beside = os.environ.get("POPHEALTH_LINK_OPEN_DATA", str(ROOT.parent / "shared" / "open_data"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.places_targets")
    parser.add_argument("--from", dest="folder", type=Path, default=Path(beside), metavar="DIR")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--page", action="store_true", help="write from the committed figures")
    given = parser.parse_args(arguments)
    if not given.page and not given.folder.is_dir():
        print(f"The open data are not at {given.folder}: give --from DIR.", file=sys.stderr)
        return 2
    held = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    found = {} if given.page else measure(given.folder, given.parts)
    figures = {name: {**held, **found}[name] for name in PARTS if name in {**held, **found}}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    write(figures)
    print(places_page.verdicts(figures))
    targets = [each for part in figures.values() for each in part["targets"]]
    return 0 if all(each["met"] for each in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
