"""From raw counts to the baseline: the disclosure policy first, then statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from pophealth_link import stats
from pophealth_link.disclosure import Policy
from pophealth_link.errors import DisclosureError
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.indicators.footprints import ABOVE, CELL
from pophealth_link.need.linkage_release import TOO_WEAK, limits, with_margins
from pophealth_link.need.protection import protected, require_covered
from pophealth_link.schema.outputs import BASELINE
from pophealth_link.schema.strata import ALL

GIVEN = ("ok", "estimated", "imputed_down")
COUNT_DECIMALS, VALUE_DECIMALS = 3, 6
_COUNTS = ("numerator", "denominator")
_PLACE = tuple(name for name in CELL if name != "indicator")
_RESULTS = ("value", "lower", "upper")


def release(
    counts: pl.DataFrame,
    policy: Policy,
    *,
    unit_footprints: pl.DataFrame | None = None,
    previous: pl.DataFrame | None = None,
    indicators: Catalogue | None = None,
) -> tuple[pl.DataFrame, dict[str, object]]:
    """Return the baseline (schema BASELINE, sorted) and a summary of how it came about.

    `counts`: as `count` returns them, made with the same `policy`. Counts of people, dwellings,
    events, days and person-years go through the policy, and further ones are withheld where
    subtraction would give one back (`unit_footprints` lets nested footprints be checked as well,
    `previous` an earlier baseline). A count of events or days is also withheld where the people
    behind it are few, or few of them dominate it. Published area counts are open data on the
    resident basis; on the registered basis they are weighed by rounded numbers of patients, and
    withheld where every one of those is. Where nobody is left in a denominator the status is
    `not_applicable` and there is no value.

    Values and limits are computed from what is released and from nothing else: value =
    multiplier × numerator / denominator; Wilson limits for proportions; Byar or exact Poisson ones
    for rates of people. Events and days repeat within people: their limits are φ·L(O/φ), L being
    the Poisson limits and φ the over-dispersion factor of the whole area (compound Poisson:
    Σ count² / Σ count over people, one decimal, so it tells of nobody; see `over_dispersion`); none
    where φ is not known or not told, as where few people dominate the count of the whole area or no
    basis shows it. No limits for scores and for shares of areas. `linkage_lower` and
    `linkage_upper` (of the value) and `numerator_linkage_lower` and `numerator_linkage_upper` (of
    the count) are there where `counts` hold the limits of `linkage_limits.with_limits`: see
    `linkage_release`, which also says where a status is `linkage_too_weak`. Counts are rounded to 3
    decimals, values and limits to 6. The summary holds policy, cells by status, withheld counts,
    the fields of the differencing check, and for each indicator its period, over-dispersion and,
    where it has no data, why.

    Raises `DisclosureError` where `counts` were made without the policy or with another one, where
    strata do not add up to what they divide (subtraction could not be checked), or where no release
    can pass the differencing check.
    """
    listed = catalogue() if indicators is None else indicators
    _require_policy(counts, policy)
    rows = counts.sort(CELL)
    require_covered(rows)
    person = (pl.col("level") != "area") & pl.col("numerator").is_not_null()
    safe, account = protected(rows.filter(person), policy, listed, unit_footprints, previous)
    known = pl.concat([safe, rows.filter(~person)]).sort(CELL)
    known = known.with_columns(pl.col(name).round(COUNT_DECIMALS) for name in _COUNTS)
    known = with_margins(known.with_columns(_status()), rows)
    known = _dispersion_told(_among_weak(known, listed))
    told = _with_statistics(_declared(known, listed)).with_columns(limits(policy))
    baseline = _in_schema(told)
    return baseline, {"policy": policy.parameters(), **account, **_summary(baseline, known)}


def _status() -> pl.Expr:
    """Return the status; where rounding leaves nobody in the denominator there is no value."""
    nobody = (pl.col("denominator") == 0) & pl.col("status").is_in(GIVEN)
    return pl.when(nobody).then(pl.lit("not_applicable")).otherwise("status").alias("status")


def _among_weak(known: pl.DataFrame, listed: Catalogue) -> pl.DataFrame:
    """Withhold denominators that are the people of an indicator whose linkage is too weak."""
    within = {each.id: each.among for each in listed if each.among}
    weak = known.filter(status=TOO_WEAK).select(
        *_PLACE, pl.col("indicator").alias("among"), pl.lit(value=True).alias("weak")
    )
    theirs = pl.col("indicator").replace_strict(within, default=None, return_dtype=pl.String)
    joined = known.with_columns(theirs.alias("among")).join(
        weak, on=[*_PLACE, "among"], how="left", maintain_order="left"
    )
    gone = pl.col("weak").fill_null(value=False)
    return joined.with_columns(
        *(pl.when(~gone).then(name).alias(name) for name in _COUNTS),
        pl.when(gone).then(pl.lit(TOO_WEAK)).otherwise("status").alias("status"),
    ).drop("among", "weak")


def _dispersion_told(known: pl.DataFrame) -> pl.DataFrame:
    """Drop the over-dispersion of the whole area where its count is dominated, or nowhere shown."""
    kept = known.filter(
        pl.col("stratum") == ALL,
        (pl.col("footprint_type") == "whole") | (pl.col("footprint_type") != "whole").all(),
        pl.col("dispersion").is_not_null(),
    )
    told = kept.group_by("indicator").agg(
        ((pl.col("numerator") > 0).any() & ~pl.col("dominated").any()).alias("told")
    )
    names = told.filter(pl.col("told").fill_null(value=False))["indicator"].sort().to_list()
    shown = pl.when(pl.col("indicator").is_in(names)).then("dispersion")
    return known.with_columns(shown.alias("dispersion"))


def _require_policy(counts: pl.DataFrame, policy: Policy) -> None:
    used = counts["policy"].unique().to_list()
    if used in ([policy.name], []):
        return
    raise DisclosureError(
        f"the counts were not made for the policy `{policy.name}`.",
        "Area-level indicators on the registered basis are weighed by numbers of patients, which "
        "have to be rounded by the policy.",
        fix="count again, count(inputs, policy=policy)",
    )


def _declared(rows: pl.DataFrame, listed: Catalogue) -> pl.DataFrame:
    """Add unit, multiplier and the kind of interval from the catalogue."""
    declared = pl.DataFrame(
        [(each.id, each.unit, float(each.multiplier), each.interval) for each in listed],
        schema=["indicator", "unit", "multiplier", "interval"],
        orient="row",
    )
    return rows.join(declared, on="indicator", how="left", maintain_order="left")


def _with_statistics(rows: pl.DataFrame) -> pl.DataFrame:
    """Add value, lower and upper, each kind of interval by its own method."""
    given = pl.col("numerator").is_not_null() & (pl.col("denominator") > 0)
    part = pl.col("numerator") <= pl.col("denominator")
    kind = pl.when(~given).then(pl.lit("empty")).when((pl.col("interval") == "wilson") & ~part)
    rows = rows.with_columns(kind.then(pl.lit("none")).otherwise("interval").alias("kind"))
    methods: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
        "wilson": lambda frame: stats.proportion(frame, *_COUNTS).drop("method"),
        "byar": lambda frame: stats.rate(frame, *_COUNTS, multiplier=1).drop("method"),
        "compound_poisson": _compound_poisson,
        "none": _ratio,
        "empty": _nothing,
    }
    done = [each(rows.filter(kind=name)) for name, each in methods.items()]
    scaled = [
        # Adding zero turns a negative zero into zero.
        (pl.col(name) * pl.col("multiplier")).round(VALUE_DECIMALS) + 0.0
        for name in _RESULTS
    ]
    return pl.concat(done).with_columns(scaled).sort(CELL)


def _compound_poisson(rows: pl.DataFrame) -> pl.DataFrame:
    """Scale both counts by φ, so that the Poisson limits are those of O/φ times φ."""
    scaled = rows.with_columns(
        (pl.col(name) / pl.col("dispersion")).alias(f"effective_{name}") for name in _COUNTS
    )
    effective = [f"effective_{name}" for name in _COUNTS]
    found = stats.rate(scaled, *effective, multiplier=1).drop("method", *effective)
    return found.with_columns((pl.col("numerator") / pl.col("denominator")).alias("value"))


def _ratio(rows: pl.DataFrame) -> pl.DataFrame:
    value = (pl.col("numerator") / pl.col("denominator")).alias("value")
    return _nothing(rows).with_columns(value)


def _nothing(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in _RESULTS)


def _in_schema(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of BASELINE; a numerator that stands alone or is withheld stays so."""
    absent = [name for name in BASELINE.names if name not in rows.columns]
    full = rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)
    return full.select(pl.col(column.name).cast(column.dtype) for column in BASELINE.columns).sort(
        CELL
    )


def _summary(baseline: pl.DataFrame, counts: pl.DataFrame) -> dict[str, object]:
    cells = dict(baseline["status"].value_counts(sort=False).sort("status").iter_rows())
    facts = (
        counts.group_by("indicator")
        .agg(
            pl.col("period", "dispersion").first(),
            pl.col("reason").filter(pl.col("status") == "no_data").mode().sort().first(),
            (pl.col("status") == "no_data").all().alias("absent"),
            pl.col("reason")
            .filter(pl.col("numerator").is_not_null())
            .drop_nulls()
            .mode()
            .sort()
            .first()
            .alias("in_part"),
            (pl.col("level") == "area").all().alias("of_areas"),
            (pl.col("reason") == ABOVE).sum().alias("above"),
        )
        .sort("indicator")
    )
    return {"cells": cells, "indicators": [_fact(row) for row in facts.iter_rows(named=True)]}


def _fact(row: Mapping[str, Any]) -> dict[str, object]:
    fact = {"indicator": row["indicator"], "period": row["period"]}
    if row["dispersion"] is not None:
        fact["over_dispersion"] = row["dispersion"]
    if row["absent"]:
        fact |= {"status": "no_data", "reason": row["reason"]}
    elif row["above"]:
        fact |= {"reason": f"{ABOVE} in {row['above']:,} cells, which have no data"}
    elif row["in_part"]:
        areas = "part of the areas hold no value"
        fact |= {"reason": areas if row["of_areas"] else row["in_part"]}
    return fact
