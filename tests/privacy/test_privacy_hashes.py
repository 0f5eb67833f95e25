"""Keyed hashes: equal to Python's own HMAC, separate by kind, fast enough for an ICB."""

import hashlib
import hmac
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.errors import DataError, JobError
from pophealth_link.privacy import Key, keyed_hash, salted_hash

KEY = Key(b"a key of more than sixteen bytes")
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


def reference(value: str | None, secret: bytes, kind: str) -> str | None:
    if value is None:
        return None
    return hmac.new(secret, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | TEXT, max_size=8), st.binary(min_size=16, max_size=100))
def test_equals_the_standard_library(values, secret) -> None:
    frame = pl.DataFrame({"id": values}, schema={"id": pl.String})
    hashed = keyed_hash(frame, "id", Key(secret), kind="person")["id"].to_list()
    assert hashed == [reference(value, secret, "person") for value in values]


def test_rfc_4231_test_case() -> None:
    """RFC 4231, test case 6: a key longer than the block; kind and colon are part of the data."""
    message = "Test Using Larger Than Block-Size Key - Hash Key First"
    key = Key(b"\xaa" * 131)
    plain = hmac.new(key.secret, message.encode(), hashlib.sha256).hexdigest()
    assert plain == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    found = keyed_hash(pl.DataFrame({"id": [message]}), "id", key, kind="person")["id"].item()
    assert found == reference(message, key.secret, "person")


def test_kinds_are_separate() -> None:
    frame = pl.DataFrame({"id": ["1"]})
    person, dwelling = (keyed_hash(frame, "id", KEY, kind=k) for k in ("person", "dwelling"))
    assert person["id"].item() != dwelling["id"].item()
    with pytest.raises(ValueError, match="kind must be"):
        keyed_hash(frame, "id", KEY, kind="person:x")


def test_frame_keeps_its_rows_order_and_other_columns() -> None:
    frame = pl.DataFrame({"n": range(500), "value": [str(n % 7) for n in range(500)]})
    hashed = keyed_hash(frame, "value", KEY, kind="person")
    assert hashed.columns == ["n", "value"]
    assert hashed["n"].to_list() == frame["n"].to_list()
    expected = [reference(str(n % 7), KEY.secret, "person") for n in range(500)]
    assert hashed["value"].to_list() == expected


def test_all_sixty_four_digits() -> None:
    frame = pl.DataFrame({"id": ["9434765919"]})
    assert keyed_hash(frame, "id", KEY, kind="person")["id"].str.len_chars().item() == 64


def test_numbers_and_absent_columns_are_refused_without_values() -> None:
    frame = pl.DataFrame({"nhs_number": [9434765919]})
    with pytest.raises(DataError, match="only text is hashed") as caught:
        keyed_hash(frame, "nhs_number", KEY, kind="person")
    assert "9434765919" not in str(caught.value)
    with pytest.raises(DataError, match="Did you mean `nhs_number`"):
        keyed_hash(frame, "nhs_numbr", KEY, kind="person")


def test_published_exchange_vectors() -> None:
    """SHA-256 of value followed by salt, as published for OpenPseudonymiser."""
    plain = salted_hash(pl.DataFrame({"id": ["12345678"]}), "id", b"9")["id"].item()
    assert plain == "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
    salted = salted_hash(pl.DataFrame({"id": ["123456789"]}), "id", b"hello")["id"].item()
    assert salted == "a4455e6581b78d69e569895c2b615dfa90a6cd56938e40ca91edd26e44deedfe"
    assert salted_hash(pl.DataFrame({"id": ["1"]}), "id", KEY)["id"].item() == (
        hashlib.sha256(b"1" + KEY.secret).hexdigest()
    )


def test_empty_salt_is_refused() -> None:
    with pytest.raises(JobError, match="salt is empty"):
        salted_hash(pl.DataFrame({"id": ["1"]}), "id", b"")


@pytest.mark.slow
def test_two_million_in_seconds() -> None:
    frame = pl.DataFrame({"id": pl.int_range(2_000_000, eager=True).cast(pl.String)})
    began = time.perf_counter()
    hashed = keyed_hash(frame, "id", KEY, kind="person")
    # 5 seconds on two idle cores; twice that where others share them.
    assert time.perf_counter() - began < 10
    assert hashed["id"].n_unique() == frame.height
