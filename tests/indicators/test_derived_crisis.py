"""Crisis presentations, and the four hours after a crisis assessment."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import table

from pophealth_link.indicators.derived import derived

FIRST, LAST = date(2025, 4, 1), date(2026, 3, 31)
WHEN = {"as_of": date(2026, 4, 1), "period": (FIRST, LAST)}
MAY = date(2025, 5, 1)
NAMES = "person_id completed_date completed_time decision began_date began_time"


def test_each_route_of_a_crisis_once_a_day():
    attendances = table(
        "emergency_attendances",
        ("ann", MAY, "248062006", None, None),  # self-harm
        ("ann", MAY, "6471006", None, None),  # the same day
        ("bob", MAY, "29857009", None, None),  # chest pain
        ("cat", MAY, None, "276853009", None),  # a self-inflicted injury
        ("dan", MAY, None, None, "F329"),
        ("eve", MAY, None, None, "I219"),
        columns="person_id arrival_date chief_complaint injury_intent diagnosis",
    )
    referrals = table(
        "referrals",
        ("ann", MAY, "1", "04"),
        ("bob", MAY, "2", "04"),  # urgent, but neither an emergency nor very urgent
        ("cat", MAY, "3", "18"),
        ("dan", MAY, "4", None),
        columns="person_id referral_date priority primary_reason",
    )
    orders = table(
        "legal_statuses",
        ("ann", MAY, "20"),
        ("bob", MAY, "02"),
        ("cat", MAY, "19"),
        columns="person_id start_date legal_status",
    )
    made = derived(
        {"emergency_attendances": attendances, "referrals": referrals, "legal_statuses": orders},
        **WHEN,
    )["crisis_presentations"]
    found = made.group_by("route").agg(pl.col("person_id").sort()).sort("route").rows()
    assert found == [
        ("crisis_referral", ["ann", "cat", "dan"]),
        ("emergency_department", ["ann", "cat", "dan"]),
        ("place_of_safety", ["ann", "cat"]),
    ]


def waits(*rows: tuple[object, ...], **more: pl.DataFrame) -> dict[str, str]:
    """Person → wait."""
    events = {"crisis_assessments": table("crisis_assessments", *rows, columns=NAMES), **more}
    made = derived(events, **WHEN)["crisis_outcomes"]
    return dict(made.select("person_id", "wait").rows())


@pytest.mark.parametrize(
    ("completed", "began", "expected"),
    [
        ("10:00", (0, "14:00"), "within"),
        ("10:00", (0, "14:01"), "over"),
        ("22:30", (1, "02:30"), "within"),
        ("22:30", (1, "02:31"), "over"),
        ("10:00", (0, "09:00"), "within"),  # the bed was there before
        ("10:00", (-3, "09:00"), "not_known"),  # long before: of another crisis
        (None, (0, None), "not_known"),
        (None, (2, None), "over"),  # more than a day apart, whenever it was
        ("20:00", (0, None), "within"),  # 4 hours were left of the day
        ("19:59", (0, None), "not_known"),
        ("10:00", (1, None), "over"),  # midnight is 14 hours later
        ("10:00:30", (0, "13:00:59"), "within"),
        ("25:99", (0, "14:00"), "not_known"),
        ("10:00", None, "over"),  # never, while others began
    ],
)
def test_four_hours_and_what_is_not_known(completed, began, expected):
    when = (None, None) if began is None else (MAY + timedelta(days=began[0]), began[1])
    other = ("bob", MAY, "10:00", "home_treatment", MAY, "11:00")
    found = waits(("ann", MAY, completed, "home_treatment", *when), other)
    assert found == {"ann": expected, "bob": "within"}


def test_what_the_end_of_the_data_leaves_open_is_not_known():
    other = ("bob", MAY, "10:00", "home_treatment", MAY, "11:00")
    late = ("ann", LAST, "20:30", "home_treatment", None, None)
    early = ("cat", LAST, "19:30", "home_treatment", None, None)
    assert waits(late, early, other) == {"ann": "not_known", "cat": "over", "bob": "within"}


def test_an_extract_that_never_says_what_began_tells_of_no_wait():
    assert waits(("ann", MAY, "10:00", "home_treatment", None, None)) == {"ann": "not_known"}


def test_only_decisions_for_a_bed_or_home_treatment_wait():
    rest = (MAY, "10:00", "neither", MAY, "11:00")
    assert waits(("ann", *rest), ("bob", MAY, "10:00", "not_known", None, None)) == {}


def test_the_day_of_an_admission_comes_from_the_spells_where_it_is_not_told():
    spells = table(
        "hospital_spells",
        ("ann", MAY - timedelta(days=9)),
        ("ann", MAY + timedelta(days=2)),
        ("bob", MAY),
        columns="person_id start_date",
    )
    found = waits(
        ("ann", MAY, "10:00", "admission", None, None),  # two days later
        ("bob", MAY, "21:00", "admission", None, None),  # the same day: 3 hours were left
        ("cat", MAY, "10:00", "home_treatment", None, None),
        ("dan", MAY, "10:00", "admission", None, None),  # never
        hospital_spells=spells,
    )
    # Of home treatment spells tell nothing.
    assert found == {"ann": "over", "bob": "within", "cat": "not_known", "dan": "over"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("admission", {"admission": "over", "home_treatment": "not_known"}),
        ("home_treatment", {"admission": "not_known", "home_treatment": "over"}),
    ],
)
def test_what_began_is_told_of_each_decision_apart(told, expected):
    rows = [(each, MAY, "10:00", each, None, None) for each in ("admission", "home_treatment")]
    found = waits(*rows, ("bob", MAY, "10:00", told, MAY, "11:00"))
    assert found == {**expected, "bob": "within"}


def test_referrals_tell_of_crises_only_with_priorities_and_reasons():
    def routes(*rows: tuple[object, ...]) -> list[str]:
        names = "person_id referral_date priority primary_reason"
        asked = {"referrals": table("referrals", *rows, columns=names)}
        seen = table("legal_statuses", ("zoe", MAY, "20"),
                     columns="person_id start_date legal_status")  # fmt: skip
        made = derived({**asked, "legal_statuses": seen}, **WHEN)["crisis_presentations"]
        return sorted(made["route"])

    assert routes(("ann", MAY, "1", "04")) == ["crisis_referral", "place_of_safety"]
    assert routes(("ann", MAY, "1", None)) == ["place_of_safety"]
    assert routes(("ann", MAY, None, "18")) == ["place_of_safety"]


def test_the_time_of_an_admission_comes_from_the_spells_where_it_is_not_told():
    spells = table(
        "hospital_spells",
        ("ann", MAY, "13:59"),
        ("bob", MAY, "14:01"),
        ("cat", MAY, "13:00"),
        ("cat", MAY, None),  # two begin on the day: which is meant is not known
        columns="person_id start_date start_time",
    )
    found = waits(
        ("ann", MAY, "10:00", "admission", None, None),
        ("bob", MAY, "10:00", "admission", MAY, None),
        ("cat", MAY, "10:00", "admission", MAY, None),
        hospital_spells=spells,
    )
    assert found == {"ann": "within", "bob": "over", "cat": "not_known"}


CLOCK = st.none() | st.integers(0, 24 * 60 - 1)


@settings(max_examples=100, deadline=None)
@given(done=CLOCK, day=st.integers(0, 3), began=CLOCK)
def test_a_wait_is_told_only_where_every_time_of_the_day_agrees(done, day, began):
    """By trying every minute that an unknown time may be."""

    def text(minute: int | None) -> str | None:
        return None if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"

    def moments(days: int, minute: int | None) -> list[datetime]:
        start = datetime.combine(MAY, datetime.min.time()) + timedelta(days=days)
        tried = range(0, 24 * 60 + 1, 60) if minute is None else [minute]
        return [start + timedelta(minutes=each) for each in tried]

    gaps = [b - a for a in moments(0, done) for b in moments(day, began)]
    inside = {gap <= timedelta(hours=4) for gap in gaps}
    expected = {(True,): "within", (False,): "over"}.get(tuple(inside), "not_known")
    row = ("ann", MAY, text(done), "admission", MAY + timedelta(days=day), text(began))
    assert waits(row) == {"ann": expected}
