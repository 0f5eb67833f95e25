"""Threshold sensitivity equals what linking again at each threshold gives."""

from datetime import date

import polars as pl
import pytest
from quality_people import NUMBERS, REGISTER, register, source
from true_worlds import KEY, graded, relinked

from pophealth_link.errors import LinkageError
from pophealth_link.evaluate import sensitivity, sensitivity_rates
from pophealth_link.link import LinkSpec, link


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


def test_at_the_runs_own_threshold_the_links_are_those_of_the_run(hard):
    told, true = own_and_true(hard.links)
    assert told == true


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


def own_and_true(links):
    """Links to the register by source: as told at the run's own threshold, and as they are."""
    told = sensitivity(links).counts.filter(
        pl.col("threshold") == links.spec.accept_probability, pl.col("source") != "all"
    )
    true = dict(on_register(links).group_by("source").len().iter_rows())
    assert sum(true.values()) > 0
    whole = sensitivity(links).counts.filter(
        pl.col("threshold") == links.spec.accept_probability, pl.col("source") == "all"
    )
    assert whole["people"].item() == links.person_index["person_id"].n_unique()
    return dict(told.select("source", "links").iter_rows()), true


MARGARET = ("Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11")
SLIP = ("Margret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11")
RUTH = ("Ruth", "Whitcombe", date(1990, 1, 7), "2", "XA1 1AB", "12")


def test_two_records_whose_numbers_differ_are_no_link_at_the_runs_own_threshold():
    """Both are Margaret's by everything but their two numbers: a tie, which links neither."""
    nobody = NUMBERS[7]
    silent = [("1", None, *MARGARET), *REGISTER[1:]]
    sources = [
        register(silent),
        source("care", [("a", NUMBERS[6], *SLIP), ("c", None, "Ruthh", *RUTH[1:])]),
        source("housing", [("b", nobody, *SLIP)]),
    ]
    links = link(sources, LinkSpec(accept_probability=0.8), key=KEY)
    assert links.pairs.filter(pl.col("pass") == "probabilistic", decision="tie").height == 2
    told, true = own_and_true(links)
    assert told == {"care": true.get("care", 0), "housing": 0}


def test_links_that_reviewers_made_and_those_that_follow_are_told(tmp_path):
    path = tmp_path / "reviewed.csv"
    columns = "source_l,record_id_l,source_r,record_id_r,decision\n"
    path.write_text(columns + "gp,4,care,strange,yes\ncare,a,housing,b,yes\n")
    sources = [
        register(),
        source("care", [("a", None, *SLIP), ("strange", None, "Xxx", "Yyy", date(1933, 3, 3))]),
        source("housing", [("b", None, "Zzz", "Vvv", date(1944, 4, 4))]),
    ]
    links = link(sources, LinkSpec(decisions=path), key=KEY)
    told, true = own_and_true(links)
    assert told == true == {"care": 2, "housing": 1}
    # Where the first is not linked, who goes with it is not.
    high = sensitivity(links, thresholds=[1 - 1e-12]).counts.sort("threshold")
    last = high.filter(pl.col("threshold") == high["threshold"].max())
    assert dict(last.select("source", "links").iter_rows()) == {"care": 1, "housing": 0, "all": 1}


def test_links_of_an_earlier_run_and_by_way_of_a_number_are_told(tmp_path):
    shared = NUMBERS[7]
    care = source("care", [("a", None, *SLIP), ("k", shared, "Ruthh", *RUTH[1:])])
    trust = source("trust", [("t", shared, None, None, None)], setting="secondary_care")
    first = link([register(), care], key=KEY)
    first.person_index.write_parquet(tmp_path / "person_index.parquet")
    spec = LinkSpec(previous_index=tmp_path / "person_index.parquet")
    for links in (
        link(
            [register([("1", None, *MARGARET), *REGISTER[1:2], ("3", None, *RUTH)]), care, trust],
            key=KEY,
        ),
        link([register(), care, trust], spec, key=KEY),
    ):
        told, true = own_and_true(links)
        assert {name: told[name] for name in true} == true
