"""The results of the targets as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from benchmarks import accuracy_results
from benchmarks.accuracy_tables import provenance, table
from benchmarks.systems import find
from benchmarks.targets_answers import LIBRARY
from benchmarks.targets_data import ALL
from benchmarks.targets_figures import (
    EQUAL,
    FALSE_RATIO,
    LIMIT,
    MISSED_RATIO,
    OWN,
    as_found_at,
    within_limit,
)
from benchmarks.targets_results import Results, figures
from benchmarks.targets_verdicts import FAMILIES, FEBRL, FEBRL_NUMBER, MET, MISSED, NOT_MEASURED

_NONE = "–"
_Family = Mapping[str, Any]


def page(results: Results) -> str:
    """Return all verdicts, and the figures behind them."""
    parts = ["# Targets of linkage", _provenance(results), meaning(results), summary(results)]
    for family in results["families"]:
        parts += [f"## {FAMILIES[family['name']]}", _about(family), asked(results, family["name"])]
        if family["name"] in (FEBRL, FEBRL_NUMBER):
            parts.append(f1(results, family))
        else:
            parts += [by_scope(results, family), ratios(results, family), by_group(family)]
            parts.append(_sources(family))
    return "\n\n".join(part for part in [*parts, _costs(results)] if part) + "\n"


def _provenance(results: Results) -> str:
    return provenance(accuracy_results.Results(results, {}))


def meaning(results: Results) -> str:
    """Return how the figures are defined."""
    told = results["definitions"]
    fewest, errors = told["fewest_linkable_in_a_gap"], told["fewest_errors"]
    return (
        "Recall: records that truly are someone on the register and were linked to that person, of "
        "those that truly are. False links: links to somebody else, of all links. At equal false "
        "links: the yardstick stands at its own threshold; the other's threshold is, for each "
        "source, the lowest at which its false links, over all data sets, are no larger a share "
        "of its links. At equal recall: the highest at which it has as many correct links. Several "
        "sources: their counts added up. Way: recall gained over the yardstick's, of what the "
        "ceiling gains. Gap: recall of the best ethnic group less that of the worst, among groups "
        f"with {fewest:,} linkable records or more. In brackets: 95 % limits, Wilson's for recall "
        f"and false links, else those of {told['draws']:,} bootstrap draws, or of "
        "Poisson counts where these are wider and errors few. A ratio is judged "
        f"by its upper limit, all else by the figure itself. Of fewer than {errors} errors of the "
        "yardstick a ratio says little."
    )


def summary(results: Results) -> str:
    """Return how many targets are met on each family of data sets."""
    rows = []
    for family in results["families"]:
        told = [each["verdict"] for each in results["verdicts"] if each["family"] == family["name"]]
        counts = (str(told.count(each)) for each in (MET, MISSED, NOT_MEASURED))
        rows.append((FAMILIES[family["name"]], *counts, _command(family)))
    return table(("data", MET, MISSED, NOT_MEASURED, "measured by"), rows)


def _command(family: _Family) -> str:
    return f"`python -m benchmarks targets --parts {family['name']} --out DIR`"


def _about(family: _Family) -> str:
    sets = family["data_sets"]
    what = sets[0] if len(sets) == 1 else f"{sets[0]} to {sets[-1]}, {len(sets)} data sets"
    stale = [find(n).label for n, each in family["systems"].items() if each["code"] != "current"]
    told = f"{what}. The bootstrap draws {family['drawn']}, of {family['clusters']}."
    return told + (f" Answers of earlier code: {', '.join(stale)}." if stale else "")


def asked(results: Results, family: str) -> str:
    """Return the verdicts of a family: figure, bound, by how much, and of how many errors."""
    columns = ("target", "figure", "asked", "verdict", "beyond the bound by", "yardstick's errors")
    rows = [_asked(each) for each in results["verdicts"] if each["family"] == family]
    return table(columns, rows)


def _asked(told: Mapping[str, Any]) -> Sequence[str]:
    percent = told["key"][0] == "false links"
    errors = _NONE if told["errors"] is None else f"{told['errors']:,}"
    note = f" ({told['note']})" if told["note"] else ""
    limit = "upper limit " if told["of_errors"] else ""
    return (
        told["what"],
        _with_limits(told, percent=percent),
        f"{limit}{told['side']} {_number(told['bound'], percent=percent)}",
        told["verdict"],
        _number(told["beyond"], percent=percent, sign=True),
        errors + note,
    )


def _number(value: float | None, *, percent: bool = False, sign: bool = False) -> str:
    """Return a share, with four decimals or as a percentage; a dash where it is not known."""
    if value is None:
        return _NONE
    head = "+" if sign else ""
    return f"{100 * value:{head}.3f} %" if percent else f"{value:{head}.4f}"


def _with_limits(told: Mapping[str, Any], *, percent: bool) -> str:
    value, lower, upper = (_number(told[n], percent=percent) for n in ("value", "lower", "upper"))
    return f"{value} ({lower} to {upper})"


def shown(family: _Family) -> list[str]:
    """Return the scopes, without those that put one source together with none."""
    several = (scope for scope, names in family["scopes"].items() if len(names) > 1)
    return [*several, *(each["name"] for each in family["sources"] if not each["register"])]


def _one(
    found: pl.DataFrame, measure: str, scope: str, system: str, point: str = OWN
) -> dict[str, Any]:
    keys = {"measure": measure, "scope": scope, "system": system, "point": point}
    return found.filter(**keys).row(0, named=True)


def f1(results: Results, family: _Family) -> str:
    """Return F1, recall and false links of each system, all sources together."""
    found = figures(results, family["name"])
    measures = ("F1", "recall", "false links")
    rows = []
    for system in family["systems"]:
        told = (_one(found, measure, ALL, system) for measure in measures)
        cells = (_with_limits(each, percent=each["measure"] == "false links") for each in told)
        rows.append((find(system).label, *cells))
    return f"Each system at its own threshold:\n\n{table(('system', *measures), rows)}"


def by_group(family: _Family) -> str:
    """Return recall of each system, at its own threshold, by ethnic group."""
    systems = list(family["systems"])
    rows = []
    for each in family["groups"]:
        if each["linkable"]:
            recall = (_number(each["correct"][s] / each["linkable"]) for s in systems)
            rows.append((each["scope"], each["group"], f"{each['linkable']:,}", *recall))
    columns = ("records", "ethnic group", "linkable", *(find(s).label for s in systems))
    return f"Recall by ethnic group, each system at its own threshold:\n\n{table(columns, rows)}"


def by_scope(results: Results, family: _Family) -> str:
    """Return recall and false links of each system, by scope, at three points."""
    found = figures(results, family["name"])
    columns = (
        "records", "system", "recall", "false links", "correct", "false",
        "recall at the yardstick's share of false links", f"recall at {within_limit(LIMIT)}", "gap",
    )  # fmt: skip
    rows = [
        _by_scope(found, scope, system) for scope in shown(family) for system in family["systems"]
    ]
    return f"Each system at its own threshold, and recall at two others:\n\n{table(columns, rows)}"


def _by_scope(found: pl.DataFrame, scope: str, system: str) -> Sequence[str]:
    recall, false = (_one(found, measure, scope, system) for measure in ("recall", "false links"))
    points = (EQUAL, within_limit(LIMIT))
    swept = (_number(_one(found, "recall", scope, system, point)["value"]) for point in points)
    return (
        scope,
        find(system).label,
        _with_limits(recall, percent=False),
        _with_limits(false, percent=True),
        f"{recall['part']:,.0f} of {recall['whole']:,.0f}",
        f"{false['part']:,.0f} of {false['whole']:,.0f}",
        *swept,
        _number(_one(found, "gap", scope, system)["value"]),
    )


def ratios(results: Results, family: _Family) -> str:
    """Return the library's errors as shares of the yardstick's as the limit is moved."""
    found = figures(results, family["name"])
    limits = results["definitions"]["limits"]
    names = [within_limit(limit) for limit in limits]
    told = []
    for measure, points, words in (
        (MISSED_RATIO, names, "Missed links, library / yardstick, both at a limit"),
        (
            FALSE_RATIO,
            [as_found_at(limit) for limit in limits],
            "False links, library / yardstick, at the recall that the yardstick has at a limit",
        ),
    ):
        rows = [
            (scope, *(_ratio(found, measure, scope, point) for point in points))
            for scope in shown(family)
        ]
        told.append(f"{words} of false links:\n\n{table(('records', *names), rows)}")
    return "\n\n".join(told)


def _ratio(found: pl.DataFrame, measure: str, scope: str, point: str) -> str:
    row = _one(found, measure, scope, LIBRARY, point)
    if row["value"] is None:
        return f"{_NONE} / {row['whole']:,.0f}"
    upper = _NONE if row["upper"] is None else f"{row['upper']:.2f}"
    return f"{row['part']:,.0f} / {row['whole']:,.0f} = {row['value']:.2f} (to {upper})"


def _sources(family: _Family) -> str:
    rows = [
        (
            each["name"] + (" (register)" if each["register"] else ""),
            each["setting"],
            f"{each['records']:,}",
            _NONE if each["register"] else f"{each['linkable']:,}",
            f"{each['numbers']:,}",
            f"{each['foreign_numbers']:,}",
        )
        for each in family["sources"]
    ]
    columns = (
        "source", "setting", "records", "linkable", "with a number",
        "with that of somebody else on the register",
    )  # fmt: skip
    return table(columns, rows)


def _costs(results: Results) -> str:
    rows = [
        (FAMILIES[f["name"]], find(n).label, f"{each['seconds']:,}", f"{each['peak_memory_mb']:,}")
        for f in results["families"]
        for n, each in f["systems"].items()
    ]
    head = (
        "## What it took\n\nEach system on one core, all data sets of a family in all; the ceiling "
        "without its learning:"
    )
    return f"{head}\n\n{table(('data', 'system', 'seconds', 'most memory, MB'), rows)}"
