"""Measure what linkage is asked to reach: against fixed bounds, the yardstick and the ceiling.

    python -m benchmarks targets
    python -m benchmarks targets --quick --out DIR
    python -m benchmarks targets --parts pooled --earlier-ceiling --out DIR
    python -m benchmarks targets --parts large --sets large=200000:423-424 --out DIR

Writes targets.json and targets.md. Answers are kept in the cache: the yardstick is asked once for
each data set, and the library again after a change to its code. Parts: `large`, `pooled`, `second`,
`febrl4`, `febrl4-number`; all, unless they are named.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import accuracy, datasets, targets_page, targets_results
from benchmarks.targets_answers import CEILING, LIBRARY, YARDSTICK, Desk, Told, answers
from benchmarks.targets_data import Made, graded, made
from benchmarks.targets_results import Family, Results
from benchmarks.targets_verdicts import FAMILIES, FEBRL, FEBRL_NUMBER, LARGE, POOLED, SECOND
from pophealth_link.errors import JobError

_KINDS = {LARGE: "hard", POOLED: "hard", SECOND: "second"}
_SETS = re.compile(r"^(large|pooled|second)=(\d+):(\d+)(?:-(\d+))?$")
# Nothing was trained or tuned on these seeds; those of the short run are for trying changes on.
FULL = {LARGE: "200000:421-422", POOLED: "60000:401-420", SECOND: "60000:401-420"}
QUICK = {LARGE: "40000:451-454", POOLED: "40000:451-454", SECOND: "40000:451-454"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The names of the data sets of each family, the systems, and the draws of the bootstrap."""

    families: Mapping[str, tuple[str, ...]]
    systems: tuple[str, ...]
    draws: int


def names(part: str, words: str) -> tuple[str, ...]:
    """Return the names of data sets for `PEOPLE:FIRST-LAST` of a part.

    Raises `JobError` where it names none, or one that a model was trained on.

    >>> names("pooled", "20000:401-402")
    ('hard-20000-401', 'hard-20000-402')
    """
    told = _SETS.match(f"{part}={words}")
    if told is None:
        raise JobError(
            f"{part}={words} names no data sets.", fix="write it as pooled=60000:401-420."
        )
    people, first = int(told[2]), int(told[3])
    seeds = range(first, int(told[4] or first) + 1)
    if not seeds:
        raise JobError(f"{part}={words} names no seed.", fix="give the lower seed first.")
    found = (datasets.find(f"{_KINDS[part]}-{people}-{seed}") for seed in seeds)
    return tuple(each.name for each in found)


def measure(plan: Plan, desk: Desk) -> Results:
    """Run what has not been run, and return all figures and verdicts.

    Raises `UserError` where a data set cannot be made or a system fails.
    """
    sets: dict[str, Made] = {}
    for name in dict.fromkeys(name for each in plan.families.values() for name in each):
        desk.say(f"{name}: making or reading the data")
        sets[name] = made(name, desk.cache)
    told = answers({system: list(sets.values()) for system in plan.systems}, desk)
    families = []
    for family, each in plan.families.items():
        desk.say(f"{family}: counting")
        families.append(_family(family, [sets[name] for name in each], told, plan))
    return targets_results.gathered(families, draws=plan.draws)


def _family(
    name: str, sets: Sequence[Made], told: Mapping[tuple[str, str], Told], plan: Plan
) -> Family:
    each_graded = [
        graded(each, {system: told[system, each.name].path for system in plan.systems})
        for each in sets
    ]
    frames = {system: [each[system] for each in each_graded] for system in plan.systems}
    took = {system: [told[system, each.name] for each in sets] for system in plan.systems}
    return targets_results.family(name, sets, frames, took, draws=plan.draws)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    plan = _plan(given)
    out = _out(given)
    earlier = (CEILING,) if given.earlier_ceiling else ()
    desk = Desk(given.cache.resolve(), given.jobs, given.time_limit, earlier, accuracy.say)
    results = measure(plan, desk)
    out.mkdir(parents=True, exist_ok=True)
    (out / "targets.json").write_text(targets_results.to_json(results), encoding="utf-8")
    page = targets_page.page(targets_results.load(out / "targets.json"))
    (out / "targets.md").write_text(page, encoding="utf-8")
    print(out / "targets.md")
    return 0


def _plan(given: argparse.Namespace) -> Plan:
    sets = dict(QUICK if given.quick else FULL)
    for words in given.sets:
        part, _, rest = words.partition("=")
        names(part, rest)
        sets[part] = rest
    families = {
        part: (part,) if part in (FEBRL, FEBRL_NUMBER) else names(part, sets[part])
        for part in FAMILIES
        if part in given.parts
    }
    chosen = (LIBRARY, YARDSTICK) if given.without_ceiling else (LIBRARY, YARDSTICK, CEILING)
    return Plan(families, chosen, given.draws)


def _out(given: argparse.Namespace) -> Path:
    """Return where results go: anything but the whole never replaces the committed results."""
    part = given.quick or given.sets or given.without_ceiling or given.earlier_ceiling
    part = part or len(given.parts) < len(FAMILIES)
    if part and (given.out is None or given.out.resolve() == accuracy.RESULTS.resolve()):
        raise JobError(
            "a part of the targets does not replace the committed results.", fix="give --out DIR."
        )
    return Path(given.out or accuracy.RESULTS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks targets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="40,000 people, 4 seeds of their own")
    add("--parts", nargs="+", choices=FAMILIES, default=list(FAMILIES), metavar="PART")
    add("--sets", nargs="+", default=[], metavar="PART=PEOPLE:FIRST-LAST", help="other seeds")
    add("--without-ceiling", action="store_true", help="leave the ceiling out")
    add("--earlier-ceiling", action="store_true",
        help="take the ceiling's last answers although the code it shares has changed")  # fmt: skip
    add("--draws", type=int, default=1000, metavar="N", help="of the bootstrap")
    add("--jobs", type=int, default=2, metavar="N", help="systems at once, each on one core")
    add("--cache", type=Path, default=accuracy.CACHE, metavar="DIR")
    add("--out", type=Path, metavar="DIR", help=f"left out: {accuracy.RESULTS.name} of the project")
    add("--time-limit", type=float, default=3600.0, metavar="SECONDS", help="for one data set")
    return parser
