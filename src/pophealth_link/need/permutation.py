"""Two groups of areas, one number each: permutation test, its interval, and areas as clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# As many ways to divide the areas as are all tried; of more, as many are drawn (and the one seen).
MOST_ASSIGNMENTS = 20_000
# Numbers that differ by less are equal: sums of floats in another order.
_EQUAL = 1e-9
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference of two means: interval, two-sided p and the least p that could be reached."""

    difference: float
    lower: float | None
    upper: float | None
    p_value: float | None
    least_p_value: float | None
    method: str


def permuted(first: Floats, second: Floats, *, seed: int, confidence: float = 0.95) -> Contrast:
    """Return mean(first) − mean(second) with a permutation test and the interval it gives.

    p is the share of ways to divide all areas into groups of these sizes whose means differ by at
    least as much, in either direction, the way that was seen among them; of more than 20,000 ways
    so many are drawn, by `seed`. The interval holds the differences δ that the test does not
    refuse once δ is taken off the first group. There is none where even the extreme division would
    not reach 1 − confidence, or where all areas of each group are alike. The test supposes that
    without an effect every division was as likely as the one seen. Source: Ernst, Stat Sci
    2004;19:676-685; Garthwaite, Biometrics 1996;52:1387-1393.

    >>> permuted(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 3.0]), seed=1).p_value
    0.1
    """
    values = np.concatenate([first, second])
    chosen = _assignments(len(first), len(values), seed)
    means = _mean_differences(values, chosen)
    seen = float(first.mean() - second.mean())
    p_value = _share(means, seen)
    least = _least(chosen, len(first), len(second))
    limits: tuple[float | None, float | None] = (None, None)
    if least <= 1 - confidence + _EQUAL and not _alike(first, second):
        marks = np.zeros(len(values))
        marks[: len(first)] = 1.0
        shift = _mean_differences(marks, chosen)
        limits = _limits(means, shift, seen, 1 - confidence)
    return Contrast(seen, *limits, p_value, least, "permutation")


def clustered(first: Floats, second: Floats, *, confidence: float = 0.95) -> Contrast:
    """Return mean(first) − mean(second) with Welch's t interval, each area being one cluster.

    Where all areas of each group are alike there is neither interval nor p, and the method is none.

    Source: Welch, Biometrika 1947;34:28-35; of one number per cluster, Hayes and Moulton, Cluster
    Randomised Trials, 2nd ed., 2017, ch. 10.
    """
    from scipy.stats import t, ttest_ind

    seen = float(first.mean() - second.mean())
    parts = [float(each.var(ddof=1)) / len(each) for each in (first, second)]
    if _alike(first, second):
        return Contrast(seen, None, None, None, None, "none")
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(each) - 1) for part, each in zip(parts, (first, second), strict=True)
    )
    half = float(t.ppf(1 - (1 - confidence) / 2, freedom)) * math.sqrt(sum(parts))
    p_value = float(ttest_ind(first, second, equal_var=False).pvalue)
    return Contrast(seen, seen - half, seen + half, p_value, None, "areas_as_clusters")


def _alike(first: Floats, second: Floats) -> bool:
    """Return whether all areas of each group are alike: how much they differ cannot be told."""
    slack = _EQUAL * max(1.0, float(np.abs(np.concatenate([first, second])).max()))
    return all(float(np.ptp(each)) <= slack for each in (first, second))


def _assignments(chosen: int, of: int, seed: int) -> NDArray[np.bool_]:
    """Return which areas are in the first group, one row a division; the one seen is the first."""
    if math.comb(of, chosen) <= MOST_ASSIGNMENTS:
        places = np.array(list(combinations(range(of), chosen)), dtype=np.int64)
        made = np.zeros((len(places), of), dtype=np.bool_)
        np.put_along_axis(made, places, values=True, axis=1)
        return made
    draws = np.random.default_rng(seed).random((MOST_ASSIGNMENTS - 1, of)).argsort(axis=1)
    seen = np.arange(of)[None, :] < chosen
    result: NDArray[np.bool_] = np.concatenate([seen, draws < chosen])
    return result


def _mean_differences(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    inside = chosen @ values
    count = int(chosen[0].sum())
    result: Floats = inside / count - (values.sum() - inside) / (chosen.shape[1] - count)
    return result


def _share(means: Floats, seen: float) -> float:
    slack = _EQUAL * max(1.0, float(np.abs(means).max()))
    return float((np.abs(means) >= abs(seen) - slack).mean())


def _least(chosen: NDArray[np.bool_], first: int, second: int) -> float:
    """Return the smallest p: of groups of one size, a division and its mirror are as extreme."""
    return (2 if first == second else 1) / len(chosen)


def _limits(means: Floats, shift: Floats, seen: float, alpha: float) -> tuple[float, float]:
    """Return the ends of the differences that the test does not refuse, by halving.

    Taking δ off the first group lowers the mean difference of a division by δ times its `shift`.
    """
    scale = float(np.abs(means).max()) + abs(seen) + 1e-12

    def kept(delta: float) -> bool:
        return _share(means - delta * shift, seen - delta) > alpha

    found = []
    for sign in (-1.0, 1.0):
        inside, outside = seen, seen + sign * scale
        for _ in range(_HALVINGS):
            if not kept(outside):
                break
            inside, outside = outside, seen + 2 * (outside - seen)
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if kept(middle) else (inside, middle)
        found.append(inside)
    return found[0], found[1]
