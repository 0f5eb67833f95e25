"""Modelled patients: both margins, no edge effects on who exists, and the published practices."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.errors import DataError, ReferenceDataError
from pophealth_link.places import Decay, area_centres, modelled_patients, registered_mean


def practices(*rows):
    names = ["practice_code", "easting", "northing", "list_size"]
    return pl.DataFrame(rows, schema=names, orient="row")


def areas(*rows):
    names = ["lsoa_code", "easting", "northing", "population"]
    return pl.DataFrame(rows, schema=names, orient="row")


ROW = areas(*((f"E{n}", n * 1000, 0, 100) for n in range(10)))


def town(seed: int, surgeries: int = 6, places: int = 40) -> tuple[pl.DataFrame, pl.DataFrame]:
    rng = np.random.default_rng(seed)
    spots = rng.integers(0, 8000, (surgeries + places, 2))
    sizes = rng.integers(500, 12_000, surgeries)
    people = rng.integers(0, 3000, places)
    return (
        practices(*((f"P{n}", int(x), int(y), int(s)) for n, ((x, y), s) in enumerate(zip(spots[:surgeries], sizes, strict=True)))),
        areas(*((f"E{n}", int(x), int(y), int(p)) for n, ((x, y), p) in enumerate(zip(spots[surgeries:], people, strict=True)))),
    )  # fmt: skip


def test_one_practice_has_everybody_however_far():
    found = modelled_patients(practices(("P1", 0, 0, 1000)), ROW)
    assert found["people"].to_list() == pytest.approx([100.0] * 10)


def test_a_small_list_draws_from_nearby_and_a_large_one_from_afar():
    two = practices(("big", 0, 0, 900), ("small", 9000, 0, 100))
    found = modelled_patients(two, ROW, decay=Decay(rounds=200))
    sums = dict(found.group_by("practice_code").agg(pl.col("people").sum()).iter_rows())
    assert sums == pytest.approx({"big": 900, "small": 100}, rel=1e-3)
    mean = found.filter(practice_code="small").select(
        (pl.col("people") * pl.col("lsoa_code").str.slice(1).cast(pl.Int64)).sum() / pl.col("people").sum()
    ).item()  # fmt: skip
    assert mean > 7


def test_without_margins_patients_choose_by_size_and_distance_alone():
    """Huff: at the same distance, shares are as the lists."""
    two = practices(("A", -500, 0, 300), ("B", 500, 0, 100))
    found = modelled_patients(two, areas(("E1", 0, 0, 400)), decay=Decay(balanced=False))
    assert found["people"].to_list() == pytest.approx([300, 100])


def test_decay_is_exponential_in_the_distance_beyond_the_nearest():
    two = practices(("A", 0, 0, 1), ("B", 700, 0, 1))
    found = modelled_patients(
        two, areas(("E1", -100, 0, 2)), decay=Decay(metres=350, balanced=False)
    )
    near, far = found["people"].to_list()
    assert near / far == pytest.approx(np.exp(2))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_nobody_is_lost_or_doubled_and_order_does_not_matter(seed):
    supply, demand = town(seed)
    found = modelled_patients(supply, demand)
    lists, people = supply["list_size"].sum(), demand["population"].sum()
    assert found["people"].sum() == pytest.approx(lists)
    here = found.group_by("lsoa_code").agg(pl.col("people").sum()).join(demand, on="lsoa_code")
    assert (here["people"] - here["population"] * lists / people).abs().max() < 1e-6 * lists
    assert found["people"].min() >= 0
    shuffled = modelled_patients(supply.reverse(), demand.sample(fraction=1, shuffle=True, seed=1))
    assert_frame_equal(found, shuffled, check_exact=True)


def test_rows_without_place_or_people_take_no_part():
    supply = practices(("P1", 0, 0, 100), ("P2", None, 0, 100), ("P3", 0, 0, 0))
    found = modelled_patients(supply, areas(("E1", 0, 0, 5), ("E2", 0, 0, None)))
    assert found.rows() == [("P1", "E1", 100.0)]


@pytest.mark.parametrize(
    ("supply", "demand", "match"),
    [
        (practices(("P1", 0, 0, 9)).drop("list_size"), ROW, "list_size  absent"),
        (practices(("P1", 0, 0, 9), ("P1", 1, 0, 9)), ROW, "1 repeat a code"),
        (practices(("P1", 0, 0, 9)), ROW.clear(), "0 rows have a place"),
    ],
)
def test_unusable_tables_are_refused(supply, demand, match):
    with pytest.raises(ReferenceDataError, match=match):
        modelled_patients(supply, demand)


@pytest.mark.parametrize("wrong", [{"share": 0}, {"metres": -1}, {"neighbour": 50}, {"rounds": 0}])
def test_an_impossible_decay_is_refused(wrong):
    with pytest.raises(DataError, match="decay cannot be used"):
        Decay(**wrong)


def test_centres_count_dwellings_where_any_are_known():
    rows = pl.DataFrame(
        {
            "lsoa_code": ["E1", "E1", "E2", "E2", None],
            "easting": [0, 100, 0, 100, 5],
            "northing": [10, 10, 0, 50, 5],
            "dwellings": [3, 1, None, 0, 9],
        }
    )
    assert area_centres(rows).rows() == [("E1", 25.0, 10.0), ("E2", 50.0, 25.0)]
    assert area_centres(rows.drop("dwellings"))["easting"].to_list() == [50.0, 50.0]


def test_a_mean_says_how_many_of_its_people_it_covers():
    lives = pl.DataFrame(
        {
            "pcn": ["U1", "U1", "U1", "U2"],
            "lsoa_code": ["E1", "E2", "E9", "E9"],
            "people": [30, 10, 60, 5],
        }
    )
    scores = pl.DataFrame({"lsoa_code": ["E1", "E2"], "imd_score": [40.0, 20.0]})
    found = registered_mean(lives, scores, value="imd_score", unit="pcn")
    assert found.rows() == [("U1", 35.0, 100.0, 0.4), ("U2", None, 5.0, 0.0)]


@pytest.mark.slow
def test_practices_of_england_are_within_two_points(open_data):
    from benchmarks.places_practices import SHIPPED, Method, assess, read

    given = read(open_data)
    found = assess(given, [Method(SHIPPED, "", {"shipped": Decay()})])
    own, shipped = found
    assert shipped.practices > 3000
    assert shipped.median <= 1.2
    # Int J Health Geogr 2007;6:38: the surgery's own postcode overstates by 2.5 points.
    assert own.bias == pytest.approx(2.5, abs=0.3)
    assert own.median > 2 * shipped.median
