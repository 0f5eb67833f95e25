"""Independent reference: the published rules in plain Python, and exact ranges by linear programme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import linprog

from pophealth_link.disclosure import Relations

# Policy: (counts withheld, released number of the others), written from the published rules.
HIDDEN = {
    "hes": range(1, 8),
    "opensafely": range(8),
    "midpoint6": range(0),
    "acro": range(10),
}


def released(name: str, count: int) -> int | None:
    """The released number of a whole count."""
    if count in HIDDEN[name]:
        return None
    if name == "midpoint6":
        return math.ceil(count / 6) * 6 - 3 * (count != 0)
    return min(range(0, count + 6, 5), key=lambda multiple: abs(multiple - count))


def possible(name: str, number: int) -> tuple[int, int]:
    """First and last whole count that is released as `number`."""
    counts = [n for n in range(max(0, number - 10), number + 11) if released(name, n) == number]
    return counts[0], counts[-1]


@dataclass(frozen=True)
class Table:
    """A small additive table: true counts, and rows of (parent, children) by cell number."""

    counts: list[int]
    sums: list[tuple[int, list[int]]]

    @property
    def frame(self) -> pl.DataFrame:
        return pl.DataFrame({"n": self.counts}, schema={"n": pl.Int64})

    @property
    def relations(self) -> Relations:
        terms = [
            {"relation": i, "cell": cell, "sign": sign}
            for i, (parent, children) in enumerate(self.sums)
            for cell, sign in [(parent, -1), *((child, 1) for child in children)]
        ]
        schema = {"relation": pl.Int64, "cell": pl.Int64, "sign": pl.Int64}
        return Relations.of(pl.DataFrame(terms, schema=schema), rows=len(self.counts))

    def exact(self, bounds: Sequence[tuple[float, float]], cell: int) -> tuple[float, float]:
        """Smallest and largest value of a cell, over all real tables within the bounds."""
        matrix = np.zeros((len(self.sums), len(self.counts)))
        for row, (parent, children) in zip(matrix, self.sums, strict=True):
            row[parent] -= 1
            row[children] += 1
        aim = np.zeros(len(self.counts))
        aim[cell] = 1
        limits = [(low, None if math.isinf(high) else high) for low, high in bounds]
        ends = []
        for sign in (1, -1):
            found = linprog(sign * aim, A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=limits)
            ends.append(sign * math.inf * -1 if found.status == 3 else sign * found.fun)
        return ends[0], ends[1]


def informed_bounds(
    name: str, table: Table, shown: Sequence[float | None]
) -> list[tuple[float, float]]:
    """What a reader knows who is told which withheld counts are small."""
    small = HIDDEN[name]
    first_shown = len(small) + (1 if name in {"hes", "midpoint6"} else 0)
    bounds: list[tuple[float, float]] = []
    for count, number in zip(table.counts, shown, strict=True):
        if number is not None:
            bounds.append(possible(name, int(number)))
        elif count in small:
            bounds.append((small[0], small[-1]))
        else:
            bounds.append((first_shown, math.inf))
    return bounds


def blind_bounds(
    name: str, table: Table, shown: Sequence[float | None]
) -> list[tuple[float, float]]:
    """What a reader knows who cannot tell why a count is withheld."""
    least = 0 if name in {"opensafely", "acro"} else 1
    return [
        (least, math.inf) if number is None else possible(name, int(number)) for number in shown
    ]


def mark_bounds(name: str, table: Table) -> list[tuple[float, float]]:
    """What the marks alone tell: zero, small, or shown whatever its number."""
    first_shown = informed_bounds(name, Table([10**6], []), [None])[0][0]
    return [
        (HIDDEN[name][0], HIDDEN[name][-1])
        if count in HIDDEN[name]
        else (0, 0)
        if count == 0
        else (first_shown, math.inf)
        for count in table.counts
    ]
