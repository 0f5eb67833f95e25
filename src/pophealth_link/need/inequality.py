"""Inequality within each footprint: groups beside the others, and slopes over deprivation."""

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
    with_intervals,
)
from pophealth_link.places.units import is_reason
from pophealth_link.schema.outputs_inequality import GROUPS, SLOPES
from pophealth_link.schema.strata import AGE, ALL, ETHNIC, QUINTILE, SEX, UNKNOWN
from pophealth_link.stats.inequality import NO_END, NO_LIMITS, NO_START

CORE20 = "quintile_1"
FIFTHS = tuple(each for each in QUINTILE.strata if not each.endswith(UNKNOWN))
# Released counts are rounded to three decimals.
COUNT_DECIMALS = 3
# The 95 % limits of a value are this many standard errors apart on each side (methods of the
# Office for Health Improvement and Disparities for the slope index).
_Z = 1.959964
_CONTRASTS = ("difference", "ratio")
_SUMS = ("numerator", "denominator")
_FAMILIES = (QUINTILE, SEX, AGE, ETHNIC)
# What is left of everyone carries the rounding of three counts: fewer would be rounding alone.
FEWEST_LEFT = 10
NOBODY_HAS_IT = "nobody has it: no relative index"
_NO_RELATIVE = {
    NO_START: "no relative index: the fitted level at the least deprived end is not above zero",
    NO_END: "no relative index: the fitted level at the most deprived end is below zero",
    NO_LIMITS: "the relative index has no limits: the fitted level at the least deprived end may "
    "be zero",
}


def groups(
    baseline: pl.DataFrame,
    *,
    dispersions: Mapping[str, float] | None = None,
    indicators: Catalogue | None = None,
) -> pl.DataFrame:
    """Return each group beside the other groups of its kind (schema GROUPS, sorted).

    For indicators of people, events and dwellings: Core20 (the national most deprived fifth)
    against the other four fifths, and each sex, age and ethnic group against the others, people of
    unknown group left out. All numbers follow from the released counts of `baseline` (schema
    BASELINE): `value` and `rest` with the interval of the indicator, their difference in its unit
    and their ratio with limits recovered from both (see `stats.difference`, `stats.ratio`).
    `dispersions`: over-dispersion φ by indicator, as the release's summary tells it; without it the
    values of repeat events have no limits. `indicators`: the catalogue; left out, the shipped one.

    A row is there for each group that the baseline has. Where one of the others is withheld, the
    others are everyone less the group and those of unknown group, if those are given and ten or
    more are left. Else, or where the group is withheld, there are no numbers: `status` is that of
    the withheld cell; `not_applicable` where nobody is in the group, or in the others, or where the
    row is no footprint. The limits hold sampling alone, not linkage or rounding.

    Raises DataError where the baseline lacks a column.
    """
    listed = catalogue() if indicators is None else indicators
    rows = of_people(baseline, listed, dispersions or {})
    named = rows.join(_against(), on="stratum", how="inner")
    named = named.join(_known(rows), on=[*CELL, "family"], how="left")
    both = _with_rest(named).filter(pl.col("stratum").is_in(_compared()))
    own = with_intervals(both.with_columns(held="own_held"))
    rest = with_intervals(own.select(*CELL, "stratum", "multiplier", "interval", "dispersion",
        held="rest_held", numerator="rest_numerator", denominator="rest_denominator"))  # fmt: skip
    rest = rest.select(*CELL, "stratum", **{f"rest_{name}": name for name in ESTIMATE})
    found = _contrasted(own.join(rest, on=[*CELL, "stratum"], how="left"))
    return declared(_told(found), GROUPS)


def _against() -> pl.DataFrame:
    """Return family, stratum and the other strata of it, those of unknown group left out."""
    rows = []
    for family in _FAMILIES:
        known = [each for each in family.strata if not each.endswith(UNKNOWN)]
        rows += [
            (family.name, each, " + ".join(one for one in known if one != each)) for each in known
        ]
    return pl.DataFrame(rows, schema=["family", "stratum", "against"], orient="row")


def _compared() -> list[str]:
    return [CORE20, *(each for each in _against()["stratum"] if each not in FIFTHS)]


def _known(rows: pl.DataFrame) -> pl.DataFrame:
    """Return everyone's counts less those of unknown group, by cell and family, where given."""
    names = {f"{family.name}_{UNKNOWN}": family.name for family in _FAMILIES}
    unknown = rows.filter(pl.col("stratum").is_in(list(names))).with_columns(
        family=pl.col("stratum").replace_strict(names, return_dtype=pl.String)
    )
    nobody = pl.col("rank").is_null()
    less = [
        pl.when("held").then(name).when(nobody).then(0.0).alias(f"unknown_{name}") for name in _SUMS
    ]
    unknown = unknown.select(*CELL, "family", *less, unknown_rank="rank")
    everyone = rows.filter(pl.col("stratum") == ALL, "held").select(*CELL, *_SUMS, "rank")
    return everyone.join(unknown, on=CELL, how="inner").select(
        *CELL,
        "family",
        *((pl.col(name) - pl.col(f"unknown_{name}")).alias(f"known_{name}") for name in _SUMS),
        known_rank=pl.min_horizontal("rank", "unknown_rank"),
    )


def _with_rest(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the counts of the others of the family, and the rank of group and others together."""
    kind = [*CELL, "family"]
    held = pl.col("held")
    lost = ~held & pl.col("rank").is_not_null()
    sums = [
        *(pl.col(name).filter(held).sum().over(kind).alias(f"all_{name}") for name in _SUMS),
        lost.sum().over(kind).alias("all_lost"),
        pl.col("rank").min().over(kind).alias("worst"),
    ]
    rows = rows.with_columns(sums).with_columns(
        *(
            (pl.col(f"all_{name}") - pl.when(held).then(name).otherwise(0.0))
            .round(COUNT_DECIMALS)
            .alias(f"rest_{name}")
            for name in _SUMS
        ),
        others_lost=pl.col("all_lost") - lost.cast(pl.Int64),
    )
    rows = _what_is_left(rows)
    nobody = (pl.col("others_lost") == 0) & (pl.col("rest_denominator") <= 0)
    rank = pl.when(~held).then("rank").when(~nobody).then("worst")
    both = held & ~nobody & (pl.col("others_lost") == 0)
    return rows.with_columns(rank.alias("rank"), own_held=held, rest_held=both)


def _what_is_left(rows: pl.DataFrame) -> pl.DataFrame:
    """Let others that are withheld be everyone less the group, where that is given."""
    left = {name: pl.col(f"known_{name}") - pl.col(name) for name in _SUMS}
    withheld = (pl.col("others_lost") > 0) & (pl.col("worst") == LOST)
    enough = (left["numerator"] >= FEWEST_LEFT) & (left["denominator"] >= left["numerator"])
    used = (pl.col("held") & withheld & enough).fill_null(value=False)
    worst = pl.min_horizontal("rank", "known_rank")
    return rows.with_columns(
        *(pl.when(used).then(left[n].round(COUNT_DECIMALS)).otherwise(f"rest_{n}").alias(f"rest_{n}")
          for n in _SUMS),
        pl.when(used).then(worst).otherwise("worst").alias("worst"),
        pl.when(used).then(0).otherwise("others_lost").alias("others_lost"),
    )  # fmt: skip


def _contrasted(rows: pl.DataFrame) -> pl.DataFrame:
    """Add differences and ratios; where limits are not known, the number alone."""
    rest = [f"rest_{name}" for name in ESTIMATE]
    own = [f"own_{name}" for name in ESTIMATE]
    rows = rows.rename(dict(zip(ESTIMATE, own, strict=True)))
    for name, contrast in zip(_CONTRASTS, (stats.difference, stats.ratio), strict=True):
        rows = contrast(rows, own, rest).rename({one: f"{name}_{one}" for one in ESTIMATE})
        rows = rows.drop("method")
    one, other = pl.col("own_value"), pl.col("rest_value")
    return rows.with_columns(
        pl.col("difference_value").fill_null(one - other),
        pl.col("ratio_value").fill_null(pl.when(other > 0).then(one / other)),
    )


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the names of the table, numbers only where both sides are given."""
    place = ~is_reason()
    status = pl.when(place).then(status_of(pl.col("rank"))).otherwise(pl.lit(NOBODY))
    given = pl.col("rest_held") & place
    names = {f"own_{name}": name for name in ESTIMATE}
    names |= {"rest_value": "rest", "rest_lower": "rest_lower", "rest_upper": "rest_upper"}
    for each in _CONTRASTS:
        names |= {f"{each}_value": each}
        names |= {f"{each}_{side}": f"{each}_{side}" for side in ESTIMATE[1:]}
    rows = rows.with_columns(status=status).with_columns(
        pl.when(given).then(old).alias(old) for old in names
    )
    no_ratio = given & pl.col("ratio_upper").is_null() & pl.col("rest_lower").is_not_null()
    reason = pl.coalesce(
        pl.when(~place).then(pl.lit(NO_FOOTPRINT)),
        reason_of(pl.col("status"), nobody="nobody is in the group, or in the others"),
        pl.when(given & pl.col("own_lower").is_null()).then(
            pl.lit("the interval is not known, only the values")
        ),
        pl.when(no_ratio).then(pl.lit("the others may have none: the ratio has no upper limit")),
    )
    return rows.with_columns(reason=reason).rename(
        {old: new for old, new in names.items() if old != new}
    )


def slopes(
    baseline: pl.DataFrame,
    *,
    seed: int,
    simulations: int = 100_000,
    dispersions: Mapping[str, float] | None = None,
    indicators: Catalogue | None = None,
) -> pl.DataFrame:
    """Return the slope and relative index of inequality of each cell (schema SLOPES, sorted).

    Over the national deprivation fifths from the least to the most deprived, so that a positive
    slope and a relative index above 1 mean more in deprived areas; see `stats.slope_index` (draws
    from `seed`, `simulations` of them). Each fifth is weighed by its released denominator, and its
    standard error is the width of its 95 % interval over 2·1.959964. Only where all five fifths
    have people and are given, and the row is a footprint: else `status` says which is not so. There
    may be a slope and no relative index, or none with limits: `reason` says why. `dispersions`,
    `indicators`, what the limits hold: see `groups`.

    Raises DataError where the baseline lacks a column. UserError where simulations is below 1.
    """
    listed = catalogue() if indicators is None else indicators
    rows = of_people(baseline, listed, dispersions or {})
    fifths = with_intervals(rows.filter(pl.col("stratum").is_in(FIFTHS)))
    cells = _cells_of_fifths(fifths)
    fit = fifths.join(cells.filter("fit").select(CELL), on=CELL, how="semi").with_columns(
        error=(pl.col("upper") - pl.col("lower")) / (2 * _Z),
        # From the least deprived: the fifth named 1 is the most deprived.
        place=len(FIFTHS) - pl.col("stratum").str.tail(1).cast(pl.Int64) + 1,
    )
    found = stats.slope_index(
        fit, "value", "error", "denominator", "place", by=CELL, simulations=simulations, seed=seed
    )
    named = found.rename(
        {"sii": "slope_index", "rii": "relative_index"}
        | {f"sii_{side}": f"slope_index_{side}" for side in ("lower", "upper")}
        | {f"rii_{side}": f"relative_index_{side}" for side in ("lower", "upper")}
    )
    told = pl.col("method").str.split("; ").list.last()
    without = told.replace_strict(_NO_RELATIVE, default=None, return_dtype=pl.String)
    none = pl.when(pl.col("events") == 0).then(pl.lit(NOBODY_HAS_IT))
    both = cells.join(named, on=CELL, how="left")
    return declared(
        both.with_columns(reason=pl.coalesce("reason", pl.when("fit").then(none), without)), SLOPES
    )


def _cells_of_fifths(fifths: pl.DataFrame) -> pl.DataFrame:
    """Return one row per cell with its status, and `fit`: all five fifths can be used."""
    five = pl.len() == len(FIFTHS)
    some = pl.col("rank").is_not_null().all() & five
    facts = [
        *(pl.col(name).first() for name in ("footprint_name", "unit", "period")),
        pl.when(some).then(pl.col("rank").min()).alias("rank"),
        pl.col("numerator").sum().alias("events"),
        (pl.col("held").all() & pl.col("lower").is_not_null().all() & five).alias("fit"),
    ]
    cells = fifths.sort(*CELL, "stratum").group_by(CELL, maintain_order=True).agg(facts)
    place, fit = ~is_reason(), pl.col("fit")
    status = pl.when(place).then(status_of(pl.col("rank"))).otherwise(pl.lit(NOBODY))
    no_limits = pl.lit("a fifth has no interval")
    reason = pl.coalesce(
        pl.when(~place).then(pl.lit(NO_FOOTPRINT)),
        reason_of(status, nobody="a fifth has no people"),
        pl.when(~fit).then(no_limits),
    )
    none = ~fit & (reason == no_limits)
    return cells.with_columns(
        status=pl.when(none).then(pl.lit(NOBODY)).otherwise(status), reason=reason, fit=fit & place
    )
