"""Tables of events in the councils: adults, children, housing and homelessness."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.core import Column, Table
from pophealth_link.schema.parts import END, RECORD_ID, START

_EVENT_ID = Column("event_id", "text", "The event's id.")
_SERVICE = Column("service_type", "code", "Kind of service.", codes.SOCIAL_CARE_SERVICE)
_COMPONENT = Column("service_component", "text", "What the service is, in the source's words.")
_CLIENT_TYPE = Column("client_type", "code", "Whom the event is about.", codes.CLIENT_TYPE)

SOCIAL_CARE_EVENTS = Table(
    "social_care_events",
    "Adult social care support.",
    "person",
    (
        RECORD_ID,
        _EVENT_ID,
        START,
        END,
        Column(
            "primary_support_reason",
            "code",
            "Primary support reason.",
            codes.PRIMARY_SUPPORT_REASON,
            required=True,
        ),
        _SERVICE,
        _COMPONENT,
        Column(
            "delivery_mechanism",
            "code",
            "How it is paid for and arranged.",
            codes.DELIVERY_MECHANISM,
        ),
        Column("unpaid_carer", "code", "Whether the person has one.", codes.YES_NO_UNKNOWN),
    ),
)

SOCIAL_CARE_CONTACTS = Table(
    "social_care_contacts",
    "Requests to adult social care, assessments and reviews.",
    "person",
    (
        RECORD_ID,
        _EVENT_ID,
        START,
        END,
        Column("event_type", "code", "What happened.", codes.SOCIAL_CARE_EVENT_TYPE, required=True),
        _CLIENT_TYPE,
    ),
)

CARER_SUPPORT = Table(
    "carer_support",
    "Support that adult social care gives to unpaid carers.",
    "person",
    (RECORD_ID, _EVENT_ID, START, END, _SERVICE, _COMPONENT, _CLIENT_TYPE),
)

CHILDRENS_SOCIAL_CARE_EVENTS = Table(
    "childrens_social_care_events",
    "Episodes of children's social care: in need, protected, looked after.",
    "person",
    (
        RECORD_ID,
        _EVENT_ID,
        START,
        END,
        Column(
            "category",
            "code",
            "Category of the episode.",
            codes.CHILDRENS_SOCIAL_CARE,
            required=True,
        ),
        Column("primary_need", "code", "Primary need at assessment.", codes.PRIMARY_NEED),
        Column("legal_status", "code", "Legal status, looked after.", codes.CARE_LEGAL_STATUS),
        Column("placement", "text", "Type of placement, as the return codes it."),
    ),
)

HOUSING_APPLICATIONS = Table(
    "housing_applications",
    "Applications on the housing register.",
    "person",
    (
        RECORD_ID,
        Column("application_id", "text", "The application's id."),
        START,
        END,
        Column("bedrooms_short", "integer", "Bedrooms that the household lacks.", unit="bedrooms"),
        Column("priority_band", "text", "Priority band, as the scheme calls it."),
    ),
)

HOMELESSNESS_CASES = Table(
    "homelessness_cases",
    "Homelessness duties owed.",
    "person",
    (
        RECORD_ID,
        Column("case_id", "text", "The case's id."),
        Column("duty", "code", "Duty owed.", codes.HOMELESSNESS_DUTY, required=True),
        START,
        END,
        Column("reason", "text", "Main reason of the loss of the last settled home."),
        Column("outcome", "text", "Why the duty ended."),
    ),
)

TEMPORARY_ACCOMMODATION = Table(
    "temporary_accommodation",
    "Placements in temporary accommodation.",
    "person",
    (
        RECORD_ID,
        Column("placement_id", "text", "The placement's id."),
        START,
        END,
        Column("placement_type", "text", "Type of accommodation, in the source's words."),
    ),
)

COUNCIL_TABLES = (
    SOCIAL_CARE_EVENTS,
    SOCIAL_CARE_CONTACTS,
    CARER_SUPPORT,
    CHILDRENS_SOCIAL_CARE_EVENTS,
    HOUSING_APPLICATIONS,
    HOMELESSNESS_CASES,
    TEMPORARY_ACCOMMODATION,
)
