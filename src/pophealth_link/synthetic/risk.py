"""How likely each person is to have a condition or to use a service."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Floats, Ints
from pophealth_link.synthetic.off_register import UNKNOWN
from pophealth_link.synthetic.profile import Profile, Table, per_quintile


def risk(people: pl.DataFrame, settings: Table, profile: Profile) -> Floats:
    """Return each person's probability, from a table of rates by age and sex.

    It rises and falls with deprivation, ethnic group, a person's own proneness and conditions
    (ratios that leave the mean of the people as it is) and with being known to no practice.
    """
    rate = _by_age_and_sex(people, settings)
    rate = rate * per_quintile(settings["quintile"])[people["quintile"].to_numpy()]
    rate = rate * profile.per_group(settings["ethnic"])[people["group"].to_numpy()]
    rate = rate * proneness(people, settings["vulnerability"], profile)
    rate = _with_conditions(people, rate, settings)
    rate = rate * unlisted_ratio(people, settings.get("unregistered", 1.0))
    return np.asarray(np.clip(rate, 0.0, 0.95))


def unlisted_ratio(people: pl.DataFrame, ratio: float) -> Floats:
    """Return `ratio` for people whom no practice anywhere knows, 1 for others.

    A student or relative who is on another list, or on none for a while, is like others.
    """
    unknown = people["off_register"].is_in(UNKNOWN).to_numpy()
    return np.where(unknown, ratio, 1.0)


def _bands(people: pl.DataFrame, settings: Table) -> Ints:
    """Return each person's band of the ages of the table, -1 before the first."""
    found = np.searchsorted(settings["ages"], people["age"].to_numpy(), side="right") - 1
    return np.asarray(found, dtype=np.int64)


def _by_age_and_sex(people: pl.DataFrame, settings: Table) -> Floats:
    band = _bands(people, settings)
    rates = np.array([settings["male"], settings["female"]])
    of_sex = rates[people["sex"].to_numpy() - 1, np.maximum(band, 0)]
    return np.asarray(np.where(band < 0, 0.0, of_sex))


def proneness(people: pl.DataFrame, strength: float, profile: Profile) -> Floats:
    """Return a ratio for each person, log-normal with mean 1, that all services share."""
    sd = profile.england["vulnerability"]["sd"]
    draw = people["vulnerability"].to_numpy()
    return np.asarray(np.exp(strength * draw - (strength * sd) ** 2 / 2))


def _with_conditions(people: pl.DataFrame, rate: Floats, settings: Table) -> Floats:
    """Raise the rate of people with conditions, and lower the others' of the same age."""
    times = np.ones(people.height)
    for condition, ratio in settings.get("conditions", {}).items():
        times = np.where(people[f"has_{condition}"].to_numpy(), times * ratio, times)
    return raised(people, rate, times, settings)


def raised(people: pl.DataFrame, rate: Floats, times: Floats, settings: Table) -> Floats:
    """Return rates that differ by these ratios, with the mean of each age band as it was.

    `settings` has the bands: the first age of each in `ages`.
    """
    band = np.maximum(_bands(people, settings), 0)
    before = np.bincount(band, weights=rate)
    after = np.bincount(band, weights=rate * times)
    kept = np.divide(before, after, out=np.ones_like(before), where=after > 0)
    return np.asarray(rate * times * kept[band])
