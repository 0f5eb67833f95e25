"""Accuracy against truth, by the definitions of the interface, counted by hand."""

import polars as pl
import pytest

from pophealth_link.errors import DataError
from pophealth_link.evaluate import score, score_files

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


@pytest.mark.parametrize(
    ("index", "truth", "words"),
    [
        (INDEX.drop("method"), TRUTH, "person index  has no column `method`"),
        (INDEX.drop("record_id"), TRUTH, "`record_id`"),
        (INDEX.with_columns(record_id=pl.lit(1)), TRUTH, "person index  `record_id` is not text"),
        (INDEX, TRUTH.with_columns(record_id=pl.lit(1)), "truth  `record_id` is not text"),
        (INDEX, pl.concat([TRUTH, TRUTH.tail(1)]), "truth  2 rows are of records"),
        (pl.concat([INDEX, INDEX.tail(1)]), TRUTH, "person index  2 rows are of records"),
    ],
)
def test_frames_that_cannot_be_scored_are_refused(index, truth, words):
    with pytest.raises(DataError) as caught:
        score(index, truth)
    assert words in str(caught.value)


def test_files_that_cannot_be_scored_are_refused(tmp_path):
    INDEX.write_parquet(tmp_path / "index.parquet")
    TRUTH.with_columns(record_id=pl.int_range(pl.len())).write_parquet(tmp_path / "truth.parquet")
    with pytest.raises(DataError, match="not text"):
        score_files(tmp_path / "index.parquet", tmp_path / "truth.parquet")
    with pytest.raises(DataError, match="does not exist"):
        score_files(tmp_path / ("x" * 300), tmp_path / "truth.parquet")
