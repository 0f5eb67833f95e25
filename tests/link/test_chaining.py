"""Small worlds scored at random: what must hold of every person, whoever was compared with whom."""

from collections import defaultdict
from dataclasses import replace
from datetime import date
from itertools import combinations, permutations

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scored import NUMBERS, SOURCES, people_of, score_by_hand, stacked, world

from pophealth_link.link import link, linkage
from pophealth_link.link.clusters import together
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")


@st.composite
def worlds(draw):
    """Sources of a few records, some with a number, and bits between some pairs of them."""
    numbers = st.sampled_from([None, None, *NUMBERS[:3]])
    rows = {
        name: [(f"{name}{i}", draw(numbers)) for i in range(draw(st.integers(1, 3)))]
        for name in SOURCES
    }
    records = [(name, record) for name, each in rows.items() for record, _ in each]
    pairs = [(a, b) for a, b in combinations(records, 2) if (a[0], b[0]) != ("gp", "gp")]
    bits = st.sampled_from([-4.0, 1.0, 6.0, 8.0, 15.0, 16.0, 25.0])
    compared = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=16))
    return rows, {(a[1], b[1]): draw(bits) for a, b in compared}


def linked(rows, weights, monkeypatch, order=None):
    score_by_hand(monkeypatch, weights)
    sources = world(rows)
    if order is not None:
        sources = [
            replace(s, frame=s.frame.sample(fraction=1, shuffle=True, seed=order.randint(0, 99)))
            for s in order.sample(sources, len(sources))
        ]
    return link(sources, key=KEY)


PATCHED = [HealthCheck.function_scoped_fixture]


@settings(max_examples=25, deadline=None, suppress_health_check=PATCHED)
@given(drawn=worlds())
def test_of_one_person_everybody_compared_was_accepted(drawn, monkeypatch):
    rows, weights = drawn
    links = linked(rows, weights, monkeypatch)
    decisions = defaultdict(set)
    for left, right, word in links.pairs.select(
        "record_id_l", "record_id_r", "decision"
    ).iter_rows():
        decisions[frozenset((left, right))].add(word)
    number = {record: held for each in rows.values() for record, held in each}
    source = {record: name for name, each in rows.items() for record, _ in each}
    for members in people_of(links).values():
        for pair in combinations(members, 2):
            assert "accepted" in decisions.get(frozenset(pair), {"accepted"})
        for name in ("gp", "care", "housing"):
            assert sum(source[record] == name for record in members) <= 1
        # A number that two rows of a source share is nobody's.
        shared = {
            (name, held)
            for name, each in rows.items()
            for _, held in each
            if SOURCES[name] and [n for _, n in each].count(held) > 1
        }
        sound = {number[r] for r in members if (source[r], number[r]) not in shared} - {None}
        assert len(sound) <= 1


@settings(max_examples=8, deadline=None, suppress_health_check=PATCHED)
@given(drawn=worlds(), order=st.randoms(use_true_random=False))
def test_nothing_depends_on_order_and_nothing_is_lost(drawn, order, monkeypatch):
    rows, weights = drawn
    links = linked(rows, weights, monkeypatch)
    again = linked(rows, weights, monkeypatch, order)
    assert links.person_index.equals(again.person_index)
    assert links.pairs.equals(again.pairs)
    counts = links.counts
    assert counts["records"] == sum(map(len, rows.values())) == links.person_index.height
    methods = dict(links.person_index["method"].value_counts().iter_rows())
    assert {f"records_{method}": count for method, count in methods.items()} == {
        name: count for name, count in counts.items() if name.startswith("records_")
    }
    unlinked = sum(count for name, count in counts.items() if name.startswith("unlinked_"))
    assert unlinked == counts.get("records_unlinked", 0)
    words = dict(links.pairs["decision"].value_counts().iter_rows())
    assert all(counts[f"pairs_{word}"] == count for word, count in words.items())


days = st.dictionaries(
    st.sampled_from([f"{name}{i}" for name in SOURCES for i in range(3)]),
    st.dates(date(2020, 1, 1), date(2020, 1, 4)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=PATCHED)
@given(drawn=worlds(), died=days, came=days)
def test_nobody_is_seen_after_the_death_that_any_record_tells(drawn, died, came, monkeypatch):
    def dated(*sources):
        told = {
            name: pl.col("record_id").replace_strict(found, default=None, return_dtype=pl.Date)
            for name, found in (("date_of_death", died), ("date_from", came))
            if found
        }
        return stacked(*sources).with_columns(**told)

    rows, weights = drawn
    score_by_hand(monkeypatch, weights)
    monkeypatch.setattr(linkage, "stack", dated)
    for members in people_of(link(world(rows), key=KEY)).values():
        for one, other in permutations(members, 2):
            assert died.get(one, date.max) >= came.get(other, date.min)


units = st.integers(0, 7)
edge = st.tuples(units, units, st.integers(5, 30).map(float)).filter(lambda e: e[0] < e[1])


@settings(max_examples=80, deadline=None)
@given(
    edges=st.lists(edge, max_size=14, unique_by=lambda e: e[:2]),
    apart=st.lists(st.tuples(units, units).filter(lambda p: p[0] != p[1]), max_size=4),
    margin=st.sampled_from([0.0, 3.0]),
)
def test_units_that_are_apart_are_never_one(edges, apart, margin):
    frame = pl.DataFrame(
        edges, schema={"a": pl.Int64, "b": pl.Int64, "weight": pl.Float64}, orient="row"
    )
    not_one = pl.DataFrame(apart, schema={"a": pl.Int64, "b": pl.Int64}, orient="row")
    person = dict(together(frame, not_one, margin=margin).iter_rows())
    assert all(person.get(a, "nobody") != person.get(b, "else") for a, b in apart)
    # The smallest unit stands for the person; nobody is put together without an edge.
    assert all(person[each] == each and unit >= each for unit, each in person.items())
    assert person.keys() <= {unit for a, b, _ in edges for unit in (a, b)}
    if not apart:
        assert all(person[a] == person[b] for a, b, _ in edges)


def test_the_weakest_of_edges_that_chain_two_apart_is_dropped_with_its_equals():
    frame = pl.DataFrame({"a": [1, 2, 3], "b": [2, 3, 4], "weight": [20.0, 10.0, 9.0]})
    apart = pl.DataFrame({"a": [1], "b": [4]})
    found = dict(together(frame, apart, margin=3.0).iter_rows())
    assert found == {1: 1, 2: 1}
