"""The snapshot of a run: what its baseline was made with, for release beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import indicators
from pophealth_link.errors import LinkageError
from pophealth_link.indicators import codelists as clinical
from pophealth_link.job import layout
from pophealth_link.job.analysing import PEOPLE_FILE, Analysed, registered_patients
from pophealth_link.job.index import CARD_FACTS
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Silent
from pophealth_link.need import derived_rules, shared_people
from pophealth_link.need.rounding import round_patients
from pophealth_link.need.snapshot import CONDITION, Snapshot, definitions, members
from pophealth_link.reference import Pack
from pophealth_link.schema.codes import CODE_LISTS
from pophealth_link.schema.outputs import PEOPLE_PLACED
from pophealth_link.sources import codelists
from pophealth_link.version import __version__

_RELEASABLE, _BASELINE = "releasable", "baseline.csv"
_CHANGED_CODES = {
    "lsoa_changes": ("lsoa", "lsoa11_code", "lsoa21_code"),
    "practice_successors": ("practice", "practice_code", "successor_code"),
    "lad_changes": ("lad", "lad_code", "successor_code"),
}


def snapshot(
    job: Job, pack: Pack, done: Analysed, card: Mapping[str, Any], summary: Mapping[str, Any]
) -> Snapshot:
    """Return the snapshot of a run; `card` and `summary` are as released with it.

    Memberships of LSOAs that were fitted to the job's own patients are withheld where those are
    few by the policy. Where the job continues an earlier index, and that run's folder is whole, it
    also tells how many people are in both: see `shared_people`.
    """
    inputs = done.inputs
    listed = done.listed
    hidden = _few_patients(job, pack, done)
    made = Snapshot(
        library=__version__,
        as_of=inputs.as_of,
        period=inputs.period,
        policy=job.policy.parameters(),
        definitions=definitions(listed),
        code_lists={**_code_lists(job), **_lists_by_file(job)},
        vintages={**inputs.vintages, "reference": pack.name},
        derived=derived_rules.rules(),
        over_dispersion={
            each["indicator"]: each["over_dispersion"]
            for each in summary["indicators"]
            if "over_dispersion" in each
        },
        linkage=_linkage(job, card),
        memberships=members(inputs.unit_footprints, hidden),
        sizes=_sizes(pack, done),
        recoded=_recoded(pack, inputs.unit_footprints["unit"]),
        withheld=len(hidden),
    )
    return _with_shared(made, job, done)


def _code_lists(job: Job) -> dict[str, tuple[str, ...]]:
    """Return every code list by name: the schema's, the catalogue's, and the job's own.

    Those of the job say which clinical codes stand for a condition: `condition:` and its name.
    """
    held = {name: tuple(sorted(each.codes)) for name, each in CODE_LISTS.items()}
    held |= {name: tuple(sorted(codes)) for name, codes in indicators.code_lists().items()}
    files = {e.codelist for source in job.sources for e in source.events if e.codelist is not None}
    frames = [codelists.read(path, path.name)[0] for path in sorted(files)]
    if not frames:
        return held
    rows = pl.concat(frames).unique().sort("condition", "code")
    own = rows.group_by("condition", maintain_order=True).agg("code")
    return held | {f"{CONDITION}{name}": tuple(codes) for name, codes in own.iter_rows()}


def _lists_by_file(job: Job) -> Mapping[str, tuple[str, ...]]:
    """Return the code lists by file that the job's own indicators name, by the file's name."""
    written = job.spec.need.catalogue
    return clinical.lists_of(job.resolve(written)) if written else {}


def _linkage(job: Job, card: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return source, setting, records and linked of each source but the register, as released.

    `tables`: the event tables that the source gives.
    """
    settings = {each["name"]: each["setting"] for each in card["data"]["sources"]}
    tables = {each.name: sorted({e.table.name for e in each.events}) for each in job.sources}
    return tuple(
        {
            "source": each["source"],
            "setting": settings.get(each["source"]),
            "tables": tables.get(each["source"]),
            "records": each["records"],
            "linked": each["linked"],
        }
        for each in sorted(card["results"].get("by_source", ()), key=lambda row: row["source"])
    )


def _few_patients(job: Job, pack: Pack, done: Analysed) -> list[str]:
    """Return the LSOAs whose best fit comes from so few of the job's own patients, sorted.

    None where the reference publishes patients by practice and LSOA: those made the fit.
    """
    rounded = round_patients(job.policy)
    if rounded is None or _fitted_to_published(job, pack, done):
        return []
    lives = registered_patients(done.index.facts).drop_nulls("lsoa_code")
    few = rounded(lives.group_by("lsoa_code").agg(pl.col("people").sum())).filter("withheld")
    return few["lsoa_code"].sort().to_list()


def _fitted_to_published(job: Job, pack: Pack, done: Analysed) -> bool:
    # What there is to tell of these patients was told when the best fit was made of them.
    with layout.telling(Silent()):
        found = layout.published_patients(job, pack, pl.DataFrame(done.inputs.areas))
    return found is not None


def _sizes(pack: Pack, done: Analysed) -> dict[str, int]:
    """Return the published people of each unit: list sizes of practices, residents of LSOAs."""
    practices = pack.read("practices").select(unit="practice_code", people="list_size")
    areas = pl.DataFrame(done.inputs.areas).select(unit="lsoa_code", people="population")
    both = pl.concat([practices, areas.cast({"people": practices.schema["people"]})])
    units = done.inputs.unit_footprints["unit"].unique().implode()
    held = both.drop_nulls().filter(pl.col("unit").is_in(units), pl.col("people") > 0)
    return dict(held.unique("unit").sort("unit").iter_rows())


def _recoded(pack: Pack, units: pl.Series) -> pl.DataFrame:
    """Return kind, old and new code of what the reference says was recoded; LSOAs of here only."""
    frames = []
    for table, (kind, old, new) in _CHANGED_CODES.items():
        if pack.has(table):
            rows = pack.read(table).select(kind=pl.lit(kind), old=old, new=new)
            frames.append(rows.filter(pl.col("old") != pl.col("new")).drop_nulls())
    empty = pl.DataFrame(schema=dict.fromkeys(("kind", "old", "new"), pl.String))
    every = pl.concat([empty, *frames]).unique()
    here = (pl.col("kind") != "lsoa") | pl.col("new").is_in(units.unique().implode())
    return every.filter(here).sort("kind", "old", "new")


def _with_shared(made: Snapshot, job: Job, done: Analysed) -> Snapshot:
    """Add what people in both runs tell, where the earlier run's folder is there and whole."""
    earlier = job.spec.link.previous_index
    linked = job.resolve(earlier) if earlier else None
    if linked is None or not (linked / PEOPLE_FILE).is_file():
        return made
    days = _days(linked / CARD_FACTS)
    released = linked.parent / _RELEASABLE / _BASELINE
    if days is None or not released.is_file():
        return made
    before = _people(linked / PEOPLE_FILE)
    now = pl.DataFrame(done.inputs.people)
    return replace(
        made,
        previous=hashlib.sha256(released.read_bytes()).hexdigest(),
        shared=shared_people.shares_in_both(before, now, job.policy),
        correlation=shared_people.correlations(
            before,
            done.inputs,
            as_of=days[0],
            period=(days[1], days[2]),
            listed=done.listed,
            policy=job.policy,
        ),
    )


def _people(path: Path) -> pl.DataFrame:
    """Return the people of an earlier run; raise `LinkageError` where they cannot be read."""
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        frame = pl.DataFrame()
    absent = [name for name in PEOPLE_PLACED.names if name not in frame.columns]
    if absent:
        raise LinkageError(
            f"{path.name} beside link.previous_index is not the table of placed people.",
            f"Absent: {', '.join(absent)}.",
            fix="restore the folder of that run, or name a copy of its index without the file.",
        )
    return frame


def _days(path: Path) -> tuple[date, date, date] | None:
    """Return the day and the period of an earlier linkage; nothing where they are not told."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        day, first, last = (date.fromisoformat(d) for d in (told["as_of"], *told["period"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return day, first, last
