"""What the need index is made of, in words and a small table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pophealth_link.report import words
from pophealth_link.report.inputs import indicator_text


@dataclass(frozen=True, slots=True)
class IndexCard:
    """The members with weight and correlation, those left out with the reason, and sentences."""

    members: tuple[tuple[str, str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]


def index_card(summary: Mapping[str, Any] | None, catalogue: Mapping[str, Any]) -> IndexCard | None:
    """Return what a summary of the need index says; nothing without one.

    `summary`: as `NeedIndex.summary` returns it; `catalogue`: indicator → declaration.
    """
    if not summary:
        return None
    titles = {
        name: indicator_text(catalogue, name, "").title
        for name in (*summary["members"], *summary["left_out"])
    }
    weights, rest = summary.get("weights", {}), summary.get("item_rest", {})
    return IndexCard(
        members=tuple(
            (titles[name], _share(weights.get(name)), _correlation(rest.get(name)))
            for name in summary["members"]
        ),
        left_out=tuple((titles[name], str(why)) for name, why in summary["left_out"].items()),
        sentences=_sentences(summary, titles),
    )


def _sentences(summary: Mapping[str, Any], titles: Mapping[str, str]) -> tuple[str, ...]:
    if summary.get("reason"):
        return (f"There is no index for this reference: {summary['reason']}.",)
    said = [_made(summary)]
    if summary.get("method_reason"):
        said.append(f"Weights are equal: {summary['method_reason']}.")
    if summary.get("incomplete"):
        said.append(f"{summary['incomplete']:,} LSOAs lack an indicator and have no value.")
    if summary.get("alpha") is not None:
        alpha = words.number(float(summary["alpha"]), 2)
        said.append(
            f"Cronbach’s alpha is {alpha}: near 1, the indicators rise and fall together; near or "
            "below 0, they have little in common."
        )
    if summary.get("determinacy") is not None:
        told = words.number(100 * float(summary["determinacy"]), 0, "%")
        said.append(f"The score tells {told} of the variance of what the indicators share.")
    against = [titles[name] for name in summary.get("against_direction", ()) if name in titles]
    if against:
        said.append(f"In this reference, low where the others are high: {words.listed(against)}.")
    return tuple(said)


def _made(summary: Mapping[str, Any]) -> str:
    of = (
        f"{len(summary['members'])} indicators, each turned so that more means more need and put "
        f"on one scale over {summary['areas']:,} LSOAs, each LSOA counting once."
    )
    if summary.get("method") != "factor":
        return f"It is the mean of {of}"
    many = "one factor" if len(summary["factors"]) == 1 else "two factors"
    return f"It is the score of {many}, fitted by maximum likelihood to {of}"


def _share(weight: float | None) -> str:
    return "–" if weight is None else words.number(100 * float(weight), 1, "%")


def _correlation(value: float | None) -> str:
    return "–" if value is None else words.number(float(value), 2)
