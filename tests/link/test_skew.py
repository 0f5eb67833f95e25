"""The value that makes a rule too large: which column, how many hold it, and nothing of itself."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pophealth_link.link.skew import heaviest

FEW = st.sampled_from(["MARKED", "a", "b", "c", None])


def frame(rows):
    return pl.DataFrame(rows, schema={"home": pl.String, "given": pl.String}, orient="row")


def test_the_column_to_blame_is_named_with_its_counts():
    # One home of 40 and 30 people, each of another name but for two.
    register = frame([("MARKED", f"n{i}") for i in range(40)] + [("x", "n1"), ("y", "n2")])
    others = frame([("MARKED", f"n{i}") for i in range(30)] + [("x", "n1")])
    found = heaviest(register, others, ["home", "given"], ["home", "given"])
    assert (found.column, found.on_register, found.others) == ("home", 40, 30)
    assert found.share == pytest.approx(30 / 31)
    assert "MARKED" not in str(found)
    assert "one value of `home`, held by 40 records of the register and 30 others" in str(found)


def test_no_value_is_to_blame_where_none_stands_out():
    even = frame([(f"h{i % 50}", f"n{i}") for i in range(500)])
    assert heaviest(even, even, ["home"], ["home"]) is None
    assert heaviest(even, even.clear(), ["home"], ["home"]) is None


@given(
    left=st.lists(st.tuples(FEW, FEW), min_size=1, max_size=30),
    right=st.lists(st.tuples(FEW, FEW), min_size=1, max_size=30),
)
def test_share_is_that_of_a_join_written_out(left, right):
    both = [("home", "given"), ("given", "home")]
    found = heaviest(frame(left), frame(right), *both)
    # Rows whose columns, exchanged, are filled and equal.
    pairs = [a for a in left for b in right if None not in a and a == b[::-1]]
    shares = [
        max(column.count(value) for value in set(column)) / len(pairs)
        for column in zip(*pairs, strict=True)
    ]
    if not shares or max(shares) < 0.2:
        assert found is None
    else:
        assert found.share == pytest.approx(max(shares))
