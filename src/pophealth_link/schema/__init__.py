"""Every table and code list, declared once."""

from pophealth_link.schema.codes import CODE_LISTS
from pophealth_link.schema.core import CodeList, Column, Table
from pophealth_link.schema.outputs import OUTPUT_TABLES
from pophealth_link.schema.outputs_compare import COMPARE_TABLES
from pophealth_link.schema.outputs_inequality import INEQUALITY_TABLES
from pophealth_link.schema.outputs_modelled import MODELLED_TABLES
from pophealth_link.schema.outputs_published import PUBLISHED_TABLES
from pophealth_link.schema.outputs_services import SERVICE_OUTPUTS
from pophealth_link.schema.records import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.schema.records_derived import DERIVED_TABLES as _OF_SERVICES
from pophealth_link.schema.records_homes import HOMES
from pophealth_link.schema.records_services import SERVICE_INPUTS
from pophealth_link.schema.reference import REFERENCE_TABLES

DERIVED_TABLES: dict[str, Table] = {**_OF_SERVICES, HOMES.name: HOMES}

TABLES: dict[str, Table] = {
    "people": PEOPLE,
    "dwellings": DWELLINGS,
    **EVENT_TABLES,
    **DERIVED_TABLES,
    **SERVICE_INPUTS,
    **REFERENCE_TABLES,
    **OUTPUT_TABLES,
    **PUBLISHED_TABLES,
    **INEQUALITY_TABLES,
    **SERVICE_OUTPUTS,
    **MODELLED_TABLES,
    **COMPARE_TABLES,
}

__all__ = [
    "CODE_LISTS",
    "DERIVED_TABLES",
    "DWELLINGS",
    "EVENT_TABLES",
    "OUTPUT_TABLES",
    "PEOPLE",
    "REFERENCE_TABLES",
    "TABLES",
    "CodeList",
    "Column",
    "Table",
]
