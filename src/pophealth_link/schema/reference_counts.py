"""Tables of a reference pack that count people by practice or area, age and sex."""

from __future__ import annotations

from pophealth_link.schema.core import Column, Table

_SEX = Column("sex", "text", "all, female or male.", required=True)
_PEOPLE = Column("people", "integer", "People.", required=True, unit="people")
_PERIOD = Column("period", "text", "Day or period that it describes.")
_AGES = (
    Column("age_from", "integer", "First age of the band.", required=True, unit="years"),
    Column("age_to", "integer", "Last age of the band; empty: and over.", unit="years"),
)

PRACTICE_PATIENTS = Table(
    "practice_patients",
    "Patients registered with each practice by where they live.",
    "area",
    (
        Column("practice_code", "text", "ODS code.", required=True),
        Column(
            "lsoa_code",
            "text",
            "LSOA as published; also NO2011, Welsh and Scottish.",
            required=True,
        ),
        _SEX,
        _PEOPLE,
        Column("lsoa_vintage", "text", "2011 or 2021; empty where the code is no LSOA."),
        _PERIOD,
    ),
    unique=("practice_code", "lsoa_code", "sex"),
)

PRACTICE_LISTS = Table(
    "practice_lists",
    "Patients registered with each practice by sex and age.",
    "area",
    (Column("practice_code", "text", "ODS code.", required=True), _SEX, *_AGES, _PEOPLE, _PERIOD),
    unique=("practice_code", "sex", "age_from"),
)

POPULATION = Table(
    "population",
    "Mid-year estimates of residents by sex and age.",
    "area",
    (
        Column("area_type", "text", "lsoa, lsoa11 or lad.", required=True),
        Column("area_code", "text", "Code of the area.", required=True),
        _SEX,
        *_AGES,
        _PEOPLE,
        _PERIOD,
    ),
    unique=("area_type", "area_code", "sex", "age_from"),
)

QOF = Table(
    "qof",
    "Registers of the Quality and Outcomes Framework by practice.",
    "area",
    (
        Column("practice_code", "text", "ODS code.", required=True),
        Column("register", "text", "Group of indicators: DEP, MH, DEM …", required=True),
        Column("numerator", "integer", "Patients on the register.", required=True, unit="people"),
        Column("denominator", "integer", "Patients of the register's ages.", unit="people"),
        Column("list_type", "text", "Ages of the register: TOTAL, 18OV …"),
        Column("period", "text", "Year of the register, such as 2020/21."),
    ),
    unique=("practice_code", "register", "period"),
)
