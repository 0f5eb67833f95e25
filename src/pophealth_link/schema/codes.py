"""Code lists, each with its source."""

from __future__ import annotations

from pophealth_link.schema.core import CodeList

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

# Five-year bands of the European Standard Population, cut once more at 16 and 18 so that school
# age, adults (18+) and the survey age 16+ are each a sum of whole bands.
_AGE_STARTS = (0, 5, 10, 15, 16, 18, *range(20, 95, 5))
AGE_BAND_STARTS: dict[str, int] = {
    ("90+" if start == 90 else f"{start:02d}" if end == start else f"{start:02d}-{end:02d}"): start
    for start, end in zip(_AGE_STARTS, [*(s - 1 for s in _AGE_STARTS[1:]), 120], strict=True)
}
AGE_BAND = CodeList(
    "age_band",
    "Age in completed years on the job's date, in bands.",
    "European Standard Population 2013 bands, cut at 16 and 18",
    {band: f"Aged {band}" for band in AGE_BAND_STARTS},
)

CONDITION = CodeList(
    "condition",
    "Conditions recorded in primary care.",
    "Quality and Outcomes Framework registers (DEP, MH, DEM)",
    {
        "depression": "Depression",
        "severe_mental_illness": "Schizophrenia, bipolar affective disorder and other psychoses",
        "dementia": "Dementia",
        "anxiety": "Anxiety",
        "diabetes": "Diabetes mellitus",
        "copd": "Chronic obstructive pulmonary disease",
    },
)

ATTENDANCE = CodeList(
    "attendance",
    "Attended or did not attend.",
    _DICTIONARY,
    {
        "2": "Cancelled by or for the patient",
        "3": "Did not attend",
        "4": "Cancelled by the provider",
        "5": "Seen, on time",
        "6": "Seen, having arrived late",
        "7": "Arrived late and could not be seen",
    },
)

ADMISSION_METHOD = CodeList(
    "admission_method",
    "Method of admission; 21 to 28 and 2A to 2D are emergencies.",
    _DICTIONARY,
    {
        "11": "Elective: waiting list",
        "12": "Elective: booked",
        "13": "Elective: planned",
        "21": "Emergency: emergency department of the provider",
        "22": "Emergency: general practitioner",
        "23": "Emergency: bed bureau",
        "24": "Emergency: consultant clinic",
        "25": "Emergency: mental-health crisis resolution team",
        "28": "Emergency: other means",
        "2A": "Emergency: emergency department of another provider",
        "2B": "Emergency: transfer from another provider",
        "2C": "Emergency: baby born at home as intended",
        "2D": "Emergency: other emergency admission",
        "31": "Maternity: ante-partum",
        "32": "Maternity: post-partum",
        "81": "Transfer from another provider, not an emergency",
        "82": "Birth in this provider",
        "83": "Birth outside this provider",
    },
)

DELAY_REASON = CodeList(
    "delay_reason",
    "Why a patient who is clinically ready for discharge is still in a bed.",
    "Mental Health Services Data Set version 6, MHS518ClinReadyforDischarge",
    {
        "03": "Social care: awaiting a social worker",
        "07": "Social care: residential home",
        "08": "Social care: nursing home",
        "09": "Social care: care package in own home",
        "34": "Social care: no social care support",
        "14": "Housing: private rented",
        "15": "Housing: social rented",
        "16": "Housing: own home",
        "17": "Housing: not eligible for funded care",
        "18": "Housing: supported accommodation",
        "19": "Housing: temporary accommodation from the local authority",
        "32": "Housing: highly bespoke housing",
        "02": "Health: awaiting public funding",
        "04": "Health: further treatment elsewhere",
        "12": "Patient or family choice",
        "98": "Not known",
    },
)
HOUSING_DELAY_REASONS = ("14", "15", "16", "17", "18", "19", "32")
SOCIAL_CARE_DELAY_REASONS = ("03", "07", "08", "09", "34")

PRIMARY_SUPPORT_REASON = CodeList(
    "primary_support_reason",
    "Why adult social care supports the person.",
    "Adult social care client-level data specification",
    {
        "physical": "Physical support",
        "sensory": "Sensory support",
        "memory_and_cognition": "Support with memory and cognition",
        "learning_disability": "Learning disability support",
        "mental_health": "Mental health support",
        "substance_misuse": "Social support: substance misuse support",
        "social_isolation": "Social support: support for social isolation or other",
    },
)

CHILDRENS_SOCIAL_CARE = CodeList(
    "childrens_social_care_category",
    "How children's social care is involved: the strongest category that holds.",
    "Children in need census and SSDA903 children looked after return, Department for Education",
    {
        "child_in_need": "Child in need, neither protected by a plan nor looked after",
        "child_protection": "Subject of a child protection plan",
        "looked_after": "Looked after by the local authority",
    },
)

PRIMARY_NEED = CodeList(
    "primary_need",
    "Why a child was first assessed as in need.",
    "Children in need census, Department for Education: primary need code",
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

HOMELESSNESS_DUTY = CodeList(
    "homelessness_duty",
    "Duty owed under the Homelessness Reduction Act 2017.",
    "H-CLIC, Ministry of Housing, Communities and Local Government",
    {"prevention": "Prevention duty", "relief": "Relief duty", "main": "Main duty"},
)

COUNCIL_TAX_BAND = CodeList(
    "council_tax_band",
    "Council tax valuation band.",
    "Local Government Finance Act 1992, section 5",
    {band: f"Band {band}" for band in "ABCDEFGH"},
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
        CONDITION,
        ATTENDANCE,
        ADMISSION_METHOD,
        DELAY_REASON,
        PRIMARY_SUPPORT_REASON,
        CHILDRENS_SOCIAL_CARE,
        PRIMARY_NEED,
        HOMELESSNESS_DUTY,
        COUNCIL_TAX_BAND,
        SETTING,
        STATUS,
    )
}
