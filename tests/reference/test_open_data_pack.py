"""A pack made from the published data for Bexley agrees with published facts about Bexley."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import shapely

from pophealth_link.reference import Pack, load

ROOT = Path(__file__).parents[2]
BEXLEY = "E09000004"


def convert(source: Path, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.open_data", "--from", str(source)]
    return subprocess.run(
        [*command, "--out", str(out), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ,
    )


@pytest.fixture(scope="module")
def folder(open_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packs") / "bexley"
    ran = convert(open_data, out, "--local-authority", BEXLEY)
    assert ran.returncode == 0, ran.stderr
    return out


@pytest.fixture(scope="module")
def pack(folder: Path) -> Pack:
    return load(folder)


def measure(pack: Pack, name: str) -> pl.DataFrame:
    return pack.read("area_measures").filter(pl.col("measure") == name)


def test_areas(pack: Pack) -> None:
    areas = pack.read("areas")
    assert areas.height == 148
    assert areas["households"].sum() == 95_312
    assert set(areas["lad_code"]) == {BEXLEY}
    assert set(areas["icb_name"]) == {"NHS South East London Integrated Care Board"}
    # The folder has no names of regions.
    assert areas.drop("region_name").null_count().sum_horizontal().item() == 0
    assert pack.n_areas == 33_755


def test_overcrowding(pack: Pack) -> None:
    rooms = measure(pack, "overcrowded_bedrooms")
    assert rooms.height == 148
    assert rooms["numerator"].sum() == 5_838
    assert rooms["denominator"].sum() == 95_312


def test_deprivation_scores_keep_the_national_ranking(pack: Pack) -> None:
    """README: average score 15.302; none of its LSOAs is in the most deprived tenth."""
    frame = pack.read("deprivation")
    assert frame.height == 148
    average = (frame["imd_score"] * frame["population"]).sum() / frame["population"].sum()
    assert average == pytest.approx(15.302, abs=0.1)
    assert frame["imd_decile"].min() == 2
    assert frame["imd_rank"].max() > 33_000


def test_registered_lists(pack: Pack) -> None:
    now = pack.read("practice_pcn").filter(pl.col("valid_to").is_null())
    lists = pack.read("practices").join(now, on="practice_code")
    sums = dict(lists.group_by("pcn_name").agg(pl.col("list_size").sum()).iter_rows())
    assert sums == {
        "APL BEXLEY PCN": 37_613,
        "CLOCKTOWER PCN": 51_071,
        "FROGNAL PCN": 54_691,
        "NORTH BEXLEY PCN": 94_213,
    }


def test_a_practice_that_changed_network(pack: Pack) -> None:
    spells = pack.read("practice_pcn").filter(pl.col("practice_code") == "G83046")
    assert spells.sort("valid_from").select("pcn_code", "valid_from", "valid_to").rows() == [
        ("U88820", date(2019, 10, 1), date(2020, 3, 31)),
        ("U07140", date(2020, 4, 2), None),
    ]


def test_footprints_name_every_practice(pack: Pack) -> None:
    rows = pack.read("footprints")
    assert set(rows["practice_code"]) == set(pack.read("practices")["practice_code"])
    assert rows["footprint_code"].n_unique() == 3
    assert rows["share"].to_list() == [1.0] * 20
    straddling = rows.group_by("pcn_code").agg(pl.col("footprint_code").n_unique())
    assert straddling.filter(pl.col("footprint_code") > 1)["pcn_code"].to_list() == ["U07140"]


def test_dwellings_sum_to_the_households_of_each_lsoa(pack: Pack) -> None:
    postcodes = pack.read("postcodes")
    sums = postcodes.group_by("lsoa_code").agg(pl.col("dwellings").sum())
    both = sums.join(pack.read("areas"), on="lsoa_code")
    assert both.height == 148
    assert both["dwellings"].equals(both["households"], check_names=False)
    lived_in = postcodes.filter(pl.col("dwellings") > 0)
    spread = lived_in.group_by("lsoa_code").agg(
        pl.col("dwellings").max() - pl.col("dwellings").min()
    )
    assert spread["dwellings"].max() <= 1


def test_measures(pack: Pack) -> None:
    found = dict(
        pack.read("area_measures").group_by("measure").agg(pl.col("area_type").first()).iter_rows()
    )
    groups = ("white", "mixed", "asian", "black", "other")
    lsoa = {
        "overcrowded_bedrooms",
        "tenure_social_rented",
        "tenure_private_rented",
        "employment_deprived",
        "income_deprived",
        "disabled",
        "public_transport",
        *(f"ethnic_{group}" for group in groups),
    }
    lad = {"noise_complaints", "homelessness_assessed", "temporary_accommodation_lad"}
    assert found == dict.fromkeys(lsoa, "lsoa") | dict.fromkeys(lad, "lad")
    frame = pack.read("area_measures").filter(pl.col("numerator").is_not_null())
    assert frame.select((pl.col("numerator") <= pl.col("denominator")).all()).item()


def test_income_and_employment_agree_with_the_published_scale(pack: Pack) -> None:
    """Published: 46,283 and 16,654.5 people; LSOA numerators are rounded to 5 (IoD2025)."""
    assert measure(pack, "income_deprived")["numerator"].sum() == pytest.approx(46_283, abs=150)
    employment = measure(pack, "employment_deprived")
    assert employment["numerator"].sum() == pytest.approx(16_654.5, abs=150)
    rate = employment["numerator"].sum() / employment["denominator"].sum()
    # The published average score of the authority, to its three decimals (IoD2025 summaries).
    assert rate == pytest.approx(0.109, abs=0.0015)


def test_ethnic_groups_sum_to_residents(pack: Pack) -> None:
    groups = pack.read("area_measures").filter(pl.col("measure").str.starts_with("ethnic_"))
    sums = groups.group_by("area_code").agg(
        pl.col("numerator").sum(), pl.col("denominator").first()
    )
    # Cells are perturbed one by one (Census 2021), so sums and totals differ by a few.
    assert (sums["numerator"] - sums["denominator"]).abs().max() <= 10


def test_public_transport_keeps_the_value_of_unchanged_and_split_lsoas(
    open_data: Path, pack: Pack
) -> None:
    old = pl.read_parquet(open_data / "london" / "ptal2015_lsoa11.parquet")
    lookup = pl.read_parquet(open_data / "lookups" / "lsoa11_lsoa21_ltla22.parquet")
    copied = lookup.filter(pl.col("change_code").is_in(["U", "S"])).join(
        old, left_on="lsoa11_code", right_on="LSOA2011"
    )
    both = measure(pack, "public_transport").join(
        copied, left_on="area_code", right_on="lsoa21_code"
    )
    assert both.height == 148
    assert (both["value"] - both["AvPTAI2015"]).abs().max() < 1e-5


def test_public_transport_of_a_merged_lsoa_is_a_weighted_mean(
    open_data: Path, tmp_path: Path
) -> None:
    lookup = pl.read_parquet(open_data / "lookups" / "lsoa11_lsoa21_ltla22.parquet")
    old = pl.read_parquet(open_data / "london" / "ptal2015_lsoa11.parquet")
    people = pl.read_parquet(
        open_data / "census" / "population_mid2020_single_year_lsoa11.parquet",
        columns=["lsoa11_code", "total_population"],
    )
    merged = (
        lookup.filter(pl.col("change_code") == "M")
        .join(old, left_on="lsoa11_code", right_on="LSOA2011")
        .join(people, on="lsoa11_code")
        .sort("lsoa21_code")
    )
    target = merged.filter(pl.col("lsoa21_code") == merged["lsoa21_code"][0])
    ran = convert(open_data, tmp_path / "pack", "--local-authority", target["ltla22_code"][0])
    assert ran.returncode == 0, ran.stderr
    found = measure(load(tmp_path / "pack"), "public_transport").filter(
        pl.col("area_code") == target["lsoa21_code"][0]
    )
    index, weight = target["AvPTAI2015"].to_list(), target["total_population"].to_list()
    assert len(index) > 1
    expected = sum(i * w for i, w in zip(index, weight, strict=True)) / sum(weight)
    assert found["value"].item() == pytest.approx(expected, abs=1e-5)


def test_values_of_the_whole_authority(pack: Pack) -> None:
    frame = pack.read("area_measures").filter(pl.col("area_type") == "lad")
    values = {
        name: (value, weight)
        for name, value, weight in frame.select("measure", "value", "denominator").iter_rows()
    }
    areas = pack.read("areas")
    assert values["noise_complaints"] == (
        pytest.approx(5.693338, abs=1e-5),
        areas["population"].sum(),
    )
    assert values["homelessness_assessed"] == (pytest.approx(0.759144, abs=1e-5), 95_312)
    assert values["temporary_accommodation_lad"] == (pytest.approx(5.80696, abs=1e-5), 95_312)


def test_boundaries_hold_their_postcodes(pack: Pack) -> None:
    frame = pack.read("boundaries")
    assert dict(frame.group_by("area_type").len().iter_rows()) == {"lsoa": 148, "lad": 1}
    assert frame.schema["geometry"] == pl.Binary
    small = frame.filter(pl.col("area_type") == "lsoa")
    shapes = dict(
        zip(small["area_code"], shapely.from_wkb(small["geometry"].to_list()), strict=True)
    )
    postcodes = pack.read("postcodes")
    at = shapely.points(postcodes.select("easting", "northing").to_numpy())
    own = [shapes[code] for code in postcodes["lsoa_code"]]
    # Boundaries are generalised to 20 m.
    assert (shapely.distance(own, at) < 50).mean() > 0.99


def test_the_same_folder_gives_the_same_bytes(
    open_data: Path, folder: Path, tmp_path: Path
) -> None:
    assert convert(open_data, tmp_path / "bexley", "--local-authority", BEXLEY).returncode == 0
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / "bexley" / file.name).read_bytes(), file.name


def test_wrong_arguments_are_explained(open_data: Path, tmp_path: Path, folder: Path) -> None:
    ran = convert(open_data, tmp_path / "pack", "--local-authority", "E09999999")
    assert ran.returncode == 12
    assert "E09999999" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "pack").exists()
    assert convert(open_data, folder, "--local-authority", BEXLEY).returncode == 15
