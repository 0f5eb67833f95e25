"""Social care of adults and of children, housing, homelessness and council tax."""

from datetime import date
from pathlib import Path

import pytest

from extracts import rows_of, take, write
from pophealth_link.schema import CODE_LISTS

EVENT = {
    "NHS_Number": "9990000018", "Person_Unique_Identifier": "C1", "GP_Practice_Code": "A81001", "Gender": "Female",
    "Ethnicity": "A", "Date_of_Birth": "06/05/1950", "Client_Type": "Service User",
    "Primary_Support_Reason": "Mental Health Support", "Accommodation_Status": "Tenant - private landlord",
    "Employment_Status": "Not in Paid Employment (seeking work)", "Has_Unpaid_Carer": "Yes",
    "Event_Type": "Service", "Event_Reference": "E1", "Event_Start_Date": "01/04/2025",
    "Service_Type": "Long Term Support: Community", "Service_Component": "Home Support",
    "Delivery_Mechanism": "Direct Payment", "Reporting_Period_End_Date": "30/06/2025",
}  # fmt: skip


def test_quarterly_submissions_of_client_level_data_are_one_event(tmp_path: Path) -> None:
    later = {"Reporting_Period_End_Date": "30/09/2025", "Event_End_Date": "15/08/2025"}
    path = write(tmp_path, "cld", [EVENT | later, EVENT])
    rows = rows_of(
        "adult_social_care", path, "social_care_events", "record_id", "event_id", "start_date", "end_date",
        "primary_support_reason", "service_type", "delivery_mechanism", "unpaid_carer",
    )  # fmt: skip
    assert rows == [
        (
            "C1",
            "E1",
            date(2025, 4, 1),
            date(2025, 8, 15),
            "mental_health",
            "community",
            "direct_payment",
            "yes",
        )
    ]
    assert take("adult_social_care", path, "people").counts.left_out_by == {"duplicate": 1}


def test_services_carers_and_other_events_go_to_tables_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path, "cld", [
        EVENT,
        EVENT | {"Event_Type": "Request", "Event_Reference": "E2", "Service_Type": ""},
        EVENT | {"Event_Type": "Review", "Event_Reference": "E3", "Service_Type": ""},
        EVENT | {"Client_Type": "Carer", "Person_Unique_Identifier": "C2", "Event_Reference": "E4",
                 "Service_Type": "Carer Support: Direct to Carer"},
    ])  # fmt: skip
    name = "adult_social_care"
    assert rows_of(name, path, "social_care_events", "event_id") == [("E1",)]
    assert sorted(rows_of(name, path, "social_care_contacts", "event_id", "event_type")) == [
        ("E2", "request"), ("E3", "review"),
    ]  # fmt: skip
    assert rows_of(name, path, "carer_support", "record_id", "service_type", "client_type") == [
        ("C2", "carer_direct", "carer")
    ]
    kinds = ("social_care_events", "social_care_contacts", "carer_support")
    assert sum(take(name, path, each).frame.height for each in kinds) == 4


# The eleven reasons of the specification, which the library puts in eight, and not known.
REASONS = {
    "Physical Support: Access and mobility only": "physical",
    "Physical Support: Personal care support": "physical",
    "Sensory Support: Support for visual impairment": "sensory",
    "Sensory Support: Support for hearing impairment": "sensory",
    "Sensory Support: Support for dual impairment": "sensory",
    "Support with Memory and Cognition": "memory_and_cognition",
    "Learning Disability Support": "learning_disability",
    "Mental Health Support": "mental_health",
    "Social Support: Substance misuse support": "substance_misuse",
    "Social Support: Asylum seeker support": "asylum_seeker",
    "Social Support: Support for Social Isolation/Other": "social_isolation",
    "Unknown": "unknown",
}


def test_every_support_reason_of_the_specification_has_a_code(tmp_path: Path) -> None:
    rows = [
        EVENT | {"Primary_Support_Reason": r, "Event_Reference": str(i)}
        for i, r in enumerate(REASONS)
    ]
    path = write(tmp_path, "cld", rows)
    read = rows_of(
        "adult_social_care", path, "social_care_events", "event_id", "primary_support_reason"
    )
    assert dict(read) == {str(i): code for i, code in enumerate(REASONS.values())}
    assert set(REASONS.values()) == set(CODE_LISTS["primary_support_reason"].codes)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("Owner occupier or shared ownership scheme", "01"),
        ("Tenant - private landlord", "03"),
        ("Settled mainstream housing with family/friends (including flat-sharing)", "04"),
        ("Rough sleeper/squatting", "12"),
        ("Registered nursing home", "10"),
        ("Placed in temporary accommodation by the council", "19"),
    ],
)
def test_accommodation_of_social_care_in_the_codes_of_mental_health(
    tmp_path: Path, told: str, code: str
) -> None:
    path = write(tmp_path, "cld", [EVENT | {"Accommodation_Status": told}])
    assert rows_of(
        "adult_social_care", path, "accommodation", "recorded_date", "accommodation_type"
    ) == [(date(2025, 4, 1), code)]
    assert rows_of("adult_social_care", path, "employment", "employment_status") == [("02",)]


def test_looked_after_children(tmp_path: Path) -> None:
    write(
        tmp_path,
        "Header",
        [{"CHILD": "K1", "SEX": "1", "DOB": "06/05/2012", "ETHNIC": "MWBC"}],
        file="903_header_2025.csv",
    )
    episode = {
        "CHILD": "K1",
        "RNE": "S",
        "LS": "C2",
        "CIN": "N1",
        "PLACE": "U1",
        "HOME_POST": "AB1 2CD",
    }
    write(tmp_path, "Episodes", [
        episode | {"DECOM": "01/05/2024", "DEC": "02/09/2024"},
        episode | {"DECOM": "02/09/2024", "RNE": "P"},
    ], file="903_episodes_2025.csv")  # fmt: skip
    name = "looked_after_children"
    assert rows_of(
        name, tmp_path, "people", "record_id", "date_of_birth", "sex", "ethnic_category", "postcode"
    ) == [("K1", date(2012, 5, 6), "1", "D", "AB1 2CD")]
    rows = rows_of(
        name,
        tmp_path,
        "childrens_social_care_events",
        "start_date",
        "end_date",
        "category",
        "primary_need",
        "legal_status",
        "placement",
    )
    assert sorted(rows) == [
        (date(2024, 5, 1), date(2024, 9, 2), "looked_after", "N1", "C2", "U1"),
        (date(2024, 9, 2), None, "looked_after", "N1", "C2", "U1"),
    ]


def test_children_in_need(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ChildIdentifiers",
        [{"LAchildID": "K1", "PersonBirthDate": "2012-05-06", "Sex": "F"}],
    )
    write(tmp_path, "ChildCharacteristics", [{"LAchildID": "K1", "Ethnicity": "APKN"}])
    write(tmp_path, "CINdetails", [
        {"LAchildID": "K1", "CINdetailsID": "D1", "CINreferralDate": "2025-01-05", "PrimaryNeedCode": "N4",
         "ReferralNFA": "0"},
        {"LAchildID": "K1", "CINdetailsID": "D2", "CINreferralDate": "2024-01-05", "ReferralNFA": "true"},
    ])  # fmt: skip
    write(
        tmp_path,
        "ChildProtectionPlans",
        [{"LAchildID": "K1", "CPPID": "P1", "CPPstartDate": "2025-02-01"}],
    )
    name = "children_in_need"
    assert rows_of(name, tmp_path, "people", "record_id", "sex", "ethnic_category") == [
        ("K1", "F", "J")
    ]
    rows = rows_of(
        name,
        tmp_path,
        "childrens_social_care_events",
        "event_id",
        "start_date",
        "category",
        "primary_need",
    )
    assert sorted(rows) == [
        ("D1", date(2025, 1, 5), "child_in_need", "N4"),
        ("P1", date(2025, 2, 1), "child_protection", None),
    ]
    counts = take(name, tmp_path, "childrens_social_care_events").counts
    assert counts.left_out_by == {"not_of_table": 1}


def test_a_wide_homelessness_file_makes_one_row_for_each_duty(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(
        "Case Reference,First Name,Last Name,Date of Birth,Prevention Duty Start Date,Prevention Duty End Date,"
        "Relief Duty Start Date,Relief Duty End Date,Main Duty Start Date,Main Duty End Date,Quarter End\n"
        "H1,ANN,LEE,06/05/1980,01/04/2025,20/05/2025,20/05/2025,,,,30/06/2025\n"
        "H1,ANN,LEE,06/05/1980,01/04/2025,20/05/2025,20/05/2025,15/07/2025,16/07/2025,,30/09/2025\n"
        "H2,BOB,RAY,06/05/1990,,,02/06/2025,,,,30/06/2025\n"
    )
    rows = rows_of(
        "h_clic", path, "homelessness_cases", "record_id", "duty", "start_date", "end_date"
    )
    assert sorted(rows) == [
        ("H1", "main", date(2025, 7, 16), None),
        ("H1", "prevention", date(2025, 4, 1), date(2025, 5, 20)),
        ("H1", "relief", date(2025, 5, 20), date(2025, 7, 15)),
        ("H2", "relief", date(2025, 6, 2), None),
    ]
    people = rows_of("h_clic", path, "people", "record_id", "family_name", "date_of_birth")
    assert sorted(people) == [("H1", "LEE", date(1980, 5, 6)), ("H2", "RAY", date(1990, 5, 6))]


def test_sections_of_homelessness_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "hclic_people.csv").write_text("Case Reference,Surname,DOB\nH1,LEE,1980-05-06\n")
    (tmp_path / "hclic_relief.csv").write_text(
        "Case Reference,Relief Duty Start Date\nH1,2025-05-20\n"
    )
    (tmp_path / "hclic_temporary.csv").write_text(
        "Case Reference,TA Start Date,TA End Date,TA Type\nH1,21/05/2025,NULL,Nightly paid\n"
    )
    assert rows_of("h_clic", tmp_path, "homelessness_cases", "record_id", "duty") == [
        ("H1", "relief")
    ]
    assert rows_of(
        "h_clic",
        tmp_path,
        "temporary_accommodation",
        "record_id",
        "start_date",
        "end_date",
        "placement_type",
    ) == [("H1", date(2025, 5, 21), None, "Nightly paid")]


def test_housing_register_in_windows_letters(tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    text = (
        "Applicant Ref,First Name,Last Name,Date of Birth,Application Ref,Date Registered,Bedrooms Lacking,Band\r\n"
        "7,ZOË,O’NEILL,06/05/1980,A7,01/04/2025,2,B\r\n"
    )
    path.write_bytes(text.encode("cp1252"))
    rows = rows_of(
        "housing_register",
        path,
        "housing_applications",
        "record_id",
        "application_id",
        "start_date",
        "bedrooms_short",
        "priority_band",
    )
    assert rows == [("7", "A7", date(2025, 4, 1), 2, "B")]
    assert rows_of("housing_register", path, "people", "given_name", "family_name") == [
        ("ZOË", "O’NEILL")
    ]


def test_council_tax(tmp_path: Path) -> None:
    path = tmp_path / "ctax.csv"
    path.write_bytes(
        "\ufeffProperty Reference,UPRN,CT_Band,SPD\r\n7,100,d,Yes\r\n8,101,N/A,No\r\n".encode()
    )
    rows = rows_of(
        "council_tax", path, "dwellings", "record_id", "uprn", "band", "single_person_discount"
    )
    assert rows == [("7", "100", "D", True), ("8", "101", None, False)]
