"""The sections of a linkage card on quality and on who is missed, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pophealth_link.evaluate.linkage_card_markdown import bullets, paragraphs, table
from pophealth_link.evaluate.linkage_card_words import (
    dimension_words,
    group_words,
    limits,
    loss_words,
    number,
    percent,
    plain,
)

Section = Mapping[str, Any]
ALL = "all"


def quality(section: Section) -> Iterable[str]:
    """Yield how good the linkage is, and how that is known."""
    if not section:
        yield paragraphs("Quality was not estimated for this card.")
        return
    yield paragraphs(
        "No record's true owner is known, so quality is estimated in several ways, each with its "
        "own weakness."
    )
    for name, written in _PARTS.items():
        if name in section:
            yield from written(section[name])


def _blind(section: Section) -> Iterable[str]:
    yield "### Records whose NHS number was hidden"
    if "unasked" in section:
        yield paragraphs(f"None was hidden. {section['unasked']}")
        return
    yield paragraphs(
        "The number of some records was hidden and they were linked again by everything else: "
        f"at most {number(section['sample'])} of a source, drawn with the seed {section['seed']}. "
        f"{section['caveat']} Counts that are re-weighted are those of a sample of that worth."
    )
    found: dict[str, dict[str, Section]] = {}
    for row in section["rates"]:
        found.setdefault(row["source"], {})[row["population"]] = row
    head = ("source", "hidden records with an owner", "found again", "95 % limits",
            "linked to somebody else", "never compared", "all records, at most",
            "those without a number, at most")  # fmt: skip
    yield table(head, [_blind_row(source, own) for source, own in found.items()])
    if any(row["basis"] == "borrowed" for row in section["rates"]):
        yield paragraphs(
            "\\* The source holds too few numbers to judge by: these are of the other sources' "
            "records, weighed to be like its own."
        )


def _blind_row(source: str, own: Mapping[str, Section]) -> tuple[str, ...]:
    held = own.get("held")
    told = (
        (
            number(held["records"]),
            percent(held["recall"]),
            limits(held["recall_lower"], held["recall_upper"]),
            percent(held["false_links"]),
            percent(held["lost"]),
        )
        if held
        else ("none", "", "", "", "")
    )
    return (source, *told, _at_most(own.get("all")), _at_most(own.get("without")))


def _at_most(row: Section | None) -> str:
    if row is None:
        return ""
    return percent(row["recall"]) + (" \\*" if row["basis"] == "borrowed" else "")


def _blocking(section: Section) -> Iterable[str]:
    yield "### True links that no blocking rule compares"
    yield paragraphs(
        "A pair that no rule compares is lost, whatever the model. How many are lost is estimated "
        "in these ways:"
    )
    yield bullets(f"{loss_words(name)}: {what}" for name, what in section["methods"].items())
    rows = [
        (
            _source(row["source"]),
            loss_words(row["method"]),
            percent(row["share"]),
            limits(row["share_lower"], row["share_upper"]),
        )
        for row in section["estimates"]
    ]
    yield table(("source", "estimate", "never compared", "95 % limits"), rows)
    rules = [(plain(r["rule"]), number(r["links"]), number(r["alone"])) for r in section["rules"]]
    yield table(("blocking rule", "true links found", "by this rule alone"), rules)


def _implausible(section: Section) -> Iterable[str]:
    yield "### Links that can hardly be right"
    yield paragraphs(section["caveat"])
    yield table(
        ("what", "checked", "found", "share", "false links this suggests"),
        [
            (
                section["scenarios"].get(row["scenario"], plain(row["scenario"])),
                number(row["checked"]),
                number(row["found"]),
                percent(row["share"]),
                _suggested(row),
            )
            for row in section["rates"]
            if row["checked"] != 0
        ],
    )


def _suggested(row: Section) -> str:
    if row["false_links"] is None:
        return ""
    told = limits(row["false_links_lower"], row["false_links_upper"])
    return f"{percent(row['false_links'])} ({told})" if told else percent(row["false_links"])


def _sensitivity(section: Section) -> Iterable[str]:
    yield "### Other thresholds"
    yield paragraphs(
        "What the linkage would have been had the model's best candidate been accepted at another "
        f"match probability. {section['caveat']}"
    )
    whole = [row for row in section["rates"] if row["source"] == ALL]
    yield table(
        ("threshold", "linked", "share", "of them false, as the model expects"),
        [
            (f"{row['threshold']:g}", number(row["links"]), percent(row["linked"]), _expected(row))
            for row in whole
        ],
    )


def _expected(row: Section) -> str:
    share = row["expected_false_share"]
    return (
        f"{number(row['expected_false'])} ({percent(share)})" if share is not None else "withheld"
    )


_PARTS = {
    "blind_run": _blind,
    "blocking_loss": _blocking,
    "implausible": _implausible,
    "sensitivity": _sensitivity,
}


def _source(name: str) -> str:
    return "all sources" if name == ALL else name


def who_is_missed(section: Section) -> Iterable[str]:
    """Yield the linkage rate of groups, and how linked and unlinked records differ."""
    if not section:
        yield paragraphs("Linkage rates by group were not worked out for this card.")
        return
    missed = any(row["missed_rate"] is not None for row in section["rates"])
    yield paragraphs(
        f"Records of all sources besides the register, by what they say of the person. "
        f"{section['caveat']}"
        + (" The missed share is that of records whose hidden number told the owner." * missed)
    )
    order = list(_ORDER)
    rows = [row for row in section["rates"] if row["source"] == ALL]
    ranked = sorted(rows, key=lambda row: [*order, row["dimension"]].index(row["dimension"]))
    yield _rates(ranked, missed=missed)
    yield from _differences(section)


def _rates(rows: Sequence[Section], *, missed: bool) -> str:
    head = ("who", "group", "records", "linked", "share", "95 % limits")
    return table(
        (*head, *(("missed", "95 % limits") if missed else ())),
        [
            (
                dimension_words(row["dimension"]),
                group_words(row["dimension"], row["group"]),
                number(row["records"]),
                number(row["linked"]),
                percent(row["linkage_rate"]),
                limits(row["linkage_rate_lower"], row["linkage_rate_upper"]),
                *(_missed(row) if missed else ()),
            )
            for row in rows
        ],
    )


def _missed(row: Section) -> tuple[str, str]:
    told = limits(row["missed_rate_lower"], row["missed_rate_upper"])
    return (percent(row["missed_rate"]), told)


def _differences(section: Section) -> Iterable[str]:
    noted = [row for row in section["differences"] if row["noteworthy"]]
    if not section["differences"]:
        return
    if not noted:
        yield paragraphs("No group's share differs by more than 0.1 standard deviations between "
                         "linked and unlinked records of a source.")  # fmt: skip
        return
    yield paragraphs(
        "Groups whose share among the linked records of a source differs from that among the "
        "unlinked by more than 0.1 standard deviations (the standardised difference), the largest "
        "first; the card's JSON has all of them:"
    )
    largest = sorted(noted, key=lambda row: (-abs(row["standardised_difference"]), row["source"]))
    yield table(
        ("source", "who", "group", "of the linked", "of the unlinked", "difference"),
        [
            (
                row["source"],
                dimension_words(row["dimension"]),
                group_words(row["dimension"], row["group"]),
                percent(row["share_linked"]),
                percent(row["share_unlinked"]),
                f"{row['standardised_difference']:+.2f}",
            )
            for row in largest[:_MOST]
        ],
    )


# Everybody first, then from the person to the place.
_ORDER = ("all", "sex", "age", "ethnic_group", "quintile", "lad_code")
# As many as can be read; all are in the JSON.
_MOST = 15
