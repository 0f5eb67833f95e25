"""What the presets make of extracts that were sent again, of several providers and of old columns."""

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from extracts import rows_of, take
from pophealth_link.errors import UserError
from pophealth_link.job import contents
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.checking import check
from pophealth_link.job.describing import describe
from pophealth_link.job.load import load
from pophealth_link.job.people import Reading, read_people
from pophealth_link.job.progress import Silent
from pophealth_link.link.passes import DEFAULT_PASSES
from pophealth_link.sources import preset, preset_names

HES = (
    "PSEUDO_HESID,EPIKEY,SUSSPELLID,ADMIDATE,ADMIMETH,DISDATE,DIAG_4_01,DIAG_4_02,EPISTART,EPIORDER,"
    "PROCODE3,SEX,ETHNOS,DISMETH\n"
)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_of_hes_the_last_submission_of_an_episode_counts(tmp_path: Path) -> None:
    row = "P1,{e},{s},2024-04-05,21,{end},{d1},{d2},2024-04-05,{n},RXX,2,{eth},{how}\n"
    first = row.format(e="E1", s="", end="2024-04-20", d1="R69X", d2="X60", n=1, eth="A", how=1)
    again = row.format(e="E1", s="", end="2024-04-15", d1="F320", d2="", n=1, eth="Z", how=4)
    write(tmp_path, apc_m12=HES + first, apc_m13=HES + again)
    columns = ("end_date", "primary_diagnosis", "discharge_method")
    assert rows_of("hes_apc", tmp_path, "admissions", *columns) == [
        (date(2024, 4, 15), "F320", "4")
    ]
    assert rows_of("hes_apc", tmp_path, "diagnoses", "diagnosis", "position") == [("F320", 1)]
    assert take("hes_apc", tmp_path, "diagnoses").counts.left_out_by == {"superseded": 2}
    assert rows_of("hes_apc", tmp_path, "people", "sex", "ethnic_category") == [("2", "A")]


def test_two_spells_of_one_day_are_two_admissions(tmp_path: Path) -> None:
    rows = (
        "P1,E1,S1,2024-04-05,11,2024-04-05,H26,,2024-04-05,1,RXX,1,A,1\n"
        "P1,E2,S2,2024-04-05,21,2024-04-15,F320,,2024-04-05,1,RXX,1,A,1\n"
        "P2,E3,&,2024-04-05,21,,F33,,2024-04-05,1,&,1,A,8\n"
        "P2,E4,&,2024-04-05,21,2024-04-15,F34,,2024-04-09,2,&,1,A,1\n"
    )
    write(tmp_path, apc=HES + rows)
    told = rows_of(
        "hes_apc", tmp_path / "apc.csv", "admissions", "record_id", "admission_method", "end_date",
        "primary_diagnosis",
    )  # fmt: skip
    assert told == [
        ("P1", "11", date(2024, 4, 5), "H26"),
        ("P1", "21", date(2024, 4, 15), "F320"),
        ("P2", "21", date(2024, 4, 15), "F33"),
    ]


def test_all_diagnoses_of_sus_are_set_apart(tmp_path: Path) -> None:
    head = "SK_PatientID,APCS_Ident,Admission_Date,Der_Diagnosis_All\n"
    write(
        tmp_path,
        a=head + 'P1,1,2024-04-05,"||F200 ,X610 ||F200"\nP1,2,2024-05-05,||\nP1,3,2024-05-05,\n',
        b=head + "P1,3,2024-05-05,||I10X\n",
    )
    rows = rows_of("sus_apc", tmp_path, "diagnoses", "event_id", "diagnosis", "position")
    assert rows == [("1", "F200", 1), ("1", "X610", 2), ("1", "F200", 3), ("3", "I10X", 1)]
    counts = take("sus_apc", tmp_path, "diagnoses").counts
    assert (counts.rows_in, counts.added_by) == (4, {"stacked": 2})
    assert counts.left_out_by == {"no_value": 1, "superseded": 1}


@pytest.mark.parametrize(
    ("name", "table", "head", "last"),
    [
        ("hes_ae", "emergency_attendances", "PSEUDO_HESID,AEKEY,ARRIVALDATE,DIAG_01", "02"),
        ("hes_op", "outpatient_appointments", "PSEUDO_HESID,ATTENDKEY,APPTDATE,ATTENDED", "6"),
        (
            "sus_apc", "admissions",
            "SK_PatientID,APCE_Ident,Admission_Date,Der_Primary_Diagnosis_Code,Admission_Method", "28",
        ),
        ("ecds", "diagnoses", "SK_PatientID,EC_Ident,Arrival_Date,EC_Diagnosis_01", "333"),
    ],
)  # fmt: skip
def test_an_event_that_is_sent_again_is_one(
    tmp_path: Path, name: str, table: str, head: str, last: str
) -> None:
    middle = "F20," if name == "sus_apc" else ""
    old = f"{head}\nP1,K1,2024-04-05,{middle}{'5' if name == 'hes_op' else '21'}\n"
    write(tmp_path, a=old, b=f"{head}\nP1,K1,2024-04-05,{middle}{last}\n")
    accepted = take(name, tmp_path, table)
    assert accepted.frame.height == 1
    assert last in accepted.frame.row(0)
    assert accepted.counts.left_out_by == {"superseded": 1}


def test_a_service_that_was_corrected_counts_once(tmp_path: Path) -> None:
    head = (
        "Person_Unique_Identifier,Event_Type,Event_Reference,Event_Start_Date,Service_Type,"
        "Service_Component,Primary_Support_Reason,Reporting_Period_End_Date\n"
    )
    write(
        tmp_path,
        q1=head
        + "C1,Service,E1,01/04/2024,Long Term Support: Community,Home Support,,30/06/2024\n"
        + "C2,Service,,01/04/2024,Long Term Support: Community,Home Support,,30/06/2024\n",
        q2=head
        + "C1,Service,E1,01/04/2024,Long Term Support: Residential Care,Residential,,30/09/2024\n"
        + "C2,Service,,01/04/2024,Long Term Support: Community,Day Support,,30/09/2024\n"
        + "C2,Service,,01/04/2024,Long Term Support: Community,Home Support,,30/09/2024\n",
    )
    rows = rows_of(
        "adult_social_care", tmp_path, "social_care_events", "record_id", "service_component"
    )
    assert rows == [("C1", "Residential"), ("C2", "Day Support"), ("C2", "Home Support")]


def test_children_are_those_of_the_file_of_identifiers(tmp_path: Path) -> None:
    write(
        tmp_path,
        Children_in_need_ChildIdentifiers="LAchildID,PersonBirthDate\n1,2010-05\n",
        Children_in_need_CINdetails="LAchildID,CINreferralDate,ReferralNFA\n1,2024-05-01,0\n",
    )
    assert rows_of(
        "children_in_need", tmp_path, "people", "record_id", "date_of_birth", "birth_precision"
    ) == [("1", date(2010, 5, 1), "month")]
    assert take("children_in_need", tmp_path, "people").counts.rows_in == 1


def test_patients_of_two_providers_with_one_local_number_are_two(tmp_path: Path) -> None:
    write(
        tmp_path,
        MHS001="LocalPatientId,OrgIDProv,NHSNumber\n1,RAA,9990000018\n1,RBB,9990000026\n",
        MHS002="LocalPatientId,OrgIDProv,GMPReg\n1,RAA,A81001\n1,RBB,A81002\n",
        MHS101=(
            "LocalPatientId,OrgIDProv,ServiceRequestId,ReferralRequestReceivedDate,ServDischDate,UniqMonthID\n"
            "1,RAA,S1,2025-01-02,,1501\n1,RBB,S2,2025-01-02,,1500\n1,RAA,S3,2025-01-02,,1500\n"
        ),
        MHS201="ServiceRequestId,CareContactId,CareContDate,AttendStatus\nS2,K1,2025-02-01,5\n",
    )
    assert rows_of("mhsds_v6", tmp_path, "people", "record_id", "nhs_number", "practice_code") == [
        ("RAA-1", "9990000018", "A81001"),
        ("RBB-1", "9990000026", "A81002"),
    ]
    assert rows_of("mhsds_v6", tmp_path, "contacts", "record_id") == [("RBB-1",)]
    referrals = rows_of(
        "mhsds_v6", tmp_path, "referrals", "record_id", "referral_id", "discharge_date"
    )
    # Month 1500 is the newest that RBB sent, and an old one of RAA.
    assert referrals == [
        ("RAA-1", "S1", None),
        ("RBB-1", "S2", None),
        ("RAA-1", "S3", date(2025, 3, 31)),
    ]


def test_a_correction_of_version_5_does_not_take_the_place_of_version_6(tmp_path: Path) -> None:
    write(
        tmp_path,
        MHS518=(
            "Person_ID,UniqHospProvSpellID,StartDateClinReadyforDisch,EndDateClinReadyforDisch,"
            "ClinReadyforDischDelayReason,UniqMonthID\nP2,S2,2024-04-01,2024-04-03,09,1490\n"
        ),
        MHS504=(
            "Person_ID,UniqHospProvSpellID,StartDateDelayDisch,EndDateDelayDisch,DelayDischReason,"
            "UniqMonthID\nP2,S2,2024-04-01,2024-04-03,E1,1500\n"
        ),
        # Its provider is no reason to look for the person, who is told.
        MHS101="Person_ID,UniqServReqID,ReferralRequestReceivedDate,OrgIDProv\nP2,R1,2024-01-01,RAA\n",
    )
    assert rows_of("mhsds_v6", tmp_path, "delayed_discharges", "reason") == [("09",)]
    counts = take("mhsds_v6", tmp_path, "delayed_discharges").counts
    assert counts.left_out_by == {"double_counted": 1}


def test_quarters_of_a_register_are_one_register(tmp_path: Path) -> None:
    head = "Patient ID,Last Name,Registration Date,Deduction Date,Practice Code\n"
    write(
        tmp_path,
        **{
            "2025q1": head + "1,LEE,2020-01-01,,A81001\n2,RAY,2020-01-01,,A81001\n",
            "2025q2": head + "1,LEE,2025-05-01,,A81002\n2,RAY,2020-01-01,2025-05-01,A81001\n",
        },
    )
    assert rows_of(
        "gp_register", tmp_path, "people", "record_id", "practice_code", "date_from", "date_to"
    ) == [
        ("1", "A81002", date(2025, 5, 1), None),
        ("2", "A81001", date(2020, 1, 1), date(2025, 5, 1)),
    ]


@pytest.mark.parametrize(
    ("text", "born"),
    [("51980", date(1980, 5, 1)), ("111980", date(1980, 11, 1)), ("11800", None), ("11801", None)],
)
def test_mydob_without_its_first_zero(tmp_path: Path, text: str, born: date | None) -> None:
    path = tmp_path / "hes.parquet"
    pl.DataFrame({"PSEUDO_HESID": ["P1"], "MYDOB": [int(text)]}).write_parquet(path)
    assert rows_of("hes_apc", path, "people", "date_of_birth") == [(born,)]


@pytest.mark.parametrize(
    "name",
    [
        "adult_social_care",
        "children_in_need",
        "looked_after_children",
        "housing_register",
        "h_clic",
    ],
)
def test_councils_extracts_may_tell_area_and_month(tmp_path: Path, name: str) -> None:
    told = preset(name).tables["people"]
    assert "LSOA" in told.columns["lsoa_code"]
    assert {"%m/%Y", "%Y-%m", "%Y"} <= set(told.formats["date_of_birth"])


JOB = """
version = 1
as_of = 2025-07-01
[[sources]]
name = "gp"
preset = "gp_register"
path = "gp.csv"
{sources}
[disclosure]
policy = "hes"
"""
GP = "Patient ID,NHS Number,Last Name,DOB\n1,9990000018,LEE,1980-05-06\n"


def job(folder: Path, sources: str, **files: str) -> Path:
    write(folder, **{"gp": GP, **files})
    path = folder / "job.toml"
    path.write_text(JOB.format(sources=sources))
    return path


CARE = """
[[sources]]
name = "care"
preset = "adult_social_care"
path = "cld.csv"
[sources.columns]
record_id = "PersonRef_LA"
"""


def test_columns_of_the_job_hold_for_events_at_path(tmp_path: Path) -> None:
    head = "PersonRef_LA,NHS_Number,{start},Primary_Support_Reason,Event_Reference\n"
    row = "C1,9990000018,01/04/2025,Mental Health Support,E1\n"
    path = job(tmp_path, CARE, cld=head.format(start="Event_Start_Date") + row)
    care = load(path).sources[1]
    assert "social_care_events" in {file.table.name for file in care.events}
    # A column that the table must have and that is called otherwise is no absent table.
    write(tmp_path, cld=head.format(start="Event_Start_Datte") + row)
    with pytest.raises(UserError, match="Did you mean `Event_Start_Datte`") as caught:
        load(path)
    assert "cld.csv has no column `start_date`" in str(caught.value)


def test_a_mapped_column_that_only_some_files_have_is_used_there(tmp_path: Path) -> None:
    sources = CARE.replace("adult_social_care", "mhsds_v6").replace("cld.csv", "mh")
    path = job(
        tmp_path, sources,
        **{
            "mh/MHS001": "PersonRef_LA,NHSNumber\nP1,9990000018\n",
            "mh/MHS101": "Person_ID,UniqServReqID,ReferralRequestReceivedDate\nP1,R1,2025-01-02\n",
        },
    )  # fmt: skip
    assert [file.table.name for file in load(path).sources[1].events] == ["referrals"]


SUS = """
[[sources]]
name = "sus"
preset = "sus_apc"
path = "sus.csv"
[[sources]]
name = "hes"
preset = "hes_apc"
path = "hes.csv"
"""
SUS_FILE = (
    "SK_PatientID,{number},Admission_Date,Admission_Method,Der_Primary_Diagnosis_Code,APCE_Ident\n"
)


def test_the_kind_of_a_number_is_that_of_its_column(tmp_path: Path) -> None:
    row = "1,9990000018,2025-04-05,21,F20,1\n"
    path = job(
        tmp_path, SUS,
        sus=SUS_FILE.format(number="Der_Pseudo_NHS_Number") + row,
        hes=HES + "P1,E1,,2024-04-05,11,,H26,,2024-04-05,1,RXX,1,A,1\n",
    )  # fmt: skip
    gp, sus, hes = load(path).sources
    assert [each.nhs_number_kind for each in (gp, sus, hes)] == ["clear", "token", "token"]
    assert contents.passes(hes, [sus, gp], DEFAULT_PASSES) == ["nhs_number"]
    write(tmp_path, sus=SUS_FILE.format(number="NHS_Number") + row)
    with pytest.raises(UserError, match="no other source has any of that kind") as caught:
        load(path)
    assert caught.value.exit_code == 13


@pytest.mark.parametrize(
    ("kind", "numbers", "says"),
    [
        ("clear", ["9990000018", "a1f0"], None),
        ("clear", ["a1f0", "9990000019", None], "of 2 values of nhs_number none is a valid"),
        ("token", ["9990000018", "9990000026"], "of 2 values of nhs_number all are valid"),
        ("token", ["9990000018", "a1f0"], None),
        ("token", [None], None),
    ],
)
def test_a_run_warns_of_numbers_of_the_other_kind(
    tmp_path: Path, kind: str, numbers: list[str | None], says: str | None
) -> None:
    rows = "".join(f"{i},{number or ''}\n" for i, number in enumerate(numbers))
    sources = f'''
[[sources]]
name = "trust"
preset = "mhsds_v6"
path = "mh"
nhs_number_kind = "{kind}"
[sources.columns]
family_name = "who"
postcode = "home"
'''
    people = "Person_ID,NHSNumber,who,home\n" + rows.replace("\n", ",LEE,AB1 2CD\n")
    made = load(job(tmp_path, sources, **{"mh/MHS001": people}), ("link",))
    heard = Heard()
    day = made.spec.as_of
    read_people(made, Reading(Accounts(), heard, None, None, day))
    told = [each for each in heard.warnings if each.startswith("trust: of ")]
    assert len(told) == (1 if says else 0)
    assert says is None or says in told[0]
    assert not any(number in each for each in told for number in numbers if number)


class Heard(Silent):
    """Progress that keeps what it is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Keep it."""
        self.warnings.append(message)


def test_check_tells_of_people_whose_id_changed_its_column(tmp_path: Path) -> None:
    hes = SUS[SUS.index('[[sources]]\nname = "hes"') :].replace("hes.csv", "hes")
    head = ",EPIKEY,ADMIDATE,ADMIMETH,DIAG_4_01,EPISTART,MYDOB,NEWNHSNO\n"
    row = "A,1,2020-05-01,21,F20,2020-05-01,051980,9990000018\n"
    path = job(
        tmp_path, hes,
        **{"hes/apc_2021": f"PSEUDO_HESID{head}{row}", "hes/apc_2022": f"TOKEN_PERSON_ID{head}{row}"},
    )  # fmt: skip
    said = check(path)
    assert "warning    hes: record_id is read from PSEUDO_HESID and TOKEN_PERSON_ID" in said


def test_each_preset_is_described_with_a_column_once(tmp_path: Path) -> None:
    for name in preset_names():
        for block in re.split(r"\n\n|\n  part ", describe(name)):
            heads = re.findall(r"^    ([a-z_]+): ", block, re.M)
            assert len(heads) == len(set(heads))
    told = " ".join(describe("hes_apc").split())
    assert (
        "nhs_number: NEWNHSNO, NHS_NUMBER, NHSNO, PSEUDO_NHS_NUMBER; else TOKEN_PERSON_ID or"
        in told
    )
    assert "NHS numbers: token; clear in NEWNHSNO, NHS_NUMBER, NHSNO" in told
    own = tmp_path / "own.toml"
    own.write_text('meaning = "Own."\n[tables.people.columns]\nsex = ["Gender"]\n')
    assert describe(str(own)).startswith("own: Own.")
