"""Geometry: files of shapes, postcodes within them, dissolved footprints, outlines for maps.

The only module that uses geopandas and shapely, and only inside its functions: they take 0.4 s to
import. Shapes travel between functions as well-known binary in EPSG:27700.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pophealth_link.engine import Frame, collect
from pophealth_link.errors import DataError, ReferenceDataError
from pophealth_link.places.frames import PlacesWarning, shaped
from pophealth_link.schema.reference import POSTCODES

BRITISH_GRID = "EPSG:27700"
# Ordnance Survey, National Grid: 700 km east and 1,300 km north. Shapes may begin at sea.
_GRID = (700_000, 1_300_000)
_MARGIN = 100_000
# GEOS tells which edges of a coverage are wrong from this version on.
_COVERAGES = (3, 12, 0)


def check_crs(found: object, name: str, expected: str = BRITISH_GRID) -> None:
    """Raise `ReferenceDataError` naming both if the coordinate system is not the one expected.

    `found` is anything that names a coordinate system (code, WKT, object) or None; `name` says
    whose it is.

    >>> check_crs("EPSG:27700", "boundaries")
    """
    import pyproj

    wanted = pyproj.CRS.from_user_input(expected)
    given = None if found is None else pyproj.CRS.from_user_input(found)
    if given is not None and (given == wanted or given.to_epsg() == wanted.to_epsg()):
        return
    told = "none given" if given is None else f"{':'.join(given.to_authority() or ())} {given.name}"
    raise ReferenceDataError(
        f"`{name}` is in another coordinate system than {expected} ({wanted.name}).",
        f"Found: {told.strip()}.",
        fix=f"convert the file to {expected}, or download it in that system",
    )


def read_shapes(
    path: Path, columns: Sequence[str], layer: str | None = None, *, crs: str = BRITISH_GRID
) -> pl.DataFrame:
    """Read the named columns and `geometry` (well-known binary) of a file of shapes.

    GeoParquet by its ending `.parquet`; GeoPackage, Shapefile, GeoJSON and the like otherwise.
    `layer`: which one of several (see `shape_layers`); the first if left out.
    Raises `ReferenceDataError` if the file is in another coordinate system than `crs`, cannot be
    read, or lacks a column.
    """
    held = _read(path, crs, layer)
    absent = [name for name in columns if name not in held.columns]
    if absent:
        raise ReferenceDataError(f"{path.name} lacks columns.", *absent)
    shapes = pl.Series("geometry", held.geometry.to_wkb().tolist(), dtype=pl.Binary)
    return pl.DataFrame({name: held[name].tolist() for name in columns}).with_columns(shapes)


def shape_layers(path: Path) -> list[str]:
    """Return the names of the layers of a file of shapes.

    Raises `ReferenceDataError` if the file cannot be read.
    """
    import geopandas as gpd

    if path.suffix == ".parquet":
        return [path.stem]
    names: list[str] | None = None
    try:
        names = [str(name) for name in gpd.list_layers(path)["name"]]
    except (OSError, ValueError, RuntimeError):
        names = None
    if names is None:
        raise _unreadable(path)
    return names


def shape_columns(path: Path, layer: str | None = None) -> list[str]:
    """Return the names of the attributes of a layer of shapes, without reading the shapes.

    Raises `ReferenceDataError` if the file cannot be read.
    """
    import geopandas as gpd
    import pyarrow.parquet as pq

    names: list[str] | None = None
    try:
        held = (
            pq.read_schema(path).names
            if path.suffix == ".parquet"
            else gpd.read_file(path, rows=0, layer=layer).columns
        )
        names = [str(name) for name in held if name != "geometry"]
    except (OSError, ValueError, RuntimeError):
        names = None
    if names is None:
        raise _unreadable(path)
    return names


def _read(path: Path, crs: str, layer: str | None) -> Any:
    import geopandas as gpd

    held = None
    try:
        whole = path.suffix == ".parquet"
        held = gpd.read_parquet(path) if whole else gpd.read_file(path, layer=layer)
    except (OSError, ValueError, RuntimeError):
        held = None
    if held is None:
        raise _unreadable(path)
    check_crs(getattr(held, "crs", None), path.name, crs)
    return held


def _unreadable(path: Path) -> ReferenceDataError:
    return ReferenceDataError(f"{path.name} could not be read as a file of shapes.")


def within(
    postcodes: Frame, shapes: pl.DataFrame, *, crs: str = BRITISH_GRID, code: str = "area_code"
) -> pl.DataFrame:
    """Return each postcode with a grid reference and the shape that holds its point.

    `postcodes`: the reference table; `shapes` holds `code` and geometry in the coordinate system
    `crs`. Returns postcode and `code`, sorted by postcode; the code is missing outside every
    shape. A point on an edge is inside; within several shapes the smallest code is taken, so that
    no postcode is doubled. Raises `ReferenceDataError` where `crs` is not the postcodes' own
    (EPSG:27700), or the coordinates are degrees or of another system.
    """
    check_crs(crs, "shapes")
    places = collect(shaped(postcodes, POSTCODES, ("postcode", "easting", "northing")))
    places = places.drop_nulls().sort("postcode")
    held = shapes.select(pl.col(code).cast(pl.String), "geometry").drop_nulls().sort(code)
    points, polygons = hits(places, held["geometry"], "shapes")
    pairs = pl.DataFrame({"point": points, code: held[code].gather(polygons)})
    first = pairs.group_by("point").agg(pl.col(code).min())
    numbered = places.select("postcode").with_row_index("point").cast({"point": pl.Int64})
    return numbered.join(first, on="point", how="left", maintain_order="left").drop("point")


def hits(places: pl.DataFrame, geometry: pl.Series, name: str) -> tuple[Any, Any]:
    """Return the pairs of point and polygon that meet; warn of polygons that were repaired."""
    import shapely

    polygons, broken = _repaired(geometry)
    if broken.any():
        told = f"`{name}`: {int(broken.sum()):,} of {geometry.len():,} polygons were invalid and "
        warnings.warn(told + "have been repaired.", PlacesWarning, stacklevel=3)
    eastings, northings = places["easting"].to_numpy(), places["northing"].to_numpy()
    if geometry.len():
        _require_grid(shapely.total_bounds(polygons), eastings, name)
    # The polygons are few and large: they are prepared, the points go into the tree.
    tree = shapely.STRtree(shapely.points(eastings, northings))
    at, points = tree.query(polygons, predicate="intersects")
    return points, at


def _require_grid(bounds: Any, eastings: Any, name: str) -> None:
    # Well-known binary says nothing of its coordinate system, and another would match no postcode.
    left, bottom, right, top = bounds
    east, north = _GRID[0] + _MARGIN, _GRID[1] + _MARGIN
    found = None
    if eastings.size and np.abs(bounds).max() <= 360 < np.abs(eastings).max():
        found = "degrees (such as EPSG:4326)"
    elif left > east or bottom > north or max(-right, -top) > _MARGIN:
        found = "another coordinate system (such as EPSG:3857)"
    if found:
        raise ReferenceDataError(
            f"`{name}` is in {found}, `postcodes` in {BRITISH_GRID}.",
            fix=f"convert the polygons to {BRITISH_GRID}",
        )


def _repaired(geometry: pl.Series) -> tuple[Any, Any]:
    """Return the shapes, made valid where they were not, and which those were."""
    import shapely

    shapes = shapely.from_wkb(np.array(geometry.to_list(), dtype=object))
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if broken.any():
        shapes[broken] = shapely.make_valid(
            shapes[broken], method="structure", keep_collapsed=False
        )
    return shapes, broken


def dissolve(boundaries: pl.DataFrame, lookup: pl.DataFrame) -> pl.DataFrame:
    """Return one shape per group: the union of its areas.

    `boundaries` holds area_code and geometry; `lookup` area_code and group, each area in one
    group. Returns group, geometry (well-known binary), and the counts areas (in the shape),
    missing (without a boundary) and repaired (invalid polygons that were made valid), sorted.
    Raises `DataError` where an area is in two groups.
    """
    pairs = lookup.select(pl.col("area_code", "group").cast(pl.String)).drop_nulls().unique()
    if pairs.height != pairs["area_code"].n_unique():
        repeats = pairs.height - pairs["area_code"].n_unique()
        raise DataError(f"Areas to dissolve that are in more than one group: {repeats:,}.")
    shapes = boundaries.select(pl.col("area_code").cast(pl.String), "geometry").drop_nulls()
    held = pairs.join(shapes, on="area_code", how="left").sort("group", "area_code")
    groups = held.partition_by("group", as_dict=True).items()
    # Shapes are united outside the interpreter's lock; each group by itself, so in any order alike.
    with ThreadPoolExecutor() as pool:
        merged = list(pool.map(lambda each: _merged(each[0][0], each[1]), groups))
    schema = {
        "group": pl.String,
        "geometry": pl.Binary,
        "areas": pl.Int64,
        "missing": pl.Int64,
        "repaired": pl.Int64,
    }
    return pl.DataFrame(merged, schema=schema, orient="row").sort("group")


def _merged(name: object, rows: pl.DataFrame) -> tuple[object, bytes | None, int, int, int]:
    import shapely

    found = rows["geometry"].drop_nulls()
    missing = rows.height - found.len()
    if found.is_empty():
        return name, None, 0, missing, 0
    shapes, broken = _repaired(found)
    union = shapely.normalize(_united(shapes))
    return name, shapely.to_wkb(union), found.len(), missing, int(broken.sum())


def _united(shapes: Any) -> Any:
    """Return the union: quickly of the shapes that only touch, then with those that overlap.

    Open boundaries overlap by a metre here and there (109 of England's 33,755 LSOAs), and a union
    that takes them for a coverage would be wrong.
    """
    import shapely

    if shapely.geos_version < _COVERAGES or not np.isin(shapely.get_type_id(shapes), (3, 6)).all():
        return shapely.union_all(shapes)
    apart = shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    touching = shapely.coverage_union_all(shapes[apart])
    return shapely.union_all(np.append(shapes[~apart], touching))


def outlines(
    boundaries: pl.DataFrame, tolerance: float, *, code: str = "area_code", grid: float = 1.0
) -> dict[str, Any]:
    """Return the shapes as a GeoJSON-like feature collection, simplified, for drawing.

    `boundaries` holds `code` and geometry in metres; `tolerance` is how far an outline may move,
    `grid` what coordinates are rounded to, both in metres. Each feature carries its code as a
    property and as `id`; sorted by code; shapes that are missing are left out. For a plane: draw
    it with an identity projection, reflected in y. Not for measuring: neighbours are simplified
    apart, so edges may part or overlap by the tolerance.
    """
    import shapely

    if tolerance < 0 or grid <= 0:
        raise DataError("An outline needs a tolerance of 0 or more and a grid above 0.")
    held = boundaries.select(pl.col(code).cast(pl.String), "geometry").drop_nulls().sort(code)
    if held.is_empty():
        return {"type": "FeatureCollection", "features": []}
    shapes, _ = _repaired(held["geometry"])
    shapes = shapely.simplify(shapes, tolerance, preserve_topology=True)
    # Rounding point by point keeps the smallest shapes, which a valid rounding may drop.
    shapes = shapely.set_precision(shapes, grid, mode="pointwise")
    # Holes run against their outline, or a non-zero fill would paint them.
    texts = shapely.to_geojson(shapely.orient_polygons(shapes))
    features = [
        {
            "type": "Feature",
            "id": name,
            "properties": {code: name},
            "geometry": json.loads(text, parse_float=_short),
        }
        for name, text in zip(held[code], texts, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def _short(text: str) -> int | float:
    value = round(float(text), 6)
    return int(value) if value.is_integer() else value
