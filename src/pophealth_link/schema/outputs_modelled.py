"""Tables of modelled need, of the gap between it and recorded need, and of the need index."""

from __future__ import annotations

from pophealth_link.schema import codes
from pophealth_link.schema.codes_modelled import (
    COMPARISON,
    INDEX_METHOD,
    LIMITS,
    RATE_ROLE,
    SURVEY_GROUP,
    SURVEY_SEX,
)
from pophealth_link.schema.core import Column, Table

_PERCENT = "%"
_AGES = (
    Column("age_from", "integer", "First age.", required=True, unit="years"),
    Column("age_to", "integer", "Last age; empty: and over.", unit="years"),
)

SURVEY_RATES = Table(
    "survey_rates",
    "Rates of a survey by age, sex and deprivation, with its vintage: what need is modelled on.",
    "area",
    (
        Column("survey", "text", "Name of the survey.", required=True, key=True),
        Column("year", "text", "Year of the fieldwork: the vintage.", required=True, key=True),
        Column("condition", "text", "Condition.", required=True, key=True),
        Column("measure", "text", "How the survey found it.", required=True),
        Column("reference_period", "text", "Time that it is about: past_week …", required=True),
        Column("population", "text", "Whom the survey stands for.", required=True),
        Column("survey_group", "code", "Adults or children.", SURVEY_GROUP, required=True),
        Column("role", "code", "What the row is for.", RATE_ROLE, required=True),
        *_AGES,
        Column("sex", "code", "Sex.", SURVEY_SEX, required=True),
        Column("quintile", "integer", "National deprivation quintile, 1 most deprived."),
        Column("rate", "number", "Share of the people.", required=True, unit=_PERCENT),
        Column("lower", "number", "Lower limit as published (95 %).", unit=_PERCENT),
        Column("upper", "number", "Upper limit as published (95 %).", unit=_PERCENT),
        Column("base", "integer", "Respondents of the row.", unit="people"),
        Column("sample", "integer", "Respondents of the whole survey.", unit="people"),
        Column(
            "sample_age_from", "integer", "First age of `sample`; empty: of the set.", unit="years"
        ),
        Column("sample_age_to", "integer", "Last age of `sample`, as age_to.", unit="years"),
        Column("design_effect", "number", "Variance over that of a simple random sample."),
    ),
)

_PLACE = (
    Column("footprint_type", "text", "pcn, icp, lad, icb, whole …", required=True),
    Column("footprint_code", "text", "Code of the footprint, or why people have none."),
    Column("footprint_name", "text", "Name of the footprint."),
    Column("basis", "text", "registered or resident.", required=True),
)
_ON_PLACE = ("footprint_type", "footprint_code", "basis")
_STATUS = Column("status", "code", "Whether numbers are given.", codes.STATUS, required=True)
_REASON = Column("reason", "text", "Why not, or what to bear in mind.")
_INTERVAL = "limit of the 95 % interval."

PEOPLE_BANDS = Table(
    "people_bands",
    "Current people of each footprint by age band and sex, and by age and deprivation quintile, as "
    "the policy rounds and withholds them: what rates of surveys are applied to.",
    "person",
    (
        *_PLACE,
        Column("ages", "text", "Age band, or 0-17, 18-64, 65+.", required=True),
        Column("sex", "text", "all, female, or male (and not stated); empty: by quintile."),
        Column("quintile", "text", "all, 1 (most deprived) to 5, or unknown; empty: by sex."),
        Column("people", "number", "People, rounded; empty: withheld.", unit="people"),
        _STATUS,
    ),
    unique=(*_ON_PLACE, "ages", "sex", "quintile"),
)

MODELLED = Table(
    "modelled",
    "How many people of each footprint a survey's rates lead one to expect with a condition.",
    "releasable",
    (
        *_PLACE,
        Column("survey", "text", "Name of the survey.", required=True),
        Column("year", "text", "Year of the fieldwork.", required=True),
        Column("condition", "text", "Condition.", required=True),
        Column("measure", "text", "How the survey found it.", required=True),
        Column("reference_period", "text", "Time that it is about.", required=True),
        Column("survey_group", "code", "Adults or children.", SURVEY_GROUP, required=True),
        *_AGES,
        Column("sex", "code", "Sex.", SURVEY_SEX, required=True),
        Column("population", "number", "People of these ages.", unit="people"),
        Column("expected", "number", "People expected with the condition.", unit="people"),
        Column("expected_lower", "number", f"Lower {_INTERVAL}", unit="people"),
        Column("expected_upper", "number", f"Upper {_INTERVAL}", unit="people"),
        Column("value", "number", "Share of the people.", unit=_PERCENT),
        Column("lower", "number", f"Lower {_INTERVAL}", unit=_PERCENT),
        Column("upper", "number", f"Upper {_INTERVAL}", unit=_PERCENT),
        Column("limits", "code", "Where the limits come from.", LIMITS, required=True),
        Column("raked_to", "text", "Published margins that the rates agree with; empty: none."),
        _STATUS,
        _REASON,
    ),
    unique=(*_ON_PLACE, "survey", "year", "condition", "measure", "age_from", "age_to", "sex"),
)

GAP = Table(
    "gap",
    "Recorded beside modelled need: a gap where a declared pair agrees in condition, ages, "
    "population and period, otherwise observed over expected.",
    "releasable",
    (
        *_PLACE,
        Column("pair", "text", "Id of the declared pair.", required=True),
        Column("comparison", "code", "Gap, or ratio alone.", COMPARISON, required=True),
        Column("indicator", "text", "Indicator of the catalogue.", required=True),
        Column("stratum", "text", "Stratum of the indicator.", required=True),
        Column("survey", "text", "Name of the survey.", required=True),
        Column("year", "text", "Year of the fieldwork."),
        Column("condition", "text", "Condition as the survey calls it.", required=True),
        Column("observed", "number", "People recorded, as released.", unit="people"),
        Column("observed_lower", "number", "Lower limit from linkage.", unit="people"),
        Column("observed_upper", "number", "Upper limit from linkage.", unit="people"),
        Column("expected", "number", "People expected.", unit="people"),
        Column("expected_lower", "number", f"Lower {_INTERVAL}", unit="people"),
        Column("expected_upper", "number", f"Upper {_INTERVAL}", unit="people"),
        Column("ratio", "number", "Observed over expected; empty for a gap.", unit=_PERCENT),
        Column("ratio_lower", "number", f"Lower {_INTERVAL}", unit=_PERCENT),
        Column("ratio_upper", "number", f"Upper {_INTERVAL}", unit=_PERCENT),
        Column("gap_lower", "number", "Fewest people expected but not recorded.", unit="people"),
        Column("gap_upper", "number", "Most people expected but not recorded.", unit="people"),
        _STATUS,
        _REASON,
    ),
    unique=(*_ON_PLACE, "pair", "year"),
)

INDEX_RANKS = Table(
    "index_ranks",
    "Rank of each area by the need index, 1 most need, with its interval.",
    "releasable",
    (
        Column("area_type", "text", "lsoa, or the type of footprint.", required=True),
        Column("area_code", "text", "Code of the LSOA or footprint.", required=True),
        Column("area_name", "text", "Name of the footprint."),
        Column("index", "number", "The index.", required=True, unit="standard deviations"),
        Column("rank", "integer", "Rank, 1 most need.", required=True),
        Column("rank_lower", "integer", f"Lower {_INTERVAL}", required=True),
        Column("rank_upper", "integer", f"Upper {_INTERVAL}", required=True),
        Column("areas", "integer", "Areas of the type that are ranked.", required=True),
    ),
    unique=("area_type", "area_code"),
)

INDEX_MEMBERS = Table(
    "index_members",
    "What the need index is made of: the weight, loadings and checks of each indicator.",
    "releasable",
    (
        Column("indicator", "text", "Indicator of the catalogue.", required=True),
        Column("method", "code", "How indicators are weighed.", INDEX_METHOD),
        Column("weight", "number", "Change of the index with one standard deviation of it."),
        Column("loading_1", "number", "Correlation with the first factor."),
        Column("loading_2", "number", "Correlation with the second factor; empty: one factor."),
        Column("communality", "number", "Share of its variance that the factors account for."),
        Column("item_rest", "number", "Correlation with the sum of the others."),
        Column("against", "boolean", "It runs against the others in this reference."),
        Column("left_out", "text", "Why it is not in the index; empty: it is."),
    ),
    unique=("indicator",),
)

MODELLED_TABLES: dict[str, Table] = {
    table.name: table
    for table in (SURVEY_RATES, PEOPLE_BANDS, MODELLED, GAP, INDEX_RANKS, INDEX_MEMBERS)
}
