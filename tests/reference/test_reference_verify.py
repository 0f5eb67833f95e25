"""`verify` finds any change to a pack; the commands in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from official_files import SHAPES, lookup, write_csv

from pophealth_link.errors import ReferenceDataError
from pophealth_link.reference import build, listing, load, verify


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    lookup(tmp_path / "files")
    build(tmp_path / "files", tmp_path / "pack", shapes=SHAPES)
    return tmp_path / "pack"


def test_an_unchanged_pack(pack: Path) -> None:
    assert verify(pack).digest == load(pack).digest


def _drop_a_row(pack: Path) -> None:
    pl.read_parquet(pack / "areas.parquet").head(1).write_parquet(pack / "areas.parquet")


def _another_value(pack: Path) -> None:
    frame = pl.read_parquet(pack / "areas.parquet")
    frame.with_columns(lad_code=pl.lit("E09000002")).write_parquet(pack / "areas.parquet")


def _one_bit(pack: Path) -> None:
    content = bytearray((pack / "areas.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (pack / "areas.parquet").write_bytes(content)


def _remove(pack: Path) -> None:
    (pack / "areas.parquet").unlink()


def _add(pack: Path) -> None:
    (pack / "notes.txt").write_text("n")


def _in_toml(old: str, new: str) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        file = pack / "pack.toml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def _line_ends(pack: Path) -> None:
    file = pack / "pack.toml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


def _link(pack: Path) -> None:
    table = pack / "areas.parquet"
    table.rename(pack.parent / "elsewhere.parquet")
    table.symlink_to(pack.parent / "elsewhere.parquet")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_drop_a_row, "areas.parquet"),
        (_line_ends, "pack.toml"),
        (_link, "areas.parquet"),
        (_another_value, "areas.parquet"),
        (_one_bit, "areas.parquet"),
        (_remove, "areas.parquet"),
        (_add, "notes.txt"),
        (_in_toml("n_areas = 33755", "n_areas = 33756"), "pack.toml"),
        (_in_toml('vintage = "2024"', 'vintage = "2023"'), "pack.toml"),
        (_in_toml("rows = 3", "rows = 4"), "4"),
        (_in_toml('digest = "', 'digest = "0'), "pack.toml"),
        (_in_toml("format = 1", "format = 1\n# a remark"), "pack.toml"),
    ],
)
def test_any_change_is_found(pack: Path, change: Callable[[Path], None], named: str) -> None:
    change(pack)
    with pytest.raises(ReferenceDataError, match="problem") as error:
        verify(pack)
    assert named in str(error.value)


def test_several_changes_are_told_at_once(pack: Path) -> None:
    _remove(pack)
    _add(pack)
    with pytest.raises(ReferenceDataError, match="2 problems"):
        verify(pack)


def test_a_table_and_its_digest_changed_together(pack: Path) -> None:
    """Whoever changes the sha256 of a table changes the description, and that is found."""
    import hashlib

    old = hashlib.sha256((pack / "areas.parquet").read_bytes()).hexdigest()
    _another_value(pack)
    new = hashlib.sha256((pack / "areas.parquet").read_bytes()).hexdigest()
    _in_toml(old, new)(pack)
    with pytest.raises(ReferenceDataError, match=r"pack\.toml"):
        verify(pack)


def test_what_a_pack_holds(pack: Path) -> None:
    text = listing(load(pack))
    assert "areas: 3 rows" in text
    assert "Office for National Statistics; Open Government Licence v3.0" in text


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pophealth_link", "reference", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )


def test_the_commands(tmp_path: Path) -> None:
    folder, pack = tmp_path / "files", tmp_path / "pack"
    lookup(folder)
    write_csv(folder / "pears.csv", ("PRACTICE_CODE", "LSOA_CODE"), ("G83001", "E01000001"))
    made = run("build", "--from", folder, "--out", pack)
    assert made.returncode == 0, made.stderr
    assert "pears.csv: nearest is Patients registered" in made.stdout
    assert "NUMBER_OF_PATIENTS" in made.stdout
    assert "looking at" in made.stderr
    assert run("build", "--from", folder, "--out", pack).returncode == 15
    checked = run("verify", pack)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("Unchanged: pack")
    assert "lookup.csv" not in run("list", pack).stdout
    assert "hierarchy" in run("list", pack).stdout
    _drop_a_row(pack)
    changed = run("verify", pack)
    assert changed.returncode == 12
    assert "areas.parquet" in changed.stderr
    assert changed.stdout == ""


def test_the_commands_without_files(tmp_path: Path) -> None:
    absent = run("build", "--from", tmp_path / "absent", "--out", tmp_path / "p", "--quiet")
    assert absent.returncode == 12
    assert "absent" in absent.stderr
    assert "Traceback" not in absent.stderr
    assert run("verify", tmp_path / "absent").returncode == 12
    example = run("list")
    assert example.returncode == 0
    assert "postcodes" in example.stdout
    assert run("list", "--help").returncode == 0
