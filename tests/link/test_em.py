"""Expectation and maximisation: by hand, by properties, and on pairs drawn from known chances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.link import em

# Three comparisons: two, three and two levels; each a group of its own.
SIZES = (2, 3, 2)
GROUPS = np.repeat(np.arange(3), SIZES)
FIRST = np.cumsum((0, *SIZES))[:-1]
TRUE_M = np.array([0.9, 0.1, 0.7, 0.2, 0.1, 0.95, 0.05])
U = np.array([0.05, 0.95, 0.02, 0.08, 0.9, 0.5, 0.5])
START_M = np.array([0.7, 0.3, 0.5, 0.3, 0.2, 0.8, 0.2])
NONE_KEPT = np.zeros(7, bool)


def agreement_of(levels):
    """Rows of level numbers (-1: says nothing), each a pattern of its own."""
    return em.Agreement(np.asarray(levels), np.arange(len(levels)))


def candidates_of(levels, record, *, register, share=0.75):
    """Pairs weighed with the m that is started from, on a register of so many people."""
    levels, record = np.asarray(levels), np.asarray(record)
    weight = np.append(np.log2(START_M / U), 0.0)
    prior = np.log2(share / (1 - share) / register)
    bits = weight[levels].sum(axis=1) + prior
    return em.Candidates(agreement_of(levels), record, bits, np.ones(record.max() + 1))


def drawn(rng, chances, count):
    """Level numbers of `count` pairs whose comparisons agree independently of one another."""
    picks = [
        first + rng.choice(size, count, p=chances[first : first + size])
        for first, size in zip(FIRST, SIZES, strict=True)
    ]
    return np.column_stack(picks)


def population(seed, records=4000, rivals=5):
    """Records with candidates of whom one, for three records in four, is the same person."""
    rng = np.random.default_rng(seed)
    on_register = rng.random(records) < 0.75
    levels = np.concatenate(
        [drawn(rng, U, records * rivals), drawn(rng, TRUE_M, int(on_register.sum()))]
    )
    record = np.concatenate([np.repeat(np.arange(records), rivals), np.flatnonzero(on_register)])
    order = np.argsort(record, kind="stable")
    return levels[order], record[order], int(on_register.sum())


def test_candidates_of_a_record_share_one_probability_with_nobody():
    # Odds of 4 and 2 against nobody, whose own are 3.
    pairs = em.Candidates(
        agreement_of([[0], [1]]), np.array([0, 0]), np.array([2.0, 1.0]), np.array([3.0])
    )
    assert pairs.probabilities(np.zeros(7)) == pytest.approx([4 / 9, 2 / 9])
    # Where the first level weighs a bit more, its odds are 8.
    assert pairs.probabilities(np.eye(7)[0]) == pytest.approx([8 / 13, 2 / 13])


def test_a_comparison_that_says_nothing_moves_nothing():
    pairs = em.Candidates(agreement_of([[-1, 3]]), np.array([0]), np.array([0.0]), np.array([1.0]))
    moved = np.array([9.0, 9, 9, 0, 9, 9, 9])
    assert pairs.probabilities(moved) == pytest.approx([0.5])


def test_sums_are_those_of_the_pairs_at_each_level():
    levels = em.Agreement(np.array([[0, 2], [0, -1], [1, 3]]), np.array([0, 1, 1, 2]))
    assert levels.sums(np.array([1.0, 2, 4, 8]), 4).tolist() == [7, 8, 1, 8]


@given(
    sums=st.lists(st.floats(0, 1e6), min_size=7, max_size=7),
    kept=st.lists(st.booleans(), min_size=7, max_size=7),
)
def test_shares_of_a_group_sum_to_one_and_what_is_kept_stays(sums, kept):
    kept = np.array(kept)
    found = em.shares(np.array(sums), U, GROUPS, kept=kept)
    assert np.bincount(GROUPS, weights=found) == pytest.approx(1, abs=1e-8)
    assert found[kept] == pytest.approx(U[kept])
    assert ((found > 0) & (found < 1)).all()


def test_a_level_that_was_seen_often_is_its_share_and_one_never_seen_stays_near_its_start():
    sums = np.array([9e5, 1e5, 0, 0, 0, 6e5, 4e5])
    found = em.shares(sums, U, GROUPS, kept=NONE_KEPT)
    assert found[[0, 1, 5, 6]] == pytest.approx([0.9, 0.1, 0.6, 0.4], abs=1e-4)
    assert found[2:5] == pytest.approx(U[2:5])


def test_true_chances_are_found_again():
    levels, record, matches = population(1)
    # Each record is compared with the whole of a register of six, but for what the draw left out.
    pairs = candidates_of(levels, record, register=6)
    found = em.fit(pairs, START_M, GROUPS, kept=NONE_KEPT, rounds=500)
    assert found.settled
    assert found.m == pytest.approx(TRUE_M, abs=0.03)
    assert found.seen[:2].sum() == pytest.approx(matches, rel=0.03)


def test_too_few_rounds_are_told():
    levels, record, _ = population(2, records=200)
    pairs = candidates_of(levels, record, register=6)
    found = em.fit(pairs, START_M, GROUPS, kept=NONE_KEPT, rounds=2)
    assert (found.rounds, found.settled) == (2, False)


@given(seed=st.integers(0, 20))
def test_order_of_a_records_candidates_changes_nothing_that_counts(seed):
    levels, record, _ = population(seed, records=50)
    order = np.lexsort((np.random.default_rng(seed).random(len(record)), record))
    plain = candidates_of(levels, record, register=6).probabilities(np.zeros(7))
    mixed = candidates_of(levels[order], record[order], register=6).probabilities(np.zeros(7))
    assert mixed == pytest.approx(plain[order])
    assert (np.bincount(record, weights=plain) < 1).all()
