"""What an indicator's declaration is."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pophealth_link.schema.strata import ALL, FAMILIES, Family, outside_ages

Level = Literal["person", "property", "area"]
Statistic = Literal["proportion", "rate", "score"]
Role = Literal["need", "use", "context"]
Interval = Literal["wilson", "byar", "compound_poisson", "none"]
PeriodKind = Literal["point", "period", "published"]
Timing = Literal["ever", "unresolved", "open", "latest", "in_period", "overlap"]
Counted = Literal["people", "events", "days", "amount"]
# Who weighs a score: all people, households, or the ages that the score is about (18 to 66, 0 to
# 15, 60 and over: English Indices of Deprivation 2025, Technical Report).
Weight = Literal["population", "households", "working_age", "children", "older"]


@dataclass(frozen=True, slots=True)
class EventRule:
    """Which rows of an event table count, and when.

    `timing` on the day (`as_of`) or in the period, both ends included:

    * `ever`: `date` on or before the day;
    * `unresolved`: as `ever`, and `end` empty or after the day;
    * `open`: `date` on or before the day, and `end` (the last day) empty or not before it;
    * `latest`: as `ever`, and the person's last such row, whatever the tests; of several on one
      day any;
    * `in_period`: `date` within the period;
    * `overlap`: some day from `date` up to the day before `end` lies in the period; an empty `end`
      is still open.

    `where`: column → codes, any of which; `pattern`: column → regular expression; `at_least`:
    column → smallest number; `since`: earliest `date`; `months`: how many months before the day
    `date` may lie; `resolved_by`: column → codes of rows which, on the day of a row or later, undo
    it; `settings`: rows of sources of these settings alone (column `setting`; where the events lack
    it, all); `event_id`: rows of one source and person that share it are one event. `by_code`:
    extracts are made code by code, so that a table in which none of the codes occurs holds no data
    for the indicator, rather than nobody. `part`: see `Indicator`. `amount`: the column of whole
    numbers that is added up where amounts are counted.
    """

    table: str
    timing: Timing
    date: str
    end: str | None = None
    since: datetime.date | None = None
    months: int | None = None
    event_id: str | None = None
    by_code: bool = False
    part: str | None = None
    amount: str | None = None
    settings: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pattern: Mapping[str, str] = field(default_factory=dict)
    at_least: Mapping[str, int] = field(default_factory=dict)
    resolved_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def tested(self) -> tuple[str, ...]:
        """The columns whose values decide whether a row counts."""
        return (*self.where, *self.pattern, *self.at_least)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the table that the rule reads."""
        named = (self.date, self.end, self.event_id, self.amount)
        held = (*(name for name in named if name is not None), *self.tested, *self.resolved_by)
        return tuple(dict.fromkeys(held))


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: what is counted over what, from which sources, when, and what it means.

    `role`: need, use (service use and supply, kept apart from need) or context. `direction`: 1
    where a higher value means more need, -1 where it means less, 0 where it has no sign. `index`: a
    member of the need index. `imputed_down`: a value of the local authority stands in for its
    parts, be it listed by authority (`area_type` lad) or, as some official files do, by LSOA.
    `value` is multiplier × numerator / denominator for every statistic. `min_age`, `max_age` (in
    completed years, both included): on the day (`as_of`), also for rates. `unknown_ages`: those of
    unknown age alone count, out of everyone. A person-level indicator has `events` and `counted`; a
    property-level one a `column` of the dwellings; an area-level one a `measure`, a column of the
    deprivation table (`deprivation`) or is `composite`. `imd_extent` and `imd_concentration` are
    made from `imd_rank`; the latter is no sum over areas, see `indicators.concentration`.

    Rules with a `part` are combined: people count who have every part of `each_of`, none of
    `none_of`, and at least `at_least` of the others; where none of these is given, any part. A
    part needs one of its tables, not all, and there all that it looks up. `among`: the indicator
    whose people are the denominator. `part_of`: indicators that share an entry add up to the
    indicator of that id. `strata`: the families of strata that it is given by
    (`schema.strata.CHOICES`); left out, every family that its level has. `unnamed`: why no source
    can show it; it has no data, whatever the job holds.
    """

    id: str
    title: str
    domain: str
    role: Role
    direction: int
    level: Level
    statistic: Statistic
    unit: str
    interval: Interval
    period: PeriodKind
    numerator: str
    denominator: str
    source: str
    what_it_is: str
    what_it_is_not: str
    multiplier: int = 1
    index: bool = False
    imputed_down: bool = False
    composite: bool = False
    once_a_day: bool = False
    min_age: int | None = None
    max_age: int | None = None
    unknown_ages: bool = False
    settings: tuple[str, ...] = ()
    counted: Counted | None = None
    events: tuple[EventRule, ...] = ()
    each_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    at_least: int = 0
    among: str | None = None
    part_of: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    unnamed: str | None = None
    column: str | None = None
    measure: str | None = None
    deprivation: str | None = None
    area_type: Literal["lsoa", "lad"] = "lsoa"
    weight: Weight | None = None

    @property
    def ages(self) -> str:
        """The ages that it counts, in words."""
        if self.unknown_ages:
            return "of unknown age"
        if self.max_age is not None:
            return f"aged {self.min_age or 0} to {self.max_age}"
        return "all ages" if self.min_age is None else f"aged {self.min_age} or over"

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its rules, in order; empty where they are not combined."""
        return tuple(dict.fromkeys(rule.part for rule in self.events if rule.part))

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of strata that it is given by, beside `all`."""
        held = tuple(FAMILIES.values()) if self.level == "person" else (FAMILIES["quintile"],)
        if not self.strata:
            return held
        # The finer ages come with the ages.
        asked = {*self.strata, *(["band"] if "age" in self.strata else [])}
        return tuple(each for each in held if each.name in asked)

    @property
    def all_strata(self) -> tuple[str, ...]:
        """`all` and the strata in which somebody of its ages can be, in order."""
        last = 200 if self.max_age is None else self.max_age
        outside = outside_ages(self.min_age or 0, last)
        named = [stratum for family in self.families for stratum in family.strata]
        if self.min_age is not None or self.max_age is not None:
            outside |= {"age_unknown"}
        return (ALL, *(name for name in named if name not in outside))


# The words that the literal types above allow, for checking what a file says.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "level": ("person", "property", "area"),
    "statistic": ("proportion", "rate", "score"),
    "role": ("need", "use", "context"),
    "interval": ("wilson", "byar", "compound_poisson", "none"),
    "period": ("point", "period", "published"),
    "timing": ("ever", "unresolved", "open", "latest", "in_period", "overlap"),
    "counted": ("people", "events", "days", "amount"),
    "weight": ("population", "households", "working_age", "children", "older"),
    "area_type": ("lsoa", "lad"),
    "deprivation": (
        *("imd_score", "imd_rank", "imd_decile", "imd_extent", "imd_concentration"),
        *("income_score", "employment_score", "education_score", "health_score", "crime_score"),
        *("barriers_score", "living_environment_score", "idaci_score", "idaopi_score"),
    ),
}
