"""The section of a linkage card on results, as Markdown: a flow of counts, and tables by pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pophealth_link.evaluate.linkage_card_markdown import block, paragraphs, table
from pophealth_link.evaluate.linkage_card_words import (
    decision_words,
    method_words,
    number,
    percent,
    plain,
    reason_words,
)

Section = Mapping[str, Any]


def results(section: Section) -> Iterable[str]:
    """Yield the flow of records, the same by source, and what became of pairs."""
    if section["flow"]:
        yield block(_flow(section["flow"]))
    people = section["people"]
    if people:
        yield paragraphs(
            f"All records together are of {number(people['people'])} people: "
            f"{number(people['on_register'])} on the register and "
            f"{number(people['off_register'])} on none."
        )
    yield table(
        ("source", "records", "linked", "", "off the register", "unlinked", ""),
        [_by_source(each) for each in section["by_source"]],
    )
    yield from _by_method(section)
    yield from _pairs(section)


def _flow(flow: Section) -> list[tuple[str, str, str]]:
    """Return the lines of the flow: what, how many, share of all."""
    lines = [("records outside the register", number(flow["records"]), "")]
    for each in flow["methods"]:
        what = f"  linked by {method_words(each['method'])}"
        lines.append((what, number(each["records"]), percent(each["share"])))
    lines.append(("linked to a person of the register", number(flow["linked"]),
                  percent(flow["linked_share"])))  # fmt: skip
    lines.append(("linked to records off the register alone", number(flow["elsewhere"]), ""))
    lines.append(("unlinked", number(flow["unlinked"]), percent(flow["unlinked_share"])))
    for each in flow["unlinked_because"]:
        lines.append((f"  {reason_words(each['reason'])}", number(each["records"]), ""))
    return lines


def _by_source(each: Section) -> tuple[str, ...]:
    return (
        each["source"],
        number(each["records"]),
        number(each["linked"]),
        percent(each["linked_share"]),
        number(each["elsewhere"]),
        number(each["unlinked"]),
        percent(each["unlinked_share"]),
    )


def _by_method(section: Section) -> Iterable[str]:
    sources, flow = section["by_source"], section["flow"] or {"methods": ()}
    names = [each["method"] for each in flow["methods"]]
    if names:
        yield paragraphs("Records linked, by pass:")
        rows = []
        for each in sources:
            own = {m["method"]: number(m["records"]) for m in each["methods"]}
            rows.append((each["source"], *(own.get(name, "0") for name in names)))
        yield table(("source", *(method_words(name) for name in names)), rows)


def _pairs(section: Section) -> Iterable[str]:
    if section["passes"]:
        yield paragraphs("What became of the pairs that each pass proposed:")
        yield table(
            ("pass", "outcome", "pairs"),
            [
                row
                for each in section["passes"]
                for row in (
                    (method_words(each["pass"]), "candidates", number(each["candidates"])),
                    *(("", decision_words(d["decision"]), number(d["pairs"]))
                      for d in each["decisions"]),
                )
            ],
        )  # fmt: skip
    if section["counts"]:
        yield table(
            ("also counted", "records"),
            [(_counted(name), number(count)) for name, count in section["counts"].items()],
        )


def _counted(name: str) -> str:
    known = {
        "nhs_numbers_contradicted": "NHS numbers set aside: the demographics are somebody else's",
        "nhs_numbers_shared": "NHS numbers set aside: two records of one source of unique people",
        "reviewed_yes": "reviewers' decisions that two records are one person",
        "reviewed_no": "reviewers' decisions that they are not",
        "reviewed_yes_against_numbers": "pairs that a reviewer made one person against two numbers",
        "reviewed_yes_against_death": "pairs that a reviewer made one in spite of a death before",
        "reviewed_unknown": "reviewers' decisions on records that are not there",
        "reviewed_not_followed": "records that are not the person that a reviewer's yes makes them",
        "previous_kept": "records that keep the person of the previous linkage",
        "previous_vanished": "records of the previous linkage that are not there any more",
        "previous_undone": "links of the previous linkage that a reviewer's no undid",
    }
    return known.get(name, plain(name))
