"""Waits against each pathway's standard, from the released counts of its life table."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link import stats
from pophealth_link.indicators.waiting import ALL, BEYOND, SEEN, UNSEEN, Pathway, pathways
from pophealth_link.need.released import FOOTPRINT, GIVEN, fitted, worst
from pophealth_link.schema.outputs_services import WAITING_TIMES

_KEY = [*FOOTPRINT, "pathway"]
_PERCENT = 100
# Whoever is not in a known band waits longer than the last of them, and no edge lies so near to it.
_LATER = 0.5
# Of the total and the bands up to a day, the first of these tells of the share.
_NOT_PLAIN = ("linkage_too_weak", "suppressed", "no_data", "not_applicable", "estimated")
# The most percentage points between the shares that rounding leaves possible, if one is told.
MOST_ROUNDING = 20.0
_BAND = ("from", "days", "total")
_BY = {SEEN: "seen_by", UNSEEN: "unseen_by"}
_RESULTS = ("value", "lower", "upper", "lowest", "highest")


def waits(
    baseline: pl.DataFrame, *, of: Mapping[str, Pathway] | None = None, rounding: float = 0.0
) -> pl.DataFrame:
    """Return WAITING_TIMES: the share seen by each edge of each pathway's bands, sorted.

    `baseline`: BASELINE as released; nothing else is read. `rounding`: how far a released count may
    lie from its own (half the base of the policy). Within a band those who left unseen (or are
    still waiting) count as waiting for half of it, so that the estimate is the life table's
    (actuarial) one, with n − c/2 at risk; limits by Greenwood on the log(−log) scale
    (`stats.kaplan_meier`). Referrals that were closed unseen count as if they would have waited as
    those did who went on waiting. `met` compares the interval with the standard.

    A share needs the pathway's total and every band up to its day. It is lowest where each of those
    counts is lower by `rounding` and the total higher, and highest the other way round: the limits
    are wider by how far these two shares lie from it, and where they are more than `MOST_ROUNDING`
    points apart it is not told. The day of a standard can also be told from the counts of
    all bands up to it, as one band, where the single ones are withheld or too rough. Otherwise the
    share is empty and `status` says why; `not_applicable` where rounding is too coarse, the bands
    are more than their total, or nobody was referred.

    Source: Cutler and Ederer, J Chronic Dis 1958;8:699–712.
    """
    listed = pathways() if of is None else of
    bands, totals = _counts(baseline, listed)
    table = bands.join(totals, on=_KEY, how="left", nulls_equal=True).sort(*_KEY, "band")
    joined = _reachable(table)
    for route, found in (("fine", _fine(joined, rounding)), ("coarse", _coarse(joined, rounding))):
        named = found.rename({each: f"{route}_{each}" for each in _RESULTS})
        joined = joined.join(named, on=[*_KEY, "days"], how="left", nulls_equal=True)
    return fitted(_told(_chosen(joined), listed), WAITING_TIMES)


def _counts(
    baseline: pl.DataFrame, listed: Mapping[str, Pathway]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the counts and statuses of each band, and the total of each pathway.

    A band holds `seen` and `unseen`, and where a standard lies at its end `seen_by` and
    `unseen_by`, of all bands up to it.
    """
    cells = baseline.filter(pl.col("stratum") == "all").join(_named(listed), on="indicator")
    given = pl.when(pl.col("status").is_in(GIVEN)).then("numerator").alias("count")
    cells = cells.with_columns(given)
    named = [
        pl.col("count").filter(pl.col("outcome") == name).first().alias(name)
        for name in (*_BY, *_BY.values())
    ]
    summed = pl.col("outcome").is_in(list(_BY.values()))
    bands = (
        cells.filter(pl.col("band") > 0)
        .group_by(*_KEY, "band", "days")
        .agg(
            *named,
            worst(pl.col("status").filter(~summed)).alias("band_status"),
            pl.when(summed.any()).then(worst(pl.col("status").filter(summed))).alias("by_status"),
        )
    )
    whole = cells.filter(pl.col("outcome") == ALL)
    totals = whole.select(*_KEY, "period", pl.col("count").alias("total"), total_status="status")
    return bands, totals


def _named(listed: Mapping[str, Pathway]) -> pl.DataFrame:
    """Return indicator, pathway, outcome, band and days of what a life table needs."""
    parts = [
        (name, each.id, outcome, band, each.edges[band - 1] if band else None)
        for each in listed.values()
        for name, outcome, band in each.parts()
        if outcome != BEYOND
    ]
    sums = [
        (name, each.id, _BY[outcome], band, each.edges[band - 1])
        for each in listed.values()
        for name, outcome, band in each.sums()
    ]
    names = ["indicator", "pathway", "outcome", "band", "days"]
    return pl.DataFrame([*parts, *sums], schema=names, orient="row")


def _reachable(table: pl.DataFrame) -> pl.DataFrame:
    """Add of both routes whether all counts are given, and whether they are within the total.

    `fine`: the total and every band up to this one; `coarse`: the total and the sums up to it.
    """
    total = pl.col("total")
    bands = pl.all_horizontal(pl.col(SEEN, UNSEEN, "total").is_not_null())
    sums = {
        "fine": (pl.col(SEEN) + pl.col(UNSEEN)).cum_sum().over(_KEY),
        "coarse": pl.col("seen_by") + pl.col("unseen_by"),
    }
    rows = table.with_columns(
        (bands.cast(pl.Int8).cum_min().over(_KEY) > 0).alias("fine_given"),
        (sums["coarse"].is_not_null() & total.is_not_null()).alias("coarse_given"),
        pl.col("days").shift(1).over(_KEY).fill_null(0).alias("from"),
    )
    return rows.with_columns(
        (pl.col(f"{route}_given") & (summed <= total) & (total > 0))
        .fill_null(value=False)
        .alias(route)
        for route, summed in sums.items()
    )


def _fine(table: pl.DataFrame, rounding: float) -> pl.DataFrame:
    """Return the share seen by each day, from all bands up to it."""
    ends = table.filter("fine").select(*_KEY, pl.col("days").alias("upto"))
    rows = table.join(ends, on=_KEY, nulls_equal=True).filter(pl.col("days") <= pl.col("upto"))
    return _bounded(rows.select(*_KEY, "upto", *_BAND, SEEN, UNSEEN), rounding)


def _coarse(table: pl.DataFrame, rounding: float) -> pl.DataFrame:
    """Return the share seen by the days of standards, from one band up to each."""
    whole = table.filter("coarse").with_columns(
        pl.lit(0, pl.Int64).alias("from"), upto="days", seen="seen_by", unseen="unseen_by"
    )
    return _bounded(whole.select(*_KEY, "upto", *_BAND, SEEN, UNSEEN), rounding)


def _bounded(rows: pl.DataFrame, rounding: float) -> pl.DataFrame:
    """Return the share with its limits, and the lowest and highest that rounding leaves possible.

    The share rises with those seen and those unseen, and falls with the total. Where the highest
    counts would be more than the total, everybody may have been seen.
    """
    found = _estimated(rows)
    if rounding == 0:
        return found.with_columns(lowest="value", highest="value")
    by = [*_KEY, "upto"]
    counts = pl.col(SEEN, UNSEEN)
    fewest = rows.with_columns((counts - rounding).clip(lower_bound=0), pl.col("total") + rounding)
    most = rows.with_columns(counts + rounding, pl.col("total") - rounding)
    leaving = (pl.col(SEEN) + pl.col(UNSEEN)).sum().over(by)
    held = most.with_columns(pl.max_horizontal("total", leaving).alias("total"))
    full = most.filter(leaving > pl.col("total")).select(*_KEY, days="upto", full=True).unique()
    on = [*_KEY, "days"]
    least = _estimated(fewest).select(*on, lowest="value")
    top = (
        _estimated(held)
        .select(*on, highest="value")
        .join(full, on=on, how="left", nulls_equal=True)
    )
    highest = pl.when("full").then(float(_PERCENT)).otherwise("highest").alias("highest")
    both = found.join(least, on=on, nulls_equal=True).join(top, on=on, nulls_equal=True)
    return both.with_columns(highest).drop("full")


def _estimated(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `_KEY`, days and the share seen by `upto`, with limits, from the bands up to it."""
    by = [*_KEY, "upto"]
    half = (pl.col(UNSEEN) / 2).alias("censored")
    nobody = pl.lit(0.0).alias("events")
    leaving = (pl.col(SEEN) + pl.col(UNSEEN)).sum()
    last = (pl.col("days").max() + _LATER).alias("time")
    rest = (pl.col("total").first() - leaving).clip(lower_bound=0).alias("censored")
    after = rows.group_by(by, maintain_order=True).agg(nobody, rest, last)
    parts = [
        rows.select(*by, pl.col("days").alias("time"), pl.col(SEEN).alias("events"), half),
        rows.select(*by, pl.col("from").alias("time"), nobody, half),
        after.select(*by, "time", "events", "censored"),
    ]
    numbers = pl.col("time", "events", "censored").cast(pl.Float64)
    typed = pl.concat([each.with_columns(numbers) for each in parts])
    found = stats.kaplan_meier(typed, "time", events="events", censored="censored", by=by)
    return found.filter(pl.col("time") == pl.col("upto")).select(
        *_KEY,
        pl.col("upto").alias("days"),
        (_PERCENT * (1 - pl.col("value"))).alias("value"),
        (_PERCENT * (1 - pl.col("upper"))).alias("lower"),
        (_PERCENT * (1 - pl.col("lower"))).alias("upper"),
    )


def _chosen(rows: pl.DataFrame) -> pl.DataFrame:
    """Take the finer of the routes that rounding does not spoil; add the rounding to its limits."""
    spans = {
        route: pl.col(route)
        & (pl.col(f"{route}_highest") - pl.col(f"{route}_lowest") <= MOST_ROUNDING)
        for route in ("fine", "coarse")
    }
    usable = rows.with_columns(
        fit.fill_null(value=False).alias(name) for name, fit in spans.items()
    )

    def of(name: str) -> pl.Expr:
        return pl.when("fine").then(f"fine_{name}").when("coarse").then(f"coarse_{name}")

    low, high = of("value") - of("lowest"), of("highest") - of("value")
    return usable.with_columns(
        of("value").alias("value"),
        (of("lower") - low).clip(lower_bound=0).alias("lower"),
        (of("upper") + high).clip(upper_bound=_PERCENT).alias("upper"),
    )


def _told(joined: pl.DataFrame, listed: Mapping[str, Pathway]) -> pl.DataFrame:
    standards = pl.DataFrame(
        [
            (each.id, one.days, None if one.share is None else one.share * _PERCENT, True)
            for each in listed.values()
            for one in each.standards
        ],
        schema={
            "pathway": pl.String,
            "days": pl.Int64,
            "standard": pl.Float64,
            "is_standard": pl.Boolean,
        },
        orient="row",
    )
    rows = joined.join(standards, on=["pathway", "days"], how="left").sort(*_KEY, "days")
    added = pl.when("fine_given").then(pl.col(SEEN).cum_sum().over(_KEY))
    return rows.with_columns(
        pl.coalesce("seen_by", added).alias(SEEN),
        pl.col("is_standard").fill_null(value=False),
        pl.col("total").alias("referrals"),
        pl.lit("%").alias("unit"),
        _met().alias("met"),
        _status().alias("status"),
    )


def _met() -> pl.Expr:
    standard = pl.col("standard")
    return (
        pl.when(standard.is_null() | pl.col("value").is_null())
        .then(None)
        .when(pl.col("lower") >= standard)
        .then(pl.lit("met"))
        .when(pl.col("upper") < standard)
        .then(pl.lit("not_met"))
        .otherwise(pl.lit("not_told_apart"))
    )


def _status() -> pl.Expr:
    """Return the worst status of the counts used; if none can be, why the bands cannot."""
    coarse = _worst_of(pl.col("by_status"), pl.col("total_status"))
    given = pl.col("fine_given") | pl.col("coarse_given")
    return (
        pl.when("fine")
        .then(_so_far())
        .when("coarse")
        .then(coarse)
        .when(given)
        .then(pl.lit("not_applicable"))
        .otherwise(_so_far())
    )


def _worst_of(*statuses: pl.Expr) -> pl.Expr:
    found: pl.Expr = pl.lit("ok")
    for name in reversed(_NOT_PLAIN):
        has = pl.any_horizontal(each == name for each in statuses)
        found = pl.when(has).then(pl.lit(name)).otherwise(found)
    return found


def _so_far() -> pl.Expr:
    """Return the worst status of the total and of every band so far."""
    found: pl.Expr = pl.lit("ok")
    for name in reversed(_NOT_PLAIN):
        has = (pl.col("band_status") == name) | (pl.col("total_status") == name)
        so_far = has.cast(pl.Int8).cum_max().over(_KEY) > 0
        found = pl.when(so_far).then(pl.lit(name)).otherwise(found)
    return found
