"""Building: files that are broken are refused with every problem; the same files, the same pack."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from official_files import LSOAS, SHAPES, built, lookup, rows, write_csv

from pophealth_link.errors import OutputExistsError, ReferenceDataError
from pophealth_link.reference import build

FIRST = LSOAS[0]
IMD = tuple(f"Index of Multiple Deprivation (IMD) {part}" for part in ("Score", "Rank", "Decile"))
CODE = "LSOA code (2021)"
MARK = "SEKRIT"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lookup(tmp_path / "files")
    return tmp_path / "files"


def refused(folder: Path) -> str:
    with pytest.raises(ReferenceDataError) as error:
        built(folder)
    assert not list(folder.parent.glob("*pack*")), "nothing may be left behind"
    return str(error.value)


def test_every_problem_is_told_at_once(folder: Path) -> None:
    write_csv(folder / "iod.csv", (CODE, *IMD), (FIRST, MARK, 1, 1))
    write_csv(folder / "c.csv", ("LSOA11CD", "LSOA21CD", "CHGIND"), (FIRST, FIRST, MARK))
    write_csv(
        folder / "nspl.csv",
        ("pcds", "dointr", "doterm", "east1m", "north1m", "lsoa21cd"),
        ("EC1A 1AA", MARK, "", 1, 1, FIRST),
    )
    text = refused(folder)
    assert "3 problems" in text
    for name in ("iod.csv", "c.csv", "nspl.csv"):
        assert name in text
    assert "1 of 1 values are no numbers" in text
    assert MARK not in text


def test_a_table_that_stays_incomplete_is_refused(folder: Path) -> None:
    """Ranks without scores: file 5 or 7 is missing."""
    write_csv(folder / "iod.csv", (CODE, *IMD[1:]), (FIRST, 1, 1))
    assert "imd_score" in refused(folder)


def test_a_missing_category_of_the_census_is_told(folder: Path) -> None:
    head = (
        "date",
        "geography",
        "geography code",
        "Tenure of household: Total",
        "Tenure of household: Owned",
    )
    write_csv(folder / "x.csv", head, (2021, "n", FIRST, 10, 4))
    assert "private rented" in refused(folder)


@pytest.mark.parametrize(
    ("name", "content"), [("x.xlsx", b"no workbook"), ("x.parquet", b"none"), ("x.gpkg", b"none")]
)
def test_a_file_that_cannot_be_opened_is_listed(folder: Path, name: str, content: bytes) -> None:
    if name.endswith("xlsx"):
        pytest.importorskip("fastexcel")
    (folder / name).write_bytes(content)
    (listed,) = built(folder).unrecognised
    assert listed.shown == name
    assert "could not be read" in " ".join(listed.missing)


def test_a_workbook_without_its_reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    (folder / "x.xlsx").write_bytes(b"")
    (listed,) = built(folder).unrecognised
    assert "fastexcel" in " ".join(listed.missing)


def test_an_existing_pack_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    with pytest.raises(OutputExistsError):
        build(folder, tmp_path / "pack", shapes=SHAPES)


def test_the_same_files_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_csv(folder / "iod.csv", (CODE, *IMD), *((code, 1.5, 1, 1) for code in LSOAS))
    for out in ("a", "b"):
        build(folder, tmp_path / out, name="same", shapes=SHAPES)
    names = {file.name for file in (tmp_path / "a").iterdir()}
    assert {"pack.toml", "areas.parquet", "deprivation.parquet", "hierarchy.parquet"} <= names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_names_of_files_mean_nothing(folder: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed" / "deep" / "down"
    write_csv(folder / "iod.csv", (CODE, *IMD), (FIRST, 1.5, 1, 1))
    renamed.mkdir(parents=True)
    for at, file in enumerate(sorted(folder.iterdir())):
        (renamed / f"{at}.CSV").write_bytes(file.read_bytes())
    one, other = built(folder).pack, build(tmp_path / "renamed", tmp_path / "p", shapes=SHAPES).pack
    assert one.tables == other.tables
    for table in one.tables:
        assert one.read(table).equals(other.read(table)), table


def test_a_newer_file_goes_before_an_older(folder: Path) -> None:
    """The same table twice: the newer period holds, whatever the files are called."""
    head = ("measure", "area_type", "area_code", "value", "period")
    write_csv(folder / "a.csv", head, ("ahah", "lsoa", FIRST, 1, "2022"))
    write_csv(folder / "b.csv", head, ("ahah", "lsoa", FIRST, 2, "2024"))
    write_csv(folder / "c.csv", head, ("ahah", "lsoa", FIRST, 3, "2023"))
    assert rows(built(folder), "area_measures", "value", "period") == [(2.0, "2024")]


def test_what_a_table_is_made_of(folder: Path) -> None:
    made = built(folder)
    about = made.pack.about["hierarchy"]
    assert about.publisher == "Office for National Statistics"
    assert "Open Government Licence" in about.licence
    assert about.vintage == "2024"
    assert about.files.startswith("lookup.csv sha256:")
    assert str(about.valid_from) == "2024-04-01"
    assert "lookup.csv" in str(made)
    assert made.pack.name == "files-pack"
