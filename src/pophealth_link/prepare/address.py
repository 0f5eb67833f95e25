"""Addresses: UPRN where there is one, else the house, the flat and the telling words of the line.

Each function reads one address at a time, and works on the distinct addresses of a column.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare import names
from pophealth_link.prepare.address_words import ABBREVIATIONS, COMMON, SAINTS
from pophealth_link.prepare.distinct import each, filled, first, only, where

WORDS = pl.List(pl.String)

_POSTCODE = r"(?i)(?:[,\s]*\b[A-Z]{1,2}[0-9][A-Z0-9]? *[0-9][A-Z]{2})+\W*$"
# 2/14 is flat 2 at number 14; of numbers 14-16 the first tells the house.
_SLASH = r"\b([0-9]+[A-Za-z]?)\s*/\s*([0-9]+[A-Za-z]?)\b"
_RANGE = r"\b([0-9]+[A-Za-z]?)\s*[-–—]\s*[0-9]+[A-Za-z]?\b"
_UNITS = "FLAT|ROOM|STUDIO|BEDSIT|PLOT|MAISONETTE"
_SAINT = rf"\bST ({SAINTS})\b"
# No street is called Street: what follows a number or begins the line is a saint's.
_SAINT_FIRST = r"(^|\b[0-9]+[A-Z]? )ST ([A-Z])"
# What `_mended` changes begins so; most lines have nothing of it.
_TO_MEND = r"[0-9] [A-Z]\b|[A-Z][0-9]|\bNO |\bNUMBER |\bST "
_APART = {f" {short} ": f" {word} " for short, word in ABBREVIATIONS.items()}
_COMMON = {f" {word} ": " " for word in COMMON}
_UNIT = rf"\b(?:{_UNITS}) ([0-9]+[A-Z]?|[A-Z])\b"
_NUMBER = r"\b[0-9]+[A-Z]?\b"


def uprn(value: pl.Expr) -> pl.Expr:
    """Return a UPRN as digits without leading zeros (at most 12), else null.

    >>> seen = pl.DataFrame({"u": ["000100023336956", "100023336956.0", "none", "0"]})
    >>> seen.select(uprn(pl.col("u")))["u"].to_list()
    ['100023336956', '100023336956', None, None]
    """
    return value.cast(pl.String).str.extract(r"^\s*0*([1-9][0-9]{0,11})(?:\.0*)?\s*$")


def line(address: pl.Expr) -> pl.Expr:
    """Return an address line in plain capitals with common abbreviations written out.

    A postcode at its end is left out.

    >>> pl.DataFrame({"a": ["Flat 2, 14 High St., AB1 2CD"]}).select(line(pl.col("a")))["a"][0]
    'FLAT 2 14 HIGH STREET'
    """
    return each(address, plain_line)


def plain_line(addresses: pl.Series) -> pl.Series:
    """Return distinct addresses as `line` does."""
    folded = names.plain(_parted(addresses.str.replace(_POSTCODE, "")))
    numbered = only(folded, folded.str.contains(_TO_MEND), _mended)
    whole = _tidy(_spread(numbered).str.replace_many(_APART))
    single = whole.str.replace_all(r"\bFLAT(?: FLAT)+\b", "FLAT")
    return filled(single.str.replace(_POSTCODE, "").str.strip_chars())


def _parted(addresses: pl.Series) -> pl.Series:
    """Return addresses with numbers that a sign joins taken apart."""
    slashed = addresses.str.contains("/", literal=True)
    ranged = addresses.str.contains(r"[-–—]")
    apart = only(addresses, slashed, lambda a: a.str.replace_all(_SLASH, "FLAT $1 $2"))
    return only(apart, ranged, lambda a: a.str.replace_all(_RANGE, "$1"))


def _mended(lines: pl.Series) -> pl.Series:
    """Return plain lines with their numbers and saints written one way."""
    return (
        lines.str.replace_all(rf"\b({_UNITS}|APARTMENT|APT|FLT|UNIT)([0-9])", "$1 $2")
        .str.replace_all(r"\b([0-9]+) ([A-Z])\b", "$1$2")
        .str.replace_all(r"\b(?:NO |NUMBER )+([0-9])", "$1")
        .str.replace_all(_SAINT, "SAINT $1")
        .str.replace_all(_SAINT_FIRST, "${1}SAINT ${2}")
    )


def _spread(words: pl.Series) -> pl.Series:
    """Return words each with a blank of its own on either side, so that they are found whole."""
    return " " + words.str.replace_all(" ", "  ", literal=True) + " "


def house(address: pl.Expr) -> pl.Expr:
    """Return what tells a dwelling from its neighbours: number and flat of a plain line, or null.

    However the flat is written (`FLAT 2 14 …`, `14 … FLAT 2`, `FLAT C 13 …`, `13C …`), the number
    of the building comes first. Streets are not told apart: read it beside the postcode.

    >>> seen = pl.DataFrame({"a": ["FLAT C 13 HIGH STREET", "13C HIGH STREET", "ROSE COTTAGE"]})
    >>> seen.select(house(pl.col("a")))["a"].to_list()
    ['13 C', '13 C', None]
    """
    return each(address, plain_house)


def plain_house(lines: pl.Series) -> pl.Series:
    """Return distinct lines as `house` does."""
    told = lines.str.extract(_UNIT)
    numbers = lines.str.replace(_UNIT, "").str.extract_all(_NUMBER)
    one, two = (numbers.list.get(at, null_on_oob=True) for at in (0, 1))
    # Of two numbers without a word before them the first is the flat's.
    bare = two.is_not_null() & told.is_null()
    number, flat = two.zip_with(bare, one), one.zip_with(bare, told)
    # A letter behind the number alone is the flat; a numbered flat alone is the house.
    split = number.str.replace("([A-Z])$", " $1").zip_with(flat.is_null(), number)
    lone = where(flat, number.is_null() & flat.str.contains("^[0-9]"))
    return first(split + " " + flat, split, lone)


def words(address: pl.Expr) -> pl.Expr:
    """Return the telling words of a plain address line: names of streets, buildings and places.

    Numbers, single letters and what is said of any address (ROAD, FLAT, NORTH …) are left out;
    null where nothing remains.

    >>> pl.DataFrame({"a": ["FLAT 2 ROSE HOUSE 14 HIGH STREET"]}).select(
    ...     words(pl.col("a")))["a"].to_list()
    [['ROSE', 'HIGH']]
    """
    return each(address, plain_words, WORDS)


def plain_words(lines: pl.Series) -> pl.Series:
    """Return distinct lines as `words` does."""
    found = _spread(lines).str.replace_many(_COMMON).str.extract_all("[A-Z]{2,}")
    none = (found.list.len() == 0).fill_null(value=False)
    return found.list.unique(maintain_order=True).set(none, None)


def _tidy(texts: pl.Series) -> pl.Series:
    return filled(texts.str.replace_all(" +", " ").str.strip_chars())
