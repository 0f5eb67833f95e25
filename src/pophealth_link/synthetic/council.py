"""Council services: adult social care, the housing register, homelessness."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Floats, Ints, Rng, Streams, chance, pick_key
from pophealth_link.synthetic.events import ServiceUse, as_dates, some_day, with_ids
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.members import CHILD, HEAD, PARTNER, SHARER
from pophealth_link.synthetic.profile import TENURES, Profile, Table, per_quintile
from pophealth_link.synthetic.risk import proneness, risk

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
    likely = np.minimum(likely * np.where(in_home, service["care_home_ratio"], 1.0), 0.9)
    supported = chance(rng, likely) & (people["last_day"].to_numpy() >= start)
    supported &= people["age"].to_numpy() >= 18
    who = np.flatnonzero(supported)
    row = np.repeat(who, 1 + rng.poisson(care["events_beyond_first"], len(who)))
    last = people["last_day"].to_numpy()[row]
    years = rng.exponential(care["years_supported_mean"], len(row))
    adult = people["date_of_birth"].to_physical().to_numpy()[row] + 18 * 366
    day = np.minimum(np.maximum(last - (years * 365.25).astype(np.int64), adult), last)
    end = some_day(rng, np.maximum(day, start), last)
    events = pl.DataFrame(
        {
            "person": row,
            "start_date": as_dates(day),
            "end_date": as_dates(end, known=chance(rng, care["ended"], len(row))),
            "primary_support_reason": _reasons(people, row, care, rng),
        }
    ).sort("person", "start_date", "primary_support_reason")
    return ServiceUse(who, {"social_care_events": with_ids(events, "event_id", "E")})


def _reasons(people: pl.DataFrame, row: Ints, care: Table, rng: Rng) -> pl.Series:
    younger = pick_key(rng, care["reason_younger"], len(row))
    older = pick_key(rng, care["reason_older"], len(row))
    reason = np.where(people["age"].to_numpy()[row] < 65, younger, older)
    ill = people["has_severe_mental_illness"].to_numpy()[row]
    demented = people["has_dementia"].to_numpy()[row]
    mental = ill & chance(rng, care["mental_health_if_ill"], len(row))
    memory = demented & chance(rng, care["memory_if_dementia"], len(row))
    reason = np.where(mental, "mental_health", reason)
    return pl.Series(np.where(memory, "memory_and_cognition", reason))


def housing_register(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> ServiceUse:
    """Return applicants for social housing with their applications, and partners who joined."""
    settings, rng = profile.england["housing"], streams.stage("housing register")
    role, age = people["role"].to_numpy(), people["age"].to_numpy()
    rate = _by_tenure(people, settings["applicant"]) * (
        per_quintile(settings["quintile"])[people["quintile"].to_numpy()]
    )
    leads = np.isin(role, (HEAD, SHARER)) & (people["kind"].to_numpy() != KIND["care_home"])
    rate = np.where(leads, rate, 0.0)
    rate = np.where((role == CHILD) & (age >= 18), settings["adult_at_home"], rate)
    rate = rate * proneness(people, 0.5, profile) * (age >= 16)
    local = ~people["lives_outside"].to_numpy()
    applicant = chance(rng, np.minimum(rate, 0.9)) & local
    who = np.flatnonzero(applicant)
    wait = rng.exponential(settings["years_waiting_mean"], len(who)) * 365.25
    last = people["last_day"].to_numpy()[who]
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)[who]
    day = np.minimum(np.maximum(last - wait.astype(np.int64), born + 16 * 366), last)
    closed = chance(rng, settings["closed"], len(who))
    start = (period[0] - _EPOCH).days
    end = some_day(rng, np.maximum(day, start), last)
    lead = pl.DataFrame(
        {
            "person": who,
            "start_date": as_dates(day),
            "end_date": as_dates(end, known=closed),
            "bedrooms_short": np.maximum(-people["bedrooms_spare"].to_numpy()[who], 0),
        }
    )
    lead = with_ids(lead, "application_id", "H")
    joint = _partners(people, who, settings["joint_applicant"], rng)
    events = pl.concat([lead, _also(lead, joint)]).sort("person", "application_id")
    persons = np.unique(events["person"].to_numpy())
    return ServiceUse(persons, {"housing_applications": events})


def _by_tenure(people: pl.DataFrame, rates: Table) -> Floats:
    return np.array([rates[name] for name in TENURES])[people["tenure"].to_numpy()]


def _partners(people: pl.DataFrame, heads: Ints, share: float, rng: Rng) -> pl.DataFrame:
    """Return the partners (`also`) of some of these heads (`person`)."""
    role, household = people["role"].to_numpy(), people["household"].to_numpy()
    found = np.full(int(household.max()) + 1, -1)
    partners = np.flatnonzero(role == PARTNER)
    found[household[partners]] = partners
    partner = np.where(role[heads] == HEAD, found[household[heads]], -1)
    joined = (partner >= 0) & chance(rng, share, len(heads))
    return pl.DataFrame({"person": heads[joined], "also": partner[joined]})


def _also(events: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the events of each `person` once more for the people who share them."""
    shared = events.join(others, on="person", how="inner", maintain_order="left")
    return shared.drop("person").rename({"also": "person"}).select(events.columns)


def homelessness(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> tuple[ServiceUse, Bools]:
    """Return who is on a homelessness case, with cases and placements, and who has no fixed abode.

    A case names its applicant, often the partner and the children; each has a row of it.
    """
    settings, rng = profile.england["homelessness"], streams.stage("homelessness")
    who = np.flatnonzero(chance(rng, _homeless_risk(people, settings, profile)))
    lead = _cases(people, who, period, settings, rng)
    others = pl.concat(
        [
            _partners(people, who, settings["partner_recorded"], rng),
            _children(people, who, settings["children_recorded"], rng),
        ]
    ).sort("person", "also")
    cases = pl.concat([lead, _also(lead, others)]).unique("person", keep="first").sort("person")
    placements = _placements(people, lead, settings, rng)
    placed = pl.concat([placements, _also(placements, others)])
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
    rate = _by_tenure(people, settings["household"]) * ratio[kind]
    rate *= per_quintile(settings["quintile"])[people["quintile"].to_numpy()]
    rate *= profile.per_group(settings["ethnic"])[people["group"].to_numpy()]
    rate *= proneness(people, 1.0, profile)
    for condition, times in settings["conditions"].items():
        rate = np.where(people[f"has_{condition}"].to_numpy(), rate * times, rate)
    leads = np.isin(role, (HEAD, SHARER)) | ((role == CHILD) & (age >= 18))
    rate = np.where(leads & (age >= 16), rate, 0.0)
    rate = np.where(people["registered"].to_numpy(), rate, rate * settings["unregistered"])
    rate = np.where(people["no_fixed_abode"].to_numpy(), 0.7, rate)
    return np.asarray(np.where(people["lives_outside"].to_numpy(), 0.0, np.minimum(rate, 0.7)))


def _cases(
    people: pl.DataFrame, who: Ints, period: tuple[date, date], settings: Table, rng: Rng
) -> pl.DataFrame:
    start = (period[0] - _EPOCH).days
    last = people["last_day"].to_numpy()[who]
    before = chance(rng, settings["before_the_period"], len(who))
    first = np.where(before, start - 540, start)
    day = np.minimum(some_day(rng, first, np.where(before, start - 1, last)), last)
    end = day + 20 + rng.exponential(130, len(who)).astype(np.int64)
    ended = chance(rng, settings["ended"], len(who)) & (end <= last)
    cases = pl.DataFrame(
        {
            "person": who,
            "duty": pick_key(rng, settings["duty"], len(who)),
            "start_date": as_dates(day),
            "end_date": as_dates(end, known=ended),
        }
    )
    return with_ids(cases, "case_id", "HC")


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
    some = cases.filter(pl.Series(chance(rng, share.to_numpy())))
    last = people["last_day"].to_numpy()[some["person"].to_numpy()]
    begun = some["start_date"].to_physical().to_numpy().astype(np.int64)
    day = np.minimum(begun + rng.integers(0, 40, some.height), last)
    end = day + 10 + rng.exponential(170, some.height).astype(np.int64)
    left = ~chance(rng, settings["still_placed"], some.height) & (end <= last)
    placements = some.select("person").with_columns(
        as_dates(day).alias("start_date"), as_dates(end, known=left).alias("end_date")
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
