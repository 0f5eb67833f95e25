"""What decides what derived event tables hold: the tables that make them, pathways, groups."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from pophealth_link.indicators.waiting import pathways
from pophealth_link.schema.codes import GROUP_OF_CATEGORY
from pophealth_link.schema.codes_services import GROUP_OF_DELAY, WARD_TYPE_OF_BED

# Derived table → the event tables of sources that it is made of. Homes are made of addresses.
MADE_OF: Mapping[str, tuple[str, ...]] = {
    "bed_discharges": ("hospital_spells",),
    "placements": ("hospital_spells", "referrals", "ward_stays"),
    "ward_type_stays": ("ward_stays", "hospital_spells", "referrals"),
    "ward_type_delays": ("delayed_discharges", "ward_stays"),
    "detentions": ("legal_statuses",),
    "crisis_presentations": ("emergency_attendances", "referrals", "legal_statuses"),
    "crisis_outcomes": ("crisis_assessments", "hospital_spells"),
    "waits": ("referrals", "contacts", "hospital_spells"),
    "talking_therapies_waits": (
        *("talking_therapies_referrals", "talking_therapies_contacts", "hospital_spells"),
    ),
    "homes": (),
}
ETHNIC_GROUP = "ethnic_group"
# The group of a code that no list of groups holds.
_OTHERWISE = {"delay_group": "not_known", "ward_type": "other", ETHNIC_GROUP: "unknown"}
# What of a pathway decides which referrals are on it, and when and in which band their waits end.
_DECIDING = (
    *("id", "waits", "contacts", "edges", "reasons", "priorities", "appointments"),
    *("either", "min_age", "max_age"),
)


def made_of(table: str) -> tuple[str, ...]:
    """Return the event tables of sources that a table is, or is made of.

    >>> made_of("detentions"), made_of("referrals")
    (('legal_statuses',), ('referrals',))
    """
    return MADE_OF.get(table, (table,))


def rules() -> dict[str, Any]:
    """Return what a snapshot holds of derived tables, as in JSON: pathways and code groups.

    `pathways`: in the order in which they are tried; `groups`: by the name of the list of groups,
    code → group.
    """
    held = {
        "pathways": [
            {name: value for name, value in (asdict(each) | {"waits": each.waits}).items()
             if name in _DECIDING}
            for each in pathways().values()
        ],
        "groups": {
            "delay_group": GROUP_OF_DELAY,
            "ward_type": WARD_TYPE_OF_BED,
            ETHNIC_GROUP: GROUP_OF_CATEGORY,
        },
    }  # fmt: skip
    made: dict[str, Any] = json.loads(json.dumps(held))
    return made


def changed_pathways(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of pathways whose referrals or bands may differ; `before`, `after`: `rules`.

    A referral belongs to the first pathway that it fits, so that those tried later change too.
    """
    tried = [_by_table(held.get("pathways", ())) for held in (before, after)]
    found: set[str] = set()
    for table in {*tried[0], *tried[1]}:
        then, now = (each.get(table, []) for each in tried)
        same = next((i for i, pair in enumerate(zip(then, now, strict=False))
                     if pair[0] != pair[1]), min(len(then), len(now)))  # fmt: skip
        found |= {each["id"] for each in (*then[same:], *now[same:])}
    return frozenset(found)


def _by_table(listed: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    made: dict[str, list[Mapping[str, Any]]] = {}
    for each in listed:
        made.setdefault(str(each["waits"]), []).append(each)
    return made


def changed_groups(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, frozenset[str]]:
    """Return, by the name of a list of groups, the groups that a code left or came to."""
    held = [each.get("groups", {}) for each in (before, after)]
    found = {}
    for name in sorted({*held[0], *held[1]}):
        then, now = (each.get(name, {}) for each in held)
        moved = [code for code in {*then, *now} if then.get(code) != now.get(code)]
        other = _OTHERWISE.get(name, "")
        if moved:
            found[name] = frozenset(each.get(code, other) for code in moved for each in (then, now))
    return found
