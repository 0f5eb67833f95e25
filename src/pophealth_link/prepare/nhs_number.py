"""NHS numbers: ten digits with a modulus-11 check digit.

Source: NHS Data Model and Dictionary, NHS NUMBER. The range 999 000 0000 to 999 999 9999 is set
aside for tests: such numbers are valid and link, and are counted so that a job can warn of them.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

Kind = Literal["clear", "token"]

_WEIGHTS = (10, 9, 8, 7, 6, 5, 4, 3, 2)


def digits(number: pl.Expr) -> pl.Expr:
    """Return the number without blanks and hyphens; text of other forms stays as it is."""
    return number.cast(pl.String).str.replace_all(r"[\s\u00a0-]", "")


def is_valid(number: pl.Expr) -> pl.Expr:
    """Return whether ten digits satisfy the check digit and are not one digit repeated.

    >>> numbers = pl.DataFrame({"n": ["9434765919", "9434765918", "0000000000", None]})
    >>> numbers.select(is_valid(pl.col("n")).alias("n"))["n"].to_list()
    [True, False, False, False]
    """
    ten = number.str.contains(r"^\d{10}$")
    place = [number.str.slice(i, 1).cast(pl.Int32, strict=False) for i in range(10)]
    total = pl.sum_horizontal([place[i] * w for i, w in enumerate(_WEIGHTS)])
    check = (11 - total % 11) % 11  # a check digit of 10 equals no single digit: never valid
    repeated = pl.all_horizontal([place[i] == place[0] for i in range(1, 10)])
    return (ten & (check == place[9]) & ~repeated).fill_null(value=False)


def is_test_range(number: pl.Expr) -> pl.Expr:
    """Return whether the number lies in the range set aside for tests."""
    return number.str.starts_with("999").fill_null(value=False)


def standardise(
    frame: pl.LazyFrame, column: str = "nhs_number", *, kind: Kind = "clear"
) -> pl.LazyFrame:
    """Replace `column` by ten digits or null, and add `<column>_status`.

    The status is `valid`, `missing` or `invalid`. With `kind="token"` any text counts as valid:
    a pseudonym has no check digit.

    >>> standardise(pl.LazyFrame({"nhs_number": ["943 476 5919"]})).collect().row(0)
    ('9434765919', 'valid')
    """
    plain = digits(pl.col(column)) if kind == "clear" else pl.col(column).str.strip_chars()
    plain = pl.when(plain != "").then(plain)
    valid = is_valid(plain) if kind == "clear" else plain.is_not_null()
    status = pl.when(plain.is_null()).then(pl.lit("missing")).when(valid).then(pl.lit("valid"))
    return frame.with_columns(
        pl.when(valid).then(plain).alias(column),
        status.otherwise(pl.lit("invalid")).alias(f"{column}_status"),
    )
