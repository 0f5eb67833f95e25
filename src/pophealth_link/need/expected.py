"""Footprints without strata by age: what the whole area's rates by age lead one to expect."""

from __future__ import annotations

import polars as pl

from pophealth_link import stats
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.need.inequality_rows import (
    CELL,
    LOST,
    NO_FOOTPRINT,
    NOBODY,
    declared,
    of_people,
    reason_of,
    status_of,
)
from pophealth_link.places.units import is_reason
from pophealth_link.schema.outputs_inequality import OBSERVED_EXPECTED
from pophealth_link.schema.strata import AGE, BAND, FINEST_AGES

WHOLE = "whole"
_PLACE = ("footprint_type", "footprint_code", "basis")
_SET = ("basis", "indicator", "stratum")
# Expectations of many conditions are bounds of the people by age: whole numbers would leave ranges
# of about ten people, multiples of five leave thirty and more (a test).
STEP = 5
_HALF = STEP / 2
_LIMITS = {"95": 0.95, "998": 0.998}


def observed_expected(
    baseline: pl.DataFrame, people: pl.DataFrame, *, indicators: Catalogue | None = None
) -> pl.DataFrame:
    """Return counts beside those of the whole area's rates by age (OBSERVED_EXPECTED, sorted).

    Indirect standardisation, for PCNs and others that the baseline gives no strata by age: for
    shares of all current people, `expected` is Σ people × the whole area's released rate over the
    finest ages, a multiple of five; `value` is observed over expected with Byar's or exact limits
    of the observed (see `stats.indirectly_standardised_ratio`), the lower one over two and a half
    more than `expected`, the upper one over two and a half fewer, as its rounding may have it;
    `significance` is whether these leave 1. `people`: the frame of `people_bands.people_bands`,
    which the same policy has rounded. Observed people of unknown age are counted, and not expected:
    the ratio is that much too high.

    A row is there for each cell without strata by age, of indicators that the whole area has by
    age. Limits hold sampling and the rounding of the expectation alone. Where a count, a band of
    people or a rate is withheld there is no ratio and `status` says so; rows that are no footprint,
    or whose expectation is rounded to 0, are `not_applicable`.

    Raises DataError where the baseline lacks a column.
    """
    listed = catalogue() if indicators is None else indicators
    shares = [e.id for e in listed.at("person") if e.statistic == "proportion" and not e.among]
    rows = of_people(baseline, listed, {}).filter(pl.col("indicator").is_in(shares))
    rates = _rates(rows)
    by_age = rows.filter(pl.col("stratum").is_in(FINEST_AGES))
    own = rows.filter(pl.col("stratum") == "all").drop("value", "lower", "upper")
    own = own.join(by_age, on=CELL, how="anti").join(rates, on=["basis", "indicator"], how="semi")
    found = own.join(_expected(rates, people), on=CELL, how="left").with_columns(place=~is_reason())
    return declared(_told(_with_ratios(found)), OBSERVED_EXPECTED)


def _rates(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the whole area's rate by basis, indicator and age; null where it is withheld."""
    whole = (pl.col("footprint_type") == WHOLE) & ~is_reason()
    ages = rows.filter(whole, pl.col("stratum").is_in(FINEST_AGES), pl.col("rank").is_not_null())
    rate = pl.when("held").then(pl.col("numerator") / pl.col("denominator"))
    return ages.select(*_SET, rate=rate)


def _expected(rates: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Return the expected count of each cell; null where a part of it is withheld."""
    finest = {**AGE.values, **BAND.values}
    by_age = people.filter(pl.col("sex") == "all", pl.col("ages").is_in(list(finest)))
    bands = by_age.select(
        *_PLACE, "people", stratum=pl.col("ages").replace_strict(finest, return_dtype=pl.String)
    )
    nobody = pl.col("people") == 0
    part = pl.when(nobody.fill_null(value=False)).then(0.0).otherwise(
        pl.col("people") * pl.col("rate")
    )  # fmt: skip
    parts = bands.join(rates, on=["basis", "stratum"], how="inner").sort(*CELL, "stratum", "people")
    sums = parts.with_columns(part=part).group_by(CELL, maintain_order=True)
    whole = pl.col("part").null_count() == 0
    rounded = (pl.col("part").sum() / STEP).round(0) * STEP
    return sums.agg(pl.when(whole).then(rounded).alias("expected"))


def _with_ratios(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the ratio and its limits, which hold wherever the expectation was before rounding."""
    expected = pl.col("expected")
    some = expected > _HALF
    fit = pl.col("held") & pl.col("place") & some
    rows = rows.with_columns(
        fit=fit.fill_null(value=False),
        observed=pl.when("held").then("numerator"),
        expected_most=expected + _HALF,
        expected_least=pl.when(some).then(expected - _HALF),
    ).with_columns(ratio=pl.col("observed") / expected)
    for name, confidence in _LIMITS.items():
        low, high = (
            stats.rate(rows, "observed", of, multiplier=1, confidence=confidence)
            for of in ("expected_most", "expected_least")
        )
        limits = {f"lower_{name}": low["lower"], f"upper_{name}": high["upper"]}
        rows = rows.with_columns(**limits)
    return rows


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    fit, place = pl.col("fit"), pl.col("place")
    lost = place & pl.col("held") & pl.col("expected").is_null()
    rank = pl.when(lost).then(pl.min_horizontal("rank", pl.lit(LOST))).otherwise("rank")
    none = place & (pl.col("expected") <= _HALF).fill_null(value=False)
    status = pl.when(place & ~none).then(status_of(rank)).otherwise(pl.lit(NOBODY))
    reason = pl.coalesce(
        pl.when(~place).then(pl.lit(NO_FOOTPRINT)),
        pl.when(none & pl.col("rank").is_not_null()).then(pl.lit("too few are expected")),
        reason_of(status, nobody="nobody is in the footprint"),
    )
    limits = {"lower": "lower_95", "upper": "upper_95"}
    return rows.with_columns(
        status=status,
        reason=reason,
        significance=pl.when(fit).then(_significance()),
        value=pl.when(fit).then("ratio"),
        observed=pl.when(place).then("observed"),
        expected=pl.when(place).then("expected"),
        **{name: pl.when(fit).then(own) for name, own in limits.items()},
    )


def _significance() -> pl.Expr:
    low = {"low (99.8 %)": "upper_998", "low (95 %)": "upper_95"}
    high = {"high (99.8 %)": "lower_998", "high (95 %)": "lower_95"}
    found = [pl.when(pl.col(name) < 1).then(pl.lit(said)) for said, name in low.items()]
    found += [pl.when(pl.col(name) > 1).then(pl.lit(said)) for said, name in high.items()]
    return pl.coalesce(*found, pl.lit("not significant"))
