"""Directly standardised rates and indirectly standardised ratios."""

from __future__ import annotations

import polars as pl

from pophealth_link.errors import DataError, Problem, nearest, raise_problems
from pophealth_link.stats.frames import (
    MISSING,
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
    total,
    whole_or_float,
    with_results,
)
from pophealth_link.stats.intervals import byar, poisson_limits, poisson_method

# Below ten events neither the rate nor its limits are stable (Morris, Tan, Fryers and Bestwick,
# Population Health Metrics 2018;16:19).
FEWEST_EVENTS = 10


def directly_standardised_rate(
    frame: FrameT,
    numerator: str,
    denominator: str,
    *,
    by: By,
    standard_population: str,
    event_count: str | None = None,
    confidence: float = 0.95,
    multiplier: float = 100_000,
) -> FrameT:
    """Return each group's directly standardised rate with Dobson's limits.

    One row of `frame` per group and stratum (age band): xᵢ events (`numerator`) among nᵢ people
    (`denominator`), weighted by wᵢ (the column `standard_population`).
    value v = Σ(xᵢwᵢ/nᵢ)/Σwᵢ·k; limits = v + √(Var/O)·(Byar(O) − O)·k with O = Σxᵢ and
    Var = Σxᵢ(wᵢ/nᵢ)²/(Σwᵢ)². Where few events carry most weight the lower limit may pass below 0.

    Events that are not independent (readmissions): one row per group, stratum and number of events
    f (`event_count`), xᵢ being the people with exactly f events; O = Σ f·x, and Var = Σ f²·Var_f.
    Every f needs all strata of its group, with 0 where nobody has that number.

    Returns the group (sorted; one row where `by` is None), `numerator` = O, `denominator` = Σnᵢ,
    `value`, `lower`, `upper`, `method`. A missing xᵢ is 0. Under ten events, with a missing nᵢ or
    wᵢ, or with nᵢ = 0 the results are null and `method` says why.

    Raises DataError where a column is absent or not numeric; a number is negative; strata differ by
    f. UserError where confidence or multiplier is out of range.

    Source: Dobson, Kuulasmaa, Eberle and Scherer, Stat Med 1991;10:457–462; APHO Technical
    Briefing 3.

    >>> ages = pl.DataFrame({"x": [10, 30], "n": [1000, 1000], "w": [3, 1]})
    >>> directly_standardised_rate(
    ...     ages, "x", "n", by=None, standard_population="w", multiplier=1000
    ... )["value"].item()
    15.0
    """
    groups: list[str] = group_names(by)
    needed = [numerator, denominator, standard_population, *([event_count] if event_count else [])]
    check_settings(confidence, multiplier)
    check_columns(
        frame, "directly_standardised_rate", needed, groups, added=RESULTS, kept=needed[:2]
    )
    check_rows(frame, "directly_standardised_rate", counts(*needed))
    rows = whole_or_float(frame.lazy(), needed).with_columns(pl.col(numerator).fill_null(0))
    if event_count:
        _check_same_strata(rows, groups, denominator, standard_population, event_count)
    sums = _weighted_sums(rows, groups, needed, event_count)
    result = _dobson(sums, numerator, confidence, multiplier)
    return same_type(frame, result.select(*groups, numerator, denominator, *RESULTS))


def _weighted_sums(
    rows: pl.LazyFrame, groups: list[str], needed: list[str], event_count: str | None
) -> pl.LazyFrame:
    numerator, denominator, weight = needed[:3]
    x, n, w = pl.col(numerator), pl.col(denominator), number(weight)
    events = pl.col(event_count) if event_count else pl.lit(1)
    # The strata, and with them people and weights, occur once for each number of events.
    # Without rows there is one row of results, and no number of events.
    repeats = pl.col(event_count).n_unique().clip(lower_bound=1) if event_count else pl.lit(1)
    sums = [
        ordered_sum(events * x).alias(numerator),
        (ordered_sum(n) / repeats if event_count else ordered_sum(n)).alias(denominator),
        ordered_sum(events * x * w / n).alias("__rate"),
        ordered_sum(events**2 * x * (w / n) ** 2).alias("__variance"),
        (ordered_sum(w) / repeats).alias("__weight"),
        any_null(*needed).any().alias("__missing"),
        (n == 0).any().alias("__empty"),
    ]
    return per_group(rows, groups, sums)


def _dobson(
    sums: pl.LazyFrame, numerator: str, confidence: float, multiplier: float
) -> pl.LazyFrame:
    observed, weight = number(numerator), pl.col("__weight")
    value = pl.col("__rate") / weight
    step = (pl.col("__variance") / weight**2 / observed).sqrt()
    lower, upper = (value + step * (limit - observed) for limit in byar(observed, confidence))
    return with_results(
        sums,
        value=value * multiplier,
        limits=(lower * multiplier, upper * multiplier),
        method=pl.lit("Dobson"),
        reasons=[
            Reason(MISSING, pl.col("__missing")),
            Reason("not calculated: a stratum has no population", pl.col("__empty")),
            Reason("not calculated: standard population is zero", weight == 0),
            Reason("not calculated: fewer than 10 events", observed < FEWEST_EVENTS),
        ],
    )


def _check_same_strata(
    rows: pl.LazyFrame, groups: list[str], denominator: str, weight: str, event_count: str
) -> None:
    """Raise DataError where the numbers of events of a group cover different strata."""
    per_count = rows.group_by([*groups, event_count]).agg(
        pl.len().alias("__rows"),
        ordered_sum(pl.col(denominator)).alias("__people"),
        ordered_sum(pl.col(weight)).alias("__weights"),
    )
    kinds = pl.struct("__rows", "__people", "__weights").n_unique().alias("__kinds")
    rule = Rule(
        event_count,
        "lack strata for some numbers of events",
        pl.col("__kinds") > 1,
        "give one row per stratum and number of events, with 0 where nobody has that number.",
    )
    found = per_group(per_count, groups, [kinds])
    check_rows(found, "directly_standardised_rate", [rule], "groups")


def indirectly_standardised_ratio(
    frame: FrameT,
    observed: str,
    population: str,
    *,
    by: By,
    reference: pl.DataFrame | pl.LazyFrame,
    age: str,
    confidence: float = 0.95,
    multiplier: float = 1,
) -> FrameT:
    """Return each group's ratio of observed to expected events, with Byar or exact limits.

    One row of `frame` per group and age band: `observed` events among nᵢ people (`population`).
    `reference` holds `age`, `observed` and `population` of the reference population, under these
    names or the names of the frame's own columns; rows of the same age are added.
    value = O/E·k with E = Σ(x_ref,i/n_ref,i)·nᵢ; limits of O (Byar's from ten events, exact Poisson
    below) divided by E. k = 100 gives the ratio per hundred; k = the reference's crude rate gives
    the indirectly standardised rate.

    Returns the group (sorted; one row where `by` is None), `observed` = O, `expected` = E, `value`,
    `lower`, `upper`, `method`. A null, or E = 0, gives null results and `method` says why.

    Raises DataError where a column is absent or not numeric; a number is negative; the reference
    lacks an age of the frame. UserError where confidence or multiplier is out of range.

    Source: Breslow and Day, IARC 1987, chapter 2; APHO Technical Briefing 3.

    >>> area = pl.DataFrame({"age": [0, 65], "x": [12, 30], "n": [100, 200]})
    >>> nation = pl.DataFrame({"age": [0, 65], "x": [100, 150], "n": [1000, 1000]})
    >>> indirectly_standardised_ratio(area, "x", "n", by=None, reference=nation, age="age")[
    ...     "value"
    ... ].round(6).item()
    1.05
    """
    name = "indirectly_standardised_ratio"
    groups: list[str] = group_names(by)
    check_settings(confidence, multiplier)
    added = ("expected", *RESULTS)
    check_columns(frame, name, [observed, population], [*groups, age], added=added, kept=[observed])
    check_rows(frame, name, counts(observed, population))
    rates = _reference_rates(reference, age, observed, population)
    ages = frame.collect_schema()[age]
    # Values that the frame's type cannot hold become null here and match no row of the frame.
    rates = rates.with_columns(pl.col("__age").cast(ages, strict=False)).drop_nulls("__age")
    rows = whole_or_float(frame.lazy(), [observed, population])
    joined = rows.join(rates, left_on=age, right_on="__age", how="left")
    check_rows(joined, name, [_unknown_age(age)])
    sums = _expected(joined, groups, observed, population, age)
    result = _ratio(sums, observed, confidence, multiplier)
    return same_type(frame, result.select(*groups, observed, "expected", *RESULTS))


def _unknown_age(age: str) -> Rule:
    return Rule(
        age,
        "have an age that `reference` lacks",
        pl.col(age).is_not_null() & pl.col("__known").is_null(),
        "use the same age bands in both.",
    )


def _reference_rates(
    reference: pl.DataFrame | pl.LazyFrame, age: str, observed: str, population: str
) -> pl.LazyFrame:
    """Return the reference's rate by age: columns `__age`, `__rate`, `__known`."""
    name, schema = "indirectly_standardised_ratio(reference=)", reference.collect_schema()
    wanted = {"age": age, "observed": observed, "population": population}
    found = {plain: own if own in schema else plain for plain, own in wanted.items()}
    absent = [each for each in found.values() if each not in schema]
    what = [Problem(DataError, f"`{x}`", f"is not a column.{nearest(x, schema)}") for x in absent]
    raise_problems(f"the frame given to stats.{name}", what)
    check_columns(reference, name, [found["observed"], found["population"]])
    check_rows(reference, name, counts(found["observed"], found["population"]))
    columns = reference.lazy().select(
        pl.col(found["age"]).alias("__age"),
        number(found["observed"]).alias("__x"),
        number(found["population"]).alias("__n"),
    )
    sums = columns.group_by("__age").agg(total("__x", whole=False), total("__n", whole=False))
    rate = pl.when(pl.col("__n") > 0).then(pl.col("__x") / pl.col("__n"))
    return sums.select("__age", rate.alias("__rate"), pl.lit(value=True).alias("__known"))


def _expected(
    joined: pl.LazyFrame, groups: list[str], observed: str, population: str, age: str
) -> pl.LazyFrame:
    sums = [
        ordered_sum(pl.col(observed)).alias(observed),
        ordered_sum(pl.col("__rate") * pl.col(population)).alias("expected"),
        any_null(observed, population, age, "__rate").any().alias("__missing"),
    ]
    return per_group(joined, groups, sums)


def _ratio(sums: pl.LazyFrame, observed: str, confidence: float, multiplier: float) -> pl.LazyFrame:
    count, expected = number(observed), pl.col("expected")
    lower, upper = poisson_limits(count, confidence)
    missing = pl.col("__missing")
    result = with_results(
        sums,
        value=count / expected * multiplier,
        limits=(lower / expected * multiplier, upper / expected * multiplier),
        method=poisson_method(count),
        reasons=[
            Reason(MISSING, missing),
            Reason("not calculated: no events are expected", expected == 0),
        ],
    )
    # Sums pass over nulls; a group that lacks a value has neither a count nor an expectation.
    return result.with_columns(
        pl.when(~missing).then(pl.col(name)).alias(name) for name in (observed, "expected")
    )
