"""The shape that every roll-up has: counts by basis, unit and stratum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from pophealth_link.places.units import REGISTERED, RESIDENT

Plan = nw.LazyFrame[Any]
BASES = (REGISTERED, RESIDENT)
ALL = "all"
UNKNOWN = "quintile_unknown"
STRATA = (ALL, *(f"quintile_{fifth}" for fifth in range(1, 6)), UNKNOWN)
# contributors: people (dwellings, areas) behind the numerator. squares: the sum over people of
# their count squared, from which over-dispersion is estimated.
COUNTS = ("numerator", "denominator", "contributors", "squares")

# Sums of fractions are made in whole millionths, so that they do not depend on the order of rows.
MILLIONTHS = 1_000_000


def fixed(name: str) -> nw.Expr:
    """Return the expression that turns a column of numbers into whole millionths."""
    return (nw.col(name).cast(nw.Float64) * MILLIONTHS).round(0).cast(nw.Int64).alias(name)


def total(name: str) -> nw.Expr:
    """Return the expression that sums a column of whole millionths back to numbers.

    DuckDB sums 64-bit integers into 128 bits, which not every engine can read back.
    """
    return nw.col(name).sum().cast(nw.Int64) / MILLIONTHS


def stratum_of(quintile: str = "quintile") -> nw.Expr:
    """Return the expression that names the stratum of a national quintile, 1 most deprived."""
    fifth = nw.col(quintile)
    name = nw.concat_str(nw.lit("quintile_"), fifth.cast(nw.Int64).cast(nw.String))
    return nw.when(fifth.is_null()).then(nw.lit(UNKNOWN)).otherwise(name).alias("stratum")


def by_unit(plan: Plan, bases: Sequence[str] = BASES) -> Plan:
    """Sum registered_unit, resident_unit, stratum and COUNTS to basis, unit, stratum and COUNTS.

    Adds the stratum `all`. Counts must be integers, so that sums do not depend on their order.
    """
    sums = [nw.col(name).sum().cast(nw.Int64) for name in COUNTS]
    rows = [
        plan.select(
            nw.lit(basis).alias("basis"),
            nw.col(f"{basis}_unit").alias("unit"),
            stratum.alias("stratum"),
            *COUNTS,
        )
        for basis in bases
        for stratum in (nw.col("stratum"), nw.lit(ALL))
    ]
    return nw.concat(rows).group_by("basis", "unit", "stratum").agg(*sums)
