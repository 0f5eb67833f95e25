from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pophealth_link.errors import DataError, ReferenceDataError
from pophealth_link.places import locate

CASES = [
    ("AA1 1AA", "L1", None),
    ("AA1 1AB", "L1", None),
    ("ZZ99 3VZ", None, "no_fixed_abode"),
    ("ZZ99 3WZ", None, "no_postcode"),
    ("ZZ99 3CZ", None, "no_postcode"),
    (None, None, "no_postcode"),
    ("", None, "no_postcode"),
    ("XX1 1XX", None, "unknown_postcode"),
    ("AA1 1AA", "L1", None),
]
EXPECTED = pl.DataFrame(CASES, schema=["postcode", "lsoa_code", "unplaced"], orient="row")


def test_each_postcode_gets_an_lsoa_or_a_reason(region):
    assert_frame_equal(locate(EXPECTED.select("postcode"), region.postcodes), EXPECTED)


def test_another_column_may_hold_the_postcode_and_old_answers_are_replaced(region):
    frame = EXPECTED.select(home="postcode", lsoa_code=pl.lit("old"))
    found = locate(frame, region.postcodes, postcode="home")
    assert found.columns == ["home", "lsoa_code", "unplaced"]
    assert found["lsoa_code"].to_list() == EXPECTED["lsoa_code"].to_list()


def test_a_pseudo_postcode_of_the_reference_is_never_mapped(region):
    extra = pl.DataFrame({"postcode": ["ZZ99 3VZ"], "lsoa_code": ["L1"]})
    found = locate(EXPECTED.select("postcode"), pl.concat([region.postcodes, extra]))
    assert_frame_equal(found, EXPECTED)


def test_lazy_frames_stay_lazy(region):
    found = locate(EXPECTED.lazy().select("postcode"), region.postcodes)
    assert isinstance(found, pl.LazyFrame)
    assert_frame_equal(found.collect(), EXPECTED, check_row_order=False)


def test_engines_agree(region, on_duckdb):
    frame = EXPECTED.select("postcode").with_row_index("row")
    there = locate(on_duckdb(frame), on_duckdb(region.postcodes)).pl().sort("row")
    assert_frame_equal(there, locate(frame, region.postcodes), check_dtypes=False)


def test_a_doubled_postcode_is_refused_without_naming_it(region):
    doubled = pl.concat([region.postcodes, region.postcodes.head(1)])
    with pytest.raises(ReferenceDataError, match="1 of 6 rows repeat") as caught:
        locate(EXPECTED.select("postcode"), doubled)
    assert "AA1" not in str(caught.value)


def test_an_absent_column_is_named_with_the_nearest(region):
    with pytest.raises(DataError, match="Did you mean `postcode`"):
        locate(EXPECTED.select("postcode"), region.postcodes, postcode="postcod")


postcode = st.sampled_from(["AA1 1AA", "AA1 1AB", "AA2 2BB", "ZZ99 3VZ", "ZZ99 3WZ", "Q", "", None])


@given(st.lists(postcode))
def test_nobody_is_lost_or_doubled(rows):
    known = pl.DataFrame({"postcode": ["AA1 1AA", "AA1 1AB"], "lsoa_code": ["L1", "L2"]})
    frame = pl.DataFrame({"id": range(len(rows)), "postcode": pl.Series(rows, dtype=pl.String)})
    found = locate(frame, known)
    assert_frame_equal(found.select("id", "postcode"), frame)
    assert (found["lsoa_code"].is_null() != found["unplaced"].is_null()).all()


@pytest.mark.slow
def test_two_million_people_are_located_in_seconds(open_data):
    known = pl.read_parquet(
        open_data / "postcodes" / "postcodes_england.parquet", columns=["pcds", "lsoa21cd"]
    ).rename({"pcds": "postcode", "lsoa21cd": "lsoa_code"})
    rows = np.random.default_rng(1).integers(0, known.height, 2_000_000)
    frame = known.select("postcode")[rows]
    start = time.perf_counter()
    found = locate(frame, known)
    # The aim is one second; the limit leaves room for a busy machine.
    assert time.perf_counter() - start < 5
    assert (found["lsoa_code"] == known["lsoa_code"].gather(rows)).all()
