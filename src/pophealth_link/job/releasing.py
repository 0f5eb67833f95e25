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
from pophealth_link.job import beside, cards, snapshots
from pophealth_link.job.analysing import Analysed
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Recorder
from pophealth_link.need.lsoa import lsoa_values
from pophealth_link.need.snapshot import SNAPSHOT
from pophealth_link.reference import Pack
from pophealth_link.report import ReferenceTable, ReportInputs
from pophealth_link.schema.describe import dictionary

BASELINE = "baseline.csv"
REPORT, DICTIONARY, NEED_INDEX = "report.html", "data_dictionary.csv", "need_index.json"


def release(job: Job, pack: Pack, done: Analysed, out: Path, progress: Recorder) -> dict[str, Any]:
    """Write the folder `releasable/` at `out`; return the counts that the audit log keeps.

    Raises `DisclosureError` where the policy cannot be met.
    """
    baseline, summary = _released(done, job.policy)
    exact, people = done.index.exact, done.index.people
    card = cards.card(job, pack, exact, people, baseline=baseline, listed=done.listed)
    progress.stage("writing the report")
    fitted = need.need_index(done.inputs, indicators=done.listed)
    index = fitted.summary()
    tables = beside.tables(job, pack, done, baseline, summary, fitted)
    page = report.render_report(_report(job, pack, done, baseline, card.json, index, tables))
    disclosure.write_release(
        out,
        {
            BASELINE: baseline,
            **cards.texts(card),
            DICTIONARY: dictionary(),
            REPORT: page,
            NEED_INDEX: _as_json({**index, "reference": _vintages(pack)}),
            SNAPSHOT: snapshots.snapshot(job, pack, done, card.json, summary).to_json(),
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


def _released(done: Analysed, policy: Policy) -> tuple[pl.DataFrame, Mapping[str, Any]]:
    units = done.inputs.unit_footprints
    return need.release(done.counts, policy, unit_footprints=units, indicators=done.listed)


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
    card: Mapping[str, Any],
    index: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
) -> ReportInputs:
    inputs = done.inputs
    first, last = inputs.period
    resident = inputs.unit_footprints.filter(pl.col("basis") == "resident", ~places.is_reason())
    lookup = resident.select("footprint_type", "footprint_code", lsoa_code="unit")
    shown = set(lookup["lsoa_code"])
    boundaries = pack.read("boundaries").filter(pl.col("area_code").is_in(list(shown)))
    return ReportInputs(
        baseline=baseline,
        catalogue=done.listed.indicators,
        boundaries=boundaries,
        lsoa_measures=lsoa_values(inputs, indicators=done.listed),
        resident_lookup=lookup.select("lsoa_code", "footprint_type", "footprint_code"),
        card=card,
        title=str(job.spec.governance.get("title", "Baseline of mental-health need")),
        purpose=str(job.spec.governance.get("purpose", "")),
        as_of=inputs.as_of,
        period=f"{first} to {last}",
        policy=job.spec.disclosure.policy,
        reference=pack.name,
        warnings=done.notices,
        synthetic=job.spec.governance.get("synthetic") is True,
        reference_tables=_reference_tables(pack),
        index_summary=index,
        tables={name.removesuffix(".csv"): frame for name, frame in tables.items()},
    )


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
