"""Shares and means of service use, each from two counts of the released baseline."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import polars as pl

from pophealth_link import stats
from pophealth_link.need.released import FOOTPRINT, GIVEN, fitted, worst
from pophealth_link.need.waits import MOST_ROUNDING
from pophealth_link.schema.outputs_services import SERVICE_SHARES

_KEY = [*FOOTPRINT, "stratum", "measure"]
_SIDES = ("part", "whole")
_SIZES = ("part_size", "whole_size", "rest_size")
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
    rounding: float = 0.0,
) -> pl.DataFrame:
    """Return SERVICE_SHARES, one row per footprint, basis, stratum and measure, sorted.

    `baseline`: BASELINE as released; nothing else is read. `dispersion`: indicator → the
    over-dispersion factor φ that the release tells of it (summary, `over_dispersion`): both counts
    are divided by the largest φ of the indicators below the line before Wilson's limits are taken,
    for the days or events of one person are not independent. Without it a share of repeat events
    has no limits. Means have none. `rounding`: how far a released count may lie from its own (half
    the base of the policy). A share or mean is lowest where the part is lower by it and the rest
    higher, and highest the other way round: limits of a share are wider by how far these lie from
    it.

    A measure is empty, with the reason in `status`, where a count is withheld or not in the
    baseline (`no_data`), nobody is below the line, rounding puts the part above the whole, or
    lowest and highest are more than `waits.MOST_ROUNDING` percentage points of a share, or per cent
    of a mean, apart. A stratum that one side is not counted by has no row.
    """
    listed = declared_shares() if of is None else of
    counts = _with_extremes(_counted(baseline, listed), rounding)
    shares = stats.proportion(_effective(counts, listed, dispersion or {}), "above", "below")
    known = pl.col("phi").is_not_null() & (pl.col("kind") == "share")
    scale = pl.when(pl.col("kind") == "share").then(_PERCENT).otherwise(1)
    scaled = shares.with_columns(
        (pl.col("part") / pl.col("whole") * scale).alias("value"),
        *(pl.col(each) * scale for each in ("lower", "upper", "lowest", "highest")),
    )
    lower = pl.col("lower") - (pl.col("value") - pl.col("lowest"))
    upper = pl.col("upper") + (pl.col("highest") - pl.col("value"))
    rows = scaled.with_columns(
        pl.when(known).then(lower.clip(lower_bound=0)).alias("lower"),
        pl.when(known).then(upper.clip(upper_bound=_PERCENT)).alias("upper"),
    )
    told = rows.with_columns(_status().alias("status"))
    hidden = ~pl.col("status").is_in(GIVEN)
    results = ("value", "lower", "upper")
    empty = [pl.when(~hidden).then(pl.col(each)).alias(each) for each in results]
    return fitted(told.with_columns(empty), SERVICE_SHARES)


def _counted(baseline: pl.DataFrame, listed: Sequence[ServiceShare]) -> pl.DataFrame:
    """Return part and whole of each measure, empty where a count of them is withheld or absent.

    `rest`: the whole without those of its counts that are the part. `complete`: all counts of both
    sides are in the baseline; a stratum of which they are not is left out.
    """
    given = pl.col("status").is_in(GIVEN) & pl.col("numerator").is_not_null()
    cells = (
        baseline.drop("unit")
        .join(_sides(listed), on="indicator")
        .with_columns(pl.when(given).then("numerator").alias("count"))
    )
    told = [pl.col("side").eq(side).sum() == pl.col(f"{side}_size").first() for side in _SIDES]
    found = (
        cells.sort(*_KEY, "side", "indicator")
        .group_by(_KEY, maintain_order=True)
        .agg(
            *(_sum_of(side, whole) for side, whole in zip(_SIDES, told, strict=True)),
            pl.col("count").filter("rest").sum().alias("rest"),
            pl.all_horizontal(told).alias("complete"),
            pl.col("title", "kind", "unit", "period", *_SIZES).first(),
            worst(pl.col("status")).alias("worst"),
        )
    )
    return found.filter(pl.col("complete") | (pl.col("stratum") == "all"))


def _sides(listed: Sequence[ServiceShare]) -> pl.DataFrame:
    """Return the indicators of each side, and of how many part, whole and rest are."""
    rows = []
    for each in listed:
        rest = set(each.whole) - set(each.part)
        of = (each.id, each.title, each.kind, each.unit, len(each.part), len(each.whole), len(rest))
        rows += [(*of, name, "part", False) for name in each.part]
        rows += [(*of, name, "whole", name in rest) for name in each.whole]
    names = ["measure", "title", "kind", "unit", *_SIZES, "indicator", "side", "rest"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _sum_of(side: str, told: pl.Expr) -> pl.Expr:
    counts = pl.col("count").filter(pl.col("side") == side)
    return pl.when(told & (counts.null_count() == 0)).then(counts.sum()).alias(side)


def _with_extremes(counts: pl.DataFrame, rounding: float) -> pl.DataFrame:
    """Add the lowest and highest part of the whole (or mean) that rounding leaves possible."""
    inside = pl.col("rest_size") < pl.col("whole_size")
    reach = {name: rounding * pl.col(f"{name}_size") for name in ("part", "rest")}
    least = {name: (pl.col(name) - by).clip(lower_bound=0) for name, by in reach.items()}
    most = {name: pl.col(name) + by for name, by in reach.items()}

    def of(part: pl.Expr, rest: pl.Expr) -> pl.Expr:
        found = part / pl.when(inside).then(part + rest).otherwise(rest)
        return pl.when((pl.col("kind") == "share") & (found > 1)).then(1.0).otherwise(found)

    return counts.with_columns(
        of(least["part"], most["rest"]).alias("lowest"),
        of(most["part"], least["rest"]).alias("highest"),
    )


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
    share = pl.col("kind") == "share"
    above = share & (pl.col("part") > pl.col("whole"))
    most = pl.when(share).then(MOST_ROUNDING).otherwise(MOST_ROUNDING / _PERCENT * pl.col("value"))
    rough = pl.col("highest") - pl.col("lowest") > most
    return (
        pl.when(~pl.col("worst").is_in(GIVEN))
        .then("worst")
        .when(~pl.col("complete"))
        .then(pl.lit("no_data"))
        .when((pl.col("whole") <= 0) | above | rough)
        .then(pl.lit("not_applicable"))
        .otherwise("worst")
    )
