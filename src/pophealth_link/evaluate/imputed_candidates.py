"""The candidates of records that were left open, and what each is worth in a draw.

Match probabilities of records that stay open are too low: among those whose best candidate was
not good enough, more are that candidate than the model says. They are shifted on the logit scale,
by an amount that differs from draw to draw, for it is not known (assumed; see docs/uncertainty).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pophealth_link.evaluate.hidden import by_rid
from pophealth_link.link import Links

OPEN, BARRED, CONTRADICTED, TAKEN = "open", "barred", "contradicted", "taken"
_KINDS = {
    "rejected": OPEN,
    "review": OPEN,
    "tie": OPEN,
    "cannot_link": BARRED,
    "contradicted": CONTRADICTED,
    "taken": TAKEN,
}
# Mean and standard deviation of the shift in natural logits, by kind: assumed. Of pairs whose NHS
# numbers differ, and of those whose person another record has taken, fewer are true than alike.
_SHIFT = {OPEN: (0.9, 0.7), BARRED: (-4.5, 0.5), CONTRADICTED: (0.0, 0.5), TAKEN: (-1.0, 0.8)}
_SLOPE = {OPEN: 1.0, BARRED: 1.5, CONTRADICTED: 1.0, TAKEN: 1.0}
# What stands for a probability where no model was asked (assumed).
_UNASKED = {BARRED: 0.993, CONTRADICTED: 0.4, OPEN: 0.5, TAKEN: 0.5}
_CERTAIN = 5.0
_LEAST, _MOST = 1e-4, 0.995
_ALL = 0.9


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the probabilities of each kind are off in one draw, in natural logits."""

    by_kind: dict[str, float]


def candidates(links: Links, main: pl.DataFrame) -> pl.DataFrame:
    """Return `rid`, `to`, `kind`, `logit`: whom on the register an unlinked record may be.

    `main`: rid, person_id, on_register, linked. Of several register rows or passes the best.
    """
    register = main.filter("on_register").select(rid_l="rid", to="person_id")
    unlinked = main.filter(~pl.col("linked")).select(rid_r="rid")
    kind = pl.col("decision").replace_strict(_KINDS, default=None, return_dtype=pl.String)
    pairs = by_rid(links).with_columns(kind=kind).filter(pl.col("kind").is_not_null())
    told = pairs.join(register, on="rid_l").join(unlinked, on="rid_r")
    unasked = pl.col("kind").replace_strict(_UNASKED, return_dtype=pl.Float64)
    p = pl.coalesce("match_probability", unasked).clip(_LEAST, _MOST)
    weighed = told.with_columns(logit=(p / (1 - p)).log().clip(upper_bound=_CERTAIN))
    ordered = weighed.sort("rid_r", "to", "logit", "kind", descending=[False, False, True, False])
    best = ordered.unique(["rid_r", "to"], keep="first", maintain_order=True)
    return best.select("to", "kind", "logit", rid="rid_r").sort("rid", "to")


def shifts(rng: np.random.Generator, draws: int) -> list[Shift]:
    """Return how far the probabilities are off, for each draw."""
    return [
        Shift({kind: float(rng.normal(mean, sd)) for kind, (mean, sd) in _SHIFT.items()})
        for _ in range(draws)
    ]


def weighed(asked: pl.DataFrame, shift: Shift) -> pl.DataFrame:
    """Return the candidates with `p`, at most 0.9 a record together, and `odds` against nobody."""
    slope = pl.col("kind").replace_strict(_SLOPE, return_dtype=pl.Float64)
    moved = pl.col("logit") * slope + pl.col("kind").replace_strict(
        shift.by_kind, default=0.0, return_dtype=pl.Float64
    )
    told = asked.with_columns(p=1 / (1 + (-moved).exp()))
    total = pl.col("p").sum().over("rid")
    told = told.with_columns(
        p=pl.when(total > _ALL).then(pl.col("p") * _ALL / total).otherwise("p")
    )
    return told.with_columns(odds=pl.col("p") / (1 - pl.col("p").sum().over("rid")))


def chosen(hit: pl.DataFrame, told: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return `person_id` and `to` of each record of `hit`: one of its candidates, by their odds."""
    rows = told.join(hit.select("rid", "person_id"), on="rid").sort("rid", "to")
    if rows.is_empty():
        return pl.DataFrame(schema={"person_id": pl.String, "to": pl.String})
    ticket = hit.select("rid").sort("rid").with_columns(ticket=_uniform(rng, hit.height))
    share = pl.col("odds").cum_sum().over("rid") / pl.col("odds").sum().over("rid")
    met = rows.join(ticket, on="rid").with_columns(reached=share).sort("rid", "to")
    first = met.filter((pl.col("reached") >= pl.col("ticket")) | (pl.col("reached") > 1 - 1e-12))
    return first.unique("rid", keep="first", maintain_order=True).select("person_id", "to")


def _uniform(rng: np.random.Generator, count: int) -> pl.Series:
    drawn: NDArray[Any] = rng.random(count)
    return pl.Series("ticket", drawn)
