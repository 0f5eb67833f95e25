"""Homelessness: cases by duty, placements, and people with no fixed abode."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, Streams, chance, pick_key
from pophealth_link.synthetic.events import ServiceUse, as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.housing import by_age, by_tenure, partners, shared_with
from pophealth_link.synthetic.members import CHILD, HEAD, SHARER
from pophealth_link.synthetic.profile import Profile, Table, per_quintile
from pophealth_link.synthetic.risk import proneness, unlisted_ratio

_EPOCH = date(1970, 1, 1)
_EARLIER_DAYS = 540


def homelessness(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> tuple[ServiceUse, Bools]:
    """Return who is on a homelessness case, with cases and placements, and who has no fixed abode.

    A case names its applicant, often the partner and the children; each has a row of it. Who lives
    in temporary accommodation now is placed there; the placements of others have ended.
    """
    settings, rng = profile.england["homelessness"], streams.stage("homelessness")
    who = np.flatnonzero(chance(rng, _homeless_risk(people, settings, profile)))
    lead = _cases(people[who], period, settings, rng)
    others = pl.concat(
        [
            partners(people, who, settings["partner_recorded"], rng),
            _children(people, who, settings["children_recorded"], rng),
        ]
    ).sort("person", "also")
    cases = (
        pl.concat([lead, shared_with(lead, others, people)])
        .unique("person", keep="first")
        .sort("person")
    )
    placements = _placements(people, lead, settings, rng)
    placed = pl.concat([placements, shared_with(placements, others, people)])
    placed = placed.unique("person", keep="first").sort("person")
    roofless = _roofless(people, lead, settings, rng)
    events = {"homelessness_cases": cases, "temporary_accommodation": placed}
    return ServiceUse(cases["person"].to_numpy(), events), roofless


def _homeless_risk(people: pl.DataFrame, settings: Table, profile: Profile) -> Floats:
    """Return the probability that a person applies as homeless for a household."""
    role, age, kind = (people[name].to_numpy() for name in ("role", "age", "kind"))
    ratio = np.ones(len(KIND))
    for name, value in settings["kind_ratio"].items():
        ratio[KIND[name]] = value
    rate = by_tenure(people, settings["household"]) * ratio[kind]
    rate *= per_quintile(settings["quintile"])[people["quintile"].to_numpy()]
    rate *= profile.per_group(settings["ethnic"])[people["group"].to_numpy()]
    rate *= by_age(people, settings["age"]) * proneness(people, 1.0, profile)
    for condition, times in settings["conditions"].items():
        rate = np.where(people[f"has_{condition}"].to_numpy(), rate * times, rate)
    leads = np.isin(role, (HEAD, SHARER)) | ((role == CHILD) & (age >= 18))
    rate = np.where(leads & (age >= 16), rate, 0.0)
    rate = rate * unlisted_ratio(people, settings["unregistered"])
    rate = np.where(people["no_fixed_abode"].to_numpy(), 0.7, rate)
    rate = np.minimum(rate, 0.7)
    placed = people["temporary_accommodation"].to_numpy() & np.isin(role, (HEAD, SHARER))
    rate = np.where(placed, settings["placed_known"], rate)
    return np.asarray(np.where(people["lives_outside"].to_numpy(), 0.0, rate))


def _cases(
    people: pl.DataFrame, period: tuple[date, date], settings: Table, rng: Rng
) -> pl.DataFrame:
    """Return a case for each row of people, begun in the period or some time before it."""
    start, size = (period[0] - _EPOCH).days, people.height
    last = people["last_day"].to_numpy()
    before = chance(rng, settings["before_the_period"], size)
    first = np.where(before, start - _EARLIER_DAYS, start)
    day = np.minimum(some_day(rng, first, np.where(before, start - 1, last)), last)
    placed = people["temporary_accommodation"].to_numpy()
    day = np.where(placed, _moved_in(people, day) - rng.integers(0, 40, size), day)
    end = day + 20 + rng.exponential(130, size).astype(np.int64)
    duty = np.where(placed, pick_key(rng, settings["duty_if_placed"], size),
                    pick_key(rng, settings["duty"], size))  # fmt: skip
    cases = pl.DataFrame(
        {
            "person": people["person"],
            "duty": duty,
            "start_date": as_dates(day),
            "end_date": end_dates(people, end, chance(rng, settings["ended"], size) & ~placed),
        }
    )
    return with_ids(cases, "case_id", "HC")


def _moved_in(people: pl.DataFrame, otherwise: Ints) -> Ints:
    """Return the day of each person's latest move; another day for who has not moved."""
    moved = people["moved_on"].to_physical().to_numpy()
    known = people["moved_on"].is_not_null().to_numpy()
    return np.where(known, np.nan_to_num(moved), otherwise).astype(np.int64)


def _children(people: pl.DataFrame, heads: Ints, share: float, rng: Rng) -> pl.DataFrame:
    """Return the children under 18 (`also`) of some of these heads (`person`)."""
    role, household = people["role"].to_numpy(), people["household"].to_numpy()
    leading = np.full(int(household.max()) + 1, -1)
    chosen = heads[(role[heads] == HEAD) & chance(rng, share, len(heads))]
    leading[household[chosen]] = chosen
    child = np.flatnonzero((role == CHILD) & (people["age"].to_numpy() < 18))
    child = child[leading[household[child]] >= 0]
    return pl.DataFrame({"person": leading[household[child]], "also": child})


def _placements(
    people: pl.DataFrame, cases: pl.DataFrame, settings: Table, rng: Rng
) -> pl.DataFrame:
    """Return placements in temporary accommodation, more often where a duty is further on."""
    share = cases["duty"].replace_strict(settings["placed"], return_dtype=pl.Float64)
    now = people["temporary_accommodation"].to_numpy()[cases["person"].to_numpy()]
    some = cases.filter(pl.Series(chance(rng, share.to_numpy()) | now))
    placed = people[some["person"].to_numpy()]
    still = placed["temporary_accommodation"].to_numpy()
    begun = some["start_date"].to_physical().to_numpy().astype(np.int64)
    last = placed["last_day"].to_numpy()
    day = np.minimum(begun + rng.integers(0, 40, some.height), last)
    day = np.where(still, np.minimum(_moved_in(placed, day), last), day)
    end = day + 10 + rng.exponential(170, some.height).astype(np.int64)
    end = np.where(end > last, some_day(rng, day, last), end)
    placements = some.select("person").with_columns(
        as_dates(day).alias("start_date"), end_dates(placed, end, ~still).alias("end_date")
    )
    return with_ids(placements, "placement_id", "TA")


def _roofless(people: pl.DataFrame, cases: pl.DataFrame, settings: Table, rng: Rng) -> Bools:
    """Return who has no fixed abode: those before, and applicants alone who are owed relief."""
    who = cases.filter(pl.col("duty") != "prevention")["person"].to_numpy()
    alone = np.isin(people["kind"].to_numpy()[who], (KIND["single"], KIND["shared"]))
    alone &= chance(rng, settings["no_fixed_abode_single"], len(who))
    result = people["no_fixed_abode"].to_numpy().copy()
    result[who[alone]] = True
    return np.asarray(result, dtype=bool)
