"""Rates of counts, for counts that may have been rounded or withheld before release."""

from __future__ import annotations

import polars as pl

from pophealth_link.stats import proportion


def with_rate(counted: pl.DataFrame, numerator: str, denominator: str, name: str) -> pl.DataFrame:
    """Add the proportion `name` with Wilson's 95 % limits in `<name>_lower` and `<name>_upper`.

    Null where a count is null (withheld) or the denominator is 0. A numerator that rounding put
    above its denominator counts as the whole of it.

    >>> with_rate(pl.DataFrame({"x": [6, None], "n": [5, 5]}), "x", "n", "share")["share"].to_list()
    [1.0, None]
    """
    whole = pl.col(denominator).cast(pl.Float64)
    part = pl.min_horizontal(pl.col(numerator).cast(pl.Float64), whole)
    known = pl.all_horizontal(pl.col(numerator, denominator).is_not_null())
    clipped = counted.select(x=pl.when(known).then(part), n=whole)
    rated = proportion(clipped, "x", "n")
    return counted.with_columns(
        rated["value"].alias(name),
        rated["lower"].alias(f"{name}_lower"),
        rated["upper"].alias(f"{name}_upper"),
    )


def whole(values: pl.Expr) -> pl.Expr:
    """Return counts as whole numbers: estimated counts are rounded, so that they can be released.

    >>> pl.select(whole(pl.lit(2.6))).item()
    3
    """
    return values.round(0).cast(pl.Int64)
