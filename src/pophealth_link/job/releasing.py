"""What leaves the secure environment: baseline, card, report and dictionary, all by the policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import disclosure, evaluate, indicators, need, places, report
from pophealth_link.disclosure import Policy
from pophealth_link.job import linking
from pophealth_link.job.analysing import Analysed
from pophealth_link.job.load import Job
from pophealth_link.job.progress import Recorder
from pophealth_link.need.lsoa import lsoa_values
from pophealth_link.reference import Pack
from pophealth_link.report import ReferenceTable, ReportInputs
from pophealth_link.schema.describe import dictionary

BASELINE, CARD, CARD_TEXT = "baseline.csv", "linkage_card.json", "linkage_card.md"
REPORT, DICTIONARY = "report.html", "data_dictionary.csv"

# What a reader of the card must know about this version's linkage.
_LIMITS = (
    "Linkage intervals (linkage_lower, linkage_upper) are not estimated in this version.",
    "People on no register, and people whose link was missed, are counted on the resident basis "
    "alone, by the postcode of their own record.",
    "The match probability is the model's own; it cannot see pairs that were never compared.",
)
_OPT_OUT_LIMIT = (
    "People who opted out were removed before linkage, so a council record of theirs that holds "
    "no NHS number stays, unlinked or linked to somebody else."
)


def release(
    job: Job, pack: Pack, linked: Path, done: Analysed, out: Path, progress: Recorder
) -> dict[str, Any]:
    """Write the folder `releasable/` at `out`; return the counts that the audit log keeps.

    Raises `DisclosureError` where the policy cannot be met.
    """
    baseline, summary = _released(done, job.policy)
    card = evaluate.card(linking.read_card_facts(linked), job.policy, _context(job, pack))
    progress.stage("writing the report")
    text = json.dumps(card, indent=2, ensure_ascii=False, default=str)
    page = report.render_report(_report(job, pack, done, baseline, card))
    manifest = disclosure.write_release(
        out,
        {
            BASELINE: baseline,
            CARD: text + "\n",
            CARD_TEXT: evaluate.to_markdown(card),
            DICTIONARY: dictionary(),
            REPORT: page,
        },
        job.policy,
        suppressed={BASELINE: _withheld(summary)},
        check=disclosure.Check(**summary["differencing"]),
    )
    return {
        "cells": baseline.height,
        "cells_by_status": summary["cells"],
        "manifest_sha256": hashlib.sha256(json.dumps(manifest).encode()).hexdigest(),
    }


def _released(done: Analysed, policy: Policy) -> tuple[pl.DataFrame, Mapping[str, Any]]:
    return need.release(done.counts, policy, unit_footprints=done.inputs.unit_footprints)


def _withheld(summary: Mapping[str, Any]) -> dict[str, int]:
    """Return how many counts were withheld: by the policy, and so that none is worked out."""
    return {
        f"{count}_{why}": number
        for count, kinds in summary["withheld"].items()
        for why, number in kinds.items()
    }


def _context(job: Job, pack: Pack) -> dict[str, Any]:
    first, last = job.spec.reporting_period
    governance = {k: str(v) for k, v in job.spec.governance.items()}
    limits = [*_LIMITS, _OPT_OUT_LIMIT] if job.spec.privacy.opt_outs else list(_LIMITS)
    return {
        "title": "Linkage card",
        **governance,
        "as_of": job.spec.as_of.isoformat(),
        "period": f"{first} to {last}",
        "reference": pack.name,
        "policy": job.spec.disclosure.policy,
        "limits": limits,
    }


def _report(
    job: Job,
    pack: Pack,
    done: Analysed,
    baseline: pl.DataFrame,
    card: Mapping[str, Any],
) -> ReportInputs:
    inputs = done.inputs
    first, last = inputs.period
    resident = inputs.unit_footprints.filter(pl.col("basis") == "resident", ~places.is_reason())
    lookup = resident.select("footprint_type", "footprint_code", lsoa_code="unit")
    shown = set(lookup["lsoa_code"])
    boundaries = pack.read("boundaries").filter(pl.col("area_code").is_in(list(shown)))
    return ReportInputs(
        baseline=baseline,
        catalogue=indicators.catalogue().indicators,
        boundaries=boundaries,
        lsoa_measures=lsoa_values(inputs),
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
    )


def _reference_tables(pack: Pack) -> tuple[ReferenceTable, ...]:
    """Return what each table of the pack is, those that say the same told once."""
    held = (pack.about[name] for name in pack.tables)
    told = (ReferenceTable(a.title, a.publisher, a.licence, a.attribution) for a in held)
    return tuple(dict.fromkeys(told))
