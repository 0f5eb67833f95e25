"""A pack of all England, from open data put into the forms of the official files."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from benchmarks.open_data_pack import convert

from pophealth_link.reference import Pack, verify

pytestmark = pytest.mark.slow
BEXLEY = "E09000004"
SECONDS = 60


@pytest.fixture(scope="module")
def pack(open_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    out = tmp_path_factory.mktemp("packs") / "england"
    # Processor time, which other work on the machine does not lengthen.
    began = time.process_time()
    made = convert(open_data, out)
    assert time.process_time() - began < SECONDS
    assert made.unrecognised == ()
    return verify(out)


def test_areas_of_england(pack: Pack) -> None:
    areas = pack.read("areas")
    assert areas.height == 33_755
    assert pack.n_areas == 33_755
    assert areas["lad_code"].n_unique() == 296
    assert areas["icb_code"].n_unique() == 42
    bexley = areas.filter(pl.col("lad_code") == BEXLEY)
    assert (bexley.height, bexley["households"].sum()) == (148, 95_312)
    assert set(bexley["icb_name"]) == {"NHS South East London Integrated Care Board"}


def test_changes_of_lsoas(pack: Pack) -> None:
    """ONS: 31,810 unchanged; 834 split into 1,842; 194 merged into 97; 6 and 6 irregular."""
    changes = pack.read("lsoa_changes")
    counts = {
        code: (len(rows), rows["lsoa11_code"].n_unique(), rows["lsoa21_code"].n_unique())
        for (code,), rows in changes.partition_by("change_code", as_dict=True).items()
    }
    assert counts["U"] == (31_810, 31_810, 31_810)
    assert counts["S"] == (1_842, 834, 1_842)
    assert counts["M"] == (194, 194, 97)
    assert counts["X"][1:] == (6, 6)
    assert changes["population"].null_count() == 0


def test_authorities_that_changed(pack: Pack) -> None:
    """Cumberland, Westmorland and Furness, North Yorkshire and Somerset began on 1 April 2023."""
    changes = pack.read("lad_changes").filter(pl.col("valid_from") == date(2023, 4, 1))
    assert set(changes["successor_code"]) == {"E06000063", "E06000064", "E06000065", "E06000066"}
    spells = pack.read("hierarchy").filter(pl.col("area_type") == "lad")
    begun = spells.filter(pl.col("area_code") == "E06000066")
    assert set(begun["valid_from"]) == {date(2023, 4, 1)}
    ended = spells.filter(pl.col("area_code") == "E07000187")
    assert set(ended["valid_to"]) == {date(2023, 3, 31)}
    assert ended.height > 0


def test_every_lsoa_is_in_one_area_of_each_level_on_any_day(pack: Pack) -> None:
    spells = pack.read("hierarchy")
    for day in (date(2024, 4, 1), date(2026, 1, 1)):
        held = spells.filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= day))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
        )
        counts = dict(held.group_by("area_type").len().iter_rows())
        assert counts == dict.fromkeys(("lad", "icb", "sub_icb", "region", "msoa", "ward"), 33_755)
        assert held.height == held.select("lsoa_code", "area_type").n_unique()


def test_measures(pack: Pack) -> None:
    measures = pack.read("area_measures")
    places = pack.read("areas").select("lad_code", area_code="lsoa_code")
    bexley = measures.join(places, on="area_code").filter(pl.col("lad_code") == BEXLEY)
    crowded = bexley.filter(pl.col("measure") == "overcrowded_bedrooms")
    assert (crowded["numerator"].sum(), crowded["denominator"].sum()) == (5_838, 95_312)
    per_lsoa = measures.filter(pl.col("area_type") == "lsoa").group_by("measure").len()
    whole = {
        "tenure_owned",
        "disabled",
        "households_deprived",
        "income_deprived",
        "patients_per_gp",
    }
    full = set(per_lsoa.filter(pl.col("len") == 33_755)["measure"])
    assert whole <= full


def test_published_values_of_the_indices_are_kept(open_data: Path, pack: Pack) -> None:
    published = pl.read_parquet(open_data / "deprivation" / "iod2025_lsoa21.parquet")
    both = pack.read("deprivation").join(published, left_on="lsoa_code", right_on="lsoa21_code")
    assert both.height == 33_755
    for own, given in (
        ("imd_score", "IMD_score"),
        ("imd_rank", "IMD_rank"),
        ("barriers_score", "Housing_and_Services_score"),
        ("living_environment_rank", "Environment_rank"),
    ):
        assert both[own].equals(both[given], check_names=False), own
    assert pack.read("deprivation_2019").height == 32_844


def test_postcodes_and_dwellings(open_data: Path, pack: Pack) -> None:
    given = pl.scan_parquet(open_data / "postcodes" / "postcodes_england.parquet")
    placed = given.select(pl.col("lsoa21cd").is_not_null().sum()).collect().item()
    assert pack.about["postcodes"].rows == placed
    sums = pack.scan("postcodes").group_by("lsoa_code").agg(pl.col("dwellings").sum())
    both = sums.collect().join(pack.read("areas"), on="lsoa_code")
    assert both["dwellings"].equals(both["households"], check_names=False)


def test_registers_of_bexley(pack: Pack) -> None:
    """QOF 2020/21, depression 18+ by network: registers and lists, as published."""
    members = pack.read("practice_pcn").filter(pl.col("valid_to").is_null())
    held = pack.read("qof").filter(pl.col("register") == "DEP")
    sums = (
        held.join(members, on="practice_code")
        .group_by("pcn_name")
        .agg(pl.col("numerator", "denominator").sum())
    )
    found = {name: (part, whole) for name, part, whole in sums.iter_rows()}
    assert found["APL BEXLEY PCN"] == (3_480, 30_057)
    assert found["CLOCKTOWER PCN"] == (3_990, 40_293)
    assert found["FROGNAL PCN"] == (4_913, 43_720)
    assert found["NORTH BEXLEY PCN"] == (8_141, 69_795)
    assert set(held["period"]) == {"2020/21"}


def test_boundaries(pack: Pack) -> None:
    counts = dict(pack.read("boundaries").group_by("area_type").len().iter_rows())
    assert counts == {"lsoa": 33_755, "lad": 296}
