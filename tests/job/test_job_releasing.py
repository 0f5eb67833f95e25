"""What the report may show of places, and earlier releases that the new one is checked against."""

import json
from dataclasses import replace
from types import SimpleNamespace

import polars as pl
import pytest
from small_job import write_small_job

from compared import baseline
from pophealth_link import disclosure
from pophealth_link import job as jobs
from pophealth_link.errors import DisclosureError, JobError
from pophealth_link.job import contents, earlier, manifest, releasing
from pophealth_link.job.model import Job
from pophealth_link.job.progress import Recorder, Silent
from pophealth_link.job.spec import parse
from pophealth_link.need.snapshot import members, read_snapshot

PLACES = ["basis", "unit", "footprint_type", "footprint_code"]


def units(*rows):
    frame = pl.DataFrame([*rows], schema=PLACES, orient="row")
    return frame.with_columns(footprint_name="footprint_code", share=pl.lit(1.0))


def test_what_the_snapshot_withholds_of_an_area_the_report_does_not_draw():
    """Authorities are published: everyone knows which LSOAs they have."""
    rows = [
        ("resident", area, kind, code)
        for area, network in (("A", "U1"), ("B", "U1"), ("C", "no_best_fit"))
        for kind, code in (("pcn", network), ("lad", "L1"), ("whole", "whole"))
    ]
    held = units(*rows, ("registered", "P1", "pcn", "U1"))
    drawn = releasing.lookup(held, members(held, ["B"]))
    assert drawn.columns == ["lsoa_code", "footprint_type", "footprint_code"]
    assert drawn.filter(footprint_type="pcn").rows() == [("A", "pcn", "U1")]
    assert drawn.filter(footprint_type="lad")["lsoa_code"].to_list() == ["A", "B", "C"]


@pytest.mark.slow
def test_no_map_of_a_run_has_an_area_of_few_patients(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        releasing.report, "render_report", lambda inputs: seen.append(inputs) or "<p>"
    )
    jobs.run(write_small_job(tmp_path), out=tmp_path / "run")
    told = read_snapshot(tmp_path / "run/releasable/snapshot.json").memberships
    people = pl.read_parquet(tmp_path / "run/linked/people.parquet")
    lives = people.filter("on_register", "current").group_by("lsoa_code").len()
    few = set(lives.filter(pl.col("len") < 8)["lsoa_code"].drop_nulls())
    networks = seen[0].resident_lookup.filter(footprint_type="pcn")
    own = told.filter(basis="resident", footprint_type="pcn")
    assert few
    assert not few & set(networks["lsoa_code"])
    assert networks["lsoa_code"].sort().equals(own["unit"].sort().alias("lsoa_code"))
    # Published measures of every area are drawn as before.
    assert few <= set(seen[0].boundaries["area_code"])


JOB = """\
version = 1
as_of = 2026-04-01
[[sources]]
name = "gp"
setting = "primary_care"
people = "gp.csv"
[disclosure]
policy = "hes"
previous_release = ["first", "again/baseline.csv"]
"""


@pytest.fixture
def with_earlier(tmp_path):
    """A job that names the folder of a run and a baseline.csv by itself, of which only that is."""
    (tmp_path / "first/releasable").mkdir(parents=True)
    (tmp_path / "again").mkdir()
    made = baseline("x", {"U1": (100, 1000), "U2": (90, 1000)})
    for name in ("first/releasable/baseline.csv", "again/baseline.csv"):
        made.cells.write_csv(tmp_path / name)
    policy = disclosure.policy("hes").parameters()
    told = replace(made.snapshot, policy=policy).to_json()
    (tmp_path / "first/releasable/snapshot.json").write_text(told, encoding="utf-8")
    path = tmp_path / "job.toml"
    path.write_text(JOB, encoding="utf-8")
    return Job(path, parse(path), (), (), disclosure.policy("hes"))


def test_one_earlier_release_is_a_list_of_one(tmp_path):
    path = tmp_path / "job.toml"
    path.write_text(JOB.replace('["first", "again/baseline.csv"]', '"first"'), encoding="utf-8")
    assert parse(path).disclosure.previous_release == ("first",)
    path.write_text(JOB.replace('["first", "again/baseline.csv"]', "3"), encoding="utf-8")
    with pytest.raises(JobError, match="previous_release  must be a path, or a list of paths"):
        parse(path)


def test_earlier_releases_are_among_the_files_whose_hashes_are_kept(with_earlier):
    job = with_earlier
    own = ["first/releasable/baseline.csv", "again/baseline.csv"]
    read = list(job.files("analyse"))
    assert read[-2:] == [job.resolve(each) for each in own]
    before = manifest.file_hashes(read, job.folder)
    with job.resolve(own[1]).open("a") as file:
        file.write("\n")
    after = manifest.file_hashes(read, job.folder)
    assert [name for name in before if before[name] != after[name]] == [own[1]]
    assert not set(job.files("link")) & set(read)


def test_a_sound_earlier_release_is_no_problem(with_earlier):
    assert not contents._earlier(with_earlier)


def test_what_is_no_earlier_release_is_told_before_a_run(with_earlier):
    job = with_earlier
    job.resolve("again/baseline.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    job.resolve("first/releasable/baseline.csv").unlink()
    first, second = contents._earlier(job)
    assert (first.where, second.where) == (
        "disclosure.previous_release[0]",
        "disclosure.previous_release[1]",
    )
    assert "holds no baseline" in first.what
    assert "columns are absent" in second.what


def test_an_earlier_release_by_another_policy_is_refused(with_earlier):
    job = with_earlier
    path = job.resolve("first/releasable/snapshot.json")
    path.write_text(path.read_text().replace('"hes"', '"midpoint6"'), encoding="utf-8")
    (problem,) = contents._earlier(job)
    assert problem.kind is JobError
    assert "released by another policy than `hes`" in problem.what


def test_counts_that_the_run_does_not_have_are_warned_of(with_earlier):
    earlier_cells = earlier.read(with_earlier.resolve("first"), with_earlier.policy)
    heard = Recorder(Silent())
    both = earlier.of_job(with_earlier, earlier_cells, heard)
    assert both.height == earlier_cells.height
    assert not heard.warnings
    earlier.of_job(with_earlier, earlier_cells.filter(footprint_code="U1"), heard)
    assert len(heard.warnings) == 1
    assert heard.warnings[0].startswith("1 counts of disclosure.previous_release")
    assert earlier.of_job(without(with_earlier), earlier_cells, heard) is None


def without(job):
    table = job.spec.disclosure.model_copy(update={"previous_release": ()})
    return replace(job, spec=job.spec.model_copy(update={"disclosure": table}))


def test_a_release_that_earlier_ones_make_telling_is_refused_with_its_reason(monkeypatch):
    def refuse(*_, previous, **__):
        raise DisclosureError("The release has 1 problem.", "3 can be told.", fix="none")

    monkeypatch.setattr(releasing.need, "release", refuse)
    done = SimpleNamespace(inputs=SimpleNamespace(unit_footprints=None), counts=None, listed=None)
    with pytest.raises(DisclosureError, match=r"(?s)previous_release together.*3 can be told"):
        releasing._released(done, disclosure.policy("hes"), pl.DataFrame())
    with pytest.raises(DisclosureError, match=r"^DisclosureError: The release has 1 problem"):
        releasing._released(done, disclosure.policy("hes"), None)


@pytest.mark.slow
def test_a_run_is_checked_with_the_release_before_it(tmp_path, monkeypatch):
    path = write_small_job(tmp_path)
    jobs.run(path, out=tmp_path / "first")
    named = 'policy = "hes"\nprevious_release = "first"'
    path.write_text(path.read_text().replace('policy = "hes"', named), encoding="utf-8")
    seen = []
    plain = releasing.need.release
    monkeypatch.setattr(
        releasing.need,
        "release",
        lambda *args, **more: seen.append(more["previous"]) or plain(*args, **more),
    )
    jobs.run(path, out=tmp_path / "second")
    first = pl.read_csv(tmp_path / "first/releasable/baseline.csv", infer_schema=False)
    shown = first["numerator"].cast(pl.Float64).drop_nulls()
    assert seen[0]["numerator"].drop_nulls().len() == shown.len() > 100
    inputs = json.loads((tmp_path / "second/manifest.json").read_text())["inputs"]
    assert "first/releasable/baseline.csv" in inputs
