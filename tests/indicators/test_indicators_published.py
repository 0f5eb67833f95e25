"""Published counts of practices, lists beside estimates, and local concentration, by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.errors import ReferenceDataError
from pophealth_link.indicators import area, catalogue, concentration, list_inflation, registers
from pophealth_link.indicators.footprints import fill, grid
from pophealth_link.indicators.lists import band
from pophealth_link.places import deprivation_summary, practice_footprints

UNITS = pl.DataFrame(
    [
        ("registered", "P1", "pcn", "U1", "North", 1.0),
        ("registered", "P2", "pcn", "U1", "North", 0.25),
        ("registered", "P2", "pcn", "U2", "South", 0.75),
        ("registered", "P3", "pcn", "U2", "South", 1.0),
        ("registered", "P2@pcn=U2", "pcn", "U2", "South", 1.0),
        ("registered", "not_registered", "pcn", "not_registered", "Not registered", 1.0),
        ("resident", "E1", "pcn", "U1", "North", 1.0),
        ("resident", "E2", "pcn", "U2", "South", 1.0),
        ("resident", "no_postcode", "pcn", "no_postcode", "No postcode", 1.0),
    ],
    schema=["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"],
    orient="row",
)


def qof(*rows):
    names = ["practice_code", "register", "numerator", "denominator", "list_type", "period"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_registers_are_sums_over_sums_with_shared_practices_marked():
    found = registers(
        qof(
            ("P1", "DEM", 10, 1000, "TOTAL", "2020/21"),
            ("P2", "DEM", 8, 400, "TOTAL", "2020/21"),
            ("P1", "DEP", 90, 800, "18OV", "2020/21"),
        ),
        UNITS,
    )
    cells = {(r["footprint_code"], r["register"]): r for r in found.iter_rows(named=True)}
    assert set(cells) == {("U1", "DEM"), ("U2", "DEM"), ("U1", "DEP")}
    north = cells["U1", "DEM"]
    assert (north["numerator"], north["denominator"]) == (12.0, 1100.0)
    assert north["value"] == pytest.approx(100 * 12 / 1100)
    assert north["lower"] < north["value"] < north["upper"]
    assert (north["status"], north["coverage"]) == ("estimated", 1.0)
    # P3 gave no count: the figure is of one of its two practices.
    assert cells["U2", "DEM"]["coverage"] == 0.5
    assert (cells["U1", "DEP"]["status"], cells["U1", "DEP"]["coverage"]) == ("ok", 0.5)


def test_registers_wanted_are_those_given_and_repeats_are_refused():
    rows = qof(("P1", "DEM", 1, 2, "TOTAL", "a"), ("P1", "MH", 1, 2, "TOTAL", "a"))
    assert registers(rows, UNITS, wanted=["MH"])["register"].to_list() == ["MH"]
    with pytest.raises(ReferenceDataError, match="1 of 3 rows repeat"):
        registers(pl.concat([rows, rows[:1]]), UNITS)
    with pytest.raises(ReferenceDataError, match="list_type  absent"):
        registers(rows.drop("list_type"), UNITS)


def population(*rows):
    names = ["area_type", "area_code", "sex", "age_from", "age_to", "people", "period"]
    return pl.DataFrame([("lsoa", *row, "2024") for row in rows], schema=names, orient="row")


def lives(*rows):
    names = ["practice_code", "lsoa_code", "sex", "people", "period"]
    return pl.DataFrame([(*row, "2024-07-01") for row in rows], schema=names, orient="row")


ESTIMATES = population(
    ("E1", "female", 0, 4, 40), ("E1", "female", 5, 9, 60), ("E1", "male", 0, 4, 100),
    ("E2", "female", 0, 4, 50), ("E2", "male", 5, 9, 150),
)  # fmt: skip
LIVES = lives(
    ("P1", "E1", "female", 90), ("P1", "E1", "male", 130), ("P3", "E1", "female", 30),
    ("P3", "E2", "female", 80), ("P3", "E2", "male", 170), ("P3", "E9", "male", 28),
)  # fmt: skip


def cells(found, basis):
    rows = found.filter(basis=basis)
    return {(r["footprint_code"], r["age_band"], r["sex"]): r for r in rows.iter_rows(named=True)}


def test_lists_stand_beside_the_estimates_of_where_patients_live():
    held = cells(list_inflation(UNITS, population=ESTIMATES, practice_patients=LIVES), "resident")
    assert set(held) == {(u, "all", s) for u in ("U1", "U2") for s in ("all", "female", "male")}
    both = held["U1", "all", "all"]
    assert (both["patients"], both["residents"], both["ratio"]) == (250, 200, 1.25)
    assert both["excess"] == 50
    assert held["U2", "all", "female"]["ratio"] == 1.6


def test_lists_by_age_stand_beside_the_residents_expected_on_them():
    """P1 has 220 of E1's 250 patients, so 0.88 of its residents are expected on its list."""
    lists = pl.DataFrame(
        [("P1", "female", 0, 4, 44, "2024"), ("P1", "male", 0, 4, 110, "2024"), ("P1", "female", 5, 9, 50, "2024")],
        schema=["practice_code", "sex", "age_from", "age_to", "people", "period"], orient="row",
    )  # fmt: skip
    found = list_inflation(
        UNITS, population=ESTIMATES, practice_patients=LIVES, practice_lists=lists
    )
    held = cells(found, "registered")
    assert held["U1", "00-04", "female"]["residents"] == pytest.approx(40 * 0.88)
    assert held["U1", "00-04", "female"]["ratio"] == pytest.approx(44 / 35.2)
    assert held["U1", "all", "all"]["patients"] == 204
    assert held["U1", "00-04", "all"]["patients"] == 154
    assert held["U1", "all", "all"]["residents"] == pytest.approx(200 * 0.88)
    # P3's patients in E9 live where there is no estimate.
    other = cells(
        list_inflation(UNITS, population=ESTIMATES, practice_patients=LIVES), "registered"
    )
    assert other["U2", "all", "all"]["coverage"] == pytest.approx(280 / 308, abs=1e-4)


def test_a_published_total_is_never_added_to_its_parts():
    estimates = population(
        ("E1", "all", 0, None, 210), ("E1", "female", 0, 4, 40), ("E2", "all", 0, 4, 5)
    )
    found = cells(list_inflation(UNITS, population=estimates, practice_patients=LIVES), "resident")
    assert found["U1", "all", "all"]["residents"] == 210
    assert found["U2", "all", "all"]["residents"] == 5


def test_the_newest_period_counts():
    old = ESTIMATES.with_columns(people=pl.col("people") * 7, period=pl.lit("2020"))
    both = pl.concat([old, ESTIMATES])
    found = list_inflation(UNITS, population=both, practice_patients=LIVES)
    assert found.equals(list_inflation(UNITS, population=ESTIMATES, practice_patients=LIVES))


def test_estimates_of_authorities_of_a_later_year_do_not_hide_those_of_lsoas():
    later = ESTIMATES.with_columns(area_type=pl.lit("lad"), period=pl.lit("2025"))
    both = pl.concat([later, ESTIMATES])
    found = list_inflation(UNITS, population=both, practice_patients=LIVES)
    assert found.equals(list_inflation(UNITS, population=ESTIMATES, practice_patients=LIVES))


def test_ages_that_cross_the_bands_are_refused_and_bands_are_named():
    with pytest.raises(ReferenceDataError, match="1 of 1 rows do"):
        list_inflation(
            UNITS, population=population(("E1", "all", 3, 7, 9)), practice_patients=LIVES
        )
    assert [band(0), band(85), band(90)] == ["00-04", "85-89", "90+"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("123"), st.sampled_from("12"), st.integers(1, 500)),
        min_size=1,
        max_size=12,
    )
)
def test_expected_residents_of_all_practices_are_the_residents(drawn):
    """Every patient's LSOA is shared out among practices, none of it twice."""
    patients = lives(*((f"P{p}", f"E{e}", "all", n) for p, e, n in drawn))
    found = list_inflation(UNITS, population=ESTIMATES, practice_patients=patients)
    expected = found.filter(basis="registered", age_band="all", sex="all")["residents"].sum()
    here = patients["lsoa_code"].unique()
    own = ESTIMATES.filter(pl.col("area_code").is_in(here.implode()))["people"].sum()
    assert expected == pytest.approx(own, abs=0.01)


def places(ranks, people):
    return pl.DataFrame(
        {
            "lsoa_code": [f"E{n}" for n in range(len(ranks))],
            "imd_rank": ranks,
            "weight": people,
            "stratum": ["quintile_1"] * len(ranks),
        }
    )


NONE = pl.DataFrame(
    schema={"unit": pl.String, "lsoa_code": pl.String, "people": pl.Float64, "share": pl.Float64}
)


def whole(units, basis):
    rows = [(basis, unit, "whole", "whole", "Whole area", 1.0) for unit in units]
    return pl.DataFrame(rows, schema=UNITS.columns, orient="row")


def test_concentration_takes_exactly_a_tenth_of_the_people():
    """A tenth of 100 is 10: all 6 of rank 2, and 4 of the 54 of rank 5, of 10 areas ranked."""
    each = catalogue()["deprivation_local_concentration"]
    made = places([5, 2, 9], [54, 6, 40])
    found = concentration.roll_up(each, made, NONE, whole(made["lsoa_code"], "resident"), 10)
    row = found.filter(stratum="all").row(0, named=True)
    assert row["numerator"] / row["denominator"] == pytest.approx(
        float(Fraction(6 * 9 + 4 * 6, 10))
    )
    assert (row["denominator"], row["contributors"], row["split"]) == (10, 3, False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 3000)), min_size=1, max_size=20))
def test_concentration_of_patients_is_that_of_the_summary(rows):
    """Two ways that share no code: by footprint, and as published for authorities."""
    each = catalogue()["deprivation_local_concentration"]
    made = places([rank for rank, _ in rows], [1] * len(rows))
    lived = made.select(
        pl.lit("P1").alias("unit"),
        "lsoa_code",
        people=pl.Series([float(n) for _, n in rows]),
        share=1.0,
    )
    found = concentration.roll_up(each, made, lived, whole(["P1"], "registered"), 60)
    row = found.filter(stratum="all").row(0, named=True)
    frame = made.with_columns(
        pl.Series("people", [n for _, n in rows]), area=pl.lit("A"), score=1.0
    )
    summary = deprivation_summary(
        frame, score="score", rank="imd_rank", population="people", area="area", n_areas=60
    )
    assert row["numerator"] / row["denominator"] == pytest.approx(
        summary["local_concentration"].item(), rel=1e-6
    )


def test_extent_and_own_denominators_weigh_the_scores():
    lsoas = area.lsoas(
        pl.DataFrame({"lsoa_code": ["E1", "E2"], "lad_code": ["L", "L"], "population": [10, 30]}),
        pl.DataFrame(
            {
                "lsoa_code": ["E1", "E2"], "imd_rank": [5, 11], "imd_decile": [1, 2],
                "imd_score": [50.0, 40.0], "population": [20, 40], "employment_score": [0.2, 0.1],
                "population_working_age": [12, 25], "idaci_score": [0.5, 0.4],
            }
        ),
    )  # fmt: skip
    held = catalogue()
    none = pl.DataFrame()
    extent = area.cells(held["deprivation_extent"], lsoas, none, 100)
    assert extent["numerator"].to_list() == pytest.approx([20.0, 40 * 0.95])
    employment = area.cells(held["deprivation_employment_score"], lsoas, none, 100)
    assert employment["denominator"].to_list() == [12.0, 25.0]
    # No children are known, and people of other ages do not stand in for them.
    assert area.cells(held["deprivation_children"], lsoas, none, 100).is_empty()


def test_coverage_tells_what_share_of_the_areas_hold_the_measure():
    mapping = pl.concat([whole(["E1", "E2", "E3", "E4"], "resident")])
    each = catalogue()["overcrowding_bedrooms"]
    cell = {"footprint_type": "whole", "footprint_code": "whole", "footprint_name": "Whole area",
            "basis": "resident", "indicator": each.id, "stratum": "all"}  # fmt: skip
    found = pl.DataFrame(
        [{**cell, "numerator": 3.0, "denominator": 30.0, "contributors": 3.0, "split": False}]
    )
    lsoas = pl.DataFrame(
        [{**{k: v for k, v in cell.items() if k != "indicator"}, "lsoas": 4.0, "shown": 4.0}]
    )
    own = mapping.select("footprint_type", "footprint_code", "footprint_name", "basis").clear()
    filled = fill(grid(mapping, (each,)), found, lsoas, own, {})
    row = filled.filter(stratum="all").row(0, named=True)
    assert (row["coverage"], row["status"]) == (0.75, "ok")
    assert filled.filter(pl.col("stratum") != "all")["coverage"].null_count() == 6


@pytest.fixture(scope="module")
def bexley(open_data):
    """Networks of Bexley's practices, from the directory."""
    members = pl.read_parquet(open_data / "nhs/epcn_2023_core_partner_details.parquet").select(
        "pcn_code", "pcn_name", practice_code="partner_organisation_code",
        valid_from=pl.col("practice_to_pcn_relationship_start_date").str.to_date("%Y%m%d"),
        valid_to=pl.col("practice_to_pcn_relationship_end_date").str.to_date("%Y%m%d"),
    )  # fmt: skip
    surgeries = pl.read_parquet(open_data / "nhs/epraccur_2023.parquet").select(
        practice_code="organisation_code", postcode="postcode"
    )
    lsoas = pl.DataFrame(schema={"lsoa_code": pl.String, "lad_code": pl.String})
    codes = pl.DataFrame(schema={"postcode": pl.String, "lsoa_code": pl.String})
    here = members.filter(pl.col("pcn_code").is_in(["U07140", "U88820", "U50197", "U67110"]))
    surgeries = surgeries.join(here, on="practice_code", how="semi")
    return practice_footprints(surgeries, here, None, lsoas, codes, date(2023, 1, 1))


def test_registers_of_bexley_are_those_of_its_practices(open_data, bexley):
    rows = pl.read_parquet(open_data / "nhs/qof_prevalence_2020_21_practice.parquet")
    rows.columns = ["practice_code", "register", "numerator", "list_type", "denominator"]
    found = registers(rows.with_columns(period=pl.lit("2020/21")), bexley, wanted=["DEP"])
    # One practice has left its network.
    pcns = found.filter(pl.col("footprint_type") == "pcn", pl.col("footprint_code") != "no_pcn")
    # Sums of the practices' registers, from the open data's own page.
    assert dict(
        zip(pcns["footprint_code"], pcns.select("numerator", "denominator").rows(), strict=True)
    ) == {
        "U07140": (3_480, 30_057),
        "U88820": (3_990, 40_293),
        "U50197": (4_913, 43_720),
        "U67110": (8_141, 69_795),
    }
    assert pcns["coverage"].to_list() == [1.0] * 4


def test_every_domain_of_published_measures_is_in_the_catalogue():
    measures = {each.measure for each in catalogue().at("area")}
    assert measures >= {
        *("tenure_owned", "tenure_social_rented", "tenure_private_rented", "housing_affordability"),
        *("homelessness_assessed", "temporary_accommodation_lad", "rough_sleeping"),
        *("overcrowded_bedrooms", "overcrowded_rooms", "overcrowding_rooms_iod"),
        *("unemployed", "long_term_sick", "employment_deprived", "claimant_count"),
        *("public_transport", "connectivity_all_modes", "no_car"),
        *("noise_exposed_55db", "noise_complaints", "noise_exposed_day_lad"),
        *("disabled", "ethnic_asian", "households_deprived", "lone_parent_households"),
        *("one_person_households", "anti_social_behaviour", "loneliness", "ahah"),
    }
    # Better access is a higher score; healthier is a lower one.
    assert catalogue()["connectivity_all_modes"].direction == -1
    assert catalogue()["healthy_assets_hazards"].direction == 1


def test_measures_that_hold_mental_health_are_not_in_the_index():
    for name in ("deprivation_health_score", "mental_health_iod", "long_term_sick", "disabled"):
        assert not catalogue()[name].index, name


CODES = pl.DataFrame(
    {"code": ["P6", "P5"], "practice_code": ["P1", None]},
    schema={"code": pl.String, "practice_code": pl.String},
)
PARTS = pl.DataFrame(
    [("P2", "", "", "P2"), ("P2", "", "E2", "P2@pcn=U2")],
    schema=["practice_code", "site_code", "lsoa_code", "unit"],
    orient="row",
)
ENDED = pl.concat(
    [
        UNITS,
        UNITS[:1].with_columns(
            unit=pl.lit("closed_practice"),
            footprint_code=pl.lit("closed_practice"),
            footprint_name=pl.lit("Closed practice without successor"),
        ),
    ]
)


def test_registers_of_practices_that_ended_count_in_their_successors():
    rows = qof(
        ("P1", "DEM", 9, 900, "TOTAL", "a"),
        ("P6", "DEM", 7, 100, "TOTAL", "a"),  # Merged into P1.
        ("P5", "DEM", 11, 50, "TOTAL", "a"),  # Closed without a successor.
        ("P99", "DEM", 13, 50, "TOTAL", "a"),  # Of another part of England.
    )
    found = registers(rows, ENDED, codes=CODES)
    counts = {row["footprint_code"]: row for row in found.iter_rows(named=True)}
    assert set(counts) == {"U1", "closed_practice"}
    assert counts["U1"]["numerator"] == 16
    assert (counts["U1"]["practices"], counts["U1"]["coverage"]) == (1, 0.5)
    assert counts["closed_practice"]["numerator"] == 11
    assert counts["closed_practice"]["coverage"] is None


def test_a_register_of_a_split_practice_is_divided_as_its_patients_are():
    """The rest of P2 (a quarter in U1) and the part that lives in E2 (all in U2)."""
    homes = lives(("P2", "E1", "all", 300), ("P2", "E2", "all", 100))
    rows = qof(("P2", "DEM", 80, 400, "TOTAL", "a"))
    found = registers(rows, UNITS, parts=PARTS, patients=homes)
    counts = dict(found.select("footprint_code", "numerator").iter_rows())
    assert counts == pytest.approx({"U1": 60 * 0.25, "U2": 60 * 0.75 + 20})
    assert set(found["status"]) == {"estimated"}
    # Nothing says who lives where: all of it stays in what no rule names.
    together = registers(
        rows, UNITS.filter(share=1.0).vstack(UNITS[:1].with_columns(unit=pl.lit("P2"))), parts=PARTS
    )
    assert together.select("footprint_code", "numerator", "status").rows() == [
        ("U1", 80.0, "estimated")
    ]


def test_lists_of_ended_and_split_practices_stay_on_a_list():
    homes = lives(
        ("P1", "E1", "all", 60), ("P6", "E1", "all", 40), ("P2", "E2", "all", 100),
        ("P9", "E2", "all", 100),
    )  # fmt: skip
    found = list_inflation(
        ENDED, population=ESTIMATES, practice_patients=homes, codes=CODES, parts=PARTS
    )
    held = cells(found, "registered")
    assert held["U1", "all", "all"]["patients"] == 100
    # Half of E2's patients are on lists of the reference: half of its residents are expected there.
    assert held["U2", "all", "all"]["patients"] == 100
    assert held["U2", "all", "all"]["residents"] == 100
    assert cells(found, "resident")["U2", "all", "all"]["patients"] == 200


def test_a_footprint_without_an_estimate_is_kept_without_residents():
    found = list_inflation(UNITS, population=ESTIMATES.filter(area_code="E1"),
                           practice_patients=LIVES)  # fmt: skip
    row = cells(found, "resident")["U2", "all", "all"]
    assert (row["residents"], row["ratio"], row["coverage"]) == (None, None, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["P1", "P2", "P3", "P5", "P6"]),
            st.sampled_from(["E1", "E2", "E9"]),
            st.integers(1, 500),
        ),
        min_size=1, max_size=12, unique_by=lambda row: row[:2],
    )
)  # fmt: skip
@settings(deadline=None)
def test_no_patient_of_a_known_practice_is_lost_or_doubled(rows):
    homes = lives(*((p, e, "all", n) for p, e, n in rows))
    units = ENDED.filter(~((pl.col("unit") == "P2") & (pl.col("share") == 0.25))).with_columns(
        share=pl.lit(1.0)
    )
    found = list_inflation(
        units, population=ESTIMATES, practice_patients=homes, codes=CODES, parts=PARTS
    )
    listed = found.filter(basis="registered", age_band="all", sex="all")["patients"].sum()
    assert listed == sum(n for _, _, n in rows)


def test_a_score_of_households_is_never_weighed_by_people():
    """An LSOA without households adds none; only where none has any do people stand in."""
    rate = catalogue()["homelessness_assessed"]
    measures = pl.DataFrame(
        {
            "measure": [rate.measure], "area_type": ["lad"], "area_code": ["D1"],
            "numerator": [None], "denominator": [None], "value": [5.0],
        },
        schema_overrides={"numerator": pl.Float64, "denominator": pl.Float64},
    )  # fmt: skip
    areas = pl.DataFrame(
        {
            "lsoa_code": ["E1", "E2"], "lad_code": ["D1", "D1"],
            "population": [300, 70], "households": [100, None],
        }
    )  # fmt: skip
    ranks = pl.DataFrame(schema={"lsoa_code": pl.String})
    found = area.cells(rate, area.lsoas(areas, ranks), measures, 2)
    assert found.select("lsoa_code", "numerator", "denominator").rows() == [("E1", 500.0, 100.0)]
    none = areas.with_columns(households=pl.lit(None, pl.Int64))
    found = area.cells(rate, area.lsoas(none, ranks), measures, 2)
    assert found["denominator"].to_list() == [300.0, 70.0]
