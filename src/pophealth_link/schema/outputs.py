"""Tables that a run makes."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.core import Column, Table

_PERSON_ID = Column("person_id", "text", "Keyed hash that stands for the person.", required=True)
_SOURCE = Column("source", "text", "Name of the source.", required=True)
_RECORD = Column("record_id", "text", "The source's own id of the record.", required=True)

PERSON_INDEX = Table(
    "person_index",
    "Every accepted record with the person that it belongs to, and how that was decided.",
    "person",
    (
        _SOURCE,
        _RECORD,
        _PERSON_ID,
        Column(
            "method",
            "text",
            "register, nhs_number, a deterministic pass, probabilistic, reviewed, unlinked.",
            required=True,
        ),
        Column("match_probability", "number", "Probability of the link; empty: no model asked."),
    ),
    unique=("source", "record_id"),
)

PAIRS = Table(
    "pairs",
    "Pairs of records that a pass proposed, with what was decided.",
    "person",
    (
        Column("source_l", "text", "Source of the record on the left.", required=True),
        Column("record_id_l", "text", "Id of the record on the left.", required=True),
        Column("source_r", "text", "Source of the record on the right.", required=True),
        Column("record_id_r", "text", "Id of the record on the right.", required=True),
        Column("pass", "text", "Name of the pass that proposed the pair.", required=True),
        Column("match_weight", "number", "Log2 of the Bayes factor with prior.", unit="bits"),
        Column("match_probability", "number", "Probability that the two are one person."),
        Column("decision", "text", "What was decided: see the linkage guide.", required=True),
    ),
)

IMPUTED_LINKS = Table(
    "imputed_links",
    "Draws of the links: the records that belong to another person in a draw than in the index.",
    "person",
    (
        _SOURCE,
        _RECORD,
        Column("draw", "integer", "Number of the draw, the first being 0.", required=True),
        Column("person_id", "text", "The person in this draw; empty: on the register, not known."),
        Column("imputations", "integer", "How many draws there are.", required=True),
    ),
    unique=("source", "record_id", "draw"),
)

PERSON_FACTS = Table(
    "person_facts",
    "The few facts about each person that placing and stratifying need.",
    "person",
    (
        _PERSON_ID,
        Column("on_register", "boolean", "The person is on the register."),
        Column("current", "boolean", "Alive and registered (or known to a source) on the day."),
        Column("age_band", "code", "Age band on the day.", codes.AGE_BAND),
        Column("sex", "code", "Sex.", codes.SEX),
        Column("ethnic_group", "code", "Ethnic group.", codes.ETHNIC_GROUP),
        Column("lsoa_code", "text", "LSOA of the usual address; empty: not placed."),
        Column(
            "unplaced",
            "text",
            "Why there is no LSOA: no_fixed_abode, no_postcode, unknown_postcode.",
        ),
        Column("practice_code", "text", "Practice of registration; empty: none."),
        Column("keyed_uprn", "text", "Keyed hash of the UPRN."),
        Column(
            "person_years",
            "number",
            "Time on the register, or known to a source, in the period.",
            unit="years",
        ),
    ),
    unique=("person_id",),
)

IMPUTED_FACTS = Table(
    "imputed_facts",
    "PERSON_FACTS of records that are a person of their own in some draw of the links.",
    "person",
    PERSON_FACTS.columns,
    unique=("person_id",),
)

PROPERTY_FACTS = Table(
    "property_facts",
    "Dwellings of a property source with keyed UPRN and LSOA, without address.",
    "person",
    (
        _SOURCE,
        _RECORD,
        Column("keyed_uprn", "text", "Keyed hash of the UPRN."),
        Column("lsoa_code", "text", "LSOA of the dwelling."),
    ),
    unique=("source", "record_id"),
)

PEOPLE_PLACED = Table(
    "people_placed",
    "People with facts, the unit that places them on each basis, footprints and settings.",
    "person",
    (
        *PERSON_FACTS.columns,
        Column(
            "registered_unit",
            "text",
            "Practice, or the reason why there is none; empty: the job has not this basis.",
        ),
        Column(
            "resident_unit",
            "text",
            "LSOA, or the reason why there is none; empty: the job has not this basis.",
        ),
        Column("quintile", "integer", "National deprivation quintile, 1 most deprived."),
        Column("settings", "text", "Settings of the linked sources, in order, joined by |."),
    ),
    unique=("person_id",),
)

UNIT_FOOTPRINTS = Table(
    "unit_footprints",
    "Which footprints hold a unit (registered: practice; resident: LSOA), and what share of it. "
    "The reasons why a person has no unit are units of their own.",
    "area",
    (
        Column("basis", "text", "registered or resident.", required=True),
        Column("unit", "text", "Practice code, LSOA code, or a reason.", required=True),
        Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True),
        Column("footprint_code", "text", "Code of the footprint, or a reason.", required=True),
        Column("footprint_name", "text", "Name of the footprint."),
        Column("share", "number", "Share of the unit's people in the footprint.", required=True),
    ),
)

BASELINE = Table(
    "baseline",
    "The baseline, one row per footprint, basis, indicator and stratum.",
    "releasable",
    (
        Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True),
        Column("footprint_code", "text", "Code of the footprint, or why people have none."),
        Column("footprint_name", "text", "Name of the footprint."),
        Column("basis", "text", "registered or resident.", required=True),
        Column("indicator", "text", "Id of the indicator in the catalogue.", required=True),
        Column(
            "stratum",
            "text",
            "all; quintile_1 (most deprived) to quintile_5; or a sex, age or ethnic group.",
        ),
        Column("numerator", "number", "Numerator as released."),
        Column("denominator", "number", "Denominator as released."),
        Column("value", "number", "Value, in the unit."),
        Column("lower", "number", "Lower limit of the 95 % interval."),
        Column("upper", "number", "Upper limit of the 95 % interval."),
        Column("linkage_lower", "number", "Lower limit of the value from linkage error."),
        Column("linkage_upper", "number", "Upper limit of the value from linkage error."),
        Column("unit", "text", "Unit of the value."),
        Column("period", "text", "Day or period that the value describes."),
        Column("status", "code", "Whether numbers are given.", codes.STATUS, required=True),
        Column(
            "numerator_linkage_lower",
            "number",
            "Lower limit of the numerator from linkage error; empty: no count of records.",
        ),
        Column(
            "numerator_linkage_upper",
            "number",
            "Upper limit of the numerator from linkage error; empty: no count of records.",
        ),
        Column(
            "coverage",
            "number",
            "Share of the footprint's LSOAs that hold a published measure; empty for counts of "
            "people and dwellings.",
        ),
    ),
    unique=("footprint_type", "footprint_code", "basis", "indicator", "stratum"),
)

_TYPE = Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True)

RECONCILIATION = Table(
    "reconciliation",
    "Each footprint's registered people beside its resident ones, current people only.",
    "person",
    (
        _TYPE,
        Column("footprint_code", "text", "Code of the footprint.", required=True),
        Column("footprint_name", "text", "Name of the footprint."),
        Column("registered", "integer", "People registered here.", unit="people"),
        Column("resident", "integer", "People living here.", unit="people"),
        Column("here", "integer", "People registered here and living here.", unit="people"),
        Column("living_elsewhere", "integer", "Registered here, living elsewhere.", unit="people"),
        Column(
            "living_outside_area",
            "integer",
            "Registered here, living outside the area.",
            unit="people",
        ),
        Column(
            "living_unplaced",
            "integer",
            "Registered here, home not known or no fixed abode.",
            unit="people",
        ),
        Column(
            "registered_elsewhere",
            "integer",
            "Living here, registered elsewhere.",
            unit="people",
        ),
        Column("registered_nowhere", "integer", "Living here, not registered.", unit="people"),
        Column(
            "registration_unknown",
            "integer",
            "Living here, practice not known or closed without successor.",
            unit="people",
        ),
    ),
    unique=("footprint_type", "footprint_code"),
)

UNASSIGNED = Table(
    "unassigned",
    "How many current people are in no footprint of a type, and why.",
    "person",
    (
        Column("basis", "text", "registered or resident.", required=True),
        _TYPE,
        Column("reason", "text", "Reason, or assigned: in a footprint.", required=True),
        Column("people", "integer", "People.", unit="people"),
    ),
    unique=("basis", "footprint_type", "reason"),
)

BEST_FIT = Table(
    "best_fit",
    "Each LSOA's footprint by best fit: that of the largest share of its registered patients.",
    "person",
    (
        Column("lsoa_code", "text", "LSOA.", required=True),
        _TYPE,
        Column("footprint_code", "text", "Code of the footprint.", required=True),
        Column("footprint_name", "text", "Name of the footprint."),
        Column(
            "best_share", "number", "Share of the LSOA's patients who are in it.", required=True
        ),
        Column("runner_up_code", "text", "Footprint of the next largest share; empty: none."),
        Column("runner_up_share", "number", "Share of the LSOA's patients in the runner-up."),
    ),
    unique=("lsoa_code", "footprint_type"),
)

QUARANTINE = Table(
    "quarantine",
    "Rows that were refused, with the reason.",
    "identifiable",
    (
        Column("table", "text", "Table that the row was meant for.", required=True),
        Column("file", "text", "Name of the file that the row is in."),
        Column("row", "integer", "Number of the row in its file, the first being 1."),
        Column(
            "reason", "text", "Reason code: no_record_id, ragged, unknown_record_id.", required=True
        ),
        Column("record_id", "text", "The record id, where the row has one."),
    ),
)

OUTPUT_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        PERSON_INDEX,
        PAIRS,
        IMPUTED_LINKS,
        PERSON_FACTS,
        IMPUTED_FACTS,
        PROPERTY_FACTS,
        PEOPLE_PLACED,
        UNIT_FOOTPRINTS,
        BASELINE,
        RECONCILIATION,
        UNASSIGNED,
        BEST_FIT,
        QUARANTINE,
    )
}
