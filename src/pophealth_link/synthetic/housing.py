"""The housing register: applications for social housing and who shares them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Floats, Ints, Rng, Streams, chance
from pophealth_link.synthetic.events import ServiceUse, as_dates, end_dates, some_day, with_ids
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.members import CHILD, HEAD, PARTNER, SHARER
from pophealth_link.synthetic.profile import TENURES, Profile, Table, per_quintile
from pophealth_link.synthetic.risk import proneness

_EPOCH = date(1970, 1, 1)


def housing_register(
    people: pl.DataFrame, period: tuple[date, date], profile: Profile, streams: Streams
) -> ServiceUse:
    """Return applicants for social housing with their applications, and partners who joined."""
    settings, rng = profile.england["housing"], streams.stage("housing register")
    who = np.flatnonzero(chance(rng, _applies(people, settings, profile)))
    lead = _applications(people[who], (period[0] - _EPOCH).days, settings, rng)
    joint = partners(people, who, settings["joint_applicant"], rng)
    events = pl.concat([lead, shared_with(lead, joint, people)]).sort("person", "application_id")
    return ServiceUse(np.unique(events["person"].to_numpy()), {"housing_applications": events})


def _applies(people: pl.DataFrame, settings: Table, profile: Profile) -> Floats:
    """Return the probability that a person has applied: heads by tenure, adults at home."""
    role, age = people["role"].to_numpy(), people["age"].to_numpy()
    fifth = per_quintile(settings["quintile"])[people["quintile"].to_numpy()]
    leads = np.isin(role, (HEAD, SHARER)) & (people["kind"].to_numpy() != KIND["care_home"])
    rate = np.where(leads, by_tenure(people, settings["applicant"]) * fifth, 0.0)
    rate = np.where((role == CHILD) & (age >= 18), settings["adult_at_home"], rate)
    rate = rate * by_age(people, settings["age"])
    rate = rate * profile.per_group(settings["ethnic"])[people["group"].to_numpy()]
    rate = np.minimum(rate * proneness(people, 0.5, profile), 0.9)
    local = ~people["lives_outside"].to_numpy() & (age >= 16)
    return np.asarray(np.where(local, rate, 0.0))


def _applications(people: pl.DataFrame, start: int, settings: Table, rng: Rng) -> pl.DataFrame:
    """Return an application for each row of people."""
    size = people.height
    wait = rng.exponential(settings["years_waiting_mean"], size) * 365.25
    last = people["last_day"].to_numpy()
    born = people["date_of_birth"].to_physical().to_numpy().astype(np.int64)
    day = np.minimum(np.maximum(last - wait.astype(np.int64), born + 16 * 365), last)
    end = some_day(rng, np.maximum(day, start), last)
    lead = pl.DataFrame(
        {
            "person": people["person"],
            "start_date": as_dates(day),
            "end_date": end_dates(people, end, chance(rng, settings["closed"], size)),
            "bedrooms_short": np.maximum(-people["bedrooms_spare"].to_numpy(), 0),
        }
    )
    return with_ids(lead, "application_id", "H")


def by_age(people: pl.DataFrame, ratios: Table) -> Floats:
    """Return the ratio of each person's age; the first for the young."""
    band = np.searchsorted(ratios["from"], people["age"].to_numpy(), side="right") - 1
    return np.asarray(np.array(ratios["ratio"], dtype=float)[np.maximum(band, 0)])


def by_tenure(people: pl.DataFrame, rates: Table) -> Floats:
    """Return the rate of each person's tenure."""
    values = np.array([rates[name] for name in TENURES])
    return np.asarray(values[people["tenure"].to_numpy()], dtype=float)


def partners(people: pl.DataFrame, heads: Ints, share: float, rng: Rng) -> pl.DataFrame:
    """Return the partners (`also`) of some of these heads (`person`)."""
    role, household = people["role"].to_numpy(), people["household"].to_numpy()
    found = np.full(int(household.max()) + 1, -1)
    second = np.flatnonzero(role == PARTNER)
    found[household[second]] = second
    partner = np.where(role[heads] == HEAD, found[household[heads]], -1)
    joined = (partner >= 0) & chance(rng, share, len(heads))
    return pl.DataFrame({"person": heads[joined], "also": partner[joined]})


def shared_with(events: pl.DataFrame, others: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Return the events of each `person` once more for the people who share them, while they live.

    Nothing begins for one of them after the death or departure, and all ends with it.
    """
    shared = events.join(others, on="person", how="inner", maintain_order="left")
    shared = shared.drop("person").rename({"also": "person"}).select(events.columns)
    who = people[shared["person"].to_numpy()]
    last, gone = who["last_day"].cast(pl.Int32).cast(pl.Date), who["gone"]
    over = pl.col("end_date").is_null() | (pl.col("end_date") > last)
    ended = pl.when(over & gone).then(last).otherwise("end_date").alias("end_date")
    return shared.with_columns(ended).filter(shared["start_date"] <= last)
