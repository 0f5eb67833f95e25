"""A run's folder appears whole or not at all; an interrupted one can be gone on with."""

import json
from pathlib import Path

import pytest
from small_job import write_small_job

from pophealth_link import demo
from pophealth_link import job as jobs
from pophealth_link.errors import JobError, OutputExistsError, RunInterruptedError
from pophealth_link.folders import new_folder, refuse_existing
from pophealth_link.job import audit, runner
from pophealth_link.job.folder import open_run, partial


def test_folder_appears_at_the_end(tmp_path):
    out = tmp_path / "run"
    with open_run(out, "f") as folder:
        (folder.path / "a").write_text("x")
        assert not out.exists()
    assert [p.name for p in out.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [out]


def test_error_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), open_run(tmp_path / "run", "f") as folder:
        folder.mark("link", {})
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_existing_output_is_refused(tmp_path):
    with pytest.raises(OutputExistsError), open_run(tmp_path, "f"):
        pass


def interrupt(out, fingerprint="f"):
    with pytest.raises(RunInterruptedError) as caught, open_run(out, fingerprint) as folder:
        (folder.path / "a").write_text("kept")
        folder.mark("link", {"rows": 1})
        raise KeyboardInterrupt
    return caught.value


def test_interruption_keeps_finished_stages_for_the_same_job_alone(tmp_path):
    out = tmp_path / "run"
    assert interrupt(out).exit_code == 16
    assert not out.exists()
    with open_run(out, "f", resume=True) as folder:
        assert folder.done() == {"link": {"rows": 1}}
        assert (folder.path / "a").read_text() == "kept"
    assert [p.name for p in out.iterdir()] == ["a"]


@pytest.mark.parametrize(("fingerprint", "resume"), [("other", True), ("f", False)])
def test_another_job_or_no_resume_starts_anew(tmp_path, fingerprint, resume):
    out = tmp_path / "run"
    interrupt(out)
    with open_run(out, fingerprint, resume=resume) as folder:
        assert folder.done() == {}
        assert list(folder.path.iterdir()) == []


def test_interruption_before_any_stage_leaves_nothing(tmp_path):
    with pytest.raises(RunInterruptedError), open_run(tmp_path / "run", "f"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    assert not partial(tmp_path / "run").exists()


def test_audit_log_shows_a_change(tmp_path):
    log = tmp_path / "audit.jsonl"
    for number in range(3):
        audit.append(log, "stage", records=number)
    assert audit.is_whole(log)
    lines = log.read_text().splitlines()
    changed = json.loads(lines[1])
    changed["detail"]["records"] = 99
    log.write_text("\n".join([lines[0], json.dumps(changed), lines[2]]) + "\n")
    assert not audit.is_whole(log)
    log.write_text("\n".join([lines[0], lines[2]]) + "\n")
    assert not audit.is_whole(log)


@pytest.mark.parametrize("make", [open_run, lambda out, _: new_folder(out)])
def test_folders_above_a_failed_run_go_if_they_are_empty_and_were_made(tmp_path, make):
    (tmp_path / "there").mkdir()
    with pytest.raises(ZeroDivisionError), make(tmp_path / "there/deep/er/run", "f"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.parametrize(
    "as_told", [RuntimeError("Query interrupted"), type("InterruptException", (Exception,), {})()]
)
def test_an_interruption_that_an_engine_tells_as_its_own_error_keeps_what_is_finished(
    tmp_path, as_told
):
    with (
        pytest.raises(RunInterruptedError, match="--resume"),
        open_run(tmp_path / "run", "f") as folder,
    ):
        folder.mark("a stage", {"rows": 1})
        raise as_told
    with open_run(tmp_path / "run", "f", resume=True) as folder:
        assert folder.done() != {}


def test_folders_above_an_interrupted_run_stay_for_it_to_go_on(tmp_path):
    out = tmp_path / "deep/run"
    interrupt(out)
    assert partial(out).is_dir()


@pytest.mark.parametrize("out", ["file/run", "file/deep/run"])
def test_a_folder_within_a_file_is_refused(tmp_path, out):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputExistsError, match="file, in which"), open_run(tmp_path / out, "f"):
        pass


@pytest.mark.parametrize("out", ["x" * 300, "y" * 250, "é" * 130, "deep/" + "x" * 300 + "/run"])
def test_a_name_that_is_too_long_is_refused(tmp_path, out):
    with pytest.raises(JobError, match="too long"), open_run(tmp_path / out, "f"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", [".", "..", "none/.."])
def test_a_folder_without_a_name_of_its_own_is_shown_as_written(out, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputExistsError, match=r"the output folder \.+ exists"):
        refuse_existing(Path(out))


def test_link_and_analyse_advise_no_resume(tmp_path, monkeypatch):
    job = write_small_job(tmp_path / "data")

    def stop(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "read_index", stop)
    with pytest.raises(RunInterruptedError) as caught:
        jobs.link(job, out=tmp_path / "deep/out")
    assert "--resume" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("stage", ["run_link", "run_analyse"])
def test_an_interrupted_demo_leaves_nothing_and_advises_no_resume(tmp_path, monkeypatch, stage):
    def stop(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, stage, stop)
    with pytest.raises(RunInterruptedError) as caught:
        demo.run_demo(tmp_path / "deep/demo", people=100, seed=1)
    assert "--resume" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_resume_on_a_folder_that_is_not_a_finished_run_of_the_job_is_refused(tmp_path):
    job = write_small_job(tmp_path / "data")
    half = jobs.link(job, out=tmp_path / "half")
    with pytest.raises(OutputExistsError):
        jobs.run(job, out=half.folder, resume=True)
    with pytest.raises(JobError):
        jobs.run(tmp_path / "none.toml", out=half.folder, resume=True)
