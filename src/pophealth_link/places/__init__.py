"""Where people are: postcodes, memberships, footprints, vintages, deprivation, geometry."""

from pophealth_link.places.best_fit import area_footprints, best_fit
from pophealth_link.places.deprivation import deprivation_summary, imd_from_domain_ranks
from pophealth_link.places.geometry import (
    check_crs,
    dissolve,
    outlines,
    read_shapes,
    share_exposed,
)
from pophealth_link.places.memberships import current, practice_footprints
from pophealth_link.places.people import linked_settings, place
from pophealth_link.places.postcodes import locate
from pophealth_link.places.sizes import SIZE_GUIDES, SizeGuide, best_fit_warnings, size_warnings
from pophealth_link.places.units import REASONS, is_reason
from pophealth_link.places.vintages import PlacesWarning, convert_vintage

__all__ = [
    "REASONS",
    "SIZE_GUIDES",
    "PlacesWarning",
    "SizeGuide",
    "area_footprints",
    "best_fit",
    "best_fit_warnings",
    "check_crs",
    "convert_vintage",
    "current",
    "deprivation_summary",
    "dissolve",
    "imd_from_domain_ranks",
    "is_reason",
    "linked_settings",
    "locate",
    "outlines",
    "place",
    "practice_footprints",
    "read_shapes",
    "share_exposed",
    "size_warnings",
]
