"""Shares and means of service use, each from two counts of the released baseline."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import polars as pl

from pophealth_link import stats
from pophealth_link.need.released import FOOTPRINT, GIVEN, fitted, worst
from pophealth_link.schema.outputs_services import SERVICE_SHARES

_KEY = [*FOOTPRINT, "stratum", "measure"]
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class ServiceShare:
    """A share (a part of the whole) or a mean (an amount per event) of released counts."""

    id: str
    title: str
    kind: str
    part: tuple[str, ...]
    whole: tuple[str, ...]
    unit: str


def declared_shares() -> tuple[ServiceShare, ...]:
    """Return the shares and means that the library ships.

    >>> declared_shares()[0].id
    'missed_contacts'
    """
    text = files("pophealth_link.need").joinpath("service_shares.toml").read_text("utf-8")
    return tuple(
        ServiceShare(
            name,
            entry["title"],
            entry["kind"],
            tuple(entry["part"]),
            tuple(entry["whole"]),
            entry["unit"],
        )
        for name, entry in tomllib.loads(text).items()
    )


def service_shares(
    baseline: pl.DataFrame,
    *,
    dispersion: Mapping[str, float] | None = None,
    of: Sequence[ServiceShare] | None = None,
) -> pl.DataFrame:
    """Return SERVICE_SHARES, one row per footprint, basis, stratum and measure, sorted.

    `baseline`: BASELINE as released; nothing else is read. `dispersion`: indicator → the
    over-dispersion factor φ that the release tells of it (summary, `over_dispersion`): both counts
    are divided by the largest φ of the indicators below the line before Wilson's limits are taken,
    for the days or events of one person are not independent. Without it a share of repeat events
    has no limits. Means have none. A measure is empty, with the reason in `status`, where a count
    is withheld, nobody is below the line, or rounding puts the part above the whole.
    """
    listed = declared_shares() if of is None else of
    counts = _counted(baseline, listed)
    shares = stats.proportion(_effective(counts, listed, dispersion or {}), "above", "below")
    known = pl.col("phi").is_not_null() & (pl.col("kind") == "share")
    scale = pl.when(pl.col("kind") == "share").then(_PERCENT).otherwise(1)
    rows = shares.with_columns(
        (pl.col("part") / pl.col("whole") * scale).alias("value"),
        *(pl.when(known).then(pl.col(side) * scale).alias(side) for side in ("lower", "upper")),
    )
    told = rows.with_columns(_status().alias("status"))
    hidden = ~pl.col("status").is_in(GIVEN)
    results = ("value", "lower", "upper")
    empty = [pl.when(~hidden).then(pl.col(each)).alias(each) for each in results]
    return fitted(told.with_columns(empty), SERVICE_SHARES)


def _counted(baseline: pl.DataFrame, listed: Sequence[ServiceShare]) -> pl.DataFrame:
    """Return part and whole of each measure, empty where a count of them is withheld."""
    sides = pl.DataFrame(
        [
            (each.id, each.title, each.kind, each.unit, name, side)
            for each in listed
            for side, names in (("part", each.part), ("whole", each.whole))
            for name in names
        ],
        schema=["measure", "title", "kind", "unit", "indicator", "side"],
        orient="row",
    )
    given = pl.col("status").is_in(GIVEN) & pl.col("numerator").is_not_null()
    cells = (
        baseline.drop("unit")
        .join(sides, on="indicator")
        .with_columns(pl.when(given).then("numerator").alias("count"))
    )
    return (
        cells.sort(*_KEY, "side", "indicator")
        .group_by(_KEY, maintain_order=True)
        .agg(
            *(_sum_of(side) for side in ("part", "whole")),
            pl.col("title", "kind", "unit", "period").first(),
            worst(pl.col("status")).alias("worst"),
        )
    )


def _sum_of(side: str) -> pl.Expr:
    counts = pl.col("count").filter(pl.col("side") == side)
    return pl.when(counts.null_count() == 0).then(counts.sum()).alias(side)


def _effective(
    counts: pl.DataFrame, listed: Sequence[ServiceShare], dispersion: Mapping[str, float]
) -> pl.DataFrame:
    """Add the counts of independent people that both sides stand for, where a share can be told."""
    largest = {
        each.id: max(dispersion[name] for name in each.whole)
        for each in listed
        if all(name in dispersion for name in each.whole)
    }
    phi = pl.col("measure").replace_strict(largest, default=None, return_dtype=pl.Float64)
    fits = (pl.col("part") <= pl.col("whole")) & (pl.col("kind") == "share")
    sizes = [
        pl.when(fits).then(pl.col(side) / pl.coalesce(phi, 1.0)).alias(name)
        for side, name in (("part", "above"), ("whole", "below"))
    ]
    return counts.with_columns(phi.alias("phi"), *sizes)


def _status() -> pl.Expr:
    above = (pl.col("kind") == "share") & (pl.col("part") > pl.col("whole"))
    return (
        pl.when(~pl.col("worst").is_in(GIVEN))
        .then("worst")
        .when((pl.col("whole") <= 0) | above)
        .then(pl.lit("not_applicable"))
        .otherwise("worst")
    )
