"""Ids that no two parts share: each part counts from one, and its number goes in after that."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

# Twelve digits: the fourth and the fifth are the part's, the last seven count its dwellings.
_UPRNS_OF_A_PART = 10_000_000


def with_part(table: pl.DataFrame, part: int) -> pl.DataFrame:
    """Put the part's number into every column whose name ends in `_id`, after its letters.

    >>> with_part(pl.DataFrame({"record_id": ["G00000001"]}), 3).item()
    'G0300000001'
    """
    named = [name for name in table.columns if name.endswith("_id")]
    number = f"${{1}}{part:02d}"
    return table.with_columns(pl.col(name).str.replace("^([A-Z]+)", number) for name in named)


def all_with_part(tables: Mapping[str, pl.DataFrame], part: int) -> dict[str, pl.DataFrame]:
    """Return tables with the part's number in their ids."""
    return {name: with_part(table, part) for name, table in tables.items()}


def uprns_of_part(frame: pl.DataFrame, part: int) -> pl.DataFrame:
    """Put the part's number into every column whose name ends in `uprn`.

    >>> uprns_of_part(pl.DataFrame({"uprn": ["990000000012"]}), 3).item()
    '990030000012'
    """
    named = [name for name in frame.columns if name.endswith("uprn")]
    first = part * _UPRNS_OF_A_PART
    return frame.with_columns(
        (pl.col(name).cast(pl.Int64) + first).cast(pl.String) for name in named
    )
