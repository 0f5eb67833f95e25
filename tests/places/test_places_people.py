from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.errors import ReferenceDataError
from pophealth_link.places import linked_settings, place
from pophealth_link.schema.outputs import PEOPLE_PLACED, PERSON_FACTS

COLUMNS = ("person_id", "on_register", "practice_code", "lsoa_code", "unplaced")
ROWS = [
    ("a", True, "P2", "L1", None),
    ("b", True, "P4", "L4", None),
    ("c", True, "P7", "L2", None),
    ("d", True, None, "L3", None),
    ("e", False, None, None, "no_fixed_abode"),
    ("f", False, "V81997", None, "no_postcode"),
    ("g", False, "V81999", None, "unknown_postcode"),
    ("h", None, "", "", None),
    ("i", False, "P1", "L7", None),
]
UNKNOWN = ("unknown_practice",)
EXPECTED = {
    "a": ("P2", "L1", 1, "U1", "F2", "U1"),
    "b": ("P4", "outside_area", None, "no_pcn", "no_icp", "outside_area"),
    "c": ("unknown_practice", "L2", 3, "unknown_practice", "unknown_practice", "U1"),
    "d": ("unknown_practice", "L3", 5, "unknown_practice", "unknown_practice", "no_best_fit"),
    "e": ("not_registered", "no_fixed_abode", None, *["not_registered"] * 2, "no_fixed_abode"),
    "f": ("not_registered", "no_postcode", None, *["not_registered"] * 2, "no_postcode"),
    "g": ("unknown_practice", "unknown_postcode", None, *UNKNOWN * 2, "unknown_postcode"),
    "h": ("not_registered", "no_postcode", None, *["not_registered"] * 2, "no_postcode"),
    "i": ("P1", "outside_area", None, "U1", "F1", "outside_area"),
}


def facts(rows) -> pl.DataFrame:
    schema = {name: PERSON_FACTS.polars_schema[name] for name in COLUMNS}
    return pl.DataFrame(rows, schema=schema, orient="row")


def placed(region: SimpleNamespace, frame: pl.DataFrame, **more) -> pl.DataFrame:
    return place(frame, region.units, region.areas, region.deprivation, **more)


def test_each_person_has_one_unit_per_basis(region):
    found = placed(region, facts(ROWS))
    columns = ("registered_unit", "resident_unit", "quintile", "registered_pcn", "registered_icp")
    answers = found.select("person_id", *columns, "resident_pcn").rows()
    assert {key: tuple(rest) for key, *rest in answers} == EXPECTED


def test_the_answer_is_in_its_declared_shape(region):
    found = placed(region, facts(ROWS[::-1]).with_columns(given_name=pl.lit("MARK")))
    schema = {name: found.schema[name] for name in PEOPLE_PLACED.names}
    assert schema == dict(PEOPLE_PLACED.polars_schema)
    assert found["person_id"].is_sorted()
    assert "given_name" not in found.columns
    extra = [name for name in found.columns if name not in PEOPLE_PLACED.names]
    kinds = ("icb", "icp", "lad", "pcn", "whole")
    assert extra == ["msoa_code"] + [f"{b}_{k}" for b in ("registered", "resident") for k in kinds]
    assert found.filter(person_id="a")["msoa_code"].item() == "M1"


def test_reasons_map_to_themselves_for_every_type(region):
    found = placed(region, facts(ROWS)).filter(person_id="e")
    for basis, reason in (("registered", "not_registered"), ("resident", "no_fixed_abode")):
        kinds = [n for n in found.columns if n.startswith(f"{basis}_")]
        assert {found[name].item() for name in kinds} == {reason}


def test_equal_shares_go_to_the_smallest_code(region):
    halves = pl.DataFrame(
        {
            "basis": ["registered"] * 2,
            "unit": ["P1"] * 2,
            "footprint_type": ["icp"] * 2,
            "footprint_code": ["F2", "F1"],
            "footprint_name": ["West", "East"],
            "share": [0.5, 0.5],
        }
    )
    found = place(facts([ROWS[8]]), halves, region.areas, region.deprivation)
    assert found["registered_icp"].item() == "F1"
    # Only the registered basis was asked for: nothing is said of the other.
    assert found["resident_unit"].item() is None


@pytest.mark.parametrize(("decile", "fifth"), [(1, 1), (2, 1), (3, 2), (9, 5), (10, 5)])
def test_quintiles_are_pairs_of_deciles(region, decile, fifth):
    ranks = region.deprivation.with_columns(imd_decile=pl.lit(decile))
    found = place(facts(ROWS[:1]), region.units, region.areas, ranks)
    assert found["quintile"].item() == fifth


def test_settings_are_joined_in_order(region, on_duckdb):
    index = pl.DataFrame(
        {
            "source": ["gp", "mh", "acute", "gp", "housing"],
            "person_id": ["a", "a", "a", "b", "z"],
        }
    )
    of = {"gp": "primary_care", "mh": "secondary_care", "acute": "secondary_care"}
    held = linked_settings(index, of)
    assert held.rows() == [
        ("a", "primary_care|secondary_care"),
        ("b", "primary_care"),
        ("z", None),
    ]
    assert_frame_equal(linked_settings(on_duckdb(index), of).pl(), held)
    found = placed(region, facts(ROWS), settings=held)
    assert (
        found["settings"].to_list() == ["primary_care|secondary_care", "primary_care"] + [None] * 7
    )


def test_engines_agree(region, on_duckdb):
    index = pl.DataFrame({"source": ["gp", "gp"], "person_id": ["a", "b"]})
    held = linked_settings(index, {"gp": "primary_care"})
    frames = (facts(ROWS), region.units, region.areas, region.deprivation, held)
    there = place(*(on_duckdb(frame) for frame in frames)).pl()
    assert_frame_equal(there.sort("person_id"), place(*frames))


def test_doubled_areas_are_refused(region):
    doubled = pl.concat([region.deprivation, region.deprivation.head(1)])
    with pytest.raises(ReferenceDataError, match="same `lsoa_code` more than once"):
        place(facts(ROWS), region.units, region.areas, doubled)


person = st.tuples(
    st.none() | st.booleans(),
    st.sampled_from([None, "", "P1", "P2", "P3", "P4", "P9", "V81998", "V81999"]),
    st.sampled_from([None, "", "L1", "L2", "L3", "L4", "L9"]),
    st.sampled_from([None, "no_fixed_abode", "no_postcode", "unknown_postcode", "unknown"]),
)


@settings(max_examples=50)
@given(st.lists(person))
def test_nobody_is_lost_or_doubled_on_any_route(region, people):
    frame = facts([(f"{n:03d}", *row) for n, row in enumerate(people)])
    found = placed(region, frame)
    assert found["person_id"].to_list() == frame["person_id"].to_list()
    for basis in ("registered", "resident"):
        counts = found.group_by(unit=f"{basis}_unit").agg(people=pl.len())
        rolled = counts.join(region.units.filter(basis=basis), on="unit")
        totals = rolled.group_by("footprint_type").agg(
            (pl.col("people") * pl.col("share")).sum().round(9)
        )
        assert set(totals["people"]) <= {len(people)}
        assert totals.height == (5 if people else 0)
