"""A run's folder appears whole or not at all; an interrupted one can be gone on with."""

import json

import pytest

from pophealth_link.errors import OutputExistsError, RunInterruptedError
from pophealth_link.job import audit
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
