"""A released linkage card as Markdown, from its JSON alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pophealth_link.evaluate import linkage_card_text_quality as judged
from pophealth_link.evaluate.linkage_card_markdown import bullets, paragraphs, table, text
from pophealth_link.evaluate.linkage_card_text_results import results
from pophealth_link.evaluate.linkage_card_words import (
    attribute_words,
    identifier_words,
    key_words,
    listed,
    method_words,
    number,
    percent,
    plain,
    policy_words,
)

Section = Mapping[str, Any]


def to_markdown(card: Section) -> str:
    """Return a released card (the JSON of :func:`linkage_card`) as Markdown, section by section.

    Errors: `KeyError` where the card lacks a section.
    """
    parts = [f"# {text(card['title'])}"]
    for place, (name, (heading, written)) in enumerate(SECTIONS.items(), start=1):
        parts += [f"## {place} {heading}", *(part for part in written(card[name]) if part)]
    return "\n\n".join(parts) + "\n"


def _main_points(section: Section) -> Iterable[str]:
    yield bullets(section["points"])


def _purpose(section: Section) -> Iterable[str]:
    sources = section["linked_to_it"]
    yield paragraphs(
        section["purpose"] or "The job does not state a purpose.",
        _whom(section["register"], sources),
        _days(section),
    )
    if section["governance"]:
        rows = [(plain(name), value) for name, value in section["governance"].items()]
        yield table(("governance", ""), rows)


def _whom(register: str | None, sources: Sequence[str]) -> str:
    if not register:
        return "Which source is the register was not handed over with the linkage."
    if not sources:
        return f"The register {register} was linked to no other source."
    many = f"{len(sources)} other sources ({listed(sources)})" if len(sources) > 1 else sources[0]
    return (
        f"Every record of {many} was linked to one person of the register, {register}, or to "
        "nobody on it."
    )


def _days(section: Section) -> str:
    day, period = section["as_of"], section["period"]
    told = f"Registrations and addresses hold on {day}. " if day else ""
    return told + (f"Events are counted from {period}." if period else "")


def _data(section: Section) -> Iterable[str]:
    yield table(
        ("source", "held by", "part", "rows read", "refused", "opted out", "records to link"),
        [_source(each) for each in section["sources"]],
    )
    if section["completeness"]:
        yield paragraphs("Share of the records in which an identifier holds a value of use:")
        yield _completeness(section["completeness"])
    yield from _conflicts(section)


def _source(each: Section) -> tuple[str, ...]:
    counts = ("rows_in", "quarantined", "removed_by_opt_out", "records")
    told = (number(each[name]) if name in each else "not told" for name in counts)
    part = "register" if each["register"] else "linked to it"
    return (each["name"], plain(each["setting"]), part, *told)


def _completeness(rows: Sequence[Section]) -> str:
    names = list(dict.fromkeys(row["identifier"] for row in rows))
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["source"], {})[row["identifier"]] = percent(row["share"])
    return table(
        ("source", *(identifier_words(name) for name in names)),
        [(source, *(own.get(name, "") for name in names)) for source, own in found.items()],
    )


def _conflicts(section: Section) -> Iterable[str]:
    rules = section["attribute_rules"]
    if rules:
        yield paragraphs("Where records of one person differ, this decides whose word is taken:")
        rows = [(each["words"], each["wins"], each["reason"]) for each in rules]
        yield table(("attribute", "whose word is taken", "why"), rows)
    register = next((each["name"] for each in section["sources"] if each["register"]), "")
    beside = [row for row in section["conflicts"] if register in (row["source_l"], row["source_r"])]
    if beside:
        yield paragraphs(
            f"How often a source differs from the register, {text(register)}, and of how many "
            "people both say something. People who moved or were recorded in two ways are among "
            "these, and so are false links. The card's JSON has every pair of sources."
        )
        yield _differences(beside, register)


def _differences(rows: Sequence[Section], register: str) -> str:
    """Return a row for each source and a column for each attribute that it shares with another."""
    attributes = list(dict.fromkeys(row["attribute"] for row in rows))
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        other = row["source_r"] if row["source_l"] == register else row["source_l"]
        cell = f"{percent(row['share'])} of {number(row['compared'])}"
        found.setdefault(other, {})[row["attribute"]] = cell
    return table(
        ("source", *(attribute_words(name) for name in attributes)),
        [(s, *(own.get(name, "") for name in attributes)) for s, own in sorted(found.items())],
    )


def _preparation(section: Section) -> Iterable[str]:
    yield table(
        ("identifier", "what was done before records were compared"),
        [(each["identifier"], each["what"]) for each in section["steps"]],
    )
    told = section["nhs_numbers"]
    if told["by_source"]:
        yield paragraphs(
            f"{number(told['valid'])} records hold a valid NHS number (or a token in its place), "
            f"{number(told['test_range'])} of them of the test range."
        )
        names = ("records", "valid", "invalid", "none")
        yield table(
            ("source", "records", "valid NHS number", "invalid", "none"),
            [(r["source"], *(number(r[name]) for name in names)) for r in told["by_source"]],
        )
    if section["unreadable"]:
        yield paragraphs("Values that could not be read and count as missing:")
        yield table(
            ("source", "column", "reason", "values"),
            [
                (r["source"], plain(r["column"]), plain(r["reason"]), number(r["values"]))
                for r in section["unreadable"]
            ],
        )


def _method(section: Section) -> Iterable[str]:
    if not section:
        yield paragraphs("The method was not handed over with the linkage.")
        return
    yield paragraphs(
        "Passes, in this order. A record that one pass has linked is out of the next; a key that "
        "two people hold links nobody."
    )
    yield table(
        ("pass", "what must agree"),
        [(method_words(p["name"]), _agrees(p)) for p in section["passes"]],
    )
    yield paragraphs(_thresholds(section))
    if section["blocking_rules"]:
        yield paragraphs("The model weighs pairs that agree on at least one of these:")
        yield table(
            ("blocking rule", "pairs compared"),
            [(plain(r["rule"]), number(r["pairs"])) for r in section["blocking_rules"]],
        )
    yield from _model(section)


def _agrees(each: Section) -> str:
    known = {
        "nhs_number": "the NHS number, unless the demographics are somebody else's",
        "probabilistic": "enough, by the weights below",
        "reviewed": "a reviewer's judgement of the pair",
    }
    return known.get(each["name"]) or listed(key_words(key) for key in each["keys"])


def _thresholds(section: Section) -> str:
    return (
        "The model's best candidate is linked from a match probability of "
        f"{section['accept_probability']:g}, if it is {section['margin_bits']:g} bits of match "
        "weight ahead of the second best; in a source of unique people also ahead of every other "
        "record that claims the same person. From "
        f"{section['review_probability']:g} a pair is for review. Two different trusted NHS "
        "numbers never link; ties link nobody."
    )


def _model(section: Section) -> Iterable[str]:
    model = section["model"]
    yield paragraphs(
        f"The model is {text(model['name'])} (SHA-256 of its parameters {model['sha256']}). "
        "m is how often a level is seen among true pairs, u among others. The weight is log2(m/u), "
        "in bits, corrected for mistakes that come together; that of a name is adjusted further by "
        "how often the name is on the register, and u of a place is counted there."
    )
    rows = [
        (c["comparison"], level["level"], *(_figure(level[n]) for n in ("m", "u", "weight_bits")))
        for c in section["comparisons"]
        for level in c["levels"]
    ]
    yield table(
        ("comparison", "level", "m", "u", "weight"), [(plain(c), plain(v), *r) for c, v, *r in rows]
    )
    if model["provenance"]:
        yield table(
            ("where the model is from", ""), [(k, _told(v)) for k, v in model["provenance"].items()]
        )


def _figure(value: float) -> str:
    return f"{value:.4g}"


def _told(value: object) -> str:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return number(value)
    return str(value)


def _footprints(section: Section) -> Iterable[str]:
    rows = section["by_type"]
    if not rows:
        yield paragraphs(
            "Linkage alone places nobody in a footprint; the card of an analysis tells it."
        )
        return
    yield paragraphs(
        "Registered: person, practice, footprint. Resident: person, postcode, LSOA, and the "
        "footprint in which most of the LSOA's patients register. Everybody is counted once for "
        "each type and basis, with the reason where there is no footprint."
    )
    yield table(
        ("footprint", "basis", "how many", "people in one", "share", "people in none, by reason"),
        [_footprint(row) for row in rows],
    )


def _footprint(row: Section) -> tuple[str, ...]:
    why = "; ".join(
        f"{each['name'].lower()} {number(each['people'])}" for each in row["unassigned"]
    )
    share = percent(row["share"])
    kind, basis = plain(row["footprint_type"]), row["basis"]
    return (kind, basis, str(row["footprints"]), number(row["assigned"]), share, why)


def _disclosure(section: Section) -> Iterable[str]:
    yield paragraphs(
        f"The policy is {text(section['policy'])}. {policy_words(section['parameters'])} Shares "
        "and intervals are worked out from the released counts, so parts may not add up to their "
        "whole.",
        f"Of the {number(section['counts'])} counts behind this card "
        f"{number(section['withheld_as_small'])} are withheld as small, and "
        f"{number(section['withheld_to_protect_others'])} more so that none of these can be worked "
        "out by adding or taking away.",
    )


def _limits(section: Section) -> Iterable[str]:
    yield bullets(section["limits"])


def _repeat(section: Section) -> Iterable[str]:
    rows = [(plain(k), v) for k, v in section.items() if isinstance(v, str)]
    rows += [(f"version of {name}", version) for name, version in section["versions"].items()]
    rows += [(f"SHA-256 of the {plain(name)}", value) for name, value in section["sha256"].items()]
    yield table(("what", "value"), rows)


SECTIONS: Mapping[str, tuple[str, Callable[[Section], Iterable[str]]]] = {
    "main_points": ("Main points", _main_points),
    "purpose": ("Purpose", _purpose),
    "data": ("Data and completeness of each identifier", _data),
    "preparation": ("Preparation", _preparation),
    "method": ("Method: rules, parameters, thresholds", _method),
    "results": ("Results by pass", results),
    "quality": ("Quality, and how it was obtained", judged.quality),
    "who_is_missed": ("Who is missed", judged.who_is_missed),
    "footprint_assignment": ("Footprint assignment", _footprints),
    "disclosure": ("Disclosure", _disclosure),
    "limits": ("Limits", _limits),
    "how_to_repeat": ("How to repeat it", _repeat),
}
