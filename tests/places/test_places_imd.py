"""The index from its domains, and domains from their parts."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.errors import DataError
from pophealth_link.places import (
    domain_from_subdomain_ranks,
    domain_summary,
    imd_from_domain_ranks,
)
from pophealth_link.places.imd import DOMAIN_WEIGHTS, EDITIONS, edition_of, ranked


@pytest.mark.parametrize("edition", EDITIONS.values())
def test_weights_and_shares_are_whole(edition):
    assert sum(edition.weights.values()) == pytest.approx(99.9)  # 9.3 % is a rounded 28/3
    for parts in edition.parts.values():
        assert sum(parts.values()) == pytest.approx(1)


def test_the_living_environment_is_shared_out_otherwise_in_each_edition():
    rows = pl.DataFrame({"indoors_rank": [1], "outdoors_rank": [1000]})
    shares = {
        edition: domain_from_subdomain_ranks(rows, "living_environment", edition=edition, n_areas=1000)["living_environment_score"].item()
        for edition in EDITIONS
    }  # fmt: skip
    # The last has R = 1/n, and E = -23 ln(1 - (1 - exp(-100/23))/n).
    last = -23 * math.log(1 - (1 - math.exp(-100 / 23)) / 1000)
    assert shares["2025"] == pytest.approx(70 + 0.3 * last)
    assert shares["2019"] == pytest.approx(200 / 3 + last / 3)


@given(st.lists(st.integers(1, 50), min_size=7, max_size=7), st.integers(0, 6))
def test_the_index_rises_as_a_domain_becomes_more_deprived(ranks, place):
    names = [f"{domain}_rank" for domain in DOMAIN_WEIGHTS]
    better = dict(zip(names, ranks, strict=True))
    worse = better | {names[place]: better[names[place]] - 1 or 1}
    frame = pl.DataFrame([better, worse])
    low, high = imd_from_domain_ranks(frame, n_areas=50)["imd_score"]
    assert 0 < low <= high <= 100


def test_ranks_of_a_score_share_the_best():
    frame = pl.DataFrame({"s": [2.0, 5.0, 5.0, 1.0]})
    assert frame.select(ranked("s", name="r"))["r"].to_list() == [3, 1, 1, 4]


def test_unknown_editions_and_domains_are_refused():
    with pytest.raises(DataError, match="known  2019, 2025"):
        edition_of("2015")
    with pytest.raises(DataError, match="Did you mean `education`"):
        domain_from_subdomain_ranks(pl.DataFrame(), "educaton")
    with pytest.raises(DataError, match="outdoors_rank  absent"):
        domain_from_subdomain_ranks(pl.DataFrame({"indoors_rank": [1]}), "living_environment")


def test_each_domain_is_weighed_by_its_own_people():
    frame = pl.DataFrame(
        {
            "lad": ["A", "A"],
            "employment_score": [0.3, 0.1],
            "employment_rank": [1, 9],
            "idaci_score": [0.5, 0.0],
            "idaci_rank": [1, 9],
            "population": [100, 100],
            "population_working_age": [30, 90],
            "population_children": [10, 40],
            "employment_numerator": [9, 9],
        }
    )
    found = domain_summary(frame, area="lad", n_areas=10)
    assert found["domain"].to_list() == ["employment", "idaci"]
    assert found["average_score"].to_list() == pytest.approx([18 / 120, 5 / 50])
    assert found["average_rank"].to_list() == pytest.approx(
        [(30 * 10 + 90 * 2) / 120, (10 * 10 + 40 * 2) / 50]
    )
    assert found["scale"].to_list() == [18.0, None]
    assert found["proportion_most_deprived_decile"].to_list() == [0.5, 0.5]
    with pytest.raises(DataError, match="population_older  absent"):
        domain_summary(frame.with_columns(idaopi_score=1.0, idaopi_rank=1), area="lad", n_areas=10)


def test_published_domains_follow_from_their_parts(open_data):
    scores = pl.read_parquet(open_data / "deprivation" / "iod2025_lsoa21.parquet")
    parts = pl.read_parquet(open_data / "deprivation" / "iod2025_subdomains_lsoa21.parquet")
    both = scores.join(parts, on="lsoa21_code")
    published = {
        "education": ("Education_score", 0.0014),
        "barriers": ("Housing_and_Services_score", 0.0006),
        "living_environment": ("Environment_score", 0.0006),
    }
    for domain, (column, limit) in published.items():
        made = domain_from_subdomain_ranks(both, domain)
        assert (made[f"{domain}_score"] - made[column]).abs().max() < limit, domain


@pytest.mark.parametrize("wrong", [0, 101, -5, float("nan")])
def test_ranks_that_are_none_are_refused(wrong):
    rows = pl.DataFrame({f"{d}_rank": [1.0, 100.0, None] for d in DOMAIN_WEIGHTS})
    assert imd_from_domain_ranks(rows, n_areas=100)["imd_score"].null_count() == 1
    bad = rows.with_columns(crime_rank=pl.Series([1.0, wrong, None]))
    with pytest.raises(DataError, match=r"crime_rank  1 of 3 are not"):
        imd_from_domain_ranks(bad, n_areas=100)
    texts = rows.with_columns(pl.col("crime_rank").cast(pl.String))
    with pytest.raises(DataError, match="must be numbers"):
        imd_from_domain_ranks(texts, n_areas=100)
    parts = pl.DataFrame({"indoors_rank": [wrong], "outdoors_rank": [1.0]})
    with pytest.raises(DataError, match="indoors_rank"):
        domain_from_subdomain_ranks(parts, "living_environment", n_areas=100)


def test_the_index_of_2019_ranks_as_published(open_data):
    held = pl.read_parquet(open_data / "deprivation" / "iod2019_lsoa11.parquet")
    names = (
        "Income",
        "Employment",
        "Education",
        "Health",
        "Crime",
        "Housing_and_Access",
        "Environment",
    )
    ranks = {d: f"{n}_rank" for d, n in zip(DOMAIN_WEIGHTS, names, strict=True)}
    made = imd_from_domain_ranks(held, ranks=ranks, edition="2019")
    off = made.select((ranked("imd_score", name="r") - pl.col("IMD_rank")).abs())["r"]
    assert off.max() <= 2
    assert (off == 0).mean() > 0.995
