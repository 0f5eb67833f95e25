"""General practice: the register, and coded entries that a codelist makes into conditions."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from extracts import TABLES, rows_of
from pophealth_link.sources import TableFile, preset
from pophealth_link.sources.reading import load


def test_the_register_of_a_practice_system(tmp_path: Path) -> None:
    path = tmp_path / "gp.csv"
    path.write_text(
        "PATIENT ID,NHS Number,First Name,Last Name,Date of Birth,Gender,Post Code,Ethnic Category,"
        "ODS_Code,Registration Date,Deduction Date\n"
        "1,999 000 0018,ANN,LEE,06/05/1980,Female,ab1 2cd,A,A81001,01-Apr-2015,NULL\n"
        "2,,BOB,RAY,19900506,M,,,A81001,2015-04-01,2020-03-31\n"
    )
    rows = rows_of(
        "gp_register",
        path,
        "people",
        *("record_id", "family_name", "date_of_birth", "practice_code", "date_from", "date_to"),
    )
    assert rows == [
        ("1", "LEE", date(1980, 5, 6), "A81001", date(2015, 4, 1), None),
        ("2", "RAY", date(1990, 5, 6), "A81001", date(2015, 4, 1), date(2020, 3, 31)),
    ]


def test_a_pseudonymised_register_with_year_of_birth_and_lsoa(tmp_path: Path) -> None:
    path = tmp_path / "gp.csv"
    path.write_text(
        "patient_id,nhs_number,dob,gender,lsoa\nX,a1b2,1980,2,E01000001\nY,c3d4,1990-05,1,\n"
    )
    rows = rows_of("gp_register", path, "people", "date_of_birth", "birth_precision", "lsoa_code")
    assert rows == [
        (date(1980, 1, 1), "year", "E01000001"),
        (date(1990, 5, 1), "month", None),
    ]


def test_entries_become_conditions_by_the_codelist_of_the_job(tmp_path: Path) -> None:
    codes = tmp_path / "codelist.csv"
    codes.write_text("code,condition\n35489007,depression\n52448006,dementia\n")
    path = tmp_path / "entries.csv"
    path.write_text(
        "Patient ID,ConceptID,EffectiveDate\n1,35489007,2025-04-01\n1,73211009,2025-04-02\n2,52448006,03/04/2025\n"
    )
    file = preset("gp_condition_events").apply_to_all(TableFile(TABLES["condition_events"], path))
    accepted = load(replace(file, codelist=codes), where="gp")
    assert not accepted.problems, [each.what for each in accepted.problems]
    assert accepted.frame.select("record_id", "condition", "recorded_date").rows() == [
        ("1", "depression", date(2025, 4, 1)),
        ("2", "dementia", date(2025, 4, 3)),
    ]
    assert accepted.counts.left_out_by == {"not_in_codelist": 1}
