"""Addresses: UPRN where there is one, else the number and street as plain words."""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare import names

_ABBREVIATIONS = {
    r"\bRD\b": "ROAD", r"\bST\b": "STREET", r"\bAVE?\b": "AVENUE", r"\bCL\b": "CLOSE",
    r"\bDR\b": "DRIVE", r"\bLN\b": "LANE", r"\bCT\b": "COURT", r"\bGDNS\b": "GARDENS",
    r"\bAPARTMENT\b": "FLAT", r"\bAPT\b": "FLAT",
}  # fmt: skip


def uprn(value: pl.Expr) -> pl.Expr:
    """Return a UPRN as digits without leading zeros (at most 12), else null.

    >>> seen = pl.DataFrame({"u": ["000100023336956", "100023336956.0", "none"]})
    >>> seen.select(uprn(pl.col("u")))["u"].to_list()
    ['100023336956', '100023336956', None]
    """
    text = value.cast(pl.String).str.strip_chars().str.replace(r"\.0$", "")
    plain = text.str.replace(r"^0+", "")
    return pl.when(plain.str.contains(r"^\d{1,12}$")).then(plain)


def line(address: pl.Expr) -> pl.Expr:
    """Return an address line in plain capitals with common abbreviations written out.

    >>> pl.DataFrame({"a": ["Flat 2, 14 High St."]}).select(line(pl.col("a")))["a"][0]
    'FLAT 2 14 HIGH STREET'
    """
    plain = names.fold(address)
    for pattern, word in _ABBREVIATIONS.items():
        plain = plain.str.replace_all(pattern, word)
    return plain


def number(address: pl.Expr) -> pl.Expr:
    """Return the numbers of a plain address line, in order, joined by blanks; null if none.

    >>> pl.DataFrame({"a": ["FLAT 2 14 HIGH STREET"]}).select(number(pl.col("a")))["a"][0]
    '2 14'
    """
    found = address.str.extract_all(r"\b\d+[A-Z]?\b").list.join(" ")
    return pl.when(found != "").then(found)
