"""The main job on a real place: synthetic people at real postcodes and practices of Bexley."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[1]
BEXLEY = "E09000004"
PEOPLE = 24_000
# Registered lists of QOF 2020/21, from the open data's README.
PCN_LISTS = {"U07140": 37_613, "U88820": 51_071, "U50197": 54_691, "U67110": 94_213}
PCN_NAMES = {"U88820": "CLOCKTOWER", "U50197": "FROGNAL", "U67110": "NORTH BEXLEY"}

pytestmark = pytest.mark.slow


def run(*args):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def bexley(open_data, tmp_path_factory):
    """The how-to's four commands, at a tenth of the people."""
    folder = tmp_path_factory.mktemp("bexley")
    pack, data, out = folder / "pack", folder / "data", folder / "run"
    run("benchmarks.open_data", "--from", open_data, "--local-authority", BEXLEY, "--out", pack)
    people = ["--people", PEOPLE, "--seed", 4, "--preset", "typical"]
    run("pophealth_link", "synth", *people, "--places", pack, "--out", data)
    networks = open_data / "footprints" / "bexley_local_care_networks.csv"
    job = data / "job.toml"
    text = job.read_text().replace('policy = "midpoint6"', 'policy = "hes"')
    job.write_text(text + f'\n[footprints.icp]\npath = "{networks}"\n')
    done = run("pophealth_link", "run", job, "--out", out)
    return folder, done


@pytest.fixture(scope="module")
def baseline(bexley):
    folder, _ = bexley
    frame = pl.read_csv(folder / "run/releasable/baseline.csv", infer_schema_length=None)
    return frame.filter(pl.col("stratum") == "all")


def cell(baseline, indicator, code, basis="resident"):
    return baseline.filter(indicator=indicator, footprint_code=code, basis=basis).row(0, named=True)


def test_people_live_at_real_postcodes(open_data, bexley):
    folder, _ = bexley
    real = pl.read_parquet(open_data / "postcodes/postcodes_england.parquet").filter(
        lad_2025=BEXLEY
    )["pcds"]
    homes = pl.read_parquet(folder / "data/gp_register.parquet")["postcode"].drop_nulls()
    # Typing slips, homes outside the borough and people of no fixed abode are the rest.
    assert homes.is_in(real.implode()).mean() > 0.95


def test_lists_are_in_proportion_to_the_real_ones(bexley):
    folder, _ = bexley
    people = pl.read_parquet(folder / "run/linked/people.parquet").filter("on_register", "current")
    assert people["lsoa_code"].n_unique() >= 148
    counts = dict(people.group_by("registered_pcn").len().iter_rows())
    mine = sum(counts[code] for code in PCN_LISTS)
    for code, size in PCN_LISTS.items():
        assert counts[code] / mine == pytest.approx(size / sum(PCN_LISTS.values()), abs=0.02)


def test_one_pcn_straddles_two_of_the_three_networks(bexley):
    folder, _ = bexley
    people = pl.read_parquet(folder / "run/linked/people.parquet").filter("on_register")
    held = people.filter(pl.col("registered_pcn").is_in(list(PCN_LISTS)))
    networks = held.group_by("registered_pcn").agg(pl.col("registered_icp").n_unique())
    assert dict(networks.iter_rows()) == {code: 1 + (code == "U07140") for code in PCN_LISTS}
    assert held["registered_icp"].n_unique() == 3


def test_large_pcns_are_warned_of_by_name(bexley):
    folder, done = bexley
    report = (folder / "run/releasable/report.html").read_text(encoding="utf-8").upper()
    warnings = [line for line in done.stderr.upper().splitlines() if "PCNS" in line]
    assert len(warnings) == 1
    for code, name in PCN_NAMES.items():
        assert name in warnings[0]
        assert f"{PCN_LISTS[code]:,}" in warnings[0]
    assert "APL BEXLEY" not in warnings[0]
    assert f"{PCN_LISTS['U67110']:,}" in report


def test_published_facts(baseline):
    crowded = cell(baseline, "overcrowding_bedrooms", BEXLEY)
    assert (crowded["numerator"], crowded["denominator"]) == (5_838, 95_312)
    assert crowded["value"] == pytest.approx(6.125, abs=0.0005)
    # Census populations stand in for those of mid-2022, by which the published score is weighed.
    score = cell(baseline, "deprivation_average_score", BEXLEY)
    assert score["value"] == pytest.approx(15.302, abs=0.05)
    rank = cell(baseline, "deprivation_average_rank", BEXLEY)
    assert rank["value"] == pytest.approx(12_983.40, abs=40)
    for indicator, share in (("income_deprived", 18.7), ("employment_deprived", 10.9)):
        assert cell(baseline, indicator, BEXLEY)["value"] == pytest.approx(share, abs=0.15)
    decile = cell(baseline, "deprivation_most_deprived_decile", BEXLEY)
    assert (decile["numerator"], decile["denominator"]) == (0, 148)


def test_homelessness_and_noise_of_the_authority_are_marked_where_imputed(open_data, baseline):
    homeless = pl.read_parquet(open_data / "health/homelessness_ltla23.parquet").filter(
        ltla23_code=BEXLEY
    )["Households assessed as homeless per (000s)"][0]
    own = cell(baseline, "homelessness_assessed", BEXLEY)
    assert own["value"] == pytest.approx(homeless)
    assert own["status"] == "ok"
    for indicator in ("homelessness_assessed", "noise_complaints"):
        for code in PCN_LISTS:
            assert cell(baseline, indicator, code)["status"] == "imputed_down"


def test_public_transport_is_a_public_transport_measure(open_data, baseline):
    ptal = pl.read_parquet(open_data / "london/ptal2015_lsoa11.parquet")
    own = cell(baseline, "public_transport_access", BEXLEY)["value"]
    lookup = pl.read_parquet(open_data / "lookups/lsoa11_lsoa21_ltla22.parquet")
    codes = lookup.filter(ltla22_code=BEXLEY)["lsoa11_code"].unique()
    mine = ptal.filter(pl.col("LSOA2011").is_in(codes.implode()))["AvPTAI2015"]
    # A weighted mean of the same areas lies near their plain mean.
    assert own == pytest.approx(mine.mean(), rel=0.1)


def test_every_footprint_has_a_row_for_every_indicator(baseline):
    sizes = baseline.group_by("footprint_type", "footprint_code", "basis").len()
    assert sizes["len"].n_unique() == 1
    pcns = baseline.filter(footprint_type="pcn", basis="registered")["footprint_code"].unique()
    assert set(PCN_LISTS) <= set(pcns)


def test_published_registers_are_those_of_the_networks_practices(open_data, bexley):
    folder, _ = bexley
    found = pl.read_csv(folder / "run/releasable/registers.csv", infer_schema_length=None)
    published = pl.read_parquet(open_data / "nhs/qof_prevalence_2020_21_practice.parquet")
    members = pl.read_parquet(open_data / "nhs/epcn_2023_core_partner_details.parquet").filter(
        pl.col("practice_to_pcn_relationship_end_date").is_null()
    )
    sums = (
        members.join(published, left_on="partner_organisation_code", right_on="PRACTICE_CODE")
        .group_by(footprint_code="pcn_code", register="GROUP_CODE")
        .agg(pl.col("REGISTER").sum())
    )
    ours = found.filter(footprint_type="pcn").join(sums, on=["footprint_code", "register"])
    of_need = ours.filter(pl.col("register").is_in(["DEP", "MH", "DEM"]))
    assert of_need.filter(pl.col("footprint_code").is_in(list(PCN_LISTS))).height == 12
    assert of_need.filter(pl.col("numerator") != pl.col("REGISTER")).is_empty()
