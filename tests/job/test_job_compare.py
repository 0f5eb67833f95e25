"""`compare` and `reconcile` on runs of a small job: what they read, write and refuse."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from small_job import write_small_job

from compared import baseline
from pophealth_link import cli as command_line
from pophealth_link import job as jobs
from pophealth_link.errors import DataError, JobError
from pophealth_link.job.comparing import compare, read_baseline
from pophealth_link.job.reconciling import read_published, reconcile_run
from pophealth_link.need.snapshot import read_snapshot
from pophealth_link.schema.outputs_compare import CHANGES, COMMON_FOOTPRINTS, RECONCILED


def cli(*args):
    return subprocess.run(
        [sys.executable, "-m", "pophealth_link", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )


def write(folder: Path, counts: dict[str, tuple[float, float]], **more) -> Path:
    """A folder as a run releases it: baseline.csv and snapshot.json."""
    made = baseline("x", counts, **more)
    (folder / "releasable").mkdir(parents=True)
    made.cells.write_csv(folder / "releasable/baseline.csv")
    (folder / "releasable/snapshot.json").write_text(made.snapshot.to_json(), encoding="utf-8")
    return folder


@pytest.fixture
def pair(tmp_path):
    """Two released baselines of three networks, made by hand."""
    write(tmp_path / "before", {"U1": (100, 1000), "U2": (90, 1000), "U3": (110, 1000)})
    write(tmp_path / "after", {"U1": (160, 1000), "U2": (95, 1000), "U3": (105, 1000)})
    return tmp_path


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run for the day a year before, and the next, which keeps its ids, by another policy."""
    folder = tmp_path_factory.mktemp("runs")
    job = write_small_job(folder / "data")
    text = job.read_text()
    for name, day in (("before", "2025-04-01"), ("after", "2026-04-01")):
        dated = text.replace("as_of = 2026-04-01", f"as_of = {day}")
        if name == "after":
            kept = '[link]\nprevious_index = "../before/linked"\n\n[disclosure]'
            dated = dated.replace("[disclosure]", kept).replace('"hes"', '"midpoint6"')
        job.write_text(dated)
        jobs.run(job, out=folder / name)
    return folder


@pytest.mark.slow
def test_a_run_releases_what_it_was_made_with(runs):
    made = read_snapshot(runs / "after/releasable/snapshot.json")
    assert made is not None
    assert made.policy["name"] == "midpoint6"
    assert made.definitions["depression_recorded"]["events"][0]["table"] == "condition_events"
    assert {each["source"] for each in made.linkage} == {"care", "trust"}
    tables = {each["source"]: each["tables"] for each in made.linkage}
    assert tables["care"] == ["social_care_events"]
    assert made.derived["pathways"][0]["id"] == "talking_therapies"
    practices = made.memberships.filter(basis="registered", footprint_type="pcn")
    assert practices.height
    assert (practices["share"] == 1).all()
    manifest = json.loads((runs / "after/releasable/release_manifest.json").read_text())
    assert "snapshot.json" in {each["name"] for each in manifest["files"]}


@pytest.mark.slow
def test_the_later_run_names_the_earlier_baseline_whose_people_it_knows(runs):
    made = read_snapshot(runs / "after/releasable/snapshot.json")
    assert made is not None
    assert made.previous == read_baseline(runs / "before").sha256
    first = read_snapshot(runs / "before/releasable/snapshot.json")
    assert first is not None
    assert first.previous is None


@pytest.mark.slow
def test_few_patients_make_no_membership_that_is_told(runs):
    made = read_snapshot(runs / "before/releasable/snapshot.json")
    people = pl.read_parquet(runs / "before/linked/people.parquet").filter("on_register", "current")
    told = made.memberships.filter(basis="resident")["unit"].unique()
    counts = people.group_by("lsoa_code").len().drop_nulls("lsoa_code")
    few = counts.filter(pl.col("len") < 8)["lsoa_code"]
    assert few.len()
    assert made.withheld == few.len()
    assert not told.is_in(few.implode()).any()


def test_compare_writes_its_tables_and_its_page(pair):
    out = pair / "change"
    done = cli("compare", pair / "before", pair / "after", "--out", out, "--area", "pcn:U1",
               "--comparison", "pcn:U2", "--comparison", "pcn:U3")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Comparison: {out}/comparison.md\n"
    assert {path.name for path in out.iterdir()} == {
        "changes.csv", "common_footprints.csv", "changed_definitions.csv", "differences.csv",
        "comparison.md",
    }  # fmt: skip
    for name, table in (("changes", CHANGES), ("common_footprints", COMMON_FOOTPRINTS)):
        header = (out / f"{name}.csv").read_text().splitlines()[0]
        assert header.split(",") == list(table.names)
    page = (out / "comparison.md").read_text()
    for words in ("2026-04-01", "parallel trends", "independent samples", "pcn:U2, pcn:U3"):
        assert words in page
    row = pl.read_csv(out / "differences.csv").row(0, named=True)
    # 6 points more in U1, 0.5 and -0.5 in the others.
    assert row["difference"] == pytest.approx(6.0)
    assert (row["method"], row["least_p_value"]) == ("permutation", pytest.approx(1 / 3, abs=1e-6))


@pytest.mark.slow
def test_every_cell_of_both_baselines_is_in_the_changes(runs):
    made = compare(runs / "before", runs / "after")
    found, common = made.changes, made.tables["common_footprints"]
    for words in ("2025-04-01", "person ids", "same_publication"):
        assert words in made.page
    for side in ("before", "after"):
        cells = read_baseline(runs / side).cells
        place = common.filter(side=side).select(
            "footprint_type", "basis", "own_code", "footprint_code"
        )
        held = cells.rename({"footprint_code": "own_code"}).join(
            place, on=["footprint_type", "basis", "own_code"]
        )
        assert held.height == cells.height
        key = ["footprint_type", "footprint_code", "basis", "indicator", "stratum"]
        assert held.join(found, on=key, how="anti").is_empty()


def test_a_folder_a_releasable_folder_and_a_file_are_the_same_baseline(pair):
    ways = ["before", "before/releasable", "before/releasable/baseline.csv"]
    assert len({read_baseline(pair / way).sha256 for way in ways}) == 1
    assert all(read_baseline(pair / way).snapshot is not None for way in ways)


def test_the_same_comparison_gives_the_same_bytes(pair):
    for name in ("one", "two"):
        compare(pair / "before", pair / "after", out=pair / name, areas=["pcn:U1"],
                comparison=["pcn:U2"])  # fmt: skip
    for path in (pair / "one").iterdir():
        assert path.read_bytes() == (pair / "two" / path.name).read_bytes(), path.name


def test_a_bridge_is_written_too(pair):
    made = compare(pair / "before", pair / "after", bridge=pair / "before", out=pair / "c")
    rows = made.tables["change_parts"].filter(status="ok")
    # The earlier baseline is its own bridge: nothing comes from the method.
    assert rows.height == 3
    assert (rows["from_method"].abs() < 1e-6).all()
    assert (pair / "c/change_parts.csv").exists()


def spoilt(pair, change) -> Path:
    text = (pair / "before/releasable/baseline.csv").read_text()
    path = pair / "baseline.csv"
    path.write_text(change(text))
    return path


BAD = {
    "a column is absent": (lambda t: t.replace(",numerator,", ",numerater,", 1), "numerator  absent"),
    "a number is none": (lambda t: t.replace("\nicb,", "\nicb,", 1).replace(",%,", ",%,", 1)
                         + "whole,x,x,registered,i,all,MARKED,1,1,1,1,,,%,2026,ok,\n", "no numbers"),
    "rows twice": (lambda t: t + "\n".join(t.splitlines()[1:3]) + "\n", "again"),
    "no rows": (lambda t: t.splitlines()[0] + "\n", "0 cells"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_damaged_baseline_is_refused_without_its_values(case, pair):
    change, words = BAD[case]
    with pytest.raises(DataError, match=words) as caught:
        read_baseline(spoilt(pair, change))
    assert "MARKED" not in str(caught.value)


def test_what_is_absent_or_wrong_has_its_exit_code_and_leaves_nothing(pair, capsys):
    runs, out = pair, pair / "out"
    cases = {
        ("compare", runs / "before", runs / "none", "--out", out): 10,
        ("compare", runs / "before", runs / "after", "--out", pair): 15,
        ("compare", runs / "before", runs / "after"): 2,
        ("compare", runs / "before", runs / "after", "--out", out, "--area", "U1"): 10,
        ("compare", runs / "before", runs / "after", "--out", out, "--tolerance", "2"): 10,
        ("reconcile", runs / "after", runs / "none.csv", "--out", out): 10,
    }
    for args, code in cases.items():
        assert command_line._run([str(each) for each in args]) == code, args
        assert "Bug" not in capsys.readouterr().err
        assert not out.exists()


def published(folder: Path, rows: str) -> Path:
    path = folder / "published.csv"
    path.write_text(
        "area_type,area_code,indicator,numerator,denominator,period_start,period_end,source\n"
        + rows
    )
    return path


def test_reconcile_names_every_difference(pair):
    rows = "".join(
        f"pcn,{code},depression_recorded,{count},1000,,2026-03-31,A publication\n"
        for code, count in (("U1", 158), ("U2", 190))
    )
    out = pair / "out"
    done = cli("reconcile", pair / "after", published(pair, rows), "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Differences above 5 %: 1\nReconciliation: {out}/reconciliation.md\n"
    found = pl.read_csv(out / "reconciled.csv", infer_schema_length=None)
    assert found.columns == list(RECONCILED.names)
    assert dict(found.select("footprint_code", "status").rows()) == {
        "U1": "agrees", "U2": "differs", "U3": "not_published",
    }  # fmt: skip
    assert found.filter(footprint_code="U2")["difference"].item() == pytest.approx(-50)
    page = (out / "reconciliation.md").read_text()
    assert "| U2 |" in page
    assert "| U1 |" not in page


def test_reconcile_says_how_many_rows_were_not_judged(pair):
    rows = "pcn,U1,depression_recorded,158,1000,,{},A publication\n"
    agrees = reconcile_run(pair / "after", published(pair, rows.format("2026-03-31"))).page
    assert "None of the row that was judged; 2 rows were not judged." in agrees
    other = reconcile_run(pair / "after", published(pair, rows.format("2020-03-31"))).page
    assert "No row was judged, of 3." in other
    assert "None" not in other


def test_baselines_out_of_order_are_refused_before_anything_is_written(pair, capsys):
    write(pair / "older", {"U1": (90, 1000)}, as_of=date(2025, 4, 1))
    args = ["compare", pair / "before", pair / "older", "--out", pair / "out"]
    assert command_line._run([str(each) for each in args]) == 11
    assert "earlier" in capsys.readouterr().err
    assert not (pair / "out").exists()


@pytest.mark.slow
def test_exact_counts_of_practices_stay_out_of_what_may_be_released(runs, tmp_path):
    counts = runs / "after/linked/practice_counts.parquet"
    assert counts.exists()
    held = pl.read_parquet(counts).filter(indicator="depression_recorded").sort("unit")
    code, count = held.row(0, named=True)["unit"], held["numerator"][0]
    rows = f"practice,{code},depression_recorded,{count + 100},1000,,2026-03-31,A publication\n"
    made = reconcile_run(runs / "after", published(tmp_path, rows), out=tmp_path / "out")
    assert made.rows.filter(footprint_type="practice", footprint_code=code)["own"].item() == count
    inside = pl.read_csv(tmp_path / "out/reconciled_practices.csv")
    assert inside["footprint_type"].unique().to_list() == ["practice"]
    released = (tmp_path / "out/reconciled.csv").read_text()
    assert "practice," not in released
    assert "practice" not in (tmp_path / "out/reconciliation.md").read_text().split("##")[1]


def test_qof_as_published_and_as_a_table_are_read_alike(tmp_path):
    raw = pl.DataFrame({
        "PRACTICE_CODE": ["G83001", "G83001"], "GROUP_CODE": ["DEP", "AST"], "REGISTER": [40, 9],
        "PATIENT_LIST_TYPE": ["18OV", "06OV"], "PRACTICE_LIST_SIZE": [400, 500]})  # fmt: skip
    raw.write_csv(tmp_path / "prevalence.csv")
    with pytest.raises(JobError, match="--year"):
        read_published(tmp_path / "prevalence.csv")
    found = read_published(tmp_path / "prevalence.csv", "2020/21")
    assert found.select("area_code", "indicator", "numerator", "denominator").rows() == [
        ("G83001", "depression_recorded", 40.0, 400.0)
    ]
    raw.write_csv(tmp_path / "PREVALENCE_2021.csv")
    assert read_published(tmp_path / "PREVALENCE_2021.csv").equals(found)


def test_published_counts_without_their_columns_say_what_can_be_done(tmp_path):
    """There is no job whose settings could map them."""
    path = tmp_path / "counts.csv"
    for text, said in (
        ("area_code,indicator,count,source\nU1,depression_recorded,9,QOF\n", "`numerator`"),
        ("a,b\n1,2\n", "no column of published_counts"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=said) as told:
            read_published(path)
        assert "sources.columns" not in str(told.value)
        assert "`pophealth-link describe published_counts`" in str(told.value)


def test_the_page_says_where_rounding_may_hide_a_difference(pair):
    """102 of 100 as released: at a step of 8, from 98 to 106 were counted."""
    write(pair / "rounded", {"U1": (102, 1000)}, policy={"name": "p", "base": 8})
    rows = "pcn,U1,depression_recorded,100,1000,,2026-03-31,A publication\n"
    page = reconcile_run(pair / "rounded", published(pair, rows)).page
    assert "None of the row that was judged; 0 rows were not judged." in page
    assert "Of one row, which agrees as released, rounding may hide such a difference." in page


def test_an_unknown_indicator_is_refused_with_the_nearest(pair):
    path = published(pair, "pcn,U1,depresion_recorded,1,2,,2026-03-31,A publication\n")
    with pytest.raises(DataError, match="depression_recorded"):
        reconcile_run(pair / "after", path)


@pytest.mark.parametrize("verb", ["compare", "reconcile"])
def test_help_has_an_example(verb):
    done = cli(verb, "--help")
    assert done.returncode == 0
    assert f"Example:  pophealth-link {verb}" in done.stdout
