"""Figures of the benchmark, counted by hand and against every threshold in turn."""

import benchmark_frames as frames
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import accuracy_scores as scores
from pophealth_link.errors import DataError
from pophealth_link.evaluate import score

# source, true person, match, score, accepted, group. p9 is on no register.
ROWS = [
    ("with", "p0", 0, 9.0, True, "x"),  # right
    ("with", "p1", 1, 8.0, True, "x"),  # right
    ("with", "p9", 2, 7.0, True, "x"),  # false: on no register
    ("with", "p3", 3, 6.0, False, "y"),  # right, not accepted
    ("with", "p4", None, None, False, "y"),  # missed: no candidate
    ("without", "p0", 1, 5.0, True, "x"),  # false
    ("without", "p5", 5, 5.0, True, "y"),  # right, of the same score
    ("without", "p2", 2, 4.0, False, None),  # right, not accepted
]


def limits_of(rows, limits, by=()):
    graded = scores.graded(
        frames.answer(rows), frames.truth(rows), frames.sources(rows), by=list(by)
    )
    places = scores.scopes(frames.sources(rows))
    return scores.at_limits(graded, places, limits, by=list(by))


def whole(table, scope, limit):
    row = table.filter(scope=scope, limit=limit, dimension="all").row(0, named=True)
    return tuple(row[name] for name in scores.COUNTS)


def test_recall_at_limits_by_hand():
    found = limits_of(ROWS, [0.0, 0.25, 0.5])
    # Without a false link: down to 8. With a quarter: 9, 8, 7, 6, of which one is false.
    assert whole(found, "with", 0.0) == (4, 2, 2, 0)
    assert whole(found, "with", 0.25) == (4, 3, 4, 1)
    # The surest two of this source have one score: both or none, and one of them is false.
    assert whole(found, "without", 0.0) == (3, 0, 0, 0)
    assert whole(found, "without", 0.5) == (3, 2, 3, 1)
    # Together: each source at its own threshold.
    assert whole(found, "all", 0.0) == (7, 2, 2, 0)
    assert whole(found, "all", 0.25) == (7, 3, 4, 1)
    assert whole(found, "all", 0.5) == (7, 5, 7, 2)
    recall = found.filter(scope="with", limit=0.25, dimension="all")
    assert recall["recall"][0] == pytest.approx(3 / 4)
    assert recall["false_links"][0] == pytest.approx(1 / 4)
    # Wilson's interval of 3 of 4 (Newcombe 1998, formula 3, worked by hand).
    assert recall["recall_lower"][0] == pytest.approx(0.3006, abs=1e-4)
    assert recall["recall_upper"][0] == pytest.approx(0.9544, abs=1e-4)


def test_groups_share_their_source_s_threshold():
    found = limits_of(ROWS, [0.25], by=["group_of"]).filter(scope="with", dimension="group_of")
    assert found.select("group", *scores.COUNTS).rows() == [("x", 2, 2, 3, 1), ("y", 2, 1, 1, 0)]


def test_the_operating_point_is_what_the_system_accepts():
    found = scores.operating(
        frames.answer(ROWS), frames.truth(ROWS), frames.sources(ROWS), by=["group_of"]
    )
    rows = found.filter(dimension="all").select("scope", *scores.COUNTS).rows()
    assert rows == [
        ("all", 7, 3, 5, 2),
        (scores.WITHOUT_NUMBERS, 3, 1, 2, 1),
        ("with", 4, 2, 3, 1),
        ("without", 3, 1, 2, 1),
    ]
    groups = found.filter(scope="without", dimension="group_of").select("group", "recall").rows()
    assert groups == [("unknown", 0.0), ("x", 0.0), ("y", 1.0)]


def test_only_sources_without_numbers_are_put_together():
    assert scores.scopes(frames.sources(ROWS)) == {
        "all": ["with", "without"],
        scores.WITHOUT_NUMBERS: ["without"],
        "with": ["with"],
        "without": ["without"],
    }
    assert scores.main_scope(["all", "with"]) == "all"


def gap_table(rows):
    columns = ["scope", "dimension", "group", "linkable", "recall"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_the_gap_is_between_groups_that_are_large_enough():
    found = scores.gaps(
        gap_table(
            [
                ("a", "all", "all", 900, 0.9),
                ("a", "ethnic", "white", 500, 0.95),
                ("a", "ethnic", "black", 100, 0.85),
                ("a", "ethnic", "asian", 99, 0.1),
                ("a", "ethnic", "unknown", 500, 0.0),
                ("b", "ethnic", "white", 100, 0.5),
            ]
        ),
        fewest=100,
    )
    first, second = found.iter_rows(named=True)
    assert (first["best"], first["worst"], first["groups"]) == ("white", "black", 2)
    assert first["gap"] == pytest.approx(0.10)
    assert (second["groups"], second["gap"], second["best"]) == (1, None, None)


_ROW = st.tuples(
    st.sampled_from(["with", "without"]),
    st.sampled_from([*frames.PEOPLE, "p9"]),
    st.one_of(st.none(), st.integers(0, 5)),
    st.integers(-3, 3).map(float),
    st.just(False),
    st.sampled_from(["x", "y", None]),
)


def tidy(rows):
    return [(s, p, m, None if m is None else w, a, g) for s, p, m, w, a, g in rows]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(_ROW, min_size=1, max_size=12).map(tidy),
    st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), min_size=2, max_size=3, unique=True),
)
def test_the_curve_is_the_best_of_all_thresholds_and_never_falls(rows, limits):
    found = limits_of(rows, sorted(limits))
    for scope, sources in scores.scopes(frames.sources(rows)).items():
        recalls = []
        for limit in sorted(limits):
            row = found.filter(scope=scope, limit=limit, dimension="all").row(0, named=True)
            assert row["false"] <= limit * row["linked"] + 1e-9
            best = [best_by_trying(rows, source, limit) for source in sources]
            assert (row["correct"], row["linked"]) == tuple(map(sum, zip(*best, strict=True)))
            recalls.append(row["correct"])
        assert recalls == sorted(recalls)


def best_by_trying(rows, source, limit):
    """Correct and linked at the lowest threshold within the limit, by scoring at each one."""
    truth = frames.truth(rows)
    best = (0, 0)
    for threshold in sorted({row[3] for row in rows if row[3] is not None}, reverse=True):
        linked = [
            (s, p, m, w, m is not None and w >= threshold and s == source, g)
            for s, p, m, w, _, g in rows
        ]
        index = scores.person_index(frames.answer(linked), truth, "gp")
        kept = index.filter(pl.col("source").is_in([source, "gp"]))
        row = score(kept, truth).row(0, named=True)
        if row["linked"] and row["false"] <= limit * row["linked"] + 1e-9:
            best = max(best, (row["correct"], row["linked"]), key=lambda each: each[1])
    return best


@settings(deadline=None, max_examples=30)
@given(st.lists(_ROW, min_size=1, max_size=12).map(tidy))
def test_groups_add_up_to_their_scope(rows):
    found = limits_of(rows, [0.0, 0.5], by=["group_of"])
    sums = found.group_by("scope", "limit", "dimension").agg(pl.col(*scores.COUNTS).sum())
    parts = sums.filter(dimension="group_of").drop("dimension").sort("scope", "limit")
    assert parts.equals(sums.filter(dimension="all").drop("dimension").sort("scope", "limit"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a.head(-1), "1 records are not answered"),
        (lambda a: pl.concat([a, a.head(1)]), "1 records are answered more than once"),
        (lambda a: a.with_columns(record_id=pl.lit("z")), "8 rows are of no record"),
        (lambda a: a.with_columns(register_record_id=pl.lit("no")), "8 matches are not on"),
        (lambda a: a.with_columns(accepted=None).cast({"accepted": pl.Boolean}), "do not say"),
        (lambda a: a.with_columns(accepted=pl.lit(True)), "1 links to nobody are accepted"),
        (lambda a: a.with_columns(score=pl.lit(float("nan"))), "7 matches have no finite score"),
        (lambda a: a.drop("score"), "other columns"),
    ],
)
def test_an_unsound_answer_is_refused(change, told):
    people = frames.sources(ROWS)
    scores.check_answer(frames.answer(ROWS), people)
    with pytest.raises(DataError, match=told):
        scores.check_answer(change(frames.answer(ROWS)), people)
