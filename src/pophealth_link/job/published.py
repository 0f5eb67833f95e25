"""What the reference publishes of practices, rolled up to the job's footprints."""

from __future__ import annotations

from datetime import date

import polars as pl

from pophealth_link import indicators, places
from pophealth_link.places import Registration
from pophealth_link.reference import Pack
from pophealth_link.schema.outputs_published import LIST_SIZES, REGISTERS

_LISTS = ("population", "practice_patients")


def names(pack: Pack) -> list[str]:
    """Return the files of published counts that a run writes: those the pack has tables for."""
    held = {LIST_SIZES.name: all(map(pack.has, _LISTS)), REGISTERS.name: pack.has("qof")}
    return [f"{name}.csv" for name, there in held.items() if there]


def published(
    pack: Pack, units: pl.DataFrame, held: Registration, *, areas: pl.DataFrame, as_of: date
) -> dict[str, pl.DataFrame]:
    """Return file name → table of what is published: `list_sizes.csv` and `registers.csv`.

    `units`: UNIT_FOOTPRINTS; `held`: how practices become units; `areas`: AREAS. No record of the
    job's people is in them. What the pack has no tables for is left out (see `names`). Lists are of
    the latest period that had begun by `as_of`, and patients by LSOA of 2011 stand on those of
    2021: a `PlacesWarning` tells what could not be placed (see `places.patients_by_home`).
    """
    lives = _homes(pack, areas, as_of)
    found: dict[str, pl.DataFrame] = {}
    for name in names(pack):
        if name == f"{REGISTERS.name}.csv":
            rows = indicators.registers(
                pack.read("qof"), units, codes=held.codes, parts=held.parts, patients=lives
            )
            found[name] = rows.select(REGISTERS.names)
        elif lives is not None:
            found[name] = _list_sizes(pack, units, held, lives, as_of)
    return found


def _homes(pack: Pack, areas: pl.DataFrame, as_of: date) -> pl.DataFrame | None:
    if not pack.has("practice_patients"):
        return None
    homes: pl.DataFrame = places.patients_by_home(
        pack.read("practice_patients"),
        pack.read("lsoa_changes") if pack.has("lsoa_changes") else None,
        areas=areas,
        as_of=as_of,
    )
    return homes


def _list_sizes(
    pack: Pack, units: pl.DataFrame, held: Registration, lives: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    lists = pack.read("practice_lists") if pack.has("practice_lists") else None
    rows = indicators.list_inflation(
        units,
        population=pack.read("population"),
        practice_patients=lives,
        practice_lists=None if lists is None else places.latest_begun(lists, as_of),
        codes=held.codes,
        parts=held.parts,
    )
    return rows.select(LIST_SIZES.names)
