"""Presets: every one is well formed, applies, and gives way to the job."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pophealth_link.errors import JobError
from pophealth_link.schema import CODE_LISTS, DWELLINGS, EVENT_TABLES, PEOPLE, TABLES
from pophealth_link.sources import (
    ALIASES,
    TableFile,
    check,
    preset,
    preset_names,
    preset_problems,
    read,
)
from pophealth_link.sources.dates import format_problem


def test_the_presets_that_there_are() -> None:
    assert {"gp_register", "adult_social_care", "council_tax"} <= set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_names_only_what_exists_and_no_column_twice_first(name: str) -> None:
    made = preset(name)
    assert made.name == name
    assert made.meaning.endswith(".")
    assert made.setting in CODE_LISTS["setting"].codes or "people" not in made.tables
    assert made.nhs_number_kind in ("clear", "token")
    for table_name, told in made.tables.items():
        table = TABLES[table_name]
        assert set(told.columns) <= set(table.names)
        # Further names may be shared: a column that nothing else reads is taken in their order.
        for part in told.parts:
            first = [given[0].casefold() for given in part.columns.values() if given]
            assert len(set(first)) == len(first)
        for column, formats in told.formats.items():
            assert table.column(column).kind == "date"
            assert not [each for each in formats if format_problem(each, column)]


def test_an_unknown_preset_names_the_nearest() -> None:
    (problem,) = preset_problems("gp_registr", "sources[0].preset")
    assert (problem.kind, problem.where) == (JobError, "sources[0].preset")
    assert "Did you mean `gp_register`?" in problem.what
    with pytest.raises(JobError, match="Did you mean `gp_register`") as caught:
        preset("gp_registr")
    assert caught.value.exit_code == 10
    assert preset_problems("gp_register", "x") == []


def test_a_preset_reads_the_names_and_dates_of_its_extract(tmp_path: Path) -> None:
    path = tmp_path / "cld.csv"
    path.write_text("Person_Unique_Identifier,Gender,Date_of_Birth,Surname\nA1,2,06/05/1980,LEE\n")
    file = preset("adult_social_care").apply(TableFile(PEOPLE, path))
    row = read(file, where="care").frame.row(0, named=True)
    assert (row["record_id"], row["sex"], row["family_name"]) == ("A1", "2", "LEE")
    assert row["date_of_birth"] == date(1980, 5, 6)


def test_events_and_their_support_reasons_in_words(tmp_path: Path) -> None:
    path = tmp_path / "cld.csv"
    path.write_text(
        "Person_Unique_Identifier,Event_Start_Date,Primary_Support_Reason\n"
        "A1,01/04/2025,Mental Health Support\n"
    )
    table = EVENT_TABLES["social_care_events"]
    frame = read(preset("adult_social_care").apply(TableFile(table, path)), where="care").frame
    assert frame["primary_support_reason"].to_list() == ["mental_health"]
    assert frame["start_date"].to_list() == [date(2025, 4, 1)]


def test_what_the_job_says_overrides_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "gp.csv"
    path.write_text("patient_id,forename,known_as,dob\n1,ROBERT,BOB,05/06/1980\n")
    file = TableFile(PEOPLE, path, {"given_name": "known_as"}, {"date_of_birth": ("%m/%d/%Y",)})
    row = read(preset("gp_register").apply(file), where="gp").frame.row(0, named=True)
    assert row["given_name"] == "BOB"
    assert row["date_of_birth"] == date(1980, 5, 6)


def test_a_known_name_does_not_take_a_column_that_the_job_uses(tmp_path: Path) -> None:
    path = tmp_path / "gp.csv"
    path.write_text("record_id,surname\n1,LEE\n")
    file = preset("gp_register").apply(TableFile(PEOPLE, path, {"previous_family_name": "surname"}))
    assert check(file, "x") == []
    row = read(file, where="gp").frame.row(0, named=True)
    assert (row["family_name"], row["previous_family_name"]) == (None, "LEE")


def test_aliases_and_dwellings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("patient_id,previous_surname\n1,LEE\n")
    aliases = preset("gp_register").apply(TableFile(ALIASES, path))
    assert check(aliases, "x") == []
    tax = tmp_path / "tax.csv"
    tax.write_text("Property Reference,UPRN,Council Tax Band,SPD\n7,100,d,Yes\n")
    frame = read(preset("council_tax").apply(TableFile(DWELLINGS, tax)), where="tax").frame
    row = frame.select("record_id", "uprn", "band", "single_person_discount").row(0)
    assert row == ("7", "100", "D", True)
