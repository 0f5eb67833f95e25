"""A change parted by a bridge: the earlier data counted in the later way."""

from __future__ import annotations

import polars as pl

from pophealth_link.need.compare import changes
from pophealth_link.need.compare_sides import CELL, Baseline
from pophealth_link.schema.outputs_compare import CHANGE_PARTS

_DECIMALS = 6


def change_parts(before: Baseline, bridge: Baseline, after: Baseline) -> pl.DataFrame:
    """Return CHANGE_PARTS: one row per cell of the later footprints, sorted.

    `bridge`: a baseline of the earlier records and day, made with the later definitions, code
    lists, reference and linkage model. What lies between `before` and it is a matter of method
    (definitions, lists, coverage, linkage), what lies between it and `after` is counted the same
    way: change = from_method + from_need, of values as released. The limits are those of `changes`
    between `bridge` and `after`. All three must hold the cell, else its status says which does
    not.
    """
    later = changes(bridge, after)
    earlier = changes(before, after).select(*CELL, value="value_before", known="value_after")
    rows = later.join(earlier, on=list(CELL), how="left").sort(CELL)
    given = pl.col("status") == "ok"
    whole = pl.when(given).then(pl.col("value_after") - pl.col("value"))
    missing = given & pl.col("value").is_null()
    reason = pl.when(missing).then(pl.lit("the earlier baseline gives no number"))
    made = rows.with_columns(
        pl.when(missing).then(pl.lit("not_given")).otherwise("status").alias("status"),
        reason.otherwise("reason").alias("reason"),
        from_need=pl.when(~missing).then("change"),
        whole=whole,
    ).with_columns(
        (pl.col("whole") - pl.col("from_need")).alias("from_method"),
        pl.col("whole").alias("change"),
        *(pl.when(~missing).then(n).alias(n) for n in ("lower", "upper")),
    )
    numbers = [c.name for c in CHANGE_PARTS.columns if c.kind == "number"]
    found = made.select(pl.col(c.name).cast(c.dtype) for c in CHANGE_PARTS.columns)
    return found.with_columns(pl.col(n).round(_DECIMALS) + 0.0 for n in numbers).sort(CELL)
