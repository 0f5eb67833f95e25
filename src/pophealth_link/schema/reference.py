"""Tables of a reference pack."""

from __future__ import annotations

from pophealth_link.schema.core import Column, Table
from pophealth_link.schema.reference_counts import (
    POPULATION,
    PRACTICE_LISTS,
    PRACTICE_PATIENTS,
    QOF,
)

_LSOA = Column("lsoa_code", "text", "Lower layer super output area (2021).", required=True)
_LSOA11 = Column("lsoa11_code", "text", "Lower layer super output area (2011).", required=True)
_FROM = Column("valid_from", "date", "First day on which the row holds.")
_TO = Column("valid_to", "date", "Last day on which the row holds; empty: still holds.")

POSTCODES = Table(
    "postcodes",
    "Postcodes with their grid reference; those that are no longer in use have a last day.",
    "area",
    (
        Column("postcode", "text", "Postcode with one space (`AB1 2CD`).", required=True),
        Column("easting", "integer", "Grid reference east, EPSG:27700.", unit="m"),
        Column("northing", "integer", "Grid reference north, EPSG:27700.", unit="m"),
        _LSOA,
        Column("lsoa11_code", "text", "Lower layer super output area (2011)."),
        Column(
            "dwellings",
            "integer",
            "Dwellings at the postcode; none at those of large users or no longer in use.",
            unit="dwellings",
        ),
        _FROM,
        _TO,
    ),
    unique=("postcode",),
)

AREAS = Table(
    "areas",
    "LSOAs and the areas that hold them, each by its newest lookup.",
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
        Column("sub_icb_code", "text", "Sub-ICB location."),
        Column("sub_icb_name", "text", "Name of the sub-ICB location."),
        Column("region_code", "text", "Region of England."),
        Column("region_name", "text", "Name of the region."),
        Column("ward_code", "text", "Electoral ward, best fit."),
        Column("ward_name", "text", "Name of the ward."),
        Column("population", "integer", "Usual residents.", unit="people"),
        Column("households", "integer", "Households.", unit="households"),
    ),
    unique=("lsoa_code",),
)

_DOMAINS = {
    "income": "Income domain",
    "employment": "Employment domain",
    "education": "Education, skills and training domain",
    "health": "Health deprivation and disability domain",
    "crime": "Crime domain",
    "barriers": "Barriers to housing and services domain",
    "living_environment": "Living environment domain",
    "idaci": "Income deprivation affecting children index",
    "idaopi": "Income deprivation affecting older people index",
}


def _deprivation(lsoa: Column, *, scored: bool) -> tuple[Column, ...]:
    scores = (Column(f"{key}_score", "number", f"{name}: score.") for key, name in _DOMAINS.items())
    ranks = (
        Column(f"{key}_rank", "integer", f"{name}: national rank.")
        for key, name in _DOMAINS.items()
    )
    return (
        lsoa,
        Column("imd_score", "number", "Score.", required=scored),
        Column("imd_rank", "integer", "National rank.", required=True),
        Column("imd_decile", "integer", "National decile.", required=True),
        Column("population", "integer", "People that weigh the area's score.", unit="people"),
        *scores,
        *ranks,
        Column("population_children", "integer", "Aged 0 to 15.", unit="people"),
        Column("population_working_age", "integer", "Of working age.", unit="people"),
        Column("population_older", "integer", "Aged 60 and over.", unit="people"),
    )


DEPRIVATION = Table(
    "deprivation",
    "Indices of Deprivation 2025 by LSOA (2021); ranks and decile are national, 1 most deprived.",
    "area",
    _deprivation(_LSOA, scored=True),
    unique=("lsoa_code",),
)

DEPRIVATION_2019 = Table(
    "deprivation_2019",
    "Indices of Deprivation 2019 by LSOA (2011); ranks and decile are national, 1 most deprived.",
    "area",
    _deprivation(_LSOA11, scored=False),
    unique=("lsoa11_code",),
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
        Column("status_code", "text", "A active, C closed, D dormant, P proposed."),
        Column("icb_code", "text", "ODS code of its integrated care board."),
        Column("sub_icb_code", "text", "ODS code of its sub-ICB location."),
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
        Column("sub_icb_code", "text", "ODS code of the practice's sub-ICB location."),
        _FROM,
        _TO,
    ),
)

FOOTPRINTS = Table(
    "footprints",
    "Footprints made of practices or PCNs, or of areas. Where a row names both a practice and a "
    "PCN, the practice decides. A row of a practice or PCN that also names a site, an LSOA or a "
    "local authority holds its patients there; a row that names only an area holds its residents.",
    "area",
    (
        Column("footprint_type", "text", "icp, neighbourhood, place …; left out: the job's key."),
        Column("practice_code", "text", "ODS code of the practice."),
        Column("pcn_code", "text", "ODS code of the network."),
        Column("site_code", "text", "Branch surgery (ODS code) whose patients it holds."),
        Column("lsoa_code", "text", "LSOA (2021) whose people it holds."),
        Column("lad_code", "text", "Local authority whose people it holds."),
        Column("footprint_code", "text", "Code of the footprint.", required=True),
        Column("footprint_name", "text", "Name of the footprint."),
        Column(
            "share", "number", "Share of the practice's, PCN's or area's people in it; empty: 1."
        ),
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
        Column("area_type", "text", "lsoa, lsoa11 (of 2011) or lad.", required=True),
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
        Column("area_type", "text", "lsoa, lsoa11, msoa, lad, icb or ward.", required=True),
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

LSOA_CHANGES = Table(
    "lsoa_changes",
    "LSOAs of 2011 and of 2021 that overlap.",
    "area",
    (
        _LSOA11,
        Column("lsoa21_code", "text", "Lower layer super output area (2021).", required=True),
        Column(
            "change_code", "text", "U unchanged, S split, M merged, X irregular.", required=True
        ),
        Column(
            "population",
            "integer",
            "People in the overlap: the new part's where split, the old part's otherwise.",
            unit="people",
        ),
    ),
    unique=("lsoa11_code", "lsoa21_code"),
)

LAD_CHANGES = Table(
    "lad_changes",
    "Local authorities whose code was replaced, one row per step.",
    "area",
    (
        Column("lad_code", "text", "Code that was replaced.", required=True),
        Column("lad_name", "text", "Its name."),
        Column("successor_code", "text", "Code that replaced it.", required=True),
        Column("successor_name", "text", "Name of the successor."),
        Column("valid_from", "date", "First day of the successor."),
    ),
    unique=("lad_code", "successor_code"),
)

HIERARCHY = Table(
    "hierarchy",
    "The areas that held each LSOA, one row per spell.",
    "area",
    (
        _LSOA,
        Column(
            "area_type",
            "text",
            "msoa, lad, sub_icb, icb, nhs_region, region or ward.",
            required=True,
        ),
        Column("area_code", "text", "Code of the area.", required=True),
        Column("area_name", "text", "Name of the area."),
        Column("ods_code", "text", "The NHS's own code of it."),
        _FROM,
        _TO,
    ),
    unique=("lsoa_code", "area_type", "area_code", "valid_from"),
)

PRACTICE_SUCCESSORS = Table(
    "practice_successors",
    "Practices that were taken over, one row per step.",
    "area",
    (
        Column("practice_code", "text", "ODS code of the practice that ended.", required=True),
        Column("successor_code", "text", "ODS code of its successor.", required=True),
        Column("valid_from", "date", "First day of the successor."),
    ),
    unique=("practice_code", "successor_code"),
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
        DEPRIVATION_2019,
        LSOA_CHANGES,
        LAD_CHANGES,
        HIERARCHY,
        PRACTICE_SUCCESSORS,
        PRACTICE_PATIENTS,
        PRACTICE_LISTS,
        POPULATION,
        QOF,
    )
}
