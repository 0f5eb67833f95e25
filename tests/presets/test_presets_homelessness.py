"""Homelessness as the return really is: sections of a household, linked by the case."""

from datetime import date
from pathlib import Path

import pytest

from extracts import TABLES, rows_of, take
from pophealth_link.job.load import load
from pophealth_link.sources import Source, TableFile, cautions, preset

PEOPLE = (
    "CaseRef,PersonRef,forename,surname,DateOfBirth\n"
    "C1,1,ANN,LEE,06/05/1980\nC1,2,BOB,LEE,06/05/1982\nC2,1,CAT,RAY,06/05/1990\n"
)
MAIN = "CaseRef,Prevention_Duty_Start_Date,Relief_Duty_Start_Date\nC1,01/04/2025,\nC2,,02/06/2025\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_a_duty_owed_to_a_case_is_owed_to_each_person_of_it(tmp_path: Path) -> None:
    write(tmp_path, main=MAIN, people=PEOPLE)
    people = take("h_clic", tmp_path, "people")
    assert people.frame.select("record_id", "given_name").rows() == [
        ("C1-1", "ANN"), ("C1-2", "BOB"), ("C2-1", "CAT"),
    ]  # fmt: skip
    # The rows of the main section hold neither name nor date of birth nor person.
    assert people.counts.left_out_by == {"not_of_table": 2}
    duties = take("h_clic", tmp_path, "homelessness_cases")
    assert duties.frame.select("record_id", "case_id", "duty", "start_date").rows() == [
        ("C1-1", "C1", "prevention", date(2025, 4, 1)),
        ("C1-2", "C1", "prevention", date(2025, 4, 1)),
        ("C2-1", "C2", "relief", date(2025, 6, 2)),
    ]
    # Two rows are read for each of two duties; that of C1 becomes two in each.
    assert duties.counts.rows_in == 4
    assert duties.counts.added_by == {"several_looked_up": 2}
    assert duties.counts.left_out_by == {"not_of_table": 3}


def test_a_section_without_people_is_no_cause_for_caution(tmp_path: Path) -> None:
    write(tmp_path, main=MAIN, people=PEOPLE)
    assert cautions(preset("h_clic").apply_to_all(TableFile(TABLES["people"], tmp_path))) == []


def test_a_single_file_takes_nothing_from_people_of_other_sources(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write(tmp_path / "run", people=PEOPLE)
    write(tmp_path, gp_people="patient_id,surname\n1,LEE\n", extract=MAIN)
    rows = rows_of("h_clic", tmp_path / "extract.csv", "homelessness_cases", "record_id", "duty")
    assert sorted(rows) == [("C1", "prevention"), ("C2", "relief")]


def test_temporary_accommodation_of_a_case_is_that_of_each_person(tmp_path: Path) -> None:
    write(
        tmp_path,
        applicants=PEOPLE,
        temporary_accommodation="CaseRef,TA_Start_Date,TA_Type\nC1,01/05/2025,B&B\nC9,01/05/2025,B&B\n",
    )
    rows = rows_of("h_clic", tmp_path, "temporary_accommodation", "record_id", "placement_type")
    assert rows == [("C1-1", "B&B"), ("C1-2", "B&B"), ("C9", "B&B")]


def test_a_case_without_numbers_of_people_is_its_applicant(tmp_path: Path) -> None:
    people = "Case Reference,First Name,Last Name\nC1,ANN,LEE\nC2,CAT,RAY\n"
    cases = "Case Reference,Prevention Duty Start Date\nC1,01/04/2025\n"
    write(tmp_path, applicants=people, cases=cases)
    assert rows_of("h_clic", tmp_path, "people", "record_id", "family_name") == [
        ("C1", "LEE"), ("C2", "RAY"),
    ]  # fmt: skip
    assert rows_of("h_clic", tmp_path, "homelessness_cases", "record_id") == [("C1",)]


def test_a_person_reference_without_a_case_is_the_person(tmp_path: Path) -> None:
    write(tmp_path, people="PersonRef,surname\n7,LEE\n")
    assert rows_of("h_clic", tmp_path, "people", "record_id") == [("7",)]


def test_a_file_of_people_is_not_one_of_temporary_accommodation(tmp_path: Path) -> None:
    write(tmp_path, hclic_data_2024_people=PEOPLE)
    source = housing(tmp_path, ".")
    assert source.events == ()


JOB = """
version = 1
as_of = 2025-07-01
[[sources]]
name = "gp"
preset = "gp_register"
path = "gp/gp.csv"
[[sources]]
name = "housing"
preset = "h_clic"
path = "{path}"
[disclosure]
policy = "hes"
"""


def housing(folder: Path, path: str) -> Source:
    (folder / "gp").mkdir()
    (folder / "gp" / "gp.csv").write_text("Patient ID,Last Name,DOB\n1,LEE,1980-05-06\n")
    (folder / "job.toml").write_text(JOB.format(path=path))
    return load(folder / "job.toml").sources[1]


@pytest.mark.parametrize("name", ["h-clic_q1", "extract"])
def test_a_single_file_is_offered_to_all_parts(tmp_path: Path, name: str) -> None:
    text = (
        "CaseRef,PersonRef,surname,DateOfBirth,Relief_Duty_Start_Date,Main_Duty_Start_Date\n"
        "C1,1,LEE,06/05/1980,01/04/2025,01/06/2025\n"
    )
    write(tmp_path, **{name: text})
    source = housing(tmp_path, f"{name}.csv")
    assert [file.table.name for file in source.events] == ["homelessness_cases"]
    rows = rows_of("h_clic", tmp_path / f"{name}.csv", "homelessness_cases", "record_id", "duty")
    assert sorted(rows) == [("C1-1", "main"), ("C1-1", "relief")]
