"""Whose word is taken where the records of one person differ, and how often they differ."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.link import attributes
from pophealth_link.schema.codes import SETTING

SCHEMA = {
    "person_id": pl.String, "source": pl.String, "record_id": pl.String, "setting": pl.String,
    "on_register": pl.Boolean, "alias": pl.Boolean, "date_of_birth": pl.Date, "sex": pl.String,
    "ethnic_category": pl.String, "postcode": pl.String, "uprn": pl.String,
    "practice_code": pl.String, "date_of_death": pl.Date, "date_from": pl.Date, "date_to": pl.Date,
}  # fmt: skip
SETTINGS = {"gp": "primary_care", "trust": "secondary_care", "care": "local_authority",
            "housing": "local_authority", "charity": "voluntary_sector"}  # fmt: skip
BORN, OTHER, NEW_YEAR = date(1980, 5, 6), date(1981, 5, 6), date(1980, 1, 1)


def record(source, number="1", person="p", **said):
    own = {
        "person_id": person, "source": source, "record_id": number, "setting": SETTINGS[source],
        "on_register": source == "gp", "alias": False,
    }  # fmt: skip
    return {**dict.fromkeys(SCHEMA), **own, **said}


def frame(*records):
    return pl.DataFrame(list(records), schema=SCHEMA)


def resolved(*records):
    found = attributes.resolve(frame(*records))
    assert found.height == 1
    return found.row(0, named=True)


@pytest.mark.parametrize(
    ("records", "column", "wins"),
    [
        # The register, then settings in their order, whatever the names of the sources.
        ([record("care", sex="1"), record("gp", sex="2")], "sex", "2"),
        ([record("care", sex="1"), record("trust", sex="2")], "sex", "2"),
        ([record("charity", sex="1"), record("housing", sex="2")], "sex", "2"),
        ([record("care", sex="1"), record("gp", sex=None)], "sex", "1"),
        # Indeterminate wins only where nobody says more.
        ([record("care", sex="1"), record("gp", sex="9")], "sex", "1"),
        ([record("care", sex=None), record("gp", sex="9")], "sex", "9"),
        # So does 1 January.
        ([record("gp", date_of_birth=NEW_YEAR), record("care", date_of_birth=BORN)],
         "date_of_birth", BORN),
        ([record("gp", date_of_birth=NEW_YEAR), record("care")], "date_of_birth", NEW_YEAR),
        ([record("gp", date_of_birth=OTHER), record("care", date_of_birth=BORN)],
         "date_of_birth", OTHER),
        # "Not stated" and "not known" are no answers; blanks and small letters do not matter.
        ([record("gp", ethnic_category="Z"), record("care", ethnic_category=" n ")],
         "ethnic_category", "N"),
        ([record("gp", ethnic_category="99")], "ethnic_category", None),
        ([record("gp", ethnic_category="?"), record("trust", ethnic_category="A")],
         "ethnic_category", "A"),
        # A pseudo-postcode is none, but to have no home is to say something.
        ([record("gp", postcode="ZZ99 3WZ"), record("care", postcode="XA1 1AA")],
         "postcode", "XA1 1AA"),
        ([record("gp", postcode="ZZ99 3VZ"), record("care", postcode="XA1 1AA")],
         "postcode", "ZZ99 3VZ"),
        # Practices are the register's alone; a death is anybody's, the earliest.
        ([record("gp"), record("trust", practice_code="P9")], "practice_code", None),
        ([record("gp", practice_code="P1"), record("trust", practice_code="P9")],
         "practice_code", "P1"),
        ([record("gp", date_of_death=OTHER), record("trust", date_of_death=BORN)],
         "date_of_death", BORN),
        ([record("gp"), record("charity", date_of_death=BORN)], "date_of_death", BORN),
    ],
)  # fmt: skip
def test_whose_word_is_taken(records, column, wins):
    assert resolved(*records)[column] == wins
    assert resolved(*reversed(records))[column] == wins


def test_of_two_records_of_a_setting_the_one_that_began_last_wins_one_without_a_day_loses():
    old = record("care", "1", sex="1", date_from=date(2020, 1, 1))
    new = record("housing", "2", sex="2", date_from=date(2024, 1, 1))
    assert resolved(old, new)["sex"] == "2"
    assert resolved(old, record("care", "0", sex="2"))["sex"] == "1"
    # Without days the smaller record id of the smaller source name: no chance decides.
    assert resolved(record("care", "2", sex="1"), record("care", "1", sex="2"))["sex"] == "2"


def test_an_address_is_taken_whole():
    register = record("gp", postcode="XA1 1AA")
    former = record("care", postcode="XB2 2BB", uprn="7")
    assert resolved(register, former)["uprn"] is None
    same = record("charity", postcode="XA1 1AA", uprn="8")
    assert resolved(register, former, same)["uprn"] == "8"
    # A dwelling without a postcode contradicts nothing; nor is there anything to contradict here.
    assert resolved(register, record("care", uprn="9"))["uprn"] == "9"
    assert resolved(record("gp"), record("care", uprn="9"))["uprn"] == "9"


def test_time_is_the_registers_and_off_it_from_the_first_to_the_last_of_all_sources():
    a, b, c, d = (date(2020 + year, 1, 1) for year in range(4))
    gp = record("gp", date_from=b, date_to=c)
    care, trust = record("care", date_from=a, date_to=b), record("trust", date_from=c, date_to=d)
    on = resolved(gp, care, trust)
    assert (on["date_from"], on["date_to"]) == (b, c)
    off = resolved(care, trust)
    assert (off["date_from"], off["date_to"]) == (a, d)
    # An open end is the latest of all.
    assert resolved(care, record("trust", date_from=c))["date_to"] == date.max


def test_former_names_and_addresses_have_no_say():
    former = record("gp", "1", postcode="XB2 2BB", alias=True)
    assert resolved(record("gp", postcode=None), former)["postcode"] is None


def test_conflicts_are_counted_by_attribute_and_pair_of_sources():
    found = attributes.conflicts(
        frame(
            record("gp", "1", "p", sex="1", date_of_birth=BORN),
            record("care", "1", "p", sex="2", date_of_birth=BORN),
            record("gp", "2", "q", sex="1", date_of_birth=BORN),
            record("care", "2", "q", sex="1", date_of_birth=OTHER),
            record("trust", "2", "q", sex="9", date_of_birth=NEW_YEAR),  # says nothing of weight
            record("gp", "3", "r", sex="1"),  # known to one source alone
            record("gp", "4", "s", sex="1"),
            record("care", "4", "s", sex="1"),
            # Of two records of one source the later speaks: no conflict with the register.
            record("gp", "5", "t", sex="1"),
            record("care", "5", "t", sex="2", date_from=date(2020, 1, 1)),
            record("care", "6", "t", sex="1", date_from=date(2024, 1, 1)),
        )
    )
    told = {tuple(row[:3]): tuple(row[3:]) for row in found.iter_rows()}
    assert told == {
        ("date_of_birth", "care", "gp"): (2, 1),
        ("sex", "care", "gp"): (4, 1),
    }
    assert found.columns == ["attribute", "source_l", "source_r", "compared", "conflicting"]


def test_no_records_no_people_and_no_conflicts():
    assert attributes.resolve(frame()).height == 0
    assert attributes.conflicts(frame()).height == 0


def test_every_setting_has_a_place_in_every_order_and_every_rule_a_reason():
    told = attributes.rules()
    assert set(attributes.RULES[0].order) == set(SETTING.codes)
    for rule in attributes.RULES:
        assert set(rule.order) == set(SETTING.codes), rule.attribute
        assert rule.reason.endswith("."), rule.attribute
    assert told["attribute"].is_unique().all()
    assert not told.filter(pl.col("reason") == "").height


SAID = {
    "date_of_birth": st.sampled_from([None, BORN, OTHER, NEW_YEAR]),
    "sex": st.sampled_from([None, "1", "2", "9"]),
    "ethnic_category": st.sampled_from([None, "A", "N", "Z", "99"]),
    "postcode": st.sampled_from([None, "XA1 1AA", "XB2 2BB", "ZZ99 3VZ", "ZZ99 3CZ"]),
    "uprn": st.sampled_from([None, "7", "8"]),
    "practice_code": st.sampled_from([None, "P1", "P2"]),
    "date_of_death": st.sampled_from([None, BORN, OTHER]),
    "date_from": st.sampled_from([None, BORN, OTHER]),
    "date_to": st.sampled_from([None, BORN, OTHER]),
}
RECORDS = st.lists(
    st.tuples(st.sampled_from([*SETTINGS]), st.sampled_from("pqrs"), st.fixed_dictionaries(SAID)),
    min_size=1,
    max_size=14,
).map(lambda rows: [record(s, str(i), p, **said) for i, (s, p, said) in enumerate(rows)])


@given(RECORDS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_records_does_not_matter_and_nobody_is_lost(records, random):
    shuffled = random.sample(records, len(records))
    people = attributes.resolve(frame(*records))
    assert_frame_equal(people, attributes.resolve(frame(*shuffled)))
    assert people["person_id"].to_list() == sorted({each["person_id"] for each in records})
    found = attributes.conflicts(frame(*records))
    assert_frame_equal(found, attributes.conflicts(frame(*shuffled)))
    assert (found["conflicting"] <= found["compared"]).all()
    assert (found["source_l"] < found["source_r"]).all()


@given(RECORDS)
@settings(max_examples=60, deadline=None)
def test_what_wins_was_said_by_a_record_of_the_person(records):
    for person in attributes.resolve(frame(*records)).iter_rows(named=True):
        own = [each for each in records if each["person_id"] == person["person_id"]]
        for column in ("date_of_birth", "sex", "postcode", "uprn", "practice_code"):
            said = {each[column] for each in own if each[column] is not None}
            assert person[column] in {*said, None}
        # Somebody who says a firm sex is heard.
        if any(each["sex"] in ("1", "2") for each in own):
            assert person["sex"] in ("1", "2")
        homes = {each["postcode"] for each in own if each["uprn"] == person["uprn"]}
        assert (
            person["uprn"] is None
            or homes & {person["postcode"], None, "ZZ99 3CZ"}
            or (person["postcode"] is None)
        )
