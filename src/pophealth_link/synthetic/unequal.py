"""How unequally careful records are: by person, organisation, office, clerk, and by chance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Floats, Rng, Streams, normal_of_each
from pophealth_link.synthetic.profile import Profile, Table, per_quintile
from pophealth_link.synthetic.sources import Source

# Clerks of an office: some are hasty, whoever comes to them.
_CLERKS = 6
_OFFICE = r"^(\S+ \S)"
_SPREADS = ("organisation_sd", "office_sd", "clerk_sd", "record_sd")
_NORMAL = np.linspace(-4.0, 4.0, 161)
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Haste:
    """The odds of a mistake in each record, relative to a record of average odds.

    `spread` is the standard deviation of the logarithm of those that chance gives.
    """

    odds: Floats = field(repr=False)
    spread: float

    def chances(self, rate: float) -> Floats:
        """Return each record's probability of a mistake that hits `rate` of England's records.

        The odds move, not the probability, so that none passes 1 however common the mistake is.
        """
        if rate >= 1:
            return np.ones_like(self.odds)
        raised = self.odds * _level(rate, self.spread)
        return np.asarray(raised / (1 + raised))


def haste(
    records: pl.DataFrame, source: Source, profile: Profile, streams: Streams, rng: Rng
) -> Haste:
    """Return how hastily each record was made.

    It follows ethnic group, deprivation and age, with the strength that the profile gives the
    source, then the organisation, the office and the clerk, so that mistakes cluster in them, and
    last the record itself: all mistakes of a hasty record are likelier, and so is the lack of an
    NHS number. The parts that are drawn are the same for an organisation, an office and a clerk
    in every part of the people.
    """
    settings = profile.unequal
    strength = settings.get("strength", {}).get(source.name, 1.0)
    odds = _of_person(records, profile) ** strength
    for sd, codes in zip(_SPREADS, _places_of_work(records, source, rng), strict=False):
        drawn = normal_of_each(codes, streams, f"{source.name} {sd}")
        odds = odds * _lognormal(drawn, settings[sd])
    odds = odds * _lognormal(rng.standard_normal(records.height), settings["record_sd"])
    return Haste(odds, float(np.hypot.reduce([settings[sd] for sd in _SPREADS])))


def _of_person(records: pl.DataFrame, profile: Profile) -> Floats:
    """Return the ratio by ethnic group, deprivation and age: each has a mean of 1 in England."""
    settings = profile.unequal
    group = profile.per_group(settings["ethnic"])[records["group"].to_numpy()]
    fifth = per_quintile(settings["quintile"])[records["quintile"].to_numpy()]
    return np.asarray(group * fifth * _per_age(settings["age"], records["age"]))


def _per_age(settings: Table, age: pl.Series) -> Floats:
    """Return the ratio of each age, rescaled to a mean of 1 by the shares of the age bands."""
    ratio, share = (np.array(settings[name], dtype=float) for name in ("ratio", "share"))
    band = np.searchsorted(settings["from"], age.to_numpy(), side="right") - 1
    return np.asarray((ratio * share.sum() / (ratio @ share))[band])


def _places_of_work(
    records: pl.DataFrame, source: Source, rng: Rng
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return codes of each record's organisation, of its office and of its clerk.

    An office serves the postal sector in which the person lives; the clerk is drawn.
    """
    organisation = records[source.organisation].fill_null("")
    sector = records["postcode"].str.extract(_OFFICE).fill_null("")
    office = organisation + " " + sector
    clerk = pl.Series(rng.integers(0, _CLERKS, records.height)).cast(pl.String)
    return organisation, office, office + " " + clerk


def _lognormal(drawn: Floats, sd: float) -> Floats:
    """Return log-normal ratios of mean 1."""
    return np.asarray(np.exp(sd * drawn - sd**2 / 2))


def _level(rate: float, sd: float) -> float:
    """Return the odds of an average record at which `rate` of all records are hit.

    >>> round(_level(0.5, 0.0), 6)
    1.0
    """
    weight = np.exp(-(_NORMAL**2) / 2)
    odds = _lognormal(_NORMAL, sd)
    low, high = -30.0, 30.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        raised = odds * np.exp(middle)
        reached = float(weight @ (raised / (1 + raised)) / weight.sum())
        low, high = (middle, high) if reached < rate else (low, middle)
    return float(np.exp((low + high) / 2))
