"""Rows as a preset describes them: chosen, put together, stacked, looked up, coded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pophealth_link.errors import DataError, JobError
from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.sources import Accepted, TableFile, check, found_columns, paths_of, read
from pophealth_link.sources.preset import Preset, parse, preset

CONTACTS, ADMISSIONS = EVENT_TABLES["contacts"], EVENT_TABLES["admissions"]
CONDITIONS = EVENT_TABLES["condition_events"]


def made(text: str) -> Preset:
    found, problems = parse(text, "own", "own.toml")
    assert problems == []
    return found


def read_all(text: str, table: str, path: Path, codelist: Path | None = None) -> Accepted:
    tables = {**EVENT_TABLES, "people": PEOPLE, "dwellings": DWELLINGS}
    file = made(text).apply_to_all(TableFile(tables[table], path, codelist=codelist))
    assert check(file, "x") == []
    return read(file, where="x")


def adds_up(accepted: Accepted) -> bool:
    counts = accepted.counts
    ends = accepted.frame.height + accepted.quarantine.height + sum(counts.left_out_by.values())
    return counts.rows_in + sum(counts.added_by.values()) == ends


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_files_of_a_table_are_chosen_by_name_and_stacked_each_with_its_own_header(
    tmp_path: Path,
) -> None:
    folder = write(
        tmp_path / "d",
        CON_Q10="CONTACT DATE,id,Attended\n2025-03-01,1,5\n",
        con_q2="id;Attended;contact date\n2;3;2025-02-01\n;5;2025-02-01\n",
        other="id\n9\n",
    )
    (folder / ".con_q3.csv").write_text("x")
    text = """
meaning = "Contacts."
[tables.contacts]
files = ["con_*"]
[tables.contacts.columns]
record_id = ["ID"]
contact_date = ["Contact Date"]
attendance = ["attended"]
"""
    accepted = read_all(text, "contacts", folder)
    assert accepted.frame["record_id"].to_list() == ["2", "1"]  # Q2 before Q10
    assert accepted.quarantine.select("file", "row").rows() == [("con_q2.csv", 2)]
    assert adds_up(accepted)


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("utf-8", "É"), ("utf-8-sig", "É"), ("cp1252", "É"), ("utf-8", "’"), ("cp1252", "’")],
)
def test_encodings_and_what_means_nothing(tmp_path: Path, encoding: str, written: str) -> None:
    path = tmp_path / "x.csv"
    text = f"RECORD_ID,Family_Name,SEX,ethnic_category\n 1 ,{written}clair,NULL, - \n2,,9,\n"
    path.write_bytes(text.encode(encoding))
    preset_text = 'meaning = "P."\nmissing = ["-"]\n[tables.people.columns]\nsex = ["gender"]\n'
    frame = read_all(preset_text, "people", path).frame
    told = frame.select("record_id", "family_name", "sex", "ethnic_category").rows()
    assert told == [("1", f"{written}clair", None, None), ("2", None, "9", None)]


def test_only_rows_of_the_table_values_meaning_codes_and_constants(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "id,kind,day,how\n"
        "1,Service A,20250401,Attended on time\n"
        "2,service,01/04/2025,dna - no reason\n"
        "3,Request,2025-04-01,5\n"
        "4,SERVICE b,2025-04-01,05\n"
        "5,,2025-04-01,5\n"
        "6,service,,5\n"
    )
    text = """
meaning = "Contacts."
dates = ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d"]
[tables.contacts]
require = ["contact_date"]
[tables.contacts.columns]
record_id = ["id"]
contact_date = ["day"]
attendance = ["how"]
[tables.contacts.where]
"type|kind" = ["service*"]
[tables.contacts.values.attendance]
"attended on time" = "5"
"dna*" = "3"
[tables.contacts.constants]
contact_id = "one"
"""
    accepted = read_all(text, "contacts", path)
    told = accepted.frame.select("record_id", "contact_date", "attendance", "contact_id").rows()
    day = date(2025, 4, 1)
    assert told == [("1", day, "5", "one"), ("2", day, "3", "one"), ("4", day, "5", "one")]
    assert accepted.counts.left_out_by == {"not_of_table": 3}
    assert adds_up(accepted)


def test_a_column_that_tells_rows_apart_must_be_there_unless_nothing_is_allowed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("record_id,contact_date,attendance\n1,2025-04-01,5\n")
    text = 'meaning = "C."\n[tables.contacts.where]\nkind = ["service"{0}]\n'
    file = made(text.format("")).apply_to_all(TableFile(CONTACTS, path))
    (problem,) = check(file, "sources[0].path")
    assert problem.kind is DataError
    assert "x.csv has no column `kind`" in problem.what
    assert read_all(text.format(', ""'), "contacts", path).frame.height == 1


def test_columns_put_together_and_dates_of_birth_without_a_day(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "la,person,yob,mob\nE1,7,1980,6\nE1,8,1981,\nE2,7,,3\n,9,1982,12\nE1,,1983,1\n,,1983,1\n"
    )
    text = """
meaning = "P."
nhs_number_kind = "token"
[tables.people.combine]
record_id = ["la", ["id", "person"]]
date_of_birth = ["yob", "mob"]
[tables.people.formats]
date_of_birth = ["%Y-%m", "%Y"]
"""
    accepted = read_all(text, "people", path)
    assert accepted.frame.select("record_id", "date_of_birth", "birth_precision").rows() == [
        ("E1-7", date(1980, 6, 1), "month"),
        ("E1-8", date(1981, 1, 1), "year"),
        ("E2-7", None, None),
        ("-9", date(1982, 12, 1), "month"),
        ("E1", date(1983, 1, 1), "month"),
    ]
    assert accepted.counts.unreadable == {("date_of_birth", "not_a_date"): 1}
    assert accepted.counts.quarantined_by == {"no_record_id": 1}


def test_wide_rows_are_stacked_with_their_position(tmp_path: Path) -> None:
    path = tmp_path / "hes.csv"
    path.write_text("id,DIAG_4_01,diag_4_02,DIAG_4_10,x\n1,F200,,X60,a\n2,,,,b\n3,F329,F102,,c\n")
    text = """
meaning = "D."
[tables.diagnoses.columns]
record_id = ["id"]
[tables.diagnoses.constants]
recorded_date = "2025-04-01"
[tables.diagnoses.stack]
diagnosis = ["icd_*", "diag_4_*"]
position = "position"
"""
    accepted = read_all(text, "diagnoses", path)
    assert accepted.frame.select("record_id", "diagnosis", "position").rows() == [
        ("1", "F200", 1), ("1", "X60", 3), ("3", "F329", 1), ("3", "F102", 2),
    ]  # fmt: skip
    assert (accepted.counts.left_out_by, accepted.counts.added_by) == (
        {"no_value": 1},
        {"stacked": 2},
    )
    assert adds_up(accepted)


LOOKUP = """
meaning = "C."
[tables.contacts]
files = ["con*"]
[tables.contacts.columns]
record_id = ["person"]
[[tables.contacts.lookup]]
files = ["spell*"]
on = ["SpellID|spell"]
take = ["referral"]
latest_by = ["month"]
[[tables.contacts.lookup]]
files = ["ref*"]
on = ["referral"]
take = ["person"]
"""


def test_columns_are_taken_from_other_files_of_the_folder_in_turn(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "d",
        contacts="SpellID,contact_date,attendance\nS1,2025-04-01,5\nS2,2025-04-01,5\nS9,2025-04-01,5\n,2025-04-01,5\n",
        spells="spell,month,Referral\nS1,10,R2\nS1,9,R1\nS2,9,R1\n,9,R1\n",
        referrals="REFERRAL,person\nR1,p1\nR2,p2\n",
    )  # fmt: skip
    accepted = read_all(LOOKUP, "contacts", folder)
    assert accepted.frame["record_id"].to_list() == ["p2", "p1"]
    assert accepted.counts.quarantined_by == {"no_record_id": 2}
    file = made(LOOKUP).apply_to_all(TableFile(CONTACTS, folder))
    assert {path.name for path in paths_of(file)} == {
        "contacts.csv", "spells.csv", "referrals.csv",
    }  # fmt: skip
    assert "record_id" in found_columns(file)


def test_a_lookup_without_the_columns_that_join_it_is_told(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "d",
        contacts="SpellID,contact_date,attendance\nS1,2025-04-01,5\n",
        spells="other,referral\nS1,R1\n",
    )
    told = [p.what for p in check(made(LOOKUP).apply_to_all(TableFile(CONTACTS, folder)), "x")]
    assert any("spells.csv has no column `SpellID` or `spell`" in each for each in told)
    (folder / "spells.csv").unlink()
    told = [p.what for p in check(made(LOOKUP).apply_to_all(TableFile(CONTACTS, folder)), "x")]
    assert any("no column `record_id`" in each for each in told)


CODED = """
meaning = "G."
[tables.condition_events]
codelist = ["snomed"]
[tables.condition_events.columns]
record_id = ["id"]
recorded_date = ["day"]
"""


@pytest.mark.parametrize("folder", [False, True])
def test_codes_become_conditions_by_the_codelist(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "gp.csv"
    path.write_text(
        "id,snomed,day\n1,35489007,2020-01-01\n2,4.13E+15,2020-01-01\n3,1,2020-01-01\n4, 58703003 ,2020-01-01\n5,,2020-01-01\n"
    )
    if folder:
        codes = write(
            tmp_path / "codes",
            depression="term,Code\nx,35489007\ny,58703003\n",
            anxiety="code\n58703003\n",
        )
    else:
        codes = tmp_path / "codes.csv"
        codes.write_text(
            "code,condition,term\n35489007,Depression,a\n58703003,depression,b\n58703003,anxiety,c\n58703003,anxiety,d\n"
        )
    accepted = read_all(CODED, "condition_events", path, codes)
    assert accepted.frame.select("record_id", "condition").rows() == [
        ("1", "depression"), ("4", "anxiety"), ("4", "depression"),
    ]  # fmt: skip
    assert accepted.counts.left_out_by == {"damaged_code": 1, "not_in_codelist": 2}
    assert accepted.counts.added_by == {"several_conditions": 1}
    assert adds_up(accepted)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code,condition\n1,sadness\n", "names 1 conditions that there are not"),
        ("code,condition\n1.9E+14,anxiety\n", "1 codes of"),
        ("code,term\n1,anxiety\n", "has no column `condition`"),
        ("code,condition\n", "holds no code"),
        ("code,condition\n1,anxiety,more\n", "1 rows of"),
        ("", "is empty"),
    ],
)
def test_a_codelist_that_cannot_be_used_is_told(tmp_path: Path, text: str, words: str) -> None:
    path, codes = tmp_path / "gp.csv", tmp_path / "codes.csv"
    path.write_text("id,snomed,day\n1,35489007,2020-01-01\n")
    codes.write_text(text)
    file = made(CODED).apply_to_all(TableFile(CONDITIONS, path, codelist=codes))
    assert any(words in problem.what for problem in check(file, "x"))
    with pytest.raises(DataError):
        read(file, where="x")


def test_codes_without_a_codelist_ask_for_one(tmp_path: Path) -> None:
    path = tmp_path / "gp.csv"
    path.write_text("id,snomed,day\n1,35489007,2020-01-01\n")
    (problem,) = check(made(CODED).apply_to_all(TableFile(CONDITIONS, path)), "x")
    assert problem.kind is JobError
    assert "the job names no codelist" in problem.what


def test_the_order_of_a_presets_names_holds_where_the_contracts_own_is_among_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("record_id,contact_date,ATTENDANCE,ATTENDED\n1,2025-04-01,1,5\n")
    text = 'meaning = "C."\n[tables.contacts.columns]\nattendance = ["ATTENDED", "attendance"]\n'
    assert read_all(text, "contacts", path).frame["attendance"].to_list() == ["5"]


def test_what_a_preset_file_says_wrongly_is_told_at_once() -> None:
    text = """
meaning = "C."
setting = "hospital"
nhs_number_kind = "clear"
fils = 1
[tables.contact]
[tables.contacts]
files = "x*"
wher = 1
require = ["contact_day"]
[tables.contacts.columns]
contact_day = ["x"]
[tables.contacts.latest]
by = ["x"]
[tables.contacts.open]
end = "end"
[tables.contacts.stack]
attendance = ["a*"]
contact_id = ["b*"]
[[tables.contacts.parts]]
files = ["a*"]
latest = 1
[[tables.contacts.parts.lookup]]
on = ["x"]
"""
    _, problems = parse(text, "own", "own.toml")
    told = "\n".join(f"{p.where}  {p.what}" for p in problems)
    for words in (
        "own.toml.setting  must be one of",
        "own.toml.fils  not a setting.",
        "own.toml.tables.contact  not a table. Did you mean `contacts`?",
        "own.toml.tables.contacts.wher  not a setting. Did you mean `where`?",
        "`contact_day` is not a column of contacts. Did you mean `contact_date`?",
        "latest.of  is missing",
        "open  needs until or month",
        "stack  names more than one column",
        "parts[0].latest  not a setting.",
        "lookup.files  is missing",
        "lookup.take  is missing",
    ):
        assert words in told
    assert {p.kind for p in problems} == {JobError}
    _, problems = parse("meaning = \n", "own", "own.toml")
    assert [p.what for p in problems] == ["is not TOML: it cannot be read at line 1, column 11."]


def test_a_preset_of_the_jobs_own(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'meaning = "P."\n[tables.people.columns]\nsex = ["Geschl"]\n'
    )
    assert preset("own.toml", tmp_path).tables["people"].columns == {"sex": ("Geschl",)}
    with pytest.raises(JobError, match="does not exist"):
        preset("other.toml", tmp_path)
