"""Life expectancy from an abridged life table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

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
    group_totals,
    number,
    part_of,
    same_type,
    with_results,
    within,
)
from pophealth_link.stats.intervals import z_score

AGE_STARTS = (0, 1, *range(5, 95, 5))
LAST_AGE = AGE_STARTS[-1]
# Deaths under one come early in the year; later ones are taken as halfway through their band.
INFANT_SHARE, USUAL_SHARE = 0.1, 0.5
# Below this population the method's limits do not cover (Eayres and Williams, J Epidemiol
# Community Health 2004;58:243–249).
SMALLEST_POPULATION = 5_000
WIDEST_INTERVAL = 20


def life_expectancy(
    frame: FrameT,
    deaths: str,
    population: str,
    *,
    age_start: str,
    by: By = None,
    confidence: float = 0.95,
) -> FrameT:
    """Return life expectancy at the start of each age band, by Chiang's method with 20 bands.

    One row of `frame` per group and band, which `age_start` names by its first year of age: 0, 1,
    5, 10 … 90, the last open-ended; rows of the same band are added (the sexes, several years).
    `population` is person-years: for deaths of three years, three years' populations.
    M = deaths/population; with n years in the band and a = 0.1 under one, else 0.5, the probability
    of dying is q = Mn/(1 + Mn(1 − a)), at most 1, and 1 from age 90; with l survivors the years
    lived are L = n(l − (1 − a)·lq), and l/M from 90; value = ΣL from the band on / l, in years.
    Variance: Σ l²((1 − a)n + e₊)²·q²(1 − q)/d from the band on, e₊ being life expectancy at the
    next band, plus Silcocks' (l/2)²·4/(d·M²) for the last, divided by l²; limits = value ∓
    z√variance.

    Returns per group and band (sorted): the group, `age_start`, `deaths`, `population`, `value`,
    `lower`, `upper`, `method`; the first row of each group is life expectancy at birth. Results are
    null, and `method` says why: for a whole group that misses a value or a band, has a band without
    population, no deaths from 90 on, or 5,000 people or fewer; for a band whose interval is wider
    than 20 years.

    Raises DataError where a column is absent or not numeric; a count is negative; deaths exceed the
    population of a row; `age_start` holds another age. UserError where confidence is out of range.

    Source: Chiang, The Life Table and its Applications, 1984; Silcocks, Jenner and Reza, J
    Epidemiol Community Health 2001;55:38–43.

    >>> ages = pl.DataFrame({"age": [0, 1, *range(5, 95, 5)]})
    >>> ages = ages.with_columns(deaths=pl.when(pl.col("age") == 90).then(100).otherwise(0))
    >>> ages = ages.with_columns(people=pl.lit(1000))
    >>> life_expectancy(ages, "deaths", "people", age_start="age")["value"][0]
    100.0
    """
    name = "life_expectancy"
    groups: list[str] = group_names(by)
    check_settings(confidence)
    needed = [deaths, population, age_start]
    check_columns(frame, name, needed, groups, added=RESULTS, kept=needed)
    within = part_of(deaths, population, "give person-years of as many years as the deaths.")
    check_rows(frame, name, [*counts(deaths, population), within, _ages(age_start)])
    bands = group_totals(frame.lazy(), [*groups, age_start], [deaths, population])
    table = _survival(_rates(bands, deaths, population, age_start), groups)
    result = _with_limits(_with_variance(table, groups), groups, population, confidence)
    return same_type(frame, result.select(*groups, age_start, deaths, population, *RESULTS))


def _ages(age_start: str) -> Rule:
    return Rule(
        age_start,
        "are not the first age of one of the 20 bands",
        ~number(age_start).is_in([float(age) for age in AGE_STARTS]),
        "use 0, 1, 5, 10 … 90, adding older bands to 90.",
    )


def _rates(bands: pl.LazyFrame, deaths: str, population: str, age_start: str) -> pl.LazyFrame:
    """Add width n, share a, deaths d, mortality M and probability of dying q of each band."""
    ages, m, n = pl.col("__age"), pl.col("__m"), pl.col("__n")
    later = 1 - pl.col("__a")
    return (
        bands.with_columns(__age=number(age_start), __d=number(deaths))
        .with_columns(
            __n=pl.when(ages == 0).then(1.0).when(ages == 1).then(4.0).otherwise(5.0),
            __a=pl.when(ages == 0).then(INFANT_SHARE).otherwise(USUAL_SHARE),
            __m=pl.col("__d") / number(population),
        )
        .with_columns(
            __q=pl.when(ages == LAST_AGE)
            .then(1.0)
            .otherwise((m * n / (1 + m * n * later)).clip(upper_bound=1))
        )
    )


def _survival(table: pl.LazyFrame, groups: Sequence[str]) -> pl.LazyFrame:
    """Add survivors l of one born, years lived L, life expectancy e and that of the next band."""
    alive, n, a, q = (pl.col(name) for name in ("__l", "__n", "__a", "__q"))
    last = pl.col("__age") == LAST_AGE
    survivors = (1 - pl.col("__q")).cum_prod().shift(1, fill_value=1.0)
    years = pl.when(last).then(alive / pl.col("__m")).otherwise(n * alive * (1 - (1 - a) * q))
    remaining = pl.col("__years").cum_sum(reverse=True)
    return (
        table.with_columns(__l=within(survivors, groups))
        .with_columns(__years=years)
        .with_columns(__e=within(remaining, groups) / alive)
        .with_columns(__next=within(pl.col("__e").shift(-1), groups))
    )


def _with_variance(table: pl.LazyFrame, groups: Sequence[str]) -> pl.LazyFrame:
    """Add the variance of life expectancy."""
    alive, d, q = (pl.col(name) for name in ("__l", "__d", "__q"))
    ahead = (1 - pl.col("__a")) * pl.col("__n") + pl.col("__next")
    chiang = alive**2 * ahead**2 * q**2 * (1 - q) / d
    silcocks = (alive / 2) ** 2 * 4 / (d * pl.col("__m") ** 2)
    term = (
        pl.when(pl.col("__age") == LAST_AGE)
        .then(silcocks)
        # A band without deaths adds no variance, nor one that nobody outlives.
        .when((d > 0) & (q < 1))
        .then(chiang)
        .otherwise(0.0)
    )
    added = within(pl.col("__term").cum_sum(reverse=True), groups)
    return table.with_columns(__term=term).with_columns(__variance=added / alive**2)


def _with_limits(
    table: pl.LazyFrame, groups: Sequence[str], population: str, confidence: float
) -> pl.LazyFrame:
    value, reach = pl.col("__e"), z_score(confidence) * pl.col("__variance").sqrt()
    age, people = pl.col("__age"), number(population)

    def group(condition: pl.Expr) -> pl.Expr:
        return within(condition, groups)

    reasons = [
        Reason(MISSING, group(any_null("__age", "__d", population).any())),
        Reason("not calculated: age bands are missing", group(pl.len() < len(AGE_STARTS))),
        Reason("not calculated: a band has no population", group((people == 0).any())),
        Reason(
            "suppressed: population of 5,000 or fewer", group(people.sum()) <= SMALLEST_POPULATION
        ),
        Reason(
            "not calculated: no deaths from age 90",
            group(((age == LAST_AGE) & (pl.col("__d") == 0)).any()),
        ),
        Reason("not calculated: nobody reaches this age", pl.col("__l") == 0),
        Reason("not given: interval wider than 20 years", 2 * reach > WIDEST_INTERVAL),
    ]
    return with_results(
        table,
        value=value,
        limits=(value - reach, value + reach),
        method=pl.lit("Chiang, Silcocks"),
        reasons=reasons,
    )
