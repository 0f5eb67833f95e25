"""Quantiles, and the slope and relative indices of inequality."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from pophealth_link.errors import UserError
from pophealth_link.stats.frames import (
    MISSING,
    ROUNDING,
    By,
    FrameT,
    Rule,
    any_null,
    check_columns,
    check_rows,
    check_settings,
    counts,
    finite,
    group_names,
    number,
    same_type,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

INDICES = ("sii", "sii_lower", "sii_upper", "rii", "rii_lower", "rii_upper")
FEWEST_QUANTILES, MOST_QUANTILES = 5, 100
# Why there is no relative index, or none but the number; said in `method` behind the method.
NO_START = "no relative index: the level at the start is not above zero"
NO_END = "no relative index: the level at the end is below zero"
NO_LIMITS = "no limits of the relative index: the level at the start may be zero"


def quantiles(
    frame: FrameT, value: str, *, n: int = 10, by: By = None, invert: bool = False
) -> FrameT:
    """Add to which of n equal groups of rows each row's value belongs.

    quantile = floor((n + 1) − ceil(((N + 1) − rank)/(N/n))), in whole numbers, N being the rows of
    the group (`by`) that have a value. Quantile 1 holds the lowest values, or with `invert` the
    highest. Ties share the lowest of their ranks, and so one quantile. Adds `quantile` (integer).
    A null value has a null quantile and counts towards nothing; so do all rows where N < n.

    Raises DataError where a column is absent or not numeric, or holds a value that is not finite.
    UserError where n is under 2.

    Source: Public Health England, Technical Guide: Assigning Deprivation Categories, 2017.

    >>> quantiles(pl.DataFrame({"score": [9, 7, 5, 3]}), "score", n=2)["quantile"].to_list()
    [2, 2, 1, 1]
    """
    groups: list[str] = group_names(by)
    if n < 2:
        raise UserError("`n` must be 2 or more.", fix="4, 5 or 10 are usual.")
    check_columns(frame, "quantiles", [value], groups, added=["quantile"])
    check_rows(frame, "quantiles", finite(value))
    rows = number(value).count().cast(pl.Int64)
    above = rows + 1 - number(value).rank("min", descending=invert).cast(pl.Int64)
    # ceil(a/(N/n)) = (a·n + N − 1) div N: whole numbers have no rounding, which at N/n would move
    # single rows by one quantile.
    quantile = n + 1 - (above * n + rows - 1) // rows
    found = pl.when(rows >= n).then(quantile)
    in_groups = found.over(groups) if groups else found
    return same_type(frame, frame.lazy().with_columns(in_groups.alias("quantile")))


def slope_index(
    frame: FrameT,
    value: str,
    standard_error: str,
    population: str,
    quantile: str,
    *,
    by: By = None,
    confidence: float = 0.95,
    simulations: int = 100_000,
    seed: int,
) -> FrameT:
    """Return the slope and relative index of inequality of each group, with simulated limits.

    One row of `frame` per group and quantile, in the order of `quantile`. With a the quantile's
    share of `population` and b its cumulative share less a/2, √a·Y is regressed on √a and b√a
    without intercept, coefficients β₁ and β₂: `sii` = β₂, the value at the far end of the last
    quantile less that at the start of the first, in the unit of `value`; `rii` = (β₁ + β₂)/β₁.
    Limits are percentiles of both over `simulations` draws of Y ~ Normal(value, standard_error);
    from published limits take standard_error = (U − L)/(2·1.959964). The draws depend on `seed`
    alone, so that a group's limits depend neither on row order nor on the other groups.

    A relative index is one of levels above zero: it is null where β₁ is not above 0 or β₁ + β₂ is
    below 0. Draws that begin at or below 0 count as beyond every index (there are no limits where
    they are more than a tail of the interval holds), those that end below 0 as an index of 0.

    Returns the group (sorted; one row where `by` is None), `sii`, `sii_lower`, `sii_upper`, `rii`,
    `rii_lower`, `rii_upper`, `method`, which says why a relative index is lacking. All are null,
    and `method` says why, where a group lacks one of the frame's quantiles, has one without people,
    or misses a value, and where there are not 5 to 100 quantiles.

    Raises DataError where a column is absent or not numeric; a population or standard error is
    negative; a quantile occurs twice in a group. UserError where confidence or simulations is out
    of range.

    Source: Pamuk, Popul Stud 1985;39:17–31; Low and Low, J Public Health 2004;26:388–395.

    >>> fifths = pl.DataFrame({"q": range(1, 6), "rate": [50.0, 40.0, 30.0, 20.0, 10.0]})
    >>> fifths = fifths.with_columns(se=pl.lit(1.0), people=pl.lit(1000))
    >>> slope_index(fifths, "rate", "se", "people", "q", seed=1)["sii"].round(6).item()
    -50.0
    """
    name = "slope_index"
    groups: list[str] = group_names(by)
    needed = [value, standard_error, population, quantile]
    check_settings(confidence)
    if simulations < 1:
        raise UserError("`simulations` must be 1 or more.", fix="100,000 is usual.")
    check_columns(frame, name, needed, groups, added=(*INDICES, "method"))
    data = frame.lazy().select(*groups, *(number(each) for each in needed)).collect()
    rules: list[Rule] = [*finite(value, quantile), *counts(standard_error, population)]
    check_rows(data, name, [*rules, _twice(groups, quantile)])
    slope = _Slope(data, needed, confidence, simulations, seed)
    return same_type(frame, _by_group(data.sort([*groups, quantile]), groups, slope).lazy())


def _twice(groups: Sequence[str], quantile: str) -> Rule:
    repeated = pl.struct(*groups, quantile).is_duplicated() & pl.col(quantile).is_not_null()
    return Rule(quantile, "occur twice in a group", repeated, "name what tells them apart in `by`.")


def _by_group(data: pl.DataFrame, groups: Sequence[str], slope: _Slope) -> pl.DataFrame:
    """Return one row per group of the sorted rows, or one row where there are no groups."""
    if groups and data.is_empty():
        parts = []
    else:
        parts = data.partition_by(groups, maintain_order=True) if groups else [data]
    keys = [part.row(0)[: len(groups)] if groups else () for part in parts]
    rows = [(*key, *slope.of(part)) for key, part in zip(keys, parts, strict=True)]
    schema = {
        **{each: data.schema[each] for each in groups},
        **dict.fromkeys(INDICES, pl.Float64()),
        "method": pl.String(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


class _Slope:
    """The regression of one frame's groups, which share quantiles and random draws."""

    def __init__(
        self, data: pl.DataFrame, needed: Sequence[str], confidence: float, draws: int, seed: int
    ) -> None:
        import numpy as np

        self._columns, self._confidence = needed, confidence
        self._quantiles = data[needed[3]].drop_nulls().n_unique()
        self._method = f"weighted least squares, {draws:,} draws"
        countable = FEWEST_QUANTILES <= self._quantiles <= MOST_QUANTILES
        shape = (draws, self._quantiles if countable else 0)
        drawn: Floats = np.random.default_rng(seed).standard_normal(shape)
        # Each quantile's draws lie together, which the inner products are some ten times faster on.
        self._draws: Floats = np.ascontiguousarray(drawn.T)

    def of(self, part: pl.DataFrame) -> tuple[Any, ...]:
        """Return the six indices of one group and the method, or nulls and the reason."""
        reason = self._reason(part)
        if reason:
            return (*[None] * len(INDICES), reason)
        value, error, people = (part[name].to_numpy() for name in self._columns[:3])
        start, slope = _coefficients(people)
        centre = (_dot(value, start), _dot(value, slope))
        drawn = (
            centre[0] + _dot(self._draws, error * start),
            centre[1] + _dot(self._draws, error * slope),
        )
        sii = (float(centre[1]), *self._limits(drawn[1]))
        rii, without = self._relative(centre, drawn, ROUNDING * float(abs(value).max()))
        return (*sii, *rii, "; ".join([self._method, *without]))

    def _relative(
        self, centre: tuple[Any, Any], drawn: tuple[Floats, Floats], rounding: float
    ) -> tuple[tuple[float | None, ...], list[str]]:
        """Return the relative index and its limits, and why one of them is lacking."""
        import numpy as np

        start, end = float(centre[0]), float(centre[0] + centre[1])
        if start <= rounding:
            return (None, None, None), [NO_START]
        if end < -rounding:
            return (None, None, None), [NO_END]
        index = max(end, 0.0) / start
        ends = np.maximum(drawn[0] + drawn[1], 0.0)
        beyond = np.full_like(ends, np.inf)
        with np.errstate(over="ignore"):
            np.divide(ends, drawn[0], out=beyond, where=drawn[0] > 0)
        limits = self._limits(beyond)
        if None in limits:
            return (index, None, None), [NO_LIMITS]
        return (index, *limits), []

    def _reason(self, part: pl.DataFrame) -> str | None:
        people = part[self._columns[2]]
        if not FEWEST_QUANTILES <= self._quantiles <= MOST_QUANTILES:
            return "not calculated: 5 to 100 quantiles are needed"
        if part.select(any_null(*self._columns).any()).item():
            return MISSING
        if part.height < self._quantiles or (people == 0).any():
            return "not calculated: a quantile has no people"
        return None

    def _limits(self, drawn: Floats) -> tuple[float | None, float | None]:
        import numpy as np

        tail, ordered = (1 - self._confidence) / 2, np.sort(drawn)
        return _percentile(ordered, tail), _percentile(ordered, 1 - tail)


def _coefficients(people: Floats) -> tuple[Floats, Floats]:
    """Return what each quantile's value is multiplied by to give β₁ and β₂.

    The least squares of √a·Y on √a and b√a are those of Y on b with weights a, which sum to 1.
    """
    import numpy as np

    share = people / people.sum()
    position = np.cumsum(share) - share / 2
    centre = _dot(share, position)
    spread = _dot(share, (position - centre) ** 2)
    slope: Floats = share * (position - centre) / spread
    return share - centre * slope, slope


def _dot(left: Floats, right: Floats) -> Any:
    """Return the inner product by numpy's own loop: BLAS would make it depend on the threads."""
    import numpy as np

    return np.einsum("q...,q->...", left, right)


def _percentile(ordered: Floats, share: float) -> float | None:
    """Return the interpolated quantile of ascending numbers; none where it is beyond them.

    Sorting once for both limits is faster than numpy's own quantile.
    """
    place = share * (len(ordered) - 1)
    low = int(place)
    first, second = (float(ordered[i]) for i in (low, min(low + 1, len(ordered) - 1)))
    found = first + (second - first) * (place - low)
    return found if math.isfinite(found) else None
