"""The mental-health trust: referrals, contacts, spells in a bed, delayed discharges."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Ints, Rng, Streams, chance, pick_key
from pophealth_link.synthetic.events import ServiceUse, as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.risk import risk

_EPOCH = date(1970, 1, 1)
_EARLIER_DAYS = 3 * 365
_SPELLS_FROM = 90
_SHORTEST_DELAYED_STAY = 10


def mental_health(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> ServiceUse:
    """Return who the trust knows, with referrals, contacts, hospital_spells, delayed_discharges."""
    start = (period[0] - _EPOCH).days
    care = profile.england["mental_health_care"]
    services = profile.england["services"]
    rng = streams.stage("mental health people")
    bed = chance(rng, risk(people, services["mental_health_bed"], profile))
    recent, earlier, over = _known(people, bed, services["mental_health_referral"], profile, rng)
    count = 1 + rng.poisson(care["referrals_beyond_first"], people.height)
    rows = np.repeat(np.arange(people.height), np.where(recent, count, earlier | over))
    stage = streams.stage("referrals")
    referrals = _referrals(people[rows], recent[rows], over[rows], start, care, stage)
    spells = _spells(people.filter(bed), start, care, streams.stage("hospital spells"))
    delays = _delays(spells, people, care, streams.stage("delayed discharges"))
    return ServiceUse(
        np.flatnonzero(recent | earlier | over),
        {
            "referrals": referrals,
            "contacts": _contacts(people, referrals, start, care, streams.stage("contacts")),
            "hospital_spells": spells,
            "delayed_discharges": delays,
        },
    )


def _known(
    people: pl.DataFrame, bed: Bools, settings: Table, profile: Profile, rng: Rng
) -> tuple[Bools, Bools, Bools]:
    """Return who was referred in the period, before it and still open in it, and closed before."""
    likely = risk(people, settings, profile)
    known = chance(rng, likely) | bed
    recent = (known & chance(rng, settings["referred_in_year"], people.height)) | bed
    over = chance(rng, likely * settings["closed_before"]) & ~known
    return recent, known & ~recent, over


def _referrals(
    people: pl.DataFrame, in_period: Bools, over: Bools, start: int, care: Table, rng: Rng
) -> pl.DataFrame:
    """Return a referral for each row of people: in the period, or in the years before it.

    Earlier ones last into the period, unless they were `over` before it.
    """
    last = people["last_day"].to_numpy()
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    first = np.maximum(np.where(in_period, start, start - _EARLIER_DAYS), born)
    day = some_day(rng, first, np.where(in_period, last, np.minimum(last, start - 1)))
    day = np.minimum(day, last)
    soon = day + 1 + rng.exponential(95, len(day)).astype(np.int64)
    late = some_day(rng, np.where(over, day, np.maximum(day, start)), np.where(over, start, last))
    closed = over | ~chance(rng, care["open_after"], len(day))
    events = pl.DataFrame(
        {
            "person": people["person"],
            "referral_date": as_dates(day),
            "discharge_date": end_dates(people, np.where(in_period, soon, late), closed),
        }
    )
    return with_ids(events.sort("person", "referral_date"), "referral_id", "R")


def _contacts(
    people: pl.DataFrame, referrals: pl.DataFrame, start: int, care: Table, rng: Rng
) -> pl.DataFrame:
    """Return contacts from the period's start on; some people have very many."""
    shape = care["contacts_shape"]
    mean = rng.gamma(shape, care["contacts_mean"] / shape, referrals.height)
    which = np.repeat(np.arange(referrals.height), rng.poisson(mean))
    person = referrals["person"].to_numpy()[which]
    referred = referrals["referral_date"].to_physical().to_numpy().astype(np.int64)[which]
    last = people["last_day"].to_numpy()[person]
    ended = referrals["discharge_date"].to_physical().fill_null(2**30).to_numpy()[which]
    final = np.minimum(last, ended.astype(np.int64))
    first = np.maximum(referred, start - 60)
    day = some_day(rng, first, final)
    events = pl.DataFrame(
        {
            "person": person,
            "contact_date": as_dates(day),
            "attendance": pick_key(rng, care["attendance"], len(which)),
        }
    ).filter(pl.Series(final >= first))
    return with_ids(events.sort("person", "contact_date", "attendance"), "contact_id", "C")


def _spells(people: pl.DataFrame, start: int, care: Table, rng: Rng) -> pl.DataFrame:
    """Return a spell for each row of people; a second one begins after the first has ended."""
    last = people["last_day"].to_numpy()
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    day = some_day(rng, np.maximum(start - _SPELLS_FROM, born), last)
    end = day + _stays(len(day), care, rng)
    back = end + rng.integers(5, 120, len(day))
    again = chance(rng, care["second_spell"], len(day)) & (back <= last)
    stay = _stays(len(day), care, rng)
    first = _spell_frame(people, day, end)
    second = _spell_frame(people, back, back + stay).filter(pl.Series(again))
    both = pl.concat([first, second]).sort("person", "start_date")
    method = pl.Series("admission_method", pick_key(rng, care["admission_method"], both.height))
    return with_ids(both.with_columns(method), "spell_id", "S")


def _stays(size: int, care: Table, rng: Rng) -> Ints:
    middle = np.log(care["stay_days_median"])
    return rng.lognormal(middle, care["stay_days_sigma"], size).astype(np.int64)


def _spell_frame(people: pl.DataFrame, day: Ints, end: Ints) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "person": people["person"],
            "start_date": as_dates(day),
            "end_date": end_dates(people, end, np.ones(len(end), dtype=bool)),
        }
    )


def _delays(spells: pl.DataFrame, people: pl.DataFrame, care: Table, rng: Rng) -> pl.DataFrame:
    """Return delays: the last days of some longer stays, with a reason."""
    begun = spells["start_date"].to_physical().to_numpy().astype(np.int64)
    last = people["last_day"].to_numpy()[spells["person"].to_numpy()]
    open_until = spells["end_date"].to_physical().to_numpy()
    over = np.where(np.isnan(open_until.astype(float)), last, np.nan_to_num(open_until))
    over = over.astype(np.int64)
    stay = over - begun
    delayed = chance(rng, care["delayed"], len(stay)) & (stay >= _SHORTEST_DELAYED_STAY)
    days = 1 + rng.exponential(care["delay_days_mean"], len(stay)).astype(np.int64)
    ready = np.maximum(over - days, begun + 7)
    reason = pick_key(rng, care["delay_reason"], len(stay))
    events = spells.select("person", "spell_id", "end_date").with_columns(
        as_dates(ready).alias("start_date"), pl.Series("reason", reason)
    )
    return events.filter(pl.Series(delayed)).sort("person", "start_date")
