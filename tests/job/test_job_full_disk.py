"""A full disk: said as such, with a code of its own, nothing half-written, runs that go on."""

import errno
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_job import write_small_job

from pophealth_link import cli as command_line
from pophealth_link.folders import is_full
from pophealth_link.job import audit, linking
from pophealth_link.synthetic import growing

COMMAND = [sys.executable, "-m", "pophealth_link"]
WORDS = "the disk is full"


def limited(size, *args, cwd):
    """Run the command line where no file may grow beyond so many bytes: writing fails with EFBIG."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [*COMMAND, *map(str, args)], cwd=cwd, capture_output=True, text=True, check=False,
        preexec_fn=limit,
    )  # fmt: skip


def free(*args, cwd):
    return subprocess.run(
        [*COMMAND, *map(str, args)], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A job, what its linkage makes, and the largest file of each half of a run."""
    folder = tmp_path_factory.mktemp("home")
    job = write_small_job(folder / "data")
    done = free("run", job, "--out", folder / "whole", "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def largest(folder: Path) -> int:
    return max(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def told(done):
    assert done.returncode == 16, (done.returncode, done.stderr)
    assert WORDS in done.stderr
    assert "Fix:" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Bug" not in done.stderr
    assert done.stdout == ""


CASES = {
    "synth": ["synth", "--people", 300, "--seed", 1, "--out", "new/out"],
    "demo": ["demo", "--people", 300, "--seed", 1, "--out", "new/out"],
    "run": ["run", "{home}/data/job.toml", "--out", "new/out"],
    "link": ["link", "{home}/data/job.toml", "--out", "new/out"],
    "analyse": ["analyse", "{home}/data/job.toml", "--index", "{home}/whole/linked", "--out", "new/out"],
}  # fmt: skip


@pytest.mark.parametrize("verb", CASES)
def test_every_verb_that_writes_says_so_and_leaves_nothing(verb, home, tmp_path):
    args = [str(arg).format(home=home) for arg in CASES[verb]]
    done = limited(2_000, *args, "--quiet", cwd=tmp_path)
    told(done)
    assert "nothing was kept" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_stopped_by_a_full_disk_goes_on_when_there_is_room(home, tmp_path):
    job, out = home / "data/job.toml", tmp_path / "run"
    between = largest(home / "whole/linked") + 4_096
    assert largest(home / "whole/releasable") > between, "the second half writes larger files"
    done = limited(between, "run", job, "--out", out, "--quiet", cwd=tmp_path)
    told(done)
    assert "after 1 finished stage" in done.stderr
    assert "--resume" in done.stderr
    assert not out.exists()
    again = free("run", job, "--out", out, "--resume", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "linking was finished before" in again.stderr
    for path in sorted((home / "whole/releasable").iterdir()):
        assert path.read_bytes() == (out / "releasable" / path.name).read_bytes(), path.name
    assert audit.is_whole(out / "audit.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


SMALL_DISK = 'mount -t tmpfs -o size="$1" tmpfs "$2" && cd "$2" || exit 99; shift 2; "$@"; code=$?; ls -A; exit $code'


def on_small_disk(size, disk, *args):
    """Run the command line with `disk` as a disk of that size; files of that size at most, else."""
    disk.mkdir()
    words = [*COMMAND, *map(str, args)]
    if shutil.which("unshare"):
        done = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, "sh", str(size), str(disk), *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in (1, 99):
            return done
    # No mounting here: the nearest thing to it.
    return limited(size // 4, *args, cwd=disk)


@pytest.mark.parametrize(
    ("verb", "size"), [("synth", 150_000), ("demo", 400_000), ("run", 100_000), ("link", 40_000)]
)
def test_on_a_disk_that_is_too_small(verb, size, home, tmp_path):
    args = [str(arg).format(home=home).replace("new/out", "out") for arg in CASES[verb]]
    args = [("3000" if arg == "300" else arg) for arg in args]
    disk = tmp_path / "disk"
    done = on_small_disk(size, disk, *args, "--quiet")
    # What is left on the disk is listed on stdout: nothing.
    told(done)
    assert list(disk.iterdir()) == []


def test_stdout_may_be_full_too(home):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "describe", "condition_events"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 16
    assert WORDS in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


ERRORS = [
    OSError(errno.ENOSPC, "x"),
    OSError(errno.EDQUOT, "x"),
    OSError(errno.EFBIG, "x"),
    OSError("No space left on device (os error 28)"),
    RuntimeError("IO Error: Could not write to file: No space left on device"),
]


@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_a_full_disk_are_known(error):
    assert is_full(error)
    wrapped = ValueError("MARKED")
    wrapped.__cause__ = error
    assert is_full(wrapped)


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "x"), ValueError("space"), KeyError("disk"), None]
)
def test_other_errors_are_not_taken_for_it(error):
    assert not is_full(error)


@pytest.mark.parametrize("error", ERRORS)
def test_no_room_for_a_part_of_the_people(error, tmp_path, monkeypatch, capsys):
    """The third table that is added finds no room."""
    calls = []

    def fail(*args):
        calls.append(args)
        if len(calls) > 2:
            raise error
        append(*args)

    append = growing._Parquet.append
    monkeypatch.setattr(growing._Parquet, "append", fail)
    monkeypatch.chdir(tmp_path)
    code = command_line._run(
        ["synth", "--people", "300", "--seed", "1", "--out", "a/b/out", "--quiet"]
    )
    captured = capsys.readouterr()
    assert code == 16
    assert WORDS in captured.err
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


def test_an_audit_log_never_ends_in_half_a_line(tmp_path, monkeypatch):
    log = tmp_path / "audit.jsonl"
    audit.append(log, "started")
    whole = log.read_bytes()

    def half(line):
        with log.open("ab") as file:
            file.write(b'{"half')
        raise OSError(errno.ENOSPC, "x")

    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *args):
            return None

        write = staticmethod(half)

    with monkeypatch.context() as patch:
        opened = Path.open
        patch.setattr(
            Path,
            "open",
            lambda self, mode="r", **more: Full() if mode == "a" else opened(self, mode, **more),
        )
        with pytest.raises(OSError, match="x"):
            audit.append(log, "linked")
    assert log.read_bytes() == whole
    audit.append(log, "linked")
    assert audit.is_whole(log)


def test_a_value_never_comes_out_with_the_error(tmp_path, monkeypatch, capsys):
    def fail(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "MARKED")

    job = write_small_job(tmp_path / "data")
    monkeypatch.setattr(linking, "_write", fail)
    assert command_line._run(["link", str(job), "--out", str(tmp_path / "out"), "--quiet"]) == 16
    captured = capsys.readouterr()
    assert "MARKED" not in captured.err + captured.out
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
