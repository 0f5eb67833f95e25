"""A run of the targets: what is asked again and what is kept, and the pages that come of it."""

import argparse
import doctest
import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from benchmarks.answer import ANSWER, write
from benchmarks.extracts import extracts, register, truth
from benchmarks.processes import Ran
from benchmarks.targets_answers import CEILING, LIBRARY, YARDSTICK, Desk, answers
from benchmarks.targets_data import COUNCIL, foreign_numbers, made
from benchmarks.targets_verdicts import MISSED

from benchmarks import (
    accuracy,
    datasets,
    targets,
    targets_answers,
    targets_ceiling,
    targets_code,
    targets_figures,
    targets_results,
)
from pophealth_link.errors import DataError, JobError

NAME, OTHER, PEOPLE = "hard-500-401", "hard-500-402", 500


@pytest.fixture
def cache(data_cache):
    return data_cache


def cache_of_its_own(sets, folder):
    """A cache with copies of data sets that are made, in which answers may be kept."""
    for each in sets:
        shutil.copytree(each.folder, folder / each.folder.name)
    return folder


def desk(cache, *, earlier=(), jobs=1):
    said = []
    return Desk(cache, jobs, 60.0, earlier, said.append)


def answer_from_truth(folder, *, miss):
    """Right about every linkable record but each `miss`-th; of the others, some falsely linked."""
    people, known = extracts(folder), truth(folder)
    spine = known.filter(source=register(people).source).select("person_id", "record_id")
    spine = spine.rename({"record_id": "register_record_id"})
    others = known.filter(pl.col("source") != register(people).source)
    told = others.join(spine, on="person_id", how="left").sort("source", "record_id")
    place = pl.int_range(pl.len())
    wrong = pl.col("register_record_id").is_null() & (place % 3 == 0)
    return told.select(
        "source",
        "record_id",
        register_record_id=pl.when(wrong)
        .then(pl.lit(spine["register_record_id"][0]))
        .when(place % miss != 0)
        .then("register_record_id"),
    ).with_columns(
        score=pl.when(pl.col("register_record_id").is_not_null()).then(pl.lit(5.0)),
        accepted=pl.col("register_record_id").is_not_null(),
    )


class Fake:
    """Stands in for the processes of systems; `asked` are the system and folders of each."""

    def __init__(self, monkeypatch):
        self.asked, self.reason, self.kept, self.before = [], None, None, lambda: None
        monkeypatch.setattr(targets_answers.processes, "run", self.run)
        monkeypatch.setattr(targets_answers.systems.System, "lacking", lambda _: None)

    def run(self, words, log, *, time_limit):
        assert time_limit > 0
        system = words[1].removeprefix("benchmarks.")
        log.write_text("what it prints")
        self.before()
        if self.reason:
            return Ran(self.reason, 1.0, None)
        if "--train" in words:
            self.asked.append(
                ("learn", [named(each) for each in words[words.index("--train") + 1 :]])
            )
            Path(words[2]).write_text("learned")
            return Ran(None, 9.0, 1)
        folder, path = words[-2:] if system == "targets_ceiling" else words[2:4]
        if system == "targets_ceiling":
            assert Path(words[2]).read_text() == "learned"
        self.asked.append((system, [named(folder)]))
        miss = {"pophealth": 40, "plain_splink": 10}.get(system, 100)
        write(answer_from_truth(Path(folder), miss=miss).head(self.kept or 10**6), Path(path))
        return Ran(None, 2.0, 3 * 2**20)


def named(folder):
    return Path(folder).name.rsplit("-", 1)[0]


@pytest.fixture
def fake(monkeypatch):
    return Fake(monkeypatch)


def test_an_answer_is_asked_for_once_and_again_after_a_change_of_code(
    tmp_path, cache, fake, monkeypatch
):
    one = made(NAME, cache)
    mine = desk(tmp_path)
    first = answers({LIBRARY: [one], YARDSTICK: [one]}, mine)
    assert sorted(fake.asked) == [("plain_splink", [NAME]), ("pophealth", [NAME])]
    told = first[LIBRARY, NAME]
    assert (told.seconds, told.peak_memory_mb, told.current) == (2.0, 3, True)
    assert pl.read_parquet(told.path).schema == ANSWER
    assert answers({LIBRARY: [one], YARDSTICK: [one]}, mine) == first
    assert len(fake.asked) == 2
    code = targets_code.of
    monkeypatch.setattr(
        targets_code, "of", lambda name: "0" * 12 if name == LIBRARY else code(name)
    )
    again = answers({LIBRARY: [one], YARDSTICK: [one]}, mine)
    assert fake.asked[2:] == [("pophealth", [NAME])]
    assert again[YARDSTICK, NAME] == first[YARDSTICK, NAME]
    monkeypatch.setattr(targets_code, "of", lambda _: "1" * 12)
    kept = answers({LIBRARY: [one]}, desk(tmp_path, earlier=(LIBRARY,)))[LIBRARY, NAME]
    assert (kept.path, kept.current) == (again[LIBRARY, NAME].path, False)
    assert len(fake.asked) == 3


def test_the_ceiling_learns_once_for_all_data_sets_of_a_kind(tmp_path, cache, fake, monkeypatch):
    monkeypatch.setattr(datasets, "_CEILING_PEOPLE", PEOPLE)
    sets = [made(name, cache) for name in (NAME, OTHER)]
    assert sets[0].train == ("hard-500-301",)
    # What it learns from lies with the other data.
    lesson = made("hard-500-301", cache, to_train=True)
    mine = desk(cache_of_its_own([*sets, lesson], tmp_path / "cache"), jobs=2)
    told = answers({CEILING: sets[:1]}, mine)
    assert fake.asked == [("learn", ["hard-500-301"]), ("targets_ceiling", [NAME])]
    assert told[CEILING, NAME].seconds == 2.0
    answers({CEILING: sets}, mine)
    assert fake.asked[2:] == [("targets_ceiling", [OTHER])]


def test_what_fails_is_told_and_not_kept(tmp_path, cache, fake):
    one = made(NAME, cache)
    fake.reason = "ended with code 1 (ValueError)"
    with pytest.raises(JobError, match="pophealth_link, hard-500-401: it ended with code 1"):
        answers({LIBRARY: [one]}, desk(tmp_path))
    fake.reason = None
    fake.kept = 3
    with pytest.raises(DataError, match="cannot be scored"):
        answers({LIBRARY: [one]}, desk(tmp_path))
    assert not list(tmp_path.rglob("*.parquet"))


def test_code_that_changes_while_it_runs_gives_no_answer(tmp_path, cache, fake, monkeypatch):
    one = made(NAME, cache)
    fake.before = lambda: monkeypatch.setattr(targets_code, "of", lambda _: "2" * 12)
    with pytest.raises(JobError, match="was changed while it ran"):
        answers({LIBRARY: [one]}, desk(tmp_path))
    assert not list(tmp_path.rglob("pophealth_link-*.parquet"))


def tree(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


FILES = {
    "benchmarks/__init__.py": "import benchmarks.unused",
    "benchmarks/unused.py": "",
    "benchmarks/one.py": "from benchmarks.two import x\nimport polars",
    "benchmarks/two.py": "def f():\n    from pophealth_link.part import inner\n",
    "src/pophealth_link/__init__.py": "import pophealth_link.elsewhere",
    "src/pophealth_link/elsewhere.py": "",
    "src/pophealth_link/part/__init__.py": "",
    "src/pophealth_link/part/inner.py": "from pophealth_link.apart import y",
    "src/pophealth_link/part/model.json": "{}",
    "src/pophealth_link/part/tables/a.csv": "a",
    "src/pophealth_link/apart/__init__.py": "from pophealth_link.elsewhere import z",
}


def test_the_files_of_a_module_are_those_that_it_imports(tmp_path):
    tree(tmp_path, FILES)

    def found(*apart_from):
        return {
            path.relative_to(tmp_path).as_posix()
            for path in targets_code.files("benchmarks.one", apart_from, tmp_path)
        }

    part = "src/pophealth_link/part"
    near = {"benchmarks/one.py", "benchmarks/two.py", f"{part}/__init__.py", f"{part}/inner.py",
            f"{part}/model.json", f"{part}/tables/a.csv"}  # fmt: skip
    assert found("pophealth_link.apart") == near
    far = {"src/pophealth_link/apart/__init__.py", "src/pophealth_link/elsewhere.py"}
    assert found() == near | far
    assert found("pophealth_link") == {"benchmarks/one.py", "benchmarks/two.py"}


def test_a_fingerprint_changes_with_what_is_imported_and_with_nothing_else(tmp_path, monkeypatch):
    tree(tmp_path, FILES)
    depends = targets_code.Depends("benchmarks.one", ("pophealth_link.apart",))
    monkeypatch.setattr(targets_code, "SYSTEMS", {"x": depends})
    before = targets_code.of("x", tmp_path)
    tree(tmp_path, {"benchmarks/unused.py": "1", "src/pophealth_link/elsewhere.py": "1"})
    assert targets_code.of("x", tmp_path) == before
    left = ("benchmarks/.tool/x", "benchmarks/cache/x", "src/pophealth_link/part/.tool/x",
            "src/pophealth_link/part/__pycache__/x.pyc")  # fmt: skip
    tree(tmp_path, dict.fromkeys(left, "what a tool leaves"))
    assert targets_code.of("x", tmp_path) == before
    tree(tmp_path, {"src/pophealth_link/part/model.json": "[]"})
    assert targets_code.of("x", tmp_path) != before


def test_the_yardstick_does_not_depend_on_what_it_is_compared_with():
    def parts(system):
        depends = targets_code.SYSTEMS[system]
        return {
            path.relative_to(datasets.ROOT).parts[:3]
            for path in targets_code.files(depends.module, depends.apart_from)
        }

    assert all(part[0] == "benchmarks" for part in parts(YARDSTICK))
    for system in (LIBRARY, CEILING):
        assert {("src", "pophealth_link", "link"), ("src", "pophealth_link", "prepare")} <= parts(
            system
        )


def test_contents_are_known_by_records_and_by_how_sources_are_declared(cache):
    facts = made(NAME, cache).facts
    told = targets_code.contents(facts)
    assert targets_code.contents(json.loads(json.dumps(facts))) == told
    assert targets_code.contents({**facts, "sha256": "0"}) != told
    other = [{**each, "unique_people": not each["unique_people"]} for each in facts["sources"]]
    assert targets_code.contents({**facts, "sources": other}) != told


def test_numbers_of_somebody_else_are_counted(cache):
    folder = made(NAME, cache).folder
    people, known = extracts(folder), truth(folder)
    spine = register(people)
    trust = next(each for each in people if each.source == "acute")
    # Every record gets the number of the first person on the register.
    number = spine.frame["nhs_number"][0]
    same = [
        each if each is not trust
        else argparse.Namespace(source="acute", register=False,
            frame=trust.frame.with_columns(nhs_number=pl.lit(f"{number[:3]} {number[3:]}")))
        for each in people
    ]  # fmt: skip
    holder = known.filter(source=spine.source, record_id=spine.frame["record_id"][0])["person_id"][
        0
    ]
    own = known.filter(source="acute", person_id=holder).height
    told = foreign_numbers(same, known, "acute")
    assert told == {"numbers": trust.frame.height, "foreign_numbers": trust.frame.height - own}
    assert foreign_numbers(people, known, "homelessness") == {"numbers": 0, "foreign_numbers": 0}


def test_the_ceiling_judges_with_what_it_learned(tmp_path, monkeypatch):
    monkeypatch.setattr(targets_ceiling, "learn", lambda train: {"from": train})

    def judge(folder, learned):
        row = ("s", f"{folder.name} by {learned['from'][0].name}", None, None, False)
        return pl.DataFrame([row], schema=ANSWER, orient="row")

    monkeypatch.setattr(targets_ceiling, "judge", judge)
    learned, out = tmp_path / "learned.pickle", tmp_path / "b.parquet"
    assert targets_ceiling.main([str(learned), "--train", "a"]) == 0
    assert targets_ceiling.main([str(learned), "--data", "b", str(out)]) == 0
    assert pl.read_parquet(out)["record_id"].to_list() == ["b by a"]


def run(cache, out, *more):
    words = ["--parts", "large", "pooled", "--without-ceiling", "--draws", "20", "--jobs", "1"]
    sets = ["--sets", "large=500:401", "pooled=500:401-402"]
    return targets.main([*words, *sets, "--cache", str(cache), "--out", str(out), *more])


def test_a_run_writes_figures_verdicts_and_a_page(tmp_path, cache, fake, monkeypatch):
    monkeypatch.setattr(accuracy, "say", lambda _: None)
    sets = [made(name, cache) for name in (NAME, OTHER)]
    own = cache_of_its_own(sets, tmp_path / "cache")
    assert run(own, tmp_path / "one") == 0
    asked = len(fake.asked)
    assert asked > 0
    assert run(own, tmp_path / "two") == 0
    assert len(fake.asked) == asked
    first, second = ((tmp_path / n / "targets.json").read_bytes() for n in ("one", "two"))
    assert first == second
    told = targets_results.load(tmp_path / "one" / "targets.json")
    assert [each["name"] for each in told["families"]] == ["large", "pooled"]
    pooled = targets_results.figures(told, "pooled")
    missed = pooled.filter(measure="missed links ratio", scope="acute", point="own threshold")
    # One in forty and one in ten records are missed.
    assert 0.1 < missed["value"].item() < 0.4
    recall = next(each for each in told["verdicts"] if each["key"][:2] == ["recall", COUNCIL])
    page = (tmp_path / "one" / "targets.md").read_text()
    assert f"{recall['value']:.4f}" in page
    assert "hard-500-401 to hard-500-402, 2 data sets" in page
    assert page.count(f"| {MISSED} |") >= 1
    assert "earlier code" not in page
    assert "None" not in page
    assert "nan" not in page.replace("tenancies", "")


def test_anything_but_the_whole_never_replaces_the_committed_results():
    for words in (["--quick"], ["--parts", "large"], ["--earlier-ceiling"], ["--without-ceiling"],
                  ["--sets", "pooled=100:401-402"]):  # fmt: skip
        with pytest.raises(JobError, match="does not replace"):
            targets.main(words)


def test_data_sets_are_named_by_part_people_and_seeds():
    assert targets.names("second", "100:401") == ("second-100-401",)
    assert targets.names("large", "100:401-402") == ("hard-100-401", "hard-100-402")
    for part, words in (("large", "100"), ("pool", "100:401"), ("large", "100:402-401")):
        with pytest.raises(JobError, match="names no"):
            targets.names(part, words)
    with pytest.raises(JobError, match="names no data sets"):
        targets.main(["--sets", "febrl4=10:1"])
    with pytest.raises(JobError, match="trains a model"):
        targets.main(["--sets", "pooled=100:301", "--out", "x"])
    assert len(targets.names("pooled", targets.FULL["pooled"])) >= 20


def test_the_examples_hold():
    told = [doctest.testmod(each) for each in (targets, targets_figures)]
    assert sum(each.attempted for each in told) >= 2
    assert not any(each.failed for each in told)
