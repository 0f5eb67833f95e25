"""Output folders: never overwritten, and there only when they are whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pophealth_link.errors import JobError, OutputExistsError

# What file systems take as one name, in bytes, less what a draft's name adds at both ends.
_LONGEST_NAME = 255 - 24


def shown(path: Path) -> str:
    """Return the last name of a path; the path itself where it has none (`.`, `/`).

    >>> shown(Path("runs/a")), shown(Path("."))
    ('a', '.')
    """
    return path.name or str(path)


def is_file(path: Path) -> bool:
    """Return whether the path is a file; a name that is too long is none, and no error."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether the path is a folder; a name that is too long is none, and no error."""
    try:
        return path.is_dir()
    except OSError:
        return False


def refuse_existing(out: Path) -> None:
    """Raise `OutputExistsError` where `out` is there: nothing is ever overwritten.

    Also where a file stands in place of a folder above it, and `JobError` where a name in it is
    longer than a file system takes.
    """
    _refuse_long_names(out)
    if out.name in ("", "..") or out.exists() or out.is_symlink():
        raise OutputExistsError(
            f"the output folder {shown(out)} exists.",
            fix="name a new folder; nothing is ever overwritten.",
        )
    for above in out.parents:
        if above.is_dir():
            return
        if above.exists():
            raise OutputExistsError(
                f"{shown(above)}, in which the output folder would be, is a file.",
                fix="name a folder that is not within a file.",
            )


def _refuse_long_names(out: Path) -> None:
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in out.parts):
        raise JobError(
            "the name of the output folder is too long.",
            f"A name may have {_LONGEST_NAME} bytes.",
            fix="name a shorter one.",
        )


@contextmanager
def parents_made(out: Path) -> Iterator[None]:
    """Make the folders above `out`; after an error, remove those that were made and are empty.

    Raises `JobError` where they cannot be made.
    """
    made = [above for above in out.parents if not above.exists()]
    try:
        _make(out.parent)
        yield
    except BaseException:
        for above in made:
            with suppress(OSError):
                above.rmdir()
        raise


def _make(folder: Path) -> None:
    refused = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        refused = True
    if refused or not os.access(folder, os.W_OK):
        raise JobError(
            f"nothing can be written in the folder {shown(folder)}.",
            fix="name a folder that this account may write in.",
        )


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a draft folder beside `out`; rename it to `out` at the end, or leave nothing.

    Folders above `out` are made. Raises `OutputExistsError` where `out` exists.
    """
    refuse_existing(out)
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    with parents_made(out):
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            yield draft
            refuse_existing(out)
            draft.rename(out)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
