"""Rows to make mistakes in, what each mistake may change, and in which rows it could be made.

The rules are written out here by hand, row by row, apart from the functions that they test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

TODAY = date(2026, 4, 1)
PLACE = ("postcode", "address", "uprn")
Row = Mapping[str, Any]

SCHEMA = {
    "given_name": pl.String, "middle_names": pl.String, "family_name": pl.String,
    "previous_family_name": pl.String, "birth_family_name": pl.String,
    "carers_family_name": pl.String, "twin_given_name": pl.String,
    "family_name_first": pl.Boolean, "date_of_birth": pl.Date, "age_days": pl.Int64,
    "sex": pl.String, "ethnic_category": pl.String, "nhs_number": pl.String,
    "other_number": pl.String, "no_fixed_abode": pl.Boolean, "beside_uprn": pl.String,
    **{f"{which}{name}": pl.String for which in ("", "previous_", "earlier_", "other_")
       for name in PLACE},
}  # fmt: skip

NAMES = {"given_name", "family_name"}
HOME = set(PLACE)
CHANGES = {
    "keep_old_address": HOME,
    "keep_earlier_address": HOME,
    "record_other_home": HOME,
    "record_no_fixed_abode": HOME,
    "use_previous_family_name": {"family_name", "previous_family_name"},
    "use_birth_family_name": {"family_name"},
    "use_carers_family_name": {"family_name"},
    "use_nickname": {"given_name"},
    "use_middle_name": {"given_name", "middle_names"},
    "cross_twins": {"given_name"},
    "respell_given_name": {"given_name"},
    "respell_family_name": {"family_name"},
    "break_double_name": {"family_name"},
    "split_given_name": {"given_name", "middle_names"},
    "join_middle_name": {"given_name", "middle_names"},
    "drop_accents": NAMES,
    "misspell_given_name": {"given_name"},
    "misspell_family_name": {"family_name"},
    "write_family_name_first": NAMES,
    "swap_names": NAMES,
    "write_initial": {"given_name"},
    "add_title": {"given_name"},
    "write_title_for_given_name": {"given_name"},
    "cut_given_name": {"given_name"},
    "cut_family_name": {"family_name"},
    "leave_baby_unnamed": {"given_name", "middle_names"},
    "swap_day_and_month": {"date_of_birth"},
    "swap_year_digits": {"date_of_birth"},
    "mistype_birth_date": {"date_of_birth"},
    "enter_first_of_january": {"date_of_birth"},
    "enter_placeholder_date": {"date_of_birth"},
    "lose_birth_date": {"date_of_birth"},
    "borrow_nhs_number": {"nhs_number"},
    "mistype_nhs_number": {"nhs_number"},
    "spoil_nhs_number": {"nhs_number"},
    "lose_nhs_number": {"nhs_number"},
    "mistype_postcode": {"postcode"},
    "write_address_otherwise": {"address"},
    "match_wrong_uprn": {"uprn"},
    "lose_address": HOME,
    "lose_uprn": {"uprn"},
    "lose_sex": {"sex"},
    "mistake_sex": {"sex"},
    "mistake_ethnic_category": {"ethnic_category"},
    "lose_ethnic_category": {"ethnic_category"},
}


def _has(*columns: str) -> Callable[[Row], bool]:
    return lambda row: all(row[name] is not None for name in columns)


def _long(column: str, letters: int) -> Callable[[Row], bool]:
    return lambda row: row[column] is not None and len(row[column]) >= letters


def _like(column: str, pattern: str) -> Callable[[Row], bool]:
    return lambda row: row[column] is not None and re.search(pattern, row[column]) is not None


def _adult(row: Row) -> bool:
    grown = row["age_days"] >= 16 * 366
    return row["given_name"] is not None and row["sex"] in ("1", "2") and grown


def _reads_both_ways(row: Row) -> bool:
    born = row["date_of_birth"]
    if born is None or row["age_days"] <= 366:
        return False
    return bool(born.day <= 12 and born.day != born.month)


def _year_swaps(row: Row) -> bool:
    born = row["date_of_birth"]
    if born is None:
        return False
    text = str(born.year)
    other = int(text[:2] + text[3] + text[2])
    later = (other - born.year + 1) * 366
    return other != born.year and other >= 1901 and later < row["age_days"]


def _accented(row: Row) -> bool:
    both = (row["given_name"] or "") + (row["family_name"] or "")
    return any(ord(letter) > 127 for letter in both)


# Whether the mistake could be made in a row.
COULD: dict[str, Callable[[Row], bool]] = {
    "keep_old_address": _has("previous_postcode"),
    "keep_earlier_address": _has("earlier_postcode"),
    "record_other_home": _has("other_postcode"),
    "record_no_fixed_abode": lambda row: bool(row["no_fixed_abode"]),
    "use_previous_family_name": _has("previous_family_name"),
    "use_birth_family_name": _has("birth_family_name"),
    "use_carers_family_name": _has("carers_family_name"),
    "use_nickname": _has("given_name"),
    "use_middle_name": _has("middle_names"),
    "cross_twins": _has("twin_given_name"),
    "respell_given_name": _has("given_name"),
    "respell_family_name": _has("family_name"),
    "break_double_name": _like("family_name", r"[^-' ][-' ].*[^-' ]"),
    "split_given_name": _like("given_name", r"^\S+[- ]\S"),
    "join_middle_name": _has("given_name", "middle_names"),
    "drop_accents": _accented,
    "misspell_given_name": _long("given_name", 3),
    "misspell_family_name": _long("family_name", 3),
    "write_family_name_first": lambda row: (
        _has("given_name", "family_name")(row) and bool(row["family_name_first"])
    ),
    "swap_names": _has("given_name", "family_name"),
    "write_initial": _long("given_name", 2),
    "add_title": _adult,
    "write_title_for_given_name": _adult,
    "cut_given_name": _long("given_name", 11),
    "cut_family_name": _long("family_name", 15),
    "leave_baby_unnamed": lambda row: row["age_days"] < 92,
    "swap_day_and_month": _reads_both_ways,
    "swap_year_digits": _year_swaps,
    "mistype_birth_date": _has("date_of_birth"),
    "enter_first_of_january": lambda row: (
        row["date_of_birth"] is not None and row["date_of_birth"].strftime("%m%d") != "0101"
    ),
    "enter_placeholder_date": lambda row: row["date_of_birth"] not in (None, date(1900, 1, 1)),
    "lose_birth_date": _has("date_of_birth"),
    "borrow_nhs_number": _has("nhs_number", "other_number"),
    "mistype_nhs_number": _has("nhs_number"),
    "spoil_nhs_number": _has("nhs_number"),
    "lose_nhs_number": _has("nhs_number"),
    "mistype_postcode": lambda row: (
        _like("postcode", r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$")(row)
        and not row["postcode"].startswith("ZZ99")
    ),
    "write_address_otherwise": _like("address", r"\d"),
    "match_wrong_uprn": _has("uprn", "beside_uprn"),
    "lose_address": _has("postcode"),
    "lose_uprn": _has("uprn"),
    "lose_sex": lambda row: row["sex"] not in (None, "X"),
    "mistake_sex": lambda row: row["sex"] in ("1", "2"),
    "mistake_ethnic_category": lambda row: (row["ethnic_category"] or "Z") not in ("Z", "99"),
    "lose_ethnic_category": lambda row: (row["ethnic_category"] or "Z") not in ("Z", "99"),
}
# Not every name has a short form or another spelling: these may leave a row as it is.
NOT_ALWAYS = {"use_nickname", "respell_given_name", "respell_family_name"}


def valid(number: str) -> bool:
    """The check digit, written out by hand: weights 10 to 2, modulus 11."""
    total = 0
    for place in range(9):
        total += int(number[place]) * (10 - place)
    check = 11 - total % 11
    return len(number) == 10 and (0 if check == 11 else check) == int(number[9])


def numbers(start: int, count: int) -> list[str]:
    found = (f"{stem}{check}" for stem in range(start, start + 4 * count) for check in range(10))
    return [number for number in found if valid(number)][:count]


GIVEN = ("Elizabeth", "Mohammed", "José", "Łukasz", "Mary Ann", "Christopher-James", None, "Jo")
FAMILY = ("Smith-Jones", "O'Brien", "Hussain", "Öztürk", "Clark", "Featherstonehaugh", "Li",
          "Dela Cruz")  # fmt: skip


def many(count: int) -> pl.DataFrame:
    """Rows in which every mistake can be made somewhere."""
    first, others = numbers(999_000_000, count), numbers(999_500_000, count)
    rows = [_row(i, first[i], others[i]) for i in range(count)]
    return pl.DataFrame(rows, schema=SCHEMA)


def _row(i: int, number: str, other: str) -> dict[str, Any]:
    born = TODAY - timedelta(days=40) if i % 9 == 0 else date(1930 + i % 90, 1 + i % 12, 1 + i % 28)
    places = {
        f"{which}{name}": value
        for k, which in enumerate(("previous_", "earlier_", "other_"))
        for name, value in zip(
            PLACE, ("QX1 9ZZ", f"{k} Old Street", f"99100000{k:04}"), strict=True
        )
        if i % (5 + k) == 0
    }
    return {
        "given_name": GIVEN[i % 8],
        "middle_names": None if i % 3 else "Ann Marie",
        "family_name": FAMILY[(i // 8) % 8],
        "previous_family_name": None if i % 4 else "Harrison",
        "birth_family_name": None if i % 5 else "Whitby",
        "carers_family_name": None if i % 8 else "Carer",
        "twin_given_name": None if i % 6 else "Castor",
        "family_name_first": i % 7 == 0,
        "date_of_birth": born,
        "age_days": (TODAY - born).days,
        "sex": "12129X"[i % 6],
        "postcode": f"QX{1 + i % 9} {i % 10}AB",
        "address": (f"{i} Mill Road", f"Flat {i}, 3 Mill Road", f"Flat {i}, Rose Court, Mill Road",
                    f"Fern Lodge, {i} Mill Road")[i % 4],
        "uprn": str(990_000_000_000 + i),
        "beside_uprn": str(990_000_000_001 + i),
        "nhs_number": number,
        "other_number": other,
        "ethnic_category": ("A", "B", "H", "M", "N", "Z", "99", "C", "L", "S")[i % 10],
        "no_fixed_abode": i % 50 == 0,
        **places,
    }  # fmt: skip
