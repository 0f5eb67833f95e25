"""The need index: social circumstances that go with mental ill health, as one number an area.

First version, with stated equal weights: for each member indicator z = direction·(x − mean)/sd over
the LSOAs of the reference, each LSOA counting once; the index of an LSOA is the mean of its z,
divided by the standard deviation of that mean, so that it is in standard deviations of LSOAs and
averages zero. A footprint's index is the people-weighted mean of its LSOAs. Members measure need,
never supply or use; no member holds the health domain of the deprivation index, which counts mental
health already; no member is a value of a larger area. Reliability: Cronbach's alpha (Psychometrika
1951;16:297–334), and each member's correlation with the sum of the others, which is negative where
its stated direction does not fit the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pophealth_link.indicators.declaration import Indicator

AREAS_PER_INDICATOR = 10
LEAST_MEMBERS = 3
_DECIMALS = 6
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NeedIndex:
    """The fitted index.

    `values`: lsoa_code, value (standard deviations), sorted; empty where `reason` says why there is
    none. `members`: their ids, each of weight 1 / how many; `left_out`: id → why; `areas`: LSOAs
    fitted; `incomplete`: LSOAs without every member, which have no value; `alpha`: Cronbach's;
    `item_rest`: id → correlation with the sum of the others.
    """

    values: pl.DataFrame
    members: tuple[str, ...]
    left_out: Mapping[str, str]
    areas: int
    incomplete: int
    alpha: float | None
    item_rest: Mapping[str, float]
    reason: str | None = None

    def summary(self) -> dict[str, object]:
        """Return everything but the values, as JSON can hold it.

        Beside the fields: `weights`, id → the member's share of the index (none where there is no
        index); `against_direction`, members that run against the others.
        """
        even = round(1 / len(self.members), _DECIMALS) if self.reason is None else None
        return {
            "members": list(self.members),
            "weights": {} if even is None else dict.fromkeys(self.members, even),
            "left_out": dict(self.left_out),
            "areas": self.areas,
            "incomplete": self.incomplete,
            "alpha": self.alpha,
            "item_rest": dict(self.item_rest),
            "against_direction": [name for name, value in self.item_rest.items() if value < 0],
            "reason": self.reason,
        }


def fit(cells: Mapping[str, pl.DataFrame], members: Sequence[Indicator]) -> NeedIndex:
    """Fit the index to every LSOA of a reference.

    `cells`: indicator → lsoa_code, numerator, denominator, one row per LSOA (see
    `indicators.area.cells`). A member without data in ten areas for each member, or that does not
    vary, is left out and named. There is no index, and `reason` says why, with fewer than three
    members or fewer than ten complete areas for each of them.
    """
    least = AREAS_PER_INDICATOR * len(members)
    left_out = {each.id: why for each in members if (why := _why_not(cells.get(each.id), least))}
    kept = [each for each in members if each.id not in left_out]
    wide = _complete(cells, kept)
    every = {code for each in kept for code in cells[each.id]["lsoa_code"]}
    reason = _too_few(len(kept), wide.height)
    names, incomplete = tuple(each.id for each in kept), len(every) - wide.height
    if reason:
        none = wide.select("lsoa_code", pl.lit(0.0).alias("value")).clear()
        return NeedIndex(none, names, left_out, wide.height, incomplete, None, {}, reason)
    scores = _standardised(wide.select(names).to_numpy(), [each.direction for each in kept])
    mean = scores.mean(axis=1)
    value = pl.Series("value", mean / mean.std()).round(_DECIMALS)
    rest = {n: round(_item_rest(scores, place), 3) for place, n in enumerate(names)}
    values = wide.select("lsoa_code").with_columns(value)
    return NeedIndex(
        values, names, left_out, wide.height, incomplete, round(cronbach_alpha(scores), 4), rest
    )


def _why_not(cells: pl.DataFrame | None, least: int) -> str | None:
    if cells is None or cells.is_empty():
        return "the reference does not hold it"
    if cells.height < least:
        return f"held for {cells.height:,} areas; {least:,} are needed"
    varies = cells.select(pl.col("numerator") / pl.col("denominator")).to_series().n_unique() > 1
    return None if varies else "it is the same everywhere"


def _complete(cells: Mapping[str, pl.DataFrame], kept: Sequence[Indicator]) -> pl.DataFrame:
    """Return lsoa_code and a column of values per member, for LSOAs that have them all; sorted."""
    wide: pl.DataFrame | None = None
    for each in kept:
        value = (pl.col("numerator") / pl.col("denominator")).alias(each.id)
        column = cells[each.id].select("lsoa_code", value)
        wide = column if wide is None else wide.join(column, on="lsoa_code", how="inner")
    return pl.DataFrame(schema={"lsoa_code": pl.String}) if wide is None else wide.sort("lsoa_code")


def _too_few(members: int, areas: int) -> str | None:
    if members < LEAST_MEMBERS:
        return f"{members} of its indicators have data; {LEAST_MEMBERS} are needed"
    least = AREAS_PER_INDICATOR * members
    return None if areas >= least else f"{areas:,} areas are complete; {least:,} are needed"


def _standardised(values: Matrix, directions: Sequence[int]) -> Matrix:
    deviations = values - values.mean(axis=0)
    standardised: Matrix = deviations / values.std(axis=0) * np.array(directions)
    return standardised


def cronbach_alpha(scores: Matrix) -> float:
    """Return Cronbach's alpha: k/(k − 1)·(1 − Σ var(item)/var(sum)); rows are areas.

    >>> round(cronbach_alpha(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 4.0]])), 4)
    0.9474
    """
    items = scores.shape[1]
    share = scores.var(axis=0).sum() / scores.sum(axis=1).var()
    return float(items / (items - 1) * (1 - share))


def _item_rest(scores: Matrix, place: int) -> float:
    item = scores[:, place]
    rest = scores.sum(axis=1) - item
    joint = ((item - item.mean()) * (rest - rest.mean())).mean()
    return float(joint / (item.std() * rest.std()))
