"""The acute trust: admissions, and among them emergencies for mental ill health."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.crisis import attendances
from pophealth_link.synthetic.draws import Bools, Ints, Rng, Streams, chance, pick_key
from pophealth_link.synthetic.events import ServiceUse, as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.risk import risk


def acute(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> ServiceUse:
    """Return who was admitted in the period, the admissions with ICD-10 codes, and attendances.

    Emergencies for mental ill health have F00 to F99 or X60 to X84.
    """
    start = (period[0] - date(1970, 1, 1)).days
    services, care = profile.england["services"], profile.england["acute_care"]
    rng = streams.stage("acute people")
    could = people["last_day"].to_numpy() >= start
    somatic = chance(rng, risk(people, services["acute_admission"], profile)) & could
    mental = chance(rng, risk(people, services["mental_health_emergency"], profile)) & could
    events = pl.concat(
        [
            _admissions(people[_rows(somatic, "any", care, rng)], start, care, rng),
            _admissions(people[_rows(mental, "mental", care, rng)], start, care, rng, mental=True),
        ]
    )
    order = ("person", "start_date", "primary_diagnosis", "admission_method")
    events = with_ids(events.sort(*order), "admission_id", "A")
    stage = streams.stage("emergency attendances")
    came = attendances(events, people, start, profile.england["emergency_care"], stage)
    return ServiceUse(
        np.flatnonzero(somatic | mental), {"admissions": events, "emergency_attendances": came}
    )


def _rows(admitted: Bools, kind: str, care: Table, rng: Rng) -> Ints:
    """Return each admitted person once for every admission of the kind."""
    who = np.flatnonzero(admitted)
    return np.repeat(who, 1 + rng.poisson(care["admissions_beyond_first"][kind], len(who)))


def _admissions(
    people: pl.DataFrame, start: int, care: Table, rng: Rng, *, mental: bool = False
) -> pl.DataFrame:
    """Return an admission for each row of people."""
    last = people["last_day"].to_numpy()
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    day = some_day(rng, np.maximum(start, born), last)
    stay = rng.lognormal(np.log(care["stay_days_median"]), care["stay_days_sigma"], len(day))
    end = day + np.floor(stay).astype(np.int64)
    emergency = mental | chance(rng, care["emergency"], len(day))
    ill = "mental" if mental else "emergency"
    diagnosis = np.where(
        emergency,
        pick_key(rng, care[f"diagnosis_{ill}"], len(day)),
        pick_key(rng, care["diagnosis_elective"], len(day)),
    )
    method = np.where(
        emergency,
        pick_key(rng, care["emergency_method"], len(day)),
        pick_key(rng, care["elective_method"], len(day)),
    )
    return pl.DataFrame(
        {
            "person": people["person"],
            "start_date": as_dates(day),
            "end_date": end_dates(people, end, np.ones(len(end), dtype=bool)),
            "admission_method": method,
            "primary_diagnosis": diagnosis,
        }
    )
