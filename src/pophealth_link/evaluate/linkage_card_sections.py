"""The sections of a linkage card that follow from its facts: purpose to results, and the rest.

Each function answers plain values, ready for JSON. Counts come from the released ledger alone;
null stands for a count that was withheld.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pophealth_link.disclosure import Policy
from pophealth_link.evaluate.linkage_card_counts import ACCEPTED, UNLINKED, Facts, others
from pophealth_link.evaluate.linkage_card_ledger import Key, Released
from pophealth_link.evaluate.linkage_card_words import (
    PREPARATION,
    attribute_words,
    decision_words,
    reason_words,
)

Section = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardContext:
    """What a card says that the linkage itself does not know; nothing in it is a count of people.

    `governance` is copied as it is (`purpose`, `legal_basis` …). `footprints` are counts that were
    released elsewhere, one row per `basis` and `footprint_type`: see `footprint_assignment`.
    `limits` are sentences. `repeat` names what a run needs to be repeated: command, seed, hashes.
    """

    governance: Mapping[str, str] = field(default_factory=dict)
    as_of: str | None = None
    period: str | None = None
    reference: str | None = None
    footprints: tuple[Mapping[str, Any], ...] = ()
    limits: tuple[str, ...] = ()
    repeat: Mapping[str, str] = field(default_factory=dict)


def purpose(exact: Facts, context: CardContext) -> Section:
    """Return why the records were linked, for which day, and who is in."""
    rest = {name: value for name, value in context.governance.items() if name != "purpose"}
    registers = [each["name"] for each in exact["sources"] if each["register"]]
    return {
        "purpose": context.governance.get("purpose"),
        "governance": rest,
        "as_of": context.as_of,
        "period": context.period,
        "reference": context.reference,
        "register": registers[0] if registers else None,
        "linked_to_it": others(exact),
    }


def data(exact: Facts, released: Released) -> Section:
    """Return the sources, how complete their identifiers are, and how often they differ."""
    intake = {row["source"]: row for row in exact["intake"]}
    return {
        "sources": [
            {**each, **(_intake(each["name"], released) if each["name"] in intake else {})}
            for each in exact["sources"]
        ],
        "completeness": [_completeness(row, released) for row in exact["completeness"]],
        "conflicts": [_conflict(row, released) for row in exact["conflicts"]],
        "attribute_rules": [
            {**rule, "words": attribute_words(rule["attribute"])}
            for rule in exact["attribute_rules"]
        ],
    }


def _intake(source: str, released: Released) -> Section:
    names = ("rows_in", "quarantined", "removed_by_opt_out")
    told = {name: released[name, source] for name in names if (name, source) in released.counts}
    return {**told, "records": released["accepted", source]}


def _completeness(row: Facts, released: Released) -> Section:
    name = (row["source"], row["identifier"])
    filled, missing, whole = ("filled", *name), ("missing", *name), ("accepted", row["source"])
    return {
        "source": row["source"],
        "identifier": row["identifier"],
        "filled": released[filled],
        "missing": released[missing],
        "of": released[whole],
        "share": released.share(filled, whole),
    }


def _conflict(row: Facts, released: Released) -> Section:
    name = (row["attribute"], row["source_l"], row["source_r"])
    compared, conflicting = ("compared", *name), ("conflicting", *name)
    return {
        "attribute": row["attribute"],
        "source_l": row["source_l"],
        "source_r": row["source_r"],
        "compared": released[compared],
        "conflicting": released[conflicting],
        "share": released.share(conflicting, compared),
    }


def preparation(exact: Facts, released: Released) -> Section:
    """Return what was done to identifiers before they were compared, and what was lost by it."""
    told = exact["numbers"]
    return {
        "steps": [{"identifier": name, "what": what} for name, what in PREPARATION],
        "nhs_numbers": {
            "valid": released["valid",] if told else None,
            "test_range": released["test_range",] if told else None,
            "by_source": [_number(row["source"], released) for row in told],
        },
        "unreadable": [
            {**row, "values": released["unreadable", row["source"], row["column"], row["reason"]]}
            for row in exact["unreadable"]
        ],
    }


def _number(source: str, released: Released) -> Section:
    return {
        "source": source,
        "records": released["accepted", source],
        "valid": released["filled", source, "nhs_number"],
        "invalid": released["invalid", source],
        "none": released["absent", source],
    }


def method(exact: Facts, released: Released) -> Section:
    """Return passes, blocking rules, thresholds and the model, level by level."""
    told = exact["method"]
    if not told:
        return {}
    model = told["model"]
    provenance = {
        name: released["provenance", name] if ("provenance", name) in released.counts else value
        for name, value in model["provenance"].items()
    }
    return {
        **told,
        "model": {**model, "provenance": provenance},
        "blocking_rules": [
            {"rule": row["rule"], "pairs": released["rule", row["rule"]]}
            for row in exact["comparisons"]
        ],
    }


def results(exact: Facts, released: Released) -> Section:
    """Return the flow of records, over all sources and by source, and what became of pairs."""
    own = others(exact)
    flow = _flow(exact, released, None) if own else None
    return {
        "flow": flow,
        "by_source": [_flow(exact, released, name) for name in own],
        "passes": _passes(exact, released),
        "counts": {
            key[1]: count for key, count in sorted(released.counts.items()) if key[0] == "count"
        },
        "people": _people(released),
    }


def _flow(exact: Facts, released: Released, source: str | None) -> Section:
    """Return where the records of a source, or of all, went: records in = linked + … + unlinked.

    `linked` to the register, by method; `elsewhere`, to records off the register alone; `unlinked`,
    by what came nearest to linking them.
    """
    own: Key = (source,) if source else ()
    whole: Key = ("accepted", source) if source else ("outside",)
    linked, missed = ("linked", *own), (UNLINKED, *own)
    return {
        **({"source": source} if source else {}),
        "records": released[whole],
        "linked": released[linked],
        "linked_share": released.share(linked, whole),
        "methods": [
            {"method": name, "records": released[key], "share": released.share(key, whole)}
            for name, key in _method_keys(exact, released, own)
        ],
        "elsewhere": released["elsewhere", *own],
        "unlinked": released[missed],
        "unlinked_share": released.share(missed, whole),
        "unlinked_because": [
            {"reason": name, "words": reason_words(name), "records": released[key]}
            for name, key in _reason_keys(exact, released, own)
        ],
    }


def _method_keys(exact: Facts, released: Released, own: Key) -> list[tuple[str, Key]]:
    """Return the methods in the order of the passes, each with its key in the ledger."""
    order = [each["name"] for each in exact["method"].get("passes", ())]
    named = sorted({row["method"] for row in exact["methods"]} - {*order})
    keys = [(name, ("method", *own, name) if own else ("all", name)) for name in (*order, *named)]
    return [(name, key) for name, key in keys if key in released.counts]


def _reason_keys(exact: Facts, released: Released, own: Key) -> list[tuple[str, Key]]:
    reasons = sorted({row["reason"] for row in exact["unlinked"]})
    keys = [(name, ("reason", *own, name)) for name in reasons]
    return [(name, key) for name, key in keys if key in released.counts]


def _passes(exact: Facts, released: Released) -> list[Section]:
    order = [each["name"] for each in exact["method"].get("passes", ())]
    names = {row["pass"] for row in exact["decisions"]}
    known = [name for name in order if name in names]
    return [
        {
            "pass": name,
            "candidates": released["candidates", name],
            "decisions": [
                {
                    "decision": row["decision"],
                    "words": decision_words(row["decision"]),
                    "pairs": released["decision", name, row["decision"]],
                }
                for row in sorted(
                    exact["decisions"], key=lambda r: (r["decision"] != ACCEPTED, r["decision"])
                )
                if row["pass"] == name
            ],
        }
        for name in (*known, *sorted(names - {*known}))
    ]


def _people(released: Released) -> Section:
    if ("people",) not in released.counts:
        return {}
    return {
        "people": released["people",],
        "on_register": released["people", "on_register"],
        "off_register": released["people", "off_register"],
    }


def footprint_assignment(context: CardContext) -> Section:
    """Return how many people are in a footprint of each type, on each basis, and why the rest not.

    Rows hold `basis`, `footprint_type`, `footprints` (how many there are), `assigned` and
    `unassigned` (a list of `reason`, `name`, `people`) as another output released them.
    """
    return {"by_type": [dict(row) for row in context.footprints]}


def disclosure_control(policy: Policy, released: Released) -> Section:
    """Return the policy, and how many counts of the card were withheld under it."""
    return {
        "policy": policy.name,
        "parameters": policy.parameters(),
        "counts": len(released.counts),
        "withheld_as_small": released.suppressed,
        "withheld_to_protect_others": released.secondary,
    }


def how_to_repeat(exact: Facts, context: CardContext) -> Section:
    """Return versions, hashes, seed and command: what another run needs to give the same."""
    model = exact["method"].get("model", {})
    hashes = {"model": model["sha256"]} if model else {}
    return {"versions": dict(exact["versions"]), "sha256": hashes, **context.repeat}
