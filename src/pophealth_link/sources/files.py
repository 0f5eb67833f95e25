"""What kind of file a path is, by its content: a name alone proves nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pophealth_link.errors import Problem, nearest
from pophealth_link.sources.problems import data_problem, job_problem

FileKind = Literal["delimited", "parquet", "folder"]

_PARQUET_SUFFIXES = frozenset({".parquet", ".pq"})
_TEXT_SUFFIXES = frozenset({".csv", ".txt", ".tsv", ".tab"})
_AS_CSV = "save it as CSV (UTF-8) or Parquet."

# First bytes → what the file is, and what to do. Each is the published signature of its format.
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive", f"unpack it or {_AS_CSV}"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind", _AS_CSV),
    (b"\x89PNG", "a PNG image", "name the data file."),
    (b"\xff\xd8\xff", "a JPEG image", "name the data file."),
    (b"%PDF", "a PDF document", "name the data file."),
    (b"\x1f\x8b", "a gzip archive", "unpack it."),
    (b"ARROW1", "an Arrow file", _AS_CSV),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV or Parquet."),
    (b"\xff\xfe", "UTF-16 text", "save it as CSV (UTF-8)."),
    (b"\xfe\xff", "UTF-16 text", "save it as CSV (UTF-8)."),
)


def kind_of(path: Path) -> FileKind:
    """Return how `path` is read; call `path_problems` first."""
    if path.is_dir():
        return "folder"
    return "parquet" if _first_bytes(path)[:4] == b"PAR1" else "delimited"


def parts_of(path: Path, patterns: Sequence[str] = ()) -> list[Path]:
    """Return the data files behind `path`, in order of their names, numbers by their size.

    Of a folder, at any depth: those whose names fit a pattern (case ignored); without patterns its
    Parquet files, or where it has none its text files.
    """
    if not path.is_dir():
        return [path]
    files = _files_in(path)
    if patterns:
        found = [each for each in files if fits(each.name, patterns)]
    else:
        found = _with(files, _PARQUET_SUFFIXES) or _with(files, _TEXT_SUFFIXES)
    return sorted(found, key=lambda each: _in_order(each.relative_to(path).as_posix()))


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Return whether the name of a file fits one of the patterns, in any case; all fit no pattern.

    >>> fits("MHS001MPI_2025.csv", ["mhs001*"])
    True
    """
    return not patterns or any(fnmatchcase(name.lower(), each.lower()) for each in patterns)


def _files_in(path: Path) -> list[Path]:
    return [each for each in path.rglob("*") if not _is_hidden(each, path) and each.is_file()]


def _with(files: Sequence[Path], suffixes: frozenset[str]) -> list[Path]:
    return [each for each in files if each.suffix.lower() in suffixes]


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)


def _in_order(name: str) -> tuple[tuple[int, str], ...]:
    """Return a name so that its numbers are ordered by size: Q2 before Q10."""
    pieces = re.findall(r"\d+|\D+", name.lower())
    return tuple((int(p), "") if p.isdecimal() else (-1, p) for p in pieces)


def path_problems(path: Path, where: str, patterns: Sequence[str] = ()) -> list[Problem]:
    """Return what forbids reading `path` at all: absent, empty, or a file of another kind.

    Of a folder: that no file in it fits the patterns; call it for each of its files.
    """
    status = _status(path)
    if status == "absent":
        return [job_problem(where, f"{path} does not exist.{_neighbour(path)}")]
    if status == "closed":
        return [data_problem(where, f"{path} cannot be opened.", "allow this account to read it.")]
    if status == "folder":
        found = parts_of(path, patterns)
        return _mixture(path, where, patterns) if found else [_no_file(path, where, patterns)]
    start = _first_bytes(path)
    if not start:
        return [data_problem(where, f"{path} is empty.", "export it again.")]
    return _kind_problems(path, start, where)


def _kind_problems(path: Path, start: bytes, where: str) -> list[Problem]:
    suffix, is_parquet = path.suffix.lower(), start.startswith(b"PAR1")
    if is_parquet and suffix in _TEXT_SUFFIXES:
        fix = "rename it to end in .parquet, and name it so in the job."
        return [data_problem(where, f"{path} is a Parquet file under another name.", fix)]
    if is_parquet:
        return []
    for signature, what, fix in _SIGNATURES:
        if start.startswith(signature):
            return [data_problem(where, f"{path} is {what}, not CSV or Parquet.", fix)]
    if b"\x00" in start:
        return [data_problem(where, f"{path} is neither text nor Parquet.", _AS_CSV)]
    if suffix in _PARQUET_SUFFIXES:
        fix = "rename it to end in .csv, or export it as Parquet."
        return [data_problem(where, f"{path} is text, not Parquet.", fix)]
    return []


def _mixture(path: Path, where: str, patterns: Sequence[str]) -> list[Problem]:
    """Tell where a folder holds both kinds of file and nothing says which are meant."""
    files = [] if patterns else _files_in(path)
    counts = [len(_with(files, suffixes)) for suffixes in (_PARQUET_SUFFIXES, _TEXT_SUFFIXES)]
    if not all(counts):
        return []
    what = f"{path} holds both Parquet and text files ({counts[0]:,} and {counts[1]:,})."
    return [data_problem(where, what, "keep those of one kind in the folder.")]


def _no_file(path: Path, where: str, patterns: Sequence[str]) -> Problem:
    if not patterns:
        return data_problem(where, f"{path} is a folder that holds no CSV or Parquet file.")
    names = " or ".join(patterns)
    what = f"{path} is a folder that holds no file whose name is like {names}."
    return data_problem(where, what, "name the file itself in the job, or rename it.")


def _neighbour(path: Path) -> str:
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError:
        return ""
    return nearest(path.name, names)


def _status(path: Path) -> Literal["absent", "closed", "folder", "file"]:
    try:
        if not path.exists():
            return "absent"
        if path.is_dir():
            next(path.iterdir(), None)
            return "folder"
        _first_bytes(path)
    except OSError:
        return "closed"
    return "file"


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.read(4096)
