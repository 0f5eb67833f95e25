"""The results of a run: figures as tables, and what machine, versions and data they come from."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import accuracy_form
from benchmarks import accuracy_scores as scores
from benchmarks.accuracy_form import by_line
from pophealth_link.errors import DataError
from pophealth_link.link import People

SCHEMA_VERSION = 2
_PACKAGES = (
    "pophealth-link", "polars", "duckdb", "splink", "numpy", "scipy", "pandas", "recordlinkage",
    "scikit-learn",
)  # fmt: skip
_WHERE = {"data_set": pl.String, "system": pl.String, "scope": pl.String}
_GROUP = {"dimension": pl.String, "group": pl.String}
_RATES = {
    "linkable": pl.Int64, "correct": pl.Int64, "recall": pl.Float64, "recall_lower": pl.Float64,
    "recall_upper": pl.Float64, "linked": pl.Int64, "false": pl.Int64, "false_links": pl.Float64,
    "false_links_lower": pl.Float64, "false_links_upper": pl.Float64,
}  # fmt: skip
_ENDS = {
    "groups": pl.Int64, "best": pl.String, "best_recall": pl.Float64, "worst": pl.String,
    "worst_recall": pl.Float64, "gap": pl.Float64,
}  # fmt: skip
# Every table of the results, in columns. `curves.recall` holds the recall at each limit in turn.
TABLES: Mapping[str, Mapping[str, Any]] = {
    "runs": {
        "data_set": pl.String, "system": pl.String, "status": pl.String, "reason": pl.String,
        "seconds": pl.Float64, "peak_memory_mb": pl.Int64,
    },
    "operating": {**_WHERE, **_GROUP, **_RATES},
    "within_limit": {**_WHERE, **_GROUP, **_RATES},
    "curves": {**_WHERE, **_GROUP, "recall": pl.List(pl.Float64)},
    "gaps": {**_WHERE, "point": pl.String, "dimension": pl.String, **_ENDS},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Results:
    """`facts` tell what was run on what; `tables` hold the figures, by the names of `TABLES`."""

    facts: Mapping[str, Any]
    tables: Mapping[str, pl.DataFrame]

    def of(self, table: str, **where: str) -> pl.DataFrame:
        """Return the rows of a table where the named columns have these values."""
        return self.tables[table].filter(pl.col(n) == value for n, value in where.items())


def definitions() -> dict[str, Any]:
    """Return the settings that decide what the figures mean."""
    return {
        "limits": list(scores.LIMITS),
        "compared_at": scores.COMPARED_AT,
        "fewest_linkable_in_a_gap": scores.FEWEST_LINKABLE,
        "without_nhs_numbers_below": scores.HOLDS_NUMBERS,
        "confidence": 0.95,
    }


def machine() -> dict[str, Any]:
    """Return what the figures of time and memory depend on; no name of a machine or a person."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": _memory(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the systems use."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def today() -> str:
    return datetime.now(tz=UTC).date().isoformat()


def data_facts(people: Sequence[People], truth: pl.DataFrame) -> dict[str, Any]:
    """Return counts by source, the truth's columns, and a hash of all that systems read."""
    register = next(each.source for each in people if each.register)
    on_register = truth.filter(pl.col("source") == register)["person_id"].implode()
    linkable = dict(
        truth.filter(pl.col("person_id").is_in(on_register)).group_by("source").len().iter_rows()
    )
    return {
        "sources": [
            {
                "name": each.source,
                "setting": each.setting,
                "register": each.register,
                "unique_people": each.unique_people,
                "records": each.frame.height,
                "linkable": None if each.register else linkable.get(each.source, 0),
                "share_with_number": round(scores.share_with_number(each), 4),
            }
            for each in people
        ],
        "truth_columns": [name for name in truth.columns if name not in (*scores.KEY, "person_id")],
        "sha256": _hash(people, truth),
    }


def _hash(people: Sequence[People], truth: pl.DataFrame) -> str:
    """Return a hash of the contents, whatever files they were read from.

    A contract column that a source does not fill is no content: the contract may grow.
    """
    digest = hashlib.sha256()
    frames = [(each.source, each.frame) for each in people]
    frames += [
        (f"{each.source} aliases", each.aliases) for each in people if each.aliases is not None
    ]
    for name, frame in [*frames, ("truth", truth.sort(scores.KEY))]:
        digest.update(name.encode())
        held = [each for each in frame.columns if frame[each].null_count() < frame.height]
        digest.update(frame.select(sorted(held)).write_csv().encode())
    return digest.hexdigest()


def scored(
    data_set: str,
    system: str,
    answer: pl.DataFrame,
    truth: pl.DataFrame,
    people: Sequence[People],
    *,
    by: Sequence[str],
    further: Sequence[str] = (),
) -> dict[str, pl.DataFrame]:
    """Return the rows that one answer adds to the tables of figures."""
    scores.check_answer(answer, people)
    operating = scores.operating(answer, truth, people, by=by, further=further)
    records = scores.graded(answer, truth, people, by=by)
    places = scores.scopes(people)
    swept = scores.at_limits(records, places, scores.LIMITS, by=by)
    within = swept.filter(pl.col("limit") == scores.COMPARED_AT)
    main = scores.main_scope(list(places))
    told = swept.filter((pl.col("dimension") == "all") | (pl.col("scope") == main))
    keys = ["scope", "dimension", "group"]
    curves = told.group_by(keys, maintain_order=True).agg(pl.col("recall").sort_by("limit"))
    found = {
        "operating": operating,
        "within_limit": within,
        "curves": curves,
        "gaps": accuracy_form.gaps(operating, within, scores.FEWEST_LINKABLE),
    }
    names = {"data_set": pl.lit(data_set), "system": pl.lit(system)}
    return {table: rows.with_columns(**names) for table, rows in found.items()}


def gathered(facts: Mapping[str, Any], parts: Iterable[Mapping[str, pl.DataFrame]]) -> Results:
    """Return the results made of many parts, each with rows of some tables, in their order."""
    rows: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    for part in parts:
        for table, frame in part.items():
            rows[table].append(_typed(frame, table))
    empty = {name: pl.DataFrame(schema=dict(columns)) for name, columns in TABLES.items()}
    return Results(facts, {name: pl.concat([empty[name], *rows[name]]) for name in TABLES})


def _typed(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in TABLES[table].items())


def to_json(results: Results) -> str:
    """Return the results as JSON: facts by name, then the tables of `accuracy_form`."""
    facts = sorted(results.facts.items())
    parts = [f'"{name}": {by_line(value)}' for name, value in facts]
    parts += accuracy_form.written(results.tables, _systems(results.facts))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _systems(facts: Mapping[str, Any]) -> list[str]:
    return [each["name"] for each in facts["systems"]]


def load(path: Path) -> Results:
    """Return results written as JSON. Raises `DataError` where they are of another form."""
    if not path.is_file():
        raise DataError(f"{path.name} does not exist.", fix="run python -m benchmarks accuracy.")
    told = json.loads(path.read_text(encoding="utf-8"))
    if told.get("schema_version") != SCHEMA_VERSION:
        raise DataError(
            f"{path.name} is not of form {SCHEMA_VERSION}.", fix="run the benchmark again."
        )
    held = {name: told.pop(name) for name in accuracy_form.LAYOUTS}
    fewest = told["definitions"]["fewest_linkable_in_a_gap"]
    return Results(told, accuracy_form.read(held, _systems(told), TABLES, fewest))
