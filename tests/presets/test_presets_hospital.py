"""HES, SUS and ECDS in their published layouts, and the artificial HES of NHS England."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from extracts import rows_of, take, write


def test_episodes_of_hes_make_admissions_and_their_diagnoses(tmp_path: Path) -> None:
    person = {"PSEUDO_HESID": "H1", "SEX": "2", "MYDOB": "051980", "GPPRAC": "A81001", "LSOA11": "E01000001",
              "ETHNOS": "A", "PROCODE3": "RAA", "ADMIDATE": "2025-04-05", "ADMIMETH": "2A"}  # fmt: skip
    path = write(tmp_path, "hes_apc", [
        person | {"EPIKEY": "1", "EPISTART": "2025-04-05", "EPIORDER": "1", "DIAG_4_01": "T391", "DIAG_4_02": "F322",
                  "CAUSE_4": "X600", "DISDATE": "1801-01-01", "DISMETH": "8", "MAINSPEF": "300"},
        person | {"EPIKEY": "2", "EPISTART": "2025-04-07", "EPIORDER": "2", "DIAG_4_01": "F322", "DIAG_4_02": "-",
                  "DISDATE": "2025-04-12", "DISMETH": "1", "MAINSPEF": "710", "GPPRAC": "&"},
        person | {"EPIKEY": "3", "ADMIDATE": "2025-06-01", "EPISTART": "2025-06-01", "EPIORDER": "1",
                  "DIAG_4_01": "J180", "DISDATE": "1800-01-01", "DISMETH": "8", "PROCODE3": "RBB"},
    ])  # fmt: skip
    rows = rows_of(
        "hes_apc", path, "admissions", "record_id", "start_date", "end_date", "admission_method",
        "primary_diagnosis", "external_cause", "specialty", "discharge_method",
    )  # fmt: skip
    assert sorted(rows, key=str) == [
        ("H1", date(2025, 4, 5), date(2025, 4, 12), "2A", "T391", "X600", "300", "1"),
        ("H1", date(2025, 6, 1), None, "2A", "J180", None, None, "8"),
    ]
    assert take("hes_apc", path, "admissions").counts.left_out_by == {"part_of_spell": 1}
    diagnoses = rows_of(
        "hes_apc", path, "diagnoses", "event_id", "recorded_date", "scheme", "diagnosis", "position"
    )
    assert diagnoses == [
        ("1", date(2025, 4, 5), "02", "T391", 1),
        ("1", date(2025, 4, 5), "02", "F322", 2),
        ("2", date(2025, 4, 7), "02", "F322", 1),
        ("3", date(2025, 6, 1), "02", "J180", 1),
    ]
    people = rows_of(
        "hes_apc",
        path,
        "people",
        "record_id",
        "nhs_number",
        "date_of_birth",
        "birth_precision",
        "lsoa_code",
    )
    assert people == [("H1", "H1", date(1980, 5, 1), "month", "E01000001")]


def test_every_diagnosis_of_twenty_is_kept_in_its_place(tmp_path: Path) -> None:
    names = [f"DIAG_4_{place:02}" for place in range(1, 21)]
    codes = [f"F{place:02}0" for place in range(1, 21)]
    path = tmp_path / "hes.csv"
    head = ["PSEUDO_HESID", "EPIKEY", "EPISTART", *names, "DIAG_4_CONCAT"]
    path.write_text(f"{','.join(head)}\nH1,1,2025-04-05,{','.join(codes)},F010\n")
    rows = rows_of("hes_apc", path, "diagnoses", "diagnosis", "position")
    assert rows == list(zip(codes, range(1, 21), strict=True))


def test_sus_admitted_care(tmp_path: Path) -> None:
    person = {"Der_Pseudo_NHS_Number": "T1", "Der_Spell_ID": "S1", "Der_Provider_Code": "RAA", "Sex": "1",
              "Ethnic_Group": "M", "Admission_Date": "2025-04-05", "Admission_Method": "21",
              "Der_Postcode_LSOA_2021_Code": "E01000001"}  # fmt: skip
    path = write(tmp_path, "sus_apc", [
        person | {"APCE_Ident": "1", "Episode_Start_Date": "2025-04-05", "Der_Primary_Diagnosis_Code": "F200"},
        person | {"APCE_Ident": "2", "Episode_Start_Date": "2025-04-06", "Der_Primary_Diagnosis_Code": "I10X",
                  "Discharge_Date": "2025-04-08", "Discharge_Method": "1"},
    ])  # fmt: skip
    rows = rows_of(
        "sus_apc",
        path,
        "admissions",
        "admission_id",
        "end_date",
        "primary_diagnosis",
        "discharge_method",
    )
    assert rows == [("S1", date(2025, 4, 8), "F200", "1")]
    assert rows_of("sus_apc", path, "people", "record_id", "nhs_number", "ethnic_category") == [
        ("T1", "T1", "M")
    ]


def test_emergency_care(tmp_path: Path) -> None:
    person = {"EC_Ident": "1", "Der_Pseudo_NHS_Number": "T1", "Sex": "1", "Arrival_Date": "2025-04-05",
              "EC_AttendanceCategory": "1", "EC_Chief_Complaint_SNOMED_CT": "248062006",
              "EC_Injury_Intent_SNOMED_CT": "276853009", "EC_Diagnosis_01": "72633001",
              "EC_Diagnosis_02": "35489007", "EC_Departure_Date": "2025-04-06",
              "EC_Discharge_Status_SNOMED_CT": "182992009", "Discharge_Destination_SNOMED_CT": "306689006",
              "CDS_Extract_Date": "2025-05-01"}  # fmt: skip
    late = person | {"EC_Departure_Date": "2025-04-07", "CDS_Extract_Date": "2025-06-01"}
    path = write(tmp_path, "ecds", [late, person])
    rows = rows_of(
        "ecds", path, "emergency_attendances", "attendance_id", "arrival_date", "departure_date",
        "attendance_category", "chief_complaint", "injury_intent", "diagnosis", "discharge_destination",
    )  # fmt: skip
    assert rows == [
        (
            "1",
            date(2025, 4, 5),
            date(2025, 4, 7),
            "1",
            "248062006",
            "276853009",
            "72633001",
            "306689006",
        )
    ]
    kinds = set(rows_of("ecds", path, "diagnoses", "scheme", "diagnosis", "position"))
    assert kinds == {("06", "72633001", 1), ("06", "35489007", 2)}


@pytest.fixture
def hes(open_data: Path) -> Path:
    return open_data / "records"


def test_artificial_hes_admitted_care_loses_no_value_uncounted(hes: Path) -> None:
    path = hes / "artificial_hes_apc.parquet"
    raw = pl.read_parquet(path)
    people = take("hes_apc", path, "people")
    assert people.counts.rows_in == raw.height == 2_075
    assert (
        people.frame["record_id"].n_unique()
        == people.frame.height
        == raw["PSEUDO_HESID"].n_unique()
    )
    assert {
        "record_id",
        "nhs_number",
        "date_of_birth",
        "sex",
        "ethnic_category",
        "practice_code",
        "lsoa_code",
    } <= set(people.present)
    last = raw.sort("EPISTART", maintain_order=True).unique(
        "PSEUDO_HESID", keep="last", maintain_order=True
    )
    assert people.frame["practice_code"].null_count() <= raw["GPPRAC"].is_in(["&", "-"]).sum()
    assert (
        people.frame["date_of_birth"].null_count() <= raw["MYDOB"].is_in(["011800", "011801"]).sum()
    )
    assert last.height == people.frame.height
    admissions = take("hes_apc", path, "admissions")
    key = raw.select("PSEUDO_HESID", "PROCODE3", "ADMIDATE").filter(
        pl.col("ADMIDATE") > "1801-01-01"
    )
    assert admissions.frame["start_date"].drop_nulls().len() == key.n_unique()
    assert admissions.counts.unreadable == {}
    assert admissions.frame["admission_method"].null_count() == raw["ADMIMETH"].null_count()
    told = raw.unpivot([f"DIAG_4_{n:02}" for n in range(1, 8)], index="EPIKEY")["value"]
    filled = told.filter(told.is_not_null() & ~told.is_in(["-", "&", ""])).len()
    assert take("hes_apc", path, "diagnoses").frame.height == filled


def test_artificial_hes_emergency_and_outpatients(hes: Path) -> None:
    path = hes / "artificial_hes_ae.parquet"
    raw = pl.read_parquet(path)
    seen = take("hes_ae", path, "emergency_attendances")
    assert seen.frame["arrival_date"].to_list() == raw["ARRIVALDATE"].str.to_date().to_list()
    assert seen.frame["attendance_category"].to_list() == raw["AEATTENDCAT"].to_list()
    assert seen.counts.unreadable == {}
    assert take("hes_ae", path, "people").frame.height == raw["PSEUDO_HESID"].n_unique()
    path = hes / "artificial_hes_op.parquet"
    raw = pl.read_parquet(path)
    kept = take("hes_op", path, "outpatient_appointments")
    assert kept.frame["attendance"].to_list() == raw["ATTENDED"].to_list()
    assert kept.counts.unreadable == {}
