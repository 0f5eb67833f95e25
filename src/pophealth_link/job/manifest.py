"""The manifest: versions, input hashes, row accounting, the job as run, timings, peak memory."""

from __future__ import annotations

import hashlib
import json
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
    """Return SHA-256 by path, as seen from `folder`; a folder of Parquet counts file by file."""
    found: dict[str, str] = {}
    for path in sorted(set(paths)):
        parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        for part in parts:
            found[_relative(part, folder)] = _sha256(part)
    return found


def _relative(path: Path, folder: Path) -> str:
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return path.name


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


def fingerprint(job: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return one hash of the job as run and of its inputs."""
    body = json.dumps({"job": job, "inputs": hashes}, sort_keys=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()


def write(path: Path, body: Mapping[str, Any]) -> None:
    """Write the manifest as JSON."""
    path.write_text(json.dumps(body, indent=2, default=str) + "\n", encoding="utf-8")
