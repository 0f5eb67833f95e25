"""Which indicators the page shows large, which in a line, and which in a section of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pophealth_link.report.inputs import IndicatorText

# What a board asks for first: need, then pressure, then the social circumstances of the ill.
HEADLINES = (
    *("depression_recorded", "anxiety_recorded", "severe_mental_illness_recorded"),
    *("dementia_recorded", "eating_disorder_recorded", "personality_disorder_recorded"),
    *("self_harm_recorded", "substance_misuse_recorded", "smi_health_check_complete"),
    *("mental_health_referrals", "mental_health_contacts", "crisis_presentations"),
    *("mental_health_emergency_admissions", "detentions", "occupied_bed_days"),
    *("delayed_discharge_days", "out_of_area_days", "social_care_mental_health_support"),
    *("delayed_discharge_days_housing", "delayed_discharge_days_social_care"),
    *("temporary_accommodation", "homelessness_duty_owed"),
    *("mental_illness_in_temporary_accommodation", "mental_illness_unemployed"),
)
# What stands beside them at a glance.
CIRCUMSTANCES = (
    *("deprivation_average_score", "employment_deprived", "overcrowding_bedrooms"),
    *("one_person_households", "need_index"),
)
# Of them, those whose inequality and comparison of footprints are drawn.
COMPARED = (
    *("depression_recorded", "anxiety_recorded", "severe_mental_illness_recorded"),
    *("self_harm_recorded", "mental_health_referrals", "crisis_presentations"),
)

_ENOUGH = 5

# Life-table counts and overlaps are shown as waits and as who knows of whom, not one by one.
OWN_SECTION = frozenset({"waits", "overlap"})

# Indicators that say one part, or one more way of measuring, of what another says in full.
_PARTS = (
    *("smi_health_check_", "smi_and_", "depression_and_", "bed_days_", "delay_days_"),
    *("delayed_discharge_days_", "crisis_assessments_", "out_of_area_placements_"),
    *("crisis_emergency", "crisis_referrals", "referrals_", "mental_health_contacts_"),
)
_DEPRIVATION_PARTS = ("_score", "_rank", "_children", "_older_people", "_concentration")
_OTHER_WAYS = ("_iod", "_lad")


def large(text: IndicatorText) -> bool:
    """Return whether an indicator has charts of its own; others have a line in a table."""
    name = text.id
    if name in HEADLINES or name == "deprivation_average_score":
        return True
    deprivation = text.domain == "deprivation" and name.endswith(_DEPRIVATION_PARTS)
    return not (text.part or deprivation or name.startswith(_PARTS) or name.endswith(_OTHER_WAYS))


def listed(text: IndicatorText) -> bool:
    """Return whether an indicator stands in the section of its domain."""
    return text.domain not in OWN_SECTION


def chosen(wanted: Iterable[str], texts: Mapping[str, IndicatorText]) -> list[str]:
    """Return the wanted indicators that the baseline has, in the order of `wanted`."""
    return [name for name in wanted if name in texts]


def at_a_glance(texts: Mapping[str, IndicatorText]) -> dict[str, IndicatorText]:
    """Return what the table at the head of the page holds: all, where few of them are headlines."""
    wanted = {*HEADLINES, *CIRCUMSTANCES}
    found = {name: text for name, text in texts.items() if name in wanted}
    return found if len(found) >= _ENOUGH else dict(texts)
