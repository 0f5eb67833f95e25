"""Tables of service use that are computed from the released baseline."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.codes_services import CAPACITY_MEASURE, PATHWAY, STANDARD_MET
from pophealth_link.schema.core import Column, Table

FOOTPRINT_COLUMNS = (
    Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True),
    Column("footprint_code", "text", "Code of the footprint, or why people have none."),
    Column("footprint_name", "text", "Name of the footprint."),
    Column("basis", "text", "registered or resident.", required=True),
)
RESULT_COLUMNS = (
    Column("value", "number", "Value, in the unit."),
    Column("lower", "number", "Lower limit of the 95 % interval."),
    Column("upper", "number", "Upper limit of the 95 % interval."),
    Column("unit", "text", "Unit of the value.", required=True),
    Column("period", "text", "Period that it describes."),
    Column("status", "code", "Whether numbers are given.", codes.STATUS, required=True),
)
_LINKAGE = (
    Column("linkage_lower", "number", "Lower limit of the value from linkage error."),
    Column("linkage_upper", "number", "Upper limit of the value from linkage error."),
)
_FOOTPRINT = ("footprint_type", "footprint_code", "basis")

WAITING_TIMES = Table(
    "waiting_times",
    "Share of referrals seen by a number of days, those still waiting allowed for, by pathway.",
    "releasable",
    (
        *FOOTPRINT_COLUMNS,
        Column("pathway", "code", "Pathway.", PATHWAY, required=True),
        Column("days", "integer", "Days since the referral.", unit="days"),
        Column("referrals", "number", "Referrals in the period, as released."),
        Column("seen", "number", "Of them, known to be seen by then, as released."),
        Column("is_standard", "boolean", "The days are those of the pathway's standard."),
        Column("standard", "number", "Share that should be seen by then.", unit="%"),
        Column("met", "code", "Whether the standard is met.", STANDARD_MET),
        *RESULT_COLUMNS,
    ),
    unique=(*_FOOTPRINT, "pathway", "days"),
)

SERVICE_SHARES = Table(
    "service_shares",
    "Shares and means of service use, each from two released counts.",
    "releasable",
    (
        *FOOTPRINT_COLUMNS,
        Column("stratum", "text", "As in the baseline."),
        Column("measure", "text", "Id of the share or mean.", required=True),
        Column("title", "text", "What it is."),
        Column("part", "number", "Count above the line, as released."),
        Column("whole", "number", "Count below the line, as released; empty if not all counted."),
        *RESULT_COLUMNS,
    ),
    unique=(*_FOOTPRINT, "stratum", "measure"),
)

CAPACITY = Table(
    "capacity",
    "Demand for acute mental-health beds beside the beds that are open, by type of ward.",
    "releasable",
    (
        *FOOTPRINT_COLUMNS,
        Column(
            "ward_type", "text", "Type of ward (`ward_type`), or acute: all three.", required=True
        ),
        Column("measure", "code", "What is said.", CAPACITY_MEASURE, required=True),
        *RESULT_COLUMNS,
        *_LINKAGE,
        Column("beds_source", "text", "Where the number of beds is from."),
        Column("beds_date", "text", "First and last date of the numbers of beds used."),
    ),
    unique=(*_FOOTPRINT, "ward_type", "measure"),
)

COSTS = Table(
    "costs",
    "Released counts times the unit costs that the job gives.",
    "releasable",
    (
        *FOOTPRINT_COLUMNS,
        Column("item", "text", "What is costed.", required=True),
        Column("indicator", "text", "Indicator whose count is costed.", required=True),
        Column("quantity", "number", "Its count, as released."),
        Column("unit_cost", "number", "Cost of one.", unit="£"),
        Column("value", "number", "Its count times the cost of one.", unit="£"),
        Column("lower", "number", "Lower 95 % limit of the count, times the lowest cost of one."),
        Column("upper", "number", "Upper 95 % limit of the count, times the highest cost of one."),
        *RESULT_COLUMNS[3:],
        *_LINKAGE,
        Column("price_year", "text", "Financial year of the prices."),
        Column("cost_date", "date", "Day of the source of the unit cost."),
        Column("cost_source", "text", "Where the unit cost is from."),
    ),
    unique=(*_FOOTPRINT, "item", "indicator"),
)

SERVICE_OUTPUTS: dict[str, Table] = {
    table.name: table for table in (WAITING_TIMES, SERVICE_SHARES, CAPACITY, COSTS)
}
