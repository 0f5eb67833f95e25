"""The project's pseudonymisation key: read, made and held so that nothing ever shows it."""

from __future__ import annotations

import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pophealth_link.errors import JobError, OutputExistsError, UserError
from pophealth_link.folders import is_full

# 128 bits: the smallest strength that NIST SP 800-107r1 (section 5.3.4) accepts of an HMAC key.
MINIMUM_KEY_BYTES = 16
_MADE_KEY_BYTES = 32
_UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Key:
    """A secret of at least 16 bytes. Its repr hides it, and it refuses to be pickled.

    Errors: :class:`JobError` where the secret is empty or shorter than 16 bytes.

    >>> Key(b"sixteen bytes or more")
    Key(hidden)
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        length = len(self.secret)
        if length < MINIMUM_KEY_BYTES:
            state = "empty" if length == 0 else "too short"
            raise JobError(
                f"the pseudonymisation key is {state}.",
                f"It has {length:,} bytes; at least {MINIMUM_KEY_BYTES} are needed.",
                fix="make one with Key.generate, and keep it outside the run's folder.",
            )

    def __repr__(self) -> str:
        return "Key(hidden)"

    def check_value(self) -> str:
        """Return the HMAC-SHA256 of a constant: it tells whether two keys are the same one.

        >>> Key(b"a" * 16).check_value() == Key(b"b" * 16).check_value()
        False
        """
        return hmac.new(self.secret, b"check value of the key", "sha256").hexdigest()

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key is never written out.")

    @classmethod
    def from_file(cls, path: str | Path) -> Key:
        """Read the key from a file: its bytes, without a byte-order mark or blanks at the ends.

        Errors: :class:`JobError` where the file cannot be read, or holds too short a key.
        """
        content = _read(Path(path))
        if content is None:
            raise JobError(
                f"{Path(path)} could not be read as a key file.",
                fix="[privacy] key_file names a readable file that holds the key and nothing else.",
            )
        return cls(content.removeprefix(_UTF8_MARK).strip())

    @classmethod
    def from_env(cls, name: str) -> Key:
        """Read the key from the environment variable `name`.

        Errors: :class:`JobError` where the variable is not set, or holds too short a key.
        """
        value = None if "\0" in name else os.environ.get(name)
        if value is None:
            raise JobError(
                # What was written there may be the key itself: it is not repeated.
                "the environment variable that [privacy] key_env names is not set.",
                fix="key_env is the name of a variable that holds the key; or use key_file.",
            )
        return cls(os.fsencode(value).strip())

    @classmethod
    def generate(cls, path: str | Path) -> Key:
        """Make a random key of 256 bits, write it to a new file that only its owner can read.

        Errors: :class:`OutputExistsError` where the file exists: an old key is never overwritten,
        because every pseudonym made with it would be lost. :class:`JobError` where it cannot be
        written; an `OSError` of a full disk is passed on.
        """
        made = secrets.token_hex(_MADE_KEY_BYTES).encode()
        failure = _write_new(Path(path), made + b"\n")
        if failure is not None:
            raise failure
        return cls(made)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _write_new(path: Path, content: bytes) -> UserError | None:
    """Write a file with mode 0600; return what went wrong, to be raised outside."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except FileExistsError:
        fix = "name another file, or read this one as the key."
        return OutputExistsError(f"{path} exists.", fix=fix)
    except OSError as error:
        if is_full(error):
            raise
        fix = "name a file in a folder that exists and can be written to."
        return JobError(f"{path} could not be written.", fix=fix)
    return None
