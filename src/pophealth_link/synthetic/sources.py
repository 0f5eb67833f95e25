"""The sources that are made: what each holds of a person, and in what form its files are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["parquet", "csv"]
SexForm = Literal["codes", "letters", "words"]

_NAMES = ("given_name", "family_name")
_PLACE = ("postcode", "address", "uprn")


@dataclass(frozen=True, slots=True)
class FileForm:
    """How a source writes its file: kind, dates, sex, capitals, NHS numbers, column names."""

    kind: Kind
    dates: str = "%Y-%m-%d"
    sex: SexForm = "codes"
    capitals: bool = False
    spaced_numbers: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A source of people: setting, the identifiers that it holds, its events and their files.

    `organisation` is the column whose values make mistakes cluster.
    """

    name: str
    setting: str
    letter: str
    columns: tuple[str, ...]
    events: Mapping[str, Kind]
    form: FileForm
    organisation: str
    unique_people: bool = False
    register: bool = False


GP_REGISTER = Source(
    "gp_register",
    "primary_care",
    "G",
    (
        "nhs_number",
        "given_name",
        "middle_names",
        "family_name",
        "previous_family_name",
        "date_of_birth",
        "sex",
        "date_of_death",
        *_PLACE,
        "ethnic_category",
        "practice_code",
        "date_from",
        "date_to",
    ),
    {"condition_events": "parquet", "health_checks": "parquet"},
    FileForm("parquet"),
    "practice_code",
    unique_people=True,
    register=True,
)
MENTAL_HEALTH_TRUST = Source(
    "mental_health_trust",
    "secondary_care",
    "M",
    ("nhs_number", *_NAMES, "date_of_birth", "sex", "date_of_death", *_PLACE,
     "ethnic_category", "practice_code"),
    {"referrals": "csv", "contacts": "parquet", "hospital_spells": "csv",
     "delayed_discharges": "csv", "ward_stays": "csv", "legal_statuses": "csv",
     "crisis_assessments": "csv", "talking_therapies_referrals": "csv",
     "talking_therapies_contacts": "parquet", "diagnoses": "parquet", "employment": "csv"},
    FileForm("csv"),
    "lad_code",
)  # fmt: skip
ACUTE = Source(
    "acute",
    "secondary_care",
    "A",
    ("nhs_number", *_NAMES, "date_of_birth", "sex", *_PLACE, "ethnic_category", "practice_code"),
    {"admissions": "parquet", "emergency_attendances": "parquet"},
    FileForm("parquet", capitals=True),
    "lad_code",
)
SOCIAL_CARE = Source(
    "social_care",
    "local_authority",
    "S",
    ("nhs_number", "given_name", "middle_names", "family_name", "date_of_birth", "sex", *_PLACE,
     "ethnic_category"),
    {"social_care_events": "csv"},
    FileForm(
        "csv",
        dates="%d/%m/%Y",
        sex="words",
        spaced_numbers=True,
        renamed={"given_name": "forename", "family_name": "surname", "date_of_birth": "born",
                 "nhs_number": "nhs_no", "sex": "gender"},
    ),
    "lad_code",
    unique_people=True,
)  # fmt: skip
CHILDRENS_SOCIAL_CARE = Source(
    "childrens_social_care",
    "local_authority",
    "K",
    ("nhs_number", *_NAMES, "date_of_birth", "sex", *_PLACE, "ethnic_category"),
    {"childrens_social_care_events": "csv"},
    FileForm("csv", dates="%d/%m/%Y", sex="letters"),
    "lad_code",
    unique_people=True,
)
HOUSING_REGISTER = Source(
    "housing_register",
    "local_authority",
    "H",
    (*_NAMES, "date_of_birth", "sex", *_PLACE, "ethnic_category"),
    {"housing_applications": "csv"},
    FileForm("csv", sex="letters"),
    "lad_code",
    unique_people=True,
)
HOMELESSNESS = Source(
    "homelessness",
    "local_authority",
    "D",
    (*_NAMES, "date_of_birth", "sex", *_PLACE, "ethnic_category"),
    {"homelessness_cases": "csv", "temporary_accommodation": "parquet"},
    FileForm("parquet"),
    "lad_code",
    unique_people=True,
)
SOURCES = (
    GP_REGISTER, MENTAL_HEALTH_TRUST, ACUTE, SOCIAL_CARE, CHILDRENS_SOCIAL_CARE, HOUSING_REGISTER,
    HOMELESSNESS,
)  # fmt: skip
ALIASES = "gp_aliases"
PROPERTIES = "council_tax"
PROPERTY_FORM = FileForm("csv")
