"""Every table and code list, declared once."""

from pophealth_link.schema.codes import CODE_LISTS
from pophealth_link.schema.core import CodeList, Column, Table
from pophealth_link.schema.outputs import OUTPUT_TABLES
from pophealth_link.schema.outputs_published import PUBLISHED_TABLES
from pophealth_link.schema.records import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.schema.reference import REFERENCE_TABLES

TABLES: dict[str, Table] = {
    "people": PEOPLE,
    "dwellings": DWELLINGS,
    **EVENT_TABLES,
    **REFERENCE_TABLES,
    **OUTPUT_TABLES,
    **PUBLISHED_TABLES,
}

__all__ = [
    "CODE_LISTS",
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
