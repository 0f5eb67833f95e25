"""The shape that every roll-up has: counts by basis, unit and stratum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from pophealth_link.places.units import REGISTERED, RESIDENT
from pophealth_link.schema.strata import ALL, QUINTILE, Family

Plan = nw.LazyFrame[Any]
BASES = (REGISTERED, RESIDENT)
UNKNOWN = "quintile_unknown"
# The strata of areas and dwellings.
STRATA = (ALL, *QUINTILE.strata)
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


def stratum_of(family: Family) -> nw.Expr:
    """Return the expression that names a person's stratum of a family, from its own column.

    Whoever has a value of no group is in the stratum `unknown`, or in none at all where the family
    divides groups of another one.
    """
    value = nw.col(family.column).cast(nw.String)
    name = nw.lit(None, dtype=nw.String()) if family.within else nw.lit(family.strata[-1])
    for group, values in family.groups.items():
        mine = nw.lit(f"{family.name}_{group}")
        name = nw.when(value.is_in(list(values))).then(mine).otherwise(name)
    return name.alias("stratum")


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
