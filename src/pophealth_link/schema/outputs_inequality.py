"""Tables of inequality: groups, slopes, standardised comparisons and funnels."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.core import CodeList, Column, Table

SIGNIFICANCE = CodeList(
    "significance",
    "Whether a value is further from the whole area's than chance would let it be.",
    "Spiegelhalter, Stat Med 2005;24:1185–1202",
    {
        "low (99.8 %)": "Below, also at 99.8 %",
        "low (95 %)": "Below at 95 %",
        "not significant": "Chance could make the difference",
        "high (95 %)": "Above at 95 %",
        "high (99.8 %)": "Above, also at 99.8 %",
    },
)

_CELL = (
    Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True),
    Column("footprint_code", "text", "Code of the footprint, or why people have none."),
    Column("footprint_name", "text", "Name of the footprint."),
    Column("basis", "text", "registered or resident.", required=True),
    Column("indicator", "text", "Id of the indicator in the catalogue.", required=True),
)
_KEY = tuple(column.name for column in _CELL if column.name != "footprint_name")
_END = (
    Column("unit", "text", "Unit of the values."),
    Column("period", "text", "Day or period that the values describe."),
    Column("status", "code", "Whether numbers are given.", codes.STATUS, required=True),
    Column("reason", "text", "Why there is no number, or none but the value; empty: none."),
)


def _estimate(name: str, meaning: str) -> tuple[Column, ...]:
    """Return the columns of a number and its 95 % limits."""
    limits = ("lower", "upper") if name == "value" else (f"{name}_lower", f"{name}_upper")
    return (
        Column(name, "number", f"{meaning}."),
        Column(limits[0], "number", f"{meaning}: lower 95 % limit."),
        Column(limits[1], "number", f"{meaning}: upper 95 % limit."),
    )


GROUPS = Table(
    "inequality_groups",
    "Each group of people beside the others of its kind: Core20 against the rest, sexes, ages, "
    "ethnic groups; from released counts. Limits hold sampling alone.",
    "releasable",
    (
        *_CELL,
        Column("family", "text", "quintile, sex, age or ethnic.", required=True),
        Column("stratum", "text", "The group; quintile_1 is Core20.", required=True),
        Column("against", "text", "The strata that it is compared with, joined by +."),
        *_estimate("value", "Value in the group"),
        *_estimate("rest", "Value in the others together"),
        *_estimate("difference", "Group less others"),
        *_estimate("ratio", "Group over others"),
        *_END,
    ),
    unique=(*_KEY, "stratum"),
)

SLOPES = Table(
    "inequality_slopes",
    "Slope and relative index of inequality over the national deprivation fifths, where all five "
    "have people; from released counts. Limits hold sampling alone.",
    "releasable",
    (
        *_CELL,
        *_estimate(
            "slope_index", "Value at the most deprived end less that at the least deprived end"
        ),
        *_estimate(
            "relative_index", "Value at the most deprived end over that at the least deprived end"
        ),
        *_END,
    ),
    unique=_KEY,
)

STANDARDISED = Table(
    "standardised",
    "Values directly standardised for age to the whole area's people, beside the whole area's; "
    "from released counts. Limits hold sampling alone.",
    "releasable",
    (
        *_CELL,
        Column("age_groups", "integer", "Number of age groups that it is standardised for."),
        *_estimate("value", "Directly standardised value"),
        Column("whole", "number", "Value of the whole area, of people whose age is known."),
        *_estimate("ratio", "Standardised value over the whole area's"),
        Column("significance", "code", "Against the whole area.", SIGNIFICANCE),
        *_END,
    ),
    unique=_KEY,
)

FUNNELS = Table(
    "funnels",
    "Values with the limits of chance around the whole area's value; from released counts.",
    "releasable",
    (
        *_CELL,
        Column("denominator", "number", "Denominator as released: the place along the funnel."),
        *_estimate("value", "Value"),
        Column("whole", "number", "Value of the whole area, the centre of the funnel."),
        Column("lower_95", "number", "Lower 95 % control limit."),
        Column("upper_95", "number", "Upper 95 % control limit."),
        Column("lower_998", "number", "Lower 99.8 % control limit."),
        Column("upper_998", "number", "Upper 99.8 % control limit."),
        Column(
            "over_dispersion",
            "number",
            "Standard deviation between footprints beyond chance that widened the limits, in the "
            "unit; empty: not widened.",
        ),
        Column("significance", "code", "Against the whole area.", SIGNIFICANCE),
        *_END,
    ),
    unique=_KEY,
)

OBSERVED_EXPECTED = Table(
    "observed_expected",
    "Counts beside those that the whole area's rates by age lead one to expect: for footprints "
    "without strata by age; from released counts. Limits hold sampling and the rounding of the "
    "expected number alone.",
    "releasable",
    (
        *_CELL,
        Column("observed", "number", "Numerator as released.", unit="people"),
        Column("expected", "number", "Expected number, to the nearest five.", unit="people"),
        Column("value", "number", "Observed over expected as rounded; none where 0 is expected."),
        Column("lower", "number", "Lower 95 % limit, had the rounding left out 2.5 expected."),
        Column("upper", "number", "Upper 95 % limit, had it put in 2.5 expected."),
        Column(
            "significance",
            "code",
            "Whether it differs from 1 wherever the expected number was before rounding.",
            SIGNIFICANCE,
        ),
        *(column for column in _END if column.name != "unit"),
    ),
    unique=_KEY,
)

INEQUALITY_TABLES: dict[str, Table] = {
    table.name: table for table in (GROUPS, SLOPES, STANDARDISED, FUNNELS, OBSERVED_EXPECTED)
}
