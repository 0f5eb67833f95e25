"""Another place of the person, or none; UPRNs and postcodes that went wrong.

See `names` for what a mistake takes and returns.
"""

from __future__ import annotations

import polars as pl
from numpy.typing import ArrayLike

from pophealth_link.schema.codes import NO_FIXED_ABODE, PSEUDO_POSTCODE_AREA
from pophealth_link.synthetic.draws import Rng, pick
from pophealth_link.synthetic.mistakes.change import (
    copied,
    emptied,
    filled,
    met,
    replaced,
    rows_hit,
)

PLACE = ("postcode", "address", "uprn")
_LETTERS = tuple("ABDEFGHJLNPQRSTUWXYZ")
_WHOLE = r"^[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}$"


def keep_old_address(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Keep the address of before the latest move."""
    return _found_at("previous", records, rng, rate)


def keep_earlier_address(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Keep the address of before the last two moves."""
    return _found_at("earlier", records, rng, rate)


def record_other_home(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the person's second place: the other parent's home, the parents', a hostel."""
    return _found_at("other", records, rng, rate)


def record_no_fixed_abode(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the pseudo-postcode of no fixed abode for people without a home of their own.

    The others of them stand at an address where they may be reached.
    """
    rows = rows_hit(rng, rate, met(records, pl.col("no_fixed_abode")))
    records = replaced(records, "postcode", rows, pl.Series([NO_FIXED_ABODE] * len(rows)))
    records = replaced(records, "address", rows, pl.Series(["No fixed abode"] * len(rows)))
    return emptied(records, rows, "uprn")


def match_wrong_uprn(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write the UPRN of a dwelling beside, to which the address was matched."""
    rows = rows_hit(rng, rate, filled(records, "uprn", "beside_uprn"))
    return copied(records, rows, {"uprn": "beside_uprn"})


def lose_address(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave address, postcode and UPRN empty."""
    rows = rows_hit(rng, rate, filled(records, "postcode"))
    return emptied(records, rows, *PLACE)


def lose_uprn(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Leave the UPRN empty, as where an address was not matched to one."""
    return emptied(records, rows_hit(rng, rate, filled(records, "uprn")), "uprn")


def mistype_postcode(records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Write another letter or digit in the inward code, O for 0, or leave out the blank."""
    code = pl.col("postcode")
    real = code.str.contains(_WHOLE) & ~code.str.starts_with(PSEUDO_POSTCODE_AREA)
    rows = rows_hit(rng, rate, met(records, real))
    count = len(rows)
    letters = pl.Series(_LETTERS)
    last, middle = (letters.gather(rng.integers(0, len(_LETTERS), count)) for _ in range(2))
    digit = pl.Series(rng.integers(0, 10, count)).cast(pl.String)
    frame = pl.DataFrame(
        {"p": records["postcode"].gather(rows), "last": last, "middle": middle, "digit": digit,
         "way": pick(rng, [0.35, 0.2, 0.25, 0.1, 0.1], count)}
    )  # fmt: skip
    return replaced(records, "postcode", rows, frame.select(_mistyped()).to_series())


def _mistyped() -> pl.Expr:
    """Return a mistyped postcode; without its blank where the slip would leave it as it is."""
    code, way = pl.col("p"), pl.col("way")
    size = code.str.len_chars().cast(pl.Int64)
    outward, inward = code.str.slice(0, size - 3), code.str.slice(size - 3)
    typed = (
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
    return pl.when(typed == code).then(code.str.replace(" ", "")).otherwise(typed)


def _found_at(which: str, records: pl.DataFrame, rng: Rng, rate: ArrayLike) -> pl.DataFrame:
    """Return the records with the place `<which>_postcode` and so on in the rows hit."""
    rows = rows_hit(rng, rate, filled(records, f"{which}_postcode"))
    return copied(records, rows, {name: f"{which}_{name}" for name in PLACE})
