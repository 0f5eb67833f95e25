"""What leaves the secure environment: baseline, card, report and dictionary, all by the policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import disclosure, need, places, report
from pophealth_link.disclosure import Policy
from pophealth_link.disclosure.release import MANIFEST as RELEASE_MANIFEST
from pophealth_link.errors import DisclosureError
from pophealth_link.job import beside, cards, earlier, snapshots
from pophealth_link.job.analysing import Analysed
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Recorder
from pophealth_link.need.lsoa import lsoa_values
from pophealth_link.need.snapshot import SNAPSHOT, Snapshot
from pophealth_link.reference import Pack
from pophealth_link.report import ReferenceTable, ReportInputs
from pophealth_link.report.inputs import LOOKUP_COLUMNS
from pophealth_link.schema.describe import dictionary

BASELINE = "baseline.csv"
REPORT, DICTIONARY, NEED_INDEX = "report.html", "data_dictionary.csv", "need_index.json"
# Which LSOAs these hold is published, and no fit of the job's own patients.
_PUBLISHED = ("lad", "whole")


def release(job: Job, pack: Pack, done: Analysed, out: Path, progress: Recorder) -> dict[str, Any]:
    """Write the folder `releasable/` at `out`; return the counts that the audit log keeps.

    Raises `DisclosureError` where the policy cannot be met.
    """
    baseline, summary = _released(done, job.policy, earlier.of_job(job, done.counts, progress))
    exact, people = done.index.exact, done.index.people
    card = cards.card(job, pack, exact, people, baseline=baseline, listed=done.listed)
    progress.stage("writing the report")
    fitted = need.need_index(done.inputs, indicators=done.listed)
    index = fitted.summary()
    tables = beside.tables(job, pack, done, baseline, summary, fitted)
    made = snapshots.snapshot(job, pack, done, card.json, summary)
    page = report.render_report(_report(job, pack, done, baseline, made, card.json, index, tables))
    disclosure.write_release(
        out,
        {
            BASELINE: baseline,
            **cards.texts(card),
            DICTIONARY: dictionary(),
            REPORT: page,
            NEED_INDEX: _as_json({**index, "reference": _vintages(pack)}),
            SNAPSHOT: made.to_json(),
            **done.published,
            **tables,
        },
        job.policy,
        suppressed={BASELINE: _withheld(summary)},
        check=disclosure.Check(**summary["differencing"]),
    )
    return {
        "cells": baseline.height,
        "cells_by_status": summary["cells"],
        "manifest_sha256": hashlib.sha256((out / RELEASE_MANIFEST).read_bytes()).hexdigest(),
    }


def _released(
    done: Analysed, policy: Policy, previous: pl.DataFrame | None
) -> tuple[pl.DataFrame, Mapping[str, Any]]:
    units, listed = done.inputs.unit_footprints, done.listed
    try:
        return need.release(
            done.counts, policy, unit_footprints=units, previous=previous, indicators=listed
        )
    except DisclosureError as error:
        if previous is None:
            raise
        told = [error.headline, *error.lines]
    raise DisclosureError(
        "this release and those of disclosure.previous_release together could tell too much.",
        *told,
        fix="release no more footprints or strata than before, or let one of them stay inside.",
    )


def _withheld(summary: Mapping[str, Any]) -> dict[str, int]:
    """Return how many counts were withheld: by the policy, and so that none is worked out."""
    return {
        f"{count}_{why}": number
        for count, kinds in summary["withheld"].items()
        for why, number in kinds.items()
    }


def _report(
    job: Job,
    pack: Pack,
    done: Analysed,
    baseline: pl.DataFrame,
    made: Snapshot,
    card: Mapping[str, Any],
    index: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
) -> ReportInputs:
    inputs = done.inputs
    first, last = inputs.period
    drawn = lookup(inputs.unit_footprints, made.memberships)
    shown = set(drawn["lsoa_code"])
    boundaries = pack.read("boundaries").filter(pl.col("area_code").is_in(list(shown)))
    return ReportInputs(
        baseline=baseline,
        catalogue=done.listed.indicators,
        boundaries=boundaries,
        lsoa_measures=lsoa_values(inputs, indicators=done.listed),
        resident_lookup=drawn,
        card=card,
        title=str(job.spec.governance.get("title", "Baseline of mental-health need")),
        purpose=str(job.spec.governance.get("purpose", "")),
        as_of=inputs.as_of,
        period=f"{first} to {last}",
        policy=job.spec.disclosure.policy,
        reference=pack.name,
        warnings=(*done.notices, *_undrawn(made.withheld)),
        synthetic=job.spec.governance.get("synthetic") is True,
        reference_tables=_reference_tables(pack),
        index_summary=index,
        tables={name.removesuffix(".csv"): frame for name, frame in tables.items()},
    )


def lookup(unit_footprints: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return lsoa_code, footprint_type and footprint_code as maps may show them, resident basis.

    `told`: the memberships of the snapshot. What it withholds of an LSOA, where few of the job's
    own patients live, no outline may tell either; published areas and the whole keep every LSOA.
    """
    resident = unit_footprints.filter(pl.col("basis") == "resident", ~places.is_reason())
    on = ["basis", "unit", "footprint_type", "footprint_code"]
    published = pl.col("footprint_type").is_in(_PUBLISHED)
    fitted = resident.filter(~published).join(told, on=on, how="semi")
    both = pl.concat([resident.filter(published), fitted]).sort(on)
    return both.select("footprint_type", "footprint_code", lsoa_code="unit").select(LOOKUP_COLUMNS)


def _undrawn(withheld: int) -> tuple[str, ...]:
    """Return a notice of the LSOAs that no outline of a fitted footprint holds, if any."""
    few = f"LSOAs where few of the job's own patients live: {withheld:,}, each in no outline"
    return (f"{few} of a footprint of practices",) if withheld else ()


def _as_json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False, default=str) + "\n"


def _vintages(pack: Pack) -> dict[str, object]:
    """Return the pack that the index is fitted to, and the vintage of each of its tables."""
    told = {name: pack.about[name].vintage for name in pack.tables}
    return {"pack": pack.name, "sha256": pack.digest, "vintages": told}


def _reference_tables(pack: Pack) -> tuple[ReferenceTable, ...]:
    """Return what each table of the pack is, those that say the same told once."""
    held = (pack.about[name] for name in pack.tables)
    told = (ReferenceTable(a.title, a.publisher, a.licence, a.attribution) for a in held)
    return tuple(dict.fromkeys(told))
