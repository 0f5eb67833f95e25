"""What reads files of shapes: given by the caller, because geometry has one door elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True, slots=True)
class ShapeReader:
    """Three functions that read a GeoPackage, GeoJSON, Shapefile or GeoParquet.

    `layers` returns the names of the layers; `columns` those of the attributes of a layer; `read`
    the named attributes of a layer and `geometry` as well-known binary in EPSG:27700, or raises
    :class:`ReferenceDataError` naming both systems.
    """

    layers: Callable[[Path], Sequence[str]]
    columns: Callable[[Path, str], Sequence[str]]
    read: Callable[[Path, Sequence[str], str], pl.DataFrame]
