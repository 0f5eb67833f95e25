"""The domains of the report in reading order, each with a heading and a sentence or two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Domain:
    """One section of the report."""

    id: str
    title: str
    about: str


DOMAINS = (
    Domain(
        "deprivation",
        "Deprivation",
        "Mental ill health is more common where people have less. Scores are means over the areas "
        "in which the people of a footprint live, never that of the surgery’s own address.",
    ),
    Domain(
        "housing",
        "Housing",
        "Who rents, who is homeless and who lives in temporary accommodation. Figures from council "
        "records count people whose record was linked; figures from the census count households.",
    ),
    Domain(
        "overcrowding",
        "Overcrowding",
        "Too few bedrooms for the people who share them strains mental health and sleep. It is "
        "measured by bedrooms and household, never by heads at one address on a practice list.",
    ),
    Domain(
        "employment",
        "Employment",
        "Being kept out of work goes with worse mental health, and each makes the other likelier.",
    ),
    Domain(
        "transport",
        "Access to public transport",
        "People who cannot drive reach services, work and company by public transport.",
    ),
    Domain(
        "noise",
        "Noise",
        "Lasting noise disturbs sleep and adds to stress. Mapped noise and complaints about noise "
        "measure different things.",
    ),
    Domain(
        "social_isolation",
        "Social isolation",
        "Living alone is a marker of the risk of being lonely. It is not loneliness itself.",
    ),
    Domain(
        "crime",
        "Crime and disorder",
        "Crime and disorder as the police record them, by where they happen: strain for those who "
        "live nearby, and for those whom they hit.",
    ),
    Domain(
        "environment",
        "Surroundings",
        "Whether what surrounds people (shops, health services, air, green space) is good or bad "
        "for health, in one published score.",
    ),
    Domain(
        "services",
        "Services within reach",
        "How many people share a general practitioner. Supply, not need.",
    ),
    Domain(
        "population",
        "Who lives here",
        "Context for reading everything else. Nothing in this section is need as such.",
    ),
    Domain(
        "recorded_need",
        "Recorded mental health",
        "What general practices have recorded. Recorded is not the same as present: people who "
        "never came forward are missing, and some records outlast the illness.",
    ),
    Domain(
        "service_use",
        "Use of services",
        "Referrals, contacts, admissions and days of delayed discharge. Use follows supply as much "
        "as need, so it is kept apart from need and out of the index.",
    ),
    Domain(
        "social_care",
        "Social care",
        "Adults whom the council supports, known to this report because their records were linked.",
    ),
    Domain(
        "index",
        "Index of need",
        "Social circumstances that go with mental ill health, taken together. It ranks areas by "
        "circumstances; it does not count people.",
    ),
)


def domain_of(indicator: str, domain: str) -> str:
    """Return the section that an indicator stands in: its domain, but social care has its own.

    >>> domain_of("social_care_mental_health_support", "service_use")
    'social_care'
    """
    return "social_care" if indicator.startswith("social_care") else domain


def in_order(domains: Iterable[str]) -> list[Domain]:
    """Return the report's own domains, then any others of `domains` in their order."""
    known = {each.id for each in DOMAINS}
    others = [name for name in dict.fromkeys(domains) if name not in known]
    # The index closes the report: what is not known to it comes before.
    return [*DOMAINS[:-1], *(_other(name) for name in others), DOMAINS[-1]]


def _other(name: str) -> Domain:
    return Domain(name, name.replace("_", " ").capitalize(), "")
