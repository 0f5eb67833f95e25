"""A small reference pack made by hand, for tests of the generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

DECILES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 10)
PEOPLE = (1800, 1500, 1600, 1700, 1500, 1400, 1900, 1600, 1500, 1300, 1700, 1500)
LISTS = (2500, 4000, 3000, 6000, 1500, 2000)


@dataclass(frozen=True)
class TinyPack:
    """What the generator asks of a pack, answered from frames."""

    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    name: str = "tiny"

    def has(self, table: str) -> bool:
        return table in self.tables

    def read(self, table: str) -> pl.DataFrame:
        return self.tables[table]


def tiny_pack(*leave_out: str) -> TinyPack:
    """Twelve LSOAs on a strip of 12 km, six practices of three networks, twenty postcodes each."""
    codes = [f"E0109{i:04d}" for i in range(12)]
    tables = {
        "postcodes": _postcodes(codes),
        "areas": _areas(codes),
        "deprivation": _deprivation(codes),
        "practices": _practices(),
        "practice_pcn": _networks(),
        "area_measures": _measures(codes),
    }
    return TinyPack({name: table for name, table in tables.items() if name not in leave_out})


def _postcodes(codes: list[str]) -> pl.DataFrame:
    spot = np.arange(240)
    return pl.DataFrame(
        {
            "postcode": [f"QX{1 + i // 60} {1 + i % 9}{chr(65 + i // 26)}{chr(65 + i % 26)}"
                         for i in spot],
            "easting": 622_000 + 1000 * (spot // 20) + 40 * (spot % 20),
            "northing": 388_000 + 30 * (spot % 7),
            "lsoa_code": [codes[i // 20] for i in spot],
            "dwellings": 20 + spot % 15,
        }
    )  # fmt: skip


def _areas(codes: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "lsoa_code": codes,
            "lad_code": ["E06999001"] * 6 + ["E06999002"] * 6,
            "population": PEOPLE,
            "households": [round(people / 2.4) for people in PEOPLE],
        }
    )


def _deprivation(codes: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "lsoa_code": codes,
            "imd_score": [60.0 - 5 * decile for decile in DECILES],
            "imd_rank": [3000 * decile for decile in DECILES],
            "imd_decile": DECILES,
        }
    )


def _practices() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "practice_code": [f"A9900{i}" for i in range(1, 7)] + ["A99099"],
            "postcode": [_postcodes([str(i) for i in range(12)])["postcode"][40 * i + 5]
                         for i in range(6)] + ["QX1 1AA"],
            "list_size": [*LISTS, 900],
            "open_date": [date(1990, 1, 1)] * 7,
            "close_date": [None] * 6 + [date(2020, 1, 1)],
        }
    )  # fmt: skip


def _networks() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "practice_code": [f"A9900{i}" for i in range(1, 7)],
            "pcn_code": ["U99001", "U99001", "U99002", "U99002", "U99003", "U99003"],
            "valid_from": [date(2020, 1, 1)] * 6,
            "valid_to": [None] * 6,
        },
        schema_overrides={"valid_to": pl.Date},
    )


def _measures(codes: list[str]) -> pl.DataFrame:
    asian = {1: 0.6, 3: 0.3}
    rows = []
    for number, code in enumerate(codes):
        share = asian.get(number, 0.06)
        mix = {"white": 0.86 - share, "mixed": 0.03, "asian": share, "black": 0.08, "other": 0.03}
        rows += [(f"ethnic_{group}", code, 1000 * part, 1000.0) for group, part in mix.items()]
        rows.append(("tenure_social_rented", code, 300.0 - 25 * DECILES[number], 1000.0))
        rows.append(("tenure_private_rented", code, 220.0, 1000.0))
    frame = pl.DataFrame(
        rows, schema=["measure", "area_code", "numerator", "denominator"], orient="row"
    )
    return frame.with_columns(pl.lit("lsoa").alias("area_type"))
