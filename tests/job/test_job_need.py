"""The tables of `[need]`: indicators of the job's own."""

import polars as pl
import pytest

from pophealth_link import disclosure, indicators
from pophealth_link.errors import JobError
from pophealth_link.indicators import codelists
from pophealth_link.job import cards, manifest, need_files, snapshots
from pophealth_link.job.model import Job
from pophealth_link.job.spec import parse

JOB = """\
version = 1
as_of = 2026-04-01
[[sources]]
name = "gp"
setting = "primary_care"
people = "gp.csv"
[disclosure]
policy = "hes"
"""
OWN = """\
[postnatal_depression_recorded]
title = "Recorded depression, women's own list"
domain = "recorded_need"
role = "need"
direction = 1
level = "person"
statistic = "proportion"
unit = "%"
multiplier = 100
interval = "wilson"
period = "point"
min_age = 18
settings = ["primary_care"]
counted = "people"
numerator = "Adults with depression"
denominator = "People aged 18 or over on the day"
source = "Linked records"
what_it_is = "A definition of the job's own."
what_it_is_not = "Not a published register."
[[postnatal_depression_recorded.events]]
table = "condition_events"
timing = "ever"
date = "recorded_date"
where = { condition = ["depression"] }
"""


def job_at(folder, more=""):
    path = folder / "job.toml"
    path.write_text(JOB + more, encoding="utf-8")
    return Job(path, parse(path), (), (), disclosure.policy("hes"))


def test_a_job_without_a_catalogue_has_the_shipped_one(tmp_path):
    job = job_at(tmp_path)
    assert need_files.catalogue(job).ids == indicators.catalogue().ids
    assert not [where for where, _ in need_files.readers(job)]


def test_a_catalogue_of_the_jobs_own_adds_to_the_shipped_one(tmp_path):
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    job = job_at(tmp_path, '[need]\ncatalogue = "own.toml"\n')
    listed = need_files.catalogue(job)
    assert {*listed.ids} - {*indicators.catalogue().ids} == {"postnatal_depression_recorded"}
    # It is one of the files whose hashes a run keeps, and is checked with the others.
    assert job.resolve("own.toml") in list(job.files("analyse"))
    assert [where for where, _ in need_files.readers(job)] == ["need.catalogue"]


BY_FILE = """\
[[postnatal_depression_recorded.events]]
table = "diagnoses"
timing = "ever"
date = "recorded_date"
codes = { diagnosis = "lists/mine.csv" }
[[postnatal_depression_recorded.events]]
table = "diagnoses"
timing = "ever"
date = "recorded_date"
codes = { diagnosis = "dementia" }
"""


def test_code_lists_beside_a_catalogue_are_hashed_and_in_the_snapshot(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/mine.csv").write_text("code\n58703003\nF53\n58703003\n", encoding="utf-8")
    (tmp_path / "own.toml").write_text(OWN + BY_FILE, encoding="utf-8")
    job = job_at(tmp_path, '[need]\ncatalogue = "own.toml"\n')
    assert need_files.catalogue(job)["postnatal_depression_recorded"].events[1].pattern
    read = list(job.files("analyse"))
    assert read[-2:] == [job.resolve("own.toml"), job.resolve("lists/mine.csv")]
    before = manifest.file_hashes(read, job.folder)["lists/mine.csv"]
    assert snapshots._lists_by_file(job) == {"mine.csv": ("58703003", "F53")}
    assert snapshots._lists_by_file(job_at(tmp_path)) == {}
    job.resolve("lists/mine.csv").write_text("code\nF53\n", encoding="utf-8")
    assert manifest.file_hashes(read, job.folder)["lists/mine.csv"] != before


def test_a_catalogue_that_cannot_be_read_names_no_code_lists(tmp_path):
    for text in ("[[", 'x = 1\n[y]\nevents = 3\n[z]\nevents = [1, { codes = "a.csv" }]\n'):
        (tmp_path / "own.toml").write_text(text, encoding="utf-8")
        assert codelists.files_named(tmp_path / "own.toml") == ()
    assert codelists.files_named(tmp_path / "absent.toml") == ()


def test_the_card_counts_everybody_by_the_jobs_own_definitions(tmp_path):
    """Where a definition of the job's own is of adults alone, its people are not everybody."""
    own = OWN.replace("postnatal_depression_recorded", "adhd_recorded")
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    listed = need_files.catalogue(job_at(tmp_path, '[need]\ncatalogue = "own.toml"\n'))
    rows = [("adhd_recorded", 80.0), ("dementia_known", 100.0)]
    baseline = pl.DataFrame(
        [("pcn", "U1", "One", "registered", name, "all", people, "ok") for name, people in rows],
        schema=["footprint_type", "footprint_code", "footprint_name", "basis", "indicator",
                "stratum", "denominator", "status"],
        orient="row",
    )  # fmt: skip
    (row,) = cards.footprint_rows(baseline, listed)
    assert (row["footprints"], row["assigned"]) == (1, 100.0)
    (shipped,) = cards.footprint_rows(baseline.filter(indicator="dementia_known"))
    assert shipped["assigned"] == 100.0


PAIR = """\
[own]
comparison = "gap"
indicator = "dementia_recorded"
stratum = "all"
survey = "Cognitive Function and Ageing Study II"
condition = "dementia"
age_from = 65
observed = { condition = "d", ages = "65", population = "p", period = "current" }
expected = { condition = "d", ages = "65", population = "p", period = "current" }
"""


def test_a_gap_whose_sides_are_not_those_of_catalogue_and_survey_is_told_before_a_run(tmp_path):
    (tmp_path / "pairs.toml").write_text(PAIR, encoding="utf-8")
    job = job_at(tmp_path, '[need]\ngap_pairs = "pairs.toml"\n')
    ((where, read),) = need_files.readers(job)
    assert where == "need.gap_pairs"
    with pytest.raises(JobError, match=r"(?s)own.stratum.*own.population"):
        read(job.resolve("pairs.toml"))
    with pytest.raises(JobError, match=r"own.stratum"):
        need_files.read(job)


def test_a_wrong_catalogue_is_told_with_the_nearest_name(tmp_path):
    (tmp_path / "own.toml").write_text(OWN.replace("counted =", "couted ="), encoding="utf-8")
    job = job_at(tmp_path, '[need]\ncatalogue = "own.toml"\n')
    with pytest.raises(JobError, match="counted"):
        need_files.catalogue(job)
