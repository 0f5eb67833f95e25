"""Where each person lives: the household's dwelling, a shared address, or outside the region."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.synthetic.draws import Bools, Ints, Rng, chance, lowest_keys
from pophealth_link.synthetic.households import KIND
from pophealth_link.synthetic.profile import Profile
from pophealth_link.synthetic.region import Region
from pophealth_link.synthetic.temporary import Temporary

ADDRESS = ("postcode", "address", "uprn")
# Twelve digits; no range of real UPRNs. Addresses outside the region start here.
_FIRST_UPRN = 995_000_000_000


def add_addresses(
    people: pl.DataFrame,
    dwellings: pl.DataFrame,
    temporary: Temporary,
    region: Region,
    profile: Profile,
    rng: Rng,
) -> pl.DataFrame:
    """Add where people live, and who lives outside the region or has no home.

    Columns: dwelling (row), postcode, address, uprn, lives_outside, no_fixed_abode,
    temporary_accommodation. A few people on the lists live outside the region, and so do some of
    those on no list. Nobody knows the quintile of a place outside.
    """
    settings = profile.england["registration"]
    outside = people["registered"].to_numpy() & chance(rng, settings["home_outside"], people.height)
    outside |= (people["off_register"] == "lives_outside").to_numpy()
    household = people["household"].to_numpy()
    site = temporary.site[household]
    hostels = dwellings.height - len(temporary.lsoa)
    dwelling = np.where(site >= 0, hostels + site, household)
    away = outside_addresses(dwellings, dwelling, np.flatnonzero(outside), region, 0, rng)
    people = people.with_columns(
        *away.get_columns(),
        pl.Series("dwelling", dwelling),
        pl.Series("lives_outside", outside),
        pl.Series("temporary_accommodation", (site >= 0) & ~outside),
    )
    return people.with_columns(
        pl.Series("no_fixed_abode", _homeless(people, profile, rng)),
        pl.when("lives_outside").then(0).otherwise("quintile").alias("quintile"),
    )


def outside_addresses(
    dwellings: pl.DataFrame, at: Ints, rows: Ints, region: Region, first: int, rng: Rng
) -> pl.DataFrame:
    """Return the addresses of the dwellings `at`, for some `rows` at postcodes of elsewhere.

    Their UPRNs count from `first`, so that several calls give different ones.
    """
    homes = dwellings.select(ADDRESS)[at]
    area = homes["postcode"].gather(rows).str.extract(r"^([A-Z]{1,2})")
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
    unit = np.char.add(rng.choice(letters, len(rows)), rng.choice(letters, len(rows)))
    numbers = pl.DataFrame(
        {"area": area, "district": rng.integers(70, 99, len(rows), endpoint=True),
         "sector": rng.integers(1, 9, len(rows), endpoint=True), "unit": unit}
    )  # fmt: skip
    text = numbers.select(pl.format("{}{} {}{}", "area", "district", "sector", "unit"))
    postcode = text.to_series()
    # A district that the region has after all gives way to one of the pseudo-postcodes.
    known = postcode.is_in(region.known_postcodes.implode())
    postcode = pl.select(pl.when(known).then(pl.lit("ZZ99 3CZ")).otherwise(postcode)).to_series()
    uprn = pl.Series(_FIRST_UPRN + first + rng.permutation(len(rows))).cast(pl.String)
    return homes.with_columns(
        homes["postcode"].scatter(rows, postcode), homes["uprn"].scatter(rows, uprn)
    )


def _homeless(people: pl.DataFrame, profile: Profile, rng: Rng) -> Bools:
    """Choose people without a home of their own, among adults alone or sharing."""
    kind, age = people["kind"].to_numpy(), people["age"].to_numpy()
    could = np.isin(kind, (KIND["single"], KIND["shared"])) & (age >= 18)
    could &= ~(people["lives_outside"] | people["temporary_accommodation"]).to_numpy()
    quintile = people["quintile"].to_numpy()
    weight = could * np.array([1.0, 2.2, 1.3, 0.8, 0.5, 0.3])[quintile]
    count = round(people.height * profile.england["registration"]["no_fixed_abode"])
    chosen = np.zeros(people.height, dtype=bool)
    chosen[lowest_keys(rng, weight, min(count, int(could.sum())))] = True
    return chosen
