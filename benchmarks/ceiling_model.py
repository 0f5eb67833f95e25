"""The learner: gradient-boosted trees, fitted out of fold so that a second stage can build on them.

scikit-learn's HistGradientBoostingClassifier (BSD licence), seeded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

FOLDS = 4
_SURE = 1e-9
_DIGITS = 6
# Rows judged at a time: scikit-learn doubles the size of each.
_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Stage:
    """One classifier for each fold, and the names of the features that they read."""

    models: tuple[Any, ...]
    features: tuple[str, ...]

    def logit(self, pairs: pl.DataFrame) -> np.ndarray:
        """Return the mean logit over the folds' classifiers, one for each pair."""
        if pairs.is_empty():
            return np.zeros(0)
        numbers = matrix(pairs, self.features)
        each = side_by_side([(_logit, model, numbers) for model in self.models])
        return np.asarray(np.round(np.mean(each, axis=0), _DIGITS))


def fit(
    pairs: pl.DataFrame,
    features: Sequence[str],
    *,
    seed: int,
    rounds: int,
    use: np.ndarray | None = None,
) -> tuple[Stage, np.ndarray]:
    """Fit a stage to pairs (`match`, `fold`); return it with the logits out of fold.

    `use` marks the pairs to learn from, all of them by default; each pair gets its logit from the
    classifier that saw none of its fold.
    """
    truth, folds = pairs["match"].to_numpy(), pairs["fold"].to_numpy()
    used = np.ones(len(truth), dtype=bool) if use is None else use
    names = _known(pairs.filter(pl.Series(used)), features)
    numbers = matrix(pairs, names)

    def one(fold: int) -> tuple[Any, np.ndarray]:
        learnt, held = used & (folds != fold), folds == fold
        model = _classifier(seed + fold, rounds).fit(numbers[learnt], truth[learnt])
        return model, _logit(model, numbers[held])

    fitted = side_by_side([(one, fold) for fold in range(FOLDS)])
    out = np.zeros(len(truth))
    for fold, (_, logits) in enumerate(fitted):
        out[folds == fold] = logits
    return Stage(tuple(model for model, _ in fitted), names), out


def _known(pairs: pl.DataFrame, features: Sequence[str]) -> tuple[str, ...]:
    """Return the features that are known in two folds: each classifier has values to learn from."""
    counts = pairs.group_by("fold").agg(pl.col(features).count())
    folds = counts.select((pl.col(features) > 0).sum()).row(0)
    return tuple(name for name, known in zip(features, folds, strict=True) if known > 1)


def side_by_side(calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return the results of calls, made one on each processor, each with one thread of its own.

    Trees of one model on several threads wait for each other after each leaf: whole models do not.
    """
    from threadpoolctl import threadpool_limits

    def alone(call: tuple[Any, ...]) -> Any:
        with threadpool_limits(1):
            return call[0](*call[1:])

    with ThreadPoolExecutor(min(len(calls), os.cpu_count() or 1)) as pool:
        return list(pool.map(alone, calls))


def _classifier(seed: int, rounds: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=8 / rounds,
        max_iter=rounds,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )


def _logit(model: Any, numbers: np.ndarray) -> np.ndarray:
    """Return logits, rounded: how floats are summed must not reach an answer."""
    parts = [numbers[at : at + _AT_ONCE] for at in range(0, len(numbers), _AT_ONCE)]
    chances = [model.predict_proba(part)[:, 1] for part in parts]
    chance = np.clip(np.concatenate([np.zeros(0), *chances]), _SURE, 1 - _SURE)
    return np.asarray(np.round(np.log(chance / (1 - chance)), _DIGITS))


def calibration(logits: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept that turn logits into those of the chance of being right.

    Source: Platt, Advances in Large Margin Classifiers 1999:61-74.

    >>> logits = np.repeat([2.0, -2.0], 100)
    >>> slope, intercept = calibration(logits, np.tile([1, 1, 1, 0], 50))
    >>> round(slope + 1, 2), round(intercept, 2)
    (1.0, 1.1)
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(truth)) < 2:
        return 1.0, 0.0
    line = LogisticRegression(C=1e6).fit(logits.reshape(-1, 1), truth)
    # A model that tells nothing would turn the order round by chance.
    return round(max(float(line.coef_[0, 0]), 0.0), 4), round(float(line.intercept_[0]), 4)


def matrix(pairs: pl.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Return features as numbers, one row for each pair; what is missing is not a number."""
    wanted = pairs.select(pl.col(features).cast(pl.Float32))
    return wanted.fill_null(float("nan")).to_numpy()
