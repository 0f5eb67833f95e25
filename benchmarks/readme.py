"""Put the benchmark's figures into the pages that show them, from the committed results.

python -m benchmarks readme           # rewrite the marked blocks
python -m benchmarks readme --check   # fail where one differs
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import accuracy_tables as tables
from benchmarks.accuracy import RESULTS
from benchmarks.accuracy_results import Results, load
from pophealth_link.errors import DataError

ROOT = Path(__file__).parents[1]
BEGIN = "<!-- accuracy: begin. Written by python -m benchmarks readme -->"
END = "<!-- accuracy: end -->"
_BLOCK = re.compile(re.escape(BEGIN) + r"\n.*?" + re.escape(END), re.S)


def short(results: Results) -> str:
    """Return the figures of the first data set, and recall on all of them, for the README."""
    first = results.facts["data_sets"][0]
    parts = (
        f"Data set `{first['name']}`: {first['description']}. "
        + tables.comparison(results, first["name"]),
        tables.across(results),
        tables.meaning(results),
    )
    return "\n\n".join(parts)


def full(results: Results) -> str:
    """Return the comparison of the systems on every data set, and the charts of the first."""
    parts = [tables.provenance(results), tables.meaning(results), tables.across(results)]
    for data_set in results.facts["data_sets"]:
        name = data_set["name"]
        head = tables.sentence(data_set["description"])
        parts += [f"### {name}", f"{head} {tables.comparison(results, name)}"]
    first = results.facts["data_sets"][0]["name"]
    for kind, words in (
        ("source", "by source"),
        (tables.ETHNIC, "by ethnic group, over the sources without NHS numbers"),
    ):
        chart = f"benchmarks/results/charts/{first}-{kind}.svg"
        if (ROOT / chart).is_file():
            parts.append(f"![Recall against false links on {first}, {words}](../{chart})")
    return "\n\n".join([*parts, tables.not_run(results)]).strip()


PAGES: Mapping[str, Callable[[Results], str]] = {"README.md": short, "docs/benchmarks.md": full}


def with_block(page: str, block: str, name: str) -> str:
    """Return a page with what stands between the marks replaced.

    Raises `DataError` unless the page has the two marks once.
    """
    if len(_BLOCK.findall(page)) != 1:
        raise DataError(
            f"{name} does not have the marks of the block once.", fix=f"write {BEGIN} and {END}."
        )
    return _BLOCK.sub(lambda _: f"{BEGIN}\n{block}\n{END}", page)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the blocks, or with `--check` name the pages that differ from the results."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks readme",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    results = load(RESULTS / "accuracy.json")
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}
    wanted = {name: with_block(pages[name], PAGES[name](results), name) for name in PAGES}
    differ = [name for name in PAGES if wanted[name] != pages[name]]
    if not check:
        for name in differ:
            (ROOT / name).write_text(wanted[name], encoding="utf-8")
    if differ:
        print(f"{'differs from' if check else 'written from'} the results: {', '.join(differ)}")
    return 1 if differ and check else 0
