"""Weights that make a sample look like a population in each of several groupings: raking.

Source: Deming and Stephan, Ann Math Stat 1940;11:427-444.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

# Shares within a thousandth are near enough for rates that are told to a thousandth.
_ROUNDS = 50
_CLOSE = 1e-3


def rake(sample: pl.DataFrame, population: pl.DataFrame, margins: Sequence[str]) -> pl.Series:
    """Return a weight for each row of `sample`, of mean 1.

    Weighted, the sample has the population's shares of each value of each column of `margins`, as
    near as its rows allow. Values that nobody in the sample has are left out: for them it cannot
    speak. With no rows in either, every weight is 1.

    >>> rake(pl.DataFrame({"a": [1, 1, 2]}), pl.DataFrame({"a": [1, 2, 2]}), ["a"]).to_list()
    [0.5, 0.5, 2.0]
    """
    weights = np.ones(sample.height)
    if sample.is_empty() or population.is_empty():
        return pl.Series("weight", weights)
    told = [_margin(sample[name], population[name]) for name in margins]
    for _ in range(_ROUNDS):
        before = weights.copy()
        for codes, shares in told:
            weights = weights * _step(codes, shares, weights)
        weights = weights * (sample.height / weights.sum())
        if np.abs(weights - before).max() < _CLOSE:
            break
    return pl.Series("weight", weights.round(9))


def _step(
    codes: NDArray[np.int64], shares: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    held = np.bincount(codes, weights=weights, minlength=len(shares))
    factor = np.divide(shares * held.sum(), held, out=np.ones_like(shares), where=held > 0)
    return np.asarray(factor[codes])


def _margin(
    sample: pl.Series, population: pl.Series
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each row's value as a number, and the population's share of each value."""
    name = sample.name
    values = sample.unique().sort().to_frame().with_row_index("code")
    codes = sample.to_frame().join(
        values, on=name, how="left", nulls_equal=True, maintain_order="left"
    )["code"]
    counted = population.to_frame().group_by(name).agg(pl.len().alias("n"))
    shares = values.join(counted, on=name, how="left", nulls_equal=True, maintain_order="left")
    # A value that the population lacks keeps a trace, so that no weight becomes 0 for good.
    n = shares["n"].fill_null(0).to_numpy().astype(float)
    n = np.maximum(n, 0.5)
    return codes.to_numpy().astype(np.int64), n / n.sum()


def effective_size(weights: pl.Expr) -> pl.Expr:
    """Return how many unweighted rows tell as much: (Σw)²/Σw².

    Source: Kish, Survey Sampling, 1965, section 11.7.

    >>> pl.select(effective_size(pl.Series([1.0, 1.0, 1.0]))).item()
    3.0
    """
    squares = (weights**2).sum()
    return pl.when(squares > 0).then(weights.sum() ** 2 / squares).otherwise(0.0)
