"""Tables that a job reads: people, their events, and dwellings."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.core import Column, Table
from pophealth_link.schema.parts import RECORD_ID, identifier
from pophealth_link.schema.records_council import COUNCIL_TABLES
from pophealth_link.schema.records_health import HEALTH_TABLES
from pophealth_link.schema.records_services import CRISIS_ASSESSMENTS

PEOPLE = Table(
    "people",
    "One row per person record of a source.",
    "identifiable",
    (
        RECORD_ID,
        identifier("nhs_number", "NHS number, ten digits with a check digit; or a token."),
        identifier("given_name", "First given name."),
        identifier("middle_names", "Further given names."),
        identifier("family_name", "Family name."),
        identifier("previous_family_name", "Family name before the present one."),
        identifier("date_of_birth", "Date of birth.", "date"),
        Column("sex", "code", "Sex or gender as recorded.", codes.SEX),
        Column("date_of_death", "date", "Date of death.", identifier=True),
        identifier("postcode", "Postcode of the usual address."),
        identifier("address", "Usual address on one line, without the postcode."),
        identifier("uprn", "Unique property reference number of the usual address."),
        Column("ethnic_category", "code", "Ethnic category.", codes.ETHNIC_CATEGORY),
        Column("practice_code", "text", "General practice of registration (ODS code)."),
        identifier(
            "birth_precision",
            "What date_of_birth tells: the day, or only month or year; empty: the day.",
            "code",
            codes=codes.BIRTH_PRECISION,
        ),
        identifier(
            "lsoa_code",
            "LSOA of the usual address, for extracts that give it in place of the postcode.",
        ),
        Column("date_from", "date", "First day of registration or of the record."),
        Column("date_to", "date", "Last day of registration or of the record; empty: current."),
    ),
    unique=("record_id",),
)

DWELLINGS = Table(
    "dwellings",
    "Dwellings on the council tax list, with what the council knows of them.",
    "identifiable",
    (
        Column("record_id", "text", "The list's own id; left out: the row's number.", key=True),
        identifier("uprn", "Unique property reference number.", required=True),
        identifier("address", "Address on one line, without the postcode."),
        identifier("postcode", "Postcode."),
        Column("band", "code", "Council tax band.", codes.COUNCIL_TAX_BAND),
        Column("single_person_discount", "boolean", "The discount for a single adult applies."),
        Column("licensed_hmo", "boolean", "Licensed as a house in multiple occupation."),
    ),
    unique=("record_id",),
)

EVENT_TABLES: dict[str, Table] = {
    table.name: table for table in (*HEALTH_TABLES, CRISIS_ASSESSMENTS, *COUNCIL_TABLES)
}
