"""Keyed hashes of a column: HMAC-SHA256 for the project, SHA-256 with a salt for exchange.

DuckDB hashes the distinct values, ten times faster than a loop in Python. The key's pads reach it
as a one-row table: written as literals they would stand in the query's text and plan.
"""

from __future__ import annotations

import re
from hashlib import sha256

import polars as pl

from pophealth_link.errors import DataError, JobError, nearest
from pophealth_link.privacy.key import Key

# RFC 2104, section 2: block size of SHA-256 and the bytes that the key is combined with.
_BLOCK = 64
_INNER, _OUTER = 0x36, 0x5C

_HMAC = """
    SELECT value, sha256(pads.outer_pad || unhex(sha256(pads.inner_pad || encode(value)))) AS hash
    FROM distinct_values CROSS JOIN pads
"""
_SALTED = """
    SELECT value, sha256(encode(value) || pads.salt) AS hash FROM distinct_values CROSS JOIN pads
"""


def keyed_hash(frame: pl.DataFrame, column: str, key: Key, *, kind: str) -> pl.DataFrame:
    """Replace a text column by its HMAC-SHA256 under the key: 64 hexadecimal digits.

    What is hashed is `kind`, a colon and the value in UTF-8, so that one value gives unrelated
    hashes as, say, a person and a dwelling. Missing values stay missing; row order is kept.
    Canonicalise values first: the hash of `943 476 5919` is not that of `9434765919`.

    Errors: :class:`DataError` where the column is absent or not text; :class:`ValueError` where
    `kind` is not made of lower-case letters and underscores.
    Source: RFC 2104; FIPS 180-4.

    >>> frame = pl.DataFrame({"id": ["a", "a", None]})
    >>> keyed_hash(frame, "id", Key(bytes(16)), kind="person")["id"].n_unique()
    2
    """
    if not re.fullmatch(r"[a-z_]+", kind):
        raise ValueError("kind must be lower-case letters and underscores.")
    inner, outer = _pads(key.secret)
    pads = pl.DataFrame({"inner_pad": [inner + kind.encode() + b":"], "outer_pad": [outer]})
    return _replace(frame, column, _HMAC, pads)


def salted_hash(frame: pl.DataFrame, column: str, salt: Key | bytes) -> pl.DataFrame:
    """Replace a text column by SHA-256 of the value followed by the salt, in hexadecimal.

    This is OpenPseudonymiser's form, for exchange with a partner who holds the same salt; use
    :func:`keyed_hash` for everything else. Missing values stay missing; row order is kept.

    Errors: :class:`JobError` where the salt is empty, because the ten thousand million possible
    NHS numbers can then be tried one by one; :class:`DataError` as in :func:`keyed_hash`.
    Source: OpenPseudonymiser, University of Nottingham.

    >>> salted_hash(pl.DataFrame({"id": ["123456789"]}), "id", b"hello")["id"].item()[:8]
    'a4455e65'
    """
    secret = salt.secret if isinstance(salt, Key) else salt
    if not secret:
        raise JobError("the salt is empty.", fix="ask the partner for the salt of the exchange.")
    return _replace(frame, column, _SALTED, pl.DataFrame({"salt": [secret]}))


def _pads(secret: bytes) -> tuple[bytes, bytes]:
    block = (sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return bytes(b ^ _INNER for b in block), bytes(b ^ _OUTER for b in block)


def _replace(frame: pl.DataFrame, column: str, query: str, pads: pl.DataFrame) -> pl.DataFrame:
    _require_text(frame, column)
    values = frame.select(pl.col(column).alias("value")).unique().drop_nulls()
    hashes = _run(query, values, pads)
    found = frame.select(pl.col(column).alias("value")).join(
        hashes, on="value", how="left", maintain_order="left"
    )
    return frame.with_columns(found["hash"].alias(column))


def _run(query: str, values: pl.DataFrame, pads: pl.DataFrame) -> pl.DataFrame:
    import duckdb

    # Without a folder for temporary files, identifiers cannot spill to disk.
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        connection.register("distinct_values", values.to_arrow())
        connection.register("pads", pads.to_arrow())
        found: pl.DataFrame = connection.sql(query).pl()
    return found


def _require_text(frame: pl.DataFrame, column: str) -> None:
    if column not in frame.columns:
        hint = nearest(column, frame.columns)
        raise DataError(f"there is no column `{column}` to hash.{hint}")
    if frame.schema[column] != pl.String():
        raise DataError(
            f"`{column}` is {frame.schema[column]}, and only text is hashed.",
            fix="read the column as text: a number has lost its leading zeros.",
        )
