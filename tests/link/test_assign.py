"""What is decided of scored candidates: one-to-one, margins, ties, people registered twice."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.link.assign import decide

SETTINGS = {"accept": 0.95, "review": 0.5, "margin": 3.0}


def records(people=(), unique=("a", "b", "c", "d"), several=("x", "y", "z")) -> pl.DataFrame:
    """Register rows 0–9 (those of `people` with names, birth and home) and records 10 on."""
    told = {row: facts for row, *facts in people}
    rows = [(i, "gp", True, True, *told.get(i, (None,) * 4)) for i in range(10)]
    others = [(source, True) for source in unique] + [(source, False) for source in several]
    rows += [
        (10 + i, "care" if u else "trust", u, False) + (None,) * 4
        for i, (_, u) in enumerate(others)
    ]
    return pl.DataFrame(
        rows,
        schema={
            "rid": pl.UInt32, "source": pl.String, "unique_people": pl.Boolean,
            "on_register": pl.Boolean, "first_given": pl.String, "family": pl.String,
            "date_of_birth": pl.Date, "uprn": pl.String,
        },
        orient="row",
    ).with_columns(
        alias=pl.lit(value=False), placeholder_birth=pl.lit(value=False),
        middle_words=pl.lit(None, dtype=pl.List(pl.String)),
        **{name: pl.lit(None, dtype=pl.String) for name in ("home", "house")},
    )  # fmt: skip


A, B, C, D = 10, 11, 12, 13  # of a source of unique people
X, Y, Z = 14, 15, 16  # of one that may hold a person twice


def candidates(*rows: tuple[int, int, float]) -> pl.DataFrame:
    schema = {"rid_l": pl.UInt32, "rid_r": pl.UInt32, "match_weight": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def decided(*rows, table=None, **changed) -> dict[tuple[int, int], str]:
    found = decide(candidates(*rows), records() if table is None else table, **(SETTINGS | changed))
    return {
        (left, right): word
        for left, right, word in found.select("rid_l", "rid_r", "decision").iter_rows()
    }


def test_the_best_solution_is_taken_where_the_greedy_one_is_worse():
    # Greedy: A is 0 (10 bits) and B is 1 (5 bits). Together 19.5 bits: A is 1 and B is 0.
    found = decided((0, A, 10.0), (1, A, 9.5), (0, B, 10.0), (1, B, 5.0))
    assert [pair for pair, word in found.items() if word == "accepted"] == [(0, B), (1, A)]


def test_several_records_may_be_one_person_where_the_source_holds_people_twice():
    found = decided((0, X, 10.0), (0, Y, 9.0), (0, Z, 8.0))
    assert set(found.values()) == {"accepted"}
    alone = decided((0, A, 10.0), (0, B, 5.0))
    assert alone == {(0, A): "accepted", (0, B): "taken"}


@pytest.mark.parametrize("record", [A, X])
def test_the_best_must_lead_the_second_by_the_margin(record):
    near = decided((0, record, 12.0), (1, record, 9.5))
    assert near == {(0, record): "tie", (1, record): "tie"}
    far = decided((0, record, 15.0), (1, record, 9.5))
    assert far == {(0, record): "accepted", (1, record): "rejected"}


def test_the_margin_holds_where_the_probability_would_do():
    # 16 : 4 : 1 for the two and nobody: 0.76, but 2 bits ahead only.
    rows = (0, X, 4.0), (1, X, 2.0)
    assert decided(*rows, accept=0.6, margin=2.0)[0, X] == "accepted"
    assert decided(*rows, accept=0.6, margin=2.1)[0, X] == "tie"


def test_many_weak_rivals_are_no_tie():
    rivals = [records()[:1].with_columns(rid=pl.lit(100 + i, pl.UInt32)) for i in range(30)]
    table = pl.concat([records(), *rivals])
    weak = [(100 + i, X, 1.0) for i in range(30)]
    found = decide(candidates((0, X, 6.0), *weak), table, **SETTINGS)
    # By hand: 2^6 against thirty of 2^1 and 1 for nobody; 5 bits ahead of each.
    best = found.filter(rid_l=0)
    assert best["match_probability"].item() == pytest.approx(64 / 125)
    assert best["decision"].item() == "review"
    assert set(found.filter(pl.col("rid_l") != 0)["decision"]) == {"rejected"}
    # Nor are they where they leave it less likely than review.
    unlikely = decided((0, X, 6.0), *weak, table=table, review=0.6)
    assert set(unlikely.values()) == {"rejected"}
    # One that comes near makes a tie, and is itself in it.
    near = decided((0, X, 6.0), (1, X, 5.0), *weak, table=table)
    assert {pair for pair, word in near.items() if word == "tie"} == {(0, X), (1, X)}


def test_a_rival_with_a_surer_place_of_its_own_does_not_count():
    # 1 is 9 bits for A, but B is surely 1, and A then surely 0.
    found = decided((0, A, 10.0), (1, A, 9.0), (1, B, 30.0))
    assert found[0, A] == found[1, B] == "accepted"
    # Where the source may hold 1 twice, nothing is known of A by B.
    several = decided((0, X, 10.0), (1, X, 9.0), (1, Y, 30.0))
    assert several[0, X] == "tie"


def test_two_solutions_with_one_total_link_nobody():
    # A is 0 and B is 1, or the other way round: 20 bits both.
    found = decided((0, A, 12.0), (1, A, 10.0), (0, B, 10.0), (1, B, 8.0), margin=0.0)
    assert set(found.values()) == {"tie"}


def test_equal_claims_to_one_person_link_nobody():
    assert set(decided((0, A, 12.0), (0, B, 12.0)).values()) == {"tie"}
    assert set(decided((0, X, 12.0), (1, X, 12.0), margin=0.0).values()) == {"tie"}


def test_probabilities_are_shared_among_all_that_could_be_true():
    found = decide(candidates((0, X, 1.0), (1, X, 2.0)), records(), **SETTINGS)
    # By hand: odds 2 and 4 against 1 for nobody.
    assert found["match_probability"].to_list() == pytest.approx([2 / 7, 4 / 7])
    assert found["decision"].to_list() == ["rejected", "review"]
    # Two records claim one person of whom each has one: 32 against 16 and 1.
    both = decide(candidates((0, A, 5.0), (0, B, 4.0)), records(), **SETTINGS)
    by_solution = 1 / (1 + 2**-1)
    assert both["match_probability"][0] == pytest.approx(by_solution)


TWICE = [
    (3, "ANN", "LEE", date(1980, 2, 3), "77"),
    (5, "ANN", "LEIGH", date(1980, 2, 3), "77"),
    (6, "AMY", "LEE", date(1980, 2, 3), "77"),
]


def test_a_person_registered_twice_is_no_rival_of_herself():
    table = records(TWICE)
    found = decided((3, X, 12.0), (5, X, 13.0), table=table)
    assert found == {(3, X): "register_duplicate", (5, X): "accepted"}
    equal = decided((3, X, 12.0), (5, X, 12.0), table=table)
    assert equal == {(3, X): "accepted", (5, X): "register_duplicate"}
    # Her twin has another name: a rival.
    twin = decided((3, X, 12.0), (6, X, 12.0), table=table)
    assert set(twin.values()) == {"tie"}
    # In a source of unique people she is linked once, whichever row.
    once = decided((3, A, 12.0), (5, B, 20.0), table=table)
    assert once == {(3, A): "taken", (5, B): "accepted"}


def test_missing_identifiers_make_nobody_a_duplicate():
    blank = [(3, None, "LEE", None, "77"), (5, None, "LEE", None, "77")]
    found = decided((3, X, 12.0), (5, X, 12.0), table=records(blank))
    assert set(found.values()) == {"tie"}


pairs = st.tuples(st.integers(0, 4), st.integers(A, Z), st.integers(-6, 14).map(float))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(pairs, min_size=1, max_size=18, unique_by=lambda row: row[:2]),
    order=st.randoms(use_true_random=False),
    margin=st.sampled_from([0.0, 1.0, 3.0]),
)
def test_links_are_one_to_one_in_unique_sources_whatever_the_order(rows, order, margin):
    found = decided(*rows, margin=margin)
    accepted = [pair for pair, word in found.items() if word == "accepted"]
    assert len({right for _, right in accepted}) == len(accepted)
    once = [left for left, right in accepted if right <= D]
    assert len(set(once)) == len(once)
    assert set(found) == {row[:2] for row in rows}
    shuffled = order.sample(rows, len(rows))
    assert decided(*shuffled, margin=margin) == found
