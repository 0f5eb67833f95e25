"""What is asked of each figure, and whether it is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import polars as pl

from benchmarks.targets_answers import LIBRARY
from benchmarks.targets_data import ALL, COUNCIL, SECONDARY
from benchmarks.targets_figures import (
    EQUAL,
    FALSE_RATIO,
    LIMIT,
    MISSED_RATIO,
    OWN,
    RECALL,
    Key,
    within_limit,
)

# The families of data sets, and what each is for.
LARGE, POOLED, SECOND = "large", "pooled", "second"
FEBRL, FEBRL_NUMBER = "febrl4", "febrl4-number"
FAMILIES: Mapping[str, str] = {
    LARGE: "Preset hard, many people",
    POOLED: "Preset hard, many seeds",
    SECOND: "The second error model, many seeds",
    FEBRL: "FEBRL 4 without soc_sec_id",
    FEBRL_NUMBER: "FEBRL 4 with soc_sec_id",
}
LEAST, MOST = "≥", "≤"
MET, MISSED, NOT_MEASURED = "met", "missed", "not measured"
# Below these a ratio tells little, whichever way it falls.
FEWEST_ERRORS, FEWEST_SETS = 100, 20


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of a family of data sets, and the bound that it must keep.

    `of_errors`: the figure is a share of the yardstick's errors, and its upper limit must keep the
    bound, not only itself.
    """

    family: str
    what: str
    key: Key
    side: str
    bound: float
    of_errors: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target, its figure (None: no threshold gets there), and how far beyond the bound it is.

    `beyond` is negative where the target is missed; None where it is not known by how much.
    `errors` are the yardstick's, where the figure is a share of them.
    """

    target: Target
    value: float | None
    lower: float | None
    upper: float | None
    verdict: str
    beyond: float | None
    errors: int | None
    note: str


def targets(family: str, sources: Sequence[str]) -> list[Target]:
    """Return what is asked of a family, `sources` being those of its data sets."""
    if family == LARGE:
        return [*_large(), *_ways(LARGE)]
    if family in (POOLED, SECOND):
        return [*_halves(family, sources), *_gaps(family), *_ways(family)]
    bound = 0.994 if family == FEBRL else 0.999
    return [Target(family, "F1", Key("F1", ALL, LIBRARY, OWN), LEAST, bound)]


def _large() -> Iterator[Target]:
    for scope, recall, false in ((COUNCIL, 0.962, LIMIT), (SECONDARY, 0.998, 0.001)):
        what = (f"{scope}: recall of the linkable", f"{scope}: false links")
        yield Target(LARGE, what[0], Key("recall", scope, LIBRARY, OWN), LEAST, recall)
        yield Target(LARGE, what[1], Key("false links", scope, LIBRARY, OWN), MOST, false)


def _ways(family: str) -> Iterator[Target]:
    """Yield how far the library is from the yardstick to the ceiling, at three points."""
    for point, words in (
        (within_limit(LIMIT), f"each at {within_limit(LIMIT)} false links"),
        (EQUAL, "at the yardstick's share of false links"),
        (OWN, "each at its own threshold"),
    ):
        what = f"{COUNCIL}: way from yardstick to ceiling, {words}"
        yield Target(family, what, Key("way", COUNCIL, LIBRARY, point), LEAST, 2 / 3)


def _halves(family: str, sources: Sequence[str]) -> Iterator[Target]:
    """Yield the library's errors as shares of the yardstick's: over all sources, and each."""
    for measure, point, words in (
        (MISSED_RATIO, EQUAL, "missed links, library / yardstick, at equal false links"),
        (FALSE_RATIO, RECALL, "false links, library / yardstick, at equal recall"),
    ):
        for scope in (ALL, COUNCIL, *sources):
            key = Key(measure, scope, LIBRARY, point)
            yield Target(family, f"{scope}: {words}", key, MOST, 0.5, of_errors=True)


def _gaps(family: str) -> Iterator[Target]:
    for scope in (COUNCIL, ALL):
        for point, words in ((OWN, "each at its own threshold"), (EQUAL, "at equal false links")):
            what = f"{scope}: gap in recall by ethnic group, library / yardstick, {words}"
            yield Target(family, what, Key("gap ratio", scope, LIBRARY, point), MOST, 0.5)


def verdicts(figures: pl.DataFrame, asked: Sequence[Target], sets: int) -> list[Verdict]:
    """Return the verdict on each target whose figure could be made, over so many data sets.

    `figures` are those of `targets_figures.table`. A way without a ceiling has no figure.
    """
    rows = {Key(*row[:4]): row[4:] for row in figures.select(*Key._fields, *_COLUMNS).rows()}
    return [_verdict(each, rows[each.key], sets) for each in asked if each.key in rows]


_COLUMNS = ("whole", "value", "lower", "upper")


def _verdict(
    target: Target, row: tuple[float, float | None, float | None, float | None], sets: int
) -> Verdict:
    whole, value, lower, upper = row
    judged = upper if target.of_errors else value
    beyond = None
    if judged is not None:
        beyond = judged - target.bound if target.side == LEAST else target.bound - judged
    met = beyond is not None and beyond >= 0
    told = MET if met else MISSED
    # Of errors that are none there is no share, and of groups that are too small no gap; errors
    # without a share are those of a recall that no threshold reaches.
    if value is None and not (target.of_errors and whole > 0):
        told = NOT_MEASURED
    errors = round(whole) if target.of_errors else None
    note = "" if errors is None else _note(errors, sets)
    return Verdict(target, value, lower, upper, told, beyond, errors, note)


def _note(errors: int, sets: int) -> str:
    """Return what more data a ratio would need."""
    if errors and errors < FEWEST_ERRORS:
        needed = max(ceil(sets * FEWEST_ERRORS / errors), FEWEST_SETS)
        return f"{FEWEST_ERRORS} errors would need about {needed:,} such data sets"
    if not errors:
        return "the yardstick has no errors"
    return f"{sets} of {FEWEST_SETS} data sets" if sets < FEWEST_SETS else ""
