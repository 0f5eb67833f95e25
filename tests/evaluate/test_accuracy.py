"""Accuracy against truth, by the definitions of the interface, counted by hand."""

import polars as pl
import pytest

from pophealth_link.errors import DataError
from pophealth_link.evaluate import score

INDEX = pl.DataFrame(
    [
        ("gp", "1", "A", "register"),
        ("gp", "2", "B", "register"),
        ("gp", "3", "C", "register"),
        ("care", "r", "A", "nhs_number"),  # right
        ("care", "w", "B", "probabilistic"),  # wrong: it is the third person
        ("care", "m", "M", "unlinked"),  # missed: it is the second person
        ("care", "n", "N", "unlinked"),  # right: on no register
        ("care", "f", "C", "probabilistic"),  # wrong: on no register
    ],
    schema=["source", "record_id", "person_id", "method"],
    orient="row",
)
TRUTH = pl.DataFrame(
    [
        ("gp", "1", "t1", "x"),
        ("gp", "2", "t2", "x"),
        ("gp", "3", "t3", "y"),
        ("care", "r", "t1", "x"),
        ("care", "w", "t3", "y"),
        ("care", "m", "t2", "x"),
        ("care", "n", "t9", "y"),
        ("care", "f", "t8", None),
    ],
    schema=["source", "record_id", "person_id", "group"],
    orient="row",
)


def test_recall_and_false_links_by_hand():
    row = score(INDEX, TRUTH).filter(dimension="all").row(0, named=True)
    # Linkable: r, w, m. Linked: r, w, f.
    assert (row["linkable"], row["correct"], row["linked"], row["false"]) == (3, 1, 3, 2)
    assert row["recall"] == pytest.approx(1 / 3)
    assert row["false_links"] == pytest.approx(2 / 3)
    assert row["precision"] == pytest.approx(1 / 3)
    assert row["f1"] == pytest.approx(1 / 3)
    assert row["recall_lower"] < 1 / 3 < row["recall_upper"]


def test_subgroups_come_from_truth_and_add_up():
    scored = score(INDEX, TRUTH, by=["group"])
    groups = scored.filter(dimension="group")
    assert groups["group"].to_list() == ["unknown", "x", "y"]
    whole = scored.filter(dimension="all")
    for count in ("linkable", "correct", "linked", "false"):
        assert groups[count].sum() == whole[count][0]


def test_a_group_without_linkable_records_has_no_recall():
    scored = score(INDEX, TRUTH, by=["group"]).filter(group="unknown").row(0, named=True)
    assert scored["linkable"] == 0
    assert scored["recall"] is None


@pytest.mark.parametrize(
    ("truth", "by"), [(TRUTH.drop("person_id"), []), (TRUTH, ["ethnic"]), (TRUTH.head(5), [])]
)
def test_truth_that_does_not_fit_is_refused(truth, by):
    with pytest.raises(DataError):
        score(INDEX, truth, by=by)
