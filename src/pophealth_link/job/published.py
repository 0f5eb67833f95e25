"""What the reference publishes of practices, rolled up to the job's footprints."""

from __future__ import annotations

import polars as pl

from pophealth_link import indicators
from pophealth_link.places import Registration
from pophealth_link.reference import Pack
from pophealth_link.schema.outputs_published import LIST_SIZES, REGISTERS

_LISTS = ("population", "practice_patients")


def names(pack: Pack) -> list[str]:
    """Return the files of published counts that a run writes: those the pack has tables for."""
    held = {LIST_SIZES.name: all(map(pack.has, _LISTS)), REGISTERS.name: pack.has("qof")}
    return [f"{name}.csv" for name, there in held.items() if there]


def published(pack: Pack, units: pl.DataFrame, held: Registration) -> dict[str, pl.DataFrame]:
    """Return file name → table of what is published: `list_sizes.csv` and `registers.csv`.

    `units`: UNIT_FOOTPRINTS; `held`: how practices become units. No record of the job's people is
    in them. What the pack has no tables for is left out (see `names`).
    """
    lives = pack.read("practice_patients") if pack.has("practice_patients") else None
    found: dict[str, pl.DataFrame] = {}
    for name in names(pack):
        if name == f"{LIST_SIZES.name}.csv":
            found[name] = _list_sizes(pack, units, held)
        else:
            rows = indicators.registers(
                pack.read("qof"), units, codes=held.codes, parts=held.parts, patients=lives
            )
            found[name] = rows.select(REGISTERS.names)
    return found


def _list_sizes(pack: Pack, units: pl.DataFrame, held: Registration) -> pl.DataFrame:
    rows = indicators.list_inflation(
        units,
        population=pack.read("population"),
        practice_patients=pack.read("practice_patients"),
        practice_lists=pack.read("practice_lists") if pack.has("practice_lists") else None,
        codes=held.codes,
        parts=held.parts,
    )
    return rows.select(LIST_SIZES.names)
