"""No value of a record leaves: marks are planted everywhere and looked for."""

import subprocess
import sys

import polars as pl
import pytest
from small_job import PEOPLE, write_small_job

from pophealth_link import job as jobs
from pophealth_link.errors import UserError
from pophealth_link.job.progress import Silent

MARK = "CANARY"
KEY = "CANARYKEYKEYKEYKEYKEY"


@pytest.fixture
def marked(tmp_path):
    """A job whose every free-text value, odd value, bad row and key carries the mark."""
    job = write_small_job(tmp_path / "data")
    folder = job.parent
    gp = pl.read_parquet(folder / "gp.parquet")
    gp.with_columns(
        record_id=pl.lit(f"{MARK}ID") + pl.col("record_id"),
        given_name=pl.lit(f"{MARK}given") + pl.col("given_name"),
        family_name=pl.lit(f"{MARK}family"),
        address=pl.lit(f"1 {MARK}address"),
        middle_names=pl.lit(f"{MARK}middle"),
        sex=pl.lit(f"{MARK}sex"),
        ethnic_category=pl.lit(f"{MARK}eth"),
        previous_family_name=pl.lit(f"{MARK}prev"),
    ).write_parquet(folder / "gp.parquet")
    for name in ("conditions.csv", "care.csv", "contacts.csv", "care_events.csv"):
        lines = (folder / name).read_text().splitlines()
        width = lines[0].count(",")
        ragged = ",".join([MARK] * (width + 4))
        odd = ",".join([f"{MARK}{i}" for i in range(width + 1)])
        no_id = "," + ",".join([MARK] * width)
        (folder / name).write_text("\n".join([*lines, ragged, odd, no_id]) + "\n")
    (folder / "project.key").write_text(KEY)
    return job


def run(*args):
    return subprocess.run(
        [sys.executable, "-m", "pophealth_link", *map(str, args)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_run_that_succeeds_says_and_releases_no_value(marked, tmp_path):
    done = run("run", marked, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert MARK not in (done.stdout + done.stderr).upper()
    outside = [
        path
        for path in (tmp_path / "run").rglob("*")
        if path.is_file() and "linked" not in path.relative_to(tmp_path / "run").parts
    ]
    assert len(outside) >= 8
    for path in outside:
        assert MARK not in path.read_text(encoding="utf-8").upper(), path.name
    # The marked bad rows are accounted for, not lost.
    assert "quarantine" in {p.name for p in (tmp_path / "run/linked").iterdir()}


def test_a_plan_says_no_value(marked):
    for more in ([], ["--json"]):
        done = run("plan", marked, *more)
        assert done.returncode == 0, done.stderr
        assert MARK not in (done.stdout + done.stderr).upper()


def test_released_files_hold_no_person_id_and_no_number(marked, tmp_path):
    assert run("run", marked, "--out", tmp_path / "run", "--quiet").returncode == 0
    index = pl.read_parquet(tmp_path / "run/linked/person_index.parquet")
    numbers = pl.read_parquet(marked.parent / "gp.parquet")["nhs_number"].to_list()
    for path in (tmp_path / "run/releasable").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not any(number in text for number in numbers[:200])
        assert not any(person in text for person in index["person_id"].head(200))


def chain_of(error):
    seen = []
    while error is not None:
        seen.append(f"{error!r} {error} {error.args}")
        error = error.__cause__ or error.__context__
    return " ".join(seen).upper()


def spoil(job, how):
    folder = job.parent
    if how == "dates":
        frame = pl.read_csv(folder / "care.csv", infer_schema=False, truncate_ragged_lines=True)
        frame.with_columns(born=pl.lit(MARK)).write_csv(folder / "care.csv")
    if how == "twice":
        gp = pl.read_parquet(folder / "gp.parquet")
        pl.concat([gp, gp.head(3)]).write_parquet(folder / "gp.parquet")
    if how == "header":
        text = (folder / "care.csv").read_text()
        (folder / "care.csv").write_text(text.partition("\n")[2])
    if how == "key":
        (folder / "project.key").write_text(MARK)
    if how == "opt-outs":
        (folder / "opt_outs.csv").write_text(f"nhs_number\n{MARK}\n")
        text = job.read_text().replace("[privacy]\n", '[privacy]\nopt_outs = "opt_outs.csv"\n')
        job.write_text(text)


@pytest.mark.parametrize("how", ["dates", "twice", "header", "key", "opt-outs"])
def test_a_run_that_fails_shows_no_value_in_the_whole_chain(marked, tmp_path, how):
    spoil(marked, how)
    with pytest.raises(UserError) as caught:
        jobs.run(marked, out=tmp_path / "run", progress=Silent())
    assert MARK not in chain_of(caught.value)
    assert not (tmp_path / "run").exists()


def test_people_who_opted_out_are_removed_and_counted(tmp_path):
    job = write_small_job(tmp_path / "data")
    gp = pl.read_parquet(job.parent / "gp.parquet")
    trust = pl.read_csv(job.parent / "trust.csv", infer_schema=False)
    gone = trust["nhs_number"].head(4)
    pl.DataFrame({"nhs_number": gone}).write_csv(job.parent / "opt_outs.csv")
    spoil_text = job.read_text().replace("[privacy]\n", '[privacy]\nopt_outs = "opt_outs.csv"\n')
    job.write_text(spoil_text)
    done = jobs.link(job, out=tmp_path / "run")
    rows = pl.read_json(done.folder / "manifest.json")["rows"][0]
    assert rows["gp"]["people"]["removed_by_opt_out"] == 4
    assert rows["trust"]["people"]["removed_by_opt_out"] == 4
    index = pl.read_parquet(done.folder / "linked/person_index.parquet")
    left = gp.filter(pl.col("nhs_number").is_in(gone.implode()))["record_id"]
    assert index.filter(pl.col("record_id").is_in(left.implode())).is_empty()
    assert index.filter(source="gp").height == PEOPLE - 4
