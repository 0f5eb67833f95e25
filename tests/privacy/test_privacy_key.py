"""The key: what it refuses, and that nothing ever shows it."""

import copy
import hashlib
import pickle
import re
import stat
import traceback

import pytest

from pophealth_link.errors import JobError, OutputExistsError
from pophealth_link.privacy import Key

MARK = "QXcanaryQX"
SHORT = MARK[:15]


def everything_said(error: BaseException) -> str:
    """All text of an exception and of the whole chain behind it."""
    said = []
    seen: BaseException | None = error
    while seen is not None:
        said += [str(seen), repr(seen), repr(seen.args), "".join(traceback.format_exception(seen))]
        seen = seen.__context__ or seen.__cause__
    return "\n".join(said)


def test_sixteen_bytes_are_enough_and_fifteen_are_not() -> None:
    assert Key(b"x" * 16).secret == b"x" * 16
    with pytest.raises(JobError, match="too short"):
        Key(b"x" * 15)


def test_empty_key_is_refused() -> None:
    with pytest.raises(JobError, match="is empty"):
        Key(b"")


def test_repr_hides_the_key() -> None:
    key = Key(MARK.encode() * 3)
    assert MARK not in f"{key!r} {key!s} {key} {[key]} {{'key': {key!r}}}"


def test_key_is_frozen_and_never_written_out() -> None:
    key = Key(MARK.encode() * 3)
    with pytest.raises(AttributeError):
        key.secret = b"y" * 16  # type: ignore[misc]
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError) as caught:
            attempt(key)
        assert MARK not in everything_said(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", SHORT.encode(), b"\xff" + MARK.encode()])
def test_no_error_from_a_file_shows_the_key(tmp_path, content) -> None:
    file = tmp_path / "project.key"
    file.write_bytes(content)
    with pytest.raises(JobError) as caught:
        Key.from_file(file)
    assert MARK not in everything_said(caught.value)


def test_file_gives_its_bytes_without_mark_and_line_end(tmp_path) -> None:
    file = tmp_path / "project.key"
    file.write_bytes(b"\xef\xbb\xbf0123456789abcdef\r\n")
    assert Key.from_file(file).secret == b"0123456789abcdef"


def test_absent_file_and_folder_are_job_errors(tmp_path) -> None:
    for path in (tmp_path / "absent.key", tmp_path):
        with pytest.raises(JobError, match="could not be read as a key file"):
            Key.from_file(path)


def test_environment(monkeypatch) -> None:
    monkeypatch.setenv("PROJECT_KEY", "0123456789abcdef")
    assert Key.from_env("PROJECT_KEY").secret == b"0123456789abcdef"
    monkeypatch.setenv("PROJECT_KEY", SHORT)
    with pytest.raises(JobError) as caught:
        Key.from_env("PROJECT_KEY")
    assert MARK not in everything_said(caught.value)
    monkeypatch.delenv("PROJECT_KEY")
    # What stands in place of the name may be the key itself.
    with pytest.raises(JobError, match="key_env names is not set") as caught:
        Key.from_env(MARK)
    assert MARK not in everything_said(caught.value)


def test_check_value_tells_keys_apart_and_is_no_hash_of_the_key(tmp_path) -> None:
    one, two = Key(b"0123456789abcdef"), Key(b"0123456789abcdeg")
    assert one.check_value() == Key(b"0123456789abcdef").check_value() != two.check_value()
    assert one.check_value() != hashlib.sha256(one.secret).hexdigest()


def test_generated_key_is_random_private_and_read_back(tmp_path) -> None:
    first, second = Key.generate(tmp_path / "a.key"), Key.generate(tmp_path / "b.key")
    assert first.secret != second.secret
    assert re.fullmatch(rb"[0-9a-f]{64}", first.secret)
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    assert Key.from_file(tmp_path / "a.key").secret == first.secret


def test_generating_never_overwrites(tmp_path) -> None:
    file = tmp_path / "a.key"
    key = Key.generate(file)
    with pytest.raises(OutputExistsError) as caught:
        Key.generate(file)
    assert Key.from_file(file).secret == key.secret
    assert key.secret.decode() not in everything_said(caught.value)


def test_generating_into_an_absent_folder_is_a_job_error(tmp_path) -> None:
    with pytest.raises(JobError, match="could not be written"):
        Key.generate(tmp_path / "absent" / "a.key")
