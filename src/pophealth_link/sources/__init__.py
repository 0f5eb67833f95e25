"""Reading extracts: what a source is, presets, column mapping, formats and quarantine."""

from pophealth_link.sources.cautions import cautions, columns_used
from pophealth_link.sources.layout import is_there, paths_of
from pophealth_link.sources.model import (
    ALIASES,
    Accepted,
    Counts,
    Only,
    PropertySource,
    Source,
    TableFile,
    columns_of,
)
from pophealth_link.sources.preset import (
    NO_PRESET,
    Preset,
    PresetTable,
    preset,
    preset_names,
    preset_problems,
)
from pophealth_link.sources.problems import refuse
from pophealth_link.sources.reading import (
    check,
    check_source,
    conform,
    found_columns,
    from_frame,
    load,
    read,
    read_aliases,
)

__all__ = [
    "ALIASES",
    "NO_PRESET",
    "Accepted",
    "Counts",
    "Only",
    "Preset",
    "PresetTable",
    "PropertySource",
    "Source",
    "TableFile",
    "cautions",
    "check",
    "check_source",
    "columns_of",
    "columns_used",
    "conform",
    "found_columns",
    "from_frame",
    "is_there",
    "load",
    "paths_of",
    "preset",
    "preset_names",
    "preset_problems",
    "read",
    "read_aliases",
    "refuse",
]
