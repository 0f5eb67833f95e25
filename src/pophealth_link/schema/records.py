"""Tables that a job reads: people, their events, and dwellings."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.core import Column, Table

_RECORD_ID = Column(
    "record_id", "text", "The source's own id of the person's record.", required=True, key=True
)


def _identifier(name: str, meaning: str, kind: str = "text", **more: object) -> Column:
    return Column(name, kind, meaning, identifier=True, **more)  # type: ignore[arg-type]


PEOPLE = Table(
    "people",
    "One row per person record of a source.",
    "identifiable",
    (
        _RECORD_ID,
        _identifier("nhs_number", "NHS number, ten digits with a check digit; or a token."),
        _identifier("given_name", "First given name."),
        _identifier("middle_names", "Further given names."),
        _identifier("family_name", "Family name."),
        _identifier("previous_family_name", "Family name before the present one."),
        _identifier("date_of_birth", "Date of birth.", "date"),
        Column("sex", "code", "Sex or gender as recorded.", codes.SEX),
        Column("date_of_death", "date", "Date of death.", identifier=True),
        _identifier("postcode", "Postcode of the usual address."),
        _identifier("address", "Usual address on one line, without the postcode."),
        _identifier("uprn", "Unique property reference number of the usual address."),
        Column("ethnic_category", "code", "Ethnic category.", codes.ETHNIC_CATEGORY),
        Column("practice_code", "text", "General practice of registration (ODS code)."),
        Column("date_from", "date", "First day of registration or of the record."),
        Column("date_to", "date", "Last day of registration or of the record; empty: current."),
    ),
    unique=("record_id",),
)

_START = Column("start_date", "date", "First day.", required=True)
_END = Column("end_date", "date", "Day on which it ended; empty: still open.")

CONDITION_EVENTS = Table(
    "condition_events",
    "Conditions diagnosed, one row per diagnosis.",
    "person",
    (
        _RECORD_ID,
        Column("condition", "code", "Condition.", codes.CONDITION, required=True),
        Column("recorded_date", "date", "Day on which it was recorded.", required=True),
        Column("resolved_date", "date", "Day on which it was recorded as resolved."),
    ),
)

REFERRALS = Table(
    "referrals",
    "Referrals to mental-health services.",
    "person",
    (
        _RECORD_ID,
        Column("referral_id", "text", "The referral's id."),
        Column("referral_date", "date", "Day on which it was received.", required=True),
        Column("discharge_date", "date", "Day of discharge from the referral; empty: open."),
    ),
)

CONTACTS = Table(
    "contacts",
    "Contacts planned or held by mental-health services.",
    "person",
    (
        _RECORD_ID,
        Column("contact_id", "text", "The contact's id."),
        Column("contact_date", "date", "Day of the contact.", required=True),
        Column("attendance", "code", "Attended or not.", codes.ATTENDANCE, required=True),
    ),
)

HOSPITAL_SPELLS = Table(
    "hospital_spells",
    "Spells in a mental-health bed.",
    "person",
    (
        _RECORD_ID,
        Column("spell_id", "text", "The spell's id."),
        _START,
        _END,
        Column(
            "admission_method",
            "code",
            "Method of admission.",
            codes.ADMISSION_METHOD,
            required=True,
        ),
    ),
)

DELAYED_DISCHARGES = Table(
    "delayed_discharges",
    "Periods in a mental-health bed after the patient was clinically ready for discharge.",
    "person",
    (
        _RECORD_ID,
        Column("spell_id", "text", "The spell's id."),
        _START,
        _END,
        Column("reason", "code", "Reason of the delay.", codes.DELAY_REASON, required=True),
    ),
)

ADMISSIONS = Table(
    "admissions",
    "Admissions to acute hospitals.",
    "person",
    (
        _RECORD_ID,
        Column("admission_id", "text", "The admission's id."),
        _START,
        _END,
        Column(
            "admission_method",
            "code",
            "Method of admission.",
            codes.ADMISSION_METHOD,
            required=True,
        ),
        Column("primary_diagnosis", "text", "ICD-10 code of the main diagnosis.", required=True),
    ),
)

SOCIAL_CARE_EVENTS = Table(
    "social_care_events",
    "Adult social care support.",
    "person",
    (
        _RECORD_ID,
        Column("event_id", "text", "The event's id."),
        _START,
        _END,
        Column(
            "primary_support_reason",
            "code",
            "Primary support reason.",
            codes.PRIMARY_SUPPORT_REASON,
            required=True,
        ),
    ),
)

CHILDRENS_SOCIAL_CARE_EVENTS = Table(
    "childrens_social_care_events",
    "Episodes of children's social care: in need, protected, looked after.",
    "person",
    (
        _RECORD_ID,
        Column("event_id", "text", "The event's id."),
        _START,
        _END,
        Column(
            "category",
            "code",
            "Category of the episode.",
            codes.CHILDRENS_SOCIAL_CARE,
            required=True,
        ),
        Column("primary_need", "code", "Primary need at assessment.", codes.PRIMARY_NEED),
    ),
)

HOUSING_APPLICATIONS = Table(
    "housing_applications",
    "Applications on the housing register.",
    "person",
    (
        _RECORD_ID,
        Column("application_id", "text", "The application's id."),
        _START,
        _END,
        Column("bedrooms_short", "integer", "Bedrooms that the household lacks.", unit="bedrooms"),
    ),
)

HOMELESSNESS_CASES = Table(
    "homelessness_cases",
    "Homelessness duties owed.",
    "person",
    (
        _RECORD_ID,
        Column("case_id", "text", "The case's id."),
        Column("duty", "code", "Duty owed.", codes.HOMELESSNESS_DUTY, required=True),
        _START,
        _END,
    ),
)

TEMPORARY_ACCOMMODATION = Table(
    "temporary_accommodation",
    "Placements in temporary accommodation.",
    "person",
    (_RECORD_ID, Column("placement_id", "text", "The placement's id."), _START, _END),
)

DWELLINGS = Table(
    "dwellings",
    "Dwellings on the council tax list, with what the council knows of them.",
    "identifiable",
    (
        Column("record_id", "text", "The list's own id; left out: the row's number.", key=True),
        _identifier("uprn", "Unique property reference number.", required=True),
        _identifier("address", "Address on one line, without the postcode."),
        _identifier("postcode", "Postcode."),
        Column("band", "code", "Council tax band.", codes.COUNCIL_TAX_BAND),
        Column("single_person_discount", "boolean", "The discount for a single adult applies."),
        Column("licensed_hmo", "boolean", "Licensed as a house in multiple occupation."),
    ),
    unique=("record_id",),
)

EVENT_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CONDITION_EVENTS,
        REFERRALS,
        CONTACTS,
        HOSPITAL_SPELLS,
        DELAYED_DISCHARGES,
        ADMISSIONS,
        SOCIAL_CARE_EVENTS,
        CHILDRENS_SOCIAL_CARE_EVENTS,
        HOUSING_APPLICATIONS,
        HOMELESSNESS_CASES,
        TEMPORARY_ACCOMMODATION,
    )
}
