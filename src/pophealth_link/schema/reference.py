"""Tables of a reference pack."""

from __future__ import annotations

from pophealth_link.schema.core import Column, Table

_LSOA = Column("lsoa_code", "text", "Lower layer super output area (2021).", required=True)
_FROM = Column("valid_from", "date", "First day on which the row holds.")
_TO = Column("valid_to", "date", "Last day on which the row holds; empty: still holds.")

POSTCODES = Table(
    "postcodes",
    "Live postcodes with their grid reference.",
    "area",
    (
        Column("postcode", "text", "Postcode with one space (`AB1 2CD`).", required=True),
        Column("easting", "integer", "Grid reference east, EPSG:27700.", unit="m"),
        Column("northing", "integer", "Grid reference north, EPSG:27700.", unit="m"),
        _LSOA,
        Column("dwellings", "integer", "Dwellings at the postcode.", unit="dwellings"),
    ),
    unique=("postcode",),
)

AREAS = Table(
    "areas",
    "LSOAs and the areas that hold them.",
    "area",
    (
        _LSOA,
        Column("lsoa_name", "text", "Name of the LSOA."),
        Column("msoa_code", "text", "Middle layer super output area."),
        Column("msoa_name", "text", "Name of the MSOA."),
        Column("lad_code", "text", "Local authority district.", required=True),
        Column("lad_name", "text", "Name of the local authority."),
        Column("icb_code", "text", "Integrated care board."),
        Column("icb_name", "text", "Name of the integrated care board."),
        Column("population", "integer", "Usual residents.", unit="people"),
        Column("households", "integer", "Households.", unit="households"),
    ),
    unique=("lsoa_code",),
)

DEPRIVATION = Table(
    "deprivation",
    "Index of Multiple Deprivation by LSOA; rank and decile are national, 1 most deprived.",
    "area",
    (
        _LSOA,
        Column("imd_score", "number", "Score.", required=True),
        Column("imd_rank", "integer", "National rank.", required=True),
        Column("imd_decile", "integer", "National decile.", required=True),
        Column("population", "integer", "People that weigh the area's score.", unit="people"),
    ),
    unique=("lsoa_code",),
)

PRACTICES = Table(
    "practices",
    "General practices.",
    "area",
    (
        Column("practice_code", "text", "ODS code.", required=True),
        Column("practice_name", "text", "Name."),
        Column("postcode", "text", "Postcode of the main surgery."),
        Column("list_size", "integer", "Registered patients as published.", unit="people"),
        Column("open_date", "date", "Day on which it opened."),
        Column("close_date", "date", "Day on which it closed."),
    ),
    unique=("practice_code",),
)

PRACTICE_PCN = Table(
    "practice_pcn",
    "Membership of practices in primary care networks, one row per spell.",
    "area",
    (
        Column("practice_code", "text", "ODS code of the practice.", required=True),
        Column("pcn_code", "text", "ODS code of the network.", required=True),
        Column("pcn_name", "text", "Name of the network."),
        _FROM,
        _TO,
    ),
)

FOOTPRINTS = Table(
    "footprints",
    "Footprints made of practices or PCNs. Where a row names both, the practice decides.",
    "area",
    (
        Column("footprint_type", "text", "icp, neighbourhood, place …; left out: the job's key."),
        Column("practice_code", "text", "ODS code of the practice."),
        Column("pcn_code", "text", "ODS code of the network."),
        Column("footprint_code", "text", "Code of the footprint.", required=True),
        Column("footprint_name", "text", "Name of the footprint."),
        Column("share", "number", "Share of the practice's or PCN's people in it; empty: 1."),
        _FROM,
        _TO,
    ),
)

AREA_MEASURES = Table(
    "area_measures",
    "Published counts and scores by area. Counts fill numerator and denominator; scores fill "
    "value, and in denominator the people or households that weigh it.",
    "area",
    (
        Column("measure", "text", "The measure's id.", required=True),
        Column("area_type", "text", "lsoa or lad.", required=True),
        Column("area_code", "text", "Code of the area.", required=True),
        Column("numerator", "number", "Count."),
        Column("denominator", "number", "Count that the numerator is part of, or weight."),
        Column("value", "number", "Score."),
        Column("period", "text", "Day or period that it describes."),
    ),
    unique=("measure", "area_type", "area_code"),
)

BOUNDARIES = Table(
    "boundaries",
    "Boundaries of areas, EPSG:27700, as well-known binary.",
    "area",
    (
        Column("area_type", "text", "lsoa or lad.", required=True),
        Column("area_code", "text", "Code of the area.", required=True),
        Column("geometry", "geometry", "Polygon or multipolygon.", required=True),
    ),
    unique=("area_type", "area_code"),
)

EXPOSURES = Table(
    "exposures",
    "Polygons of exposure, EPSG:27700, as well-known binary.",
    "area",
    (
        Column("exposure", "text", "noise_lden_55: 55 dB or more, day-evening-night level."),
        Column("geometry", "geometry", "Polygon or multipolygon.", required=True),
    ),
)

REFERENCE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        POSTCODES,
        AREAS,
        DEPRIVATION,
        PRACTICES,
        PRACTICE_PCN,
        FOOTPRINTS,
        AREA_MEASURES,
        BOUNDARIES,
        EXPOSURES,
    )
}
