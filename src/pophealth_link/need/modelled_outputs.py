"""Everything that is released beside a baseline of modelled need and of the need index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.disclosure import Policy
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.need.gap import gap
from pophealth_link.need.gap_pairs import Pair, agreeing, require_alike, shipped_pairs
from pophealth_link.need.index import NeedIndex
from pophealth_link.need.index_ranks import membership, ranks
from pophealth_link.need.inputs import BaselineInputs
from pophealth_link.need.modelled import modelled
from pophealth_link.need.people_bands import people_bands
from pophealth_link.need.survey import Survey, shipped


@dataclass(frozen=True)
class ModelledOutputs:
    """`frames`: table name → frame as released; `account`: of the people (see `people_bands`).

    `people`: PEOPLE_BANDS, by the policy but not released.
    """

    frames: Mapping[str, pl.DataFrame] = field(repr=False)
    account: Mapping[str, Any]
    people: pl.DataFrame = field(repr=False)


def modelled_outputs(
    inputs: BaselineInputs,
    baseline: pl.DataFrame,
    index: NeedIndex,
    policy: Policy,
    *,
    seed: int,
    surveys: Sequence[Survey] | None = None,
    pairs: Sequence[Pair] | None = None,
    nation: pl.DataFrame | None = None,
    indicators: Catalogue | None = None,
) -> ModelledOutputs:
    """Return modelled, gap, index_ranks and index_members of a run.

    `baseline`: as released; `index`: the fitted need index; `surveys`, `pairs`, `indicators` (the
    catalogue of the baseline): those that the library ships if left out; `nation`: see
    `modelled.modelled`. Shipped pairs that do not agree with catalogue and surveys are set side by
    side. Raises `DisclosureError` where the people cannot be counted by the policy, `DataError`
    where survey tables contradict, `JobError` where a gap of `pairs` does not agree with them.
    """
    listed = catalogue() if indicators is None else indicators
    tables = shipped() if surveys is None else tuple(surveys)
    if pairs is not None:
        require_alike(pairs, listed, tables)
    declared = agreeing(shipped_pairs(), listed, tables) if pairs is None else pairs
    people = people_bands(inputs, policy)
    expected = modelled(
        people.frame,
        tables,
        seed=seed,
        nation=nation,
        baseline=baseline,
        indicators=listed,
    )
    # A count of base 1 is as counted; any other lies within half a step.
    rounding = policy.base / 2 if policy.base > 1 else 0.0
    frames = {
        "modelled": expected,
        "gap": gap(baseline, expected, declared, rounding=rounding),
        "index_ranks": ranks(index, membership(inputs.unit_footprints, inputs.areas), seed=seed),
        "index_members": index.table(),
    }
    return ModelledOutputs(frames, people.account, people.frame)
