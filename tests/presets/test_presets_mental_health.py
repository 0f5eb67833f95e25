"""MHSDS versions 5 and 6, Talking Therapies and community services, in their published layouts."""

from datetime import date
from pathlib import Path

import pytest

from extracts import columns_of, rows_of, take, write

APRIL, MAY, JUNE = "1501", "1502", "1503"  # months since April 1900: 2025


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    """Three monthly submissions of one trust, stacked in each file."""
    write(tmp_path, "MHS001MPI", [
        {"Person_ID": "P1", "LocalPatientId": "L1", "NHSNumber": "9990000018", "PersonBirthDate": "1980-05-06",
         "Gender": "1", "EthnicCategory": "A", "Postcode": "AB1 2CD", "LSOA2021": "E01000001",
         "UniqMonthID": APRIL},
        {"Person_ID": "P1", "LocalPatientId": "L1", "NHSNumber": "9990000018", "PersonBirthDate": "1980-05-06",
         "Gender": "1", "EthnicCategory": "B", "Postcode": "AB1 3CD", "UniqMonthID": MAY},
        {"Person_ID": "P2", "LocalPatientId": "L2", "PersonBirthDate": "06/05/1990", "GenderIDCode": "2",
         "Gender": "2", "PersDeathDate": "2025-06-01", "UniqMonthID": MAY},
    ])  # fmt: skip
    write(tmp_path, "MHS002GP", [
        {"Person_ID": "P1", "LocalPatientId": "L1", "GMPReg": "A81001", "UniqMonthID": APRIL},
        {"Person_ID": "P1", "LocalPatientId": "L1", "GMPReg": "A81002", "UniqMonthID": MAY},
    ])  # fmt: skip
    write(tmp_path, "MHS101Referral", [
        {"Person_ID": "P1", "UniqServReqID": "R1", "ReferralRequestReceivedDate": "2025-04-02",
         "SourceOfReferralMH": "A1", "ClinRespPriorityType": "3", "PrimReasonReferralMH": "4",
         "UniqMonthID": month, "ServDischDate": end}
        for month, end in ((APRIL, ""), (MAY, "2025-05-20"))
    ] + [
        {"Person_ID": "P2", "UniqServReqID": "R2", "ReferralRequestReceivedDate": "2025-05-01",
         "PrimReasonReferralMH": "18", "ReasonOAT": "10", "UniqMonthID": JUNE},
    ])  # fmt: skip
    return tmp_path


def test_people_are_those_of_their_last_submission_with_their_practice(trust: Path) -> None:
    rows = rows_of(
        "mhsds_v6", trust, "people", "record_id", "date_of_birth", "sex", "ethnic_category", "postcode",
        "practice_code", "date_of_death",
    )  # fmt: skip
    assert sorted(rows) == [
        ("P1", date(1980, 5, 6), "1", "B", "AB1 3CD", "A81002", None),
        ("P2", date(1990, 5, 6), "2", None, None, None, date(2025, 6, 1)),
    ]
    counts = take("mhsds_v6", trust, "people").counts
    assert (counts.rows_in, counts.accepted, counts.left_out_by) == (3, 2, {"superseded": 1})


def test_a_referral_is_told_as_last_submitted_and_codes_get_their_zeros_back(trust: Path) -> None:
    rows = rows_of(
        "mhsds_v6", trust, "referrals", "record_id", "referral_id", "referral_date", "discharge_date",
        "source_of_referral", "priority", "primary_reason", "out_of_area_reason",
    )  # fmt: skip
    assert sorted(rows) == [
        ("P1", "R1", date(2025, 4, 2), date(2025, 5, 20), "A1", "3", "04", None),
        ("P2", "R2", date(2025, 5, 1), None, None, None, "18", "10"),
    ]


def test_local_submission_files_find_the_patient_through_the_referral(tmp_path: Path) -> None:
    local = [
        c
        for c in columns_of("MHS201CareContact")
        if c in ("CareContactId", "ServiceRequestId", "CareContDate", "AttendStatus")
    ]
    (tmp_path / "mhs201carecontact.csv").write_text(
        ",".join(local) + "\nC1,S1,2025-04-03,5\nC2,S1,2025-04-04,3\n"
    )
    (tmp_path / "MHS101Referral.csv").write_text(
        "ServiceRequestId,LocalPatientId,ReferralRequestReceivedDate\nS1,L7,2025-04-01\n"
    )
    rows = rows_of(
        "mhsds_v6",
        tmp_path,
        "contacts",
        "record_id",
        "contact_id",
        "contact_date",
        "attendance",
        "referral_id",
    )
    assert rows == [
        ("L7", "C1", date(2025, 4, 3), "5", "S1"),
        ("L7", "C2", date(2025, 4, 4), "3", "S1"),
    ]


def test_spells_and_ward_stays_with_both_kinds_of_bed(tmp_path: Path) -> None:
    shared = {
        "Person_ID": "P1",
        "UniqHospProvSpellID": "H1",
        "UniqServReqID": "R1",
        "UniqMonthID": APRIL,
    }
    write(tmp_path, "MHS501HospProvSpell", [shared | {
        "StartDateHospProvSpell": "2025-04-05", "MethAdmMHHospProvSpell": "2a",
        "DischDateHospProvSpell": "2025-04-25", "MethOfDischMHHospProvSpell": "1",
    }])  # fmt: skip
    write(tmp_path, "MHS502WardStay", [
        shared | {"UniqWardStayID": "W1", "StartDateWardStay": "2025-04-05", "EndDateWardStay": "2025-04-09",
                  "MHAdmittedPatientClass": "202"},
        shared | {"UniqWardStayID": "W2", "StartDateWardStay": "2025-04-09", "MHAdmittedPatientClass": "10"},
    ])  # fmt: skip
    spells = rows_of(
        "mhsds_v6",
        tmp_path,
        "hospital_spells",
        "record_id",
        "spell_id",
        "start_date",
        "end_date",
        "admission_method",
        "discharge_method",
    )
    assert spells == [("P1", "H1", date(2025, 4, 5), date(2025, 4, 25), "2A", "1")]
    stays = rows_of(
        "mhsds_v6",
        tmp_path,
        "ward_stays",
        "ward_stay_id",
        "spell_id",
        "start_date",
        "end_date",
        "bed_type",
    )
    assert stays == [
        ("W1", "H1", date(2025, 4, 5), date(2025, 4, 9), "202"),
        ("W2", "H1", date(2025, 4, 9), None, "10"),
    ]


def test_a_spell_names_its_referral_and_a_ward_its_site_and_distance(tmp_path: Path) -> None:
    shared = {
        "Person_ID": "P1",
        "UniqHospProvSpellID": "H1",
        "UniqServReqID": "R1",
        "UniqMonthID": APRIL,
    }
    write(tmp_path, "MHS501HospProvSpell", [shared | {"StartDateHospProvSpell": "2025-04-05"}])
    write(tmp_path, "MHS502WardStay", [
        shared | {"UniqWardStayID": "W1", "StartDateWardStay": "2025-04-05", "SiteIDOfTreat": "R1A01",
                  "WardLocDistanceHome": "128"},
    ])  # fmt: skip
    spells = rows_of("mhsds_v6", tmp_path, "hospital_spells", "spell_id", "referral_id")
    assert spells == [("H1", "R1")]
    stays = rows_of(
        "mhsds_v6", tmp_path, "ward_stays", "ward_stay_id", "site_code", "home_distance"
    )
    assert stays == [("W1", "R1A01", 128)]


def test_delayed_discharges_of_both_versions_count_no_day_twice(tmp_path: Path) -> None:
    shared = {"Person_ID": "P1", "UniqHospProvSpellID": "H1", "UniqServReqID": "R1"}
    old = [
        {"StartDateDelayDisch": "2024-03-01", "EndDateDelayDisch": "2024-04-10", "DelayDischReason": "I2",
         "AttribToIndic": "07", "UniqMonthID": "1488"},
        {"StartDateDelayDisch": "2024-01-01", "EndDateDelayDisch": "2024-01-05", "DelayDischReason": "G10",
         "UniqMonthID": "1488"},
    ]  # fmt: skip
    new = {"StartDateClinReadyforDisch": "2024-03-21", "EndDateClinReadyforDisch": "2024-04-20",
           "ClinReadyforDischDelayReason": "14", "AttribToIndic": "04", "UniqMonthID": "1489"}  # fmt: skip
    write(tmp_path, "MHS504DelayedDischarge", [shared | each for each in old])
    write(tmp_path, "MHS518ClinReadyforDischarge", [shared | new])
    rows = rows_of(
        "mhsds_v6",
        tmp_path,
        "delayed_discharges",
        "start_date",
        "end_date",
        "reason",
        "attributed_to",
    )
    assert sorted(rows) == [
        (date(2024, 1, 1), date(2024, 1, 5), "G10", None),
        (date(2024, 3, 1), date(2024, 3, 21), "I2", "07"),
        (date(2024, 3, 21), date(2024, 4, 20), "14", "04"),
    ]
    days = sum((end - start).days for start, end, *_ in rows)
    assert days == 4 + 50  # 1 March to 20 April, told in two pieces
    (tmp_path / "MHS518ClinReadyforDischarge.csv").unlink()
    alone = rows_of("mhsds_v5", tmp_path, "delayed_discharges", "start_date", "end_date", "reason")
    assert sorted(alone)[1] == (date(2024, 3, 1), date(2024, 4, 10), "I2")


def test_legal_status_accommodation_and_employment(tmp_path: Path) -> None:
    shared = {"Person_ID": "P1", "UniqMonthID": APRIL}
    write(tmp_path, "MHS401MHActPeriod", [shared | {
        "UniqMHActEpisodeID": "M1", "StartDateMHActLegalStatusClass": "2025-04-05",
        "ExpiryDateMHActLegalStatusClass": "2025-05-02", "EndDateMHActLegalStatusClass": "2025-04-20",
        "LegalStatusCode": "2", "NHSDLegalStatus": "02",
    }])  # fmt: skip
    write(tmp_path, "MHS003AccommStatus", [
        shared | {"AccommodationType": "3", "SettledAccommodationInd": "y", "AccommodationTypeDate": "2025-04-06"},
        shared | {"AccommodationType": "03", "SettledAccommodationInd": "Y", "AccommodationTypeDate": "2025-04-06",
                  "UniqMonthID": MAY},
        shared | {"AccommodationType": "12", "SettledAccommodationInd": "N", "AccommodationTypeDate": "2025-05-06",
                  "UniqMonthID": MAY},
    ])  # fmt: skip
    write(
        tmp_path,
        "MHS004EmpStatus",
        [shared | {"EmployStatus": "04", "EmployStatusRecDate": "2025-04-06"}],
    )
    assert rows_of(
        "mhsds_v6",
        tmp_path,
        "legal_statuses",
        "period_id",
        "start_date",
        "end_date",
        "expiry_date",
        "legal_status",
    ) == [("M1", date(2025, 4, 5), date(2025, 4, 20), date(2025, 5, 2), "02")]
    homes = rows_of(
        "mhsds_v6", tmp_path, "accommodation", "recorded_date", "accommodation_type", "settled"
    )
    assert sorted(homes) == [(date(2025, 4, 6), "03", "Y"), (date(2025, 5, 6), "12", "N")]
    assert rows_of(
        "mhsds_v6", tmp_path, "employment", "record_id", "recorded_date", "employment_status"
    ) == [("P1", date(2025, 4, 6), "04")]


def test_diagnoses_and_scores_of_referrals_and_of_activities(tmp_path: Path) -> None:
    shared = {"Person_ID": "P1", "UniqServReqID": "R1", "UniqMonthID": APRIL}
    write(tmp_path, "MHS604PrimDiag", [shared | {
        "DiagSchemeInUse": "02", "PrimDiag": "F200", "CodedDiagTimestamp": "2025-04-07T09:30:00+01:00"}])  # fmt: skip
    write(tmp_path, "MHS605SecDiag", [shared | {
        "DiagSchemeInUse": "06", "SecDiag": "73211009", "CodedDiagTimestamp": "2025-04-08T09:30:00Z"}])  # fmt: skip
    rows = rows_of(
        "mhsds_v6",
        tmp_path,
        "diagnoses",
        "event_id",
        "recorded_date",
        "scheme",
        "diagnosis",
        "position",
    )
    assert rows == [
        ("R1", date(2025, 4, 7), "02", "F200", 1),
        ("R1", date(2025, 4, 8), "06", "73211009", None),
    ]
    write(tmp_path, "MHS606CodedScoreAssessmentRefer", [shared | {
        "CodedAssToolType": "720433000", "PersScore": "17", "AssToolCompTimestamp": "2025-04-09"}])  # fmt: skip
    write(tmp_path, "MHS607CodedScoreAssessmentAct", [shared | {
        "UniqCareActID": "A1", "CodedAssToolType": "1037651000000100", "PersScore": "5"}])  # fmt: skip
    write(
        tmp_path, "MHS202CareActivity", [shared | {"UniqCareActID": "A1", "UniqCareContID": "C1"}]
    )
    write(
        tmp_path,
        "MHS201CareContact",
        [shared | {"UniqCareContID": "C1", "CareContDate": "2025-04-10"}],
    )
    scores = rows_of(
        "mhsds_v6", tmp_path, "coded_scores", "record_id", "recorded_date", "tool", "score"
    )
    assert scores == [
        ("P1", date(2025, 4, 9), "720433000", 17.0),
        ("P1", date(2025, 4, 10), "1037651000000100", 5.0),
    ]


def test_a_code_that_no_list_has_is_missing_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "MHS401MHActPeriod", [
        {"Person_ID": "P1", "UniqMHActEpisodeID": "M1", "StartDateMHActLegalStatusClass": "2025-04-05",
         "NHSDLegalStatus": "33"}])  # fmt: skip
    accepted = take("mhsds_v6", tmp_path, "legal_statuses")
    assert accepted.frame["legal_status"].to_list() == [None]
    assert accepted.counts.unreadable == {("legal_status", "not_in_code_list"): 1}


def test_talking_therapies(tmp_path: Path) -> None:
    shared = {"Person_ID": "P1", "Unique_MonthID": APRIL}
    write(tmp_path, "IDS001MPI", [shared | {"NHSNumber": "999 000 0018", "PersonBirthDate": "1980-05-06",
                                            "Gender": "2", "Postcode": "AB1 2CD"}])  # fmt: skip
    write(tmp_path, "IDS002GP", [shared | {"GMPCodeReg": "A81001"}])
    referral = shared | {"Unique_ServiceRequestID": "R1"}
    write(tmp_path, "IDS101Referral", [referral | {
        "ReferralRequestReceivedDate": "2025-04-01", "SourceOfReferralMH": "B1", "EndCode": "46",
        "ServDischDate": "2025-07-01"}])  # fmt: skip
    write(tmp_path, "IDS201CareContact", [referral | {
        "Unique_CareContactID": "C1", "CareContDate": "2025-04-12", "AttendOrDNACode": "5", "AppType": "01"}])  # fmt: skip
    write(
        tmp_path,
        "IDS202CareActivity",
        [referral | {"Unique_CareContactID": "C1", "Unique_CareActivityID": "A1"}],
    )
    write(tmp_path, "IDS603PresentingComplaints", [referral | {
        "FindSchemeInUse": "04", "PresComp": "35489007", "PresCompDate": "2025-04-12"}])  # fmt: skip
    write(tmp_path, "IDS607CodedScoreAssessmentAct", [referral | {
        "Unique_CareActivityID": "A1",
                "Unique_CareContactID": "C1", "CodedAssToolType": "445455005", "PersScore": "12"}])  # fmt: skip
    write(
        tmp_path,
        "IDS004EmpStatus",
        [shared | {"EmployStatus": "1", "EmployStatusRecDate": "2025-04-12"}],
    )
    name = "talking_therapies"
    assert rows_of(name, tmp_path, "people", "record_id", "nhs_number", "practice_code") == [
        ("P1", "999 000 0018", "A81001")
    ]
    assert rows_of(
        name, tmp_path, "talking_therapies_referrals", "referral_id", "discharge_date", "end_code"
    ) == [("R1", date(2025, 7, 1), "46")]
    assert rows_of(
        name, tmp_path, "talking_therapies_contacts", "contact_id", "attendance", "appointment_type"
    ) == [("C1", "5", "01")]
    assert rows_of(name, tmp_path, "diagnoses", "scheme", "diagnosis") == [("06", "35489007")]
    assert rows_of(name, tmp_path, "coded_scores", "recorded_date", "tool", "score") == [
        (date(2025, 4, 12), "445455005", 12.0)
    ]
    assert rows_of(name, tmp_path, "employment", "employment_status") == [("01",)]


def test_community_services(tmp_path: Path) -> None:
    shared = {"PERSON ID": "P1", "UNIQUE MONTH ID": APRIL}
    write(tmp_path, "CYP001MPI", [shared | {
        "NHS NUMBER": "9990000018", "PERSON BIRTH DATE": "2015-05-06", "PERSON STATED GENDER CODE": "1",
        "POSTCODE OF USUAL ADDRESS": "AB1 2CD", "LOWER SUPER OUTPUT AREA (RESIDENCE)": "E01000001"}])  # fmt: skip
    referral = shared | {"UNIQUE SERVICE REQUEST IDENTIFIER": "R1"}
    write(tmp_path, "CYP101Referral", [referral | {
        "REFERRAL REQUEST RECEIVED DATE": "2025-04-01", "SERVICE DISCHARGE DATE": ""}])  # fmt: skip
    write(tmp_path, "CYP201CareContact", [referral | {
        "UNIQUE CARE CONTACT IDENTIFIER": "C1", "CARE CONTACT DATE": "2025-04-12",
        "ATTENDED OR DID NOT ATTEND CODE": "6"}])  # fmt: skip
    name = "community_services"
    assert rows_of(name, tmp_path, "people", "record_id", "date_of_birth", "lsoa_code") == [
        ("P1", date(2015, 5, 6), "E01000001")
    ]
    assert rows_of(name, tmp_path, "community_referrals", "referral_id", "referral_date") == [
        ("R1", date(2025, 4, 1))
    ]
    assert rows_of(name, tmp_path, "community_contacts", "contact_id", "attendance") == [
        ("C1", "6")
    ]


def test_a_spell_left_open_in_an_old_submission_ends_with_it(tmp_path: Path) -> None:
    spell = {"Person_ID": "P1", "UniqServReqID": "R1", "MethAdmMHHospProvSpell": "21"}
    left = {
        "UniqHospProvSpellID": "H1",
        "StartDateHospProvSpell": "2025-04-05",
        "UniqMonthID": APRIL,
    }
    open_still = {"UniqHospProvSpellID": "H2", "StartDateHospProvSpell": "2025-05-05"}
    write(
        tmp_path,
        "MHS501HospProvSpell",
        [
            spell | left,
            spell | open_still | {"UniqMonthID": MAY},
            spell | open_still | {"UniqMonthID": JUNE},
        ],
    )
    rows = rows_of("mhsds_v6", tmp_path, "hospital_spells", "spell_id", "end_date")
    # 1501 is the month of April 2025: 125 years of twelve months after April 1900, and one.
    assert sorted(rows) == [("H1", date(2025, 4, 30)), ("H2", None)]


def test_a_month_of_birth_and_a_token_in_a_pseudonymised_extract(tmp_path: Path) -> None:
    path = tmp_path / "MHS001MPI.csv"
    path.write_text(
        "person_id,NHSNUMBER PSEUDO,PersonBirthDate,LSOA2011\nP1,a1b2c3,1980-05,E01000001\n"
    )
    rows = rows_of(
        "mhsds_v6",
        path,
        "people",
        *("record_id", "nhs_number", "date_of_birth", "birth_precision", "lsoa_code"),
    )
    assert rows == [("P1", "a1b2c3", date(1980, 5, 1), "month", "E01000001")]
