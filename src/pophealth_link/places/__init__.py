"""Where people are: postcodes, memberships, footprints, vintages, deprivation, geometry."""

from pophealth_link.places.best_fit import area_footprints, best_fit
from pophealth_link.places.catchments import (
    Decay,
    area_centres,
    modelled_patients,
    registered_mean,
)
from pophealth_link.places.dated import areas_on, current, validity_warnings
from pophealth_link.places.deprivation import deprivation_summary, domain_summary
from pophealth_link.places.frames import PlacesWarning
from pophealth_link.places.geometry import (
    check_crs,
    dissolve,
    outlines,
    read_shapes,
    shape_columns,
    share_exposed,
    within,
)
from pophealth_link.places.imd import domain_from_subdomain_ranks, imd_from_domain_ranks
from pophealth_link.places.memberships import (
    Registration,
    ended_practices,
    practice_footprints,
    registration,
)
from pophealth_link.places.patients import published_patients
from pophealth_link.places.people import linked_settings, place
from pophealth_link.places.postcodes import ended_postcodes, locate
from pophealth_link.places.reconciliation import reconciliation, unassigned
from pophealth_link.places.sizes import SIZE_GUIDES, SizeGuide, best_fit_warnings, size_warnings
from pophealth_link.places.succession import (
    authority_successors,
    practice_successors,
    recode_areas,
    recode_measures,
)
from pophealth_link.places.units import REASONS, is_reason
from pophealth_link.places.vintages import convert_vintage, on_2021

__all__ = [
    "REASONS",
    "SIZE_GUIDES",
    "Decay",
    "PlacesWarning",
    "Registration",
    "SizeGuide",
    "area_centres",
    "area_footprints",
    "areas_on",
    "authority_successors",
    "best_fit",
    "best_fit_warnings",
    "check_crs",
    "convert_vintage",
    "current",
    "deprivation_summary",
    "dissolve",
    "domain_from_subdomain_ranks",
    "domain_summary",
    "ended_postcodes",
    "ended_practices",
    "imd_from_domain_ranks",
    "is_reason",
    "linked_settings",
    "locate",
    "modelled_patients",
    "on_2021",
    "outlines",
    "place",
    "practice_footprints",
    "practice_successors",
    "published_patients",
    "read_shapes",
    "recode_areas",
    "recode_measures",
    "reconciliation",
    "registered_mean",
    "registration",
    "shape_columns",
    "share_exposed",
    "size_warnings",
    "unassigned",
    "validity_warnings",
    "within",
]
