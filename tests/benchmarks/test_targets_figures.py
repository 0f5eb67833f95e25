"""The figures of the targets: thresholds, ratios, gaps and limits, against counts made by hand."""

import math

import numpy as np
import polars as pl
import pytest
import targets_frames as frames
from benchmarks.targets_answers import CEILING, LIBRARY, YARDSTICK
from benchmarks.targets_data import ALL
from benchmarks.targets_figures import (
    EQUAL,
    OWN,
    RECALL,
    Key,
    as_found_at,
    figures,
    large_groups,
    poisson_limits,
    table,
    within_limit,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import accuracy_scores, targets_pool
from pophealth_link import evaluate


def ones(pool):
    return np.ones(pool.clusters)


def found_of(systems, large=1.0):
    pool = frames.pool_of(**systems)
    scope = {ALL: ["s"]}
    return figures(pool, scope, ones(pool), {ALL: np.array([large, 0.0])})


def test_counts_at_own_threshold_and_at_the_yardsticks():
    found = found_of({LIBRARY: frames.OURS, YARDSTICK: frames.YARD, CEILING: frames.CEIL})
    assert found[Key("recall", ALL, LIBRARY, OWN)] == (5, 8)
    assert found[Key("recall", ALL, YARDSTICK, OWN)] == (5, 8)
    assert found[Key("false links", ALL, YARDSTICK, OWN)] == (1, 6)
    assert found[Key("false links", ALL, LIBRARY, OWN)] == (0, 5)
    # At a sixth of false links the library may link all but those beneath the wrong one: 1 of 7 is
    # less than a sixth, and 1 of 9 is as well.
    assert found[Key("recall", ALL, LIBRARY, EQUAL)] == (8, 8)
    assert found[Key("missed links ratio", ALL, LIBRARY, EQUAL)] == (0, 3)
    assert found[Key("missed links ratio", ALL, LIBRARY, OWN)] == (3, 3)
    # Its five surest are right: at the yardstick's recall it has no false link.
    assert found[Key("false links ratio", ALL, LIBRARY, RECALL)] == (0, 1)
    # Both within 0.05 %: the yardstick's three surest, the library's six.
    limit = 0.0005
    assert found[Key("recall", ALL, YARDSTICK, within_limit(limit))] == (3, 8)
    assert found[Key("recall", ALL, LIBRARY, within_limit(limit))] == (6, 8)
    assert found[Key("way", ALL, LIBRARY, within_limit(limit))] == (3, 5)
    assert found[Key("false links ratio", ALL, LIBRARY, as_found_at(limit))] == (0, 0)
    assert found[Key("F1", ALL, YARDSTICK, OWN)] == (10, 14)


def test_a_recall_that_no_threshold_reaches_is_no_zero():
    weak = [(9, True, True)] * 4 + [(None, False, False)] * 5
    found = found_of({LIBRARY: weak, YARDSTICK: frames.YARD})
    share = found[Key("false links ratio", ALL, LIBRARY, RECALL)]
    assert share == (math.inf, 1)
    assert share.value == math.inf
    assert Key("recall", ALL, LIBRARY, RECALL) not in found
    assert not any(key.measure == "way" for key in found)


ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 4)), st.booleans(), st.integers(0, 2), st.booleans()
    ),
    min_size=1,
    max_size=30,
)


def pooled(rows):
    """Frames of three data sets from (score, right, data set, linkable) by Hypothesis."""
    return [
        frames.graded(
            [
                (score, right and linkable and score is not None, False, linkable)
                for score, right, place, linkable in rows
                if place == each
            ]
        ).with_columns(person_id=pl.lit("p"))
        for each in range(3)
    ]


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([0.0, 0.1, 0.25, 0.5]))
def test_a_limit_is_kept_as_the_accuracy_benchmark_keeps_it(rows, limit):
    records = pl.concat(pooled(rows))
    told = accuracy_scores.at_limits(records, {"s": ["s"]}, [limit], by=[])
    made = targets_pool.pool({LIBRARY: [records]})
    at = targets_pool.within(
        targets_pool.curve(made.sources["s"].systems[LIBRARY], ones(made)), limit
    )
    assert (at.linked, at.correct) == told.select("linked", "correct").row(0)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.integers(1, 20))
def test_a_recall_is_reached_at_the_highest_threshold(rows, asked):
    records = pl.concat(pooled(rows))
    made = targets_pool.pool({LIBRARY: [records]})
    at = targets_pool.reaching(
        targets_pool.curve(made.sources["s"].systems[LIBRARY], ones(made)), asked
    )
    scores = sorted({row[0] for row in rows if row[0] is not None}, reverse=True)
    linked = [records.filter(pl.col("score") >= score) for score in scores]
    enough = [each for each in linked if each["right"].sum() >= asked]
    if not enough:
        assert at is None
    else:
        assert (at.linked, at.correct) == (enough[0].height, enough[0]["right"].sum())


@settings(deadline=None, max_examples=60)
@given(ROWS, st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_a_weight_counts_a_data_set_so_often(rows, weights):
    sets = pooled(rows)
    monkey = {LIBRARY: sets * 4, YARDSTICK: sets * 4}
    many = targets_pool.pool(monkey)
    drawn = np.array([*weights, *[0] * 9], dtype=float)
    repeated = [
        pl.concat([sets[0].clear(), *[frame] * weight])
        for frame, weight in zip(sets, weights, strict=True)
    ]
    once = targets_pool.pool({name: [pl.concat(repeated)] for name in monkey})
    if not once.sources:
        return
    assert many.drawn == "data sets"
    assert once.drawn == "blocks of people"
    large = {ALL: np.zeros(len(many.groups))}
    scope = {ALL: ["s"]}
    told = figures(many, scope, drawn, large)
    same = figures(once, scope, ones(once), {ALL: np.zeros(len(once.groups))})
    assert {k: v for k, v in told.items() if k.measure not in ("gap", "gap ratio")} == {
        k: v for k, v in same.items() if k.measure not in ("gap", "gap ratio")
    }


def grouped(counts, accepted_right):
    """Rows of groups: of so many linkable ones so many are linked, all rightly."""
    rows = []
    for group, whole in counts.items():
        linked = accepted_right[group]
        rows += [(1.0, True, True, True, group)] * linked
        rows += [(None, False, False, True, group)] * (whole - linked)
    return rows


def test_a_gap_is_that_of_large_and_known_groups():
    counts = {"a": 100, "b": 100, "small": 4, None: 200}
    ours = grouped(counts, {"a": 99, "b": 97, "small": 0, None: 0})
    theirs = grouped(counts, {"a": 98, "b": 90, "small": 4, None: 200})
    pool = frames.pool_of(**{LIBRARY: ours, YARDSTICK: theirs})
    scope = {ALL: ["s"]}
    large = large_groups(pool, scope, 100)
    found = figures(pool, scope, ones(pool), large)
    assert found[Key("gap", ALL, LIBRARY, OWN)].value == pytest.approx(0.02)
    assert found[Key("gap ratio", ALL, LIBRARY, OWN)].value == pytest.approx(0.25)
    none = figures(pool, scope, ones(pool), large_groups(pool, scope, 101))
    assert math.isnan(none[Key("gap", ALL, LIBRARY, OWN)].value)


def test_sources_are_added_up_each_at_its_own_threshold():
    one = [(9, True, True)] * 4 + [(1, False, True, False)]
    other = [(0.9, True, True)] * 2 + [(None, False, False)] * 2
    frame = pl.concat([frames.graded(one, "one"), frames.graded(other, "other")])
    pool = targets_pool.pool({LIBRARY: [frame], YARDSTICK: [frame]})
    found = figures(pool, {ALL: ["one", "other"]}, ones(pool), {ALL: np.zeros(2)})
    # Over both sources at once, one threshold would leave out the sure ones of the other.
    assert found[Key("recall", ALL, LIBRARY, within_limit(0.0005))] == (6, 8)
    assert found[Key("missed links ratio", ALL, LIBRARY, EQUAL)].value == 1
    assert found[Key("false links ratio", ALL, LIBRARY, RECALL)] == (0, 1)


def test_limits_of_a_ratio_come_from_the_data_sets():
    """Twelve alike give no width; with one unlike the rest, the limits hold the ratio between."""
    alike = [frames.graded(frames.OURS)] * 12
    yard = [frames.graded(frames.YARD)] * 12
    even = table(targets_pool.pool({LIBRARY: alike, YARDSTICK: yard}), {ALL: ["s"]}, draws=50)
    ratio = even.filter(measure="missed links ratio", point=OWN)
    assert ratio.select("value", "lower", "upper").row(0) == (1.0, 1.0, 1.0)
    weak = [(None, False, False, place != 3) for place in range(9)]
    mixed = targets_pool.pool({LIBRARY: [*alike[1:], frames.graded(weak)], YARDSTICK: yard})
    drawn = table(mixed, {ALL: ["s"]}, draws=200).filter(measure="missed links ratio", point=OWN)
    value, lower, upper = drawn.select("value", "lower", "upper").row(0)
    assert value == pytest.approx((33 + 8) / 36)
    assert lower == 1.0
    assert value < upper <= (6 * 8 + 6 * 3) / 36
    assert table(mixed, {ALL: ["s"]}, draws=200).equals(table(mixed, {ALL: ["s"]}, draws=200))


def test_no_errors_in_any_data_set_are_no_certainty():
    """Of 12 errors to none, the upper limit is that of 0 successes in 12: 1 − 0.025^(1/12)."""
    none = [(9, True, True)] * 6 + [(8, False, False, False)] + [(9, True, True)] * 2
    pool = targets_pool.pool(
        {LIBRARY: [frames.graded(none)] * 12, YARDSTICK: [frames.graded(frames.YARD)] * 12}
    )
    found = table(pool, {ALL: ["s"]}, draws=20).filter(measure="false links ratio", point=RECALL)
    assert found.select("part", "whole", "value", "lower").row(0) == (0, 12, 0, 0)
    chance = 1 - 0.025 ** (1 / 12)
    assert found["upper"].item() == pytest.approx(chance / (1 - chance))


def test_poisson_limits_are_those_of_a_binomial():
    """Found by bisection on the tails of the binomial distribution."""
    lower, upper = poisson_limits(3, 9)
    for ratio, tail in ((lower, range(3, 13)), (upper, range(4))):
        p = ratio / (1 + ratio)
        assert sum(math.comb(12, k) * p**k * (1 - p) ** (12 - k) for k in tail) == pytest.approx(
            0.025
        )


def test_f1_and_rates_are_those_of_score():
    rows = [*frames.YARD, (1, False, True, True)]
    frame = frames.graded(rows)
    truth, index = [], []
    for place, (_, right, accepted, *more) in enumerate(rows):
        linkable = more[0] if more else True
        truth.append(("s", f"r{place}", f"t{place}"))
        if linkable:
            truth.append(("gp", f"g{place}", f"t{place}"))
        # A false link goes to somebody else on the register.
        truth.append(("gp", f"o{place}", f"u{place}"))
        who = f"g{place}" if right else f"o{place}"
        index.append(
            (
                "s",
                f"r{place}",
                who if accepted else f"alone{place}",
                "linked" if accepted else "unlinked",
            )
        )
    index += [("gp", record, record, "register") for source, record, _ in truth if source == "gp"]
    scored = evaluate.score(
        pl.DataFrame(index, schema=["source", "record_id", "person_id", "method"], orient="row"),
        pl.DataFrame(truth, schema=["source", "record_id", "person_id"], orient="row"),
    ).filter(pl.col("dimension") == "all")
    pool = targets_pool.pool({LIBRARY: [frame], YARDSTICK: [frame]})
    found = table(pool, {ALL: ["s"]}, draws=2).filter(system=LIBRARY, point=OWN)
    for measure, name in (("recall", "recall"), ("false links", "false_links"), ("F1", "f1")):
        assert found.filter(measure=measure)["value"].item() == pytest.approx(scored[name].item())
    assert found.filter(measure="recall")["lower"].item() == pytest.approx(
        scored["recall_lower"].item()
    )
