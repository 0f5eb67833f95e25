"""The committed baseline: accuracy on a small case, against which a test holds later versions.

python -m benchmarks baseline           # after a change that was meant to change accuracy
python -m benchmarks baseline --check   # does accuracy still reach the baseline?
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import accuracy, datasets, systems
from benchmarks.accuracy import DONE, Plan
from benchmarks.accuracy_results import Results

PATH = accuracy.RESULTS / "baseline.json"
# Those that need no optional package.
SYSTEMS = ("pophealth_link", "deterministic_only", "nhs_number_only")
# By how much a share may be worse than the baseline. The same data and the same code give the same
# links; what is allowed for is the odd pair that another version of a library weighs otherwise.
TOLERANCE = 0.002
_COUNTS = ("linkable", "correct", "linked", "false")


def of(results: Results) -> dict[str, Any]:
    """Return what the baseline holds of a run on the small case: counts by system and scope."""
    data_set = results.facts["data_sets"][0]
    rows = results.of("operating", dimension="all").iter_rows(named=True)
    counts: dict[str, dict[str, Any]] = {name: {} for name in SYSTEMS}
    for row in rows:
        counts[row["system"]][row["scope"]] = {name: row[name] for name in _COUNTS}
    return {"data_set": data_set["name"], "sha256": data_set.get("sha256"), "systems": counts}


def shortfalls(
    baseline: Mapping[str, Any], found: Mapping[str, Any], tolerance: float = TOLERANCE
) -> list[str]:
    """Return what is worse than the baseline: lower recall or more false links, in any scope.

    A share may be worse by `tolerance`, or by one record where that is more.
    """
    if baseline["sha256"] != found["sha256"]:
        return [
            f"the contents of {baseline['data_set']} are not those of the baseline: "
            "the generator was changed. Run python -m benchmarks baseline and look at the change."
        ]
    told = []
    for system, scopes in baseline["systems"].items():
        for scope, before in scopes.items():
            after = found["systems"].get(system, {}).get(scope)
            if after is None:
                told.append(f"{system}: {scope}: not measured")
            else:
                told += [f"{system}: {scope}: {each}" for each in _worse(before, after, tolerance)]
    return told


def _worse(before: Mapping[str, int], after: Mapping[str, int], tolerance: float) -> list[str]:
    told = []
    lost = _share(before, "correct", "linkable") - _share(after, "correct", "linkable")
    if lost > max(tolerance, _one(after["linkable"])) + 1e-9:
        told.append(f"recall fell by {lost:.4f}")
    gained = _share(after, "false", "linked") - _share(before, "false", "linked")
    if gained > max(tolerance, _one(after["linked"])) + 1e-9:
        told.append(f"false links rose by {gained:.4f}")
    return told


def _share(counts: Mapping[str, int], part: str, whole: str) -> float:
    return counts[part] / counts[whole] if counts[whole] else 0.0


def _one(whole: int) -> float:
    return 1 / whole if whole else 0.0


def read() -> dict[str, Any]:
    return dict(json.loads(PATH.read_text(encoding="utf-8")))


def measured(cache: Path) -> Results:
    """Run the small case."""
    chosen = tuple(systems.find(name) for name in SYSTEMS)
    with accuracy.work_folder(None) as work:
        plan = Plan((datasets.find(datasets.SMALL),), chosen, (), cache, work)
        return accuracy.measure(plan, accuracy.say)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the baseline, or with `--check` tell where accuracy falls short of it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks baseline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--cache", type=Path, default=accuracy.CACHE, metavar="DIR")
    given = parser.parse_args(arguments)
    results = measured(given.cache)
    if results.of("runs", status=DONE).height < len(SYSTEMS):
        print("the small case could not be measured.", file=sys.stderr)
        return 1
    found = of(results)
    if given.check:
        told = shortfalls(read(), found)
        print("\n".join(told) or "accuracy reaches the baseline.")
        return 1 if told else 0
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(PATH)
    return 0
