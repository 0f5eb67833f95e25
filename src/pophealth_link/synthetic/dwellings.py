"""Dwellings: where each household lives, with address, UPRN and council tax band."""

from __future__ import annotations

import numpy as np
import polars as pl

from pophealth_link.published import reference_file
from pophealth_link.synthetic.draws import (
    Ints,
    Rng,
    Streams,
    chance,
    pick,
    pick_by_row,
    positions,
)
from pophealth_link.synthetic.households import KIND, KINDS
from pophealth_link.synthetic.profile import Profile, Table
from pophealth_link.synthetic.region import Region

# Twelve digits, as the longest real ones; none of that range is in use.
_FIRST_UPRN = 990_000_000_000
_STREET_POSTCODES = 3
_FLATS_IN_HOUSE = 6
# Buildings that have a name before the number: the words after it, for each kind of building.
_CARE_HOME, _HALL, _HOSTEL = range(3)
_LAST_WORDS = {_HALL: ("Hall", "Halls", "Student Village"), _HOSTEL: ("House", "Lodge", "Hostel")}
_NAMED = np.array(
    [{"care_home": _CARE_HOME, "student_hall": _HALL}.get(kind, -1) for kind in KINDS]
)


def draw_dwellings(
    households: pl.DataFrame, hostels: Ints, region: Region, profile: Profile, streams: Streams
) -> pl.DataFrame:
    """Return a dwelling for each household, in its order, some that stand empty, and hostels.

    `hostels` holds the LSOA of each. Columns: lsoa, postcode, address (one line), uprn, band.
    """
    settings, rng = profile.england["dwellings"], streams.stage("dwellings")
    empty = round(households.height * settings["empty"])
    lsoa = households["lsoa"].to_numpy()
    lsoa = np.concatenate([lsoa, lsoa[rng.integers(0, len(lsoa), empty)], hostels])
    named = np.full(len(lsoa), -1, dtype=np.int64)
    named[: households.height] = _NAMED[households["kind"].to_numpy()]
    named[len(lsoa) - len(hostels) :] = _HOSTEL
    where = _postcode_rows(region, lsoa, rng)
    uprn = _FIRST_UPRN + rng.permutation(len(lsoa))
    return pl.DataFrame(
        {
            "lsoa": lsoa,
            "postcode": region.postcodes["postcode"].gather(where),
            "address": _addresses(region, where, named, settings, streams.stage("addresses")),
            "uprn": pl.Series(uprn).cast(pl.String),
            "band": _bands(region, lsoa, settings, rng),
        }
    )


def spare_bedrooms(households: pl.DataFrame, profile: Profile, rng: Rng) -> Ints:
    """Return bedrooms less the bedrooms needed, for each household: -1, 0, 1, 2, 3."""
    settings = profile.england["dwellings"]
    table = np.array([settings["spare_bedrooms_owned"], settings["spare_bedrooms_rented"]])
    rented = (households["tenure"].to_numpy() > 0).astype(np.int64)
    return pick_by_row(rng, table, rented) - 1


def _postcode_rows(region: Region, lsoa: Ints, rng: Rng) -> Ints:
    """Return a postcode of each LSOA, as likely as it has dwellings."""
    reached = np.cumsum(region.postcodes["weight"].to_numpy())
    home = region.postcodes["lsoa"].to_numpy()
    last = np.searchsorted(home, np.arange(region.lsoas.height), side="right") - 1
    first = np.searchsorted(home, np.arange(region.lsoas.height), side="left")
    below = np.where(first > 0, reached[first - 1], 0.0)
    level = below[lsoa] + rng.random(len(lsoa)) * (reached[last] - below)[lsoa]
    found = np.searchsorted(reached, level, side="right")
    return np.asarray(np.clip(found, first[lsoa], last[lsoa]), dtype=np.int64)


def _addresses(region: Region, where: Ints, named: Ints, settings: Table, rng: Rng) -> pl.Series:
    """Return address lines: houses, flats in houses, blocks of flats, and buildings by name."""
    streets, blocks = _streets(region, rng), _blocks(region, rng)
    style = _styles(region, settings, rng)[where]
    seat = _seats(where)
    start = 1 + rng.integers(0, 2, region.postcodes.height) + 2 * rng.integers(0, 12, len(streets))
    house = start[where] + 2 * np.where(style == 1, seat // _FLATS_IN_HOUSE, seat)
    flat = np.where(style == 1, seat % _FLATS_IN_HOUSE, seat) + 1
    name = _building_names(named, rng)
    frame = pl.DataFrame(
        {"style": np.where(named >= 0, 3, style), "house": house, "flat": flat, "name": name,
         "street": streets.gather(where), "block": blocks.gather(where)}
    )  # fmt: skip
    line = (
        pl.when(pl.col("style") == 1)
        .then(pl.format("Flat {}, {} {}", "flat", "house", "street"))
        .when(pl.col("style") == 2)
        .then(pl.format("Flat {}, {}, {}", "flat", "block", "street"))
        .when(pl.col("style") == 3)
        .then(pl.format("{}, {} {}", "name", "house", "street"))
        .otherwise(pl.format("{} {}", "house", "street"))
    )
    return frame.select(line.alias("address"))["address"]


def _seats(where: Ints) -> Ints:
    """Return 0, 1, 2 … for the dwellings of each postcode, in their order."""
    order = np.argsort(where, kind="stable")
    seat = np.empty(len(where), dtype=np.int64)
    seat[order] = positions(np.unique(where, return_counts=True)[1])
    return seat


def _styles(region: Region, settings: Table, rng: Rng) -> Ints:
    """Return for each postcode: 0 houses, 1 flats in houses, 2 a block of flats."""
    shares = np.array(settings["flat_postcodes"])
    shares = np.concatenate([[shares.mean()], shares])
    flats = chance(rng, shares[region.quintile[region.postcodes["lsoa"].to_numpy()]])
    block = chance(rng, 0.55, len(flats))
    return np.where(flats, 1 + block, 0).astype(np.int64)


def _words() -> pl.DataFrame:
    rows = pl.read_csv(reference_file("names_streets.csv"), infer_schema=False)
    return rows.with_columns(pl.col("weight").cast(pl.Float64))


def _word(kind: str, size: int, rng: Rng) -> pl.Series:
    rows = _words().filter(pl.col("kind") == kind)
    return rows["name"].gather(pick(rng, rows["weight"], size))


def _streets(region: Region, rng: Rng) -> pl.Series:
    """Return a street for each postcode; neighbouring postcodes of an LSOA share one."""
    lsoa = region.postcodes["lsoa"].to_numpy()
    seat = positions(np.bincount(lsoa, minlength=region.lsoas.height)) // _STREET_POSTCODES
    _, street = np.unique(lsoa * (int(seat.max()) + 1) + seat, return_inverse=True)
    count = int(street.max()) + 1
    names = _word("stem", count, rng) + " " + _word("type", count, rng)
    return names.gather(street)


def _blocks(region: Region, rng: Rng) -> pl.Series:
    count = region.postcodes.height
    return _word("stem", count, rng) + " " + _word("building", count, rng)


def _building_names(named: Ints, rng: Rng) -> pl.Series:
    """Return the names of care homes, halls and hostels; what the others get is not used."""
    count = len(named)
    last = _word("care_home", count, rng)
    for kind, words in _LAST_WORDS.items():
        here = np.flatnonzero(named == kind)
        last = last.scatter(here, pl.Series(words).gather(rng.integers(0, len(words), len(here))))
    return _word("stem", count, rng) + " " + last


def _bands(region: Region, lsoa: Ints, settings: Table, rng: Rng) -> pl.Series:
    shares = np.array(settings["band"])
    table = np.vstack([shares.mean(axis=0), shares])
    drawn = pick_by_row(rng, table, region.quintile[lsoa])
    return pl.Series(np.array(list("ABCDEFGH"))[drawn])


def council_tax(
    dwellings: pl.DataFrame, people: pl.DataFrame, profile: Profile, rng: Rng
) -> pl.DataFrame:
    """Return the council's list of dwellings in contract columns, without `record_id`.

    The single-person discount follows the adults who live there, with some claimed wrongly or not
    at all; shared houses from a size on are mostly licensed.
    """
    settings = profile.england["dwellings"]
    adults = np.bincount(
        people["dwelling"].filter(people["age"] >= 18).to_numpy(), minlength=dwellings.height
    )
    shared = pl.col("kind").is_in([KIND["shared"], KIND["student_house"]])
    sharing = people.filter(shared)["dwelling"].to_numpy()
    sharers = np.bincount(sharing, minlength=dwellings.height)
    rates = np.where(adults == 1, settings["discount_taken_up"], settings["discount_wrongly_held"])
    large = sharers >= settings["shared_house_licensed_from"]
    licensed = large & chance(rng, settings["shared_house_licensed"], dwellings.height)
    return dwellings.select(
        "uprn",
        "address",
        "postcode",
        "band",
        pl.Series("single_person_discount", chance(rng, rates) & (adults > 0)),
        pl.Series("licensed_hmo", licensed),
    ).sort("uprn")
