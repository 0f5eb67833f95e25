"""Reviewed pairs: read, checked, followed."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from people import NUMBERS, register, source, who
from scored import people_of, score_by_hand, stacked, together, world

from pophealth_link.errors import DataError, JobError, LinkageError
from pophealth_link.link import LinkSpec, decisions, link, linkage
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


def test_a_pair_is_the_same_whichever_record_stands_on_the_left(tmp_path):
    rows = ["gp,1,care,a,yes", "care,a,gp,1,yes", "care,b,care,a,no", "care,a,care,b,no"]
    found = decisions.read(written(tmp_path, *rows), ["gp", "care"])
    assert found.rows() == [("care", "a", "care", "b", "no"), ("care", "a", "gp", "1", "yes")]


def test_rows_in_which_nothing_is_written_are_ignored(tmp_path):
    blank = ["", "gp,1,care,a,yes", ",,,,", "  , ,,,", "   ", "gp,2,care,b,no", "", ""]
    path = written(tmp_path, *blank)
    assert decisions.read(path, ["gp", "care"])["decision"].to_list() == ["yes", "no"]
    # As spreadsheets write it: with a mark in front, and two signs at the end of a line.
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert decisions.read(path, ["gp", "care"]).height == 2
    empty = decisions.read(written(tmp_path, "", ",,,,"), ["gp", "care"])
    assert empty.is_empty()


def test_reversed_duplicates_are_counted_once(tmp_path, monkeypatch):
    labels = ["gp,q,care,a,yes", "care,a,gp,q,yes", "trust,t,gp,p,no", "gp,p,trust,t,no"]
    links = reviewed(tmp_path, ROWS, {}, labels, monkeypatch)
    assert (links.counts["reviewed_yes"], links.counts["reviewed_no"]) == (1, 1)
    assert together(links) == {frozenset("qa")}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["gp,1,gp,1,yes", "gp,1,care,a,yes", "care,a, care ,a,no"], "2 of 3 rows pair a record"),
        (["care,a,gp,1,yes", "gp,1,care,a,no", "gp,2,care,b,no"], "1 pairs have both"),
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


NUMBERED = {"gp": [("p", None)], "care": [("a", NUMBERS[0])], "housing": [("h", NUMBERS[1])],
            "trust": [("t", None)]}  # fmt: skip
YES = ["care,a,housing,h,yes"]


def against(links) -> int:
    return links.counts["reviewed_yes_against_numbers"]


def test_a_yes_counts_before_numbers_off_the_register_too(tmp_path, monkeypatch):
    links = reviewed(tmp_path, NUMBERED, {}, YES, monkeypatch)
    assert together(links) == {frozenset("ah")}
    assert against(links) == 1
    assert links.counts["reviewed_not_followed"] == 0
    # Without it they are two, and nothing is overruled where the numbers agree.
    score_by_hand(monkeypatch, {("a", "h"): 30.0})
    assert together(link(world(NUMBERED), key=KEY)) == set()
    alike = NUMBERED | {"housing": [("h", NUMBERS[0])]}
    assert against(reviewed(tmp_path, alike, {}, YES, monkeypatch)) == 0


def test_a_yes_on_the_register_is_counted_where_it_overrules_numbers(tmp_path, monkeypatch):
    rows = {"gp": [("p", NUMBERS[0])], "trust": [("t", NUMBERS[1])]}
    links = reviewed(tmp_path, rows, {}, ["gp,p,trust,t,yes"], monkeypatch)
    assert together(links) == {frozenset("pt")}
    assert against(links) == 1


@pytest.mark.parametrize("bits", [-9.0, 1.0])
def test_a_yes_counts_before_what_was_compared(tmp_path, bits, monkeypatch):
    labels = ["care,a,housing,h,yes", "housing,h,trust,t,yes"]
    weights = {("a", "h"): bits, ("a", "t"): bits, ("h", "t"): bits}
    links = reviewed(tmp_path, ROWS, weights, labels, monkeypatch)
    assert together(links) == {frozenset("aht")}


def test_those_of_one_yes_hold_the_numbers_of_each_other(tmp_path, monkeypatch):
    # t has the number of one of them, u another one; each would be one person with a.
    trust = [("t", NUMBERS[1]), ("u", NUMBERS[2])]
    weights = {("a", "t"): 20.0, ("a", "u"): 20.0}
    links = reviewed(tmp_path, NUMBERED | {"trust": trust}, weights, YES, monkeypatch)
    assert together(links) == {frozenset("aht")}


def test_what_forbids_it_to_one_forbids_it_to_all_of_one_yes(tmp_path, monkeypatch):
    # h would be p by its weight, but a is not: by its number, by a no, by another record of care.
    weights = {("p", "h"): 20.0}
    other = {"gp": [("p", NUMBERS[2])], "housing": [("h", None)]}
    links = reviewed(tmp_path, NUMBERED | other, weights, YES, monkeypatch)
    assert together(links) == {frozenset("ah")}
    labels = [*YES, "gp,p,care,a,no"]
    links = reviewed(tmp_path, ROWS, weights, labels, monkeypatch)
    assert together(links) == {frozenset("ah")}
    two = ROWS | {"care": [("a", None), ("b", None)]}
    links = reviewed(tmp_path, two, weights, [*YES, "gp,p,care,b,yes"], monkeypatch)
    assert together(links) == {frozenset("ah"), frozenset("pb")}


def test_two_of_one_yes_who_died_and_who_came_later_stay_one(monkeypatch, tmp_path):
    died, came = date(2020, 5, 2), date(2020, 6, 1)

    def dated(*sources):
        record = pl.col("record_id")
        return stacked(*sources).with_columns(
            date_of_death=pl.when(record == "t").then(died),
            date_from=pl.when(record.is_in(["a", "u"])).then(came),
        )

    score_by_hand(monkeypatch, {("p", "t"): 20.0})
    monkeypatch.setattr(linkage, "stack", dated)
    spec = LinkSpec(decisions=written(tmp_path, "care,a,trust,t,yes"))
    links = link(world(ROWS), spec, key=KEY)
    assert together(links) == {frozenset("pat")}
    assert links.counts["reviewed_yes_against_death"] == 1
    # Whom nobody reviewed is still somebody else.
    score_by_hand(monkeypatch, {("p", "t"): 20.0, ("p", "u"): 15.0})
    monkeypatch.setattr(linkage, "stack", dated)
    assert together(link(world(ROWS), key=KEY)) == set()


def test_a_yes_goes_before_the_number_that_leads_elsewhere(tmp_path, monkeypatch):
    """An earlier run made a the person p; h, which is a, has the number of q."""
    rows = {"gp": [("p", NUMBERS[0]), ("q", NUMBERS[1])], "care": [("a", NUMBERS[0])]}
    score_by_hand(monkeypatch, {})
    before = link(world(rows), key=KEY)
    index = tmp_path / "person_index.parquet"
    before.person_index.write_parquet(index)
    new = world(rows | {"housing": [("h", NUMBERS[1])]})
    spec = LinkSpec(decisions=written(tmp_path, *YES), previous_index=index)
    links = link(new, spec, key=KEY)
    assert together(links) == {frozenset("pah")}
    assert against(links) == 1


def test_a_source_of_unique_people_goes_before_a_yes_by_way_of_an_earlier_run(
    tmp_path, monkeypatch
):
    """An earlier run made t the person p; by one yes p is a record of housing, by another t is."""
    rows = {"gp": [("p", NUMBERS[0])], "trust": [("t", NUMBERS[0])]}
    score_by_hand(monkeypatch, {})
    before = link(world(rows), key=KEY)
    index = tmp_path / "person_index.parquet"
    before.person_index.write_parquet(index)
    new = world(rows | {"housing": [("h", None), ("i", None)]})
    labels = written(tmp_path, "gp,p,housing,h,yes", "housing,i,trust,t,yes")
    links = link(new, LinkSpec(decisions=labels, previous_index=index), key=KEY)
    # What was said of p itself counts.
    assert together(links) == {frozenset("pth")}
    assert links.counts["reviewed_not_followed"] == 1
