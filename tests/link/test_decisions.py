"""Reviewed pairs: read, checked, followed."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from people import NUMBERS, register, source, who
from scored import people_of, score_by_hand, together, world

from pophealth_link.errors import DataError, JobError, LinkageError
from pophealth_link.link import LinkSpec, decisions, link
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")
HEADER = "source_l,record_id_l,source_r,record_id_r,decision"


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def reviewed(folder: Path, rows, weights, labels, monkeypatch):
    score_by_hand(monkeypatch, weights)
    return link(world(rows), LinkSpec(decisions=written(folder, *labels)), key=KEY)


def test_words_are_read_in_any_case_and_pairs_once(tmp_path):
    path = written(tmp_path, "gp,1,care,a, Yes", "gp,1,care,a,yes", "gp,2,care,b,NO")
    found = decisions.read(path, ["gp", "care"])
    assert found["decision"].to_list() == ["yes", "no"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["gp,1,care,a,perhaps"], "neither yes nor no"),
        (["gp,1,care,a,"], "not filled"),
        (["gp,1,kare,a,yes"], "Sources: care, gp"),
        (["gp,1,care,a,yes", "care,a,gp,1,no"], "both a yes and a no"),
    ],
)
def test_a_file_that_says_nothing_clear_is_refused_without_showing_it(tmp_path, rows, says):
    with pytest.raises(DataError, match=says) as raised:
        decisions.read(written(tmp_path, *rows), ["gp", "care"])
    assert "perhaps" not in str(raised.value)
    assert "kare" not in str(raised.value)


def test_columns_and_files_that_are_absent_are_told(tmp_path):
    with pytest.raises(DataError, match="record_id_r"):
        decisions.read(
            written(tmp_path, "gp,1,care,yes", header="source_l,record_id_l,source_r,decision")
        )
    with pytest.raises(JobError, match=r"none\.csv"):
        decisions.read(tmp_path / "none.csv")


ROWS = {"gp": [("p", NUMBERS[0]), ("q", None)], "care": [("a", None)], "housing": [("h", None)],
        "trust": [("t", None), ("u", None)]}  # fmt: skip


def test_a_yes_links_and_a_no_forbids(tmp_path, monkeypatch):
    weights = {("p", "a"): 20.0, ("q", "a"): -9.0}
    links = reviewed(tmp_path, ROWS, weights, ["gp,q,care,a,yes"], monkeypatch)
    assert together(links) == {frozenset("qa")}
    assert links.person_index.filter(record_id="a")["method"].item() == "reviewed"
    assert links.summary().row(0) == ("reviewed", 1, 0.25, 0.25)
    links = reviewed(tmp_path, ROWS, weights, ["care,a,gp,p,no"], monkeypatch)
    assert together(links) == set()
    assert "reviewed_no" in links.pairs["decision"].to_list()
    assert links.counts["unlinked_reviewed_no"] == links.counts["reviewed_no"] == 1


def test_a_yes_among_others_follows_the_one_that_is_linked(tmp_path, monkeypatch):
    labels = ["care,a,housing,h,yes", "trust,t,housing,h,yes"]
    links = reviewed(tmp_path, ROWS, {("p", "t"): 20.0}, labels, monkeypatch)
    assert together(links) == {frozenset("paht")}
    # On no register they are one person all the same.
    alone = reviewed(tmp_path, ROWS, {}, labels, monkeypatch)
    assert together(alone) == {frozenset("aht")}
    methods = dict(alone.person_index.select("record_id", "method").iter_rows())
    assert [methods[record] for record in "ahtu"] == ["reviewed"] * 3 + ["unlinked"]


def test_a_group_drawn_to_two_people_links_to_neither(tmp_path, monkeypatch):
    weights = {("p", "a"): 20.0, ("q", "h"): 20.0}
    links = reviewed(tmp_path, ROWS, weights, ["care,a,housing,h,yes"], monkeypatch)
    assert together(links) == {frozenset("ah")}
    assert links.pairs.filter(decision="tie").height == 2


def test_a_no_keeps_apart_also_by_way_of_others(tmp_path, monkeypatch):
    weights = {("p", "t"): 20.0, ("p", "u"): 20.0}
    links = reviewed(tmp_path, ROWS, weights, ["trust,t,trust,u,no"], monkeypatch)
    # Each could be p; which of them is cannot be told.
    assert together(links) == set()
    chain = {("a", "t"): 20.0, ("t", "h"): 15.0}
    links = reviewed(tmp_path, ROWS, chain, ["care,a,housing,h,no"], monkeypatch)
    assert together(links) == {frozenset("at")}


def test_a_yes_overrules_a_number(tmp_path, monkeypatch):
    rows = {"gp": [("p", NUMBERS[0]), ("q", NUMBERS[1])], "trust": [("t", NUMBERS[0])]}
    assert together(reviewed(tmp_path, rows, {}, ["gp,q,trust,t,yes"], monkeypatch)) == {
        frozenset("qt")
    }
    refused = reviewed(tmp_path, rows, {}, ["gp,p,trust,t,no"], monkeypatch)
    assert together(refused) == set()
    assert len(people_of(refused)) == 3


def test_a_yes_sets_the_number_aside_that_speaks_against_it(tmp_path, monkeypatch):
    numbered = [("t", NUMBERS[0]), ("u", NUMBERS[1])]
    rows = {"gp": [("p", NUMBERS[0]), ("q", NUMBERS[1])], "trust": numbered}
    links = reviewed(tmp_path, rows, {}, ["gp,q,trust,t,yes"], monkeypatch)
    # The number of t is p's: it does not keep u, who holds that of q, from q.
    assert together(links) == {frozenset("qtu")}


def test_who_was_linked_before_speaks_for_the_person(tmp_path, monkeypatch):
    rows = ROWS | {"care": [("a", NUMBERS[1])], "trust": [("t", NUMBERS[2]), ("u", None)]}
    rows |= {"gp": [("q", None)]}
    weights = {("q", "t"): 20.0, ("q", "u"): 20.0}
    labels = ["gp,q,care,a,yes", "care,a,trust,u,no"]
    links = reviewed(tmp_path, rows, weights, labels, monkeypatch)
    # t has another number than a, and u is not a; so neither is q.
    assert together(links) == {frozenset("qa")}
    words = dict(links.pairs.select("record_id_r", "decision").iter_rows())
    assert words == {"a": "accepted", "t": "cannot_link", "u": "reviewed_no"}


@pytest.mark.parametrize(
    "labels",
    [
        ["gp,p,care,a,yes", "gp,q,care,a,yes"],
        ["care,a,trust,t,yes", "trust,t,housing,h,yes", "care,a,housing,h,no"],
        ["gp,p,trust,t,yes", "gp,q,trust,u,yes", "trust,t,trust,u,yes"],
    ],
)
def test_contradictory_decisions_are_refused(tmp_path, labels, monkeypatch):
    with pytest.raises(LinkageError, match="contradict"):
        reviewed(tmp_path, ROWS, {}, labels, monkeypatch)


def test_two_records_of_a_unique_source_cannot_be_one_person(tmp_path, monkeypatch):
    rows = ROWS | {"care": [("a", None), ("b", None)]}
    labels = ["gp,p,care,a,yes", "gp,p,care,b,yes"]
    with pytest.raises(LinkageError, match="unique"):
        reviewed(tmp_path, rows, {}, labels, monkeypatch)


def test_decisions_about_others_are_counted_or_refused(tmp_path, monkeypatch):
    links = reviewed(tmp_path, ROWS, {}, ["gp,p,care,a,yes", "gp,p,care,gone,no"], monkeypatch)
    assert (links.counts["reviewed_yes"], links.counts["reviewed_unknown"]) == (1, 1)
    with pytest.raises(LinkageError, match="none of 1 reviewed") as raised:
        reviewed(tmp_path, ROWS, {}, ["gp,p,care,gone,no"], monkeypatch)
    assert "gone" not in str(raised.value)


def test_a_yes_links_what_the_model_would_not(tmp_path):
    care = source("care", [("a", None, "Somebody", "Else", date(1933, 3, 3))])
    path = written(tmp_path, "care,a,gp,4,yes")
    links = link([register(), care], LinkSpec(decisions=path), key=KEY)
    assert who(links)["a"] == ("4", "reviewed")
    assert links.pairs.filter(pl.col("pass") == "reviewed").height == 1
