"""Sums of counts of different ages hold where somebody's age is not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pytest
from tiny import AS_OF, FIRST, PERIOD, in_duckdb, people, table

from pophealth_link.engine import collect
from pophealth_link.errors import JobError
from pophealth_link.indicators import catalogue, person, read
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.overlap import register_sums

DAY = timedelta(days=1)
HELD = catalogue()
WHEN = {"as_of": AS_OF, "period": PERIOD}
# cat: of an unknown age; bob is a child, the others are adults.
PEOPLE = people().with_columns(age_band=pl.when(pl.col("person_id") != "cat").then("age_band"))
WHO = ("ann", "bob", "cat", "dan")


def extract() -> dict[str, pl.DataFrame]:
    asked = table(
        "referrals",
        *((who, "mh", who, FIRST + DAY, "12", "3") for who in WHO),
        columns="person_id source referral_id referral_date primary_reason priority",
    )
    seen = table(
        "contacts",
        ("ann", "mh", "ann", FIRST + 2 * DAY, "5"),
        columns="person_id source referral_id contact_date attendance",
    )
    therapy = table(
        "talking_therapies_referrals",
        *((who, "tt", who, FIRST + DAY) for who in WHO),
        columns="person_id source referral_id referral_date",
    )
    treated = table(
        "talking_therapies_contacts",
        ("ann", "tt", "ann", FIRST + 2 * DAY, "5", "03"),
        columns="person_id source referral_id contact_date attendance appointment_type",
    )
    conditions = table(
        "condition_events",
        *((who, "anxiety", date(2020, 1, 1)) for who in WHO),
        columns="person_id condition recorded_date",
    )
    return {
        "referrals": asked,
        "contacts": seen,
        "talking_therapies_referrals": therapy,
        "talking_therapies_contacts": treated,
        "condition_events": conditions,
    }


def total(name: str, events: Mapping[str, object], who: object = PEOPLE) -> tuple[int, int]:
    """Numerator and denominator of everybody."""
    made = collect(person.roll_up(HELD[name], who, events, **WHEN))  # type: ignore[arg-type]
    every = made.filter(basis=pl.lit("resident"), stratum=pl.lit("all"))
    return every["numerator"].sum(), every["denominator"].sum()


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        (
            "mental_health_referrals",
            {
                "waits_eating_disorder_routine": 1,
                "waits_eating_disorder_urgent": 0,
                "referrals_eating_disorder_adult": 2,
                "referrals_eating_disorder_age_unknown": 1,
            },
        ),
        (
            "talking_therapies_referrals",
            {
                "waits_talking_therapies": 2,
                "talking_therapies_referrals_under_16": 1,
                "talking_therapies_referrals_age_unknown": 1,
            },
        ),
    ],
)
def test_all_referrals_are_the_parts_with_those_of_unknown_age(whole, parts):
    events = derived(extract(), **WHEN)
    counts = {name: total(name, events)[0] for name in parts}
    assert counts == parts
    assert total(whole, events)[0] == 4 == sum(counts.values())
    assert all(whole in HELD[name].part_of for name in parts)


def test_anxiety_of_children_adults_and_those_of_unknown_age_is_all_anxiety():
    events = extract()
    (told,) = register_sums(HELD.ids)
    registers = {name for (name, _), sign in told.items() if sign < 0}
    assert {name: total(name, events)[0] for name in registers} == {
        "anxiety_recorded": 2,
        "anxiety_recorded_children": 1,
        "anxiety_recorded_age_unknown": 1,
    }


def test_they_are_counted_out_of_everyone():
    """So that no number of people of unknown age is told that another one tells by subtraction."""
    name = "anxiety_recorded_age_unknown"
    assert total(name, extract()) == (1, total("severe_mental_illness_recorded", extract())[1])
    assert HELD[name].ages == "of unknown age"
    relations = in_duckdb(people=PEOPLE, **extract())
    assert total(name, relations, relations.pop("people"))[0] == 1


def test_ages_that_are_known_and_unknown_contradict_each_other():
    text = """
[x]
title = "x"
domain = "x"
role = "need"
direction = 1
level = "person"
statistic = "proportion"
unit = "%"
interval = "wilson"
period = "point"
counted = "people"
numerator = "x"
denominator = "x"
source = "x"
what_it_is = "x"
what_it_is_not = "x"
unknown_ages = true

[[x.events]]
table = "diagnoses"
timing = "ever"
date = "recorded_date"
"""
    assert read(text)["x"].unknown_ages
    with pytest.raises(JobError, match="unknown_ages"):
        read(text.replace("unknown_ages = true", "unknown_ages = true\nmin_age = 18"))
    with pytest.raises(JobError, match="true or false"):
        read(text.replace("unknown_ages = true", 'unknown_ages = "yes"'))
