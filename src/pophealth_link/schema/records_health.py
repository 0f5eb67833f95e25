"""Tables of events in the NHS: general practice, mental health, hospitals, community."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.core import Column, Table
from pophealth_link.schema.parts import END, RECORD_ID, RECORDED, START

CONDITION_EVENTS = Table(
    "condition_events",
    "Conditions diagnosed, one row per diagnosis.",
    "person",
    (
        RECORD_ID,
        Column("condition", "code", "Condition.", codes.CONDITION, required=True),
        RECORDED,
        Column("resolved_date", "date", "Day on which it was recorded as resolved."),
    ),
)

HEALTH_CHECKS = Table(
    "health_checks",
    "Parts of the physical health check that were done in general practice, one row for each.",
    "person",
    (
        RECORD_ID,
        Column("component", "code", "What was checked.", codes.HEALTH_CHECK, required=True),
        RECORDED,
    ),
)

REFERRALS = Table(
    "referrals",
    "Referrals to mental-health services.",
    "person",
    (
        RECORD_ID,
        Column("referral_id", "text", "The referral's id."),
        Column("referral_date", "date", "Day on which it was received.", required=True),
        Column("discharge_date", "date", "Day of discharge from the referral; empty: open."),
        Column(
            "source_of_referral",
            "text",
            "Who referred, as the data set codes it (`referral_source_group` by first letter).",
        ),
        Column("priority", "code", "Clinical response priority.", codes.REFERRAL_PRIORITY),
        Column("primary_reason", "code", "Primary reason.", codes.REFERRAL_REASON),
        Column(
            "out_of_area_reason",
            "code",
            "Reason of an out-of-area placement; 10 is an inappropriate one.",
            codes.OUT_OF_AREA_REASON,
        ),
    ),
)

_CONTACT = (
    RECORD_ID,
    Column("contact_id", "text", "The contact's id."),
    Column("contact_date", "date", "Day of the contact.", required=True),
    Column("attendance", "code", "Attended or not.", codes.ATTENDANCE, required=True),
)

CONTACTS = Table(
    "contacts",
    "Contacts planned or held by mental-health services.",
    "person",
    (*_CONTACT, Column("referral_id", "text", "The referral that it belongs to.")),
)

_ADMISSION_METHOD = Column(
    "admission_method", "code", "Method of admission.", codes.ADMISSION_METHOD, required=True
)
_DISCHARGE_METHOD = Column(
    "discharge_method", "code", "Method of discharge.", codes.DISCHARGE_METHOD
)

HOSPITAL_SPELLS = Table(
    "hospital_spells",
    "Spells in a mental-health bed.",
    "person",
    (
        RECORD_ID,
        Column("spell_id", "text", "The spell's id."),
        START,
        Column("start_time", "text", "When it began: time of day, HH:MM (24 hours)."),
        END,
        _ADMISSION_METHOD,
        _DISCHARGE_METHOD,
        Column("referral_id", "text", "The referral that it belongs to."),
    ),
)

WARD_STAYS = Table(
    "ward_stays",
    "Stays on one ward within a spell in a mental-health bed.",
    "person",
    (
        RECORD_ID,
        Column("ward_stay_id", "text", "The ward stay's id."),
        Column("spell_id", "text", "The spell's id."),
        START,
        END,
        Column("bed_type", "code", "Type of bed.", codes.BED_TYPE),
        Column("site_code", "text", "Site of the ward (ODS code)."),
        Column("home_distance", "integer", "From the person's home to the ward.", unit="km"),
    ),
)

DELAYED_DISCHARGES = Table(
    "delayed_discharges",
    "Periods in a mental-health bed after the patient was clinically ready for discharge.",
    "person",
    (
        RECORD_ID,
        Column("spell_id", "text", "The spell's id."),
        START,
        END,
        Column("reason", "code", "Reason of the delay.", codes.DELAY_REASON, required=True),
        Column("attributed_to", "code", "To whom it is attributed.", codes.DELAY_ATTRIBUTION),
    ),
)

LEGAL_STATUSES = Table(
    "legal_statuses",
    "Periods under a legal status, most of them of the Mental Health Act 1983.",
    "person",
    (
        RECORD_ID,
        Column("period_id", "text", "The period's id."),
        START,
        END,
        Column("expiry_date", "date", "Day on which it expires unless renewed."),
        Column("legal_status", "code", "Legal status.", codes.LEGAL_STATUS, required=True),
    ),
)

ACCOMMODATION = Table(
    "accommodation",
    "Where a person was recorded to live, one row per record of it.",
    "person",
    (
        RECORD_ID,
        RECORDED,
        Column("start_date", "date", "First day, where it is known."),
        END,
        Column(
            "accommodation_type",
            "code",
            "Type of accommodation.",
            codes.ACCOMMODATION_TYPE,
            required=True,
        ),
        Column("settled", "code", "Whether it is settled.", codes.SETTLED_ACCOMMODATION),
    ),
)

EMPLOYMENT = Table(
    "employment",
    "Employment status as recorded, one row per record of it.",
    "person",
    (
        RECORD_ID,
        RECORDED,
        Column("start_date", "date", "First day, where it is known."),
        END,
        Column(
            "employment_status",
            "code",
            "Employment status.",
            codes.EMPLOYMENT_STATUS,
            required=True,
        ),
    ),
)

DIAGNOSES = Table(
    "diagnoses",
    "Diagnoses as coded by hospitals and services, one row per code.",
    "person",
    (
        RECORD_ID,
        Column("event_id", "text", "The spell, attendance or referral that it belongs to."),
        RECORDED,
        Column("scheme", "code", "Classification of the code.", codes.DIAGNOSIS_SCHEME),
        Column("diagnosis", "text", "The code.", required=True),
        Column("position", "integer", "1: the main or primary one.", unit="place"),
    ),
)

CODED_SCORES = Table(
    "coded_scores",
    "Scores of assessments and outcome measures, one row per score.",
    "person",
    (
        RECORD_ID,
        Column("event_id", "text", "The referral or activity that it belongs to."),
        RECORDED,
        Column(
            "tool",
            "text",
            "SNOMED CT concept of the score (`score_tool` has the most used ones).",
            required=True,
        ),
        Column("score", "number", "The score.", required=True, unit="points"),
    ),
)

ADMISSIONS = Table(
    "admissions",
    "Admissions to acute hospitals.",
    "person",
    (
        RECORD_ID,
        Column("admission_id", "text", "The admission's id."),
        START,
        END,
        _ADMISSION_METHOD,
        Column("primary_diagnosis", "text", "ICD-10 code of the main diagnosis.", required=True),
        Column("external_cause", "text", "ICD-10 code of the external cause (V01 to Y98)."),
        Column("specialty", "text", "Main specialty of the consultant."),
        _DISCHARGE_METHOD,
    ),
)

EMERGENCY_ATTENDANCES = Table(
    "emergency_attendances",
    "Attendances at emergency departments.",
    "person",
    (
        RECORD_ID,
        Column("attendance_id", "text", "The attendance's id."),
        Column("arrival_date", "date", "Day of arrival.", required=True),
        Column("departure_date", "date", "Day of departure."),
        Column("attendance_category", "code", "First, follow-up.", codes.ATTENDANCE_CATEGORY),
        Column("chief_complaint", "text", "SNOMED CT concept of the chief complaint."),
        Column("injury_intent", "text", "SNOMED CT concept of the intent of an injury."),
        Column("diagnosis", "text", "Code of the first diagnosis."),
        Column("discharge_status", "text", "How the attendance ended, as the data set codes it."),
        Column("discharge_destination", "text", "Where the patient went, as coded."),
    ),
)

OUTPATIENT_APPOINTMENTS = Table(
    "outpatient_appointments",
    "Appointments with a consultant or clinic of an acute hospital.",
    "person",
    (
        RECORD_ID,
        Column("appointment_id", "text", "The appointment's id."),
        Column("appointment_date", "date", "Day of the appointment.", required=True),
        Column("attendance", "code", "Attended or not.", codes.ATTENDANCE, required=True),
        Column("specialty", "text", "Main specialty of the consultant."),
        Column("primary_diagnosis", "text", "ICD-10 code of the main diagnosis."),
    ),
)

_REFERRAL = (
    RECORD_ID,
    Column("referral_id", "text", "The referral's id."),
    Column("referral_date", "date", "Day on which it was received.", required=True),
    Column("discharge_date", "date", "Day of discharge from the referral; empty: open."),
    Column("source_of_referral", "text", "Who referred, as the data set codes it."),
)

TALKING_THERAPIES_REFERRALS = Table(
    "talking_therapies_referrals",
    "Referrals to NHS Talking Therapies for anxiety and depression.",
    "person",
    (*_REFERRAL, Column("end_code", "text", "How the course ended, as the data set codes it.")),
)

TALKING_THERAPIES_CONTACTS = Table(
    "talking_therapies_contacts",
    "Contacts planned or held by NHS Talking Therapies.",
    "person",
    (
        *_CONTACT,
        Column("referral_id", "text", "The referral that it belongs to."),
        Column("appointment_type", "text", "Assessment or treatment, as the data set codes it."),
    ),
)

COMMUNITY_REFERRALS = Table(
    "community_referrals",
    "Referrals to community health services.",
    "person",
    (*_REFERRAL, Column("primary_reason", "text", "Primary reason, as the data set codes it.")),
)

COMMUNITY_CONTACTS = Table(
    "community_contacts",
    "Contacts planned or held by community health services.",
    "person",
    (*_CONTACT, Column("referral_id", "text", "The referral that it belongs to.")),
)

HEALTH_TABLES = (
    CONDITION_EVENTS,
    HEALTH_CHECKS,
    REFERRALS,
    CONTACTS,
    HOSPITAL_SPELLS,
    WARD_STAYS,
    DELAYED_DISCHARGES,
    LEGAL_STATUSES,
    ACCOMMODATION,
    EMPLOYMENT,
    DIAGNOSES,
    CODED_SCORES,
    ADMISSIONS,
    EMERGENCY_ATTENDANCES,
    OUTPATIENT_APPOINTMENTS,
    TALKING_THERAPIES_REFERRALS,
    TALKING_THERAPIES_CONTACTS,
    COMMUNITY_REFERRALS,
    COMMUNITY_CONTACTS,
)
