"""All levels of agreement in one row of numbers, for expectation and maximisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.link import em
from pophealth_link.link.comparisons import COMPARISONS, context
from pophealth_link.link.model import Model

HOME = "home"


@dataclass(frozen=True, slots=True)
class Levels:
    """All levels of all comparisons in one row, numbered from 0.

    `groups` numbers the levels whose shares sum to one: those of a comparison, apart for pairs of
    one dwelling, which `at_home` marks. `u_from` tells where each level's u comes from.
    """

    names: tuple[tuple[str, str], ...]
    groups: em.Ints
    at_home: em.Flags
    u_from: tuple[str, ...]

    @classmethod
    def declared(cls) -> Levels:
        """Return the levels of `COMPARISONS`."""
        names = tuple((c.name, rule.name) for c in COMPARISONS.values() for rule in c.levels)
        group = [(comparison, context(level)) for comparison, level in names]
        order = {each: number for number, each in enumerate(dict.fromkeys(group))}
        home = np.array([where == HOME for _, where in group])
        u_from = tuple(COMPARISONS[comparison].u_from for comparison, _ in names)
        return cls(names, np.array([order[each] for each in group]), home, u_from)

    def of(self, model: Model, what: str) -> em.Floats:
        """Return `m`, `u` or `adjust` of every level."""
        each = {(n, v.name): getattr(v, what) for n, levels in model.levels.items() for v in levels}
        return np.array([each[name] for name in self.names])

    def read(self, seen: pl.DataFrame) -> em.Agreement:
        """Return the levels of pairs, a column for each comparison, by number."""
        told = list(COMPARISONS)
        number = {name: place for place, name in enumerate(self.names)}
        coded = seen.select(
            pl.col(each.name)
            .replace_strict(
                {rule.name: number[each.name, rule.name] for rule in each.levels},
                default=None,
                return_dtype=pl.Int64,
            )
            .fill_null(-1)
            for each in COMPARISONS.values()
        )
        patterns = coded.unique().sort(told).with_row_index("pattern")
        which = coded.join(patterns, on=told, how="left", maintain_order="left")["pattern"]
        return em.Agreement(patterns.select(told).to_numpy(), which.cast(pl.Int64).to_numpy())
