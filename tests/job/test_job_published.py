"""Published counts of practices beside the job's own: open data, rolled up to its footprints."""

import polars as pl
import pytest

from pophealth_link import reference
from pophealth_link.job.published import names, published
from pophealth_link.places import Registration
from pophealth_link.places.parts import practice_parts
from pophealth_link.reference import TableAbout
from pophealth_link.schema.outputs_published import PUBLISHED_TABLES

ABOUT = TableAbout("publisher", "title", "licence", "vintage")
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
    found = published(pack, UNITS, HELD)["registers.csv"]
    cells = {row["footprint_code"]: row for row in found.iter_rows(named=True)}
    assert (cells["U1"]["numerator"], cells["U1"]["denominator"]) == (19, 1_900)
    # Half of a practice is half of its register, and is marked so.
    assert (cells["I1"]["numerator"], cells["I1"]["status"]) == (5, "estimated")


def test_lists_stand_beside_the_estimates_of_where_patients_live(pack):
    found = published(pack, UNITS, HELD)["list_sizes.csv"].filter(age_band="all", sex="all")
    cells = {(r["footprint_code"], r["basis"]): r for r in found.iter_rows(named=True)}
    resident = cells["U1", "resident"]
    assert (resident["patients"], resident["residents"], resident["ratio"]) == (1_200, 1_000, 1.2)
    registered = cells["U1", "registered"]
    # 1,100 of 1,200 patients of E1 and all of E2.
    assert registered["patients"] == 1_400
    assert registered["residents"] == pytest.approx(1_000 * 1_100 / 1_200 + 250, abs=1e-3)


def test_columns_are_as_declared_and_what_a_pack_lacks_is_left_out(pack):
    for name, frame in published(pack, UNITS, HELD).items():
        assert tuple(frame.columns) == PUBLISHED_TABLES[name.removesuffix(".csv")].names
    assert published(reference.load(None), UNITS, HELD) == {}
    nobody = published(pack, UNITS.filter(pl.col("unit") == "P8"), HELD)
    assert [frame.height for frame in nobody.values()] == [0, 0]
    assert list(nobody) == names(pack)
    assert names(reference.load(None)) == []
