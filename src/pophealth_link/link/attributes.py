"""Which source wins where the records of one person differ, and how often they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from pophealth_link.prepare import dates
from pophealth_link.schema.codes import GROUP_OF_CATEGORY, NO_FIXED_ABODE, PSEUDO_POSTCODE_AREA

Wins = Literal["first", "first_at_address", "earliest", "register", "register_span"]

# After the register: those that keep demographics by the national service, then those that see
# the person most often. Which is best is a judgement; the table is where to change it.
_SETTINGS = (
    "primary_care", "secondary_care", "community", "local_authority", "voluntary_sector",
)  # fmt: skip
_WAYS = {
    "first": "the first source in the order that says something",
    "first_at_address": "the first source in the order whose postcode is the one that won",
    "earliest": "the earliest of all sources",
    "register": "the register alone",
    "register_span": "the register; off it, from the earliest to the latest of all sources",
}


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """Which record's word is taken for an attribute of a person.

    `columns` are filled from the records of the person. `wins` says how; `order` of settings
    applies to the ways called first, after the register and before the latest `date_from`.
    `silent` describes values that say nothing, `weak` those that win only where nothing else is
    said.
    """

    attribute: str
    columns: tuple[str, ...]
    wins: Wins
    reason: str
    silent: str = ""
    weak: str = ""
    order: tuple[str, ...] = _SETTINGS


RULES: tuple[AttributeRule, ...] = (
    AttributeRule(
        "date_of_birth",
        ("date_of_birth",),
        "first",
        "The register's is checked when a person registers.",
        weak="1 January, which clerks enter for an unknown day; a month or a year alone",
    ),
    AttributeRule(
        "sex",
        ("sex",),
        "first",
        "Sources record sex or gender and do not say which, so the register's is kept.",
        silent="not known",
        weak="indeterminate",
    ),
    AttributeRule(
        "ethnic_category",
        ("ethnic_category",),
        "first",
        "Self-reported where it is known; a missing answer is no answer.",
        silent="not stated (Z), not known (99)",
    ),
    AttributeRule(
        "postcode",
        ("postcode",),
        "first",
        "The register follows its patients' moves; a council's extract may be of any age.",
        silent="pseudo-postcodes, but for no fixed abode (ZZ99 3VZ)",
    ),
    AttributeRule(
        "uprn",
        ("uprn",),
        "first_at_address",
        "An address is taken whole: never one source's dwelling with another's postcode.",
    ),
    AttributeRule(
        "lsoa_code",
        ("lsoa_code",),
        "first_at_address",
        "Extracts without names often tell the area in place of the postcode: it places a person "
        "of whom no source tells a postcode.",
    ),
    AttributeRule(
        "practice_code",
        ("practice_code",),
        "register",
        "Only the register knows who is registered where on the day.",
    ),
    AttributeRule(
        "date_of_death",
        ("date_of_death",),
        "earliest",
        "A death that any source knows of ends the registration.",
    ),
    AttributeRule(
        "registration",
        ("date_from", "date_to"),
        "register_span",
        "Time on the register counts; of others, the time for which some source knew them.",
    ),
)


def ethnic_group(category: pl.Expr) -> pl.Expr:
    """Return the one of the five ethnic groups that an ethnic category is of, else null.

    Blanks around the code and small letters are read too.

    >>> pl.DataFrame({"e": ["h ", "Z", None]}).select(ethnic_group(pl.col("e")))["e"].to_list()
    ['asian', None, None]
    """
    told = _category(category)
    return told.replace_strict(GROUP_OF_CATEGORY, default=None, return_dtype=pl.String)


def _category(written: pl.Expr) -> pl.Expr:
    return written.str.strip_chars().str.to_uppercase()


# Columns of linked records that are read here.
_CONTEXT = ("person_id", "source", "record_id", "setting", "on_register")
# What only pseudonymised extracts tell: records made by hand may be without.
_MAY_LACK = ("birth_precision", "lsoa_code")
_INDETERMINATE = "9"


def rules() -> pl.DataFrame:
    """Return the rules as a table: `attribute`, `wins`, `silent`, `weak`, `order`, `reason`.

    >>> rules()["attribute"].to_list()[:3]
    ['date_of_birth', 'sex', 'ethnic_category']
    """
    return pl.DataFrame(
        [
            {
                "attribute": rule.attribute,
                "wins": _WAYS[rule.wins],
                "silent": rule.silent,
                "weak": rule.weak,
                "order": ", ".join(rule.order) if rule.wins.startswith("first") else "",
                "reason": rule.reason,
            }
            for rule in RULES
        ]
    )


def resolve(records: pl.DataFrame) -> pl.DataFrame:
    """Return one row per person of linked records with the word that wins for each attribute.

    `records` holds the columns of the rules, standardised, and `person_id`, `source`, `record_id`,
    `setting`, `on_register` and `alias`; rows with `alias` are left out. Returns `person_id`,
    `on_register` and the columns of :data:`RULES`, sorted; the order of the rows of `records` does
    not matter, and every person is there.
    """
    said = _said(records)
    people = said.group_by("person_id").agg(pl.col("on_register").any()).sort("person_id")
    for order in dict.fromkeys(rule.order for rule in RULES):
        ordered = _ordered(said, order)
        won = ordered.group_by("person_id").agg(_winners(order))
        people = people.join(won, on="person_id", how="left", maintain_order="left")
        people = _with_address(people, ordered, order)
    return people


def conflicts(records: pl.DataFrame) -> pl.DataFrame:
    """Return how often two sources say different things of one person, by attribute.

    `records` as :func:`resolve` takes them. Columns: `attribute`, `source_l`, `source_r` (in
    alphabetical order), `compared` (people of whom both say something that is not weak),
    `conflicting` (of them, those of whom they say different things). Of a source's several
    records of a person the one that would win speaks.
    """
    said = _said(records)
    several = said.filter(pl.col("source").n_unique().over("person_id") > 1)
    found = [_differing(several, rule) for rule in RULES if len(rule.columns) == 1]
    return pl.concat(found).sort("attribute", "source_l", "source_r")


def _differing(said: pl.DataFrame, rule: AttributeRule) -> pl.DataFrame:
    column = rule.columns[0]
    firm = _ordered(said.filter(pl.col(column).is_not_null() & ~_weak(column)), rule.order)
    one = firm.group_by("person_id", "source").agg(pl.col(column).first())
    pairs = one.join(one, on="person_id", suffix="_r").filter(pl.col("source") < pl.col("source_r"))
    differ = pl.col(column) != pl.col(f"{column}_r")
    counted = pairs.group_by(source_l="source", source_r="source_r").agg(
        pl.len().cast(pl.Int64).alias("compared"), differ.sum().cast(pl.Int64).alias("conflicting")
    )
    return counted.select(pl.lit(rule.attribute).alias("attribute"), pl.all())


def _said(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records without aliases, values that say nothing made missing."""
    category = _category(pl.col("ethnic_category"))
    postcode = pl.col("postcode")
    nowhere = postcode.str.starts_with(PSEUDO_POSTCODE_AREA) & (postcode != NO_FIXED_ABODE)
    columns = [column for rule in RULES for column in rule.columns]
    main = records.filter(~pl.col("alias"))
    main = main.with_columns(
        pl.lit(None, dtype=pl.String).alias(c) for c in _MAY_LACK if c not in main.columns
    )
    return main.select(*_CONTEXT, "birth_precision", *columns).with_columns(
        _middle_day().alias("date_of_birth"),
        pl.when(category.is_in(list(GROUP_OF_CATEGORY))).then(category).alias("ethnic_category"),
        pl.when(~nowhere).then(postcode).alias("postcode"),
    )


def _middle_day() -> pl.Expr:
    """Return the date of birth; the middle of the month or year where no day is told.

    An age is then as often too high as too low.
    """
    born, told = pl.col("date_of_birth"), pl.col("birth_precision")
    within_year = pl.when(told == "year").then(born.dt.offset_by("6mo")).otherwise(born)
    return pl.when(told == "month").then(born.dt.offset_by("14d")).otherwise(within_year)


def _weak(column: str) -> pl.Expr:
    """Return which values of a column win only where nothing else is said."""
    if column == "date_of_birth":
        partly = pl.col("birth_precision").is_in(["month", "year"]).fill_null(value=False)
        return partly | dates.is_placeholder(pl.col(column))
    if column == "sex":
        return (pl.col("sex") == _INDETERMINATE).fill_null(value=False)
    return pl.lit(value=False)


def _ordered(said: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """Return the records with those whose word is taken first on top; ties go by record id."""
    rank = {setting: place for place, setting in enumerate(order)}
    setting = pl.col("setting").replace_strict(rank, default=len(rank), return_dtype=pl.Int32)
    return said.sort(
        "on_register", setting, "date_from", "source", "record_id",
        descending=[True, False, True, False, False], nulls_last=True,
    )  # fmt: skip


def _winners(order: Sequence[str]) -> list[pl.Expr]:
    """Return the winning value of each column whose rule has this order, save of an address."""
    return [
        _winner(rule, column)
        for rule in RULES
        if rule.order == order and rule.wins != "first_at_address"
        for column in rule.columns
    ]


def _winner(rule: AttributeRule, column: str) -> pl.Expr:
    value = pl.col(column)
    if rule.wins == "first":
        firm = value.filter(~_weak(column)).drop_nulls().first()
        return pl.coalesce(firm, value.drop_nulls().first()).alias(column)
    if rule.wins == "register":
        return value.filter(pl.col("on_register")).drop_nulls().first().alias(column)
    return value.min().alias(column) if rule.wins == "earliest" else _span(column)


def _span(column: str) -> pl.Expr:
    """Return the register's date, else the earliest beginning or the latest end of any source.

    An end that a record leaves open is open.
    """
    leads = pl.col("on_register") | ~pl.col("on_register").any()
    value = pl.col(column).filter(leads)
    if column == "date_from":
        return value.min().alias(column)
    return value.fill_null(date.max).max().alias(column)


def _with_address(
    people: pl.DataFrame, ordered: pl.DataFrame, order: Sequence[str]
) -> pl.DataFrame:
    """Add the columns of an address from the first record that gives no other postcode."""
    columns = [
        column
        for rule in RULES
        if rule.order == order and rule.wins == "first_at_address"
        for column in rule.columns
    ]
    if not columns:
        return people
    both = ordered.join(
        people.select("person_id", home="postcode"), on="person_id", maintain_order="left"
    )
    elsewhere = (pl.col("postcode") != pl.col("home")).fill_null(value=False)
    won = (
        both.filter(~elsewhere)
        .group_by("person_id")
        .agg(pl.col(column).drop_nulls().first() for column in columns)
    )
    return people.join(won, on="person_id", how="left", maintain_order="left")
