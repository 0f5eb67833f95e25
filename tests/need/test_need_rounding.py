"""Every withheld number of patients weighs the same, and none weighs nothing."""

import polars as pl
import pytest

from pophealth_link.disclosure import POLICIES, Policy
from pophealth_link.need.rounding import round_patients


def rounded(policy):
    return round_patients(policy)(pl.DataFrame({"people": range(1, 40)}))


@pytest.mark.parametrize(("name", "middle"), [("hes", 4), ("opensafely", 4), ("acro", 5)])
def test_withheld_counts_all_become_the_middle_of_the_small_ones(name, middle):
    frame = rounded(POLICIES[name])
    small = frame.filter("withheld")
    assert set(small["people"]) == {float(middle)}
    assert small.height == POLICIES[name].first_shown - 1
    assert (frame.filter(~pl.col("withheld"))["people"] % 5 == 0).all()


def test_a_policy_that_withholds_nothing_gives_its_own_numbers():
    frame = rounded(POLICIES["midpoint6"])
    assert not frame["withheld"].any()
    assert frame["people"][:7].to_list() == [3.0] * 6 + [9.0]


def test_counts_rounded_to_nothing_weigh_as_the_withheld_ones():
    """To the nearest ten with 3 and more shown, 3 and 4 would vanish: 1 to 4 are 2.5."""
    frame = rounded(Policy("own", base=10, first_shown=3))
    assert frame["people"][:5].to_list() == [2.5] * 4 + [10.0]
    assert frame["withheld"].sum() == 4


def test_without_a_policy_nothing_is_rounded():
    assert round_patients(None) is None
