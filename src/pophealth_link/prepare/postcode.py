"""Postcodes: one blank, capitals, 0/O and 1/I mended by position; pseudo-postcodes told apart.

Source of the form: Royal Mail, Programmers' Guide to the Postcode Address File (outward code of
two to four characters, inward code of a digit and two letters). Pseudo-postcodes: NHS Data Model
and Dictionary.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.schema.codes import PSEUDO_POSTCODE_AREA

_FORM = r"^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$"


def standardise(postcode: pl.Expr) -> pl.Expr:
    """Return the postcode as `AB1 2CD`, or null where it has not the form of one.

    >>> seen = pl.DataFrame({"p": ["da1o 1aa", "DAI IAA", "  sw1a1aa", "nowhere"]})
    >>> seen.select(standardise(pl.col("p")))["p"].to_list()
    ['DA10 1AA', 'DA1 1AA', 'SW1A 1AA', None]
    """
    plain = postcode.cast(pl.String).str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    outward = plain.str.head(-3)
    mended = pl.concat_str(_mend_outward(outward), pl.lit(" "), _mend_inward(plain.str.tail(3)))
    # Digits alone are a house or telephone number: they are not read as letters.
    likely = plain.str.len_chars().is_between(5, 7) & (plain.str.count_matches("[A-Z]") >= 2)
    return pl.when(likely & mended.str.contains(_FORM)).then(mended)


def _mend_outward(outward: pl.Expr) -> pl.Expr:
    """Mend the outward code: the first character is a letter, the last but one or last a digit."""
    first = outward.str.slice(0, 1).str.replace_many({"0": "O", "1": "I"})
    tail = outward.str.slice(1)
    # After one or two letters come one or two digits: I and O there were meant as digits,
    # unless they are the second letter of the area (as in "IO" or "OL"): a digit must remain.
    digit_like = tail.str.replace_many({"O": "0", "I": "1"})
    keep_second = tail.str.contains(r"^[A-Z].*[0-9OI]") & (tail.str.len_chars() > 1)
    second = tail.str.slice(0, 1)
    rest = tail.str.slice(1).str.replace_many({"O": "0", "I": "1"})
    return pl.concat_str(first, pl.when(keep_second).then(second + rest).otherwise(digit_like))


def _mend_inward(inward: pl.Expr) -> pl.Expr:
    """Mend the inward code: a digit, then two letters."""
    digit = inward.str.slice(0, 1).str.replace_many({"O": "0", "I": "1"})
    letters = inward.str.slice(1).str.replace_many({"0": "O", "1": "I"})
    return pl.concat_str(digit, letters)


def is_pseudo(postcode: pl.Expr) -> pl.Expr:
    """Return whether a standardised postcode is a pseudo-postcode, never linked on or mapped."""
    return postcode.str.starts_with(PSEUDO_POSTCODE_AREA).fill_null(value=False)


def outward(postcode: pl.Expr) -> pl.Expr:
    """Return the outward code of a standardised postcode.

    >>> pl.DataFrame({"p": ["DA1 2CD"]}).select(outward(pl.col("p")))["p"][0]
    'DA1'
    """
    return postcode.str.replace(r" .*$", "")


def sector(postcode: pl.Expr) -> pl.Expr:
    """Return the sector (outward code and the inward digit) of a standardised postcode."""
    return postcode.str.replace(r"[A-Z]{2}$", "")
