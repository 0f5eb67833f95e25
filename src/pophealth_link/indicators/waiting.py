"""Pathways, the standards of their waits, and the parts of the life tables that are counted."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from pophealth_link.errors import JobError, Problem, raise_problems
from pophealth_link.schema.codes_services import PATHWAY, WAIT_BAND

SEEN, UNSEEN, BEYOND, ALL = "seen", "unseen", "beyond", "all"
DOMAIN = "waits"
_MOST_BANDS = len(WAIT_BAND.codes) - 1
_ALL_REFERRALS = {
    "referrals": "mental_health_referrals",
    "talking_therapies_referrals": "talking_therapies_referrals",
}
_WAITS = {"referrals": "waits", "talking_therapies_referrals": "talking_therapies_waits"}


def _number(band: int) -> str:
    return f"_{band}" if band else ""


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard of a pathway: by which day, and which share where one is set."""

    days: int
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Pathway:
    """A pathway: which referrals are on it, when its wait ends, and what it is held against.

    `edges`: the last day of each band of its life table. A referral fits by its reason and its
    priority, or with `either` by one of the two; without either list, any fits.
    """

    id: str
    title: str
    table: str
    contacts: str
    edges: tuple[int, ...]
    standards: tuple[Standard, ...]
    ends_with: str
    source: str
    reasons: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    appointments: tuple[str, ...] = ()
    either: bool = False
    min_age: int | None = None
    max_age: int | None = None

    @property
    def waits(self) -> str:
        """The derived table that holds its waits."""
        return _WAITS[self.table]

    @property
    def sum_of_all(self) -> list[str]:
        """The indicator of all referrals that those of the pathway are a part of."""
        return [_ALL_REFERRALS[self.table]]

    @property
    def summed(self) -> tuple[int, ...]:
        """The bands at whose end a standard lies and up to which counts are added up, rising."""
        ends = {self.edges.index(each.days) + 1 for each in self.standards}
        return tuple(sorted(ends - {1}))

    def part(self, outcome: str, band: int = 0) -> str:
        """Return the id of the indicator that counts a part of its life table, or all of it.

        >>> pathways()["psychosis"].part("seen", 1)
        'waits_psychosis_seen_1'
        """
        return f"waits_{self.id}" + ("" if outcome == ALL else f"_{outcome}") + _number(band)

    def up_to(self, outcome: str, band: int) -> str:
        """Return the id of the indicator that counts an outcome in all bands up to one.

        >>> pathways()["psychosis"].up_to("seen", 2)
        'waits_psychosis_seen_by_day_14'
        """
        if band == 1:
            return self.part(outcome, band)
        return f"waits_{self.id}_{outcome}_by_day_{self.edges[band - 1]}"

    def sums(self) -> Iterator[tuple[str, str, int]]:
        """Return id, outcome and last band of the counts up to the day of a standard."""
        for band in self.summed:
            yield self.up_to(SEEN, band), SEEN, band
            yield self.up_to(UNSEEN, band), UNSEEN, band

    def sum_of(self, outcome: str, band: int) -> str:
        """Return the id of the first sum that holds a band; of all referrals where none does."""
        ends = [each for each in self.summed if band and each >= band]
        return self.up_to(outcome, ends[0]) if ends else self.part(ALL)

    def parts(self) -> Iterator[tuple[str, str, int]]:
        """Return id, outcome and band of the whole and of each part that adds up to it.

        Band 0: the whole, and what lies beyond the last edge.
        """
        yield self.part(ALL), ALL, 0
        for band in range(1, len(self.edges) + 1):
            yield self.part(SEEN, band), SEEN, band
            yield self.part(UNSEEN, band), UNSEEN, band
        yield self.part(BEYOND), BEYOND, 0


def pathways() -> Mapping[str, Pathway]:
    """Return the pathways that the library ships, by id, in the order in which they are tried."""
    text = files("pophealth_link.indicators").joinpath("pathways.toml").read_text("utf-8")
    return read(text, "the shipped pathways")


def read(text: str, subject: str = "the pathways") -> Mapping[str, Pathway]:
    """Return the pathways in TOML text; `subject` is what error messages call it.

    Raises `JobError`, once, with every problem: an unknown pathway, table or key, edges that do
    not rise, more bands than the tables hold, a standard that is not an edge, a share beyond 1.
    """
    entries = tomllib.loads(text)
    raise_problems(
        subject, [each for name, entry in entries.items() for each in _wrong(name, entry)]
    )
    return {name: _pathway(name, entry) for name, entry in entries.items()}


def _wrong(name: str, entry: Mapping[str, Any]) -> Iterator[Problem]:
    if name not in PATHWAY.codes:
        yield Problem(JobError, name, "is not a code of the list `pathway`.")
    if entry.get("table") not in _WAITS:
        yield Problem(JobError, f"{name}.table", f"must be one of {', '.join(_WAITS)}.")
    edges = list(entry.get("edges", ()))
    if not edges or edges != sorted(set(edges)) or edges[0] < 0 or len(edges) > _MOST_BANDS:
        yield Problem(
            JobError, f"{name}.edges", f"must be 1 to {_MOST_BANDS} rising numbers of days."
        )
    for place, each in enumerate(entry.get("standards", ())):
        if each.get("days") not in edges:
            yield Problem(JobError, f"{name}.standards[{place}].days", "must be one of the edges.")
        if not 0 < each.get("share", 1) <= 1:
            yield Problem(JobError, f"{name}.standards[{place}].share", "must be above 0, up to 1.")
    for key in ("title", "contacts", "ends_with", "source"):
        if not isinstance(entry.get(key), str):
            yield Problem(JobError, f"{name}.{key}", "is missing.")
    for key in entry.keys() - Pathway.__dataclass_fields__.keys():
        yield Problem(JobError, f"{name}.{key}", "is not a key.")


def _pathway(name: str, entry: Mapping[str, Any]) -> Pathway:
    listed = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    standards = tuple(Standard(**each) for each in entry["standards"])
    return Pathway(id=name, **{**entry, **listed, "standards": standards})


def catalogue_text() -> str:
    """Return the catalogue entries (TOML) of the parts of every life table, and of their sums."""
    listed = pathways().values()
    parts = [_entry(pathway, *part) for pathway in listed for part in pathway.parts()]
    sums = [_entry(pathway, *one, added=True) for pathway in listed for one in pathway.sums()]
    return "\n".join([*parts, *sums])


def _entry(pathway: Pathway, name: str, outcome: str, band: int, *, added: bool = False) -> str:
    """Return one indicator as TOML (a JSON string is one); `added`: all bands up to this one."""
    ages = {"min_age": pathway.min_age, "max_age": pathway.max_age}
    whole = pathway.sum_of_all
    if outcome != ALL:
        whole = [pathway.sum_of(outcome, band + added)]
    first = 1 if added else band
    what, test = _in_words(pathway, outcome, first, band), _test(pathway, outcome, first, band)
    keys = {
        "title": f"Waits: {pathway.title}: {what}",
        "domain": DOMAIN,
        "role": "use",
        "direction": 0,
        "level": "person",
        "statistic": "rate",
        "unit": "per 100,000 person-years",
        "multiplier": 100_000,
        "interval": "compound_poisson",
        "period": "period",
        "strata": ["all"],
        "part_of": whole,
        **{key: value for key, value in ages.items() if value is not None},
        "settings": ["secondary_care"],
        "counted": "events",
        "numerator": f"Referrals received in the period: {what}. Seen: {pathway.ends_with}",
        "denominator": "Person-years in the period of people registered, and of people known to a "
        "source alone",
        "source": pathway.source,
        "what_it_is": "A life table's count, from which the share seen in time is estimated.",
        "what_it_is_not": "Not a share: only all parts of the pathway together tell how long "
        "people wait.",
    }
    rule = {"table": pathway.waits, "timing": "in_period", "date": "referral_date"}
    lines = [f"[{name}]", *_lines(keys), f"[[{name}.events]]", *_lines(rule), f"where = {test}"]
    return "\n".join(lines) + "\n"


def _lines(keys: Mapping[str, object]) -> list[str]:
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in keys.items()]


def _in_words(pathway: Pathway, outcome: str, start: int, band: int) -> str:
    if outcome == ALL:
        return "all referrals"
    if outcome == BEYOND:
        return f"waited more than {pathway.edges[-1]} days, seen or not"
    first = pathway.edges[start - 2] + 1 if start > 1 else 0
    days = f"{first} to {pathway.edges[band - 1]} days"
    if outcome == SEEN:
        return f"seen after {days}"
    return f"followed for {days}, then closed unseen or still waiting"


def _test(pathway: Pathway, outcome: str, start: int, band: int) -> str:
    tests = {"pathway": [pathway.id]}
    if outcome != ALL:
        tests["band"] = [str(each) for each in range(start, band + 1)] if band else [BEYOND]
    if band:
        tests["outcome"] = [outcome]
    return "{ " + ", ".join(_lines(tests)) + " }"
