"""The declared pairs of a recorded indicator and a modelled condition."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link.errors import JobError, Problem, nearest, raise_problems
from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.need.survey import Survey, together
from pophealth_link.schema import strata
from pophealth_link.schema.codes_modelled import COMPARISON

# What the two sides of a gap must say alike.
SIDES = ("condition", "ages", "population", "period")
_NEEDED = ("comparison", "indicator", "stratum", "survey", "condition", "age_from")
_KNOWN = (*_NEEDED, "age_to", "observed", "expected", "differs")
# Times of a survey that an indicator on a day may be subtracted from.
_ON_A_DAY = ("current", "lifetime")


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair: which rows of the baseline, which of modelled need, and how the two compare.

    `comparison`: gap or observed_expected; `differs`: how the definitions differ, or what to bear
    in mind of a gap; `observed`, `expected`: what each side says of SIDES.
    """

    id: str
    comparison: str
    indicator: str
    stratum: str
    survey: str
    condition: str
    age_from: int
    age_to: int | None = None
    differs: str | None = None
    observed: Mapping[str, str] = field(default_factory=dict, repr=False)
    expected: Mapping[str, str] = field(default_factory=dict, repr=False)


def shipped_pairs() -> tuple[Pair, ...]:
    """Return the pairs that the library declares.

    >>> [pair.id for pair in shipped_pairs() if pair.comparison == "gap"]
    ['dementia_65_over']
    """
    text = files("pophealth_link.need").joinpath("gap_pairs.toml").read_text("utf-8")
    return read_pairs(text, "the shipped pairs")


def load_pairs(path: Path) -> tuple[Pair, ...]:
    """Return the pairs in a TOML file; raises what `read_pairs` raises."""
    if not path.is_file():
        raise JobError(f"{path.name} does not exist.", fix="name a file of pairs that exists")
    return read_pairs(path.read_text("utf-8"), path.name)


def read_pairs(text: str, subject: str = "the pairs") -> tuple[Pair, ...]:
    """Return the pairs in TOML text, one table each, in order.

    Raises `JobError` once with every problem: text that is not TOML, keys that are absent or not
    known, a gap whose sides differ in condition, ages, population or period, and a pair that is no
    gap and does not say how its sides differ.
    """
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise JobError(f"{subject} are not TOML.", str(error)) from error
    raise_problems(subject, [p for name, entry in tables.items() for p in _problems(name, entry)])
    return tuple(Pair(id=name, **entry) for name, entry in tables.items())


def require_alike(
    pairs: Sequence[Pair],
    indicators: Catalogue,
    surveys: Sequence[Survey],
    subject: str = "the pairs",
) -> None:
    """Raise `JobError`, once, where a gap says other than the indicator and the survey it names.

    The indicator must be of the catalogue and its stratum and ages those of the pair; the survey's
    tables must hold the condition, for the population and the period that the pair tells of; and an
    indicator on a day goes with what a survey finds on a day, or in a lifetime.
    """
    rates = together(surveys)
    raise_problems(subject, [p for pair in pairs for p in _contradictions(pair, indicators, rates)])


def agreeing(
    pairs: Sequence[Pair], indicators: Catalogue, surveys: Sequence[Survey]
) -> tuple[Pair, ...]:
    """Return the pairs; a gap that `require_alike` would refuse is observed over expected."""
    rates = together(surveys)
    found = []
    for pair in pairs:
        wrong = [f"{p.where}: {p.what}" for p in _contradictions(pair, indicators, rates)]
        unlike = replace(pair, comparison="observed_expected", differs=" ".join(wrong))
        found.append(unlike if wrong else pair)
    return tuple(found)


def _contradictions(pair: Pair, indicators: Catalogue, rates: pl.DataFrame) -> Iterator[Problem]:
    if pair.comparison != "gap":
        return
    if pair.indicator not in indicators.ids:
        what = f"is no indicator of the catalogue.{nearest(pair.indicator, indicators.ids)}"
        yield Problem(JobError, f"{pair.id}.indicator", what)
    else:
        yield from _other_ages(pair, indicators[pair.indicator])
    of_survey = rates.filter(pl.col("survey") == pair.survey)
    if of_survey.is_empty():
        names = rates["survey"].unique().sort().to_list()
        what = f"is in no survey table.{nearest(pair.survey, names)}"
        yield Problem(JobError, f"{pair.id}.survey", what)
        return
    held = of_survey.filter(pl.col("condition") == pair.condition)
    if held.is_empty():
        what = f"is no condition of {pair.survey}."
        yield Problem(JobError, f"{pair.id}.condition", what)
        return
    yield from _other_people(pair, indicators, held)


def _other_ages(pair: Pair, indicator: Indicator) -> Iterator[Problem]:
    span = _span(indicator, pair.stratum)
    if span == (pair.age_from, pair.age_to):
        return
    if span is None:
        what = f"{pair.stratum} is no stratum of people of some ages."
    else:
        first, last = span
        ages = f"{first} and over" if last is None else f"{first} to {last}"
        what = f"{pair.indicator} in {pair.stratum} is of people of {ages}, the pair of others."
    yield Problem(JobError, f"{pair.id}.stratum", what, "give the ages of the stratum")


def _span(indicator: Indicator, stratum: str) -> tuple[int, int | None] | None:
    """Return first and last age of an indicator in a stratum; nothing where ages do not make it."""
    first, last = indicator.min_age or 0, indicator.max_age
    if stratum == strata.ALL:
        return first, last
    name = strata.family_of(stratum)
    group = stratum.removeprefix(f"{name}_")
    if name not in (strata.AGE.name, strata.BAND.name) or group not in strata.FAMILIES[name].groups:
        return None
    begins, ends = group.split("_")
    oldest = [age for age in (last, None if ends == "over" else int(ends)) if age is not None]
    return max(first, int(begins)), min(oldest, default=None)


def _other_people(pair: Pair, indicators: Catalogue, held: pl.DataFrame) -> Iterator[Problem]:
    """Return where population and period are not those of the survey, or of the indicator."""
    for side, column in (("population", "population"), ("period", "reference_period")):
        told = held[column].unique().sort().to_list()
        if told != [pair.expected.get(side)]:
            what = f"is not that of the survey, which says: {', '.join(told)}."
            yield Problem(JobError, f"{pair.id}.{side}", what, "say it as the survey's table does")
    if pair.indicator not in indicators.ids:
        return
    on_a_day = indicators[pair.indicator].period == "point"
    if on_a_day != (pair.expected.get("period") in _ON_A_DAY):
        what = f"{pair.indicator} is {'on a day' if on_a_day else 'over a time'}, the survey not."
        yield Problem(JobError, f"{pair.id}.period", what, 'comparison = "observed_expected"')


def _problems(name: str, entry: Any) -> list[Problem]:
    if not isinstance(entry, Mapping):
        return [Problem(JobError, name, "is not a pair.", f"write it as a table, [{name}]")]
    found = [
        Problem(JobError, f"{name}.{key}", f"is not a key of a pair.{nearest(key, _KNOWN)}")
        for key in entry
        if key not in _KNOWN
    ]
    found += [Problem(JobError, f"{name}.{k}", "is absent.") for k in _NEEDED if k not in entry]
    comparison = entry.get("comparison")
    if comparison is not None and comparison not in COMPARISON.codes:
        known = ", ".join(COMPARISON.codes)
        found.append(Problem(JobError, f"{name}.comparison", f"must be one of {known}."))
    return found + (_unlike(name, entry) if comparison == "gap" else _undeclared(name, entry))


def _unlike(name: str, entry: Mapping[str, Any]) -> list[Problem]:
    """Return where the sides of a gap, which is subtracted, do not say the same."""
    sides = [entry.get(side) for side in ("observed", "expected")]
    told = [side if isinstance(side, Mapping) else {} for side in sides]
    return [
        Problem(
            JobError,
            f"{name}.{key}",
            "is not told alike of both sides, so that one cannot be taken from the other.",
            'comparison = "observed_expected", or rates of the same people',
        )
        for key in SIDES
        if told[0].get(key) is None or told[0].get(key) != told[1].get(key)
    ]


def _undeclared(name: str, entry: Mapping[str, Any]) -> list[Problem]:
    if str(entry.get("differs") or "").strip() or entry.get("comparison") is None:
        return []
    return [Problem(JobError, f"{name}.differs", "is absent: say how the definitions differ.")]
