"""NHS Talking Therapies: referrals and appointments of people whom the trust knows."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Rng, chance, pick_key, positions
from pophealth_link.synthetic.events import as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.profile import Table

_EPOCH = date(1970, 1, 1)
_FROM_AGE = 17
_WEEK = 7
_ASSESSED, _TREATED = "01", "02"


def talking_therapies(
    known: pl.DataFrame, period: tuple[date, date], care: Table, rng: Rng
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return talking_therapies_referrals and talking_therapies_contacts of people of the trust."""
    common = (known["has_depression"] | known["has_anxiety"]).to_numpy()
    share = np.where(common, care["referred_if_common"], care["referred_otherwise"])
    start = (period[0] - _EPOCH).days
    could = (known["age"].to_numpy() >= _FROM_AGE) & (known["last_day"].to_numpy() >= start)
    who = known.filter(pl.Series(chance(rng, share) & could))
    last = who["last_day"].to_numpy()
    day = some_day(rng, np.full(who.height, start), last)
    wait = rng.lognormal(np.log(care["wait_days_median"]), care["wait_days_sigma"], who.height)
    treated = day + np.rint(wait).astype(np.int64)
    sessions = rng.poisson(care["sessions_mean"], who.height) + 1
    treated = np.where(chance(rng, care["treated"], who.height), treated, last + 1)
    done = np.where(treated <= last, treated + sessions * _WEEK, day + care["closed_days"])
    events = pl.DataFrame(
        {
            "person": who["person"],
            "referral_date": as_dates(day),
            "discharge_date": end_dates(who, done, np.ones(who.height, dtype=bool)),
            "day": day,
            "treated": treated,
            "last": last,
            "sessions": sessions,
        }
    ).sort("person", "referral_date")
    referrals = with_ids(events, "referral_id", "T")
    contacts = _appointments(referrals, care, rng)
    return referrals.drop("day", "treated", "last", "sessions"), contacts


def _appointments(referrals: pl.DataFrame, care: Table, rng: Rng) -> pl.DataFrame:
    """Return an assessment half-way through the wait, then a session a week."""
    day, treated, last, sessions = (
        referrals[name].to_numpy() for name in ("day", "treated", "last", "sessions")
    )
    count = sessions + 1
    which = np.repeat(np.arange(referrals.height), count)
    place = positions(count)
    half = day + (np.minimum(treated, day + care["closed_days"]) - day) // 2
    when = np.where(place == 0, half[which], treated[which] + (place - 1) * _WEEK)
    rows = pl.DataFrame(
        {
            "person": referrals["person"].to_numpy()[which],
            "contact_date": as_dates(when),
            "attendance": pick_key(rng, care["attendance"], len(which)),
            "appointment_type": np.where(place == 0, _ASSESSED, _TREATED),
            "referral_id": referrals["referral_id"].to_numpy()[which],
        }
    ).filter(pl.Series(when <= last[which]))
    return with_ids(rows.sort("person", "contact_date", "appointment_type"), "contact_id", "N")
