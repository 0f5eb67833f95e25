"""The pairs that a linkage model is trained on, drawn with a seed and within bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log2

import numpy as np
import polars as pl

from pophealth_link.link import agreement, blocking, em, posterior, probabilistic
from pophealth_link.link.comparisons import COMPARISONS
from pophealth_link.link.model import Model

# Candidates below these odds are of two people whatever m is. Members of one household, who are
# learnt from as well, are far above.
_FLOOR = 1e-12
_PAIR = ["rid_l", "rid_r"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much training looks at: records, their candidates, random pairs, rounds."""

    records: int = 20_000
    candidates: int = 2_000_000
    random_pairs: int = 500_000
    rounds: int = 500


@dataclass(frozen=True, slots=True)
class Records:
    """Prepared records to learn from: of the register, and of others, without what is bounded."""

    register: pl.DataFrame = field(repr=False)
    others: pl.DataFrame = field(repr=False)

    @property
    def all(self) -> pl.DataFrame:
        """Both sides."""
        return pl.concat([self.register, self.others])

    @property
    def count(self) -> int:
        """How many records are to be linked, their aliases aside."""
        return self.others.filter(~pl.col("alias")).height


def within_bounds(
    register: pl.DataFrame, others: pl.DataFrame, rng: np.random.Generator, bounds: Bounds
) -> Records:
    """Return records, drawn so that they and their candidates keep to the bounds."""
    rids = others["rid"].unique().sort()
    order = rids.gather(rng.permutation(len(rids)))
    size = min(len(order), bounds.records)
    while True:
        chosen = others.filter(pl.col("rid").is_in(order.head(size).implode()))
        proposed = int(blocking.comparisons_per_rule(register, chosen)["pairs"].sum())
        if proposed <= bounds.candidates or size == 1:
            return Records(register, chosen)
        size = max(1, min(size - 1, int(0.9 * size * bounds.candidates / proposed)))


def candidates(of: Records, model: Model) -> pl.DataFrame:
    """Return candidate pairs, ordered by record: `rid_l`, `rid_r`, levels, `weight`, `mate`.

    Both are in bits, at the share of each source that is on the register (see `posterior`).
    """
    weighed = probabilistic.weigh(of.register, of.others, model, floor=_FLOOR)
    placed = model.at_register(of.register)
    sources = of.others.filter(~pl.col("alias")).select("source", rid_r="rid")
    known = posterior.weighed_against(weighed, placed, sources, learn_m=False)
    return known.sort("rid_r", "rid_l")


def mates(known: pl.DataFrame, likely: em.Floats, of: Records) -> tuple[pl.DataFrame, em.Floats]:
    """Return the levels of the pairs of one dwelling as written, and how likely they are two."""
    together = known.select(*_PAIR, chance=1 - pl.Series(likely), household="household").filter(
        pl.col("household") == COMPARISONS["household"].levels[0].name
    )
    seen = agreement.levels(together, of.all)
    with_chance = seen.join(together.select(*_PAIR, "chance"), on=_PAIR, maintain_order="left")
    return with_chance, with_chance["chance"].to_numpy()


def strangers(
    of: Records, model: Model, rng: np.random.Generator, bounds: Bounds
) -> tuple[pl.DataFrame, em.Floats]:
    """Return the levels of pairs taken at random, and how likely they are of two people."""
    sides = [side.filter(~pl.col("alias"))["rid"].sort() for side in (of.register, of.others)]
    drawn = [rng.choice(rid.to_numpy(), bounds.random_pairs) for rid in sides]
    pairs = pl.DataFrame(dict(zip(_PAIR, drawn, strict=True))).unique()
    placed = model.at_register(of.register)
    seen = agreement.levels(pairs, of.all).with_columns(bits=agreement.weight(placed))
    odds = np.exp2(seen["bits"].to_numpy() + log2(placed.prior))
    return seen, 1 / (1 + odds)
