"""Mistakes in addresses, sex and ethnic category. See `names` for what a mistake takes."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.schema.codes import NO_FIXED_ABODE, PSEUDO_POSTCODE_AREA
from pophealth_link.synthetic.draws import Rng, chance, pick
from pophealth_link.synthetic.mistakes.change import emptied, filled, replaced, rows_hit

_LETTERS = tuple("ABDEFGHJLNPQRSTUWXYZ")
_SHORT = {
    r"\bRoad\b": "Rd", r"\bStreet\b": "St", r"\bAvenue\b": "Ave", r"\bClose\b": "Cl",
    r"\bLane\b": "Ln", r"\bDrive\b": "Dr", r"\bGardens\b": "Gdns", r"\bCourt\b": "Ct",
}  # fmt: skip


def keep_old_address(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Keep the address of before the latest move."""
    rows = rows_hit(rng, rate, filled(records, "previous_postcode"))
    for name in ("postcode", "address", "uprn"):
        records = replaced(records, name, rows, records[f"previous_{name}"].gather(rows))
    return records


def record_no_fixed_abode(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the pseudo-postcode of no fixed abode for people without a home of their own.

    The others of them stand at an address where they may be reached.
    """
    rows = rows_hit(rng, rate, records["no_fixed_abode"])
    records = replaced(records, "postcode", rows, pl.Series([NO_FIXED_ABODE] * len(rows)))
    records = replaced(records, "address", rows, pl.Series(["No fixed abode"] * len(rows)))
    return emptied(records, rows, "uprn")


def mistype_postcode(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write another letter or digit in the inward code, O for 0, or leave out the blank."""
    whole = records["postcode"].str.contains(r"^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$")
    whole &= ~records["postcode"].str.starts_with(PSEUDO_POSTCODE_AREA)
    rows = rows_hit(rng, rate, whole.fill_null(value=False))
    count = len(rows)
    letters = pl.Series(_LETTERS)
    last, middle = (letters.gather(rng.integers(0, len(_LETTERS), count)) for _ in range(2))
    digit = pl.Series(rng.integers(1, 10, count)).cast(pl.String)
    frame = pl.DataFrame(
        {"p": records["postcode"].gather(rows), "last": last, "middle": middle, "digit": digit,
         "way": pick(rng, [0.35, 0.2, 0.25, 0.1, 0.1], count)}
    )  # fmt: skip
    return replaced(records, "postcode", rows, frame.select(_mistyped()).to_series())


def _mistyped() -> pl.Expr:
    code, way = pl.col("p"), pl.col("way")
    size = code.str.len_chars().cast(pl.Int64)
    outward, inward = code.str.slice(0, size - 3), code.str.slice(size - 3)
    return (
        pl.when(way == 0)
        .then(code.str.slice(0, size - 1) + pl.col("last"))
        .when(way == 1)
        .then(outward + inward.str.slice(0, 1) + pl.col("middle") + inward.str.slice(2))
        .when(way == 2)
        .then(outward + pl.col("digit") + inward.str.slice(1))
        .when(way == 3)
        .then(code.str.replace(" ", ""))
        .otherwise(code.str.replace("0", "O").str.replace("1", "I"))
    )


def lose_address(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave address, postcode and UPRN empty."""
    rows = rows_hit(rng, rate, filled(records, "postcode"))
    return emptied(records, rows, "postcode", "address", "uprn")


def lose_uprn(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave the UPRN empty, as where an address was not matched to one."""
    return emptied(records, rows_hit(rng, rate, filled(records, "uprn")), "uprn")


def abbreviate_address(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write Rd for Road and the like, or the whole address in capitals."""
    rows = rows_hit(rng, rate, filled(records, "address"))
    some = records["address"].gather(rows)
    line = pl.lit(some)
    for word, short in _SHORT.items():
        line = line.str.replace(word, short)
    capitals = pl.Series(chance(rng, 0.4, len(rows)))
    written = pl.when(capitals).then(line.str.to_uppercase()).otherwise(line)
    return replaced(records, "address", rows, pl.select(written).to_series())


def lose_sex(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave sex empty, or write "not known"."""
    rows = rows_hit(rng, rate, filled(records, "sex"))
    code = pl.Series(np.where(chance(rng, 0.5, len(rows)), "X", ""), dtype=pl.String)
    return replaced(records, "sex", rows, code.replace("", None))


def mistake_sex(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the other sex."""
    rows = rows_hit(rng, rate, records["sex"].is_in(["1", "2"]).fill_null(value=False))
    other = records["sex"].gather(rows).replace({"1": "2", "2": "1"})
    return replaced(records, "sex", rows, other)


def lose_ethnic_category(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write "not stated" or "not known", or leave the ethnic category empty."""
    rows = rows_hit(rng, rate, filled(records, "ethnic_category"))
    codes = pl.Series(["Z", "99", None]).gather(pick(rng, [0.4, 0.25, 0.35], len(rows)))
    return replaced(records, "ethnic_category", rows, codes)
