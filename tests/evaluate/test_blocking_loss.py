"""Blocking loss: which rules compare a pair, the estimates, and how far they are from the truth."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from quality_people import NUMBERS, register, source
from true_worlds import KEY, RECORD, holding, relinked

from pophealth_link.evaluate import blind_run, blocking_loss, loss_rates
from pophealth_link.evaluate.compared import rules_of_pairs
from pophealth_link.evaluate.hidden import holders
from pophealth_link.link import blocking, link


def rids(links, *names):
    ids = links.records.filter(~pl.col("alias")).select("record_id", "rid")
    return [dict(ids.iter_rows())[name] for name in names]


def test_a_pair_meets_the_rules_whose_columns_agree():
    care = source("care", [
        ("same", None, "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
        ("none", None, "Xavier", "Quux", date(2001, 2, 3), "1", "XC9 9ZZ"),
        ("year", None, "Paul", "Zielinski", date(1975, 4, 1), "1"),
    ])  # fmt: skip
    links = link([register(), care], key=KEY)
    person, *others = rids(links, "4", "same", "none", "year")
    pairs = pl.DataFrame({"rid_l": [person] * 3, "rid_r": others})
    met = rules_of_pairs(pairs, links.records)
    by_record = {rid: set(met.filter(rid_r=rid)["rule"]) for rid in others}
    every = {rule.name for rule in blocking.RULES}
    # All but those that need two dates, a house number or a middle name.
    assert {"birth", "uprn", "home_and_year", "family_and_year"} <= by_record[others[0]] <= every
    assert by_record[others[1]] == set()
    assert "family_and_year" in by_record[others[2]]
    assert "birth" not in by_record[others[2]]


def test_the_pairs_of_the_rules_are_those_that_are_compared(hard):
    """Every pair that blocking proposes meets a rule, and no other pair of those records does."""
    register_rows = hard.links.records.filter("on_register").head(400)
    others = hard.links.records.filter(source="housing_register").head(300)
    proposed = blocking.candidates(register_rows, others)
    left, right = (each.select(rid=pl.col("rid").unique()) for each in (register_rows, others))
    every = left.rename({"rid": "rid_l"}).join(right.rename({"rid": "rid_r"}), how="cross")
    met = rules_of_pairs(every, hard.links.records).select("rid_l", "rid_r").unique()
    assert met.height > 20
    assert met.sort("rid_l", "rid_r").rows() == proposed.sort("rid_l", "rid_r").rows()


def counted(once, twice, found, rules):
    names = ("records", "never_compared", "listed", "asked", "registered")
    chao = {"once": once, "twice": twice, "found": found, "rules": rules}
    row = {"source": "all", **chao, **dict.fromkeys(names)}
    return pl.DataFrame(
        [row], schema={"source": pl.String, **dict.fromkeys(list(row)[1:], pl.Int64)}
    )


def test_chao_by_hand():
    # 4/5 · 10 · 9 / (2 · 6) = 6 more than the 94.
    share = loss_rates(counted(10, 5, 94, 5)).row(0, named=True)
    assert share["share"] == pytest.approx(6 / 100)
    # S² = 6 + 0.64 · (10 · 19² / (4 · 36) + 100 · 5 · 81 / (4 · 1296)); C = exp(1.96 √ln(1 + S²/36)).
    variance = 6 + 0.64 * (10 * 361 / 144 + 100 * 5 * 81 / (4 * 1296))
    spread = np.exp(1.959964 * np.sqrt(np.log(1 + variance / 36)))
    assert share["share_lower"] == pytest.approx(6 / spread / (94 + 6 / spread))
    assert share["share_upper"] == pytest.approx(6 * spread / (94 + 6 * spread))


def captured(chances, rng):
    """How many of the links each of five rules finds, by chance."""
    times = rng.binomial(5, chances)
    found = times[times > 0]
    return counted(int((found == 1).sum()), int((found == 2).sum()), len(found), 5), times


def test_chao_is_right_where_rules_fail_by_chance_and_low_where_they_fail_together():
    rng = np.random.default_rng(1)
    alike, times = captured(np.full(4000, 0.3), rng)
    row = loss_rates(alike).row(0, named=True)
    # (1 - 0.3)⁵ = 0.168: 672 links unseen, whose estimate has a standard error of about 60.
    assert row["share"] == pytest.approx((times == 0).mean(), abs=0.04)
    assert row["share_lower"] < 0.168 < row["share_upper"]
    unlike, times = captured(np.where(rng.random(4000) < 0.2, 0.1, 0.6), rng)
    row = loss_rates(unlike).row(0, named=True)
    assert 0.3 * (times == 0).mean() < row["share"] < (times == 0).mean()


@pytest.mark.parametrize(
    ("counts", "share"), [((None, 5, 94), None), ((0, 0, 94), 0.0), ((0, 0, 0), None)]
)
def test_withheld_and_empty_counts(counts, share):
    rated = loss_rates(counted(*counts, 5)).row(0, named=True)
    assert (rated["share"], rated["share_upper"]) == (share, None)


def true_loss(links, truth):
    """Share of the records without a trusted number whose person no rule compares them with."""
    main = links.records.filter(~pl.col("alias")).join(
        truth.select(*RECORD, true_person="person_id"), on=RECORD
    )
    people = main.filter("on_register").select("true_person", rid_l="rid")
    others = main.filter(~pl.col("on_register")).join(holders(links), on="rid", how="anti")
    pairs = others.select("true_person", "source", rid_r="rid").join(people, on="true_person")
    met = rules_of_pairs(pairs, links.records)["rid_r"].unique().implode()
    each = pairs.unique("rid_r").with_columns(lost=~pl.col("rid_r").is_in(met))
    return dict(each.group_by("source").agg(pl.col("lost").mean()).iter_rows())


@pytest.mark.slow
def test_estimates_are_on_their_sides_of_the_truth(seen):
    """A fifth of the records has too little for any rule, and a person's other mistakes cannot
    tell of it: capture and recapture sees next to nothing of that, the numbers see it well."""
    links = relinked(holding(seen, well=0.5, ill=0.5, seed=1))
    loss = blocking_loss(links, blind_run(links, seed=2))
    true = true_loss(links, seen.truth)
    for name in ("acute", "mental_health_trust"):
        rows = loss.rates().filter(source=name)
        found = {row["method"]: row for row in rows.iter_rows(named=True)}
        assert 0.12 < true[name] < 0.26
        assert found["chao"]["share"] < true[name]
        assert found["number_subset"]["share"] == pytest.approx(true[name], abs=0.06)
        assert found["registered_alike"]["share"] == pytest.approx(true[name], abs=0.05)


def test_counts_are_whole_and_rules_are_all_there(hard):
    loss = blocking_loss(hard.links)
    assert loss.counts["source"].to_list()[-1] == "all"
    assert all(kind == pl.Int64 for kind in loss.counts.drop("source").dtypes)
    parts = loss.counts.filter(pl.col("source") != "all")
    # Each part is rounded by itself.
    assert abs(parts["found"].sum() - loss.counts["found"][-1]) <= parts.height
    assert loss.rules["rule"].to_list() == [rule.name for rule in blocking.RULES]
    assert (loss.rules["alone"] <= loss.rules["links"]).all()
    assert set(loss.rates()["method"].drop_nulls()) >= {"chao"}


def test_without_any_number_there_is_capture_and_recapture_alone():
    care = source("care", [("a", None, "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD")])
    numbers = [("b", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17))]
    links = link([register(), care, source("trust", numbers)], key=KEY)
    rated = blocking_loss(links).rates().filter(source="care")
    shares = dict(rated.select("method", "share").iter_rows())
    assert shares == {"chao": 0.0, "number_subset": None, "registered_alike": None}
