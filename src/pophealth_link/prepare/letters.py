"""Letters of any alphabet as plain Latin capitals, so that spellings compare."""

from __future__ import annotations

import polars as pl

from pophealth_link.prepare.distinct import only

# Letters that Unicode decomposition leaves alone.
_LETTERS = {
    "Ł": "L", "Ø": "O", "Đ": "D", "Ð": "D", "Þ": "TH", "ẞ": "SS", "Æ": "AE", "Œ": "OE", "İ": "I",
    "Ħ": "H", "Ŋ": "N", "Ə": "E", "Ŧ": "T", "ĸ": "K",
}  # fmt: skip
_NOT_ASCII = r"[^\x00-\x7F]"
_OTHER_ALPHABET = r"[^\p{Latin}\p{Common}\p{Inherited}]"
# Not letters of any alphabet: emoji, control and formatting characters.
_NO_TEXT = r"[\p{So}\p{Cc}\p{Co}\p{Cn}]"
_INVISIBLE = r"\p{Cf}"


def latin(texts: pl.Series) -> pl.Series:
    """Return texts in Latin capitals without accents; signs and digits stay.

    Other alphabets are transliterated letter by letter by the package `anyascii` (ISC). Vowels
    that a script leaves out stay out: compare such names by `names.sound`.

    >>> latin(pl.Series(["Zoë Łoś", "Щербаков", "Γιώργος"])).to_list()
    ['ZOE LOS', 'SHCHERBAKOV', 'GIORGOS']
    """
    return only(texts, texts.str.contains(_NOT_ASCII), _from_afar).str.to_uppercase()


def _from_afar(texts: pl.Series) -> pl.Series:
    bare = texts.str.replace_all(_INVISIBLE, "")
    return _unaccented(only(bare, bare.str.contains(_OTHER_ALPHABET), _transliterated))


def _unaccented(texts: pl.Series) -> pl.Series:
    decomposed = texts.str.to_uppercase().str.normalize("NFKD")
    return decomposed.str.replace_all(r"\p{M}", "").str.replace_many(_LETTERS)


def _transliterated(texts: pl.Series) -> pl.Series:
    from anyascii import anyascii

    # Composed, so that a vowel sign is read with its letter.
    composed = texts.str.replace_all(_NO_TEXT, " ").str.normalize("NFC")
    return pl.Series([anyascii(text) for text in composed.to_list()], dtype=pl.String)
