"""NHS numbers: ten digits with a modulus-11 check digit.

Source: NHS Data Model and Dictionary, NHS NUMBER. The range 999 000 0000 to 999 999 9999 is set
aside for tests: such numbers are valid and link, and are counted so that a job can warn of them.
"""

from __future__ import annotations

from typing import Literal

import polars as pl

Kind = Literal["clear", "token"]

_SEPARATORS = r"[\s\u00a0\u2010-\u2015'’-]|\.0*\s*$"
_REPUNIT = 1_111_111_111  # one digit repeated ten times is a multiple of it


def digits(number: pl.Expr) -> pl.Expr:
    """Return the number without blanks and hyphens; text of other forms stays as it is.

    The apostrophe in front and the `.0` behind, which spreadsheets leave, go as well.

    >>> seen = pl.DataFrame({"n": [" 943 476-5919", "9434765919.0", "'9434765919"]})
    >>> seen.select(digits(pl.col("n")))["n"].to_list()
    ['9434765919', '9434765919', '9434765919']
    """
    return number.cast(pl.String).str.replace_all(_SEPARATORS, "")


def is_valid(number: pl.Expr) -> pl.Expr:
    """Return whether ten digits satisfy the check digit and are not one digit repeated.

    >>> numbers = pl.DataFrame({"n": ["9434765919", "9434765918", "0000000000", None]})
    >>> numbers.select(is_valid(pl.col("n")).alias("n"))["n"].to_list()
    [True, False, False, False]
    """
    return number.cast(pl.String).map_batches(_are_valid, return_dtype=pl.Boolean)


def _are_valid(numbers: pl.Series) -> pl.Series:
    ten = numbers.str.contains("^[0-9]{10}$").fill_null(value=False)
    value = numbers.set(~ten, None).cast(pl.Int64)
    sums = _weighted_sums()
    high, low = (sums[at].gather(half) for at, half in enumerate((value // 10**5, value % 10**5)))
    # The check digit weighs 1, so that the weighted sum of a valid number is a multiple of 11.
    return (
        ((high + low) % 11 == 0).fill_null(value=False)
        & ten
        & (value % _REPUNIT != 0).fill_null(value=False)
    )


def _weighted_sums() -> list[pl.Series]:
    """Return the weighted sum of each five digits in front, and of each five behind."""
    digits = [pl.arange(10**5, eager=True) // 10**place % 10 for place in range(5)]
    return [
        sum((digit * (place + weight) for place, digit in enumerate(digits)), start=digits[0] * 0)
        for weight in (6, 1)
    ]


def is_test_range(number: pl.Expr) -> pl.Expr:
    """Return whether the number lies in the range set aside for tests."""
    return number.str.starts_with("999").fill_null(value=False)


def standardise(
    frame: pl.LazyFrame, column: str = "nhs_number", *, kind: Kind = "clear"
) -> pl.LazyFrame:
    """Replace `column` by ten digits or null, and add `<column>_status`.

    The status is `valid`, `missing` or `invalid`. With `kind="token"` any text counts as valid:
    a pseudonym has no check digit. A number that was found invalid before stays so.

    >>> standardise(pl.LazyFrame({"nhs_number": ["943 476 5919"]})).collect().row(0)
    ('9434765919', 'valid')
    """
    number = pl.col(column)
    plain = digits(number) if kind == "clear" else number.str.strip_chars()
    before = f"{column}_status" in frame.collect_schema()
    was_wrong = pl.col(f"{column}_status") == "invalid" if before else pl.lit(value=False)
    told = frame.with_columns(pl.when(plain != "").then(plain).alias(column)).with_columns(
        (is_valid(number) if kind == "clear" else number.is_not_null()).alias("_valid")
    )
    wrong = number.is_not_null() | was_wrong
    status = pl.when("_valid").then(pl.lit("valid")).when(wrong).then(pl.lit("invalid"))
    return told.with_columns(
        pl.when("_valid").then(number).alias(column),
        status.otherwise(pl.lit("missing")).alias(f"{column}_status"),
    ).drop("_valid")
