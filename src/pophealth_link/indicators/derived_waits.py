"""Waits from referral to being seen, with those who are still waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from pophealth_link.indicators.derived_parts import WHO, Given, declared
from pophealth_link.indicators.waiting import BEYOND, SEEN, UNSEEN, Pathway, pathways

_ATTENDED = ("5", "6")
_ROW = ".row"
_BED = "bed"


def waits(given: Given) -> pl.LazyFrame | None:
    """Return a row for each referral to mental-health services in the period, with its wait.

    The wait ends with the first contact attended under the referral (of a contact or referral
    without an id: of the person, while the referral was open). It is unfinished where the referral
    was closed before, or the period ended. Referrals that a hospital spell names, begun before the
    person was seen, are on no pathway but `bed`. Without a reason or without a priority on any
    referral no pathway is known, and there are no waits; nor are there any where no contact tells
    whether it was attended.
    """
    if not given.has("referrals", "contacts"):
        return None
    known = given.says("referrals", "primary_reason", "priority")
    known = known and given.says("contacts", "attendance")
    referrals = given.table("referrals").filter(pl.lit(known))
    return _waits(given, referrals, given.table("contacts"), "referrals")


def talking_therapies(given: Given) -> pl.LazyFrame | None:
    """Return a row for each referral to NHS Talking Therapies in the period; see `waits`."""
    name, seen = "talking_therapies_referrals", "talking_therapies_contacts"
    if not given.has(name, seen):
        return None
    contacts = given.table(seen)
    if given.says(seen, "appointment_type"):
        contacts = contacts.filter(pl.col("appointment_type").is_in(_appointments(name)))
    referrals = given.table(name).filter(pl.lit(given.says(seen, "attendance")))
    return _waits(given, referrals, contacts, name)


def _appointments(table: str) -> list[str]:
    return [code for each in _of(table) for code in each.appointments]


def _of(table: str) -> list[Pathway]:
    return [each for each in pathways().values() if each.table == table]


def _waits(
    given: Given, referrals: pl.LazyFrame, contacts: pl.LazyFrame, table: str
) -> pl.LazyFrame:
    first_day, last_day = given.period
    asked = referrals.filter(pl.col("referral_date").is_between(first_day, last_day))
    asked = _each_once(asked).sort(pl.all()).with_row_index(_ROW)
    attended = contacts.filter(
        pl.col("attendance").is_in(_ATTENDED), pl.col("contact_date").is_between(*given.period)
    ).select(*WHO, "referral_id", "contact_date")
    seen = _first_seen(asked, attended)
    timed = _timed(_with_beds(seen, given), last_day)
    timed = timed.with_columns(_pathway(_of(table)).alias("pathway"))
    known = timed.filter(pl.col("pathway").is_not_null())
    return declared(known.with_columns(_band(_of(table)).alias("band")), _of(table)[0].waits)


def _with_beds(seen: pl.LazyFrame, given: Given) -> pl.LazyFrame:
    """Add `bed`: a hospital spell names the referral, begun by the day when the person was seen."""
    if not given.has("hospital_spells"):
        return seen.with_columns(bed=pl.lit(value=False))
    named = given.table("hospital_spells").filter(
        pl.col("referral_id").is_not_null(), pl.col("start_date").is_not_null()
    )
    first = named.group_by(*WHO, "referral_id").agg(pl.col("start_date").min().alias(".bed"))
    joined = seen.join(first, on=[*WHO, "referral_id"], how="left", nulls_equal=True)
    before = pl.col(".bed") <= pl.coalesce(SEEN, ".bed")
    return joined.with_columns(before.fill_null(value=False).alias("bed")).drop(".bed")


def _each_once(referrals: pl.LazyFrame) -> pl.LazyFrame:
    """Keep one row of each referral id of a person and source."""
    named = referrals.filter(pl.col("referral_id").is_not_null()).sort(pl.all())
    once = named.unique([*WHO, "referral_id"], keep="first", maintain_order=True)
    return pl.concat([once, referrals.filter(pl.col("referral_id").is_null())])


def _first_seen(asked: pl.LazyFrame, attended: pl.LazyFrame) -> pl.LazyFrame:
    """Return the referrals with `seen`, the day of the first contact attended, if any."""
    named = attended.filter(pl.col("referral_id").is_not_null())
    own = (
        asked.select(_ROW, *WHO, "referral_id", "referral_date")
        .filter(pl.col("referral_id").is_not_null())
        .join(named, on=[*WHO, "referral_id"], how="inner", nulls_equal=True)
        .filter(pl.col("contact_date") >= pl.col("referral_date"))
        .group_by(_ROW)
        .agg(pl.col("contact_date").min().alias(".own"))
    )
    joined = asked.join(own, on=_ROW, how="left")
    joined = _next(joined, attended, ".any")
    joined = _next(joined, attended.filter(pl.col("referral_id").is_null()), ".loose")
    loose = pl.when(pl.col("referral_id").is_null()).then(".any").otherwise(".loose")
    open_then = pl.col("discharge_date").is_null() | (loose <= pl.col("discharge_date"))
    return joined.with_columns(
        pl.min_horizontal(".own", pl.when(open_then).then(loose)).alias(SEEN)
    )


def _next(asked: pl.LazyFrame, attended: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """Add the day of the person's next contact with the source, whatever its referral."""
    source = pl.col("source").fill_null("")
    days = attended.select("person_id", source.alias(".source"), pl.col("contact_date").alias(name))
    return (
        asked.with_columns(source.alias(".source"))
        .sort("referral_date")
        .join_asof(
            days.sort(name),
            left_on="referral_date",
            right_on=name,
            by=["person_id", ".source"],
            strategy="forward",
            check_sortedness=False,
        )
        .drop(".source")
    )


def _timed(seen: pl.LazyFrame, last_day: date) -> pl.LazyFrame:
    """Add outcome and days: until seen, else until closed or the last day."""
    closed = pl.min_horizontal(pl.col("discharge_date"), pl.lit(last_day))
    until = pl.coalesce(SEEN, pl.max_horizontal(closed, "referral_date"))
    outcome = pl.when(pl.col(SEEN).is_not_null()).then(pl.lit(SEEN)).otherwise(pl.lit(UNSEEN))
    days = (until - pl.col("referral_date")).dt.total_days()
    return seen.with_columns(outcome.alias("outcome"), days.alias("days"))


def _pathway(listed: Sequence[Pathway]) -> pl.Expr:
    """Return the first pathway that a referral fits; that to a bed is none of them."""
    found: pl.Expr = pl.lit(None, pl.String)
    for each in reversed(listed):
        found = pl.when(_fits(each)).then(pl.lit(each.id)).otherwise(found)
    return pl.when("bed").then(pl.lit(_BED)).otherwise(found)


def _fits(pathway: Pathway) -> pl.Expr:
    tests = [
        pl.col(name).is_in(codes).fill_null(value=False)
        for name, codes in (("primary_reason", pathway.reasons), ("priority", pathway.priorities))
        if codes
    ]
    if not tests:
        return pl.lit(value=True)
    return pl.any_horizontal(tests) if pathway.either else pl.all_horizontal(tests)


def _band(listed: Sequence[Pathway]) -> pl.Expr:
    """Return the number of the band that the days lie in, by the edges of the pathway."""
    found: pl.Expr = pl.lit(BEYOND)
    for each in listed:
        for band, edge in reversed(list(enumerate(each.edges, start=1))):
            inside = (pl.col("pathway") == each.id) & (pl.col("days") <= edge)
            found = pl.when(inside).then(pl.lit(str(band))).otherwise(found)
    return found
