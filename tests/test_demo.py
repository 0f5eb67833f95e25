"""The demo and `synth` on the command line."""

import json
import subprocess
import sys

import polars as pl
import pytest

from pophealth_link.indicators import catalogue

# Any attempt to reach another machine ends the process with a code of its own.
OFFLINE = """
import os, socket, sys
def refuse(*args, **kwargs):
    os._exit(99)
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from pophealth_link.cli import main
main(sys.argv[1:])
"""


def offline(*args, cwd):
    return subprocess.run(
        [sys.executable, "-c", OFFLINE, *map(str, args)],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, offline("demo", cwd=folder)


def test_demo_needs_no_network_and_ends_by_naming_the_report(demo):
    folder, done = demo
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last == "Report: demo-1/run/releasable/report.html"
    report = (folder / "demo-1/run/releasable/report.html").read_text(encoding="utf-8")
    assert "Synthetic data" in report


def test_demo_again_takes_a_fresh_folder(demo):
    folder, _ = demo
    done = offline("demo", "--people", 600, "--quiet", cwd=folder)
    assert done.stdout.strip().endswith("demo-2/run/releasable/report.html")


def test_most_records_are_linked_and_rightly(demo):
    folder, _ = demo
    done = offline(
        "score", "demo-1/run/linked/person_index.parquet", "demo-1/data/truth.parquet",
        "--by", "ethnic_group", "--json", cwd=folder,
    )  # fmt: skip
    scored = pl.DataFrame(json.loads(done.stdout))
    whole = scored.filter(dimension="all").row(0, named=True)
    assert whole["linkable"] > 5000
    assert whole["recall"] > 0.97
    assert whole["false_links"] < 0.005
    assert scored.filter(dimension="ethnic_group").height >= 5


def _of_everybody(path):
    read = pl.read_csv(path, infer_schema_length=None) if path.suffix == ".csv" else None
    frame = pl.read_parquet(path) if read is None else read
    return frame.filter(footprint_code="whole", stratum="all")


def test_every_domain_has_a_figure_in_the_demo(demo):
    """Whatever is true of 20 people or more is shown by home, by practice, or by both."""
    folder, _ = demo
    baseline = _of_everybody(folder / "demo-1/run/releasable/baseline.csv")
    true = _of_everybody(folder / "demo-1/data/true_counts.parquet")
    domains = {each.id: each.domain for each in catalogue() if not each.part_of}
    areas = [each.id for each in catalogue() if each.level == "area"]
    # A score may be negative; a count must be above zero and shown.
    shown = baseline.filter(pl.col("value") != 0)["indicator"].unique()
    many = (pl.col("numerator") >= 20) | pl.col("indicator").is_in(areas)
    there = true.filter(many, pl.col("numerator").is_not_null())["indicator"].unique()
    assert sorted(({*there} & {*domains}) - {*shown}) == []
    assert {*domains.values()} == {domains[name] for name in shown if name in domains}
    for frame in (baseline, true):
        # The council tells no diagnosis; every other indicator has data.
        absent = frame.filter(status="no_data")["indicator"].unique()
        assert all(name.endswith("_known_council_only") for name in absent), absent


BAD = {
    "no people": (["--people", 0, "--seed", 1], 10),
    "absurd size": (["--people", 10**12, "--seed", 1], 10),
    "unknown preset": (["--people", 500, "--seed", 1, "--preset", "hrad"], 10),
    "no places": (["--people", 500, "--seed", 1, "--places", "nowhere"], 12),
    "not a number": (["--people", "many", "--seed", 1], 2),
}


@pytest.mark.parametrize("case", BAD)
def test_synth_refuses_and_leaves_nothing(case, tmp_path):
    words, code = BAD[case]
    done = offline("synth", *words, "--out", "data", cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_synth_never_overwrites(tmp_path):
    (tmp_path / "data").mkdir()
    done = offline("synth", "--people", 500, "--seed", 1, "--out", "data", cwd=tmp_path)
    assert done.returncode == 15


def test_demo_refuses_a_folder_that_exists(tmp_path):
    done = offline("demo", "--people", 600, "--out", ".", cwd=tmp_path)
    assert done.returncode == 15
    assert list(tmp_path.iterdir()) == []
