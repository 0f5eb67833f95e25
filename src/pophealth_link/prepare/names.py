"""Names: folded to plain capitals, without titles and placeholders, so that spellings compare.

Each function reads one name at a time, and works on the distinct names of a column.
"""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare import letters, name_words
from pophealth_link.prepare.distinct import each, filled, first, only, where

WORDS = pl.List(pl.String)

_APOSTROPHES = r"['’‘`´ʼʻʹ′＇.]"
# A scanner or a clerk writes a digit for the letter that it looks like.
_DIGITS = {"0": "O", "5": "S", "8": "B"}
_ONE_AS_I = r"([B-DF-HJ-NP-TV-Z]|\b)1([B-DF-HJ-NP-TV-Z])"
_ONE_AS_L = (r"([AEIOUL])1", r"1([AEIOUL])")

# Letters that are taken for each other, by ear or by alphabet, become one; vowels go.
_SOUNDS = (
    ("PH", "V"), ("TH", "T"), ("[CQGX]", "K"), ("Z", "S"), ("[FW]", "V"), ("M", "N"), ("D", "T"),
    ("P", "B"), ("J", "Y"), ("[AEIOUYH0-9 ]", ""),
)  # fmt: skip
_REPEATED = tuple((f"{letter}{letter}+", letter) for letter in "BKLNRSTVY")


def fold(name: pl.Expr) -> pl.Expr:
    """Return the name in unaccented Latin capitals, words apart by one blank, signs dropped.

    >>> pl.DataFrame({"n": ["  Zoë O’Brien-Łoś "]}).select(fold(pl.col("n")))["n"][0]
    'ZOE OBRIEN LOS'
    """
    return each(name, plain)


def given(name: pl.Expr) -> pl.Expr:
    """Return a given name folded, without title, digits and what stands in brackets.

    Placeholders become null. Digits within a word become the letters that they look like.

    >>> pl.DataFrame({"n": ["Dr. Ann (Annie)", "Baby Boy", "S1mon"]}).select(
    ...     given(pl.col("n")))["n"].to_list()
    ['ANN', None, 'SIMON']
    """
    return each(name, plain_given)


def known_as(name: pl.Expr) -> pl.Expr:
    """Return the name by which a person goes, where the given name tells it; else null.

    >>> seen = pl.DataFrame({"n": ["Katarzyna (Kasia)", "PATRICK AKA PAT", "Ann"]})
    >>> seen.select(known_as(pl.col("n")))["n"].to_list()
    ['KASIA', 'PAT', None]
    """
    return each(name, plain_known_as)


def family(name: pl.Expr) -> pl.Expr:
    """Return a family name folded, its particles joined to it, without title, suffix and digits.

    `O Neil`, `O'Neil` and `ONeil` become one, and so do `Van der Berg` and `Vanderberg`. A former
    name in brackets or after `née` is left out; see `former`. Placeholders become null.

    >>> seen = pl.DataFrame({"n": ["O Neil", "Mac Donald Jr", "Al-Hassan", "Smith-Jones (Lee)"]})
    >>> seen.select(family(pl.col("n")))["n"].to_list()
    ['ONEIL', 'MACDONALD', 'ALHASSAN', 'SMITH JONES']
    """
    return each(name, plain_family)


def former(name: pl.Expr) -> pl.Expr:
    """Return the former family name that a family name tells, in brackets or after `née`; or null.

    >>> seen = pl.DataFrame({"n": ["Smith (née Jones)", "SMITH FORMERLY JONES", "Smith"]})
    >>> seen.select(former(pl.col("n")))["n"].to_list()
    ['JONES', 'JONES', None]
    """
    return each(name, plain_former)


def family_words(name: pl.Expr) -> pl.Expr:
    """Return the parts of a family name as a list: each part whole, and without particles.

    Null where there is none.

    >>> seen = pl.DataFrame({"n": ["Smith-Jones", "Van der Berg", None]})
    >>> seen.select(family_words(pl.col("n")))["n"].to_list()
    [['SMITH', 'JONES'], ['VANDERBERG', 'BERG'], None]
    """
    return each(name, plain_family_words, WORDS)


def words(name: pl.Expr) -> pl.Expr:
    """Return the distinct words of a folded name as a list, in order; null where there are none.

    >>> seen = pl.DataFrame({"m": ["ANNE MARIE ANNE", None]})
    >>> seen.select(words(pl.col("m")))["m"].to_list()
    [['ANNE', 'MARIE'], None]
    """
    return each(name, plain_words, WORDS)


def sound(name: pl.Expr) -> pl.Expr:
    """Return the consonants of a folded name, those that are taken for each other as one.

    Null where the name has none but vowels.

    >>> seen = pl.DataFrame({"n": ["MOHAMMED", "MUHAMAD", "PHILIP", "FILLIP", "EVA", "IO"]})
    >>> seen.select(sound(pl.col("n")))["n"].to_list()
    ['NT', 'NT', 'VLB', 'VLB', 'V', None]
    """
    return each(name, plain_sound)


def plain(names: pl.Series) -> pl.Series:
    """Return distinct names as `fold` does."""
    joined = letters.latin(names).str.replace_all(_APOSTROPHES, "")
    return filled(joined.str.replace_all("[^A-Z0-9]+", " ").str.strip_chars())


def plain_given(names: pl.Series) -> pl.Series:
    """Return distinct names as `given` does."""
    outer = _letters_only(plain(_without_aside(names)))
    bare = outer.str.replace(name_words.GIVEN_ASIDE, "$1")
    bare = bare.str.replace(name_words.TITLES, "").str.replace(name_words.SUFFIXES, "")
    return where(bare, ~bare.str.contains(name_words.GIVEN_PLACEHOLDER))


def plain_known_as(names: pl.Series) -> pl.Series:
    """Return distinct names as `known_as` does."""
    aside = names.str.extract(name_words.ASIDE)
    told = plain(_without_aside(names)).str.extract(name_words.GIVEN_ASIDE, 2)
    return first(plain_given(aside), plain_given(told))


def plain_family(names: pl.Series) -> pl.Series:
    """Return distinct names as `family` does."""
    return name_words.joined(_family_apart(names))


def plain_former(names: pl.Series) -> pl.Series:
    """Return distinct names as `former` does."""
    aside = plain(names.str.extract(name_words.ASIDE)).str.replace(name_words.FORMER_LEAD, "")
    told = plain(_without_aside(names)).str.extract(name_words.FORMER, 2)
    return first(plain_family(aside), plain_family(told))


def plain_family_words(names: pl.Series) -> pl.Series:
    """Return distinct names as `family_words` does."""
    apart = _family_apart(names)
    stems = apart.str.replace_all(name_words.PARTICLE, "")
    return plain_words(name_words.joined(apart) + " " + stems)


def plain_words(names: pl.Series) -> pl.Series:
    """Return distinct names as `words` does."""
    found = names.str.extract_all("[^ ]+").list.unique(maintain_order=True)
    return found.set((found.list.len() == 0).fill_null(value=False), None)


def plain_sound(names: pl.Series) -> pl.Series:
    """Return distinct names as `sound` does."""
    for pattern, letter in (*_SOUNDS, *_REPEATED):
        names = names.str.replace_all(pattern, letter)
    return filled(names)


def _without_aside(names: pl.Series) -> pl.Series:
    """Return names without what stands in brackets, unless nothing stands outside."""
    return only(names, names.str.contains(name_words.ASIDE), _outside)


def _outside(names: pl.Series) -> pl.Series:
    outside = names.str.replace_all(name_words.ASIDE, " ")
    return outside.zip_with(outside.str.contains(r"\p{L}"), names)


def _letters_only(folded: pl.Series) -> pl.Series:
    """Return folded names with digits within words as letters, and no others."""
    return only(folded, folded.str.contains("[0-9]"), _without_digits)


def _without_digits(folded: pl.Series) -> pl.Series:
    mended = (
        folded.str.replace_all(r"\b[0-9]+\b", "")
        .str.replace_many(_DIGITS)
        .str.replace_all(_ONE_AS_I, "${1}I${2}")
        .str.replace_all(_ONE_AS_L[0], "${1}L")
        .str.replace_all(_ONE_AS_L[1], "L${1}")
        .str.replace_all("[0-9]", "")
    )
    return filled(mended.str.replace_all(" +", " ").str.strip_chars())


def _family_apart(names: pl.Series) -> pl.Series:
    """Return family names clean, their particles still apart; placeholders become null."""
    outer = _letters_only(plain(_without_aside(names)))
    bare = outer.str.replace(name_words.FORMER, "$1")
    bare = bare.str.replace(name_words.FAMILY_TITLES, "").str.replace(name_words.SUFFIXES, "")
    return where(bare, ~bare.str.contains(name_words.FAMILY_PLACEHOLDER))
