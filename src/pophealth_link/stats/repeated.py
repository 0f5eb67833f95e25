"""Rates of events that the same people have several times: they are not Poisson."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from pophealth_link.errors import UserError
from pophealth_link.stats.frames import (
    MISSING,
    NO_DENOMINATOR,
    RESULTS,
    By,
    FrameT,
    Reason,
    Rule,
    any_null,
    check_columns,
    check_rows,
    check_settings,
    counts,
    group_names,
    number,
    ordered_sum,
    per_group,
    same_type,
    whole_or_float,
    with_results,
)
from pophealth_link.stats.intervals import poisson_limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Fewer people than this say too little about how events repeat.
LEAST_PEOPLE = 10
FEW_PEOPLE = "fewer than 10 people with events: no interval"
NO_TIME_DRAWN = "some samples have no person-time: no interval"
# The draws are made so many numbers at a time, which bounds the memory that they take.
_AT_ONCE = 5_000_000


def over_dispersion(frame: FrameT, count: str, *, by: By = None) -> FrameT:
    """Return by how much the variance of a number of events exceeds that of a Poisson one.

    One row of `frame` per person, with the person's number of events c (`count`); people without
    any may be left out. dispersion φ = Σc²/Σc: 1 where nobody has more than one event. Events that
    come to a Poisson number of people, each bringing c of them, have the variance Σc².

    Returns the group (sorted; one row where `by` is None), `people` with any event, `events`,
    `dispersion`, `method`. `dispersion` is null, and `method` says why, under ten people or where a
    count is missing.

    Raises DataError where a column is absent or not numeric; a count is negative.

    Source: Stukel, Glynn, Fisher, Sharp, Lu-Yao and Wennberg, Stat Med 1994;13:1781–1791.

    >>> contacts = pl.DataFrame({"contacts": [1] * 10 + [5] * 2})
    >>> over_dispersion(contacts, "contacts")["dispersion"].item()
    3.0
    """
    groups, added = group_names(by), ("people", "events", "dispersion", "method")
    check_columns(frame, "over_dispersion", [count], groups, added=added)
    check_rows(frame, "over_dispersion", counts(count))
    rows = whole_or_float(frame.lazy(), [count])
    each = pl.col(count)
    sums = [
        (each > 0).sum().cast(pl.Int64).alias("people"),
        ordered_sum(each).alias("events"),
        ordered_sum(each**2).alias("__squares"),
        each.is_null().any().alias("__missing"),
    ]
    found = per_group(rows, groups, sums)
    why = (
        pl.when("__missing")
        .then(pl.lit(MISSING))
        .when(pl.col("people") < LEAST_PEOPLE)
        .then(pl.lit("not calculated: fewer than 10 people with events"))
    )
    factor = pl.when(why.is_null()).then(number("__squares") / number("events"))
    method = pl.coalesce(why, pl.lit("sum of squares over sum"))
    result = found.with_columns(factor.alias("dispersion"), method.alias("method"))
    return same_type(frame, result.select(*groups, *added))


def compound_poisson_rate(
    frame: FrameT,
    numerator: str,
    denominator: str,
    dispersion: str,
    *,
    confidence: float = 0.95,
    multiplier: float = 100_000,
) -> FrameT:
    """Add each row's crude rate with limits for events that repeat within people.

    value = x/n·k; limits = φ·L(x/φ)/n·k, L being the limits of :func:`rate` (exact Poisson below
    ten, Byar's from there) of the effective number of events x/φ. `numerator` (x) names events,
    `denominator` (n) people or person-years, `dispersion` (φ) the column of
    :func:`over_dispersion`, 1 or more. Adds `value`, `lower`, `upper`, `method`. A null count or
    n = 0 gives null results, a null φ null limits; `method` says why.

    Raises DataError where a column is absent or not numeric; a count is negative; φ is below 1.
    UserError where confidence or multiplier is out of range.

    Source: Stukel and others, Stat Med 1994;13:1781–1791; Kegler, Epidemiol Perspect Innov 2007;4:1
    (compound Poisson process).

    >>> year = pl.DataFrame({"x": [40], "n": [1000], "phi": [4.0]})
    >>> found = compound_poisson_rate(year, "x", "n", "phi", multiplier=1000)
    >>> [round(found[name].item(), 1) for name in ("value", "lower", "upper")]
    [40.0, 19.1, 73.6]
    """
    name = "compound_poisson_rate"
    needed: list[str] = [numerator, denominator, dispersion]
    check_settings(confidence, multiplier)
    check_columns(frame, name, needed, added=RESULTS, kept=needed)
    check_rows(frame, name, [*counts(*needed), _below_one(dispersion)])
    x, n, factor = (number(each) for each in needed)
    lower, upper = poisson_limits(x / factor, confidence)
    scale = factor / n * multiplier
    method = (
        pl.when(factor.is_null())
        .then(pl.lit("over-dispersion is not known: no interval"))
        .otherwise(pl.lit("compound Poisson"))
    )
    result = with_results(
        frame.lazy(),
        value=x / n * multiplier,
        limits=(lower * scale, upper * scale),
        method=method,
        reasons=[
            Reason(MISSING, any_null(numerator, denominator)),
            Reason(NO_DENOMINATOR, pl.col(denominator) == 0),
        ],
    )
    return same_type(frame, result)


def _below_one(dispersion: str) -> Rule:
    fix = "a sum of squared counts over the sum of counts is 1 or more."
    return Rule(dispersion, "are below 1", number(dispersion) < 1, fix)


def bootstrap_rate(
    frame: FrameT,
    events: str,
    person_time: str,
    *,
    by: By = None,
    people: str | None = None,
    resamples: int = 2_000,
    seed: int,
    confidence: float = 0.95,
    multiplier: float = 100_000,
) -> FrameT:
    """Return each group's crude rate with limits from resampling whole people.

    One row of `frame` per person with the person's number of `events` and `person_time`, those
    without events too, or per `people` persons alike. value = Σ events/Σ person-time·k; limits are
    the percentiles of the same ratio over `resamples` samples of as many people, drawn with
    replacement. The draws depend on `seed` alone, so that a group's limits depend neither on row
    order nor on the other groups. Time and memory grow with the number of different pairs of events
    and person-time: round person-time (to months, say) before many people are given.

    Returns the group (sorted; one row where `by` is None), `people`, `events`, `person_time`,
    `value`, `lower`, `upper`, `method`. No limits under ten people with events, or where a sample
    has no person-time; null results where a value is missing or there is no person-time at all, and
    `method` says why.

    Raises DataError where a column is absent or not numeric; a number is negative. UserError where
    confidence, multiplier or resamples is out of range.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.

    >>> year = pl.DataFrame({"stays": [0] * 80 + [1] * 20, "years": [1.0] * 100})
    >>> bootstrap_rate(year, "stays", "years", seed=1, multiplier=100)["value"].item()
    20.0
    """
    name = "bootstrap_rate"
    groups: list[str] = group_names(by)
    check_settings(confidence, multiplier)
    if resamples < 1:
        raise UserError("`resamples` must be 1 or more.", fix="2,000 is usual.")
    needed: list[str] = [events, person_time, *([people] if people else [])]
    check_columns(frame, name, needed, groups, added=("people", *RESULTS), kept=needed[:2])
    check_rows(frame, name, counts(*needed))
    alike = number(people) if people else pl.lit(1.0)
    rows = frame.lazy().select(
        *groups,
        number(events).alias("__e"),
        number(person_time).alias("__t"),
        alike.alias("__f"),
    )
    kinds = [*groups, "__e", "__t"]
    held = rows.group_by(kinds).agg(
        ordered_sum(pl.col("__f")), missing=pl.col("__f").is_null().any()
    )
    data = held.sort(kinds).collect()
    table = _Draws(resamples, seed, confidence).by_group(data, groups, (events, person_time))
    scaled = table.with_columns(pl.col(each) * multiplier for each in RESULTS[:3])
    return same_type(frame, scaled.lazy())


class _Draws:
    """Samples of people, the same for every group."""

    def __init__(self, resamples: int, seed: int, confidence: float) -> None:
        self._resamples, self._seed, self._confidence = resamples, seed, confidence

    def by_group(
        self, data: pl.DataFrame, groups: Sequence[str], sums: tuple[str, str]
    ) -> pl.DataFrame:
        """Return one row per group of the sorted rows, or one row where there are no groups."""
        if groups:
            parts = data.partition_by(groups, maintain_order=True) if data.height else []
        else:
            parts = [data]
        rows = [(*(part.row(0)[: len(groups)] if groups else ()), *self.of(part)) for part in parts]
        numbers = dict.fromkeys(("people", *sums, *RESULTS[:3]), pl.Float64())
        keys = {each: data.schema[each] for each in groups}
        schema = {**keys, **numbers, "method": pl.String()}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def of(self, part: pl.DataFrame) -> tuple[float | str | None, ...]:
        """Return people, events, person-time, value, lower, upper and method of one group."""
        if part.select(any_null("__e", "__t").any() | pl.col("missing").any()).item():
            return (*[None] * 6, MISSING)
        count, time, alike = (part[name].to_numpy() for name in ("__e", "__t", "__f"))
        people, events, spent = alike.sum(), (count * alike).sum(), (time * alike).sum()
        if spent == 0:
            return (people, events, spent, None, None, None, NO_DENOMINATOR)
        value = events / spent
        if alike[count > 0].sum() < LEAST_PEOPLE:
            return (people, events, spent, value, None, None, FEW_PEOPLE)
        limits = self._limits(count, time, alike)
        if limits is None:
            return (people, events, spent, value, None, None, NO_TIME_DRAWN)
        method = f"bootstrap of people, {self._resamples:,} samples"
        return (people, events, spent, value, *limits, method)

    def _limits(self, count: Floats, time: Floats, alike: Floats) -> tuple[float, float] | None:
        """Return the percentiles; nothing where a sample has no person-time, and so no rate."""
        import numpy as np

        generator = np.random.default_rng(self._seed)
        size, share = round(alike.sum()), alike / alike.sum()
        at_once = max(1, _AT_ONCE // len(alike))
        rates = []
        for begin in range(0, self._resamples, at_once):
            some = min(at_once, self._resamples - begin)
            drawn = generator.multinomial(size, share, size=some).astype(float)
            spent = _dot(drawn, time)
            if not spent.all():
                return None
            rates.append(_dot(drawn, count) / spent)
        tail = (1 - self._confidence) / 2
        lower, upper = np.quantile(np.concatenate(rates), [tail, 1 - tail])
        return float(lower), float(upper)


def _dot(drawn: Floats, values: Floats) -> Floats:
    """Return the inner products by numpy's own loop: BLAS would make them depend on threads."""
    import numpy as np

    found: Floats = np.einsum("dk,k->d", drawn, values)
    return found
