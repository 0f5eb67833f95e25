"""Write a release: its files and a manifest of what they are and what was withheld."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath

import polars as pl

from pophealth_link.disclosure.differencing import Check
from pophealth_link.disclosure.policies import Policy
from pophealth_link.disclosure.suppression import SUPPRESSED
from pophealth_link.disclosure.text import safe_text
from pophealth_link.errors import DisclosureError, OutputExistsError, Problem, raise_problems

MANIFEST = "release_manifest.json"
_FORMAT = 1
DERIVED = ("value", "lower", "upper", "linkage_lower", "linkage_upper")

Content = pl.DataFrame | str | bytes


def write_release(
    folder: str | Path,
    files: Mapping[str, Content],
    policy: Policy,
    *,
    suppressed: Mapping[str, Mapping[str, int]] | None = None,
    check: Check | None = None,
) -> dict[str, object]:
    """Write files and their manifest into a folder, and return the manifest.

    `files` maps a file's name, with `/` for folders in it, to a frame (written as CSV with
    :func:`safe_text`, in the order it has), text (UTF-8) or bytes. `suppressed` gives for a file
    how many counts were withheld and why; left out, suppressed rows of frames are counted.
    The same input writes the same bytes.

    Errors: :class:`OutputExistsError` where a file exists; :class:`DisclosureError` where a name
    leads out of the folder, or a suppressed row of a frame still gives a value or a limit.
    """
    folder = Path(folder)
    _require_names(folder, files)
    _require_empty(files)
    for name, content in sorted(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(content))
    counted = {
        name: {"rows": content.filter(pl.col("status") == SUPPRESSED).height}
        for name, content in files.items()
        if isinstance(content, pl.DataFrame) and "status" in content.columns
    }
    return write_manifest(folder, policy, suppressed={**counted, **(suppressed or {})}, check=check)


def write_manifest(
    folder: str | Path,
    policy: Policy,
    *,
    suppressed: Mapping[str, Mapping[str, int]] | None = None,
    check: Check | None = None,
) -> dict[str, object]:
    """Write `release_manifest.json` for the files that a folder holds, and return it."""
    manifest = release_manifest(folder, policy, suppressed=suppressed, check=check)
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    (Path(folder) / MANIFEST).write_bytes(text.encode() + b"\n")
    return manifest


def release_manifest(
    folder: str | Path,
    policy: Policy,
    *,
    suppressed: Mapping[str, Mapping[str, int]] | None = None,
    check: Check | None = None,
) -> dict[str, object]:
    """Return the manifest of the files in a folder: nothing in it depends on clock or machine.

    It holds `format`, `policy` (name and parameters), `files` (sorted by name: name, sha256,
    bytes), `suppressed` (by file, counts by kind) and `differencing` (the check's counts).
    """
    folder = Path(folder)
    paths = sorted(
        (path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    files = [
        {
            "name": path.relative_to(folder).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in paths
    ]
    return {
        "format": _FORMAT,
        "policy": policy.parameters(),
        "files": files,
        "suppressed": {name: dict(kinds) for name, kinds in sorted((suppressed or {}).items())},
        "differencing": asdict(check) if check else None,
    }


def _bytes(content: Content) -> bytes:
    if isinstance(content, pl.DataFrame):
        return safe_text(content).write_csv().encode()
    return content.encode() if isinstance(content, str) else content


def _require_names(folder: Path, files: Mapping[str, Content]) -> None:
    bad = [name for name in files if not _inside(name)]
    if bad:
        raise DisclosureError(
            "files of a release must lie in its folder.", f"Not so: {', '.join(sorted(bad))}."
        )
    there = [name for name in (*files, MANIFEST) if (folder / name).exists()]
    if there:
        raise OutputExistsError(
            f"{folder} holds {len(there):,} of the files already.", f"{', '.join(sorted(there))}."
        )


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and name != MANIFEST


def _require_empty(files: Mapping[str, Content], derived: Sequence[str] = DERIVED) -> None:
    """Refuse a frame whose suppressed rows still hold a derived number."""
    problems = [
        Problem(DisclosureError, f"{name}: {column}", f"{rows:,} suppressed rows still give it.")
        for name, content in files.items()
        if isinstance(content, pl.DataFrame) and "status" in content.columns
        for column in derived
        if column in content.columns
        for rows in [
            content.filter((pl.col("status") == SUPPRESSED) & pl.col(column).is_not_null()).height
        ]
        if rows
    ]
    raise_problems("The release", problems)
