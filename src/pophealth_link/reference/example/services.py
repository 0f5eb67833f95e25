"""Practices of the example region, and the PCNs and ICPs that they form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pophealth_link.reference.example import names, plan
from pophealth_link.reference.example.geometry import (
    Floats,
    Integers,
    cut,
    partition,
)
from pophealth_link.reference.example.settlement import Settlement

# Networks began on 1 July 2019 and integrated care boards on 1 July 2022 (NHS England).
_NETWORKS_BEGAN, _FOOTPRINTS_BEGAN = date(2019, 7, 1), date(2022, 7, 1)
_MOVED_ON = date(2022, 4, 1)


@dataclass(frozen=True, slots=True)
class _Quarter:
    """A quarter of the region: its people as registered, PCN, ICP, and how many practices."""

    pcn: int
    icp: int
    registered: int
    practices: int


# West bank: two networks, and half of the one that spans the river; east bank: its other half, the
# network that two ICPs share, and the coast.
_WEST = (_Quarter(0, 0, 38_700, 3), _Quarter(1, 0, 38_000, 4))
_RIVERSIDE = (_Quarter(2, 1, 24_750, 2), _Quarter(2, 1, 24_750, 2))
_EAST = (_Quarter(3, 1, 24_650, 2), _Quarter(3, 2, 24_650, 2), _Quarter(4, 2, 49_500, 5))
_PCNS = (
    ("U9999A", "Saltmarsh PCN"),
    ("U9999B", "Limekiln PCN"),
    ("U9999C", "Marl Bridges PCN"),
    ("U9999D", "Thornwold Central PCN"),
    ("U9999E", "Thornwold Coast PCN"),
)
_SHARED_PCN = 3
# The practice that was in another network at first: its number, and that network's.
_MOVED_PRACTICE, _FIRST_PCN = 2, 1


@dataclass(frozen=True, slots=True)
class Services:
    """The tables `practices`, `practice_pcn` and `footprints`."""

    practices: pl.DataFrame
    practice_pcn: pl.DataFrame
    footprints: pl.DataFrame


def _shares(quarters: tuple[_Quarter, ...]) -> Floats:
    return np.array([float(quarter.registered) for quarter in quarters])


def _quarters(place: Settlement) -> list[tuple[_Quarter, Integers]]:
    """Return each quarter with the numbers of its LSOAs."""
    people = place.population.astype(np.float64)
    from_bridge = np.hypot(*(place.sites - np.array(plan.BRIDGE)).T)
    west, east = (np.flatnonzero(place.lad == lad) for lad in (0, 1))
    found: list[tuple[_Quarter, Integers]] = []
    for bank, riverside, inland in ((west, _RIVERSIDE[0], _WEST), (east, _RIVERSIDE[1], _EAST)):
        share = riverside.registered / (riverside.registered + float(_shares(inland).sum()))
        near = cut(from_bridge[bank], people[bank], share)
        rest = bank[~near]
        label = _inland(place.sites[rest], people[rest], inland)
        found += [(quarter, rest[label == k]) for k, quarter in enumerate(inland)]
        found.append((riverside, bank[near]))
    return sorted(found, key=lambda pair: (pair[0].pcn, pair[1][0]))


def _inland(sites: Floats, people: Floats, quarters: tuple[_Quarter, ...]) -> Integers:
    """Cut a bank first into networks, then a network into quarters."""
    pcn = np.array([quarter.pcn for quarter in quarters])
    shares = _shares(quarters)
    networks = np.unique(pcn)
    network = partition(sites, people, np.array([shares[pcn == n].sum() for n in networks]))
    label = np.empty(len(sites), dtype=np.int64)
    for k, number in enumerate(networks.tolist()):
        mine, own = network == k, np.flatnonzero(pcn == number)
        label[mine] = own[partition(sites[mine], people[mine], shares[own])]
    return label


def _surgery(place: Settlement, areas: Integers) -> str:
    """Return the postcode nearest to the middle of where the areas' people live."""
    inside = place.postcodes.filter(pl.col("area").is_in(areas.tolist()))
    x, y, weight = (inside[name].to_numpy() for name in ("easting", "northing", "dwellings"))
    middle = (np.average(x, weights=weight), np.average(y, weights=weight))
    nearest = int(((x - middle[0]) ** 2 + (y - middle[1]) ** 2).argmin())
    return str(inside["postcode"][nearest])


def _rounded(parts: Floats, total: int) -> list[int]:
    """Return whole numbers in proportion to `parts` that sum to `total`."""
    reached = np.round(np.cumsum(parts) / parts.sum() * total).astype(np.int64)
    return [int(size) for size in np.diff(reached, prepend=0)]


def _practices(rng: np.random.Generator, place: Settlement) -> pl.DataFrame:
    """Return practices with their quarters' PCN and ICP, in the order of their codes."""
    rows = []
    for quarter, areas in _quarters(place):
        people = place.population[areas].astype(np.float64)
        sizes = rng.uniform(0.55, 1.45, quarter.practices)
        label = partition(place.sites[areas], people, sizes)
        totals = np.bincount(label, people, quarter.practices).astype(np.float64)
        for k, size in enumerate(_rounded(totals, quarter.registered)):
            postcode = _surgery(place, areas[label == k])
            rows.append((quarter.pcn, quarter.icp, size, postcode))
    frame = pl.DataFrame(rows, schema=["pcn", "icp", "list_size", "postcode"], orient="row")
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(3)
    return frame.with_columns(
        practice_code=pl.lit("X99") + number,
        practice_name=pl.Series(names.PRACTICES),
        open_date=date(1998, 4, 1),
        close_date=pl.lit(None, pl.Date),
    )


def _memberships(practices: pl.DataFrame) -> pl.DataFrame:
    """Return the spells of practices in PCNs; one practice moved."""
    moved = pl.int_range(pl.len()) == _MOVED_PRACTICE
    now = practices.select(
        "practice_code",
        "pcn",
        valid_from=pl.when(moved).then(_MOVED_ON).otherwise(_NETWORKS_BEGAN),
        valid_to=pl.lit(None, pl.Date),
    )
    before = practices[_MOVED_PRACTICE : _MOVED_PRACTICE + 1].select(
        "practice_code",
        pcn=pl.lit(_FIRST_PCN, pl.Int64),
        valid_from=pl.lit(_NETWORKS_BEGAN),
        valid_to=pl.lit(_MOVED_ON).dt.offset_by("-1d"),
    )
    return _with_pcn(pl.concat([before, now]))


def _with_pcn(frame: pl.DataFrame) -> pl.DataFrame:
    codes, titles = (dict(enumerate(part)) for part in zip(*_PCNS, strict=True))
    return frame.with_columns(
        pcn_code=pl.col("pcn").replace_strict(codes, return_dtype=pl.String),
        pcn_name=pl.col("pcn").replace_strict(titles, return_dtype=pl.String),
    )


def _footprints(practices: pl.DataFrame) -> pl.DataFrame:
    """Return the ICPs: whole PCNs, but practice by practice where two share a PCN."""
    shared = pl.col("pcn") == _SHARED_PCN
    whole = practices.filter(~shared).select("pcn", "icp").unique(maintain_order=True)
    split = practices.filter(shared).select("pcn", "icp", "practice_code")
    codes, titles = (dict(enumerate(part)) for part in zip(*names.ICPS, strict=True))
    return _with_pcn(pl.concat([whole, split], how="diagonal")).with_columns(
        footprint_type=pl.lit("icp"),
        footprint_code=pl.col("icp").replace_strict(codes, return_dtype=pl.String),
        footprint_name=pl.col("icp").replace_strict(titles, return_dtype=pl.String),
        share=pl.lit(1.0),
        valid_from=pl.lit(_FOOTPRINTS_BEGAN),
        valid_to=pl.lit(None, pl.Date),
    )


def make_services(rng: np.random.Generator, place: Settlement) -> Services:
    """Make practices whose catchments are compact, and the PCNs and ICPs that they form."""
    practices = _practices(rng, place)
    return Services(practices, _memberships(practices), _footprints(practices))
