"""The command line in a subprocess: what it prints, what it writes, how it refuses."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from small_job import write_small_job

from pophealth_link import cli as command_line
from pophealth_link import job as jobs
from pophealth_link.job import audit, linking, outputs
from pophealth_link.schema.outputs import BASELINE


def cli(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "pophealth_link", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    job = write_small_job(folder / "data")
    done = cli("run", job, "--out", folder / "run", "--quiet")
    assert done.returncode == 0, done.stderr
    return job, folder / "run", done


@pytest.fixture
def job(tmp_path):
    return write_small_job(tmp_path / "data")


def test_stdout_holds_what_was_asked_for_and_quiet_is_quiet(ran):
    _, run, done = ran
    assert done.stdout == f"Report: {run}/releasable/report.html\n"
    assert done.stderr == ""


def test_the_folder_is_as_the_interface_says(ran):
    _, run, _ = ran
    found = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    assert {
        "linked/person_index.parquet",
        "linked/pairs.parquet",
        "linked/person_facts.parquet",
        "linked/people.parquet",
        "releasable/baseline.csv",
        "releasable/linkage_card.json",
        "releasable/linkage_card.md",
        "releasable/report.html",
        "releasable/data_dictionary.csv",
        "releasable/release_manifest.json",
        "manifest.json",
        "audit.jsonl",
    } <= found
    header = (run / "releasable/baseline.csv").read_text().splitlines()[0].split(",")
    assert header[: len(BASELINE.names)] == list(BASELINE.names)
    assert audit.is_whole(run / "audit.jsonl")


def test_the_index_says_which_reference_it_is_fitted_to(ran):
    job, run, _ = ran
    pack = jobs.load(job).read_reference()
    told = json.loads((run / "releasable/need_index.json").read_text())["reference"]
    assert (told["pack"], told["sha256"]) == (pack.name, pack.digest)
    assert told["vintages"] == {name: pack.about[name].vintage for name in pack.tables}
    assert told["vintages"]["deprivation"]


def test_plan_names_the_files_of_the_folder(ran):
    job, run, _ = ran
    found = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    assert found == set(outputs.files(jobs.load(job)))


def test_audit_log_holds_the_hash_of_the_release_manifest_as_written(ran):
    _, run, _ = ran
    lines = [json.loads(line) for line in (run / "audit.jsonl").read_text().splitlines()]
    told = next(line["detail"] for line in lines if line["event"] == "released")
    written = (run / "releasable/release_manifest.json").read_bytes()
    assert told["manifest_sha256"] == hashlib.sha256(written).hexdigest()


def test_the_same_job_releases_the_same_bytes(ran, tmp_path):
    job, run, _ = ran
    assert cli("run", job, "--out", tmp_path / "again", "--quiet").returncode == 0
    for path in sorted((run / "releasable").iterdir()):
        assert path.read_bytes() == (tmp_path / "again/releasable" / path.name).read_bytes(), path


def test_run_is_link_then_analyse_and_analyse_reads_no_people_file(ran, tmp_path):
    job, run, _ = ran
    data = job.parent
    linked = cli("link", job, "--out", tmp_path / "half", "--quiet")
    assert linked.returncode == 0, linked.stderr
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    people = [data / name for name in ("gp.parquet", "trust.csv", "care.csv")]
    for path in people:
        path.rename(hidden / path.name)
    try:
        done = cli("analyse", job, "--index", tmp_path / "half/linked", "--out", tmp_path / "b")
    finally:
        for path in people:
            (hidden / path.name).rename(path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "half/releasable").exists()
    for name in ("baseline.csv", "report.html", "linkage_card.json"):
        whole = (run / "releasable" / name).read_bytes()
        assert whole == (tmp_path / "b/releasable" / name).read_bytes(), name


def test_link_reads_no_events(job, tmp_path):
    for name in ("conditions.csv", "contacts.csv", "care_events.csv"):
        (job.parent / name).unlink()
    assert cli("link", job, "--out", tmp_path / "half", "--quiet").returncode == 0


def test_check_says_which_passes_a_source_can_take_part_in(job):
    done = cli("check", job)
    assert done.returncode == 0, done.stderr
    assert "no problems found" in done.stdout
    care = done.stdout.split("source     care")[1].split("source")[0]
    assert "passes   name_birth_postcode, name_birth_outward, probabilistic" in care


# Each case spoils the job or a file of it, and names the exit code and words of the message.
def spoil_text(name, old, new):
    def spoil(folder: Path):
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return spoil


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def double_rows(folder: Path):
    text = (folder / "care.csv").read_text().splitlines()
    (folder / "care.csv").write_text("\n".join([*text, text[1]]) + "\n")


def set_days(folder: Path):
    frame = pl.read_csv(folder / "care.csv", infer_schema=False)
    frame.with_columns(born=pl.lit("MARKED-1999")).write_csv(folder / "care.csv")


BAD = {
    "missing file": (lambda f: (f / "care.csv").unlink(), 10, ["care.csv does not exist"]),
    "missing column": (spoil_text("care.csv", "record_id", "id"), 11, ["record_id"]),
    "misspelt column": (spoil_text("job.toml", '"forename"', '"fornme"'), 11, ["fornme", "forename"]),
    "two columns mapped to one": (
        spoil_text("job.toml", 'given_name = "forename"', 'given_name = "family_name"\nfamily_name = "family_name"'),
        10,
        ["family_name"],
    ),
    "duplicate record_id": (double_rows, 11, ["record_id"]),
    "empty file": (write("care.csv", b""), 11, ["empty"]),
    "another type": (write("care.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9), 11, ["care.csv"]),
    "csv named parquet": (write("gp.parquet", b"record_id\n1\n"), 11, ["gp.parquet"]),
    "dates that fit nothing": (set_days, 11, ["could not be read as dates", "%d/%m/%Y", "Fix:"]),
    "unknown policy": (spoil_text("job.toml", '"hes"', '"hess"'), 10, ["disclosure.policy", "hes"]),
    "unknown table": (spoil_text("job.toml", '"contacts"', '"contact"'), 10, ["contacts"]),
    "unknown preset": (spoil_text("job.toml", 'name = "care"', 'name = "care"\npreset = "adult_socal_care"'), 10, ["adult_social_care"]),
    "footprints without a code": (
        lambda f: (
            (f / "icp.csv").write_text("pcn_code,footprint_cod\nU9999A,X\n"),
            (f / "job.toml").write_text((f / "job.toml").read_text() + '[footprints.icp]\npath = "icp.csv"\n'),
        ),
        11,
        ["footprints.icp.path", "footprint_code"],
    ),
    "absent footprints": (spoil_text("job.toml", "[disclosure]", '[footprints.icp]\npath = "no.csv"\n[disclosure]'), 10, ["no.csv"]),
    "absent reference": (spoil_text("job.toml", "seed = 1", 'seed = 1\nreference = "packs/none"'), 10, ["packs/none"]),
    "short key": (write("project.key", b"MARKED"), 10, ["key"]),
    "no register": (spoil_text("job.toml", "register = true\nunique_people = true", ""), 13, ["register"]),
    "not toml": (write("job.toml", b"version = \n"), 10, ["not TOML"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_nothing_is_left(case, job, tmp_path):
    spoil, code, words = BAD[case]
    spoil(job.parent)
    out = tmp_path / "out"
    out.mkdir()
    done = cli("run", job, "--out", out / "run", "--quiet")
    assert done.returncode == code, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert "MARKED" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert list(out.iterdir()) == []


def test_several_problems_are_told_at_once_under_the_lowest_code(job):
    (job.parent / "care.csv").unlink()
    spoil_text("contacts.csv", "attendance", "attended")(job.parent)
    spoil_text("job.toml", '"hes"', '"hess"')(job.parent)
    done = cli("check", job)
    assert done.returncode == 10
    assert "3 problems" in done.stderr
    for word in ("care.csv", "attendance", "disclosure.policy"):
        assert word in done.stderr


def test_output_that_exists_is_refused(job, tmp_path):
    done = cli("run", job, "--out", tmp_path)
    assert done.returncode == 15
    assert "OutputExistsError" in done.stderr


def test_finished_run_has_nothing_to_resume_for_the_same_job_alone(ran, tmp_path):
    job, run, _ = ran
    done = cli("run", job, "--out", run, "--resume")
    assert done.returncode == 0
    assert "finished" in done.stdout
    other = write_small_job(tmp_path / "data")
    spoil_text("job.toml", "seed = 1", "seed = 2")(other.parent)
    assert cli("run", other, "--out", run, "--resume").returncode == 15
    assert cli("run", tmp_path / "none.toml", "--out", run, "--resume").returncode == 10


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "x"), OSError("No space left on device (os error 28)")],
)
def test_a_full_disk_is_told_as_such_and_not_as_a_bug(error, job, tmp_path, monkeypatch, capsys):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(linking, "_write", fail)
    assert command_line._run(["link", str(job), "--out", str(tmp_path / "out"), "--quiet"]) == 16
    told = capsys.readouterr().err
    assert "the disk is full" in told
    assert "Bug" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_paths_without_a_name_are_shown_as_written(tmp_path):
    done = cli("check", ".", cwd=tmp_path)
    assert done.returncode == 10
    assert ". is a folder" in done.stderr


def test_interrupted_run_is_resumed_to_the_same_result(ran, tmp_path):
    job, run, _ = ran
    out = tmp_path / "run"
    command = [sys.executable, "-m", "pophealth_link", "run", str(job), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as going:
        for line in going.stderr:
            if "counting indicators" in line:
                os.kill(going.pid, signal.SIGINT)
                break
        rest = going.stderr.read()
    assert going.returncode == 16, rest
    assert "--resume" in rest
    assert not out.exists()
    done = cli("run", job, "--out", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert "linking was finished before" in done.stderr
    same = "releasable/baseline.csv"
    assert (out / same).read_bytes() == (run / same).read_bytes()


@pytest.mark.parametrize("args", [[], ["walk"], ["run"], ["run", "x", "--quick"]])
def test_wrong_command_lines(args):
    assert cli(*args).returncode == 2


@pytest.mark.parametrize(
    "verb", ["demo", "check", "plan", "run", "link", "analyse", "synth", "score", "describe"]
)
def test_every_verb_has_help_with_an_example(verb):
    done = cli(verb, "--help")
    assert done.returncode == 0
    assert f"Example:  pophealth-link {verb}" in done.stdout


def test_wall_clock_is_not_in_what_is_released(ran):
    _, run, _ = ran
    today = time.strftime("%Y-%m-%d")
    for path in (run / "releasable").iterdir():
        assert today not in path.read_text(encoding="utf-8"), path
