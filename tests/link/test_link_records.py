"""The table of all records: rows of former names and places beside each record's own."""

from datetime import date

import polars as pl
from people import NUMBERS, REGISTER, register, source

from pophealth_link.link import People
from pophealth_link.link.records import register_of, stack

ALIASES = pl.DataFrame(
    {
        "record_id": ["1", "1", "1", "1", "9"],
        "family_name": ["Bell", "Okafor", None, "BELL", "Nobody"],
        "postcode": [None, None, "XZ9 9ZZ", None, None],
        "date_of_birth": [None, None, None, None, date(1990, 1, 1)],
    }
)


def stacked(aliases=ALIASES, *, turned=False):
    gp = register()
    with_former = People(
        "gp", gp.frame, "primary_care", unique_people=True, register=True, aliases=aliases
    )
    care = source("care", [("c1", None, "Margaret", "Okafor", date(1950, 5, 17), "2", "XA1 1AA")])
    sources = [care, with_former] if turned else [with_former, care]
    return stack(sources, register_of(sources))


def test_alias_rows_say_what_the_record_does_not():
    rows = stacked().filter("alias").select("record_id", "family", "home", "nhs_number")
    # "Okafor" is the name of the record, "BELL" and "Bell" are one, and record 9 does not exist.
    assert set(rows.rows()) == {("1", "BELL", "XA1 1AA", None), ("1", "OKAFOR", "XZ9 9ZZ", None)}


def test_an_alias_keeps_the_rest_of_its_record():
    rows = stacked().filter("alias")
    assert set(rows["first_given"]) == {"MARGARET"}
    assert set(rows["date_of_birth"]) == {date(1950, 5, 17)}
    assert set(rows.filter(pl.col("family") == "BELL")["sound_family"]) == {"BL"}
    moved = rows.filter(pl.col("home") == "XZ9 9ZZ").row(0, named=True)
    assert (moved["uprn"], moved["sector"]) == (None, "XZ9 9")


def test_neither_the_order_of_sources_nor_of_aliases_matters():
    assert stacked().equals(stacked(ALIASES.reverse(), turned=True))


def test_a_placeholder_in_a_former_date_of_birth_is_flagged_there():
    former = ALIASES.head(1).with_columns(date_of_birth=date(1950, 1, 1))
    flags = stacked(former).filter(pl.col("record_id") == "1").sort("alias")["placeholder_birth"]
    assert flags.to_list() == [False, True]


def test_every_record_is_there_once():
    main = stacked().filter(~pl.col("alias"))
    assert main["rid"].to_list() == list(range(len(REGISTER) + 1))
    assert set(main["nhs_number"].drop_nulls()) == set(NUMBERS)
