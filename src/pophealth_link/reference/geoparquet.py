"""File metadata that makes a Parquet table with well-known binary a GeoParquet file."""

from __future__ import annotations

import json
from typing import Any

# Parameters of OSGB36 / British National Grid (EPSG:27700), as PROJJSON.
# Source: Ordnance Survey, A guide to coordinate systems in Great Britain, annex A.
_ANGLE = "degree"


def _parameter(name: str, code: int, value: float, unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "id": {"authority": "EPSG", "code": code},
    }


def _axis(name: str, abbreviation: str, direction: str, unit: str) -> dict[str, str]:
    return {"name": name, "abbreviation": abbreviation, "direction": direction, "unit": unit}


def _osgb36() -> dict[str, Any]:
    return {
        "name": "OSGB36",
        "datum": {
            "type": "GeodeticReferenceFrame",
            "name": "Ordnance Survey of Great Britain 1936",
            "ellipsoid": {
                "name": "Airy 1830",
                "semi_major_axis": 6377563.396,
                "inverse_flattening": 299.3249646,
            },
        },
        "coordinate_system": {
            "subtype": "ellipsoidal",
            "axis": [
                _axis("Geodetic latitude", "Lat", "north", _ANGLE),
                _axis("Geodetic longitude", "Lon", "east", _ANGLE),
            ],
        },
        "id": {"authority": "EPSG", "code": 4277},
    }


def _conversion() -> dict[str, Any]:
    return {
        "name": "British National Grid",
        "method": {"name": "Transverse Mercator", "id": {"authority": "EPSG", "code": 9807}},
        "parameters": [
            _parameter("Latitude of natural origin", 8801, 49, _ANGLE),
            _parameter("Longitude of natural origin", 8802, -2, _ANGLE),
            _parameter("Scale factor at natural origin", 8805, 0.9996012717, "unity"),
            _parameter("False easting", 8806, 400000, "metre"),
            _parameter("False northing", 8807, -100000, "metre"),
        ],
    }


def national_grid() -> dict[str, Any]:
    """Return EPSG:27700 as PROJJSON, the form that GeoParquet 1.1 asks for.

    >>> national_grid()["id"]
    {'authority': 'EPSG', 'code': 27700}
    """
    return {
        "type": "ProjectedCRS",
        "name": "OSGB36 / British National Grid",
        "base_crs": _osgb36(),
        "conversion": _conversion(),
        "coordinate_system": {
            "subtype": "Cartesian",
            "axis": [
                _axis("Easting", "E", "east", "metre"),
                _axis("Northing", "N", "north", "metre"),
            ],
        },
        "id": {"authority": "EPSG", "code": 27700},
    }


def geo_metadata(column: str) -> dict[str, str]:
    """Return the `geo` key of a GeoParquet 1.1 file whose WKB `column` is in EPSG:27700."""
    layer = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "crs": national_grid(),
    }
    content = {"version": "1.1.0", "primary_column": column, "columns": {column: layer}}
    return {"geo": json.dumps(content, sort_keys=True)}
