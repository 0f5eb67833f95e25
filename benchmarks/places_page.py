"""The page of the targets of places, from their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.places_figures import Table

__all__ = ["Table", "page", "verdicts"]

_HEAD = """# Targets of places and social indicators

Written by `python -m benchmarks.places_targets`, from open data for England that anybody can have
(Indices of Deprivation 2019 and 2025, Census 2021, mid-2020 populations, NHS England's practices,
networks and Quality and Outcomes Framework 2020/21). [deprivation.md](../../docs/deprivation.md)
says what the measures are.
"""


def page(figures: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Return the page; `figures`: part → what it tells; `titles`: part → its title."""
    parts = [_HEAD, "## All targets\n", verdicts(figures)]
    for name, told in figures.items():
        parts.append(f"\n## {titles[name]}\n\nMeasured by `{_command(name)}`.\n")
        for each in told["tables"]:
            words = f"{each['words']}\n\n" if each["words"] else ""
            parts.append(f"{words}{_table(each['head'], each['rows'])}\n")
    return "\n".join(parts).rstrip() + "\n"


def verdicts(figures: Mapping[str, Any]) -> str:
    """Return the table of targets, with figures and verdicts."""
    rows = [
        [each["name"], each["figure"], each["asked"], "met" if each["met"] else "missed"]
        for told in figures.values()
        for each in told["targets"]
    ]
    return _table(["target", "figure", "asked", "verdict"], rows)


def _command(name: str) -> str:
    return f"python -m benchmarks.places_targets --parts {name}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [list(head), ["---"] * len(head), *([_cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if value is None else f"{value:,.6g}" if isinstance(value, float) else str(value)
