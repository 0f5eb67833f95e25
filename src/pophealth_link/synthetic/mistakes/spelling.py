"""Slips of spelling, made on whole columns of names at once."""

from __future__ import annotations

import polars as pl

from pophealth_link.synthetic.draws import Rng, pick

# Letters beside each on a British keyboard.
_BESIDE = {
    "a": "qwsz", "b": "vghn", "c": "xdfv", "d": "serfcx", "e": "wsdr", "f": "drtgvc",
    "g": "ftyhbv", "h": "gyujnb", "i": "ujko", "j": "huikmn", "k": "jiolm", "l": "kop",
    "m": "njk", "n": "bhjm", "o": "iklp", "p": "ol", "q": "wa", "r": "edft", "s": "awedxz",
    "t": "rfgy", "u": "yhji", "v": "cfgb", "w": "qase", "x": "zsdc", "y": "tghu", "z": "asx",
}  # fmt: skip
# Letters that sound alike, for names taken down by ear.
_ALIKE = {
    "a": "e", "e": "a", "i": "y", "y": "i", "o": "u", "u": "o", "c": "k", "k": "c", "s": "z",
    "z": "s", "f": "v", "v": "f", "m": "n", "n": "m", "t": "d", "d": "t", "b": "p", "p": "b",
}  # fmt: skip
_PLAIN = {
    "Ł": "L", "ł": "l", "Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "ß": "ss", "Æ": "Ae", "æ": "ae",
    "ı": "i", "İ": "I",
}  # fmt: skip


def misspell(names: pl.Series, rng: Rng) -> pl.Series:
    """Return the names with one slip each, after the first letter.

    A key beside, a letter left out, doubled or heard wrongly, or two letters swapped. Names have
    three letters or more. A slip that would leave the name as it is drops a letter instead.
    """
    way = pl.Series(pick(rng, [0.24, 0.24, 0.12, 0.2, 0.2], len(names)))
    size = names.str.len_chars().cast(pl.Int64)
    at = (pl.Series(rng.random(len(names))) * (size - 1)).floor().cast(pl.Int64) + 1
    frame = pl.DataFrame(
        {"name": names, "way": way, "at": at, "size": size, "level": rng.random(len(names))}
    )
    return frame.select(_slip().alias(names.name or "name")).to_series()


def _slip() -> pl.Expr:
    name, at = pl.col("name"), pl.col("at")
    before, here, after = name.str.slice(0, at), name.str.slice(at, 1), name.str.slice(at + 1)
    swap_at = pl.min_horizontal(at, pl.col("size") - 2)
    swapped = pl.concat_str(
        name.str.slice(0, swap_at),
        name.str.slice(swap_at + 1, 1),
        name.str.slice(swap_at, 1),
        name.str.slice(swap_at + 2),
    )
    slip = (
        pl.when(pl.col("way") == 0)
        .then(pl.concat_str(before, _beside(here), after))
        .when(pl.col("way") == 1)
        .then(pl.concat_str(before, after))
        .when(pl.col("way") == 2)
        .then(pl.concat_str(before, here, here, after))
        .when(pl.col("way") == 3)
        .then(swapped)
        .otherwise(pl.concat_str(before, here.replace(_ALIKE), after))
    )
    return pl.when(slip != name).then(slip).otherwise(pl.concat_str(before, after))


def _beside(letter: pl.Expr) -> pl.Expr:
    keys = letter.str.to_lowercase().replace_strict(_BESIDE, default="e")
    number = (pl.col("level") * keys.str.len_chars()).floor().cast(pl.Int64)
    return keys.str.slice(number, 1)


def without_accents(names: pl.Series) -> pl.Series:
    """Return the names in plain letters.

    >>> without_accents(pl.Series(["Zoë", "Łukasz", None])).to_list()
    ['Zoe', 'Lukasz', None]
    """
    plain = names.str.replace_many(_PLAIN).str.normalize("NFKD")
    return plain.str.replace_all(r"\p{M}", "")
