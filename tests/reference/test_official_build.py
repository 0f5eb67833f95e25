"""Building: files that are broken are refused with every problem; the same files, the same pack."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from official_files import LSOAS, SHAPES, built, lookup, rows, write_csv, write_workbook

from pophealth_link.errors import OutputExistsError, ReferenceDataError
from pophealth_link.places import validity_warnings
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


def listed(folder: Path) -> dict[str, str]:
    return {each.shown: str(each) for each in built(folder).unrecognised}


@pytest.mark.parametrize(
    "header",
    [("LSOA21CD", "LSOA21NM", "RUC21CD"), ("LSOA21CD", "LAD24NM"), ("LSOA21CD", "LSOA21NM")],
)
def test_names_without_codes_are_no_lookup(folder: Path, header: tuple[str, ...]) -> None:
    """A bystander, such as the rural-urban classification, is listed and stops nothing."""
    write_csv(folder / "ruc.csv", header, (FIRST, *("X" for _ in header[1:])))
    assert "LAD..CD" in listed(folder)["ruc.csv"]


def test_a_table_with_codes_of_practices_and_networks_is_no_list_of_members(folder: Path) -> None:
    header = ("PRACTICE_CODE", "PCN_CODE", "PCN_NAME", "REGISTRATIONS")
    write_csv(folder / "online.csv", header, ("A81001", "U00001", "North", 12))
    write_csv(folder / "own.csv", header[:3], ("A81002", "U00001", "North"))
    made = built(folder)
    (other,) = made.unrecognised
    assert "columns beside these: registrations" in str(other)
    assert rows(made, "practice_pcn", "practice_code", "pcn_code") == [("A81002", "U00001")]


def test_columns_that_a_file_may_have_and_lacks_are_told(folder: Path) -> None:
    write_csv(folder / "iod.csv", (CODE, *IMD, "Income Rate"), (FIRST, 30.5, 1, 1, 0.2))
    (iod,) = (each for each in built(folder).taken if each.shown == "iod.csv")
    assert "income score" in iod.lacks
    assert "not in it:" in str(iod)


def test_a_lost_column_of_a_table_names_the_files_that_were_read(folder: Path) -> None:
    write_csv(folder / "iod.csv", (CODE, "IMD Score changed", *IMD[1:]), (FIRST, 30.5, 1, 1))
    text = refused(folder)
    assert "no file gives `imd_score`" in text
    assert "iod.csv" in text


def test_a_single_age_that_is_not_there_is_told(folder: Path) -> None:
    ages = [f"{sex}{age}" for sex in "FM" for age in range(91)]
    header = ("LAD 2023 Code", "LSOA 2021 Code", "LSOA 2021 Name", "Total", *ages)
    write_csv(folder / "mid-2022.csv", header, ("L", FIRST, "n", 182, *[1] * 182))
    assert built(folder).pack.read("population")["people"].sum() == 182
    header = tuple("F 45 years" if name == "F45" else name for name in header)
    write_csv(folder / "mid-2022.csv", header, ("L", FIRST, "n", 182, *[1] * 182))
    with pytest.raises(ReferenceDataError, match="lacks 1 single ages: f45"):
        build(folder, folder.parent / "again")


def test_a_sheet_that_is_nearly_known_is_listed_beside_the_one_that_is(folder: Path) -> None:
    pytest.importorskip("fastexcel")
    known = [(CODE, "Housing affordability indicator"), (FIRST, 0.5)]
    changed = [("LSOA code 2021 edition", "Patient-to-GP ratio indicator"), (FIRST, 2000)]
    notes = [("Notes",), ("Nothing else",)]
    write_workbook(folder / "file8.xlsx", {"Barriers": known, "Health": changed, "Notes": notes})
    assert list(listed(folder)) == ["file8.xlsx [Health]"]


def test_every_layer_of_a_geopackage_is_read(folder: Path) -> None:
    square = shapely.box(530_000, 180_000, 530_100, 180_100)
    for layer, column, code in (("a", "LSOA21CD", FIRST), ("b", "LAD24CD", "E09000001")):
        shapes = gpd.GeoDataFrame({column: [code]}, geometry=[square], crs="EPSG:27700")
        shapes.to_file(folder / "both.gpkg", layer=layer)
    found = rows(built(folder), "boundaries", "area_type", "area_code")
    assert sorted(found) == [("lad", "E09000001"), ("lsoa", FIRST)]


def test_text_with_another_separator_says_so(folder: Path) -> None:
    (folder / "x.csv").write_text("LSOA21CD;LAD24CD\nE01000001;E09000001\n")
    assert "separated by semicolons: save it with commas" in listed(folder)["x.csv"]


def test_directories_say_what_time_they_describe(folder: Path) -> None:
    """A list of members of January 2023 does not describe 2026."""
    header = ("practice_code", "pcn_code", "valid_from", "valid_to")
    one = ("A81001", "U00001", "2019-07-01", "2022-12-31")
    two = ("A81001", "U00002", "2023-01-01", "")
    write_csv(folder / "members.csv", header, one, two)
    about = built(folder).pack.about["practice_pcn"]
    assert about.valid_from == date(2019, 7, 1)
    assert about.valid_to == date(2024, 1, 1)
    assert validity_warnings({"practice_pcn": about}, date(2023, 6, 1)) == []
    assert (
        "2019-07-01 to 2024-01-01"
        in validity_warnings({"practice_pcn": about}, date(2026, 4, 1))[0]
    )


def test_what_a_newer_directory_leaves_empty_is_not_filled_from_an_older_one(folder: Path) -> None:
    """A practice that opened again has no day of closing."""
    header = (
        "Organisation Code", "Name", "High Level Health Geography", "Postcode", "Open Date",
        "Close Date", "Status Code", "Commissioner", "Prescribing Setting",
    )  # fmt: skip
    row = ("A81001", "n", "E54", "AA1 1AA", "20200101")
    write_csv(folder / "old.csv", header, (*row, "20230101", "C", "x", 4))
    other = ("A81002", "m", "E54", "AA1 1AA", "20240101", "", "A", "x", 4)
    write_csv(folder / "new.csv", header, (*row, "", "A", "x", 4), other)
    found = dict(rows(built(folder), "practices", "practice_code", "close_date"))
    assert found == {"A81001": None, "A81002": None}


def test_registers_of_several_files_say_their_year(folder: Path) -> None:
    header = ("PRACTICE_CODE", "GROUP_CODE", "REGISTER", "PATIENT_LIST_TYPE", "PRACTICE_LIST_SIZE")
    for name in ("PREVALENCE_2324", "PREVALENCE"):
        write_csv(folder / f"{name}.csv", header, ("A81001", "DEM", 9, "TOTAL", 900))
    with pytest.raises(ReferenceDataError, match="1 of 2 files of QOF registers"):
        built(folder)
