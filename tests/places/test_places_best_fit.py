from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.places import REASONS, area_footprints, best_fit, best_fit_warnings


def row(fit: pl.DataFrame, lsoa: str, kind: str) -> tuple:
    return (
        fit.filter(lsoa_code=lsoa, footprint_type=kind).drop("lsoa_code", "footprint_type").row(0)
    )


def test_largest_share_of_registered_patients_wins(region):
    # L1: 60 with P1 (U1, F1), 30 with P3 (U2, F2), 10 with a practice that nobody knows.
    assert row(region.best_fit, "L1", "pcn") == ("U1", "North PCN", 0.6, "U2", 0.3)
    assert row(region.best_fit, "L1", "icp") == ("F1", "East", 0.6, "F2", 0.3)


def test_ties_go_to_the_smallest_code(region):
    assert row(region.best_fit, "L2", "pcn") == ("U1", "North PCN", 0.5, "U2", 0.5)


def test_an_lsoa_in_no_footprint_has_no_row(region):
    assert "L4" not in region.best_fit["lsoa_code"]


def test_shares_of_a_split_practice_count(region):
    patients = pl.DataFrame({"lsoa_code": ["L1"], "practice_code": ["P2"], "people": [8]})
    fit = best_fit(patients, region.registered)
    assert row(fit, "L1", "icp") == ("F2", "West", 0.75, "F1", 0.25)
    assert row(fit, "L1", "pcn") == ("U1", "North PCN", 1.0, None, None)


def test_engines_agree(region, on_duckdb):
    there = best_fit(on_duckdb(region.patients), on_duckdb(region.registered))
    assert_frame_equal(there, region.best_fit)
    areas = area_footprints(on_duckdb(region.areas), on_duckdb(region.best_fit), ["D1"])
    assert_frame_equal(areas, area_footprints(region.areas, region.best_fit, ["D1"]))


def test_weak_fits_are_warned_of(region):
    assert best_fit_warnings(region.best_fit) == []
    texts = best_fit_warnings(region.best_fit, least=0.55)
    assert [text[:43] for text in texts] == [
        "1 of 2 LSOAs have a best share under 55 % (",
        "1 of 2 LSOAs have a best share under 55 % (",
    ]


patients = st.lists(
    st.tuples(
        st.sampled_from(["L1", "L2", "L3"]),
        st.sampled_from(["P1", "P2", "P3", "P4", "P9"]),
        st.integers(0, 50),
    )
)
SHARES = {
    "P1": {"U1": Fraction(1)},
    "P2": {"U1": Fraction(1, 4), "U2": Fraction(3, 4)},
    "P3": {"U3": Fraction(1)},
    "P4": {"no_pcn": Fraction(1)},
}


@given(patients)
def test_best_fit_agrees_with_a_count_by_hand(rows):
    units = pl.DataFrame(
        [
            ("registered", p, "pcn", u, u, float(share))
            for p, shares in SHARES.items()
            for u, share in shares.items()
        ],
        schema=["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"],
        orient="row",
    )
    schema = {"lsoa_code": pl.String, "practice_code": pl.String, "people": pl.Int64}
    fit = best_fit(pl.DataFrame(rows, schema=schema, orient="row"), units)
    totals: dict[str, int] = defaultdict(int)
    weights: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for lsoa, practice, people in rows:
        totals[lsoa] += people
        for code, share in SHARES.get(practice, {}).items():
            if people and code != "no_pcn":
                weights[lsoa][code] += people * share
    expected = []
    for lsoa, held in sorted(weights.items()):
        order = sorted(held, key=lambda code: (-held[code], code))
        second = order[1] if len(order) > 1 else None
        expected.append(
            (
                lsoa,
                order[0],
                float(held[order[0]] / totals[lsoa]),
                second,
                None if second is None else float(held[second] / totals[lsoa]),
            )
        )
    columns = ["lsoa_code", "footprint_code", "best_share", "runner_up_code", "runner_up_share"]
    found = [
        (a, b, round(c, 9), d, e if e is None else round(e, 9))
        for a, b, c, d, e in fit.select(columns).iter_rows()
    ]
    assert found == [
        (a, b, round(c, 9), d, e if e is None else round(e, 9)) for a, b, c, d, e in expected
    ]


def test_each_lsoa_of_the_area_has_its_footprints(region):
    units = area_footprints(region.areas, region.best_fit, ["D1"])
    codes = {
        (unit, kind): code
        for unit, kind, code in units.select("unit", "footprint_type", "footprint_code").iter_rows()
    }
    assert units.height == len(codes)
    assert (units["share"] == 1).all()
    assert codes["L1", "pcn"] == "U1"
    assert codes["L1", "lad"] == "D1"
    assert codes["L1", "icb"] == "I1"
    assert codes["L1", "whole"] == "whole"
    assert codes["L3", "pcn"] == "no_best_fit"
    assert codes["L3", "icp"] == "no_best_fit"
    assert "L4" not in units["unit"]
    for reason in REASONS["resident"]:
        assert {codes[reason, kind] for kind in ("pcn", "icp", "lad", "icb", "whole")} == {reason}


def test_without_local_authorities_all_areas_are_in(region):
    units = area_footprints(region.areas, region.best_fit)
    assert set(units["unit"]) == {"L1", "L2", "L3", "L4", *REASONS["resident"]}


def test_types_hold_even_where_nothing_fits(region):
    units = area_footprints(region.areas, region.best_fit.clear(), footprint_types=["pcn", "icp"])
    assert set(units.filter(unit="L1", footprint_type="icp")["footprint_code"]) == {"no_best_fit"}
