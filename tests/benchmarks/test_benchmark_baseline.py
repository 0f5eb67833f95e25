"""Accuracy on the small case reaches the committed baseline; pages show the committed results."""

import copy
import json
import subprocess
import sys

import pytest
from benchmarks.accuracy import RESULTS

from benchmarks import accuracy, accuracy_results, baseline, datasets, readme
from pophealth_link.errors import DataError


@pytest.mark.slow
def test_a_run_measures_each_system_and_reaches_the_committed_baseline(tmp_path):
    """The small case, run by the command as a user runs it."""
    out = tmp_path / "out"
    words = ("--data-sets", datasets.SMALL, "--systems", *baseline.SYSTEMS)
    where = ("--cache", str(tmp_path / "cache"), "--out", str(out))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "accuracy", *words, *where],
        cwd=datasets.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = accuracy_results.load(out / "accuracy.json")
    runs = results.tables["runs"]
    assert runs["system"].to_list() == list(baseline.SYSTEMS)
    assert runs["status"].to_list() == ["done"] * len(baseline.SYSTEMS)
    assert runs["seconds"].min() > 0
    assert (out / "accuracy.md").stat().st_size > 1000
    assert {path.suffix for path in (out / "charts").iterdir()} == {".svg"}
    assert baseline.shortfalls(baseline.read(), baseline.of(results)) == []


COUNTS = {"linkable": 1000, "correct": 900, "linked": 905, "false": 5}
BEFORE = {"data_set": "d", "sha256": "h", "systems": {"s": {"all": COUNTS}}}


def changed(**counts):
    after = copy.deepcopy(BEFORE)
    after["systems"]["s"]["all"] |= counts
    return after


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (BEFORE, []),
        (changed(correct=950, linked=955), []),  # better
        (changed(correct=898, linked=903), []),  # within 0.002
        (changed(correct=897, linked=902), ["s: all: recall fell by 0.0030"]),
        (changed(correct=899, linked=906, false=7), ["s: all: false links rose by 0.0022"]),
        (changed(correct=0, linked=0, false=0), ["s: all: recall fell by 0.9000"]),
        ({**BEFORE, "systems": {"s": {}}}, ["s: all: not measured"]),
    ],
)
def test_what_is_worse_than_the_baseline_is_told(after, told):
    assert baseline.shortfalls(BEFORE, after) == told


def test_other_data_than_the_baseline_s_are_told():
    (told,) = baseline.shortfalls(BEFORE, {**BEFORE, "sha256": "other"})
    assert "generator was changed" in told


def test_of_few_records_one_may_differ():
    few = {"linkable": 20, "correct": 18, "linked": 18, "false": 0}
    before = {**BEFORE, "systems": {"s": {"all": few}}}
    one = {**BEFORE, "systems": {"s": {"all": {**few, "correct": 17, "linked": 17}}}}
    two = {**BEFORE, "systems": {"s": {"all": {**few, "correct": 16, "linked": 16}}}}
    assert baseline.shortfalls(before, one) == []
    assert baseline.shortfalls(before, two) == ["s: all: recall fell by 0.1000"]


@pytest.mark.parametrize("name", readme.PAGES)
def test_a_page_shows_the_committed_results(name):
    results = accuracy_results.load(RESULTS / "accuracy.json")
    page = (readme.ROOT / name).read_text(encoding="utf-8")
    assert readme.with_block(page, readme.PAGES[name](results), name) == page


def test_only_what_is_between_the_marks_is_written():
    page = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    found = readme.with_block(page, r"new \1 text", "page")
    assert found == f"before\n{readme.BEGIN}\nnew \\1 text\n{readme.END}\nafter\n"
    for wrong in ("no marks", page + page):
        with pytest.raises(DataError, match="marks"):
            readme.with_block(wrong, "x", "page")


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """The committed results, and pages of one's own to write them into."""
    monkeypatch.setattr(readme, "ROOT", tmp_path)
    for name in readme.PAGES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{readme.BEGIN}\n{readme.END}\n", encoding="utf-8")
    return tmp_path


def test_the_command_writes_the_pages_and_then_finds_no_difference(pages, capsys):
    assert readme.main(["--check"]) == 1
    assert "README.md" in capsys.readouterr().out
    assert readme.main([]) == 0
    assert readme.main(["--check"]) == 0
    page = (pages / "README.md").read_text(encoding="utf-8")
    (pages / "README.md").write_text(page.replace("| pophealth_link | 0.", "| pophealth_link | 1."))
    assert readme.main(["--check"]) == 1


def test_the_committed_results_are_small_and_of_every_system():
    results = accuracy_results.load(RESULTS / "accuracy.json")
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_000_000
    runs = results.tables["runs"]
    pairs = len(results.facts["data_sets"]) * len(results.facts["systems"])
    assert runs.select("data_set", "system").n_unique() == runs.height == pairs
    assert json.loads((RESULTS / "baseline.json").read_text())["data_set"] == datasets.SMALL


def test_page_and_charts_are_those_of_the_committed_results(tmp_path):
    accuracy.write(accuracy_results.load(RESULTS / "accuracy.json"), tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert len(made) > 2
    for name, content in made.items():
        assert (RESULTS / name).read_bytes() == content, name
    drawn = {path.name for path in (RESULTS / "charts").iterdir()}
    assert drawn == {path.name for path in made if path.suffix == ".svg"}
