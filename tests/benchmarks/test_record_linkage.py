"""The system `recordlinkage`: its similarities and rules by hand, its answers to made people."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from benchmark_frames import check_answer

from benchmarks import datasets

pytest.importorskip("recordlinkage", reason="the system recordlinkage needs it (extra: bench)")
from benchmarks import plain_splink_clean as cleaning
from benchmarks import record_linkage

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("left", "right", "alike"),
    [
        ("1980-05-17", "1980-05-17", 1.0),
        ("1980-05-17", "1980-05-27", 0.5),  # a digit
        ("1980-05-17", "1999-05-17", 0.5),  # a part
        ("1980-05-11", "1980-11-05", 0.5),  # day and month swapped
        ("1980-05-17", "1981-06-17", 0.0),
    ],
)
def test_birthdays_by_hand(left, right, alike):
    assert record_linkage._same_day(left, right) == alike
    assert record_linkage._same_day(right, left) == alike


def test_names_agree_by_jaro_winkler_above_seven_tenths():
    # Winkler's examples (1990): MARTHA and MARHTA 0.961, DWAYNE and DUANE 0.84.
    assert record_linkage._alike("MARTHA", "MARHTA") == pytest.approx((0.961 - 0.7) / 0.3, abs=2e-3)
    assert record_linkage._alike("DWAYNE", "DUANE") == pytest.approx((0.84 - 0.7) / 0.3, abs=1e-9)
    assert record_linkage._alike("ANN", "ANN") == 1
    assert record_linkage._alike("ANN", "ZOE") == 0


def keyed(*rows):
    columns = ("record_id", "given_name", "family_name", "born", "sex", "postcode")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    people = frame.with_columns(
        date_of_birth=pl.col("born").str.to_date("%Y-%m-%d"),
        **dict.fromkeys(("nhs_number", "previous_family_name", "uprn"), pl.lit(None, pl.String)),
    )
    return cleaning.with_keys(cleaning.exploded(people))


SPINE = keyed(
    ("g1", "Ann", "Okafor", "1980-05-17", "F", "ZM1 1AA"),
    ("g2", "Nkechi", "Okafor", "2001-01-02", "F", "ZM1 1AA"),
    ("g3", "Bo", "Lee", "1990-01-02", "M", "ZM5 5EE"),
)


def test_similarities_are_weighed_and_summed():
    rows = keyed(
        ("same", "Ann", "Okafor", "1980-05-17", "F", "ZM1 1AA"),
        ("moved", "Ann", "Okafor", "1980-05-17", None, "ZM1 1ZZ"),
        ("nobody", "Zoe", "Quist", "1911-11-11", "F", "ZM9 9ZZ"),
    )
    found = record_linkage._pairs(SPINE, rows)
    weights = record_linkage._WEIGHTS
    scores = {
        (row["record_id"], row["register_record_id"]): row["score"] for row in found.to_dicts()
    }
    assert scores["same", "g1"] == pytest.approx(sum(weights.values()))
    missed = weights["postcode"] + weights["sex"]
    assert scores["moved", "g1"] == pytest.approx(sum(weights.values()) - missed)
    assert scores["same", "g2"] < scores["same", "g1"] - 2
    assert {record for record, _ in scores} == {"same", "moved"}


def test_records_compared_in_parts_score_as_at_once(monkeypatch):
    rows = keyed(*((f"r{i}", "Ann", "Okafor", f"1980-05-{10 + i}", "F", None) for i in range(9)))
    at_once = record_linkage._pairs(SPINE, rows)
    monkeypatch.setattr(record_linkage, "_AT_ONCE", 2)
    order = ["record_id", "register_record_id"]
    assert record_linkage._pairs(SPINE, rows).sort(order).equals(at_once.sort(order))
    assert at_once.height >= 9


def test_a_source_of_which_nothing_is_left_has_no_pairs():
    assert record_linkage._pairs(SPINE, SPINE.clear()).is_empty()


def test_the_best_must_lead_the_second():
    lead = record_linkage._MARGIN
    rows = [
        ("a", "g1", 8.0),
        ("a", "g2", 8.0 - lead),
        ("b", "g1", 8.0),
        ("b", "g2", 8.1 - lead),
    ]
    pairs = pl.DataFrame(rows, schema=["record_id", "register_record_id", "score"], orient="row")
    assert record_linkage._best(pairs).rows() == [("a", "g1", 8.0)]
    claims = pairs.rename({"record_id": "register_record_id", "register_record_id": "record_id"})
    assert record_linkage._sole(claims).select("record_id", "score").rows() == [("g1", 8.0)]


@pytest.mark.slow
def test_made_people(data_cache, tmp_path):
    data = datasets.made(datasets.find("typical-1500-205"), data_cache)
    answer = tmp_path / "answer.parquet"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks.record_linkage", str(data), str(answer)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = pl.read_parquet(answer)
    check_answer(found, data, precision=0.97, recall=0.8)
