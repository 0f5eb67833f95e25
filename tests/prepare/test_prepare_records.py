"""All identifiers of a table at once."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pophealth_link.errors import DataError
from pophealth_link.prepare import records

TEXT = st.one_of(st.none(), st.text(max_size=15), st.sampled_from([
    "SMITH, John", "O Neil", "Mr", "Ann (Annie)", "AB1 2CD", "4223", "ZZ99 3VZ", "9434765919",
    "9434765918", "Flat 2, 14 High St, AB1 2CD", "1", "F", "100023336956.0", "Щербаков",
]))  # fmt: skip
NAMES = ["nhs_number", "given_name", "middle_names", "family_name", "previous_family_name", "sex",
         "postcode", "address", "uprn"]  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries(
        dict.fromkeys(NAMES, TEXT)
        | {"date_of_birth": st.one_of(st.none(), st.dates(date(1850, 1, 1), date(2030, 1, 1)))}
    ),
    max_size=6,
)
SCHEMA = dict.fromkeys(NAMES, pl.String) | {"date_of_birth": pl.Date}


def prepared(**columns):
    return records.standardise(pl.LazyFrame(columns)).collect()


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_prepared_twice_is_prepared_once(rows):
    frame = pl.DataFrame(rows, schema=SCHEMA)
    once = records.standardise(frame.lazy()).collect()
    assert records.standardise(once.lazy()).collect().equals(once)


# Characters of codes here and abroad, and pieces that rules of one identifier look for.
CODE = st.text(alphabet="ABDEGILMOSXZ0123456789 -", max_size=9)
PIECE = st.sampled_from([
    "14 MOHD", "14", "MOHD", "M1", "1AA", "O", "0", "I1I", "2/14", "14-16", "FLAT", "St", "No",
    "Dr", "née", "(", "Jones)", "SMITH,", "Mac", "van der", "O'", "Jr", "Baby", "aka", "ß", "İ", "ﬁ",
    "Ⅷ", "½", "ー", "e\u0301", "\u200d", "\u00a0", "１", "Ａ", "/", "-", "'",
])  # fmt: skip
WIDE = st.one_of(st.none(), st.text(max_size=8), CODE, st.lists(PIECE, max_size=4).map(" ".join))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.fixed_dictionaries(dict.fromkeys(NAMES, WIDE)), min_size=1, max_size=6),
    abroad=st.sampled_from([0, 20]),
)
def test_prepared_twice_is_prepared_once_in_any_letters_here_and_abroad(rows, abroad):
    frame = pl.DataFrame([*rows, *[{"postcode": "4223"}] * abroad], schema=SCHEMA)
    once = records.standardise(frame.lazy()).collect()
    assert records.standardise(once.lazy()).collect().equals(once)


def test_a_code_of_another_country_is_not_read_as_a_british_one_when_prepared_again():
    written = ["14 MOHD", "00 00AA", "d02 x2a5", "D02 X285", "4223", "2135", "1016 ab"]
    once = prepared(postcode=written * 2)
    again = records.standardise(once.lazy()).collect()
    assert once["home"].to_list()[:6] == [
        "14-MOHD",
        "00-00AA",
        "D02-X2A5",
        "D02X285",
        "4223",
        "2135",
    ]
    assert again.equals(once)
    assert once["outward"].to_list()[:6] == [None] * 6


@settings(max_examples=20, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 5))
def test_the_order_of_rows_does_not_matter(rows, seed):
    frame = pl.DataFrame(rows, schema=SCHEMA).with_row_index("n")
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    out = records.standardise(shuffled.lazy()).collect()
    assert out["n"].to_list() == shuffled["n"].to_list()
    assert out.sort("n").equals(records.standardise(frame.lazy()).collect())


def test_an_empty_table_has_all_columns():
    out = records.standardise(
        pl.LazyFrame({"record_id": []}, schema={"record_id": pl.String})
    ).collect()
    assert out.height == 0
    assert {"given", "formal", "middle_words", "home", "house", "placeholder_birth"} <= set(
        out.columns
    )


def test_pseudo_postcodes_never_link():
    row = prepared(postcode=["ZZ99 3VZ"], address=["1 High St"]).row(0, named=True)
    kept = [row[n] for n in ("postcode", "home", "outward", "sector", "dwelling_key")]
    assert kept == ["ZZ99 3VZ", None, None, None, None]


def test_a_postcode_is_taken_from_the_address_where_it_stands_there_alone():
    out = prepared(
        postcode=[None, "DA1 1AA"], address=["1 High St, SW1A 1AA", "1 High St SW1A 1AA"]
    )
    assert out["home"].to_list() == ["SW1A 1AA", "DA1 1AA"]
    assert out["address"].to_list() == ["1 HIGH STREET"] * 2
    assert out["dwelling_key"].to_list() == ["SW1A 1AA 1", "DA1 1AA 1"]


def test_codes_of_another_country_count_where_most_are_such():
    abroad = prepared(postcode=["4223", "2135", "0000", "SW1A 1AA"])
    assert abroad["home"].to_list() == ["4223", "2135", None, "SW1A 1AA"]
    british = prepared(postcode=["4223", "SW1A 1AA", "SW1A 1AB"])
    assert british["home"].to_list() == [None, "SW1A 1AA", "SW1A 1AB"]


def test_all_that_a_given_name_tells():
    out = prepared(
        given_name=["Dr William James (Bill)", "Ann"],
        middle_names=["Paul", None],
        family_name=["X", "Y"],
    ).row(0, named=True)
    assert (out["given"], out["first_given"]) == ("WILLIAM JAMES", "WILLIAM")
    assert out["middle_words"] == ["JAMES", "BILL", "PAUL"]
    assert "BILL" in out["formal"]


def test_a_former_name_told_in_the_family_name_counts_unless_one_is_given():
    out = prepared(family_name=["Smith (née Jones)"] * 2, previous_family_name=[None, "Brown"])
    assert out["family"].to_list() == ["SMITH"] * 2
    assert out["previous_family"].to_list() == ["JONES", "BROWN"]


def test_numbers_and_times_are_read_as_what_they_mean():
    out = prepared(
        nhs_number=[9434765919],
        uprn=[100023336956.0],
        sex=[1],
        date_of_birth=[datetime(1980, 1, 1, 9)],
    )
    row = out.row(0, named=True)
    assert (row["nhs_number"], row["uprn"], row["sex"]) == ("9434765919", "100023336956", "1")
    assert row["date_of_birth"] == date(1980, 1, 1)
    assert row["placeholder_birth"]


def test_dates_as_text_are_refused_without_showing_one():
    with pytest.raises(DataError) as caught:
        prepared(date_of_birth=["01/02/1980"])
    assert "1980" not in str(caught.value)
    assert "read_dates" in str(caught.value)
