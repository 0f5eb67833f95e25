"""People drawn by hand: a small register, as rows of any columns that begin alike."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pophealth_link.link import People

# Valid numbers of the test range, by the modulus-11 rule; the last two are nobody's here.
NUMBERS = ["9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069",
           "9990000077", "9990000085"]  # fmt: skip
FIRST = ("record_id", "nhs_number", "given_name", "family_name", "date_of_birth", "sex",
         "postcode", "uprn")  # fmt: skip
PEOPLE = [
    ("1", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11"),
    ("2", NUMBERS[1], "Daniel", "Okafor", date(1981, 2, 3), "1", "XA1 1AA", "11"),
    ("3", NUMBERS[2], "Ruth", "Whitcombe", date(1990, 1, 7), "2", "XA1 1AB", "12"),
    ("4", NUMBERS[3], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
    ("5", NUMBERS[4], "Anna", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
    ("6", NUMBERS[5], "Beth", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
]


def drawn(rows: Sequence[tuple], columns: Sequence[str]) -> pl.DataFrame:
    """A frame of rows, the columns that they leave out at their end empty."""
    padded = [row + (None,) * (len(columns) - len(row)) for row in rows]
    types = {name: pl.Date if name.startswith("date_") else pl.String for name in columns}
    return pl.DataFrame(padded, schema=types, orient="row")


def source_of(name: str, frame: pl.DataFrame, **more) -> People:
    more.setdefault("setting", "local_authority")
    return People(name, frame, **more)


def register_of(frame: pl.DataFrame) -> People:
    return source_of("gp", frame, setting="primary_care", unique_people=True, register=True)
