"""The mental-health trust: referrals, contacts, spells in a bed, delayed discharges."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic import crisis, inpatient
from pophealth_link.synthetic.draws import Bools, Ints, Rng, Streams, chance, pick_key, positions
from pophealth_link.synthetic.events import ServiceUse, as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.referrals import add_reasons
from pophealth_link.synthetic.risk import risk
from pophealth_link.synthetic.talking_therapies import talking_therapies

_EPOCH = date(1970, 1, 1)
_EARLIER_DAYS = 3 * 365
_SPELLS_FROM = 90
_SHORTEST_DELAYED_STAY = 10


def mental_health(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> ServiceUse:
    """Return who the trust knows, and what happened to them, by table.

    referrals, contacts, hospital_spells, ward_stays, delayed_discharges, legal_statuses,
    crisis_assessments, talking_therapies_referrals, talking_therapies_contacts.
    """
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
    details = profile.england["mental_health_details"]
    referrals = add_reasons(referrals, people, details, streams.stage("referral reasons"))
    contacts = _contacts(people, referrals, start, care, streams.stage("contacts"))
    spells = _spells(people.filter(bed), start, care, streams.stage("hospital spells"))
    known = np.flatnonzero(recent | earlier | over)
    therapies = profile.england["talking_therapies"]
    asked, met = talking_therapies(
        people[known], period, therapies, streams.stage("talking therapies")
    )
    return ServiceUse(
        known,
        {
            **_in_hospital(spells, referrals.drop("wait"), people, profile, streams),
            "contacts": contacts,
            "delayed_discharges": _delays(
                spells, people, care, streams.stage("delayed discharges")
            ),
            "talking_therapies_referrals": asked,
            "talking_therapies_contacts": met,
        },
    )


def _in_hospital(
    spells: pl.DataFrame,
    referrals: pl.DataFrame,
    people: pl.DataFrame,
    profile: Profile,
    streams: Streams,
) -> dict[str, pl.DataFrame]:
    """Return the spells, and what goes with them: placements, wards, sections, assessments."""
    details = profile.england["mental_health_details"]
    placed, away = inpatient.out_of_area(spells, people, details, streams.stage("out of area"))
    return {
        "hospital_spells": placed,
        "referrals": pl.concat([referrals, away], how="diagonal"),
        "ward_stays": inpatient.ward_stays(placed, people, details, streams.stage("ward stays")),
        "legal_statuses": inpatient.legal_statuses(
            spells, people, details, streams.stage("legal statuses")
        ),
        "crisis_assessments": crisis.assessments(
            spells, referrals, people, details, streams.stage("crisis assessments")
        ),
    }


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
    """Return contacts from the period's start on; some people have very many.

    The first of a referral comes when its wait is over.
    """
    shape = care["contacts_shape"]
    mean = rng.gamma(shape, care["contacts_mean"] / shape, referrals.height)
    counts = rng.poisson(mean)
    which = np.repeat(np.arange(referrals.height), counts)
    person = referrals["person"].to_numpy()[which]
    referred = referrals["referral_date"].to_physical().to_numpy().astype(np.int64)[which]
    last = people["last_day"].to_numpy()[person]
    ended = referrals["discharge_date"].to_physical().fill_null(2**30).to_numpy()[which]
    final = np.minimum(last, ended.astype(np.int64))
    waited = referrals["wait"].to_numpy()[which]
    first = np.maximum(referred + waited, start - 60)
    day = some_day(rng, first, final)
    day = np.where((positions(counts) == 0) & (first == referred + waited), first, day)
    events = pl.DataFrame(
        {
            "person": person,
            "contact_date": as_dates(day),
            "attendance": pick_key(rng, care["attendance"], len(which)),
            "referral_id": referrals["referral_id"].gather(which),
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
