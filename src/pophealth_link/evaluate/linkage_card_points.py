"""The main points of a linkage card: a few sentences from the figures of its other sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pophealth_link.evaluate.linkage_card_words import (
    dimension_words,
    group_words,
    number,
    percent,
)

Card = Mapping[str, Any]


def main_points(card: Card) -> dict[str, Any]:
    """Return the sentences, from the released sections of the card alone."""
    told = (_linked, _least, _found_again, _never_compared, _groups, _numbers, _missing)
    return {"points": [point for each in told for point in each(card)]}


def _linked(card: Card) -> Iterator[str]:
    flow, register = card["results"]["flow"], card["purpose"]["register"]
    if flow and flow["records"] is not None:
        of = len(card["purpose"]["linked_to_it"])
        sources = "one source" if of == 1 else f"{of} sources"
        yield (
            f"Of {number(flow['records'])} records of {sources}, {_share(flow['linked_share'])} "
            f"were linked to a person of the register, {register}; "
            f"{number(flow['unlinked'])} were linked to nobody."
        )


def _share(share: float | None) -> str:
    return "a number that is withheld" if share is None else percent(share)


def _least(card: Card) -> Iterator[str]:
    """Tell which source was linked least, and which most."""
    told = [each for each in card["results"]["by_source"] if each["linked_share"] is not None]
    if len(told) > 1:
        ranked = sorted(told, key=lambda each: (each["linked_share"], each["source"]))
        least, most = ranked[0], ranked[-1]
        yield (
            f"Linked least: {least['source']} ({percent(least['linked_share'])}); most: "
            f"{most['source']} ({percent(most['linked_share'])})."
        )


def _found_again(card: Card) -> Iterator[str]:
    """Tell how many records were found again whose NHS number had been hidden."""
    rows = card["quality"].get("blind_run", {}).get("rates", ())
    known = [(r["recall"], r["source"]) for r in rows
             if r["population"] == "held" and r["recall"] is not None]  # fmt: skip
    if known:
        least, most = min(known), max(known)
        span = f"{percent(least[0])} ({least[1]})"
        span += f" to {percent(most[0])} ({most[1]})" if least != most else ""
        yield (
            f"Of records whose NHS number was hidden, the rest of the linkage found {span} again. "
            "Records that hold none are recorded worse: for them this is an upper bound."
        )


def _never_compared(card: Card) -> Iterator[str]:
    rows = card["quality"].get("blocking_loss", {}).get("estimates", ())
    whole = [row["share"] for row in rows if row["source"] == "all" and row["share"] is not None]
    if whole:
        yield f"At least {percent(whole[0])} of true links were never compared, by one estimate."


def _groups(card: Card) -> Iterator[str]:
    """Tell which group is linked least, of those that are large enough to say so."""
    rows = [
        row
        for row in card["who_is_missed"].get("rates", ())
        if row["source"] == "all" and row["linkage_rate"] is not None and not row["small"]
    ]
    whole = [row["linkage_rate"] for row in rows if row["dimension"] == "all"]
    named = [row for row in rows if row["dimension"] != "all" and row["group"] != "unknown"]
    if whole and named:
        least = min(named, key=lambda row: (row["linkage_rate"], row["dimension"], row["group"]))
        who = dimension_words(least["dimension"])
        yield (
            f"Linked least of all groups: {group_words(least['dimension'], least['group'])} "
            f"({who}), {percent(least['linkage_rate'])} against {percent(whole[0])} of everybody."
        )


def _numbers(card: Card) -> Iterator[str]:
    """Tell how many records were linked by NHS number, and how many numbers were set aside."""
    flow = card["results"]["flow"]
    by_number = [m for m in (flow or {}).get("methods", ()) if m["method"] == "nhs_number"]
    if by_number and by_number[0]["share"] is not None:
        yield f"By NHS number alone: {percent(by_number[0]['share'])} of these records."
    wrong = card["results"]["counts"].get("nhs_numbers_contradicted", 0)
    if wrong is None or wrong:
        yield (
            f"{number(wrong).capitalize()} NHS numbers fitted somebody with other demographics; "
            "they were set aside and linked nobody."
        )


def _missing(card: Card) -> Iterator[str]:
    """Tell which sources hold few NHS numbers, on which everything else depends."""
    few = [
        f"{row['source']} ({percent(row['share'])})"
        for row in card["data"]["completeness"]
        if row["identifier"] == "nhs_number" and row["share"] is not None and row["share"] < 0.5
    ]
    if few:
        yield (
            "Fewer than half of the records hold an NHS number in "
            f"{', '.join(few)}: these depend on names, dates of birth and addresses."
        )
