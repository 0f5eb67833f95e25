"""Mental-health crises: who came to notice, and how soon a bed or home treatment was found."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pophealth_link.indicators.derived_parts import Given, declared
from pophealth_link.schema.codes_services import (
    CRISIS_COMPLAINTS,
    PLACE_OF_SAFETY_ORDERS,
    SELF_INFLICTED,
)

# Mental and behavioural disorders, and intentional self-harm (ICD-10).
_ICD10 = r"^(F[0-9][0-9]|X[67][0-9]|X8[0-4])"
_URGENT, _CRISIS_REASON = ("1", "4"), "18"
_LIMIT = timedelta(hours=4)
_DAY = timedelta(days=1)
_BEGINS = ("admission", "home_treatment")


def presentations(given: Given) -> pl.LazyFrame | None:
    """Return days on which people came to notice in a crisis, one row a person, day and route.

    Referrals tell of crises only where the extract has both priorities and reasons.
    """
    routes = {name: make for name, make in _ROUTES.items() if given.has(name)}
    if not given.says("referrals", "priority", "primary_reason"):
        routes.pop("referrals", None)
    parts = [make(given.table(name)) for name, make in routes.items()]
    return declared(pl.concat(parts).unique(), "crisis_presentations") if parts else None


def _attendances(table: pl.LazyFrame) -> pl.LazyFrame:
    mental = (
        pl.col("chief_complaint").is_in(list(CRISIS_COMPLAINTS))
        | (pl.col("injury_intent") == SELF_INFLICTED)
        | pl.col("diagnosis").str.contains(_ICD10)
    )
    return _presented(table.filter(mental), "arrival_date", "emergency_department")


def _referrals(table: pl.LazyFrame) -> pl.LazyFrame:
    urgent = pl.col("priority").is_in(_URGENT) | (pl.col("primary_reason") == _CRISIS_REASON)
    return _presented(table.filter(urgent), "referral_date", "crisis_referral")


def _orders(table: pl.LazyFrame) -> pl.LazyFrame:
    taken = table.filter(pl.col("legal_status").is_in(PLACE_OF_SAFETY_ORDERS))
    return _presented(taken, "start_date", "place_of_safety")


def _presented(table: pl.LazyFrame, day: str, route: str) -> pl.LazyFrame:
    return table.select("person_id", presented_date=day, route=pl.lit(route))


_ROUTES = {
    "emergency_attendances": _attendances,
    "referrals": _referrals,
    "legal_statuses": _orders,
}


def outcomes(given: Given) -> pl.LazyFrame | None:
    """Return crisis assessments that decided on a bed or home treatment, and the wait for it.

    `within`: it began at most 4 hours after the assessment was completed, or before. Where a time
    of day is not known, the day's first and last moments bound the wait, and it is told only where
    the bounds agree. What had not begun by the end of the period counts as over, unless 4 hours
    had not passed, or the extract tells of no admission (of no home treatment) that it began. The
    day of an admission that the assessment leaves out is that of the person's next spell in a
    mental-health bed; its time of day, where that is left out, is that of the spell of the day.
    """
    if not given.has("crisis_assessments"):
        return None
    decided = given.table("crisis_assessments").filter(pl.col("decision").is_in(_BEGINS))
    decided = _with_admissions(decided, given)
    completed, began = _moments("completed"), _moments("began")
    least = began[0] - completed[1]
    most = began[1] - completed[0]
    last = pl.lit(given.period[1]).cast(pl.Datetime("us")) + _DAY
    pending = pl.col("began_date").is_null()
    wait = (
        pl.when(pending & _told(given) & (last - completed[1] > _LIMIT))
        .then(pl.lit("over"))
        .when(pending | (most < -_DAY))
        .then(pl.lit("not_known"))
        .when(least > _LIMIT)
        .then(pl.lit("over"))
        .when(most <= _LIMIT)
        .then(pl.lit("within"))
        .otherwise(pl.lit("not_known"))
    )
    return declared(decided.with_columns(wait.alias("wait")), "crisis_outcomes")


def _told(given: Given) -> pl.Expr:
    """Return whether the extract tells of anybody that what was decided on had begun."""
    told = [each for each in _BEGINS if given.says_of("crisis_assessments", "began_date", each)]
    if given.says("hospital_spells", "start_date"):
        told.append("admission")
    return pl.col("decision").is_in(told)


def _with_admissions(decided: pl.LazyFrame, given: Given) -> pl.LazyFrame:
    """Fill the day of an admission from the person's next spell in a mental-health bed."""
    if not given.has("hospital_spells"):
        return decided
    clock = pl.col("start_time")
    spells = (
        given.table("hospital_spells")
        .filter(pl.col("start_date").is_not_null())
        .group_by("person_id", admitted="start_date")
        .agg(pl.when(clock.null_count() == 0).then(clock.min()).alias("at"))
        .sort("admitted")
    )
    found = (
        decided.filter(pl.col("completed_date").is_not_null())
        .sort("completed_date")
        .join_asof(
            spells,
            left_on="completed_date",
            right_on="admitted",
            by="person_id",
            strategy="forward",
            check_sortedness=False,
        )
    )
    admission = pl.col("decision") == "admission"
    unsaid = admission & pl.col("began_date").is_null()
    began = pl.when(unsaid).then("admitted").otherwise("began_date")
    timeless = admission & (began == pl.col("admitted")) & pl.col("began_time").is_null()
    time = pl.when(timeless).then("at").otherwise("began_time")
    return found.with_columns(began.alias("began_date"), time.alias("began_time")).drop(
        "admitted", "at"
    )


def _moments(what: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the first and the last moment that a day and a time of day, if known, allow."""
    day = pl.col(f"{what}_date").cast(pl.Datetime("us"))
    clock = pl.col(f"{what}_time").str.slice(0, 5).str.to_time("%H:%M", strict=False)
    since = clock.cast(pl.Duration("us"))
    known = day + since
    return pl.coalesce(known, day), pl.coalesce(known, day + _DAY)
