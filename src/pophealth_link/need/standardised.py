"""Comparisons between footprints, standardised for age to the people of the whole area."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pophealth_link import stats
from pophealth_link.indicators.catalogue import Catalogue, catalogue
from pophealth_link.need.inequality_rows import (
    CELL,
    ESTIMATE,
    LOST,
    NO_FOOTPRINT,
    NOBODY,
    declared,
    of_people,
    reason_of,
    status_of,
)
from pophealth_link.places.units import is_reason
from pophealth_link.schema.outputs_inequality import STANDARDISED
from pophealth_link.schema.strata import AGE, ALL, BAND, FINEST_AGES, UNKNOWN, parent_of

WHOLE = "whole"
# The finer ages are used for a type of footprint where as many of its footprints have them.
_AGES: Mapping[str, tuple[str, ...]] = {
    "finest": FINEST_AGES,
    "broad": tuple(each for each in AGE.strata if not each.endswith(UNKNOWN)),
}
_SET = ("basis", "indicator", "ages")
_NO_STANDARD = "the whole area's people by age are not given"
_LACKS_AGES = "it lacks an age group that the whole area has"
_TOO_FEW = "fewer than 10 events, or than 10 divided by their over-dispersion"


def standardised(
    baseline: pl.DataFrame,
    *,
    dispersions: Mapping[str, float] | None = None,
    indicators: Catalogue | None = None,
) -> pl.DataFrame:
    """Return values directly standardised for age, beside the whole area's (STANDARDISED, sorted).

    For indicators of people and events with strata by age. The standard is the released denominator
    of the whole area in each age group, on the same basis; what an age group is weighed by is thus
    the same for all footprints. The age groups are the finest ones, or the four broad ones where
    those are given for more footprints of the type; footprints of one type are compared on the same
    ones. People of unknown age are left out on both sides. See `stats.directly_standardised_rate`
    (Dobson's limits, for common conditions a little wide: they take the counts as Poisson). Repeat
    events: counts are divided by their over-dispersion φ (`dispersions`), without it no limits.

    `whole` is the area's own value, `ratio` the footprint's over it (its uncertainty left aside, it
    is the standard), `significance` where the footprint's 95 and 99.8 % limits leave it; the limits
    hold sampling alone, not linkage or rounding.

    Every cell of these indicators is in a row, for types of footprint that have strata by age.
    Where an age group is withheld, or the indicator has no data, there is no value and the status
    says so; `not_applicable` where nobody of an age group lives there, under ten events, where an
    age group or the whole area's people are lacking, or where the row is no footprint.

    Raises DataError where the baseline lacks a column.
    """
    listed = catalogue() if indicators is None else indicators
    rows = of_people(baseline, listed, dispersions or {})
    parts = _weighed(rows)
    cells = _cells(rows, parts)
    used = parts.join(cells, on=[*CELL, "ages"], how="semi")
    results = cells.join(_rates(used), on=CELL, how="left").join(_whole(parts), on=_SET, how="left")
    others = _wanted(rows, listed).join(results, on=CELL, how="anti")
    return declared(_told(pl.concat([results, others], how="diagonal")), STANDARDISED)


def _wanted(rows: pl.DataFrame, listed: Catalogue) -> pl.DataFrame:
    """Return a row for each cell that should have a value, of types that have strata by age."""
    ages = {*AGE.strata, *BAND.strata}
    asked = [each.id for each in listed if ages.intersection(each.all_strata)]
    types = rows.filter(pl.col("stratum").is_in(list(ages)))["footprint_type"].unique()
    cells = rows.filter(
        pl.col("stratum") == ALL,
        pl.col("indicator").is_in(asked),
        pl.col("footprint_type").is_in(types.to_list()),
    )
    # What is lost of everyone is lost of each age; else it is the ages that are lacking.
    kept = cells.select(
        *(*CELL, "footprint_name", "unit", "period", "interval", "multiplier", "dispersion"),
        rank=pl.when(pl.col("rank") <= LOST).then("rank"),
    )
    return kept.with_columns(
        place=~is_reason(), fit=pl.lit(value=False), lacking=pl.lit(_NO_STANDARD)
    )


def _of_the_whole() -> pl.Expr:
    return (pl.col("footprint_type") == WHOLE) & ~is_reason()


def _weighed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows by age, once for each set of ages, with the standard's `weight`."""
    each = [
        rows.filter(pl.col("stratum").is_in(strata)).with_columns(ages=pl.lit(name))
        for name, strata in _AGES.items()
    ]
    parts = pl.concat(each)
    standard = parts.filter(_of_the_whole(), pl.col("rank").is_not_null())
    weights = standard.select(
        *_SET, "stratum", weight=pl.when("held").then("denominator"), whole_numerator="numerator"
    )
    # Ages in which the whole area has nobody weigh nothing.
    return _complete(parts.join(weights, on=[*_SET, "stratum"], how="inner"))


def _complete(parts: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the sets of ages to use; `complete`: the cell has all of the area's."""
    broad = pl.col("stratum").replace({each: parent_of(each) for each in BAND.strata})
    whole = parts.filter(_of_the_whole()).group_by(_SET)
    needed = whole.agg(pl.len().alias("rows"), broad.n_unique().alias("broad"))
    most = pl.col("broad").max().over("basis", "indicator")
    needed = needed.filter(pl.col("broad") == most).select(*_SET, "rows")
    rows = parts.join(needed, on=_SET, how="inner")
    complete = pl.len().over(*CELL, "ages") == pl.col("rows")
    return rows.with_columns(complete.alias("complete")).drop("rows")


def _cells(rows: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per cell with strata by age: the set of ages to use, and the status."""
    facts = _facts(parts)
    order = {name: place for place, name in enumerate(_AGES)}
    kind = ["footprint_type", "basis", "indicator"]
    used = (
        facts.filter("place")
        .group_by(*kind, "ages")
        .agg(pl.col("fit").sum().cast(pl.Int64))
        .with_columns(order=pl.col("ages").replace_strict(order, return_dtype=pl.Int64))
        .sort(*kind, -pl.col("fit"), "order")
        .unique(kind, keep="first", maintain_order=True)
    )
    chosen = facts.join(used, on=[*kind, "ages"], how="semi")
    names = rows.filter(pl.col("stratum") == ALL)
    names = names.select(*CELL, "footprint_name", "unit", "period")
    return chosen.join(names, on=CELL, how="left")


def _facts(parts: pl.DataFrame) -> pl.DataFrame:
    """Return for each cell and set of ages whether it is `fit`, and the rank of its status."""
    known = pl.col("weight").is_not_null()
    rank = pl.when(known).then("rank").otherwise(pl.min_horizontal("rank", pl.lit(LOST)))
    everyone = (pl.col("rank").is_not_null() & pl.col("complete")).all()
    found = (
        parts.with_columns(rank=rank)
        .group_by(*CELL, "ages")
        .agg(
            _fit().all().alias("fit"),
            pl.when(everyone).then(pl.col("rank").min()).alias("rank"),
            pl.when(~pl.col("complete").all()).then(pl.lit(_LACKS_AGES)).alias("lacking"),
            pl.len().cast(pl.Int64).alias("age_groups"),
            *(pl.col(name).first() for name in ("interval", "multiplier", "dispersion")),
        )
    )
    return found.with_columns(place=~is_reason())


def _fit() -> pl.Expr:
    return pl.col("held") & pl.col("weight").is_not_null() & pl.col("complete")


def _rates(used: pl.DataFrame) -> pl.DataFrame:
    """Return each fit cell's standardised value with 95 and 99.8 % limits, per one of its unit."""
    factor = pl.when(pl.col("interval") == "compound_poisson").then(
        pl.col("dispersion").fill_null(1.0)
    ).otherwise(1.0)  # fmt: skip
    ready = used.filter(_fit().all().over(CELL)).with_columns(
        events=pl.col("numerator") / factor, people=pl.col("denominator") / factor
    )
    usual, wide = (
        stats.directly_standardised_rate(
            ready, "events", "people", by=CELL, standard_population="weight",
            multiplier=1, confidence=confidence,
        )
        for confidence in (0.95, 0.998)
    )  # fmt: skip
    return usual.select(*CELL, *ESTIMATE).join(
        wide.select(*CELL, widest_lower="lower", widest_upper="upper"), on=CELL, how="left"
    )


def _whole(parts: pl.DataFrame) -> pl.DataFrame:
    """Return the whole area's value for each set of ages."""
    own = parts.filter(_of_the_whole()).sort(*_SET, "stratum")
    sums = own.group_by(_SET, maintain_order=True).agg(
        pl.col("whole_numerator", "weight").sum(), pl.col("held").all()
    )
    whole = pl.when("held").then(pl.col("whole_numerator") / pl.col("weight"))
    return sums.select(*_SET, whole.alias("whole"))


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    value, limited = pl.col("value"), pl.col("place")
    # Without its over-dispersion a repeat event has a value, and no limits.
    unknown = (pl.col("interval") == "compound_poisson") & pl.col("dispersion").is_null()
    known = limited & ~unknown
    status = pl.when(limited).then(status_of(pl.col("rank"))).otherwise(pl.lit(NOBODY))
    few = limited & pl.col("fit") & value.is_null()
    reason = pl.coalesce(
        pl.when(~limited).then(pl.lit(NO_FOOTPRINT)),
        pl.when(few).then(pl.lit(_TOO_FEW)),
        pl.when(status == NOBODY).then("lacking"),
        reason_of(status, nobody="nobody is in one of the age groups"),
        pl.when(unknown).then(pl.lit("over-dispersion is not known: no interval")),
    )
    rows = rows.with_columns(
        significance=pl.when(known).then(_significance()),
        status=pl.when(few).then(pl.lit(NOBODY)).otherwise(status),
        reason=reason,
        ratio=pl.when(limited & (pl.col("whole") > 0)).then(value / pl.col("whole")),
        **{
            f"ratio_{side}": pl.when(known & (pl.col("whole") > 0)).then(
                pl.col(side) / pl.col("whole")
            )
            for side in ESTIMATE[1:]
        },
    )
    scaled = [pl.when(limited).then(pl.col(n) * pl.col("multiplier")) for n in ("value", "whole")]
    sides = [pl.when(known).then(pl.col(n) * pl.col("multiplier")) for n in ESTIMATE[1:]]
    return rows.with_columns(*scaled, *sides)


def _significance() -> pl.Expr:
    whole = pl.col("whole")
    return (
        pl.when(pl.any_horizontal(pl.col("whole", "lower").is_null()))
        .then(None)
        .when(pl.col("widest_lower") > whole)
        .then(pl.lit("high (99.8 %)"))
        .when(pl.col("widest_upper") < whole)
        .then(pl.lit("low (99.8 %)"))
        .when(pl.col("lower") > whole)
        .then(pl.lit("high (95 %)"))
        .when(pl.col("upper") < whole)
        .then(pl.lit("low (95 %)"))
        .otherwise(pl.lit("not significant"))
    )
