"""What the need index is made of: weights, loadings and reliability, by member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pophealth_link.need.factor import MOST_FACTORS, Factors
from pophealth_link.schema.outputs_modelled import INDEX_MEMBERS

_DECIMALS, _WEIGHT_DECIMALS = 4, 6


@dataclass(frozen=True, slots=True)
class Parts:
    """What an index is made of.

    By member's id: `weights` (change of the score with one standard deviation), `shares` of the
    index, `loadings` by factor and `communalities`. `factors`: share of the common variance that
    each accounts for; `omega`, `determinacy`: see `factor.fitted`. What belongs to factors is empty
    where weights are stated. `against`: members whose loadings, factors taken together, are
    negative.
    """

    weights: Mapping[str, float]
    shares: Mapping[str, float]
    loadings: Mapping[str, tuple[float, ...]]
    communalities: Mapping[str, float]
    factors: tuple[float, ...]
    omega: float | None
    determinacy: float | None
    against: tuple[str, ...]


def parts_of(names: Sequence[str], factors: Factors | None) -> Parts:
    """Return the parts of an index with these members; without a factor model weights are equal."""
    if factors is None:
        even = round(1 / len(names), _WEIGHT_DECIMALS) if names else 0.0
        equal = dict.fromkeys(names, even)
        return Parts(equal, equal, {}, {}, (), None, None, ())
    weights = factors.weights
    shares = np.abs(weights) / np.abs(weights).sum()
    together = factors.loadings @ factors.shares
    return Parts(
        _named(names, weights.round(_WEIGHT_DECIMALS)),
        _named(names, shares.round(_WEIGHT_DECIMALS)),
        {
            name: tuple(float(v) for v in row)
            for name, row in zip(names, factors.loadings.round(_DECIMALS), strict=True)
        },
        _named(names, factors.communalities.round(_DECIMALS)),
        tuple(float(v) for v in factors.shares.round(_DECIMALS)),
        round(factors.omega, _DECIMALS),
        round(factors.determinacy, _DECIMALS),
        tuple(name for name, value in zip(names, together, strict=True) if value < 0),
    )


def members_of(
    members: Sequence[str],
    left_out: Mapping[str, str],
    method: str | None,
    parts: Parts | None,
    item_rest: Mapping[str, float],
    against: Sequence[str],
) -> pl.DataFrame:
    """Return INDEX_MEMBERS: a row for each member, then for each indicator that is left out."""
    held = parts or parts_of((), None)
    rows = []
    for name in chain(members, left_out):
        inside = name in members and parts is not None
        loadings = [*held.loadings.get(name, ()), *[None] * MOST_FACTORS][:MOST_FACTORS]
        rows.append(
            (
                name,
                method if inside else None,
                held.weights.get(name),
                *loadings,
                held.communalities.get(name),
                item_rest.get(name),
                name in against if inside else None,
                left_out.get(name),
            )
        )
    return pl.DataFrame(rows, schema=INDEX_MEMBERS.polars_schema, orient="row")


def _named(names: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}
