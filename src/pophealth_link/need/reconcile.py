"""A run's registers and activity beside published ones, for the same practices and period."""

from __future__ import annotations

from datetime import date

import polars as pl

from pophealth_link.need.compare_sides import Baseline
from pophealth_link.need.release import GIVEN
from pophealth_link.need.snapshot import Snapshot
from pophealth_link.places.parts import PART_MARK
from pophealth_link.places.units import REGISTERED, RESIDENT, is_reason
from pophealth_link.schema.outputs_compare import RECONCILED

LIMIT = 5.0
PRACTICE = "practice"
# A published day further from the run's than this is of another time (assumed: a quarter).
DAYS_APART = 92
_AREAS = ("lad", "ward", "msoa", "region")
_KEY = ("footprint_type", "footprint_code", "basis", "indicator")
_DECIMALS = 6


def reconcile(
    own: Baseline,
    published: pl.DataFrame,
    *,
    practices: pl.DataFrame | None = None,
    limit: float = LIMIT,
) -> pl.DataFrame:
    """Return RECONCILED: one row per footprint or practice, indicator and publication, sorted.

    `own`: a released baseline with its snapshot, whose memberships say which practices are in a
    footprint; `published`: PUBLISHED_COUNTS. Counts of practices are summed to each footprint of
    the registered basis (a shared practice by its share) and set beside the footprint's own count
    of all people; those of footprints are set beside it on their own basis. A practice that is
    split person by person counts where all its parts are in the footprint. `practices`: the run's
    own counts by practice (unit, indicator, numerator, denominator, period, not for release),
    where they are at hand: then each practice has a row as well.

    difference = 100·(own − published)/published. A row `differs` where that is more than `limit`
    either way, and `agrees` where it is not, whatever the own count was before it was rounded to
    the policy's step; where that may have been on the other side of the limit, the status is
    `within_rounding` of a difference above it and `agrees_as_released` of one up to it. A count on
    a day is of the same time within a quarter of the run's day, one of a period only if first and
    last day are the run's. A footprint some of whose practices have no published count, or have a
    part elsewhere, is `other_practices`. What is published of other places is left out.
    """
    snapshot = own.snapshot
    rows = [_by_footprint(own, published, snapshot)]
    if practices is not None:
        rows.append(_by_practice(practices, published))
    made = _with_periods(pl.concat(rows, how="diagonal"), snapshot)
    judged = _judged(_compared(made), snapshot.base if snapshot else 1, limit)
    return judged.select(pl.col(c.name).cast(c.dtype) for c in RECONCILED.columns).sort(
        *_KEY, "source", nulls_last=True
    )


def _by_footprint(
    own: Baseline, published: pl.DataFrame, snapshot: Snapshot | None
) -> pl.DataFrame:
    cells = own.cells.filter(pl.col("stratum") == "all", ~is_reason())
    shown = pl.col("status").is_in(GIVEN)
    held = cells.select(
        *_KEY,
        "footprint_name",
        own=pl.when(shown).then("numerator"),
        own_denominator=pl.when(shown).then("denominator"),
        own_period="period",
    )
    summed = _summed(published, snapshot, held)
    whole = published.filter(pl.col("area_type") != PRACTICE).rename(
        {"area_type": "footprint_type", "area_code": "footprint_code"}
    )
    # A local authority is published by residence; what the NHS is organised by, by registration.
    area = pl.col("footprint_type").is_in(_AREAS)
    usual = pl.when(area).then(pl.lit(RESIDENT)).otherwise(pl.lit(REGISTERED))
    whole = whole.with_columns(pl.coalesce("basis", usual).alias("basis"))
    every = pl.concat([summed, whole.with_columns(coverage=pl.lit(1.0)).select(summed.columns)])
    indicators = every.select("indicator").unique()
    kinds = every.select("footprint_type", "basis").unique()
    mine = held.join(indicators, on="indicator", how="semi").join(
        kinds, on=["footprint_type", "basis"], how="semi"
    )
    return mine.join(every, on=list(_KEY), how="left")


def _summed(published: pl.DataFrame, snapshot: Snapshot | None, held: pl.DataFrame) -> pl.DataFrame:
    """Return published counts of practices summed to each footprint on the registered basis."""
    columns = ["numerator", "denominator"]
    rows = published.filter(pl.col("area_type") == PRACTICE)
    members = _members(snapshot)
    sizes = members.group_by("footprint_type", "footprint_code").agg(
        pl.col("practice").n_unique().alias("units")
    )
    whole = members.drop_nulls("share")
    joined = whole.join(rows, left_on="practice", right_on="area_code").sort("practice")
    by = ["footprint_type", "footprint_code", "indicator", "period_start", "period_end", "source"]
    sums = [
        pl.when(pl.col(name).is_not_null().all())
        .then((pl.col(name) * pl.col("share")).sum())
        .alias(name)
        for name in columns
    ]
    summed = joined.group_by(by, maintain_order=True).agg(
        *sums, pl.col("practice").n_unique().alias("practices")
    )
    kinds = held["footprint_type"].unique().implode()
    made = summed.filter(pl.col("footprint_type").is_in(kinds)).join(
        sizes, on=["footprint_type", "footprint_code"]
    )
    return made.select(
        "footprint_type", "footprint_code", basis=pl.lit(REGISTERED), indicator="indicator",
        numerator="numerator", denominator="denominator", period_start="period_start",
        period_end="period_end", source="source",
        coverage=pl.col("practices") / pl.col("units"),
    )  # fmt: skip


def _members(snapshot: Snapshot | None) -> pl.DataFrame:
    """Return practice, footprint_type, footprint_code and share, null where a part is elsewhere.

    Parts of a split practice are units for people, but published counts are of whole practices.
    """
    schema = dict.fromkeys(("practice", "footprint_type", "footprint_code"), pl.String)
    if snapshot is None:
        return pl.DataFrame(schema={**schema, "share": pl.Float64})
    rows = snapshot.memberships.filter(pl.col("basis") == REGISTERED).with_columns(
        practice=pl.col("unit").str.split(PART_MARK).list.first()
    )
    parts = rows.group_by("practice").agg(parts=pl.col("unit").n_unique())
    here = rows.group_by(*schema).agg(pl.col("share").min(), here=pl.col("unit").n_unique())
    alone, entire = pl.col("parts") == 1, pl.col("share") == 1
    held = (pl.col("here") == pl.col("parts")) & (alone | entire)
    return here.join(parts, on="practice").select(*schema, share=pl.when(held).then("share"))


def _by_practice(practices: pl.DataFrame, published: pl.DataFrame) -> pl.DataFrame:
    """Return each practice that is in the run or published, with both counts."""
    rows = published.filter(pl.col("area_type") == PRACTICE)
    mine = practices.join(rows.select("indicator").unique(), on="indicator", how="semi").select(
        footprint_code="unit",
        indicator="indicator",
        own=pl.col("numerator").cast(pl.Float64),
        own_denominator=pl.col("denominator").cast(pl.Float64),
        own_period=pl.col("period"),
    )
    theirs = rows.rename({"area_code": "footprint_code"}).drop("area_type", "basis")
    both = mine.join(theirs, on=["footprint_code", "indicator"], how="left")
    return both.with_columns(
        footprint_type=pl.lit(PRACTICE),
        basis=pl.lit(REGISTERED),
        footprint_name=pl.lit(None, pl.String),
        coverage=pl.when(pl.col("numerator").is_not_null()).then(1.0),
        exact=pl.lit(value=True),
    )


def _with_periods(rows: pl.DataFrame, snapshot: Snapshot | None) -> pl.DataFrame:
    """Add whether both counts are of the same time, and the published day or period in words."""
    words = pl.concat_str(
        [pl.col("period_start").cast(pl.String), pl.col("period_end").cast(pl.String)],
        separator=" to ",
        ignore_nulls=True,
    )
    told = pl.col("period_end").is_not_null()
    rows = rows.with_columns(pl.when(told).then(words).alias("published_period"))
    if snapshot is None:
        return rows.with_columns(same_time=told & (pl.col("own_period") == words))
    first, last = snapshot.period
    on_day = pl.col("period_start").is_null()
    apart = (pl.col("period_end") - pl.lit(_day(snapshot))).dt.total_days().abs()
    whole = (pl.col("period_start") == first) & (pl.col("period_end") == last)
    same = pl.when(on_day).then(apart <= DAYS_APART).otherwise(whole)
    return rows.with_columns(same_time=(told & same).fill_null(value=False))


def _day(snapshot: Snapshot) -> date:
    return snapshot.as_of


def _compared(rows: pl.DataFrame) -> pl.DataFrame:
    def apart(own: str, theirs: str) -> pl.Expr:
        known = pl.col(theirs) > 0
        return pl.when(known).then(100 * (pl.col(own) - pl.col(theirs)) / pl.col(theirs))

    def share(count: str, of: str) -> pl.Expr:
        return pl.when(pl.col(of) > 0).then(100 * pl.col(count) / pl.col(of))

    renamed = rows.rename({"numerator": "published", "denominator": "published_denominator"})
    return renamed.with_columns(
        apart("own", "published").round(_DECIMALS).alias("difference"),
        apart("own_denominator", "published_denominator")
        .round(_DECIMALS)
        .alias("denominator_difference"),
        share("own", "own_denominator").round(_DECIMALS).alias("own_share"),
        share("published", "published_denominator").round(_DECIMALS).alias("published_share"),
        pl.col("coverage").round(_DECIMALS),
    )


def _judged(rows: pl.DataFrame, base: int, limit: float) -> pl.DataFrame:
    own, published = pl.col("own"), pl.col("published")
    if "exact" not in rows.columns:
        rows = rows.with_columns(exact=pl.lit(value=False))
    half = (
        pl.when(pl.col("exact").fill_null(value=False))
        .then(0.0)
        .otherwise(base / 2 if base > 1 else 0.0)
    )
    gap = (own - published).abs()
    most = limit / 100 * published
    cases = (
        (published.is_null(), "not_published"),
        (own.is_null(), "not_given"),
        (pl.col("coverage") < 1, "other_practices"),
        (~pl.col("same_time"), "other_period"),
        (gap + half <= most, "agrees"),
        (gap <= most, "agrees_as_released"),
        (gap - half <= most, "within_rounding"),
    )
    status: pl.Expr = pl.lit("differs")
    for test, word in reversed(cases):
        status = pl.when(test.fill_null(value=False)).then(pl.lit(word)).otherwise(status)
    return rows.with_columns(status.alias("status"))
