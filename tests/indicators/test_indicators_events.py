"""Which events count, how many for whom; and when there is no data at all."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import AS_OF, FIRST, LAST, PERIOD, in_duckdb, indicator, rule, table

from pophealth_link.engine import collect
from pophealth_link.indicators import catalogue
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.events import gap, per_person

DAY = timedelta(days=1)


def found(indicator, **events):
    rows = collect(per_person(indicator, events, as_of=AS_OF, period=PERIOD))
    return dict(rows.sort("person_id").iter_rows())


def conditions(*rows):
    return table(
        "condition_events", *rows, columns="person_id condition recorded_date resolved_date"
    )


def test_depression_counts_open_records_since_april_2006():
    events = conditions(
        ("ann", "depression", date(2010, 1, 1), None),
        ("ann", "depression", date(2012, 1, 1), None),
        ("bob", "depression", date(2006, 3, 31), None),
        ("cat", "depression", date(2006, 4, 1), AS_OF),
        ("dan", "depression", date(2020, 1, 1), AS_OF + DAY),
        ("eve", "anxiety", date(2020, 1, 1), None),
        ("fay", "depression", AS_OF + DAY, None),
        ("gil", "depression", AS_OF, None),
        (None, "depression", AS_OF, None),
    )
    held = found(catalogue()["depression_recorded"], condition_events=events)
    assert held == {"ann": 1, "dan": 1, "gil": 1}


def test_severe_mental_illness_stays_on_the_register_in_remission():
    events = conditions(("ann", "severe_mental_illness", date(1990, 1, 1), date(2000, 1, 1)))
    assert found(catalogue()["severe_mental_illness_recorded"], condition_events=events) == {
        "ann": 1
    }


def test_placements_count_through_their_last_day():
    events = table(
        "temporary_accommodation",
        ("ann", date(2026, 1, 1), AS_OF),
        ("bob", date(2026, 1, 1), AS_OF - DAY),
        ("cat", AS_OF, None),
        ("dan", AS_OF + DAY, None),
        columns="person_id start_date end_date",
    )
    held = found(catalogue()["temporary_accommodation"], temporary_accommodation=events)
    assert held == {"ann": 1, "cat": 1}


def test_overcrowding_needs_a_bedroom_short():
    events = table(
        "housing_applications",
        ("ann", date(2025, 1, 1), None, 1),
        ("bob", date(2025, 1, 1), None, 0),
        ("cat", date(2025, 1, 1), None, None),
        columns="person_id start_date end_date bedrooms_short",
    )
    held = found(catalogue()["overcrowding_housing_register"], housing_applications=events)
    assert held == {"ann": 1}


def test_contacts_count_when_attended_within_the_period_each_once():
    events = table(
        "contacts",
        ("a", "ann", "c1", FIRST, "5"),
        ("a", "ann", "c1", FIRST, "5"),  # sent twice
        ("b", "ann", "c1", FIRST, "6"),  # the same id of another source
        ("a", "ann", None, LAST, "6"),
        ("a", "ann", None, LAST, "6"),  # no id: two contacts on one day
        ("a", "bob", "c2", LAST, "7"),
        ("a", "cat", "c3", FIRST - DAY, "5"),
        ("a", "cat", "c4", LAST + DAY, "5"),
        columns="source person_id contact_id contact_date attendance",
    )
    assert found(catalogue()["mental_health_contacts"], contacts=events) == {"ann": 4}


def test_emergency_admissions_join_both_kinds_of_bed_once_a_day():
    acute = table(
        "admissions",
        ("ann", date(2025, 5, 1), "21", "F321"),
        ("ann", date(2025, 6, 1), "2A", "X849"),
        ("bob", date(2025, 5, 1), "21", "X850"),  # assault, not self-harm
        ("bob", date(2025, 5, 1), "11", "F200"),  # not an emergency
        ("cat", date(2025, 5, 1), "21", "J18"),
        ("dan", date(2025, 5, 1), "28", "F00"),
        columns="person_id start_date admission_method primary_diagnosis",
    )
    mental = table(
        "hospital_spells",
        ("ann", date(2025, 5, 1), "2B"),  # transferred on the day
        ("ann", date(2025, 7, 1), "21"),
        ("bob", FIRST - DAY, "21"),
        columns="person_id start_date admission_method",
    )
    both = {"admissions": acute, "hospital_spells": mental}
    assert found(catalogue()["mental_health_emergency_admissions"], **both) == {"ann": 3, "dan": 1}
    assert found(catalogue()["mental_health_bed_emergency_admissions"], **both) == {"ann": 2}


def delays(*rows):
    return table("delayed_discharges", *rows, columns="person_id start_date end_date reason")


def test_delayed_days_follow_the_published_measure():
    """MHS26: from the later of start and period start to the end, or through the period's end."""
    events = delays(
        ("ann", date(2025, 5, 1), date(2025, 5, 5), "14"),  # 4 days
        ("bob", FIRST - 10 * DAY, FIRST + 3 * DAY, "03"),  # 3 days
        ("cat", LAST, None, "98"),  # still open: 1 day
        ("dan", LAST - DAY, LAST + 90 * DAY, "32"),  # 2 days
        ("eve", FIRST - DAY, FIRST, "14"),  # ended on the first day: none
        ("fay", date(2025, 5, 1), date(2025, 5, 1), "14"),  # none
        ("gil", LAST + DAY, None, "14"),
    )
    days = {"ann": 4, "bob": 3, "cat": 1, "dan": 2}
    assert found(catalogue()["delayed_discharge_days"], delayed_discharges=events) == days
    parts = derived({"delayed_discharges": events}, as_of=AS_OF, period=PERIOD)
    for group, those in {"housing": {"ann": 4, "dan": 2}, "social_care": {"bob": 3}}.items():
        assert found(catalogue()[f"delayed_discharge_days_{group}"], **parts) == those


def test_an_open_delay_counts_every_day_of_the_period():
    events = delays(("ann", date(2000, 1, 1), None, "14"))
    assert found(catalogue()["delayed_discharge_days"], delayed_discharges=events) == {"ann": 365}


_SPAN = st.tuples(
    st.sampled_from(["ann", "bob"]), st.integers(-20, 400), st.none() | st.integers(0, 60)
)


@settings(max_examples=40, deadline=None)
@given(spans=st.lists(_SPAN, min_size=1, max_size=8))
def test_overlapping_delays_count_each_day_once(spans):
    """Against the days themselves, listed one by one."""
    rows, days = [], {"ann": set(), "bob": set()}
    for who, offset, length in spans:
        begin = FIRST + offset * DAY
        end = None if length is None else begin + length * DAY
        rows.append((who, begin, end, "14"))
        stop = min(end or LAST + DAY, LAST + DAY)
        days[who] |= {begin + n * DAY for n in range((stop - begin).days)}
    wanted = {who: len([d for d in held if FIRST <= d <= LAST]) for who, held in days.items()}
    wanted = {who: count for who, count in wanted.items() if count}
    assert found(catalogue()["delayed_discharge_days"], delayed_discharges=delays(*rows)) == wanted


def test_days_are_numbered_as_the_calendar_does_across_leap_years():
    each = indicator(
        statistic="rate",
        counted="days",
        events=(rule("delayed_discharges", "overlap", "start_date", "end_date"),),
    )
    for year in (1899, 1900, 1999, 2000, 2023, 2024, 2100):
        period = (date(year, 1, 1), date(year, 12, 31))
        events = {"delayed_discharges": delays(("ann", date(1850, 1, 1), None, "14"))}
        rows = collect(per_person(each, events, as_of=AS_OF, period=period))
        assert rows["count"].to_list() == [date(year, 12, 31).timetuple().tm_yday]


CONTACTS = table(
    "contacts",
    ("ann", FIRST, "5"),
    columns="person_id contact_date attendance",
)


def why(name, **events):
    return gap(catalogue()[name], events, as_of=AS_OF, period=PERIOD)


def test_data_that_is_there_has_no_gap():
    assert why("mental_health_contacts", contacts=CONTACTS) is None
    none = CONTACTS.with_columns(attendance=pl.lit("3"))
    assert why("mental_health_contacts", contacts=none) is None


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ({}, "no source gives contacts"),
        ({"contacts": CONTACTS.drop("attendance")}, "contacts lacks attendance"),
        ({"contacts": CONTACTS.clear()}, "holds no row of the period"),
        (
            {"contacts": CONTACTS.with_columns(contact_date=pl.lit(date(2020, 1, 1)))},
            "holds no row of the period",
        ),
        (
            {"contacts": CONTACTS.with_columns(attendance=pl.lit(None, pl.String))},
            "holds no value in attendance",
        ),
    ],
)
def test_no_data_is_told_from_none(events, said):
    assert said in why("mental_health_contacts", **events)


def test_an_extract_without_the_condition_holds_no_data_for_it():
    events = conditions(("ann", "depression", date(2010, 1, 1), None))
    assert "none of the codes" in why("dementia_recorded", condition_events=events)
    assert why("depression_recorded", condition_events=events) is None


def test_an_indicator_of_two_tables_needs_both():
    spells = table(
        "hospital_spells", ("ann", FIRST, "21"), columns="person_id start_date admission_method"
    )
    assert "admissions" in why("mental_health_emergency_admissions", hospital_spells=spells)
    assert why("mental_health_bed_emergency_admissions", hospital_spells=spells) is None


def test_duckdb_gives_the_same_gaps():
    events = conditions(("ann", "depression", date(2010, 1, 1), None))
    for frame in (events, events.clear(), events.drop("condition")):
        relation = in_duckdb(condition_events=frame)
        for name in ("dementia_recorded", "depression_recorded"):
            assert why(name, **relation) == why(name, condition_events=frame)
