"""Where people of the example region live: areas, households, postcodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pophealth_link.reference.example import names, plan
from pophealth_link.reference.example.geometry import Floats, Integers, partition, ring_area
from pophealth_link.reference.example.mesh import Areas, contains, make_areas

_LSOAS = (54, 66)
_MSOAS = (11, 13)
_MEAN_PEOPLE = 1_805
_DWELLINGS_PER_POSTCODE = 18.5
_DISTRICTS = 8
_UNITS_PER_SECTOR = 125
_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Settlement:
    """LSOAs in the order of their codes: the map, who lives there, and the postcodes.

    `sites` is in kilometres of the plan; `lad` is 0 west and 1 east of the river; `postcodes` has
    `postcode, easting, northing, dwellings` and `area`, the number of the LSOA.
    """

    codes: tuple[str, ...]
    sites: Floats
    rings: tuple[tuple[Floats, ...], ...]
    lad: Integers
    msoa: Integers
    population: Integers
    households: Integers
    postcodes: pl.DataFrame


def _people(rng: np.random.Generator, count: int) -> Integers:
    """Return usual residents of `count` LSOAs, 1,150 to 2,850 each, near the mean in all."""
    drawn = rng.lognormal(0, 0.17, count)
    scaled = np.round(drawn / drawn.mean() * _MEAN_PEOPLE)
    people: Integers = np.clip(scaled, 1_150, 2_850).astype(np.int64)
    return people


def _bank(
    rng: np.random.Generator, shore: Floats, lad: int
) -> tuple[Areas, Integers, Integers, Integers]:
    """Make one bank's LSOAs and number its MSOAs; return the areas, MSOAs, people, households."""
    areas = make_areas(rng, shore, _LSOAS[lad])
    people = _people(rng, _LSOAS[lad])
    households = np.round(people / rng.uniform(2.15, 2.65, _LSOAS[lad])).astype(np.int64)
    msoa = partition(areas.sites, people.astype(np.float64), np.ones(_MSOAS[lad]))
    return areas, msoa + lad * _MSOAS[0], people, households


def settle(rng: np.random.Generator) -> Settlement:
    """Make the areas of both banks of the river and the postcodes in them."""
    banks = [_bank(rng, shore, lad) for lad, shore in enumerate(plan.shores(rng))]
    msoa = np.concatenate([bank[1] for bank in banks])
    order = np.argsort(msoa, kind="stable")
    sites = np.vstack([bank[0].sites for bank in banks])[order]
    rings = tuple(ring for bank in banks for ring in bank[0].rings)
    rings = tuple(rings[number] for number in order.tolist())
    households = np.concatenate([bank[3] for bank in banks])[order]
    return Settlement(
        codes=tuple(f"{names.LSOA_PREFIX}{number:03d}" for number in range(1, len(order) + 1)),
        sites=sites,
        rings=tuple(tuple(plan.to_grid(ring) for ring in polygon) for polygon in rings),
        lad=np.repeat([0, 1], _LSOAS)[order],
        msoa=msoa[order],
        population=np.concatenate([bank[2] for bank in banks])[order],
        households=households,
        postcodes=_postcodes(rng, sites, rings, households),
    )


def _doorsteps(rng: np.random.Generator, rings: tuple[Floats, ...], count: int) -> Floats:
    """Return `count` whole metres inside a polygon, along a grid of streets, denser in towns."""
    low, high = rings[0].min(axis=0), rings[0].max(axis=0)
    middle, reach = (low + high) / 2, float(np.hypot(*(high - low))) / 2
    spacing = float(np.sqrt(ring_area(rings[0]) / (count * _CANDIDATES)))
    turn = rng.uniform(0, np.pi / 2)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found = np.empty((0, 2))
    while len(found) < count:
        steps = np.arange(-reach, reach, spacing)
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        grid = grid + rng.normal(0, 0.08 * spacing, grid.shape)
        found = np.round(grid @ rotation.T + middle, 3)
        found = found[contains(rings, found)]
        spacing *= 0.8
    # Gumbel's trick: a sample without replacement, weighted by density.
    chance = np.log(plan.density(found)) + rng.gumbel(size=len(found))
    return found[np.sort(np.argsort(-chance, kind="stable")[:count])]


def _dwellings(rng: np.random.Generator, total: int, count: int) -> Integers:
    """Share dwellings out over postcodes, unequally, so that they sum exactly."""
    weight = rng.uniform(0.82, 1.22, count)
    reached = np.round(np.cumsum(weight) / weight.sum() * total).astype(np.int64)
    parts: Integers = np.diff(reached, prepend=0)
    return parts


def _codes(district: Integers) -> list[str]:
    """Return a postcode for each place, numbered within its district in the order given."""
    counts = np.bincount(district)
    order = np.argsort(district, kind="stable")
    number = np.empty(len(district), dtype=np.int64)
    number[order] = np.arange(len(district)) - np.repeat(np.cumsum(counts) - counts, counts)
    sector, unit = np.divmod(number, _UNITS_PER_SECTOR)
    first, second = np.divmod(unit, len(names.UNIT_LETTERS))
    letters = np.array(list(names.UNIT_LETTERS))
    parts = zip(district + 1, sector, letters[first], letters[second], strict=True)
    return [f"{names.POSTCODE_AREA}{area} {digit}{a}{b}" for area, digit, a, b in parts]


def _postcodes(
    rng: np.random.Generator,
    sites: Floats,
    rings: tuple[tuple[Floats, ...], ...],
    households: Integers,
) -> pl.DataFrame:
    counts = np.round(households / _DWELLINGS_PER_POSTCODE).astype(np.int64)
    district = partition(sites, counts.astype(np.float64), np.ones(_DISTRICTS))
    area = np.repeat(np.arange(len(rings)), counts)
    pairs = list(zip(counts.tolist(), households.tolist(), strict=True))
    places = [_doorsteps(rng, ring, n) for ring, (n, _) in zip(rings, pairs, strict=True)]
    grid = np.round(plan.to_grid(np.vstack(places))).astype(np.int64)
    return pl.DataFrame(
        {
            "postcode": _codes(district[area]),
            "easting": grid[:, 0],
            "northing": grid[:, 1],
            "dwellings": np.concatenate([_dwellings(rng, total, n) for n, total in pairs]),
            "area": area,
        }
    )
