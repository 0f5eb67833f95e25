"""Maximum-likelihood factor analysis of a correlation matrix, with one or two factors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_FACTORS = 2
# Factors are identified by three loadings each (Anderson and Rubin, Proc Third Berkeley Symp
# 1956;5:111–150); that 0.4 counts as one is assumed.
LEAST_LOADING, LEAST_LOADED = 0.4, 3
# Below this an indicator is said to be a factor by itself (a Heywood case): assumed.
LEAST_UNIQUENESS = 0.005
_ROUNDS, _CLOSE = 5_000, 1e-10
_RANDOM_DRAWS = 100


@dataclass(frozen=True)
class Factors:
    """A fitted factor model of standardised indicators.

    `loadings`: indicators × factors, turned by varimax, factors in order of the variance that they
    account for, each pointing to where most load positively; `uniquenesses`: variance of each
    indicator that no factor accounts for; `shares`: of the common variance, by factor; `weights`:
    change of the combined factor score with one standard deviation of each indicator (regression
    method); `determinacy`: squared correlation of that score with what it stands for; `omega`:
    reliability of the plain sum; `converged`: the likelihood's maximum was reached.
    """

    loadings: Floats = field(repr=False)
    uniquenesses: Floats = field(repr=False)
    shares: Floats
    weights: Floats = field(repr=False)
    determinacy: float
    omega: float
    converged: bool = True

    @property
    def communalities(self) -> Floats:
        """Share of each indicator's variance that the factors account for."""
        found: Floats = (self.loadings**2).sum(axis=1)
        return found

    @property
    def heywood(self) -> bool:
        """Whether an indicator has next to no variance of its own."""
        return bool((self.uniquenesses < LEAST_UNIQUENESS).any())

    @property
    def distinct(self) -> bool:
        """Whether at least three indicators load on each factor."""
        loaded = (np.abs(self.loadings) >= LEAST_LOADING).sum(axis=0)
        return bool((loaded >= LEAST_LOADED).all())


def analyse(correlation: Floats, areas: int) -> Factors:
    """Return the factor model: two factors where the data bear them out, else one.

    `correlation`: of the indicators over the areas. A second factor is taken where there are enough
    indicators for it, where the second eigenvalue is above the 95th percentile of those of as many
    areas of pure chance (parallel analysis), and where at least three indicators load on each and
    none is a factor by itself.

    Sources: Horn, Psychometrika 1965;30:179–185; see `fitted`.
    """
    one = fitted(correlation, 1)
    if not _testable(len(correlation), MOST_FACTORS):
        return one
    eigenvalues = np.linalg.eigvalsh(correlation)[::-1]
    if eigenvalues[1] <= chance_eigenvalue(len(correlation), areas, 1):
        return one
    two = fitted(correlation, MOST_FACTORS)
    return two if two.distinct and two.converged and not two.heywood else one


def fitted(correlation: Floats, factors: int) -> Factors:
    """Return the maximum-likelihood factor model of so many factors.

    Loadings Λ and uniquenesses Ψ maximise the likelihood of R = ΛΛᵀ + Ψ; two factors are turned by
    varimax. Scores by regression: weights B = (ΛΛᵀ + Ψ)⁻¹Λ; factors are combined by their share s
    of the common variance, weights B·s. Determinacy: sᵀΛᵀ(ΛΛᵀ + Ψ)⁻¹Λs / sᵀs. Omega:
    Σₖ(Σᵢλᵢₖ)² over that and Σψᵢ.

    Sources: Lawley and Maxwell, Factor Analysis as a Statistical Method, 1971; Kaiser,
    Psychometrika 1958;23:187–200; McDonald, Test Theory, 1999 (omega); Grice, Psychol Methods
    2001;6:430–450 (determinacy).

    >>> same = np.full((3, 3), 0.49) + 0.51 * np.eye(3)
    >>> fitted(same, 1).loadings.round(3).ravel().tolist()
    [0.7, 0.7, 0.7]
    """
    loadings, unique, converged = _maximum_likelihood(correlation, factors)
    strength = (loadings**2).sum(axis=0)
    order = np.argsort(-strength.round(9), kind="stable")
    loadings = loadings[:, order]
    loadings = loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    shares = strength[order] / strength.sum()
    implied = loadings @ loadings.T + np.diag(unique)
    weights = np.linalg.solve(implied, loadings) @ shares
    common = (loadings.sum(axis=0) ** 2).sum()
    return Factors(
        loadings,
        unique,
        shares,
        weights,
        float(shares @ loadings.T @ weights / (shares @ shares)),
        float(common / (common + unique.sum())),
        converged,
    )


def chance_eigenvalue(indicators: int, areas: int, place: int) -> float:
    """Return the 95th percentile of an eigenvalue of correlations that chance alone makes.

    `place`: 0 for the largest. From 100 draws of independent normal data, always the same.
    """
    draw = np.random.default_rng([indicators, areas, place])
    found = []
    for _ in range(_RANDOM_DRAWS):
        # What independent normal data's covariance is: a Wishart matrix, made from its triangle.
        triangle = np.tril(draw.standard_normal((indicators, indicators)), -1)
        degrees = np.maximum(areas - 1 - np.arange(indicators), 1)
        triangle[np.diag_indices(indicators)] = np.sqrt(draw.chisquare(degrees))
        spread = triangle @ triangle.T
        scale = np.sqrt(np.diag(spread))
        found.append(np.linalg.eigvalsh(spread / np.outer(scale, scale))[::-1][place])
    return float(np.percentile(found, 95))


def _testable(indicators: int, factors: int) -> bool:
    """Return whether so many factors leave anything over to be tested: degrees of freedom."""
    return (indicators - factors) ** 2 > indicators + factors


def _maximum_likelihood(correlation: Floats, factors: int) -> tuple[Floats, Floats, bool]:
    """Return loadings, uniquenesses, and whether the maximum was reached.

    The likelihood depends on the correlations alone, so that as few rows as have exactly these
    stand for all areas.
    """
    from sklearn.decomposition import FactorAnalysis

    size = len(correlation)
    half = np.linalg.cholesky(correlation + 1e-12 * np.eye(size)).T * np.sqrt(size)
    model = FactorAnalysis(
        n_components=factors,
        rotation="varimax" if factors > 1 else None,
        svd_method="lapack",
        max_iter=_ROUNDS,
        tol=_CLOSE,
    )
    with warnings.catch_warnings():
        # Said once more by the number of rounds.
        warnings.simplefilter("ignore")
        model.fit(np.concatenate([half, -half]))
    loadings, unique = model.components_.T, model.noise_variance_
    reached = bool(model.n_iter_ < _ROUNDS)
    return loadings.astype(np.float64), unique.astype(np.float64), reached
