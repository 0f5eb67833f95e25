"""Official files are recognised by their columns; those that are not are told apart with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_files import SHAPES, built, lookup, write_csv, write_shapes

from pophealth_link.errors import ReferenceDataError
from pophealth_link.reference.official.catalogue import KINDS
from pophealth_link.reference.official.kinds import Source
from pophealth_link.reference.official.recognise import Unrecognised, recognise
from pophealth_link.reference.official.sheets import Sheet, plain, sheets

PRACTICE_27 = (
    *("A81001", "THE DENSHAM SURGERY", "Y63", "QHM", "THE HEALTH CENTRE", "LAWSON STREET", "", ""),
    *("", "TS18 1HU", "19740401", "", "A", "B", "16C", "20200401", "", "01642", "", "", "", "0"),
    *("", "16C", "", "4", ""),
)
MEMBER = ("A81001", "A", "16C", "ICB - 16C", "U89141", "P", "16C", "ICB - 16C", "20191001", "")

# The headers of two releases (ONS geoportal, Nomis, MHCLG, NHS England; see docs) for each kind.
HEADERS = {
    "postcodes": (
        "pcd,pcd2,pcds,dointr,doterm,usertype,oseast1m,osnrth1m,osgrdind,oa11,laua,lsoa11,lsoa21",
        "pcd7,pcd8,pcds,dointr,doterm,usrtypind,east1m,north1m,gridind,oa21cd,lad26cd,lsoa21cd,icb26cd",
    ),
    "lsoa_changes": (
        "F_LSOA11CD,LSOA11NM,CHGIND,LSOA21CD,LSOA21NM,LAD22CD,LAD22NM",
        "LSOA11CD,LSOA11NM,LSOA21CD,LSOA21NM,CHNGIND,LAD22CD,LAD22NM,ObjectId",
    ),
    "lookup": (
        "LSOA21CD,LSOA21NM,SICBL24CD,SICBL24CDH,SICBL24NM,ICB24CD,ICB24CDH,ICB24NM,LAD24CD,LAD24NM",
        "LSOA21CD,LSOA21NM,SICBL26CD,SICBL26CDH,SICBL26NM,ICB26CD,ICB26CDH,ICB26NM,NHSER26CD,LAD26CD",
    ),
    "lad_vintages": ("LAD22CD,LAD22NM,LAD23CD,LAD23NM", "LAD16CD,LAD16NM,LAD24CD,LAD24NM"),
    "lad_history": (
        "GEOGCD,GEOGNM,GEOGNMW,GEOGCD_P,GEOGNM_P,GEOGNMW_P,SI_ID,SI_TITLE,OPER_DATE,ENTITYCD,YEAR",
        "GEOGCD,GEOGNM,GEOGCD_P,GEOGNM_P,OPER_DATE",
    ),
    "iod2019": (
        "LSOA code (2011),LSOA name (2011),Index of Multiple Deprivation (IMD) Score",
        "LSOA code (2011),Local Authority District code (2019),Income Rank (where 1 is most deprived)",
    ),
    "iod2025": (
        "LSOA code (2021),LSOA name (2021),Index of Multiple Deprivation (IMD) Score,Income Score (rate)",
        "LSOA code (2021),Local Authority District code (2024),Total population: mid 2022",
    ),
    "iod2025_indicators": (
        "LSOA code (2021),LSOA name (2021),Connectivity score,Patient-to-GP Ratio",
        "LSOA code (2021),Mental health indicator",
    ),
    "epcn": (
        "Partner\r\nOrganisation\r\nCode,Partner Name,Practice Parent\r\nSub ICB Loc Code,PCN Code,"
        "PCN Name,Practice to PCN\r\nRelationship\r\nStart Date,Practice to PCN\r\nRelationship\r\nEnd Date",
        "Partner Organisation Code,Partner Name,Practice Parent CCG Code,PCN Code,PCN Name,"
        "Practice to PCN Relationship Start Date,Practice to PCN Relationship End Date",
    ),
    "practice_patients": (
        "PUBLICATION,EXTRACT_DATE,PRACTICE_CODE,PRACTICE_NAME,LSOA_CODE,SEX,NUMBER_OF_PATIENTS",
        "PUBLICATION,EXTRACT_DATE,PRACTICE_CODE,PRACTICE_NAME,LSOA_CODE,SEX,Number of Patients",
    ),
    "practice_lists": (
        "EXTRACT_DATE,CCG_CODE,ONS_CCG_CODE,ORG_CODE,POSTCODE,SEX,AGE,NUMBER_OF_PATIENTS",
        "PUBLICATION,EXTRACT_DATE,ORG_TYPE,ORG_CODE,ONS_CODE,POSTCODE,SEX,AGE_GROUP_5,NUMBER_OF_PATIENTS",
    ),
    "qof": (
        "PRACTICE_CODE,GROUP_CODE,REGISTER,PATIENT_LIST_TYPE,PRACTICE_LIST_SIZE",
        "REGION_ODS_CODE,PRACTICE_CODE,GROUP_CODE,REGISTER,PATIENT_LIST_TYPE,PRACTICE_LIST_SIZE",
    ),
    "connectivity": (
        "LSOA21CD,Overall (walking),Overall (public transport),Overall",
        "LSOA21CD,LAD25CD,Business (public transport),Overall (public transport),Overall (driving),Overall",
    ),
    "fingertips": (
        "Indicator ID,Indicator Name,Parent Code,Area Code,Area Name,Area Type,Sex,Age,Category Type,"
        "Category,Time period,Value,Count,Denominator,Time period Sortable",
        "Indicator ID,Indicator Name,Area Code,Sex,Category,Time period,Value,Denominator,"
        "Time period Sortable,New data,Compared to goal,Time period range",
    ),
    "population_lsoa": (
        "LAD 2021 Code,LSOA 2021 Code,LSOA 2021 Name,Total,"
        + ",".join(f"{s}{a}" for s in "FM" for a in range(91)),
        "LAD 2023 Code,LSOA 2021 Code,Total,"
        + ",".join(f"{s}{a}" for s in "FM" for a in range(91)),
    ),
    "population_lsoa_by_age": (
        "LSOA Code,LSOA Name,LA Code (2021 boundaries),All Ages,"
        + ",".join(map(str, range(90)))
        + ",90+",
        "Area Codes,Area Names,All Ages," + ",".join(map(str, range(90))) + ",90+",
    ),
    "population_lad": (
        "ladcode20,laname20,country,sex,age,population_2019,population_2020",
        "ladcode23,laname23,country,sex,age,population_2022,population_2023",
    ),
    "census_ts054": (
        '"date","geography","geography code","Tenure of household: Total: All households","Tenure of household: Owned"',
        '"date","geography","geography code","Tenure of household: Total: All households; measures: Value",'
        '"Tenure of household:Owned; measures: Value"',
    ),
}


def kind_of(path: Path) -> str:
    (sheet,) = sheets(path, SHAPES)
    answer = recognise(sheet, KINDS, SHAPES)
    assert isinstance(answer, Source), str(answer)
    return answer.kind.name


@pytest.mark.parametrize(
    ("kind", "header"), [(kind, header) for kind, two in HEADERS.items() for header in two]
)
def test_headers_of_two_releases(tmp_path: Path, kind: str, header: str) -> None:
    file = tmp_path / "a name that says nothing.csv"
    quoted = (
        header
        if header.startswith('"') or "\r" not in header
        else ",".join(f'"{each}"' for each in header.split(","))
    )
    file.write_text(f"\ufeff{quoted}\n", encoding="utf-8")
    assert kind_of(file) == kind


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("epraccur_no_header", PRACTICE_27),
        ("epcn_no_header", MEMBER),
        ("epcn_no_header", (*MEMBER[:9], "20220331", "Y")),
        ("succession", ("A81001", "A81002", "M", "20230401", "")),
    ],
)
def test_files_without_a_header(tmp_path: Path, kind: str, row: tuple[str, ...]) -> None:
    assert kind_of(write_csv(tmp_path / "x.csv", row, row)) == kind


def test_a_header_below_titles(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "x.csv",
        ("Indices of Deprivation",),
        (),
        ("Contents", "1"),
        ("LSOA code (2021)", "Income Rank (where 1 is most deprived)"),
        ("E01000001", 5),
    )
    (sheet,) = sheets(file, None)
    found = recognise(sheet, KINDS)
    assert isinstance(found, Source)
    assert (found.kind.name, found.header_row) == ("iod2025", 3)
    assert found.frame("lsoa", "income_rank").rows() == [("E01000001", "5")]


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp"])
@pytest.mark.parametrize(
    ("column", "kind"), [("LSOA21CD", "lsoa"), ("LAD26CD", "lad"), ("ICB26CD", "icb")]
)
def test_boundaries(tmp_path: Path, suffix: str, column: str, kind: str) -> None:
    file = write_shapes(tmp_path / f"x.{suffix}", {column: ["E1"], "NAME": ["n"]}, "EPSG:27700")
    assert kind_of(file) == f"boundaries_{kind}"


def test_the_most_demanding_kind_is_taken(tmp_path: Path) -> None:
    """A postcode directory holds the columns of a lookup as well."""
    assert kind_of(write_csv(tmp_path / "x.csv", HEADERS["postcodes"][1].split(","))) == "postcodes"


def unrecognised(path: Path) -> Unrecognised:
    (sheet,) = sheets(path, SHAPES)
    answer = recognise(sheet, KINDS, SHAPES)
    assert isinstance(answer, Unrecognised), str(answer)
    return answer


def test_the_nearest_kind_and_what_is_missing(tmp_path: Path) -> None:
    found = unrecognised(
        write_csv(
            tmp_path / "x.csv", ("PRACTICE_CODE", "GROUP_CODE", "REGISTER", "PATIENT_LIST_TYPE")
        )
    )
    assert found.nearest.startswith("Quality and Outcomes Framework")
    assert found.missing == ("PRACTICE_LIST_SIZE",)
    assert "missing: PRACTICE_LIST_SIZE" in str(found)


def test_a_file_like_none(tmp_path: Path) -> None:
    assert unrecognised(write_csv(tmp_path / "x.csv", ("apples", "pears"), (1, 2))).nearest == ""
    assert unrecognised(write_csv(tmp_path / "empty.csv")).nearest == ""


def test_one_year_of_authorities_is_no_change_of_codes(tmp_path: Path) -> None:
    assert unrecognised(write_csv(tmp_path / "x.csv", ("LAD24CD", "LAD24NM"), ("E06000001", "H")))


def test_a_nearly_right_file_without_a_header_is_not_taken(tmp_path: Path) -> None:
    broken = ("A81001", "A81002", "M", "1 April 2023", "")
    assert "dates" in " ".join(unrecognised(write_csv(tmp_path / "x.csv", broken)).missing)


def test_what_was_not_recognised_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    lookup(folder)
    write_csv(folder / "pears.csv", ("apples", "pears"), (1, 2))
    (folder / "nspl.zip").write_bytes(b"PK")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    (folder / ".hidden.csv").write_text("a,b\n")
    made = built(folder)
    listed = {each.shown: " ".join(each.missing) for each in made.unrecognised}
    assert set(listed) == {"pears.csv", "nspl.zip", "notes.pdf"}
    assert "unpack" in listed["nspl.zip"]
    assert "pears.csv" in str(made)


def test_a_folder_with_nothing_known(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    write_csv(folder / "pears.csv", ("apples", "pears"), (1, 2))
    with pytest.raises(ReferenceDataError, match=r"pears\.csv"):
        built(folder)
    assert not (tmp_path / "files-pack").exists()
    with pytest.raises(ReferenceDataError, match="does not exist"):
        built(tmp_path / "absent")


@settings(deadline=None)
@given(
    st.permutations(HEADERS["qof"][1].split(",")),
    st.sampled_from([str.lower, str.title, str.upper]),
)
def test_order_and_case_of_columns_mean_nothing(
    names: list[str], case: Callable[[str], str]
) -> None:
    top = (tuple(case(name).replace("_", " ") for name in names),)
    found = recognise(Sheet(Path("x.csv"), "csv", "", top), KINDS)
    assert isinstance(found, Source)
    assert found.kind.name == "qof"
    assert {name: names[at] for name, (at,) in found.columns.items()} == {
        "practice": "PRACTICE_CODE",
        "group": "GROUP_CODE",
        "register": "REGISTER",
        "type": "PATIENT_LIST_TYPE",
        "list": "PRACTICE_LIST_SIZE",
    }


@settings(deadline=None)
@given(st.text())
def test_a_header_made_plain_stays_so(header: str) -> None:
    assert plain(plain(header)) == plain(header)


def test_the_page_names_what_is_recognised() -> None:
    """Every table that a kind fills, and every census table, is on the page."""
    page = (Path(__file__).parents[2] / "docs" / "reference-packs.md").read_text(encoding="utf-8")
    for kind in KINDS:
        if kind.name.startswith("census_"):
            assert kind.name.removeprefix("census_").upper() in page, kind.name
        if not kind.name.startswith("own_"):
            assert all(f"`{table}`" in page for table in kind.tables), kind.name
