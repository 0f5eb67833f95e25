"""Code lists of service use: what is derived from events, and what tables of capacity hold."""

from __future__ import annotations

from pophealth_link.schema.codes_mental_health import (
    DELAY_REASON,
    HOUSING_DELAY_REASONS,
    SOCIAL_CARE_DELAY_REASONS,
)
from pophealth_link.schema.core import CodeList

_LIBRARY = "This library"

YES_NO = CodeList("yes_no", "Whether it is so.", _LIBRARY, {"yes": "Yes", "no": "No"})

WARD_TYPE = CodeList(
    "ward_type",
    "Type of ward, from the type of bed; the first three are the acute ones.",
    "This library, from the bed types of the Mental Health Services Data Set that its out-of-area "
    "placement statistics count as acute",
    {
        "adult_acute": "Adult acute",
        "older_adult_acute": "Older adult acute",
        "psychiatric_intensive_care": "Adult psychiatric intensive care",
        "other": "Any other bed",
    },
)
ACUTE_WARD_TYPES = ("adult_acute", "older_adult_acute", "psychiatric_intensive_care")
# Version 5, then version 6 of the data set.
WARD_TYPE_OF_BED = {
    **dict.fromkeys(("10", "200"), "adult_acute"),
    **dict.fromkeys(("11", "201"), "older_adult_acute"),
    **dict.fromkeys(("12", "202"), "psychiatric_intensive_care"),
}

DETENTION_KIND = CodeList(
    "detention_kind",
    "Detention in hospital, or a short-term order that holds a person for assessment.",
    "Mental Health Act Statistics, Annual Figures, NHS England: short-term orders are sections 4, "
    "5(2), 5(4), 135 and 136",
    {"detention": "Detention in hospital", "short_term_order": "Short-term order"},
)
SHORT_TERM_ORDERS = ("04", "05", "06", "19", "20")
PLACE_OF_SAFETY_ORDERS = ("19", "20")

CRISIS_ROUTE = CodeList(
    "crisis_route",
    "How a person came to notice in a mental-health crisis.",
    _LIBRARY,
    {
        "emergency_department": "Emergency department, for self-harm or mental ill health",
        "crisis_referral": "Referral that is an emergency, very urgent, or made for a crisis",
        "place_of_safety": "Taken to a place of safety (section 135 or 136)",
    },
)

CRISIS_DECISION = CodeList(
    "crisis_decision",
    "What a completed crisis assessment decided.",
    _LIBRARY,
    {
        "admission": "Admission to a mental-health bed",
        "home_treatment": "Treatment at home by a crisis team",
        "neither": "Neither: other care, or none",
        "not_known": "Not known",
    },
)

CRISIS_WAIT = CodeList(
    "crisis_wait",
    "Whether a person was admitted, or accepted for home treatment, within 4 hours of a completed "
    "crisis assessment.",
    "Commission on Acute Adult Psychiatric Care, Old Problems, New Solutions, 2016: a wait of at "
    "most four hours",
    {
        "within": "Within 4 hours",
        "over": "Later, or not yet",
        "not_known": "The times are not known",
    },
)

PLACEMENT_KIND = CodeList(
    "placement_kind",
    "Whether an out-of-area placement was inappropriate: made for want of a local bed.",
    "NHS Data Model and Dictionary: referred out of area reason (adult acute mental health)",
    {
        "inappropriate": "No bed was available",
        "appropriate": "Another reason",
        "not_known": "Reason not known",
    },
)

STAY_PLACE = CodeList(
    "stay_place",
    "Whether a stay on a ward was an out-of-area placement, and of which kind.",
    _LIBRARY,
    {
        "local": "Not placed out of area",
        "out_of_area_no_bed": "Out of area, for want of a local bed",
        "out_of_area_other": "Out of area, for another reason or one that is not known",
    },
)

WAIT_OUTCOME = CodeList(
    "wait_outcome",
    "How a wait ended.",
    _LIBRARY,
    {
        "seen": "Seen",
        "unseen": "Closed without being seen, or still waiting when the data end",
    },
)

WAIT_BAND = CodeList(
    "wait_band",
    "Band of the days waited, by the edges of the pathway: the first ends at its first edge.",
    _LIBRARY,
    {
        **{str(band): f"Band {band}" for band in range(1, 6)},
        "beyond": "Longer than the last edge",
    },
)

PATHWAY = CodeList(
    "pathway",
    "Pathway of a referral, which decides the standard that its wait is held against.",
    "This library, from the primary reason and the priority of the referral",
    {
        "psychosis": "First episode of psychosis",
        "eating_disorder_urgent": "Eating disorder, urgent",
        "eating_disorder_routine": "Eating disorder, routine",
        "crisis": "In crisis",
        "memory": "Memory and organic disorders",
        "community": "Other community mental-health care",
        "talking_therapies": "NHS Talking Therapies",
        "bed": "To a mental-health bed: no wait",
    },
)

# Which reason belongs to which group: the words before the colon in the list of reasons.
_GROUP_WORDS = {
    "health": ("Health", "Equipment"),
    "children_and_education": ("Children", "Education"),
    "justice_and_legal": ("Justice", "Legal", "Public safety"),
    "choice_disputes_and_funding": (
        *("Patient or family", "Choice", "Dispute", "Awaiting public", "No lawful"),
        "Assessment not led",
    ),
}
DELAY_GROUP = CodeList(
    "delay_group",
    "Group of the reason of a delayed discharge; each reason is in one.",
    _LIBRARY + ", from the reasons of the Mental Health Services Data Set",
    {
        "housing": "Housing",
        "social_care": "Social care",
        "health": "Other health care",
        "children_and_education": "Placements of children, education",
        "justice_and_legal": "Justice, legal proceedings, public safety",
        "choice_disputes_and_funding": "Choice, disputes, funding",
        "not_known": "Not known",
    },
)


def _group_of(code: str, meaning: str) -> str:
    if code in HOUSING_DELAY_REASONS:
        return "housing"
    if code in SOCIAL_CARE_DELAY_REASONS:
        return "social_care"
    said = meaning.removeprefix("v5 ")
    found = (group for group, words in _GROUP_WORDS.items() if said.startswith(words))
    return next(found, "not_known")


GROUP_OF_DELAY = {code: _group_of(code, meaning) for code, meaning in DELAY_REASON.codes.items()}

# Emergency Care Data Set, SNOMED CT: the complaints and the intent by which NHS England's
# published code finds attendances for mental ill health.
CRISIS_COMPLAINTS = {
    "248062006": "Self-injurious behaviour",
    "272022009": "Depressive feelings (to March 2022)",
    "366979004": "Depressed mood",
    "48694002": "Anxiety",
    "248020004": "Unusual behaviour",
    "6471006": "Suicidal thoughts",
    "7011001": "Hallucinations",
}
SELF_INFLICTED = "276853009"

STANDARD_MET = CodeList(
    "standard_met",
    "Whether a standard is met, as far as the interval tells.",
    _LIBRARY,
    {
        "met": "The whole interval is at or above the standard",
        "not_met": "The whole interval is below the standard",
        "not_told_apart": "The standard lies within the interval, or there is none",
    },
)

CAPACITY_MEASURE = CodeList(
    "capacity_measure",
    "What is said of demand and capacity.",
    _LIBRARY,
    {
        "open_beds": "Beds open, the mean over the period",
        "bed_days_local": "Days of the footprint's people in local beds",
        "bed_days_out_of_area": "Days of its people placed out of area for want of a bed",
        "occupancy": "Local days over the days that the open beds offer",
        "unmet_beds": "Beds that the days out of area would fill on an average day",
        "beds_needed": "Beds at which all of these days fill 85 % of them",
        "shortfall": "Beds needed less beds open",
        "delay_days": "Days delayed for want of housing or social care",
        "beds_needed_without_delays": "Beds needed if those days were not spent in a bed",
        "shortfall_without_delays": "Beds needed without those days less beds open",
    },
)

SERVICE_CODE_LISTS = (
    YES_NO,
    WARD_TYPE,
    DETENTION_KIND,
    CRISIS_ROUTE,
    CRISIS_DECISION,
    CRISIS_WAIT,
    PLACEMENT_KIND,
    STAY_PLACE,
    WAIT_OUTCOME,
    WAIT_BAND,
    PATHWAY,
    DELAY_GROUP,
    STANDARD_MET,
    CAPACITY_MEASURE,
)
