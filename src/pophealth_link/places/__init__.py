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
from pophealth_link.places.exposures import share_exposed
from pophealth_link.places.frames import PlacesWarning
from pophealth_link.places.geometry import (
    check_crs,
    dissolve,
    outlines,
    read_shapes,
    shape_columns,
    within,
)
from pophealth_link.places.imd import domain_from_subdomain_ranks, imd_from_domain_ranks
from pophealth_link.places.listed import listed_shares, listed_units
from pophealth_link.places.memberships import (
    Registration,
    ended_practices,
    practice_footprints,
    registration,
)
from pophealth_link.places.patients import latest_begun, patients_by_home, published_patients
from pophealth_link.places.people import linked_settings, place
from pophealth_link.places.postcodes import ended_postcodes, locate
from pophealth_link.places.recoded import recode_measures
from pophealth_link.places.reconciliation import reconciliation, unassigned
from pophealth_link.places.sizes import SIZE_GUIDES, SizeGuide, best_fit_warnings, size_warnings
from pophealth_link.places.succession import (
    authorities_named,
    authority_predecessors,
    authority_successors,
    practice_successors,
    recode_areas,
    untold_authorities,
)
from pophealth_link.places.units import REASONS, is_reason
from pophealth_link.places.vintages import convert_vintage, on_2021, told_on_2021

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
    "authorities_named",
    "authority_predecessors",
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
    "latest_begun",
    "linked_settings",
    "listed_shares",
    "listed_units",
    "locate",
    "modelled_patients",
    "on_2021",
    "outlines",
    "patients_by_home",
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
    "told_on_2021",
    "unassigned",
    "untold_authorities",
    "validity_warnings",
    "within",
]
