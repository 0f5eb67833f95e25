"""Output folders: never overwritten, and there only when they are whole."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pophealth_link.errors import JobError, OutputExistsError, StorageError

# What file systems take as one name, in bytes, less what a draft's name adds at both ends; and
# what Linux takes as a whole path, less what is written within the folder.
_LONGEST_NAME = 255 - 24
_LONGEST_PATH = 4096 - 512
# No room on the disk, none within a quota, or none within the largest file that is allowed.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_IN_WORDS = ("no space left on device", "disk quota exceeded", "file too large")


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
    too_long = len(os.fsencode(out.absolute())) > _LONGEST_PATH
    if too_long or any(len(os.fsencode(part)) > _LONGEST_NAME for part in out.parts):
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
        make_folder(out.parent)
        yield
    except BaseException:
        for above in made:
            with suppress(OSError):
                above.rmdir()
        raise


def make_folder(folder: Path, above: Path | None = None) -> None:
    """Make a folder and those above it, if they are not there.

    Raises `JobError` where nothing can be written in it; `above` is the folder to name in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        refused = not os.access(folder, os.W_OK)
    except OSError as error:
        if is_full(error):
            raise
        refused = True
    if refused:
        raise JobError(
            f"nothing can be written in the folder {shown(above or folder)}.",
            fix="name a folder that this account may write in.",
        )


def is_full(error: BaseException | None) -> bool:
    """Return whether an error, or one behind it, is that of a disk without room.

    >>> is_full(OSError(errno.ENOSPC, "")), is_full(ValueError())
    (True, False)
    """
    while error is not None:
        if isinstance(error, StorageError) or getattr(error, "errno", None) in _FULL:
            return True
        # Polars and DuckDB pass on the words of the operating system, not its number.
        if any(words in str(error).lower() for words in _FULL_IN_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def full_disk(
    kept: str = "nothing was kept.", again: str = "run the same command again."
) -> StorageError:
    """Return the error of a disk that is full, with what was kept and what to do then."""
    return StorageError(
        f"the disk is full, or files may not grow any larger there; {kept}",
        fix=f"make room where --out points (or in the folder for temporary files), then {again}",
    )


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield a draft folder beside `out`; rename it to `out` at the end, or leave nothing.

    Folders above `out` are made. Raises `OutputExistsError` where `out` exists, `StorageError`
    where the disk is full.
    """
    refuse_existing(out)
    full = False
    try:
        with _draft(out) as draft:
            yield draft
    except Exception as error:
        full = is_full(error)
        if not full:
            raise
    # Outside, so that it carries nothing of what was being written.
    if full:
        raise full_disk()


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    with parents_made(out):
        try:
            shutil.rmtree(draft, ignore_errors=True)
            make_folder(draft, above=out.parent)
            yield draft
            refuse_existing(out)
            draft.rename(out)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
