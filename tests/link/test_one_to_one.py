"""Regrets of the best one-to-one solution, against every solution written out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.link.one_to_one import regrets

NOT_COMPARED = -np.inf


def written_out(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same by trying every way to give each record a person of its own, or nobody."""
    count, people = weights.shape
    best = {}
    for places in product(range(-1, people), repeat=count):
        held = [place for place in places if place >= 0]
        if len(set(held)) < len(held):
            continue
        total = sum(weights[row, place] for row, place in enumerate(places) if place >= 0)
        for choice in enumerate(places):
            best[choice] = max(best.get(choice, NOT_COMPARED), total)
    top = max(best.values())
    pairs = [[top - best[row, place] for place in range(people)] for row in range(count)]
    return np.array(pairs), np.array([top - best[row, -1] for row in range(count)])


@st.composite
def tables(draw):
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    # Small whole numbers make ties.
    bits = draw(
        st.sampled_from([st.integers(-3, 6), st.floats(-30, 30).map(lambda x: round(x, 3))])
    )
    cells = st.one_of(bits, st.just(NOT_COMPARED))
    return np.array(
        [[draw(cells) for _ in range(size[1])] for _ in range(size[0])], dtype=np.float64
    )


@settings(max_examples=300, deadline=None)
@given(tables())
def test_every_regret_is_that_of_trying_all_solutions(weights):
    pairs, nobody = regrets(weights)
    expected_pairs, expected_nobody = written_out(weights)
    assert pairs == pytest.approx(expected_pairs, abs=1e-5)
    assert nobody == pytest.approx(expected_nobody, abs=1e-5)


def test_the_best_solution_beats_taking_the_heaviest_pair_first():
    # The heaviest pair (10) leaves 2 for the other record: 12. The best solution has 9 + 9.5.
    pairs, nobody = regrets(np.array([[10.0, 9.0], [9.5, 2.0]]))
    assert pairs.tolist() == [[6.5, 0.0], [0.0, 6.5]]
    assert nobody.tolist() == [9.0, 8.5]


def test_nobody_is_forced_on_a_record():
    pairs, nobody = regrets(np.array([[-2.0]]))
    assert pairs.tolist() == [[2.0]]
    assert nobody.tolist() == [0.0]
