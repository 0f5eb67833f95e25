"""Adjust the weights of a model so that it expects, at each level, as many true links as there are.

Levels are weighed as if they were independent; among true pairs they are not, for mistakes come
together: whoever's name is misspelt has a wrong birthday more often too. Each level gets an
adjustment in bits, found by maximum likelihood of which candidate, if any, each record is: a
conditional logit over its candidates, nobody taken at random, and a mate of a candidate's
household. A penalty keeps adjustments small where pairs are few (a normal prior).

Source: McFadden, Frontiers in Econometrics 1974:105-142.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log, log2
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pophealth_link.link import posterior, probabilistic
from pophealth_link.link.comparisons import COMPARISONS
from pophealth_link.link.model import Model
from pophealth_link.link.same_person import same_person

if TYPE_CHECKING:
    from benchmarks.train_model import Population

# The prior of an adjustment: its standard deviation in bits.
SPREAD = 1.0
# That of the share of mates, which is assumed: our households must not talk it away.
MATES_SPREAD = 0.3
KEPT = 10
FLOOR = 0.0005
_BIT = log(2)
# m with its adjustment stays below 1.
_HIGHEST = 0.998


@dataclass(frozen=True, slots=True)
class Choices:
    """Candidates of records, those of one record together.

    `columns`: for each comparison the number of the level in the list of all (the last: none);
    `weight`, `mate`: bits; `right`: whether the candidate is the person; `start`: first of each
    record.
    """

    columns: np.ndarray
    weight: np.ndarray
    mate: np.ndarray
    right: np.ndarray
    start: np.ndarray


def adjusted(model: Model, populations: Sequence[Population]) -> Model:
    """Return the model with its adjustments and its share of mates."""
    from scipy.optimize import minimize

    names = _names()
    each = [_choices(model, population) for population in populations]
    choices = _together(each)
    start = np.zeros(len(names) + 1)
    m = [level.m for name in COMPARISONS for level in model.levels[name]]
    bounds = [(-8.0, log2(_HIGHEST / v)) if v < _HIGHEST else (-8.0, 0.0) for v in m]
    found = minimize(
        _loss, start, (choices,), jac=True, method="L-BFGS-B", bounds=[*bounds, (-8.0, 0.9)]
    )
    bits = dict(zip(names, (round(float(v), 3) for v in found.x), strict=False))
    levels = {
        name: tuple(replace(v, adjust=bits[name, v.name]) for v in model.levels[name])
        for name in COMPARISONS
    }
    mates = round(model.mates * 2 ** float(found.x[-1]), 4)
    return replace(model, levels=levels, mates=mates)


def _names() -> list[tuple[str, str]]:
    return [(name, level.name) for name, c in COMPARISONS.items() for level in c.levels]


def _choices(model: Model, population: Population) -> Choices:
    register = population.records.filter("on_register")
    placed = model.at_register(register)
    weighed = probabilistic.weigh(register, population.asked, model, floor=FLOOR)
    sources = population.asked.filter(~pl.col("alias")).select("source", rid_r="rid")
    known = posterior.weighed_against(weighed, placed, sources)
    right = population.true.with_columns(right=pl.lit(value=True))
    joined = known.join(right, on=["rid_l", "rid_r"], how="left").with_columns(
        pl.col("right").fill_null(value=False)
    )
    council = population.asked.filter(pl.col("setting") == "local_authority").select(rid_r="rid")
    groups = same_person(register).rename({"rid": "rid_l"})
    best = (
        joined.join(council.unique(), on="rid_r", how="semi")
        .join(groups, on="rid_l")
        .sort("weight", "rid_l", descending=[True, False])
        .unique(["rid_r", "group"], keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("rid_r") < KEPT)
        .sort("rid_r", "rid_l")
    )
    index = {name: i for i, name in enumerate(_names())}
    columns = [
        best[name]
        .replace_strict({v.name: index[name, v.name] for v in COMPARISONS[name].levels},
                        default=len(index), return_dtype=pl.Int32)
        .fill_null(len(index))
        .to_numpy()
        for name in COMPARISONS
    ]  # fmt: skip
    rid = best["rid_r"].to_numpy()
    return Choices(
        np.stack(columns, 1),
        best["weight"].to_numpy(),
        best["mate"].fill_null(-200.0).to_numpy(),
        best["right"].to_numpy(),
        np.flatnonzero(np.r_[True, rid[1:] != rid[:-1]]),
    )


def _together(each: Sequence[Choices]) -> Choices:
    offsets = np.cumsum([0, *(len(c.weight) for c in each[:-1])])
    starts = [c.start + offset for c, offset in zip(each, offsets, strict=True)]
    return Choices(
        *(np.concatenate([getattr(c, n) for c in each]) for n in ("columns", "weight", "mate")),
        np.concatenate([c.right for c in each]),
        np.concatenate(starts),
    )


def _loss(asked: np.ndarray, of: Choices) -> tuple[float, np.ndarray]:
    """Return the penalised negative log likelihood and its gradient."""
    group = np.repeat(np.arange(len(of.start)), np.diff(np.r_[of.start, len(of.weight)]))
    bits = np.r_[asked[:-1], 0.0][of.columns].sum(1)
    pair, mate = (of.weight + bits) * _BIT, (of.mate + asked[-1]) * _BIT
    top = np.maximum(np.maximum.reduceat(np.maximum(pair, mate), of.start), 0.0)
    odds = np.exp(pair - top[group])
    mates = np.exp(np.maximum.reduceat(mate, of.start) - top)
    nobody = np.exp(-top) + mates
    right = np.add.reduceat(odds * of.right, of.start)
    known = right > 0
    total = np.add.reduceat(odds, of.start) + nobody
    gain = np.where(known, np.log(np.maximum(right, 1e-300)), np.log(nobody)) - np.log(total)
    share = odds / total[group]
    truly = np.where(of.right, odds / np.maximum(right[group], 1e-300), 0.0)
    slope = np.zeros(len(asked) + 1)
    np.add.at(slope, of.columns.ravel(), np.repeat(truly - share, of.columns.shape[1]))
    slope = slope[:-1]
    slope[-1] = (np.where(known, 0.0, mates / nobody) - mates / total).sum()
    spread = np.r_[np.full(len(asked) - 1, SPREAD), MATES_SPREAD]
    penalty = 0.5 * float(((asked / spread) ** 2).sum())
    return penalty - float(gain.sum()), asked / spread**2 - slope * _BIT
