"""What reads files of shapes: given by the caller, because geometry has one door elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, slots=True)
class ShapeReader:
    """Two functions that read a GeoPackage, GeoJSON, Shapefile or GeoParquet.

    `columns` returns the names of the attributes; `read` the named attributes and `geometry` as
    well-known binary in EPSG:27700, or raises :class:`ReferenceDataError` naming both systems.
    """

    columns: Callable[[Path], Sequence[str]]
    read: Callable[[Path, Sequence[str]], pl.DataFrame]
