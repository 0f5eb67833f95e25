"""A run beside published registers: QOF by practice, sums by network, every difference named."""

from datetime import date

import polars as pl
import pytest

from compared import cells, memberships, snapshot
from pophealth_link.indicators import catalogue
from pophealth_link.need.compare_sides import Baseline
from pophealth_link.need.published_counts import from_qof, last_day
from pophealth_link.need.reconcile import reconcile
from pophealth_link.schema.outputs_compare import PUBLISHED_COUNTS, RECONCILED

DAY = date(2026, 3, 31)


def published(rows, **more):
    """PUBLISHED_COUNTS of depression from (type, code, count, list)."""
    held = {
        "indicator": "depression_recorded", "basis": None, "period_start": None, "period_end": DAY,
        "source": "QOF",
    } | more  # fmt: skip
    return pl.DataFrame(
        [dict(zip(("area_type", "area_code", "numerator", "denominator"), r, strict=True)) | held
         for r in rows],
        schema=PUBLISHED_COUNTS.polars_schema,
    )  # fmt: skip


def run(counts, units, base=1, **more):
    policy = {"name": "p", "base": base}
    return Baseline(
        "r", cells(counts, **more), snapshot(memberships=memberships(units), policy=policy)
    )


UNITS = [("A", "U1", 1.0), ("B", "U1", 1.0), ("C", "U2", 1.0)]


def test_practices_are_summed_to_their_networks_and_differences_named():
    rows = [("practice", "A", 60, 500), ("practice", "B", 40, 500), ("practice", "C", 50, 400)]
    found = reconcile(run({"U1": (104, 1000), "U2": (53, 400)}, UNITS), published(rows))
    told = {r["footprint_code"]: r for r in found.iter_rows(named=True)}
    assert (told["U1"]["published"], told["U1"]["published_denominator"]) == (100, 1000)
    assert told["U1"]["difference"] == pytest.approx(4.0)
    assert (told["U1"]["status"], told["U2"]["status"]) == ("agrees", "differs")
    assert told["U2"]["difference"] == pytest.approx(6.0)
    assert (told["U2"]["own_share"], told["U2"]["published_share"]) == (13.25, 12.5)
    assert found.columns == list(RECONCILED.names)


def test_a_shared_practice_counts_by_its_share():
    units = [("A", "U1", 0.25), ("A", "U2", 0.75)]
    found = reconcile(run({"U1": (10, 100), "U2": (30, 300)}, units),
                      published([("practice", "A", 40, 400)]))  # fmt: skip
    assert dict(found.select("footprint_code", "published").rows()) == {"U1": 10.0, "U2": 30.0}
    assert set(found["status"]) == {"agrees"}


PARTED = [("A", "U1", 1.0), ("A@pcn=U2", "U2", 1.0), ("B", "U1", 1.0), ("C", "U2", 1.0)]
LISTS = [("practice", "A", 200, 2000), ("practice", "B", 100, 1000), ("practice", "C", 100, 1000)]


def test_a_part_of_a_practice_is_not_set_beside_the_whole_of_it():
    """Half of A is in each network: 10 % everywhere, so that the run and QOF agree exactly."""
    own = run({"U1": (200, 2000), "U2": (200, 2000)}, PARTED)
    found = reconcile(own, published(LISTS))
    assert found.select("footprint_code", "coverage", "status").rows() == [
        ("U1", 0.5, "other_practices"),
        ("U2", 0.5, "other_practices"),
    ]
    # The other part may be in no network at all.
    beyond = memberships(PARTED[:1] + PARTED[2:])
    elsewhere = memberships([("A@pcn=no_pcn", "L1", 1.0)]).with_columns(
        footprint_type=pl.lit("lad")
    )
    held = snapshot(memberships=pl.concat([beyond, elsewhere]), policy={"name": "p", "base": 1})
    found = reconcile(Baseline("r", own.cells, held), published(LISTS))
    assert found["status"].to_list() == ["other_practices", "differs"]


def test_a_practice_all_of_whose_parts_are_in_a_footprint_is_counted_once():
    """Both parts of A are in U1: 200 and B's 100 are published of it."""
    units = [("A", "U1", 1.0), ("A@icp=E", "U1", 1.0), ("B", "U1", 1.0), ("C", "U2", 1.0)]
    found = reconcile(run({"U1": (300, 3000), "U2": (100, 1000)}, units), published(LISTS))
    assert found.select("footprint_code", "published", "coverage", "status").rows() == [
        ("U1", 300.0, 1.0, "agrees"),
        ("U2", 100.0, 1.0, "agrees"),
    ]
    # Of which part half is elsewhere is not told of the published count.
    units = [("A", "U1", 1.0), ("A@icp=E", "U1", 0.5), ("A@icp=E", "U2", 0.5), *units[2:]]
    found = reconcile(run({"U1": (300, 3000), "U2": (100, 1000)}, units), published(LISTS))
    assert found["status"].to_list() == ["other_practices", "other_practices"]


CASES = {
    "exactly at the limit": ((105, 1000), 1, {}, "agrees"),
    "below it": ((94, 1000), 1, {}, "differs"),
    "rounding may explain it": ((110, 1000), 10, {}, "within_rounding"),
    "beyond what rounding explains": ((115, 1000), 10, {}, "differs"),
    # At a step of 6, 102 was 99 to 105; at one of 8, 98 to 106.
    "within it whatever was rounded": ((102, 1000), 6, {}, "agrees"),
    "rounding may hide more": ((102, 1000), 8, {}, "agrees_as_released"),
    "rounding may hide fewer": ((98, 1000), 8, {}, "agrees_as_released"),
    "another year": ((100, 1000), 1, {"period_end": date(2024, 3, 31)}, "other_period"),
    "no day": ((100, 1000), 1, {"period_end": None}, "other_period"),
    "the run's own period": ((100, 1000), 1, {"period_start": date(2025, 4, 1)}, "agrees"),
    "another period": ((100, 1000), 1, {"period_start": date(2025, 1, 1)}, "other_period"),
}


@pytest.mark.parametrize("case", CASES)
def test_statuses(case):
    count, base, more, status = CASES[case]
    rows = published([("practice", "A", 60, 500), ("practice", "B", 40, 500)], **more)
    found = reconcile(run({"U1": count}, UNITS[:2], base), rows)
    assert found["status"].to_list() == [status]


def test_a_network_some_of_whose_practices_are_not_published_is_not_judged():
    found = reconcile(run({"U1": (100, 1000)}, UNITS[:2]), published([("practice", "A", 60, 500)]))
    row = found.row(0, named=True)
    assert (row["status"], row["coverage"]) == ("other_practices", 0.5)


def test_withheld_and_unpublished_counts_are_told():
    rows = published([("practice", "A", 60, 500), ("practice", "B", 40, 500)])
    hidden = cells({"U1": (100, 1000), "U2": (9, 90)}).with_columns(
        numerator=None, status=pl.lit("suppressed")
    ).cast({"numerator": pl.Float64})  # fmt: skip
    held = run({}, UNITS)
    found = reconcile(Baseline("r", hidden, held.snapshot), rows)
    assert dict(found.select("footprint_code", "status").rows()) == {
        "U1": "not_given",
        "U2": "not_published",
    }


def test_published_counts_of_areas_stand_beside_residents():
    area = cells({"L1": (210, 1000)}, footprint_type="lad", basis="resident")
    own = Baseline("r", area, snapshot())
    found = reconcile(own, published([("lad", "L1", 200, 1000)]))
    assert found.select("basis", "difference", "status").row(0) == ("resident", 5.0, "agrees")


def test_exact_counts_by_practice_are_set_beside_each_practice():
    practices = pl.DataFrame({
        "unit": ["A", "B"], "indicator": "depression_recorded", "numerator": [66, 40],
        "denominator": [500, 500], "period": "2026-04-01"})  # fmt: skip
    rows = published([("practice", "A", 60, 500), ("practice", "B", 40, 500)])
    found = reconcile(run({"U1": (106, 1000)}, UNITS[:2]), rows, practices=practices)
    told = dict(found.filter(footprint_type="practice").select("footprint_code", "status").rows())
    assert told == {"A": "differs", "B": "agrees"}


@pytest.mark.parametrize(
    ("year", "day"),
    [
        ("2020/21", date(2021, 3, 31)),
        ("1999/00", date(2000, 3, 31)),
        ("2020/22", None),
        ("2020", None),
    ],
)
def test_last_day_of_a_year_of_registers(year, day):
    assert last_day(year) == day


# Depression registers of Bexley's networks, QOF 2020/21, as the open data's README gives them.
BEXLEY = {
    "U07140": (3_480, 30_057),
    "U88820": (3_990, 40_293),
    "U50197": (4_913, 43_720),
    "U67110": (8_141, 69_795),
}


def test_qof_of_bexley_agrees_with_its_published_sums_and_a_wrong_register_is_named(open_data):
    nhs = open_data / "nhs"
    spells = pl.read_parquet(nhs / "epcn_2023_core_partner_details.parquet").filter(
        pl.col("pcn_code").is_in(list(BEXLEY)),
        pl.col("practice_to_pcn_relationship_end_date").is_null(),
    )
    registers = pl.read_parquet(nhs / "qof_prevalence_2020_21_practice.parquet")
    qof = registers.select(
        practice_code="PRACTICE_CODE",
        register="GROUP_CODE",
        numerator=pl.col("REGISTER").cast(pl.Int64),
        denominator=pl.col("PRACTICE_LIST_SIZE").cast(pl.Int64),
        list_type="PATIENT_LIST_TYPE",
        period=pl.lit("2020/21"),
    )
    named = spells.select("partner_organisation_code", "pcn_code").sort("partner_organisation_code")
    units = [(unit, code, 1.0) for unit, code in named.rows()]
    wrong = BEXLEY | {"U50197": (4_913 * 1.06, 43_720)}
    held = snapshot(
        memberships=memberships(units),
        as_of=date(2021, 4, 1),
        period=(date(2020, 4, 1), date(2021, 3, 31)),
    )
    own = Baseline("bexley", cells(wrong, period="2021-04-01"), held)
    found = reconcile(own, from_qof(qof)).filter(indicator="depression_recorded")
    told = {row["footprint_code"]: row for row in found.iter_rows(named=True)}
    for code, (register, people) in BEXLEY.items():
        assert (told[code]["published"], told[code]["published_denominator"]) == (register, people)
        assert told[code]["denominator_difference"] == 0
    assert {code for code, row in told.items() if row["status"] == "differs"} == {"U50197"}
    assert told["U50197"]["difference"] == pytest.approx(6.0)


def register(name, list_type="TOTAL", period="2019/20"):
    return {"practice_code": "A", "register": name, "numerator": 9, "denominator": 900,
            "list_type": list_type, "period": period}  # fmt: skip


REGISTERS = {
    "learning disability": (register("LD"), "learning_disability_recorded"),
    "cancer": (register("CAN"), "cancer_recorded"),
    "adults with depression": (register("DEP", "18OV"), "depression_recorded"),
    "COPD": (register("COPD"), "copd_recorded"),
    # From 2020/21 a new diagnosis needs a spirometry to be on the register.
    "COPD with spirometry": (register("COPD", period="2020/21"), None),
    "diabetes of those aged 17 and over": (register("DM", "17OV"), None),
    "one of the four of the heart and vessels": (register("CHD"), None),
    "learning disability of adults alone": (register("LD", "18OV", "2012/13"), None),
    "a file without the ages": (register("DEM", None), "dementia_recorded"),
}  # fmt: skip


@pytest.mark.parametrize("case", REGISTERS)
def test_registers_of_the_same_rules_alone_are_taken(case):
    row, indicator = REGISTERS[case]
    schema = {"practice_code": pl.String, "register": pl.String, "numerator": pl.Int64,
              "denominator": pl.Int64, "list_type": pl.String, "period": pl.String}  # fmt: skip
    found = from_qof(pl.DataFrame([row], schema=schema))
    assert found["indicator"].to_list() == ([] if indicator is None else [indicator])
    if indicator is not None:
        # The indicator is of the ages of the register's list.
        assert catalogue()[indicator].min_age == (18 if row["list_type"] == "18OV" else None)
