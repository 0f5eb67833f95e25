"""Code lists of referrals, diagnoses and scores, shared by several NHS data sets."""

from __future__ import annotations

from pophealth_link.schema.core import CodeList

_MHSDS = "Mental Health Services Data Set version 6, Technical Output Specification"

REFERRAL_REASON = CodeList(
    "referral_reason",
    "Primary reason for a referral to mental-health services.",
    _MHSDS + ": MHS101Referral, PrimReasonReferralMH (17 is retired; 31 since version 6)",
    {
        "01": "First episode of psychosis, suspected or not",
        "02": "Ongoing or recurrent psychosis",
        "03": "Bipolar disorder",
        "04": "Depression",
        "05": "Anxiety",
        "06": "Obsessive compulsive disorder",
        "07": "Phobias",
        "08": "Organic brain disorder",
        "09": "Drug and alcohol difficulties",
        "10": "Unexplained physical symptoms",
        "11": "Post-traumatic stress disorder",
        "12": "Eating disorders",
        "13": "Perinatal mental health",
        "14": "Personality disorders",
        "15": "Self-harm",
        "16": "Conduct disorders",
        "18": "In crisis",
        "19": "Relationship difficulties",
        "20": "Gender discomfort",
        "21": "Attachment difficulties",
        "22": "Self-care",
        "23": "Adjustment to health",
        "24": "Neurodevelopmental conditions other than autism",
        "25": "Suspected autism",
        "26": "Diagnosed autism",
        "27": "Preconception perinatal mental health",
        "28": "Gambling disorder",
        "29": "Community perinatal partner assessment",
        "30": "Behaviours that challenge due to a learning disability",
        "31": "Employment support",
    },
)

REFERRAL_PRIORITY = CodeList(
    "referral_priority",
    "Clinical response priority of a referral.",
    _MHSDS + ": ClinRespPriorityType",
    {"1": "Emergency", "2": "Urgent or serious", "3": "Routine", "4": "Very urgent"},
)

OUT_OF_AREA_REASON = CodeList(
    "out_of_area_reason",
    "Why an adult acute patient is placed out of area; 10 is an inappropriate placement.",
    "NHS Data Model and Dictionary: referred out of area reason (adult acute mental health); 15 is "
    "in the code of NHS England's monthly statistics alone",
    {
        "10": "No bed available at the referring organisation (inappropriate)",
        "11": "Safeguarding",
        "12": "Offending restrictions",
        "13": "Staff member, or family or friend of staff, of the referring organisation",
        "14": "Patient choice",
        "15": "Patient away from home",
        "99": "Not known",
    },
)

DIAGNOSIS_SCHEME = CodeList(
    "diagnosis_scheme",
    "Which classification a diagnosis is coded in.",
    "NHS Data Model and Dictionary: diagnosis scheme in use",
    {
        "02": "ICD-10",
        "04": "Read codes version 2",
        "05": "Clinical Terms Version 3",
        "06": "SNOMED CT",
    },
)

# What `coded_scores.tool` holds; other concepts are kept as they are.
SCORE_TOOL = CodeList(
    "score_tool",
    "SNOMED CT concepts of the scores that are most used in mental health.",
    "Mental Health Services Data Set, coded scored assessments: NHS England's list of outcome "
    "measures",
    {
        "720433000": "PHQ-9, depression: total score, 0 to 27",
        "445455005": "GAD-7, anxiety: total score, 0 to 21",
        "718583008": "CORE-10: clinical score, 0 to 40",
        "718612000": "CORE-OM: global distress, 0 to 40",
        "718490000": "CORE-OM: functioning, 0 to 48",
        "718492008": "CORE-OM: well-being, 0 to 16",
        "718613005": "CORE-OM: problems and symptoms, 0 to 48",
        "1037651000000100": "DIALOG 1: mental health (each item is 1 to 7)",
        "1037661000000102": "DIALOG 2: physical health",
        "1037671000000109": "DIALOG 3: job situation",
        "1037681000000106": "DIALOG 4: accommodation",
        "1037691000000108": "DIALOG 5: leisure activities",
        "1037701000000108": "DIALOG 6: friendships",
        "1037711000000105": "DIALOG 7: partner or family",
        "1037721000000104": "DIALOG 8: personal safety",
        "1037731000000102": "DIALOG 9: medication",
        "1037741000000106": "DIALOG 10: practical help",
        "1037751000000109": "DIALOG 11: consultations",
        "716613004": "Outcome Rating Scale: total score, 0 to 40",
        "1035441000000106": "Questionnaire about the Process of Recovery: total, 0 to 60",
        "1091071000000100": "ReQoL-10: score, 0 to 40",
    },
)

BIRTH_PRECISION = CodeList(
    "birth_precision",
    "What a date of birth tells.",
    "This library",
    {"day": "Day", "month": "Month", "year": "Year"},
)

REFERRAL_SOURCE_GROUP = CodeList(
    "referral_source_group",
    "First letter of the source of referral for mental health (A1 is a general practice).",
    _MHSDS + ": MHS101Referral, SourceOfReferralMH",
    {
        "A": "Primary health care",
        "B": "Self, carer or family",
        "C": "Local authority",
        "D": "Employer",
        "E": "Justice system",
        "F": "Child health",
        "G": "Independent or voluntary sector",
        "H": "Acute secondary care",
        "I": "Transfer from another mental-health service",
        "M": "Other",
        "N": "NHS Talking Therapies",
        "P": "Internal",
        "Q": "Drop-in services",
    },
)
