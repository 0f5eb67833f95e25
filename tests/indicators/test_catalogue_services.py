"""What the catalogue counts of service use, from events through the derived tables, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import table

from pophealth_link.engine import collect
from pophealth_link.indicators import catalogue
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.events import gap, per_person
from pophealth_link.indicators.waiting import pathways
from pophealth_link.schema.codes_services import ACUTE_WARD_TYPES, DELAY_GROUP, GROUP_OF_DELAY

FIRST, LAST = date(2025, 4, 1), date(2026, 3, 31)
WHEN = {"as_of": date(2026, 4, 1), "period": (FIRST, LAST)}
HELD = catalogue()


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def counts(name: str, events: Mapping[str, pl.DataFrame]) -> dict[str, int]:
    """Person → count of an indicator."""
    plan = per_person(HELD[name], derived(events, **WHEN), **WHEN)
    return dict(collect(plan).select("person_id", "count").rows())


def why(name: str, events: Mapping[str, pl.DataFrame]) -> str | None:
    return gap(HELD[name], derived(events, **WHEN), **WHEN)


def beds() -> dict[str, pl.DataFrame]:
    """ann: placed away for want of a bed; bob: two wards, delayed; cat: still in a bed."""
    spells = table(
        "hospital_spells",
        ("ann", "mh", "a", "r1", day(10), day(30), "21", "1"),
        ("bob", "mh", "b", None, day(-5), day(20), "21", "1"),
        ("bob", "mh", "b2", None, day(40), day(45), "21", "1"),  # 20 days after
        ("cat", "mh", "c", None, day(360), None, "11", None),
        columns="person_id source spell_id referral_id start_date end_date admission_method"
        " discharge_method",
    )
    referrals = table(
        "referrals",
        ("ann", "mh", "r1", day(10), "10"),
        columns="person_id source referral_id referral_date out_of_area_reason",
    )
    stays = table(
        "ward_stays",
        ("ann", "mh", "a", day(10), day(30), "200", 130),
        ("bob", "mh", "b", day(-5), day(5), "202", 9),
        ("bob", "mh", "b", day(5), day(20), "200", 9),
        ("cat", "mh", "c", day(360), None, "201", 9),
        columns="person_id source spell_id start_date end_date bed_type home_distance",
    )
    delays = table(
        "delayed_discharges",
        ("bob", "mh", "b", day(8), day(20), "14"),
        ("bob", "mh", "b", day(15), day(22), "03"),  # two days more, on no known ward
        ("ann", "mh", "a", day(25), day(30), "24"),
        columns="person_id source spell_id start_date end_date reason",
    )
    return {
        "hospital_spells": spells,
        "referrals": referrals,
        "ward_stays": stays,
        "delayed_discharges": delays,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("occupied_bed_days", {"ann": 20, "bob": 25, "cat": 5}),
        ("bed_days_adult_acute_local", {"bob": 15}),
        ("bed_days_adult_acute_out_of_area", {"ann": 20}),
        ("bed_days_psychiatric_intensive_care_local", {"bob": 5}),
        ("bed_days_older_adult_acute_local", {"cat": 5}),
        ("bed_days_acute_local", {"bob": 20, "cat": 5}),
        ("delay_days_adult_acute_housing_or_social_care", {"bob": 12}),
        ("delay_days_acute_housing_or_social_care", {"bob": 12}),
        ("delayed_discharge_days_housing", {"bob": 12}),
        ("delayed_discharge_days_social_care", {"bob": 2}),
        ("delayed_discharge_days_housing_or_social_care", {"bob": 14}),
        ("delayed_discharge_days", {"ann": 5, "bob": 14}),
        ("delayed_discharge_days_justice_and_legal", {"ann": 5}),
        ("discharges_followed_30_days", {"ann": 1, "bob": 2}),
        ("readmissions_30_days", {"bob": 1}),
        ("out_of_area_placements", {"ann": 1}),
        ("out_of_area_days", {"ann": 20}),
        ("out_of_area_distance", {"ann": 130}),
        ("out_of_area_placements_with_distance", {"ann": 1}),
    ],
)
def test_beds_are_counted_as_by_hand(name: str, expected: dict[str, int]):
    assert counts(name, beds()) == expected
    assert why(name, beds()) is None


def test_placements_are_those_with_a_distance_and_those_without():
    """By hand: ann's ward is 130 km away, dan's and eve's are not known to be anywhere."""
    held = beds()
    spells = [(who, "mh", who, f"r{who}", day(50), day(60), "21", "1") for who in ("dan", "eve")]
    away = [(who, "mh", f"r{who}", day(50), "10") for who in ("dan", "eve")]
    held["hospital_spells"] = pl.concat([held["hospital_spells"], table(
        "hospital_spells", *spells,
        columns="person_id source spell_id referral_id start_date end_date admission_method"
        " discharge_method",
    )])  # fmt: skip
    held["referrals"] = pl.concat([held["referrals"], table(
        "referrals", *away,
        columns="person_id source referral_id referral_date out_of_area_reason",
    )])  # fmt: skip
    whole, parts = "out_of_area_placements", ("with_distance", "without_distance")
    assert counts(whole, held) == {"ann": 1, "dan": 1, "eve": 1}
    assert counts(f"{whole}_with_distance", held) == {"ann": 1}
    assert counts(f"{whole}_without_distance", held) == {"dan": 1, "eve": 1}
    assert {HELD[f"{whole}_{part}"].part_of for part in parts} == {(whole,)}
    stays = held["ward_stays"].with_columns(pl.lit(None, pl.Int64).alias("home_distance"))
    nowhere = held | {"ward_stays": stays}
    assert [why(f"{whole}_{part}", nowhere) is None for part in parts] == [False, False]


def test_crises_count_one_a_person_a_day_over_all_routes():
    events = {
        "emergency_attendances": table(
            "emergency_attendances",
            ("ann", day(3), "248062006"),
            ("ann", day(9), "6471006"),
            ("bob", day(3), "29857009"),
            columns="person_id arrival_date chief_complaint",
        ),
        "referrals": table(
            "referrals",
            ("ann", day(3), "1", "04"),
            ("bob", day(4), "4", None),
            columns="person_id referral_date priority primary_reason",
        ),
        "legal_statuses": table(
            "legal_statuses",
            ("ann", day(3), day(4), "20"),
            ("bob", day(4), day(32), "02"),
            columns="person_id start_date end_date legal_status",
        ),
    }
    assert counts("crisis_presentations", events) == {"ann": 2, "bob": 1}
    assert counts("crisis_emergency_department", events) == {"ann": 2}
    assert counts("crisis_referrals", events) == {"ann": 1, "bob": 1}
    assert counts("short_term_detentions", events) == {"ann": 1}
    assert counts("detentions", events) == {"bob": 1}
    assert counts("detention_days", events) == {"bob": 28}
    alone = {"referrals": events["referrals"]}
    assert why("crisis_referrals", alone) is None
    # Without emergency departments the whole is not known, rather than small.
    assert "none of the codes" in str(why("crisis_presentations", alone))
    assert why("crisis_presentations", events) is None
    del events["legal_statuses"]
    assert why("crisis_presentations", events) == "no source gives legal_statuses"


def test_contacts_missed_and_cancelled_are_apart():
    contacts = table(
        "contacts",
        *(("ann", "mh", f"c{n}", day(n), code) for n, code in enumerate("2345673")),
        columns="person_id source contact_id contact_date attendance",
    )
    events = {"contacts": contacts}
    assert counts("mental_health_contacts_missed", events) == {"ann": 3}
    assert counts("mental_health_contacts_cancelled", events) == {"ann": 1}
    assert counts("mental_health_contacts", events) == {"ann": 2}


def test_crisis_assessments_are_within_over_or_not_known():
    assessments = table(
        "crisis_assessments",
        ("ann", day(1), "10:00", "admission", day(1), "13:00"),
        ("ann", day(9), "10:00", "admission", day(1), "13:00"),  # before: of another crisis
        ("bob", day(1), "10:00", "home_treatment", day(2), "10:00"),
        ("cat", day(1), "10:00", "neither", None, None),
        columns="person_id completed_date completed_time decision began_date began_time",
    )
    events = {"crisis_assessments": assessments}
    parts = [f"crisis_assessments_{each}" for each in ("within_4_hours", "over_4_hours",
                                                       "hours_not_known")]  # fmt: skip
    assert [counts(each, events) for each in parts] == [{"ann": 1}, {"bob": 1}, {"ann": 1}]
    assert counts("crisis_assessments_bed_or_home", events) == {"ann": 2, "bob": 1}
    assert {HELD[each].part_of for each in parts} == {("crisis_assessments_bed_or_home",)}


@settings(max_examples=20, deadline=None)
@given(
    asked=st.lists(
        st.tuples(st.sampled_from(["01", "04", "08", "18"]), st.integers(0, 364),
                  st.none() | st.integers(0, 200)),
        min_size=1, max_size=10,
    )
)  # fmt: skip
def test_the_parts_of_a_pathway_add_up_to_it(asked):
    names = "person_id source referral_id referral_date primary_reason priority"
    rows = [("ann", "mh", f"r{n}", day(at), why, "3") for n, (why, at, _) in enumerate(asked)]
    seen = [
        ("ann", "mh", f"r{n}", day(at + wait), "5")
        for n, (_, at, wait) in enumerate(asked)
        if wait is not None
    ]
    seen.append(("zoe", "mh", "rz", day(0), "3"))
    events = derived(
        {
            "referrals": table("referrals", *rows, columns=names),
            "contacts": table(
                "contacts", *seen, columns="person_id source referral_id contact_date attendance"
            ),
        },
        **WHEN,
    )
    for pathway in (each for each in pathways().values() if each.table == "referrals"):
        whole, *parts = [
            sum(collect(per_person(HELD[name], events, **WHEN))["count"])
            for name, _, _ in pathway.parts()
        ]
        assert whole == sum(parts)
        if pathway.id in ("psychosis", "memory"):
            code = {"psychosis": "01", "memory": "08"}[pathway.id]
            assert whole == sum(each[0] == code for each in asked)


def test_every_reason_of_a_delay_is_in_one_group_that_is_counted():
    assert set(GROUP_OF_DELAY.values()) == set(DELAY_GROUP.codes)
    assert {code for code, group in GROUP_OF_DELAY.items() if group == "not_known"} == {"98"}
    for group in DELAY_GROUP.codes:
        assert f"delayed_discharge_days_{group}" in HELD.ids


def test_the_acute_wards_add_up():
    for kind in ("bed_days_{}_local", "bed_days_{}_out_of_area",
                 "delay_days_{}_housing_or_social_care"):  # fmt: skip
        for ward in ACUTE_WARD_TYPES:
            assert HELD[kind.format(ward)].part_of == (kind.format("acute"),)


def test_repeat_events_have_compound_poisson_limits():
    for each in HELD:
        if each.domain in ("service_use", "waits") and each.counted != "people":
            assert each.interval == "compound_poisson", each.id
