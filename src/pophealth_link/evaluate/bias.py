"""Who is linked and who is missed: rates by group, and how far the linked differ from the rest.

Source: Harron et al., Int J Epidemiol 2017;46:1699-1710; Bohensky et al., BMC Health Serv Res
2010;10:346.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.errors import DataError, nearest
from pophealth_link.evaluate.accuracy import grade
from pophealth_link.evaluate.estimate import Estimate
from pophealth_link.evaluate.groups import UNKNOWN
from pophealth_link.evaluate.rates import with_rate
from pophealth_link.stats.intervals import z_score

ALL = "all"
_KEY = ["source", "record_id"]
# Fewer records than these give a rate that says little (assumed).
SMALL = 50
# A standardised difference beyond this is worth a look: Austin, Stat Med 2009;28:3083-3107.
NOTEWORTHY = 0.1
CAVEAT = (
    "The linkage rate of a group falls with the share of its people who are on no register as well "
    "as with missed links; only the missed-match rate tells these apart."
)


@dataclass(frozen=True, slots=True)
class Bias(Estimate):
    """Linked and missed records by group; `counts`: see `bias`."""

    caveat: str = field(default=CAVEAT, repr=False)

    def rates(self) -> pl.DataFrame:
        """Return the counts with rates and limits: see `bias_rates`."""
        return bias_rates(self.counts)

    def differences(self) -> pl.DataFrame:
        """Return how the linked differ from the unlinked: see `standardised_differences`."""
        return standardised_differences(self.counts)


def bias(
    person_index: pl.DataFrame,
    groups: pl.DataFrame,
    *,
    by: Sequence[str] | None = None,
    outcomes: pl.DataFrame | None = None,
) -> Bias:
    """Count linked records by source and group, and missed ones where they are known.

    `groups` holds source, record_id and columns of groups (see `record_groups`), of which `by`
    names those to use (left out: all). `outcomes` holds source, record_id and outcome (found,
    missed, wrong; others are left out): those of a blind run, or of `outcomes_of_truth`.

    `counts` has one row per `source` (and `all`), `dimension` (and `all`) and `group`: `records`
    outside the register, `linked` to it; `known` records whose person is known to be on the
    register, of which the linkage `missed` some (linked to nobody or to another); null without
    outcomes. The groups of a dimension make up the source. Raises `DataError` where a column is
    absent.
    """
    names = list(by) if by is not None else [c for c in groups.columns if c not in ("rid", *_KEY)]
    absent = [name for name in (*_KEY, *names) if name not in groups.columns]
    if absent:
        hint = nearest(absent[0], groups.columns)
        raise DataError(f"the groups have no column `{absent[0]}`.{hint}")
    told = _told(person_index, outcomes).join(groups.select(*_KEY, *names), on=_KEY, how="left")
    dimensions = {ALL: pl.lit(ALL), **{name: pl.col(name) for name in names}}
    parts = [
        _tally(told.with_columns(source) if source is not None else told, name, group)
        for source in (None, pl.lit(ALL).alias("source"))
        for name, group in dimensions.items()
    ]
    counts = pl.concat(parts)
    if outcomes is None:
        counts = counts.with_columns(pl.lit(None, pl.Int64).alias(c) for c in ("known", "missed"))
    return Bias(counts.sort(pl.col("source") == ALL, "source", "dimension", "group"))


def _told(person_index: pl.DataFrame, outcomes: pl.DataFrame | None) -> pl.DataFrame:
    """Return each record outside the register with `linked`, `known`, `missed`."""
    register = person_index.filter(pl.col("method") == "register")["person_id"].unique().implode()
    others = person_index.filter(pl.col("method") != "register").select(
        *_KEY, pl.col("person_id").is_in(register).alias("linked")
    )
    if outcomes is None:
        return others.with_columns(known=pl.lit(value=False), missed=pl.lit(value=False))
    found = others.join(outcomes.select(*_KEY, "outcome"), on=_KEY, how="left")
    return found.with_columns(
        known=pl.col("outcome").is_in(["found", "missed", "wrong"]).fill_null(value=False),
        missed=pl.col("outcome").is_in(["missed", "wrong"]).fill_null(value=False),
    )


def _tally(told: pl.DataFrame, dimension: str, group: pl.Expr) -> pl.DataFrame:
    named = told.with_columns(
        group.cast(pl.String).fill_null(UNKNOWN).alias("group"),
        pl.lit(dimension).alias("dimension"),
    )
    return named.group_by("source", "dimension", "group").agg(
        pl.len().cast(pl.Int64).alias("records"),
        *(pl.col(name).sum().cast(pl.Int64) for name in ("linked", "known", "missed")),
    )


def outcomes_of_truth(person_index: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return source, record_id, outcome of each record outside the register, by its truth.

    found, wrong or missed where its person is on the register; stranger_linked or stranger where
    not. `truth` holds source, record_id, person_id. Raises `DataError` as `score` does.
    """
    graded = grade(person_index, truth)
    linked = pl.col("linked")
    known = (pl.when("correct").then(pl.lit("found")).when(linked).then(pl.lit("wrong"))).otherwise(
        pl.lit("missed")
    )
    strange = pl.when(linked).then(pl.lit("stranger_linked")).otherwise(pl.lit("stranger"))
    outcome = pl.when("linkable").then(known).otherwise(strange).alias("outcome")
    return graded.select(*_KEY, outcome).sort(_KEY)


def bias_rates(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the counts with `linkage_rate`, `missed_rate` and their limits, and `small`.

    `small`: fewer than 50 records, or withheld. Counts may have been rounded or withheld (null).
    """
    told = with_rate(counts, "linked", "records", "linkage_rate")
    told = with_rate(told, "missed", "known", "missed_rate")
    return told.with_columns((pl.col("records") < SMALL).fill_null(value=True).alias("small"))


def standardised_differences(counts: pl.DataFrame) -> pl.DataFrame:
    """Return how each group's share differs between linked and unlinked records of a source.

    Columns: source, dimension, group, `share_linked`, `share_unlinked`, `standardised_difference`
    d = (p₁ - p₀) / √((p₁(1 - p₁) + p₀(1 - p₀))/2) with 95 % limits, `noteworthy` (|d| > 0.1).
    Shares are of the source's row of the dimension `all`, else of the sum of the groups. Null
    where a count that is needed is withheld, or nobody or everybody is linked.

    Source: Austin, Stat Med 2009;28:3083-3107; its variance is Hedges and Olkin's.

    >>> counts = pl.DataFrame({"source": "a", "dimension": "sex", "group": ["1", "2"],
    ...     "records": [100, 100], "linked": [90, 80]})
    >>> standardised_differences(counts)["standardised_difference"].round(3).to_list()
    [0.404, -0.404]
    """
    # Over all sources together the linked differ because the sources do.
    told = counts.filter(pl.col("source") != ALL).with_columns(
        (pl.col("records") - pl.col("linked")).clip(0).alias("unlinked")
    )
    totals = told.filter(pl.col("dimension") == ALL).select("source", n1="linked", n0="unlinked")
    told = told.filter(pl.col("dimension") != ALL).join(totals, on="source", how="left")
    within = ["source", "dimension"]
    known = pl.all_horizontal(pl.col("linked", "unlinked").is_not_null()).all().over(within)
    n1, n0 = (
        pl.coalesce(total, pl.when(known).then(pl.col(part).sum().over(within)))
        for total, part in (("n1", "linked"), ("n0", "unlinked"))
    )
    some = (n1 > 0) & (n0 > 0)
    # Rounding may put a group above its total.
    p1, p0 = (
        pl.when(some).then((pl.col(part) / total).clip(0, 1))
        for part, total in (("linked", n1), ("unlinked", n0))
    )
    spread = ((p1 * (1 - p1) + p0 * (1 - p0)) / 2).sqrt()
    d = pl.when(spread > 0).then((p1 - p0) / spread)
    reach = z_score(0.95) * ((n1 + n0) / (n1 * n0) + d**2 / (2 * (n1 + n0))).sqrt()
    return told.select(
        *within,
        "group",
        p1.alias("share_linked"),
        p0.alias("share_unlinked"),
        d.alias("standardised_difference"),
        (d - reach).alias("standardised_difference_lower"),
        (d + reach).alias("standardised_difference_upper"),
        (d.abs() > NOTEWORTHY).alias("noteworthy"),
    )
