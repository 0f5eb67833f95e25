"""Who knows of whom: the seven combinations of general practice, trust and council."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from importlib.resources import files
from itertools import product
from typing import Any

from pophealth_link.schema.strata import ALL

FILE = "overlap.toml"
PARTIES = ("gp", "trust", "council")
_WORDS = {"gp": "general practice", "trust": "trusts", "council": "the council"}
_GP = ["primary_care"]
_TRUST = ["secondary_care", "community"]
_COUNCIL = ["local_authority"]
_NOT_NAMED = "the council's records name no such diagnosis"


def names_of(condition: str) -> dict[tuple[str, ...], str]:
    """Return the id of each combination of those who know, from one of them to all three.

    >>> names_of("dementia")["gp", "trust"]
    'dementia_known_gp_trust'
    """
    combinations = [
        tuple(party for party, knows in zip(PARTIES, each, strict=True) if knows)
        for each in product([True, False], repeat=len(PARTIES))
    ]
    return {
        knowing: f"{condition}_known_{'_'.join(knowing)}{'_only' if len(knowing) == 1 else ''}"
        for knowing in combinations
        if knowing
    }


def definitions(declared: Mapping[str, Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions that the overlap file stands for: for each condition a sum and parts.

    `declared`: the file's tables; `recorded`: the other definitions, of which an entry may name one
    that says the same of general practice: its people are then the sum of four of the parts. Where
    several of them do together, see `register_sums`.
    """
    return {
        name: entry
        for condition, each in declared.items()
        for name, entry in _of_condition(condition, each, recorded).items()
    }


def register_sums(ids: Collection[str]) -> list[dict[tuple[str, str], int]]:
    """Return the sums of several registers that are those of the parts known to general practice.

    As each register is of other ages, one of them of unknown ages, together they are all that
    practices know of: a mapping of (indicator, stratum) to +1 for the parts and -1 for the
    registers, for each condition that has several, where `ids` hold them all.
    """
    declared = tomllib.loads(files("pophealth_link.indicators").joinpath(FILE).read_text("utf-8"))
    found = []
    for condition, each in declared.items():
        parts = [name for knowing, name in names_of(condition).items() if "gp" in knowing]
        registers = each.get("recorded", [])
        if len(registers) > 1 and {*parts, *registers} <= set(ids):
            signs = {**dict.fromkeys(parts, 1), **dict.fromkeys(registers, -1)}
            found.append({(name, ALL): sign for name, sign in signs.items()})
    return found


def _of_condition(
    condition: str, each: Mapping[str, Any], recorded: Mapping[str, Any]
) -> dict[str, Any]:
    rules = _rules(each)
    total = f"{condition}_known"
    names_it = bool(each["council_names"])
    seen = rules if names_it else [rule for rule in rules if rule["part"] != "council"]
    made = {total: {**_common(each), **_of_total(each, names_it=names_it), "events": seen}}
    registers = each.get("recorded", [])
    register = registers[0] if len(registers) == 1 else None
    for knowing, name in names_of(condition).items():
        sums = [total, *([register] if register in recorded and "gp" in knowing else [])]
        unnamed = {"unnamed": _NOT_NAMED} if knowing == ("council",) and not names_it else {}
        made[name] = {
            **_common(each),
            **_of_part(each, knowing),
            **unnamed,
            "part_of": [] if unnamed else sums,
            "each_of": list(knowing),
            "none_of": [party for party in PARTIES if party not in knowing],
            "events": rules,
        }
    return made


def _common(each: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{"domain": "overlap", "role": "need", "direction": 1, "level": "person"},
        **{"statistic": "proportion", "unit": "per 1,000 people", "multiplier": 1000},
        **{"interval": "wilson", "period": "point", "counted": "people", "strata": ["all"]},
        "settings": [*_GP, *_TRUST, *_COUNCIL],
        "denominator": "People on the day, all ages",
        "source": "Records of general practices, trusts and councils, linked by this library; "
        f"code list of ICD-10: {each['trust']}",
    }


def _of_total(each: Mapping[str, Any], *, names_it: bool) -> dict[str, Any]:
    who = "general practice, a trust or the council" if names_it else "general practice or a trust"
    words = each["words"]
    return {
        "title": f"Known to have {words}, by anyone",
        "numerator": f"People whom a record of {who} shows to have {words}, each once",
        "what_it_is": f"Everyone known to have {words}: the sum of the parts by who knows.",
        "what_it_is_not": "Not how many have it: whoever is known to nobody is missing.",
    }


def _of_part(each: Mapping[str, Any], knowing: tuple[str, ...]) -> dict[str, Any]:
    words, who = each["words"], " and ".join(_WORDS[party] for party in knowing)
    others = " or ".join(_WORDS[party] for party in PARTIES if party not in knowing)
    alone = f", and no record of {others}" if others else ""
    rest = "" if each["council_names"] else (
        " The council names no diagnosis: its mental-health support of people whose condition "
        "others name is what counts."
    )  # fmt: skip
    return {
        "title": f"Known to have {words}: {who}" + (" only" if len(knowing) == 1 else ""),
        "numerator": f"People whom records of {who} show to have {words}{alone}",
        "what_it_is": f"People with {words} on record in {who}{alone}.",
        "what_it_is_not": "Not whom they treat: a record of any time counts. A missing link makes "
        f"one person two, each known to fewer.{rest}",
    }


def _rules(each: Mapping[str, Any]) -> list[dict[str, Any]]:
    gp = [_gp_rule(code, f"{code}_resolved" in each.get("resolved_by", ())) for code in each["gp"]]
    support = {
        **{"part": "council", "settings": _COUNCIL, "table": "social_care_events"},
        **{"timing": "overlap", "date": "start_date", "end": "end_date"},
        "where": {"primary_support_reason": list(each["council"])},
        "by_code": True,
    }
    tables = (
        ("diagnoses", "recorded_date", "diagnosis"),
        ("admissions", "start_date", "primary_diagnosis"),
        ("emergency_attendances", "arrival_date", "diagnosis"),
    )
    trust = [
        {
            **{"part": "trust", "settings": _TRUST, "table": table, "timing": "ever"},
            **{"date": day, "codes": {column: each["trust"]}, "by_code": True},
        }
        for table, day, column in tables
    ]
    return [*gp, *trust, support]


def _gp_rule(code: str, resolves: bool) -> dict[str, Any]:
    """Return the rule of a condition in general practice; one that resolves counts while open."""
    rule = {
        **{"part": "gp", "settings": _GP, "table": "condition_events", "date": "recorded_date"},
        **{"timing": "ever", "where": {"condition": [code]}, "by_code": True},
    }
    if not resolves:
        return rule
    resolved = {"condition": [f"{code}_resolved"]}
    return {**rule, "timing": "unresolved", "end": "resolved_date", "resolved_by": resolved}
