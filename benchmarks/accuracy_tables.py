"""Results as Markdown: the page of a run, and the parts of it that other pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from benchmarks import accuracy_scores as scores
from benchmarks.accuracy_results import Results

ETHNIC = "ethnic_group"
# Shares of false links at which the page tells recall.
TOLD_LIMITS = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01)
_NONE = "–"
_Row = Sequence[str]


def page(results: Results) -> str:
    """Return all figures of a run as one page."""
    parts = ["# Accuracy of linkage", provenance(results), meaning(results)]
    for data_set in results.facts["data_sets"]:
        parts += [f"## {data_set['name']}", _about(data_set), comparison(results, data_set["name"])]
        parts += [by_source(results, data_set["name"]), *by_group(results, data_set["name"])]
    return "\n\n".join(part for part in [*parts, not_run(results)] if part) + "\n"


def provenance(results: Results) -> str:
    """Return one paragraph on when, on what machine and with which versions it was run."""
    machine, versions = results.facts["machine"], results.facts["versions"]
    memory = (
        f"{machine['memory_gb']:.0f} GB of memory" if machine["memory_gb"] else "memory unknown"
    )
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Run on {results.facts['day']}: {machine['system']} on {machine['architecture']}, "
        f"{machine['processor']}, {machine['cores']} cores, {memory}; {packages}."
    )


def meaning(results: Results) -> str:
    """Return what the columns of the tables mean."""
    told = results.facts["definitions"]
    limit, fewest = _percent(told["compared_at"]), told["fewest_linkable_in_a_gap"]
    return (
        "Recall: records that truly are someone on the register and were linked to that person, of "
        "those that truly are. False links: links to somebody else, of all links. In brackets: "
        "Wilson's 95 % interval. Gap: recall of the ethnic group with the highest less that of the "
        f"one with the lowest, among groups with {fewest} linkable records or more. Recall and gap "
        f"at ≤ {limit} false links: at the lowest threshold of the system's score that keeps to "
        "it in each source, found with the truth at hand."
    )


def _about(data_set: Mapping[str, Any]) -> str:
    head = sentence(data_set["description"])
    if "sources" not in data_set:
        return head
    rows = [
        (
            source["name"] + (" (register)" if source["register"] else ""),
            source["setting"],
            f"{source['records']:,}",
            _NONE if source["linkable"] is None else f"{source['linkable']:,}",
            _percent(source["share_with_number"]),
        )
        for source in data_set["sources"]
    ]
    columns = ("source", "setting", "records", "linkable", "with a number")
    return f"{head} SHA-256 of the contents: `{data_set['sha256']}`.\n\n{table(columns, rows)}"


def sentence(words: str) -> str:
    """Return words with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


def across(results: Results) -> str:
    """Return recall within the limit of false links: a row per data set, a column per system."""
    systems = results.facts["systems"]
    rows = []
    for data_set in results.facts["data_sets"]:
        scope = compared_scope(results, data_set["name"])
        kept = results.of("within_limit", data_set=data_set["name"], dimension="all")
        told = kept.filter(pl.col("scope") == scope) if scope else kept
        recall = dict(told.select("system", "recall").iter_rows())
        rows.append((data_set["name"], *(_share(recall.get(each["name"])) for each in systems)))
    limit = _percent(results.facts["definitions"]["compared_at"])
    head = (
        f"Recall at ≤ {limit} false links, over the sources without NHS numbers if there are any:"
    )
    return f"{head}\n\n{table(('data set', *(each['label'] for each in systems)), rows)}"


def comparison(results: Results, data_set: str) -> str:
    """Return the systems side by side, over the sources without NHS numbers if there are any."""
    scope = compared_scope(results, data_set)
    if scope is None:
        return ""
    limit = _percent(results.facts["definitions"]["compared_at"])
    columns = (
        "system", "recall", "false links", "gap", f"recall at ≤ {limit} false links", "gap there",
        "seconds", "memory, MB",
    )  # fmt: skip
    rows = [_compared(results, data_set, each, scope) for each in results.facts["systems"]]
    where = "All sources" if scope == scores.ALL else scope[0].upper() + scope[1:]
    return f"{where}:\n\n{table(columns, rows)}"


def compared_scope(results: Results, data_set: str) -> str | None:
    """Return the scope in which systems are compared on a data set; None if nothing was scored."""
    told = results.of("operating", data_set=data_set)["scope"].unique().to_list()
    return scores.main_scope(told) if told else None


def _compared(results: Results, data_set: str, system: Mapping[str, str], scope: str) -> _Row:
    where = {"data_set": data_set, "system": system["name"]}
    run = results.of("runs", **where).row(0, named=True)
    if run["status"] != "done":
        return (system["label"], *[run["status"], *[_NONE] * 6])
    own = results.of("operating", **where, scope=scope, dimension="all").row(0, named=True)
    kept = results.of("within_limit", **where, scope=scope, dimension="all").row(0, named=True)
    return (
        system["label"],
        _interval(own, "recall"),
        _interval(own, "false_links"),
        _gap(results, where, scope, "operating"),
        _share(kept["recall"]),
        _gap(results, where, scope, "within_limit"),
        f"{run['seconds']:.1f}",
        f"{run['peak_memory_mb']:,}" if run["peak_memory_mb"] else _NONE,
    )


def _gap(results: Results, where: Mapping[str, str], scope: str, point: str) -> str:
    told = results.of("gaps", **where, scope=scope, point=point, dimension=ETHNIC)
    return _share(told["gap"][0]) if told.height else _NONE


def by_source(results: Results, data_set: str) -> str:
    """Return recall of every system by source: its own, then within each limit of false links."""
    own = results.of("operating", data_set=data_set, dimension="all")
    if own.is_empty():
        return ""
    limits = results.facts["definitions"]["limits"]
    places = [limits.index(each) for each in TOLD_LIMITS if each in limits]
    columns = (
        "source", "system", "recall", "false links",
        *(f"≤ {_percent(limits[place])}" for place in places),
    )  # fmt: skip
    rows = []
    shown = shown_scopes(results, data_set)
    own = own.filter(pl.col("scope").is_in(shown)).sort(pl.col("scope").cast(pl.Enum(shown)))
    for row in own.iter_rows(named=True):
        where = {"data_set": data_set, "system": row["system"], "scope": row["scope"]}
        curve = results.of("curves", **where, dimension="all")["recall"][0]
        swept = [_share(curve[place]) for place in places]
        name = _label(results, row["system"])
        rows.append((row["scope"], name, *(_interval(row, n) for n in _BOTH), *swept))
    head = "By source, and recall with false links at or below each share:"
    return f"{head}\n\n{table(columns, rows)}"


_BOTH = ("recall", "false_links")


def shown_scopes(results: Results, data_set: str) -> list[str]:
    """Return the scopes in order, without those that put one source together with none."""
    told = results.of("operating", data_set=data_set)["scope"].unique(maintain_order=True)
    names = told.to_list()
    single = [name for name in names if name not in (scores.ALL, scores.WITHOUT_NUMBERS)]
    return single if len(single) == 1 else names


def by_group(results: Results, data_set: str) -> list[str]:
    """Return a table for each subgroup that every source is broken down by: recall by system."""
    scope = compared_scope(results, data_set)
    told = results.of("within_limit", data_set=data_set).filter(pl.col("dimension") != "all")
    names = told["dimension"].unique(maintain_order=True).to_list()
    return [_of_groups(results, data_set, scope, name) for name in names if scope]


def _of_groups(results: Results, data_set: str, scope: str, name: str) -> str:
    own = results.of("operating", data_set=data_set, scope=scope, dimension=name)
    systems = own["system"].unique(maintain_order=True).to_list()
    rows = []
    for group in own["group"].unique().sort():
        cells = own.filter(pl.col("group") == group)
        shown = [
            _interval(cells.filter(pl.col("system") == system).row(0, named=True), "recall")
            for system in systems
        ]
        rows.append((group, f"{cells['linkable'][0]:,}", *shown))
    columns = (name, "linkable", *(_label(results, system) for system in systems))
    where = scope if scope != scores.ALL else "all sources"
    return f"Recall by {name}, {where}, each system as it comes:\n\n{table(columns, rows)}"


def not_run(results: Results) -> str:
    """Return what could not be run and why; nothing if all was."""
    told = results.tables["runs"].filter(pl.col("status") != "done")
    same = ["data_set", "status", "reason"]
    rows = [
        (row["data_set"], _names(results, row["system"]), row["status"], row["reason"])
        for row in told.group_by(same, maintain_order=True).agg("system").iter_rows(named=True)
    ]
    columns = ("data set", "system", "status", "reason")
    return f"## Not measured\n\n{table(columns, rows)}" if rows else ""


def _names(results: Results, systems: Sequence[str]) -> str:
    every = len(systems) == len(results.facts["systems"])
    return "all" if every else ", ".join(_label(results, system) for system in systems)


def _label(results: Results, system: str) -> str:
    return next(s["label"] for s in results.facts["systems"] if s["name"] == system)


def table(columns: _Row, rows: Iterable[_Row]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _percent(share: float) -> str:
    """Return a share as a percentage, without zeros that say nothing.

    >>> _percent(0.0015), _percent(0.01), _percent(1.0)
    ('0.15 %', '1 %', '100 %')
    """
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


def _interval(row: Mapping[str, Any], name: str) -> str:
    value, lower, upper = (row[n] for n in (name, f"{name}_lower", f"{name}_upper"))
    if value is None:
        return _NONE
    if name == "recall":
        return f"{value:.3f} ({lower:.3f}–{upper:.3f})"
    return f"{100 * value:.2f} % ({100 * lower:.2f}–{100 * upper:.2f})"
