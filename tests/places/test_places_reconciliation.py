from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.errors import DataError
from pophealth_link.places import place, reconciliation, unassigned
from pophealth_link.schema.outputs import PERSON_FACTS, RECONCILIATION, UNASSIGNED

NAMES = ("person_id", "on_register", "current", "practice_code", "lsoa_code", "unplaced")


def placed(region: SimpleNamespace, rows: list[tuple]) -> pl.DataFrame:
    schema = {name: PERSON_FACTS.polars_schema[name] for name in NAMES}
    made = [(f"{n:03d}", *row) for n, row in enumerate(rows)]
    facts = pl.DataFrame(made, schema=schema, orient="row")
    return place(facts, region.units, region.areas, region.deprivation)


# Best fit puts L1 and L2 in U1; L3 is in no PCN; P3 is in U2; P4 in none.
ROWS = [
    (True, True, "P1", "L1", None),
    (True, True, "P1", "L3", None),
    (True, True, "P3", "L1", None),
    (True, True, "P3", "L4", None),
    (True, True, "P3", None, "no_fixed_abode"),
    (True, True, "P4", "L2", None),
    (False, True, None, "L2", None),
    (True, True, "P9", "L2", None),
    (True, False, "P1", "L1", None),
]


def test_registered_and_resident_are_reconciled(region):
    found = reconciliation(placed(region, ROWS), region.units)
    assert found.columns == list(RECONCILIATION.names)
    assert found.schema == RECONCILIATION.polars_schema
    pcns = {row["footprint_code"]: row for row in found.filter(footprint_type="pcn").to_dicts()}
    assert pcns["U1"] == {
        "footprint_type": "pcn",
        "footprint_code": "U1",
        "footprint_name": "North PCN",
        "registered": 2,
        "resident": 5,
        "here": 1,
        "living_elsewhere": 1,
        "living_outside_area": 0,
        "living_unplaced": 0,
        "registered_elsewhere": 2,
        "registered_nowhere": 1,
        "registration_unknown": 1,
    }
    south = pcns["U2"]
    assert [south[name] for name in RECONCILIATION.names[3:9]] == [3, 0, 0, 1, 1, 1]


def test_reasons_and_assigned_sum_to_the_people(region):
    found = unassigned(placed(region, ROWS), region.units)
    assert found.schema == UNASSIGNED.polars_schema
    pcn = found.filter(footprint_type="pcn").select("basis", "reason", "people").rows()
    assert pcn == [
        ("registered", "assigned", 5),
        ("registered", "no_pcn", 1),
        ("registered", "not_registered", 1),
        ("registered", "unknown_practice", 1),
        ("resident", "assigned", 5),
        ("resident", "no_best_fit", 1),
        ("resident", "no_fixed_abode", 1),
        ("resident", "outside_area", 1),
    ]


def test_people_of_one_basis_are_refused(region):
    people = placed(region, ROWS).drop("resident_pcn")
    with pytest.raises(DataError, match="resident_pcn  absent"):
        reconciliation(people, region.units)


person = st.tuples(
    st.booleans(),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "P1", "P2", "P3", "P4", "P9", "V81998"]),
    st.sampled_from([None, "L1", "L2", "L3", "L4", "L9"]),
    st.sampled_from([None, "no_fixed_abode", "no_postcode"]),
)


@settings(max_examples=50)
@given(st.lists(person))
def test_every_person_is_in_one_column_on_each_side(region, rows):
    people = placed(region, rows)
    current = people.filter(pl.col("current"))
    found = reconciliation(people, region.units)
    for row in found.to_dicts():
        kind, code = row["footprint_type"], row["footprint_code"]
        living = current.filter(pl.col(f"resident_{kind}") == code).height
        listed = current.filter(pl.col(f"registered_{kind}") == code).height
        assert (row["registered"], row["resident"]) == (listed, living)
        away = ("living_elsewhere", "living_outside_area", "living_unplaced")
        assert listed == row["here"] + sum(row[name] for name in away)
        others = ("registered_elsewhere", "registered_nowhere", "registration_unknown")
        assert living == row["here"] + sum(row[name] for name in others)
    told = unassigned(people, region.units).group_by("basis", "footprint_type").agg(
        pl.col("people").sum()
    )  # fmt: skip
    assert set(told["people"]) <= {current.height}
    inside = told.join(
        found.group_by("footprint_type").agg(pl.col("registered").sum()), on="footprint_type"
    )
    assert (inside["registered"] <= inside["people"]).all()
