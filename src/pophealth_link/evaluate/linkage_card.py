"""The linkage card: a report of a linkage in twelve sections, as JSON and Markdown.

The sections follow what is asked of such reports by GUILD (Gilbert et al., J Public Health
2018;40:191-198), RECORD (Benchimol et al., PLoS Med 2015;12:e1001885, items 6.3 and 12.3) and the
linkage reports of the Office for National Statistics. Every count has passed a disclosure policy,
all of them together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pophealth_link.disclosure import Policy
from pophealth_link.evaluate import linkage_card_quality as judged
from pophealth_link.evaluate import linkage_card_sections as sections
from pophealth_link.evaluate.linkage_card_counts import Facts, parts
from pophealth_link.evaluate.linkage_card_facts import facts, in_full
from pophealth_link.evaluate.linkage_card_ledger import release
from pophealth_link.evaluate.linkage_card_points import main_points
from pophealth_link.evaluate.linkage_card_sections import CardContext
from pophealth_link.evaluate.linkage_card_text import to_markdown
from pophealth_link.link import Links, LinkSpec, People

TITLE = "Linkage card"


@dataclass(frozen=True, slots=True)
class LinkageCard:
    """A card for release: `json` has the sections by name, `markdown` is made from it alone."""

    json: dict[str, Any] = field(repr=False)

    @property
    def markdown(self) -> str:
        """The card as Markdown."""
        return to_markdown(self.json)

    def to_json(self) -> str:
        """Return the card as the text of a JSON file."""
        return json.dumps(self.json, indent=2, ensure_ascii=False) + "\n"

    def __repr__(self) -> str:
        return f"LinkageCard({len(self.json) - 1} sections)"


def linkage_card(
    links: Links,
    sources: Sequence[People],
    spec: LinkSpec | None = None,
    *,
    policy: Policy,
    context: CardContext | None = None,
) -> LinkageCard:
    """Return the linkage card of a linkage, released by a disclosure policy.

    `sources` are the people that were linked, `spec` the settings of the linkage (left out: those
    that it was run with), `context` what the linkage itself does not know, such as its purpose.
    Raises `DisclosureError` where the policy cannot be met.
    """
    exact = facts(links, sources, spec)
    return card(exact, policy, context or CardContext())


def card(exact: Facts, policy: Policy, context: CardContext) -> LinkageCard:
    """Return the card from exact :func:`facts`, released by the policy."""
    exact = in_full(exact)
    released = release([*parts(exact), *judged.parts(exact)], policy)
    made = {
        "purpose": sections.purpose(exact, context),
        "data": sections.data(exact, released),
        "preparation": sections.preparation(exact, released),
        "method": sections.method(exact, released),
        "results": sections.results(exact, released),
        "quality": judged.quality(exact, released),
        "who_is_missed": judged.who_is_missed(exact, released),
        "footprint_assignment": sections.footprint_assignment(context),
        "disclosure": sections.disclosure_control(policy, released),
        "limits": {"limits": list(context.limits)},
        "how_to_repeat": sections.how_to_repeat(exact, context),
    }
    return LinkageCard({"title": TITLE, "main_points": main_points(made), **made})
