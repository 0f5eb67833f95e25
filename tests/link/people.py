"""A small register and what others hold of the same people, drawn by hand."""

from datetime import date

import polars as pl

from pophealth_link.link import People

# Valid numbers of the test range, by the modulus-11 rule.
NUMBERS = ["9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069"]
COLUMNS = ("record_id", "nhs_number", "given_name", "family_name", "date_of_birth", "sex",
           "postcode", "uprn", "address", "previous_family_name")  # fmt: skip
SCHEMA = dict.fromkeys(COLUMNS, pl.String) | {"date_of_birth": pl.Date}


def frame(rows: list[tuple]) -> pl.DataFrame:
    padded = [row + (None,) * (len(COLUMNS) - len(row)) for row in rows]
    return pl.DataFrame(padded, schema=SCHEMA, orient="row")


def source(name: str, rows: list[tuple], **more) -> People:
    more.setdefault("setting", "local_authority")
    return People(name, frame(rows), **more)


REGISTER = [
    ("1", NUMBERS[0], "Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA", "11"),
    ("2", NUMBERS[1], "Daniel", "Okafor", date(1981, 2, 3), "1", "XA1 1AA", "11"),
    ("3", NUMBERS[2], "Ruth", "Whitcombe", date(1990, 1, 1), "2", "XA1 1AB", "12"),
    ("4", NUMBERS[3], "Piotr", "Zielinski", date(1975, 11, 30), "1", "XB2 3CD", "13"),
    ("5", NUMBERS[4], "Anna", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
    ("6", NUMBERS[5], "Beth", "Twinhoe", date(2012, 6, 6), "2", "XB2 3CE", "14"),
]


def register(rows: list[tuple] = REGISTER) -> People:
    return source("gp", rows, setting="primary_care", unique_people=True, register=True)


def who(links) -> dict[str, tuple[str | None, str]]:
    """Record of another source → (register record of the same person, method)."""
    index = links.person_index
    on_register = index.filter(pl.col("method") == "register")
    of = dict(zip(on_register["person_id"], on_register["record_id"], strict=True))
    others = index.filter(pl.col("method") != "register")
    return {
        row["record_id"]: (of.get(row["person_id"]), row["method"])
        for row in others.iter_rows(named=True)
    }
