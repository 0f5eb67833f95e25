"""Postcodes: one blank, capitals, letters and digits mended by position; pseudo ones told apart.

Source of the form: Royal Mail, Programmers' Guide to the Postcode Address File (outward code of
two to four characters, inward code of a digit and two letters; which letters stand where).
Pseudo-postcodes: NHS Data Model and Dictionary.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare.distinct import each, first, where
from pophealth_link.schema.codes import PSEUDO_POSTCODE_AREA

# Postcode areas of the United Kingdom and the Crown dependencies, and BF of the forces.
_AREAS = (
    "AB|AL|B|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT"
    "|DY|E|EC|EH|EN|EX|FK|FY|G|GL|GU|GY|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|L|LA"
    "|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|S|SA|SE"
    "|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|WA|WC|WD|WF|WN|WR|WS|WV"
    "|YO|ZE|ZZ"
)
# A digit and the letter that it is mistaken for.
_TO_DIGIT = {"O": "0", "I": "1", "S": "5", "Z": "2", "B": "8"}
_TO_LETTER = {digit: letter for letter, digit in _TO_DIGIT.items()}
_DISTRICT = "(?:0|[1-9][0-9]?|[1-9][A-HJKMNPR-Y])"  # no district ends in I, L, O, Q or Z
_REAL = rf"^(?:{_AREAS}){_DISTRICT}$"
_STRICT = rf"^[A-Z]{{1,2}}{_DISTRICT}$"
_LAX = r"^[A-Z]{1,2}[0-9][A-Z0-9]?$"
# What the parts of an outward code of each length may be: L a letter, D a digit.
_READINGS = {2: ("LD",), 3: ("LLD", "LDD", "LDL"), 4: ("LLDD", "LLDL")}
_INWARD = r"^[0-9][A-Z]{2}$"
# A letter in the outward code, or read as one, and one in the inward code that is one.
_LIKELY = r"[A-Z].*[A-Z].?$"
_LONG_INWARD = r"^\s*([A-Za-z0-9]{2,3})[\s-]+([A-Za-z0-9]{4})\s*$"
# The unit is never written with C, I, K, M, O or V, so that a 1 there is an L.
_TO_UNIT = {"0": "O", "1": "L", "5": "S", "2": "Z", "8": "B"}
_AT_END = r"(?i)\b([A-Z]{1,2}[0-9][A-Z0-9]? *[0-9][A-Z]{2})\W*$"
_OTHER_CODE = r"^[A-Z0-9]{3,10}$"
_NO_CODE = r"^(?:0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|0?1234[0-9]*)$"


def standardise(postcode: pl.Expr) -> pl.Expr:
    """Return the postcode as `AB1 2CD`, or null where it has not the form of one.

    Where the form is not that of a postcode, letters and digits that are taken for each other
    (O 0, I 1, S 5, Z 2, B 8) are read as their place asks.

    >>> seen = pl.DataFrame({"p": ["da1o 1aa", "DAI IAA", "  sw1a1aa", "S01 4QU", "nowhere"]})
    >>> seen.select(standardise(pl.col("p")))["p"].to_list()
    ['DA10 1AA', 'DA1 1AA', 'SW1A 1AA', 'SO1 4QU', None]
    """
    return each(postcode, plain_standardise)


def plain_standardise(postcodes: pl.Series) -> pl.Series:
    """Return distinct postcodes as `standardise` does."""
    plain = _plain(first(postcodes.str.extract(_AT_END), postcodes))
    inward = _mend_inward(plain.str.tail(3))
    mended = _mend_outward(plain.str.head(-3)) + " " + inward
    # Digits alone are a house or telephone number: they are not read as letters.
    likely = plain.str.len_chars().is_between(5, 7) & plain.str.contains(_LIKELY)
    # A blank or hyphen tells where the inward code begins: of four characters one is too many.
    odd = postcodes.str.contains(_LONG_INWARD) & (mended.str.replace(" ", "") != plain)
    return where(mended, likely & ~odd & inward.str.contains(_INWARD))


def at_end(address: pl.Expr) -> pl.Expr:
    """Return the postcode at the end of an address line, standardised, or null.

    >>> pl.DataFrame({"a": ["1 High St, London sw1a1aa."]}).select(at_end(pl.col("a")))["a"][0]
    'SW1A 1AA'
    """
    return each(address, plain_at_end)


def plain_at_end(addresses: pl.Series) -> pl.Series:
    """Return distinct addresses as `at_end` does."""
    return plain_standardise(addresses.str.extract(_AT_END))


def other(postcode: pl.Expr) -> pl.Expr:
    """Return the code of another country in capitals without signs, or null where it is none.

    It must have three characters or more and two digits; `0000`, `1234` and the like are none. One
    that would be read as a British code if written together (`14 MOHD`) keeps a hyphen.

    >>> pl.DataFrame({"p": ["4223", "1016 ab", "9999", "none"]}).select(other(pl.col("p")))[
    ...     "p"].to_list()
    ['4223', '1016AB', None, None]
    """
    return each(postcode, _other)


def _other(postcodes: pl.Series) -> pl.Series:
    plain = _plain(postcodes)
    code = plain.str.contains(_OTHER_CODE) & plain.str.contains("[0-9].*[0-9]")
    apart = postcodes.str.contains(_LONG_INWARD) & plain_standardise(plain).is_not_null()
    joined = postcodes.str.replace(_LONG_INWARD, "$1-$2").str.to_uppercase()
    kept = joined.zip_with(apart.fill_null(value=False), plain)
    return where(kept, code & ~plain.str.contains(_NO_CODE))


def _plain(postcodes: pl.Series) -> pl.Series:
    return postcodes.str.to_uppercase().str.replace_all("[^A-Z0-9]", "")


def _mend_outward(outward: pl.Series) -> pl.Series:
    """Return outward codes as they are, if they can be, else the first reading that can."""
    given = [places for each in _READINGS.values() for places in each]
    readings = [outward, *(_reading(outward, places) for places in given)]
    real = [where(each, each.str.contains(_REAL)) for each in readings]
    formed = [where(each, each.str.contains(_STRICT)) for each in readings]
    return first(*real, *formed, where(outward, outward.str.contains(_LAX)))


def _reading(outward: pl.Series, places: str) -> pl.Series:
    """Return codes with each place read as a letter or digit; null if of another length."""
    read = outward.str.slice(0, 0)
    for at, kind in enumerate(places):
        here = outward.str.slice(at, 1)
        read += here.str.replace_many(_TO_DIGIT if kind == "D" else _TO_LETTER)
    return where(read, outward.str.len_chars() == len(places))


def _mend_inward(inward: pl.Series) -> pl.Series:
    """Return inward codes read as a digit, then two letters."""
    digit = inward.str.slice(0, 1).str.replace_many(_TO_DIGIT)
    return digit + inward.str.slice(1).str.replace_many(_TO_UNIT)


def is_pseudo(postcode: pl.Expr) -> pl.Expr:
    """Return whether a standardised postcode is a pseudo-postcode, never linked on or mapped."""
    return postcode.str.starts_with(PSEUDO_POSTCODE_AREA).fill_null(value=False)


def outward(postcode: pl.Expr) -> pl.Expr:
    """Return the outward code of a standardised postcode.

    >>> pl.DataFrame({"p": ["DA1 2CD"]}).select(outward(pl.col("p")))["p"][0]
    'DA1'
    """
    return postcode.str.extract(r"^([A-Z0-9]+) ")


def sector(postcode: pl.Expr) -> pl.Expr:
    """Return the sector (outward code and the inward digit) of a standardised postcode.

    >>> pl.DataFrame({"p": ["DA1 2CD"]}).select(sector(pl.col("p")))["p"][0]
    'DA1 2'
    """
    return postcode.str.extract(r"^([A-Z0-9]+ [0-9])")
