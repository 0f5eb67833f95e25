"""The linkage card of a job: exact counts, let out by the job's policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import evaluate
from pophealth_link.job.model import Job
from pophealth_link.reference import Pack

CARD, CARD_TEXT = "linkage_card.json", "linkage_card.md"

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
_KEPT_BACK = (
    "The linkage's own counts were not handed over with the index: how complete the identifiers "
    "were, how many pairs were compared, settings and model are not told here."
)


def card(
    job: Job, pack: Pack, exact: Mapping[str, Any] | None, index: pl.DataFrame
) -> dict[str, Any]:
    """Return the released card from the `exact` counts of the linkage.

    Where those were kept back, it tells what the person `index` itself shows, and says so.
    """
    context = _context(job, pack)
    if exact is None:
        exact = _from_index(job, index)
        context["limits"] = [_KEPT_BACK, *context["limits"]]
    return evaluate.card(exact, job.policy, context)


def texts(released: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of a card by name: JSON and Markdown."""
    body = json.dumps(released, indent=2, ensure_ascii=False, default=str)
    return {CARD: body + "\n", CARD_TEXT: evaluate.to_markdown(released)}


def write(folder: Path, released: Mapping[str, Any]) -> None:
    """Write a card into a folder."""
    for name, text in texts(released).items():
        (folder / name).write_text(text, encoding="utf-8")


def _from_index(job: Job, index: pl.DataFrame) -> dict[str, Any]:
    registers = set(index.filter(pl.col("method") == "register")["source"])
    counted = index.group_by("source", "method").agg(pl.len().alias("records"))
    methods = counted.with_columns(pl.col("records").sum().over("source").alias("of"))
    text, number = pl.String, pl.Int64
    return {
        "sources": [
            {
                "name": source.name,
                "setting": source.setting,
                "register": source.name in registers,
                "unique_people": source.unique_people,
                "nhs_number_kind": source.nhs_number_kind,
            }
            for source in sorted(job.sources, key=lambda each: each.name)
        ],
        "methods": methods.sort("source", "method").to_dicts(),
        "completeness": pl.DataFrame(
            schema={"source": text, "identifier": text, "filled": number, "of": number}
        ),
        "counts": {"records": index.height},
        "settings": {"passes": []},
        "model": {},
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
