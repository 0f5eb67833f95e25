"""Compare a synthetic population with England: tables and charts of docs/synthetic.md.

    python -m benchmarks.synthetic_figures            # make, measure, write (two minutes)
    python -m benchmarks.synthetic_figures --page     # write page and charts from the results

The published figures come from a folder of open data (`--from DIR`, or the environment variable
POPHEALTH_LINK_OPEN_DATA; by default `../shared/open_data`). The results are committed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import synthetic_figures_charts as charts
from benchmarks import synthetic_figures_names as names
from benchmarks import synthetic_figures_page as page
from benchmarks import synthetic_figures_people as people
from benchmarks import synthetic_figures_records as records
from benchmarks import synthetic_figures_services as services
from benchmarks.synthetic_figures_made import Made, make, true_people
from benchmarks.synthetic_figures_places import england_sample
from benchmarks.synthetic_figures_published import Published, read
from benchmarks.synthetic_figures_tables import Table, table
from pophealth_link.reference import load
from pophealth_link.synthetic import SynthSpec

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "synthetic_figures.json"
_SEED = 20_260
_PEOPLE = 240_000
_REGION, _PRESETS = 100_000, ("easy", "hard")
# Populations more, of people alone, so that names of one year of birth are not too few.
_MORE = 3
_NAMED = ("given_name", "family_name", "date_of_birth", "sex")


# What is named as unlike: words, table, row, columns of the published and of the made, and why.
_UNLIKE = (
    ("mean household size", "household size", "mean", 1, 2, "large households are too few"),
    ("households with five people or more", "household size", "5 or more", 1, 2,
     "few extended families and large families"),
    ("households of other kinds than one person or one family", "household types", "other", 1, 2,
     "few unrelated people and extended families live together"),
    ("people of 65 and over in care homes", "other facts",
     "people of 65 and over in care homes", 1, 2,
     "whole homes are drawn, so it varies from one population to the next"),
    ("couples of two ethnic groups", "other facts",
     "couples of two of the five ethnic groups", 1, 2,
     "partners of another group are drawn from the LSOA's mix, and often come out alike"),
    ("people of 65 and over, most deprived fifth", "ages by fifth", "1 (most deprived)", 5, 6, ""),
    ("home owners, most deprived fifth", "tenure", "1 (most deprived)", 1, 1,
     "lone parents and people alone, who rent more, are many there"),
    ("severe mental illness, most to least deprived fifth", "conditions",
     "severe mental illness", 3, 4, "in part, practices against people: see above"),
    ("COPD, most to least deprived fifth", "conditions", "COPD", 3, 4, "likewise"),
    ("the ten commonest surnames", "surnames", "the 10 commonest together", 1, 2,
     "published for 1996, before much of today's diversity"),
    ("100 commonest names of boys born in 1996", "forename shares", "boys 1996", 3, 3,
     "ethnic group does not depend on age: too few born then have British names"),
    ("different names of 10,000 girls born in 2020", "forename shares", "girls 2020", 4, 4,
     "the published number is an upper bound; still, too few names are given once"),
)  # fmt: skip


def unlike(tables: dict[str, Any]) -> Table:
    """Return those figures of the other tables that differ by a twentieth or more."""
    rows = []
    for label, name, first, england, made, why in _UNLIKE:
        row = next(row for row in tables[name]["rows"] if row[0] == first)
        pair = _both(row[england]) if england == made else [row[england], row[made]]
        known, found = map(_leading, pair)
        if abs(found - known) >= 0.05 * known:
            rows.append([label, *pair, why])
    return table(["", "published", "made, England", "why"], rows)


def _both(cell: str) -> list[str]:
    """Return the two figures of a cell such as `39.0 / 34.5 %`."""
    first, second = cell.split(" / ")
    return [f"{first} %" if second.endswith("%") else first, second]


def _leading(text: str) -> float:
    found = re.match(r"[\d.,]+", text)
    return float(found[0].replace(",", "")) if found else 0.0


def measure(folder: Path, size: int = _PEOPLE) -> dict[str, Any]:
    """Make the populations and return their figures: see `figures`."""
    known, pack = read(folder), england_sample(folder)
    english = make(SynthSpec(size, _SEED), pack)
    region = make(SynthSpec(min(size, _REGION), _SEED), load(None))
    easy, hard = (make(SynthSpec(min(size, _REGION), _SEED, name), pack) for name in _PRESETS)
    more = (true_people(SynthSpec(size, _SEED + i), pack) for i in range(1, _MORE + 1))
    pool = pl.concat([each.select(_NAMED) for each in (english.all_true, *more)])
    return figures(english, region, {"easy": easy, "typical": english, "hard": hard}, pool, known)


def figures(
    english: Made, region: Made, presets: Mapping[str, Made], pool: pl.DataFrame, known: Published
) -> dict[str, Any]:
    """Return the figures: how they were made, tables in words, and the numbers of the charts.

    `pool`: the names of several populations of England together.
    """
    tables = {
        **people.tables(english, region, known),
        **names.tables(pool, known),
        **services.tables(english, region, known),
        **records.tables(presets),
    }
    return {
        "about": {
            "seed": english.spec.seed,
            "people": english.spec.people,
            "region": region.spec.people,
            "presets": presets["hard"].spec.people,
            "names": pool.height,
        },
        "tables": {**tables, "unlike": unlike(tables)},
        "charts": {
            **people.charts(english, known),
            "names": names.charts(pool, known),
            **services.charts(english, known),
            **records.charts({name: presets[name] for name in ("typical", "hard")}),
        },
    }


def write(figures: dict[str, Any]) -> None:
    """Write the marked blocks of the page and the charts."""
    page.write(figures)
    charts.write(figures["charts"])


def main(arguments: Sequence[str] | None = None) -> int:
    beside = os.environ.get("POPHEALTH_LINK_OPEN_DATA", str(ROOT.parent / "shared" / "open_data"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthetic_figures")
    parser.add_argument("--from", dest="folder", type=Path, default=Path(beside), metavar="DIR")
    parser.add_argument("--page", action="store_true", help="write from the committed results")
    given = parser.parse_args(arguments)
    if not given.page:
        if not given.folder.is_dir():
            print(
                f"The published names and census tables are not at {given.folder}: give --from DIR,"
                " or --page to write the page from the committed results.",
                file=sys.stderr,
            )
            return 2
        RESULTS.parent.mkdir(exist_ok=True)
        text = json.dumps(measure(given.folder), indent=1, ensure_ascii=False)
        RESULTS.write_text(text + "\n", encoding="utf-8")
    write(json.loads(RESULTS.read_text(encoding="utf-8")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
