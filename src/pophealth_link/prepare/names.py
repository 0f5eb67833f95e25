"""Names: folded to plain capitals, without titles and placeholders, so that spellings compare."""

from __future__ import annotations

from functools import cache

import polars as pl

# Letters that Unicode decomposition leaves alone.
_LETTERS = {
    "Ł": "L", "Ø": "O", "Đ": "D", "Ð": "D", "Þ": "TH", "ẞ": "SS", "Æ": "AE", "Œ": "OE", "İ": "I",
    "Ħ": "H", "Ŋ": "N", "Ə": "E",
}  # fmt: skip
_TITLES = r"^(MR|MRS|MS|MISS|MX|MASTER|DR|PROF|REV|SIR|DAME|LORD|LADY)\s+"

# Written in place of a name; a twin or baby "named" so is not evidence (linkage guide).
PLACEHOLDER_NAMES = (
    "BABY", "BABY BOY", "BABY GIRL", "BABY OF", "BOY", "GIRL", "INFANT", "TWIN", "TWIN ONE",
    "TWIN TWO", "TWIN 1", "TWIN 2", "UNKNOWN", "NOT KNOWN", "NOT STATED", "NO NAME", "NONE", "NA",
    "N A", "TEST", "MR", "MRS", "MISS", "MS", "DR", "X", "XX", "XXX",
)  # fmt: skip


def fold(name: pl.Expr) -> pl.Expr:
    """Return the name in unaccented capitals, words apart by one blank, other signs dropped.

    >>> pl.DataFrame({"n": ["  Zoë O’Brien-Łoś "]}).select(fold(pl.col("n")))["n"][0]
    'ZOE OBRIEN LOS'
    """
    upper = name.cast(pl.String).str.to_uppercase().str.normalize("NFKD")
    plain = upper.str.replace_all(r"\p{M}", "").str.replace_many(_LETTERS)
    joined = plain.str.replace_all(r"['’`´ʼ.]", "")
    spaced = joined.str.replace_all(r"[^A-Z0-9]+", " ").str.strip_chars()
    return pl.when(spaced != "").then(spaced)


def given(name: pl.Expr) -> pl.Expr:
    """Return a given name folded, without a title; placeholders become null.

    >>> pl.DataFrame({"n": ["Dr. Ann", "Baby Boy"]}).select(given(pl.col("n")))["n"].to_list()
    ['ANN', None]
    """
    folded = fold(name).str.replace(_TITLES, "")
    return pl.when(~folded.is_in(PLACEHOLDER_NAMES)).then(folded)


def family(name: pl.Expr) -> pl.Expr:
    """Return a family name folded; placeholders become null."""
    folded = fold(name)
    return pl.when(~folded.is_in(PLACEHOLDER_NAMES)).then(folded)


@cache
def _formal_names() -> pl.DataFrame:
    """Return each nickname with the formal names that it may stand for, and itself."""
    from nicknames import NickNamer

    lookup = NickNamer().canonical_lookup
    pairs = pl.DataFrame(
        {"name": list(lookup), "formal": [sorted(formal) for formal in lookup.values()]},
        schema={"name": pl.String, "formal": pl.List(pl.String)},
    )
    folded = pairs.explode("formal").with_columns(pl.all().str.to_uppercase())
    return folded.group_by("name").agg(pl.col("formal").unique().sort()).sort("name")


def formal_names(names: pl.DataFrame, column: str) -> pl.DataFrame:
    """Add `<column>_formal`: the formal names that each name may stand for, itself among them.

    Nicknames come from the package `nicknames` (Apache-2.0).

    >>> "MARGARET" in formal_names(pl.DataFrame({"g": ["PEGGY"]}), "g")["g_formal"][0]
    True
    """
    added = names.join(_formal_names(), left_on=column, right_on="name", how="left")
    itself = pl.concat_list(pl.col(column))
    both = pl.concat_list(pl.col("formal").fill_null(pl.lit([], dtype=pl.List(pl.String))), itself)
    known = pl.when(pl.col(column).is_not_null()).then(both.list.unique().list.sort())
    return added.with_columns(known.alias(f"{column}_formal")).drop("formal")
