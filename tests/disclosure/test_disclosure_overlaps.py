"""Overlapping footprints: what two of them have in common is not known to be small.

The reference is a linear programme over people by unit and stratum, made from the rows alone: it
shares neither relations nor slivers with the code.
"""

import math

import numpy as np
import polars as pl
import pytest
from disclosure_reference import HIDDEN, Table, informed_bounds, mark_bounds
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from test_disclosure_additive import baseline

from pophealth_link.disclosure import apply, check, policy, protect, relations
from pophealth_link.disclosure import exact as exact_ranges

STRATA = ("quintile_1", "quintile_2")


def units_of(places: list[tuple[str, ...]], types: tuple[str, ...]) -> pl.DataFrame:
    """One unit per place, wholly in one footprint of each type."""
    rows = [
        ("registered", f"A{i}", kind, code, 1.0)
        for i, place in enumerate(places)
        for kind, code in zip(types, place, strict=True)
    ]
    schema = ["basis", "unit", "footprint_type", "footprint_code", "share"]
    return pl.DataFrame(rows, schema=schema, orient="row")


def exact(
    frame: pl.DataFrame,
    units: pl.DataFrame,
    bounds: list[tuple[float, float]],
    wanted: set[str],
    stratum: str,
) -> tuple[float, float]:
    """Least and most people of the wanted units and stratum, given the range of every row."""
    names = sorted(units["unit"].unique())
    column = {(u, s): i for i, (u, s) in enumerate((u, s) for u in names for s in STRATA)}
    rows = np.zeros((frame.height, len(column)))
    for row, line in zip(rows, frame.iter_rows(named=True), strict=True):
        inside = units.filter(
            footprint_type=line["footprint_type"], footprint_code=line["footprint_code"]
        )["unit"]
        for unit in inside:
            for each in STRATA if line["stratum"] == "all" else (line["stratum"],):
                row[column[unit, each]] = 1
    low, high = (np.array(ends) for ends in zip(*bounds, strict=True))
    capped = np.isfinite(high)
    goal = np.zeros(len(column))
    for unit in wanted:
        for each in STRATA if stratum == "all" else (stratum,):
            goal[column[unit, each]] = 1
    ends = []
    for sign in (1, -1):
        found = linprog(
            sign * goal,
            A_ub=np.concatenate([-rows, rows[capped]]),
            b_ub=np.concatenate([-low, high[capped]]),
        )
        ends.append(-sign * math.inf if found.status == 3 else sign * found.fun)
    return ends[0], ends[1]


BEXLEY = units_of(
    [
        ("LCN01", "Clocktower"),
        ("LCN01", "APL"),
        ("LCN02", "APL"),
        ("LCN02", "Frognal"),
    ],
    ("icp", "pcn"),
)


def bexley() -> pl.DataFrame:
    people = {"A0": 47, "A1": 31, "A2": 4, "A3": 16}
    counts = pl.DataFrame({"unit": list(people), "n": list(people.values())})
    keys = ["footprint_type", "footprint_code", "basis"]
    rolled = BEXLEY.join(counts, on="unit").group_by(keys).agg(pl.col("n").sum())
    return rolled.with_columns(indicator=pl.lit("duty_owed"), stratum=pl.lit("all")).sort(keys)


def test_a_network_that_straddles_two_areas() -> None:
    """APL in LCN02: at most 37 - (78 - 47) = 6, at least 18 - 17 = 1."""
    frame, rules = bexley(), policy("hes")
    found = relations(frame, BEXLEY)
    got = apply(frame, rules, counts=["n"])
    assert dict(zip(got["footprint_code"], got["n"], strict=True)) == {
        "APL": 35, "Clocktower": 45, "Frognal": 15, "LCN01": 80, "LCN02": 20,
    }  # fmt: skip
    assert check(got, rules, relations=found, counts=["n"], truth=frame).slivers == 1
    assert not check(got, rules, relations=found, counts=["n"]).passed
    done = protect(frame, rules, relations=found, counts=["n"])
    assert done.check.passed
    assert done.secondary["n"] > 0
    table = Table(frame["n"].to_list(), [])
    bounds = informed_bounds("hes", table, done.frame["n"].to_list())
    low, high = exact(frame, BEXLEY, bounds, {"A2"}, "all")
    assert high >= 8 - 1e-6
    assert high - low >= 6 - 1e-6


@st.composite
def overlapping(draw) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Units in two or three types that straddle each other, and counts by two strata."""
    kinds = draw(st.sampled_from([("icp", "pcn"), ("icp", "lad", "pcn")]))
    codes = [[f"{kind}{i}" for i in range(3)] for kind in kinds]
    place = st.tuples(*(st.sampled_from(each) for each in codes))
    places = draw(st.lists(place, min_size=3, max_size=7))
    size = len(places) * len(STRATA)
    values = draw(st.lists(st.integers(0, 40), min_size=size, max_size=size))
    counts = pl.DataFrame(
        [
            ("registered", f"A{i}", stratum, values[i * len(STRATA) + j])
            for i in range(len(places))
            for j, stratum in enumerate(STRATA)
        ],
        schema=["basis", "unit", "stratum", "n"],
        orient="row",
    )
    units = units_of(places, kinds)
    return baseline(counts, units).with_columns(pl.col("n").cast(pl.Int64)), units


def overlaps(units: pl.DataFrame) -> list[set[str]]:
    """Units that lie in the same footprints, unless they are a footprint of their own."""
    places: dict[tuple[str, ...], set[str]] = {}
    for (unit,), rows in units.sort("footprint_type").group_by("unit", maintain_order=True):
        places.setdefault(tuple(rows["footprint_code"]), set()).add(str(unit))
    own = units.group_by("footprint_type", "footprint_code").agg("unit")["unit"].to_list()
    return [each for each in places.values() if each not in [set(one) for one in own]]


def require_overlaps_unknown(frame: pl.DataFrame, units: pl.DataFrame, name: str) -> None:
    done = protect(frame, policy(name), relations=relations(frame, units), counts=["n"])
    table = Table(frame["n"].to_list(), [])
    told = informed_bounds(name, table, done.frame["n"].to_list())
    first, last = max(HIDDEN[name][0], 1), HIDDEN[name][-1]
    for overlap in overlaps(units):
        for stratum in (*STRATA, "all"):
            low, high = exact(frame, units, told, overlap, stratum)
            if high < first - 1e-3 or low > last + 1e-3:
                continue
            _, most = exact(frame, units, mark_bounds(name, table), overlap, stratum)
            assert high >= min(max(last + 1, low + last - first), most) - 0.01


@settings(max_examples=30, deadline=None)
@given(overlapping(), st.sampled_from(["hes", "acro", "opensafely"]))
def test_no_overlap_is_known_to_be_small(case, name) -> None:
    require_overlaps_unknown(*case, name)


@pytest.mark.parametrize(
    ("places", "values"),
    [
        ("11 01 01 22 21 12", [13, 3, 18, 11, 1, 3, 17, 10, 15, 6, 1, 19]),
        ("000 201 212 000 011", [14, 16, 8, 3, 9, 10, 14, 0, 8, 0]),
        ("111 220 011 012 221 102", [8, 4, 10, 0, 1, 2, 17, 6, 2, 0, 18, 15]),
    ],
)
def test_overlaps_that_one_relation_at_a_time_does_not_give_away(places, values) -> None:
    kinds = ("icp", "pcn") if places.index(" ") == 2 else ("icp", "lad", "pcn")
    codes = [tuple(map("".join, zip(kinds, each, strict=True))) for each in places.split()]
    units = units_of(codes, kinds)
    names = np.repeat([f"A{i}" for i in range(len(codes))], 2)
    counts = pl.DataFrame(
        {"basis": "registered", "unit": names, "stratum": STRATA * len(codes), "n": values}
    )
    frame = baseline(counts, units).with_columns(pl.col("n").cast(pl.Int64))
    require_overlaps_unknown(frame, units, "hes")


@settings(max_examples=25, deadline=None)
@given(overlapping(), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(case, random) -> None:
    frame, units = case
    order = list(range(frame.height))
    random.shuffle(order)
    each = [
        protect(rows, policy("hes"), relations=relations(rows, units), counts=["n"]).frame
        for rows in (frame, frame[order])
    ]
    assert each[0][order].equals(each[1])


@settings(max_examples=25, deadline=None)
@given(overlapping(), st.sampled_from(sorted(HIDDEN)))
def test_the_check_afresh_agrees(case, name) -> None:
    frame, units = case
    found = relations(frame, units)
    done = protect(frame, policy(name), relations=found, counts=["n"])
    again = check(done.frame, policy(name), relations=found, counts=["n"], truth=frame)
    assert again == done.check
    assert again.set_aside == 0


def test_counts_that_no_overlap_can_meet_are_set_aside() -> None:
    """LCN01 less Clocktower is more than the whole of APL: the lookup is of other people."""
    frame = bexley().with_columns(
        n=pl.when(footprint_code="LCN01").then(200).when(footprint_code="LCN02").then(90)
        .otherwise(pl.col("n"))
    )  # fmt: skip
    found = relations(frame, BEXLEY)
    done = protect(frame, policy("hes"), relations=found, counts=["n"])
    assert done.check.contradictory == 0
    assert done.check.set_aside > 0


def test_slivers_of_blocks_too_large_for_programmes_are_counted(monkeypatch) -> None:
    """The textbook case: Clocktower straddles two areas, and its parts may be small."""
    found, rules = relations(bexley(), BEXLEY), policy("hes")
    plain = check(apply(bexley(), rules, counts=["n"]), rules, relations=found, counts=["n"])
    assert plain.left_out == 0
    monkeypatch.setattr(exact_ranges, "_LARGEST_BLOCK", 1)
    blind = check(apply(bexley(), rules, counts=["n"]), rules, relations=found, counts=["n"])
    assert blind.left_out > 0


def test_overlaps_of_areas_of_every_type_stay_few() -> None:
    """Footprints that are single overlaps, and types that are equal, cost no cells."""
    places = [("L1", "P1", "all"), ("L1", "P2", "all"), ("L2", "P3", "all")]
    units = units_of(places, ("icp", "pcn", "whole"))
    people = pl.DataFrame(
        {"basis": "registered", "unit": ["A0", "A1", "A2"], "stratum": "quintile_1", "n": 20}
    )
    frame = baseline(people, units)
    assert relations(frame, units).slivers == 0


@pytest.mark.slow
def test_many_overlapping_footprints_take_seconds() -> None:
    import time

    rng = np.random.default_rng(2)
    places = [(f"I{i // 60:03}", f"L{(i + 7) // 45:03}", f"P{i // 5:04}") for i in range(6_000)]
    units = units_of(places, ("icp", "lad", "pcn"))
    counts = pl.DataFrame(
        {
            "basis": "registered",
            "unit": np.repeat([f"A{i}" for i in range(6_000)], 6),
            "stratum": [f"quintile_{i}" for i in range(1, 7)] * 6_000,
            "n": rng.poisson(rng.choice([0.3, 2, 12], size=36_000)),
        }
    )
    one = baseline(counts, units)
    frame = pl.concat(one.with_columns(indicator=pl.lit(f"i{i}")) for i in range(20))
    began = time.process_time()
    found = relations(frame, units)
    done = protect(frame, policy("hes"), relations=found, counts=["n"])
    assert time.process_time() - began < 60
    assert done.check.passed
