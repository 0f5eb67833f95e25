"""What a part of the targets of places tells: targets with figures, and tables."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Target:
    """One target: what is asked, the figure, and whether it is met."""

    name: str
    figure: Cell
    asked: str
    met: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page; `words` stand above it."""

    head: list[str]
    rows: list[list[Cell]]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Targets and tables of one part, in the order of the page."""

    targets: tuple[Target, ...]
    tables: tuple[Table, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)
