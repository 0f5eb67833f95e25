"""Addresses written otherwise than the official list of addresses has them."""

from __future__ import annotations

import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.synthetic.draws import Rng
from pophealth_link.synthetic.mistakes.change import looked_up, met, replaced, rows_hit

# Past this every address is touched: the rows to touch are drawn already.
_ALWAYS = 1000.0
_STREET = r"^(?:(?P<number>\d+[A-Za-z]?(?:-\d+[A-Za-z]?)?) )?(?P<street>.+)$"
_UNIT = r"^(?i:flat|apartment|room|unit|studio|maisonette)\b"


def write_address_otherwise(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the address with a part left out, added, moved, replaced, shortened or misspelt.

    What goes wrong, and how often compared with the rest, is as in the records of six English
    councils: the package `address-errors`, whose published profile of them this uses. An address
    that is hit twice is written the same way twice.
    """
    plain = pl.col("address").str.contains(r"\d")
    rows = rows_hit(rng, rate, met(records, plain))
    lines = records["address"].gather(rows)
    known = lines.unique().sort()
    others = _otherwise(known, int(rng.integers(2**31)))
    book = pl.DataFrame({"name": known, "others": others})
    return replaced(records, "address", rows, looked_up(lines, book))


def _otherwise(lines: pl.Series, seed: int) -> pl.Series:
    """Return other writings of address lines; the same seed and lines give the same."""
    if not len(lines):
        return lines
    from address_errors import Controls, Corruptor, Noise, Profile, add_context
    from address_errors.context import COLUMNS
    from address_errors.pipeline.reference import derive_columns

    blank = dict.fromkeys(COLUMNS, "") | {"feature_type": "builtaddress"}
    entries = [blank | row for row in _components(lines).iter_rows(named=True)]
    controls = Controls(
        prevalence=_ALWAYS, building_conventions=False, collision_modifiers=False,
        label_drift=0.0, case="title", commas=True, postcode="never", sy1_cap=0,
        noise=Noise(rate=0.25, ops={"abbreviate": 6, "typo": 2, "tokens_joined": 1}),
    )  # fmt: skip
    writer = Corruptor(Profile.load(), seed=seed, controls=controls)
    writer.index(add_context(derive_columns(entries)))
    written = writer.generate([entry["uprn"] for entry in entries])
    result = pl.Series([each["recorded_address"] for each in written], dtype=pl.String)
    return _changed(lines, result)


def _components(lines: pl.Series) -> pl.DataFrame:
    """Return the lines taken apart: uprn (number of the line), subname, name, number, streetname.

    >>> _components(pl.Series(["Flat 2, Rose Court, 3 Mill Road"])).row(0)
    ('0', 'Flat 2', 'Rose Court', '3', 'Mill Road')
    """
    parts = pl.DataFrame({"part": lines.str.split(", ")}).with_row_index("uprn")
    first, last = pl.col("part").list.first(), pl.col("part").list.last()
    unit = first.str.contains(_UNIT) & (pl.col("part").list.len() > 1)
    rest = pl.col("part").list.slice(0, pl.col("part").list.len() - 1)
    named = pl.when(unit).then(rest.list.slice(1)).otherwise(rest).list.join(" ")
    return parts.select(
        pl.col("uprn").cast(pl.String),
        pl.when(unit).then(first).otherwise(pl.lit("")).alias("subname"),
        named.alias("name"),
        last.str.extract(_STREET, 1).fill_null("").alias("number"),
        last.str.extract(_STREET, 2).alias("streetname"),
    )


def _changed(lines: pl.Series, written: pl.Series) -> pl.Series:
    """Return what was written, in capitals where the line came out as it was.

    The comma between house number and street, which our addresses do not have, is dropped.
    """
    tidy = written.str.replace_all(r"(\b\d+[A-Za-z]?(?:-\d+[A-Za-z]?)?), ", "$1 ")
    pair = pl.DataFrame({"line": lines, "tidy": tidy})
    same = (pl.col("tidy") == pl.col("line")) | (pl.col("tidy").str.len_chars() == 0)
    shout = pl.col("line").str.to_uppercase()
    return pair.select(pl.when(same).then(shout).otherwise("tidy")).to_series()
