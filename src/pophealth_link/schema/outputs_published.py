"""Published counts of practices that a run rolls up to its footprints."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.core import Column, Table

_FOOTPRINT = (
    Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True),
    Column("footprint_code", "text", "Code of the footprint.", required=True),
    Column("footprint_name", "text", "Name of the footprint."),
)
_BASIS = Column("basis", "text", "registered or resident.", required=True)

LIST_SIZES = Table(
    "list_sizes",
    "Published practice lists beside mid-year estimates, by age and sex.",
    "releasable",
    (
        *_FOOTPRINT,
        _BASIS,
        Column("age_band", "text", "Five-year age band, or all.", required=True),
        Column("sex", "text", "Sex, or all.", required=True),
        Column("patients", "number", "Patients on the lists.", unit="people"),
        Column("residents", "number", "Residents by the mid-year estimate.", unit="people"),
        Column("ratio", "number", "Patients per resident."),
        Column("excess", "number", "Patients less residents.", unit="people"),
        Column("coverage", "number", "Share of the patients who live where there is an estimate."),
    ),
    unique=("footprint_type", "footprint_code", "basis", "age_band", "sex"),
)

REGISTERS = Table(
    "registers",
    "Published disease registers of practices, by footprint.",
    "releasable",
    (
        *_FOOTPRINT,
        _BASIS,
        Column("register", "text", "Register, such as DEP, MH or DEM.", required=True),
        Column("list_type", "text", "Whom the register's list holds, as published."),
        Column("period", "text", "Year of the register.", required=True),
        Column("numerator", "number", "People on the register.", unit="people"),
        Column("denominator", "number", "People on the list.", unit="people"),
        Column("value", "number", "Prevalence.", unit="%"),
        Column("lower", "number", "Lower limit of the 95 % interval.", unit="%"),
        Column("upper", "number", "Upper limit of the 95 % interval.", unit="%"),
        Column("practices", "integer", "Practices with a count.", unit="practices"),
        Column("coverage", "number", "Practices with a count, of all of the footprint."),
        Column("status", "code", "Whether numbers are given.", codes.STATUS, required=True),
    ),
    unique=("footprint_type", "footprint_code", "register", "period"),
)

PUBLISHED_TABLES: dict[str, Table] = {table.name: table for table in (LIST_SIZES, REGISTERS)}
