"""What is computed from released counts: which are given, and limits of sums of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.schema.core import Table

GIVEN = ("ok", "estimated", "imputed_down")
FOOTPRINT = ("footprint_type", "footprint_code", "footprint_name", "basis")
DECIMALS = 6
_KINDS = ("", "linkage_")
LIMITS = tuple(f"{kind}{side}" for kind in _KINDS for side in ("lower", "upper"))
# The worst comes first: where several counts are withheld, its reason is told.
_WORST_FIRST = (
    "linkage_too_weak",
    "suppressed",
    "no_data",
    "not_applicable",
    "estimated",
    "imputed_down",
    "ok",
)


def with_limits(baseline: pl.DataFrame, listed: Catalogue) -> pl.DataFrame:
    """Return the baseline with `count`, its limits (count_lower …) and those from linkage error.

    The sampling limits are those of the value, times the denominator: they hold nothing that was
    not released. Empty where there are none.
    """
    multiplier = pl.col("indicator").replace_strict(
        {each.id: float(each.multiplier) for each in listed}, default=None, return_dtype=pl.Float64
    )
    scale = pl.col("denominator") / multiplier
    given = pl.col("status").is_in(GIVEN) & pl.col("numerator").is_not_null()
    sampled = {side: pl.col(side) * scale for side in ("lower", "upper")}
    linked = {f"linkage_{side}": pl.col(f"numerator_linkage_{side}") for side in sampled}
    return baseline.with_columns(
        pl.when(given).then("numerator").alias("count"),
        *(
            pl.when(given).then(limit).alias(f"count_{side}")
            for side, limit in (sampled | linked).items()
        ),
    )


def worst(status: pl.Expr) -> pl.Expr:
    """Return the worst of the statuses of a group, for an aggregation."""
    order: Mapping[str, int] = {name: place for place, name in enumerate(_WORST_FIRST)}
    place = status.replace_strict(order, default=0, return_dtype=pl.Int64).min()
    return place.replace_strict(dict(enumerate(_WORST_FIRST)), return_dtype=pl.String)


def weighted_sums(terms: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return `by`, value, LIMITS and status of sums of weight × count, sorted.

    `terms`: `by`, weight, count, its limits (count_lower …), status. A sum is empty where any of
    its counts is, and a limit where any limit of its kind is. Limits of a sum of terms t with
    limits l and u: Σt − √Σ(t − l)² and Σt + √Σ(u − t)², as if the terms were independent (MOVER).

    Source: Zou and Donner, Stat Med 2008;27:1693–1702.

    >>> terms = pl.DataFrame({"a": 1, "weight": [1.0, 1.0], "count": [3.0, 4.0],
    ...     "count_lower": [0.0, 0.0], "count_upper": [6.0, 8.0], "count_linkage_lower": None,
    ...     "count_linkage_upper": None, "status": "ok"})
    >>> weighted_sums(terms, ["a"]).row(0)
    (1, 7.0, 2.0, 12.0, None, None, 'ok')
    """
    term = pl.col("weight") * pl.col("count")
    reaches = {name: reach for kind in _KINDS for name, reach in _reaches(kind, term).items()}
    rows = terms.with_columns(term.alias("term"), **reaches)
    complete = pl.col("term").null_count() == 0
    sums = [
        pl.when(complete & (pl.col(name).null_count() == 0))
        .then((_whole(pl.col(name)) ** 2).sum().sqrt())
        .alias(name)
        for name in reaches
    ]
    found = rows.group_by(by).agg(
        pl.when(complete).then(_whole(pl.col("term")).sum()).alias("value"),
        *sums,
        worst(pl.col("status")).alias("status"),
    )
    limits = [
        (pl.col("value") + pl.col(name) * (-1 if name.endswith("lower") else 1)).alias(name)
        for name in reaches
    ]
    return found.with_columns(limits).select(*by, "value", *LIMITS, "status").sort(by)


def _reaches(kind: str, term: pl.Expr) -> dict[str, pl.Expr]:
    """Return how far each limit of a kind lies from the term, whatever the sign of its weight."""
    ends = [pl.col("weight") * pl.col(f"count_{kind}{side}") for side in ("lower", "upper")]
    known = pl.all_horizontal(end.is_not_null() for end in ends)
    return {
        f"{kind}lower": pl.when(known).then(term - pl.min_horizontal(ends)),
        f"{kind}upper": pl.when(known).then(pl.max_horizontal(ends) - term),
    }


def _whole(values: pl.Expr) -> pl.Expr:
    """Return a group's values in ascending order, so that their sum has the same bits always."""
    return values.sort()


def fitted(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the columns of a declared table, numbers to six decimals, sorted by its key."""
    rounded = [
        (
            pl.col(c.name).cast(c.dtype).round(DECIMALS) + 0.0
            if c.kind == "number"
            else pl.col(c.name).cast(c.dtype)
        )
        for c in table.columns
    ]
    return frame.select(rounded).sort(table.unique)
