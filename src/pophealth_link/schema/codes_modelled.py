"""Code lists of surveys, modelled need, the gap and the need index."""

from __future__ import annotations

from pophealth_link.schema.core import CodeList

SURVEY_GROUP = CodeList(
    "survey_group",
    "Whom a survey's table is about: the two are never added up.",
    "This library",
    {"adults": "Adults (16 and over)", "children": "Children and young people (25 and under)"},
)
SURVEY_SEX = CodeList(
    "survey_sex",
    "Sex, in tables of surveys and populations.",
    "This library",
    {"all": "Everyone", "female": "Female", "male": "Male"},
)
RATE_ROLE = CodeList(
    "rate_role",
    "What a row of a survey's table is for.",
    "This library",
    {
        "rate": "Rate of the people of these ages and this sex",
        "rest": "No rate of their own: what the margin leaves for them",
        "margin": "Published rate of several rows together, which they are raked to",
        "deprivation": "Rate in one national deprivation quintile",
    },
)
LIMITS = CodeList(
    "limits",
    "Where the limits of a modelled number come from.",
    "This library",
    {
        "published": "From the limits that the survey publishes",
        "respondents": "From how many answered, and the design effect where it is published",
        "assumed": "From the whole survey's respondents, assumed to be spread as the nation is",
        "none": "The table gives nothing to make limits of",
    },
)
COMPARISON = CodeList(
    "comparison",
    "How recorded and modelled need are set beside each other.",
    "This library",
    {
        "gap": "Definitions agree: the ratio and the difference, as intervals",
        "observed_expected": "Definitions differ: the ratio alone, never a difference",
    },
)
INDEX_METHOD = CodeList(
    "index_method",
    "How the need index weighs its indicators.",
    "This library",
    {"factor": "Maximum-likelihood factor analysis", "weights": "Stated equal weights"},
)

MODELLED_CODE_LISTS: tuple[CodeList, ...] = (
    SURVEY_GROUP,
    SURVEY_SEX,
    RATE_ROLE,
    LIMITS,
    COMPARISON,
    INDEX_METHOD,
)
