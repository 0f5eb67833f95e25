"""The files of results: what is written is read again, and nothing of another form."""

import doctest
import json

import polars as pl
import pytest
import targets_frames as frames
from benchmarks.accuracy import RESULTS
from benchmarks.targets_answers import CEILING, LIBRARY, YARDSTICK
from polars.testing import assert_frame_equal

from benchmarks import (
    accuracy_form,
    accuracy_results,
    accuracy_svg,
    targets_figures,
    targets_form,
    targets_page,
    targets_pool,
    targets_results,
)
from pophealth_link.errors import DataError

KEYS = ["measure", "scope", "system", "point"]


@pytest.mark.parametrize("results", [accuracy_results, targets_results])
def test_results_of_another_form_are_refused(tmp_path, results):
    path = tmp_path / "results.json"
    with pytest.raises(DataError, match="does not exist"):
        results.load(path)
    path.write_text('{"schema_version": 0}')
    with pytest.raises(DataError, match="not of form"):
        results.load(path)


def test_rows_of_systems_are_put_side_by_side_and_back():
    layout = accuracy_form.Layout(("name",), ("part",))
    rows = [("one", "a", 1), ("one", "b", 2), ("two", "b", 3), ("two", "c", None)]
    frame = pl.DataFrame(rows, schema=["system", "name", "part"], orient="row")
    told = accuracy_form.side_by_side(frame, layout, ["one", "none", "two"])
    assert told == [
        ("a", (1,), None, None),
        ("b", (2,), None, (3,)),
        # A figure that is missing is not a row that is missing.
        ("c", None, None, (None,)),
    ]
    back = accuracy_form.one_below_the_other(told, layout, ["one", "none", "two"])
    assert [tuple(row) for row in back] == rows


def test_figures_of_the_targets_survive_being_written_and_read():
    weak = [(9, True, True)] * 4 + [(None, False, False)] * 5
    # Its surest link is false: within a limit it has none.
    wrong = [(10, False, True, False), *frames.YARD[:3], *frames.YARD[4:]]
    answers = {LIBRARY: weak, YARDSTICK: frames.YARD, CEILING: wrong}
    graded = {name: [frames.graded(rows)] for name, rows in answers.items()}
    found = targets_figures.table(targets_pool.pool(graded), {"all sources": ["s"]}, draws=20)
    assert found.filter(pl.col("measure") == "false links ratio")["value"].null_count() > 0
    assert found.filter(measure="false links", whole=0).height > 0
    systems = [LIBRARY, YARDSTICK, CEILING]
    text = targets_form.written(found, systems)
    again = targets_form.read(json.loads(text), systems)
    assert targets_form.written(again, systems) == text
    rounded = found.with_columns(pl.col(pl.Float64).round(6))
    assert_frame_equal(again.sort(KEYS), rounded.sort(KEYS))


def test_the_page_of_the_targets_is_that_of_the_committed_results():
    path = RESULTS / "targets.json"
    results = targets_results.load(path)
    assert targets_results.to_json(results) == path.read_text(encoding="utf-8")
    page = (RESULTS / "targets.md").read_text(encoding="utf-8")
    assert targets_page.page(results) == page


def test_a_picture_without_a_colour_or_a_curve_stays_as_it_is():
    kept = '<g id="a"><path d="M0,0h9v9h-9Z" fill="#fff"/><g x="1"><path d="M0,0L1,1"/></g></g>'
    assert accuracy_svg.slim(kept) == kept


def test_a_curve_keeps_its_strokes():
    steps = '<path d="M0,5L2,5L2,3L2,8L4,8L4,8"/>'
    assert accuracy_svg.slim(steps) == '<path d="M0,5H2V3V8H4"/>'


def test_the_examples_hold():
    assert doctest.testmod(accuracy_svg) == (0, 1)
