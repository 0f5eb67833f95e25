"""Bad inputs: the class and exit code of each, what the message says, and all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pophealth_link.errors import DataError, JobError, UserError
from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE
from pophealth_link.sources import (
    ALIASES,
    PropertySource,
    Source,
    TableFile,
    check,
    check_source,
    found_columns,
    load,
    read,
    refuse,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
WHERE = "sources[0].people"


def csv(folder: Path, text: str, name: str = "gp.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(file: TableFile) -> UserError:
    with pytest.raises(UserError) as caught:
        refuse("job.toml", check(file, WHERE))
    with pytest.raises(type(caught.value)):
        read(file, where="gp")
    return caught.value


def a_png(folder: Path, name: str) -> Path:
    (folder / name).write_bytes(PNG)
    return folder / name


def a_parquet(folder: Path, name: str) -> Path:
    pl.DataFrame({"record_id": ["1"]}).write_parquet(folder / name)
    return folder / name


def a_damaged_parquet(folder: Path, name: str) -> Path:
    (folder / name).write_bytes(b"PAR1" + b"x" * 400)
    return folder / name


def an_empty_folder(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


@pytest.mark.parametrize(
    ("make", "name", "kind", "says"),
    [
        (lambda f, n: f / n, "absent.csv", JobError, "does not exist"),
        (lambda f, n: csv(f, "", n), "gp.csv", DataError, "is empty"),
        (lambda f, n: csv(f, "record_id,sex\n", n), "gp.csv", DataError, "header and no rows"),
        (lambda f, n: csv(f, "record_id\n \n\n", n), "gp.csv", DataError, "header and no rows"),
        (lambda f, n: csv(f, "sex,uprn\n1,2\n", n), "gp.csv", DataError, "no column `record_id`"),
        (lambda f, n: csv(f, "record_id\n1\n", n), "gp.parquet", DataError, "text, not Parquet"),
        (a_png, "gp.csv", DataError, "PNG image"),
        (a_png, "gp.parquet", DataError, "PNG image"),
        (a_parquet, "gp.csv", DataError, "Parquet file under another name"),
        (a_damaged_parquet, "gp.parquet", DataError, "cannot be read as Parquet"),
        (an_empty_folder, "gp", DataError, "holds no CSV or Parquet"),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path,
    make: Callable[[Path, str], Path],
    name: str,
    kind: type[UserError],
    says: str,
) -> None:
    error = refused(TableFile(PEOPLE, make(tmp_path, name)))
    assert type(error) is kind
    assert error.exit_code == {JobError: 10, DataError: 11}[kind]
    assert says in str(error)
    assert name in str(error)


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (b"PK\x03\x04" + bytes(60), "Excel workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(60), "Excel workbook of the old kind"),
        (b"\x1f\x8b\x08" + bytes(60), "gzip"),
        ("record_id\n1\n".encode("utf-16"), "UTF-16"),
        (b"record_id\x00\n1\n", "neither text nor Parquet"),
    ],
)
def test_other_kinds_of_file_are_named(tmp_path: Path, start: bytes, says: str) -> None:
    path = tmp_path / "gp.csv"
    path.write_bytes(start)
    (problem,) = check(TableFile(PEOPLE, path), WHERE)
    assert problem.kind is DataError
    assert says in problem.what


def test_an_absent_file_names_its_neighbour(tmp_path: Path) -> None:
    csv(tmp_path, "record_id\n1\n", "gp_register.csv")
    (problem,) = check(TableFile(PEOPLE, tmp_path / "gp_regster.csv"), WHERE)
    assert "Did you mean `gp_register.csv`?" in problem.what


def test_a_misspelt_column_names_the_nearest_header(tmp_path: Path) -> None:
    path = csv(tmp_path, "record_id,famly_name\n1,x\n")
    error = refused(TableFile(PEOPLE, path, {"family_name": "family_nam"}))
    assert type(error) is DataError
    assert "no column `family_nam` (for `family_name`)" in str(error)
    assert "Did you mean `famly_name`?" in str(error)
    assert "[sources.columns] family_name" in str(error)


def test_a_first_row_of_values_is_not_shown(tmp_path: Path) -> None:
    (problem,) = check(TableFile(PEOPLE, csv(tmp_path, "record_idd,SMITH\n1,x\n")), WHERE)
    assert "SMITH" not in str(problem)
    assert "record_idd" not in str(problem)
    assert "first row" in problem.what


@pytest.mark.parametrize(
    "columns",
    [
        {"given_name": "name", "family_name": "name"},
        {"address": "postcode"},
        {"given_name": " NAME", "family_name": "name"},
    ],
)
def test_two_columns_mapped_to_one(tmp_path: Path, columns: dict[str, str]) -> None:
    path = csv(tmp_path, "record_id,name,postcode\n1,x,y\n")
    error = refused(TableFile(PEOPLE, path, columns))
    assert (type(error), error.exit_code) == (JobError, 10)
    assert "read from one column" in str(error)


def test_settings_that_name_no_column(tmp_path: Path) -> None:
    path = csv(tmp_path, "record_id\n1\n")
    file = TableFile(PEOPLE, path, {"famly_name": "x"}, {"date_of_brith": ("%d",), "sex": ("%d",)})
    problems = check(file, WHERE)
    assert [problem.kind for problem in problems] == [JobError] * 3
    text = " ".join(problem.what for problem in problems)
    assert "Did you mean `family_name`?" in text
    assert "Did you mean `date_of_birth`?" in text
    assert "`sex` is not a date column" in text


@pytest.mark.parametrize("text", ["dd/mm/yyyy", "%d/%m", "%Q-%Y", "%d/%m/%y", ""])
def test_formats_that_cannot_be_dates_of_birth(tmp_path: Path, text: str) -> None:
    path = csv(tmp_path, "record_id,date_of_birth\n1,x\n")
    (problem,) = check(TableFile(PEOPLE, path, {}, {"date_of_birth": (text,)}), WHERE)
    assert problem.kind is JobError


def test_no_format_at_all(tmp_path: Path) -> None:
    path = csv(tmp_path, "record_id,date_of_birth\n1,x\n")
    (problem,) = check(TableFile(PEOPLE, path, {}, {"date_of_birth": ()}), WHERE)
    assert "empty list" in problem.what


@pytest.mark.parametrize("header", ["record_id,uprn,uprn", "record_id,UPRN, Uprn"])
def test_headers_that_occur_twice(tmp_path: Path, header: str) -> None:
    error = refused(TableFile(PEOPLE, csv(tmp_path, f"{header}\n1,2,3\n")))
    assert (type(error), error.exit_code) == (DataError, 11)
    assert "2 columns named `uprn`" in str(error).lower()


def test_a_further_column_may_occur_twice(tmp_path: Path) -> None:
    assert check(TableFile(PEOPLE, csv(tmp_path, "record_id,note,note\n1,2,3\n")), WHERE) == []


def test_all_problems_are_told_at_once_under_the_lowest_code(tmp_path: Path) -> None:
    bad = csv(tmp_path, "sex\n1\n")
    source = Source(
        "care",
        "local_authority",
        TableFile(PEOPLE, bad, {"famly_name": "x"}),
        events=(TableFile(EVENT_TABLES["referrals"], tmp_path / "absent.csv"),),
        aliases=TableFile(ALIASES, csv(tmp_path, "", "aliases.csv")),
    )
    problems = check_source(source, "sources[1]")
    with pytest.raises(JobError) as caught:
        refuse("job.toml", problems)
    told = str(caught.value)
    assert told.startswith("JobError: job.toml has 4 problems.")
    for part in ("sources[1].people", "sources[1].events[0].path", "sources[1].aliases"):
        assert part in told


def test_events_and_aliases_may_have_no_rows_but_people_and_dwellings_must(tmp_path: Path) -> None:
    events = TableFile(
        EVENT_TABLES["temporary_accommodation"], csv(tmp_path, "record_id,start_date\n", "e.csv")
    )
    assert check(events, WHERE) == []
    assert read(events, where="ta").counts.rows_in == 0
    assert check(TableFile(ALIASES, csv(tmp_path, "record_id,uprn\n", "a.csv")), WHERE) == []
    dwellings = PropertySource("tax", TableFile(DWELLINGS, csv(tmp_path, "uprn\n", "d.csv")))
    assert "no rows" in check_source(dwellings, "properties[0]")[0].what
    empty = tmp_path / "none.parquet"
    pl.DataFrame(schema={"record_id": pl.String}).write_parquet(empty)
    assert "no rows" in check(TableFile(PEOPLE, empty), WHERE)[0].what


def test_a_file_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object, **__: object) -> None:
        raise PermissionError

    path = csv(tmp_path, "record_id\n1\n")
    monkeypatch.setattr(Path, "open", forbid)
    (problem,) = check(TableFile(PEOPLE, path), WHERE)
    assert problem.kind is DataError
    assert "cannot be opened" in problem.what


def test_parts_with_other_columns_and_nested_columns(tmp_path: Path) -> None:
    folder = tmp_path / "gp"
    folder.mkdir()
    pl.DataFrame({"record_id": ["1"]}).write_parquet(folder / "a.parquet")
    pl.DataFrame({"record_id": ["2"], "sex": ["1"]}).write_parquet(folder / "b.parquet")
    assert "1 of 2" in check(TableFile(PEOPLE, folder), WHERE)[0].what
    nested = tmp_path / "nested.parquet"
    pl.DataFrame({"record_id": ["1"], "address": [["a", "b"]]}).write_parquet(nested)
    assert "`address` holds nested" in check(TableFile(PEOPLE, nested), WHERE)[0].what


def test_headers_match_exactly_then_by_case_and_blanks(tmp_path: Path) -> None:
    path = csv(tmp_path, "RECORD_ID , Sex,SEX,sex,Surname\n1,2,3,4,x\n")
    file = TableFile(PEOPLE, path, {"family_name": " surname"})
    assert check(file, WHERE) == []
    assert found_columns(file) == ("record_id", "family_name", "sex")
    assert read(file, where="gp").frame["sex"].to_list() == ["4"]


def test_a_duplicate_record_id_is_counted_not_shown(tmp_path: Path) -> None:
    path = csv(tmp_path, "record_id\nK1\nK2\n K1\nK3\nK2\nK1\n")
    with pytest.raises(DataError) as caught:
        read(TableFile(PEOPLE, path), where="care")
    assert caught.value.exit_code == 11
    assert "`record_id` in care is not unique" in str(caught.value)
    assert "2 values are on 5 rows" in str(caught.value)
    assert "K1" not in str(caught.value)


def test_an_event_may_repeat_a_record_id(tmp_path: Path) -> None:
    path = csv(tmp_path, "record_id,start_date\n1,2025-04-01\n1,2025-05-01\n")
    accepted = read(TableFile(EVENT_TABLES["temporary_accommodation"], path), where="ta")
    assert accepted.counts.accepted == 2


def test_a_date_column_that_fits_nothing_reads_as_the_style_says(tmp_path: Path) -> None:
    rows = "".join(f"{i},{1 + i % 28}-Mar-1980\n" for i in range(3944))
    path = csv(tmp_path, f"record_id,date_of_birth\n{rows}")
    file = TableFile(PEOPLE, path, {}, {"date_of_birth": ("%d/%m/%Y",)})
    with pytest.raises(DataError) as caught:
        read(file, where="social_care")
    assert str(caught.value) == (
        "DataError: `date_of_birth` in social_care could not be read as dates.\n"
        '  3,944 of 3,944 values do not match "%d/%m/%Y".\n'
        '  Fix:   give the format, [sources.formats] date_of_birth = ["%d-%b-%Y"]'
    )


def test_several_date_columns_and_files_are_told_together(tmp_path: Path) -> None:
    people = csv(tmp_path, "record_id,date_of_birth,date_from\n1,x,y\n2,,z\n", "p.csv")
    events = csv(tmp_path, "record_id,start_date\n1,soon\n", "e.csv")
    found = [
        load(TableFile(PEOPLE, people), where="gp"),
        load(TableFile(EVENT_TABLES["temporary_accommodation"], events), where="gp.ta"),
    ]
    with pytest.raises(DataError) as caught:
        refuse("job.toml", [problem for each in found for problem in each.problems])
    told = str(caught.value)
    assert "job.toml has 3 problems" in told
    assert "gp.date_of_birth" in told
    assert "1 of 1 values match none of" in told
    assert "2 of 2 values" in told
    assert "gp.ta.start_date" in told


def test_a_date_column_of_missing_values_is_no_error(tmp_path: Path) -> None:
    path = csv(tmp_path, "record_id,date_of_death\n1,\n2,NULL\n")
    assert read(TableFile(PEOPLE, path), where="gp").counts.accepted == 2


@pytest.mark.parametrize(
    ("setting", "kind", "says"),
    [("primary_car", "clear", "Did you mean `primary_care`?"), ("community", "open", '"token"')],
)
def test_a_source_refuses_settings_that_do_not_exist(setting: str, kind: str, says: str) -> None:
    with pytest.raises(JobError, match="must be one of") as caught:
        Source("gp", setting, TableFile(PEOPLE, Path("x")), nhs_number_kind=kind)  # type: ignore[arg-type]
    assert says in str(caught.value)
