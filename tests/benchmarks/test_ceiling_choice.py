"""The ceiling: what it learns from measured pairs, and how it chooses among them."""

import math

import polars as pl
import pytest

pytest.importorskip("sklearn", reason="the ceiling needs scikit-learn (extra: bench)")

from benchmarks.ceiling_choice import best_matches
from benchmarks.ceiling_context import lead
from benchmarks.ceiling_model import FOLDS, fit

from benchmarks import ceiling_learning as learning


def test_lead_over_the_best_of_the_others():
    frame = pl.DataFrame({"g": ["x", "x", "x", "y", "z", "z"], "v": [5.0, 3.0, 1.0, 9.0, 2.0, 2.0]})
    found = frame.with_columns(lead=lead("v", "g"))["lead"].to_list()
    assert found == [2.0, -2.0, -4.0, None, 0.0, 0.0]


def chosen(pairs, unique, linked=()):
    frame = pl.DataFrame(pairs, schema={"rid_l": pl.UInt32, "rid_r": pl.UInt32, "score": pl.Float64},
                         orient="row")  # fmt: skip
    ids = sorted({p[1] for p in pairs} | {r for _, r in linked})
    facts = pl.DataFrame({"rid": ids}, schema={"rid": pl.UInt32}).with_columns(
        source=pl.lit("care"), unique_people=pl.lit(unique)
    )
    given = pl.DataFrame(linked, schema={"rid_l": pl.UInt32, "rid_r": pl.UInt32}, orient="row")
    records = facts.rename({"rid": "rid_r"})
    found = best_matches(frame, records, given, facts)
    return {row[1]: row[0] for row in found.iter_rows()}


def test_a_person_has_one_record_in_a_source_of_unique_people():
    pairs = [(1, 10, 4.0), (1, 11, 3.0), (2, 11, 1.0), (3, 12, 2.0), (4, 13, 1.0), (4, 14, 1.0)]
    assert chosen(pairs, unique=True) == {10: 1, 11: 2, 12: 3}  # 13 and 14 are tied
    assert chosen(pairs, unique=False) == {10: 1, 11: 1, 12: 3, 13: 4, 14: 4}
    assert chosen(pairs, unique=True, linked=[(3, 99)]) == {10: 1, 11: 2}


def test_ties_are_nobodys_unless_both_are_likelier_than_not():
    assert chosen([(1, 10, -1.0), (2, 10, -1.0)], unique=True) == {}
    assert chosen([(1, 10, 2.0), (2, 10, 2.0)], unique=True) == {10: 1}


def test_the_least_score_counts_links_by_number():
    def chance(p):
        return math.log(p / (1 - p))

    scores = [chance(0.99), chance(0.9)]
    judged = pl.DataFrame({"score": scores, "right": True, "by_number": False})
    # One in 100 is wrong at the first, 11 in 200 with the second.
    assert learning.least_score(judged, 0.01 + 1e-9) == pytest.approx(scores[0])
    assert learning.least_score(judged, 0.055 + 1e-9) == pytest.approx(scores[1])
    assert learning.least_score(judged, 0.001) > scores[0]
    # With 98 links by number, one of them wrong, there are 1.11 wrong among 100.
    given = pl.DataFrame(
        {"score": [None] * 98, "right": [True] * 97 + [False], "by_number": True},
        schema_overrides={"score": pl.Float64},
    )
    both = pl.concat([judged, given])
    assert learning.least_score(both, 0.0111 + 1e-9) == pytest.approx(scores[1])
    assert learning.least_score(both, 0.011) == pytest.approx(scores[0])


def test_a_feature_that_is_nowhere_known_is_left_out():
    rows = 400
    pairs = pl.DataFrame(
        {
            "match": [i % 2 for i in range(rows)],
            "fold": [i // 2 % FOLDS for i in range(rows)],
            "told": [float(i % 2) for i in range(rows)],
            "never": pl.Series([None] * rows, dtype=pl.Float32),
            "in one fold": [1.0 if i // 2 % FOLDS == 0 else None for i in range(rows)],
        }
    )
    stage, logits = fit(pairs, ["told", "never", "in one fold"], seed=1, rounds=8)
    assert stage.features == ("told",)
    assert ((logits > 0) == (pairs["match"].to_numpy() == 1)).all()
    assert stage.logit(pairs.clear()).tolist() == []
