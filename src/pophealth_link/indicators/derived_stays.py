"""Stays in mental-health beds: discharges and readmissions, placements, days by type of ward."""

from __future__ import annotations

import polars as pl

from pophealth_link.indicators.derived_parts import (
    WHO,
    Given,
    continuous,
    declared,
    each_day_once,
    ended,
    unended,
)
from pophealth_link.schema.codes_services import GROUP_OF_DELAY, WARD_TYPE_OF_BED

# Hospital Episode Statistics: ADMIMETH 21 to 28 and 2A to 2D.
EMERGENCY_METHODS = ("21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D")
FOLLOW_UP_DAYS = 30
_DIED = "4"
_INAPPROPRIATE, _NOT_KNOWN = "10", "99"
_SPELL = (*WHO, "spell_id")


def bed_discharges(given: Given) -> pl.LazyFrame | None:
    """Return discharges alive from continuous stays, and whether an emergency admission followed.

    Spells that meet (a transfer) are one stay, across sources; a spell that ends before it begins
    is none (see `derived_parts.backward`). A readmission is a stay that began with an emergency
    admission, 1 to 30 days after the discharge; it is not known where the extract never tells how
    people were admitted.
    """
    if not given.has("hospital_spells"):
        return None
    spells = given.table("hospital_spells")
    first = pl.col("admission_method").first().is_in(EMERGENCY_METHODS).alias("emergency")
    last = pl.col("discharge_method").sort_by(".end").last()
    stays = continuous(spells, ("person_id",), first, last)
    over = stays.filter(
        pl.col("end_date").is_not_null(), pl.col("discharge_method").ne_missing(_DIED)
    )
    again = stays.filter("emergency").select("person_id", again="start_date").sort("again")
    found = over.sort("end_date").join_asof(
        again,
        left_on="end_date",
        right_on="again",
        by="person_id",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    follow_up = pl.col("end_date").dt.offset_by(f"{FOLLOW_UP_DAYS}d")
    back = (pl.col("again") <= follow_up).fill_null(value=False)
    return declared(
        found.with_columns(
            follow_up.alias("follow_up_date"),
            pl.col("end_date").alias("discharge_date"),
            _yes_no(back, told=given.says("hospital_spells", "admission_method")).alias(
                "readmitted"
            ),
        ),
        "bed_discharges",
    )


def _yes_no(condition: pl.Expr, *, told: bool) -> pl.Expr:
    """Return yes or no, or nothing where the extract tells it of nobody."""
    said = pl.when(condition).then(pl.lit("yes")).otherwise(pl.lit("no"))
    return said if told else pl.lit(None, pl.String)


def placements(given: Given) -> pl.LazyFrame | None:
    """Return spells out of area: those of a referral that says why it is made out of area.

    A spell that does not name its referral belongs to those of the same person and source that
    were open when it began. Distance: of the first stay on a ward whose distance from home is
    known. Whether one is known is empty where the extract tells no distance of anybody.
    """
    if not given.has("hospital_spells", "referrals"):
        return None
    placed = _placed(given)
    if given.has("ward_stays"):
        distance = (
            given.table("ward_stays")
            .filter(pl.col("home_distance").is_not_null(), pl.col("spell_id").is_not_null())
            .sort(*_SPELL, "start_date", "home_distance")
            .group_by(_SPELL)
            .agg(pl.col("home_distance").first().alias("distance"))
        )
        placed = placed.join(distance, on=_SPELL, how="left", nulls_equal=True)
    else:
        placed = placed.with_columns(distance=pl.lit(None, pl.Int64))
    told = _names_spells(given) and given.says("ward_stays", "home_distance")
    known = _yes_no(pl.col("distance").is_not_null(), told=told)
    return declared(placed.with_columns(known.alias("distance_known")), "placements")


def _names_spells(given: Given) -> bool:
    """Return whether the extract tells of anybody in which spell a stay on a ward was."""
    return given.says("hospital_spells", "spell_id") and given.says("ward_stays", "spell_id")


def _placed(given: Given) -> pl.LazyFrame:
    """Return the spells out of area with `kind`, each once."""
    spells = given.table("hospital_spells").filter(pl.col("start_date").is_not_null())
    spells = spells.sort(pl.all()).with_row_index(".spell")
    reason = pl.col("out_of_area_reason")
    kind = (
        pl.when(reason == _INAPPROPRIATE)
        .then(pl.lit("inappropriate"))
        .when(reason == _NOT_KNOWN)
        .then(pl.lit("not_known"))
        .otherwise(pl.lit("appropriate"))
    )
    away = given.table("referrals").filter(reason.is_not_null())
    away = away.select(
        *WHO,
        kind.alias("kind"),
        pl.col("referral_id").alias(".referral"),
        pl.col("referral_date").alias(".from"),
        unended("discharge_date").alias(".to"),
    )
    named = pl.col("referral_id").is_not_null() & pl.col(".referral").is_not_null()
    same = pl.col("referral_id") == pl.col(".referral")
    within = pl.col("start_date").is_between(pl.col(".from"), pl.col(".to"))
    both = spells.join(away, on=WHO, how="inner", nulls_equal=True)
    fits = both.filter(pl.when(named).then(same).otherwise(within))
    # Of several referrals that fit, the one that was made for want of a bed tells.
    order = pl.col("kind").replace_strict({"inappropriate": 0, "appropriate": 1, "not_known": 2})
    return fits.sort(".spell", order).unique(".spell", keep="first", maintain_order=True)


def ward_type_stays(given: Given) -> pl.LazyFrame | None:
    """Return stays on wards with the type of ward and whether they were out of area.

    Each day of a person is there once: of stays that overlap, it is of the one that began first.
    The place is empty where the extract tells of no referral why it was made out of area, or of no
    stay in which spell it was.
    """
    if not given.has("ward_stays"):
        return None
    stays = each_day_once(_typed_stays(given), ("person_id",))
    if not (given.says("referrals", "out_of_area_reason") and _names_spells(given)):
        unknown = pl.lit(None, pl.String)
        return declared(stays.with_columns(place=unknown), "ward_type_stays")
    away = _placed(given).select(*_SPELL, "kind").unique()
    kinds = away.group_by(_SPELL).agg((pl.col("kind") == "inappropriate").any().alias("no_bed"))
    joined = stays.join(
        kinds.filter(pl.col("spell_id").is_not_null()), on=_SPELL, how="left", nulls_equal=True
    )
    place = (
        pl.when(pl.col("no_bed").is_null())
        .then(pl.lit("local"))
        .when("no_bed")
        .then(pl.lit("out_of_area_no_bed"))
        .otherwise(pl.lit("out_of_area_other"))
    )
    return declared(joined.with_columns(place.alias("place")), "ward_type_stays")


def _typed_stays(given: Given) -> pl.LazyFrame:
    """Return ward stays whose type of bed is known, with `ward_type`."""
    kind = pl.col("bed_type").replace_strict(WARD_TYPE_OF_BED, default="other")
    stays = given.table("ward_stays").filter(pl.col("bed_type").is_not_null())
    return stays.with_columns(kind.alias("ward_type"))


def ward_type_delays(given: Given) -> pl.LazyFrame | None:
    """Return delayed discharges by the type of ward that each part of them was spent on.

    Each day of a person is there once: of delays that overlap, under the reason that began first.
    Wards are matched by spell. Days on no known ward keep their days, with no type of ward, so
    that all parts add up to the days delayed. The group is empty where the extract has no reasons.
    """
    if not given.has("delayed_discharges"):
        return None
    group = pl.col("reason").replace_strict(GROUP_OF_DELAY, default="not_known")
    if not given.says("delayed_discharges", "reason"):
        group = pl.lit(None, pl.String)
    delays = given.table("delayed_discharges").with_columns(group.alias("reason_group"))
    delays = each_day_once(delays, ("person_id",)).with_row_index(".delay")
    if given.has("ward_stays"):
        parts = _on_wards(delays, given)
    else:
        parts = delays.with_columns(ward_type=pl.lit(None, pl.String))
    return declared(parts, "ward_type_delays")


def _on_wards(delays: pl.LazyFrame, given: Given) -> pl.LazyFrame:
    """Return the parts of delays on each ward, and between and beside them on none."""
    wards = _typed_stays(given).select(
        *_SPELL, "ward_type", pl.col("start_date").alias(".from"), unended().alias(".to")
    )
    known = wards.filter(pl.col("spell_id").is_not_null())
    both = delays.join(known, on=_SPELL, how="inner", nulls_equal=True).with_columns(
        pl.max_horizontal("start_date", ".from").alias("start_date"),
        ended(pl.min_horizontal(unended(), ".to")).alias("end_date"),
    )
    held = each_day_once(both.drop(".from", ".to"), (".delay",))
    return pl.concat([held, _beside(delays, held).select(held.collect_schema().names())])


def _beside(delays: pl.LazyFrame, held: pl.LazyFrame) -> pl.LazyFrame:
    """Return the parts of delays that none of the parts `held` covers."""
    covered = held.select(
        ".delay", pl.col("start_date").alias(".next"), unended().alias(".covered")
    )
    # A stay on no day, at the end of each delay, closes its last gap.
    last = delays.select(".delay", unended().alias(".next"), unended().alias(".covered"))
    before = pl.col(".covered").shift(1).over(".delay")
    gaps = (
        pl.concat([covered, last])
        .sort(".delay", ".next", ".covered")
        .with_columns(before.alias(".since"))
        .join(delays, on=".delay")
        .with_columns(pl.coalesce(".since", "start_date").alias("start_date"))
        .filter(pl.col(".next") > pl.col("start_date"))
    )
    return gaps.with_columns(
        ended(pl.col(".next")).alias("end_date"), ward_type=pl.lit(None, pl.String)
    )
