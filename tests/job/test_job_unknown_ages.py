"""People of unknown age are in no count of children or adults: whoever runs the job is told."""

import polars as pl

from pophealth_link.job.analysing import unknown_ages


def test_people_of_unknown_age_are_counted_and_none_gives_no_warning():
    some = pl.DataFrame({"age_band": ["05-09", None, None, "90+"]})
    (notice,) = unknown_ages(some)
    assert "2 of 4 people" in notice
    assert unknown_ages(some.drop_nulls()) == ()
