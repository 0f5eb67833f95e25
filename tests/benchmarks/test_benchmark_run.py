"""A run of the benchmark: systems in processes of their own, results, and what goes wrong."""

import json
import platform
import time
from pathlib import Path
from xml.etree import ElementTree

import benchmark_frames as frames
import polars as pl
import pytest
from benchmarks.datasets import DataSet
from benchmarks.systems import System
from polars.testing import assert_frame_equal

from benchmarks import __main__ as command
from benchmarks import accuracy, accuracy_charts, accuracy_results, accuracy_tables, processes
from benchmarks import accuracy_scores as scores
from pophealth_link.errors import JobError

WORKING = System("deterministic_only", "exact rules only", "benchmarks.deterministic_only")


def folder_of(rows, folder):
    """Write frames as a data folder with a name in each record."""
    folder.mkdir()
    text = ['version = 1\nas_of = 2026-04-01\n[disclosure]\npolicy = "midpoint6"\n']
    for people in frames.sources(rows):
        known = people.frame.with_columns(
            given_name=pl.lit("Ann"), family_name=pl.lit("Okafor"), postcode=pl.lit("XA1 1AA")
        )
        known.write_parquet(folder / f"{people.source}.parquet")
        text.append(
            f'[[sources]]\nname = "{people.source}"\npeople = "{people.source}.parquet"\n'
            f'setting = "{people.setting}"\nunique_people = {str(people.unique_people).lower()}\n'
            f"register = {str(people.register).lower()}\n"
        )
    (folder / "job.toml").write_text("\n".join(text))
    frames.truth(rows).rename({"group_of": "ethnic_group"}).write_parquet(folder / "truth.parquet")
    return folder


ROWS = [
    ("with", "p0", 0, 9.0, True, "x"),
    ("with", "p9", 2, 7.0, True, "y"),
    ("without", "p1", 1, 5.0, True, "x"),
]

# Enough records for groups to be compared.
MANY = [("without", f"p{i % 6}", i % 6, float(i), True, "xy"[i % 2]) for i in range(240)]


def small(tmp_path, *systems, train=()):
    folder = folder_of(ROWS, tmp_path / "data")
    work = tmp_path / "work"
    work.mkdir()
    made = DataSet("small", "made by a test", "own", lambda _: None, folder=folder, train=train)
    missing = DataSet("gone", "not there", "own", lambda _: None, folder=tmp_path / "gone")
    plan = accuracy.Plan((made, missing), systems, ("ethnic_group",), tmp_path, work)
    said = []
    return accuracy.measure(plan, said.append)


def test_a_process_is_measured_and_not_the_one_that_runs_it(tmp_path):
    ours = b"x" * 500_000_000
    hold = "import time; held = b'x' * 120_000_000; time.sleep(0.5)"
    ran = processes.run(("-c", hold), tmp_path / "log", time_limit=60)
    assert ran.reason is None
    assert 0.5 <= ran.seconds < 60
    assert 120_000_000 < ran.peak_memory < 250_000_000 < len(ours)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("raise ValueError('Okafor')", "ended with code 1 (ValueError)"),
        (
            "import json; raise json.JSONDecodeError('Okafor\\nOkafor', '', 0)",
            "ended with code 1 (JSONDecodeError)",
        ),
        ("import sys; print('Okafor'); sys.exit(7)", "ended with code 7"),
        ("import os, signal; print('Okafor', flush=True); os.kill(os.getpid(), signal.SIGKILL)",
         "ended with code 137"),
    ],
)  # fmt: skip
def test_a_process_that_fails_tells_its_kind_and_no_message(tmp_path, script, reason):
    ran = processes.run(("-c", script), tmp_path / "log", time_limit=60)
    assert ran.reason == reason
    assert "Okafor" in (tmp_path / "log").read_text()


def test_a_process_that_does_not_end_is_stopped_with_what_it_started(tmp_path):
    pid = tmp_path / "pid"
    script = (
        "import subprocess, sys, pathlib;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(pid)!r}).write_text(str(child.pid)); child.wait()"
    )
    ran = processes.run(("-c", script), tmp_path / "log", time_limit=2)
    assert ran.reason == "stopped after 2 seconds"
    assert ran.seconds < 30
    for _ in range(50):
        if not running(pid.read_text()):
            return
        time.sleep(0.1)
    pytest.fail("the child's child still runs")


def running(pid):
    """Whether a process runs; one that has ended and was not collected yet does not."""
    status = Path(f"/proc/{pid}/stat")
    return status.is_file() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_nothing_is_left_out_silently(tmp_path):
    results = small(
        tmp_path,
        WORKING,
        System("crashes", "crashes", "json.tool"),
        System("silent", "silent", "this"),
        System("lacks", "lacks", "benchmarks.pophealth", needs=("no-such-package",)),
        System("learns", "learns", "benchmarks.pophealth", trained=True),
    )
    told = results.tables["runs"].select("data_set", "system", "status", "reason").rows()
    by_system = {
        system: (status, reason) for name, system, status, reason in told if name == "small"
    }
    assert by_system["deterministic_only"] == ("done", None)
    assert by_system["crashes"][0] == by_system["silent"][0] == "failed"
    assert by_system["crashes"][1].startswith("ended with code")
    assert by_system["silent"][1] == "it ended well and wrote no answer"
    assert by_system["lacks"][0] == by_system["learns"][0] == "not run"
    assert "no-such-package" in by_system["lacks"][1]
    assert "labelled data" in by_system["learns"][1]
    gone = [row for row in told if row[0] == "gone"]
    assert len(gone) == 5
    assert all(row[2] == "not run" and "does not exist" in row[3] for row in gone)
    page = accuracy_tables.page(results)
    for word in ("no-such-package", "wrote no answer", "does not exist", "labelled data"):
        assert word in page


def made_results(rows=ROWS):
    """Results of one answer on frames made by hand, and of one system that was not run."""
    people, truth = frames.sources(rows), frames.truth(rows).rename({"group_of": "ethnic_group"})
    found = accuracy_results.scored(
        "set", "one", frames.answer(rows), truth, people, by=["ethnic_group"]
    )
    runs = pl.DataFrame(
        {
            "data_set": ["set", "set"],
            "system": ["one", "two"],
            "status": ["done", "not run"],
            "reason": [None, "for a | reason"],
            "seconds": [1.234, None],
            "peak_memory_mb": [100, None],
        }
    )
    facts = {
        "schema_version": accuracy_results.SCHEMA_VERSION,
        "day": "2026-01-02",
        "machine": accuracy_results.machine(),
        "versions": accuracy_results.versions(),
        "definitions": accuracy_results.definitions(),
        "data_sets": [
            {"name": "set", "description": "made", **accuracy_results.data_facts(people, truth)}
        ],
        "systems": [{"name": "one", "label": "First"}, {"name": "two", "label": "Second"}],
    }
    return accuracy_results.gathered(facts, [found, {"runs": runs}])


def test_results_survive_being_written_and_read(tmp_path):
    results = made_results(MANY)
    text = accuracy_results.to_json(results)
    path = tmp_path / "accuracy.json"
    path.write_text(text, encoding="utf-8")
    again = accuracy_results.load(path)
    assert accuracy_results.to_json(again) == text
    for name, table in results.tables.items():
        # Lists of floats are those of the curves.
        lists = [n for n, kind in table.schema.items() if kind == pl.List(pl.Float64)]
        rounded = table.with_columns(
            pl.col(pl.Float64).round(5), pl.col(lists).list.eval(pl.element().round(5))
        )
        assert_frame_equal(again.tables[name], rounded)
        assert table.height > 0
    assert again.facts == json.loads(json.dumps(results.facts))


def test_results_tell_the_machine_and_no_name_of_it():
    text = accuracy_results.to_json(made_results())
    told = json.loads(text)
    assert told["machine"]["cores"] >= 1
    assert told["versions"]["polars"] == pl.__version__
    assert told["versions"]["python"] == platform.python_version()
    node = platform.node()
    assert not node or f'"{node}"' not in text


def test_contents_that_change_change_their_hash():
    def told(rows):
        return accuracy_results.data_facts(frames.sources(rows), frames.truth(rows))

    assert told(ROWS)["sha256"] == told(list(ROWS))["sha256"]
    other = [*ROWS[:-1], ("without", "p2", 1, 5.0, True, "x")]
    assert told(other)["sha256"] != told(ROWS)["sha256"]
    counts = {s["name"]: (s["records"], s["linkable"]) for s in told(ROWS)["sources"]}
    assert counts == {"gp": (6, None), "with": (2, 1), "without": (1, 1)}


def test_the_page_shows_the_figures():
    page = accuracy_tables.page(made_results())
    assert (
        "| First | 1.000 (0.207–1.000) | 0.00 % (0.00–79.35) | – | 1.000 | – | 1.2 | 100 |" in page
    )
    assert "| Second | not run | – | – | – | – | – | – |" in page
    assert "for a \\| reason" in page
    assert scores.WITHOUT_NUMBERS in page.lower() or "Sources without NHS numbers" in page


def test_charts_are_pictures_of_their_own(tmp_path):
    results = made_results(MANY)
    first = accuracy_charts.write(results, tmp_path)
    assert [path.name for path in first] == ["set-source.svg", "set-ethnic_group.svg"]
    for path in first:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        words = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
        assert "recall" in words
        assert "false links" in words
    before = [path.read_bytes() for path in first]
    (tmp_path / "stale-source.svg").write_text("old")
    assert [path.read_bytes() for path in accuracy_charts.write(results, tmp_path)] == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_part_of_the_benchmark_does_not_replace_the_committed_results(tmp_path):
    for words in (["--systems", "nhs_number_only"], ["--data-sets", "febrl4"], ["--by", "sex"]):
        with pytest.raises(JobError, match="does not replace"):
            accuracy.main(words)
    with pytest.raises(JobError, match="--train goes with --data"):
        accuracy.main(["--train", str(tmp_path), "--out", str(tmp_path / "out")])


def test_mistakes_on_the_command_line_are_told(capsys):
    assert command.main(["acuracy"]) == 2
    assert "Did you mean `accuracy`" in capsys.readouterr().err
    assert command.main([]) == 2
    assert command.main(["accuracy", "--data-sets", "nowhere", "--out", "x"]) == 10
    assert "is no data set" in capsys.readouterr().err
    assert command.main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "hard-100000-201" in listed
    assert "plain_splink" in listed


def test_what_would_empty_the_results_is_refused_before_any_system_runs(tmp_path):
    data, out = folder_of(ROWS, tmp_path / "data"), tmp_path / "out"
    (tmp_path / "file").write_text("")
    here = ["--data", str(data), "--out"]
    refused = {
        "does not exist": ["--data", str(tmp_path / "none"), "--out", str(out)],
        "no column etnic_group.": [*here, str(out), "--by", "etnic_group"],
        "more than 0": [*here, str(out), "--time-limit", "-1"],
        "cannot be written": [*here, str(tmp_path / "file" / "out")],
    }
    for words, arguments in refused.items():
        with pytest.raises(JobError, match=words):
            accuracy.main(arguments)
    assert not out.exists()


def test_a_run_that_measured_nothing_says_so(tmp_path, capsys):
    data, out = folder_of(ROWS, tmp_path / "data"), tmp_path / "out"
    words = ["--data", str(data), "--systems", "ceiling", "--out", str(out)]
    # The ceiling has nothing to learn from.
    assert accuracy.main(words) == 1
    assert "no system was measured" in capsys.readouterr().err
