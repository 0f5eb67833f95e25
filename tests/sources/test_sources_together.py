"""Resubmissions, open ends, spells and overlaps, against plain Python on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_preset import read_text

from pophealth_link.schema import EVENT_TABLES
from pophealth_link.sources.overlaps import without_told
from pophealth_link.sources.shape import Latest, OpenEnds, Priority, Spells, Whole
from pophealth_link.sources.together import PART, PLACE, gather

SPELLS, DELAYS = EVENT_TABLES["hospital_spells"], EVENT_TABLES["delayed_discharges"]
DAY = date(2025, 1, 1)


def day(number: int | None) -> date | None:
    return None if number is None else DAY + timedelta(days=number)


RESUBMITTED = """
meaning = "S."
dates = ["%d/%m/%Y", "%Y-%m-%d"]
[tables.hospital_spells.columns]
record_id = ["id"]
spell_id = ["spell"]
admission_method = ["how"]
start_date = ["from"]
end_date = ["to"]
[tables.hospital_spells.latest]
of = ["record_id", "spell_id"]
by = ["month|UniqMonthID", "sent"]
[tables.hospital_spells.open]
end = "end_date"
until = ["until"]
month = ["UniqMonthID"]
"""


def test_the_latest_submission_of_a_spell_counts_whatever_the_order_of_the_files(
    tmp_path: Path,
) -> None:
    head = "id,spell,how,from,to,UniqMonthID,sent\n"
    # 1500 is March 2025, 1499 February 2025: the month numbered 1465 is April 2022.
    (tmp_path / "q1.csv").write_text(
        head + "1,A,21,2025-01-05,,1499,09/02/2025\n1,A,21,2025-01-05,2025-03-01,1500,01/04/2025\n"
        "2,B,21,2025-02-01,,1500,01/03/2025\n3,C,21,2025-02-01,,1499,01/03/2025\n"
    )
    (tmp_path / "q2.csv").write_text(
        head + "1,A,28,2025-01-05,,1499,10/02/2025\n2,B,21,2025-02-01,,1500,10/02/2025\n"
        "4,,21,2025-02-01,,1500,\n4,,21,2025-02-01,,1500,\n2,B,21,2025-02-01,,1500,01/03/2025\n"
    )
    accepted = read_text(RESUBMITTED, "hospital_spells", tmp_path)
    told = accepted.frame.select("record_id", "spell_id", "end_date").rows()
    assert told == [
        ("1", "A", date(2025, 3, 1)),
        ("3", "C", date(2025, 2, 28)),  # Not submitted again: it ends with its submission.
        ("4", None, None),
        ("4", None, None),
        ("2", "B", None),  # Open in the newest submission: open still.
    ]
    assert accepted.counts.left_out_by == {"superseded": 2, "duplicate": 2}
    assert accepted.counts.filled == {("end_date", "closed_with_its_submission"): 1}


ROW = st.tuples(
    st.sampled_from(["p", "q"]),
    st.sampled_from(["A", "B", None]),
    st.one_of(st.none(), st.integers(1, 12)),
    st.integers(0, 3),
)


@given(rows=st.lists(ROW, max_size=12))
@settings(max_examples=60, deadline=None)
def test_latest_against_a_loop(rows: list[tuple[str, str | None, int | None, int]]) -> None:
    frame = pl.DataFrame(
        [(p, s, None if m is None else str(m), day(d), i) for i, (p, s, m, d) in enumerate(rows)],
        schema={
            "record_id": pl.String, "spell_id": pl.String, "file:month": pl.String,
            "start_date": pl.Date, PLACE: pl.UInt32,
        },
        orient="row",
    )  # fmt: skip
    made = gather(frame, Whole(Latest(("record_id", "spell_id"), ("month",))), SPELLS, ())
    best: dict[tuple[str, str], tuple[int, int]] = {}
    kept = {i for i, row in enumerate(rows) if row[1] is None}
    for i, (person, spell, month, _) in enumerate(rows):
        if spell is not None:
            best[person, spell] = max(best.get((person, spell), (-2, -1)), (month or -1, i))
    kept |= {i for _, i in best.values()}
    assert made.frame[PLACE].to_list() == sorted(kept)
    left = [row for i, row in enumerate(rows) if i not in kept]
    winners = {(rows[i][0], rows[i][1], rows[i][3]) for i in kept}
    same = sum((p, s, d) in winners for p, s, _, d in left)
    assert made.left_out["duplicate"] == same
    assert made.left_out["superseded"] == len(left) - same


EPISODE = st.tuples(
    st.sampled_from(["p", "q"]), st.sampled_from(["A", "B", None]),
    st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9)), st.sampled_from(["21", None]),
)  # fmt: skip


@given(rows=st.lists(EPISODE, max_size=12))
@settings(max_examples=60, deadline=None)
def test_spells_against_a_loop(
    rows: list[tuple[str, str | None, int, int | None, str | None]],
) -> None:
    frame = pl.DataFrame(
        [(p, s, day(a), day(b), m, i) for i, (p, s, a, b, m) in enumerate(rows)],
        schema={
            "record_id": pl.String, "spell_id": pl.String, "start_date": pl.Date,
            "end_date": pl.Date, "admission_method": pl.String, PLACE: pl.UInt32,
        },
        orient="row",
    )  # fmt: skip
    rule = Spells(("record_id", "spell_id"), ("start_date",), last=("end_date",))
    made = gather(frame, Whole(spells=rule), SPELLS, ())
    expected = []
    keys = dict.fromkeys((p, s) for p, s, *_ in rows if s is not None)
    for key in keys:
        own = sorted((a, i, b, m) for i, (p, s, a, b, m) in enumerate(rows) if (p, s) == key)
        how = next((m for *_, m in own if m), None)
        expected.append((min(i for _, i, *_ in own), *key, day(own[0][0]), day(own[-1][2]), how))
    loose = [(i, p, s, day(a), day(b), m) for i, (p, s, a, b, m) in enumerate(rows) if s is None]
    columns = [PLACE, "record_id", "spell_id", "start_date", "end_date", "admission_method"]
    assert made.frame.select(columns).rows() == sorted(expected + loose, key=lambda row: row[0])
    assert made.left_out["part_of_spell"] == len(rows) - len(expected) - len(loose)


SPAN = st.tuples(
    st.sampled_from(["p", "q", None]), st.integers(0, 2),
    st.one_of(st.none(), st.integers(0, 14)), st.one_of(st.none(), st.integers(0, 14)),
)  # fmt: skip
HORIZON = 40


def days_of(rows: list[tuple[str | None, int, date | None, date | None]]) -> Iterator[object]:
    """Yield (key, part, day) of every day before the horizon that sound rows tell of."""
    for key, part, start, end in rows:
        if key is None or start is None:
            continue
        last = (end - DAY).days if end else HORIZON
        yield from ((key, part, number) for number in range((start - DAY).days, last))


@given(rows=st.lists(SPAN, max_size=8), end_counts=st.booleans())
@settings(max_examples=120, deadline=None)
def test_no_day_is_told_by_two_parts_and_none_is_lost(
    rows: list[tuple[str | None, int, int | None, int | None]], end_counts: bool
) -> None:
    frame = pl.DataFrame(
        [(k, p, day(a), day(b)) for k, p, a, b in rows],
        schema={"k": pl.String, PART: pl.Int32, "a": pl.Date, "b": pl.Date}, orient="row",
    )  # fmt: skip
    told = without_told(frame, Priority(("k",), "a", "b", end_counts), ["k"], PART)

    def counted(each: pl.DataFrame) -> pl.DataFrame:
        return each.with_columns(pl.col("b").dt.offset_by("1d")) if end_counts else each

    before = set(days_of(counted(frame).select("k", PART, "a", "b").rows()))
    after = set(days_of(counted(told.frame).select("k", PART, "a", "b").rows()))
    first = {}
    for key, part, number in before:
        first[key, number] = min(part, first.get((key, number), part))
    assert after == {(key, part, number) for (key, number), part in first.items()}
    # What cannot be compared stays.
    loose = frame.filter(pl.col("k").is_null() | pl.col("a").is_null()).height
    found = told.frame.filter(pl.col("k").is_null() | pl.col("a").is_null()).height
    assert loose == found
    assert 0 <= told.covered <= frame.height


def test_delays_of_two_versions_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "MHS504DelayedDischarge.csv").write_text(
        "Person_ID,StartDateDelayDisch,EndDateDelayDisch,DelayDischReason\n"
        "1,2025-03-01,2025-03-31,14\n2,2025-03-10,2025-03-12,3\n3,2025-03-01,,07\n"
    )
    (tmp_path / "MHS518ClinReady.csv").write_text(
        "Person_ID,StartDateClinReady,EndDateClinReady,Reason\n"
        "1,2025-03-10,2025-03-20,34\n2,2025-03-09,,3\n"
    )
    text = """
meaning = "D."
[tables.delayed_discharges.columns]
record_id = ["person_id"]
[tables.delayed_discharges.priority]
of = ["record_id"]
start = "start_date"
end = "end_date"
[[tables.delayed_discharges.parts]]
files = ["MHS518*"]
columns = {start_date = ["StartDateClinReady"], end_date = ["EndDateClinReady"], reason = ["Reason"]}
[[tables.delayed_discharges.parts]]
files = ["MHS504*"]
columns = {start_date = ["StartDateDelayDisch"], end_date = ["EndDateDelayDisch"], reason = ["DelayDischReason"]}
"""
    accepted = read_text(text, "delayed_discharges", tmp_path)
    told = accepted.frame.select("record_id", "start_date", "end_date", "reason").sort(
        "record_id", "start_date"
    )
    march = [date(2025, 3, number) for number in range(1, 32)]
    assert told.rows() == [
        ("1", march[0], march[9], "14"),
        ("1", march[9], march[19], "34"),
        ("1", march[19], march[30], "14"),
        ("2", march[8], None, "03"),
        ("3", march[0], None, "07"),
    ]
    assert accepted.counts.left_out_by == {"double_counted": 1}
    assert accepted.counts.added_by == {"split": 1}


def test_people_of_stacked_extracts_are_those_of_the_last_and_stay_unique(tmp_path: Path) -> None:
    for quarter, home in (("2025Q4", "AB1 1AA"), ("2025Q10", "AB1 1AB")):
        folder = tmp_path / quarter
        folder.mkdir()
        (folder / "people.csv").write_text(f"id,Postcode\n1,{home}\n2,AB9 9ZZ\n")
    text = """
meaning = "P."
[tables.people.columns]
record_id = ["ID"]
[tables.people.latest]
of = ["record_id"]
"""
    accepted = read_text(text, "people", tmp_path)
    assert accepted.frame.select("record_id", "postcode").rows() == [
        ("1", "AB1 1AB"),
        ("2", "AB9 9ZZ"),
    ]
    assert accepted.counts.left_out_by == {"duplicate": 1, "superseded": 1}


@pytest.mark.parametrize("open_rule", [OpenEnds("end_date"), OpenEnds("end_date", ("gone",))])
def test_without_the_day_of_a_submission_nothing_is_closed(open_rule: OpenEnds) -> None:
    frame = pl.DataFrame(
        {"record_id": ["1"], "end_date": [None], PLACE: [0]}, schema_overrides={"end_date": pl.Date}
    )
    made = gather(frame, Whole(open=open_rule), SPELLS, ())
    assert made.frame["end_date"].to_list() == [None]
    assert not made.filled


def test_numbers_and_times_of_parquet_order_submissions_too(tmp_path: Path) -> None:
    for name, month, sent in (("a", 1501, 9), ("b", 999, 10), ("c", 1501, 8)):
        pl.DataFrame(
            {
                "id": [7], "spell": [3], "how": ["21"], "from": [day(0)], "to": [day(sent)],
                "UniqMonthID": [month], "sent": [datetime(2025, 4, 1, sent, 30)],
            }
        ).write_parquet(tmp_path / f"{name}.parquet")  # fmt: skip
    accepted = read_text(RESUBMITTED, "hospital_spells", tmp_path)
    told = accepted.frame.select("record_id", "spell_id", "start_date", "end_date").rows()
    assert told == [("7", "3", day(0), day(9))]
    assert accepted.counts.left_out_by == {"superseded": 2}
