"""What kind of file a path is, by its content: a name alone proves nothing."""

from __future__ import annotations

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


def parts_of(path: Path) -> list[Path]:
    """Return the Parquet files behind `path`, in order of their names."""
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def path_problems(path: Path, where: str) -> list[Problem]:
    """Return what forbids reading `path` at all: absent, empty, or a file of another kind."""
    status = _status(path)
    if status == "absent":
        return [job_problem(where, f"{path} does not exist.{_neighbour(path)}")]
    if status == "closed":
        return [data_problem(where, f"{path} cannot be opened.", "allow this account to read it.")]
    if status == "folder":
        what = f"{path} is a folder that holds no Parquet file."
        return [] if parts_of(path) else [data_problem(where, what)]
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
