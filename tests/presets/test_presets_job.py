"""A source of a job in three lines."""

from pathlib import Path

import pytest

from extracts import write
from pophealth_link.job.load import load

JOB = """
version = 1
as_of = 2025-07-01

[[sources]]
name = "gp"
preset = "gp_register"
path = "gp.csv"

[[sources]]
name = "trust"
preset = "mhsds_v6"
path = "trust"

[[sources]]
name = "care"
preset = "adult_social_care"
path = "cld.csv"

[[properties]]
name = "council_tax"
preset = "council_tax"
path = "tax.csv"

[disclosure]
policy = "hes"
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "job.toml"
    path.write_text(JOB)
    (tmp_path / "gp.csv").write_text(
        "Patient ID,NHS Number,First Name,Last Name,Date of Birth,Gender,Post Code\n"
        "1,9990000018,ANN,LEE,06/05/1980,Female,AB1 2CD\n"
    )
    person = {"Person_ID": "P1", "UniqMonthID": "1501"}
    trust = tmp_path / "trust"
    trust.mkdir()
    write(
        trust, "MHS001MPI", [person | {"NHSNumber": "9990000018", "PersonBirthDate": "1980-05-06"}]
    )
    write(
        trust,
        "MHS101Referral",
        [person | {"UniqServReqID": "R1", "ReferralRequestReceivedDate": "2025-04-02"}],
    )
    write(
        tmp_path,
        "cld",
        [
            {
                "Person_Unique_Identifier": "C1", "NHS_Number": "9990000018", "Date_of_Birth": "06/05/1980",
                "Client_Type": "Service User", "Event_Type": "Service", "Event_Reference": "E1",
                "Event_Start_Date": "01/04/2025", "Primary_Support_Reason": "Mental Health Support",
                "Reporting_Period_End_Date": "30/06/2025",
            },
        ],
    )  # fmt: skip
    (tmp_path / "tax.csv").write_text("UPRN,Band\n100,D\n")
    return path


def test_three_lines_are_enough_for_a_source(job: Path) -> None:
    gp, trust, care = load(job).sources
    assert (gp.setting, gp.unique_people) == ("primary_care", True)
    assert (trust.setting, care.setting) == ("secondary_care", "local_authority")
    assert {file.table.name for file in trust.events} == {"referrals"}
    assert "social_care_events" in {file.table.name for file in care.events}
