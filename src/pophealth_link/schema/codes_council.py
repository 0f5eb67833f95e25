"""Code lists of council services: adults, children, housing and homelessness."""

from __future__ import annotations

from pophealth_link.schema.core import CodeList

_CLD = "Adult social care client-level data specification, Department of Health and Social Care"
_CIN = "Children in need census, Department for Education"
_SSDA903 = "SSDA903 children looked after return, Department for Education"
_HCLIC = "H-CLIC, Ministry of Housing, Communities and Local Government"

PRIMARY_SUPPORT_REASON = CodeList(
    "primary_support_reason",
    "Why adult social care supports the person.",
    _CLD,
    {
        "physical": "Physical support",
        "sensory": "Sensory support",
        "memory_and_cognition": "Support with memory and cognition",
        "learning_disability": "Learning disability support",
        "mental_health": "Mental health support",
        "substance_misuse": "Social support: substance misuse support",
        "asylum_seeker": "Social support: asylum seeker support",
        "social_isolation": "Social support: support for social isolation or other",
        "unknown": "Not known",
    },
)

SOCIAL_CARE_EVENT_TYPE = CodeList(
    "social_care_event_type",
    "What happened between the council and the person.",
    _CLD,
    {
        "request": "Request",
        "assessment": "Assessment",
        "service": "Service",
        "review": "Review",
    },
)

SOCIAL_CARE_SERVICE = CodeList(
    "social_care_service",
    "Kind of service.",
    _CLD + ": service type",
    {
        "st_max": "Short term support: ST-Max",
        "st_low_level": "Short term support: ongoing low level",
        "st_other": "Short term support: other short term",
        "nursing": "Long term support: nursing care",
        "residential": "Long term support: residential care",
        "community": "Long term support: community",
        "prison": "Long term support: prison",
        "carer_direct": "Carer support: direct to carer",
        "carer_cared_for": "Carer support: support involving the person cared-for",
    },
)

CLIENT_TYPE = CodeList(
    "client_type",
    "Whom the event is about.",
    _CLD,
    {
        "service_user": "Service user",
        "carer": "Carer",
        "carer_by_association": "Carer known by association",
        "prisoner": "Prisoner",
    },
)

DELIVERY_MECHANISM = CodeList(
    "delivery_mechanism",
    "How a service is paid for and arranged.",
    _CLD,
    {
        "direct_payment": "Direct payment",
        "managed_budget": "CASSR managed personal budget",
        "commissioned": "CASSR commissioned support",
    },
)

YES_NO_UNKNOWN = CodeList(
    "yes_no_unknown",
    "Yes, no or not known.",
    _CLD,
    {"yes": "Yes", "no": "No", "unknown": "Unknown"},
)

CHILDRENS_SOCIAL_CARE = CodeList(
    "childrens_social_care_category",
    "How children's social care is involved: the strongest category that holds.",
    f"{_CIN}; {_SSDA903}",
    {
        "child_in_need": "Child in need, neither protected by a plan nor looked after",
        "child_protection": "Subject of a child protection plan",
        "looked_after": "Looked after by the local authority",
    },
)

PRIMARY_NEED = CodeList(
    "primary_need",
    "Why a child was first assessed as in need.",
    f"{_CIN}: primary need code; {_SSDA903}: category of need",
    {
        "N1": "Abuse or neglect",
        "N2": "Child's disability or illness",
        "N3": "Parental disability or illness",
        "N4": "Family in acute stress",
        "N5": "Family dysfunction",
        "N6": "Socially unacceptable behaviour",
        "N7": "Low income",
        "N8": "Absent parenting",
        "N9": "Cases other than children in need",
        "N0": "Not stated",
    },
)

CARE_LEGAL_STATUS = CodeList(
    "care_legal_status",
    "Legal status of a child who is looked after.",
    _SSDA903 + ": LS",
    {
        "C1": "Interim care order",
        "C2": "Full care order",
        "D1": "Freeing order",
        "E1": "Placement order",
        "J1": "Remanded to local authority accommodation or youth detention",
        "J2": "Placed under the Police and Criminal Evidence Act",
        "J3": "Sentenced to a youth rehabilitation order with residence",
        "L1": "Police protection",
        "L2": "Emergency protection order",
        "L3": "Child assessment order",
        "V2": "Accommodated under section 20",
        "V3": "Accommodated under agreed short-term breaks, single placements",
        "V4": "Accommodated under agreed short-term breaks, series of placements",
    },
)

HOMELESSNESS_DUTY = CodeList(
    "homelessness_duty",
    "Duty owed under the Homelessness Reduction Act 2017.",
    _HCLIC,
    {"prevention": "Prevention duty", "relief": "Relief duty", "main": "Main duty"},
)

COUNCIL_TAX_BAND = CodeList(
    "council_tax_band",
    "Council tax valuation band.",
    "Local Government Finance Act 1992, section 5",
    {band: f"Band {band}" for band in "ABCDEFGH"},
)
