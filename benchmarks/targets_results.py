"""The results of a run: what was measured on what, every figure, and the verdicts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import accuracy_results, targets_figures, targets_form
from benchmarks.accuracy_form import by_line, compact
from benchmarks.targets_answers import Told
from benchmarks.targets_data import ALL, COUNCIL, HOLDS_NUMBERS, Made, described, scopes
from benchmarks.targets_form import DECIMALS
from benchmarks.targets_pool import Pool, pool
from benchmarks.targets_verdicts import FEWEST_ERRORS, FEWEST_SETS, Verdict, targets, verdicts
from pophealth_link.errors import DataError

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Family:
    """What is known of the data sets of a family, the figures on them, and the verdicts."""

    facts: Mapping[str, Any]
    figures: pl.DataFrame
    verdicts: Sequence[Verdict]


# As the JSON file holds them, but for the figures: a frame for each family.
Results = Mapping[str, Any]


def family(
    name: str,
    sets: Sequence[Made],
    frames: Mapping[str, Sequence[pl.DataFrame]],
    took: Mapping[str, Sequence[Told]],
    *,
    draws: int,
) -> Family:
    """Return a family's figures and verdicts from the graded answers of each system."""
    sources = described(sets)
    places = scopes(sources)
    pooled = pool(frames)
    figures = targets_figures.table(pooled, places, draws=draws)
    others = [each["name"] for each in sources if not each["register"]]
    facts = {
        "name": name,
        "data_sets": [each.name for each in sets],
        "contents": hashlib.sha256(" ".join(e.contents for e in sets).encode()).hexdigest(),
        "drawn": pooled.drawn,
        "clusters": pooled.clusters,
        "sources": sources,
        "scopes": places,
        "systems": {system: _cost(each) for system, each in took.items()},
        "groups": _groups(pooled, places),
    }
    return Family(facts, figures, verdicts(figures, targets(name, others), len(sets)))


def _cost(told: Sequence[Told]) -> dict[str, Any]:
    """Return what a system took in all, and whether the code of today gave every answer."""
    memory = [each.peak_memory_mb for each in told if each.peak_memory_mb is not None]
    return {
        "seconds": round(sum(each.seconds for each in told)),
        "peak_memory_mb": max(memory, default=None),
        "code": "current" if all(each.current for each in told) else "earlier",
    }


def _groups(pooled: Pool, places: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return linkable and, of each system as it comes, correctly linked records by ethnic group."""
    rows = []
    for scope in (each for each in (ALL, COUNCIL) if each in places):
        sources = [pooled.sources[name] for name in places[scope]]
        for place, group in enumerate(pooled.groups):
            correct = {
                system: sum(int(each.systems[system].own_correct[place].sum()) for each in sources)
                for system in sources[0].systems
            }
            linkable = sum(int(each.linkable[place].sum()) for each in sources)
            rows.append({"scope": scope, "group": group, "linkable": linkable, "correct": correct})
    return rows


def gathered(families: Sequence[Family], *, draws: int) -> Results:
    """Return the results of all families, with machine, versions and definitions."""
    return {
        "schema_version": SCHEMA_VERSION,
        "day": accuracy_results.today(),
        "machine": accuracy_results.machine(),
        "versions": accuracy_results.versions(),
        "definitions": {
            "limit": targets_figures.LIMIT,
            "limits": list(targets_figures.LIMITS),
            "fewest_linkable_in_a_gap": targets_figures.FEWEST_LINKABLE,
            "without_nhs_numbers_below": HOLDS_NUMBERS,
            "fewest_errors": FEWEST_ERRORS,
            "fewest_data_sets": FEWEST_SETS,
            "confidence": 0.95,
            "draws": draws,
        },
        "families": [each.facts for each in families],
        "verdicts": [_plain(verdict) for each in families for verdict in each.verdicts],
        "figures": {each.facts["name"]: targets_form.rounded(each.figures) for each in families},
    }


def _plain(verdict: Verdict) -> dict[str, Any]:
    told = asdict(verdict)
    target = told.pop("target")
    target["key"] = list(verdict.target.key)
    found = {**target, **told}
    return {n: round(v, DECIMALS) if isinstance(v, float) else v for n, v in found.items()}


def to_json(results: Results) -> str:
    """Return the results as JSON; a verdict, and a row of figures of all systems, is one line."""
    parts = [
        f'"{name}": {by_line(value)}'
        for name, value in results.items()
        if name not in ("families", "figures")
    ]
    parts.append(f'"families": [\n{",".join(by_line(each) for each in results["families"])}\n]')
    told = ",\n".join(
        f"{compact(each['name'])}: "
        + targets_form.written(results["figures"][each["name"]], list(each["systems"]))
        for each in results["families"]
    )
    parts.append(f'"figures": {{\n{told}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def load(path: Path) -> Results:
    """Return results written as JSON. Raises `DataError` where they are of another form."""
    if not path.is_file():
        raise DataError(f"{path.name} does not exist.", fix="run python -m benchmarks targets.")
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if told.get("schema_version") != SCHEMA_VERSION:
        raise DataError(f"{path.name} is not of form {SCHEMA_VERSION}.", fix="measure again.")
    read = {
        each["name"]: targets_form.read(told["figures"][each["name"]], list(each["systems"]))
        for each in told["families"]
    }
    return {**told, "figures": read}


def figures(results: Results, family_name: str) -> pl.DataFrame:
    """Return the figures of a family: those of `targets_figures.table`, rounded."""
    return pl.DataFrame(results["figures"][family_name])
