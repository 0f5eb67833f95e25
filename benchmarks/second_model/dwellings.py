"""Dwellings of the invented town: streets, postcodes, property numbers, two ways to write each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.second_model.lineages import UNIT, Town
from benchmarks.second_model.names import Bools, Ints

Texts = npt.NDArray[np.str_]

TOWN = "Wyremouth"
# No British post town has the area WY.
AREA = "WY"
_UNITS_OF_SECTOR, _SECTORS, _LETTERS = 150, 9, "ABDEFGHJLNPQRSTUWXYZ"
_SIDES = ("", "Upper", "Lower", "Old", "North", "Little")
_STREETS = (
    "Cobbler's", "Tanner's", "Quay", "Lantern", "Chapel", "Mill", "Ferry", "Saltpan", "Ropewalk",
    "Castle", "Beacon", "Priory", "Orchard", "Weir", "Gannet", "Heron", "Kiln", "Foundry",
    "Canal", "Smithy", "Bishop's", "Friar's", "Dyer's", "Cooper's", "Baker's", "Larch", "Rowan",
    "Hawthorn", "Juniper", "Alder", "Elder", "Bracken", "Harbour", "Staithe", "Cliff", "Meadow",
    "Spinney", "Paddock", "Warren", "Tollgate", "Viaduct", "Station", "Reservoir", "Observatory",
    "Coronation", "Jubilee", "Alma", "Inkerman", "Trafalgar", "Nelson", "Gladstone", "Palmerston",
    "Livingstone", "Nightingale", "Brunel", "Telford", "Keats", "Byron",
)  # fmt: skip
_WAYS = ("Row", "Lane", "Street", "Road", "Close", "Wynd", "Avenue", "Gardens", "Hill", "Drive",
         "Terrace", "Way", "Crescent")  # fmt: skip
_SHORT_WAYS = {"Street": "St", "Road": "Rd", "Lane": "La", "Avenue": "Ave", "Gardens": "Gdns",
               "Close": "Cl", "Drive": "Dr", "Terrace": "Terr", "Crescent": "Cres"}  # fmt: skip
_BLOCKS = (
    "Heron", "Gannet", "Petrel", "Curlew", "Fulmar", "Osprey", "Kestrel", "Merlin", "Plover",
    "Avocet", "Tern", "Puffin", "Skylark", "Bunting", "Wagtail", "Siskin", "Redwing", "Dunlin",
    "Sanderling", "Turnstone",
)  # fmt: skip
_COTTAGES = (
    "Rose", "Ivy", "Primrose", "Bramble", "Honeysuckle", "Sea", "Hill", "Brook", "Wren", "Robin",
    "Lavender", "Fern", "Holly", "Thistle",
)  # fmt: skip
_SAINTS = ("Brannoc", "Petroc", "Oswin", "Hilda", "Cuthman", "Rumon", "Frideswide", "Neot")
_FLOORS = ("Basement", "Ground Floor", "1st Floor", "2nd Floor", "3rd Floor")
_HOMES = ("Care Home", "Hostel")
HOUSE, CONVERSION, BLOCK = range(3)


@dataclass(frozen=True, slots=True)
class Dwellings:
    """Texts of every dwelling by its number; `short` is how a council officer would put it."""

    long: Texts
    short: Texts
    postcode: Texts
    uprn: Texts
    social: Bools
    agents: Texts
    agent_postcodes: Texts


def dwellings(town: Town, seed: int) -> Dwellings:
    """Return the dwellings of `town`; letting agents stand in for the homes that they let."""
    rng = np.random.default_rng([seed, 3])
    homes = np.arange(town.stock)
    unit = town.unit_of(homes)
    street, short_street = _streets(unit // 2, rng)
    long, short = _front(homes, unit // 2, rng)
    special = homes < town.kinds[-1]
    named = _special(town, homes)
    long = np.where(special, named, long)
    short = np.where(special, named, short)
    place = town.place_of(homes)
    estate = rng.random(unit.max() // 2 + 1)[unit // 2]
    social = (estate * 0.6 + rng.random(len(homes)) * 0.4) < 0.62 - 0.7 * place
    offices = rng.choice(homes[~special], len(homes) // 900 + 2, replace=False)
    agents = _join("Harbour Lettings, ", long[offices], " ", street[offices])
    return Dwellings(
        _join(long, " ", street, f", {TOWN}"),
        _join(short, " ", short_street),
        postcodes(unit),
        _join("99", np.char.zfill((10**9 + homes * 7919 % 10**7).astype(str), 10)),
        social & ~special,
        agents,
        postcodes(unit)[offices],
    )


def postcodes(unit: Ints) -> Texts:
    """Return the postcode of each unit: of an area that no post town has, all different."""
    sector = unit // _UNITS_OF_SECTOR
    pair = (unit % _UNITS_OF_SECTOR * 131 + sector * 17) % len(_LETTERS) ** 2
    letters = np.array(list(_LETTERS))
    first, second = letters[pair // len(_LETTERS)], letters[pair % len(_LETTERS)]
    district = (sector // _SECTORS + 1).astype(str)
    return _join(AREA, district, " ", (sector % _SECTORS + 1).astype(str), first, second)


def _join(*parts: Texts | str) -> Texts:
    whole: Texts = np.asarray(parts[0])
    for part in parts[1:]:
        whole = np.char.add(whole, part)
    return whole


def _streets(street: Ints, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Return the name of each dwelling's street, and how it is shortened."""
    count = len(_SIDES) * len(_STREETS) * len(_WAYS)
    turned = rng.permutation(count)[street % count]
    side = np.array(_SIDES)[turned % len(_SIDES)]
    name = np.array(_STREETS)[turned // len(_SIDES) % len(_STREETS)]
    way = np.array(_WAYS)[turned // (len(_SIDES) * len(_STREETS))]
    brief = np.array([_SHORT_WAYS.get(each, each) for each in _WAYS])
    short_way = brief[turned // (len(_SIDES) * len(_STREETS))]
    plain = np.char.replace(name, "'", "")
    whole = np.char.lstrip(_join(side, " ", name, " ", way))
    return whole, np.char.lstrip(_join(side, " ", plain, " ", short_way))


def _front(homes: Ints, street: Ints, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Return what stands before the street, in full and in short: `Flat B 3rd Floor, 12`, `12B`."""
    kind = rng.choice(3, street.max() + 1, p=(0.64, 0.18, 0.18))[street]
    place = homes % (2 * UNIT)
    number = (2 * place + 1 + street % 2).astype(str)
    letter = np.array(list("ABCD"))[place % 4]
    converted = (2 * (place // 4) + 11 + street % 2).astype(str)
    floor = np.array(_FLOORS)[(place % 4 + street % 2) % len(_FLOORS)]
    flat = _join("Flat ", letter, " ", floor, ", ", converted)
    block = _join(np.array(_BLOCKS)[street % len(_BLOCKS)], " Court,")
    door = (place + 1).astype(str)
    cottage = _join(np.array(_COTTAGES)[(homes * 13) % len(_COTTAGES)], " Cottage, ", number)
    cottage = np.where(rng.random(len(homes)) < 0.08, cottage, number)
    long = [cottage, flat, _join("Flat ", door, ", ", block)]
    short = [number, _join(converted, letter), _join(door, " ", block)]
    return np.choose(kind, long), np.choose(kind, short)


def _special(town: Town, homes: Ints) -> Texts:
    """Return the names of care homes and hostels, and the numbers of shared houses."""
    saint = _join("St ", np.array(_SAINTS)[homes % len(_SAINTS)], "'s House (")
    home = np.array(_HOMES)[np.where(homes < town.kinds[0], 0, 1)]
    shared = homes >= town.kinds[1]
    return np.where(shared, (101 + homes % 90).astype(str), _join(saint, home, "),"))
