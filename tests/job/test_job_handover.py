"""What is handed from a linkage to an analysis: what it needs, and what it refuses."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from small_job import write_small_job

from pophealth_link import evaluate
from pophealth_link import job as jobs
from pophealth_link.errors import LinkageError, UserError
from pophealth_link.job import cards, index, runner
from pophealth_link.job.analysing import run_analyse
from pophealth_link.job.progress import Silent
from pophealth_link.job.spec import LinkTable, NeedTable
from pophealth_link.need import release
from pophealth_link.need.linkage_release import LARGEST_GAP, LEAST_RECALL


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handover")
    job = write_small_job(folder / "data")
    return job, jobs.link(job, out=folder / "half").folder / "linked"


@pytest.fixture
def copied(linked, tmp_path):
    job, there = linked
    shutil.copytree(job.parent, tmp_path / "data")
    shutil.copytree(there, tmp_path / "linked")
    return tmp_path / "data/job.toml", tmp_path / "linked"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def analysed(job, linked, out):
    checked = jobs.load(job, ("analyse",))
    return run_analyse(checked, checked.read_reference(), linked, out, Silent())


def test_analysis_needs_no_key_no_model_no_people_and_no_identifier_of_dwellings(copied, tmp_path):
    job, there = copied
    edit(job, "[disclosure]", '[link]\nmodel = "model.json"\n[disclosure]')
    for name in ("project.key", "gp.parquet", "trust.csv", "care.csv"):
        (job.parent / name).unlink()
    homes = pl.read_csv(job.parent / "council_tax.csv", infer_schema=False)
    homes.drop("uprn", "postcode").write_csv(job.parent / "council_tax.csv")
    done = analysed(job, there, tmp_path / "out")
    assert done.inputs.dwellings.height == homes.height
    with pytest.raises(UserError) as caught:
        jobs.load(job, ("link",))
    for name in ("model.json", "project.key", "gp.parquet", "`uprn`"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    "name", ["person_index.parquet", "person_facts.parquet", "property_facts.parquet"]
)
@pytest.mark.parametrize("how", ["absent", "garbage", "column", "type"])
def test_an_index_that_is_damaged_is_refused(copied, tmp_path, name, how):
    job, there = copied
    frame = pl.read_parquet(there / name)
    if how == "absent":
        (there / name).unlink()
    if how == "garbage":
        (there / name).write_bytes(b"PAR1 garbage")
    if how == "column":
        frame.drop(frame.columns[-1] if name != "person_index.parquet" else "method").write_parquet(
            there / name
        )
    if how == "type":
        frame.with_columns(pl.lit(1).alias(frame.columns[0])).write_parquet(there / name)
    with pytest.raises(LinkageError, match=name):
        analysed(job, there, tmp_path / "out")


def without(key):
    return lambda facts: {k: v for k, v in facts.items() if k != key}


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {},
        lambda _: [],
        without("methods"),
        without("as_of"),
        lambda f: {**f, "sources": [{}]},
    ],
)
def test_facts_of_the_linkage_that_are_not_whole_are_refused(copied, tmp_path, change):
    job, there = copied
    path = there / "linkage_facts.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(LinkageError, match=r"linkage_facts\.json"):
        analysed(job, there, tmp_path / "out")


def test_without_the_facts_of_the_linkage_the_card_says_so(copied):
    job, there = copied
    (there / "linkage_facts.json").unlink()
    checked = jobs.load(job, ("analyse",))
    read = index.read(checked, there)
    card = cards.card(checked, checked.read_reference(), read.exact, read.people)
    assert "not handed over" in card.json["limits"]["limits"][0]
    methods = {m["method"] for own in card.json["results"]["by_source"] for m in own["methods"]}
    assert "nhs_number" in methods
    registers = [s["name"] for s in card.json["data"]["sources"] if s["register"]]
    assert registers == ["gp"]
    assert "not handed over" in cards.texts(card)["linkage_card.md"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("as_of = 2026-04-01", "as_of = 2025-04-01", "as_of"),
        ("seed = 1", "seed = 1\nperiod = [2025-01-01, 2025-12-31]", "period"),
        ('name = "care"', 'name = "ASC"', "ASC"),
        ('name = "council_tax"', 'name = "rates"', "rates"),
    ],
)
def test_an_index_for_another_day_period_or_source_is_refused(copied, tmp_path, old, new, words):
    job, there = copied
    edit(job, old, new)
    with pytest.raises(LinkageError, match=words):
        analysed(job, there, tmp_path / "out")


def test_unknown_sources_are_refused_without_the_facts_too(copied, tmp_path):
    job, there = copied
    (there / "linkage_facts.json").unlink()
    edit(job, 'name = "care"', 'name = "ASC"')
    with pytest.raises(LinkageError, match="ASC"):
        analysed(job, there, tmp_path / "out")


def record_of(job, halves, there=None):
    checked = jobs.load(job, halves)
    return runner._record(checked, checked.read_reference(), halves, there)


def test_analysis_hashes_the_index_that_it_reads(copied):
    job, there = copied
    inputs = record_of(job, ("analyse",), there)["inputs"]
    wanted = [
        "person_index.parquet",
        "person_facts.parquet",
        "imputed_links.parquet",
        "imputed_facts.parquet",
        "property_facts.parquet",
        "linkage_facts.json",
    ]
    assert {f"index/{name}" for name in wanted} == {k for k in inputs if k.startswith("index/")}


def test_files_outside_the_job_have_keys_of_their_own_that_tell_no_place(copied, tmp_path):
    job, _ = copied
    for name, file in (("a", "trust.csv"), ("b", "care.csv")):
        (tmp_path / name).mkdir()
        (job.parent / file).rename(tmp_path / name / "people.csv")
        edit(job, f'people = "{file}"', f'people = "{tmp_path}/{name}/people.csv"')
    inputs = record_of(job, ("link",))["inputs"]
    outside = sorted(key for key in inputs if key.startswith("outside/"))
    assert len({inputs[key] for key in outside}) == len(outside) == 2
    assert not any(str(tmp_path) in key for key in inputs)
    assert {"job.toml", "gp.parquet", "council_tax.csv"} <= set(inputs)


def fingerprint(job, halves=("link", "analyse")):
    checked = jobs.load(job, halves)
    record = runner._record(checked, checked.read_reference(), halves, None)
    return runner.manifest.fingerprint(record, checked.read_key().check_value()), record


def test_what_shapes_a_run_changes_its_fingerprint(copied):
    job, _ = copied
    seen = {fingerprint(job)[0]}
    assert fingerprint(job)[0] in seen
    (job.parent / "project.key").write_text("another key, of sixteen bytes or more")
    found, record = fingerprint(job)
    assert found not in seen
    assert not any("key" in name for name in record["inputs"])
    seen.add(found)
    default = Path(runner.__file__).parents[1] / "link/default_model.json"
    shutil.copy(default, job.parent / "model.json")
    edit(job, "[disclosure]", '[link]\nmodel = "model.json"\n[disclosure]')
    seen.add(fingerprint(job)[0])
    (job.parent / "model.json").write_text(default.read_text() + "\n")
    seen.add(fingerprint(job)[0])
    assert len(seen) == 4
    record = fingerprint(job)[1]
    other = {**record, "reference": {"name": "example", "sha256": "0"}}
    assert runner.manifest.fingerprint(other, None) != runner.manifest.fingerprint(record, None)
    other = {**record, "pophealth_link": "0"}
    assert runner.manifest.fingerprint(other, None) != runner.manifest.fingerprint(record, None)


def test_a_key_written_where_a_name_belongs_reaches_no_manifest(copied, monkeypatch):
    job, _ = copied
    monkeypatch.setenv("MARKED", "a key of sixteen bytes or more")
    edit(job, 'key_file = "project.key"', 'key_env = "MARKED"')
    assert "MARKED" not in json.dumps(fingerprint(job)[1])


def test_without_the_draws_of_the_links_nothing_else_is_missing(copied):
    job, there = copied
    checked = jobs.load(job, ("analyse",))
    assert index.read(checked, there).imputed.height > 0
    (there / "imputed_links.parquet").unlink()
    made = index.read(checked, there)
    assert made.imputed is None
    assert made.imputed_facts is None
    assert made.people.height > 0


@pytest.mark.slow
@pytest.mark.parametrize(("bounds", "weak"), [("", False), ("least_recall = 0.999", True)])
def test_the_bounds_of_weak_linkage_are_those_of_the_job(copied, tmp_path, bounds, weak):
    job, there = copied
    index_ = (
        pl.read_parquet(there / "person_index.parquet").filter(source="trust").sort("record_id")
    )
    moved = index_.filter(pl.int_range(pl.len()) >= 140).select("source", "record_id")
    # Ten records are of people of their own in the index, and of somebody of the register in draws.
    drawn = pl.read_parquet(there / "imputed_links.parquet")
    far = moved.join(
        pl.DataFrame({"draw": range(4)}, schema=drawn.select("draw").schema), how="cross"
    )
    home = index_.select("source", "record_id", "person_id").filter(pl.int_range(pl.len()) < 140)
    own = pl.read_parquet(there / "person_index.parquet")
    apart = pl.col("record_id").is_in(moved["record_id"].implode()) & (pl.col("source") == "trust")
    own = own.with_columns(
        person_id=pl.when(apart).then(pl.format("{}0", "person_id")).otherwise("person_id")
    )
    own.write_parquet(there / "person_index.parquet")
    whose = moved.join(
        index_.select("source", "record_id", "person_id"), on=["source", "record_id"]
    )
    links = far.join(whose, on=["source", "record_id"]).with_columns(
        imputations=pl.lit(4, pl.Int64)
    )
    links.select(drawn.columns).cast(drawn.schema).write_parquet(there / "imputed_links.parquet")
    assert home.height == 140
    edit(job, "[disclosure]", f"[need]\n{bounds}\n[disclosure]")
    done = analysed(job, there, tmp_path / "out")
    baseline, _ = release(done.counts, jobs.load(job, ("analyse",)).policy)
    shown = baseline.filter(
        indicator="mental_health_contacts", footprint_code="whole", stratum="all"
    )
    assert set(shown["status"]) == {"linkage_too_weak" if weak else "ok"}


def test_the_job_says_how_often_links_are_drawn_and_the_card_tells(copied, tmp_path):
    job, _ = copied
    assert (LinkTable().draws, NeedTable().least_recall, NeedTable().largest_gap) == (
        evaluate.IMPUTATIONS, LEAST_RECALL, LARGEST_GAP,
    )  # fmt: skip
    edit(job, "[disclosure]", "[link]\ndraws = 3\n[need]\nlargest_gap = 0.2\n[disclosure]")
    there = jobs.link(job, out=tmp_path / "half").folder / "linked"
    drawn = pl.read_parquet(there / "imputed_links.parquet")
    assert set(drawn["imputations"]) <= {3}
    assert drawn["draw"].max() is None or drawn["draw"].max() < 3
    checked = jobs.load(job, ("analyse",))
    read = index.read(checked, there)
    told = cards.card(checked, checked.read_reference(), read.exact, read.people).json
    words = " ".join(told["limits"]["limits"])
    assert "less than 90 % " in words
    assert "more than 20 points" in words
    assert "drawn 3 times" in words


@pytest.mark.parametrize("setting", ["[link]\ndraws = 1", "[need]\nleast_recall = 1.5"])
def test_bounds_that_mean_nothing_are_refused(copied, setting):
    job, _ = copied
    edit(job, "[disclosure]", f"{setting}\n[disclosure]")
    with pytest.raises(UserError, match=r"draws|least_recall"):
        jobs.load(job, ("analyse",))


@pytest.mark.slow
def test_counts_of_linked_records_have_limits_from_linkage(copied, tmp_path):
    job, there = copied
    done = analysed(job, there, tmp_path / "out")
    baseline, _ = release(done.counts, jobs.load(job, ("analyse",)).policy)
    baseline = baseline.filter(
        indicator="mental_health_contacts", footprint_code="whole", stratum="all"
    )
    told = baseline.drop_nulls("value")
    assert told.height > 0
    assert told["linkage_lower"].null_count() == told["linkage_upper"].null_count() == 0
    assert (told["linkage_lower"] <= told["value"] + 1e-6).all()
    assert (told["value"] <= told["linkage_upper"] + 1e-6).all()
