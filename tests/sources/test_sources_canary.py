"""Marked values never reach a message, a repr, or anything in the chain of an exception."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from pophealth_link.errors import UserError
from pophealth_link.schema import DWELLINGS, EVENT_TABLES, PEOPLE, Table
from pophealth_link.sources import TableFile, check, load, read, refuse

MARK = "ZQMARK"
TABLES = [PEOPLE, DWELLINGS, *EVENT_TABLES.values()]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if error.__cause__ is not None:
            yield from chain(error.__cause__)
        error = error.__context__


def assert_silent(error: BaseException) -> None:
    for each in chain(error):
        told = [str(each), repr(each), repr(each.args), *traceback.format_exception(each)]
        assert not [text for text in told if MARK in text.upper()]


def marked(table: Table, key: str = "K-ZQMARK") -> dict[str, str]:
    return {name: f"{MARK}-{name}-7" for name in table.names} | {table.keys[0]: key}


def csv(path: Path, table: Table, rows: list[dict[str, str]], extra: str = "") -> Path:
    head = ",".join(table.names)
    body = "".join(",".join(row[name] for name in table.names) + "\n" for row in rows)
    path.write_text(f"{head}\n{body}{extra}")
    return path


def parquet(path: Path, table: Table, rows: list[dict[str, str]]) -> Path:
    pl.DataFrame(rows, schema=dict.fromkeys(table.names, pl.String)).write_parquet(path)
    return path


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_values_in_every_column_in_a_key_and_in_a_bad_row(
    tmp_path: Path, table: Table, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [marked(table), marked(table), marked(table, "")]
    if kind == "csv":
        bad = 'ZQMARK,ZQMARK\n"ZQMARK,unclosed\nZQMARK "x" "y\n'
        path = csv(tmp_path / "x.csv", table, rows, bad)
    else:
        path = parquet(tmp_path / "x.parquet", table, rows)
    file = TableFile(table, path)
    loaded = load(file, where="gp")
    assert loaded.problems
    for shown in (
        repr(loaded),
        str(loaded),
        repr(loaded.counts),
        repr(loaded.problems),
        repr(file),
    ):
        assert MARK not in shown.upper()
    with pytest.raises(UserError) as caught:
        read(file, where="gp")
    assert caught.value.exit_code == 11
    assert_silent(caught.value)
    printed = capfd.readouterr()
    assert MARK not in (printed.out + printed.err).upper()


@pytest.mark.parametrize(
    "text",
    [
        "ZQMARK1,ZQMARK-family_name,ZQMARK-record_id\nZQMARK,x,y\n",
        'ZQMARK"\n"ZQMARK\n',
        '"ZQMARK\nZQMARK\n',
        "ZQMARK_record_id\n",
    ],
)
def test_a_file_without_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read(TableFile(PEOPLE, path), where="gp")
    assert_silent(caught.value)
    assert MARK not in repr(check(TableFile(PEOPLE, path), "gp")).upper()


def test_values_of_another_kind_of_file(tmp_path: Path) -> None:
    for name, data in (
        ("a.csv", b"ZQMARK\x00ZQMARK"),
        ("b.parquet", b"PAR1ZQMARKZQMARKZQMARK"),
        ("c.parquet", b"record_id\nZQMARK\n"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError) as caught:
            read(TableFile(PEOPLE, tmp_path / name), where="gp")
        assert_silent(caught.value)


def test_the_problems_of_several_files_raised_together(tmp_path: Path) -> None:
    files = [
        TableFile(table, csv(tmp_path / f"{table.name}.csv", table, [marked(table)]))
        for table in TABLES
    ]
    problems = [p for file in files for p in load(file, where=file.table.name).problems]
    assert len(problems) > 10
    with pytest.raises(UserError) as caught:
        refuse("job.toml", problems)
    assert_silent(caught.value)
