"""The linkage card of a job: exact counts, let out by the job's policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link import evaluate, places
from pophealth_link.evaluate import CardContext, LinkageCard
from pophealth_link.indicators import Catalogue, Indicator, catalogue
from pophealth_link.job.model import Job
from pophealth_link.reference import Pack

CARD, CARD_TEXT = "linkage_card.json", "linkage_card.md"

# What a reader of the card must know about this version's linkage.
_LIMITS = (
    "Linkage intervals (linkage_lower, linkage_upper) rest on assumptions about records that were "
    "never compared, which the guide states. They leave out where people are placed, who is twice "
    "on the register, and what sources record wrongly: they are not the error of a count as such.",
    "People on no register, and people whose link was missed, are counted on the resident basis "
    "alone, by the postcode of their own record.",
    "The match probability is the model's own; it cannot see pairs that were never compared.",
)
_WEAK = (
    "A count of weak linkage is withheld: where the links have less than {least:g} % of the "
    "expected count, or differ in that by more than {gap:g} points between ethnic groups. Each "
    "uncertain link was to be drawn {draws} times."
)
_OPT_OUT_LIMIT = (
    "People who opted out were removed before linkage, so a council record of theirs that holds "
    "no NHS number stays, unlinked or linked to somebody else."
)
_WITHHELD = ("suppressed", "linkage_too_weak")
_KEPT_BACK = (
    "The linkage's own counts were not handed over with the index: how complete the identifiers "
    "were, how many pairs were compared, settings and model are not told here."
)


def card(
    job: Job,
    pack: Pack,
    exact: Mapping[str, Any] | None,
    index: pl.DataFrame,
    *,
    baseline: pl.DataFrame | None = None,
    listed: Catalogue | None = None,
) -> LinkageCard:
    """Return the released card from the `exact` counts of the linkage.

    Where those were kept back, it tells what the person `index` itself shows, and says so. Who is
    in a footprint is read from the `baseline` as released: it then tells nothing that the baseline
    does not tell. `listed`: the indicators of the job; those that the library ships if left out.
    """
    inside = () if baseline is None else footprint_rows(baseline, listed)
    context = _context(job, pack, inside, kept_back=exact is None)
    return evaluate.card(_from_index(job, index) if exact is None else exact, job.policy, context)


def texts(released: LinkageCard) -> dict[str, str]:
    """Return the files of a card by name: JSON and Markdown."""
    return {CARD: released.to_json(), CARD_TEXT: released.markdown}


def write(folder: Path, released: LinkageCard) -> None:
    """Write a card into a folder."""
    for name, text in texts(released).items():
        (folder / name).write_text(text, encoding="utf-8")


def _from_index(job: Job, index: pl.DataFrame) -> dict[str, Any]:
    """Return what the index alone tells: who holds what, and by which methods it was linked."""
    registers = set(index.filter(pl.col("method") == "register")["source"])
    held = index.group_by("source").agg(pl.len().alias("accepted")).sort("source")
    counted = index.group_by("source", "method").agg(pl.len().alias("records"))
    nothing = ("unreadable", "completeness", "numbers", "unlinked", "decisions", "conflicts")
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
        "intake": held.to_dicts(),
        "methods": counted.sort("source", "method").to_dicts(),
        **{name: [] for name in (*nothing, "attribute_rules", "comparisons")},
        **{name: {} for name in ("people", "counts", "method", "versions", "quality")},
    }


def _context(
    job: Job, pack: Pack, inside: tuple[dict[str, Any], ...], *, kept_back: bool
) -> CardContext:
    first, last = job.spec.reporting_period
    limits = [_KEPT_BACK] if kept_back else []
    limits += [*_LIMITS, _weak(job)]
    limits += [_OPT_OUT_LIMIT] if job.spec.privacy.opt_outs else []
    return CardContext(
        governance={name: str(value) for name, value in job.spec.governance.items()},
        as_of=job.spec.as_of.isoformat(),
        period=f"{first} to {last}",
        reference=pack.name,
        footprints=inside,
        limits=tuple(limits),
        repeat={
            "command": "pophealth-link run JOB --out DIR",
            "seed": str(job.spec.seed),
            "reference": f"{pack.name} (SHA-256 {pack.digest})",
            "further": "The run's manifest holds the job as run and the SHA-256 of each input.",
        },
    )


def _weak(job: Job) -> str:
    bounds, draws = job.spec.need, job.spec.link.draws
    return _WEAK.format(least=100 * bounds.least_recall, gap=100 * bounds.largest_gap, draws=draws)


def footprint_rows(
    baseline: pl.DataFrame, listed: Catalogue | None = None
) -> tuple[dict[str, Any], ...]:
    """Return how many people are in a footprint, by type and basis, from a released baseline.

    Sums of released counts: a count that the baseline withholds is in none of them. They are the
    denominator of an indicator of everybody on the day, of those `listed` (shipped if left out).
    """
    held = catalogue() if listed is None else listed
    everyone = [each.id for each in held.at("person") if _of_everybody(each)]
    rows = baseline.filter(pl.col("indicator").is_in(everyone), stratum="all").filter(
        pl.col("denominator").is_not_null() | pl.col("status").is_in(_WITHHELD)
    )
    if rows.is_empty():
        return ()
    first = rows.filter(pl.col("indicator") == rows["indicator"].min())
    groups = first.sort("footprint_type", "basis").group_by(
        "footprint_type", "basis", maintain_order=True
    )
    return tuple(_footprint_row(str(kind), str(basis), own) for (kind, basis), own in groups)


def _of_everybody(each: Indicator) -> bool:
    of_some = each.among or each.min_age is not None or each.max_age is not None
    return each.statistic == "proportion" and not of_some


def _footprint_row(kind: str, basis: str, rows: pl.DataFrame) -> dict[str, Any]:
    held, others = rows.filter(~places.is_reason()), rows.filter(places.is_reason())
    assigned, apart = float(held["denominator"].sum()), float(others["denominator"].sum())
    return {
        "footprint_type": kind,
        "basis": basis,
        "footprints": held["footprint_code"].n_unique(),
        "assigned": assigned,
        "share": round(assigned / (assigned + apart), 4) if assigned + apart else None,
        "unassigned": [
            {"reason": code, "name": name, "people": count}
            for code, name, count in others.sort("footprint_code")
            .select("footprint_code", "footprint_name", "denominator")
            .iter_rows()
        ],
    }
