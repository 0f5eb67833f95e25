"""Threshold sensitivity equals what linking again at each threshold gives."""

import polars as pl
import pytest
from true_worlds import graded, relinked

from pophealth_link.errors import LinkageError
from pophealth_link.evaluate import sensitivity, sensitivity_rates
from pophealth_link.link import LinkSpec


def on_register(links):
    index = links.person_index
    people = index.filter(method="register")["person_id"].implode()
    return index.filter((pl.col("method") != "register") & pl.col("person_id").is_in(people))


@pytest.mark.parametrize("threshold", [0.5, 0.95, 0.999])
@pytest.mark.slow
def test_links_are_those_of_a_run_with_that_threshold(hard, threshold):
    again = relinked(hard.sources, LinkSpec(accept_probability=threshold))
    told = sensitivity(hard.links, thresholds=[threshold]).counts
    rows = told.filter(pl.col("threshold") == threshold, pl.col("source") != "all")
    true = on_register(again).group_by("source").agg(pl.len().cast(pl.Int64).alias("links"))
    assert rows.select("source", "links").sort("source").equals(true.sort("source"))


def test_more_is_asked_the_fewer_links_and_the_more_people(hard):
    whole = sensitivity(hard.links).counts.filter(source="all").sort("threshold")
    assert whole["links"].to_list() == sorted(whole["links"], reverse=True)
    assert whole["expected_false"].to_list() == sorted(whole["expected_false"], reverse=True)
    assert whole["people"].to_list() == sorted(whole["people"])
    assert (whole["people"] + whole["links"]).n_unique() == 1
    assert whole["links"][0] > whole["links"][-1]


def test_sources_add_up_and_the_runs_own_threshold_is_there(hard):
    counts = sensitivity(hard.links, thresholds=[0.7]).counts
    assert sorted(counts["threshold"].unique()) == [0.7, hard.links.spec.accept_probability]
    parts, whole = (counts.filter(one) for one in (pl.col("source") != "all", source_all()))
    for name in ("records", "links", "weighed"):
        sums = parts.group_by("threshold").agg(pl.col(name).sum()).sort("threshold")
        assert sums[name].to_list() == whole.sort("threshold")[name].to_list()


def source_all():
    return pl.col("source") == "all"


def test_expected_false_links_are_of_the_right_size(hard):
    """The shipped model knows this generator: at one half, where links are doubtful, it expects a
    number of false links within a factor of four of the true one, or within five of it."""
    told = sensitivity(hard.links, thresholds=[0.5]).counts.filter(threshold=0.5, source="all")
    again = graded(relinked(hard.sources, LinkSpec(accept_probability=0.5)), hard.truth)
    true = again.filter(pl.col("linked") & ~pl.col("correct")).height
    expected = told["expected_false"].item()
    assert abs(expected - true) < max(5, 3 * min(expected, true))


def test_a_threshold_outside_is_refused(hard):
    with pytest.raises(LinkageError, match="between 0 and 1"):
        sensitivity(hard.links, thresholds=[1.0])


def test_rates_bear_withheld_counts():
    counts = pl.DataFrame(
        {"source": "a", "threshold": 0.9, "records": [100, 100, None], "links": [50, 0, 5],
         "weighed": [10, 0, 0], "expected_false": [1, 0, None], "people": [None] * 3}
    )  # fmt: skip
    rated = sensitivity_rates(counts)
    assert rated["linked"].to_list() == [0.5, 0.0, None]
    assert rated["expected_false_share"].to_list() == [0.02, None, None]
