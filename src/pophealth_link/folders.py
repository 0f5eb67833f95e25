"""Output folders: never overwritten, and there only when they are whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pophealth_link.errors import OutputExistsError


def refuse_existing(out: Path) -> None:
    """Raise `OutputExistsError` where `out` is there: nothing is ever overwritten."""
    if out.exists() or out.is_symlink():
        raise OutputExistsError(
            f"the output folder {out.name or out} exists.",
            fix="name a new folder; nothing is ever overwritten.",
        )


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a draft folder beside `out`; rename it to `out` at the end, or leave nothing.

    Folders above `out` are made. Raises `OutputExistsError` where `out` exists.
    """
    refuse_existing(out)
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        refuse_existing(out)
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
