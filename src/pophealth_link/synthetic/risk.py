"""How likely each person is to have a condition or to use a service."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Floats
from pophealth_link.synthetic.profile import Profile, Table, per_quintile


def risk(people: pl.DataFrame, settings: Table, profile: Profile) -> Floats:
    """Return each person's probability, from a table of rates by age and sex.

    It rises and falls with deprivation, ethnic group, a person's own proneness and conditions
    (ratios that leave the mean of the people as it is) and with being on no list.
    """
    rate = _by_age_and_sex(people, settings)
    rate = rate * per_quintile(settings["quintile"])[people["quintile"].to_numpy()]
    rate = rate * profile.per_group(settings["ethnic"])[people["group"].to_numpy()]
    rate = rate * proneness(people, settings["vulnerability"], profile)
    rate = _with_conditions(people, rate, settings.get("conditions", {}))
    listed = people["registered"].to_numpy()
    rate = np.where(listed, rate, rate * settings.get("unregistered", 1.0))
    return np.asarray(np.clip(rate, 0.0, 0.95))


def _by_age_and_sex(people: pl.DataFrame, settings: Table) -> Floats:
    band = np.searchsorted(settings["ages"], people["age"].to_numpy(), side="right") - 1
    rates = np.array([settings["male"], settings["female"]])
    of_sex = rates[people["sex"].to_numpy() - 1, np.maximum(band, 0)]
    return np.asarray(np.where(band < 0, 0.0, of_sex))


def proneness(people: pl.DataFrame, strength: float, profile: Profile) -> Floats:
    """Return a ratio for each person, log-normal with mean 1, that all services share."""
    sd = profile.england["vulnerability"]["sd"]
    draw = people["vulnerability"].to_numpy()
    return np.asarray(np.exp(strength * draw - (strength * sd) ** 2 / 2))


def _with_conditions(people: pl.DataFrame, rate: Floats, ratios: Table) -> Floats:
    """Raise the rate of people with conditions, and lower the others' so that the mean stays."""
    if not ratios or rate.sum() == 0:
        return rate
    raised = rate.copy()
    for condition, ratio in ratios.items():
        raised = np.where(people[f"has_{condition}"].to_numpy(), raised * ratio, raised)
    return np.asarray(raised * (rate.sum() / raised.sum()))
