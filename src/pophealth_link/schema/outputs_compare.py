"""Tables that comparing baselines, and reconciling one with published counts, make or read."""

from __future__ import annotations

from pophealth_link.schema.core import CodeList, Column, Table

CHANGE_STATUS = CodeList(
    "change_status",
    "Whether a change between two baselines is given, and if not, why.",
    "This library",
    {
        "ok": "Given",
        "not_given": "One of the two baselines gives no number; `reason` says which and why",
        "absent_before": "The earlier baseline has no such cell",
        "absent_after": "The later baseline has no such cell",
        "not_comparable": "The definition, a code list, the deprivation fifths or the sources "
        "changed: the difference is not a change in need",
        "same_publication": "Both hold the same edition of a published measure",
        "no_sum": "The footprints had to be joined, and the indicator is no sum over them",
    },
)

MEMBERSHIP = CodeList(
    "membership",
    "What became of a footprint between two baselines.",
    "This library",
    {
        "same": "The same units, and the same code",
        "renamed": "The same units under another code",
        "moved": "Units whose people are within the tolerance went elsewhere or came",
        "joined": "Several earlier footprints are one later one",
        "parted": "One earlier footprint is several later ones",
        "regrouped": "Units were exchanged: the smallest groups that hold the same units on both "
        "sides",
        "absent_before": "Not in the earlier baseline",
        "absent_after": "Not in the later baseline",
        "not_known": "A baseline came without its memberships: matched by code alone",
    },
)

AGREEMENT = CodeList(
    "agreement",
    "Whether a count of the run and a published one agree.",
    "This library",
    {
        "agrees": "They differ by no more than the limit",
        "agrees_as_released": "They differ by no more than the limit as released; the rounding of "
        "the run's count may hide that they do",
        "differs": "They differ by more than the limit",
        "within_rounding": "They differ by more than the limit as released; the rounding of the "
        "run's count could make up for it",
        "other_period": "The published count is of another day or period",
        "other_practices": "Some practices or areas of the footprint have no published count, or "
        "only a part of a practice is in it",
        "not_given": "The run gives no number",
        "not_published": "Nothing is published for it",
    },
)

_FOOTPRINT = (
    Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True),
    Column("footprint_code", "text", "Code of the later baseline; codes of a group joined by +."),
    Column("footprint_name", "text", "Name of the later baseline."),
    Column("basis", "text", "registered or resident.", required=True),
)
_CELL = (
    Column("indicator", "text", "Id of the indicator in the catalogue.", required=True),
    Column("stratum", "text", "all, or a part of the people such as quintile_1."),
)


def _side(side: str, word: str) -> tuple[Column, ...]:
    return (
        Column(f"numerator_{side}", "number", f"Released numerator, {word}."),
        Column(f"denominator_{side}", "number", f"Released denominator, {word}."),
        Column(f"value_{side}", "number", f"Value, {word}."),
        Column(f"lower_{side}", "number", f"Lower 95 % limit by sampling, {word}."),
        Column(f"upper_{side}", "number", f"Upper 95 % limit by sampling, {word}."),
        Column(f"linkage_lower_{side}", "number", f"Lower limit from linkage error, {word}."),
        Column(f"linkage_upper_{side}", "number", f"Upper limit from linkage error, {word}."),
    )


COMMON_FOOTPRINTS = Table(
    "common_footprints",
    "Footprints of two baselines, and the common one that each is part of.",
    "releasable",
    (
        *_FOOTPRINT,
        Column("side", "text", "before or after.", required=True),
        Column("own_code", "text", "Code of the footprint in that baseline.", required=True),
        Column("membership", "code", "What became of it.", MEMBERSHIP, required=True),
        Column("units_before", "integer", "Practices or LSOAs before.", unit="units"),
        Column("units_after", "integer", "Practices or LSOAs after.", unit="units"),
        Column("share_gone", "number", "Share of the earlier people whose units are gone later."),
        Column("share_new", "number", "Share of the later people whose units were not there."),
        Column("share_moved", "number", "Share of the people who moved within the tolerance."),
    ),
    unique=("footprint_type", "basis", "side", "own_code"),
)

CHANGES = Table(
    "changes",
    "Change between two baselines, on common footprints, with what else changed.",
    "releasable",
    (
        *_FOOTPRINT,
        *_CELL,
        Column("membership", "code", "What became of the footprint.", MEMBERSHIP),
        *_side("before", "earlier"),
        *_side("after", "later"),
        Column("change", "number", "Later value less earlier value, in the unit."),
        Column(
            "lower",
            "number",
            "Lower 95 % limit of the change: sampling, linkage on both sides, rounding.",
        ),
        Column("upper", "number", "Upper limit of the same."),
        Column("correlation", "number", "Correlation of the two estimates that it assumes."),
        Column("correlation_most", "number", "The most that the correlation can be."),
        Column("narrow_lower", "number", "Lower limit were the correlation the most."),
        Column("narrow_upper", "number", "Upper limit were the correlation the most."),
        Column("ratio", "number", "Later value over earlier value."),
        Column("ratio_lower", "number", "Lower 95 % limit of the ratio."),
        Column("ratio_upper", "number", "Upper 95 % limit of the ratio."),
        Column(
            "from_linkage",
            "number",
            "Part that a changed share of linked records explains; of several sources there are "
            "limits alone.",
        ),
        Column("from_linkage_lower", "number", "The least that it can be."),
        Column("from_linkage_upper", "number", "The most that it can be."),
        Column("rest", "number", "Change less that part."),
        Column("rest_lower", "number", "Lower 95 % limit of the rest."),
        Column("rest_upper", "number", "Upper 95 % limit of the rest."),
        Column(
            "direction",
            "text",
            "higher, lower or not_clear, of the rest, whatever the part within its limits; empty "
            "where something else than need changed and its part is not known.",
        ),
        Column("differs", "text", "What else differs between the two, joined by |."),
        Column("unit", "text", "Unit of the values."),
        Column("status", "code", "Whether the change is given.", CHANGE_STATUS, required=True),
        Column("reason", "text", "Why no change is given."),
    ),
    unique=("footprint_type", "footprint_code", "basis", "indicator", "stratum"),
)

CHANGED_DEFINITIONS = Table(
    "changed_definitions",
    "What differs between two baselines besides the counts.",
    "releasable",
    (
        Column("subject", "text", "definition, code_list, vintage, policy, linkage …"),
        Column("name", "text", "Id of the indicator, code list, table or source."),
        Column("what", "text", "What differs: the setting, or how many codes came and went."),
        Column("before", "text", "Earlier setting."),
        Column("after", "text", "Later setting."),
    ),
)

CHANGE_PARTS = Table(
    "change_parts",
    "A change parted by a bridge: the earlier data counted the later way.",
    "releasable",
    (
        *_FOOTPRINT,
        *_CELL,
        Column("change", "number", "Later value less earlier value, whatever changed."),
        Column("from_method", "number", "Bridge less earlier: definitions, lists and linkage."),
        Column("from_need", "number", "Later less bridge: the records counted the same way."),
        Column("lower", "number", "Lower 95 % limit of `from_need`."),
        Column("upper", "number", "Upper 95 % limit of `from_need`."),
        Column("unit", "text", "Unit of the values."),
        Column("status", "code", "Whether the parts are given.", CHANGE_STATUS, required=True),
        Column("reason", "text", "Why not."),
    ),
    unique=("footprint_type", "footprint_code", "basis", "indicator", "stratum"),
)

DIFFERENCES = Table(
    "differences",
    "Difference in differences: change of some footprints less that of comparison footprints.",
    "releasable",
    (
        Column("basis", "text", "registered or resident.", required=True),
        *_CELL,
        Column("areas", "integer", "Footprints of interest with a change.", unit="footprints"),
        Column("comparison_areas", "integer", "Comparison footprints with one."),
        Column(
            "left_out",
            "integer",
            "Footprints without a change, or where something differs whose part is not known.",
        ),
        Column("change", "number", "Mean change of the footprints of interest."),
        Column("comparison_change", "number", "Mean change of the comparison footprints."),
        Column("difference", "number", "The first less the second."),
        Column("lower", "number", "Lower 95 % limit by `method`, across footprints."),
        Column("upper", "number", "Upper 95 % limit by `method`."),
        Column("p_value", "number", "Two-sided, by `method`."),
        Column("least_p_value", "number", "The smallest that so few footprints can give."),
        Column("method", "text", "areas_as_clusters, permutation or none."),
        Column("within_lower", "number", "Lower limit from errors within footprints alone."),
        Column("within_upper", "number", "Upper limit from errors within footprints alone."),
        Column("unit", "text", "Unit of the values."),
        Column("status", "text", "ok, or no_areas.", required=True),
    ),
    unique=("basis", "indicator", "stratum"),
)

PUBLISHED_COUNTS = Table(
    "published_counts",
    "Published registers and activity of practices or areas, to reconcile a run with.",
    "area",
    (
        Column("area_type", "text", "practice, or a type of footprint (pcn, lad, icb …)."),
        Column("area_code", "text", "Code of the practice or footprint.", required=True),
        Column(
            "basis",
            "text",
            "registered or resident; empty: resident for lad, ward, msoa and region, else "
            "registered.",
        ),
        Column("indicator", "text", "Id of the indicator in the catalogue.", required=True),
        Column("numerator", "number", "Published count.", required=True),
        Column("denominator", "number", "Published list, population or person-years."),
        Column("period_start", "date", "First day, of a period; empty for a count on a day."),
        Column("period_end", "date", "Day of the count, or last day of the period."),
        Column("source", "text", "Publication and edition.", required=True),
    ),
    unique=("area_type", "area_code", "indicator", "period_end"),
)

RECONCILED = Table(
    "reconciled",
    "The run's registers and activity beside published ones.",
    "releasable",
    (
        Column("footprint_type", "text", "practice, pcn, icp, lad, icb …", required=True),
        Column("footprint_code", "text", "Code of the footprint or practice.", required=True),
        Column("footprint_name", "text", "Name of the footprint."),
        Column("basis", "text", "registered or resident.", required=True),
        Column("indicator", "text", "Id of the indicator in the catalogue.", required=True),
        Column("own", "number", "Count of the run, as released."),
        Column("published", "number", "Published count."),
        Column("difference", "number", "Own less published, over published.", unit="%"),
        Column("own_denominator", "number", "Denominator of the run."),
        Column("published_denominator", "number", "Published denominator."),
        Column("denominator_difference", "number", "The same of the denominators.", unit="%"),
        Column("own_share", "number", "Own count over own denominator.", unit="%"),
        Column("published_share", "number", "Published count over denominator.", unit="%"),
        Column(
            "coverage",
            "number",
            "Share of its practices or areas that are wholly in it and have a published count.",
        ),
        Column("own_period", "text", "Day or period of the run's count."),
        Column("published_period", "text", "Day or period of the published count."),
        Column("source", "text", "Publication and edition."),
        Column("status", "code", "Whether they agree.", AGREEMENT, required=True),
    ),
    unique=("footprint_type", "footprint_code", "basis", "indicator", "source"),
)

COMPARE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        COMMON_FOOTPRINTS,
        CHANGES,
        CHANGED_DEFINITIONS,
        CHANGE_PARTS,
        DIFFERENCES,
        PUBLISHED_COUNTS,
        RECONCILED,
    )
}
COMPARE_CODE_LISTS: dict[str, CodeList] = {
    each.name: each for each in (CHANGE_STATUS, MEMBERSHIP, AGREEMENT)
}
