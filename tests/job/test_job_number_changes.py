"""Replaced NHS numbers: chains followed, circles refused, counted before the NHS-number pass."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_job import valid_numbers, write_small_job

from pophealth_link import job as jobs
from pophealth_link.errors import DataError
from pophealth_link.job import number_changes
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.people import Reading, read_people
from pophealth_link.job.progress import Recorder, Silent

NUMBERS = valid_numbers(40)


def write(path, pairs):
    rows = "".join(f"{old},{new}\n" for old, new in pairs)
    path.write_text("Old_NHS_Number,NHS_number\n" + rows, encoding="utf-8-sig")
    return path


@given(order=st.permutations(range(12)), cuts=st.sets(st.integers(0, 10)))
@settings(max_examples=40, deadline=None)
def test_every_number_of_a_chain_leads_to_its_last(tmp_path_factory, order, cuts):
    chain = [NUMBERS[i] for i in order]
    links = [(chain[i], chain[i + 1]) for i in range(11) if i not in cuts]
    expected = {}
    for old, _ in links:
        current = old
        while current in dict(links):
            current = dict(links)[current]
        expected[old] = current
    path = write(tmp_path_factory.mktemp("n") / "n.csv", [*links, *links[:1], (chain[0], chain[0])])
    found = number_changes.read(path)
    assert dict(found.rows()) == expected
    assert found["old_nhs_number"].is_sorted()


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([(0, 1), (1, 2), (2, 0), (3, 0), (4, 5)], "4 numbers are replaced in a circle"),
        ([(0, 1), (0, 2)], "1 numbers are replaced by more than one"),
    ],
)
def test_changes_that_lead_nowhere_are_refused(tmp_path, pairs, words):
    path = write(tmp_path / "n.csv", [(NUMBERS[old], NUMBERS[new]) for old, new in pairs])
    with pytest.raises(DataError) as caught:
        number_changes.read(path)
    assert words in str(caught.value)
    assert not [number for number in NUMBERS if number in str(caught.value)]


@pytest.mark.parametrize("bad", ["9434765918", "123", "", "0000000000"])
def test_what_is_no_number_is_refused_and_never_shown(tmp_path, bad):
    with pytest.raises(DataError) as caught:
        number_changes.read(
            write(tmp_path / "n.csv", [(NUMBERS[0], NUMBERS[1]), (NUMBERS[2], bad)])
        )
    assert "1 of 2 rows" in str(caught.value)
    assert not bad or bad not in str(caught.value)


def test_a_file_without_the_columns_is_refused(tmp_path):
    path = tmp_path / "n.csv"
    path.write_text("from,to\n9434765919,9434765870\n")
    with pytest.raises(DataError, match="no column of number_changes"):
        number_changes.read(path)


def test_a_job_with_replaced_numbers_links_opts_out_and_counts_by_the_current_one(tmp_path):
    path = write_small_job(tmp_path / "data")
    folder = path.parent
    trust = pl.read_csv(folder / "trust.csv", infer_schema=False)
    fresh = valid_numbers(620)[600:]
    # Two people of the trust are known there by former numbers, one by two changes.
    new = trust["nhs_number"][:2].to_list()
    changes = [(fresh[0], new[0]), (fresh[1], fresh[2]), (fresh[2], new[1])]
    write(folder / "changes.csv", changes)
    held = pl.Series([fresh[0], f"{fresh[1][:3]} {fresh[1][3:6]} {fresh[1][6:]}"])
    trust.with_columns(nhs_number=pl.concat([held, trust["nhs_number"][2:]])).write_csv(
        folder / "trust.csv"
    )
    text = path.read_text().replace(
        "[disclosure]", '[link]\nnumber_changes = "changes.csv"\n\n[disclosure]'
    )
    path.write_text(text)
    accounts = Accounts()
    job = jobs.load(path)
    assert folder / "changes.csv" in list(job.files("link"))
    people = read_people(job, Reading.of(job, accounts, Recorder(Silent()), None))
    numbers = next(p for p in people if p.source == "trust").frame["nhs_number"].to_list()
    assert numbers[:2] == new
    assert accounts.rows["trust"]["people"]["numbers_replaced"] == 2
    assert accounts.rows["gp"]["people"]["numbers_replaced"] == 0
    # Who opted out by a former number is found by the current one, and the other way round.
    (folder / "opt.csv").write_text(f"nhs_number\n{fresh[2]}\n{new[0]}\n")
    path.write_text(text.replace("[privacy]", '[privacy]\nopt_outs = "opt.csv"'))
    accounts = Accounts()
    job = jobs.load(path)
    read_people(job, Reading.of(job, accounts, Recorder(Silent()), None))
    assert accounts.rows["gp"]["people"]["removed_by_opt_out"] == 2
    assert accounts.rows["trust"]["people"]["removed_by_opt_out"] == 2
