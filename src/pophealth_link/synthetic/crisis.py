"""Crises: assessments with what came of them, and attendances at emergency departments."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Ints, Rng, chance, pick_key
from pophealth_link.synthetic.events import as_dates, some_day, with_ids
from pophealth_link.synthetic.profile import Table

_DAY = 24 * 60
_EMERGENCY_DEPARTMENT = ("21", "2A")
_EMERGENCY = ("21", "22", "25", "28", "2A")


def assessments(
    spells: pl.DataFrame,
    referrals: pl.DataFrame,
    people: pl.DataFrame,
    care: Table,
    streams_rng: Rng,
) -> pl.DataFrame:
    """Return crisis assessments before some emergency admissions, and after crisis referrals."""
    rng = streams_rng
    emergency = spells.filter(pl.col("admission_method").is_in(_EMERGENCY))
    assessed = emergency.filter(pl.Series(chance(rng, care["assessed"], emergency.height)))
    admitted = _timed(assessed["person"], assessed["start_date"], care, rng, backwards=True)
    admitted = admitted.with_columns(pl.lit("admission").alias("decision"))
    urgent = referrals.filter(pl.col("primary_reason") == care["crisis_reason"])
    urgent = urgent.filter(pl.Series(chance(rng, care["assessed"], urgent.height)))
    decision = pick_key(rng, care["decision"], urgent.height)
    seen = _timed(urgent["person"], urgent["referral_date"], care, rng, backwards=False)
    seen = seen.with_columns(pl.Series("decision", decision))
    home = pl.col("decision") == "home_treatment"
    seen = seen.with_columns(
        pl.when(home).then(name).alias(name) for name in ("began_date", "began_time")
    )
    last = people["last_day"].cast(pl.Int32).cast(pl.Date)
    both = pl.concat([admitted, seen.select(admitted.columns)])
    both = both.with_columns(last.gather(both["person"]).alias("last"))
    late = pl.col("began_date") > pl.col("last")
    both = both.filter(pl.col("completed_date") <= pl.col("last")).with_columns(
        pl.when(~late).then(name).alias(name) for name in ("began_date", "began_time")
    )
    return with_ids(both.drop("last").sort(pl.all()), "assessment_id", "K")


def _timed(
    person: pl.Series, day: pl.Series, care: Table, rng: Rng, *, backwards: bool
) -> pl.DataFrame:
    """Return an assessment for each row, completed on the day, or before what began on it."""
    size = len(person)
    minute = day.to_physical().to_numpy().astype(np.int64) * _DAY + rng.integers(0, _DAY, size)
    wait = rng.lognormal(np.log(care["hours_median"]), care["hours_sigma"], size) * 60
    gap = np.rint(wait).astype(np.int64)
    completed, began = (minute - gap, minute) if backwards else (minute, minute + gap)
    told = chance(rng, care["times_recorded"], size)
    return pl.DataFrame(
        {
            "person": person,
            "completed_date": as_dates(completed // _DAY),
            "completed_time": _clock(completed, told),
            "began_date": as_dates(began // _DAY),
            "began_time": _clock(began, told),
        }
    )


def _clock(minutes: Ints, told: Bools) -> pl.Series:
    """Return the time of day as HH:MM; empty where it was not written down."""
    of_day = pl.Series(minutes % _DAY)
    text = pl.format("{}:{}", _two(of_day // 60), _two(of_day % 60))
    return pl.select(pl.when(pl.Series(told)).then(text)).to_series()


def _two(number: pl.Series) -> pl.Series:
    return number.cast(pl.String).str.zfill(2)


def attendances(
    admissions: pl.DataFrame, people: pl.DataFrame, start: int, care: Table, rng: Rng
) -> pl.DataFrame:
    """Return attendances at emergency departments: of those admitted there, and some who were not.

    Whoever is admitted for mental ill health, by any door, may have come before without a bed.
    """
    mental = pl.col("primary_diagnosis").str.contains("^(F|X[678])")
    rows = admissions.with_columns(
        mental.alias("mental"), pl.col("primary_diagnosis").str.starts_with("X").alias("harm")
    )
    came = rows.filter(pl.col("admission_method").is_in(_EMERGENCY_DEPARTMENT))
    more = rows.filter("mental")
    again = more[
        np.repeat(np.arange(more.height), rng.poisson(care["attended_before"], more.height))
    ]
    who = people[again["person"].to_numpy()]
    last = again["start_date"].to_physical().to_numpy().astype(np.int64)
    born = who["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    before = as_dates(some_day(rng, np.maximum(born, start), last)).alias("start_date")
    both = pl.concat([came, again.with_columns(before)]).sort(
        "person", "start_date", "admission_id"
    )
    return with_ids(_described(both, care, rng), "attendance_id", "E")


def _described(rows: pl.DataFrame, care: Table, rng: Rng) -> pl.DataFrame:
    size = rows.height
    complaint = np.where(
        rows["mental"].to_numpy(),
        pick_key(rng, care["complaint_mental"], size),
        pick_key(rng, care["complaint"], size),
    )
    harmed = rows["harm"].to_numpy()
    complaint = np.where(harmed, care["complaint_self_harm"], complaint)
    intent = pl.when(pl.Series(harmed)).then(pl.lit(care["intent_self_harm"]))
    return rows.select(
        "person",
        pl.col("start_date").alias("arrival_date"),
        pl.col("start_date").alias("departure_date"),
        pl.lit("1").alias("attendance_category"),
        pl.Series("chief_complaint", complaint),
        intent.alias("injury_intent"),
    )
