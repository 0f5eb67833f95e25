"""Disclosure control: policies, suppression and rounding, differencing, and the release itself."""

from pophealth_link.disclosure.additive import Relations, relations
from pophealth_link.disclosure.differencing import Check, Protected, check, feasible_ranges, protect
from pophealth_link.disclosure.policies import POLICIES, Policy, custom_policy, policy
from pophealth_link.disclosure.release import release_manifest, write_manifest, write_release
from pophealth_link.disclosure.suppression import (
    apply,
    dominance,
    flag_extremes,
    require_released,
    totals,
)
from pophealth_link.disclosure.text import safe_text

__all__ = [
    "POLICIES",
    "Check",
    "Policy",
    "Protected",
    "Relations",
    "apply",
    "check",
    "custom_policy",
    "dominance",
    "feasible_ranges",
    "flag_extremes",
    "policy",
    "protect",
    "relations",
    "release_manifest",
    "require_released",
    "safe_text",
    "totals",
    "write_manifest",
    "write_release",
]
