"""`plan`: exact comparisons, cost, files; refuses what is over the budget, and writes nothing."""

import json
import subprocess
import sys

import polars as pl
import pytest
from small_job import write_small_job

from pophealth_link import job as jobs
from pophealth_link.job import outputs, planning
from pophealth_link.job.accounting import Accounts
from pophealth_link.job.checking import check
from pophealth_link.job.link_settings import link_spec
from pophealth_link.job.people import Reading, read_people
from pophealth_link.job.progress import Silent
from pophealth_link.link import blocking, link


def cli(*args):
    return subprocess.run(
        [sys.executable, "-m", "pophealth_link", *map(str, args)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def job(tmp_path):
    return write_small_job(tmp_path / "data")


def edit(job, old, new):
    text = job.read_text()
    assert old in text
    job.write_text(text.replace(old, new))


def files_under(folder):
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*")
    }


def crowded(job, budget):
    """Many of one home and one birthday, and a budget that they pass."""
    for name in ("gp.parquet", "care.csv"):
        path = job.parent / name
        read = pl.read_parquet if name.endswith("parquet") else pl.read_csv
        frame = read(path)
        crowd = pl.int_range(pl.len()) < 100
        frame.with_columns(
            postcode=pl.when(crowd).then(pl.lit("MA1 1RK")).otherwise("postcode"),
            family_name=pl.lit("Marked") + pl.int_range(pl.len()).cast(pl.String),
        ).pipe(lambda f, p=path, n=name: f.write_parquet(p) if n[0] == "g" else f.write_csv(p))
    edit(job, "[privacy]\n", f"[link]\nmax_pairs = {budget}\n[privacy]\n")


def test_it_says_what_check_says_and_more_and_writes_nothing(job, tmp_path):
    before = files_under(tmp_path)
    done = cli("plan", job, "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith(check(job))
    for rule in blocking.RULES:
        assert f"\n  {rule.name} " in done.stdout
    assert "Expected time" in done.stdout
    assert "Expected memory" in done.stdout
    assert files_under(tmp_path) == before


def test_progress_goes_to_stderr_and_json_alone_to_stdout(job):
    done = cli("plan", job, "--json")
    assert done.returncode == 0
    assert "counting comparisons" in done.stderr
    body = json.loads(done.stdout)
    assert body["described"] == check(job).splitlines()
    assert body["budget"] == 500_000_000
    assert body["over_budget"] == []
    assert {each["rule"] for each in body["comparisons"]} == {r.name for r in blocking.RULES}
    assert body["expected"]["memory_mb"] > 0
    assert body["files"] == planning.plan(job).facts()["files"]


def misspelt(job):
    """A third of a council's people under other names, which no exact pass links."""
    care = pl.read_csv(job.parent / "care.csv", infer_schema=False)
    changed = pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.col("family_name") + "x")
    care.with_columns(changed.otherwise("family_name").alias("family_name")).write_csv(
        job.parent / "care.csv"
    )


def test_comparisons_are_those_of_the_run_and_sources_add_up(job):
    misspelt(job)
    planned = planning.plan(job)
    exact = planned.comparisons.filter(bound="exact")
    by_rule = exact.group_by("rule", maintain_order=True).agg(pl.col("pairs").sum())
    loaded = jobs.load(job)
    people = read_people(loaded, Reading.of(loaded, Accounts(), Silent(), kept=None))
    links = link(people, link_spec(loaded))
    assert by_rule["pairs"].sum() > 40
    assert by_rule.equals(links.comparisons.select("rule", pl.col("pairs").cast(pl.Int64)))
    told = {row[0]: row[1:] for row in planned.sources.iter_rows()}
    by_method = links.person_index.group_by("source", "method").len()
    weighed = by_method.filter(pl.col("method").is_in(["probabilistic", "unlinked"]))
    left = dict(weighed.group_by("source").agg(pl.col("len").sum()).iter_rows())
    assert told == {
        "gp": (600, 0, 0),
        "trust": (150, 150, 0),
        "care": (120, 120 - left["care"], left["care"]),
    }


def test_every_pair_of_sides_is_told_and_a_bound_is_called_one(job):
    misspelt(job)
    planned = planning.plan(job)
    sides = planned.comparisons.group_by("source_l", "source_r", "bound").len().sort(pl.all())
    rules = len(blocking.RULES)
    assert sides.rows() == [
        ("care", "care", "at most", rules),
        ("care", "trust", "at most", rules),
        ("gp", "care", "exact", rules),
        ("gp", "trust", "exact", rules),
        ("trust", "trust", "at most", rules),
    ]
    body = planned.facts()
    assert {"source_l", "source_r", "rule", "pairs", "bound"} == body["comparisons"][0].keys()
    text = planning.text(planned)
    assert "Comparisons of records on no register with one another, each pair once, at most" in text


def test_what_may_be_over_the_budget_off_the_register_is_told_and_not_refused(job):
    """A council's people share a dwelling with two of the register: who is found there, none knows."""
    care = pl.read_csv(job.parent / "care.csv", infer_schema=False)
    name = pl.lit("Marked") + pl.int_range(pl.len()).cast(pl.String)
    care.with_columns(family_name=name, uprn=pl.lit("77")).write_csv(job.parent / "care.csv")
    gp = pl.read_parquet(job.parent / "gp.parquet")
    two = pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("77")).otherwise("uprn")
    gp.with_columns(uprn=two).write_parquet(job.parent / "gp.parquet")
    edit(job, "[privacy]\n", "[link]\nmax_pairs = 5_000\n[privacy]\n")
    planned = planning.plan(job)
    assert planned.refusal is None
    assert planned.facts()["may_be_over_budget"] == ["uprn"]
    assert "a run would stop there: uprn." in planning.text(planned)
    # Each pair of n people counts once, in two rows: as written, and with the names exchanged.
    left = planned.sources.filter(source="care")["compared"].item()
    told = planned.comparisons.filter(rule="uprn", bound="at most")
    assert told["pairs"].sum() == 2 * left * (left - 1) // 2 > 5_000


def test_the_key_that_a_run_makes_is_told(job):
    assert "linked/project.key" not in outputs.files(jobs.load(job))
    edit(job, '[privacy]\nkey_file = "project.key"\n', "")
    assert "linked/project.key" in outputs.files(jobs.load(job))


def test_a_rule_over_the_budget_is_told_and_refused_with_what_is_to_blame(job, tmp_path):
    crowded(job, 2_000)
    done = cli("plan", job, "--quiet")
    assert done.returncode == 13
    # The plan is told in full; then what `run` would refuse.
    assert "Comparisons with the register per blocking rule" in done.stdout
    run = cli("run", job, "--out", tmp_path / "run", "--quiet")
    assert run.returncode == 13
    assert done.stderr == run.stderr
    assert "more than 2,000 comparisons" in done.stderr
    assert "max_pairs" in done.stderr
    assert "one value of `home`, held by 100 records of the register" in done.stderr
    for value in ("MA1", "MARKED", "Marked"):
        assert value not in done.stdout + done.stderr
    body = json.loads(cli("plan", job, "--json", "--quiet").stdout)
    assert body["over_budget"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda job: (job.parent / "care.csv").unlink(), 10),
        (lambda job: edit(job, '"hes"', '"hess"'), 10),
        (lambda job: edit(job, "register = true\nunique_people = true", ""), 13),
        (lambda job: (job.parent / "care.csv").write_text("record_id,forename,born\n1,a,x\n1,b,y\n"), 11),
    ],
    ids=["absent file", "policy", "no register", "record id twice"],
)  # fmt: skip
def test_it_refuses_what_run_refuses(job, spoil, code):
    spoil(job)
    done = cli("plan", job)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
