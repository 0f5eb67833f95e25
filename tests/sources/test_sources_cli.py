"""A job of real extracts in a subprocess: three lines a source, every row counted, bad files told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "job"))
from small_job import valid_numbers, write_small_job

MARK = "ZQMARK"
PRESET = """
meaning = "A trust's extract, in monthly files."
setting = "secondary_care"
dates = ["%d/%m/%Y", "%Y-%m-%d"]
[tables.people]
files = ["mpi*"]
[tables.people.columns]
record_id = ["Person_ID"]
nhs_number = ["NHSNumber"]
date_of_birth = ["BirthMonth"]
lsoa_code = ["LSOA"]
[tables.people.formats]
date_of_birth = ["%Y-%m"]
[tables.people.latest]
of = ["record_id"]
by = ["UniqMonthID"]
[tables.contacts]
files = ["contacts*"]
[tables.contacts.columns]
record_id = ["Person_ID"]
contact_id = ["UniqContactID"]
contact_date = ["CareContDate"]
attendance = ["AttendOrDNACode"]
[tables.contacts.latest]
of = ["record_id", "contact_id"]
by = ["UniqMonthID"]
[tables.referrals]
files = ["referrals*"]
"""
SOURCE = """[[sources]]
name = "trust"
preset = "trust.toml"
path = "mhsds"

"""


def cli(*args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pophealth_link", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The small job, its trust in two monthly submissions with replaced numbers."""
    path = write_small_job(tmp_path / "data")
    folder = path.parent
    trust = pl.read_csv(folder / "trust.csv", infer_schema=False)
    old = valid_numbers(601)[600]
    numbers = [old, *trust["nhs_number"][1:]]
    (folder / "changes.csv").write_text(
        f"old_nhs_number,nhs_number\n{old},{trust['nhs_number'][0]}\n"
    )
    mhsds = folder / "mhsds"
    mhsds.mkdir()
    rows = list(zip(trust["record_id"], numbers, trust["date_of_birth"], strict=True))
    for month in (1500, 1501):
        people = [f"{i},{n},{born[:7]},E0100000{month % 10},{month}" for i, n, born in rows]
        # Bytes of Windows-1252 and a byte-order mark, headers in another case, a short row.
        text = "person_id,NHSNUMBER,birthmonth,lsoa,UniqMonthID,Note\n"
        body = text + "".join(f"{row},é\n" for row in people) + "short,row\n"
        encoding = "cp1252" if month == 1500 else "utf-8-sig"
        (mhsds / f"MPI_{month}.csv").write_bytes(body.encode(encoding))
    contacts = pl.read_csv(folder / "contacts.csv", infer_schema=False)
    lines = [
        f"{r['record_id']},{i},15/06/2025,{r['attendance']},1500"
        for i, r in enumerate(contacts.to_dicts())
    ]
    again = [line.removesuffix("1500") + "1501" for line in lines[:300]]
    head = "Person_ID,UniqContactID,CareContDate,AttendOrDNACode,UniqMonthID\n"
    (mhsds / "contacts_1500.csv").write_text(head + "\n".join(lines) + "\n")
    (mhsds / "contacts_1501.csv").write_text(head + "\n".join(again) + "\n,9,15/06/2025,5,1501\n")
    (folder / "trust.toml").write_text(PRESET)
    text = path.read_text()
    begin, end = text.index('[[sources]]\nname = "trust"'), text.index('[[sources]]\nname = "care"')
    text = text[:begin] + SOURCE + text[end:]
    path.write_text(
        text.replace("[disclosure]", '[link]\nnumber_changes = "changes.csv"\n\n[disclosure]')
    )
    return path


@pytest.mark.slow
def test_a_run_counts_every_row_of_every_submission(job: Path, tmp_path: Path) -> None:
    checked = cli("check", job)
    assert checked.returncode == 0, checked.stderr
    assert "absent   referrals" in checked.stdout
    assert "birth_precision" not in checked.stderr
    done = cli("run", job, "--out", tmp_path / "run", "--quiet")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    people, contacts = (manifest["rows"]["trust"][name] for name in ("people", "contacts"))
    assert (people["rows_in"], people["accepted"]) == (302, 150)
    assert people["left_out_by"] == {"superseded": 150}
    assert people["quarantined_by"] == {"ragged": 2}
    assert people["numbers_replaced"] == 1
    assert people["by_method"] == {"nhs_number": 150}
    assert (contacts["rows_in"], contacts["accepted"]) == (1201, 900)
    assert contacts["left_out_by"] == {"duplicate": 300}
    assert contacts["quarantined_by"] == {"no_record_id": 1}
    for tables in manifest["rows"].values():
        for row in tables.values():
            ends = (
                row["accepted"] + row["quarantined"] + row["left_out"] + row["removed_by_opt_out"]
            )
            assert row["rows_in"] + row["added"] == ends
            for name in ("quarantined", "left_out", "added"):
                assert sum(row[f"{name}_by"].values()) == row[name]
    assert {"mhsds/MPI_1500.csv", "mhsds/contacts_1501.csv", "changes.csv"} <= set(
        manifest["inputs"]
    )
    refused = pl.read_parquet(tmp_path / "run" / "linked" / "quarantine" / "trust.parquet")
    assert refused.select("file", "row", "reason").rows() == [
        ("MPI_1500.csv", 151, "ragged"), ("MPI_1501.csv", 151, "ragged"),
    ]  # fmt: skip


def test_every_kind_of_broken_file_is_told_at_once_without_a_value(job: Path) -> None:
    folder = job.parent
    mhsds = folder / "mhsds"
    (mhsds / "MPI_1502.csv").write_text(f"{MARK}1,{MARK}2,{MARK}3\n{MARK},b,c\n")
    (mhsds / "mpi_1503.csv").write_bytes(b"PK\x03\x04" + MARK.encode())
    (mhsds / "mpi_1504.csv").write_text("")
    (mhsds / "contacts_1502.csv").write_text(f"Person_ID,CareContDate\n{MARK},{MARK}\n")
    (mhsds / "referrals.csv").write_text(f"Person_ID,Day\n{MARK},{MARK}\n")
    (folder / "changes.csv").write_text(f"old_nhs_number,nhs_number\n{MARK},9434765919\n")
    (folder / "codes.csv").write_text(f"code,condition\n1,{MARK}\n")
    text = job.read_text()
    job.write_text(
        text.replace('path = "conditions.csv"', 'path = "conditions.csv"\ncodelist = "codes.csv"')
        + '[[properties]]\nname = "hmo"\npreset = "council_taxes"\npath = "gone.csv"\n'
    )
    done = cli("check", job)
    assert done.returncode == 10
    for words in (
        "no column of people is in the first row of MPI_1502.csv",
        "mpi_1503.csv is an Excel workbook or a zip archive",
        "mpi_1504.csv is empty",
        "contacts_1502.csv has no column `attendance`",
        "no column of referrals is in the first row of referrals.csv",
        "properties[1].preset",
        "Did you mean `council_tax`?",
        "gone.csv does not exist",
        "names 1 conditions that there are not",
    ):
        assert words in done.stderr, words
    assert MARK not in (done.stdout + done.stderr).upper()


def test_numbers_that_cannot_be_followed_and_a_wrong_preset_are_told(job: Path) -> None:
    folder = job.parent
    (folder / "changes.csv").write_text(f"old_nhs_number,nhs_number\n{MARK},9434765919\n")
    done = cli("check", job)
    assert done.returncode == 11
    assert "link.number_changes" in done.stderr
    assert "1 of 1 rows" in done.stderr
    assert MARK not in (done.stdout + done.stderr).upper()
    preset = folder / "trust.toml"
    preset.write_text(PRESET.replace("latest]", "lates]"))
    done = cli("check", job)
    assert done.returncode == 10
    assert "not a setting. Did you mean `latest`?" in done.stderr
    job.write_text(
        job.read_text().replace('preset = "trust.toml"\n', 'setting = "secondary_care"\n')
    )
    done = cli("check", job)
    assert "sources[1].path  needs a preset" in done.stderr
