"""The embedded example region is a believable place, and the same one every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from pophealth_link.indicators import catalogue
from pophealth_link.reference import Pack, load, write
from pophealth_link.reference.example import EXAMPLE_SEED, example_region
from pophealth_link.reference.example.geometry import inside, partition, wkb_polygon

SEEDS = (EXAMPLE_SEED, 0, 7)
# Postcode areas of the United Kingdom, Crown dependencies and non-geographic ones (Royal Mail).
REAL_POSTCODE_AREAS = (
    " AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL "
    " DN DT DY E EC EH EN EX FK FY G GIR GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT "
    " KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR QC "
    " RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC "
    " WD WF WN WR WS WV XX YO ZE ZZ "
)
# BS 7666: no Q, V, X first; no I, J, Z second; no C, I, K, M, O, V in the inward code.
POSTCODE = re.compile(r"([A-PR-UWYZ][A-HK-Y]?)[0-9][0-9A-HJKMNPR-Y]? [0-9][ABD-HJLNP-UW-Z]{2}")
HOUSEHOLD_MEASURES = {
    "overcrowded_bedrooms",
    "tenure_social_rented",
    "tenure_private_rented",
    "one_person_households",
    "households_deprived",
    "households_deprived_three",
    "overcrowded_rooms",
    "no_car",
    "lone_parent_households",
    "tenure_owned",
    "tenure_shared_ownership",
    "tenure_rent_free",
}
ETHNIC_MEASURES = {f"ethnic_{group}" for group in ("white", "mixed", "asian", "black", "other")}
PEOPLE_MEASURES = {"income_deprived", "disabled"} | ETHNIC_MEASURES
# Counts of people of some ages.
AGED_MEASURES = {"employment_deprived", "unemployed", "long_term_sick", "claimant_count"}
PEOPLE_SCORES = {
    "public_transport",
    "connectivity_all_modes",
    "ahah",
    "anti_social_behaviour",
    "violence_with_injury",
    "mental_health_iod",
    "patients_per_gp",
}
# One value an authority, printed beside each of its LSOAs.
SPREAD_SCORES = {"homelessness_iod", "core_homelessness"}
HOUSEHOLD_SCORES = {
    "housing_affordability",
    "overcrowding_bedrooms_iod",
    "overcrowding_rooms_iod",
} | SPREAD_SCORES
# Standardised scores are below zero where things are better than in the middle of the nation.
BELOW_ZERO = {"housing_affordability", "mental_health_iod"}
AUTHORITY_HOUSEHOLDS = {"homelessness_assessed", "temporary_accommodation_lad"}
AUTHORITY_MEASURES = AUTHORITY_HOUSEHOLDS | {
    "noise_complaints",
    "noise_exposed_day_lad",
    "noise_exposed_night_lad",
    "loneliness",
    "rough_sleeping",
}


@cache
def region(seed: int) -> Pack:
    return example_region(seed)


@pytest.fixture(params=SEEDS)
def pack(request: pytest.FixtureRequest) -> Pack:
    return region(request.param)


@cache
def polygons(seed: int) -> dict[str, shapely.Geometry]:
    frame = region(seed).read("boundaries").filter(pl.col("area_type") == "lsoa")
    shapes = shapely.from_wkb(frame["geometry"].to_list())
    return dict(zip(frame["area_code"], shapes, strict=True))


def current_members(pack: Pack) -> pl.DataFrame:
    spells = pack.read("practice_pcn").filter(pl.col("valid_to").is_null())
    return pack.read("practices").join(spells, on="practice_code", how="left")


def footprint_of_practices(pack: Pack) -> pl.DataFrame:
    """A practice's own row decides, otherwise its PCN's."""
    rows = pack.read("footprints")
    members = current_members(pack)
    named = rows.select("practice_code", "footprint_code").drop_nulls("practice_code")
    own = members.join(named, on="practice_code", how="left")
    whole = rows.filter(pl.col("practice_code").is_null()).select(
        "pcn_code", by_pcn="footprint_code"
    )
    return own.join(whole, on="pcn_code", how="left").with_columns(
        icp=pl.coalesce("footprint_code", "by_pcn")
    )


def test_sizes(pack: Pack) -> None:
    areas = pack.read("areas")
    assert areas.height == 120
    assert areas["lad_code"].n_unique() == 2
    assert areas["icb_code"].n_unique() == 1
    assert areas["population"].is_between(1_000, 3_000).all()
    assert 205_000 < areas["population"].sum() < 225_000
    # The region has no sub-ICB locations, regions or wards.
    further = pl.selectors.starts_with("sub_icb_", "region_", "ward_")
    assert areas.select(~further).null_count().sum_horizontal().item() == 0
    assert pack.n_areas == 33_755
    assert 4_500 < pack.read("postcodes").height < 5_500


def test_msoas_nest_in_authorities_and_hold_about_five_lsoas(pack: Pack) -> None:
    middle = (
        pack.read("areas")
        .group_by("msoa_code", "msoa_name")
        .agg(pl.len(), pl.col("lad_code").n_unique(), pl.col("population").sum())
    )
    assert middle["msoa_code"].is_unique().all()
    assert middle["lad_code"].max() == 1
    assert middle["len"].is_between(3, 8).all()
    assert middle["population"].is_between(5_000, 15_000).all()
    assert pack.read("areas")["lsoa_name"].is_unique().all()


def test_networks_and_icps_have_the_sizes_of_real_ones(pack: Pack) -> None:
    practices = footprint_of_practices(pack)
    assert practices.height == pack.read("practices").height == 20
    networks = practices.group_by("pcn_code").agg(pl.col("list_size").sum())
    assert networks.height == 5
    assert networks["list_size"].is_between(30_000, 50_000).all()
    assert practices["list_size"].sum() == 225_000
    icps = practices.group_by("icp").agg(pl.col("list_size").sum())
    assert icps.height == 3
    assert icps["list_size"].is_between(74_000, 80_000).all()
    assert set(pack.read("footprints")["footprint_type"]) == {"icp"}


def test_one_network_straddles_two_icps_and_one_crosses_the_border(pack: Pack) -> None:
    practices = footprint_of_practices(pack)
    icps = practices.group_by("pcn_code").agg(pl.col("icp").n_unique())
    assert sorted(icps["icp"]) == [1, 1, 1, 1, 2]
    lad = pack.read("postcodes").join(pack.read("areas"), on="lsoa_code")
    placed = practices.join(lad.select("postcode", "lad_code"), on="postcode")
    assert placed.height == 20
    lads = placed.group_by("pcn_code").agg(pl.col("lad_code").n_unique())
    assert sorted(lads["lad_code"]) == [1, 1, 1, 1, 2]


def test_one_practice_changed_network(pack: Pack) -> None:
    spells = pack.read("practice_pcn").sort("practice_code", "valid_from")
    assert spells.height == 21
    moved = spells.filter(pl.len().over("practice_code") == 2)
    assert moved["pcn_code"].n_unique() == 2
    (ended, none), (_, began) = moved["valid_to"].to_list(), moved["valid_from"].to_list()
    assert none is None
    assert (began - ended).days == 1


def test_networks_are_compact(pack: Pack) -> None:
    """Surgeries of a network lie nearer to each other than surgeries do on the whole."""
    placed = current_members(pack).join(pack.read("postcodes"), on="postcode")
    at = placed.select("easting", "northing").to_numpy().astype(float)
    gaps = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1))
    same = (placed["pcn_code"].to_numpy()[:, None] == placed["pcn_code"].to_numpy()) & (gaps > 0)
    assert gaps[same].mean() < 0.6 * gaps[gaps > 0].mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_polygons_cover_two_banks_without_overlap(seed: int) -> None:
    shapes = polygons(seed)
    assert len(shapes) == 120
    assert all(shape.is_valid and shape.geom_type == "Polygon" for shape in shapes.values())
    lads = dict(region(seed).read("areas").select("lsoa_code", "lad_code").iter_rows())
    banks = []
    for lad in sorted(set(lads.values())):
        parts = [shape for code, shape in shapes.items() if lads[code] == lad]
        bank = shapely.union_all(parts)
        # One piece, no gap inside, and no more area in the parts than in the whole.
        assert bank.geom_type == "Polygon"
        assert len(bank.interiors) == 0
        assert sum(part.area for part in parts) == pytest.approx(bank.area, abs=1.0)
        banks.append(bank)
    assert 10 < banks[0].distance(banks[1]) < 500


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_polygons_are_valid_whatever_the_seed(seed: int) -> None:
    shapes = shapely.from_wkb(example_region(seed).read("boundaries")["geometry"].to_list())
    assert shapely.is_valid(shapes).all()
    total = shapely.area(shapes).sum()
    assert shapely.union_all(shapes).area == pytest.approx(total, abs=1.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_share_their_borders_point_by_point(seed: int) -> None:
    shapes = list(polygons(seed).values())
    tree = shapely.STRtree(shapes)
    pairs = tree.query(shapes, predicate="intersects").T
    lengths = [
        shapely.intersection(shapes[a], shapes[b]).length for a, b in pairs.tolist() if a < b
    ]
    outline = sum(part.length for part in shapely.get_parts(shapely.union_all(shapes)))
    perimeters = sum(shape.length for shape in shapes)
    assert 2 * sum(lengths) + outline == pytest.approx(perimeters, rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_postcode_lies_in_its_lsoa(seed: int) -> None:
    shapes, frame = polygons(seed), region(seed).read("postcodes")
    at = shapely.points(frame.select("easting", "northing").to_numpy())
    own = [shapes[code] for code in frame["lsoa_code"]]
    assert shapely.contains(own, at).all()
    assert set(frame["lsoa_code"]) == set(shapes)


def test_postcodes_are_well_formed_and_exist_nowhere(pack: Pack) -> None:
    codes = pack.read("postcodes")["postcode"]
    assert codes.is_unique().all()
    matches = [POSTCODE.fullmatch(code) for code in codes]
    assert all(matches)
    assert " SE " in REAL_POSTCODE_AREAS
    assert not [area for area in {m[1] for m in matches if m} if f" {area} " in REAL_POSTCODE_AREAS]


def test_dwellings_sum_to_households(pack: Pack) -> None:
    frame = pack.read("postcodes")
    assert frame["dwellings"].is_between(10, 30).all()
    assert 15 < frame["dwellings"].mean() < 25
    sums = frame.group_by("lsoa_code").agg(pl.col("dwellings").sum())
    both = sums.join(pack.read("areas"), on="lsoa_code")
    assert both.height == 120
    assert both["dwellings"].equals(both["households"], check_names=False)
    assert both.select(
        (pl.col("population") / pl.col("households")).is_between(2.0, 2.8).all()
    ).item()


def test_no_code_can_be_real(pack: Pack) -> None:
    # Codes of the Office for National Statistics count up from 1; these start at 999001.
    for table, column, pattern in (
        ("areas", "lsoa_code", r"^E01999\d{3}$"),
        ("areas", "msoa_code", r"^E02999\d{3}$"),
        ("areas", "lad_code", r"^E09999\d{3}$"),
        ("areas", "icb_code", r"^E54999\d{3}$"),
        ("practices", "practice_code", r"^X99\d{3}$"),
        ("practice_pcn", "pcn_code", r"^U9999[A-Z]$"),
    ):
        assert pack.read(table)[column].str.contains(pattern).all(), column


def test_deprivation_uses_the_national_ranking(pack: Pack) -> None:
    frame = pack.read("deprivation").sort("imd_rank")
    assert frame["imd_rank"].is_unique().all()
    assert frame["imd_rank"].is_between(1, 33_755).all()
    assert frame["imd_score"].is_sorted(descending=True)
    assert frame["imd_score"].is_between(0, 100).all()
    # Last rank of each decile as published (Indices of Deprivation 2025, MHCLG).
    last = np.array([3375, 6751, 10126, 13502, 16877, 20253, 23628, 27004, 30379, 33755])
    expected = np.searchsorted(last, frame["imd_rank"].to_numpy()) + 1
    assert frame["imd_decile"].to_list() == expected.tolist()
    fifths = (frame["imd_decile"] + 1) // 2
    assert set(fifths) == {1, 2, 3, 4, 5}
    assert fifths.value_counts()["count"].min() >= 8
    both = frame.join(pack.read("areas"), on="lsoa_code")
    assert both["population"].equals(both["population_right"], check_names=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_are_alike_in_deprivation(seed: int) -> None:
    shapes = polygons(seed)
    score = dict(region(seed).read("deprivation").select("lsoa_code", "imd_score").iter_rows())
    own = np.array([score[code] for code in shapes])
    pairs = shapely.STRtree(list(shapes.values())).query(list(shapes.values()), predicate="touches")
    around = np.bincount(pairs[0], own[pairs[1]]) / np.bincount(pairs[0])
    assert spearmanr(own, around).statistic > 0.6


def test_measures_have_the_ids_of_the_catalogue(pack: Pack) -> None:
    frame = pack.read("area_measures")
    small = HOUSEHOLD_MEASURES | PEOPLE_MEASURES | AGED_MEASURES | PEOPLE_SCORES | HOUSEHOLD_SCORES
    expected = {(name, "lsoa", 120) for name in small} | {
        (name, "lad", 2) for name in AUTHORITY_MEASURES
    }
    assert set(frame.group_by("measure", "area_type").len().iter_rows()) == expected


def test_every_measure_that_the_catalogue_reads_is_made(pack: Pack) -> None:
    frame = pack.read("area_measures")
    held = set(frame.select("measure", "area_type").iter_rows())
    columns = pack.read("deprivation").columns
    for indicator in catalogue():
        if indicator.measure is not None and indicator.measure != "noise_exposed_55db":
            assert (indicator.measure, indicator.area_type) in held, indicator.id
        elif str(indicator.deprivation).endswith("_score"):
            assert indicator.deprivation in columns, indicator.id


def test_counts_are_parts_of_whole_lsoas(pack: Pack) -> None:
    frame = pack.read("area_measures").filter(pl.col("numerator").is_not_null())
    assert (frame["numerator"] == frame["numerator"].round()).all()
    assert frame.select((pl.col("numerator") <= pl.col("denominator")).all()).item()
    assert (frame["numerator"] >= 0).all()
    areas = pack.read("areas")
    both = frame.join(areas, left_on="area_code", right_on="lsoa_code")
    homes = both.filter(pl.col("measure").is_in(HOUSEHOLD_MEASURES))
    people = both.filter(pl.col("measure").is_in(PEOPLE_MEASURES))
    assert homes.select((pl.col("denominator") == pl.col("households")).all()).item()
    assert people.select((pl.col("denominator") == pl.col("population")).all()).item()
    groups = (
        people.filter(pl.col("measure").is_in(ETHNIC_MEASURES))
        .group_by("area_code")
        .agg(pl.col("numerator").sum(), pl.col("denominator").first())
    )
    assert groups.select((pl.col("numerator") == pl.col("denominator")).all()).item()


def test_tenures_sum_to_the_households(pack: Pack) -> None:
    frame = pack.read("area_measures").filter(pl.col("measure").str.starts_with("tenure_"))
    sums = frame.group_by("area_code").agg(
        pl.len(), pl.col("numerator").sum(), pl.col("denominator").first()
    )
    assert set(sums["len"]) == {5}
    assert (sums["numerator"] == sums["denominator"]).all()


def test_scores_fill_value_and_weight(pack: Pack) -> None:
    frame = pack.read("area_measures").filter(pl.col("numerator").is_null())
    assert set(frame["measure"]) == AUTHORITY_MEASURES | PEOPLE_SCORES | HOUSEHOLD_SCORES
    assert frame["value"].null_count() == frame["denominator"].null_count() == 0
    standardised = pl.col("measure").is_in(BELOW_ZERO)
    assert frame.filter(standardised)["value"].is_between(-6, 6).all()
    patients = frame.filter(measure="patients_per_gp")["value"]
    # Practices of England have some 2,300 patients for each full-time equivalent GP.
    assert patients.is_between(1_000, 4_000).all()
    others = frame.filter(~standardised, pl.col("measure") != "patients_per_gp")
    assert others["value"].is_between(0, 100).all()
    weights = dict(frame.group_by("measure").agg(pl.col("denominator").sum()).iter_rows())
    areas = pack.read("areas")
    people, homes = areas["population"].sum(), areas["households"].sum()
    by_homes = HOUSEHOLD_SCORES | AUTHORITY_HOUSEHOLDS
    assert weights == {name: homes if name in by_homes else people for name in weights}


def test_a_value_of_an_authority_is_the_same_all_over_it(pack: Pack) -> None:
    frame = pack.read("area_measures").filter(pl.col("measure").is_in(SPREAD_SCORES))
    both = frame.join(pack.read("areas"), left_on="area_code", right_on="lsoa_code")
    found = both.group_by("measure", "lad_code").agg(pl.col("value").n_unique())
    assert found.height == 4
    assert set(found["value"]) == {1}


def test_domains_agree_with_the_counts_they_are_made_of(pack: Pack) -> None:
    frame = pack.read("deprivation")
    measures = pack.read("area_measures")
    for measure, score, people in (
        ("income_deprived", "income_score", "population"),
        ("employment_deprived", "employment_score", "population_working_age"),
    ):
        both = measures.filter(measure=measure).join(
            frame, left_on="area_code", right_on="lsoa_code"
        )
        assert both.height == 120
        assert (both["denominator"] == both[people]).all()
        share = both["numerator"] / both["denominator"]
        assert (share - both[score]).abs().max() <= 0.0005 + 1e-9
    ages = [f"population_{name}" for name in ("children", "working_age", "older")]
    # The rest is 16 and 17, or 60 to 66 and counted twice.
    assert (frame.select(ages).sum_horizontal() / frame["population"]).is_between(0.85, 1.15).all()


@pytest.mark.parametrize(
    ("measure", "least"),
    [
        ("overcrowded_bedrooms", 0.7),
        ("tenure_social_rented", 0.7),
        ("tenure_private_rented", 0.3),
        ("one_person_households", 0.3),
        ("employment_deprived", 0.8),
        ("income_deprived", 0.8),
        ("disabled", 0.5),
        ("households_deprived", 0.8),
        ("households_deprived_three", 0.8),
        ("overcrowded_rooms", 0.7),
        ("no_car", 0.5),
        ("lone_parent_households", 0.5),
        ("unemployed", 0.7),
        ("long_term_sick", 0.7),
        ("claimant_count", 0.7),
    ],
)
def test_hardship_rises_with_deprivation(pack: Pack, measure: str, least: float) -> None:
    frame = pack.read("area_measures").filter(pl.col("measure") == measure)
    both = frame.join(pack.read("deprivation"), left_on="area_code", right_on="lsoa_code")
    share = both["numerator"] / both["denominator"]
    assert spearmanr(share, both["imd_score"]).statistic > least


@pytest.mark.parametrize(
    ("column", "least"),
    [
        ("education_score", 0.8),
        ("health_score", 0.8),
        ("crime_score", 0.5),
        ("barriers_score", 0.3),
        ("living_environment_score", 0.3),
        ("idaci_score", 0.8),
        ("idaopi_score", 0.8),
    ],
)
def test_domains_rise_with_deprivation(pack: Pack, column: str, least: float) -> None:
    frame = pack.read("deprivation")
    assert spearmanr(frame[column], frame["imd_score"]).statistic > least


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_lies_along_lines_across_the_map(seed: int) -> None:
    frame = region(seed).read("exposures")
    assert frame["exposure"].to_list() == ["noise_lden_55"] * 3
    bands = shapely.from_wkb(frame["geometry"].to_list())
    assert shapely.is_valid(bands).all()
    postcodes = region(seed).read("postcodes").select("easting", "northing").to_numpy()
    exposed = shapely.contains(shapely.union_all(bands), shapely.points(postcodes)).mean()
    assert 0.05 < exposed < 0.25


def test_every_table_says_that_it_is_synthetic(pack: Pack) -> None:
    assert len(pack.tables) == 9
    for about in pack.about.values():
        assert re.search(r"Synthetic: made by pophealth_link from seed \d+", about.title)
        assert about.licence == "MIT"


def test_loading_nothing_gives_the_example_region() -> None:
    assert load(None) == region(EXAMPLE_SEED)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = example_region(3), example_region(3)
    assert first.digest == second.digest
    assert first.digest != region(0).digest
    for name, made in (("a", first), ("b", second)):
        tables = {table: made.read(table) for table in made.tables}
        written = write(
            tables, tmp_path / name, name=made.name, n_areas=made.n_areas, about=made.about
        )
        assert written == made
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


def test_another_process_makes_the_same_region_without_geometry_libraries() -> None:
    program = (
        "import sys; from pophealth_link.reference import load; print(load(None).digest); "
        "print([m for m in ('shapely', 'geopandas', 'splink', 'altair') if m in sys.modules])"
    )
    settings = os.environ | {"POLARS_MAX_THREADS": "1", "PYTHONHASHSEED": "5"}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=settings
    )
    assert ran.stdout.split("\n")[:2] == [region(EXAMPLE_SEED).digest, "[]"]


def test_the_region_is_made_in_two_seconds() -> None:
    region(EXAMPLE_SEED)
    start = time.process_time()
    example_region(EXAMPLE_SEED)
    assert time.process_time() - start < 2


@settings(max_examples=60, deadline=None)
@given(
    shares=st.lists(st.floats(0.2, 5), min_size=1, max_size=9),
    count=st.integers(60, 200),
    seed=st.integers(0, 10_000),
)
def test_partition_gives_each_group_its_share(shares: list[float], count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, weights = rng.normal(size=(count, 2)), rng.uniform(1, 2, count)
    label = partition(points, weights, np.array(shares))
    assert set(label) == set(range(len(shares)))
    found = np.bincount(label, weights) / weights.sum()
    wanted = np.array(shares) / sum(shares)
    # Each of at most four cuts misses by at most one point's weight.
    assert np.abs(found - wanted).max() < 4 * weights.max() / weights.sum() * max(
        1, len(shares) / 4
    )


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=50))
def test_inside_agrees_with_shapely(points: list[tuple[float, float]]) -> None:
    ring = np.array([[-1.0, -1.0], [1.5, -0.7], [0.2, 0.1], [1.0, 1.3], [-1.2, 0.9]])
    polygon = shapely.Polygon(ring)
    at = np.array(points)
    clear = shapely.distance(polygon.boundary, shapely.points(at)) > 1e-9
    expected = shapely.contains(polygon, shapely.points(at))
    assert (inside(at, ring)[clear] == expected[clear]).all()


def test_wkb_round_trips_with_holes() -> None:
    outer = np.array([[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], dtype=float)
    hole = np.array([[1, 1], [1, 2], [2, 2], [1, 1]], dtype=float)
    shape = shapely.from_wkb(wkb_polygon([outer, hole]))
    assert shape.equals(shapely.Polygon(outer, [hole]))
    assert shape.area == 80.5
