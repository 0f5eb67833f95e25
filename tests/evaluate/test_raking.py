"""Raked weights give a sample the shares of its population."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.evaluate.raking import effective_size, rake

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=60)
# Every combination once, so that any margins of the population can be reached.
EVERY = [(a, b) for a in range(3) for b in range(2)]


def frame(rows):
    return pl.DataFrame(rows, schema=["a", "b"], orient="row")


def shares(frame, column, weight):
    rows = frame.with_columns(weight.alias("w"))
    total = rows["w"].sum()
    return dict(rows.group_by(column).agg(pl.col("w").sum() / total).iter_rows())


@given(ROWS, ROWS)
def test_each_margin_is_that_of_the_population(more, people):
    sample, population = frame(EVERY + more), frame(EVERY + people)
    weight = rake(sample, population, ["a", "b"])
    for column in ("a", "b"):
        wanted = shares(population, column, pl.lit(1.0))
        assert shares(sample, column, weight) == pytest.approx(wanted, abs=0.005)
    assert weight.mean() == pytest.approx(1)
    assert weight.min() > 0


@given(ROWS)
def test_a_sample_that_is_the_population_is_left_alone(rows):
    assert rake(frame(rows), frame(rows), ["a", "b"]).to_list() == pytest.approx([1.0] * len(rows))


def test_one_margin_is_post_stratification_by_hand():
    # 1 of 4 sampled is of group 1; half of the population is: weights 2 and 2/3.
    sample = pl.DataFrame({"a": [1, 2, 2, 2]})
    weight = rake(sample, pl.DataFrame({"a": [1, 1, 2, 2]}), ["a"])
    assert weight.to_list() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_missing_values_are_a_group_and_what_nobody_was_asked_of_is_left_out():
    sample = pl.DataFrame({"a": ["x", None]})
    population = pl.DataFrame({"a": ["x", None, None, None, "never sampled"]})
    assert rake(sample, population, ["a"]).to_list() == pytest.approx([0.5, 1.5])
    assert rake(sample, population.clear(), ["a"]).to_list() == [1, 1]


def test_unequal_weights_tell_less():
    weights = pl.DataFrame({"w": [3.0, 1.0, 1.0, 1.0]})
    # Kish: 6 squared over 12.
    assert weights.select(effective_size(pl.col("w"))).item() == pytest.approx(3.0)
