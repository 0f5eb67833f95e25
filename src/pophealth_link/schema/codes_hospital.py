"""Code lists of acute hospitals: admitted care, emergency care, outpatients."""

from __future__ import annotations

from pophealth_link.schema.core import CodeList

_DICTIONARY = "NHS Data Model and Dictionary"
_HES = "Hospital Episode Statistics Data Dictionary, NHS England"

ADMISSION_METHOD = CodeList(
    "admission_method",
    "Method of admission; 21 to 28 and 2A to 2D are emergencies.",
    f"{_DICTIONARY}; {_HES}: ADMIMETH (84, 89, 98 and 99 are of earlier years)",
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
        "84": "Admission by the admissions panel of a high-security hospital",
        "89": "From the waiting list of a high-security hospital",
        "98": "Not applicable",
        "99": "Not known",
    },
)

DISCHARGE_METHOD = CodeList(
    "discharge_method",
    "How a hospital stay ended.",
    f"{_DICTIONARY}; {_HES}: DISMETH (6 and 7 in mental health alone)",
    {
        "1": "Discharged on clinical advice or with clinical consent",
        "2": "Discharged by the patient, a relative or an advocate",
        "3": "Discharged by a mental health tribunal, the Home Secretary or a court",
        "4": "Died",
        "5": "Stillbirth",
        "6": "Discharged by the patient",
        "7": "Discharged by a relative or an advocate",
        "8": "Not applicable: still in hospital",
        "9": "Not known",
    },
)

# Nominations of the code set, which the emergency care data set shares with the older one.
ATTENDANCE_CATEGORY = CodeList(
    "attendance_category",
    "Whether an attendance at an emergency department is the first one, and planned.",
    f"{_DICTIONARY}: emergency care attendance category; {_HES}: AEATTENDCAT",
    {
        "1": "Unplanned, first attendance",
        "2": "Unplanned, follow-up at this department",
        "3": "Unplanned, follow-up at another department",
        "4": "Planned follow-up within seven days",
        "9": "Not known",
    },
)
