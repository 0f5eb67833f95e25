"""Code lists, each with its source: those of people and of this library, and all of them."""

from __future__ import annotations

from pophealth_link.schema.codes_council import (
    CARE_LEGAL_STATUS,
    CHILDRENS_SOCIAL_CARE,
    CLIENT_TYPE,
    COUNCIL_TAX_BAND,
    DELIVERY_MECHANISM,
    HOMELESSNESS_DUTY,
    PRIMARY_NEED,
    PRIMARY_SUPPORT_REASON,
    SOCIAL_CARE_EVENT_TYPE,
    SOCIAL_CARE_SERVICE,
    YES_NO_UNKNOWN,
)
from pophealth_link.schema.codes_hospital import (
    ADMISSION_METHOD,
    ATTENDANCE_CATEGORY,
    DISCHARGE_METHOD,
)
from pophealth_link.schema.codes_mental_health import (
    ACCOMMODATION_TYPE,
    ATTENDANCE,
    BED_TYPE,
    DELAY_ATTRIBUTION,
    DELAY_REASON,
    DETAINED_LEGAL_STATUSES,
    EMPLOYMENT_STATUS,
    HOUSING_DELAY_REASONS,
    LEGAL_STATUS,
    SETTLED_ACCOMMODATION,
    SOCIAL_CARE_DELAY_REASONS,
)
from pophealth_link.schema.codes_modelled import MODELLED_CODE_LISTS
from pophealth_link.schema.codes_referrals import (
    BIRTH_PRECISION,
    DIAGNOSIS_SCHEME,
    OUT_OF_AREA_REASON,
    REFERRAL_PRIORITY,
    REFERRAL_REASON,
    REFERRAL_SOURCE_GROUP,
    SCORE_TOOL,
)
from pophealth_link.schema.codes_services import SERVICE_CODE_LISTS
from pophealth_link.schema.core import CodeList
from pophealth_link.schema.outputs_compare import COMPARE_CODE_LISTS

_DICTIONARY = "NHS Data Model and Dictionary"

SEX = CodeList(
    "sex",
    "Sex or gender as recorded by the source, in the codes of person gender.",
    _DICTIONARY,
    {"1": "Male", "2": "Female", "9": "Indeterminate", "X": "Not known"},
)

ETHNIC_CATEGORY = CodeList(
    "ethnic_category",
    "Ethnic category (2001 census).",
    _DICTIONARY,
    {
        "A": "White: British",
        "B": "White: Irish",
        "C": "White: any other",
        "D": "Mixed: White and Black Caribbean",
        "E": "Mixed: White and Black African",
        "F": "Mixed: White and Asian",
        "G": "Mixed: any other",
        "H": "Asian: Indian",
        "J": "Asian: Pakistani",
        "K": "Asian: Bangladeshi",
        "L": "Asian: any other",
        "M": "Black: Caribbean",
        "N": "Black: African",
        "P": "Black: any other",
        "R": "Other: Chinese",
        "S": "Other: any other",
        "Z": "Not stated",
        "99": "Not known",
    },
)

ETHNIC_GROUP = CodeList(
    "ethnic_group",
    "Five ethnic groups of the census, from the ethnic category.",
    "Office for National Statistics, Census 2021 (TS021, five groups)",
    {
        "white": "White",
        "mixed": "Mixed or multiple ethnic groups",
        "asian": "Asian or Asian British",
        "black": "Black or Black British",
        "other": "Other ethnic group",
        "unknown": "Not known or not stated",
    },
)

# Chinese belongs to the Asian group since the 2011 census, though its code is among the others.
GROUP_OF_CATEGORY = {
    **dict.fromkeys("ABC", "white"),
    **dict.fromkeys("DEFG", "mixed"),
    **dict.fromkeys("HJKLR", "asian"),
    **dict.fromkeys("MNP", "black"),
    "S": "other",
}

# Five-year bands of the European Standard Population, cut once more at 16, 18 and 26 so that school
# age, adults (18+), young people (18 to 25) and the survey age 16+ are each a sum of whole bands.
_AGE_STARTS = (0, 5, 10, 15, 16, 18, 20, 25, 26, *range(30, 95, 5))
AGE_BAND_STARTS: dict[str, int] = {
    ("90+" if start == 90 else f"{start:02d}" if end == start else f"{start:02d}-{end:02d}"): start
    for start, end in zip(_AGE_STARTS, [*(s - 1 for s in _AGE_STARTS[1:]), 120], strict=True)
}
AGE_BAND = CodeList(
    "age_band",
    "Age in completed years on the job's date, in bands.",
    "European Standard Population 2013 bands, cut at 16, 18 and 26",
    {band: f"Aged {band}" for band in AGE_BAND_STARTS},
)

CONDITION = CodeList(
    "condition",
    "Conditions recorded in primary care; those that end in _resolved undo earlier records.",
    "Quality and Outcomes Framework registers (DEP, MH, DEM, LD, DM, COPD, CHD, HF, STIA, PAD, "
    "CAN); the others are this library's",
    {
        "depression": "Depression",
        "depression_resolved": "Depression resolved",
        "severe_mental_illness": "Schizophrenia, bipolar affective disorder and other psychoses",
        "dementia": "Dementia",
        "anxiety": "Anxiety",
        "anxiety_resolved": "Anxiety resolved",
        "eating_disorder": "Eating disorder",
        "personality_disorder": "Personality disorder",
        "self_harm": "Self-harm: an episode of it",
        "substance_misuse": "Misuse of alcohol or drugs, tobacco left out",
        "autism": "Autism",
        "adhd": "Attention deficit hyperactivity disorder",
        "learning_disability": "Learning disability",
        "diabetes": "Diabetes mellitus",
        "copd": "Chronic obstructive pulmonary disease",
        "cardiovascular": "Coronary heart disease, heart failure, stroke, peripheral arterial "
        "disease",
        "cancer": "Cancer, non-melanoma skin cancer left out",
        "chronic_pain": "Chronic pain",
    },
)

HEALTH_CHECK = CodeList(
    "health_check",
    "Core components of the physical health check of people with severe mental illness.",
    "NHS England, Physical Health Checks for people with Severe Mental Illness: six core checks",
    {
        "alcohol": "Alcohol consumption",
        "blood_glucose": "Blood glucose or HbA1c",
        "blood_pressure": "Blood pressure",
        "bmi": "Body mass index, or weight and height",
        "lipids": "Blood lipids, with cholesterol",
        "smoking": "Smoking status",
    },
)

SETTING = CodeList(
    "setting",
    "Kind of organisation that holds a source.",
    "This library",
    {
        "primary_care": "General practice",
        "secondary_care": "Hospital and mental-health trusts",
        "community": "Community health services",
        "local_authority": "Council services",
        "voluntary_sector": "Voluntary and community organisations",
    },
)

STATUS = CodeList(
    "status",
    "Whether a cell's numbers are given, and if not, why.",
    "This library",
    {
        "ok": "Given",
        "suppressed": "Withheld by the disclosure policy",
        "estimated": "Given; a shared practice or PCN was split by its share",
        "imputed_down": "Given; a value of a larger area stands in for its parts",
        "linkage_too_weak": "Withheld: too many links are missing",
        "no_data": "The reference pack or the job holds no data for it",
        "not_applicable": "Nobody is in the cell, or the indicator has no meaning there",
    },
)

# NHS Data Model and Dictionary, default postcodes: the first says that a person has no fixed abode,
# the others of the area that the address, or all but the country, is not known.
NO_FIXED_ABODE = "ZZ99 3VZ"
PSEUDO_POSTCODE_AREA = "ZZ99"

CODE_LISTS: dict[str, CodeList] = {
    each.name: each
    for each in (
        SEX,
        ETHNIC_CATEGORY,
        ETHNIC_GROUP,
        AGE_BAND,
        BIRTH_PRECISION,
        CONDITION,
        HEALTH_CHECK,
        DIAGNOSIS_SCHEME,
        SCORE_TOOL,
        ATTENDANCE,
        REFERRAL_SOURCE_GROUP,
        REFERRAL_REASON,
        REFERRAL_PRIORITY,
        OUT_OF_AREA_REASON,
        ADMISSION_METHOD,
        DISCHARGE_METHOD,
        BED_TYPE,
        DELAY_REASON,
        DELAY_ATTRIBUTION,
        LEGAL_STATUS,
        ACCOMMODATION_TYPE,
        SETTLED_ACCOMMODATION,
        EMPLOYMENT_STATUS,
        ATTENDANCE_CATEGORY,
        PRIMARY_SUPPORT_REASON,
        SOCIAL_CARE_EVENT_TYPE,
        SOCIAL_CARE_SERVICE,
        CLIENT_TYPE,
        DELIVERY_MECHANISM,
        YES_NO_UNKNOWN,
        CHILDRENS_SOCIAL_CARE,
        PRIMARY_NEED,
        CARE_LEGAL_STATUS,
        HOMELESSNESS_DUTY,
        COUNCIL_TAX_BAND,
        *SERVICE_CODE_LISTS,
        *MODELLED_CODE_LISTS,
        *COMPARE_CODE_LISTS.values(),
        SETTING,
        STATUS,
    )
}

__all__ = [
    "ACCOMMODATION_TYPE",
    "ADMISSION_METHOD",
    "AGE_BAND",
    "AGE_BAND_STARTS",
    "ATTENDANCE",
    "ATTENDANCE_CATEGORY",
    "BED_TYPE",
    "BIRTH_PRECISION",
    "CARE_LEGAL_STATUS",
    "CHILDRENS_SOCIAL_CARE",
    "CLIENT_TYPE",
    "CODE_LISTS",
    "CONDITION",
    "COUNCIL_TAX_BAND",
    "DELAY_ATTRIBUTION",
    "DELAY_REASON",
    "DELIVERY_MECHANISM",
    "DETAINED_LEGAL_STATUSES",
    "DIAGNOSIS_SCHEME",
    "DISCHARGE_METHOD",
    "EMPLOYMENT_STATUS",
    "ETHNIC_CATEGORY",
    "ETHNIC_GROUP",
    "GROUP_OF_CATEGORY",
    "HEALTH_CHECK",
    "HOMELESSNESS_DUTY",
    "HOUSING_DELAY_REASONS",
    "LEGAL_STATUS",
    "NO_FIXED_ABODE",
    "OUT_OF_AREA_REASON",
    "PRIMARY_NEED",
    "PRIMARY_SUPPORT_REASON",
    "PSEUDO_POSTCODE_AREA",
    "REFERRAL_PRIORITY",
    "REFERRAL_REASON",
    "REFERRAL_SOURCE_GROUP",
    "SCORE_TOOL",
    "SETTING",
    "SETTLED_ACCOMMODATION",
    "SEX",
    "SOCIAL_CARE_DELAY_REASONS",
    "SOCIAL_CARE_EVENT_TYPE",
    "SOCIAL_CARE_SERVICE",
    "STATUS",
    "YES_NO_UNKNOWN",
]
