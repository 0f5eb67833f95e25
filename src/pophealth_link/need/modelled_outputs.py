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

_TOO_FEW = "too few are expected"


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
    `modelled.modelled`. What is modelled is rounded to the policy's step (see `stepped`), and the
    gap made of that. Shipped pairs that do not agree with catalogue and surveys are set side by
    side. Raises `DisclosureError` where the people cannot be counted by the policy, `DataError`
    where survey tables contradict, `JobError` where a gap of `pairs` does not agree with them.
    """
    listed = catalogue() if indicators is None else indicators
    tables = shipped() if surveys is None else tuple(surveys)
    if pairs is not None:
        require_alike(pairs, listed, tables)
    declared = agreeing(shipped_pairs(), listed, tables) if pairs is None else pairs
    people = people_bands(inputs, policy)
    exact = modelled(
        people.frame,
        tables,
        seed=seed,
        nation=nation,
        baseline=baseline,
        indicators=listed,
    )
    expected = stepped(exact, policy.base)
    # A count of base 1 is as counted; any other lies within half a step.
    rounding = policy.base / 2 if policy.base > 1 else 0.0
    frames = {
        "modelled": expected,
        "gap": gap(baseline, expected, declared, rounding=rounding),
        "index_ranks": ranks(index, membership(inputs.unit_footprints, inputs.areas), seed=seed),
        "index_members": index.table(),
    }
    return ModelledOutputs(frames, people.account, people.frame)


def stepped(expected: pl.DataFrame, step: int) -> pl.DataFrame:
    """Return MODELLED with people in multiples of `step`, the limits rounded outwards.

    Expectations of many conditions are sums of the same people by age, sex and quintile, who are
    released nowhere: exact ones would give these back. Shares are of the rounded numbers, limits at
    most 100 %. Where the expected people round to 0 the row is `not_applicable`. A step of 1 is a
    policy that rounds nothing: all is as it was.

    >>> from pophealth_link.schema.outputs_modelled import MODELLED
    >>> told = {"status": "ok", "population": 302.0, "expected": 12.6}
    >>> told |= {"expected_lower": 9.0, "expected_upper": 16.1}
    >>> row = pl.DataFrame([told], schema=MODELLED.polars_schema)
    >>> stepped(row, 5).select("population", "expected", "expected_lower", "expected_upper").row(0)
    (300.0, 15.0, 5.0, 20.0)
    """
    if step <= 1:
        return expected
    size, people = ((pl.col(n) / step + 0.5).floor() * step for n in ("population", "expected"))
    limits = {
        "expected_lower": (pl.col("expected_lower") / step).floor() * step,
        "expected_upper": pl.min_horizontal((pl.col("expected_upper") / step).ceil() * step, size),
    }
    rounded = expected.with_columns(people.alias("expected"), size.alias("population"), **limits)
    few = (pl.col("expected") <= 0).fill_null(value=False)
    shares = {"value": "expected", "lower": "expected_lower", "upper": "expected_upper"}
    numbers = ["population", "expected", *limits, *shares]
    share = (
        (100 * pl.col(of) / pl.col("population")).round(3).alias(name)
        for name, of in shares.items()
    )
    return rounded.with_columns(share).with_columns(
        *(pl.when(~few).then(name).alias(name) for name in numbers),
        status=pl.when(few).then(pl.lit("not_applicable")).otherwise("status"),
        reason=pl.when(few).then(pl.lit(_TOO_FEW)).otherwise("reason"),
    )
