"""Limits from linkage as they are released, and cells whose linkage is too weak to be shown.

A limit would give a rounded count back if it were rounded by itself: the rest of the count would
show. So what is released is how far the limits are from the count, rounded up to the policy's
base, around the count as released. The limits so hold the released form of every count that the
limits before rounding hold, and they always hold the released count.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.disclosure import Policy
from pophealth_link.indicators.footprints import CELL
from pophealth_link.need.linkage_limits import LIMITS, RECALL

TOO_WEAK = "linkage_too_weak"
# Whether the linkage of a raw count is too weak, where other bounds than these tell it.
WEAK = "linkage_weak"
COUNT_LIMITS = ("numerator_linkage_lower", "numerator_linkage_upper")
VALUE_LIMITS = ("linkage_lower", "linkage_upper")
# The least share of the expected count that the links must have, and how far that may differ
# between ethnic groups of this many people or more (assumed).
LEAST_RECALL, LARGEST_GAP, GROUP = 0.90, 0.10, 100
_MARGINS = ("below", "above", "ratio_below", "ratio_above")
_TOLD = ("ok", "estimated", "suppressed")
_GROUPS, _UNKNOWN = "ethnic_", "ethnic_unknown"
_TOLERANCE = 1e-6
_DECIMALS = 6


def margins(counts: pl.DataFrame) -> pl.DataFrame:
    """Return CELL, how far the limits are from the count, and whether the linkage is too weak.

    `below`, `above`: of the count; `ratio_below`, `ratio_above`: of the count that gives the value;
    all above or equal to zero, empty where there are no limits. `weak`: see `too_weak`.
    """
    numerator = pl.col("numerator")
    if not {*LIMITS, RECALL} <= set(counts.columns):
        none = [pl.lit(None, pl.Float64).alias(name) for name in _MARGINS]
        return counts.select(*CELL, *none, pl.lit(value=False).alias("weak"))
    low, high, ratio_low, ratio_high = (pl.col(name) for name in LIMITS)
    ways = (numerator - low, high - numerator, numerator - ratio_low, ratio_high - numerator)
    told = [way.clip(0.0).alias(name) for name, way in zip(_MARGINS, ways, strict=True)]
    weak = pl.col(WEAK) if WEAK in counts.columns else too_weak()
    return counts.select(*CELL, *told, weak.alias("weak"))


def too_weak(least: float = LEAST_RECALL, gap: float = LARGEST_GAP) -> pl.Expr:
    """Return whether a cell's linkage is too weak to show its count.

    It is where the links have less than `least` of the expected count, or where that share differs
    by more than `gap` between the ethnic groups of the same footprint and indicator.
    """
    stratum, recall = pl.col("stratum"), pl.col(RECALL)
    group = stratum.str.starts_with(_GROUPS) & (stratum != _UNKNOWN)
    large = group & (pl.col("numerator") >= GROUP)
    same = [name for name in CELL if name != "stratum"]
    shares = pl.when(large).then(recall)
    apart = shares.max().over(same) - shares.min().over(same)
    return ((recall < least) | (apart > gap)).fill_null(value=False)


def with_margins(known: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """Add the margins of raw `counts` to counts as released; withhold those of weak linkage.

    A count that the policy withholds says so of its linkage as well: were it `suppressed` beside
    others that are `linkage_too_weak`, that would tell which of the weak counts are small.
    """
    joined = known.join(
        margins(counts), on=list(CELL), how="left", nulls_equal=True, maintain_order="left"
    )
    weak = pl.col("weak") & pl.col("status").is_in(_TOLD)
    return joined.with_columns(
        pl.when(~weak).then("numerator").alias("numerator"),
        pl.when(weak).then(pl.lit(TOO_WEAK)).otherwise("status").alias("status"),
    ).drop("weak")


def limits(policy: Policy) -> list[pl.Expr]:
    """Return the released limits of count and value, from released counts and rounded margins.

    With a base of 1 a policy does not round, and the margins are as they are.
    """
    below, above, ratio_below, ratio_above = (_rounded(name, policy) for name in _MARGINS)
    count, multiplier = pl.col("numerator"), pl.col("multiplier")
    under = pl.when(pl.col("denominator") > 0).then(pl.col("denominator"))
    told = {
        COUNT_LIMITS[0]: (count - below).clip(0.0),
        COUNT_LIMITS[1]: count + above,
        VALUE_LIMITS[0]: (count - ratio_below).clip(0.0) * multiplier / under,
        VALUE_LIMITS[1]: (count + ratio_above) * multiplier / under,
    }
    return [each.round(_DECIMALS).alias(name) for name, each in told.items()]


def _rounded(name: str, policy: Policy) -> pl.Expr:
    if policy.base == 1:
        return pl.col(name)
    steps = (pl.col(name) / policy.base - _TOLERANCE).ceil().clip(0.0)
    return steps * policy.base
