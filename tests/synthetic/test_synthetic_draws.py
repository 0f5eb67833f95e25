"""Draws on whole columns: weights, evenness, reproducibility."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.synthetic.draws import (
    Streams,
    columns_at,
    lowest_keys,
    normal_of_each,
    pick,
    pick_by_row,
    pick_evenly_by_row,
    portions,
    running_total,
)

WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any)


def test_a_stage_draws_the_same_each_time_and_unlike_others() -> None:
    first = Streams(3).stage("names").random(5)
    assert (first == Streams(3).stage("names").random(5)).all()
    assert not (first == Streams(3).stage("ages").random(5)).any()
    assert not (first == Streams(4).stage("names").random(5)).any()


def test_parts_draw_apart_and_the_whole_is_the_first_part() -> None:
    draws = [Streams(3, part).stage("names").random(5) for part in (0, 1, 2)]
    assert len({tuple(drawn) for drawn in draws}) == 3
    assert (Streams(3, 2).whole.stage("names").random(5) == draws[0]).all()


def test_organisations_keep_their_draw_in_every_part_and_company() -> None:
    codes = [f"A{n:05d}" for n in range(3_000)]
    drawn = normal_of_each(pl.Series(codes), Streams(5), "offices")
    assert abs(drawn.mean()) < 5 / 3_000**0.5
    assert abs(drawn.std() - 1) < 5 / (2 * 3_000) ** 0.5
    some = pl.Series([codes[7], None, codes[7], codes[2_999]])
    again = normal_of_each(some, Streams(5, part=9), "offices")
    assert again[[0, 2, 3]].tolist() == drawn[[7, 7, 2_999]].tolist()
    assert np.isfinite(again).all()
    for streams, stage in ((Streams(5), "clerks"), (Streams(6), "offices")):
        assert normal_of_each(some, streams, stage)[0] != drawn[7]


@given(WEIGHTS, st.integers(0, 10_000))
def test_portions_sum_and_stay_within_one_of_the_exact_share(weights: list[int], n: int) -> None:
    shared = portions(weights, n)
    exact = np.array(weights) / sum(weights) * n
    assert shared.sum() == n
    assert (np.abs(shared - exact) < 1).all()


@given(WEIGHTS)
def test_what_has_no_weight_is_never_picked(weights: list[int]) -> None:
    drawn = pick(np.random.default_rng(1), weights, 200)
    assert all(weights[position] > 0 for position in drawn)


def test_rows_are_drawn_by_their_own_weights() -> None:
    table = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 0.0]])
    rows = np.repeat([0, 1], 20_000)
    drawn = pick_by_row(np.random.default_rng(2), table, rows)
    assert set(drawn[20_000:]) == {1}
    # Binomial(20,000, 0.25): five standard deviations are 306.
    assert abs((drawn[:20_000] == 0).sum() - 5_000) < 306
    assert not (drawn[:20_000] == 1).any()


def test_the_column_at_a_level_is_the_one_whose_share_holds_it() -> None:
    table = np.array([[1.0, 1.0, 2.0], [3.0, 1.0, 0.0]])
    rows = np.array([0, 0, 0, 0, 1, 1])
    level = np.array([0.0, 0.26, 0.51, 0.999, 0.74, 0.76])
    assert columns_at(table, rows, level).tolist() == [0, 1, 2, 2, 0, 1]


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.integers(1, 300))
def test_even_draws_are_within_one_of_the_exact_share(weights: list[float], size: int) -> None:
    table = np.array([weights])
    rows = np.zeros(size, dtype=np.int64)
    drawn = pick_evenly_by_row(np.random.default_rng(3), table, rows)
    counts = np.bincount(drawn, minlength=len(weights))
    assert (np.abs(counts - table[0] / table.sum() * size) <= 1 + 1e-9).all()


def test_running_totals_begin_anew_with_each_group() -> None:
    values = np.array([5, 1, 1, 7, 2])
    assert running_total(values, [1, 2, 0, 2]).tolist() == [5, 1, 2, 7, 9]


def test_drawing_without_replacement_takes_heavier_ones_more_often() -> None:
    weights = np.concatenate([np.full(500, 1.0), np.full(500, 4.0)])
    drawn = lowest_keys(np.random.default_rng(4), weights, 200)
    assert len(set(drawn.tolist())) == 200
    assert (drawn >= 500).sum() > 130
