"""Reduced event tables: the same people and the same evidence, whatever the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.engine import collect, lazy
from pophealth_link.indicators import catalogue
from pophealth_link.indicators.declaration import EventRule
from pophealth_link.indicators.events import evidence_of, per_person
from pophealth_link.indicators.reduced import reduced

AS_OF = date(2026, 4, 1)
PERIOD = (date(2025, 4, 1), date(2026, 3, 31))
WHEN = {"as_of": AS_OF, "period": PERIOD}
PEOPLE = [f"p{n}" for n in range(6)]
MODEL = catalogue()["dementia_recorded"]
CODES = ("a", "b", "undo")

DAYS = st.integers(-900, 60).map(lambda n: AS_OF + timedelta(days=n))
ROWS = st.lists(
    st.tuples(
        st.sampled_from([*PEOPLE, "stranger", None]),
        st.sampled_from([*CODES, "other", None]),
        st.one_of(DAYS, st.none()),
        st.one_of(DAYS, st.none(), st.none()),
        st.sampled_from(["primary_care", "secondary_care"]),
        st.sampled_from(["e1", "e2", None]),
    ),
    max_size=40,
)
SCHEMA = {
    "person_id": pl.String,
    "code": pl.String,
    "day": pl.Date,
    "end": pl.Date,
    "setting": pl.String,
    "event_id": pl.String,
}


def rule(timing, codes=("a",), **more):
    given = {"table": "events", "timing": timing, "date": "day", "where": {"code": codes}}
    return EventRule(**(given | more))


RULES = [
    rule("ever"),
    rule("ever", ("a", "b"), by_code=True),
    rule("ever", since=date(2025, 1, 1)),
    rule("ever", months=6, event_id="event_id"),
    rule("unresolved", end="end"),
    rule("unresolved", end="end", since=date(2024, 6, 1), resolved_by={"code": ("undo",)}),
    rule("open", end="end", settings=("primary_care",)),
    rule("in_period", by_code=True, settings=("secondary_care",)),
    rule("overlap", ("b",), end="end"),
    rule("latest", ("a", "b")),
]


def indicators(rules):
    return [
        replace(MODEL, id=f"i{n}", events=(each,), counted=counted)
        for n, (each, counted) in enumerate(
            (each, c) for each in rules for c in ("people", "events")
        )
    ]


def counted(indicator, events):
    found = collect(per_person(indicator, events, **WHEN))
    return found.filter(pl.col("person_id").is_in(PEOPLE)).sort("person_id")


@settings(deadline=None, max_examples=60)
@given(ROWS, st.booleans())
def test_the_same_people_count_and_the_evidence_is_the_same(rows, scanned):
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    events = {"events": table.lazy() if scanned else table}
    listed = indicators(RULES)
    made = reduced(listed, pl.DataFrame({"person_id": PEOPLE}), events, **WHEN)
    for each in listed:
        now = made.indicators[each.id]
        assert counted(now, made.events).equals(counted(each, events)), each.events
        assert made.evidence[repr(each.events[0])] == evidence_of(
            each.events[0], events, *WHEN.values()
        )


def test_only_counts_of_people_by_code_look_up_a_reduced_table():
    table = pl.DataFrame(
        [("p1", "a", AS_OF, None, "primary_care", None)], schema=SCHEMA, orient="row"
    )
    listed = indicators(RULES)
    made = reduced(listed, pl.DataFrame({"person_id": PEOPLE}), {"events": table}, **WHEN)
    for each in listed:
        own = each.counted == "people" and each.events[0].timing != "latest"
        assert (made.indicators[each.id].events[0].table != "events") == own


def test_a_reduced_table_has_a_row_per_person_and_code():
    rows = [("p1", "a", AS_OF - timedelta(days=n), None, "primary_care", None) for n in range(50)]
    rows += [("p1", "b", AS_OF, None, "primary_care", None)]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    rules = [rule("ever"), rule("ever", ("b",))]
    made = reduced(
        indicators(rules), pl.DataFrame({"person_id": PEOPLE}), {"events": table}, **WHEN
    )
    name = made.indicators["i0"].events[0].table
    small = collect(lazy(made.events[name])).sort("code")
    assert small.select("person_id", "code", "day").rows() == [
        ("p1", "a", AS_OF),
        ("p1", "b", AS_OF),
    ]


@pytest.mark.parametrize("ids", [[1, 2, 3], ["p1", "p2", "p3"]])
def test_ids_may_be_numbers_or_texts(ids):
    table = pl.DataFrame({"person_id": ids, "code": ["a", "a", "b"], "day": [AS_OF] * 3})
    rules = [rule("ever"), rule("ever", ("b",))]
    made = reduced(indicators(rules), pl.DataFrame({"person_id": ids}), {"events": table}, **WHEN)
    found = collect(per_person(made.indicators["i0"], made.events, **WHEN))
    assert found["person_id"].sort().to_list() == ids[:2]


def test_a_table_that_is_not_given_or_lacks_the_codes_is_left_alone():
    listed = indicators(RULES)
    for events in ({}, {"events": pl.DataFrame({"person_id": ["p1"], "day": [AS_OF]})}):
        made = reduced(listed, pl.DataFrame({"person_id": PEOPLE}), events, **WHEN)
        assert made.indicators == {each.id: each for each in listed}
        assert all(each.lacks for each in made.evidence.values())
