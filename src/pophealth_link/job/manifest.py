"""The manifest: versions, input hashes, row accounting, the job as run, timings, peak memory."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("pophealth-link", "polars", "narwhals", "splink", "duckdb", "geopandas", "shapely")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape results."""
    return {"python": platform.python_version(), **{p: metadata.version(p) for p in _PACKAGES}}


def file_hashes(paths: Iterable[Path], folder: Path) -> dict[str, str]:
    """Return SHA-256 by name; a folder of Parquet counts file by file.

    A file below `folder` has its path from there; another is `outside/<number>/<its name>`,
    numbered in the order of `paths`, so that no name tells where it lies.
    """
    found: dict[str, str] = {}
    for number, path in enumerate(dict.fromkeys(paths), start=1):
        name = _name(path, folder, number)
        if path.is_dir():
            parts = {f"{name}/{part.name}": part for part in sorted(path.glob("*.parquet"))}
        else:
            parts = {name: path}
        found |= {key: _sha256(part) for key, part in parts.items()}
    return found


def index_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Return SHA-256 of the files of an index that came from elsewhere, as `index/<name>`."""
    return {
        f"index/{key}": value
        for path in paths
        for key, value in file_hashes([path], path.parent).items()
    }


def _name(path: Path, folder: Path, number: int) -> str:
    # Both made absolute the same way: it must not matter from where a job is run.
    whole, above = (Path(os.path.abspath(each)) for each in (path, folder))  # noqa: PTH100
    if whole.is_relative_to(above):
        return whole.relative_to(above).as_posix()
    return f"outside/{number}/{whole.name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def peak_memory_mb() -> int | None:
    """Return the most memory that this process has held, in megabytes (10^6 bytes).

    Null on Windows, whose Python does not tell it.
    """
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    per_unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kibibytes on Linux
    return round(peak * per_unit / 1e6)


def fingerprint(record: Mapping[str, Any], key_check: str | None) -> str:
    """Return one hash of a run's `record` (job, inputs, reference, versions) and of its key."""
    body = json.dumps({**record, "key": key_check}, sort_keys=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()


def read(path: Path) -> dict[str, Any]:
    """Return the manifest in a file; an empty one where there is none."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def write(path: Path, body: Mapping[str, Any]) -> None:
    """Write the manifest as JSON."""
    path.write_text(json.dumps(body, indent=2, default=str) + "\n", encoding="utf-8")
