"""`[link]` of a job: own passes, reviewed pairs, an earlier index, a saved model."""

import json

import polars as pl
import pytest
from small_job import write_small_job

from pophealth_link import job as jobs
from pophealth_link.errors import OutputExistsError
from pophealth_link.job.model import OWN_KEY
from pophealth_link.job.progress import Recorder, Silent
from pophealth_link.link import model


@pytest.fixture
def job(tmp_path):
    return write_small_job(tmp_path / "data")


def edit(job, old, new):
    text = job.read_text()
    assert old in text
    job.write_text(text.replace(old, new))


def set_link(job, text):
    edit(job, "[privacy]\n", f"[link]\n{text}\n[privacy]\n")


def index_of(run):
    return pl.read_parquet(run / "linked/person_index.parquet")


def link(job, out):
    return index_of(jobs.link(job, out=out).folder)


def method(index, record):
    return index.filter(record_id=record)["method"].item()


def person(index, record):
    return index.filter(record_id=record)["person_id"].item()


def test_a_model_that_a_run_saved_links_the_same_again(job, tmp_path):
    first = link(job, tmp_path / "first")
    saved = tmp_path / "first/linked/model.json"
    assert model.load(saved) == model.load("default")
    saved.rename(job.parent / "mine.json")
    set_link(job, 'model = "mine.json"')
    assert link(job, tmp_path / "again").equals(first)


def test_own_passes_come_after_the_built_in_ones_or_in_their_place(job, tmp_path):
    own = '[[link.passes]]\nname = "name_birth"\nkeys = ["given", "family", "date_of_birth"]'
    plain = link(job, tmp_path / "plain")
    built_in = plain.filter(pl.col("method") == "name_birth_postcode")
    assert built_in.height > 50
    set_link(job, own)
    more = link(job, tmp_path / "more")
    assert more.filter(pl.col("method") == "name_birth_postcode").equals(built_in)
    edit(job, "[link]\n", "[link]\ndefault_passes = false\n")
    alone = link(job, tmp_path / "alone")
    methods = set(alone["method"])
    assert "name_birth" in methods
    assert "name_birth_postcode" not in methods
    card = json.loads((tmp_path / "alone/linkage_card.json").read_text())
    assert "name_birth" in json.dumps(card)


def test_a_reviewers_word_is_followed_and_told(job, tmp_path):
    plain = link(job, tmp_path / "plain")
    of = plain.filter(source="gp").select("person_id", register="record_id")
    both = plain.filter(source="care").join(of, on="person_id").sort("record_id")
    no, yes = both.row(0, named=True), both.row(1, named=True)
    rows = [
        f"gp,{no['register']},care,{no['record_id']},no",
        f"care,{yes['record_id']},gp,{no['register']},yes",
    ]
    (job.parent / "labels.csv").write_text(
        "source_l,record_id_l,source_r,record_id_r,decision\n" + "\n".join(rows) + "\n"
    )
    set_link(job, 'decisions = "labels.csv"')
    found = link(job, tmp_path / "reviewed")
    assert method(found, yes["record_id"]) == "reviewed"
    assert person(found, yes["record_id"]) == person(found, no["register"])
    assert person(found, no["record_id"]) != person(found, no["register"])


def test_an_earlier_index_keeps_its_ids_when_records_are_added(job, tmp_path):
    care = pl.read_csv(job.parent / "care.csv", infer_schema=False)
    care.head(60).write_csv(job.parent / "care.csv")
    first = link(job, tmp_path / "first")
    care.write_csv(job.parent / "care.csv")
    set_link(job, f'previous_index = "{tmp_path}/first/linked"')
    second = link(job, tmp_path / "second")
    assert second.height == first.height + 60
    kept = second.join(first, on=["source", "record_id"], suffix="_first")
    assert kept.height == first.height
    assert kept["person_id"].equals(kept["person_id_first"].alias("person_id"))
    linked = second.filter(source="care").join(
        second.filter(source="gp"), on="person_id", how="semi"
    )
    assert linked.height > 100


def test_a_key_that_a_run_made_for_itself_goes_on_with_its_index(job, tmp_path):
    edit(job, 'key_file = "project.key"', "")
    first = link(job, tmp_path / "first")
    set_link(job, f'previous_index = "{tmp_path}/first/linked"')
    told = Recorder(Silent())
    jobs.link(job, out=tmp_path / "second", progress=told)
    assert index_of(tmp_path / "second").equals(first)
    keys = [(tmp_path / run / "linked" / OWN_KEY).read_bytes() for run in ("first", "second")]
    assert keys[0] == keys[1]
    assert (tmp_path / "second/linked" / OWN_KEY).stat().st_mode & 0o077 == 0
    assert not any("names no key" in warning for warning in told.warnings)


@pytest.mark.slow
def test_a_finished_run_is_another_one_when_a_file_of_the_linkage_changes(job, tmp_path):
    care = pl.read_csv(job.parent / "care.csv", infer_schema=False)["record_id"][0]
    link(job, tmp_path / "first")
    (tmp_path / "first/linked").rename(job.parent / "earlier")
    (job.parent / "earlier/model.json").rename(job.parent / "mine.json")
    head = "source_l,record_id_l,source_r,record_id_r,decision\n"
    (job.parent / "labels.csv").write_text(f"{head}gp,g1,care,{care},no\n")
    set_link(job, 'decisions = "labels.csv"\nprevious_index = "earlier"\nmodel = "mine.json"')
    out = tmp_path / "run"
    jobs.run(job, out=out)
    inputs = json.loads((out / "manifest.json").read_text())["inputs"]
    named = ("labels.csv", "mine.json", "earlier/person_index.parquet")
    assert set(named) <= set(inputs)
    for name in named:
        assert jobs.run(job, out=out, resume=True).finished_before
        path = job.parent / name
        content = path.read_bytes()
        if name.endswith("parquet"):
            pl.read_parquet(path).reverse().write_parquet(path)
        else:
            path.write_bytes(content.replace(b",no", b",No").replace(b"{\n", b"{ \n"))
        with pytest.raises(OutputExistsError):
            jobs.run(job, out=out, resume=True)
        path.write_bytes(content)


class Told(Silent):
    def __init__(self):
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


def test_numbers_that_records_of_a_source_of_unique_people_share_are_warned_of(job, tmp_path):
    gp = pl.read_parquet(job.parent / "gp.parquet")
    three = pl.when(pl.int_range(pl.len()) < 3).then(pl.lit(gp["nhs_number"][0]))
    gp.with_columns(nhs_number=three.otherwise("nhs_number")).write_parquet(
        job.parent / "gp.parquet"
    )
    heard = Told()
    jobs.link(job, out=tmp_path / "run", progress=heard)
    assert any(
        warning.startswith("3 records were linked without their NHS number")
        for warning in heard.warnings
    )


def test_dates_of_another_order_are_doubted(job, tmp_path):
    edit(job, '["%d/%m/%Y"]', '["%m/%d/%Y"]')
    heard = Told()
    jobs.link(job, out=tmp_path / "run", progress=heard)
    doubted = [
        each for each in heard.warnings if "Is its format in [sources.formats] right?" in each
    ]
    assert len(doubted) == 1
    assert doubted[0].startswith("care: ") and " of 120 values of date_of_birth" in doubted[0]


def test_a_job_of_a_register_alone_is_judged_and_says_that_nobody_was_asked(job, tmp_path):
    text = job.read_text()
    first, last = text.index('[[sources]]\nname = "trust"'), text.index("[[properties]]")
    job.write_text(text[:first] + text[last:])
    run = jobs.link(job, out=tmp_path / "run")
    facts = json.loads((run.folder / "linked/linkage_facts.json").read_text())
    assert facts["quality"]["blind"]["counts"] == []
    assert facts["quality"]["blind"]["unasked"].startswith("No record outside the register")
