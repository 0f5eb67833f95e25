from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.errors import DataError
from pophealth_link.places import deprivation_summary, imd_from_domain_ranks

ENGLAND = 33_755
NAMES = {"score": "score", "rank": "rank", "population": "people", "area": "area"}


def lsoas(*rows) -> pl.DataFrame:
    schema = {"area": pl.String, "score": pl.Float64, "rank": pl.Int64, "people": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_local_concentration_takes_exactly_a_tenth_of_the_people():
    # A tenth of 1,000 is 100: all 60 of rank 1 and 40 of the 900 of rank 11.
    frame = lsoas(("A", 9.0, 11, 900), ("A", 80.0, 1, 60), ("A", 5.0, 90, 40))
    found = deprivation_summary(frame, **NAMES, n_areas=100)
    assert found["local_concentration"].item() == pytest.approx((60 * 100 + 40 * 90) / 100)


@pytest.mark.parametrize(
    ("rank", "weight"),
    [(1, 1.0), (100, 1.0), (101, 0.95), (110, 0.95), (291, 0.05), (300, 0.05), (301, 0.0)],
)
def test_extent_falls_from_the_tenth_to_the_thirtieth_percentile(rank, weight):
    found = deprivation_summary(lsoas(("A", 1.0, rank, 5)), **NAMES, n_areas=1000)
    assert found["extent"].item() == pytest.approx(weight)
    assert found["proportion_most_deprived_decile"].item() == (1.0 if rank <= 100 else 0.0)


def test_areas_without_people_or_values_have_none_and_are_counted():
    frame = lsoas(("A", 1.0, 1, 0), ("B", None, 2, 9), ("C", 3.0, 3, 9), ("C", 4.0, None, 9))
    found = deprivation_summary(frame, **NAMES, n_areas=10)
    assert found["average_score"].to_list() == [None, None, 3.0]
    assert found["lsoas"].to_list() == [1, 0, 1]
    assert found["lsoas_left_out"].to_list() == [0, 1, 1]


def test_scale_sums_the_people_deprived():
    frame = lsoas(("A", 1.0, 1, 10), ("A", 1.0, 2, 10)).with_columns(poor=pl.Series([3, 4]))
    found = deprivation_summary(frame.lazy(), **NAMES, n_areas=10, scale="poor")
    assert found["scale"].to_list() == [7.0]


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (lsoas(("A", 1.0, 11, 5)), "1 ranks outside 1 to 10"),
        (lsoas(("A", 1.0, 1, -5)), "1 populations below 0"),
        (lsoas(("A", 1.0, 1, 5)).drop("score"), "score  absent"),
        (lsoas(("A", 1.0, 1, 5)).cast({"rank": pl.String}), "rank  is not a number"),
    ],
)
def test_impossible_frames_are_refused(frame, match):
    with pytest.raises(DataError, match=match):
        deprivation_summary(frame, **NAMES, n_areas=10)


people = st.lists(st.integers(0, 3000), min_size=1, max_size=30)


@given(people, st.randoms(use_true_random=False))
def test_measures_are_bounded_and_do_not_depend_on_row_order(sizes, random):
    rows = [(random.choice("AB"), 90 / (n + 1), n + 1, p) for n, p in enumerate(sizes)]
    found = deprivation_summary(lsoas(*rows), **NAMES, n_areas=30)
    random.shuffle(rows)
    again = deprivation_summary(lsoas(*rows), **NAMES, n_areas=30)
    assert_frame_equal(found, again, check_exact=True)
    for row in found.drop_nulls("average_score").iter_rows(named=True):
        assert 0 <= row["extent"] <= 1 + 1e-12
        # The most deprived tenth of the people is at least as deprived as all of them.
        assert row["average_rank"] <= row["local_concentration"] + 1e-9 <= 30 + 1e-6


@pytest.fixture
def england(open_data) -> pl.DataFrame:
    ages = pl.read_parquet(open_data / "census" / "age_group_2021_lsoa21.parquet")
    ages = ages.select("lsoa21_code", people=pl.sum_horizontal(pl.exclude("lsoa21_code")))
    lads = pl.read_parquet(open_data / "lookups" / "lsoa21_ward24_ltla24.parquet")
    imd = pl.read_parquet(open_data / "deprivation" / "iod2025_lsoa21.parquet")
    return imd.join(ages, on="lsoa21_code").join(
        lads.select("lsoa21_code", "ltla24_code"), on="lsoa21_code"
    )


def test_published_summaries_of_local_authorities_are_met(open_data, england):
    found = deprivation_summary(
        england,
        score="IMD_score",
        rank="IMD_rank",
        population="people",
        area="ltla24_code",
        n_areas=ENGLAND,
    )
    published = pl.read_parquet(open_data / "deprivation" / "iod2025_summary_ltla24.parquet")
    both = found.join(published, on="ltla24_code")
    assert both.height == 296
    # The published measures weigh by mid-2022 people, these by those of the Census.
    limits = {
        "average_score": ("imd_average_score", 0.031),
        "average_rank": ("imd_average_rank", 22),
        "extent": ("imd25_extent", 0.0006),
        "local_concentration": ("imd25_local_concentration", 15),
    }
    for name, (column, limit) in limits.items():
        assert (both[name] - both[column]).abs().median() < limit, name
    share = "imd_proportion_of_lso_as_in_most_deprived_10_percent_nationally"
    assert (both["proportion_most_deprived_decile"].round(4) - both[share]).abs().max() < 1e-4
    bexley = both.row(by_predicate=pl.col("ltla24_code") == "E09000004", named=True)
    assert bexley["lsoas"] == 148
    assert bexley["average_score"] == pytest.approx(15.302, rel=0.01)
    assert bexley["average_rank"] == pytest.approx(12_983.40, rel=0.01)
    assert bexley["extent"] == pytest.approx(0.0744, abs=0.002)
    assert bexley["local_concentration"] == pytest.approx(27_813.43, rel=0.01)


def test_the_published_index_follows_from_its_domains(england):
    ranks = {
        "income": "Income_rank",
        "employment": "Employment_rank",
        "education": "Education_rank",
        "health": "Health_rank",
        "crime": "Crime_rank",
        "barriers": "Housing_and_Services_rank",
        "living_environment": "Environment_rank",
    }
    found = imd_from_domain_ranks(england, n_areas=ENGLAND, ranks=ranks)
    assert (found["imd_score"] - found["IMD_score"]).abs().max() <= 0.0007 + 1e-6


def test_the_index_names_what_it_lacks():
    frame = pl.DataFrame({"income_rank": [1]})
    with pytest.raises(DataError, match="crime_rank  absent"):
        imd_from_domain_ranks(frame, n_areas=10)
    with pytest.raises(DataError, match="crime  has no column"):
        imd_from_domain_ranks(frame, n_areas=10, ranks={"income": "income_rank"})
