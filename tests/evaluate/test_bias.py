"""Bias: groups add up, differences are the published formula's, missed matches those of truth."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from true_worlds import RECORD

from pophealth_link import reference
from pophealth_link.errors import DataError
from pophealth_link.evaluate import (
    bias,
    bias_rates,
    blind_run,
    outcomes_of_truth,
    place_groups,
    record_groups,
    score,
    standardised_differences,
)

DAY = date(2026, 4, 1)
GROUPS = pl.DataFrame(
    {"source": ["a"] * 6, "record_id": list("123456"), "sex": ["1", "1", "1", "2", "2", None]}
)
INDEX = pl.DataFrame(
    {
        "source": ["gp", "gp", *["a"] * 6],
        "record_id": ["1", "2", *"123456"],
        "person_id": ["p", "q", "p", "p", "x", "q", "y", "z"],
        "method": ["register", "register", *["probabilistic"] * 2, "unlinked", "nhs_number",
                   *["unlinked"] * 2],
    }
)  # fmt: skip


def test_counts_by_hand():
    rows = bias(INDEX, GROUPS).counts.filter(source="a")
    by_sex = rows.filter(dimension="sex").select("group", "records", "linked").rows()
    assert by_sex == [("1", 3, 2), ("2", 2, 1), ("unknown", 1, 0)]
    assert rows.filter(dimension="all").select("records", "linked").row(0) == (6, 3)
    assert rows["missed"].to_list() == [None] * 4


def test_missed_matches_by_hand():
    outcomes = pl.DataFrame(
        {"source": "a", "record_id": list("12345"),
         "outcome": ["found", "wrong", "missed", "found", "stranger"]}
    )  # fmt: skip
    rows = bias(INDEX, GROUPS, outcomes=outcomes).counts.filter(source="a", dimension="sex")
    assert rows.select("group", "known", "missed").rows() == [
        ("1", 3, 2), ("2", 1, 0), ("unknown", 0, 0)
    ]  # fmt: skip


def test_the_standardised_difference_is_austins():
    """Of 90 linked 60 are women, of 10 unlinked 3: (0.667 - 0.3) / √((0.222 + 0.21) / 2)."""
    counts = pl.DataFrame(
        {"source": "a", "dimension": "sex", "group": ["1", "2"], "records": [37, 63],
         "linked": [30, 60]}
    )  # fmt: skip
    women = standardised_differences(counts).filter(group="2").row(0, named=True)
    p, q = 60 / 90, 3 / 10
    d = (p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert women["standardised_difference"] == pytest.approx(d)
    reach = 1.959964 * np.sqrt(1 / 90 + 1 / 10 + d**2 / 200)
    assert women["standardised_difference_lower"] == pytest.approx(d - reach)
    assert women["standardised_difference_upper"] == pytest.approx(d + reach)
    assert women["noteworthy"]
    assert women["share_linked"] == pytest.approx(p)
    assert women["share_unlinked"] == pytest.approx(q)


def test_a_withheld_group_takes_the_others_with_it_unless_the_total_is_known():
    parts = pl.DataFrame(
        {"source": "a", "dimension": "sex", "group": ["1", "2", "9"],
         "records": [40, 60, None], "linked": [30, 50, None]}
    )  # fmt: skip
    total = pl.DataFrame(
        {"source": "a", "dimension": "all", "group": "all", "records": [105], "linked": [85]}
    )
    alone = standardised_differences(parts)["standardised_difference"].to_list()
    assert alone == [None, None, None]
    known = standardised_differences(pl.concat([total, parts]))
    assert known["share_linked"].to_list() == pytest.approx([30 / 85, 50 / 85, None])
    rated = bias_rates(parts.with_columns(known=None, missed=None))
    assert rated["linkage_rate"].to_list() == [0.75, pytest.approx(50 / 60), None]
    assert rated["small"].to_list() == [True, False, True]


@pytest.mark.parametrize("linked", [0, 10])
def test_nobody_or_everybody_linked_has_no_difference(linked):
    counts = pl.DataFrame(
        {"source": "a", "dimension": "sex", "group": ["1", "2"], "records": [10, 10],
         "linked": [linked, linked]}
    )  # fmt: skip
    found = standardised_differences(counts)["standardised_difference"]
    assert found.to_list() == [None, None]


def test_groups_make_up_their_source(hard):
    pack = reference.load(None)
    places = place_groups(pack.read("postcodes"), pack.read("areas"), pack.read("deprivation"))
    groups = record_groups(hard.links.records, as_of=DAY, places=places)
    assert groups.height == hard.links.person_index.height
    counts = bias(hard.links.person_index, groups).counts
    dimensions = {"sex", "age_band", "ethnic_group", "quintile", "practice_code", "lad_code"}
    assert set(counts["dimension"]) == {"all", *dimensions}
    sums = counts.group_by("source", "dimension").agg(pl.col("records", "linked").sum())
    assert (
        sums.group_by("source").agg(pl.struct("records", "linked").n_unique())["records"].to_list()
        == [1] * sums["source"].n_unique()
    )
    others = hard.links.person_index.filter(pl.col("method") != "register").height
    assert counts.filter(source="all", dimension="all")["records"].item() == others
    assert set(counts.filter(dimension="quintile")["group"]) <= {*"12345", "unknown"}


def test_missed_matches_are_one_less_recall_of_the_score(seen):
    """Truth told as outcomes gives what `score` gives, by group."""
    truth = seen.truth.with_columns(group=pl.col("ethnic_group"))
    scored = score(seen.links.person_index, truth, by=["group"]).filter(dimension="group")
    outcomes = outcomes_of_truth(seen.links.person_index, truth)
    groups = truth.select(*RECORD, "group")
    counts = bias(seen.links.person_index, groups, outcomes=outcomes).counts
    rows = bias_rates(counts.filter(source="all", dimension="group"))
    both = rows.join(scored, on="group")
    assert both.height == 5
    assert both["missed_rate"].to_list() == pytest.approx((1 - both["recall"]).to_list())
    assert both["known"].to_list() == both["linkable"].to_list()


def test_the_blind_run_sees_who_is_missed(seen, numberless):
    """Missed-match rates by age, of hidden records against truth: within three standard errors."""
    run = blind_run(seen.links, seed=2, sample=10**6)
    groups = record_groups(seen.links.records, as_of=DAY).with_columns(
        adult=pl.when(pl.col("age_band").is_in(["00-04", "05-09", "10-14", "15", "16-17"]))
        .then(pl.lit("child"))
        .otherwise(pl.lit("adult"))
    )
    of_blind = bias(seen.links.person_index, groups, by=["adult"], outcomes=run.outcomes)
    true = outcomes_of_truth(numberless["seen"].person_index, seen.truth)
    asked = true.join(run.outcomes.select(RECORD), on=RECORD, how="semi")
    of_truth = bias(seen.links.person_index, groups, by=["adult"], outcomes=asked)
    told, known = (
        each.rates().filter(source="all", dimension="adult") for each in (of_blind, of_truth)
    )
    assert told["known"].min() > 100
    errors = (known["missed_rate"] * (1 - known["missed_rate"]) / known["known"]).sqrt()
    assert ((told["missed_rate"] - known["missed_rate"]).abs() < 3 * errors).all()


def test_an_absent_column_is_told(hard):
    groups = record_groups(hard.links.records, as_of=DAY)
    with pytest.raises(DataError, match="Did you mean `ethnic_group`"):
        bias(hard.links.person_index, groups, by=["ethnic_grop"])
