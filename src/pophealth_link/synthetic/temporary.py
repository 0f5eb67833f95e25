"""Temporary accommodation: homeless households at addresses that many of them share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Floats, Ints, Rng, lowest_keys
from pophealth_link.synthetic.households import KINDS
from pophealth_link.synthetic.profile import TENURES, Profile, per_quintile
from pophealth_link.synthetic.region import Region


@dataclass(frozen=True, slots=True)
class Temporary:
    """Where households were put.

    `site`: number of the hostel or block of each household, -1 for one in its own home; `lsoa`:
    the LSOA of each site.
    """

    site: Ints
    lsoa: Ints


def draw_temporary(
    people: pl.DataFrame, households: pl.DataFrame, region: Region, profile: Profile, rng: Rng
) -> Temporary:
    """Choose the households in temporary accommodation, some to each of a few sites.

    `people` have `vulnerability`; their households are likelier to be there the more so.
    """
    settings = profile.england["temporary_accommodation"]
    nobody = np.full(households.height, -1, dtype=np.int64)
    share = settings["share"] * profile.ratio("temporary_accommodation")
    weight = _weights(people, households, region, profile)
    count = min(round(households.height * share), int((weight > 0).sum()))
    if not count:
        return Temporary(nobody, np.zeros(0, dtype=np.int64))
    lsoa, places = households["lsoa"].to_numpy(), region.lsoas.height
    # Enough sites that none is the home of a tenth of its LSOA.
    usual = households.height / places
    sites = max(count / settings["households_at_site"], count / (0.1 * usual))
    by_lsoa = np.bincount(lsoa, weights=weight, minlength=places)
    sites = int(np.clip(np.ceil(sites), 1, (by_lsoa > 0).sum()))
    chosen = lowest_keys(rng, np.asarray(by_lsoa, dtype=float), sites)
    number = np.full(places, -1, dtype=np.int64)
    number[chosen] = np.arange(sites)
    near = weight * (number[lsoa] >= 0)
    placed = lowest_keys(rng, near, min(count, int((near > 0).sum())))
    site = nobody.copy()
    site[placed] = number[lsoa[placed]]
    return Temporary(site, chosen)


def _weights(
    people: pl.DataFrame, households: pl.DataFrame, region: Region, profile: Profile
) -> Floats:
    """Return how likely each household is to be in temporary accommodation."""
    settings = profile.england["temporary_accommodation"]
    kinds = np.array([settings["kind_ratio"].get(kind, 0.0) for kind in KINDS])
    tenures = np.array([settings["tenure_ratio"][tenure] for tenure in TENURES])
    first = np.unique(people["household"].to_numpy(), return_index=True)[1]
    prone = np.exp(people["vulnerability"].to_numpy()[first])
    weight = kinds[households["kind"].to_numpy()] * tenures[households["tenure"].to_numpy()]
    weight = weight * per_quintile(settings["quintile"])[region.quintile[households["lsoa"]]]
    ratio = profile.per_group(settings["ethnic"])
    return np.asarray(weight * ratio[households["group"].to_numpy()] * prone)
