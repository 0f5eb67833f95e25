"""Published counts of practices beside the job's own: open data, rolled up to its footprints."""

from datetime import date

import polars as pl
import pytest
from small_job import write_small_job

from pophealth_link import job as jobs
from pophealth_link import reference
from pophealth_link.job import releasing
from pophealth_link.job.analysing import run_analyse
from pophealth_link.job.progress import Recorder, Silent
from pophealth_link.job.published import names, published
from pophealth_link.places import Registration
from pophealth_link.places.parts import practice_parts
from pophealth_link.reference import TableAbout
from pophealth_link.schema.outputs_published import PUBLISHED_TABLES

ABOUT = TableAbout("publisher", "title", "licence", "vintage")
DAY = date(2024, 9, 1)
AREAS = pl.DataFrame({"lsoa_code": ["E1", "E2"]})
UNITS = pl.DataFrame(
    [
        ("registered", "P1", "pcn", "U1", "North", 1.0),
        ("registered", "P2", "pcn", "U1", "North", 1.0),
        ("registered", "P2", "icp", "I1", "East", 0.5),
        ("resident", "E1", "pcn", "U1", "North", 1.0),
    ],
    schema=["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"],
    orient="row",
)
NOTHING = {"code": pl.String, "practice_code": pl.String}
HELD = Registration(
    UNITS, pl.DataFrame(schema=NOTHING), practice_parts(pl.DataFrame()), pl.DataFrame()
)
QOF = [("P1", "DEM", 9, 900), ("P2", "DEM", 10, 1_000), ("P9", "DEM", 50, 60)]
LIVES = [("P1", "E1", 600), ("P2", "E1", 500), ("P9", "E1", 100), ("P1", "E2", 300)]


@pytest.fixture(scope="module")
def pack():
    qof = pl.DataFrame(
        QOF, schema=["practice_code", "register", "numerator", "denominator"], orient="row"
    ).with_columns(list_type=pl.lit("TOTAL"), period=pl.lit("2020/21"))
    lives = pl.DataFrame(
        LIVES, schema=["practice_code", "lsoa_code", "people"], orient="row"
    ).with_columns(sex=pl.lit("all"), period=pl.lit("2024-07-01"))
    people = pl.DataFrame(
        {
            "area_type": ["lsoa"] * 2,
            "area_code": ["E1", "E2"],
            "sex": ["all"] * 2,
            "age_from": [0, 0],
            "age_to": [None, None],
            "people": [1_000, 250],
            "period": ["2024"] * 2,
        }
    )
    tables = {"qof": qof, "practice_patients": lives, "population": people}
    return reference.in_memory(tables, name="test", n_areas=2, about=dict.fromkeys(tables, ABOUT))


def test_registers_are_sums_over_the_footprints_practices(pack):
    found = published(pack, UNITS, HELD, areas=AREAS, as_of=DAY)["registers.csv"]
    cells = {row["footprint_code"]: row for row in found.iter_rows(named=True)}
    assert (cells["U1"]["numerator"], cells["U1"]["denominator"]) == (19, 1_900)
    # Half of a practice is half of its register, and is marked so.
    assert (cells["I1"]["numerator"], cells["I1"]["status"]) == (5, "estimated")


def test_lists_stand_beside_the_estimates_of_where_patients_live(pack):
    found = published(pack, UNITS, HELD, areas=AREAS, as_of=DAY)["list_sizes.csv"].filter(
        age_band="all", sex="all"
    )
    cells = {(r["footprint_code"], r["basis"]): r for r in found.iter_rows(named=True)}
    resident = cells["U1", "resident"]
    assert (resident["patients"], resident["residents"], resident["ratio"]) == (1_200, 1_000, 1.2)
    registered = cells["U1", "registered"]
    # 1,100 of 1,200 patients of E1 and all of E2.
    assert registered["patients"] == 1_400
    assert registered["residents"] == pytest.approx(1_000 * 1_100 / 1_200 + 250, abs=1e-3)


def test_columns_are_as_declared_and_what_a_pack_lacks_is_left_out(pack):
    for name, frame in published(pack, UNITS, HELD, areas=AREAS, as_of=DAY).items():
        assert tuple(frame.columns) == PUBLISHED_TABLES[name.removesuffix(".csv")].names
    assert published(reference.load(None), UNITS, HELD, areas=AREAS, as_of=DAY) == {}
    nobody = published(pack, UNITS.filter(pl.col("unit") == "P8"), HELD, areas=AREAS, as_of=DAY)
    assert [frame.height for frame in nobody.values()] == [0, 0]
    assert list(nobody) == names(pack)
    assert names(reference.load(None)) == []


def counts(rows, *names):
    return pl.DataFrame(rows, schema=list(names), orient="row")


def of_2011(**more):
    """A practice whose patients live in one LSOA of 2011, of 2021 three fourths and one fourth."""
    ages = counts([("lsoa", "E01000003", 500), ("lsoa", "E01000004", 100)],
                  "area_type", "area_code", "people")  # fmt: skip
    tables = {
        "practice_patients": counts(
            [("P2", "E01000002", "all", 800, "2011", "2024-07-01"),
             ("P2", "NO2011", "all", 100, None, "2024-07-01"),
             ("P2", "E01000003", "all", 7_777, "2021", "2024-10-01")],
            "practice_code", "lsoa_code", "sex", "people", "lsoa_vintage", "period",
        ),
        "population": ages.with_columns(
            sex=pl.lit("all"), age_from=pl.lit(0), age_to=pl.lit(None, pl.Int64),
            period=pl.lit("2023"),
        ),
        "qof": counts([("P2", "DEM", 90, 900, "TOTAL", "2023/24")], "practice_code", "register",
                      "numerator", "denominator", "list_type", "period"),
        "lsoa_changes": counts(
            [("E01000002", "E01000003", "S", 30), ("E01000002", "E01000004", "S", 10)],
            "lsoa11_code", "lsoa21_code", "change_code", "population",
        ),
    } | more  # fmt: skip
    return reference.in_memory(tables, name="test", n_areas=2, about=dict.fromkeys(tables, ABOUT))


RULES = pl.DataFrame(
    [("P2", None, "E01000004", "icp", "I2", "West")],
    schema=["practice_code", "site_code", "lsoa_code", "footprint_type", "footprint_code",
            "footprint_name"],
    orient="row",
)  # fmt: skip
SPLIT = counts(
    [("registered", "P2", "icp", "I1", "East", 1.0),
     ("registered", "P2@icp=I2", "icp", "I2", "West", 1.0),
     ("resident", "E01000003", "icp", "I1", "East", 1.0),
     ("resident", "E01000004", "icp", "I2", "West", 1.0)],
    "basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share",
)  # fmt: skip
PARTED = Registration(SPLIT, pl.DataFrame(schema=NOTHING), practice_parts(RULES), pl.DataFrame())
AREAS_21 = pl.DataFrame({"lsoa_code": ["E01000003", "E01000004"]})


def test_patients_by_lsoa_of_2011_count_on_those_of_2021():
    made = published(of_2011(), SPLIT, PARTED, areas=AREAS_21, as_of=DAY)
    rows = made["list_sizes.csv"].filter(age_band="all", sex="all")
    cells = {(r["footprint_code"], r["basis"]): r for r in rows.iter_rows(named=True)}
    # 800 patients: 600 in E01000003, 200 in E01000004; 100 live nobody knows where.
    assert cells["I1", "resident"]["patients"] == 600
    assert cells["I2", "resident"]["patients"] == 200
    assert (cells["I1", "resident"]["residents"], cells["I1", "resident"]["ratio"]) == (500, 1.2)
    assert cells["I1", "registered"]["patients"] == 700
    assert cells["I2", "registered"]["patients"] == 200
    assert cells["I2", "registered"]["residents"] == 100
    assert cells["I1", "registered"]["coverage"] == pytest.approx(600 / 700, abs=1e-4)
    registers = dict(made["registers.csv"].select("footprint_code", "numerator").iter_rows())
    assert registers == pytest.approx({"I1": 90 * 700 / 900, "I2": 90 * 200 / 900}, abs=1e-3)


def test_lists_are_of_the_latest_period_that_had_begun():
    names = ("practice_code", "sex", "age_from", "age_to", "people", "period")
    ages = ((0, 90, "2024-04-01"), (5, 900, "2024-07-01"), (10, 5, "2024-10-01"))
    lists = [("P2", "female", age, age + 4, people, period) for age, people, period in ages]
    pack = of_2011(practice_lists=counts(lists, *names))
    found = published(pack, SPLIT, PARTED, areas=AREAS_21, as_of=DAY)["list_sizes.csv"]
    on_lists = found.filter(basis="registered", age_band="all", sex="all")
    assert dict(on_lists.select("footprint_code", "patients").iter_rows()) == {
        "I1": 700, "I2": 200,
    }  # fmt: skip


@pytest.mark.slow
def test_what_a_lookup_lacks_is_told_once_to_whoever_runs_the_job(tmp_path):
    """Published by LSOA of 2011 without a lookup: warnings are told as progress, none escapes."""
    path = write_small_job(tmp_path / "data")
    linked = jobs.link(path, out=tmp_path / "half").folder / "linked"
    job = jobs.load(path, ("analyse",))
    own = job.read_reference()
    lsoa, code = own.read("areas")["lsoa_code"].sort()[0], own.read("practices")[0, 0]
    lives = counts(
        [(code, each, "all", 500, "2011", "2026-01-01") for each in (lsoa, "E01999999")],
        "practice_code", "lsoa_code", "sex", "people", "lsoa_vintage", "period",
    )  # fmt: skip
    people = counts([("lsoa", lsoa, "all", 0, None, 400, "2024")], "area_type", "area_code", "sex",
                    "age_from", "age_to", "people", "period")  # fmt: skip
    more = {"practice_patients": lives, "population": people}
    pack = reference.in_memory(
        {name: own.read(name) for name in own.tables} | more,
        name="test", n_areas=own.n_areas, about=dict(own.about) | dict.fromkeys(more, ABOUT),
    )  # fmt: skip
    heard = Recorder(Silent())
    done = run_analyse(job, pack, linked, tmp_path / "out", heard)
    releasing.release(job, pack, done, tmp_path / "releasable", heard)
    assert len([each for each in heard.warnings if "1 of 2 LSOAs" in each]) == 1
    sizes = done.published["list_sizes.csv"].filter(footprint_type="whole", age_band="all")
    listed = dict(sizes.filter(sex="all").select("basis", "patients").iter_rows())
    assert listed == {"registered": 1_000, "resident": 500}
