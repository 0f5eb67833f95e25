"""Every row of every file is accounted for, counted apart from the library, with bad rows planted."""

import json
import re
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from small_job import write_small_job

from pophealth_link import job as jobs
from pophealth_link.job import quarantine
from pophealth_link.job.analysing import run_analyse
from pophealth_link.job.index import read as read_index
from pophealth_link.job.linking import run_link
from pophealth_link.job.progress import Recorder, Silent

MORE_EVENTS = """
[[sources.events]]
table = "social_care_events"
path = "more_care.csv"
"""
ICP = """
[footprints.icp]
path = "icp.csv"
"""


def replace_text(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def spoil(folder):
    """Plant rows that are ragged, without an id, or of nobody; return rows by file."""
    job = folder / "job.toml"
    replace_text(job, "\n[[properties]]", MORE_EVENTS + "\n[[properties]]")
    replace_text(job, 'people = "trust.csv"', 'people = "trust.csv"\naliases = "former.csv"')
    replace_text(job, "\n[privacy]", ICP + "\n[privacy]")
    with (folder / "care.csv").open("a") as file:
        file.write(",01/01/1950,Nobody,,1,Ann\nshort,row\ncx,01/01/2062,Late,,1,Ann\n")
    with (folder / "care_events.csv").open("a") as file:
        file.write("cg1,2025-01-01\n,2025-01-01,,mental_health\ncg1,2025-99-01,,odd\n")
        known = pl.read_csv(folder / "care.csv", truncate_ragged_lines=True)["record_id"][0]
        file.write(f"{known},2025-03-01,2025-02-01,mental_health\n")
    (folder / "more_care.csv").write_text(
        "record_id,start_date,end_date,primary_support_reason\n"
        "nobody,2025-03-01,,mental_health\n,2025-03-01,,mental_health\ncx,2025-03-01,,mental_health\n"
    )
    (folder / "former.csv").write_text(
        "record_id,family_name,date_of_birth\ntg1,Old,\nnobody,Old,\n,Old,\nnone,Old,soon\n"
        f"{pl.read_csv(folder / 'trust.csv')['record_id'][0]},Old,soon\n"
        f"{pl.read_csv(folder / 'trust.csv')['record_id'][1]},Old,1999-01-01\n"
    )
    (folder / "icp.csv").write_text(
        "practice_code,footprint_code,footprint_name,valid_from\nX1,A,North,2020-13-01\nX2,B,South,2020-01-01\nragged\n"
    )
    with (folder / "council_tax.csv").open("a") as file:
        file.write("99999,,Z,perhaps,false\nragged\n")
    names = (
        "trust.csv", "care.csv", "former.csv", "conditions.csv", "contacts.csv", "care_events.csv",
        "more_care.csv", "council_tax.csv", "icp.csv",
    )  # fmt: skip
    return {name: len((folder / name).read_text().splitlines()) - 1 for name in names}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Both halves without the release, which reads no row: their accounts, warnings, quarantine."""
    folder = tmp_path_factory.mktemp("rows")
    path = write_small_job(folder / "data")
    rows = spoil(folder / "data")
    job = jobs.load(path)
    progress, linked = Recorder(Silent()), folder / "linked"
    accounts = run_link(job, job.read_reference(), linked, progress, key=job.read_key()).accounts
    done = run_analyse(job, job.read_reference(), linked, linked, progress)
    accounts.add(done.accounts)
    return rows, accounts.rows, progress.warnings, linked


def test_rows_in_are_rows_accounted_for(both):
    rows, accounts, _, _ = both
    counted = {
        ("trust", "people"): rows["trust.csv"],
        ("trust", "aliases"): rows["former.csv"],
        ("care", "people"): rows["care.csv"],
        ("gp", "condition_events"): rows["conditions.csv"],
        ("trust", "contacts"): rows["contacts.csv"],
        ("care", "social_care_events"): rows["care_events.csv"] + rows["more_care.csv"],
        ("council_tax", "dwellings"): rows["council_tax.csv"],
        ("footprints.icp", "footprints"): rows["icp.csv"],
    }
    for (source, name), expected in counted.items():
        table = accounts[source][name]
        assert table["rows_in"] == expected, (source, name)
        ends = table["accepted"] + table["quarantined"] + table["removed_by_opt_out"]
        assert ends == expected, (source, name)
        assert sum(table["quarantined_by"].values()) == table["quarantined"]
        if "with_person" in table:
            assert table["with_person"] + table["without_person"] == table["accepted"]
        if "by_method" in table:
            assert sum(table["by_method"].values()) == table["accepted"]


def test_reasons_are_counted_by_table(both):
    _, accounts, _, _ = both
    reasons = {
        ("care", "people"): {"ragged": 1, "no_record_id": 1},
        ("trust", "aliases"): {"no_record_id": 1, "unknown_record_id": 2},
        ("care", "social_care_events"): {"ragged": 1, "no_record_id": 2},
        ("council_tax", "dwellings"): {"ragged": 1},
        ("footprints.icp", "footprints"): {"ragged": 1},
        ("trust", "people"): {},
    }
    tables = {key: dict(accounts[key[0]][key[1]]["quarantined_by"]) for key in reasons}
    # The alias of tg1 is known only where the sample of the trust holds that person.
    assert (
        tables.pop(("trust", "aliases"))["no_record_id"]
        == reasons.pop(("trust", "aliases"))["no_record_id"]
    )
    assert tables == reasons
    assert accounts["care"]["social_care_events"]["without_person"] >= 1


def test_quarantine_holds_each_refused_row_with_its_reason(both):
    _, accounts, _, linked = both
    found = {path.stem: pl.read_parquet(path) for path in (linked / "quarantine").iterdir()}
    assert set(found) == {
        "care", "trust.aliases", "care.social_care_events", "care.social_care_events-2",
        "council_tax", "footprints.icp",
    }  # fmt: skip
    events = pl.concat([found["care.social_care_events"], found["care.social_care_events-2"]])
    for frame, source, table in (
        (found["care"], "care", "people"),
        (found["trust.aliases"], "trust", "aliases"),
        (events, "care", "social_care_events"),
        (found["council_tax"], "council_tax", "dwellings"),
        (found["footprints.icp"], "footprints.icp", "footprints"),
    ):
        told = dict(frame.group_by("reason").len().iter_rows())
        assert told == accounts[source][table]["quarantined_by"], (source, table)
        assert frame["table"].unique().to_list() == [table]
    # Rows are numbered in their own file: the first of the second file's is its second row.
    assert found["care.social_care_events-2"]["row"].to_list() == [2]


def test_rows_that_end_before_they_begin_are_told(both):
    _, accounts, warnings, _ = both
    held = accounts["care"]["social_care_events"]["with_person"]
    words = "end before they begin"
    (told,) = [each for each in warnings if words in each]
    assert told.startswith(f"social_care_events: 1 of {held} rows {words}")


def test_values_that_were_lost_are_counted_and_warned_of(both):
    _, accounts, warnings, linked = both
    assert accounts["care"]["people"]["unreadable_values"] == {"date_of_birth: after_as_of": 1}
    lost = accounts["footprints.icp"]["footprints"]["unreadable_values"]
    assert lost == {"valid_from: not_a_date": 1}
    for told in (
        r"care: 1 of \d+ values of date_of_birth became missing \(after_as_of\)\.",
        r"trust.aliases: 1 of \d+ values of date_of_birth became missing \(not_a_date\)\.",
        r"council_tax: 1 of \d+ values of band became missing \(not_in_code_list\)\.",
        r"council_tax: 1 of \d+ values of single_person_discount became missing \(not_a_boolean\)\.",
        r"footprints.icp: 1 of \d+ values of valid_from became missing \(not_a_date\)\.",
    ):
        assert any(re.fullmatch(told, each) for each in warnings), warnings
    facts = pl.read_parquet(linked / "person_facts.parquet")
    late = pl.read_parquet(linked / "person_index.parquet").filter(record_id="cx")["person_id"]
    assert facts.filter(pl.col("person_id").is_in(late.implode()))["age_band"].to_list() == [None]


def test_file_names_of_the_quarantine_are_all_different(both, tmp_path):
    job = jobs.load(write_small_job(tmp_path / "data"))
    names = ["asc?", "asc_", "ASC_", "x" * 300, "x" * 301, "é" * 300, "../up", "asc?.aliases"]
    first = job.sources[0]
    many = replace(job, sources=tuple(replace(first, name=name) for name in names))
    found = quarantine.file_names(many)
    assert len({each.casefold() for each in found.values()}) == len(found)
    assert [found[quarantine.people(n)] for n in names[:3]] == ["asc_", "asc_-2", "ASC_-3"]
    assert found == quarantine.file_names(many)
    for name in found.values():
        (tmp_path / f"{name}.parquet").touch()


def test_a_name_of_300_characters_and_two_that_read_alike_are_linked(tmp_path):
    path = write_small_job(tmp_path / "data")
    long = "x" * 300
    replace_text(path, 'name = "care"', f'name = "{long}"')
    replace_text(path, 'name = "trust"', f'name = "{long}y"')
    for name in ("care.csv", "trust.csv"):
        with (path.parent / name).open("a") as file:
            file.write("ragged\n")
    done = jobs.link(path, out=tmp_path / "out")
    files = sorted((done.folder / "linked/quarantine").iterdir())
    assert [pl.read_parquet(each).height for each in files] == [1, 1]


def test_opted_out_by_a_former_number_means_gone_with_all_rows(tmp_path):
    path = write_small_job(tmp_path / "data")
    folder = path.parent
    replace_text(path, "[privacy]\n", '[privacy]\nopt_outs = "opt_outs.csv"\n')
    replace_text(path, 'people = "gp.parquet"', 'people = "gp.parquet"\naliases = "former.csv"')
    (folder / "opt_outs.csv").write_text("nhs_number\n9434765870\n")
    (folder / "former.csv").write_text("record_id,nhs_number\ng7,943 476 5870\ng7,\ng8,\n")
    done = jobs.link(path, out=tmp_path / "out")
    index = pl.read_parquet(done.folder / "linked/person_index.parquet")
    assert index.filter(source="gp", record_id="g7").is_empty()
    assert index.filter(source="gp").height == 599
    rows = json.loads((done.folder / "manifest.json").read_text())["rows"]["gp"]
    assert rows["people"]["removed_by_opt_out"] == 1
    assert (rows["aliases"]["removed_by_opt_out"], rows["aliases"]["accepted"]) == (2, 1)


def test_opt_outs_cannot_be_applied_to_tokens_and_that_is_said(tmp_path):
    path = write_small_job(tmp_path / "data")
    replace_text(path, "[privacy]\n", '[privacy]\nopt_outs = "opt_outs.csv"\n')
    replace_text(path, 'people = "trust.csv"', 'people = "trust.csv"\nnhs_number_kind = "token"')
    (path.parent / "opt_outs.csv").write_text("nhs_number\n9434765870\n")
    done = jobs.link(path, out=tmp_path / "out")
    assert any("trust: opt-outs cannot be applied" in each for each in done.warnings)
    assert not any("gp: opt-outs cannot" in each for each in done.warnings)


def test_the_card_names_sources_in_order_whatever_the_order_of_the_job(tmp_path):
    path = write_small_job(tmp_path / "data")
    done = jobs.link(path, out=tmp_path / "out")
    card = json.loads((done.folder / "linkage_card.json").read_text())
    assert [each["name"] for each in card["data"]["sources"]] == ["care", "gp", "trust"]
    assert (done.folder / "linkage_card.md").read_text().startswith("# Linkage card")
    # By the policy: multiples of five, no exact count.
    linked = [m["records"] for own in card["results"]["by_source"] for m in own["methods"]]
    assert linked
    assert all(records is None or records % 5 == 0 for records in linked)
    index = read_index(jobs.load(path), done.folder / "linked")
    assert index.exact is not None
    assert index.exact["as_of"] == date(2026, 4, 1).isoformat()
