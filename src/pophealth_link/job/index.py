"""The folder `linked/` as the second half of a run reads it: checked before anything is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import evaluate
from pophealth_link.errors import LinkageError
from pophealth_link.folders import shown
from pophealth_link.job import manifest
from pophealth_link.job.model import Job
from pophealth_link.schema import Table
from pophealth_link.schema.outputs import (
    IMPUTED_FACTS,
    IMPUTED_LINKS,
    PERSON_FACTS,
    PERSON_INDEX,
    PROPERTY_FACTS,
)

CARD_FACTS = "linkage_facts.json"
# What `linkage_facts.json` says of the job that it was made for.
_STAMP: Mapping[str, type] = {"as_of": str, "period": list, "properties": list}
# Without these there are no limits from linkage, and nothing else is missing.
_DRAWN = (IMPUTED_LINKS, IMPUTED_FACTS)
_FIX = "name the folder `linked` of a run, or run `pophealth-link link` first."


@dataclass(frozen=True, slots=True)
class Index:
    """What the first half left. `exact` (counts of the linkage) is null where it was kept back.

    So are `imputed` and `imputed_facts` (draws of the links, and whom they make).
    """

    people: pl.DataFrame = field(repr=False)
    facts: pl.DataFrame = field(repr=False)
    dwellings: pl.DataFrame | None = field(repr=False)
    exact: Mapping[str, Any] | None = field(repr=False)
    imputed: pl.DataFrame | None = field(default=None, repr=False)
    imputed_facts: pl.DataFrame | None = field(default=None, repr=False)


def files(job: Job, linked: Path) -> list[Path]:
    """Return the files of `linked` that `read` reads, those that are there."""
    tables = [PERSON_INDEX, PERSON_FACTS, *_DRAWN]
    tables += [PROPERTY_FACTS] if job.properties else []
    named = [linked / f"{table.name}.parquet" for table in tables]
    return [path for path in (*named, linked / CARD_FACTS) if path.exists()]


def stamp(job: Job) -> dict[str, Any]:
    """Return what a linkage says of the job that it was made for, in `linkage_facts.json`."""
    return {
        "as_of": job.spec.as_of.isoformat(),
        "period": [day.isoformat() for day in job.spec.reporting_period],
        "properties": sorted(each.name for each in job.properties),
    }


def read(job: Job, linked: Path) -> Index:
    """Return what the folder `linked` holds of the job's people.

    Raises `LinkageError` where a file is absent, damaged or lacks a column, or where the linkage
    was made for another day, another period or other sources.
    """
    people = _table(linked, PERSON_INDEX).select(PERSON_INDEX.names)
    facts = _table(linked, PERSON_FACTS)
    dwellings = _table(linked, PROPERTY_FACTS) if job.properties else None
    exact = _exact(linked / CARD_FACTS)
    _require_same_days(job, exact)
    _require_known(job, people, dwellings, exact)
    return Index(people, facts, dwellings, exact, *_draws(linked))


def _draws(linked: Path) -> list[pl.DataFrame | None]:
    """Return the draws of the links and whom they make; nothing where either is not there."""
    if not all((linked / f"{table.name}.parquet").exists() for table in _DRAWN):
        return [None, None]
    return [_table(linked, table) for table in _DRAWN]


def _table(linked: Path, table: Table) -> pl.DataFrame:
    path = linked / f"{table.name}.parquet"
    if not path.exists():
        raise LinkageError(
            f"{shown(linked)} is not the folder of a linkage: {path.name} is missing.", fix=_FIX
        )
    frame = _parquet(path)
    if frame is None:
        raise LinkageError(f"{path.name} in {shown(linked)} cannot be read as Parquet.", fix=_FIX)
    wrong = table.unfit(frame.schema)
    if wrong:
        raise LinkageError(
            f"{path.name} in {shown(linked)} is not the table {table.name}.",
            f"Absent or of another type: {', '.join(wrong)}.",
            fix=_FIX,
        )
    return frame


def _parquet(path: Path) -> pl.DataFrame | None:
    try:
        return pl.read_parquet(path / "*.parquet" if path.is_dir() else path)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _exact(path: Path) -> Mapping[str, Any] | None:
    if not path.exists():
        return None
    facts = manifest.read(path)
    if not _is_whole(facts):
        raise LinkageError(
            f"{path.name} is not what a linkage of this version wrote.",
            fix="take the file anew from the folder `linked`, or leave it out.",
        )
    return facts


def _is_whole(facts: Mapping[str, Any]) -> bool:
    stamped = all(isinstance(facts.get(name), kind) for name, kind in _STAMP.items())
    return stamped and evaluate.is_whole(facts)


def _require_same_days(job: Job, exact: Mapping[str, Any] | None) -> None:
    wanted = stamp(job)
    wrong = [
        f"{name}  the linkage has {_day(exact[name])}, the job {_day(wanted[name])}."
        for name in ("as_of", "period")
        if exact is not None and exact[name] != wanted[name]
    ]
    if wrong:
        raise LinkageError(
            "the linkage was made for another day or period.",
            *wrong,
            fix="set them in the job as they were when it was linked, or link anew.",
        )


def _day(value: Any) -> str:
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)


def _require_known(
    job: Job,
    people: pl.DataFrame,
    dwellings: pl.DataFrame | None,
    exact: Mapping[str, Any] | None,
) -> None:
    known = set(people["source"].unique())
    homes = set(dwellings["source"].unique()) if dwellings is not None else set()
    if exact is not None:
        known |= {str(each["name"]) for each in exact["sources"]}
        homes |= set(exact["properties"])
    unknown = [each.name for each in job.sources if each.name not in known]
    unknown += [each.name for each in job.properties if each.name not in homes]
    if unknown:
        raise LinkageError(
            f"the linkage does not know {len(unknown):,} of the job's sources.",
            f"Unknown: {', '.join(unknown)}. The linkage has: {', '.join(sorted(known | homes))}.",
            fix="give each source the name that it had when it was linked.",
        )
