"""Keys of resubmissions: what they are where a column is empty or absent, and wide rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from own_preset import file_of, read_text

from pophealth_link.errors import DataError
from pophealth_link.schema import PEOPLE
from pophealth_link.sources import TableFile, cautions, check

SPELLS = """
meaning = "S."
[tables.hospital_spells.columns]
record_id = ["id"]
spell_id = ["spell"]
[tables.hospital_spells.latest]
of = ["record_id", "spell_id", "start_date"]
{otherwise}
"""
ROWS = "id,start_date,admission_method\n1,2025-01-05,21\n1,2025-01-05,21\n1,2025-02-01,21\n"


def test_without_a_column_of_the_key_nothing_is_taken_for_a_resubmission(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ROWS)
    (tmp_path / "b.csv").write_text(
        "id,spell,start_date,admission_method\n2,A,2025-01-05,21\n2,A,2025-01-05,21\n"
    )
    text = SPELLS.format(otherwise="")
    accepted = read_text(text, "hospital_spells", tmp_path)
    assert accepted.frame["record_id"].to_list() == ["1", "1", "1", "2"]
    (caution,) = cautions(file_of(text, "hospital_spells", tmp_path))
    assert "a.csv has no column spell_id" in caution


def test_rows_without_the_key_have_another(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = SPELLS.format(otherwise='otherwise = ["record_id", "start_date"]')
    path.write_text(ROWS)
    assert read_text(text, "hospital_spells", path).frame.height == 2
    assert cautions(file_of(text, "hospital_spells", path)) == []
    path.write_text(
        "id,spell,start_date,admission_method\n1,A,2025-01-05,21\n1,B,2025-01-05,21\n"
        "1,,2025-01-05,21\n1,,2025-01-05,21\n"
    )
    accepted = read_text(text, "hospital_spells", path)
    assert accepted.frame["spell_id"].to_list() == ["A", "B", None]


WIDE = """
meaning = "D."
[tables.diagnoses.columns]
record_id = ["id"]
event_id = ["key"]
[tables.diagnoses.constants]
recorded_date = "2025-04-01"
[tables.diagnoses.stack]
diagnosis = ["diag_*"]
position = "position"
[tables.diagnoses.latest]
of = ["event_id"]
"""


def test_of_wide_rows_the_latest_counts_with_all_its_values_or_none(tmp_path: Path) -> None:
    (tmp_path / "m12.csv").write_text(
        "id,key,diag_1,diag_2\n1,E1,R69,X60\n1,E2,F20,F10\n1,E3,F32,\n1,E4,,\n"
    )
    (tmp_path / "m13.csv").write_text("id,key,diag_1,diag_2\n1,E1,F320,\n1,E2,,\n")
    accepted = read_text(WIDE, "diagnoses", tmp_path)
    assert accepted.frame.select("event_id", "diagnosis", "position").rows() == [
        ("E3", "F32", 1), ("E1", "F320", 1),
    ]  # fmt: skip
    # Of six rows two became two each; four of the former submission are gone, two hold nothing.
    assert accepted.counts.added_by == {"stacked": 2}
    assert accepted.counts.left_out_by == {"superseded": 4, "no_value": 2}


EPISODES = """
meaning = "A."
[tables.admissions.columns]
record_id = ["id"]
admission_id = ["spell", "key"]
[tables.admissions.constants]
admission_method = "21"
primary_diagnosis = "F20"
[tables.admissions.spells]
of = ["record_id", "spell"]
otherwise = ["record_id", "provider|", "start_date"]
order = ["start_date"]
greatest = ["end_date"]
[tables.admissions.latest]
of = ["key"]
"""


@pytest.mark.parametrize("sites", [("RAA", "RAA"), ("", "")])
def test_spells_have_their_number_else_the_provider_and_day(
    tmp_path: Path, sites: tuple[str, str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "id,key,spell,provider,start_date,end_date\n"
        f"1,E1,S1,RAA,2025-04-05,2025-04-05\n1,E2,S2,RAA,2025-04-05,2025-04-15\n"
        f"2,E3,,{sites[0]},2025-04-05,\n2,E4,,{sites[1]},2025-04-05,2025-04-09\n"
        f"2,E5,,{sites[1]},,2025-04-09\n2,E6,,{sites[1]},,2025-04-09\n"
    )
    accepted = read_text(EPISODES, "admissions", path)
    assert accepted.frame.select("record_id", "start_date", "end_date").rows() == [
        ("1", date(2025, 4, 5), date(2025, 4, 5)),
        ("1", date(2025, 4, 5), date(2025, 4, 15)),
        ("2", date(2025, 4, 5), date(2025, 4, 9)),
        ("2", None, date(2025, 4, 9)),
        ("2", None, date(2025, 4, 9)),
    ]


WITHIN = """
meaning = "R."
[tables.referrals.columns]
record_id = ["id"]
[tables.referrals.open]
end = "discharge_date"
month = ["month"]
within = ["org"]
"""


def test_what_is_open_in_an_old_submission_is_judged_within_its_provider(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    # Provider RBB sent nothing after month 1500 (March 2025); RAA sent 1501 too.
    path.write_text(
        "id,org,month,referral_id,discharge_date,referral_date\n1,RAA,1500,R1,,2025-01-01\n2,RAA,1501,R2,,2025-01-01\n"
        "3,RBB,1500,R3,,2025-01-01\n"
    )
    frame = read_text(WITHIN, "referrals", path).frame
    assert frame["discharge_date"].to_list() == [date(2025, 3, 31), None, None]


def test_parts_that_tell_of_the_same_days_do_not_supersede_each_other(tmp_path: Path) -> None:
    text = """
meaning = "D."
[tables.delayed_discharges.latest]
of = ["record_id", "start_date"]
by = ["month"]
[tables.delayed_discharges.priority]
of = ["record_id"]
start = "start_date"
end = "end_date"
[[tables.delayed_discharges.parts]]
files = ["new*"]
[[tables.delayed_discharges.parts]]
files = ["old*"]
"""
    head = "record_id,start_date,end_date,reason,month\n"
    (tmp_path / "new.csv").write_text(head + "1,2025-03-01,2025-03-10,14,1500\n")
    (tmp_path / "old.csv").write_text(head + "1,2025-03-01,2025-03-10,3,1501\n")
    accepted = read_text(text, "delayed_discharges", tmp_path)
    assert accepted.frame["reason"].to_list() == ["14"]
    assert accepted.counts.left_out_by == {"double_counted": 1}


LOOKUP = """
meaning = "C."
dates = ["%d-%b-%Y"]
missing = ["-"]
[tables.people]
files = ["people*"]
[tables.people.columns]
record_id = ["id"]
practice_code = ["practice"]
[[tables.people.lookup]]
files = ["gp*"]
on = ["id"]
take = ["practice"]
latest_by = ["day"]
"""


def test_values_from_another_file_are_cleaned_and_ordered_as_those_of_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "people.csv").write_text("id\n1\n2\n3\n")
    (tmp_path / "gp.csv").write_text(
        "id,practice,day\n1,A81001,01-Dec-2024\n1,A81002,05-Jan-2024\n"
        "2,A81001,01-Jan-2024\n2,NULL,01-Feb-2024\n2,-,01-Mar-2024\n3,,\nNULL,A81003,01-Mar-2024\n"
    )
    frame = read_text(LOOKUP, "people", tmp_path).frame
    assert frame["practice_code"].to_list() == ["A81001", "A81001", None]


def test_a_folder_of_parquet_and_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("record_id\n1\n")
    pl.DataFrame({"record_id": ["2"]}).write_parquet(tmp_path / "b.parquet")
    (problem,) = check(TableFile(PEOPLE, tmp_path), "sources[0].people")
    assert problem.kind is DataError
    assert "holds both Parquet and text files (1 and 1)" in problem.what


def test_a_number_without_its_leading_zero_is_filled_up(tmp_path: Path) -> None:
    text = """
meaning = "P."
[tables.people]
pad = {date_of_birth = 6}
[tables.people.columns]
date_of_birth = ["MYDOB"]
[tables.people.formats]
date_of_birth = ["%m%Y"]
"""
    pl.DataFrame({"record_id": [1, 2, 3], "MYDOB": [51980, 121981, 980]}).write_parquet(
        tmp_path / "p.parquet"
    )
    accepted = read_text(text, "people", tmp_path / "p.parquet")
    assert accepted.frame["date_of_birth"].to_list() == [date(1980, 5, 1), date(1981, 12, 1), None]
    assert accepted.counts.unreadable == {("date_of_birth", "not_a_date"): 1}


def test_people_whose_id_is_from_other_columns_in_other_files_are_told_of(tmp_path: Path) -> None:
    text = 'meaning = "P."\n[tables.people.columns]\nrecord_id = ["TOKEN", "PSEUDO"]\n'
    (tmp_path / "2020.csv").write_text("PSEUDO,sex\nA,1\n")
    (tmp_path / "2021.csv").write_text("token,sex\nB,1\n")
    (caution,) = cautions(file_of(text, "people", tmp_path))
    assert "record_id" in caution
    assert "PSEUDO and token" in caution
