"""Values, halves, Parquet, aliases and counts."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pophealth_link.errors import DataError
from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE, TABLES
from pophealth_link.sources import (
    ALIASES,
    Counts,
    Only,
    TableFile,
    columns_of,
    conform,
    from_frame,
    read,
    read_aliases,
)
from pophealth_link.sources.dates import read_dates

DELAYS = EVENT_TABLES["delayed_discharges"]


def dates(values: list[str], *formats: str) -> list[date | None]:
    frame = pl.DataFrame({"d": values})
    return frame.select(read_dates(pl.col("d"), formats)).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("2025-04-01", "%Y-%m-%d", date(2025, 4, 1)),
        ("01/04/2025", "%d/%m/%Y", date(2025, 4, 1)),
        ("1/4/2025", "%d/%m/%Y", date(2025, 4, 1)),
        ("2025-04-01T00:00:00", "%Y-%m-%d", date(2025, 4, 1)),
        ("2025-04-01 23:59:59.123+01:00", "%Y-%m-%d", date(2025, 4, 1)),
        ("01/04/2025 09:30", "%d/%m/%Y %H:%M", date(2025, 4, 1)),
        ("01/04/2025 09:30 PM", "%d/%m/%Y", date(2025, 4, 1)),
        ("04JAN2021", "%d%b%Y", date(2021, 1, 4)),
        ("04Jan2021:00:00:00", "%d%b%Y", date(2021, 1, 4)),
        ("4-jan-2021", "%d-%b-%Y", date(2021, 1, 4)),
        ("4 January 2021", "%d %B %Y", date(2021, 1, 4)),
        ("20250401", "%Y%m%d", date(2025, 4, 1)),
        ("202541", "%Y%m%d", None),
        ("1980", "%Y", date(1980, 1, 1)),
        ("1980-06", "%Y-%m", date(1980, 6, 1)),
        ("Jun 1980", "%b %Y", date(1980, 6, 1)),
        ("29/02/2024", "%d/%m/%Y", date(2024, 2, 29)),
        ("29/02/2023", "%d/%m/%Y", None),
        ("31/02/2020", "%d/%m/%Y", None),
        ("00/00/0000", "%d/%m/%Y", None),
        ("01/02/85", "%d/%m/%Y", None),
        ("01/02/0085", "%d/%m/%Y", None),
        ("0001-01-01", "%Y-%m-%d", None),
        ("9999-12-31", "%Y-%m-%d", date(9999, 12, 31)),
        ("01/04/2025x", "%d/%m/%Y", None),
        ("01/04/21", "%d/%m/%y", date(2021, 4, 1)),
        ("01.04.2025", "%d/%m/%Y", None),
    ],
)
def test_dates(text: str, pattern: str, expected: date | None) -> None:
    assert dates([text], pattern) == [expected]


def test_the_first_format_that_fits_decides() -> None:
    assert dates(["01/02/2020", "2020-02-01"], "%m/%d/%Y", "%d/%m/%Y", "%Y-%m-%d") == [
        date(2020, 1, 2),
        date(2020, 2, 1),
    ]


@given(
    day=st.dates(date(1800, 1, 1)),
    form=st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d%m%Y", "%d-%b-%Y", "%B %d %Y", "%Y%m%d"]),
)
@settings(max_examples=60, deadline=None)
def test_what_strftime_writes_is_read(day: date, form: str) -> None:
    assert dates([day.strftime(form).replace("%Y", str(day.year))], form) == [day]


def test_values_that_cannot_be_read_are_missing_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "delays.csv"
    path.write_text(
        "record_id,start_date,end_date,reason\n"
        "1,2025-04-01,31/02/2025,3\n"
        "2,01/05/2025,2025-06-01,03\n"
        "3,never, NULL ,99\n"
        "4,2025-07-01,,Housing: own home\n"
        ",rubbish,,rubbish\n"
    )
    accepted = read(TableFile(DELAYS, path), where="mhsds")
    told = accepted.frame.select("record_id", "start_date", "end_date", "reason")
    assert told.rows() == [
        ("1", date(2025, 4, 1), None, "03"),
        ("2", date(2025, 5, 1), date(2025, 6, 1), "03"),
        ("3", None, None, None),
        ("4", date(2025, 7, 1), None, "16"),
    ]
    assert accepted.counts.unreadable == {
        ("end_date", "not_a_date"): 1,
        ("reason", "not_in_code_list"): 1,
        ("start_date", "not_a_date"): 1,
    }
    assert (accepted.counts.rows_in, accepted.counts.accepted) == (5, 4)


def test_codes_in_any_case_and_padding() -> None:
    admissions = EVENT_TABLES["admissions"]
    given_codes = ["2a", " 21 ", "021", "2A", "2", "", "0", "00"]
    frame = pl.DataFrame(
        {
            "record_id": [str(i) for i in range(8)],
            "start_date": [date(2025, 4, 1)] * 8,
            "admission_method": given_codes,
            "primary_diagnosis": ["F20"] * 8,
        }
    )
    accepted = from_frame(frame, admissions, where="sus")
    expected = ["2A", "21", "21", "2A", None, None, None, None]
    assert accepted.frame["admission_method"].to_list() == expected
    assert accepted.counts.unreadable == {("admission_method", "not_in_code_list"): 3}


def test_every_code_of_every_list_reads_as_itself() -> None:
    for table in EVENT_TABLES.values():
        for column in table.columns:
            if column.codes is None:
                continue
            codes = list(column.codes.codes)
            frame = pl.DataFrame(
                {
                    name: codes if name == column.name else ["2025-04-01"] * len(codes)
                    for name in {*table.required, column.name}
                }
            )
            assert conform(frame, table, where="x")[column.name].to_list() == codes


def test_numbers_and_booleans(tmp_path: Path) -> None:
    housing = EVENT_TABLES["housing_applications"]
    frame = pl.DataFrame(
        {
            "record_id": list("abcdefg"),
            "start_date": ["2025-04-01"] * 7,
            "bedrooms_short": ["2", " 3.0 ", "2.5", "two", "nan", "-1", None],
        }
    )
    accepted = from_frame(frame, housing, where="housing")
    assert accepted.frame["bedrooms_short"].to_list() == [2, 3, None, None, None, -1, None]
    assert accepted.counts.unreadable == {("bedrooms_short", "not_a_number"): 3}
    tax = pl.DataFrame(
        {"uprn": list("12345678"), "licensed_hmo": ["Y", "no", "TRUE", "0", "1", "f", "maybe", ""]}
    )
    read_tax = from_frame(tax, DWELLINGS, where="tax")
    expected = [True, False, True, False, True, False, None, None]
    assert read_tax.frame["licensed_hmo"].to_list() == expected
    assert read_tax.counts.unreadable == {("licensed_hmo", "not_a_boolean"): 1}


def test_people_keep_what_prepare_standardises_as_written() -> None:
    frame = pl.DataFrame(
        {
            "record_id": ["1"],
            "sex": ["female"],
            "ethnic_category": ["White British"],
            "nhs_number": ["0943 476 5919"],
            "postcode": ["se1 1aa"],
            "practice_code": ["5E1"],
        }
    )
    row = from_frame(frame, PEOPLE, where="gp").frame.row(0, named=True)
    assert {name: row[name] for name in frame.columns} == frame.row(0, named=True)


@pytest.mark.parametrize("only", ["identifiers", "attributes", "all"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_halves_hold_what_belongs_to_them(tmp_path: Path, only: Only, kind: str) -> None:
    for table in (PEOPLE, DWELLINGS, DELAYS):
        frame = pl.DataFrame({name: ["1"] for name in table.names}).with_columns(
            pl.lit("2025-04-01").alias(c.name) for c in table.columns if c.kind == "date"
        )
        path = tmp_path / f"{table.name}.{kind}"
        frame.write_csv(path) if kind == "csv" else frame.write_parquet(path)
        got = set(read(TableFile(table, path), where="x", only=only).frame.columns)
        assert "record_id" in got
        if only == "attributes":
            assert not got & set(table.identifiers)
        if only == "identifiers":
            assert set(table.identifiers) <= got
            assert got - set(table.identifiers) <= {
                "record_id",
                "sex",
                "ethnic_category",
                "practice_code",
                "date_from",
                "date_to",
            }
        if only == "all":
            assert got == set(table.names)


def test_a_frame_always_has_the_columns_of_its_half() -> None:
    accepted = from_frame(pl.DataFrame({"record_id": ["1"]}), PEOPLE, where="gp")
    assert accepted.frame.schema == PEOPLE.polars_schema
    assert accepted.present == ("record_id",)


def test_typed_parquet_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "gp.parquet"
    pl.DataFrame(
        {
            "record_id": [1, 2],
            "nhs_number": [9434765919.0, None],
            "uprn": ["0012", "0013"],
            "date_of_birth": [datetime(1980, 5, 6, 23), None],
            "date_from": [date(2020, 1, 2), None],
            "date_to": [20250401, None],
            "sex": pl.Series([b"x", b"y"]).cast(pl.String).cast(pl.Categorical),
        }
    ).write_parquet(path)
    file = TableFile(PEOPLE, path, {}, {"date_to": ("%Y%m%d",)})
    row = read(file, where="gp").frame.row(0, named=True)
    assert row["record_id"] == "1"
    assert row["nhs_number"] == "9434765919"
    assert row["uprn"] == "0012"
    assert (row["date_of_birth"], row["date_from"]) == (date(1980, 5, 6), date(2020, 1, 2))
    assert row["date_to"] == date(2025, 4, 1)
    assert row["sex"] == "x"


def test_a_folder_of_parquet_is_read_in_order_of_names(tmp_path: Path) -> None:
    folder = tmp_path / "gp"
    folder.mkdir()
    pl.DataFrame({"sex": ["1"], "record_id": [7]}).write_parquet(folder / "b.parquet")
    pl.DataFrame({"record_id": ["5", None], "sex": ["2", "2"]}).write_parquet(folder / "a.parquet")
    (folder / "_SUCCESS").touch()
    accepted = read(TableFile(PEOPLE, folder), where="gp")
    assert accepted.frame.select("record_id", "sex").rows() == [("5", "2"), ("7", "1")]
    assert accepted.quarantine["row"].to_list() == [2]


def test_damage_within_a_parquet_file_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "gp.parquet"
    frame = pl.DataFrame({"record_id": [f"canary-{i}" for i in range(5000)]})
    frame.write_parquet(path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(360)
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged") as caught:
        read(TableFile(PEOPLE, path), where="gp")
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


def test_dwellings_without_an_id_take_the_number_of_the_row(tmp_path: Path) -> None:
    path = tmp_path / "tax.csv"
    path.write_text("uprn,band\n10,a\n20\n30,Band C\n")
    for only in ("identifiers", "attributes"):
        accepted = read(TableFile(DWELLINGS, path), where="tax", only=only)  # type: ignore[arg-type]
        assert accepted.frame["record_id"].to_list() == ["1", "3"]
    assert accepted.frame["band"].to_list() == ["A", "C"]


def test_aliases_of_unknown_people_are_counted_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "aliases.csv"
    path.write_text("record_id,family_name,sex\n1,A,1\n1,B,1\n9,C,1\n,D,1\n2\n")
    accepted = read_aliases(TableFile(ALIASES, path), pl.Series(["1", "2"]), where="gp.aliases")
    assert accepted.frame["family_name"].to_list() == ["A", "B"]
    assert "sex" not in accepted.frame.columns
    assert accepted.quarantine.select("row", "reason").rows() == [
        (3, "unknown_record_id"),
        (4, "no_record_id"),
        (5, "ragged"),
    ]
    assert accepted.counts.rows_in == 5


def test_aliases_take_the_settings_of_their_people(tmp_path: Path) -> None:
    path = tmp_path / "aliases.csv"
    path.write_text("record_id,surname\n1,A\n")
    shared = {"family_name": "surname"}
    file = TableFile(ALIASES, path, shared, {"date_from": ("%d/%m/%Y",)})
    assert read_aliases(file, pl.Series(["1"]), where="gp").frame["family_name"].to_list() == ["A"]


def test_tables_without_a_record_id_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "icp.csv"
    path.write_text("practice_code,footprint_code,share,valid_from\nA1,N,0.5,2025-04-01\nA2\n")
    accepted = read(TableFile(TABLES["footprints"], path), where="footprints.icp")
    assert accepted.frame.row(0, named=True)["share"] == 0.5
    assert accepted.quarantine.rows() == [("footprints", "icp.csv", 2, "ragged", None)]


def test_conform_refuses_rows_without_key() -> None:
    with pytest.raises(DataError, match="1 of 2 rows have none"):
        conform(pl.DataFrame({"record_id": ["1", " "]}), PEOPLE, where="gp")


def test_a_frame_with_a_wrong_column_is_refused() -> None:
    with pytest.raises(DataError, match="no column `nam`"):
        from_frame(
            pl.DataFrame({"record_id": ["1"]}), PEOPLE, where="gp", columns={"given_name": "nam"}
        )
    frame = pl.DataFrame({"record_id": ["1"], "address": [["a"]]})
    with pytest.raises(DataError, match="nested"):
        from_frame(frame, PEOPLE, where="gp")


def test_counts_that_lose_a_row_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="rows in and added must be"):
        Counts(rows_in=3, accepted=2)


def test_the_order_of_rows_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gp.csv"
    ids = [f"r{(i * 7919) % 50_021}" for i in range(50_000)]
    path.write_text("record_id\n" + "\n".join(ids) + "\n")
    assert read(TableFile(PEOPLE, path), where="gp").frame["record_id"].to_list() == ids


words = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\ufeff"), max_size=8),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(words, words, st.one_of(st.none(), st.dates(date(1800, 1, 1)))),
        min_size=1,
        max_size=15,
    ),
    kind=st.sampled_from(["csv", "parquet"]),
)
def test_write_then_read_round_trips(
    tmp_path: Path, rows: list[tuple[str | None, str | None, date | None]], kind: str
) -> None:
    frame = pl.DataFrame(
        {
            "record_id": [f"{i}" if r[0] else None for i, r in enumerate(rows)],
            "given_name": [r[0] for r in rows],
            "address": [r[1] for r in rows],
            "date_of_birth": [r[2] for r in rows],
        },
        schema={
            "record_id": pl.String,
            "given_name": pl.String,
            "address": pl.String,
            "date_of_birth": pl.Date,
        },
    )
    path = tmp_path / f"gp.{kind}"
    frame.write_csv(path, quote_style="always") if kind == "csv" else frame.write_parquet(path)
    accepted = read(TableFile(PEOPLE, path), where="gp")

    def trimmed(text: str | None) -> str | None:
        made = re.sub(r"^[\s\x85]+|[\s\x85]+$", "", text or "")
        return None if made in ("", "NULL") else made

    want = [(f"{i}", trimmed(r[0]), trimmed(r[1]), r[2]) for i, r in enumerate(rows) if r[0]]
    assert [
        (a, trimmed(b), trimmed(c), d) for a, b, c, d in accepted.frame.select(frame.columns).rows()
    ] == want
    counts = accepted.counts
    assert counts.rows_in == len(rows) == counts.accepted + counts.quarantined
    assert accepted.quarantine.height == counts.quarantined


def test_keys_belong_to_both_halves() -> None:
    for table in (PEOPLE, DWELLINGS, ALIASES, *EVENT_TABLES.values()):
        for only in ("identifiers", "attributes"):
            names = [column.name for column in columns_of(table, only)]  # type: ignore[arg-type]
            assert set(table.keys) <= set(names)
