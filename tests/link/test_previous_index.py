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


def labelled(folder: Path, *rows: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join(["source_l,record_id_l,source_r,record_id_r,decision", *rows]) + "\n")
    return path


def others_unchanged(before, after, *but: str) -> bool:
    old, new = by_record(before), by_record(after)
    return all(new[record][0] == told[0] for record, told in old.items() if record not in but)


def test_a_no_undoes_what_an_earlier_run_linked(tmp_path, monkeypatch):
    weights = {("p", "a"): 20.0, ("q", "t"): 20.0}
    before = run(FIRST, weights, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    labels = labelled(tmp_path, "care,a,gp,p,no")
    after = run(FIRST, weights, monkeypatch, folder, decisions=labels)
    assert together(after) == {frozenset("qt")}
    assert others_unchanged(before, after, "a")
    assert by_record(after)["a"][1:] == ["unlinked", None]
    assert by_record(after)["a"][0] not in set(before.person_index["person_id"])
    told = {name: after.counts[f"previous_{name}"] for name in ("kept", "undone", "vanished")}
    assert told == {"kept": 3, "undone": 1, "vanished": 0}
    assert after.counts["unlinked_reviewed_no"] == 1
    # The next run has nothing to undo.
    again = run(FIRST, weights, monkeypatch, kept(after, tmp_path / "again"), decisions=labels)
    assert again.person_index.equals(after.person_index)
    assert again.counts["previous_undone"] == 0


def test_whom_a_no_set_free_is_linked_anew(tmp_path, monkeypatch):
    before = run(FIRST, {("p", "a"): 20.0}, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    labels = labelled(tmp_path, "gp,p,care,a,no")
    after = run(FIRST, {("p", "a"): 20.0, ("q", "a"): 15.0}, monkeypatch, folder, decisions=labels)
    assert together(after) == {frozenset("qa")}
    assert others_unchanged(before, after, "a")


def test_a_no_undoes_a_number_too(tmp_path, monkeypatch):
    rows = more(FIRST, housing=[("h", NUMBERS[0])])
    before = run(rows, {}, monkeypatch)
    assert together(before) == {frozenset("ph")}
    labels = labelled(tmp_path, "gp,p,housing,h,no")
    after = run(rows, {}, monkeypatch, kept(before, tmp_path / "linked"), decisions=labels)
    assert together(after) == set()
    assert others_unchanged(before, after, "h")


def test_a_no_between_two_of_one_person_frees_the_later(tmp_path, monkeypatch):
    # Care stands before trust in the index; neither is the register row.
    before = run(FIRST, {("p", "a"): 20.0, ("p", "t"): 20.0}, monkeypatch)
    assert together(before) == {frozenset("pat")}
    labels = labelled(tmp_path, "trust,t,care,a,no")
    folder = kept(before, tmp_path / "linked")
    after = run(FIRST, {("p", "t"): 20.0}, monkeypatch, folder, decisions=labels)
    assert together(after) == {frozenset("pa")}
    assert others_unchanged(before, after, "t")


def test_off_the_register_whoever_is_left_alone_is_unlinked(tmp_path, monkeypatch):
    before = run(FIRST, {("a", "t"): 20.0}, monkeypatch)
    labels = labelled(tmp_path, "care,a,trust,t,no")
    folder = kept(before, tmp_path / "linked")
    after = run(FIRST, {("a", "t"): 20.0}, monkeypatch, folder, decisions=labels)
    assert together(after) == set()
    assert others_unchanged(before, after, "t")
    assert [by_record(after)[record][1:] for record in "at"] == [["unlinked", None]] * 2


def test_one_whom_a_no_frees_sends_nobody_else_away(tmp_path, monkeypatch):
    rows = more(FIRST, trust=[("u", None)])
    before = run(rows, {("p", "a"): 20.0, ("p", "t"): 20.0, ("p", "u"): 20.0}, monkeypatch)
    assert together(before) == {frozenset("patu")}
    # a keeps p, t does not; so t is no reason for u to go.
    labels = labelled(tmp_path, "care,a,trust,t,no", "trust,t,trust,u,no")
    folder = kept(before, tmp_path / "linked")
    after = run(rows, {}, monkeypatch, folder, decisions=labels)
    assert together(after) == {frozenset("pau")}
    assert after.counts["previous_undone"] == 1


def test_those_of_one_yes_are_freed_together(tmp_path, monkeypatch):
    before = run(FIRST, {("p", "a"): 20.0, ("p", "t"): 20.0}, monkeypatch)
    labels = labelled(tmp_path, "gp,p,care,a,no", "care,a,trust,t,yes")
    folder = kept(before, tmp_path / "linked")
    after = run(FIRST, {("p", "t"): 20.0}, monkeypatch, folder, decisions=labels)
    assert together(after) == {frozenset("at")}
    assert others_unchanged(before, after, "a", "t")
    assert after.counts["previous_undone"] == 2


def test_a_no_on_two_people_of_the_index_changes_nothing(tmp_path, monkeypatch):
    before = run(FIRST, {("p", "a"): 20.0}, monkeypatch)
    labels = labelled(tmp_path, "gp,q,care,a,no", "gp,p,trust,t,no")
    after = run(FIRST, {}, monkeypatch, kept(before, tmp_path / "linked"), decisions=labels)
    assert after.person_index.equals(before.person_index)
    assert after.counts["previous_undone"] == 0


def test_an_index_that_no_run_could_have_written_is_refused(tmp_path, monkeypatch):
    rows = more(FIRST, care=[("b", None), ("c", None)])
    index = run(rows, {}, monkeypatch).person_index
    ids = dict(index.select("record_id", "person_id").iter_rows())
    record = pl.col("record_id")
    unsound = index.with_columns(
        person_id=pl.col("person_id").replace({ids["q"]: ids["p"], ids["c"]: ids["b"]}),
        method=pl.when(record == "t").then(pl.lit("SECRET^")).otherwise("method"),
        match_probability=pl.when(record == "a").then(7.0).when(record == "b").then(float("nan")),
    )
    file = tmp_path / "person_index.parquet"
    unsound.write_parquet(file)
    with pytest.raises(LinkageError, match="not a sound") as raised:
        run(rows, {}, monkeypatch, file)
    text = str(raised.value)
    assert "2 rows of the register share" in text
    assert "2 rows of a source of unique people share" in text
    assert "2 rows have a match_probability" in text
    assert "1 rows have a method" in text
    assert not any(value in text for value in ("SECRET", "7.0", "nan", *ids.values()))


@pytest.mark.parametrize(
    ("method", "sound"),
    [("off_register", True), ("given_birth_2", True), ("", False), ("a b", False), (None, False)],
)
def test_methods_are_those_that_a_run_can_write(tmp_path, monkeypatch, method, sound):
    index = run(FIRST, {}, monkeypatch).person_index
    told = pl.when(pl.col("record_id") == "t").then(pl.lit(method, pl.String)).otherwise("method")
    file = tmp_path / "person_index.parquet"
    index.with_columns(method=told).write_parquet(file)
    if sound:
        assert previous_index.read(file, ["gp", "care"]).height == index.height
    else:
        with pytest.raises(LinkageError, match="1 rows have a method"):
            previous_index.read(file, ["gp", "care"])


def test_a_source_that_may_repeat_people_may_do_so_in_the_index(tmp_path, monkeypatch):
    rows = more(FIRST, trust=[("u", None)])
    before = run(rows, {("p", "t"): 20.0, ("p", "u"): 20.0}, monkeypatch)
    folder = kept(before, tmp_path / "linked")
    assert run(rows, {}, monkeypatch, folder).person_index.equals(before.person_index)


def test_an_index_is_named_by_a_path():
    with pytest.raises(LinkageError, match=r"previous_index must be a path.*Path\(") as raised:
        LinkSpec(previous_index="linked_secret", margin=-1.0)  # type: ignore[arg-type]
    assert "margin" in str(raised.value)
    assert "secret" not in str(raised.value)
