"""Event tables that are made from others: what an indicator counts but no source writes down.

Each has, beside its columns, `person_id` and `source` as any event table once it is linked. A job
cannot name them as files.
"""

from __future__ import annotations

from pophealth_link.schema import codes_mental_health
from pophealth_link.schema import codes_services as codes
from pophealth_link.schema.core import Column, Table
from pophealth_link.schema.parts import END, START

_WARD_TYPE = Column("ward_type", "code", "Ward type.", codes.WARD_TYPE)

BED_DISCHARGES = Table(
    "bed_discharges",
    "Discharges alive from a continuous stay in mental-health beds, with 30 days of follow-up.",
    "person",
    (
        Column("discharge_date", "date", "Day of discharge.", required=True),
        Column("follow_up_date", "date", "30 days after it.", required=True),
        Column("readmitted", "code", "Emergency admission by that day.", codes.YES_NO),
    ),
)

DETENTIONS = Table(
    "detentions",
    "Unbroken time detained, whatever the sections; short-term orders apart.",
    "person",
    (START, END, Column("kind", "code", "Detention or short-term order.", codes.DETENTION_KIND)),
)

CRISIS_PRESENTATIONS = Table(
    "crisis_presentations",
    "Days on which a person came to notice in a mental-health crisis.",
    "person",
    (
        Column("presented_date", "date", "Day.", required=True),
        Column("route", "code", "How.", codes.CRISIS_ROUTE),
    ),
)

CRISIS_OUTCOMES = Table(
    "crisis_outcomes",
    "Completed crisis assessments that decided on admission or home treatment, with the wait.",
    "person",
    (
        Column("completed_date", "date", "Day on which it was completed.", required=True),
        Column("decision", "code", "What was decided.", codes.CRISIS_DECISION),
        Column("wait", "code", "Whether it began within 4 hours.", codes.CRISIS_WAIT),
    ),
)

PLACEMENTS = Table(
    "placements",
    "Spells in a mental-health bed out of area.",
    "person",
    (
        START,
        END,
        Column("kind", "code", "Inappropriate or not.", codes.PLACEMENT_KIND),
        Column("distance_known", "code", "The distance is known.", codes.YES_NO),
        Column("distance", "integer", "From home to the ward.", unit="km"),
    ),
)

WARD_TYPE_STAYS = Table(
    "ward_type_stays",
    "Stays on a ward, by its type and whether they were out of area.",
    "person",
    (
        START,
        END,
        _WARD_TYPE,
        Column("place", "code", "Local or out of area.", codes.STAY_PLACE),
    ),
)

WARD_TYPE_DELAYS = Table(
    "ward_type_delays",
    "The part of a delayed discharge that was spent on each type of ward.",
    "person",
    (
        START,
        END,
        _WARD_TYPE,
        Column("reason", "code", "Reason of the delay.", codes_mental_health.DELAY_REASON),
        Column("reason_group", "code", "Group of the reason.", codes.DELAY_GROUP),
    ),
)

_WAIT = (
    Column("referral_date", "date", "Day on which the wait began.", required=True),
    Column("pathway", "code", "Pathway.", codes.PATHWAY),
    Column("outcome", "code", "How the wait ended.", codes.WAIT_OUTCOME),
    Column("days", "integer", "Days waited.", unit="days"),
    Column("band", "code", "Band of the days, by the pathway's edges.", codes.WAIT_BAND),
)

WAITS = Table(
    "waits",
    "One row for each referral to mental-health services in the period: how long the person waited "
    "to be seen, as far as is known.",
    "person",
    _WAIT,
)

TALKING_THERAPIES_WAITS = Table(
    "talking_therapies_waits",
    "One row for each referral to NHS Talking Therapies in the period: how long the person waited "
    "for treatment, as far as is known.",
    "person",
    _WAIT,
)

DERIVED_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        BED_DISCHARGES,
        DETENTIONS,
        CRISIS_PRESENTATIONS,
        CRISIS_OUTCOMES,
        PLACEMENTS,
        WARD_TYPE_STAYS,
        WARD_TYPE_DELAYS,
        WAITS,
        TALKING_THERAPIES_WAITS,
    )
}
