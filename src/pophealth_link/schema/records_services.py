"""Tables of service use that a job may read: crisis assessments, beds, and unit costs."""

from __future__ import annotations

from pophealth_link.schema import codes_services as codes
from pophealth_link.schema.core import Column, Table
from pophealth_link.schema.parts import RECORD_ID

TIME_OF_DAY = "Time of day, HH:MM (24 hours)."

CRISIS_ASSESSMENTS = Table(
    "crisis_assessments",
    "Crisis assessments that were completed, and what they led to.",
    "person",
    (
        RECORD_ID,
        Column("assessment_id", "text", "The assessment's id."),
        Column("completed_date", "date", "Day on which it was completed.", required=True),
        Column("completed_time", "text", f"When it was completed. {TIME_OF_DAY}"),
        Column("decision", "code", "What was decided.", codes.CRISIS_DECISION, required=True),
        Column("began_date", "date", "Day of the admission, or acceptance for home treatment."),
        Column("began_time", "text", f"When the admission or home treatment began. {TIME_OF_DAY}"),
    ),
)

# Not of people: an input of its own, which a job names.
BEDS = Table(
    "beds",
    "Open beds by site and ward type, each row from its date until the site's next one.",
    "area",
    (
        Column("site", "text", "Site (ODS code or name).", required=True, key=True),
        Column("ward_type", "code", "Ward type.", codes.WARD_TYPE, required=True, key=True),
        Column("open_beds", "number", "Beds open.", required=True, key=True, unit="beds"),
        Column("date", "date", "First day that it holds for.", required=True, key=True),
        Column("source", "text", "Where the figure is from.", required=True, key=True),
        Column("footprint_type", "text", "Type of the footprint that it serves; empty: whole."),
        Column("footprint_code", "text", "Code of the footprint that it serves; empty: whole."),
    ),
    unique=("site", "ward_type", "date"),
)

UNIT_COSTS = Table(
    "unit_costs",
    "What one unit of an indicator costs, with price year and source.",
    "area",
    (
        Column("item", "text", "What is costed, in words.", required=True, key=True),
        Column("indicator", "text", "Indicator whose count it costs.", required=True, key=True),
        Column("unit_cost", "number", "Cost of one.", required=True, key=True, unit="£"),
        Column("lower", "number", "Lowest plausible cost of one.", unit="£"),
        Column("upper", "number", "Highest plausible cost of one.", unit="£"),
        Column("price_year", "text", "Financial year of the prices.", required=True, key=True),
        Column("date", "date", "Day of the source.", required=True, key=True),
        Column("source", "text", "Where the cost is from.", required=True, key=True),
    ),
    unique=("item", "indicator"),
)

SERVICE_INPUTS: dict[str, Table] = {table.name: table for table in (BEDS, UNIT_COSTS)}
