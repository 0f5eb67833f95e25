"""One number held by people who contradict each other: nobody can be told to be its owner."""

from datetime import date

import polars as pl
import pytest

from pophealth_link.link import link, people

NUMBER, OTHER = "9990000018", "9990000026"
PIOTR = ("Piotr", "Zielinski", date(1975, 3, 4), "1")
MARGARET = ("Margaret", "Okafor", date(1950, 5, 6), "2")
NOTHING = (None, None, None, None)
ZED = ("Zed", "Zimmer", date(1990, 1, 2), "1")


def source(name, record_id, number, who, **settings):
    columns = ["record_id", "nhs_number", "given_name", "family_name", "date_of_birth", "sex"]
    types = {c: pl.Date if c == "date_of_birth" else pl.String for c in columns}
    frame = pl.DataFrame([(record_id, number, *who)], schema=types, orient="row")
    return people(frame, source=name, **({"setting": "community"} | settings))


def register(number, who):
    return source("gp", "r", number, who, setting="primary_care", unique_people=True)


def people_of(*sources):
    return dict(link(list(sources)).person_index.select("record_id", "person_id").iter_rows())


@pytest.mark.parametrize("silent", ["aaa", "zzz"])
def test_a_record_that_tells_nothing_does_not_join_two_who_contradict_each_other(silent):
    found = people_of(
        register(OTHER, ZED),
        source(silent, "a", NUMBER, NOTHING),
        source("bbb", "b", NUMBER, PIOTR),
        source("ccc", "c", NUMBER, MARGARET),
    )
    assert len(set(found.values())) == 4


def test_a_register_row_that_tells_nothing_gets_neither_of_two_who_contradict_each_other():
    found = people_of(
        register(NUMBER, NOTHING),
        source("bbb", "b", NUMBER, PIOTR),
        source("ccc", "c", NUMBER, MARGARET),
    )
    assert len(set(found.values())) == 3


def test_a_placeholder_birthday_does_not_outweigh_two_other_names():
    born = date(1980, 1, 1)
    found = people_of(
        register(NUMBER, ("Ali", "Hassan", born, "1")),
        source("bbb", "b", NUMBER, ("Omar", "Yusuf", born, "1")),
    )
    assert found["b"] != found["r"]
