"""Text that a spreadsheet cannot run as a formula."""

from __future__ import annotations

import polars as pl

# OWASP, "CSV injection": first characters with which spreadsheets take text for a formula.
_STARTS_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"


def safe_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with an apostrophe before every text cell that could run as a formula.

    Those begin with `=`, `+`, `-`, `@` (also in full width), tab, carriage return or line feed.
    Only text columns are touched, so a negative number stays a number; code lists and enums are
    text here. Applying it twice is applying it once.

    >>> safe_text(pl.DataFrame({"name": ["=1+1", "Ash Vale"]}))["name"].to_list()
    ["'=1+1", 'Ash Vale']
    """
    named = [name for name, kind in frame.schema.items() if _is_text(kind)]
    return frame.with_columns(
        pl.when(pl.col(name).cast(pl.String).str.contains(_STARTS_FORMULA))
        .then(pl.concat_str(pl.lit("'"), pl.col(name).cast(pl.String)))
        .otherwise(pl.col(name).cast(pl.String))
        .alias(name)
        for name in named
    )


def _is_text(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.String | pl.Categorical | pl.Enum)
