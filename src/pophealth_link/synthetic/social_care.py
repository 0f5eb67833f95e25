"""Adult social care: who is supported, since when, and why."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Rng, Streams, chance, pick_key
from pophealth_link.synthetic.events import ServiceUse, as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.risk import raised, risk

_EPOCH = date(1970, 1, 1)


def social_care(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> ServiceUse:
    """Return who adult social care supported in the period, and the support by reason."""
    start = (period[0] - _EPOCH).days
    service, care = profile.england["services"]["social_care"], profile.england["social_care"]
    rng = streams.stage("social care")
    likely = risk(people, service, profile)
    in_home = people["kind"].to_numpy() == KIND["care_home"]
    likely = raised(people, likely, np.where(in_home, service["care_home_ratio"], 1.0), service)
    supported = chance(rng, likely) & (people["last_day"].to_numpy() >= start)
    supported &= people["age"].to_numpy() >= 18
    who = np.flatnonzero(supported)
    row = np.repeat(who, 1 + rng.poisson(care["events_beyond_first"], len(who)))
    return ServiceUse(who, {"social_care_events": _support(people[row], start, care, rng)})


def _support(people: pl.DataFrame, start: int, care: Table, rng: Rng) -> pl.DataFrame:
    """Return a spell of support for each row of people; it lasts into the period."""
    last = people["last_day"].to_numpy()
    years = rng.exponential(care["years_supported_mean"], len(last))
    adult = people["date_of_birth"].to_physical().to_numpy() + 18 * 366
    day = np.minimum(np.maximum(last - (years * 365.25).astype(np.int64), adult), last)
    end = some_day(rng, np.maximum(day, start), last)
    events = pl.DataFrame(
        {
            "person": people["person"],
            "start_date": as_dates(day),
            "end_date": end_dates(people, end, chance(rng, care["ended"], len(day))),
            "primary_support_reason": _reasons(people, care, rng),
        }
    )
    order = ("person", "start_date", "primary_support_reason")
    return with_ids(events.sort(*order), "event_id", "E")


def _reasons(people: pl.DataFrame, care: Table, rng: Rng) -> pl.Series:
    size = people.height
    younger = pick_key(rng, care["reason_younger"], size)
    older = pick_key(rng, care["reason_older"], size)
    reason = np.where(people["age"].to_numpy() < 65, younger, older)
    ill = people["has_severe_mental_illness"].to_numpy()
    demented = people["has_dementia"].to_numpy()
    mental = ill & chance(rng, care["mental_health_if_ill"], size)
    memory = demented & chance(rng, care["memory_if_dementia"], size)
    reason = np.where(mental, "mental_health", reason)
    return pl.Series(np.where(memory, "memory_and_cognition", reason))
