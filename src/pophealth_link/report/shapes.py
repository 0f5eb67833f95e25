"""Outlines of LSOAs and of the footprints made of them, as path strings that every map shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pophealth_link.report.inputs import ReportInputs

# More areas than this make a page that is too heavy to read, and a map too fine to see.
MOST_AREAS = 1_500
_GRID = 1_000
_DRAWN = ("pcn", "icp", "lad")


@dataclass(frozen=True, slots=True)
class Shape:
    """One outline: the id of its path, the path, and a point to put a label at."""

    id: str
    path: str = field(repr=False)
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """All outlines on one sheet of `width` by `height`: LSOAs, then footprints by type."""

    width: int
    height: int
    areas: Mapping[str, Shape]
    footprints: Mapping[str, Mapping[str, Shape]]

    @property
    def shapes(self) -> list[Shape]:
        """Every outline, once."""
        return [
            *self.areas.values(),
            *(s for kind in self.footprints.values() for s in kind.values()),
        ]


EMPTY = Sheet(0, 0, {}, {})


@dataclass(frozen=True, slots=True)
class _Frame:
    """How metres become units of the sheet: the north-west corner and units in a metre."""

    west: float
    north: float
    scale: float


def sheet(inputs: ReportInputs) -> Sheet:
    """Draw the LSOAs of the run, and each footprint as the union of its LSOAs, once for all maps.

    LSOAs are those that `resident_lookup` names, or all of `boundaries` if it names none. Returns
    an empty sheet where there is nothing to draw, and no LSOAs beyond ``MOST_AREAS``.
    """
    from pophealth_link.places import outlines

    areas = _areas(inputs)
    if areas.is_empty():
        return EMPTY
    frame, width, height = _frame(outlines(areas, 0.0, grid=1.0))
    tolerance = 0.6 / frame.scale
    drawn = outlines(areas, tolerance) if areas.height <= MOST_AREAS else {"features": []}
    merged = _merged(areas, inputs.resident_lookup)
    return Sheet(
        width=width,
        height=height,
        areas=_shapes(drawn["features"], "a", frame),
        footprints={
            kind: _shapes(outlines(held, tolerance)["features"], f"f{position}-", frame)
            for position, (kind, held) in enumerate(sorted(merged.items()))
        },
    )


def _areas(inputs: ReportInputs) -> pl.DataFrame:
    lsoas = inputs.boundaries.filter(pl.col("area_type") == "lsoa").select("area_code", "geometry")
    named = inputs.resident_lookup.select(pl.col("lsoa_code").alias("area_code")).unique()
    kept = lsoas.join(named, on="area_code", how="semi") if named.height else lsoas
    return kept.drop_nulls().sort("area_code")


def _merged(areas: pl.DataFrame, lookup: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the union of the areas of each footprint, by footprint type."""
    from pophealth_link.places import dissolve, is_reason

    placed = lookup.filter(~is_reason())
    pairs = placed.select(
        "footprint_type", area_code="lsoa_code", group="footprint_code"
    ).drop_nulls()
    return {
        str(kind): dissolve(areas, rows.select("area_code", "group"))
        .select(area_code="group", geometry="geometry")
        .drop_nulls()
        for (kind,), rows in pairs.partition_by("footprint_type", as_dict=True).items()
        if kind in _DRAWN
    }


def _frame(collection: Mapping[str, Any]) -> tuple[_Frame, int, int]:
    """Return the frame that fits every point, and the sheet's width and height."""
    import numpy as np

    points = np.concatenate(
        [np.asarray(ring) for each in collection["features"] for ring in _rings(each["geometry"])]
    )
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    scale = _GRID / max(east - west, north - south, 1.0)
    size = (int(np.ceil((east - west) * scale)), int(np.ceil((north - south) * scale)))
    return _Frame(float(west), float(north), float(scale)), *size


def _rings(geometry: Mapping[str, Any]) -> list[Any]:
    polygons = geometry["coordinates"]
    polygons = [polygons] if geometry["type"] == "Polygon" else polygons
    return [ring for polygon in polygons for ring in polygon]


def _shapes(features: list[Any], prefix: str, frame: _Frame) -> dict[str, Shape]:
    return {
        feature["id"]: _shape(f"{prefix}{position}", _rings(feature["geometry"]), frame)
        for position, feature in enumerate(features)
        if feature["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    }


def _shape(name: str, rings: list[Any], frame: _Frame) -> Shape:
    import numpy as np

    scale = np.array([frame.scale, -frame.scale])
    corner = np.array([frame.west, frame.north])
    placed = [np.rint((np.asarray(ring, dtype=float) - corner) * scale) for ring in rings]
    largest = max(placed, key=lambda ring: abs(_area_and_middle(ring)[0]))
    _, x, y = _area_and_middle(largest)
    return Shape(name, "".join(_path(ring) for ring in placed), round(x), round(y))


def _area_and_middle(ring: Any) -> tuple[float, float, float]:
    """Return twice the signed area of a ring and its centre of gravity (the shoelace formula)."""
    x, y = ring[:, 0], ring[:, 1]
    cross = x[:-1] * y[1:] - x[1:] * y[:-1]
    twice = float(cross.sum())
    if twice == 0:
        return 0.0, float(x.mean()), float(y.mean())
    middle = (((x[:-1] + x[1:]) * cross).sum(), ((y[:-1] + y[1:]) * cross).sum())
    return twice, float(middle[0]) / (3 * twice), float(middle[1]) / (3 * twice)


def _path(ring: Any) -> str:
    """Return a ring as a path of relative steps, points that fell together left out."""
    import numpy as np

    steps = np.diff(ring[:-1], axis=0).astype(int)
    moves = steps[np.any(steps != 0, axis=1)].tolist()
    start = ring[0].astype(int).tolist()
    if len(moves) < 2:
        return ""
    text = " ".join(f"{x} {y}" for x, y in moves)
    return f"M{start[0]} {start[1]}l{text}z".replace(" -", "-")
