"""Linking to an earlier person index: its people stay who they were."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scored import NUMBERS, people_of, score_by_hand, together, world

from pophealth_link.errors import LinkageError
from pophealth_link.link import LinkSpec, link, previous_index
from pophealth_link.privacy import Key

KEY = Key(b"a key for tests, 16+")
FIRST = {"gp": [("p", NUMBERS[0]), ("q", None)], "care": [("a", None)], "trust": [("t", None)]}


def run(
    rows: Mapping[str, list],
    weights: dict,
    monkeypatch,
    earlier: Path | None = None,
    key=KEY,
    **settings,
):
    score_by_hand(monkeypatch, weights)
    return link(world(rows), LinkSpec(previous_index=earlier, **settings), key=key)


def kept(links, folder: Path) -> Path:
    """Write the index as a run does, and return the folder."""
    folder.mkdir(exist_ok=True)
    links.person_index.write_parquet(folder / "person_index.parquet")
    return folder


def by_record(links) -> dict[str, tuple]:
    rows = links.person_index.select("record_id", "person_id", "method", "match_probability")
    return {record: rest for record, *rest in rows.iter_rows()}


def more(rows: Mapping[str, list], **extra: list) -> dict[str, list]:
    return {name: [*rows.get(name, []), *extra.get(name, [])] for name in {**rows, **extra}}


def test_nothing_that_was_decided_is_decided_again(tmp_path, monkeypatch):
    before = run(FIRST, {("p", "a"): 20.0}, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    # The same pairs would come out otherwise now, and t would be linked.
    rows = more(FIRST, housing=[("h", None)])
    weights = {("q", "a"): 20.0, ("q", "t"): 20.0, ("q", "h"): 20.0}
    after = run(rows, weights, monkeypatch, folder)
    old, new = by_record(before), by_record(after)
    assert {record: new[record] for record in old} == old
    assert together(after) == {frozenset("pa"), frozenset("qh")}
    assert after.counts["previous_kept"] == 4
    assert after.pairs["record_id_r"].unique().to_list() == ["h"]


def test_a_number_that_comes_later_changes_no_id(tmp_path, monkeypatch):
    folder = kept(run(FIRST, {}, monkeypatch), tmp_path / "linked")
    rows = more(FIRST, trust=[("u", NUMBERS[3])])
    after = run(rows, {("t", "u"): 20.0}, monkeypatch, folder)
    assert together(after) == {frozenset("tu")}
    ids = by_record(after)
    assert ids["u"][0] == by_record(run(FIRST, {}, monkeypatch))["t"][0]


def test_who_was_unlinked_then_is_told_how_it_is_linked_now(tmp_path, monkeypatch):
    before = run(FIRST, {}, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    rows = more(FIRST, gp=[("r", None)], trust=[("u", None)])
    after = run(rows, {("r", "a"): 20.0, ("t", "u"): 15.0}, monkeypatch, folder)
    old, new = by_record(before), by_record(after)
    assert [old[record][1:] for record in "at"] == [["unlinked", None]] * 2
    likely = {"a": 1 / (1 + 2**-20), "t": 1 / (1 + 2**-15)}
    for record, probability in likely.items():
        assert new[record] == [old[record][0], "probabilistic", pytest.approx(probability)]
    assert "records_unlinked" not in after.counts
    # It is so in every later run, too.
    again = run(rows, {}, monkeypatch, kept(after, tmp_path / "again"))
    assert again.person_index.equals(after.person_index)


def test_a_new_register_row_is_the_person_that_others_knew(tmp_path, monkeypatch):
    before = run(FIRST, {}, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    rows = more(FIRST, gp=[("r", None)])
    after = run(rows, {("r", "t"): 20.0, ("q", "t"): 25.0}, monkeypatch, folder)
    old, new = by_record(before), by_record(after)
    assert together(after) == {frozenset("rt")}
    assert new["t"][:2] == [old["t"][0], "probabilistic"]
    assert new["r"][:2] == [old["t"][0], "register"]


def test_two_people_of_the_index_never_become_one(tmp_path, monkeypatch):
    folder = kept(run(FIRST, {}, monkeypatch), tmp_path / "linked")
    # A new row of the register that is both; a new record that is both.
    row = run(
        more(FIRST, gp=[("r", None)]), {("r", "a"): 20.0, ("r", "t"): 20.0}, monkeypatch, folder
    )
    assert together(row) == set()
    record = run(
        more(FIRST, housing=[("h", None)]),
        {("h", "a"): 25.0, ("h", "t"): 15.0},
        monkeypatch,
        folder,
    )
    assert together(record) == {frozenset("ah")}


def test_a_reviewer_cannot_join_two_people_of_the_index(tmp_path, monkeypatch):
    rows = FIRST | {"housing": [("h", None)]}
    before = run(rows, {("p", "a"): 20.0, ("q", "h"): 20.0}, monkeypatch)
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "source_l,record_id_l,source_r,record_id_r,decision\n"
        "care,a,housing,h,yes\nhousing,h,trust,u,yes\n"
    )
    after = run(
        more(rows, trust=[("u", None)]),
        {},
        monkeypatch,
        kept(before, tmp_path / "linked"),
        decisions=labels,
    )
    # u would be p and q at once.
    assert together(after) == together(before) == {frozenset("pa"), frozenset("qh")}
    assert after.counts["reviewed_not_followed"] > 0


def test_a_source_of_unique_people_still_has_each_once(tmp_path, monkeypatch):
    folder = kept(run(FIRST, {("p", "a"): 20.0}, monkeypatch), tmp_path / "linked")
    after = run(more(FIRST, care=[("b", None)]), {("p", "b"): 30.0}, monkeypatch, folder)
    assert together(after) == {frozenset("pa")}
    assert after.counts["unlinked_taken"] == 1


def test_who_was_one_person_with_the_linked_keeps_others_away(tmp_path, monkeypatch):
    # t and a are one person on no register; then t is r, a new row of it. So a is r, too, and b,
    # who is another person than a, cannot be.
    before = run(FIRST, {("a", "t"): 20.0}, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    rows = more(FIRST, gp=[("r", None)], care=[("b", None)])
    after = run(rows, {("r", "t"): 20.0}, monkeypatch, folder)
    assert together(after) == {frozenset("rta")}
    # Nothing tells whether r is b or t.
    both = run(rows, {("r", "t"): 20.0, ("r", "b"): 15.0}, monkeypatch, folder)
    assert together(both) == {frozenset("ta")}
    assert both.pairs.filter(decision="tie")["record_id_r"].to_list() == ["b", "t"]


def test_a_new_person_never_gets_an_id_that_is_taken(tmp_path, monkeypatch):
    # t gave the person of t and u its id, and comes back after the index has lost it.
    rows = {"gp": [("p", None)], "trust": [("t", None), ("u", None)]}
    before = run(rows, {("t", "u"): 20.0}, monkeypatch)
    gone = {"gp": rows["gp"], "trust": [("u", None)]}
    between = run(gone, {}, monkeypatch, kept(before, tmp_path / "first"))
    after = run(rows, {}, monkeypatch, kept(between, tmp_path / "second"))
    assert between.counts["previous_vanished"] == 1
    assert by_record(after)["u"] == by_record(before)["u"]
    assert len(people_of(after)) == 3


def test_another_key_is_refused_and_so_are_other_records(tmp_path, monkeypatch):
    folder = kept(run(FIRST, {}, monkeypatch), tmp_path / "linked")
    with pytest.raises(LinkageError, match="another key") as raised:
        run(FIRST, {}, monkeypatch, folder, key=Key(b"not the key of then"))
    assert "key_file" in str(raised.value)
    strangers = {"gp": [("other", None)]}
    with pytest.raises(LinkageError, match="none of these"):
        run(strangers, {}, monkeypatch, folder)


def test_an_index_is_a_folder_or_a_file_that_is_whole(tmp_path, monkeypatch):
    links = run(FIRST, {}, monkeypatch)
    folder = kept(links, tmp_path / "linked")
    file = folder / "person_index.parquet"
    assert previous_index.read(folder).equals(previous_index.read(file))
    assert previous_index.files(folder) == [file]
    with pytest.raises(LinkageError, match="no person index"):
        previous_index.read(tmp_path / "absent")
    links.person_index.drop("method").write_parquet(file)
    with pytest.raises(LinkageError, match="method"):
        previous_index.read(folder)
    pl.concat([links.person_index] * 2).write_parquet(file)
    with pytest.raises(LinkageError, match="4 rows repeat"):
        previous_index.read(folder)


@st.composite
def extracts(draw):
    """Records that come at first, and those of a later extract, with bits between any two."""
    numbers = st.sampled_from([None, None, *NUMBERS[:3]])
    names = [f"{source}{i}" for source in ("gp", "care", "trust") for i in range(3)]
    number = {name: draw(numbers) for name in names}
    early = set(draw(st.lists(st.sampled_from(names), unique=True))) | {"gp0"}
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda p: p[0] < p[1])
    bits = st.dictionaries(pairs, st.sampled_from([-3.0, 6.0, 15.0, 25.0]), max_size=10)

    def sources(chosen):
        return {
            source: [(n, number[n]) for n in names if n.startswith(source) and n in chosen]
            for source in ("gp", "care", "trust")
        }

    return sources(early), draw(bits), sources(names), draw(bits)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=extracts(), order=st.randoms(use_true_random=False))
def test_ids_and_methods_of_people_already_there_never_change(drawn, order, tmp_path, monkeypatch):
    rows, weights, later, changed = drawn
    before = run(rows, weights, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    after = run(later, changed, monkeypatch, folder)
    old, new = by_record(before), by_record(after)
    assert {record: new[record][0] for record in old} == {r: told[0] for r, told in old.items()}
    # Whoever was linked stays so by the same method; who was not may find somebody among the new.
    size = Counter(told[0] for told in new.values())
    for record, told in old.items():
        found = told[1] == "unlinked" and size[told[0]] > 1
        assert (new[record] != told) is found
        assert new[record][1] != "unlinked" or size[told[0]] == 1
    assert after.person_index.height == sum(map(len, later.values()))
    # Different people of the register keep different ids, also the new ones.
    registered = after.person_index.filter(source="gp")
    assert not registered["person_id"].is_duplicated().any()
    sources = [replace(s, frame=s.frame.reverse()) for s in order.sample(world(later), 4)]
    again = link(sources, LinkSpec(previous_index=folder), key=KEY)
    assert again.person_index.equals(after.person_index)
