"""Delimited text: what is a record, what is ragged, and that nothing is lost or invented."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pophealth_link.schema import PEOPLE
from pophealth_link.sources import Accepted, TableFile, read
from pophealth_link.sources.delimited import read_chunks, read_header

NAMES = ["record_id", "address", "uprn"]
HEAD = "record_id,address,uprn\n"


def rows_of(tmp_path: Path, data: str | bytes) -> Accepted:
    path = tmp_path / "x.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read(TableFile(PEOPLE, path), where="x", only="identifiers")


def values(accepted: Accepted) -> list[tuple[str | None, ...]]:
    return accepted.frame.select(NAMES).rows()


def ragged(accepted: Accepted) -> list[int]:
    return accepted.quarantine.filter(pl.col("reason") == "ragged")["row"].to_list()


@pytest.mark.parametrize(
    ("text", "kept", "refused"),
    [
        ("1,a,2\n3,b\n4,c,5,6\n7,d,8\n", [("1", "a", "2"), ("7", "d", "8")], [2, 3]),
        ('1,"a, b",2\n', [("1", "a, b", "2")], []),
        ('1,"a\nb\n\nc",2\n3,"d",4\n', [("1", "a\nb\n\nc", "2"), ("3", "d", "4")], []),
        ('1,"say ""hi""",2\n', [("1", 'say "hi"', "2")], []),
        ('1,"""\n""",2\n3,b,4', [("1", '"\n"', "2"), ("3", "b", "4")], []),
        ('1, "a, b" ,2\n', [("1", "a, b", "2")], []),
        # A mark inside an unquoted field is a character like any other.
        ('1,5" pipe,2\n3,b,4\n', [("1", '5" pipe', "2"), ("3", "b", "4")], []),
        ('1,5",2\n3,b,4\n', [("1", '5"', "2"), ("3", "b", "4")], []),
        # A mark that is never closed costs its own line and no other.
        ('1,"a,2\n3,b,4\n5,c,6\n', [("3", "b", "4"), ("5", "c", "6")], [1]),
        ('1,"a,2\n3,"b",4\n5,c,6\n', [("3", "b", "4"), ("5", "c", "6")], [1]),
        ('1,"a,2\n3,"b\nb",4\n5,c,6\n', [("3", "b\nb", "4"), ("5", "c", "6")], [1]),
        ('1,"a,2\n3,"b",4\n5,6",7\n', [("3", "b", "4"), ("5", '6"', "7")], [1]),
        ('1,"5" pipe",2\n3,b,4\n', [("3", "b", "4")], [1]),
        # A record over two lines that has a field too few is one ragged row.
        ('1,"a\nb"\n3,c,4\n', [("3", "c", "4")], [1]),
        ("1,a,2\n\n  \n3,b,4\n\n", [("1", "a", "2"), ("3", "b", "4")], []),
        ("1,a,2\r\n3,b\r\n5,c,6", [("1", "a", "2"), ("5", "c", "6")], [2]),
        # In a file whose lines end otherwise, a carriage return alone is part of a value.
        ("1,a\ra,2\n3,b,4\n", [("1", "a\ra", "2"), ("3", "b", "4")], []),
        ("1,a,2\r\n3,b,4\n5,c,6\r", [("1", "a", "2"), ("3", "b", "4"), ("5", "c", "6")], []),
    ],
)
def test_records(
    tmp_path: Path, text: str, kept: list[tuple[str, ...]], refused: list[int]
) -> None:
    accepted = rows_of(tmp_path, HEAD + text)
    assert values(accepted) == kept
    assert ragged(accepted) == refused
    assert accepted.counts.rows_in == len(kept) + len(refused)


def test_lines_may_end_in_carriage_returns_alone(tmp_path: Path) -> None:
    text = HEAD + '1,a,2\n3,"b,c",4\n'
    accepted = rows_of(tmp_path, text.replace("\n", "\r"))
    assert values(accepted) == [("1", "a", "2"), ("3", "b,c", "4")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told_from_the_header(tmp_path: Path, separator: str) -> None:
    text = f'{HEAD}1,"a{separator}b",2\n3,c,4\n'.replace(",", separator)
    assert values(rows_of(tmp_path, text)) == [("1", f"a{separator}b", "2"), ("3", "c", "4")]


@pytest.mark.parametrize(
    "data",
    [
        ("\ufeff" + HEAD + "1,Zoë Łuczak,2\n").encode(),
        (HEAD + "1,Zoë Łuczak,2\n").encode(),
    ],
)
def test_utf_8_with_and_without_a_mark(tmp_path: Path, data: bytes) -> None:
    assert values(rows_of(tmp_path, data)) == [("1", "Zoë Łuczak", "2")]


def test_bytes_that_are_not_utf_8_are_windows_1252(tmp_path: Path) -> None:
    data = HEAD.encode() + "1,José’s café €,2\n".encode("cp1252") + "3,Łódź,4\n".encode()
    assert values(rows_of(tmp_path, data)) == [("1", "José’s café €", "2"), ("3", "Łódź", "4")]


def test_a_row_without_key_goes_to_quarantine_with_its_number(tmp_path: Path) -> None:
    accepted = rows_of(tmp_path, HEAD + "1,a,2\n,b,3\nNULL,c,4\n5\n  ,d,6\n7,e,8\n")
    assert values(accepted) == [("1", "a", "2"), ("7", "e", "8")]
    assert accepted.quarantine.rows() == [
        ("people", "x.csv", 2, "no_record_id", None),
        ("people", "x.csv", 3, "no_record_id", None),
        ("people", "x.csv", 4, "ragged", None),
        ("people", "x.csv", 5, "no_record_id", None),
    ]
    assert accepted.counts.quarantined_by == {"no_record_id": 3, "ragged": 1}


def test_a_header_may_be_quoted_and_go_over_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('\n"record\n_id","say ""x""",\n1,2,3\n')
    assert read_header(path) == ["record\n_id", 'say "x"', ""]


@pytest.mark.parametrize("block", [7, 19, 64, 1000])
def test_the_size_of_a_block_changes_nothing(tmp_path: Path, block: int) -> None:
    text = HEAD + '1,"a\nb",2\r\n3,"c,\n\n""d""\n",4\n5,e\n6,"never,7\n8,é€,9\n10,"f",11'
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    places = {name: place for place, name in enumerate(NAMES)}
    whole = list(read_chunks(path, 3, places))
    parts = list(read_chunks(path, 3, places, block=block))
    assert len(parts) > len(whole) or block == 1000
    for pick in ("frame", "ragged"):
        joined = pl.concat([getattr(part, pick) for part in parts])
        assert joined.equals(pl.concat([getattr(part, pick) for part in whole]))


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\ufeff", exclude_categories=["Cs"])
    | st.sampled_from('",\n\r ;"'),
    max_size=12,
)
QUOTING = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])


def as_read(value: str) -> str | None:
    """Return what a cell should give: line ends made one kind, blanks off, empty is missing."""
    one_kind = value.replace("\r\n", "\n")
    text = re.sub(r"^[\s\x85]+|[\s\x85]+$", "", one_kind)
    return None if text in ("", "NULL") else text


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12),
    quoting=QUOTING,
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(5, 400),
)
def test_what_the_csv_module_writes_is_what_is_read(
    tmp_path: Path, rows: list[tuple[str, str, str]], quoting: int, end: str, block: int
) -> None:
    handle = io.StringIO()
    writer = csv.writer(handle, quoting=quoting, lineterminator=end)
    writer.writerow(["record_id", "address", "uprn"])
    writer.writerows((f"k{i}", f"x{a}", f"{b}x") for i, (a, b, _) in enumerate(rows))
    path = tmp_path / "x.csv"
    path.write_bytes(handle.getvalue().encode())
    places = {name: place for place, name in enumerate(NAMES)}
    chunks = list(read_chunks(path, 3, places, block=block))
    got = pl.concat([chunk.frame for chunk in chunks]).drop("row").rows()
    want = [(f"k{i}", as_read(f"x{a}"), as_read(f"{b}x")) for i, (a, b, _) in enumerate(rows)]
    assert [tuple(as_read(cell) for cell in row) for row in got] == want
    assert not sum(chunk.ragged.len() for chunk in chunks)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(st.text(st.sampled_from('ab",;\n 1'), max_size=15), max_size=25))
def test_rows_are_conserved_whatever_the_text(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEAD + "\n".join(lines) + "\nlast,a,b\n")
    places = {name: place for place, name in enumerate(NAMES)}
    chunks = list(read_chunks(path, 3, places))
    numbers = pl.concat([pl.concat([c.frame["row"], c.ragged]) for c in chunks]).sort().to_list()
    assert numbers == list(range(1, len(numbers) + 1))
    physical = [line for line in "\n".join(lines).split("\n") if line.strip()]
    assert len(numbers) <= len(physical) + 1
    if not any('"' in line for line in lines):
        assert len(numbers) == len(physical) + 1
