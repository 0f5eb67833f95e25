"""A model whose numbers are drawn, pairs at given levels, and their weight by its definition."""

from collections.abc import Iterable
from math import log2

import numpy as np
import polars as pl

from pophealth_link.link.comparisons import AT_HOME, COMPARISONS, context
from pophealth_link.link.model import Level, Model

SCHEMA = {
    "rid_l": pl.UInt32, "rid_r": pl.UInt32, "weight": pl.Float64, "young": pl.Boolean,
    "mate": pl.Float64, **dict.fromkeys(COMPARISONS, pl.String),
}  # fmt: skip
# Levels of a comparison, told without the suffix of one dwelling.
Levels = dict[str, str | None]


def drawn_model(seed: int = 0, **more) -> Model:
    """A model that knows its register; m of each comparison sums to one, apart by dwelling."""
    rng = np.random.default_rng(seed)
    levels = {}
    for each in COMPARISONS.values():
        places = [context(rule.name) for rule in each.levels]
        m, u = np.empty(len(places)), np.ones(len(places))
        for where in sorted(set(places)):
            here = np.array([place == where for place in places])
            m[here] = rng.dirichlet(np.ones(here.sum()))
            if each.u_from != "always":
                u[here] = rng.dirichlet(np.ones(here.sum()))
        m = np.clip(m, 1e-4, 0.9)
        for where in sorted(set(places)):
            here = np.array([place == where for place in places])
            m[here] /= m[here].sum()
        adjust = rng.uniform(-1, 0, len(places))
        levels[each.name] = tuple(
            Level(rule.name, *values)
            for rule, *values in zip(each.levels, m, np.clip(u, 1e-6, 1.0), adjust, strict=True)
        )
    told = {"on_register": 0.8, "mates": 0.25, "register_size": 1000, "sharing": 0.6}
    return Model(levels, provenance={}, **(told | more))


def level_of(model: Model, comparison: str, name: str) -> Level:
    return next(level for level in model.levels[comparison] if level.name == name)


def in_full(levels: Levels) -> dict[str, str | None]:
    """All comparisons, silent where nothing is told, named as in the dwelling where it agrees."""
    home = AT_HOME if levels.get("household") == "dwelling" else ""
    told = {name: levels.get(name) for name in COMPARISONS}
    return {
        name: level + home if level and COMPARISONS[name].by_dwelling else level
        for name, level in told.items()
    }


def weight_of(model: Model, levels: Levels) -> float:
    """Log2 of the odds of a pair against somebody at random off the register."""
    o, n = model.on_register, model.register_size
    bits = log2(o / (1 - o) / n)
    for name, level in in_full(levels).items():
        if level:
            here = level_of(model, name, level)
            anybody = level_of(model, name, level.removesuffix(AT_HOME))
            bits += log2(here.m) + here.adjust - log2(anybody.u)
    return bits


def weighed(
    rows: Iterable[tuple[int, int, float, Levels]], *, young=False, mate=None
) -> pl.DataFrame:
    """Pairs as `probabilistic.weigh` returns them, with `mate`."""
    told = [
        {"rid_l": left, "rid_r": right, "weight": bits, "young": young, "mate": mate}
        | in_full(levels)
        for left, right, bits, levels in rows
    ]
    return pl.DataFrame(told, schema=SCHEMA)


def sources_of(records: dict[str, Iterable[int]]) -> pl.DataFrame:
    """Which source holds each record, also of those without candidates."""
    rows = [(rid, name) for name, held in records.items() for rid in held]
    return pl.DataFrame(rows, schema={"rid_r": pl.UInt32, "source": pl.String}, orient="row")
