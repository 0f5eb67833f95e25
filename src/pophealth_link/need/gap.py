"""Recorded beside modelled need: a gap where definitions agree, observed over expected elsewhere.

Both are made from what is released. A gap is given as intervals, never as a point.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pophealth_link import stats
from pophealth_link.need.gap_pairs import Pair, shipped_pairs
from pophealth_link.places.units import is_reason
from pophealth_link.schema.outputs_modelled import GAP

_PLACE = ("footprint_type", "footprint_code", "basis")
_GIVEN = ("ok", "estimated", "imputed_down")
_OBSERVED = ("observed", "observed_from", "observed_to")
_EXPECTED = ("expected", "expected_lower", "expected_upper")
_LINKAGE = ("numerator_linkage_lower", "numerator_linkage_upper")
_RESULTS = ("value", "lower", "upper", "method")
# Upper limit of a count of 0, exact Poisson at 95 %.
_MOST_OF_NONE = 3.6888794541139363
_NO_LIMITS = "the survey's table gives no limits, and a gap is never a point"
_UNLIMITED = "the recorded number has no limits, and a gap is never a point"


def gap(
    baseline: pl.DataFrame,
    modelled: pl.DataFrame,
    pairs: Sequence[Pair] | None = None,
    *,
    rounding: float = 0.0,
) -> pl.DataFrame:
    """Return GAP: each declared pair by footprint and basis, sorted.

    `baseline`: BASELINE and `modelled`: MODELLED, both as released; `pairs`: those that the library
    ships if left out; `rounding`: how far a released count may lie from what was counted. With O
    recorded and E expected people, ratio = 100·O/E and gap = E − O. The interval of O holds its
    sampling limits and, where given, those of linkage, their distances from O added in quadrature,
    and then the rounding, which is a bound and no error by chance; limits of ratio and difference
    are recovered from those of O and E (see `stats.ratio` and `stats.difference`). A pair whose
    definitions agree has the gap and the ratio as intervals alone, and `reason` says of when rates
    and records are; any other has the ratio and never a gap, and `reason` says how the two differ.
    A footprint is in every pair: what cannot be given is empty, with status and reason. A row that
    is no footprint has nothing.
    """
    declared = shipped_pairs() if pairs is None else tuple(pairs)
    if not declared:
        return GAP.empty()
    places = _places(baseline, modelled)
    frames = [_of_pair(each, baseline, modelled, places, rounding) for each in declared]
    sort = [*_PLACE, "pair", "year"]
    return pl.concat(frames).sort(sort, nulls_last=True)


def _places(baseline: pl.DataFrame, modelled: pl.DataFrame) -> pl.DataFrame:
    names = [*_PLACE, "footprint_name"]
    every = pl.concat([baseline.select(names), modelled.select(names)])
    return every.group_by(_PLACE).agg(pl.col("footprint_name").drop_nulls().sort().first())


def _of_pair(
    pair: Pair,
    baseline: pl.DataFrame,
    modelled: pl.DataFrame,
    places: pl.DataFrame,
    rounding: float,
) -> pl.DataFrame:
    last = pl.col("age_to").is_null() if pair.age_to is None else pl.col("age_to") == pair.age_to
    own = modelled.filter(
        pl.col("survey") == pair.survey,
        pl.col("condition") == pair.condition,
        pl.col("age_from") == pair.age_from,
        last,
        pl.col("sex") == "all",
    )
    expected = own.select(
        *_PLACE, "year", *_EXPECTED, pl.col("status").alias("expected_status"), "limits"
    )
    years = own.select("year").unique().sort("year")
    if years.is_empty():
        years = pl.DataFrame({"year": [None]}, schema={"year": pl.String})
    rows = places.join(years, how="cross")
    rows = rows.join(expected, on=[*_PLACE, "year"], how="left", nulls_equal=True)
    rows = rows.join(_observed(pair, baseline, rounding), on=list(_PLACE), how="left")
    return _in_schema(_compared(_with_status(rows, pair), pair), pair)


def _observed(pair: Pair, baseline: pl.DataFrame, rounding: float) -> pl.DataFrame:
    """Return the pair's recorded people with the interval of each, and what is told of linkage.

    There is no interval where the baseline gives no sampling limits.
    """
    rows = baseline.filter(pl.col("indicator") == pair.indicator, pl.col("stratum") == pair.stratum)
    held = [
        pl.col(n) if n in baseline.columns else pl.lit(None, pl.Float64).alias(n) for n in _LINKAGE
    ]
    count = pl.col("numerator")
    # Limits of the value, put on the count; where nobody is recorded, those of a Poisson count.
    some = count > 0
    low, high = (pl.col(name) * count / pl.col("value") for name in ("lower", "upper"))
    low = pl.when(some).then(low).otherwise(0.0)
    high = pl.when(some).then(high).otherwise(_MOST_OF_NONE)
    rows = rows.with_columns(held)
    below = _quadrature(count - low, count - pl.col(_LINKAGE[0]))
    above = _quadrature(high - count, pl.col(_LINKAGE[1]) - count)
    return rows.select(
        *_PLACE,
        count.alias("observed"),
        (count - below - rounding).clip(lower_bound=0).alias("observed_from"),
        (count + above + rounding).alias("observed_to"),
        pl.col(_LINKAGE[0]).alias("observed_lower"),
        pl.col(_LINKAGE[1]).alias("observed_upper"),
        pl.col("status").alias("observed_status"),
        pl.col("period").alias("observed_period"),
    )


def _quadrature(sampling: pl.Expr, linkage: pl.Expr) -> pl.Expr:
    """Return both distances together; what is not told of linkage is 0, but not of sampling."""
    first, second = (each.clip(lower_bound=0) for each in (sampling, linkage.fill_null(0.0)))
    return (first**2 + second**2).sqrt()


def _with_status(rows: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    """Add status and reason: the worse of the two sides, or that one of them is not there."""
    recorded, expected = pl.col("observed_status"), pl.col("expected_status")
    lacks = f"the baseline has no {pair.indicator} of the stratum {pair.stratum}"
    nothing = f"nothing is modelled for {pair.condition} at these ages"
    no_data = pl.lit("no_data")
    steps: list[tuple[pl.Expr, pl.Expr, pl.Expr]] = [
        (is_reason(), pl.lit("not_applicable"), pl.lit("no footprint")),
        (recorded.is_null(), no_data, pl.lit(lacks)),
        (expected.is_null(), no_data, pl.lit(nothing)),
        (~recorded.is_in(_GIVEN), recorded, pl.format("the recorded number is {}", recorded)),
        (pl.col("observed").is_null(), pl.lit("suppressed"), pl.lit("the count is withheld")),
        (~expected.is_in(_GIVEN), expected, pl.format("the modelled number is {}", expected)),
    ]
    if pair.comparison == "gap":
        steps.append((pl.col("expected_lower").is_null(), no_data, pl.lit(_NO_LIMITS)))
        bare = pl.any_horizontal(pl.col(_OBSERVED[1:]).is_null())
        steps.append((bare, no_data, pl.lit(_UNLIMITED)))
    estimated = pl.when((recorded == "estimated") | (expected == "estimated"))
    status = estimated.then(pl.lit("estimated")).otherwise(pl.lit("ok"))
    differs = pl.lit(pair.differs, pl.String)
    told = [_of_when(), differs] if pair.comparison == "gap" else [differs]
    reason = pl.concat_str(told, separator="; ", ignore_nulls=True)
    for wrong, what, why in reversed(steps):
        status = pl.when(wrong).then(what).otherwise(status)
        reason = pl.when(wrong).then(why).otherwise(reason)
    return rows.with_columns(status.alias("status"), reason.alias("reason"))


def _of_when() -> pl.Expr:
    """Return of when rates and records are, whose definitions may agree although years differ."""
    year, day = "rates of {}, taken to hold ", pl.col("observed_period")
    records = pl.format(year + "for records of {}", "year", day)
    return pl.coalesce(records, pl.format(year + "since", "year"))


def _compared(rows: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    """Add ratio and gap; what a status withholds is empty."""
    given = pl.col("status").is_in(_GIVEN)
    numbers = [*_OBSERVED, *_EXPECTED]
    exact = rows.with_columns(pl.when(given).then(pl.col(n)).alias(n) for n in numbers)
    ratio = stats.ratio(exact, _OBSERVED, _EXPECTED)
    point = (100 * pl.col("observed") / pl.col("expected")).alias("ratio")
    limits = [(100 * pl.col(n)).alias(f"ratio_{n}") for n in ("lower", "upper")]
    rows = ratio.with_columns(*limits, point).drop(_RESULTS)
    if pair.comparison != "gap":
        empty = [pl.lit(None, pl.Float64).alias(f"gap_{n}") for n in ("lower", "upper")]
        return rows.with_columns(empty)
    taken = stats.difference(rows, _EXPECTED, _OBSERVED)
    return taken.with_columns(
        gap_lower="lower", gap_upper="upper", ratio=pl.lit(None, pl.Float64)
    ).drop(_RESULTS)


def _in_schema(rows: pl.DataFrame, pair: Pair) -> pl.DataFrame:
    given = pl.col("status").is_in(_GIVEN)
    shown = ("observed_lower", "observed_upper")
    rows = rows.with_columns(
        *(pl.when(given).then(pl.col(name)).alias(name) for name in shown),
        pair=pl.lit(pair.id),
        comparison=pl.lit(pair.comparison),
        indicator=pl.lit(pair.indicator),
        stratum=pl.lit(pair.stratum),
        survey=pl.lit(pair.survey),
        condition=pl.lit(pair.condition),
    )
    typed = rows.select(pl.col(c.name).cast(c.dtype) for c in GAP.columns)
    return typed.with_columns(
        pl.col(c.name).fill_nan(None).round(1) for c in GAP.columns if c.kind == "number"
    )
