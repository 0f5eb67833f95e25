"""What each kind of official file becomes, worked out by hand from a few rows of its form."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import shapely
from official_files import (
    LSOAS,
    built,
    lookup,
    only,
    rows,
    write_csv,
    write_shapes,
    write_workbook,
)

from pophealth_link.errors import ReferenceDataError

FIRST, SECOND, NEW = LSOAS
HEALTH = "Health Deprivation and Disability Score"
FILE_7 = (
    "LSOA code (2021)",
    "LSOA name (2021)",
    "Local Authority District code (2024)",
    "Local Authority District name (2024)",
    "Index of Multiple Deprivation (IMD) Score",
    "Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived)",
    "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)",
    "Income Score (rate)",
    "Employment Score (rate)",
    HEALTH,
    "Children and Young People Sub-domain Decile (where 1 is most deprived 10% of LSO",
    "Total population: mid 2022",
    "Working age population 18-66 (for use with Employment Deprivation Domain): mid 2022",
)
IOD_ROWS = (
    (FIRST, "n", "E09000001", "City", 12.5, 20001, 6, 0.1, 0.2, -0.5, 3, "1,500", 1000),
    (SECOND, "n", "E09000001", "City", 40.25, 3000, 1, 0.25, 0.1, 1.5, 1, 1600, 900),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lookup(tmp_path / "files")
    return tmp_path / "files"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_indices_of_deprivation_2025(folder: Path, form: str) -> None:
    if form == "csv":
        write_csv(folder / "f7.csv", FILE_7, *IOD_ROWS, encoding="utf-8-sig")
    else:
        pytest.importorskip("fastexcel")
        notes = [("Notes",), ("English Indices of Deprivation 2025",)]
        write_workbook(folder / "f7.xlsx", {"Notes": notes, "IoD2025": [FILE_7, *IOD_ROWS]})
    made = built(folder)
    found = rows(
        made, "deprivation", "lsoa_code", "imd_score", "imd_rank", "imd_decile", "population"
    )
    assert found == [(FIRST, 12.5, 20001, 6, 1500), (SECOND, 40.25, 3000, 1, 1600)]
    assert rows(made, "deprivation", "health_score", "population_working_age") == [
        (-0.5, 1000),
        (1.5, 900),
    ]
    measures = made.pack.read("area_measures")
    income = only(measures, measure="income_deprived", area_code=FIRST)
    assert income.select("numerator", "denominator", "area_type").rows() == [
        (150.0, 1500.0, "lsoa")
    ]
    work = only(measures, measure="employment_deprived", area_code=SECOND)
    assert work.select("numerator", "denominator").rows() == [(90.0, 900.0)]
    assert made.pack.n_areas == 33_755
    assert made.unrecognised == ()


def test_indices_of_deprivation_in_two_files(folder: Path) -> None:
    """Ranks and deciles come in one file, scores in another (files 1 and 5)."""
    code = "LSOA code (2011)"
    rank = "Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived)"
    decile = "Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)"
    write_csv(folder / "a.csv", (code, rank, decile), (FIRST, "29,199", 9))
    write_csv(folder / "b.csv", (code, "Index of Multiple Deprivation (IMD) Score"), (FIRST, 6.2))
    made = built(folder)
    assert rows(made, "deprivation_2019", "lsoa11_code", "imd_score", "imd_rank", "imd_decile") == [
        (FIRST, 6.2, 29199, 9)
    ]
    assert made.pack.n_areas == 32_844


def test_underlying_indicators(folder: Path) -> None:
    head = (
        "LSOA code (2021)",
        "Connectivity score",
        "Homelessness indicator (rate per 1,000 households)",
    )
    write_csv(folder / "f8.csv", head, (FIRST, 95.563, 1.492), (SECOND, "..", 2))
    measures = built(folder).pack.read("area_measures")
    assert measures.select("measure", "area_code", "value").rows() == [
        ("connectivity_all_modes", FIRST, 95.563),
        ("homelessness_iod", FIRST, 1.492),
        ("homelessness_iod", SECOND, 2.0),
    ]


BEDROOMS = "Occupancy rating for bedrooms: Occupancy rating of bedrooms: "
RATINGS = ("+2 or more", "+1", "0", "-1", "-2 or less")
CENSUS = {
    "ts052": (
        ("Occupancy rating for bedrooms: Total: All households", *(BEDROOMS + r for r in RATINGS)),
        (100, 40, 30, 20, 7, 3),
        {"overcrowded_bedrooms": (10, 100)},
    ),
    "ts052 with words": (
        (
            "Occupancy rating for bedrooms: Total",
            BEDROOMS + "+2 or more (under-occupied)",
            BEDROOMS + "-1 (overcrowded)",
            BEDROOMS + "-2 or less (overcrowded)",
        ),
        (100, 90, 7, 3),
        {"overcrowded_bedrooms": (10, 100)},
    ),
    "ts053": (
        (
            "Occupancy rating for rooms: Total: All households",
            "Occupancy rating for rooms: Occupancy rating of rooms: -1",
            "Occupancy rating for rooms: Occupancy rating of rooms: -2 or less",
        ),
        (50, 4, 1),
        {"overcrowded_rooms": (5, 50)},
    ),
    "ts054": (
        (
            "Tenure of household: Total: All households",
            "Tenure of household: Owned",
            "Tenure of household: Owned: Owns outright",
            "Tenure of household: Shared ownership",
            "Tenure of household: Social rented",
            "Tenure of household: Social rented: Other social rented",
            "Tenure of household: Private rented",
            "Tenure of household: Lives rent free",
        ),
        (100, 60, 35, 2, 20, 8, 17, 1),
        {
            "tenure_owned": (60, 100),
            "tenure_shared_ownership": (2, 100),
            "tenure_social_rented": (20, 100),
            "tenure_private_rented": (17, 100),
            "tenure_rent_free": (1, 100),
        },
    ),
    "ts003": (
        (
            "Household composition: Total; measures: Value",
            "Household composition: One person household; measures: Value",
            "Household composition: One person household: Other; measures: Value",
            "Household composition: Single family household: Lone parent family; measures: Value",
            "Household composition: Single family household: Lone parent family: With dependent "
            "children; measures: Value",
        ),
        (90, 30, 12, 9, 6),
        {"one_person_households": (30, 90), "lone_parent_households": (9, 90)},
    ),
    "ts011": (
        (
            "Household deprivation: Total: All households; measures: Value",
            "Household deprivation: Household is not deprived in any dimension; measures: Value",
            *(
                f"Household deprivation: Household is deprived in {many}; measures: Value"
                for many in (
                    "one dimension",
                    "two dimensions",
                    "three dimensions",
                    "four dimensions",
                )
            ),
        ),
        (100, 50, 30, 15, 4, 1),
        {"households_deprived": (50, 100), "households_deprived_three": (5, 100)},
    ),
    "ts021": (
        (
            "Ethnic group: Total: All usual residents",
            "Ethnic group: Asian, Asian British or Asian Welsh",
            "Ethnic group: Asian, Asian British or Asian Welsh: Indian",
            "Ethnic group: Black, Black British, Black Welsh, Caribbean or African",
            "Ethnic group: Mixed or Multiple ethnic groups",
            "Ethnic group: White",
            "Ethnic group: Other ethnic group",
        ),
        (200, 40, 22, 10, 8, 130, 12),
        {
            "ethnic_asian": (40, 200),
            "ethnic_black": (10, 200),
            "ethnic_mixed": (8, 200),
            "ethnic_white": (130, 200),
            "ethnic_other": (12, 200),
        },
    ),
    "ts038": (
        (
            "Disability: Total: All usual residents",
            "Disability: Disabled under the Equality Act",
            "Disability: Disabled under the Equality Act: Day-to-day activities limited a lot",
            "Disability: Not disabled under the Equality Act",
        ),
        (200, 30, 12, 170),
        {"disabled": (30, 200)},
    ),
    "ts045": (
        (
            "Number of cars or vans: Total: All households",
            "Number of cars or vans: No cars or vans in household",
            "Number of cars or vans: 1 car or van in household",
        ),
        (100, 23, 40),
        {"no_car": (23, 100)},
    ),
    "ts066": (
        (
            "Economic activity status: Total: All usual residents aged 16 years and over",
            "Economic activity status: Economically active (excluding full-time students):Unemployed",
            "Economic activity status: Economically active and a full-time student: Unemployed",
            "Economic activity status: Economically inactive: Long-term sick or disabled",
        ),
        (150, 6, 2, 9),
        {"unemployed": (8, 150), "long_term_sick": (9, 150)},
    ),
}


@pytest.mark.parametrize("table", CENSUS)
def test_census(folder: Path, table: str) -> None:
    headers, values, expected = CENSUS[table]
    write_csv(
        folder / "bulk.csv",
        ("date", "geography", "geography code", *headers),
        (2021, "City of London 001A", FIRST, *values),
        (2021, "City of London", "E09000001", *values),
        (2021, "City of London 001", "E02000001", *values),
    )
    measures = built(folder).pack.read("area_measures")
    found = {
        (name, kind): (part, whole)
        for name, kind, part, whole in measures.select(
            "measure", "area_type", "numerator", "denominator"
        ).iter_rows()
    }
    assert found == {
        (name, kind): two for name, two in expected.items() for kind in ("lsoa", "lad")
    }


def test_residents_and_households_of_areas(folder: Path) -> None:
    """TS001 and TS041 go before the totals of other tables, which are perturbed one by one."""
    head = ("date", "geography", "geography code")
    write_csv(
        folder / "a.csv",
        (*head, "Residence type: Total; measures: Value"),
        (2021, "n", FIRST, 1475),
    )
    write_csv(
        folder / "b.csv",
        (*head, "Ethnic group: Total: All usual residents", *CENSUS["ts021"][0][1:]),
        (2021, "n", FIRST, 1474, *CENSUS["ts021"][1][1:]),
        (2021, "n", SECOND, 1386, *CENSUS["ts021"][1][1:]),
    )
    write_csv(folder / "c.csv", (*head, "Number of households"), (2021, "n", FIRST, 839))
    found = rows(built(folder), "areas", "lsoa_code", "population", "households")
    assert found == [(FIRST, 1475, 839), (SECOND, 1386, None), (NEW, None, None)]


NSPL = [
    "pcd7",
    "pcd8",
    "pcds",
    "dointr",
    "doterm",
    "usrtypind",
    "east1m",
    "north1m",
    "lsoa11cd",
    "lad26cd",
    "lsoa21cd",
]


def test_postcodes(folder: Path) -> None:
    write_csv(
        folder / "nspl.csv",
        NSPL,
        ("", "", "EC1A 1AA", "199612", "", 0, 532000, 181500, FIRST, "E09000001", FIRST),
        ("", "", "EC1A 1AB", "200001", "", 0, 532001, 181501, FIRST, "E09000001", FIRST),
        ("", "", "EC1A 1BB", "198001", "202002", 0, 532002, 181502, FIRST, "E09000001", FIRST),
        ("", "", "EC1A 9ZZ", "198001", "", 1, 532003, 181503, FIRST, "E09000001", FIRST),
        ("", "", "GY1 1AA", "198001", "", 0, "", "", "", "", "L99999999"),
    )
    write_csv(
        folder / "h.csv",
        ("date", "geography", "geography code", "Number of households"),
        (2021, "n", FIRST, 7),
    )
    found = rows(
        built(folder), "postcodes", "postcode", "easting", "dwellings", "valid_from", "valid_to"
    )
    assert found == [
        # Seven households over two homes; none at a large user or where the postcode ended.
        ("EC1A 1AA", 532000, 4, date(1996, 12, 1), None),
        ("EC1A 1AB", 532001, 3, date(2000, 1, 1), None),
        ("EC1A 1BB", 532002, 0, date(1980, 1, 1), date(2020, 2, 29)),
        ("EC1A 9ZZ", 532003, 0, date(1980, 1, 1), None),
        ("GY1 1AA", None, None, date(1980, 1, 1), None),
    ]


def test_changes_of_lsoas(folder: Path) -> None:
    """People of the overlap: the new part's where split, the old part's where merged."""
    write_csv(
        folder / "c.csv",
        ("F_LSOA11CD", "LSOA11NM", "CHGIND", "LSOA21CD"),
        ("E01000009", "n", "S", FIRST),
        ("E01000009", "n", "S", SECOND),
        ("E01000007", "n", "M", NEW),
        ("E01000008", "n", "M", NEW),
    )
    write_csv(
        folder / "r.csv",
        ("date", "geography", "geography code", "Residence type: Total"),
        (2021, "n", FIRST, 600),
        (2021, "n", SECOND, 900),
    )
    ages = [*map(str, range(90)), "90+"]
    write_csv(
        folder / "mid-2020 persons.csv",
        ("LSOA Code", "LSOA Name", "All Ages", *ages),
        ("E01000007", "n", 91, *[1] * 91),
        ("E01000008", "n", 182, *[2] * 91),
    )
    assert rows(built(folder), "lsoa_changes", "lsoa11_code", "change_code", "population") == [
        ("E01000007", "M", 91),
        ("E01000008", "M", 182),
        ("E01000009", "S", 600),
        ("E01000009", "S", 900),
    ]


def test_hierarchy_of_april_2026(folder: Path) -> None:
    """A board that changed on 1 April 2026, and one that did not, in spells with their days."""
    head = "LSOA21CD,SICBL{0}CD,SICBL{0}CDH,SICBL{0}NM,ICB{0}CD,ICB{0}CDH,ICB{0}NM,LAD{0}CD"
    old = ("E38000001", "97T", "old place", "E54000029", "QMF", "North East London")
    new = ("E38000301", "W1X", "new place", "E54000071", "QXX", "North London")
    write_csv(
        folder / "2024.csv", head.format(24).split(","), *((c, *old, "E09000001") for c in LSOAS)
    )
    write_csv(
        folder / "2026.csv",
        head.format(26).split(","),
        (FIRST, *new, "E09000001"),
        (SECOND, *old, "E09000001"),
        (NEW, *new, "E09000001"),
    )
    made = built(folder)
    boards = only(made.pack.read("hierarchy"), area_type="icb").drop("area_type")
    assert only(boards, lsoa_code=FIRST).drop("lsoa_code").rows() == [
        ("E54000029", "North East London", "QMF", date(2024, 4, 1), date(2026, 3, 31)),
        ("E54000071", "North London", "QXX", date(2026, 4, 1), None),
    ]
    assert only(boards, lsoa_code=SECOND).drop("lsoa_code").rows() == [
        ("E54000029", "North East London", "QMF", date(2024, 4, 1), None)
    ]
    assert rows(made, "areas", "icb_code", "lad_code", "lad_name") == [
        ("E54000071", "E09000001", "City of London"),
        ("E54000029", "E09000001", "City of London"),
        ("E54000071", "E09000001", "City of London"),
    ]


def test_an_authority_changed_on_its_day(folder: Path) -> None:
    """Lookups of 2022 and 2024 are held; the code changed on 1 April 2023, as a history says."""
    head = ("LSOA21CD", "LAD22CD", "LAD22NM")
    write_csv(folder / "2022.csv", head, *((code, "E07000187", "Mendip") for code in LSOAS))
    write_csv(
        folder / "lookup.csv",
        ("LSOA21CD", "LAD24CD", "LAD24NM"),
        *((code, "E06000066", "Somerset") for code in LSOAS),
    )
    write_csv(
        folder / "Changes.csv",
        ("GEOGCD", "GEOGNM", "GEOGCD_P", "GEOGNM_P", "OPER_DATE"),
        ("E06000066", "Somerset", "E07000187", "Mendip", "01/04/2023 00:00:00"),
        ("W05000001", "a ward", "W05000002", "another", "01/04/2023 00:00:00"),
    )
    made = built(folder)
    assert rows(made, "lad_changes") == [
        ("E07000187", "Mendip", "E06000066", "Somerset", date(2023, 4, 1))
    ]
    spells = only(made.pack.read("hierarchy"), lsoa_code=FIRST).sort("valid_from")
    assert spells.select("area_code", "valid_from", "valid_to").rows() == [
        ("E07000187", date(2022, 4, 1), date(2023, 3, 31)),
        ("E06000066", date(2023, 4, 1), None),
    ]


def test_codes_of_several_years(folder: Path) -> None:
    write_csv(
        folder / "v.csv",
        ("LAD24CD", "LAD24NM", "LAD18CD", "LAD18NM", "LAD21CD", "LAD21NM"),
        (
            "E06000061",
            "North Northamptonshire",
            "E07000150",
            "Corby",
            "E06000061",
            "North Northamptonshire",
        ),
        ("E06000001", "Hartlepool", "E06000001", "Hartlepool", "E06000001", "Hartlepool"),
    )
    assert rows(built(folder), "lad_changes") == [
        ("E07000150", "Corby", "E06000061", "North Northamptonshire", date(2021, 4, 1))
    ]


MEMBERS = (
    "Partner\r\nOrganisation\r\nCode",
    "PCN Code",
    "PCN Name",
    "Practice to PCN\r\nRelationship\r\nStart Date",
    "Practice to PCN\r\nRelationship\r\nEnd Date",
)
SPELLS = [
    ("G83046", "U07140", "APL", date(2020, 4, 2), None),
    ("G83046", "U88820", "CLOCKTOWER", date(2019, 10, 1), date(2020, 3, 31)),
]


@pytest.mark.parametrize("form", ["xlsx", "xlsx of texts", "csv"])
def test_networks_in_both_forms(folder: Path, form: str) -> None:
    if form == "csv":
        write_csv(
            folder / "epcn.csv",
            ("G83046", "N", "72Q", "I", "U88820", "CLOCKTOWER", "72Q", "I", "20191001", "20200331"),
            ("G83046", "N", "72Q", "I", "U07140", "APL", "72Q", "I", "20200402", ""),
        )
    else:
        pytest.importorskip("fastexcel")
        day = int if form == "xlsx" else str
        body = [
            ("G83046", "U88820", "CLOCKTOWER", day("20191001"), day("20200331")),
            ("G83046", "U07140", "APL", day("20200402"), ""),
        ]
        write_workbook(
            folder / "ePCN.xlsx",
            {
                "PCNDetails": [("PCN Code", "PCN Name")],
                "PCN Core Partner Details": [MEMBERS, *body],
            },
        )
    found = rows(
        built(folder),
        "practice_pcn",
        "practice_code",
        "pcn_code",
        "pcn_name",
        "valid_from",
        "valid_to",
    )
    assert sorted(found, key=str) == SPELLS


def practice(code: str, **given: str) -> list[str]:
    row = [""] * 27
    row[0], row[1], row[3], row[9], row[10], row[12], row[14], row[25] = (
        code, f"SURGERY {code}", "QKK", "DA1 1AA", "19740401", "A", "72Q", "4",
    )  # fmt: skip
    at = {"close": 11, "status": 12, "setting": 25}
    for name, value in given.items():
        row[at[name]] = value
    return row


def test_practices(folder: Path) -> None:
    write_csv(
        folder / "epraccur.csv",
        practice("G83001"),
        practice("G83002", close="20210930", status="C"),
        practice("Y00001", setting="0"),
    )
    write_csv(
        folder / "PREVALENCE_2324.csv",
        ("PRACTICE_CODE", "GROUP_CODE", "REGISTER", "PATIENT_LIST_TYPE", "PRACTICE_LIST_SIZE"),
        ("G83001", "DEM", 50, "TOTAL", 9000),
        ("G83001", "DEP", 700, "18OV", 7000),
        ("X99999", "DEM", 5, "TOTAL", 900),
    )
    made = built(folder)
    columns = (
        "practice_code",
        "list_size",
        "open_date",
        "close_date",
        "status_code",
        "sub_icb_code",
    )
    assert rows(made, "practices", *columns) == [
        ("G83001", 9000, date(1974, 4, 1), None, "A", "72Q"),
        ("G83002", None, date(1974, 4, 1), date(2021, 9, 30), "C", "72Q"),
    ]
    assert rows(made, "qof") == [
        ("G83001", "DEM", 50, 9000, "TOTAL", "2023/24"),
        ("G83001", "DEP", 700, 7000, "18OV", "2023/24"),
        ("X99999", "DEM", 5, 900, "TOTAL", "2023/24"),
    ]


def test_successions(folder: Path) -> None:
    write_csv(folder / "succ.csv", ("G83002", "G83001", "M", "20211001", ""))
    assert rows(built(folder), "practice_successors") == [("G83002", "G83001", date(2021, 10, 1))]


@pytest.mark.parametrize(
    ("name", "day"), [("NUMBER_OF_PATIENTS", "2024-07-01"), ("Number of Patients", "01JUL2024")]
)
def test_patients_by_practice_and_lsoa(folder: Path, name: str, day: str) -> None:
    head = (
        "PUBLICATION",
        "EXTRACT_DATE",
        "PRACTICE_CODE",
        "PRACTICE_NAME",
        "LSOA_CODE",
        "SEX",
        name,
    )
    own = ("GP_PRAC_PAT_LIST", day, "G83001", "S")
    write_csv(
        folder / "all.csv",
        head,
        (*own, FIRST, "ALL", 60),
        (*own, NEW, "ALL", 30),
        (*own, "NO2011", "ALL", 2),
    )
    write_csv(folder / "male.csv", head, (*own, FIRST, "MALE", 25))
    write_csv(folder / "older.csv", head, ("L", "01JAN2021", "G83001", "S", SECOND, "ALL", 99))
    assert rows(built(folder), "practice_patients") == [
        ("G83001", FIRST, "all", 60, "2021", "2024-07-01"),
        ("G83001", NEW, "all", 30, "2021", "2024-07-01"),
        ("G83001", "NO2011", "all", 2, None, "2024-07-01"),
    ]


def test_older_patients_have_codes_of_2011(folder: Path) -> None:
    head = ("EXTRACT_DATE", "PRACTICE_CODE", "LSOA_CODE", "SEX", "NUMBER_OF_PATIENTS")
    write_csv(
        folder / "x.csv",
        head,
        ("04JAN2021", "G83001", FIRST, "FEMALE", 9),
        ("04JAN2021", "G83001", FIRST, "MALE", 8),
    )
    assert rows(built(folder), "practice_patients", "sex", "people", "lsoa_vintage", "period") == [
        ("female", 9, "2011", "2021-01-04"),
        ("male", 8, "2011", "2021-01-04"),
    ]


def test_lists_by_age_and_sex(folder: Path) -> None:
    head = [
        "PUBLICATION",
        "EXTRACT_DATE",
        "ORG_TYPE",
        "ORG_CODE",
        "ONS_CODE",
        "POSTCODE",
        "SEX",
        "AGE_GROUP_5",
        "NUMBER_OF_PATIENTS",
    ]
    own = ("GP_PRAC_PAT_LIST", "01JAN2024", "GP", "G83001", "", "DA1 1AA")
    write_csv(
        folder / "quin.csv",
        head,
        (*own, "ALL", "ALL", 30),
        (*own, "FEMALE", "0_4", 10),
        (*own, "MALE", "0_4", 12),
        (*own, "MALE", "95+", 8),
        ("GP_PRAC_PAT_LIST", "01JAN2024", "ICB", "QKK", "", "", "MALE", "0_4", 999),
    )
    made = built(folder)
    assert rows(made, "practice_lists") == [
        ("G83001", "female", 0, 4, 10, "2024-01-01"),
        ("G83001", "male", 0, 4, 12, "2024-01-01"),
        ("G83001", "male", 95, None, 8, "2024-01-01"),
    ]
    assert rows(made, "practices", "practice_code", "list_size") == [("G83001", 30)]


def test_connectivity_by_mode(folder: Path) -> None:
    """The score of all modes is never the one of public transport."""
    head = ("LSOA21CD", "Overall (walking)", "Overall (public transport)", "Overall")
    write_csv(folder / "connectivity_2025.csv", head, (FIRST, 10, 55.5, 90))
    write_csv(folder / "f8.csv", ("LSOA code (2021)", "Connectivity score"), (FIRST, 95.5))
    assert rows(built(folder), "area_measures", "measure", "value") == [
        ("connectivity_all_modes", 90.0),
        ("public_transport", 55.5),
    ]


def test_noise_by_authority(folder: Path) -> None:
    head = [
        "Indicator Name",
        "Area Code",
        "Area Type",
        "Sex",
        "Category",
        "Time period",
        "Value",
        "Denominator",
        "Time period Sortable",
    ]
    complaints = "The rate of complaints about noise"
    night = "The percentage of the population exposed to road, rail and air transport noise of 55 dB(A) or more during the night-time"

    def row(
        name: str, area: str, period: str, value: object, sex: str = "Persons", category: str = ""
    ) -> tuple[object, ...]:
        return (name, area, "UA", sex, category, period, value, 1000, period[:4] + "0000")

    write_csv(
        folder / "b14.csv",
        head,
        row(complaints, "E09000001", "2019/20", 9.9),
        row(complaints, "E09000001", "2020/21", 5.7),
        row(complaints, "E92000001", "2020/21", 12),
        row(complaints, "E09000001", "2020/21", 99, category="Deprivation decile"),
        row(night, "E09000001", "2016", 20.5),
    )
    found = rows(
        built(folder), "area_measures", "measure", "area_type", "area_code", "value", "period"
    )
    assert found == [
        ("noise_complaints", "lad", "E09000001", 5.7, "2020/21"),
        ("noise_exposed_night_lad", "lad", "E09000001", 20.5, "2016"),
    ]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_mid_year_estimates(folder: Path, form: str) -> None:
    ages = [f"{sex}{age}" for sex in "FM" for age in range(91)]
    body = [
        ("LAD 2023 Code", "LSOA 2021 Code", "Total", *ages),
        ("E09000001", FIRST, 182, *[1] * 182),
        ("E09000001", NEW, 364, *[2] * 182),
    ]
    if form == "csv":
        write_csv(folder / "mid-2022.csv", *body)
    else:
        pytest.importorskip("fastexcel")
        write_workbook(
            folder / "sape.xlsx",
            {"Contents": [("Contents",)], "Mid-2022 LSOA 2021": [("Title",), (), *body]},
        )
    found = built(folder).pack.read("population")
    assert found.height == 2 * 182
    assert set(found["area_type"]) == {"lsoa"}
    assert set(found["period"]) == {"mid-2022"}
    assert dict(found.group_by("area_code").agg(pl.col("people").sum()).iter_rows()) == {
        FIRST: 182,
        NEW: 364,
    }
    oldest = only(found, area_code=FIRST, sex="female", age_from=90)
    assert oldest.select("age_to", "people").rows() == [(None, 1)]


def test_mid_year_estimates_of_authorities(folder: Path) -> None:
    head = ("ladcode23", "laname23", "country", "sex", "age", "population_2022", "population_2023")
    body = [("E09000001", "City", "E", sex, age, 5, 6) for sex in "FM" for age in (0, 90)]
    write_csv(folder / "myeb1.csv", head, *body, ("W06000001", "Mon", "W", "F", 0, 5, 6))
    assert rows(built(folder), "population") == [
        ("lad", "E09000001", sex, age, last, 6, "mid-2023")
        for sex in ("female", "male")
        for age, last in ((0, 0), (90, None))
    ]


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp"])
def test_boundaries(folder: Path, suffix: str) -> None:
    write_shapes(
        folder / f"b.{suffix}", {"LSOA21CD": [FIRST, SECOND], "LSOA21NM": ["a", "b"]}, "EPSG:27700"
    )
    found = built(folder).pack.read("boundaries")
    assert found.select("area_type", "area_code").rows() == [("lsoa", FIRST), ("lsoa", SECOND)]
    shapes = shapely.from_wkb(found["geometry"].to_list())
    assert [shape.bounds for shape in shapes] == [(0, 0, 1, 1), (1, 0, 2, 1)]


def test_boundaries_in_another_system_name_both(folder: Path) -> None:
    write_shapes(folder / "b.geojson", {"LSOA21CD": [FIRST]}, "EPSG:4326")
    with pytest.raises(ReferenceDataError, match=r"27700") as error:
        built(folder)
    assert "4326" in str(error.value)


def test_polygons_of_noise(folder: Path) -> None:
    classes = {"noiseclass": ["50.0-54.9", "55.0-59.9", ">=75.0"]}
    write_shapes(folder / "Road_Noise_Lden.gpkg", classes, "EPSG:27700")
    found = built(folder).pack.read("exposures")
    assert found["exposure"].to_list() == ["noise_lden_55"] * 2
    assert sorted(shape.bounds[0] for shape in shapely.from_wkb(found["geometry"].to_list())) == [
        1,
        2,
    ]


def test_the_library_s_own_form(folder: Path) -> None:
    write_csv(
        folder / "networks.csv",
        ("practice_code", "pcn_code", "footprint_type", "footprint_code", "share", "valid_from"),
        ("G83001", "U1", "icp", "LCN1", 0.5, "2019-10-01"),
    )
    pl.DataFrame(
        {
            "practice_code": ["G83002"],
            "successor_code": ["G83001"],
            "valid_from": [date(2021, 10, 1)],
        }
    ).write_parquet(folder / "successors.parquet")
    made = built(folder)
    columns = ("practice_code", "footprint_type", "footprint_code", "share", "valid_from")
    assert rows(made, "footprints", *columns) == [("G83001", "icp", "LCN1", 0.5, date(2019, 10, 1))]
    assert rows(made, "practice_successors") == [("G83002", "G83001", date(2021, 10, 1))]


def test_windows_1252(folder: Path) -> None:
    write_csv(
        folder / "epcn.csv",
        ("G83046", "N", "72Q", "I", "U88820", "CAFÉ", "72Q", "I", "20191001", ""),
        encoding="cp1252",
    )
    assert rows(built(folder), "practice_pcn", "pcn_name") == [("CAFÉ",)]


def test_older_mid_year_estimates_have_a_sheet_per_sex(folder: Path) -> None:
    pytest.importorskip("fastexcel")
    head = ("LSOA Code", "LSOA Name", "All Ages", *range(90), "90+")
    sheets = {
        f"Mid-2020 {sex}": [
            ("Mid-2020 Population Estimates",),
            head,
            ("E01000001", "n", 1, *[n] * 91),
        ]
        for sex, n in (("Persons", 3), ("Males", 1), ("Females", 2))
    }
    write_workbook(folder / "sape.xlsx", sheets)
    found = built(folder).pack.read("population")
    sums = dict(found.group_by("sex").agg(pl.col("people").sum()).iter_rows())
    assert sums == {"male": 91, "female": 182}
    assert set(found["area_type"]) == {"lsoa11"}
