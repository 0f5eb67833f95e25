"""Sex as recorded, in the codes of person gender of the NHS Data Model and Dictionary.

Codes of the sources: person stated gender and phenotypic sex (1, 2, 9, X), HES (0 not known, 9 not
specified), gender identity of MHSDS (1 to 4, X, Z), adult social care client-level data and
homelessness returns (words), children's returns (1, 2, 0, 9; M, F, U), FHIR (words).
"""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare import distinct

_MALE = ("1", "M", "MALE", "MAN", "BOY", "BOYS", "MALE INCLUDING TRANS MAN", "TRANS MAN")
_FEMALE = (
    "2", "F", "FEMALE", "WOMAN", "GIRL", "GIRLS", "FEMALE INCLUDING TRANS WOMAN",
    "TRANS WOMAN",
)  # fmt: skip
# Neither, and not the same as not known: MHSDS codes 3 (non-binary) and 4 (other) among them.
_NEITHER = (
    "9", "I", "INDETERMINATE", "INTERSEX", "NOT SPECIFIED", "3", "NON BINARY", "NONBINARY", "4",
    "O", "OTHER", "OTHER NOT LISTED", "NEITHER",
)  # fmt: skip
_CODES = {
    **dict.fromkeys(_MALE, "1"),
    **dict.fromkeys(_FEMALE, "2"),
    **dict.fromkeys(_NEITHER, "9"),
}


def standardise(sex: pl.Expr) -> pl.Expr:
    """Return 1 (male), 2 (female), 9 (neither) or null (not known, not stated or not a code).

    >>> seen = pl.DataFrame({"s": ["Male", "f", "02", "1.0", "9", "X", "0", None]})
    >>> seen.select(standardise(pl.col("s")))["s"].to_list()
    ['1', '2', '2', '1', '9', None, None, None]
    """
    return distinct.each(sex, _standardised)


def _standardised(sex: pl.Series) -> pl.Series:
    upper = sex.str.to_uppercase().str.replace(r"^\s*0*([1-9])(?:\.0+)?\s*$", "$1")
    # Codes that come with their meaning, as `1 - Male` or `1: Male`, are told by the code.
    code = upper.str.extract(r"^\s*0?([1-9])\s*[-–:=]", 1)
    plain = distinct.first(code, upper.str.replace_all(r"[^A-Z0-9]+", " ").str.strip_chars())
    return plain.replace_strict(_CODES, default=None, return_dtype=pl.String)
