"""From units to footprints: conservation, the complete grid, and what each status says."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tiny import in_duckdb, indicator

from pophealth_link.engine import collect
from pophealth_link.indicators.footprints import (
    ABOVE,
    authorities,
    complete_mapping,
    fill,
    grid,
    known_units,
    to_footprints,
)
from pophealth_link.indicators.tally import STRATA

NAMES = ["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"]


def mapping(*rows):
    return pl.DataFrame(rows, schema=NAMES, orient="row")


SHARED = mapping(
    ("registered", "P1", "icp", "I1", "One", 1.0),
    ("registered", "P2", "icp", "I1", "One", 0.25),
    ("registered", "P2", "icp", "I2", None, 0.75),
    ("registered", "P1", "whole", "whole", "Whole area", 1.0),
    ("registered", "P2", "whole", "whole", "Whole area", 1.0),
)


def counts(*rows, basis="registered"):
    """(unit, numerator, denominator) of stratum all."""
    return pl.DataFrame(
        [(basis, unit, "x", "all", x, n, x) for unit, x, n in rows],
        schema=[
            "basis",
            "unit",
            "indicator",
            "stratum",
            "numerator",
            "denominator",
            "contributors",
        ],
        orient="row",
    )


def test_shares_split_counts_and_are_marked():
    found = to_footprints(counts(("P1", 10, 100), ("P2", 8, 40)), SHARED)
    rows = found.select("footprint_code", "numerator", "denominator", "split").rows()
    assert rows == [
        ("I1", 12.0, 110.0, True),
        ("I2", 6.0, 30.0, True),
        ("whole", 18.0, 140.0, False),
    ]


def test_units_that_nobody_knows_are_counted_under_a_reason():
    every = complete_mapping(SHARED)
    found = collect(known_units(counts(("P1", 1, 2), ("P9", 3, 4), (None, 5, 6)), every))
    assert found.sort("numerator")["unit"].to_list() == [
        "P1",
        "unknown_practice",
        "unknown_practice",
    ]
    icp = to_footprints(found, every).filter(footprint_type="icp")
    assert icp["numerator"].sum() == 9
    assert "unknown_practice" in icp["footprint_code"].to_list()


def test_a_footprint_without_a_name_is_called_by_its_code():
    names = dict(complete_mapping(SHARED).select("footprint_code", "footprint_name").iter_rows())
    assert names["I2"] == "I2"


_UNITS = ("P1", "P2", "P3", "P4", "unknown_practice")


@st.composite
def worlds(draw):
    """Units shared between footprints of three types by hundredths, and counts in them."""
    rows = []
    for kind in ("pcn", "icp", "place"):
        for unit in _UNITS[:-1]:
            cut = draw(st.integers(0, 100))
            parts = [(f"{kind}A", cut), (f"{kind}B", 100 - cut)]
            rows += [("registered", unit, kind, code, code, n / 100) for code, n in parts if n]
    held = [
        (unit, draw(st.integers(0, 10**6)), draw(st.integers(0, 10**9)))
        for unit in (*_UNITS, "never heard of")
    ]
    return mapping(*rows), counts(*held)


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_every_type_of_footprint_adds_up_to_everybody(world):
    known, rows = world
    every = complete_mapping(known)
    found = to_footprints(known_units(rows, every), every)
    for _, part in found.group_by("footprint_type"):
        for name in ("numerator", "denominator", "contributors"):
            assert abs(part[name].sum() - rows[name].sum()) < 1e-5


@settings(max_examples=10, deadline=None)
@given(world=worlds())
def test_duckdb_adds_up_alike(world):
    known, rows = world
    every = complete_mapping(known)
    held = in_duckdb(rows=rows, every=every)
    theirs = to_footprints(known_units(held["rows"], held["every"]), held["every"])
    assert_frame_equal(theirs, to_footprints(known_units(rows, every), every))


PERSON = indicator(id="person")
AREA = indicator(id="area", level="area")
LAD = indicator(id="lad_value", level="area", imputed_down=True, area_type="lad")
ABSENT = indicator(id="absent")
RESIDENT = mapping(
    ("resident", "E1", "icp", "I1", "One", 1.0),
    ("resident", "E1", "lad", "L1", "L1", 1.0),
    ("resident", "E2", "icp", "I2", "Two", 0.5),
    ("resident", "E2", "lad", "L2", "L2", 1.0),
    ("resident", "no_fixed_abode", "icp", "no_fixed_abode", "No fixed abode", 1.0),
)


def filled():
    every = complete_mapping(RESIDENT)
    rows = pl.concat(
        [
            counts(("E1", 2, 20), ("E2", 1, 10), basis="resident").with_columns(indicator=pl.lit(n))
            for n in ("person", "lad_value")
        ]
        + [counts(("E1", 2, 20), basis="resident").with_columns(indicator=pl.lit("area"))]
    )
    lsoas = counts(("E1", 1, 1), ("E2", 1, 1), basis="resident")
    held = to_footprints(lsoas, every).rename({"numerator": "lsoas", "contributors": "shown"})
    cells = grid(every, [PERSON, AREA, LAD, ABSENT])
    own = authorities(every, pl.DataFrame({"lsoa_code": ["E1", "E2"], "lad_code": ["L1", "L2"]}))
    gaps = {"absent": "no source gives it"}
    frame = fill(cells, to_footprints(rows, every), held, own, gaps)
    return cells, frame


def status(frame, indicator, code, stratum="all"):
    row = frame.filter(indicator=indicator, footprint_code=code, stratum=stratum).row(0, named=True)
    return row["status"], row["numerator"], row["denominator"]


def test_the_grid_is_complete_and_each_cell_is_there_once():
    cells, frame = filled()
    footprints = 2 + 2 + 2 + 1  # I1 I2, L1 L2, outside_area of both types, no_fixed_abode
    own = 3 + 5 + 5 + 6  # the further strata of people: sex, age, finer ages, ethnic group
    more = own * 3 * 2  # L1, L2, outside_area of the type lad: the two person-level indicators
    assert cells.height == frame.height == footprints * 4 * len(STRATA) + more
    assert frame["status"].null_count() == 0


def test_no_zero_is_made_up():
    _, frame = filled()
    absent = frame.filter(indicator="absent")
    assert absent["status"].unique().to_list() == ["no_data"]
    assert absent["numerator"].null_count() == absent.height
    assert absent["reason"].unique().to_list() == ["no source gives it"]
    # Somebody looked, and nobody was there: it has no value, and counts that say why.
    assert status(frame, "person", "no_fixed_abode") == ("not_applicable", 0, 0)
    # The footprint's LSOA holds no value: that is not a zero.
    assert status(frame, "area", "I2") == ("no_data", None, None)


def test_shared_imputed_and_meaningless_cells_say_so():
    _, frame = filled()
    assert status(frame, "person", "I2") == ("estimated", 0.5, 5)
    assert status(frame, "person", "I1") == ("ok", 2, 20)
    assert status(frame, "area", "no_fixed_abode") == ("not_applicable", None, None)
    assert status(frame, "lad_value", "I2") == ("imputed_down", 0.5, 5)
    # A local authority's own value is genuine, on the resident basis and as a whole.
    assert status(frame, "lad_value", "I1") == ("ok", 2, 20)
    assert status(frame, "lad_value", "L1") == ("ok", 2, 20)
    assert status(frame, "lad_value", "L1", "quintile_1") == ("not_applicable", None, None)


def test_people_without_an_event_are_a_zero():
    every = complete_mapping(RESIDENT)
    rows = to_footprints(
        counts(("E1", 0, 20), basis="resident").with_columns(indicator=pl.lit("person")), every
    )
    lsoas = to_footprints(counts(("E1", 1, 1), basis="resident"), every)
    held = lsoas.rename({"numerator": "lsoas", "contributors": "shown"})
    own = every.select("footprint_type", "footprint_code", "footprint_name", "basis").clear()
    frame = fill(grid(every, [PERSON]), rows, held, own, {})
    assert status(frame, "person", "I1") == ("ok", 0, 20)
    assert status(frame, "person", "I2") == ("not_applicable", 0, 0)


def test_whole_authorities_are_told_from_parts_of_them():
    units = mapping(
        *(("resident", lsoa, "icb", "B1", "Board", 1.0) for lsoa in ("E1", "E2", "E3")),
        *(("resident", lsoa, "whole", "whole", "Whole", 1.0) for lsoa in ("E1", "E2", "E3", "E4")),
        *(("resident", lsoa, "pcn", "U1", "PCN", 1.0) for lsoa in ("E1", "E3")),
        ("resident", "no_fixed_abode", "icb", "no_fixed_abode", "No fixed abode", 1.0),
        ("registered", "E1", "icb", "B2", "Another", 1.0),
    )
    places = pl.DataFrame(
        {"lsoa_code": ["E1", "E2", "E3", "E4", "E5"], "lad_code": ["L1", "L1", "L2", "L3", "L3"]}
    )
    # The whole holds E4 alone of L3, the PCN E1 alone of L1.
    assert authorities(units, places)["footprint_code"].to_list() == ["B1"]


def test_area_values_weighed_by_withheld_counts_alone_are_withheld():
    every = complete_mapping(SHARED)
    rows = to_footprints(
        counts(("P1", 2, 20), ("P2", 1, 8)).with_columns(indicator=pl.lit("area")), every
    )
    lsoas = to_footprints(counts(("P1", 1, 1), ("P2", 1, 1)), every)
    held = lsoas.rename({"numerator": "lsoas"}).with_columns(
        shown=pl.when(pl.col("footprint_code") != "I2").then(1.0).otherwise(0.0)
    )
    own = every.select("footprint_type", "footprint_code", "footprint_name", "basis").clear()
    frame = fill(grid(every, [AREA]), rows, held, own, {})
    assert status(frame, "area", "I2") == ("suppressed", None, None)
    assert status(frame, "area", "I1") == ("estimated", 2.25, 22)
    assert status(frame, "area", "unknown_practice") == ("not_applicable", None, None)


@pytest.mark.parametrize(("over", "status"), [(5.0, "ok"), (6.0, "ok"), (7.0, "no_data")])
def test_a_numerator_above_its_denominator_is_no_data_and_says_so(over, status):
    place = {"footprint_type": "lad", "footprint_code": "A", "footprint_name": "A"}
    cell = {**place, "basis": "resident", "indicator": "a", "stratum": "all"}
    about = {"level": "person", "imputed_down": False, "part_of_whole": True}
    sums = {"numerator": over, "denominator": 6.0, "contributors": over, "squares": over}
    found = pl.DataFrame([{**cell, **sums, "split": False}])
    lsoas = pl.DataFrame([{**cell, "lsoas": 1.0, "shown": 1.0}]).drop("indicator")
    own = pl.DataFrame([{**place, "basis": "resident"}])
    row = fill(pl.DataFrame([{**cell, **about}]), found, lsoas, own, {}).row(0, named=True)
    assert row["status"] == status
    assert (row["reason"] == ABOVE) == (row["numerator"] is None) == (status == "no_data")
