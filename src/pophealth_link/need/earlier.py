"""Several earlier releases of the same counts, as one that a new release is checked with."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_CELL = ("footprint_type", "footprint_code", "basis", "indicator", "stratum", "period")
_COUNTS = ("numerator", "denominator")


def nearest(releases: Sequence[pl.DataFrame], counts: pl.DataFrame) -> pl.DataFrame:
    """Return cell, period and counts of earlier baselines, one row of each, sorted.

    `releases`: BASELINE, by one policy; `counts`: as `count` returns them. Where several releases
    show a number of the same cell, that is taken which is nearest to the count: of numbers rounded
    by one policy at most one can stand for it, and a further one was of another count.

    >>> cell = ["lad", "L1", "resident", "a", "all", "2026"]
    >>> told = pl.DataFrame([[*cell, 40.0, 90.0]], schema=[*_CELL, *_COUNTS], orient="row")
    >>> later = told.with_columns(numerator=pl.lit(55.0), denominator=pl.lit(None, pl.Float64))
    >>> nearest([told, later], told.with_columns(numerator=pl.lit(54.0))).row(0)[-2:]
    (55.0, 90.0)
    """
    rows = _rows(releases)
    true = counts.select(*_CELL, *(pl.col(name).alias(f"true_{name}") for name in _COUNTS))
    known = rows.join(true, on=_CELL, how="left", nulls_equal=True)
    return (
        known.group_by(_CELL)
        .agg(_first(name, (pl.col(name) - pl.col(f"true_{name}")).abs()) for name in _COUNTS)
        .sort(_CELL)
    )


def untaken(releases: Sequence[pl.DataFrame], counts: pl.DataFrame) -> int:
    """Return how many cells of earlier baselines hold a count of a period of `counts`, not in it.

    Relations are between the cells of one release: what such a cell tells of others is not known.
    """
    rows = _rows(releases).filter(pl.any_horizontal(pl.col(_COUNTS).is_not_null()))
    here = rows.filter(pl.col("period").is_in(counts["period"].unique().implode()))
    alone = here.join(counts, on=_CELL, how="anti", nulls_equal=True)
    return alone.select(_CELL).n_unique() if alone.height else 0


def _rows(releases: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([each.select(*_CELL, *_COUNTS) for each in releases])


def _first(name: str, distance: pl.Expr) -> pl.Expr:
    shown = pl.col(name).is_not_null()
    return (
        pl.col(name)
        .filter(shown)
        .sort_by(distance.filter(shown), pl.col(name).filter(shown))
        .first()
    )
