"""What `synth` refuses: with which code, in which words, and with nothing left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pophealth_link import cli as command_line
from pophealth_link import reference
from pophealth_link.reference import Pack

SOUND = {"--people": "200", "--seed": "1", "--out": "out"}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return reference.load(None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def synth(**changed: str) -> int:
    words = {**SOUND, **{f"--{name}": value for name, value in changed.items()}}
    return command_line._run(
        ["synth", "--quiet", *(part for pair in words.items() for part in pair)]
    )


SETTINGS = {
    "nobody": ({"people": "0"}, 10, ["people", "from 50 to 10,000,000"]),
    "fewer than nobody": ({"people": "-5"}, 10, ["people", "from 50 to 10,000,000"]),
    "eleven million": ({"people": "11000000"}, 10, ["people", "from 50 to 10,000,000"]),
    "a thousand million": ({"people": "1000000000"}, 10, ["people", "from 50 to 10,000,000"]),
    "no whole number": ({"people": "1e9"}, 2, ["--people"]),
    "words": ({"people": "many"}, 2, ["--people"]),
    "half a seed": ({"seed": "1.5"}, 2, ["--seed"]),
    "a seed below 0": ({"seed": "-1"}, 10, ["seed", "from 0 to"]),
    "a seed beyond TOML": ({"seed": str(2**70)}, 10, ["seed", "from 0 to"]),
    "a preset misspelt": ({"preset": "tipical"}, 10, ["easy, typical, hard", "Did you mean `typical`?"]),
    "a preset of nothing": ({"preset": ""}, 10, ["easy, typical, hard"]),
    "several at once": ({"people": "0", "seed": "-1", "preset": "x"}, 10, ["3 problems"]),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_out_of_range(case: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, code, words = SETTINGS[case]
    assert synth(**changed) == code
    refused(capsys, here, words)


def refused(
    capsys: pytest.CaptureFixture[str], here: Path, words: list[str], left: tuple[str, ...] = ()
) -> None:
    told = capsys.readouterr()
    for word in words:
        assert word in told.err, told.err
    assert "Traceback" not in told.err
    assert "Bug" not in told.err
    assert told.out == ""
    assert sorted(path.name for path in here.iterdir()) == sorted(left)


def write(pack: Pack, folder: Path, **changed: pl.DataFrame | None) -> None:
    """Write the pack with some tables other than they are, or left out."""
    tables = {name: pack.read(name) for name in pack.tables} | changed
    kept = {name: table for name, table in tables.items() if table is not None}
    about = {name: pack.about[name] for name in kept}
    reference.write(kept, folder, name="spoilt", n_areas=pack.n_areas, about=about)


PACKS: dict[str, tuple[Callable[[Pack], dict[str, pl.DataFrame | None]], list[str]]] = {
    "no postcodes": (lambda _: {"postcodes": None}, ["no table `postcodes`"]),
    "no practices": (lambda _: {"practices": None}, ["no table `practices`"]),
    "no areas": (lambda _: {"areas": None}, ["no table `areas`"]),
    "empty postcodes": (lambda p: {"postcodes": p.read("postcodes").clear()}, ["has no postcodes"]),
    "practices that closed": (
        lambda p: {"practices": p.read("practices").with_columns(close_date=pl.date(2001, 1, 1))},
        ["no open practice"],
    ),
    "nobody lives there": (
        lambda p: {
            "areas": p.read("areas").with_columns(
                pl.lit(0).cast(p.read("areas").schema[name]).alias(name) for name in ("population", "households")
            ),
            "postcodes": p.read("postcodes").with_columns(lsoa_code=pl.lit("E01999999")),
        },
        ["has both people and postcodes"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PACKS)
def test_packs_in_which_nobody_could_live(
    case: str, pack: Pack, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, words = PACKS[case]
    write(pack, here / "pack", **spoil(pack))
    assert synth(places="pack") == 12
    refused(capsys, here, ["spoilt", *words, "Fix:"], left=("pack",))


def make_file(path: Path) -> None:
    path.write_text("not a pack")


def make_folder(path: Path) -> None:
    path.mkdir()


def make_nonsense(path: Path) -> None:
    path.mkdir()
    (path / "pack.toml").write_text("version = \n")


@pytest.mark.parametrize("make", [make_file, make_folder, make_nonsense])
def test_places_that_are_no_pack(
    make: Callable[[Path], None], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(here / "pack")
    assert synth(places="pack") == 12
    refused(capsys, here, ["ReferenceDataError", "pack"], left=("pack",))


def test_places_that_are_not_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert synth(places="nowhere") == 12
    refused(capsys, here, ["nowhere does not exist"])


def test_more_people_than_the_places_hold(
    pack: Pack, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = pack.read("areas").head(1)
    write(pack, here / "pack", areas=one)
    assert synth(people="600000", places="pack") == 10
    refused(capsys, here, ["too many for the 1 LSOAs", "at most 500,000"], left=("pack",))


OUTPUTS = {
    "a folder": ("there", 15),
    "a file": ("file", 15),
    "within a file": ("file/out", 15),
    "this folder": (".", 15),
    "the folder above": ("..", 15),
    "where nothing can be made": ("/proc/out", 10),
    "a long name": ("x" * 300, 10),
    "a long path": ("/".join(["d" * 100] * 50), 10),
}


@pytest.mark.parametrize("case", OUTPUTS)
def test_outputs_that_exist_or_cannot_be_made(
    case: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "there").mkdir()
    (here / "file").write_text("kept")
    out, code = OUTPUTS[case]
    assert synth(out=out) == code
    refused(capsys, here, ["Fix:"], left=("there", "file"))
    assert (here / "file").read_text() == "kept"
    assert list((here / "there").iterdir()) == []


@pytest.mark.parametrize("verb", ["run", "demo"])
def test_other_verbs_refuse_what_cannot_be_made_too(
    verb: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert synth() == 0
    capsys.readouterr()
    job = ["out/job.toml"] if verb == "run" else ["--people", "100"]
    assert command_line._run([verb, *job, "--out", "/proc/new", "--quiet"]) == 10
    refused(capsys, here, ["nothing can be written in the folder"], left=("out",))


@pytest.mark.parametrize("told", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interruption_leaves_nothing(
    told: BaseException,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # DuckDB tells of an interruption in an error of its own.
    def stop(*_args: object, **_more: object) -> None:
        raise told

    monkeypatch.setattr("pophealth_link.true_counts.tally_part", stop)
    assert synth() == 16
    refused(capsys, here, ["Interrupted"])


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP here")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing(name: str, here: Path) -> None:
    words = ("synth", "--people", "300000", "--seed", "1", "--out", "out")
    # Where the tests run under nohup, SIGHUP is ignored, and that would be inherited.
    made = subprocess.Popen(
        [sys.executable, "-m", "pophealth_link", *words],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert made.stderr is not None
    # The draft is there by the time that the first stage is told.
    assert "making" in made.stderr.readline()
    made.send_signal(getattr(signal, name))
    assert made.wait(60) == 16
    assert "Interrupted." in made.stderr.read()
    made.stderr.close()
    assert list(here.iterdir()) == []


def test_progress_is_on_stderr_and_the_job_on_stdout(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line._run(["synth", *(part for pair in SOUND.items() for part in pair)]) == 0
    told = capsys.readouterr()
    assert told.out == "Job: out/job.toml\n"
    assert "making 200 synthetic people" in told.err
