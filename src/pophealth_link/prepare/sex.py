"""Sex as recorded, in the codes of person gender of the NHS Data Model and Dictionary."""

from __future__ import annotations

import polars as pl

_CODES = {
    "1": "1", "01": "1", "M": "1", "MALE": "1",
    "2": "2", "02": "2", "F": "2", "FEMALE": "2",
    "9": "9", "09": "9", "I": "9", "INDETERMINATE": "9", "NOT SPECIFIED": "9",
}  # fmt: skip


def standardise(sex: pl.Expr) -> pl.Expr:
    """Return 1 (male), 2 (female), 9 (indeterminate) or null (not known or not a code).

    >>> seen = pl.DataFrame({"s": ["Male", "f", "9", "X", "0", None]})
    >>> seen.select(standardise(pl.col("s")))["s"].to_list()
    ['1', '2', '9', None, None, None]
    """
    plain = sex.cast(pl.String).str.strip_chars().str.to_uppercase()
    return plain.replace_strict(_CODES, default=None, return_dtype=pl.String)
