from __future__ import annotations

import polars as pl
import pytest

from pophealth_link.places import SizeGuide, size_warnings


def test_published_lists_are_measured_by_share(region):
    # North PCN 20,000 + 25,000; South PCN 9,000; F1 20,000 + 25,000/4; F2 25,000·3/4 + 9,000.
    assert size_warnings(region.registered, region.practices) == [
        "1 of 2 PCNs lie outside the guide of 30,000 to 50,000 registered patients: "
        "South PCN (9,000).",
        "2 of 2 ICPs lie outside the guide of about 80,000 (50,000 to 120,000) registered "
        "patients: East (26,250), West (27,750).",
    ]


def test_footprints_within_the_guide_say_nothing(region):
    guides = {"pcn": SizeGuide("PCNs", 9_000, 45_000, "9,000 to 45,000")}
    assert size_warnings(region.registered, region.practices, guides=guides) == []


def test_counted_people_stand_in_where_no_list_is_published(region):
    practices = region.practices.drop("list_size")
    people = pl.DataFrame(
        {"registered_unit": ["P1"] * 1_700 + ["P3"] * 9, "current": [True] * 1_650 + [False] * 59}
    )
    guides = {"pcn": SizeGuide("PCNs", 5_000, 9_000, "5,000 to 9,000")}
    assert size_warnings(region.registered, practices, people, guides=guides) == [
        "1 of 1 PCNs lie outside the guide of 5,000 to 9,000 registered patients: "
        "North PCN (about 2,000 counted)."
    ]
    assert size_warnings(region.registered, practices) == []


def test_a_practice_in_parts_is_counted_not_taken_from_its_list():
    rows = [("P1", "F1"), ("P1@icp=F2", "F2"), ("P2", "F3")]
    units = pl.DataFrame(
        [("registered", unit, "icp", code, code, 1.0) for unit, code in rows],
        schema=["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"],
        orient="row",
    )
    practices = pl.DataFrame({"practice_code": ["P1", "P2"], "list_size": [90_000, 4_000]})
    people = pl.DataFrame(
        {"registered_unit": ["P1"] * 2_000 + ["P1@icp=F2"] * 1_000, "current": [True] * 3_000}
    )
    guides = {"icp": SizeGuide("ICPs", 5_000, 9_000, "5,000 to 9,000")}
    assert size_warnings(units, practices, people, guides=guides) == [
        "3 of 3 ICPs lie outside the guide of 5,000 to 9,000 registered patients: "
        "F1 (about 2,000 counted), F2 (about 1,000 counted), F3 (4,000)."
    ]


def test_a_split_in_one_type_leaves_the_lists_of_the_others():
    rows = [
        ("P1", "icp", "F1"), ("P1@icp=F2", "icp", "F2"), ("P2", "icp", "F1"),
        ("P1", "pcn", "U1"), ("P1@icp=F2", "pcn", "U1"), ("P2", "pcn", "U1"),
    ]  # fmt: skip
    units = pl.DataFrame(
        [("registered", unit, kind, code, code, 1.0) for unit, kind, code in rows],
        schema=["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"],
        orient="row",
    )
    practices = pl.DataFrame({"practice_code": ["P1", "P2"], "list_size": [30_000, 15_000]})
    people = pl.DataFrame({"registered_unit": ["P1"] * 300 + ["P1@icp=F2"] * 10}).with_columns(
        current=True
    )
    # 30,000 + 15,000 once each: within the guide of PCNs.
    assert size_warnings(units, practices, people) == [
        "2 of 2 ICPs lie outside the guide of about 80,000 (50,000 to 120,000) registered "
        "patients: F1 (under 1,000 counted), F2 (under 1,000 counted)."
    ]
    guides = {"pcn": SizeGuide("PCNs", 30_000, 40_000, "30,000 to 40,000")}
    assert size_warnings(units, practices, people, guides=guides) == [
        "1 of 1 PCNs lie outside the guide of 30,000 to 40,000 registered patients: U1 (45,000)."
    ]


def test_parts_that_share_a_footprint_alike_have_one_list():
    shared = [("P1", "F1", 0.4), ("P1", "F2", 0.6), ("P1@x=Y", "F1", 0.4), ("P1@x=Y", "F2", 0.6)]
    units = pl.DataFrame(
        [("registered", unit, "icp", code, code, share) for unit, code, share in shared],
        schema=["basis", "unit", "footprint_type", "footprint_code", "footprint_name", "share"],
        orient="row",
    )
    practices = pl.DataFrame({"practice_code": ["P1"], "list_size": [10_000]})
    assert size_warnings(units, practices)[0].endswith("F1 (4,000), F2 (6,000).")
    # A part that is in none: what the others have is not known from the list.
    part = units.filter(unit="P1").with_columns(footprint_code=pl.lit("F1"), share=pl.lit(1.0))
    none = part.head(1).with_columns(
        unit=pl.lit("P1@x=Y"), footprint_code=pl.lit("no_icp"), share=pl.lit(1.0)
    )
    assert size_warnings(pl.concat([part.head(1), none]), practices) == []


def test_a_guide_needs_an_order():
    with pytest.raises(ValueError, match="low < high"):
        SizeGuide("PCNs", 5, 5, "none")


def test_three_of_bexleys_four_pcns_are_too_large(open_data):
    networks = pl.read_csv(
        open_data / "footprints" / "bexley_local_care_networks.csv", infer_schema=False
    )
    lists = (
        pl.read_parquet(open_data / "nhs" / "qof_prevalence_2020_21_practice.parquet")
        .filter(PATIENT_LIST_TYPE="TOTAL")
        .group_by(practice_code="PRACTICE_CODE")
        .agg(list_size=pl.col("PRACTICE_LIST_SIZE").max())
    )
    rows = [
        networks.select(
            pl.lit("registered").alias("basis"),
            pl.col("practice_code").alias("unit"),
            pl.lit(kind).alias("footprint_type"),
            pl.col(code).alias("footprint_code"),
            pl.col(code).alias("footprint_name"),
            pl.lit(1.0).alias("share"),
        )
        for kind, code in (("pcn", "pcn_code"), ("icp", "footprint_code"))
    ]
    (text,) = size_warnings(pl.concat(rows), lists)
    assert text.startswith("3 of 4 PCNs")
    # Lists of QOF 2020/21: Frognal, North Bexley and Clocktower are above 50,000.
    for size in ("U50197 (54,691)", "U67110 (94,213)", "U88820 (51,071)"):
        assert size in text
