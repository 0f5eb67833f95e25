"""Maps: the right shapes, the right classes, and nothing person-derived below PCN or authority."""

from __future__ import annotations

import re
import struct
from itertools import pairwise

import polars as pl
import pytest
import report_sample as sample

from pophealth_link.report import cells
from pophealth_link.report.inputs import indicator_text
from pophealth_link.report.maps import area_map, footprint_map
from pophealth_link.report.shapes import EMPTY, sheet


@pytest.fixture(scope="module")
def drawn():
    return sheet(sample.inputs())


@pytest.fixture(scope="module")
def rows():
    return cells.released(sample.baseline())


def _text(indicator):
    return indicator_text(sample.CATALOGUE, indicator, "")


def _points(path: str) -> list[tuple[int, int]]:
    """Walk a path of relative steps."""
    start, steps = re.fullmatch(r"M(-?\d+ ?-?\d+)l([-\d ]+)z", path).groups()
    numbers = [int(each) for each in re.findall(r"-?\d+", start + " " + steps.replace("-", " -"))]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    points = [pairs[0]]
    for dx, dy in pairs[1:]:
        points.append((points[-1][0] + dx, points[-1][1] + dy))
    return points


def _corners(wkb: bytes) -> list[tuple[float, float]]:
    numbers = struct.unpack_from("<10d", wkb, 13)
    return list(zip(numbers[:8:2], numbers[1:8:2], strict=True))


def test_outlines_are_the_boundaries_turned_north_up(drawn):
    frame = sample.boundaries()
    corners = [corner for wkb in frame["geometry"] for corner in _corners(wkb)]
    west, north = min(x for x, _ in corners), max(y for _, y in corners)
    wide = max(x for x, _ in corners) - west
    scale = 1000 / wide
    for code, wkb in frame.select("area_code", "geometry").rows():
        expected = {
            (round((x - west) * scale), round((north - y) * scale)) for x, y in _corners(wkb)
        }
        found = _points(drawn.areas[code].path)
        assert all(any(abs(x - u) <= 1 and abs(y - v) <= 1 for u, v in expected) for x, y in found)
        assert len(found) == 4


def test_a_footprint_is_the_union_of_its_areas(drawn):
    def area(path):
        points = _points(path)
        pairs = zip(points, [*points[1:], points[0]], strict=True)
        return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2

    of = dict(
        sample.resident_lookup()
        .filter(pl.col("footprint_type") == "pcn")
        .select("lsoa_code", "footprint_code")
        .rows()
    )
    for pcn, shape in drawn.footprints["pcn"].items():
        parts = sum(area(drawn.areas[code].path) for code, each in of.items() if each == pcn)
        assert area(shape.path) == pytest.approx(parts, rel=0.01)
    assert set(drawn.footprints) == {"pcn", "icp", "lad"}


def test_a_published_measure_is_drawn_by_lsoa_in_classes_of_equal_number(drawn):
    made = area_map(drawn, sample.lsoa_measures(), _text("housing_social_rented"))
    sizes = [len(patches) for patches in made.patches.values()]
    assert sum(sizes) == 48
    assert sorted(made.patches) == ["c0", "c1", "c2", "c3", "c4"]
    assert max(sizes) - min(sizes) <= 2
    assert len(made.outlines) == 4


def test_darker_means_higher(drawn):
    made = area_map(drawn, sample.lsoa_measures(), _text("housing_social_rented"))
    values = [
        [float(patch.words.rsplit(" ", 1)[1].rstrip("%")) for patch in made.patches[shade]]
        for shade in sorted(made.patches)
    ]
    assert all(max(low) <= min(high) for low, high in pairwise(values))


@pytest.mark.parametrize(
    ("marks", "key"),
    [
        ((0.0, 100.0), (("c0", "no"), ("c4", "yes"))),
        ((0.0,), (("c0", "no"),)),
        ((100.0,), (("c4", "yes"),)),
    ],
)
def test_all_or_nothing_is_no_or_yes(drawn, marks, key):
    measures = sample.lsoa_measures().filter(indicator="deprivation_most_deprived_decile")
    values = [marks[n % 7 % len(marks)] for n in range(measures.height)]
    measures = measures.with_columns(value=pl.Series(values))
    made = area_map(drawn, measures, _text("deprivation_most_deprived_decile"))
    assert made.key == key
    said = {patch.words.rsplit(" ", 1)[1] for each in made.patches.values() for patch in each}
    assert said == {text for _, text in key}
    assert "about as many" not in made.caption


def test_a_class_of_one_value_is_not_a_span(drawn):
    measures = sample.lsoa_measures().filter(indicator="housing_social_rented")
    values = [0.0] * 20 + [float(n) for n in range(measures.height - 20)]
    made = area_map(
        drawn, measures.with_columns(value=pl.Series(values)), _text("housing_social_rented")
    )
    assert made.key[0] == ("c0", "0.0%")


def test_an_area_without_a_value_is_grey_and_said_so(drawn):
    measures = sample.lsoa_measures().filter(pl.col("area_code") != sample.lsoa(0, 0))
    made = area_map(drawn, measures, _text("housing_social_rented"))
    assert [patch.words for patch in made.patches["cn"]] == [f"{sample.lsoa(0, 0)}: not given"]
    assert made.key[-1] == ("cn", "not given")


def test_person_level_values_are_never_drawn_by_lsoa(drawn):
    planted = sample.lsoa_measures().with_columns(indicator=pl.lit("depression_recorded"))
    assert area_map(drawn, planted, _text("depression_recorded")) is None


def test_a_value_of_a_larger_area_is_not_drawn(drawn, rows):
    planted = sample.lsoa_measures().with_columns(indicator=pl.lit("noise_complaints"))
    text = _text("noise_complaints")
    assert area_map(drawn, planted, text) is None
    assert footprint_map(drawn, cells.for_indicator(rows, "noise_complaints"), text) is None


def test_person_level_values_are_drawn_by_pcn_on_the_resident_basis(drawn, rows):
    held = cells.for_indicator(rows, "temporary_accommodation")
    made = footprint_map(drawn, held, _text("temporary_accommodation"))
    ids = {patch.id for patches in made.patches.values() for patch in patches}
    assert ids == {shape.id for shape in drawn.footprints["pcn"].values()}
    assert made.caption.startswith("Resident basis, by primary care network")
    said = {label.name: label.value for label in made.labels}
    assert said["Millfield PCN"] == "withheld: too many links are missing"
    assert len(made.patches["cn"]) == 1


def test_without_pcns_the_authority_is_drawn_if_there_are_several(rows):
    lookup = pl.DataFrame(
        {
            "lsoa_code": [sample.lsoa(x, y) for x in range(8) for y in range(6)],
            "footprint_type": "lad",
            "footprint_code": ["E1" if x < 4 else "E2" for x in range(8) for _ in range(6)],
        }
    )
    held = cells.for_indicator(rows, "depression_recorded").filter(
        pl.col("footprint_type") == "pcn", ~pl.col("reason")
    )
    two = held.filter(pl.col("footprint_code").is_in(["U00001", "U00002"])).with_columns(
        footprint_type=pl.lit("lad"),
        footprint_code=pl.col("footprint_code").replace({"U00001": "E1", "U00002": "E2"}),
    )
    drawn = sheet(sample.inputs(resident_lookup=lookup))
    made = footprint_map(drawn, two, _text("depression_recorded"))
    assert made.caption == "Resident basis, by local authority."
    assert sum(len(patches) for patches in made.patches.values()) == 2


def test_without_boundaries_there_is_no_map(rows):
    bare = sheet(sample.inputs(boundaries=sample.boundaries().clear()))
    assert bare == EMPTY
    assert area_map(bare, sample.lsoa_measures(), _text("housing_social_rented")) is None
    held = cells.for_indicator(rows, "depression_recorded")
    assert footprint_map(bare, held, _text("depression_recorded")) is None
