"""A column that an extract leaves empty throughout tells nothing: no count of it is a zero."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pytest
from tiny import table

from pophealth_link.indicators import catalogue
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.events import gap

FIRST, LAST = date(2025, 4, 1), date(2026, 3, 31)
WHEN = {"as_of": date(2026, 4, 1), "period": (FIRST, LAST)}
HELD = catalogue()
PLACES = ("bed_days_acute_local", "bed_days_acute_out_of_area", "bed_days_adult_acute_local")
DISTANCES = (
    "out_of_area_distance",
    "out_of_area_placements_with_distance",
    "out_of_area_placements_without_distance",
)
WAITS = tuple(each.id for each in HELD if {rule.table for rule in each.events} == {"waits"})
THERAPY = tuple(
    each.id for each in HELD if {rule.table for rule in each.events} == {"talking_therapies_waits"}
)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def extract() -> dict[str, pl.DataFrame]:
    """One person, of whom everything is told."""
    spells = table(
        "hospital_spells",
        ("ann", "mh", "a", "r1", day(10), day(30), "21", "1"),
        columns="person_id source spell_id referral_id start_date end_date admission_method"
        " discharge_method",
    )
    referrals = table(
        "referrals",
        ("ann", "mh", "r1", day(10), "10", "18", "1"),
        columns="person_id source referral_id referral_date out_of_area_reason primary_reason"
        " priority",
    )
    stays = table(
        "ward_stays",
        ("ann", "mh", "a", day(10), day(30), "200", 130),
        columns="person_id source spell_id start_date end_date bed_type home_distance",
    )
    delays = table(
        "delayed_discharges",
        ("ann", "mh", "a", day(25), day(30), "14"),
        columns="person_id source spell_id start_date end_date reason",
    )
    contacts = table(
        "contacts",
        ("ann", "mh", "r1", day(40), "5"),
        columns="person_id source referral_id contact_date attendance",
    )
    asked = table(
        "talking_therapies_referrals",
        ("ann", "tt", "t1", day(40)),
        columns="person_id source referral_id referral_date",
    )
    treated = table(
        "talking_therapies_contacts",
        ("ann", "tt", "t1", day(50), "5", "03"),
        columns="person_id source referral_id contact_date attendance appointment_type",
    )
    return {
        "hospital_spells": spells,
        "referrals": referrals,
        "ward_stays": stays,
        "delayed_discharges": delays,
        "contacts": contacts,
        "talking_therapies_referrals": asked,
        "talking_therapies_contacts": treated,
    }


def why(name: str, events: Mapping[str, pl.DataFrame]) -> str | None:
    return gap(HELD[name], derived(events, **WHEN), **WHEN)


EMPTY = [
    (
        "delayed_discharges",
        "reason",
        (
            "delayed_discharge_days_housing",
            "delayed_discharge_days_not_known",
            "delayed_discharge_days_housing_or_social_care",
            "delay_days_acute_housing_or_social_care",
        ),
    ),
    ("referrals", "out_of_area_reason", (*PLACES, *DISTANCES, "out_of_area_days")),
    ("ward_stays", "spell_id", (*PLACES, *DISTANCES)),
    ("hospital_spells", "spell_id", (*PLACES, *DISTANCES)),
    ("ward_stays", "home_distance", DISTANCES),
    ("hospital_spells", "admission_method", ("readmissions_30_days",)),
    ("contacts", "attendance", WAITS),
    ("referrals", "primary_reason", (*WAITS, "crisis_referrals")),
    ("referrals", "priority", (*WAITS, "crisis_referrals")),
    ("talking_therapies_contacts", "attendance", THERAPY),
]


@pytest.mark.parametrize(("name", "column", "indicators"), EMPTY)
def test_what_an_extract_never_tells_is_not_counted(name, column, indicators):
    given = extract()
    assert indicators
    assert [each for each in indicators if why(each, given)] == []
    given[name] = given[name].with_columns(pl.lit(None, given[name].schema[column]).alias(column))
    assert [each for each in indicators if why(each, given) is None] == []


@pytest.mark.parametrize(
    ("name", "indicators"),
    [("referrals", (*PLACES, *DISTANCES)), ("ward_stays", DISTANCES)],
)
def test_what_needs_a_table_that_is_not_given_is_not_counted(name, indicators):
    given = {one: frame for one, frame in extract().items() if one != name}
    assert [each for each in indicators if why(each, given) is None] == []


def test_what_does_not_need_the_column_still_counts():
    given = extract()
    for name, column, _ in EMPTY:
        empty = pl.lit(None, given[name].schema[column]).alias(column)
        given[name] = given[name].with_columns(empty)
    for name in (
        *("occupied_bed_days", "discharges_followed_30_days", "delayed_discharge_days"),
        *("mental_health_referrals", "talking_therapies_referrals"),
    ):
        assert why(name, given) is None


def test_one_row_that_tells_is_enough_and_may_be_of_others():
    """The draws of the links count some of the people: what the extract tells holds of them too."""
    given = extract()
    empty = {
        name: frame.with_columns(pl.lit(None, frame.schema[column]).alias(column))
        for name, column, _ in EMPTY[:1]
        for frame in [given[name]]
    }
    some = {**given, **empty}
    made = derived(some, **WHEN, extract=given)["ward_type_delays"]
    assert made["reason_group"].to_list() == ["not_known"]
    assert derived(some, **WHEN)["ward_type_delays"]["reason_group"].to_list() == [None]
