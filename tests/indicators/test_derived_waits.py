"""Waits from referral to the first contact attended."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import table

from pophealth_link.errors import JobError
from pophealth_link.indicators.derived import derived
from pophealth_link.indicators.waiting import pathways, read
from pophealth_link.schema.codes_services import PATHWAY

FIRST, LAST = date(2025, 4, 1), date(2026, 3, 31)
WHEN = {"as_of": date(2026, 4, 1), "period": (FIRST, LAST)}


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def referrals(*rows: tuple[object, ...]) -> pl.DataFrame:
    names = "person_id source referral_id referral_date discharge_date primary_reason priority"
    return table("referrals", *rows, columns=names)


def contacts(*rows: tuple[object, ...]) -> pl.DataFrame:
    """The contacts, and one that somebody else missed: the extract tells who attends."""
    names = "person_id source referral_id contact_date attendance"
    return table("contacts", *rows, ("zoe", "mh", "rz", day(0), "3"), columns=names)


def waits(asked: pl.DataFrame, seen: pl.DataFrame) -> list[tuple[object, ...]]:
    made = derived({"referrals": asked, "contacts": seen}, **WHEN)["waits"]
    return made.select("person_id", "pathway", "outcome", "days", "band").rows()


def test_waits_end_with_the_first_contact_attended_under_the_referral():
    asked = referrals(
        ("ann", "mh", "r1", day(0), None, "01", "3"),
        ("bob", "mh", "r2", day(0), day(20), "01", "3"),
        ("cat", "mh", "r3", day(360), None, "01", "3"),
        ("dan", "mh", "r4", day(-1), None, "01", "3"),  # before the period
        ("eve", "mh", "r5", day(5), None, "01", "3"),
        ("fay", "mh", "r6", day(5), None, "01", "3"),
    )
    seen = contacts(
        ("ann", "mh", "r1", day(3), "3"),  # missed
        ("ann", "mh", "r1", day(10), "5"),
        ("ann", "mh", "r1", day(8), "6"),
        ("bob", "mh", "rx", day(4), "5"),  # under another referral
        ("dan", "mh", "r4", day(4), "5"),
        ("eve", "mh", "r5", day(4), "5"),  # before the referral
        ("fay", "mh", "r6", LAST + timedelta(days=1), "5"),  # after the period
    )
    assert waits(asked, seen) == [
        ("ann", "psychosis", "seen", 8, "2"),
        ("bob", "psychosis", "unseen", 20, "3"),
        ("cat", "psychosis", "unseen", 4, "1"),
        ("eve", "psychosis", "unseen", 359, "beyond"),
        ("fay", "psychosis", "unseen", 359, "beyond"),
    ]


def test_without_ids_the_persons_contacts_while_the_referral_was_open_count():
    asked = referrals(
        ("ann", "mh", None, day(0), None, "01", "3"),
        ("bob", "mh", "r2", day(0), day(5), "01", "3"),
        ("cat", "mh", "r3", day(0), None, "01", "3"),
        ("dan", "mh", "r4", day(0), None, "01", "3"),
    )
    seen = contacts(
        ("ann", "mh", "r9", day(9), "5"),
        ("bob", "mh", None, day(6), "5"),  # after it was closed
        ("cat", "mh", None, day(6), "5"),
        ("dan", "other", None, day(6), "5"),  # of another source
    )
    assert waits(asked, seen) == [
        ("ann", "psychosis", "seen", 9, "2"),
        ("bob", "psychosis", "unseen", 5, "1"),
        ("cat", "psychosis", "seen", 6, "1"),
        ("dan", "psychosis", "unseen", 364, "beyond"),
    ]


@pytest.mark.parametrize(
    ("reason", "priority", "expected"),
    [
        ("18", "3", "crisis"),
        ("04", "1", "crisis"),
        (None, "4", "crisis"),
        ("01", "1", "psychosis"),  # an emergency keeps its standard
        ("01", "4", "psychosis"),
        ("12", "1", "eating_disorder_urgent"),
        ("12", "4", "eating_disorder_urgent"),
        ("01", None, "psychosis"),
        ("12", "2", "eating_disorder_urgent"),
        ("12", "3", "eating_disorder_routine"),
        ("12", None, "eating_disorder_routine"),
        ("08", "3", "memory"),
        ("04", "3", "community"),
        (None, "3", "community"),
    ],
)
def test_a_referral_is_on_the_first_pathway_that_fits(reason, priority, expected):
    other = ("zoe", "mh", "r2", day(0), None, "05", "3")
    found = waits(referrals(("ann", "mh", "r1", day(0), None, reason, priority), other), contacts())
    assert found[0][:2] == ("ann", expected)


def test_a_referral_to_a_bed_is_no_wait():
    spells = table(
        "hospital_spells",
        ("ann", "mh", day(3), "r1"),
        ("bob", "mh", day(3), None),
        columns="person_id source start_date referral_id",
    )
    asked = referrals(
        ("ann", "mh", "r1", day(0), None, "02", "3"),
        ("bob", "mh", None, day(0), None, "02", "3"),
    )
    events = {"referrals": asked, "contacts": contacts(), "hospital_spells": spells}
    made = derived(events, **WHEN)["waits"]
    assert made.select("person_id", "pathway").rows() == [("ann", "bed"), ("bob", "community")]


def test_a_referral_that_leads_to_a_bed_after_the_person_was_seen_is_a_wait():
    spells = table(
        "hospital_spells",
        ("ann", "mh", day(3), "r1"),
        ("bob", "mh", day(1), "r2"),
        columns="person_id source start_date referral_id",
    )
    asked = referrals(
        ("ann", "mh", "r1", day(0), None, "02", "3"), ("bob", "mh", "r2", day(0), None, "02", "3")
    )
    seen = contacts(("ann", "mh", "r1", day(2), "5"), ("bob", "mh", "r2", day(2), "5"))
    made = derived({"referrals": asked, "contacts": seen, "hospital_spells": spells}, **WHEN)
    assert made["waits"].select("person_id", "pathway").rows() == [
        ("ann", "community"),
        ("bob", "bed"),
    ]


def test_what_an_extract_tells_of_anybody_is_looked_up_in_all_of_it():
    """Some of the people of an extract wait as they do among all of them."""
    asked = referrals(
        ("ann", "mh", "r1", day(0), None, None, "3"), ("bob", "mh", "r2", day(0), None, "01", "3")
    )
    every = {"referrals": asked, "contacts": contacts()}
    some = every | {"referrals": asked.filter(person_id="ann")}
    whole = derived(every, **WHEN)["waits"].filter(person_id="ann")
    assert derived(some, **WHEN, extract=every)["waits"].equals(whole)
    assert derived(some, **WHEN)["waits"].height == 0 < whole.height


def test_no_pathway_is_made_up_where_no_referral_has_a_reason():
    assert waits(referrals(("ann", "mh", "r1", day(0), None, None, "1")), contacts()) == []


def test_no_pathway_is_made_up_where_no_referral_has_a_priority():
    assert waits(referrals(("ann", "mh", "r1", day(0), None, "12", None)), contacts()) == []


def test_nobody_is_unseen_where_no_contact_tells_whether_it_was_attended():
    asked = referrals(("ann", "mh", "r1", day(0), None, "01", "3"))
    told = contacts(("ann", "mh", "r1", day(1), None))
    assert waits(asked, told) == [("ann", "psychosis", "unseen", 364, "beyond")]
    assert waits(asked, told.with_columns(attendance=pl.lit(None, pl.String))) == []


def test_talking_therapies_wait_for_treatment_not_assessment():
    asked = table(
        "talking_therapies_referrals",
        ("ann", "tt", "r1", day(0)),
        columns="person_id source referral_id referral_date",
    )
    names = "person_id source referral_id contact_date attendance appointment_type"
    seen = table(
        "talking_therapies_contacts",
        ("ann", "tt", "r1", day(5), "5", "01"),
        ("ann", "tt", "r1", day(30), "5", "03"),
        columns=names,
    )

    def found(frame: pl.DataFrame) -> list[tuple[object, ...]]:
        events = {"talking_therapies_referrals": asked, "talking_therapies_contacts": frame}
        made = derived(events, **WHEN)["talking_therapies_waits"]
        return made.select("pathway", "outcome", "days", "band").rows()

    assert found(seen) == [("talking_therapies", "seen", 30, "2")]
    untold = seen.with_columns(appointment_type=pl.lit(None, pl.String))
    assert found(untold) == [("talking_therapies", "seen", 5, "1")]


@settings(max_examples=50, deadline=None)
@given(
    asked=st.lists(
        st.tuples(st.integers(0, 3), st.integers(-20, 400), st.none() | st.integers(0, 90)),
        min_size=1,
        max_size=12,
    ),
    seen=st.lists(
        st.tuples(st.integers(0, 11), st.integers(-20, 400), st.sampled_from("356")), max_size=20
    ),
)
def test_every_referral_of_the_period_waits_once_and_as_a_plain_count_says(asked, seen):
    people = [f"p{who}" for who, _, _ in asked]
    given_referrals = [
        (people[n], "mh", f"r{n}", day(at), None if length is None else day(at + length), "01", "3")
        for n, (_, at, length) in enumerate(asked)
    ]
    given_contacts = [
        (people[n % len(asked)], "mh", f"r{n % len(asked)}", day(at), code) for n, at, code in seen
    ]
    expected = []
    for person, _, name, start, end, *_ in given_referrals:
        if not FIRST <= start <= LAST:
            continue
        attended = [
            when
            for _, _, under, when, code in given_contacts
            if under == name and code in "56" and start <= when <= LAST
        ]
        until = min(attended) if attended else min(end or LAST, LAST)
        expected.append((person, "seen" if attended else "unseen", (until - start).days))
    made = derived(
        {"referrals": referrals(*given_referrals), "contacts": contacts(*given_contacts)}, **WHEN
    )["waits"]
    assert sorted(made.select("person_id", "outcome", "days").rows()) == sorted(expected)
    edges = (0, 7, 14, 28)
    for days, band in made.select("days", "band").rows():
        lowest = (
            0 if band == "1" else edges[-1] + 1 if band == "beyond" else edges[int(band) - 1] + 1
        )
        highest = 10**6 if band == "beyond" else edges[int(band)]
        assert lowest <= days <= highest


def test_pathways_are_those_of_the_code_list_and_hold_published_standards():
    held = pathways()
    assert set(held) == set(PATHWAY.codes) - {"bed"}
    # NHS England, mental health access and waiting time standards.
    told = {name: [(s.days, s.share) for s in each.standards] for name, each in held.items()}
    assert told["talking_therapies"] == [(42, 0.75), (126, 0.95)]
    assert told["psychosis"] == [(14, 0.60)]
    assert told["eating_disorder_urgent"] == [(7, 0.95)]
    assert told["eating_disorder_routine"] == [(28, 0.95)]


def test_the_page_tells_the_standards_of_the_pathways():
    page = (Path(__file__).parents[2] / "docs/service-use.md").read_text(encoding="utf-8")
    rows = [
        line.split("|") for line in page.splitlines() if re.match(r"\| [^|]+ \| [\d; ]+ \|", line)
    ]
    told = [
        (sorted(int(day) for day in days.split(";")), re.findall(r"(\d+) %", shares))
        for _, _, days, shares, *_ in rows
    ]
    held = pathways()
    urgent, routine = held["eating_disorder_urgent"], held["eating_disorder_routine"]
    expected = [
        (
            sorted(one.days for one in each),
            sorted({f"{one.share:.0%}"[:-1] for one in each if one.share}),
        )
        for each in (
            *(path.standards for name, path in held.items() if "eating" not in name),
            (*urgent.standards, *routine.standards),
        )
    ]
    assert sorted(told) == sorted(expected)


def test_a_file_of_pathways_is_refused_with_every_problem():
    with pytest.raises(JobError) as caught:
        read(
            '[nowhere]\ntable = "people"\nedges = [7, 7]\nstandards = [{ days = 3, share = 2 }]\n'
            "colour = 1\n",
            "mine.toml",
        )
    said = str(caught.value)
    for part in ("nowhere", "table", "edges", "standards[0].days", "share", "title", "colour"):
        assert part in said
