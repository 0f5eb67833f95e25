from __future__ import annotations

import json
import subprocess
import sys

import geopandas as gpd
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.errors import DataError, ReferenceDataError
from pophealth_link.places import (
    PlacesWarning,
    check_crs,
    dissolve,
    outlines,
    read_shapes,
    share_exposed,
    within,
)

X, Y = 540_000, 170_000


def square(left: float, bottom: float, size: float = 100) -> bytes:
    return shapely.to_wkb(shapely.box(X + left, Y + bottom, X + left + size, Y + bottom + size))


BOWTIE = shapely.to_wkb(
    shapely.Polygon([(X, Y), (X + 100, Y + 100), (X + 100, Y), (X, Y + 100), (X, Y)])
)
POSTCODES = pl.DataFrame(
    {
        "postcode": ["AA1 1AA", "AA1 1AB", "AA1 1AC", "AA2 2BB", "AA3 3CC", "AA4 4DD"],
        "easting": [X + 50, X + 100, X + 500, X + 50, X + 900, None],
        "northing": [Y + 50, Y + 50, Y + 50, Y + 60, Y + 900, Y],
        "lsoa_code": ["L1", "L1", "L1", "L2", "L3", "L3"],
        "dwellings": [10, 20, 70, None, 5, 5],
    }
)


def noise(*shapes: bytes, exposure: str = "noise_lden_55") -> pl.DataFrame:
    return pl.DataFrame({"exposure": [exposure] * len(shapes), "geometry": list(shapes)})


def test_dwellings_inside_are_counted_once():
    # The second square overlaps the first; AA1 1AB lies on an edge.
    found = share_exposed(POSTCODES, noise(square(0, 0), square(20, 20)), period="2022")
    assert found.rows() == [
        ("noise_exposed_55db", "lsoa", "L1", 30.0, 100.0, None, "2022"),
        ("noise_exposed_55db", "lsoa", "L2", 1.0, 1.0, None, "2022"),
        ("noise_exposed_55db", "lsoa", "L3", 0.0, 5.0, None, "2022"),
    ]


def test_without_dwellings_each_postcode_counts_one_and_areas_limit():
    areas = pl.DataFrame({"lsoa_code": ["L1"], "lad_code": ["D1"]})
    found = share_exposed(POSTCODES.drop("dwellings"), noise(square(0, 0)), areas)
    assert found.select("area_code", "numerator", "denominator").rows() == [("L1", 2.0, 3.0)]


def test_exposures_of_another_kind_do_not_count():
    other = noise(square(0, 0, 5000), exposure="noise_lnight_50")
    found = share_exposed(POSTCODES, pl.concat([other, noise(square(5000, 0))]))
    assert found["numerator"].sum() == 0
    with pytest.raises(ReferenceDataError, match="no polygons of `noise_lden_55`"):
        share_exposed(POSTCODES, other)


def test_a_broken_polygon_is_repaired():
    with pytest.warns(PlacesWarning, match="`exposures`: 1 of 1 polygons were invalid"):
        found = share_exposed(POSTCODES, noise(BOWTIE))
    assert found["numerator"].to_list() == [30.0, 0.0, 0.0]


def test_degrees_are_refused():
    degrees = noise(shapely.to_wkb(shapely.box(0.1, 51.4, 0.2, 51.5)))
    with pytest.raises(ReferenceDataError, match=r"EPSG:4326.*EPSG:27700"):
        share_exposed(POSTCODES, degrees)


@pytest.mark.parametrize(
    "elsewhere",
    [
        # London in Web Mercator, in UTM zone 30 and in the European equal-area grid (EPSG:3035).
        shapely.box(-20_000, 6_700_000, 0, 6_720_000),
        shapely.box(690_000, 5_700_000, 710_000, 5_720_000),
        shapely.box(3_600_000, 3_190_000, 3_620_000, 3_210_000),
    ],
)
def test_polygons_of_another_grid_are_refused(elsewhere):
    with pytest.raises(ReferenceDataError, match=r"EPSG:3857.*EPSG:27700"):
        share_exposed(POSTCODES, noise(shapely.to_wkb(elsewhere)))
    shapes = pl.DataFrame({"area_code": ["A"], "geometry": [shapely.to_wkb(elsewhere)]})
    with pytest.raises(ReferenceDataError, match=r"EPSG:3857.*EPSG:27700"):
        within(POSTCODES, shapes)


def test_polygons_said_to_be_of_another_system_are_refused_with_both_named():
    with pytest.raises(ReferenceDataError, match=r"EPSG:27700(.|\n)*EPSG:3857"):
        share_exposed(POSTCODES, noise(square(0, 0)), crs="EPSG:3857")


def test_polygons_of_the_sea_are_exposed_nowhere():
    away = noise(shapely.to_wkb(shapely.box(-50_000, -50_000, -10, -10)))
    assert share_exposed(POSTCODES, away)["numerator"].sum() == 0


BOUNDARIES = pl.DataFrame(
    {
        "area_type": ["lsoa"] * 4,
        "area_code": ["L1", "L2", "L3", "L4"],
        "geometry": [square(0, 0), square(99, 0), square(1000, 0), BOWTIE],
    }
)


def test_dissolve_unites_areas_and_counts_repairs():
    lookup = pl.DataFrame(
        {
            "area_code": ["L1", "L2", "L3", "L4", "L9", "L8"],
            "group": ["U1", "U1", "U1", "U2", "U2", "U3"],
        }
    )
    found = dissolve(BOUNDARIES, lookup)
    assert found.select("group", "areas", "missing", "repaired").rows() == [
        ("U1", 3, 0, 0),
        ("U2", 1, 1, 1),
        ("U3", 0, 1, 0),
    ]
    united, mended = shapely.from_wkb(found["geometry"].to_list()[:2])
    # The first two overlap by a metre.
    assert united.area == pytest.approx(199 * 100 + 100 * 100)
    assert len(united.geoms) == 2
    assert mended.is_valid
    assert found.equals(dissolve(BOUNDARIES.reverse(), lookup.reverse()))


boxes = st.lists(
    st.tuples(*[st.integers(0, 6)] * 2, *[st.integers(1, 4)] * 2), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(boxes)
def test_shapes_that_touch_overlap_or_repeat_are_one_union(drawn):
    shapes = [shapely.box(X + x, Y + y, X + x + w, Y + y + h) for x, y, w, h in drawn]
    codes = [f"L{n}" for n in range(len(shapes))]
    areas = pl.DataFrame({"area_code": codes, "geometry": [shapely.to_wkb(s) for s in shapes]})
    found = dissolve(areas, pl.DataFrame({"area_code": codes, "group": "G"}))
    united = shapely.from_wkb(found["geometry"].item())
    # By hand: the unit squares that any of the boxes covers.
    cells = {(a, b) for x, y, w, h in drawn for a in range(x, x + w) for b in range(y, y + h)}
    assert united.is_valid
    assert united.area == pytest.approx(len(cells))
    assert all(united.covers(shapely.Point(X + a + 0.5, Y + b + 0.5)) for a, b in cells)


def test_an_area_in_two_groups_is_refused():
    lookup = pl.DataFrame({"area_code": ["L1", "L1"], "group": ["U1", "U2"]})
    with pytest.raises(DataError, match="more than one group: 1"):
        dissolve(BOUNDARIES, lookup)


def test_outlines_are_simple_whole_metres_and_sorted():
    ring = [(X + 0.4, Y), (X + 50, Y + 3), (X + 100.3, Y), (X + 100, Y + 100), (X, Y + 100)]
    hole = [(X + 40, Y + 40), (X + 60, Y + 40), (X + 60, Y + 60), (X + 40, Y + 60)]
    shape = shapely.to_wkb(shapely.Polygon(ring, [hole]))
    frame = pl.DataFrame({"group": ["B", "A", "C"], "geometry": [shape, square(0, 0), None]})
    found = json.loads(json.dumps(outlines(frame, 10, code="group")))
    first, second = found["features"]
    assert (first["id"], second["properties"]) == ("A", {"group": "B"})
    outer, inner = second["geometry"]["coordinates"]
    assert len(outer) == 5  # the point that stands out by 3 m is gone
    assert all(isinstance(value, int) for point in outer + inner for value in point)
    turns = [shapely.LinearRing(part).is_ccw for part in (outer, inner)]
    assert turns == [True, False]


def test_the_smallest_shape_is_still_drawn():
    tiny = pl.DataFrame({"area_code": ["L1"], "geometry": [square(0, 0, 3)]})
    (feature,) = outlines(tiny, 50, grid=1)["features"]
    assert feature["geometry"]["coordinates"][0]
    assert outlines(tiny.clear(), 50)["features"] == []
    with pytest.raises(DataError, match="grid above 0"):
        outlines(tiny, 50, grid=0)


def test_another_coordinate_system_is_refused_with_both_named(tmp_path):
    shapes = gpd.GeoDataFrame({"code": ["L1"]}, geometry=[shapely.box(0, 51, 1, 52)], crs=4326)
    shapes.to_file(tmp_path / "areas.gpkg")
    with pytest.raises(ReferenceDataError, match=r"(?s)EPSG:27700.*EPSG:4326 WGS 84"):
        read_shapes(tmp_path / "areas.gpkg", ["code"])
    with pytest.raises(ReferenceDataError, match="none given"):
        check_crs(None, "areas")


def test_shapes_are_read_as_well_known_binary(tmp_path):
    held = shapely.from_wkb(square(0, 0))
    shapes = gpd.GeoDataFrame({"code": ["L1"]}, geometry=[held], crs=27700)
    shapes.to_file(tmp_path / "areas.gpkg")
    shapes.to_parquet(tmp_path / "areas.parquet")
    for name in ("areas.gpkg", "areas.parquet"):
        found = read_shapes(tmp_path / name, ["code"])
        assert found.schema == {"code": pl.String, "geometry": pl.Binary}
        assert shapely.from_wkb(found["geometry"].item()).equals(held)
    with pytest.raises(ReferenceDataError, match="name"):
        read_shapes(tmp_path / "areas.gpkg", ["name"])
    (tmp_path / "broken.gpkg").write_text("nothing")
    with pytest.raises(ReferenceDataError, match=r"broken.gpkg could not be read"):
        read_shapes(tmp_path / "broken.gpkg", [])


def test_bexley_dissolves_to_its_own_boundary(open_data):
    lsoas = read_shapes(
        open_data / "boundaries" / "lsoa21_england.parquet", ["lsoa21cd", "ladcd_active"]
    ).filter(ladcd_active="E09000004")
    frame = lsoas.select("geometry", area_code="lsoa21cd")
    united = dissolve(frame, lsoas.select(area_code="lsoa21cd", group="ladcd_active"))
    assert united["areas"].item() == 148
    lads = read_shapes(open_data / "boundaries" / "ltla24_england.parquet", ["ltla24_code"])
    own = shapely.from_wkb(lads.filter(ltla24_code="E09000004")["geometry"].item())
    found = shapely.from_wkb(united["geometry"].item())
    parts = shapely.area(shapely.from_wkb(lsoas["geometry"].to_list())).sum()
    assert found.area == pytest.approx(parts, rel=0.002)
    # The authority's own boundary is generalised ten times more coarsely.
    assert found.symmetric_difference(own).area / own.area < 0.08
    drawn = json.dumps(outlines(frame, 20), separators=(",", ":"))
    assert len(drawn) < 148 * 1_000


def test_importing_places_loads_no_heavy_library():
    code = (
        "import sys, pophealth_link.places;"
        "print(sorted({'shapely', 'geopandas', 'pyproj', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SHAPES = pl.DataFrame(
    {
        "area_code": ["B", "A", "C", "D"],
        "geometry": [square(0, 0), square(100, 0), square(300, 0), None],
    }
)


def at(*points: tuple[int | None, int | None]) -> pl.DataFrame:
    schema = {"postcode": pl.String, "easting": pl.Int64, "northing": pl.Int64}
    rows = [(f"P{n:02d}", east, north) for n, (east, north) in enumerate(points)]
    places = pl.DataFrame(rows, schema=schema, orient="row")
    moved = places.with_columns(pl.col("easting") + X, pl.col("northing") + Y)
    return moved.with_columns(lsoa_code=pl.lit("L1"))


def test_each_postcode_is_in_the_shape_that_holds_its_point():
    places = at((50, 50), (150, 50), (100, 50), (250, 50), (400, 100), (None, 3))
    found = within(places, SHAPES)
    # P02 is on the edge of two; P05 has no grid reference.
    assert found.rows() == [("P00", "B"), ("P01", "A"), ("P02", "A"), ("P03", None), ("P04", "C")]
    wards = SHAPES.rename({"area_code": "ward"})
    assert within(places, wards, code="ward")["ward"][0] == "B"


def test_shapes_of_another_coordinate_system_are_refused_with_both_named():
    places = at((1, 1))
    with pytest.raises(ReferenceDataError, match=r"(?s)`shapes`.*EPSG:27700.*EPSG:4326 WGS 84"):
        within(places, SHAPES, crs="EPSG:4326")


def test_a_broken_shape_is_repaired_and_counted():
    places = at((0, 0))
    broken = pl.DataFrame({"area_code": ["Z", "Y"], "geometry": [BOWTIE, square(900, 900)]})
    with pytest.warns(PlacesWarning, match="`shapes`: 1 of 2 polygons were invalid"):
        found = within(places, broken)
    assert found.height == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 150)), max_size=20))
def test_no_postcode_is_lost_or_doubled_and_its_shape_holds_it(points):
    found = within(at(*points), SHAPES)
    assert found["postcode"].to_list() == [f"P{n:02d}" for n in range(len(points))]
    left = {"B": 0, "A": 100, "C": 300}
    for name, code in found.iter_rows():
        east, north = points[int(name[1:])]
        inside = [c for c, x in left.items() if x <= east <= x + 100 and 0 <= north <= 100]
        assert code == min(inside, default=None)


def test_points_in_polygons_agree_with_the_published_lsoa(open_data):
    places = pl.read_parquet(open_data / "postcodes" / "postcodes_england.parquet").filter(
        lad_2025="E09000004", lsoa21_source="lsoa11_unchanged"
    )
    shapes = pl.read_parquet(open_data / "boundaries" / "lsoa21_england.parquet").select(
        "geometry", area_code="lsoa21cd"
    )
    found = within(places.rename({"pcds": "postcode", "lsoa21cd": "lsoa_code"}), shapes)
    told = found.join(places, left_on="postcode", right_on="pcds")
    same = (told["area_code"] == told["lsoa21cd"]).mean()
    # The folder's README: the official code and the point agree on 99.3 % of postcodes.
    assert found.height == places.drop_nulls(["easting", "northing"]).height
    assert same > 0.98
