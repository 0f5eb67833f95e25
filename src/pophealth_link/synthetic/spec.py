"""What is asked of the generator, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from pophealth_link.errors import JobError, Problem, nearest, raise_problems

PRESETS = ("easy", "typical", "hard")
FEWEST, MOST = 50, 10_000_000
# The largest whole number that a job file in TOML is sure to hold.
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SynthSpec:
    """How many people, from which seed, recorded how badly, on which day.

    `people` is the number of people on the register, 50 to 10,000,000; `preset` is easy, typical
    or hard; `as_of` is the day on which registrations and addresses hold. Raises `JobError` with
    every setting that is wrong.

    >>> SynthSpec(people=1000, seed=1).period[0].isoformat()
    '2025-04-01'
    """

    people: int
    seed: int
    preset: str = "typical"
    as_of: date = date(2026, 4, 1)

    def __post_init__(self) -> None:
        raise_problems("the synthetic population", _problems(self))

    @property
    def period(self) -> tuple[date, date]:
        """The first and the last day of the year before `as_of`."""
        day = min(self.as_of.day, 28) if self.as_of.month == 2 else self.as_of.day
        return date(self.as_of.year - 1, self.as_of.month, day), self.as_of - timedelta(days=1)


def _problems(spec: SynthSpec) -> list[Problem]:
    found = []
    if not _whole(spec.people) or not FEWEST <= spec.people <= MOST:
        found.append(Problem(JobError, "people", f"must be a number from {FEWEST} to {MOST:,}."))
    if not _whole(spec.seed) or not 0 <= spec.seed <= _LARGEST_SEED:
        told = f"must be a whole number from 0 to {_LARGEST_SEED:,}."
        found.append(Problem(JobError, "seed", told))
    if spec.preset not in PRESETS:
        hint = nearest(str(spec.preset), PRESETS)
        found.append(Problem(JobError, "preset", f"must be one of {', '.join(PRESETS)}.{hint}"))
    if not isinstance(spec.as_of, date) or not 2000 <= spec.as_of.year <= 2100:
        found.append(Problem(JobError, "as_of", "must be a day from 2000 to 2100."))
    return found


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Synthetic sources and who their records truly are.

    `tables`: each source, event table and dwelling list by name, in contract columns. `truth`: one
    row per record, see `truth.truth_rows`. `people`: one row per person who exists, see
    `truth.true_people`. `homes`: the dwelling list as it is, see `truth.true_homes`.
    """

    spec: SynthSpec
    tables: Mapping[str, pl.DataFrame] = field(repr=False)
    truth: pl.DataFrame = field(repr=False)
    people: pl.DataFrame = field(repr=False)
    homes: pl.DataFrame = field(repr=False)
