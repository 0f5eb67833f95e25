"""Discharges, placements, days by type of ward, detentions: counted by hand, and by properties."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import table

from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.derived_parts import backward
from pophealth_link.schema import EVENT_TABLES
from pophealth_link.schema.codes_services import WARD_TYPE_OF_BED
from pophealth_link.schema.records_derived import DERIVED_TABLES

FIRST, LAST = date(2025, 4, 1), date(2026, 3, 31)
WHEN = {"as_of": date(2026, 4, 1), "period": (FIRST, LAST)}


def day(number: int) -> date:
    """Day 0 is the period's first."""
    return FIRST + timedelta(days=number)


def spells(*rows: tuple[object, ...]) -> pl.DataFrame:
    names = "person_id source spell_id start_date end_date admission_method discharge_method"
    return table("hospital_spells", *rows, columns=names + " referral_id")


def spell(
    person: str,
    start: int,
    end: int | None,
    *,
    method: str = "21",
    how: str = "1",
    referral: str | None = None,
    name: str | None = None,
) -> tuple[object, ...]:
    ends = None if end is None else day(end)
    return (person, "mh", name or f"{person}{start}", day(start), ends, method, how, referral)


def rows(made: object, *columns: str) -> list[tuple[object, ...]]:
    assert isinstance(made, pl.DataFrame)
    return made.select(columns).rows()


def test_events_are_kept_and_what_cannot_be_made_is_left_out():
    given_events = {"hospital_spells": spells(spell("ann", 0, 5))}
    made = derived(given_events, **WHEN)
    assert made["hospital_spells"] is given_events["hospital_spells"]
    assert set(made) - set(given_events) == {"bed_discharges"}


def test_rows_that_end_before_they_begin_are_counted_by_table():
    rows_ = spells(
        spell("ann", 5, 4), spell("bob", 5, 5), spell("cat", 5, None), spell("dan", 9, 1)
    )
    tables = {"hospital_spells": rows_, "contacts": pl.DataFrame({"person_id": ["ann"]})}
    assert backward(tables) == {"hospital_spells": 2}
    # None of the two is a stay; bob left on the day.
    made = derived(tables, **WHEN)["bed_discharges"]
    assert rows(made, "person_id") == [("bob",)]


def test_every_derived_table_has_its_declared_columns_whatever_the_type_of_person_id():
    every = {
        name: table(name, columns="person_id source").with_columns(
            pl.col("person_id").cast(pl.Int64)
        )
        for name in EVENT_TABLES
    }
    made = derived(every, **WHEN)
    assert set(made) == {*EVENT_TABLES, *DERIVED_TABLES}
    for name, declared in DERIVED_TABLES.items():
        assert made[name].columns == ["person_id", *declared.names]
        assert made[name].schema["person_id"] == pl.Int64
        assert dict(made[name].schema) | declared.polars_schema == dict(made[name].schema)


def test_readmission_is_an_emergency_within_30_days_after_all_spells_that_meet():
    made = derived(
        {
            "hospital_spells": spells(
                *(spell("ann", 0, 10), spell("ann", 40, 50)),  # 30 days after day 10
                *(spell("bob", 0, 10), spell("bob", 41, 50)),  # 31 days
                *(spell("cat", 0, 10), spell("cat", 10, 20)),  # a transfer, no readmission
                *(spell("dan", 0, 10), spell("dan", 12, 20, method="11")),  # planned
                *(spell("eve", 0, 10, how="4"), spell("fay", 0, None)),  # died; still there
                # Planned first, then an emergency, both within the 30 days.
                *(spell("gil", 0, 10), spell("gil", 12, 15, method="13"), spell("gil", 18, 19)),
            )
        },
        **WHEN,
    )["bed_discharges"]
    assert rows(made, "person_id", "discharge_date", "readmitted") == [
        *(("ann", day(10), "yes"), ("ann", day(50), "no")),
        *(("bob", day(10), "no"), ("bob", day(50), "no")),
        ("cat", day(20), "no"),
        *(("dan", day(10), "no"), ("dan", day(20), "no")),
        *(("gil", day(10), "yes"), ("gil", day(15), "yes"), ("gil", day(19), "no")),
    ]
    assert made.select((pl.col("follow_up_date") - pl.col("discharge_date")).unique()).rows() == [
        (timedelta(days=30),)
    ]


def test_placements_are_found_by_referral_or_by_time_and_have_the_first_known_distance():
    referrals = table(
        "referrals",
        ("ann", "mh", "r1", day(0), None, "10"),
        ("bob", "mh", "r2", day(0), day(20), "14"),
        ("cat", "mh", "r3", day(0), None, None),
        ("dan", "mh", "r4", day(0), None, "99"),
        ("eve", "other", "r5", day(0), None, "10"),
        columns="person_id source referral_id referral_date discharge_date out_of_area_reason",
    )
    stays = table(
        "ward_stays",
        ("ann", "mh", "w1", "a", day(5), None),
        ("ann", "mh", "w2", "a", day(7), 120),
        ("ann", "mh", "w3", "a", day(9), 4),
        columns="person_id source ward_stay_id spell_id start_date home_distance",
    )
    made = derived(
        {
            "referrals": referrals,
            "ward_stays": stays,
            "hospital_spells": spells(
                spell("ann", 5, 15, referral="r1", name="a"),
                spell("bob", 10, 12),  # names no referral: within r2
                spell("bob", 30, 40),  # after r2 was closed
                spell("cat", 5, 6, referral="r3"),  # not out of area
                spell("dan", 5, 6, referral="r4"),
                spell("eve", 5, 6),  # the referral is of another source
                spell("ann", 50, 60, referral="rx"),  # another referral
            ),
        },
        **WHEN,
    )["placements"]
    assert rows(made, "person_id", "start_date", "kind", "distance_known", "distance") == [
        ("ann", day(5), "inappropriate", "yes", 120),
        ("bob", day(10), "appropriate", "no", None),
        ("dan", day(5), "not_known", "no", None),
    ]


def test_ward_stays_are_local_or_out_of_area():
    referrals = table(
        "referrals",
        ("ann", "mh", "r1", day(0), "10"),
        ("bob", "mh", "r2", day(0), "14"),
        columns="person_id source referral_id referral_date out_of_area_reason",
    )
    stays = table(
        "ward_stays",
        ("ann", "mh", "a", day(5), "200"),
        ("bob", "mh", "b", day(5), "12"),
        ("cat", "mh", "c", day(5), "11"),
        ("dan", "mh", "d", day(5), "208"),
        ("eve", "mh", "e", day(5), None),
        columns="person_id source spell_id start_date bed_type",
    )
    made = derived(
        {
            "referrals": referrals,
            "ward_stays": stays,
            "hospital_spells": spells(
                spell("ann", 5, 15, referral="r1", name="a"),
                spell("bob", 5, 15, referral="r2", name="b"),
                spell("cat", 5, 15, name="c"),
            ),
        },
        **WHEN,
    )["ward_type_stays"]
    assert rows(made, "person_id", "ward_type", "place") == [
        ("ann", "adult_acute", "out_of_area_no_bed"),
        ("bob", "psychiatric_intensive_care", "out_of_area_other"),
        ("cat", "older_adult_acute", "local"),
        ("dan", "other", "local"),
    ]


@settings(max_examples=60, deadline=None)
@given(
    wards=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 15), st.sampled_from(["10", "11", "12"])),
        min_size=1,
        max_size=6,
    )
)
def test_each_day_on_a_ward_is_of_one_type_the_one_that_began_first(wards):
    """Day by day: a day on two wards is on the one whose stay began first."""
    stays = table(
        "ward_stays",
        *(("ann", "mh", day(start), day(start + n), kind) for start, n, kind in wards),
        columns="person_id source start_date end_date bed_type",
    )
    made = derived({"ward_stays": stays}, **WHEN)["ward_type_stays"]
    found = [
        (start + timedelta(days=n), kind)
        for start, end, kind in rows(made, "start_date", "end_date", "ward_type")
        for n in range((end - start).days)
    ]
    on: dict[date, set[tuple[int, str]]] = {}
    for start, length, kind in wards:
        for n in range(start, start + length):
            on.setdefault(day(n), set()).add((start, WARD_TYPE_OF_BED[kind]))
    assert sorted(each for each, _ in found) == sorted(on)
    for each, kind in found:
        first = min(start for start, _ in on[each])
        assert kind in {one for start, one in on[each] if start == first}


def test_delays_are_cut_to_the_wards_on_which_they_were_spent():
    delays = table(
        "delayed_discharges",
        ("ann", "mh", "a", day(10), day(30), "14"),
        ("bob", "mh", None, day(10), None, "03"),
        ("cat", "mh", "c", day(10), None, "98"),
        columns="person_id source spell_id start_date end_date reason",
    )
    stays = table(
        "ward_stays",
        ("ann", "mh", "a", day(0), day(20), "202"),
        ("ann", "mh", "a", day(20), None, "200"),
        ("cat", "mh", "c", day(5), None, "10"),
        columns="person_id source spell_id start_date end_date bed_type",
    )
    made = derived({"delayed_discharges": delays, "ward_stays": stays}, **WHEN)
    assert rows(
        made["ward_type_delays"],
        *("person_id", "ward_type", "start_date", "end_date", "reason_group"),
    ) == [
        ("ann", "psychiatric_intensive_care", day(10), day(20), "housing"),
        ("ann", "adult_acute", day(20), day(30), "housing"),
        ("bob", None, day(10), None, "social_care"),
        ("cat", "adult_acute", day(10), None, "not_known"),
    ]


def delay_rows(delays, wards):
    given_delays = table(
        "delayed_discharges",
        *(("ann", "mh", "a", day(a), day(a + n), why) for a, n, why in delays),
        columns="person_id source spell_id start_date end_date reason",
    )
    stays = table(
        "ward_stays",
        *(("ann", "mh", "a", day(a), day(a + n), kind) for a, n, kind in wards),
        columns="person_id source spell_id start_date end_date bed_type",
    )
    events = {"delayed_discharges": given_delays, "ward_stays": stays}
    return derived(events, **WHEN)["ward_type_delays"]


def test_days_of_a_delay_between_known_wards_keep_their_reason():
    made = delay_rows([(30, 30, "14")], [(0, 35, "10"), (35, 10, None), (45, 5, "201")])
    assert rows(made, "ward_type", "start_date", "end_date", "reason_group") == [
        ("adult_acute", day(30), day(35), "housing"),
        (None, day(35), day(45), "housing"),
        ("older_adult_acute", day(45), day(50), "housing"),
        (None, day(50), day(60), "housing"),
    ]


@settings(max_examples=60, deadline=None)
@given(
    delays=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 15), st.sampled_from(["14", "03", "98"])),
        max_size=6,
    ),
    wards=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 15), st.sampled_from(["10", "12", None])),
        max_size=4,
    ),
)
def test_parts_of_delays_are_all_delayed_days_once(delays, wards):
    """Day by day: each day delayed is in one part, on a ward only if the person was there."""
    made = delay_rows(delays, wards)
    found = [
        (start + timedelta(days=n), ward)
        for start, end, ward in rows(made, "start_date", "end_date", "ward_type")
        for n in range((end - start).days)
    ]
    every = {day(n) for a, length, _ in delays for n in range(a, a + length)}
    assert sorted(each for each, _ in found) == sorted(every)
    there = {day(n) for a, length, kind in wards if kind for n in range(a, a + length)}
    assert all((each in there) == (ward is not None) for each, ward in found)


def test_a_spell_that_ends_before_it_begins_is_no_stay():
    wrong = spells(spell("ann", 0, 10), spell("ann", 20, 5), spell("bob", 9, 2))
    made = derived({"hospital_spells": wrong}, **WHEN)["bed_discharges"]
    assert rows(made, "person_id", "discharge_date", "readmitted") == [("ann", day(10), "no")]


def test_sections_that_follow_one_another_are_one_detention_and_short_orders_are_apart():
    statuses = table(
        "legal_statuses",
        ("ann", day(0), day(1), "20"),  # section 136
        ("ann", day(1), day(29), "02"),
        ("ann", day(30), None, "03"),  # from the next day
        ("bob", day(0), day(10), "02"),
        ("bob", day(12), day(20), "03"),  # two days later: another one
        ("cat", day(0), day(10), "01"),  # informal
        columns="person_id start_date end_date legal_status",
    )
    made = derived({"legal_statuses": statuses}, **WHEN)["detentions"]
    assert rows(made, "person_id", "start_date", "end_date", "kind") == [
        ("ann", day(0), day(1), "short_term_order"),
        ("ann", day(1), None, "detention"),
        ("bob", day(0), day(10), "detention"),
        ("bob", day(12), day(20), "detention"),
    ]


def days_of(spans: list[tuple[date, date]], gap: int) -> tuple[int, set[date]]:
    """Unbroken spans counted day by day, and the days from start up to the end."""
    every: set[date] = set()
    for start, end in spans:
        every |= {start + timedelta(days=n) for n in range((end - start).days + 1 + gap)}
    starts = sum(1 for each in every if each - timedelta(days=1) not in every)
    return starts, every


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(spans=SPANS)
def test_detentions_are_the_unbroken_runs_of_days(spans: list[tuple[int, int]]):
    dated = [(day(start), day(start + length)) for start, length in spans]
    statuses = table(
        "legal_statuses",
        *(("ann", start, end, "02") for start, end in dated),
        columns="person_id start_date end_date legal_status",
    )
    made = derived({"legal_statuses": statuses}, **WHEN)["detentions"]
    assert made.height == days_of(dated, gap=0)[0]
    shuffled = derived({"legal_statuses": statuses.reverse()}, **WHEN)["detentions"]
    assert made.equals(shuffled)


@settings(max_examples=60, deadline=None)
@given(spans=SPANS)
def test_discharges_are_the_ends_of_runs_of_spells(spans: list[tuple[int, int]]):
    made = derived(
        {"hospital_spells": spells(*(spell("ann", start, start + n) for start, n in spans))}, **WHEN
    )["bed_discharges"]
    # Spells that end and begin on the same day meet: two points of one run.
    points = {2 * p for start, n in spans for p in range(start, start + n + 1)}
    points |= {2 * p + 1 for start, n in spans for p in range(start, start + n)}
    ends = {p // 2 for p in points if p % 2 == 0 and p + 1 not in points}
    assert set(made["discharge_date"]) == {day(end) for end in ends}


@pytest.mark.parametrize("name", sorted(DERIVED_TABLES))
def test_a_derived_table_that_is_given_is_kept(name: str):
    own = pl.DataFrame({"person_id": ["ann"]})
    assert derived({name: own}, **WHEN)[name] is own
