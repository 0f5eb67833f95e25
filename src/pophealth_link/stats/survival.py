"""How many are still waiting, or still free of an event, as time goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from pophealth_link.errors import UserError
from pophealth_link.stats.frames import (
    MISSING,
    RESULTS,
    By,
    FrameT,
    Reason,
    any_null,
    check_columns,
    check_rows,
    check_settings,
    counts,
    group_names,
    group_totals,
    number,
    same_type,
    whole_or_float,
    with_results,
    within,
)
from pophealth_link.stats.intervals import z_score

AT_RISK = "at_risk"
NOT_FOLLOWED = "not calculated: nobody was followed for so long"


def kaplan_meier(
    frame: FrameT,
    time: str,
    *,
    events: str,
    censored: str,
    by: By = None,
    at: Iterable[float] | None = None,
    confidence: float = 0.95,
) -> FrameT:
    """Return the share that is still without the event at each time, open cases included.

    One row of `frame` per case, or per time as in a life table: `time` from the start in any unit,
    `events` those whose wait ended then (or true), `censored` those who were still waiting when
    last seen (or true); rows of the same time are added. With n at risk just before a time and d
    events at it, value = Π(1 − d/n) over the times up to it: the Kaplan–Meier estimate; those
    censored at a time are at risk at it. Limits: value^exp(±z·√V/ln value) with Greenwood's
    V = Σ d/(n(n − d)), on the scale of log(−log), so that they lie between 0 and 1. With `at`, one
    row per group and asked time; else one per group and time of the frame.

    Returns the group and `time` (sorted), `at_risk`, `events`, `censored`, `value` (a share; 1 less
    it has had the event), `lower`, `upper`, `method`. No limits where the value is 1 or 0. Results
    are null, and `method` says why, for a group that misses a value and for an asked time after the
    last case that was followed.

    Raises DataError where a column is absent or not numeric; a number is negative. UserError where
    confidence or a time asked for is out of range.

    Source: Kaplan and Meier, J Am Stat Assoc 1958;53:457–481; Kalbfleisch and Prentice, The
    Statistical Analysis of Failure Time Data, 1980, p. 15.

    >>> waits = pl.DataFrame({"weeks": [1, 2, 3], "seen": [1, 1, 0], "open": [0, 0, 1]})
    >>> found = kaplan_meier(waits, "weeks", events="seen", censored="open", at=[2])
    >>> round(found["value"].item(), 6)
    0.333333
    """
    name, groups = "kaplan_meier", group_names(by)
    needed, asked = [time, events, censored], None if at is None else _times(at)
    check_settings(confidence)
    added = (AT_RISK, *RESULTS)
    check_columns(frame, name, needed, groups, added=added, kept=needed)
    check_rows(frame, name, counts(*needed))
    rows = whole_or_float(frame.lazy().select(*groups, *needed), [events, censored])
    rows = rows.with_columns(number(time), __asked=pl.lit(value=False))
    if asked is not None:
        rows = pl.concat([rows, _asked(rows, groups, needed, asked)])
    table = _life_table(rows, groups, needed)
    result = _with_limits(table, groups, needed, confidence)
    kept = result if asked is None else result.filter("__asked")
    return same_type(frame, kept.select(*groups, time, AT_RISK, events, censored, *RESULTS))


def _times(at: Iterable[float]) -> list[float]:
    times = sorted({float(each) for each in at})
    if not times or not all(0 <= each < float("inf") for each in times):
        raise UserError("`at` must hold times from 0 up.", fix="the times to be told, [14, 28].")
    return times


def _asked(
    rows: pl.LazyFrame, groups: Sequence[str], needed: Sequence[str], times: Sequence[float]
) -> pl.LazyFrame:
    """Return a row without cases for each group and time asked for."""
    schema = rows.collect_schema()
    nobody = [pl.lit(0, schema[each]).alias(each) for each in needed[1:]]
    asked = pl.LazyFrame({needed[0]: times}, schema={needed[0]: pl.Float64})
    each = rows.select(groups).unique() if groups else pl.LazyFrame({"__one": [0]})
    together = each.join(asked, how="cross").with_columns(*nobody, __asked=pl.lit(value=True))
    return together.select(schema.names())


def _life_table(rows: pl.LazyFrame, groups: Sequence[str], needed: Sequence[str]) -> pl.LazyFrame:
    """Return one row per group and time with `at_risk`, the estimate and Greenwood's variance."""
    time, events, censored = needed
    key = [*groups, time]
    marks = [pl.col("__asked").any(), any_null(*needed).any().alias("__missing")]
    sums = group_totals(rows, key, [events, censored])
    table = sums.join(rows.group_by(key).agg(marks), on=key, nulls_equal=True).sort(key)
    leaving = pl.col(events) + pl.col(censored)
    table = table.with_columns(
        within(leaving.cum_sum(reverse=True), groups).alias(AT_RISK),
        within(pl.col(time).filter(leaving > 0).max(), groups).alias("__last"),
        within(pl.col("__missing").any(), groups).alias("__missing"),
    )
    n, d = number(AT_RISK), number(events)
    staying = pl.when(d > 0).then(1 - d / n).otherwise(1.0)
    term = pl.when((d > 0) & (d < n)).then(d / (n * (n - d))).otherwise(0.0)
    return table.with_columns(
        within(staying.cum_prod(), groups).alias("__s"),
        within(term.cum_sum(), groups).alias("__v"),
    )


def _with_limits(
    table: pl.LazyFrame, groups: Sequence[str], needed: Sequence[str], confidence: float
) -> pl.LazyFrame:
    share = pl.col("__s")
    some = (share > 0) & (share < 1)
    reach = pl.when(some).then((z_score(confidence) * pl.col("__v").sqrt() / share.log()).exp())
    method = (
        pl.when(share >= 1)
        .then(pl.lit("no event yet: no interval"))
        .when(share <= 0)
        .then(pl.lit("nobody left: no interval"))
        .otherwise(pl.lit("Kaplan-Meier, Greenwood"))
    )
    never = pl.col("__last").is_null()
    unseen = pl.col("__asked") & (never | (pl.col(needed[0]) > pl.col("__last"))) & (share > 0)
    return with_results(
        table,
        value=share,
        limits=(share ** (1 / reach), share**reach),
        method=method,
        reasons=[Reason(MISSING, pl.col("__missing")), Reason(NOT_FOLLOWED, unseen)],
    )
