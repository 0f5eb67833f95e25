"""The audit log: append-only lines, each with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_START = "0" * 64


def append(path: Path, event: str, **detail: Any) -> None:
    """Append one event to the log. `detail` holds counts and names, never a record's value."""
    body = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "event": event,
        "detail": detail,
        "previous": _last_hash(path),
    }
    line = json.dumps({**body, "hash": _hash(body)}, sort_keys=True)
    before = path.stat().st_size if path.exists() else 0
    try:
        with path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
    except OSError:
        # A full disk may have taken half of the line: a run that is resumed reads the log again.
        if path.exists():
            os.truncate(path, before)
        raise


def is_whole(path: Path) -> bool:
    """Return whether no line of the log was changed, added in between or taken out.

    Lines cut off at the end leave no trace here: compare the last hash with one kept elsewhere.
    """
    previous = _START
    for line in path.read_text(encoding="utf-8").splitlines():
        body = json.loads(line)
        stated = body.pop("hash")
        if body["previous"] != previous or _hash(body) != stated:
            return False
        previous = stated
    return True


def _hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _last_hash(path: Path) -> str:
    if not path.exists():
        return _START
    lines = path.read_text(encoding="utf-8").splitlines()
    return str(json.loads(lines[-1])["hash"]) if lines else _START
